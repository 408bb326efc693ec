#include "scale/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 256 }; /* repeats of one point that count */

/* Passes over the data in an iteration. */
static double reads_of(const tw_study_run *run)
{
    return run->reads > 0 ? run->reads / (double)run->iterations : 1;
}

static bool reads_differ(const tw_study_runs *runs)
{
    for (size_t i = 1; i < runs->n; i++)
        if (fabs(reads_of(&runs->run[i]) - reads_of(&runs->run[0])) > 1e-9 * reads_of(&runs->run[0]))
            return true;
    return false;
}

/* ---- points ---- */

static double median_of(const tw_report_point *p, double (*value)(const tw_study_run *, int), int which,
                        bool per_read)
{
    double values[RUNS];
    size_t n = 0;
    for (size_t i = 0; i < p->n_runs && n < RUNS; i++)
        values[n++] = value(&p->run[i], which) / (per_read ? reads_of(&p->run[i]) : 1);
    return tw_fit_median(n, values);
}

static double seconds_of(const tw_study_run *run, int which)
{
    (void)which;
    return run->seconds;
}

static double phase_of(const tw_study_run *run, int which)
{
    return run->phase[which];
}

static double compute_of(const tw_study_run *run, int which)
{
    (void)which;
    return run->busiest_compute;
}

static tw_status busiest_share(const tw_study_run *run, double *share)
{
    tw_partition partition;
    int64_t most = 0;
    TW_TRY(tw_partition_init(&partition, run->rows, run->groups, run->ranks));
    for (int r = 0; r < run->ranks; r++) {
        const int64_t rows = tw_partition_shard(&partition, r + 1) - tw_partition_shard(&partition, r);
        if (rows > most) most = rows;
    }
    tw_partition_release(&partition);
    *share = (double)most / (double)run->rows;
    return TW_OK;
}

static tw_status make_point(const tw_report *report, tw_report_point *p)
{
    const tw_study_run *run = p->run;
    p->ranks = run->ranks;
    p->nodes = run->nodes;
    p->low = INFINITY;
    for (size_t i = 0; i < p->n_runs; i++) {
        const double seconds = p->run[i].seconds / (report->per_read ? reads_of(&p->run[i]) : 1);
        p->low = fmin(p->low, seconds);
        p->high = fmax(p->high, seconds);
        p->oversubscribed |= p->run[i].oversubscribed;
    }
    p->seconds = median_of(p, seconds_of, 0, report->per_read);
    for (int i = 0; i < TW_N_CLOCKS; i++) p->phase[i] = median_of(p, phase_of, i, report->per_read);
    TW_TRY(busiest_share(run, &p->share));
    p->work = median_of(p, compute_of, 0, report->per_read) / p->share;
    p->beside = p->phase[TW_CLOCK_OTHER] + p->phase[TW_CLOCK_CHECKPOINT];
    const double exchanges = fmax(1, run->reductions / (double)run->evaluations) *
                             (report->per_read ? 1 : (double)run->evaluations / (double)run->iterations);
    p->wire = p->phase[TW_CLOCK_WIRE] / exchanges;
    return TW_OK;
}

static tw_status make_points(tw_report *report)
{
    const tw_study_runs *runs = report->runs;
    for (size_t i = 0; i < runs->n;) {
        size_t end = i + 1;
        while (end < runs->n && runs->run[end].ranks == runs->run[i].ranks &&
               runs->run[end].nodes == runs->run[i].nodes)
            end++;
        if (report->n_points == TW_REPORT_POINTS)
            return tw_fail(TW_DATA, "a report holds at most %d numbers of ranks", TW_REPORT_POINTS);
        tw_report_point *p = &report->point[report->n_points++];
        *p = (tw_report_point){.run = &runs->run[i], .n_runs = end - i};
        TW_TRY(make_point(report, p));
        i = end;
    }
    return TW_OK;
}

/* What a point gained on the first; a weak study does p times the work. */
static void compare_points(tw_report *report)
{
    const tw_report_point *first = &report->point[0];
    const bool weak = report->runs->mode == TW_STUDY_WEAK;
    for (size_t i = 0; i < report->n_points; i++) {
        tw_report_point *p = &report->point[i];
        const double more = (double)p->ranks / first->ranks;
        p->speedup = first->seconds / p->seconds * (weak ? more : 1);
        p->efficiency = p->speedup / more;
        p->serial = !(more > 1) ? NAN
                    : weak      ? tw_fit_gustafson(p->speedup, more)
                                : tw_fit_karp_flatt(p->speedup, more);
    }
}

