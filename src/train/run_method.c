/* Model, optimizer and step rule from their names, the defaults each brings, and every pair that cannot work,
 * refused with the list of what can, before any data is read. */
#include "thalweg/words.h"
#include "train/method.h"
#include "train/run_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST = 512 };

static void append(char *list, const char *word)
{
    const size_t at = strlen(list);
    snprintf(list + at, LIST - at, "%s%s", at ? ", " : "", word);
}

/* "unknown optimizer 'adm'; known: gd, momentum, lbfgs", and the nearest. */
static void unknown_word(tw_config *c, const char *key, const char *word, size_t count,
                         const char *const *names)
{
    char known[LIST] = "";
    for (size_t i = 0; i < count; i++) append(known, names[i]);
    const char *near = tw_words_nearest(word, count, names);
    tw_config_problem(c, key, "unknown %s '%s'; known: %s%s%s%s", key, word, known,
                      near ? ". Did you mean '" : "", near ? near : "", near ? "'?" : "");
}

#define RESOLVE(kind, table, key)                                                      \
    static const tw_##kind##_ops *resolve_##kind(tw_config *c, const char *word)       \
    {                                                                                  \
        const char *names[64];                                                         \
        size_t count = 0;                                                              \
        if (!word) return NULL; /* reported as missing */                              \
        const tw_##kind##_ops *row = tw_##kind##_find(word);                           \
        for (; table[count] && count < 64; count++) names[count] = table[count]->name; \
        if (!row) unknown_word(c, key, word, count, names);                            \
        return row;                                                                    \
    }
RESOLVE(model, tw_models, "model.type")
RESOLVE(optimizer, tw_optimizers, "optimizer.type")
RESOLVE(step, tw_steps, "step.rule")

/* ---- which pairs can work ---- */

static const char *pair_obstacle(const tw_optimizer_ops *o, const tw_step_ops *s, const tw_config *c)
{
    return tw_method_obstacle(o, s, c->model.l1, c->optimizer.batch > 0);
}

static void list_rules(const tw_optimizer_ops *o, const tw_config *c, char *list)
{
    list[0] = 0;
    for (size_t i = 0; tw_steps[i]; i++)
        if (!pair_obstacle(o, tw_steps[i], c)) append(list, tw_steps[i]->name);
}

static void list_optimizers(const tw_step_ops *s, const tw_config *c, char *list)
{
    list[0] = 0;
    for (size_t i = 0; tw_optimizers[i]; i++)
        if (!pair_obstacle(tw_optimizers[i], s, c)) append(list, tw_optimizers[i]->name);
}

static void check_pair(tw_run *run)
{
    char rules[LIST], optimizers[LIST];
    const tw_optimizer_ops *o = run->optimizer_ops;
    const tw_step_ops *s = run->step_ops;
    const char *obstacle = pair_obstacle(o, s, &run->config);
    if (!obstacle) return;
    list_rules(o, &run->config, rules);
    list_optimizers(s, &run->config, optimizers);
    tw_config_problem(&run->config, "step.rule",
                      "%s cannot be paired with optimizer.type %s: %s %s\n"
                      "%s goes with step.rule: %s%s%s%s%s",
                      s->name, o->name, s->name, obstacle, o->name, rules[0] ? rules : "no rule at all",
                      optimizers[0] ? "; " : "", optimizers[0] ? s->name : "",
                      optimizers[0] ? " goes with optimizer.type: " : "", optimizers);
}

/* Optimizers that have a property, for refusals. */
#define LIST_OPTIMIZERS(list, property)                                             \
    do {                                                                            \
        list[0] = 0;                                                                \
        for (size_t i_ = 0; tw_optimizers[i_]; i_++)                                \
            if (tw_optimizers[i_]->property) append(list, tw_optimizers[i_]->name); \
    } while (0)

