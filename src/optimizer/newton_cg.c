/* Truncated Newton in a trust region: min over ||d|| <= radius of g.d + d.Hd / 2 by conjugate gradients, each
 * step of which costs one product H p (Steihaug 1983). Radius and constants are those of TRON (Lin and More
 * 1999; Lin, Weng and Keerthi 2008): the step rule trust_region leaves the ratio of the decrease to the
 * model's, and the next direction takes the radius from it.
 *
 * State: steps so far | radius | ||g|| at the start | of the last step ||d||, g.d, predicted, on the boundary
 * [7]. Work: residual, conjugate direction, its product [3n]. */
#include "thalweg/optimizer.h"
#include "thalweg/vec.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STEPS, RADIUS, G_START, LENGTH, SLOPE, PREDICTED, BOUNDARY, N_STATE };
enum { MOST_INNER = 250 };

typedef struct {
    tw_objective *F;
    size_t n;
    double *s, *r, *p, *q; /* [n] the step, -g - H s, the conjugate direction, H p */
    double radius, rr;     /* rr = r.r */
    bool boundary;
    long steps;
} conjugate;

static size_t state_len(const tw_optimizer_settings *set, size_t n)
{
    (void)set;
    (void)n;
    return N_STATE;
}

static size_t work_len(const tw_optimizer_settings *set, size_t n)
{
    (void)set;
    return 3 * n;
}

/* ---- the radius ---- */

/* Where the parabola through F, its slope and the new F has its minimum, in lengths of the last step; at
 * least 1/4. */
static double interpolated(const double *state, double ratio)
{
    const double bend = -(ratio * state[PREDICTED]) - state[SLOPE]; /* F+ - F - g.d */
    return bend > 0 ? fmax(0.25, -0.5 * (state[SLOPE] / bend)) : 4;
}

/* TRON's rule, with sigma 1/4, 1/2, 4 and eta 1e-4, 1/4, 3/4. */
static double next_radius(const double *state, double ratio)
{
    const double length = state[LENGTH];
    const double radius = state[STEPS] > 1 ? state[RADIUS] : fmin(state[RADIUS], length);
    if (!isfinite(ratio)) return 0.25 * fmin(length, radius);
    const double wish = interpolated(state, ratio) * length;
    if (ratio < 1e-4) return fmin(wish, 0.5 * radius);
    if (ratio < 0.25) return fmax(0.25 * radius, fmin(wish, 0.5 * radius));
    if (ratio < 0.75) return fmax(0.25 * radius, fmin(wish, 4 * radius));
    if (state[BOUNDARY] > 0) return 4 * radius;
    return fmax(radius, fmin(wish, 4 * radius));
}

static void begin(double *state, double g_norm, const tw_iterate *it)
{
    if (state[STEPS] == 0) {
        state[RADIUS] = g_norm;
        state[G_START] = g_norm;
    } else if (!isnan(it->ratio)) {
        state[RADIUS] = next_radius(state, it->ratio);
    }
    state[STEPS] = state[STEPS] + 1;
}

/* ---- conjugate gradients ---- */

/* From s along p to length radius: the positive root, without cancellation. */
static void go_to_boundary(conjugate *c)
{
    const double ss = tw_vec_dot(c->n, c->s, c->s), sp = tw_vec_dot(c->n, c->s, c->p),
                 pp = tw_vec_dot(c->n, c->p, c->p);
    const double gap = fmax(0, c->radius * c->radius - ss), root = sqrt(sp * sp + pp * gap);
    const double t = sp >= 0 ? gap / (sp + root) : (root - sp) / pp;
    tw_vec_axpy(c->n, t, c->p, c->s);
    tw_vec_axpy(c->n, -t, c->q, c->r);
    c->boundary = true;
}

static tw_status one_step(conjugate *c)
{
    TW_TRY(tw_objective_hessian_vector(c->F, c->p, false, c->q));
    c->steps++;
    const double curvature = tw_vec_dot(c->n, c->p, c->q), alpha = c->rr / curvature, rr = c->rr;
    if (curvature > 0) tw_vec_axpy(c->n, alpha, c->p, c->s);
    if (!(curvature > 0) || !(tw_vec_norm(c->n, c->s) <= c->radius)) {
        if (curvature > 0) tw_vec_axpy(c->n, -alpha, c->p, c->s);
        go_to_boundary(c);
        return TW_OK;
    }
    tw_vec_axpy(c->n, -alpha, c->q, c->r);
    c->rr = tw_vec_dot(c->n, c->r, c->r);
    for (size_t j = 0; j < c->n; j++) c->p[j] = fma(c->rr / rr, c->p[j], c->r[j]);
    return TW_OK;
}

static tw_status minimise(conjugate *c, const double *g, double tolerance, long limit)
{
    for (size_t j = 0; j < c->n; j++) {
        c->s[j] = 0;
        c->r[j] = c->p[j] = -g[j];
    }
    c->rr = tw_vec_dot(c->n, c->r, c->r);
    while (c->rr > 0 && c->steps < limit && !c->boundary && (c->steps == 0 || sqrt(c->rr) > tolerance))
        TW_TRY(one_step(c));
    return TW_OK;
}

/* Superlinear convergence, but no residual below the rounding of the gradients that the run began with. */
static double residual_norm(const double *state, double g_norm)
{
    return fmax(fmin(0.1, sqrt(g_norm / state[G_START])) * g_norm, 0x1p-50 * state[G_START]);
}

static tw_status direction(tw_optimizer *o, tw_objective *F, tw_iterate *it)
{
    const double g_norm = tw_vec_norm(o->n, it->g);
    const long limit = o->set.max_inner    ? (long)o->set.max_inner
                       : o->n < MOST_INNER ? (long)o->n
                                           : MOST_INNER;
    double *const state = o->state;
    begin(state, g_norm, it);
    conjugate c = {.F = F, .n = o->n, .s = it->d, .r = o->work, .p = o->work + o->n, .q = o->work + 2 * o->n};
    c.radius = state[RADIUS];
    TW_TRY(minimise(&c, it->g, residual_norm(state, g_norm), limit));
    state[LENGTH] = tw_vec_norm(o->n, it->d);
    state[SLOPE] = tw_vec_dot(o->n, it->g, it->d);
    state[PREDICTED] = -0.5 * (state[SLOPE] - tw_vec_dot(o->n, it->d, c.r)); /* H d = -g - r */
    state[BOUNDARY] = c.boundary;
    it->radius = state[RADIUS];
    it->predicted = state[PREDICTED];
    it->inner = c.steps;
    return TW_OK;
}

static void describe(const tw_optimizer_settings *set, size_t length, char *text)
{
    if (set->max_inner) snprintf(text, length, "%zu", set->max_inner);
}

const tw_optimizer_ops tw_optimizer_newton_cg = {
    .name = "newton_cg",
    .summary = "truncated Newton by conjugate gradients in a trust region",
    .descent = true,
    .natural = true,
    .products = true,
    .only_step = "trust_region",
    .default_step = "trust_region",
    .state_len = state_len,
    .work_len = work_len,
    .describe = describe,
    .direction = direction,
};
