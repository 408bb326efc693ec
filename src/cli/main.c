/* thalweg: the command table, one dispatch, and the one place that prints an error. */
#include "cli/arguments.h"
#include "cli/command.h"
#include "thalweg/comm.h"
#include "thalweg/dataset.h"
#include "thalweg/kernels.h"
#include "thalweg/version.h"
#include "thalweg/words.h"

#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const tw_command tw_commands[] = {
#define X(name, args, summary) {#name, args, summary, tw_command_##name},
    TW_COMMANDS(X)
#undef X
        {0}};

const tw_command *tw_command_find(const char *name)
{
    for (const tw_command *c = tw_commands; c->name; c++)
        if (strcmp(c->name, name) == 0) return c;
    return NULL;
}

static void print_usage(FILE *out)
{
    fprintf(out, "usage: thalweg COMMAND ...\n\n");
    for (const tw_command *c = tw_commands; c->name; c++)
        fprintf(out, "  %-9s %-42s %s\n", c->name, c->args, c->summary);
    fprintf(
        out,
        "\n`thalweg COMMAND --help` explains a command, `thalweg help config` every configuration key.\n");
}

static void print_version(void)
{
    unsigned major, minor, release;
    char mpi[64];
    H5get_libversion(&major, &minor, &release);
    tw_comm_library(sizeof mpi, mpi);
    printf("thalweg %s (%s), contract %d\n%s, HDF5 %u.%u.%u, %s, kernels %s\n", TW_VERSION, TW_GIT_COMMIT,
           TW_CONTRACT_VERSION, mpi, major, minor, release, __VERSION__, tw_kernels_get()->name);
}

static tw_status unknown_command(const char *word)
{
    const char *names[64];
    size_t count = 0;
    for (const tw_command *c = tw_commands; c->name; c++) names[count++] = c->name;
    const char *near = tw_words_nearest(word, count, names);
    return tw_fail(TW_USAGE, "unknown command '%s'%s%s%s; `thalweg help` lists them", word,
                   near ? ". Did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static tw_status dispatch(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    char name[64];
    if (!word[0]) {
        if (tw_launch_rank() == 0) print_usage(stderr);
        return tw_fail(TW_USAGE, "a command is missing");
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || (strcmp(word, "help") == 0 && argc == 2)) {
        if (tw_launch_rank() == 0) print_usage(stdout);
        return TW_OK;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        if (tw_launch_rank() == 0) print_version();
        return TW_OK;
    }
    const tw_command *command = tw_command_find(word);
    if (!command) return unknown_command(word);
    snprintf(name, sizeof name, "thalweg %s", command->name);
    argv[1] = name;
    return command->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    signal(SIGXFSZ, SIG_IGN); /* a write beyond a limit is an error with a sentence, not a death */
    signal(SIGPIPE, SIG_IGN);
    tw_dataset_start();
    const tw_status status = dispatch(argc, argv);
    if (status != TW_OK && tw_status_message()[0] && tw_launch_rank() != 0) {
        usleep(300000); /* a failure before MPI: let rank 0 speak before the launcher kills it */
        if (status == TW_MEMORY) /* it may have nothing to say */
            fprintf(stderr, "thalweg: error: rank %ld: %s\n", tw_launch_rank(), tw_status_message());
    }
    tw_command_print_error(status);
    return (int)status;
}
