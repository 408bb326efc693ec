/* Shards, classes, model, scaling, objective, method, starting point: in the order in which each needs the
 * one before. */
#include "thalweg/rng.h"
#include "thalweg/run.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)TW_CONFIG_SCALING_MINMAX == (int)TW_SCALING_MINMAX,
               "choices in the order of tw_scaling_kind");
_Static_assert((int)TW_CONFIG_MODE_REPRODUCIBLE == (int)TW_REPRODUCIBLE,
               "choices in the order of tw_reduction_mode");

void tw_run_init(tw_run *run, tw_comm *comm)
{
    *run = (tw_run){.comm = comm, .folder = {.lock = -1}, .began = tw_seconds()};
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
    tw_objective_release(&run->objective);
    tw_scaling_release(&run->scaling);
    tw_model_release(&run->model);
    free(run->classes);
    tw_shard_release(&run->shard);
    tw_partition_release(&run->partition);
    tw_config_release(&run->config);
}

static tw_status read_shard(tw_run *run)
{
    const int rank = tw_comm_rank(run->comm);
    const double start = tw_seconds();
    TW_TRY(tw_partition_init(&run->partition, run->dataset.rows, run->config.reduction.groups,
                             tw_comm_size(run->comm)));
    const int64_t first = tw_partition_shard(&run->partition, rank);
    const int64_t rows = tw_partition_shard(&run->partition, rank + 1) - first;
    const tw_status status = tw_shard_read(&run->shard, &run->dataset, first, rows);
    run->read = tw_seconds() - start;
    return status;
}

/* The labels of the model: numbers as they are, or indices into the classes. Collective. */
static tw_status take_labels(tw_run *run)
{
    const tw_target target = run->model_ops->target;
    if (target == TW_TARGET_NUMBER)
        return tw_comm_agree(run->comm, tw_model_check_labels(run->model_ops, &run->shard));
    TW_TRY(tw_shard_classes(&run->shard, run->comm, &run->n_classes, &run->classes));
    if (run->n_classes == 1)
        return tw_fail(TW_DATA, "all labels of %s:%s are %g: with one class there is nothing to learn",
                       run->dataset.path, run->dataset.labels, run->classes[0]);
    if (target == TW_TARGET_BINARY && run->n_classes > 2)
        return tw_fail(
            TW_DATA,
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

static tw_status allocate_method(tw_run *run)
{
    const tw_config *c = &run->config;
    const tw_objective_parts parts = {.comm = run->comm,
                                      .partition = &run->partition,
                                      .shard = &run->shard,
                                      .model = &run->model,
                                      .scaling = &run->scaling,
                                      .mode = (tw_reduction_mode)c->reduction.mode,
                                      .l2 = c->model.l2};
    const tw_optimizer_settings set = {.momentum = c->optimizer.momentum,
                                       .memory = (size_t)c->optimizer.memory};
    const size_t n = run->model.n_params;
    TW_TRY(tw_objective_init(&run->objective, &parts));
    TW_TRY(tw_optimizer_init(&run->optimizer, run->optimizer_ops, &set, n));
    TW_TRY(tw_step_init(&run->step, run->step_ops, &run->step_settings, n));
    if (!tw_iterate_init(&run->iterate, n)) return tw_fail(TW_MEMORY, "out of memory for %zu parameters", n);
    return TW_OK;
}

tw_status tw_run_load(tw_run *run)
{
    TW_TRY(tw_comm_agree(run->comm, read_shard(run)));
    TW_TRY(take_labels(run));
    TW_TRY(tw_comm_agree(run->comm, tw_model_init(&run->model, run->model_ops, run->shard.cols,
                                                  run->n_classes, run->config.model.intercept)));
    TW_TRY(tw_scaling_fit(&run->scaling, (tw_scaling_kind)run->config.data.scaling, run->comm,
                          &run->partition, &run->shard));
    TW_TRY(tw_comm_agree(run->comm, allocate_method(run)));
    set_start(run);
    return TW_OK;
}
