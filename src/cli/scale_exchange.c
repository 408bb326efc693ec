/* `thalweg scale exchange`: what the exchange of these ranks costs, over vector lengths. */
#include "cli/arguments.h"
#include "cli/scale.h"
#include "core/json_put.h"
#include "scale/fit.h"
#include "scale/measure.h"
#include "thalweg/file.h"
#include "thalweg/units.h"
#include "thalweg/version.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_MODE = 256, OPTION_GROUPS, OPTION_SECONDS, OPTION_SHORTEST, OPTION_LONGEST };

static const struct argp_option options[] = {
    {"output", 'o', "FILE.json", 0, "Write every length as JSON", 0},
    {"mode", OPTION_MODE, "MODE", 0, "reproducible (default) or allreduce", 0},
    {"groups", OPTION_GROUPS, "G", 0, "Groups of the partition, a power of two (4096)", 0},
    {"seconds", OPTION_SECONDS, "S", 0, "Time to spend (3)", 0},
    {"shortest", OPTION_SHORTEST, "N", 0, "Doubles of the shortest vector (1)", 0},
    {"longest", OPTION_LONGEST, "N", 0, "Doubles of the longest vector (1048576)", 0},
    {0}};

typedef struct {
    const char *output;
    tw_measure measure;
    const char *wrong; /* the value of an option that cannot be */
} arguments;

static bool parse_long(const char *text, long least, long most, long *value)
{
    char *end;
    errno = 0;
    *value = strtol(text, &end, 10);
    return end != text && !*end && !errno && *value >= least && *value <= most;
}

static bool parse_value(int key, const char *value, tw_measure *m)
{
    char *end;
    long number = 0;
    switch (key) {
    case OPTION_MODE:
        m->mode = strcmp(value, "allreduce") == 0 ? TW_ALLREDUCE : TW_REPRODUCIBLE;
        return m->mode == TW_ALLREDUCE || strcmp(value, "reproducible") == 0;
    case OPTION_GROUPS:
        if (!parse_long(value, 1, TW_MAX_GROUPS, &number)) return false;
        m->groups = number;
        return (number & (number - 1)) == 0;
    case OPTION_SHORTEST:
    case OPTION_LONGEST:
        if (!parse_long(value, 1, 1L << 28, &number)) return false;
        *(key == OPTION_LONGEST ? &m->longest : &m->shortest) = (size_t)number;
        return true;
    default:
        m->seconds = strtod(value, &end);
        return end != value && !*end && m->seconds > 0 && m->seconds <= 86400;
    }
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case 'o': a->output = value; break;
    case OPTION_MODE:
    case OPTION_GROUPS:
    case OPTION_SECONDS:
    case OPTION_SHORTEST:
    case OPTION_LONGEST:
        if (!parse_value(key, value, &a->measure)) a->wrong = value;
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = parse_option,
    .doc =
        "Measure the exchange of a training step on the ranks of this launch, under mpirun or srun: vectors "
        "of 1, 2, 4 ... doubles, the bytes that are sent, and the latency and bandwidth that fit best."};

static void print_rate(const tw_exchange_fit *fit)
{
    char rate[TW_UNIT_LEN];
    printf("\n  fit       latency %.3g us a message", 1e6 * fit->latency);
    if (isfinite(fit->latency_error)) printf(" +- %.2g", 1e6 * fit->latency_error);
    if (isfinite(fit->bandwidth)) {
        printf(", bandwidth %s/s", tw_units_bytes(fit->bandwidth, rate));
        if (isfinite(fit->bandwidth_error))
            printf(" +- %.0f %%", 100 * fit->bandwidth_error / fit->bandwidth);
        printf(" (%.3g Gbit/s)", 8e-9 * fit->bandwidth);
    }
    printf("; deviations %.0f %%\n", 100 * fit->residual);
}

static void print_table(tw_comm *comm, const tw_measure *m, size_t n, const tw_measured *points,
                        const tw_exchange_fit *fit)
{
    bool exact = true;
    printf("Exchange  %s, %d ranks on %d node%s, %lld groups\n\n",
           m->mode == TW_ALLREDUCE ? "allreduce" : "reproducible", tw_comm_size(comm), tw_comm_nodes(comm),
           tw_comm_nodes(comm) > 1 ? "s" : "", (long long)m->groups);
    printf("   doubles    bytes sent          us       low      high  count  form\n");
    for (size_t i = 0; i < n; i++) {
        const tw_measured *p = &points[i];
        exact = exact && p->predicted;
        printf("  %8zu  %12llu  %10.4g %9.4g %9.4g  %5ld  %s\n", p->length, (unsigned long long)p->bytes,
               1e6 * p->seconds, 1e6 * p->low, 1e6 * p->high, p->count, tw_form_name(p->cost.form));
    }
    if (fit->points) print_rate(fit);
    if (tw_comm_size(comm) > 1)
        printf("  check     bytes %s the formula on every rank and length\n",
               exact ? "equal" : "DIFFER from");
}

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *points_json(size_t n, const tw_measured *points)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        const tw_measured *p = &points[i];
        tw_json_append(&list, json_pack("{sI ss sI sb sf sf sf sf sI}", "length", (json_int_t)p->length,
                                        "form", tw_form_name(p->cost.form), "bytes", (json_int_t)p->bytes,
                                        "bytes_as_predicted", p->predicted, "bytes_between_nodes",
                                        p->cost.between, "seconds", p->seconds, "low", p->low, "high",
                                        p->high, "count", (json_int_t)p->count));
    }
    return list;
}

