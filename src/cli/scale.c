/* `thalweg scale`: one dispatch; each subcommand has a file. */
#include "cli/scale.h"

#include "cli/command.h"
#include "thalweg/launch.h"
#include "thalweg/words.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *args, *summary;
    tw_status (*run)(int argc, char **argv);
} rows[] = {
#define X(name, args, summary) {#name, args, summary, tw_scale_##name},
    TW_SCALES(X)
#undef X
};

enum { N_ROWS = sizeof rows / sizeof *rows };

static void print_usage(FILE *out)
{
    fprintf(out, "Usage: thalweg scale COMMAND ...\nScaling studies: one configuration on several numbers of "
                 "ranks.\n\n");
    for (int i = 0; i < N_ROWS; i++)
        fprintf(out, "  %-9s %-42s %s\n", rows[i].name, rows[i].args, rows[i].summary);
    fprintf(out, "\n`thalweg scale COMMAND --help` explains one.\n");
}

tw_status tw_command_scale(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "", *names[N_ROWS];
    char name[64];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-?") == 0) {
        if (tw_launch_rank() == 0) print_usage(stdout);
        return TW_OK;
    }
    for (int i = 0; i < N_ROWS; i++) {
        names[i] = rows[i].name;
        if (strcmp(word, rows[i].name) != 0) continue;
        snprintf(name, sizeof name, "thalweg scale %s", word);
        argv[1] = name;
        return rows[i].run(argc - 1, argv + 1);
    }
    const char *near = tw_words_nearest(word, N_ROWS, names);
    if (!word[0] && tw_launch_rank() == 0) print_usage(stderr);
    return tw_fail(TW_USAGE, "scale does plan, run, report or exchange, not '%s'%s%s%s", word,
                   near ? ". Did you mean '" : "", near ? near : "", near ? "'?" : "");
}
