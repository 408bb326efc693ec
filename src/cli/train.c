/* `thalweg train`: configure, load, train, finish. */
#include "cli/arguments.h"
#include "cli/command.h"
#include "thalweg/interrupt.h"
#include "thalweg/run.h"
#include "thalweg/watchdog.h"
#include "thalweg/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUT = 256, SET, MAX_TIME, DRY_RUN, PROGRESS, RESUME, NEW_CONTRACT, WATCHDOG };

static const struct argp_option options[] = {
    {"set", SET, "KEY=VALUE", 0, "Override a key of the configuration; may be repeated", 0},
    {"out", OUT, "DIR", 0, "Run folder, instead of output.dir", 0},
    {"max-time", MAX_TIME, "H:MM:SS", 0, "Stop after this time, as stop.max_time", 0},
    {"resume", RESUME, "auto|never|PATH", 0,
     "Go on from the newest valid checkpoint of the run folder (auto, also without this option; with it a "
     "finished run too), from none, or from a checkpoint or run folder",
     0},
    {"new-contract", NEW_CONTRACT, NULL, 0,
     "Resume although this version or another number of groups will give other bits", 0},
    {"dry-run", DRY_RUN, NULL, 0,
     "Check everything, print the plan and the data a rank will hold, train nothing", 0},
    {"progress", PROGRESS, "HOW", 0,
     "bar: the current iteration in a line that is redrawn under the table; lines: the table; none: only its "
     "head and end; auto: a bar on a terminal, else lines",
     0},
    {"watchdog", WATCHDOG, "SECONDS", 0, TW_WATCHDOG_DOC, 0},
    {"quiet", 'q', NULL, 0, "Print nothing but errors", 0},
    {"verbose", 'v', NULL, 0, "Print a row for every iteration", 0},
    {0}};

typedef struct {
    const char *config, *out, *progress, *resume, *watchdog;
    char **sets; /* [n_sets] not owned */
    size_t n_sets;
    char max_time[128];
    double seconds; /* of the watchdog */
    bool dry_run, quiet, verbose, new_contract;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case SET: a->sets[a->n_sets++] = value; break;
    case OUT: a->out = value; break;
    case MAX_TIME:
        snprintf(a->max_time, sizeof a->max_time, "stop.max_time=%s", value);
        a->sets[a->n_sets++] = a->max_time;
        break;
    case RESUME: a->resume = value; break;
    case WATCHDOG: a->watchdog = value; break;
    case NEW_CONTRACT: a->new_contract = true; break;
    case DRY_RUN: a->dry_run = true; break;
    case PROGRESS: a->progress = value; break;
    case 'q': a->quiet = true; break;
    case 'v': a->verbose = true; break;
    case ARGP_KEY_ARG: tw_arguments_one(state, "one configuration at a time", value, &a->config); break;
    case ARGP_KEY_END:
        if (!a->config) argp_error(state, "which configuration? (a YAML file)");
        if (a->quiet && a->verbose) argp_error(state, "either --quiet or --verbose");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = parse_option,
    .args_doc = "CONFIG.yaml",
    .doc = "Train the model that a configuration describes."
           "\vmpirun -n 2 thalweg train configs/digits-softmax.yaml\n"
           "mpirun -n 2 thalweg train configs/digits-softmax.yaml --set model.l2=1e-3 --out runs/stronger\n\n"
           "Exit code 0: a stopping test or the iteration limit was reached; 75: stopped early, the same "
           "command goes on; `thalweg help exit` lists the "
           "others."};

static tw_status choose_progress(const char *name, tw_progress *progress)
{
    static const char *const names[] = {"auto", "bar", "lines", "none"};
    for (size_t i = 0; i < 4; i++)
        if (!name || strcmp(name, names[i]) == 0) {
            *progress = (tw_progress)i;
            return TW_OK;
        }
    return tw_fail(TW_USAGE, "--progress is auto, bar, lines or none, not '%s'", name);
}

static tw_status train(tw_run *run, const arguments *a, tw_status probed)
{
    const tw_status first = tw_comm_bcast_status(run->comm, 0, probed);
    const bool elsewhere =
        first == TW_INPUT && tw_comm_nodes(run->comm) > 1; /* configuring tells where it is */
    if (!elsewhere) TW_TRY(first);
    TW_TRY(tw_command_watch(run->comm, a->seconds));
    TW_TRY(tw_run_configure(run, a->config, a->n_sets, a->sets, a->out));
    if (elsewhere) return tw_fail(first, "an input was not there at first, and now it is; try again");
    if (a->dry_run) return tw_run_outline(run);
    TW_TRY(tw_run_open(run));
    TW_TRY(tw_run_load(run));
    TW_TRY(tw_run_train(run));
    return tw_run_finish(run);
}

static tw_status start(int argc, char **argv, const arguments *a, tw_progress progress)
{
    const tw_run_request request = {
        .path = a->config, .out = a->out, .resume = a->resume, .n_sets = a->n_sets, .sets = a->sets};
    tw_comm *comm;
    tw_run run;
    char *text = NULL;
    size_t length = 0;
    tw_interrupt_install();
    const tw_status probed = tw_launch_rank() == 0 ? tw_run_probe(&request, &text, &length) : TW_OK;
    const tw_status started = tw_comm_init(&comm, &argc, &argv);
    if (started) free(text);
    TW_TRY(started);
    tw_interrupt_install(); /* MPI may have taken signals */
    tw_run_init(&run, comm);
    run.text = text;
    run.length = length;
    run.log.quiet = a->quiet;
    run.log.verbose = a->verbose;
    run.log.progress = progress;
    run.resume = a->resume;
    run.new_contract = a->new_contract;
    const tw_status status = train(&run, a, probed);
    if (status && !run.ended &&
        tw_run_folder_failed(&run.folder, status, run.iterate.k, run.checkpoint.newest))
        fprintf(stderr, "thalweg: warning: the status file in %s could not be written\n", run.folder.path);
    tw_watchdog_share(NULL); /* the folder is no longer ours */
    if (status == TW_STOPPED) tw_run_folder_stopped(&run.folder);
    tw_run_release(&run);
    return tw_command_end(comm, status);
}

tw_status tw_command_train(int argc, char **argv)
{
    tw_progress progress = TW_PROGRESS_AUTO;
    arguments a = {.sets = calloc((size_t)argc + 1, sizeof *a.sets), .seconds = TW_WATCHDOG_SECONDS};
    if (!a.sets) return tw_fail(TW_MEMORY, "out of memory for the arguments");
    tw_status status = tw_arguments_parse(&parser, argc, argv, &a);
    if (status == TW_OK) status = choose_progress(a.progress, &progress);
    if (status == TW_OK && a.watchdog) status = tw_arguments_watchdog(a.watchdog, &a.seconds);
    if (status == TW_OK) status = start(argc, argv, &a, progress);
    free(a.sets);
    return status;
}