static json_t *hosts_json(const tw_comm *comm)
{
    json_t *list = json_array();
    for (int r = 0; r < tw_comm_size(comm); r++)
        if (r == 0 || tw_comm_node_of(comm, r) != tw_comm_node_of(comm, r - 1))
            tw_json_append(&list, json_string(tw_comm_host_of(comm, r)));
    return list;
}

static json_t *node_ranks_json(const tw_comm *comm)
{
    json_t *list = json_array();
    for (int r = 0, count = 0; r < tw_comm_size(comm); r++) {
        count++;
        if (r + 1 < tw_comm_size(comm) && tw_comm_node_of(comm, r) == tw_comm_node_of(comm, r + 1)) continue;
        tw_json_append(&list, json_integer(count));
        count = 0;
    }
    return list;
}

static tw_status write_json(tw_comm *comm, const arguments *a, size_t n, const tw_measured *points,
                            const tw_exchange_fit *fit, double memory)
{
    json_t *all =
        json_pack("{si si so so ss sI ss ss}", "ranks", tw_comm_size(comm), "nodes", tw_comm_nodes(comm),
                  "hosts", hosts_json(comm), "ranks_of_nodes", node_ranks_json(comm), "mode",
                  a->measure.mode == TW_ALLREDUCE ? "allreduce" : "reproducible", "groups",
                  (json_int_t)a->measure.groups, "version", TW_VERSION, "git_commit", TW_GIT_COMMIT);
    tw_json_put(&all, "fit",
                json_pack("{so so so so so}", "latency", number(fit->latency), "latency_error",
                          number(fit->latency_error), "bandwidth", number(fit->bandwidth), "bandwidth_error",
                          number(fit->bandwidth_error), "residual", number(fit->residual)));
    tw_json_put(&all, "memory_bandwidth", number(memory));
    tw_json_put(&all, "points", points_json(n, points));
    char *text = all ? json_dumps(all, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(all);
    if (!text) return tw_fail(TW_MEMORY, "out of memory for %s", a->output);
    const tw_bytes parts[] = {{text, strlen(text)}, {"\n", 1}};
    const tw_status status = tw_file_commit(a->output, 2, parts);
    free(text);
    return status;
}

static tw_status measure(tw_comm *comm, const arguments *a)
{
    tw_measured points[TW_MEASURE_MOST];
    tw_fit_exchange_point samples[TW_MEASURE_MOST];
    tw_exchange_fit fit;
    size_t n;
    double memory;
    TW_TRY(tw_measure_exchange(comm, &a->measure, &n, points, &memory));
    for (size_t i = 0; i < n; i++) {
        samples[i].cost = &points[i].cost;
        samples[i].seconds = tw_fit_wire(&points[i].cost, points[i].seconds, memory);
    }
    tw_fit_exchange(n, samples, &fit);
    tw_status status = TW_OK;
    if (tw_comm_rank(comm) == 0) {
        print_table(comm, &a->measure, n, points, &fit);
        printf("  memory    %.3g GB/s a node, all its ranks adding vectors\n", 1e-9 * memory);
        fflush(stdout);
        if (a->output) status = write_json(comm, a, n, points, &fit, memory);
    }
    return tw_comm_bcast_status(comm, 0, status);
}

tw_status tw_scale_exchange(int argc, char **argv)
{
    arguments a = {
        .measure = {
            .mode = TW_REPRODUCIBLE, .groups = 4096, .seconds = 3, .shortest = 1, .longest = 1 << 20}};
    tw_comm *comm;
    TW_TRY(tw_arguments_parse(&parser, argc, argv, &a));
    if (a.measure.shortest > a.measure.longest)
        return tw_fail(TW_USAGE, "--shortest %zu is above --longest %zu", a.measure.shortest,
                       a.measure.longest);
    if (a.wrong)
        return tw_fail(
            TW_USAGE,
            "'%s' is no value here: --mode reproducible|allreduce, --groups a power of two up to %d, "
            "--seconds above 0, --shortest and --longest 1 to 268435456",
            a.wrong, TW_MAX_GROUPS);
    TW_TRY(tw_comm_init(&comm, &argc, &argv));
    return tw_command_end(comm, measure(comm, &a));
}
