/* Cyclic coordinate descent on the quadratic model: minimise g.d + d'Hd/2 + l1 ||w + d||_1 with H the Hessian
 * at w, by sweeps that hold q = H d up to date and need no data (covariance updates; Friedman, Hastie and
 * Tibshirani 2010; the outer Newton steps with a search: Lee, Sun and Saunders 2014). Coefficients at zero
 * are left out until the others have settled.
 *
 * Work: H [n][n] | q [n]. */
#include "thalweg/optimizer.h"
#include "thalweg/phase.h"

#include <math.h>
#include <string.h>

enum { SWEEPS = 10000 };

/* Changes (squared, in units of the model) this much smaller than the first are none. */
#define SETTLED 0x1p-86

typedef struct {
    const tw_objective *F;
    tw_iterate *it;
    double *h, *q;
    long sweeps, limit;
    double tolerance;
} quadratic;

static size_t state_len(const tw_optimizer_settings *set, size_t n)
{
    (void)set;
    (void)n;
    return 0;
}

static size_t work_len(const tw_optimizer_settings *set, size_t n)
{
    (void)set;
    return n * n + n;
}

/* What takes u to the minimum of a t^2/2 + r t + l1 |u + t|; exactly -u when that is zero. */
static double best_change(double a, double r, double l1, double u)
{
    const double up = -((r + l1) / a), down = -((r - l1) / a), flat = fma(a, u, -r);
    if (l1 == 0) return -(r / a);
    if (u > 0 && u + up > 0) return up;
    if (u < 0 && u + down < 0) return down;
    if (flat > l1) return (flat - l1) / a - u;
    if (flat < -l1) return (flat + l1) / a - u;
    return -u;
}

/* Squared change of coefficient j, in units of the model. */
static double descend(quadratic *m, size_t j)
{
    tw_iterate *it = m->it;
    const size_t n = it->n;
    const double *const h = m->h + j * n, a = h[j], l1 = j < m->F->n_weights ? m->F->l1 : 0;
    const double u = it->w[j] + it->d[j];
    tw_phase_tick();
    if (!(a > 0) && !(l1 > 0)) return 0; /* a constant column: F does not know it */
    const double r = it->g[j] + m->q[j], t = a > 0 ? best_change(a, r, l1, u) : fabs(r) <= l1 ? -u : 0;
    if (fabs(a * t) <= 0x1p-52 * (fabs(it->g[j]) + fabs(m->q[j]) + l1) && u + t != 0) return 0;
    if (t == 0) return 0;
    it->d[j] = u + t == 0 ? 0 - it->w[j] : it->d[j] + t; /* so that w + d is zero */
    for (size_t i = 0; i < n; i++) m->q[i] = fma(h[i], t, m->q[i]);
    return a * (t * t);
}

/* The largest change of a sweep, over all coefficients or those that are not zero. */
static double sweep(quadratic *m, bool all)
{
    const tw_iterate *it = m->it;
    double most = 0;
    for (size_t j = 0; j < it->n; j++)
        if (all || j >= m->F->n_weights || it->w[j] + it->d[j] != 0) most = fmax(most, descend(m, j));
    m->sweeps++;
    return most;
}

static void minimise(quadratic *m)
{
    for (double most; m->sweeps < m->limit;) {
        most = sweep(m, true);
        if (m->sweeps == 1) m->tolerance = SETTLED * most;
        if (!(most > m->tolerance)) return;
        while (m->sweeps < m->limit && sweep(m, false) > m->tolerance) continue;
    }
}

static tw_status direction(tw_optimizer *o, tw_objective *F, tw_iterate *it)
{
    quadratic m = {.F = F,
                   .it = it,
                   .h = o->work,
                   .q = o->work + o->n * o->n,
                   .limit = o->set.max_inner > 0 ? (long)o->set.max_inner : SWEEPS};
    TW_TRY(tw_objective_hessian(F, m.h));
    memset(m.q, 0, o->n * sizeof *m.q);
    memset(it->d, 0, o->n * sizeof *it->d);
    it->alpha_max = F->l1 > 0 ? 1 : INFINITY;
    minimise(&m);
    it->inner = m.sweeps;
    if (!(tw_objective_slope(F, it->w, it->g, it->d) < 0)) tw_optimizer_downhill(F, it); /* rounding */
    return TW_OK;
}

const tw_optimizer_ops tw_optimizer_coordinate_descent = {
    .name = "coordinate_descent",
    .summary = "the quadratic model's minimum with its l1 term, by cyclic sweeps",
    .descent = true,
    .natural = true,
    .matrix = true,
    .l1 = true,
    .default_step = "backtracking",
    .state_len = state_len,
    .work_len = work_len,
    .direction = direction,
};
