/* `thalweg help`: a command, a configuration key, an exit code. */
#include "cli/command.h"
#include "thalweg/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int code;
    const char *text;
} codes[] = {
#define X(name, code, text) {#name, code, text},
    TW_STATUSES(X)
#undef X
};

static tw_status help_exit(const char *code)
{
    bool found = false;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (!code || strtol(code, NULL, 10) == codes[i].code) {
            printf("%4d  %s\n", codes[i].code, codes[i].text);
            found = true;
        }
    return found ? TW_OK : tw_fail(TW_USAGE, "thalweg never ends with exit code %s; `thalweg help exit` lists all", code);
}

tw_status tw_command_help(int argc, char **argv)
{
    const char *topic = argc > 1 ? argv[1] : "", *detail = argc > 2 ? argv[2] : NULL;
    if (strcmp(topic, "--help") == 0) {
        printf("usage: thalweg help [COMMAND | config [KEY|markdown] | exit [CODE]]\n");
        return TW_OK;
    }
    if (strcmp(topic, "config") == 0 && detail && strcmp(detail, "markdown") == 0) return tw_config_markdown(stdout);
    if (strcmp(topic, "config") == 0) return tw_config_help(stdout, detail);
    if (strcmp(topic, "exit") == 0) return help_exit(detail);
    const tw_command *command = tw_command_find(topic);
    if (!command) return tw_fail(TW_USAGE, "no help about '%s'; try a command, config or exit", topic);
    char name[64], option[] = "--help", *arguments[] = {name, option, NULL};
    snprintf(name, sizeof name, "thalweg %s", command->name);
    return command->run(2, arguments);
}