/* Ranks that share cores tell of the machine's scheduler; they count only where nothing else is left. */
static void choose_points(tw_report *report)
{
    size_t fair = 0;
    for (size_t i = 0; i < report->n_points; i++) fair += !report->point[i].oversubscribed;
    for (size_t i = 0; i < report->n_points; i++) {
        report->point[i].fitted = fair == 0 || !report->point[i].oversubscribed;
        report->n_fitted += report->point[i].fitted;
    }
}

/* ---- fits ---- */

static void fit_serial(tw_report *report)
{
    double p[TW_REPORT_POINTS], seconds[TW_REPORT_POINTS], above = 0, below = 0;
    size_t n = 0;
    for (size_t i = 0; i < report->n_points; i++) {
        const tw_report_point *at = &report->point[i];
        if (!at->fitted) continue;
        p[n] = (double)at->ranks / report->point[0].ranks;
        seconds[n] = at->seconds;
        above += (p[n] - 1) * (p[n] - at->speedup);
        below += (p[n] - 1) * (p[n] - 1);
        n++;
    }
    if (report->runs->mode == TW_STUDY_WEAK)
        report->serial = below > 0 ? fmin(1, fmax(0, above / below)) : NAN;
    else
        report->serial = tw_fit_amdahl(n, p, seconds);
}

static tw_reduction_mode mode_of(const tw_study_run *run)
{
    return strcmp(run->reduction, "reproducible") == 0 ? TW_REPRODUCIBLE : TW_ALLREDUCE;
}

static tw_status cost_of_run(const tw_study_run *run, int ranks, int ranks_a_node, tw_exchange_cost *cost)
{
    tw_partition partition;
    const double outputs = fmax(1, floor((double)run->coefficients / (double)run->features + 0.5));
    TW_TRY(tw_partition_init(&partition, run->rows, run->groups, ranks));
    const tw_exchange_case c = {.mode = mode_of(run),
                                .n = tw_sums_length((double)run->features, outputs),
                                .partition = &partition,
                                .ranks_a_node = ranks_a_node};
    const tw_status status = tw_exchange_cost_of(&c, cost, NULL);
    tw_partition_release(&partition);
    return status;
}

/* Measured apart: those between nodes, of the most ranks; else those of the most ranks. */
static void fit_measured(tw_report *report)
{
    tw_fit_exchange_point points[TW_REPORT_EXCHANGES];
    bool across = false;
    size_t n = 0;
    for (size_t i = 0; i < report->n_exchanges; i++) {
        const tw_report_exchange *x = &report->exchange[i];
        if (x->cost.form != TW_FORM_ALONE) across |= x->nodes > 1;
    }
    for (size_t i = 0; i < report->n_exchanges; i++) {
        const tw_report_exchange *x = &report->exchange[i];
        if (across && x->nodes < 2) continue;
        if (x->ranks > report->fit_ranks) report->fit_ranks = x->ranks, report->fit_nodes = x->nodes;
    }
    for (size_t i = 0; i < report->n_exchanges; i++) {
        const tw_report_exchange *x = &report->exchange[i];
        if (x->ranks != report->fit_ranks || x->nodes != report->fit_nodes) continue;
        points[n++] = (tw_fit_exchange_point){&x->cost, tw_fit_wire(&x->cost, x->seconds, x->memory)};
        report->memory = x->memory;
    }
    report->fit_measured = tw_fit_exchange(n, points, &report->fit);
}

static int ranks_a_node(const tw_report_point *p)
{
    return (p->ranks + p->nodes - 1) / p->nodes;
}

/* From the wire clocks of the runs: one length of vector, several numbers of ranks. */
static tw_status fit_runs(tw_report *report)
{
    tw_exchange_cost cost[TW_REPORT_POINTS];
    tw_fit_exchange_point points[TW_REPORT_POINTS] = {{0}};
    size_t n = 0;
    for (size_t i = 0; i < report->n_points; i++) {
        const tw_report_point *p = &report->point[i];
        if (!p->fitted || p->ranks == 1) continue;
        const int a_node = p->nodes > 1 ? ranks_a_node(p) : 0;
        TW_TRY(cost_of_run(p->run, p->ranks, a_node, &cost[n]));
        points[n] = (tw_fit_exchange_point){&cost[n], p->wire};
        report->fit_ranks = p->ranks;
        report->fit_nodes = p->nodes;
        n++;
    }
    if (tw_fit_exchange(n, points, &report->fit) || n == 0) return TW_OK;
    report->fit.latency = points[n - 1].seconds / cost[n - 1].way[0].messages; /* one point: all latency */
    report->fit.bandwidth = INFINITY;
    report->fit.points = n;
    return TW_OK;
}

