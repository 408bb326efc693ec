/* `thalweg doctor`: what this machine and this launch are, how fast, and what limits a run. */
#include "scale/doctor.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "thalweg/interrupt.h"
#include "thalweg/probe.h"

#include <hdf5.h>
#include <stdlib.h>

enum { OPTION_SECONDS = 256, OPTION_JSON, OPTION_NO_SPEED };

static const struct argp_option options[] = {
    {"seconds", OPTION_SECONDS, "S", 0, "Time for all speeds together, about (5)", 0},
    {"json", OPTION_JSON, NULL, 0, "Print one JSON object instead", 0},
    {"no-speed", OPTION_NO_SPEED, NULL, 0, "Measure nothing", 0},
    {0}};

typedef struct {
    const char *file, *wrong;
    double seconds;
    bool json, no_speed;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    arguments *a = state->input;
    char *end;
    switch (key) {
    case OPTION_SECONDS:
        a->seconds = strtod(value, &end);
        if (end == value || *end || !(a->seconds > 0 && a->seconds <= 600)) a->wrong = value;
        break;
    case OPTION_JSON: a->json = true; break;
    case OPTION_NO_SPEED: a->no_speed = true; break;
    case ARGP_KEY_ARG: tw_arguments_one(state, "one data set at most", value, &a->file); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = parse_option,
    .args_doc = "[FILE.h5]",
    .doc =
        "Say what this machine and this launch are, under mpirun or srun as a run would be started, or "
        "alone: "
        "program, libraries, cores, binding, threads, memory. Then measure, on all ranks at once, what a run "
        "depends on: reading memory, the gradient, the exchange, reading a file; and say what limits a run."
        "\v"
        "With FILE.h5 its first rows are read and passed over, and the judgement is about it; else two "
        "examples "
        "are judged, and a file of 16 MiB for each of the S seconds is written into the current folder, read "
        "and "
        "removed. What seems wrong is said in lines that begin with `warning`; the exit code is 0 all the "
        "same."};

static tw_status print_json(const tw_doctor *d)
{
    json_t *all = tw_doctor_json(d);
    char *text = all ? json_dumps(all, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(all);
    if (!text) return tw_fail(TW_MEMORY, "out of memory for the figures");
    puts(text);
    free(text);
    return TW_OK;
}

static tw_status print_end(tw_doctor *d, bool json)
{
    tw_doctor_judge(d);
    tw_doctor_warn(d);
    if (json) return print_json(d);
    if (d->speed) tw_doctor_print_speeds(d, stdout);
    tw_doctor_print_words(d, stdout);
    return TW_OK;
}

/* A first look in a child process, before MPI starts. */
static tw_status probe(const char *file)
{
    const tw_dataset_names names = {0};
    if (!file || tw_launch_rank() != 0) return TW_OK;
    const tw_probe_limits limits = tw_probe_limits_for(1, &file);
    return tw_probe_dataset(file, &names, &limits);
}

static tw_status examine(tw_doctor *d, const arguments *a, tw_status probed)
{
    const bool first = tw_comm_rank(d->comm) == 0;
    if (a->file) TW_TRY(tw_doctor_open(d, a->file, probed));
    TW_TRY(tw_doctor_gather(d));
    if (first && !a->json) {
        tw_doctor_print_facts(d, stdout);
        fflush(stdout);
    }
    if (d->speed) TW_TRY(tw_doctor_measure(d));
    const tw_status status = first ? print_end(d, a->json) : TW_OK;
    return tw_comm_bcast_status(d->comm, 0, status);
}

tw_status tw_command_doctor(int argc, char **argv)
{
    arguments a = {.seconds = 5};
    unsigned major, minor, release;
    TW_TRY(tw_arguments_parse(&parser, argc, argv, &a));
    if (a.wrong) return tw_fail(TW_USAGE, "--seconds %s: a number above 0 is needed, at most 600", a.wrong);
    tw_doctor *d = calloc(1, sizeof *d);
    if (!d) return tw_fail(TW_MEMORY, "out of memory");
    snprintf(d->launcher, sizeof d->launcher, "%s", tw_doctor_launcher());
    d->seconds = a.seconds;
    d->speed = !a.no_speed;
    H5get_libversion(&major, &minor, &release);
    snprintf(d->hdf5, sizeof d->hdf5, "%u.%u.%u", major, minor, release);
    const tw_status probed = probe(a.file);
    tw_status status = tw_comm_init(&d->comm, &argc, &argv);
    if (status == TW_OK) {
        tw_interrupt_install();
        status = tw_command_watch(d->comm, TW_WATCHDOG_SECONDS);
        if (status == TW_OK) status = examine(d, &a, probed);
        tw_comm *comm = d->comm;
        tw_doctor_release(d);
        status = tw_command_end(comm, status);
    }
    free(d);
    return status;
}
