/* Nesterov's acceleration (1983), seen from the point y = w where F and g are taken: u = -(x+ - x) / alpha
 * for the points x of the descent, so y+ = y - alpha (g + beta u).
 *
 * Mini-batches: a fixed beta (Sutskever, Martens, Dahl and Hinton 2013). Full batch: beta from the sequence
 * of FISTA (Beck and Teboulle 2009), with the gradient restart of O'Donoghue and Candes (2015). State: u [n]
 * | beta of the step before | theta, 0 before the first. */
#include "thalweg/optimizer.h"
#include "thalweg/vec.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static size_t state_len(const tw_optimizer_settings *set, size_t n)
{
    (void)set;
    return n + 2;
}

static void describe(const tw_optimizer_settings *set, size_t length, char *text)
{
    if (set->full_batch)
        snprintf(text, length, "%s", set->restart ? "restart" : "");
    else
        snprintf(text, length, "%g", set->momentum);
}

static void accelerate(tw_optimizer *o, const tw_iterate *it, double beta)
{
    for (size_t j = 0; j < o->n; j++) o->state[j] = fma(beta, o->state[j], it->g[j]);
}

static void aim(const tw_optimizer *o, tw_iterate *it, double beta)
{
    for (size_t j = 0; j < o->n; j++) it->d[j] = -fma(beta, o->state[j], it->g[j]);
}

static void fista(tw_optimizer *o, tw_iterate *it)
{
    double *const u = o->state, *const beta = u + o->n, *const next = u + o->n + 1;
    double theta = *next > 0 ? *next : 1;
    accelerate(o, it, *beta);
    if (o->set.restart && tw_vec_dot(o->n, it->g, u) < 0) {
        memcpy(u, it->g, o->n * sizeof *u);
        theta = 1;
    }
    *next = (1 + sqrt(1 + 4 * (theta * theta))) / 2;
    *beta = (theta - 1) / *next;
    aim(o, it, *beta);
}

static tw_status direction(tw_optimizer *o, tw_objective *F, tw_iterate *it)
{
    (void)F;
    if (o->set.full_batch) {
        fista(o, it);
    } else {
        accelerate(o, it, o->set.momentum);
        aim(o, it, o->set.momentum);
    }
    return TW_OK;
}

const tw_optimizer_ops tw_optimizer_nesterov = {
    .name = "nesterov",
    .summary = "accelerated gradient: u = beta u + g, d = -(g + beta u)",
    .mini_batch = true,
    .default_step = "constant",
    .state_len = state_len,
    .describe = describe,
    .direction = direction,
};
