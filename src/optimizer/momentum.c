/* Heavy ball (Polyak 1964): u = beta u + g, d = -u.   State: u [n]. */
#include "thalweg/optimizer.h"

#include <math.h>
#include <stdio.h>

static size_t state_len(const tw_optimizer_settings *set, size_t n)
{
    (void)set;
    return n;
}

static void describe(const tw_optimizer_settings *set, size_t length, char *text)
{
    snprintf(text, length, "%g", set->momentum);
}

static tw_status direction(tw_optimizer *o, tw_objective *F, tw_iterate *it)
{
    (void)F;
    for (size_t j = 0; j < o->n; j++) {
        o->state[j] = fma(o->set.momentum, o->state[j], it->g[j]);
        it->d[j] = -o->state[j];
    }
    return TW_OK;
}

const tw_optimizer_ops tw_optimizer_momentum = {
    .name = "momentum",
    .summary = "heavy ball: u = momentum u + g, d = -u",
    .mini_batch = true,
    .default_step = "constant",
    .state_len = state_len,
    .describe = describe,
    .direction = direction,
};
