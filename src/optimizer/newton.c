/* Newton's method: d = -H^-1 g by Cholesky factorisation of the whole Hessian (Nocedal and Wright 2006,
 * chapter 3).
 *
 * What the loss cannot see is pinned: softmax does not change when one vector is added to all classes, so the
 * matrix is H + c 1 1^T over the classes of such a parameter. g has no part in that direction, so d is the
 * step that leaves the mean over the classes alone. A pivot that vanishes in rounding adds tau I, tau from n
 * u max h_jj times 10 until a factor exists and d descends.
 *
 * State: systems that were regularised | condition number of the last [2]. Work: matrix [n][stride], its
 * diagonal [n], scratch [2n]. */
#include "thalweg/cholesky.h"
#include "thalweg/kernels.h"
#include "thalweg/optimizer.h"
#include "thalweg/vec.h"

#include <math.h>
#include <string.h>

typedef struct {
    size_t n, stride;
    double *h, *diagonal, *scratch;
    double norm, most; /* ||H||_1, largest diagonal element */
} newton_system;

static size_t stride_of(size_t n)
{
    return (n + TW_LANES - 1) / TW_LANES * TW_LANES;
}

static size_t state_len(const tw_optimizer_settings *set, size_t n)
{
    (void)set;
    (void)n;
    return 2;
}

static size_t work_len(const tw_optimizer_settings *set, size_t n)
{
    (void)set;
    return n * (stride_of(n) + 3);
}

/* [n][n] to [n][stride] in place. */
static void spread(newton_system *s)
{
    for (size_t i = s->n; s->stride > s->n && i-- > 1;)
        memmove(s->h + i * s->stride, s->h + i * s->n, s->n * sizeof *s->h);
}

/* The mean over the classes of parameters first .. first + classes - 1. */
static void pin(newton_system *s, size_t first, size_t classes)
{
    double c = 0;
    for (size_t k = first; k < first + classes; k++) c = c + s->h[k * s->stride + k];
    c = c / (double)classes;
    for (size_t k = first; k < first + classes; k++)
        for (size_t l = first; l <= k; l++) s->h[k * s->stride + l] = s->h[k * s->stride + l] + c;
}

static void pin_classes(newton_system *s, const tw_objective *F)
{
    const size_t classes = F->model ? F->model->outputs : 1;
    if (classes < 2) return;
    for (size_t j = 0; F->l2 == 0 && j < F->n_weights; j += classes) pin(s, j, classes);
    if (F->n > F->n_weights) pin(s, F->n_weights, classes);
}

static void measure(newton_system *s)
{
    s->norm = tw_cholesky_norm(s->n, s->stride, s->h, s->scratch);
    s->most = 0;
    for (size_t j = 0; j < s->n; j++) {
        s->diagonal[j] = s->h[j * s->stride + j];
        s->most = fmax(s->most, s->diagonal[j]);
    }
}

/* Does H + tau I have a factor, and does d then descend? */
static bool solved(newton_system *s, double tau, tw_iterate *it)
{
    for (size_t j = 0; j < s->n; j++) s->h[j * s->stride + j] = s->diagonal[j] + tau;
    if (tw_cholesky_factor(s->n, s->stride, s->h) < s->n) return false;
    for (size_t j = 0; j < s->n; j++) it->d[j] = -it->g[j];
    tw_cholesky_solve(s->n, s->stride, s->h, it->d);
    if (!(tw_vec_dot(s->n, it->g, it->d) < 0)) return false;
    it->condition = tw_cholesky_condition(s->n, s->stride, s->h, s->norm + tau, s->scratch);
    return true;
}

static void solve(tw_optimizer *o, const tw_objective *F, newton_system *s, tw_iterate *it)
{
    const double least = (double)s->n * 0x1p-53 * s->most;
    it->condition = INFINITY;
    if (solved(s, 0, it)) return;
    o->state[0] = o->state[0] + 1;
    for (double tau = least; tau > 0 && tau <= s->most; tau = 10 * tau)
        if (solved(s, tau, it)) return;
    tw_optimizer_downhill(F, it); /* no curvature at all, or not finite */
}

static tw_status direction(tw_optimizer *o, tw_objective *F, tw_iterate *it)
{
    const size_t stride = stride_of(o->n);
    newton_system s = {.n = o->n, .stride = stride, .h = o->work, .diagonal = o->work + o->n * stride};
    s.scratch = s.diagonal + o->n;
    memset(it->d, 0, o->n * sizeof *it->d);
    if (tw_vec_norm(o->n, it->g) == 0) return TW_OK; /* nowhere to go */
    TW_TRY(tw_objective_hessian(F, s.h));
    spread(&s);
    pin_classes(&s, F);
    measure(&s);
    solve(o, F, &s, it);
    o->state[1] = it->condition;
    it->regularised = o->state[0] < 0x1p53 ? (long)fmax(o->state[0], 0) : 0;
    return TW_OK;
}

const tw_optimizer_ops tw_optimizer_newton = {
    .name = "newton",
    .summary = "Newton's method with the whole Hessian, by Cholesky",
    .descent = true,
    .natural = true,
    .matrix = true,
    .default_step = "wolfe",
    .state_len = state_len,
    .work_len = work_len,
    .direction = direction,
};
