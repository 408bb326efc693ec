/* `thalweg help`: a command, a configuration key, an exit code. */
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/man.h"
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

static const struct argp_option no_options[] = {{0}};

typedef struct {
    const char *word[3]; /* topic, detail, and a folder */
    size_t n;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    arguments *a = state->input;
    if (key != ARGP_KEY_ARG) return ARGP_ERR_UNKNOWN;
    if (a->n == 3) argp_error(state, "one topic at a time, not also '%s'", value);
    a->word[a->n++] = value;
    return 0;
}

static const struct argp parser = {
    .options = no_options,
    .parser = parse_option,
    .args_doc = "\nCOMMAND\nconfig [KEY|markdown]\nexit [CODE]\nfault\nman [COMMAND|config|all DIR]",
    .doc =
        "Explain a command, a key of the configuration, an exit code, how to rehearse failures; or list the "
        "commands."
        "\vthalweg help train\n"
        "thalweg help config step.length\n"
        "thalweg help exit 75\n\n"
        "`man` writes the manual page of a command, of the configuration (config) or of the program; `man "
        "all "
        "DIR` writes all of them into DIR/man1 and DIR/man5.\n"
        "thalweg help man train | man -l -"};

static tw_status help_command(const char *topic)
{
    const tw_command *command = tw_command_find(topic);
    if (!command)
        return tw_fail(TW_USAGE, "no help about '%s'; try a command, config, exit, fault or man", topic);
    char name[64], option[] = "--help", *words[] = {name, option, NULL};
    snprintf(name, sizeof name, "thalweg %s", command->name);
    return command->run(2, words);
}

tw_status tw_command_help(int argc, char **argv)
{
    arguments a = {{NULL}, 0};
    TW_TRY(tw_arguments_parse(&parser, argc, argv, &a));
    const char *topic = a.word[0] ? a.word[0] : "", *detail = a.word[1];
    if (strcmp(topic, "man") == 0) return tw_man_help(detail, a.word[2]);
    if (a.n > 2 || (detail && tw_command_find(topic)))
        return tw_fail(TW_USAGE, "one topic at a time, not also '%s'", a.n > 2 ? a.word[2] : detail);
    if (strcmp(topic, "config") == 0) return help_config(detail);
    if (strcmp(topic, "exit") == 0) return help_exit(detail);
    if (strcmp(topic, "fault") == 0) return help_fault();
    return help_command(topic);
}
