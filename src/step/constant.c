/* The same length in every iteration. */
#include "thalweg/step.h"

static tw_status length(tw_step *s, tw_objective *F, const tw_iterate *it, double time, double *alpha)
{
    (void)F;
    (void)it;
    (void)time;
    *alpha = s->set.length;
    return TW_OK;
}

const tw_step_ops tw_step_constant = {
    .name = "constant",
    .summary = "alpha",
    .length = length,
};
