/* Backtracking: from the first length, times shrink until F(w + alpha d) <= F(w) + c1 alpha g.d (Armijo 1966;
 * Nocedal and Wright 2006, algorithm 3.1). Within the rounding of F the slope at the trial also
 * decides: the approximate Wolfe condition of Hager and Zhang (2005), equation 4.1, which for a quadratic
 * says the same as Armijo's. */
#include "thalweg/step.h"

#include <math.h>
#include <string.h>

static bool accepted(const tw_step *s, const tw_objective *F, tw_iterate *it, double alpha, double f)
{
    it->slope_end = tw_objective_slope(F, s->w, s->g, it->d);
    const double line = it->f + s->set.c1 * alpha * it->slope;
    if (f <= line) return true;
    if (!(f <= line + TW_LOSS_ROUNDING * fabs(it->f))) return false;
    return it->slope_end <= (2 * s->set.c1 - 1) * it->slope;
}

static tw_status advance(tw_step *s, tw_objective *F, tw_iterate *it)
{
    double alpha = fmin(s->set.length, it->alpha_max), f = 0;
    memcpy(s->w, it->w, it->n * sizeof *s->w);
    for (long trial = 1; it->slope < 0 && trial <= s->set.max_trials; trial++, alpha *= s->set.shrink) {
        tw_step_move(it, alpha, s->w);
        TW_TRY(tw_objective_eval(F, it->w, &f, s->g));
        if (!it->moved) break;
        if (!accepted(s, F, it, alpha, f)) continue;
        it->alpha = alpha;
        it->trials = trial;
        it->f = f;
        memcpy(it->g, s->g, it->n * sizeof *s->g);
        return TW_OK;
    }
    memcpy(it->w, s->w, it->n * sizeof *s->w);
    it->why = tw_objective_stationarity(F, it->w, it->g) == 0 ? TW_PARAMETERS_UNCHANGED : TW_SEARCH_FAILED;
    return TW_OK;
}

const tw_step_ops tw_step_backtracking = {
    .name = "backtracking",
    .summary = "shrink until F(w + alpha d) <= F(w) + c1 alpha g.d",
    .needs_full_batch = true,
    .needs_descent = true,
    .advance = advance,
};
