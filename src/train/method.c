/* Names to rows of the tables, refusals of pairs that cannot work, defaults from the table of the
 * configuration. */
#include "train/method.h"

#include "thalweg/link.h"
#include "thalweg/words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_NAMES = 64 };

static tw_status unknown(const char *kind, const char *word, size_t count, const char *const *names)
{
    char known[1024] = "";
    for (size_t i = 0, at = 0; i < count && at < sizeof known; i++)
        at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "", names[i]);
    const char *near = tw_words_nearest(word, count, names);
    return tw_fail(TW_CONFIG, "unknown %s '%s'; known: %s%s%s%s", kind, word, known,
                   near ? ". Did you mean '" : "", near ? near : "", near ? "'?" : "");
}

const char *tw_method_obstacle(const tw_optimizer_ops *o, const tw_step_ops *s, double l1, bool mini_batch)
{
    if (o->only_step && strcmp(o->only_step, s->name) != 0) return "is not the rule that the method brings";
    if (s->only_optimizer && strcmp(s->only_optimizer, o->name) != 0) return "belongs to another method";
    if (o->unit && !s->length) return "searches along a line, but this method needs its length in advance";
    if (s->needs_descent && !o->descent) return "needs a direction that always descends";
    if (s->products && (o->natural || o->default_length > 0))
        return "is the length of a gradient, not of a direction of other size";
    if (s->needs_full_batch && mini_batch)
        return "compares the loss at two points, which mini-batches do not have";
    if (l1 > 0 && o->matrix && s->uses_margins)
        return "judges slopes, which l1 breaks along these directions";
    return NULL;
}

static const char *default_rule(const tw_optimizer_ops *o, double l1)
{
    const char *name = o->default_step ? o->default_step : "constant";
    const tw_step_ops *own = tw_step_find(name);
    return own && !tw_method_obstacle(o, own, l1, false) ? name : "backtracking";
}

static tw_status find_names(tw_method *m, const tw_minimize_settings *set)
{
    const char *names[MOST_NAMES], *optimizer = set->optimizer ? set->optimizer : "lbfgs";
    size_t count = 0;
    m->optimizer = tw_optimizer_find(optimizer);
    for (; tw_optimizers[count] && count < MOST_NAMES; count++) names[count] = tw_optimizers[count]->name;
    if (!m->optimizer) return unknown("optimizer", optimizer, count, names);
    const char *step = set->step ? set->step : default_rule(m->optimizer, set->l1);
    m->step = tw_step_find(step);
    for (count = 0; tw_steps[count] && count < MOST_NAMES; count++) names[count] = tw_steps[count]->name;
    return m->step ? TW_OK : unknown("step rule", step, count, names);
}

static tw_status check_pair(const tw_method *m, const tw_minimize_settings *set)
{
    const char *why = tw_method_obstacle(m->optimizer, m->step, set->l1, false);
    if (why)
        return tw_fail(TW_CONFIG, "step rule %s cannot be paired with optimizer %s: %s %s", m->step->name,
                       m->optimizer->name, m->step->name, why);
    if (set->l1 > 0 && !m->optimizer->l1)
        return tw_fail(TW_CONFIG, "%s cannot minimise with l1; take an optimizer that does, or l2",
                       m->optimizer->name);
    return TW_OK;
}

static tw_status check_gram(const tw_method *m, const tw_minimize_settings *set, const tw_model_ops *model)
{
    if (!set->of_optimizer || !set->of_optimizer->gram) return TW_OK;
    if (m->optimizer != &tw_optimizer_lbfgs || set->l1 > 0)
        return tw_fail(TW_CONFIG, "the Gram matrix (gram) goes with optimizer lbfgs and l1 = 0");
    if (!model)
        return tw_fail(TW_CONFIG, "the Gram matrix (gram) is for models with data rows, not for functions");
    return TW_OK;
}

/* What the method asks of the model. A function has differences of its gradient, but no margins. */
static tw_status check_model(const tw_method *m, const tw_model_ops *model)
{
    const bool curved = model && (!model->link || model->link->curvature);
    if (!model && m->step->products)
        return tw_fail(TW_CONFIG, "step rule %s is for models with data rows, not for functions",
                       m->step->name);
    if (model && (m->optimizer->products || m->step->products) && !(model->hessian_vector && curved))
        return tw_fail(TW_CONFIG, "%s asks for second derivatives, which model %s does not have",
                       m->optimizer->products ? m->optimizer->name : m->step->name, model->name);
    if (model && m->step->products &&
        !(tw_model_curvature_max(model) > 0 && isfinite(tw_model_curvature_max(model))))
        return tw_fail(TW_CONFIG,
                       "step rule %s needs a loss of bounded curvature, and that of model %s is not",
                       m->step->name, model->name);
    if (model && m->optimizer->matrix && !(model->curvatures && model->rates && curved))
        return tw_fail(TW_CONFIG,
                       "%s asks for the matrix of second derivatives, which model %s does not have",
                       m->optimizer->name, model->name);
    return TW_OK;
}

