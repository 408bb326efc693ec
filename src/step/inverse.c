/* Robbins and Monro (1951) decay: alpha tau / (k + tau); tau = 1 gives alpha / (k + 1), the plain 1/k. */
#include "thalweg/step.h"

static tw_status length(tw_step *s, tw_objective *F, const tw_iterate *it, double time, double *alpha)
{
    (void)F;
    (void)it;
    *alpha = s->set.length * s->set.tau / (time + s->set.tau);
    return TW_OK;
}

const tw_step_ops tw_step_inverse = {
    .name = "inverse",
    .summary = "alpha tau / (k + tau); tau = 1 is the plain 1/k decay",
    .length = length,
};
