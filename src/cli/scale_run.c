/* `thalweg scale run`: the runs of a study that are not done yet. Needs no MPI in itself: each run is a
 * command of its own under the launcher. */
#include "cli/arguments.h"
#include "cli/scale.h"
#include "scale/process.h"
#include "scale/scale.h"
#include "thalweg/config.h"
#include "thalweg/interrupt.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RANKS = 256,
    MODE,
    REPEAT,
    ITERATIONS,
    LAUNCHER,
    OPTIONS,
    OUT,
    SET,
    ROWS,
    MAX_TIME,
    DRY_RUN,
    NO_EXCHANGE,
    WAIT,
    JOB
};

enum { HOUR = 3600, MOST_RANKS = 1000000, MOST_REPEATS = 1000, MOST_ITERATIONS = 1000000 };

static const struct argp_option options[] = {
    {"ranks", RANKS, "1,2,4,8", 0, "Numbers of ranks", 1},
    {"mode", MODE, "strong|weak", 0, "The same data for all (strong), or so many generated rows a rank", 1},
    {"repeat", REPEAT, "K", 0, "Runs of each number of ranks (3)", 1},
    {"iterations", ITERATIONS, "N", 0, "Iterations of a run, epochs with mini-batches (20)", 1},
    {"rows-per-rank", ROWS, "N", 0,
     "Rows a rank of a weak study; the rows of data.train over the largest number of ranks", 1},
    {"set", SET, "KEY=VALUE", 0, "Override a key of the configuration; may be repeated", 1},
    {"out", OUT, "DIR", 0, "Folder of the study (studies/NAME-MODE)", 1},
    {"launcher", LAUNCHER, "HOW", 0,
     "mpirun, srun (inside an allocation), or sbatch: a job for each number of ranks (mpirun)", 2},
    {"launcher-options", OPTIONS, "TEXT", 0, "Further words for the launcher; quotes keep blanks", 2},
    {"max-time", MAX_TIME, "H:MM:SS", 0, "Time that one run may take (1:00:00); it is ended then", 2},
    {"wait", WAIT, "H:MM:SS", OPTION_ARG_OPTIONAL, "sbatch: wait until the jobs have ended", 2},
    {"no-exchange", NO_EXCHANGE, NULL, 0, "Do not measure the exchange over lengths", 2},
    {"dry-run", DRY_RUN, NULL, 0, "Print the commands that would run", 3},
    {"quiet", 'q', NULL, 0, "Print nothing but warnings and errors", 3},
    {"job", JOB, NULL, OPTION_HIDDEN, "Inside a job of the study", 3},
    {0}};

typedef struct {
    const char *config, *ranks, *mode, *repeat, *iterations, *rows, *launcher, *options, *out, *max_time,
        *wait;
    char **sets; /* [n_sets] not owned */
    size_t n_sets;
    bool dry_run, quiet, no_exchange, waits, job;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case RANKS: a->ranks = value; break;
    case MODE: a->mode = value; break;
    case REPEAT: a->repeat = value; break;
    case ITERATIONS: a->iterations = value; break;
    case ROWS: a->rows = value; break;
    case LAUNCHER: a->launcher = value; break;
    case OPTIONS: a->options = value; break;
    case OUT: a->out = value; break;
    case SET: a->sets[a->n_sets++] = value; break;
    case MAX_TIME: a->max_time = value; break;
    case WAIT:
        a->waits = true;
        a->wait = value;
        break;
    case NO_EXCHANGE: a->no_exchange = true; break;
    case DRY_RUN: a->dry_run = true; break;
    case JOB: a->job = true; break;
    case 'q': a->quiet = true; break;
    case ARGP_KEY_ARG: tw_arguments_one(state, "one configuration at a time", value, &a->config); break;
    case ARGP_KEY_END:
        if (!a->config) argp_error(state, "which configuration? (a YAML file)");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = parse_option,
    .args_doc = "CONFIG.yaml",
    .doc =
        "Train a configuration on several numbers of ranks, and keep what each run measured."
        "\vthalweg scale run configs/digits-softmax.yaml --ranks 1,2,4\n"
        "thalweg scale run configs/digits-softmax.yaml --ranks 1,2,4 --mode weak --rows-per-rank 20000\n"
        "thalweg scale run CONFIG.yaml --ranks 1,2,4,8 --launcher sbatch --launcher-options \"-p short\"\n\n"
        "What is done is not done again: a study that was interrupted goes on by the same command, and "
        "later more --ranks and a larger --repeat may be asked for. What is not said is as in the study."};

/* ---- words to numbers ---- */

