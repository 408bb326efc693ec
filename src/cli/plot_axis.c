/* plot_axis.c -- the ranges, scales and tics of the axes.
 *
 * They are laid out here and not left to gnuplot, so that panels share one margin, labels stay short and
 * distinct, and a run that explodes does not flatten the others. */
#include "cli/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double CLIP = 10; /* times the largest first value */
static const double WIDE = 20; /* ratio from which an axis is logarithmic */
static const double HUGE_VALUE = 1e300;
static const double FLAT = 1e-6;              /* relative range below which a curve is a constant */
static const double MARGIN = 0.05;            /* of the range, above and below */
static const double FAR = 50;                 /* ranges beyond an axis where lines are cut */
static const double ROUNDING = 1e-12;         /* relative change of a loss that may be rounding alone */
static const double UNEVEN = 20;              /* ratio of run lengths from which iterations are logarithmic */
static const double RATIO_LIMITS[] = {-1, 2}; /* Taylor ratios beyond are rounding noise */

/* The change of the loss since the row before is no larger than its rounding errors. */
static bool is_noise(const tw_plot_run *run, size_t i)
{
    if (i == 0) return false;
    const double before = run->row[i - 1].value[TW_PLOT_LOSS], now = run->row[i].value[TW_PLOT_LOSS];
    const double steps = run->row[i].iteration - run->row[i - 1].iteration;
    return fabs(now - before) < ROUNDING * steps * fabs(now); /* false for NaN */
}

/* Keeps the arithmetic of ranges away from overflow and underflow; NaN stays. */
static double tame(double v)
{
    if (fabs(v) < 1 / HUGE_VALUE) return 0;
    return v > HUGE_VALUE ? HUGE_VALUE : v < -HUGE_VALUE ? -HUGE_VALUE : v;
}

double tw_plot_value(const tw_plot *plot, const tw_plot_run *run, size_t i, tw_plot_quantity quantity)
{
    if (quantity == TW_PLOT_GAP) return tame(run->row[i].value[TW_PLOT_LOSS] - plot->lowest);
    if (quantity == TW_PLOT_TAYLOR && is_noise(run, i)) return NAN;
    return tame(run->row[i].value[quantity]);
}

double tw_plot_x(const tw_plot *plot, const tw_plot_row *row)
{
    if (plot->x == TW_PLOT_READS) return tame(row->reads);
    return tame(plot->x == TW_PLOT_SECONDS ? row->seconds : row->iteration);
}

double tw_plot_axis_at(const tw_plot_axis *axis, double value)
{
    double at = value;
    if (axis->scale == TW_AXIS_LOG) at = value > 0 ? log10(value) : NAN;
    if (axis->scale == TW_AXIS_LOG1P) at = log10(1 + value / axis->unit);
    if (isnan(at)) return at;
    const double far = FAR * (axis->high - axis->low);
    return fmin(fmax(at, axis->low - far), axis->high + far);
}

/* What the values of one quantity in one or all runs are like; NaN is skipped. */
typedef struct {
    size_t n;
    double first, low, high, low_positive;
} extent;

static extent extent_of(const tw_plot *plot, const tw_plot_run *run, tw_plot_quantity quantity)
{
    extent e = {.first = NAN, .low = INFINITY, .high = -INFINITY, .low_positive = INFINITY};
    for (size_t i = 0; i < run->n; i++) {
        const double v = tw_plot_value(plot, run, i, quantity);
        if (isnan(v) || isnan(tw_plot_x(plot, &run->row[i]))) continue;
        if (e.n++ == 0) e.first = v;
        e.low = fmin(e.low, v);
        e.high = fmax(e.high, v);
        if (v > 0) e.low_positive = fmin(e.low_positive, v);
    }
    return e;
}

static extent extent_of_all(const tw_plot *plot, tw_plot_quantity quantity, double *tamest)
{
    extent all = {.first = -INFINITY, .low = INFINITY, .high = -INFINITY, .low_positive = INFINITY};
    *tamest = INFINITY;
    for (size_t r = 0; r < plot->n_runs; r++) {
        const extent e = extent_of(plot, &plot->run[r], quantity);
        if (e.n == 0) continue;
        all.n += e.n;
        all.first = fmax(all.first, e.first);
        all.low = fmin(all.low, e.low);
        all.high = fmax(all.high, e.high);
        all.low_positive = fmin(all.low_positive, e.low_positive);
        *tamest = fmin(*tamest, e.high);
    }
    return all;
}

