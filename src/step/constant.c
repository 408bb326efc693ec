/* The same length in every iteration. */
#include "thalweg/step.h"

static tw_status advance(tw_step *s, tw_objective *F, tw_iterate *it)
{
    it->alpha = s->set.length;
    it->trials = 1;
    tw_step_move(it, it->alpha, it->w);
    return tw_objective_eval(F, it->w, &it->f, it->g);
}

const tw_step_ops tw_step_constant = {
    .name = "constant",
    .summary = "alpha",
    .advance = advance,
};
