#include "thalweg/step.h"

#include "thalweg/phase.h"
#include "thalweg/vec.h"

#include <math.h>
#include <stdio.h>
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
    *s = (tw_step){.ops = ops, .set = *set, .state_len = ops->state_len ? ops->state_len(set, n) : 0};
    s->state = calloc(s->state_len + 1, sizeof *s->state);
    s->w = calloc(2 * n + 1, sizeof *s->w);
    s->g = s->w + n;
    return s->w && s->state ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the step rule %s", ops->name);
}

void tw_step_release(tw_step *s)
{
    free(s->state);
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

const char *tw_step_describe(const tw_step_ops *ops, const tw_step_settings *set, size_t length, char *text)
{
    if (ops->own_length)
        snprintf(text, length, "%s", ops->name);
    else
        snprintf(text, length, "%s from %g", ops->name, set->length);
    return text;
}

tw_status tw_step_announce(tw_step *s, tw_objective *F, tw_iterate *it, double time)
{
    it->length = NAN;
    if (!s->ops->length) return TW_OK;
    TW_TRY(s->ops->length(s, F, it, time, &it->length));
    if (time + 1 < s->set.warmup) it->length = it->length * ((time + 1) / s->set.warmup);
    return TW_OK;
}

void tw_step_update(tw_step *s, tw_iterate *it)
{
    it->alpha = s->set.unit ? it->length : fmin(it->length, it->alpha_max);
    it->trials = 1;
    tw_step_move(it, s->set.unit ? 1 : it->alpha, it->w);
}

static tw_status move_and_evaluate(tw_step *s, tw_objective *F, tw_iterate *it)
{
    tw_step_update(s, it);
    return tw_objective_eval(F, it->w, &it->f, it->g);
}

tw_status tw_step_advance(tw_step *s, tw_objective *F, tw_iterate *it)
{
    const double f = it->f;
    it->slope = tw_objective_slope(F, it->w, it->g, it->d);
    if (s->set.unit) it->slope = it->slope / it->length; /* d holds the length */
    it->slope_end = NAN;
    it->rejected = false;
    if (s->ops->advance) tw_phase_enter(TW_AT_SEARCH, it->k);
    TW_TRY(s->ops->length ? move_and_evaluate(s, F, it) : s->ops->advance(s, F, it));
    if (F->broken) it->why = TW_NOT_FINITE; /* even if the search went round it */
    if (it->why != TW_CONTINUE) return TW_OK;
    if (!it->rejected) tw_objective_accept(F);
    it->f_prev = f;
    it->g_norm = tw_objective_stationarity(F, it->w, it->g);
    it->w_norm = tw_vec_norm(it->n, it->w);
    it->k++;
    it->updates++;
    return TW_OK;
}
