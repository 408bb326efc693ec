/* Adam (Kingma and Ba 2015, algorithm 1 with epsilon beside the corrected root) and AdamW (Loshchilov and
 * Hutter 2019), as in PyTorch; adamw also draws the penalised weights to zero, outside the averages.
 *
 * State: m [n] | v [n] | beta1^k, beta2^k, started [3]. */
#include "thalweg/optimizer.h"

#include <math.h>
#include <stdio.h>

static size_t state_len(const tw_optimizer_settings *set, size_t n)
{
    (void)set;
    return 2 * n + 3;
}

static void describe(const tw_optimizer_settings *set, size_t length, char *text)
{
    snprintf(text, length, "%g, %g", set->beta1, set->beta2);
}

static void describe_decay(const tw_optimizer_settings *set, size_t length, char *text)
{
    snprintf(text, length, "%g, %g, decay %g", set->beta1, set->beta2, set->weight_decay);
}

static tw_status direction(tw_optimizer *o, tw_objective *F, tw_iterate *it)
{
    const double a = o->set.beta1, b = o->set.beta2, epsilon = o->set.epsilon > 0 ? o->set.epsilon : 1e-8;
    double *const m = o->state, *const v = m + o->n, *const power = v + o->n, *const started = power + 2;
    (void)F;
    power[0] = *started > 0 ? power[0] * a : a;
    power[1] = *started > 0 ? power[1] * b : b;
    *started = 1;
    const double mean = 1 - power[0], root = sqrt(1 - power[1]);
    for (size_t j = 0; j < o->n; j++) {
        const double g = it->g[j];
        m[j] = fma(a, m[j], (1 - a) * g);
        v[j] = fma(b, v[j], (1 - b) * (g * g));
        it->d[j] = -(m[j] / mean / (sqrt(v[j]) / root + epsilon));
    }
    return TW_OK;
}

static tw_status direction_decay(tw_optimizer *o, tw_objective *F, tw_iterate *it)
{
    const size_t n = o->set.n_weights > 0 ? o->set.n_weights : o->n;
    TW_TRY(direction(o, F, it));
    for (size_t j = 0; j < n; j++) it->d[j] = fma(-o->set.weight_decay, it->w[j], it->d[j]);
    return TW_OK;
}

const tw_optimizer_ops tw_optimizer_adam = {
    .name = "adam",
    .summary = "mean of the gradient over the root of the mean of its squares",
    .mini_batch = true,
    .default_step = "constant",
    .default_length = 0.001,
    .state_len = state_len,
    .describe = describe,
    .direction = direction,
};

const tw_optimizer_ops tw_optimizer_adamw = {
    .name = "adamw",
    .summary = "adam, and decay of the weights beside it",
    .mini_batch = true,
    .default_step = "constant",
    .default_length = 0.001,
    .state_len = state_len,
    .describe = describe_decay,
    .direction = direction_decay,
};
