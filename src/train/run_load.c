/* Shards, classes, model, scaling, objective, method, starting point: in the order in which each needs the
 * one before. */
#include "thalweg/phase.h"
#include "thalweg/rng.h"
#include "train/class_weight.h"
#include "train/method.h"
#include "train/run_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)TW_CONFIG_SCALING_MINMAX == (int)TW_SCALING_MINMAX,
               "choices in the order of tw_scaling_kind");
_Static_assert((int)TW_CONFIG_MODE_REPRODUCIBLE == (int)TW_REPRODUCIBLE,
               "choices in the order of tw_reduction_mode");

void tw_run_init(tw_run *run, tw_comm *comm)
{
    *run = (tw_run){.comm = comm, .folder = {.lock = -1}, .began = tw_seconds()};
    tw_account_start();
    tw_config_init(&run->config);
    run->log.active = tw_comm_rank(comm) == 0;
}

void tw_run_release(tw_run *run)
{
    tw_run_folder_close(&run->folder);
    tw_runlog_release(&run->log);
    tw_iterate_release(&run->iterate);
    tw_step_release(&run->step);
    tw_optimizer_release(&run->optimizer);
    free(run->configuration);
    free(run->path.parameters);
    free(run->path.table);
    free(run->path.points);
    free(run->path.fold_loss);
    free(run->path.fold_weight);
    tw_objective_release(&run->watched.objective);
    tw_shard_release(&run->watched.shard);
    tw_partition_release(&run->watched.partition);
    free(run->watched.best);
    free(run->watched.weight);
    free(run->row_weight);
    tw_class_weights_release(&run->class_weights);
    tw_objective_release(&run->objective);
    tw_scaling_release(&run->scaling);
    tw_model_release(&run->model);
    free(run->fill);
    free(run->class_names);
    free(run->classes);
    tw_dataset_release(&run->watched.dataset);
    tw_dataset_release(&run->dataset);
    tw_shard_release(&run->shard);
    tw_partition_release(&run->partition);
    tw_binding_release(&run->binding);
    free(run->text);
    tw_config_release(&run->config);
}

static tw_status read_shard(tw_run *run)
{
    const int rank = tw_comm_rank(run->comm);
    const double start = tw_seconds();
    TW_TRY(tw_partition_init(&run->partition, run->dataset.rows, run->config.reduction.groups,
                             tw_comm_size(run->comm)));
    if (run->optimizer_ops->matrix || run->config.optimizer.preconditioner == TW_CONFIG_PRECONDITIONER_GRAM)
        tw_partition_align(&run->partition, TW_MATRIX_GROUPS);
    run->threads = tw_shard_threads(&run->dataset, &run->partition, rank, run->config.parallel.threads);
    const tw_status status =
        tw_shard_read_groups(&run->shard, &run->dataset, &run->partition, rank, run->threads);
    run->read = tw_seconds() - start;
    return status;
}

/* The labels of the model: numbers as they are, or indices into the classes. Collective. */
static tw_status take_labels(tw_run *run)
{
    const tw_target target = run->model_ops->target;
    if (run->dataset.words && target == TW_TARGET_NUMBER)
        return tw_fail(TW_DATA,
                       "the labels %s:%s are words, but model.type %s needs numbers; use softmax or logistic",
                       run->dataset.path, run->dataset.labels, run->model_ops->name);
    if (run->dataset.words)
        TW_TRY(tw_shard_name_classes(&run->shard, run->comm, &run->n_names, &run->class_names));
    if (target == TW_TARGET_NUMBER)
        return tw_comm_agree(run->comm, tw_model_check_labels(run->model_ops, &run->shard));
    TW_TRY(tw_shard_classes(&run->shard, run->comm, &run->n_classes, &run->classes));
    if (run->n_classes == 1)
        return tw_fail(TW_DATA, "all labels of %s:%s are %s%g: with one class there is nothing to learn",
                       run->dataset.path, run->dataset.labels, run->dataset.words ? "one word; class " : "",
                       run->classes[0]);
    if (target == TW_TARGET_BINARY && run->n_classes > 2)
        return tw_fail(TW_DATA,
                       "%s:%s has %zu classes, but model.type %s needs 2; use model.type: softmax (or linear "
                       "for a numeric target)",
                       run->dataset.path, run->dataset.labels, run->n_classes, run->model_ops->name);
    return tw_comm_agree(run->comm, tw_shard_encode(&run->shard, run->n_classes, run->classes));
}

