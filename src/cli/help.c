/* `thalweg help`: a command, a configuration key, an exit code. */
#include "cli/command.h"
#include "thalweg/config.h"
#include "thalweg/fault.h"
#include "thalweg/model.h"
#include "thalweg/optimizer.h"
#include "thalweg/step.h"

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

static void print_name(FILE *out, bool markdown, const char *key, const char *name, const char *summary)
{
    if (markdown)
        fprintf(out, "| `%s` | `%s` | %s |\n", key, name, summary);
    else
        fprintf(out, "  %s: %-14s %s\n", key, name, summary);
}

/* What model.type, optimizer.type and step.rule may be: the rows of the tables. */
static void print_names(FILE *out, const char *key, bool markdown)
{
    const bool all = !key;
    for (size_t i = 0; tw_models[i] && (all || strcmp(key, "model.type") == 0); i++)
        print_name(out, markdown, "model.type", tw_models[i]->name, tw_models[i]->summary);
    for (size_t i = 0; tw_optimizers[i] && (all || strcmp(key, "optimizer.type") == 0); i++)
        print_name(out, markdown, "optimizer.type", tw_optimizers[i]->name, tw_optimizers[i]->summary);
    for (size_t i = 0; tw_steps[i] && (all || strcmp(key, "step.rule") == 0); i++)
        print_name(out, markdown, "step.rule", tw_steps[i]->name, tw_steps[i]->summary);
}

static tw_status help_config(const char *key)
{
    if (!key || strcmp(key, "markdown") != 0) {
        TW_TRY(tw_config_help(stdout, key));
        print_names(stdout, key, false);
        return TW_OK;
    }
    TW_TRY(tw_config_markdown(stdout));
    printf("\n## Names\n\n| key | name | meaning |\n| --- | --- | --- |\n");
    print_names(stdout, NULL, true);
    return TW_OK;
}

static tw_status help_exit(const char *code)
{
    bool found = false;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (!code || strtol(code, NULL, 10) == codes[i].code) {
            printf("%4d  %s\n", codes[i].code, codes[i].text);
            found = true;
        }
    return found ? TW_OK
                 : tw_fail(TW_USAGE, "thalweg never ends with exit code %s; `thalweg help exit` lists all",
                           code);
}

static tw_status help_fault(void)
{
    printf("Failures can be rehearsed, to see what a cluster makes of them before it matters:\n\n"
           "  export THALWEG_FAULT=\"rank=1,phase=step,iteration=20,kind=kill; "
           "phase=checkpoint,kind=enospc\"\n\n"
           "Each happens once: on this rank (0), when it begins the phase at this iteration (the first "
           "time), or\n"
           "at the next chance from there on. Unset, it costs nothing.\n\n");
#define X(id, name, clock, doing) printf("  phase=%-11s %s\n", name, doing);
    TW_PHASES(X)
#undef X
    printf("\n");
#define X(id, name, number, text)                                                       \
    printf("  kind=%-7s %s a rank that %s%s\n", name, number < 0 ? "   " : "=N ", text, \
           number < 0 ? "" : " N");
    TW_FAULTS(X)
#undef X
    printf("\n  index=J      which number a NaN or a flipped bit goes to (0)\n"
           "  of=WHAT      what a bit is flipped of: parameters or optimizer\n"
           "  call=WHICH   wait for the next system call of a file being written: write, sync or rename\n"
           "\n  export THALWEG_NODES=4     takes the ranks to lie on 4 nodes; 4c: dealt out to them in turn\n");
    return TW_OK;
}

tw_status tw_command_help(int argc, char **argv)
{
    const char *topic = argc > 1 ? argv[1] : "", *detail = argc > 2 ? argv[2] : NULL;
    if (strcmp(topic, "--help") == 0) {
        printf("usage: thalweg help [COMMAND | config [KEY|markdown] | exit [CODE] | fault]\n");
        return TW_OK;
    }
    if (strcmp(topic, "config") == 0) return help_config(detail);
    if (strcmp(topic, "exit") == 0) return help_exit(detail);
    if (strcmp(topic, "fault") == 0) return help_fault();
    const tw_command *command = tw_command_find(topic);
    if (!command) return tw_fail(TW_USAGE, "no help about '%s'; try a command, config, exit or fault", topic);
    char name[64], option[] = "--help", *arguments[] = {name, option, NULL};
    snprintf(name, sizeof name, "thalweg %s", command->name);
    return command->run(2, arguments);
}