/* W of the fitted points with q ranks a node; of those with fewer if there are none, and else of the fewest.
 */
static double work_of(const tw_report *report, int q)
{
    double work[TW_REPORT_POINTS];
    size_t n = 0;
    int of = 0;
    for (size_t i = 0; i < report->n_points; i++) {
        const tw_report_point *p = &report->point[i];
        const int here = ranks_a_node(p);
        if (p->fitted && (of == 0 || (here <= q && here > of) || (of > q && here < of))) of = here;
    }
    for (size_t i = 0; i < report->n_points; i++) {
        const tw_report_point *p = &report->point[i];
        if (p->fitted && ranks_a_node(p) == of)
            work[n++] = report->runs->mode == TW_STUDY_WEAK ? p->work / (double)p->run->rows : p->work;
    }
    return tw_fit_median(n, work);
}

static void fit_formula(tw_report *report)
{
    double beside[TW_REPORT_POINTS];
    size_t n = 0;
    for (size_t i = 0; i < report->n_points; i++) {
        const tw_report_point *p = &report->point[i];
        if (!p->fitted) continue;
        beside[n++] = p->beside;
        if (p->nodes > 1 && ranks_a_node(p) > report->ranks_a_node) report->ranks_a_node = ranks_a_node(p);
    }
    const tw_study_run *run = report->point[0].run;
    if (report->ranks_a_node == 0) /* of one node: more ranks are on more such nodes */
        report->ranks_a_node = run->cores > 0 ? run->cores : report->point[report->n_points - 1].ranks;
    report->work = work_of(report, 1 << 30);
    report->luck = 1;
    report->beside = tw_fit_median(n, beside);
    report->exchanges = run->reductions / (double)run->evaluations;
    if (!report->per_read) report->exchanges *= (double)run->evaluations / (double)run->iterations;
}

tw_status tw_report_shape_of(const tw_report *report, int ranks, int a_node, tw_report_shape *shape)
{
    const bool weak = report->runs->mode == TW_STUDY_WEAK;
    if (a_node >= ranks) a_node = 0;
    tw_study_run like = *report->point[0].run;
    *shape = (tw_report_shape){.ranks = ranks, .rows = 1, .crowd = 1};
    if (weak && ranks != like.ranks) {
        like.rows = like.rows / like.ranks * ranks;
        like.groups = 0;
    }
    like.ranks = ranks;
    shape->work = work_of(report, a_node > 0 ? a_node : ranks);
    if (weak) shape->rows = (double)like.rows;
    TW_TRY(busiest_share(&like, &shape->share));
    return cost_of_run(&like, ranks, a_node, &shape->cost);
}

double tw_report_formula(const tw_report *report, const tw_report_shape *shape)
{
    double seconds = report->luck * shape->work * shape->share * shape->rows * shape->crowd + report->beside;
    if (shape->ranks > 1 && report->fit.points > 0)
        seconds += report->exchanges *
                   (tw_exchange_seconds(&shape->cost, report->fit.latency, report->fit.bandwidth) +
                    shape->cost.memory / report->memory);
    return seconds;
}

tw_status tw_report_make(tw_report *report, const tw_study_runs *runs, size_t n_ahead, const int *ahead)
{
    report->runs = runs;
    report->per_read = reads_differ(runs);
    TW_TRY(make_points(report));
    compare_points(report);
    choose_points(report);
    fit_serial(report);
    report->fit = (tw_exchange_fit){NAN, NAN, NAN, NAN, NAN, 0};
    report->memory = INFINITY;
    if (report->n_exchanges > 0) fit_measured(report);
    if (!report->fit_measured) report->memory = INFINITY;
    if (!report->fit_measured) TW_TRY(fit_runs(report));
    fit_formula(report);
    TW_TRY(tw_report_project(report, n_ahead, ahead));
    tw_report_advise(report);
    return TW_OK;
}

void tw_report_release(tw_report *report)
{
    free(report->exchange);
    report->exchange = NULL;
}
