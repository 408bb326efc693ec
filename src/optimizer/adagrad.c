/* AdaGrad, diagonal form (Duchi, Hazan and Singer 2011): s = s + g^2, d = -g / (sqrt(s) + epsilon), as in
 * PyTorch. State: s [n]. */
#include "thalweg/optimizer.h"

#include <math.h>

static size_t state_len(const tw_optimizer_settings *set, size_t n)
{
    (void)set;
    return n;
}

static tw_status direction(tw_optimizer *o, tw_objective *F, tw_iterate *it)
{
    const double epsilon = o->set.epsilon > 0 ? o->set.epsilon : 1e-10;
    (void)F;
    for (size_t j = 0; j < o->n; j++) {
        o->state[j] = fma(it->g[j], it->g[j], o->state[j]);
        it->d[j] = -(it->g[j] / (sqrt(o->state[j]) + epsilon));
    }
    return TW_OK;
}

const tw_optimizer_ops tw_optimizer_adagrad = {
    .name = "adagrad",
    .summary = "gradient over the root of the sum of its squares",
    .descent = true,
    .mini_batch = true,
    .default_step = "constant",
    .default_length = 0.01,
    .state_len = state_len,
    .direction = direction,
};