static tw_status parse_number(const char *name, const char *text, long most, long *value)
{
    char *end;
    errno = 0;
    *value = strtol(text, &end, 10);
    if (end != text && *end == 0 && !errno && *value >= 1 && *value <= most) return TW_OK;
    return tw_fail(TW_USAGE, "--%s is a whole number from 1 to %ld, not '%s'", name, most, text);
}

static tw_status parse_ranks(const char *text, tw_study *study)
{
    for (const char *at = text; at;) {
        char *end;
        errno = 0;
        const long ranks = strtol(at, &end, 10);
        if (end == at || errno || (*end && *end != ',') || ranks < 1 || ranks > MOST_RANKS)
            return tw_fail(TW_USAGE, "--ranks is a list like 1,2,4,8, not '%s'", text);
        TW_TRY(tw_study_add_ranks(study, (int)ranks));
        at = *end ? end + 1 : NULL;
    }
    return TW_OK;
}

static tw_status parse_choice(const char *name, const char *text, const char *const names[], int *choice)
{
    for (*choice = 0; names[*choice]; ++*choice)
        if (strcmp(names[*choice], text) == 0) return TW_OK;
    return tw_fail(TW_USAGE, "--%s is %s, %s%s%s, not '%s'", name, names[0], names[1], names[2] ? " or " : "",
                   names[2] ? names[2] : "", text);
}

/* As every duration of a configuration. */
static tw_status parse_time(const char *name, const char *text, double *seconds)
{
    char assignment[128];
    tw_config config;
    snprintf(assignment, sizeof assignment, "stop.max_time=%s", text);
    tw_config_init(&config);
    tw_config_set(&config, assignment);
    *seconds = config.stop.max_time;
    tw_config_release(&config);
    if (isfinite(*seconds) && *seconds > 0) return TW_OK;
    return tw_fail(TW_USAGE, "--%s is a time like 0:10:00 or 90s, not '%s'", name, text);
}

/* ---- what is asked ---- */

/* What is not said is as in the study that is there, or as usual. */
static tw_status ask(const arguments *a, const tw_study *stored, tw_scale *s)
{
    static const char *const modes[] = {"strong", "weak", NULL}, *const launchers[] = {"mpirun", "srun",
                                                                                       "sbatch", NULL};
    int mode = stored ? (int)stored->mode : TW_STUDY_STRONG;
    int launcher = stored ? (int)stored->launcher : TW_STUDY_MPIRUN;
    long repeat = stored ? stored->repeat : 3, iterations = stored ? stored->iterations : 20, rows = 0;
    tw_study *study = &s->study;
    if (a->mode) TW_TRY(parse_choice("mode", a->mode, modes, &mode));
    if (a->launcher) TW_TRY(parse_choice("launcher", a->launcher, launchers, &launcher));
    if (a->repeat) TW_TRY(parse_number("repeat", a->repeat, MOST_REPEATS, &repeat));
    if (a->iterations) TW_TRY(parse_number("iterations", a->iterations, MOST_ITERATIONS, &iterations));
    if (a->rows) TW_TRY(parse_number("rows-per-rank", a->rows, LONG_MAX / MOST_RANKS, &rows));
    if (a->rows && mode != TW_STUDY_WEAK) return tw_fail(TW_USAGE, "--rows-per-rank belongs to --mode weak");
    if (iterations < 3) return tw_fail(TW_USAGE, "--iterations must be at least 3: the first is not counted");
    if (snprintf(study->config, sizeof study->config, "%s", a->config) >= (int)sizeof study->config)
        return tw_fail(TW_USAGE, "the path of the configuration is too long");
    const char *words = a->options ? a->options : stored ? stored->options : "";
    if (snprintf(study->options, sizeof study->options, "%s", words) >= (int)sizeof study->options)
        return tw_fail(TW_USAGE, "--launcher-options may have %d bytes", TW_STUDY_TEXT - 1);
    study->mode = (tw_study_mode)mode;
    study->launcher = (tw_study_launcher)(a->job && stored ? (int)stored->launcher : launcher);
    study->repeat = (int)repeat;
    study->iterations = iterations;
    study->rows_per_rank = rows || !stored ? rows : stored->rows_per_rank;
    s->launcher = (tw_study_launcher)launcher;
    tw_study_stamp(study);
    if (a->ranks) return parse_ranks(a->ranks, study);
    return stored ? tw_study_merge(study, stored)
                  : tw_fail(TW_USAGE, "--ranks 1,2,4 is missing: on how many ranks?");
}

