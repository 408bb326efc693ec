/* `thalweg init`: a commented configuration to begin with, or a job script for one, on stdout. */
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/job_script.h"
#include "scale/process.h"
#include "scale/scale.h"
#include "thalweg/config.h"
#include "thalweg/dataset.h"
#include "thalweg/units.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SBATCH = 256, SET, MINUTES_AFTER = 10 };

static const double most_bytes = (double)(1 << 30); /* of data that a rank should hold */

static const struct argp_option options[] = {
    {"sbatch", SBATCH, NULL, 0, "A job script for the configuration CONFIG.yaml", 0},
    {"set", SET, "KEY=VALUE", 0, "With --sbatch: override a key of the configuration; may be repeated", 0},
    {0}};

typedef struct {
    const char *what;
    char **sets;
    size_t n_sets;
    bool sbatch;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case SBATCH: a->sbatch = true; break;
    case SET: a->sets[a->n_sets++] = value; break;
    case ARGP_KEY_ARG: tw_arguments_one(state, "one at a time", value, &a->what); break;
    case ARGP_KEY_END:
        if (!a->what) argp_error(state, "linear, logistic or softmax? Or --sbatch CONFIG.yaml");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp parser = {.options = options,
                                   .parser = parse_option,
                                   .args_doc = "linear|logistic|softmax\n--sbatch CONFIG.yaml",
                                   .doc = "Print a commented configuration, or a job script of Slurm for one."
                                          "\vthalweg init softmax >run.yaml\n"
                                          "thalweg init --sbatch run.yaml >run.sbatch && sbatch run.sbatch"};

/* ---- a configuration ---- */

static const struct {
    const char *name, *labels, *scaling, *l2;
} kinds[] = {{"linear", "numbers", "standardize", "0"},
             {"logistic", "two classes", "standardize", "1e-4"},
             {"softmax", "whole numbers, one a class", "standardize", "1e-4"}};

enum { N_KINDS = sizeof kinds / sizeof *kinds };

static void print_configuration(size_t kind)
{
    printf("# A %s model. Every key, its range and its default: thalweg help config\n"
           "#   thalweg check THIS.yaml                 what is wrong with it, if anything\n"
           "#   mpirun -n 4 thalweg train THIS.yaml     into the run folder output.dir\n\n",
           kinds[kind].name);
    printf(
        "data:\n"
        "  train: train.h5       # HDF5: /X (rows, features) and /y (rows): %s; from CSV: thalweg convert\n"
        "  scaling: %-11s  # none, standardize or minmax; folded into the model\n"
        "  validation:\n"
        "    fraction: null      # 0.1: a tenth of the rows is watched and not learned from\n",
        kinds[kind].labels, kinds[kind].scaling);
    printf("model:\n"
           "  type: %s\n"
           "  l2: %-16s  # penalty l2/2 |w|^2; l1 is there too\n"
           "optimizer:\n"
           "  type: lbfgs           # a safe first choice; for mini-batches: adam with batch: 1024\n"
           "step:\n"
           "  rule: wolfe\n",
           kinds[kind].name, kinds[kind].l2);
    printf("stop:\n"
           "  gradient_norm_relative: 1e-6\n"
           "  max_iterations: 1000\n"
           "  max_time: null        # 4:00:00: the state is saved then, and the same command goes on\n"
           "reduction:\n"
           "  mode: reproducible    # the same bits on any number of ranks; allreduce: often faster\n"
           "checkpoint:\n"
           "  every: 5m\n"
           "output:\n"
           "  dir: runs/%s\n",
           kinds[kind].name);
}

static tw_status init_configuration(const char *name)
{
    for (size_t i = 0; i < N_KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0) {
            print_configuration(i);
            return TW_OK;
        }
    return tw_fail(TW_USAGE, "init makes a linear, logistic or softmax configuration, not '%s'", name);
}

/* ---- a job script ---- */

typedef struct {
    char name[64], size[TW_UNIT_LEN];
    long ranks, megabytes; /* a rank */
    double seconds;        /* NAN: no limit */
} job;

static void name_job(const char *path, size_t length, char *name)
{
    const char *slash = strrchr(path, '/'), *from = slash ? slash + 1 : path, *dot = strrchr(from, '.');
    size_t used = 0;
    for (; *from && from != dot && used + 1 < length; from++)
        name[used++] = isalnum((unsigned char)*from) || strchr("_-.", *from) ? *from : '-';
    name[used] = 0;
}

/* As many ranks as keep the rows of each in bounds; 16 bytes a row for label and weight. */
static tw_status size_job(const tw_config *config, job *j)
{
    const tw_dataset_names names = {.features = config->data.features,
                                    .labels = config->data.labels,
                                    .weights = config->data.weights,
                                    .need_labels = true};
    tw_dataset set;
    TW_TRY(tw_config_complete(config));
    TW_TRY(tw_dataset_open(&set, config->data.train, &names, NULL));
    const double bytes = (double)set.rows * ((double)set.cols * (double)tw_dtype_size(set.type) + 16);
    j->ranks = (long)fmax(1, ceil(bytes / most_bytes));
    j->megabytes = 512 + (long)ceil(1.1 * bytes / (double)j->ranks / (1 << 20));
    j->seconds = config->stop.max_time;
    tw_units_bytes(bytes, j->size);
    return TW_OK;
}

static tw_status plan_job(const tw_scale *s, job *j)
{
    char *text;
    size_t length;
    tw_config config;
    TW_TRY(tw_scale_check(s));
    TW_TRY(tw_config_read_file(s->study.config, &text, &length));
    tw_config_init(&config);
    tw_config_parse(&config, s->study.config, text, length);
    free(text);
    for (size_t i = 0; i < s->n_sets; i++) tw_config_set(&config, s->sets[i]);
    const tw_status status = size_job(&config, j);
    tw_config_release(&config);
    name_job(s->study.config, sizeof j->name, j->name);
    return status;
}

static void print_options(const job *j)
{
    const long minutes = isfinite(j->seconds) ? (long)ceil(j->seconds / 60) + MINUTES_AFTER : 0;
    printf("#SBATCH --job-name=%s\n#SBATCH --output=%s-%%j.out\n", j->name, j->name);
    printf("# %s of data; more ranks are faster, fewer hold more each.\n#SBATCH --ntasks=%ld\n"
           "#SBATCH --mem-per-cpu=%ldM\n",
           j->size, j->ranks, j->megabytes);
    if (minutes)
        printf("# stop.max_time, and %d minutes to read, to save and to write.\n#SBATCH "
               "--time=%ld:%02ld:00\n",
               MINUTES_AFTER, minutes / 60, minutes % 60);
    else
        printf("# No time limit but that of the partition, as stop.max_time is not set.\n");
}

/* After `set -euo pipefail` the script's own arguments: they come before those of sbatch's command line. */
static void print_arguments(const tw_scale *s)
{
    printf("THALWEG=${THALWEG:-");
    tw_argv_quote(stdout, s->program);
    printf("}\nset -- ");
    tw_argv_quote(stdout, s->study.config);
    for (size_t i = 0; i < s->n_sets; i++) {
        printf(" --set ");
        tw_argv_quote(stdout, s->sets[i]);
    }
    printf(" \"$@\"\n");
}

static void print_script(const tw_scale *s, const job *j)
{
    for (const char *const *line = tw_train_sbatch; *line; line++) {
        if (strncmp(*line, "#SBATCH --job-name", 18) == 0)
            print_options(j);
        else
            puts(*line);
        if (strcmp(*line, "set -euo pipefail") == 0) print_arguments(s);
    }
}

static tw_status init_script(const arguments *a, tw_scale *s)
{
    job j = {0};
    if (snprintf(s->study.config, sizeof s->study.config, "%s", a->what) >= (int)sizeof s->study.config)
        return tw_fail(TW_USAGE, "the path of the configuration is too long");
    snprintf(s->dir, sizeof s->dir, ".");
    s->sets = a->sets;
    s->n_sets = a->n_sets;
    TW_TRY(tw_process_self(sizeof s->program, s->program));
    TW_TRY(plan_job(s, &j));
    print_script(s, &j);
    return TW_OK;
}

tw_status tw_command_init(int argc, char **argv)
{
    arguments a = {.sets = calloc((size_t)argc + 1, sizeof *a.sets)};
    tw_scale *s = calloc(1, sizeof *s);
    tw_status status = a.sets && s ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the arguments");
    if (status == TW_OK) status = tw_arguments_parse(&parser, argc, argv, &a);
    if (status == TW_OK && a.n_sets && !a.sbatch) status = tw_fail(TW_USAGE, "--set belongs to --sbatch");
    if (status == TW_OK) status = a.sbatch ? init_script(&a, s) : init_configuration(a.what);
    if (status == TW_OK && fflush(stdout) != 0) status = tw_fail(TW_IO, "cannot write to stdout");
    if (s) tw_scale_release(s);
    free(s);
    free(a.sets);
    return status;
}
