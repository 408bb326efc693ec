#include "thalweg/step.h"

#include "thalweg/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const tw_step_ops *const tw_steps[] = {
#define X(name) &tw_step_##name,
    TW_STEPS(X)
#undef X
        NULL};

const tw_step_ops *tw_step_find(const char *name)
{
    for (size_t i = 0; tw_steps[i]; i++)
        if (strcmp(tw_steps[i]->name, name) == 0) return tw_steps[i];
    return NULL;
}

tw_status tw_step_init(tw_step *s, const tw_step_ops *ops, const tw_step_settings *set, size_t n)
{
    *s = (tw_step){.ops = ops, .set = *set};
    s->w = calloc(2 * n + 1, sizeof *s->w);
    s->g = s->w + n;
    return s->w ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the step rule %s", ops->name);
}

void tw_step_release(tw_step *s)
{
    free(s->w);
    *s = (tw_step){0};
}

void tw_step_move(tw_iterate *it, double alpha, const double *from)
{
    it->moved = false;
    for (size_t j = 0; j < it->n; j++) {
        const double w = fma(alpha, it->d[j], from[j]);
        if (w != from[j]) it->moved = true;
        it->w[j] = w;
    }
}

tw_status tw_step_advance(tw_step *s, tw_objective *F, tw_iterate *it)
{
    const double f = it->f;
    it->slope = tw_vec_dot(it->n, it->g, it->d);
    TW_TRY(s->ops->advance(s, F, it));
    if (it->why != TW_CONTINUE) return TW_OK;
    it->f_prev = f;
    it->g_norm = tw_vec_norm(it->n, it->g);
    it->w_norm = tw_vec_norm(it->n, it->w);
    it->k++;
    return TW_OK;
}
