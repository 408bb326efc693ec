/* `thalweg scale plan`: what a study costs and needs, and where a data set leads on stated machines. */
#include "cli/scale_plan.h"
#include "cli/arguments.h"
#include "cli/scale.h"
#include "cli/scale_picture.h"
#include "scale/weak.h"
#include "thalweg/config.h"
#include "thalweg/dataset.h"
#include "thalweg/units.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RANKS = 256,
    REPEAT,
    ITERATIONS,
    MODE,
    MACHINE,
    ROWS,
    FEATURES,
    TYPE,
    CLASSES,
    REDUCTION,
    GROUPS,
    READS
};
enum { MOST_RANKS = 64 };

static const struct argp_option options[] = {
    {"ranks", RANKS, "1,2,4,8", 0, "Numbers of ranks of the study (1,2,4)", 1},
    {"mode", MODE, "strong|weak", 0,
     "The same rows for all (strong), or the rows on the fewest ranks for each", 1},
    {"repeat", REPEAT, "K", 0, "Runs of each number of ranks (3)", 1},
    {"iterations", ITERATIONS, "N", 0, "Iterations of a run (20)", 1},
    {"machine", MACHINE, "name=..,latency=..,...", 0,
     "Project to 4096 nodes of this machine: latency=1.5us,bandwidth=25GB/s (of a node's link), "
     "memory=200GB/s (of a "
     "node), cores=64[,ram=256GB]; up to four times",
     2},
    {"output", 'o', "FILE.svg|png", 0, "Draw the projection", 2},
    {"rows", ROWS, "N", 0, "A data set in numbers, instead of a configuration", 3},
    {"features", FEATURES, "N", 0, "Its features", 3},
    {"type", TYPE, "TYPE", 0, "As they are stored: f64, f32 (default), f16, bf16, i16, i8, u8", 3},
    {"classes", CLASSES, "K", 0, "Outputs of the model: classes of softmax, else 1 (default)", 3},
    {"reduction", REDUCTION, "MODE", 0, "reproducible (default) or allreduce", 3},
    {"groups", GROUPS, "G", 0, "reduction.groups; by default the rule", 3},
    {"reads", READS, "R", 0, "Passes over the data, and exchanges, in an iteration (1)", 3},
    {0}};

typedef struct {
    const char *config, *ranks, *output, *type;
    double repeat, iterations, rows, features, classes, reads, groups;
    bool weak, allreduce;
    const char *wrong;
    tw_plan *plan;
    tw_status status;
} arguments;

static bool number(const char *text, double most, double *to)
{
    char *end;
    *to = strtod(text, &end);
    return end != text && !*end && *to >= 1 && *to <= most;
}

static bool choice(const char *text, const char *first, const char *second, bool *is_second)
{
    *is_second = strcmp(text, second) == 0;
    return *is_second || strcmp(text, first) == 0;
}