static void set_start(tw_run *run)
{
    const tw_config *c = &run->config;
    const uint64_t seed = (uint64_t)c->seed, stream = TW_STREAM(TW_STREAM_INIT);
    for (size_t j = 0; j < run->iterate.n; j++) {
        double w = 0;
        switch (c->model.init) {
        case TW_CONFIG_START_ZEROS: break;
        case TW_CONFIG_START_CONSTANT: w = c->model.init_scale; break;
        case TW_CONFIG_START_NORMAL: w = c->model.init_scale * tw_rng_normal(seed, stream, j); break;
        case TW_CONFIG_START_UNIFORM:
            w = c->model.init_scale * (2 * tw_rng_uniform(seed, stream, j) - 1);
            break;
        }
        run->iterate.w[j] = w;
    }
}

static bool margins_are_used(const tw_run *run)
{
    const tw_optimizer_ops *o = run->optimizer_ops;
    return run->step_ops->uses_margins || o->products || o->matrix || run->watched.weight;
}

static tw_status allocate_method(tw_run *run)
{
    const tw_config *c = &run->config;
    const tw_objective_parts parts = {.comm = run->comm,
                                      .partition = &run->partition,
                                      .shard = &run->shard,
                                      .model = &run->model,
                                      .scaling = &run->scaling,
                                      .row_weight = run->row_weight,
                                      .mode = (tw_reduction_mode)c->reduction.mode,
                                      .no_barriers = !c->output.accounting,
                                      .threads = run->threads,
                                      .l2 = c->model.l2,
                                      .l1 = c->model.l1,
                                      .keep_margins = margins_are_used(run)};
    tw_optimizer_settings set = tw_method_optimizer_settings(c);
    set.n_weights = run->model.n_weights;
    set.gram = c->optimizer.preconditioner == TW_CONFIG_PRECONDITIONER_GRAM;
    set.outputs = run->model.outputs;
    const size_t n = run->model.n_params;
    TW_TRY(tw_objective_init(&run->objective, &parts));
    TW_TRY(tw_optimizer_init(&run->optimizer, run->optimizer_ops, &set, n));
    TW_TRY(tw_step_init(&run->step, run->step_ops, &run->step_settings, n));
    if (!tw_iterate_init(&run->iterate, n)) return tw_fail(TW_MEMORY, "out of memory for %zu parameters", n);
    return TW_OK;
}

/* ---- the rows that are watched ---- */

/* Labels as in the training data, then as indices into its classes. */
static tw_status take_validation_labels(tw_run *run, size_t renamed, const double *to)
{
    tw_watched *v = &run->watched;
    if (v->dataset.words) TW_TRY(tw_shard_find_words(&v->shard, run->n_names, run->class_names));
    if (renamed) TW_TRY(tw_shard_rename(&v->shard, renamed, to, v->dataset.path));
    if (run->n_classes) return tw_shard_encode(&v->shard, run->n_classes, run->classes);
    return tw_model_check_labels(run->model_ops, &v->shard);
}

static tw_status read_validation(tw_run *run, size_t renamed, const double *to)
{
    tw_watched *v = &run->watched;
    TW_TRY(tw_partition_init(&v->partition, v->dataset.rows, 0, tw_comm_size(run->comm)));
    TW_TRY(
        tw_shard_read_groups(&v->shard, &v->dataset, &v->partition, tw_comm_rank(run->comm), run->threads));
    TW_TRY(tw_run_fill_validation(run));
    if (v->dataset.words != run->dataset.words)
        return tw_fail(TW_DATA, "the labels of data.validation.file %s are %s, those of the training data %s",
                       v->dataset.path, v->dataset.words ? "words" : "numbers",
                       run->dataset.words ? "words" : "numbers");
    const tw_status labels = take_validation_labels(run, renamed, to);
    if (labels == TW_OK) return TW_OK;
    return tw_fail(labels, "data.validation.file %s: %s%s", v->dataset.path, tw_status_message(),
                   run->n_classes ? "; it may hold no class that the training data has not" : "");
}

