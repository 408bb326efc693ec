/* The whole of d, or nothing: w + d is taken when F falls by more than 1e-4 of what the quadratic model of
 * newton_cg predicted (Lin and More 1999). Where both lie within the rounding of F the decrease is -(g.d +
 * g+.d) / 2, the trapezoid rule on the slopes, which is exact for a quadratic: taken when the slope at the
 * end is less steep than at the start. The radius is newton_cg's to change; when nothing is left of it the
 * search has failed. */
#include "thalweg/step.h"

#include <math.h>
#include <string.h>

static double decrease(const tw_iterate *it, double f)
{
    const double rounding = TW_LOSS_ROUNDING * fabs(it->f), fall = it->f - f;
    if (fabs(fall) <= rounding && it->predicted <= rounding) return -0.5 * (it->slope + it->slope_end);
    return fall;
}

/* it->moved stays true: the next, shorter step will move, so this is no reason to stop. */
static void refuse(const tw_step *s, tw_iterate *it)
{
    memcpy(it->w, s->w, it->n * sizeof *s->w);
    it->alpha = 0;
    it->rejected = true;
}

static tw_status advance(tw_step *s, tw_objective *F, tw_iterate *it)
{
    double f = 0;
    if (!(it->radius >= 1e-14 * (1 + it->w_norm))) {
        it->why = TW_SEARCH_FAILED;
        return TW_OK;
    }
    memcpy(s->w, it->w, it->n * sizeof *s->w);
    tw_step_move(it, 1, s->w);
    TW_TRY(tw_objective_eval(F, it->w, &f, s->g));
    it->trials = 1;
    it->slope_end = tw_objective_slope(F, s->w, s->g, it->d);
    it->ratio = isfinite(f) ? decrease(it, f) / it->predicted : -INFINITY;
    if (it->moved && !(it->ratio > 1e-4)) {
        refuse(s, it);
        return TW_OK;
    }
    it->alpha = 1;
    it->f = f;
    memcpy(it->g, s->g, it->n * sizeof *s->g);
    return TW_OK;
}

const tw_step_ops tw_step_trust_region = {
    .name = "trust_region",
    .own_length = true,
    .summary = "all of d when F falls as the quadratic model says, else a smaller region",
    .needs_full_batch = true,
    .needs_descent = true,
    .only_optimizer = "newton_cg",
    .advance = advance,
};