/* ---- tics ---- */

static void add_tic(tw_plot_axis *axis, double at, const char *label)
{
    const double slack = 1e-9 * (axis->high - axis->low);
    if (axis->n_tics == TW_PLOT_MAX_TICS || at < axis->low - slack || at > axis->high + slack) return;
    axis->tic[axis->n_tics].at = at;
    snprintf(axis->tic[axis->n_tics++].label, sizeof axis->tic[0].label, "%s", label);
}

/* Powers of ten as gnuplot's markup, with a real minus sign; as 1e-3 on a text screen. */
static void power(char label[32], bool text, double factor, int decimals, int exponent)
{
    const char *minus = exponent < 0 ? "−" : "";
    if (text)
        snprintf(label, 32, "%.*fe%d", decimals, factor, exponent);
    else if (factor == 1 && decimals == 0)
        snprintf(label, 32, "10^{%s%d}", minus, abs(exponent));
    else
        snprintf(label, 32, "%s%.*f×10^{%s%d}", factor < 0 ? "−" : "", decimals, fabs(factor), minus,
                 abs(exponent));
}

static double round_step(double rough)
{
    const double unit = pow(10, floor(log10(rough)));
    const double factor = rough / unit;
    return unit * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
}

static void linear_tics(tw_plot_axis *axis, bool text, int wanted, double smallest_step)
{
    const double range = axis->high - axis->low;
    const double step = fmax(round_step(range / wanted), smallest_step);
    const double largest = fmax(fabs(axis->low), fabs(axis->high));
    const int fine = (int)floor(log10(step) + 1e-9), top = (int)floor(log10(largest) + 1e-9);
    const bool plain = top < 6 && top >= -3;
    const int decimals = plain ? (fine < 0 ? -fine : 0) : (top > fine ? top - fine : 0);
    for (double k = ceil(axis->low / step - 1e-9); k * step <= axis->high + 1e-9 * range; k++) {
        char label[32];
        if (k == 0)
            snprintf(label, sizeof label, "0");
        else if (!plain)
            power(label, text, k * step / pow(10, top), decimals, top);
        else
            snprintf(label, sizeof label, "%s%.*f", k > 0 ? "" : text ? "-" : "−", decimals, fabs(k * step));
        add_tic(axis, k * step, label);
    }
}

/* Labels at every `every`-th decade, and at 2 and 5 when there are few; minor tics between. */
static void log_tics(tw_plot_axis *axis, bool text, int wanted)
{
    const int first = (int)floor(axis->low), last = (int)ceil(axis->high);
    const int every = (int)fmax(1, ceil((axis->high - axis->low) / wanted));
    const bool few = axis->high - axis->low < 2;
    const bool plain = first >= -3 && last <= 4;
    for (int e = first; e <= last; e++) {
        for (int m = 1; m < 10; m++) {
            char label[32] = "";
            const bool major = m == 1 ? e % every == 0 : few && (m == 2 || m == 5);
            if (m > 1 && every > 1) break;
            if (m == 1 && !major && every > 10) break;
            if (major && plain)
                snprintf(label, sizeof label, "%.*f", e < 0 ? -e : 0, m * pow(10, e));
            else if (major)
                power(label, text, m, 0, e);
            add_tic(axis, e + log10(m), label);
        }
    }
}

/* Zero and the powers of ten from the unit on, which is itself a power of ten. */
static void log1p_tics(tw_plot_axis *axis, bool text)
{
    const int unit = (int)lround(log10(axis->unit));
    add_tic(axis, 0, "0");
    for (int e = 0; e <= 15; e++) {
        for (int m = 1; m < 10; m++) {
            char label[32] = "";
            if (m > 1 && axis->high > 8) break;
            if (m == 1 && unit + e >= -3 && unit + e <= 5)
                snprintf(label, sizeof label, "%.*f", unit + e < 0 ? -unit - e : 0, pow(10, unit + e));
            else if (m == 1)
                power(label, text, 1, 0, unit + e);
            add_tic(axis, log10(1 + m * pow(10, e)), label);
        }
    }
}

/* ---- ranges ---- */