static tw_status ask_limits(const arguments *a, tw_scale *s)
{
    s->sets = a->sets;
    s->n_sets = a->n_sets;
    s->quiet = a->quiet;
    s->exchange = !a->no_exchange;
    s->limit = HOUR;
    if (a->max_time) TW_TRY(parse_time("max-time", a->max_time, &s->limit));
    if (a->waits && s->launcher != TW_STUDY_SBATCH)
        return tw_fail(TW_USAGE, "--wait belongs to --launcher sbatch");
    /* Options of a study of jobs are for sbatch, not for what starts the ranks inside. */
    return tw_argv_split(&s->options, "--launcher-options", a->job ? "" : s->study.options);
}

static void choose_folder(const arguments *a, tw_scale *s)
{
    const char *slash = strrchr(a->config, '/'), *name = slash ? slash + 1 : a->config;
    const char *dot = strrchr(name, '.');
    const bool weak = a->mode && strcmp(a->mode, "weak") == 0;
    if (a->out)
        snprintf(s->dir, sizeof s->dir, "%s", a->out);
    else
        snprintf(s->dir, sizeof s->dir, "studies/%.*s-%s",
                 (int)(dot && dot > name ? dot - name : (long)strlen(name)), name, weak ? "weak" : "strong");
}

/* ---- the command ---- */

static tw_status settle(const arguments *a, const tw_study *stored, tw_scale *s)
{
    TW_TRY(ask(a, stored, s));
    TW_TRY(ask_limits(a, s));
    TW_TRY(tw_process_self(sizeof s->program, s->program));
    TW_TRY(tw_scale_check(s));
    TW_TRY(tw_scale_resolve(s));
    tw_study *study = &s->study;
    if (study->mode == TW_STUDY_WEAK && !study->rows_per_rank) {
        study->rows_per_rank = s->weak.rows / study->ranks[study->n_ranks - 1];
        if (!study->rows_per_rank) study->rows_per_rank = 1;
    }
    return stored ? tw_scale_compare(s, stored) : TW_OK;
}

static void print_head(const tw_scale *s)
{
    printf("study   %s\n        %s scaling of %s, %ld %s a run, by %s\n", s->dir,
           tw_study_mode_name(s->study.mode), s->study.config, s->study.iterations,
           s->batch ? "epochs" : "iterations", tw_study_launcher_name(s->launcher));
    fflush(stdout);
}

static tw_status work(const arguments *a, const tw_study *stored, tw_scale *s)
{
    double wait = 0;
    int lock;
    if (a->waits) wait = -1;
    if (a->wait) TW_TRY(parse_time("wait", a->wait, &wait));
    TW_TRY(tw_scale_make_folders(s));
    TW_TRY(tw_scale_lock(s, a->job, &lock));
    TW_TRY(tw_scale_keep(s, stored));
    if (s->launcher == TW_STUDY_SBATCH) {
        close(lock); /* the jobs need it */
        TW_TRY(tw_scale_submit(s, wait));
    } else {
        TW_TRY(tw_scale_runs(s));
    }
    if (!s->quiet && !a->job) printf("next    thalweg scale report %s\n", s->dir);
    return TW_OK;
}

static tw_status start(const arguments *a, tw_scale *s)
{
    tw_study stored = {0};
    bool found = false;
    choose_folder(a, s);
    TW_TRY(tw_scale_find(s, &stored, &found));
    tw_status status = settle(a, found ? &stored : NULL, s);
    if (status == TW_OK) {
        if (!a->quiet || a->dry_run) print_head(s);
        status = a->dry_run ? tw_scale_dry_run(s) : work(a, found ? &stored : NULL, s);
    }
    tw_study_release(&stored);
    return status;
}

static bool under_launcher(void)
{
    const char *size = getenv("OMPI_COMM_WORLD_SIZE"), *tasks = getenv("SLURM_STEP_NUM_TASKS");
    if (size && strtol(size, NULL, 10) > 1) return true;
    return getenv("PMIX_RANK") && tasks && strtol(tasks, NULL, 10) > 1;
}

tw_status tw_scale_run(int argc, char **argv)
{
    arguments a = {.sets = calloc((size_t)argc + 1, sizeof *a.sets)};
    tw_scale *s = calloc(1, sizeof *s);
    tw_status status = a.sets && s ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the arguments");
    tw_interrupt_install();
    if (status == TW_OK) status = tw_arguments_parse(&parser, argc, argv, &a);
    if (status == TW_OK && under_launcher())
        status = tw_fail(TW_USAGE,
                         "`thalweg scale run` starts the launcher itself: run it without mpirun or srun");
    if (status == TW_OK) status = start(&a, s);
    if (s) tw_scale_release(s);
    free(s);
    free(a.sets);
    return status;
}
