/* method.h -- from tw_minimize_settings to an optimizer, a step rule and tests for the end; and the run with
 * them. */
#ifndef THALWEG_TRAIN_METHOD_H
#define THALWEG_TRAIN_METHOD_H

#include "thalweg/config.h"
#include "thalweg/minimize.h"

typedef struct {
    const tw_optimizer_ops *optimizer;
    const tw_step_ops *step;
    tw_optimizer_settings of_optimizer;
    tw_step_settings of_step;
    tw_monitor_settings stop;
} tw_method;

/* The keys of a configuration as settings; what depends on the data or the pair is left to the caller. Not
 * collective. */
tw_optimizer_settings tw_method_optimizer_settings(const tw_config *config);
tw_step_settings tw_method_step_settings(const tw_config *config);

/* Why this optimizer cannot go with this rule, as the end of a sentence that begins with the rule's name, or
 * NULL. Not collective. */
const char *tw_method_obstacle(const tw_optimizer_ops *optimizer, const tw_step_ops *step, double l1,
                               bool mini_batch);

/** model: what will be fitted, NULL: a function. TW_CONFIG, TW_MEMORY; collective. */
tw_status tw_method_init(tw_method *method, tw_comm *comm, const tw_minimize_settings *set,
                         const tw_model_ops *model) TW_CHECKED;

/** Does it sum matrices, for which shards are aligned (tw_partition_align)? */
bool tw_method_matrix(const tw_method *method);

/** Does it, or the look for saddle points, use margins? */
bool tw_method_margins(const tw_method *method, const tw_model_ops *model);

/** w [F->n] in: the start; out: the end. out may be NULL. Collective. */
tw_status tw_method_run(tw_method *method, tw_objective *F, double *w, tw_minimize_result *out) TW_CHECKED;

#endif
