/* alpha decay^floor(k / every): a staircase. */
#include "thalweg/step.h"

static tw_status length(tw_step *s, tw_objective *F, const tw_iterate *it, double time, double *alpha)
{
    (void)F;
    (void)it;
    *alpha = s->set.length;
    for (double t = (double)s->set.every; s->set.every > 0 && t <= time && *alpha > 0;
         t += (double)s->set.every)
        *alpha = *alpha * s->set.decay;
    return TW_OK;
}

const tw_step_ops tw_step_step = {
    .name = "step",
    .summary = "alpha decay^floor(k / every)",
    .length = length,
};
