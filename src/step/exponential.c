/* alpha decay^k, as exp(k log decay), so that a fraction of an epoch has its length too. */
#include "thalweg/step.h"
#include "thalweg/vec.h"

static tw_status length(tw_step *s, tw_objective *F, const tw_iterate *it, double time, double *alpha)
{
    (void)F;
    (void)it;
    *alpha = s->set.length * tw_exp(time * tw_log(s->set.decay));
    return TW_OK;
}

const tw_step_ops tw_step_exponential = {
    .name = "exponential",
    .summary = "alpha decay^k",
    .length = length,
};
