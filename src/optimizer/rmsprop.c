/* RMSProp (Tieleman and Hinton 2012): v = a v + (1 - a) g^2, d = -g / (sqrt(v) + epsilon), as in PyTorch.
 * State: v [n]. */
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
    snprintf(text, length, "%g", set->smoothing);
}

static tw_status direction(tw_optimizer *o, tw_objective *F, tw_iterate *it)
{
    const double a = o->set.smoothing, epsilon = o->set.epsilon > 0 ? o->set.epsilon : 1e-8;
    (void)F;
    for (size_t j = 0; j < o->n; j++) {
        const double g = it->g[j];
        o->state[j] = fma(a, o->state[j], (1 - a) * (g * g));
        it->d[j] = -(g / (sqrt(o->state[j]) + epsilon));
    }
    return TW_OK;
}

const tw_optimizer_ops tw_optimizer_rmsprop = {
    .name = "rmsprop",
    .summary = "gradient over the root of the running mean of its squares",
    .descent = true,
    .mini_batch = true,
    .default_step = "constant",
    .default_length = 0.01,
    .state_len = state_len,
    .describe = describe,
    .direction = direction,
};