static void add_machine(arguments *a, const char *text)
{
    if (a->status != TW_OK) return;
    if (a->plan->n_machines == TW_PLAN_MACHINES)
        a->status = tw_fail(TW_USAGE, "at most %d machines in one picture", TW_PLAN_MACHINES);
    else
        a->status = tw_machine_parse(text, &a->plan->machine[a->plan->n_machines++]);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    arguments *a = state->input;
    bool good = true;
    switch (key) {
    case RANKS: a->ranks = value; break;
    case 'o': a->output = value; break;
    case TYPE: a->type = value; break;
    case MODE: good = choice(value, "strong", "weak", &a->weak); break;
    case REDUCTION: good = choice(value, "reproducible", "allreduce", &a->allreduce); break;
    case REPEAT: good = number(value, 1000, &a->repeat); break;
    case ITERATIONS: good = number(value, 1e9, &a->iterations); break;
    case ROWS: good = number(value, 1e15, &a->rows); break;
    case FEATURES: good = number(value, 1e9, &a->features); break;
    case CLASSES: good = number(value, 1e6, &a->classes); break;
    case GROUPS: good = number(value, TW_MAX_GROUPS, &a->groups); break;
    case READS: good = number(value, 1e6, &a->reads); break;
    case MACHINE: add_machine(a, value); break;
    case ARGP_KEY_ARG: tw_arguments_one(state, "one configuration at a time", value, &a->config); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    if (!good) a->wrong = value;
    return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = parse_option,
    .args_doc = "[CONFIG.yaml]",
    .doc = "What a scaling study costs, and where a data set leads on other machines."};

/* ---- the data set ---- */

static tw_status from_numbers(const arguments *a, tw_plan *plan)
{
    tw_problem *p = &plan->problem;
    if (!(a->rows > 0) || !(a->features > 0))
        return tw_fail(TW_USAGE, "name a configuration, or say --rows and --features of a data set");
    for (int i = 0; i < TW_N_DTYPES; i++)
        if (strcmp(tw_dtype_name((tw_dtype)i), a->type) == 0) p->type_size = tw_dtype_size((tw_dtype)i);
    if (p->type_size == 0) return tw_fail(TW_USAGE, "'%s' is no type of stored features", a->type);
    p->rows = (int64_t)a->rows;
    p->cols = a->features;
    p->groups = (int64_t)a->groups;
    p->mode = a->allreduce ? TW_ALLREDUCE : TW_REPRODUCIBLE;
    p->n = tw_sums_length(a->features, a->classes);
    snprintf(plan->about, sizeof plan->about,
             "%.9g rows x %.0f %s, %.0f output%s, %s, %g read%s of the data an iteration", a->rows,
             a->features, a->type, a->classes, a->classes > 1 ? "s" : "",
             a->allreduce ? "allreduce" : "reproducible", a->reads, a->reads > 1 ? "s" : "");
    return TW_OK;
}

static tw_status from_data(const tw_config *config, const arguments *a, tw_plan *plan)
{
    const tw_dataset_names names = {.features = config->data.features, .labels = config->data.labels};
    tw_dataset set;
    tw_weak weak = {.classes = 1};
    TW_TRY(tw_dataset_open(&set, config->data.train, &names, NULL));
    const bool softmax = config->model.type && strcmp(config->model.type, "softmax") == 0;
    if (softmax) TW_TRY(tw_weak_look(config, &weak));
    plan->problem.rows = set.rows;
    plan->problem.cols = (double)set.cols;
    plan->problem.type_size = tw_dtype_size(set.type);
    plan->problem.groups = config->reduction.groups;
    plan->problem.mode =
        config->reduction.mode == TW_CONFIG_MODE_REPRODUCIBLE ? TW_REPRODUCIBLE : TW_ALLREDUCE;
    plan->problem.n = tw_sums_length((double)set.cols, softmax ? (double)weak.classes : 1);
    snprintf(plan->about, sizeof plan->about, "%s: %lld x %lld %s, %s, %s", a->config, (long long)set.rows,
             (long long)set.cols, tw_dtype_name(set.type), config->model.type,
             plan->problem.mode == TW_REPRODUCIBLE ? "reproducible" : "allreduce");
    return TW_OK;
}

static tw_status from_config(const arguments *a, tw_plan *plan)
{
    tw_config config;
    char *text;
    size_t length;
    TW_TRY(tw_config_read_file(a->config, &text, &length));
    tw_config_init(&config);
    tw_config_parse(&config, a->config, text, length);
    free(text);
    tw_status status = tw_config_complete(&config);
    if (status == TW_OK) status = tw_config_verdict(&config);
    if (status == TW_OK) status = from_data(&config, a, plan);
    tw_config_release(&config);
    return status;
}

/* ---- the study ---- */

/* Without a stated machine: this one's cores and memory, and a cautious rate at which it reads that. */
static tw_machine this_machine(void)
{
    const double pages = (double)sysconf(_SC_PHYS_PAGES), page = (double)sysconf(_SC_PAGESIZE);
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return (tw_machine){.name = "this machine",
                        .latency = 1e-6,
                        .bandwidth = 1e10,
                        .memory = 1e10,
                        .cores = cores > 0 ? (int)cores : 1,
                        .ram = pages * page};
}

static tw_status print_study(const arguments *a, const tw_plan *plan)
{
    const tw_machine m = plan->n_machines > 0 ? plan->machine[0] : this_machine();
    int ranks[MOST_RANKS];
    size_t n;
    double hours = 0;
    TW_TRY(tw_scale_parse_ranks(a->ranks, MOST_RANKS, ranks, &n));
    tw_problem problem = plan->problem;
    problem.weak = a->weak;
    if (a->weak) problem.rows = (int64_t)fmax(1, floor((double)problem.rows / ranks[0]));
    printf("Plan  %s scaling of %s\n\n ranks   rows a rank   memory a rank  fits  exchange       sent by the "
           "busiest    "
           "by all, bytes   s/iter  runs\n",
           a->weak ? "weak" : "strong", plan->about);
    for (size_t i = 0; i < n; i++) {
        tw_prediction p;
        char memory[TW_UNIT_LEN];
        TW_TRY(tw_predict(&problem, &m, ranks[i], &p));
        const double here = ranks[i] < m.cores ? ranks[i] : m.cores;
        hours += a->repeat * a->iterations * p.seconds * ranks[i] / 3600;
        printf("%6d %13lld  %14s  %4s  %-13s %20llu %16llu %8.2g  %4.0f\n", ranks[i],
               (long long)p.busiest_rows, tw_units_bytes(p.memory_a_rank, memory),
               m.ram <= 0                             ? "?"
               : here * p.memory_a_rank < 0.9 * m.ram ? "yes"
                                                      : "NO",
               tw_form_name(p.cost.form), (unsigned long long)p.cost.busiest,
               (unsigned long long)p.cost.total, p.seconds, a->repeat);
    }
    printf("\n %.0f runs of %.0f iterations, about %.3g core-hours beside starting and reading: %s, %d cores "
           "a node, memory "
           "read at %.3g GB/s\n",
           (double)n * a->repeat, a->iterations, hours, m.name, m.cores, 1e-9 * m.memory);
    return TW_OK;
}

/* ---- the projection ---- */

static tw_status project(tw_plan *plan)
{
    for (size_t m = 0; m < plan->n_machines; m++)
        for (int i = 0; i < TW_PLAN_STEPS; i++) {
            const tw_machine *machine = &plan->machine[m];
            tw_problem weak = plan->problem;
            weak.weak = true;
            weak.rows = weak.rows > machine->cores ? weak.rows / machine->cores : 1;
            TW_TRY(tw_predict(&plan->problem, machine, (1 << i) * machine->cores, &plan->strong[m][i]));
            TW_TRY(tw_predict(&weak, machine, (1 << i) * machine->cores, &plan->weak[m][i]));
        }
    return TW_OK;
}

static void print_machine(const tw_plan *plan, size_t m)
{
    const tw_machine *x = &plan->machine[m];
    printf("\n%s: %.3g us, %.3g GB/s a link, %.3g GB/s of memory, %d cores a node\n", x->name,
           1e6 * x->latency, 1e-9 * x->bandwidth, 1e-9 * x->memory, x->cores);
    printf(" nodes    ranks   idle  strong s/iter  efficiency  exchange%%  form            weak s/iter  "
           "efficiency\n");
    for (int i = 0; i < TW_PLAN_STEPS; i++) {
        const tw_prediction *s = &plan->strong[m][i], *w = &plan->weak[m][i];
        printf("%6d %8d %6d %14.3g %10.1f%% %9.0f%%  %-13s %13.3g %10.1f%%\n", s->nodes, s->ranks, s->idle,
               s->seconds, 100 * plan->strong[m][0].seconds / s->seconds / s->nodes,
               100 * s->exchange / s->seconds, tw_form_name(s->cost.form), w->seconds,
               100 * plan->weak[m][0].seconds / w->seconds);
    }
}

static tw_status carry_out(const arguments *a, tw_plan *plan)
{
    if (a->wrong) return tw_fail(TW_USAGE, "'%s' is no value of its option; --help lists them", a->wrong);
    if (a->output && plan->n_machines == 0)
        return tw_fail(TW_USAGE, "a projection needs machines: --machine "
                                 "name=IB,latency=1.5us,bandwidth=25GB/s,memory=200GB/s,cores=64");
    TW_TRY(a->config ? from_config(a, plan) : from_numbers(a, plan));
    plan->problem.reads = plan->problem.exchanges = a->reads;
    TW_TRY(print_study(a, plan));
    TW_TRY(project(plan));
    for (size_t m = 0; m < plan->n_machines; m++) print_machine(plan, m);
    if (!a->output) return TW_OK;
    TW_TRY(tw_scale_plan_picture(plan, a->output));
    printf("\nwrote %s\n", a->output);
    return TW_OK;
}

tw_status tw_scale_plan(int argc, char **argv)
{
    arguments a = {.ranks = "1,2,4", .type = "f32", .repeat = 3, .iterations = 20, .classes = 1, .reads = 1};
    a.plan = calloc(1, sizeof *a.plan);
    if (!a.plan) return tw_fail(TW_MEMORY, "out of memory for a plan");
    tw_status status = tw_arguments_parse(&parser, argc, argv, &a);
    if (status == TW_OK) status = a.status;
    if (status == TW_OK) status = carry_out(&a, a.plan);
    free(a.plan);
    return status;
}
