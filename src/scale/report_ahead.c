/* Where the formula leads at more ranks, and how far it can be trusted: the repeats and the measured
 * exchanges are drawn again, with replacement (bootstrap, Efron 1979), and what the formula misses at the
 * points is added. */
#include "scale/report.h"
#include "thalweg/rng.h"

#include <math.h>
#include <stdlib.h>

enum { DRAWS = 200 };

static uint64_t draw(uint64_t *counter, size_t n)
{
    return tw_rng_below(0, 0, (*counter)++, n);
}

/* W and o from points and repeats drawn again. */
static void draw_runs(tw_report *again, const tw_report *report, uint64_t *counter)
{
    double luck[TW_REPORT_POINTS], beside[TW_REPORT_POINTS];
    size_t n = 0;
    for (size_t i = 0; i < report->n_points; i++) {
        const tw_report_point *p = &report->point[draw(counter, report->n_points)];
        if (!p->fitted) continue;
        const tw_study_run *run = &p->run[draw(counter, p->n_runs)];
        const double reads = report->per_read ? run->reads / (double)run->iterations : 1;
        luck[n] = run->busiest_compute / reads / (p->work * p->share);
        beside[n++] = (run->phase[TW_CLOCK_OTHER] + run->phase[TW_CLOCK_CHECKPOINT]) / reads;
    }
    if (n == 0) return;
    again->luck = tw_fit_median(n, luck);
    again->beside = tw_fit_median(n, beside);
}

static void draw_exchanges(tw_report *again, const tw_report *report, uint64_t *counter)
{
    tw_fit_exchange_point all[TW_REPORT_EXCHANGES], points[TW_REPORT_EXCHANGES];
    tw_exchange_fit fit;
    size_t n = 0;
    for (size_t i = 0; i < report->n_exchanges; i++) {
        const tw_report_exchange *x = &report->exchange[i];
        if (x->ranks == report->fit_ranks && x->nodes == report->fit_nodes)
            all[n++] = (tw_fit_exchange_point){&x->cost, tw_fit_wire(&x->cost, x->seconds, x->memory)};
    }
    if (!report->fit_measured || n == 0) return;
    for (size_t i = 0; i < n; i++) points[i] = all[draw(counter, n)];
    if (tw_fit_exchange(n, points, &fit)) again->fit = fit;
}

static tw_status residual(tw_report *report)
{
    double sum = 0;
    for (size_t i = 0; i < report->n_points; i++) {
        tw_report_point *p = &report->point[i];
        tw_report_shape shape;
        TW_TRY(tw_report_shape_of(report, p->ranks, p->nodes > 1 ? (p->ranks + p->nodes - 1) / p->nodes : 0,
                                  &shape));
        if (p->run->cores > 0) shape.crowd = fmax(1, (double)p->ranks / p->nodes / p->run->cores);
        p->formula = tw_report_formula(report, &shape);
        const double missed = p->formula / p->seconds - 1;
        if (p->fitted) sum += missed * missed;
    }
    report->residual = sqrt(sum / (double)report->n_fitted);
    return TW_OK;
}

/* Both ends by the formula, so that what it misses everywhere cancels. */
static tw_report_ahead look(const tw_report *report, const tw_report_shape *first,
                            const tw_report_shape *shape)
{
    const double more = (double)shape->ranks / first->ranks;
    tw_report_ahead ahead = {.ranks = shape->ranks, .seconds = tw_report_formula(report, shape)};
    ahead.speedup = tw_report_formula(report, first) / ahead.seconds;
    if (report->runs->mode == TW_STUDY_WEAK) ahead.speedup *= more;
    ahead.efficiency = ahead.speedup / more;
    return ahead;
}

typedef struct {
    tw_report_shape first, shape[TW_REPORT_CURVE];
    double seen[TW_REPORT_CURVE][DRAWS];
    tw_report again;
} bootstrap;

static void uncertainty(const tw_report *report, bootstrap *b, size_t n, tw_report_ahead *ahead)
{
    uint64_t counter = 0;
    for (int d = 0; d < DRAWS; d++) {
        b->again = *report;
        draw_runs(&b->again, report, &counter);
        draw_exchanges(&b->again, report, &counter);
        for (size_t i = 0; i < n; i++) b->seen[i][d] = look(&b->again, &b->first, &b->shape[i]).efficiency;
    }
    for (size_t i = 0; i < n; i++) {
        tw_fit_median(DRAWS, b->seen[i]); /* sorts */
        const double missed = 1.645 * report->residual * ahead[i].efficiency;
        const double down = ahead[i].efficiency - b->seen[i][DRAWS / 20];
        const double up = b->seen[i][DRAWS - 1 - DRAWS / 20] - ahead[i].efficiency;
        ahead[i].low = fmax(0, ahead[i].efficiency - hypot(fmax(0, down), missed));
        ahead[i].high = ahead[i].efficiency + hypot(fmax(0, up), missed);
    }
}

static tw_status look_ahead(const tw_report *report, bootstrap *b, size_t n, tw_report_ahead *ahead)
{
    for (size_t i = 0; i < n; i++) {
        TW_TRY(tw_report_shape_of(report, ahead[i].ranks, report->ranks_a_node, &b->shape[i]));
        ahead[i] = look(report, &b->first, &b->shape[i]);
    }
    uncertainty(report, b, n, ahead);
    return TW_OK;
}

static void add_ranks(tw_report_ahead *curve, size_t *n, int ranks)
{
    size_t at = *n;
    for (size_t i = 0; i < *n; i++)
        if (curve[i].ranks == ranks) return;
    if (*n == TW_REPORT_CURVE) return;
    for (; at > 0 && curve[at - 1].ranks > ranks; at--) curve[at] = curve[at - 1];
    curve[at] = (tw_report_ahead){.ranks = ranks};
    ++*n;
}

/* Ranks of the curve: those measured and asked for, and doublings from the first up to four times the last.
 */
static size_t curve_ranks(const tw_report *report, size_t n_ahead, const int *ahead, tw_report_ahead *curve)
{
    double last = 4.0 * report->point[report->n_points - 1].ranks;
    size_t n = 0;
    for (size_t i = 0; i < n_ahead; i++) last = fmax(last, ahead[i]);
    for (double ranks = report->point[0].ranks; ranks <= last; ranks *= 2) add_ranks(curve, &n, (int)ranks);
    for (size_t i = 0; i < n_ahead; i++) add_ranks(curve, &n, ahead[i]);
    for (size_t i = 0; i < report->n_points; i++) add_ranks(curve, &n, report->point[i].ranks);
    return n;
}

tw_status tw_report_project(tw_report *report, size_t n_ahead, const int *ahead)
{
    TW_TRY(residual(report));
    report->n_ahead = n_ahead < TW_REPORT_AHEAD ? n_ahead : TW_REPORT_AHEAD;
    for (size_t i = 0; i < report->n_ahead; i++) report->ahead[i].ranks = ahead[i];
    report->n_curve = curve_ranks(report, n_ahead, ahead, report->curve);
    bootstrap *b = calloc(1, sizeof *b);
    if (!b) return tw_fail(TW_MEMORY, "out of memory for a projection");
    tw_status status = tw_report_shape_of(report, report->point[0].ranks, report->ranks_a_node, &b->first);
    if (status == TW_OK) status = look_ahead(report, b, report->n_ahead, report->ahead);
    if (status == TW_OK) status = look_ahead(report, b, report->n_curve, report->curve);
    free(b);
    return status;
}