tw_status tw_run_load_validation(tw_run *run)
{
    tw_watched *v = &run->watched;
    size_t renamed;
    double *to;
    tw_status status = tw_run_match_classes(run, &renamed, &to);
    if (status == TW_OK) status = tw_comm_agree(run->comm, read_validation(run, renamed, to));
    free(to);
    TW_TRY(status);
    const tw_objective_parts parts = {.comm = run->comm,
                                      .partition = &v->partition,
                                      .shard = &v->shard,
                                      .model = &run->model,
                                      .scaling = &run->scaling,
                                      .mode = (tw_reduction_mode)run->config.reduction.mode,
                                      .no_barriers = !run->config.output.accounting,
                                      .threads = run->threads};
    return tw_comm_agree(run->comm, tw_objective_init(&v->objective, &parts));
}

/* Some rows must be left on both sides. Before anything is fitted to them. */
static tw_status count_watched(tw_run *run)
{
    tw_watched *v = &run->watched;
    if (!v->any || run->config.data.validation.file) return TW_OK;
    for (size_t i = 0; i < run->shard.rows; i++)
        v->rows += run->shard.part[i] != 0 && !(run->shard.dropped && run->shard.dropped[i]);
    TW_TRY(tw_comm_allreduce(run->comm, TW_SUM, 1, &v->rows)); /* whole numbers: exact in any order */
    if (v->rows > 0 && v->rows < (double)run->dataset.rows - run->dropped) return TW_OK;
    return tw_fail(
        TW_CONFIG,
        "data.validation keeps %s of %lld rows%s; use a %s share, or name the rows by data.validation.tail",
        v->rows > 0 ? "all" : "none", (long long)run->dataset.rows,
        v->rows > 0 ? " and leaves none to train on" : "", v->rows > 0 ? "smaller" : "larger");
}

static tw_status fingerprint(tw_run *run, const tw_shard *shard, const tw_dataset *dataset, char hex[33])
{
    unsigned char digest[16];
    TW_TRY(tw_shard_fingerprint(shard, dataset, run->comm, digest));
    for (int i = 0; i < 16; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return TW_OK;
}

static tw_status watch(tw_run *run)
{
    tw_watched *v = &run->watched;
    const bool own_file = run->config.data.validation.file != NULL;
    if (!v->any) return TW_OK;
    if (own_file) {
        tw_phase_return(TW_AT_LOAD);
        TW_TRY(tw_run_load_validation(run));
        TW_TRY(fingerprint(run, &v->shard, &v->dataset, run->watched_digest));
        tw_phase_return(TW_AT_PREPARE);
    }
    v->best = calloc(run->model.n_params + 1, sizeof *v->best);
    TW_TRY(tw_comm_agree(run->comm,
                         v->best ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the best parameters")));
    v->validation = (tw_validation){.objective = own_file ? &v->objective : &run->objective,
                                    .weight = v->weight,
                                    .same_rows = !own_file,
                                    .patience = (long)run->config.stop.validation_patience,
                                    .best_loss = INFINITY,
                                    .best_w = v->best};
    return TW_OK;
}

tw_status tw_run_load(tw_run *run)
{
    tw_phase_enter(TW_AT_LOAD, 0);
    TW_TRY(tw_comm_agree(run->comm, read_shard(run)));
    TW_TRY(fingerprint(run, &run->shard, &run->dataset, run->data_digest));
    tw_phase_enter(TW_AT_PREPARE, 0);
    TW_TRY(tw_run_drop(run));
    TW_TRY(take_labels(run));
    TW_TRY(tw_comm_agree(run->comm, tw_run_assign_parts(run)));
    TW_TRY(count_watched(run));
    TW_TRY(tw_run_fill(run));
    TW_TRY(tw_comm_agree(run->comm, tw_model_init(&run->model, run->model_ops, run->shard.cols,
                                                  run->n_classes, run->config.model.intercept)));
    run->model.settings.delta = run->config.model.delta;
    TW_TRY(tw_run_without(run, run->watched.weight && run->config.model.folds == 0 ? 1 : 0));
    TW_TRY(tw_comm_agree(run->comm, allocate_method(run)));
    if (run->config.optimizer.batch > 0)
        TW_TRY(
            tw_objective_batches(&run->objective, run->config.optimizer.batch, (uint64_t)run->config.seed));
    TW_TRY(watch(run));
    set_start(run);
    TW_TRY(tw_run_take_start(run));
    tw_phase_return(TW_AT_START);
    return TW_OK;
}
