/* `thalweg check`: all that `train` would refuse, told on a login node without MPI. */
#include "cli/arguments.h"
#include "cli/command.h"
#include "thalweg/run.h"

#include <stdio.h>
#include <stdlib.h>

enum { SET = 256 };

static const struct argp_option options[] = {
    {"set", SET, "KEY=VALUE", 0, "Override a key of the configuration; may be repeated", 0}, {0}};

typedef struct {
    const char *config;
    char **sets;
    size_t n_sets;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case SET: a->sets[a->n_sets++] = value; break;
    case ARGP_KEY_ARG: tw_arguments_one(state, "one configuration at a time", value, &a->config); break;
    case ARGP_KEY_END:
        if (!a->config) argp_error(state, "which configuration? (a YAML file)");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp parser = {.options = options,
                                   .parser = parse_option,
                                   .args_doc = "CONFIG.yaml",
                                   .doc = "Validate a configuration and look into its data; train nothing."};

static tw_status check(const arguments *a)
{
    const tw_run_request request = {.path = a->config, .n_sets = a->n_sets, .sets = a->sets};
    tw_comm *comm;
    tw_run run;
    TW_TRY(tw_comm_local(&comm));
    tw_run_init(&run, comm);
    tw_status status = tw_run_probe(&request, &run.text, &run.length);
    if (status == TW_OK) status = tw_run_configure(&run, a->config, a->n_sets, a->sets, NULL);
    if (status == TW_OK) status = tw_run_outline(&run);
    tw_run_release(&run);
    tw_comm_release(comm);
    if (status == TW_OK) printf("%s is fine\n", a->config);
    return status;
}

tw_status tw_command_check(int argc, char **argv)
{
    arguments a = {.sets = calloc((size_t)argc + 1, sizeof *a.sets)};
    if (!a.sets) return tw_fail(TW_MEMORY, "out of memory for the arguments");
    tw_status status = tw_arguments_parse(&parser, argc, argv, &a);
    if (status == TW_OK) status = check(&a);
    free(a.sets);
    return status;
}
