/* Robbins and Monro (1951) decay: alpha tau / (k + tau); tau = 1 gives alpha / (k + 1), the plain 1/k. */
#include "thalweg/step.h"

static tw_status advance(tw_step *s, tw_objective *F, tw_iterate *it)
{
    it->alpha = s->set.length * s->set.tau / ((double)it->k + s->set.tau);
    it->trials = 1;
    tw_step_move(it, it->alpha, it->w);
    return tw_objective_eval(F, it->w, &it->f, it->g);
}

const tw_step_ops tw_step_inverse = {
    .name = "inverse",
    .summary = "alpha tau / (k + tau); tau = 1 is the plain 1/k decay",
    .advance = advance,
};