static void check_optimizer(tw_run *run)
{
    char list[LIST];
    tw_config *c = &run->config;
    const tw_optimizer_ops *o = run->optimizer_ops;
    const tw_model_ops *m = run->model_ops;
    if (c->optimizer.batch > 0 && !o->mini_batch) {
        LIST_OPTIMIZERS(list, mini_batch);
        tw_config_problem(c, "optimizer.batch",
                          "%s needs batch: full; with mini-batches use optimizer.type: %s", o->name, list);
    }
    if (c->model.l1 > 0 && !o->l1) {
        LIST_OPTIMIZERS(list, l1);
        tw_config_problem(c, "model.l1", "%s cannot minimise with l1 > 0; use optimizer.type: %s", o->name,
                          list);
    }
    if (c->optimizer.preconditioner == TW_CONFIG_PRECONDITIONER_GRAM &&
        (strcmp(o->name, "lbfgs") != 0 || c->model.l1 > 0))
        tw_config_problem(c, "optimizer.preconditioner",
                          "gram goes with optimizer.type: lbfgs and model.l1: 0");
    if (m && ((o->matrix && !m->curvatures) || (o->products && !m->hessian_vector)))
        tw_config_problem(c, "optimizer.type",
                          "%s needs second derivatives, which model.type %s does not have", o->name, m->name);
}

static void check_step(tw_run *run)
{
    tw_config *c = &run->config;
    const tw_step_ops *s = run->step_ops;
    const tw_model_ops *m = run->model_ops;
    if (s->products && m && !(tw_model_curvature_max(m) > 0 && isfinite(tw_model_curvature_max(m))))
        tw_config_problem(c, "step.rule",
                          "%s needs a loss of bounded curvature, and that of model.type %s is not", s->name,
                          m->name);
    if (strcmp(s->name, "wolfe") == 0 && !(c->step.c1 < c->step.c2))
        tw_config_problem(c, "step.c2",
                          "c1 (%g) must be smaller than c2 (%g): else no length need satisfy both",
                          c->step.c1, c->step.c2);
    if (c->step.warmup > 0 && !s->length)
        tw_config_problem(c, "step.warmup",
                          "a warm-up belongs to a schedule of lengths; %s searches for its own", s->name);
}

/* ---- defaults ---- */

static const char *default_rule(const tw_run *run)
{
    const tw_optimizer_ops *o = run->optimizer_ops;
    const tw_step_ops *own = tw_step_find(o->default_step ? o->default_step : "constant");
    if (!own || !pair_obstacle(o, own, &run->config)) return o->default_step ? o->default_step : "constant";
    return run->config.optimizer.batch > 0 ? "constant" : "backtracking";
}

static void default_lengths(tw_run *run)
{
    tw_config *c = &run->config;
    const tw_optimizer_ops *o = run->optimizer_ops;
    const bool schedule = run->step_ops->length != NULL;
    const double limit = c->optimizer.batch > 0 ? (double)c->stop.max_epochs : (double)c->stop.max_iterations;
    if (isnan(c->step.length) && schedule && o->default_length > 0) c->step.length = o->default_length;
    if (isnan(c->step.length)) c->step.length = o->natural || !schedule ? 1 : 0.1;
    if (isnan(c->step.c2)) c->step.c2 = o->natural ? 0.9 : 0.1;
    if (isnan(c->step.decay)) c->step.decay = strcmp(run->step_ops->name, "step") == 0 ? 0.1 : 0.95;
    if (isnan(c->step.period) && strcmp(run->step_ops->name, "cosine") == 0)
        c->step.period = limit > 1 ? limit : 1; /* other rules do not change with the limit of the run */
}

static tw_status default_step(tw_run *run)
{
    tw_config *c = &run->config;
    if (c->step.rule || !run->optimizer_ops) return TW_OK;
    c->step.rule = strdup(default_rule(run)); /* for the resolved copy */
    return c->step.rule ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the name of the step rule");
}

tw_status tw_run_resolve_method(tw_run *run)
{
    tw_config *c = &run->config;
    run->model_ops = resolve_model(c, c->model.type);
    run->optimizer_ops = resolve_optimizer(c, c->optimizer.type);
    TW_TRY(default_step(run));
    run->step_ops = resolve_step(c, c->step.rule);
    tw_run_check_classes(run);
    if (!run->optimizer_ops || !run->step_ops) return TW_OK; /* already a problem */
    default_lengths(run);
    check_optimizer(run);
    check_pair(run);
    check_step(run);
    run->step_settings = tw_method_step_settings(c);
    run->step_settings.natural = run->optimizer_ops->natural;
    run->step_settings.unit = run->optimizer_ops->unit;
    return TW_OK;
}
