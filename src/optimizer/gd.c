/* Steepest descent (Cauchy 1847): d = -g. */
#include "thalweg/optimizer.h"

static size_t state_len(const tw_optimizer_settings *set, size_t n)
{
    (void)set;
    (void)n;
    return 0;
}

static tw_status direction(tw_optimizer *o, tw_objective *F, tw_iterate *it)
{
    (void)F;
    for (size_t j = 0; j < o->n; j++) it->d[j] = -it->g[j];
    return TW_OK;
}

const tw_optimizer_ops tw_optimizer_gd = {
    .name = "gd",
    .summary = "steepest descent: d = -g",
    .descent = true,
    .mini_batch = true,
    .default_step = "backtracking",
    .state_len = state_len,
    .direction = direction,
};
