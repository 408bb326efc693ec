#include "thalweg/optimizer.h"

#include "thalweg/vec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const tw_optimizer_ops *const tw_optimizers[] = {
#define X(name) &tw_optimizer_##name,
    TW_OPTIMIZERS(X)
#undef X
        NULL};

const tw_optimizer_ops *tw_optimizer_find(const char *name)
{
    for (size_t i = 0; tw_optimizers[i]; i++)
        if (strcmp(tw_optimizers[i]->name, name) == 0) return tw_optimizers[i];
    return NULL;
}

tw_status tw_optimizer_init(tw_optimizer *o, const tw_optimizer_ops *ops, const tw_optimizer_settings *set,
                            size_t n)
{
    *o = (tw_optimizer){.ops = ops, .set = *set, .n = n, .state_len = ops->state_len(set, n)};
    o->work_len = ops->work_len ? ops->work_len(set, n) : 0;
    o->state = calloc(o->state_len + 1, sizeof *o->state);
    o->work = calloc(o->work_len + 1, sizeof *o->work);
    if (o->state && o->work) return TW_OK;
    return tw_fail(TW_MEMORY, "out of memory for the state of %s (%zu numbers)", ops->name,
                   o->state_len + o->work_len);
}

void tw_optimizer_release(tw_optimizer *o)
{
    free(o->work);
    free(o->state);
    *o = (tw_optimizer){0};
}

const char *tw_optimizer_describe(const tw_optimizer *o, size_t length, char *text)
{
    char settings[64] = "";
    if (o->ops->describe) o->ops->describe(&o->set, sizeof settings, settings);
    snprintf(text, length, "%s%s%s%s", o->ops->name, settings[0] ? "(" : "", settings,
             settings[0] ? ")" : "");
    return text;
}

void tw_optimizer_reset(tw_optimizer *o)
{
    memset(o->state, 0, o->state_len * sizeof *o->state);
}

void tw_optimizer_keep_orthant(const tw_objective *F, tw_iterate *it, const double *pg)
{
    for (size_t j = 0; j < F->n_weights; j++) {
        const double side = it->w[j] != 0 ? it->w[j] : -pg[j], to = it->w[j] + it->d[j];
        if (!((side > 0 && to > 0) || (side < 0 && to < 0)))
            it->d[j] = -it->w[j]; /* onto the border: exactly zero */
    }
    it->alpha_max = 1;
}

void tw_optimizer_downhill(const tw_objective *F, tw_iterate *it)
{
    double *const pg = F->scratch;
    tw_objective_subgradient(F, it->w, it->g, pg);
    const double norm = tw_vec_norm(it->n, pg), t = norm > 1 ? 1 / norm : 1;
    for (size_t j = 0; j < it->n; j++) it->d[j] = -(t * pg[j]);
    if (F->l1 > 0) tw_optimizer_keep_orthant(F, it, pg);
}

tw_status tw_optimizer_direction(tw_optimizer *o, tw_objective *F, tw_iterate *it)
{
    return o->ops->direction(o, F, it);
}