static tw_status check_numbers(const tw_minimize_settings *set)
{
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"length", set->length},
                   {"l2", set->l2},
                   {"l1", set->l1},
                   {"gradient_norm", set->gradient_norm},
                   {"gradient_norm_relative", set->gradient_norm_relative},
                   {"max_iterations", (double)set->max_iterations},
                   {"max_seconds", set->max_seconds}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!(numbers[i].value >= 0 && isfinite(numbers[i].value)))
            return tw_fail(TW_CONFIG, "%s of the settings must be 0 or a positive number, not %g",
                           numbers[i].name, numbers[i].value);
    return TW_OK;
}

static void set_stop(tw_method *m, const tw_minimize_settings *set)
{
    const bool absolute = set->gradient_norm > 0, relative = set->gradient_norm_relative > 0;
    m->stop = (tw_monitor_settings){
        .gradient_norm = absolute ? set->gradient_norm : NAN,
        .gradient_norm_relative = relative   ? set->gradient_norm_relative
                                  : absolute ? NAN
                                             : 1e-6,
        .loss_delta = NAN,
        .loss_delta_relative = NAN,
        .patience = 1,
        .max_iterations = set->max_iterations > 0 ? set->max_iterations : 10000,
        .max_seconds = set->max_seconds > 0 ? set->max_seconds : NAN,
        .divergence_factor = INFINITY}; /* the zero of a function means nothing: not finite alone counts */
}

tw_optimizer_settings tw_method_optimizer_settings(const tw_config *c)
{
    return (tw_optimizer_settings){.momentum = c->optimizer.momentum,
                                   .memory = (size_t)c->optimizer.memory,
                                   .beta1 = c->optimizer.beta1,
                                   .beta2 = c->optimizer.beta2,
                                   .smoothing = c->optimizer.smoothing,
                                   .epsilon = c->optimizer.epsilon,
                                   .weight_decay = c->optimizer.weight_decay,
                                   .restart = c->optimizer.restart,
                                   .acceleration = c->optimizer.acceleration,
                                   .full_batch = c->optimizer.batch == 0,
                                   .max_inner = (size_t)c->optimizer.max_inner};
}

tw_step_settings tw_method_step_settings(const tw_config *c)
{
    return (tw_step_settings){.length = c->step.length,
                              .tau = c->step.tau,
                              .decay = c->step.decay,
                              .every = (long)c->step.every,
                              .warmup = c->step.warmup,
                              .period = c->step.period,
                              .c1 = c->step.c1,
                              .c2 = c->step.c2,
                              .c = c->step.c,
                              .shrink = c->step.shrink,
                              .max_trials = (long)c->step.max_trials};
}

static void set_optimizer(tw_method *m, const tw_minimize_settings *set, const tw_config *c)
{
    m->of_optimizer = set->of_optimizer ? *set->of_optimizer : tw_method_optimizer_settings(c);
    m->of_optimizer.full_batch = true;
}

static void set_step(tw_method *m, const tw_minimize_settings *set, const tw_config *c)
{
    const tw_optimizer_ops *o = m->optimizer;
    m->of_step = set->of_step ? *set->of_step : tw_method_step_settings(c);
    if (isnan(m->of_step.c2))
        m->of_step.c2 = o->natural ? 0.9 : 0.1; /* Nocedal and Wright 2006, section 3.1 */
    if (isnan(m->of_step.decay)) m->of_step.decay = m->step == &tw_step_step ? 0.1 : 0.95;
    if (isnan(m->of_step.period)) m->of_step.period = (double)m->stop.max_iterations;
    m->of_step.natural = o->natural;
    m->of_step.unit = o->unit;
    const double usual = o->natural || m->step->advance ? 1 : 0.1;
    m->of_step.length = set->length > 0                            ? set->length
                        : m->step->length && o->default_length > 0 ? o->default_length
                                                                   : usual;
}

static tw_status set_values(tw_method *m, const tw_minimize_settings *set)
{
    tw_config defaults;
    tw_config_init(&defaults);
    const bool complete = defaults.record != NULL;
    set_stop(m, set);
    set_optimizer(m, set, &defaults);
    set_step(m, set, &defaults);
    tw_config_release(&defaults);
    if (!complete) return tw_fail(TW_MEMORY, "out of memory for the settings");
    if (m->step == &tw_step_wolfe && !(m->of_step.c1 < m->of_step.c2))
        return tw_fail(TW_CONFIG, "c1 (%g) must be smaller than c2 (%g): else no length need satisfy both",
                       m->of_step.c1, m->of_step.c2);
    return TW_OK;
}

tw_status tw_method_init(tw_method *m, tw_comm *comm, const tw_minimize_settings *set,
                         const tw_model_ops *model)
{
    *m = (tw_method){0};
    TW_TRY(check_numbers(set));
    TW_TRY(find_names(m, set));
    TW_TRY(check_pair(m, set));
    TW_TRY(check_gram(m, set, model));
    TW_TRY(check_model(m, model));
    return tw_comm_agree(comm, set_values(m, set));
}

bool tw_method_matrix(const tw_method *m)
{
    return m->optimizer->matrix || m->of_optimizer.gram;
}

bool tw_method_margins(const tw_method *m, const tw_model_ops *model)
{
    return m->step->uses_margins || m->step->products || m->optimizer->products || m->optimizer->matrix ||
           !model->convex;
}
