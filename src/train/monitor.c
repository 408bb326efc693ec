#include "thalweg/monitor.h"

#include "thalweg/comm.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tw_monitor_start(tw_monitor *m, const tw_monitor_settings *set, const tw_iterate *it, double f_zero,
                      double g_norm_zero)
{
    *m = (tw_monitor){.set = *set,
                      .f_first = it->f,
                      .f_zero = f_zero,
                      .g_norm_zero = g_norm_zero,
                      .started = m->started,
                      .f_least = it->f};
}

double tw_monitor_gradient_relative(const tw_monitor *m, const tw_iterate *it)
{
    return it->g_norm / m->g_norm_zero;
}

double tw_monitor_loss_delta(const tw_iterate *it)
{
    return fabs(it->f - it->f_prev);
}

double tw_monitor_loss_delta_relative(const tw_iterate *it)
{
    return fabs(it->f - it->f_prev) / fabs(it->f_prev);
}

/* -1: the test is off; comparisons with NAN (no previous loss yet) are false. */
static int holds(double tolerance, bool condition)
{
    return isnan(tolerance) ? -1 : condition;
}

/* The first convergence test that holds when enough of them do, else TW_CONTINUE. */
static tw_reason convergence(const tw_monitor *m, const tw_iterate *it)
{
    const tw_monitor_settings *s = &m->set;
    const double delta = it->rejected ? NAN : tw_monitor_loss_delta(it); /* a refused step says nothing */
    const struct {
        tw_reason reason;
        int holds;
    } tests[] = {
        {TW_GRADIENT_NORM, holds(s->gradient_norm, it->g_norm <= s->gradient_norm)},
        {TW_GRADIENT_NORM_RELATIVE,
         holds(s->gradient_norm_relative, it->g_norm <= s->gradient_norm_relative * m->g_norm_zero)},
        {TW_LOSS_DELTA, holds(s->loss_delta, delta < s->loss_delta)},
        {TW_LOSS_DELTA_RELATIVE,
         holds(s->loss_delta_relative, delta < s->loss_delta_relative * fabs(it->f_prev))},
    };
    tw_reason first = TW_CONTINUE;
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        if (tests[i].holds > 0 && first == TW_CONTINUE) first = tests[i].reason;
        if (tests[i].holds == 0 && s->require_all) return TW_CONTINUE;
    }
    return first;
}

static bool diverged(const tw_monitor *m, double f)
{
    const double start = m->f_first > m->f_zero ? m->f_first : m->f_zero;
    return f > m->set.divergence_factor * fabs(start);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_change(const tw_monitor *m)
{
    double sorted[TW_SPIKE_WINDOW];
    memcpy(sorted, m->changes, sizeof sorted);
    qsort(sorted, TW_SPIKE_WINDOW, sizeof *sorted, ascending);
    return sorted[TW_SPIKE_WINDOW / 2];
}

/* A spike does not enter the ring: a second one is judged as the first. */
static void watch_spikes(tw_monitor *m, const tw_iterate *it)
{
    const double rise = it->f - it->f_prev;
    if (isnan(rise) || it->rejected) return;
    if (m->seen >= TW_SPIKE_WINDOW && rise > 0.1 * (m->f_first - m->f_least) &&
        rise > 0.25 * fabs(it->f_prev) && rise > TW_SPIKE_FACTOR * median_change(m)) {
        m->spikes++;
        m->last_spike = it->k;
        return;
    }
    m->changes[m->seen++ % TW_SPIKE_WINDOW] = fabs(rise);
}

static void watch_rises(tw_monitor *m, const tw_iterate *it)
{
    if (it->f < m->f_least) m->f_least = it->f;
    if (it->f > it->f_prev + TW_LOSS_ROUNDING * fabs(it->f_prev)) {
        m->rises++;
        m->last_rise = it->k;
    }
}

tw_reason tw_monitor_check(tw_monitor *m, const tw_objective *F, const tw_iterate *it)
{
    if (it->why != TW_CONTINUE) return it->why; /* a failed search */
    if (!isfinite(it->f) || !isfinite(it->g_norm)) return TW_NOT_FINITE;
    if (diverged(m, it->f)) return TW_LOSS_GREW;
    watch_spikes(m, it);
    watch_rises(m, it);
    m->holding = convergence(m, it);
    m->held = m->holding != TW_CONTINUE ? m->held + 1 : 0;
    if (m->held >= m->set.patience) return m->holding;
    if (it->g_norm == 0 && m->holding != TW_CONTINUE) return m->holding; /* nothing can move any more */
    if (!it->moved) return TW_PARAMETERS_UNCHANGED;
    if (m->set.validation_patience > 0 && m->unimproved >= m->set.validation_patience) return TW_VALIDATION;
    if (F->agreed[TW_FLAG_STOP] > 0) return TW_REQUEST;
    if (F->agreed[TW_FLAG_TIME] > 0) return TW_TIME_LIMIT;
    if (it->k >= m->set.max_iterations) return TW_ITERATION_LIMIT;
    return TW_CONTINUE;
}

bool tw_monitor_time_up(const tw_monitor *m)
{
    return !isnan(m->set.max_seconds) && tw_seconds() - m->started + m->margin >= m->set.max_seconds;
}

static int explain_verdict(const tw_monitor *m, const tw_iterate *it, size_t length, char *text)
{
    const tw_monitor_settings *s = &m->set;
    switch (it->why) {
    case TW_GRADIENT_NORM:
        return snprintf(text, length, "gradient norm %.2e <= %g", it->g_norm, s->gradient_norm);
    case TW_GRADIENT_NORM_RELATIVE:
        return snprintf(text, length, "gradient norm %.2e of its start <= %g",
                        tw_monitor_gradient_relative(m, it), s->gradient_norm_relative);
    case TW_LOSS_DELTA:
        return snprintf(text, length, "loss delta %.2e < %g", tw_monitor_loss_delta(it), s->loss_delta);
    case TW_LOSS_DELTA_RELATIVE:
        return snprintf(text, length, "relative loss delta %.2e < %g", tw_monitor_loss_delta_relative(it),
                        s->loss_delta_relative);
    default: return snprintf(text, length, "%s", tw_reason_text(it->why));
    }
}

void tw_monitor_explain(const tw_monitor *m, const tw_iterate *it, size_t length, char *text)
{
    size_t at = (size_t)explain_verdict(m, it, length, text);
    if (m->set.require_all && tw_reason_class(it->why) == 'c' && it->why != TW_PARAMETERS_UNCHANGED &&
        at < length)
        at += (size_t)snprintf(text + at, length - at, ", and every other test named");
    if (m->set.patience > 1 && m->held >= m->set.patience && at < length)
        at += (size_t)snprintf(text + at, length - at, ", %ld times in a row", m->held);
    if (it->k > 0 && isfinite(it->f) && isnan(it->f_prev) && at < length)
        snprintf(text + at, length - at, " (gradient norm %.2e at the point that is kept)", it->g_norm);
    else if (it->k > 0 && isfinite(it->f) && at < length)
        snprintf(text + at, length - at, " (gradient norm %.2e, loss delta %.2e)", it->g_norm,
                 tw_monitor_loss_delta(it));
}
