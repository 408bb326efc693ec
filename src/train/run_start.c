/* model.start: the parameters of a model that was trained before, as the starting point of this run.
 *
 * They go through original units: v of the file to w = v scale, b = offset + v . mean in the scaling of this
 * run; where both scalings are the same to the bit, what was trained is taken as it is. */
#include "thalweg/probe.h"
#include "thalweg/vec.h"
#include "train/run_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "model.start"

static void refuse_combinations(tw_run *run)
{
    tw_config *c = &run->config;
    if (c->model.init != TW_CONFIG_START_ZEROS)
        tw_config_problem(c, KEY, "model.init gives another starting point: set one of the two");
    if (c->model.path.count > 0)
        tw_config_problem(c, KEY,
                          "a path begins where all coefficients are zero, so it cannot start from a model");
}

/* ---- what the data cannot change; rank 0 alone ---- */

static void compare_features(tw_run *run, const tw_model_file *f, size_t count, char *const *names)
{
    tw_config *c = &run->config;
    if ((int64_t)f->features != run->dataset.cols) {
        tw_config_problem(c, KEY, "%s has %zu features, %s has %lld", c->model.start, f->features,
                          run->dataset.path, (long long)run->dataset.cols);
        return;
    }
    for (size_t j = 0; names && count == f->features && f->feature_names && j < count; j++) {
        if (strcmp(names[j], f->feature_names[j]) == 0) continue;
        tw_config_problem(c, KEY, "column %zu (from 0) is '%.64s' in %s and '%.64s' in %s", j,
                          f->feature_names[j], c->model.start, names[j], run->dataset.path);
        return;
    }
}

static tw_status compare(tw_run *run, const tw_model_file *f)
{
    char **names;
    size_t count;
    tw_config *c = &run->config;
    if (run->model_ops && strcmp(f->model, run->model_ops->name) != 0) {
        tw_config_problem(c, KEY, "%s is a %s model, model.type is %s", c->model.start, f->model,
                          run->model_ops->name);
        return TW_OK;
    }
    if (f->intercept && !c->model.intercept)
        tw_config_problem(c, KEY, "%s has an intercept, model.intercept is false", c->model.start);
    TW_TRY(tw_dataset_strings(run->dataset.path, "/feature_names", &count, &names));
    compare_features(run, f, count, names);
    free(names);
    return TW_OK;
}

tw_status tw_run_check_start(tw_run *run)
{
    tw_model_file f;
    const char *path = run->config.model.start;
    if (!path) return TW_OK;
    refuse_combinations(run);
    tw_probe_doing(path, "reading the model");
    TW_TRY(tw_model_file_read(&f, path, NULL));
    const tw_status status = run->dataset.path[0] ? compare(run, &f) : TW_OK;
    tw_model_file_release(&f);
    return status;
}

/* ---- classes, which are known when the labels are; rank 0 alone ---- */

static void compare_classes(tw_run *run, const tw_model_file *f, char *const *names)
{
    tw_config *c = &run->config;
    if (f->n_classes != run->n_classes) {
        tw_config_problem(c, KEY, "%s has %zu classes, %s has %zu", c->model.start, f->n_classes,
                          run->dataset.path, run->n_classes);
        return;
    }
    for (size_t k = 0; k < run->n_classes; k++) {
        const bool named = names && f->class_names;
        if (named ? strcmp(names[k], f->class_names[k]) == 0 : run->classes[k] == f->classes[k]) continue;
        if (named)
            tw_config_problem(c, KEY, "class %zu (from 0) is '%.64s' in %s and '%.64s' in %s", k,
                              f->class_names[k], c->model.start, names[k], run->dataset.path);
        else
            tw_config_problem(c, KEY, "class %zu (from 0) is %.17g in %s and %.17g in %s", k, f->classes[k],
                              c->model.start, run->classes[k], run->dataset.path);
        return;
    }
}

static tw_status check_classes(tw_run *run, const tw_model_file *f)
{
    char **names;
    if (run->n_classes == 0) return TW_OK;
    TW_TRY(tw_run_class_names(run, &names));
    compare_classes(run, f, names);
    free(names);
    return tw_config_verdict(&run->config);
}

/* ---- into the scaling of the run ---- */

static bool same_scaling(const tw_model_file *f, const tw_scaling *s)
{
    const size_t bytes = s->n * sizeof *s->mean;
    if (strcmp(f->scaling, tw_scaling_name(s->kind)) != 0) return false;
    return s->kind == TW_SCALING_NONE ||
           (memcmp(f->mean, s->mean, bytes) == 0 && memcmp(f->scale, s->scale, bytes) == 0);
}

static void take_trained(const tw_model_file *f, const tw_model *m, double *w)
{
    for (size_t j = 0; j < m->features; j++)
        for (size_t k = 0; k < m->outputs; k++) w[j * m->outputs + k] = f->coef_scaled[k * m->features + j];
    if (m->intercept) memcpy(w + m->n_weights, f->offset_scaled, m->outputs * sizeof *w);
}

static void take_raw(const tw_model_file *f, const tw_model *m, const tw_scaling *s, double *w)
{
    const size_t n = m->features;
    const bool scaled = s->kind != TW_SCALING_NONE;
    for (size_t k = 0; k < m->outputs; k++) {
        const double *v = f->coef + k * n;
        for (size_t j = 0; j < n; j++) w[j * m->outputs + k] = scaled ? v[j] * s->scale[j] : v[j];
        if (m->intercept) w[m->n_weights + k] = f->offset[k] + (scaled ? tw_vec_dot(n, v, s->mean) : 0);
    }
}

/* The file may have changed since it was looked at. */
static tw_status take(tw_run *run)
{
    tw_model_file f;
    const tw_model *m = &run->model;
    const char *path = run->config.model.start;
    TW_TRY(tw_model_file_read(&f, path, NULL));
    tw_status status = check_classes(run, &f);
    if (status == TW_OK &&
        (strcmp(f.model, m->ops->name) != 0 || f.features != m->features || f.outputs != m->outputs))
        status = tw_fail(TW_INPUT, "%s has changed since this run began; start it again", path);
    if (status == TW_OK && same_scaling(&f, &run->scaling))
        take_trained(&f, m, run->iterate.w);
    else if (status == TW_OK)
        take_raw(&f, m, &run->scaling, run->iterate.w);
    const char *hash = status == TW_OK ? tw_model_file_text(&f, "parameters_hash") : NULL;
    snprintf(run->start_hash, sizeof run->start_hash, "%s", hash ? hash : "");
    tw_model_file_release(&f);
    return status;
}

tw_status tw_run_take_start(tw_run *run)
{
    if (!run->config.model.start) return TW_OK;
    const tw_status status = tw_comm_rank(run->comm) == 0 ? take(run) : TW_OK;
    TW_TRY(tw_comm_bcast_status(run->comm, 0, status));
    return tw_comm_bcast(run->comm, 0, run->iterate.w, run->iterate.n * sizeof *run->iterate.w);
}