/* low == high or nearly: a constant gets room on both sides. */
static void set_range(tw_plot_axis *axis, double low, double high)
{
    const double size = fmax(fabs(low), fabs(high));
    if (high - low <= FLAT * size) {
        const double room = axis->scale == TW_AXIS_LOG ? 0.5 : size > 0 ? 0.2 * size : 1;
        low -= room;
        high += room;
    }
    axis->low = low;
    axis->high = high;
}

static void set_range_with_margin(tw_plot_axis *axis, double low, double high, bool clipped)
{
    set_range(axis, low, high);
    const double margin = MARGIN * (axis->high - axis->low);
    const bool to_zero = axis->scale == TW_AXIS_LINEAR && low > 0 && low < 0.25 * high;
    axis->low = to_zero ? 0 : axis->low - margin;
    if (!clipped) axis->high += margin;
}

void tw_plot_axis_y(const tw_plot *plot, tw_plot_quantity quantity, tw_plot_axis *axis)
{
    const bool text = plot->device == TW_PLOT_TEXT;
    double tamest;
    const extent e = extent_of_all(plot, quantity, &tamest);
    *axis = (tw_plot_axis){.low = 0, .high = 1, .empty = e.n == 0};
    if (axis->empty) return;
    if (quantity == TW_PLOT_TAYLOR) {
        const double low = fmax(fmin(e.low, 0), RATIO_LIMITS[0]);
        const double high = fmin(fmax(e.high, 1), RATIO_LIMITS[1]);
        set_range_with_margin(axis, low, high, false);
        axis->low -= low == 0 ? MARGIN : 0;
        linear_tics(axis, text, 4, 0.5);
        return;
    }
    double high = e.high;
    axis->clipped = e.first > 0 && tamest <= CLIP * e.first && e.high > CLIP * e.first;
    if (axis->clipped) high = CLIP * e.first;
    const double low = quantity == TW_PLOT_LOSS ? e.low : e.low_positive;
    if (low > 0 && high / low >= WIDE) axis->scale = TW_AXIS_LOG;
    if (axis->scale == TW_AXIS_LOG) {
        set_range_with_margin(axis, log10(low), log10(high), axis->clipped);
        log_tics(axis, text, 6);
    } else {
        set_range_with_margin(axis, e.low, high, axis->clipped);
        linear_tics(axis, text, 5, 0);
    }
}

/* The ends of the x axis over all runs, and where the shortest run ends. */
typedef struct {
    double low, high, shortest;
} span;

static span span_of(const tw_plot *plot)
{
    span all = {.low = INFINITY, .high = -INFINITY, .shortest = INFINITY};
    for (size_t r = 0; r < plot->n_runs; r++) {
        double last = -INFINITY;
        for (size_t i = 0; i < plot->run[r].n; i++) {
            const double x = tw_plot_x(plot, &plot->run[r].row[i]);
            all.low = fmin(all.low, x); /* skips NaN */
            last = fmax(last, x);
        }
        all.high = fmax(all.high, last);
        if (last > 0) all.shortest = fmin(all.shortest, last);
    }
    return all;
}

/* A run of 50 iterations beside one of 10 000 would be a vertical line, hence the logarithm. */
void tw_plot_axis_x(const tw_plot *plot, tw_plot_axis *axis)
{
    const bool text = plot->device == TW_PLOT_TEXT;
    span s = span_of(plot);
    *axis = (tw_plot_axis){.low = 0, .high = 1, .unit = 1, .empty = s.high < s.low};
    if (axis->empty) return;
    if (s.low > 0 && s.low < 0.2 * s.high) s.low = 0;
    if (s.low >= 0 && s.high >= UNEVEN * s.shortest) {
        axis->scale = TW_AXIS_LOG1P;
        if (plot->x == TW_PLOT_SECONDS) axis->unit = pow(10, floor(log10(s.shortest)) - 2);
        axis->low = log10(1 + s.low / axis->unit);
        axis->high = log10(1 + s.high / axis->unit);
        log1p_tics(axis, text);
        return;
    }
    set_range(axis, s.low, s.high);
    if (s.low >= 0 && axis->low < 0) axis->low = 0;
    linear_tics(axis, text, 8, plot->x == TW_PLOT_SECONDS ? 0 : 1);
}
