/* From the text of a configuration to rows of the tables: every mistake is found and told before any data is
 * read. */
#include "thalweg/run.h"
#include "thalweg/words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rank 0's bytes on every rank. Collective. */
static tw_status read_text(tw_run *run, const char *path, char **text, size_t *length)
{
    *text = NULL;
    *length = 0;
    tw_status status = TW_OK;
    if (tw_comm_rank(run->comm) == 0) status = tw_config_read_file(path, text, length);
    TW_TRY(tw_comm_bcast_status(run->comm, 0, status));
    TW_TRY(tw_comm_bcast(run->comm, 0, length, sizeof *length));
    if (!*text) *text = calloc(*length + 1, 1);
    TW_TRY(
        tw_comm_agree(run->comm, *text ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the configuration")));
    return tw_comm_bcast(run->comm, 0, *text, *length);
}

/* "unknown optimizer 'adm'; known: gd, momentum, lbfgs", and the nearest. */
static void unknown_word(tw_config *c, const char *key, const char *word, size_t count,
                         const char *const *names)
{
    char known[512] = "";
    for (size_t i = 0, at = 0; i < count && at < sizeof known; i++)
        at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "", names[i]);
    const char *near = tw_words_nearest(word, count, names);
    tw_config_problem(c, key, "unknown %s '%s'; known: %s%s%s%s", key, word, known,
                      near ? ". Did you mean '" : "", near ? near : "", near ? "'?" : "");
}

#define RESOLVE(kind, table, key, word)                                                \
    static const tw_##kind##_ops *resolve_##kind(tw_config *c)                         \
    {                                                                                  \
        const char *names[64];                                                         \
        size_t count = 0;                                                              \
        if (!(word)) return NULL; /* reported as missing */                            \
        const tw_##kind##_ops *row = tw_##kind##_find(word);                           \
        for (; table[count] && count < 64; count++) names[count] = table[count]->name; \
        if (!row) unknown_word(c, key, word, count, names);                            \
        return row;                                                                    \
    }
RESOLVE(model, tw_models, "model.type", c->model.type)
RESOLVE(optimizer, tw_optimizers, "optimizer.type", c->optimizer.type)
RESOLVE(step, tw_steps, "step.rule", c->step.rule ? c->step.rule : "backtracking")

/* Names of the optimizers that go with a rule that needs descent. */
static void list_descent(size_t length, char *text)
{
    text[0] = 0;
    for (size_t i = 0, at = 0; tw_optimizers[i] && at < length; i++)
        if (tw_optimizers[i]->descent)
            at += (size_t)snprintf(text + at, length - at, "%s%s", at ? ", " : "", tw_optimizers[i]->name);
}

static void list_free_rules(size_t length, char *text)
{
    text[0] = 0;
    for (size_t i = 0, at = 0; tw_steps[i] && at < length; i++)
        if (!tw_steps[i]->needs_descent)
            at += (size_t)snprintf(text + at, length - at, "%s%s", at ? ", " : "", tw_steps[i]->name);
}

static void check_pair(tw_run *run)
{
    char optimizers[256], rules[256];
    if (!run->optimizer_ops || !run->step_ops) return;
    if (!run->step_ops->needs_descent || run->optimizer_ops->descent) return;
    list_descent(sizeof optimizers, optimizers);
    list_free_rules(sizeof rules, rules);
    tw_config_problem(&run->config, "step.rule",
                      "%s needs a direction that always descends, which %s does not promise\n"
                      "%s goes with step.rule: %s; %s goes with optimizer.type: %s",
                      run->step_ops->name, run->optimizer_ops->name, run->optimizer_ops->name, rules,
                      run->step_ops->name, optimizers);
}

static void resolve_method(tw_run *run)
{
    tw_config *c = &run->config;
    run->model_ops = resolve_model(c);
    run->optimizer_ops = resolve_optimizer(c);
    run->step_ops = resolve_step(c);
    check_pair(run);
    const bool natural = run->optimizer_ops && run->optimizer_ops->natural;
    const bool search = run->step_ops && run->step_ops->needs_full_batch;
    if (isnan(c->step.length)) c->step.length = natural || search ? 1 : 0.1;
    run->step_settings = (tw_step_settings){.length = c->step.length,
                                            .tau = c->step.tau,
                                            .c1 = c->step.c1,
                                            .shrink = c->step.shrink,
                                            .max_trials = (long)c->step.max_trials};
}

/* Without a named test the defaults; they are put into the configuration, so that the resolved copy replays
 * this run. */
static void default_stop(tw_config *c)
{
    if (!isnan(c->stop.gradient_norm) || !isnan(c->stop.gradient_norm_relative) ||
        !isnan(c->stop.loss_delta) || !isnan(c->stop.loss_delta_relative))
        return;
    c->stop.gradient_norm_relative = 1e-6;
    c->stop.loss_delta_relative = 1e-12;
    if (!tw_config_is_set(c, "stop.patience")) c->stop.patience = 3;
}

static void resolve_stop(tw_run *run)
{
    tw_config *c = &run->config;
    default_stop(c);
    run->stop = (tw_monitor_settings){.gradient_norm = c->stop.gradient_norm,
                                      .gradient_norm_relative = c->stop.gradient_norm_relative,
                                      .loss_delta = c->stop.loss_delta,
                                      .loss_delta_relative = c->stop.loss_delta_relative,
                                      .require_all = c->stop.require == TW_CONFIG_REQUIRE_ALL,
                                      .patience = (long)c->stop.patience,
                                      .max_iterations = (long)c->stop.max_iterations,
                                      .max_seconds = c->stop.max_time,
                                      .divergence_factor = c->stop.divergence_factor};
}

/* output.dir, or runs/<name of the configuration>. */
static tw_status resolve_folder(tw_run *run, const char *path, const char *out)
{
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    const char *dot = strrchr(name, '.');
    if (!out) out = run->config.output.dir;
    if (out)
        snprintf(run->out, sizeof run->out, "%s", out);
    else
        snprintf(run->out, sizeof run->out, "runs/%.*s",
                 (int)(dot && dot > name ? dot - name : (long)strlen(name)), name);
    free(run->config.output.dir);
    run->config.output.dir = strdup(run->out); /* for the resolved copy */
    return run->config.output.dir ? TW_OK
                                  : tw_fail(TW_MEMORY, "out of memory for the name of the run folder");
}

/* Rank 0 alone: a wrong name is a problem of the configuration, anything else a failure of its own. */
static tw_status open_dataset(tw_run *run)
{
    tw_config *c = &run->config;
    const tw_dataset_names names = {.features = c->data.features,
                                    .labels = c->data.labels,
                                    .weights = c->data.weights,
                                    .need_labels = true};
    const char *wrong_key;
    const tw_status status = tw_dataset_open(&run->dataset, c->data.train, &names, &wrong_key);
    if (status == TW_OK || !wrong_key) return status;
    tw_config_problem(c, wrong_key, "%s", tw_status_message());
    return TW_OK; /* told by the verdict */
}

/* Also rank 0 alone. Failures of the data wait for the problems of the configuration, which are all told at
 * once. */
static tw_status examine(tw_run *run)
{
    tw_status data = TW_OK;
    char sentence[TW_MESSAGE_LEN];
    if (run->config.data.train) data = open_dataset(run);
    memcpy(sentence, tw_status_message(), sizeof sentence);
    TW_TRY(tw_config_verdict(&run->config));
    if (data) return tw_fail(data, "%s", sentence);
    return tw_run_folder_check(run->out);
}

tw_status tw_run_configure(tw_run *run, const char *path, size_t n_sets, char *const *sets, const char *out)
{
    char *text;
    size_t length;
    const tw_status read = read_text(run, path, &text, &length);
    if (read == TW_OK) tw_config_parse(&run->config, path, text, length);
    free(text);
    TW_TRY(read);
    for (size_t i = 0; i < n_sets; i++) tw_config_set(&run->config, sets[i]);
    snprintf(run->config_path, sizeof run->config_path, "%s", path);
    resolve_method(run);
    resolve_stop(run);
    TW_TRY(tw_comm_agree(run->comm, resolve_folder(run, path, out)));
    tw_status status = TW_OK;
    if (tw_comm_rank(run->comm) == 0) status = examine(run);
    TW_TRY(tw_comm_bcast_status(run->comm, 0, status));
    return tw_comm_bcast(run->comm, 0, &run->dataset, sizeof run->dataset);
}
