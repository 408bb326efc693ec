/* Proximal gradient: a step of the announced length t down the smooth part, then the soft threshold t l1
 * (ISTA; Daubechies, Defrise and De Mol 2004). Accelerated: FISTA (Beck and Teboulle 2009), which holds in w
 * the point y where F and g are taken, with the gradient restart of O'Donoghue and Candes (2015). d leads all
 * the way, and exactly to zeros.
 *
 * State: x [n], the last point of the descent | theta, 0 before the first. */
#include "thalweg/optimizer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static size_t state_len(const tw_optimizer_settings *set, size_t n)
{
    return set->acceleration ? n + 1 : 0;
}

static void describe(const tw_optimizer_settings *set, size_t length, char *text)
{
    snprintf(text, length, "%s", !set->acceleration ? "ista" : set->restart ? "fista, restart" : "fista");
}

static double soft(double v, double threshold)
{
    return v > threshold ? v - threshold : v < -threshold ? v + threshold : 0;
}

/* to = the proximal step from w; may not be w. */
static void step_down(const tw_objective *F, const tw_iterate *it, double *to)
{
    const double t = it->length, l1 = F ? F->l1 : 0;
    const size_t n_weights = l1 > 0 ? F->n_weights : 0;
    for (size_t j = 0; j < it->n; j++) {
        to[j] = fma(-t, it->g[j], it->w[j]);
        if (j < n_weights) to[j] = soft(to[j], t * l1);
    }
}

/* d from points to go to. */
static void lead(tw_iterate *it)
{
    for (size_t j = 0; j < it->n; j++) it->d[j] = it->d[j] - it->w[j]; /* -w exactly, where zero */
}

/* (w - x+).(x+ - x) > 0: the momentum points uphill. */
static bool uphill(const tw_iterate *it, const double *x, const double *next)
{
    double sum = 0;
    for (size_t j = 0; j < it->n; j++) sum = fma(it->w[j] - next[j], next[j] - x[j], sum);
    return sum > 0;
}

/* it->d: from the new x to the new y. */
static void accelerate(tw_optimizer *o, tw_iterate *it)
{
    double *const x = o->state, *const theta = x + o->n, now = *theta;
    if (now == 0) memcpy(x, it->w, o->n * sizeof *x);
    const double from = now == 0 || (o->set.restart && uphill(it, x, it->d)) ? 1 : now;
    *theta = (1 + sqrt(1 + 4 * (from * from))) / 2;
    const double beta = (from - 1) / *theta;
    for (size_t j = 0; j < o->n; j++) {
        const double next = it->d[j];
        it->d[j] = fma(beta, next - x[j], next);
        x[j] = next;
    }
}

static tw_status direction(tw_optimizer *o, tw_objective *F, tw_iterate *it)
{
    step_down(F, it, it->d);
    if (o->set.acceleration) accelerate(o, it);
    lead(it);
    return TW_OK;
}

const tw_optimizer_ops tw_optimizer_proximal_gradient = {
    .name = "proximal_gradient",
    .summary = "gradient step, then soft threshold: ISTA, or FISTA with restart",
    .l1 = true,
    .unit = true,
    .default_step = "lipschitz",
    .state_len = state_len,
    .describe = describe,
    .direction = direction,
};
