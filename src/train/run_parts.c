/* Which rows train and which are watched: validation rows and folds, drawn by file row, masked where they
 * stand. */
#include "thalweg/interrupt.h"
#include "thalweg/rng.h"
#include "thalweg/threads.h"
#include "thalweg/units.h"
#include "train/run_impl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- which part a row belongs to ---- */

static uint32_t part_of(const tw_run *run, int64_t row)
{
    const tw_config *c = &run->config;
    const uint64_t seed = (uint64_t)c->seed, stream = TW_STREAM(TW_STREAM_PART);
    const int64_t m = run->dataset.rows;
    if (c->model.folds == m) return 1 + (uint32_t)row; /* leave one out: no draw */
    if (c->model.folds > 0)
        return 1 + (uint32_t)tw_rng_below(seed, stream, (uint64_t)row, (uint64_t)c->model.folds);
    if (!isnan(c->data.validation.fraction))
        return tw_rng_uniform(seed, stream, (uint64_t)row) < c->data.validation.fraction;
    const double tail = c->data.validation.tail;
    return row >= m - (int64_t)(tail < 1 ? floor((double)m * tail + 0.5) : tail);
}

/* ---- before the data is read ---- */

/* Bytes of memory for one rank of this machine, taking all ranks for this machine's share. */
static double memory_of_a_rank(const tw_comm *comm)
{
    const double all = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    const int a_node = (tw_comm_size(comm) + tw_comm_nodes(comm) - 1) / tw_comm_nodes(comm);
    return all / a_node;
}

static void check_matrix(tw_run *run)
{
    char need[TW_UNIT_LEN], have[TW_UNIT_LEN];
    const bool gram = run->config.optimizer.preconditioner == TW_CONFIG_PRECONDITIONER_GRAM;
    if (!run->optimizer_ops || !(gram || run->optimizer_ops->matrix) || !run->model_ops) return;
    /* Classes are counted when they are read; the Gram matrix is the same for all of them. */
    const size_t least = !gram && run->model_ops->target == TW_TARGET_CLASS ? 2 : 1;
    const double bytes =
        tw_objective_matrix_bytes((size_t)run->dataset.cols, least, run->config.model.intercept,
                                  tw_threads_choose(run->config.parallel.threads));
    const double room = memory_of_a_rank(run->comm);
    if (bytes <= room) return;
    tw_config_problem(
        &run->config, gram ? "optimizer.preconditioner" : "optimizer.type",
        "%s needs %s a rank for the matrix of %lld features, and there are %s; use newton_cg or lbfgs%s",
        gram ? "gram" : run->optimizer_ops->name, tw_units_bytes(bytes, need), (long long)run->dataset.cols,
        tw_units_bytes(room, have), gram ? " without it" : "");
}

static void check_validation(tw_run *run)
{
    tw_config *c = &run->config;
    const double tail = c->data.validation.tail;
    const int ways = !isnan(c->data.validation.fraction) + !isnan(tail) + (c->data.validation.file != NULL);
    if (ways > 1)
        tw_config_problem(c, "data.validation", "fraction, tail and file exclude each other: name one");
    if (tail >= 1 && tail != floor(tail))
        tw_config_problem(c, "data.validation.tail",
                          "%g is neither a share below 1 nor a whole number of rows", tail);
    if (tail >= (double)run->dataset.rows)
        tw_config_problem(c, "data.validation.tail", "%g rows of %lld would leave none to train on", tail,
                          (long long)run->dataset.rows);
    if (ways > 0 && c->model.folds > 0)
        tw_config_problem(c, "model.folds",
                          "folds are validation rows already: data.validation cannot be set as well");
}

/* Few rows may all fall into one fold; of many the first two nearly always differ. */
static bool one_fold(const tw_run *run)
{
    for (int64_t row = 1; row < run->dataset.rows; row++)
        if (part_of(run, row) != part_of(run, 0)) return false;
    return true;
}

static void check_path(tw_run *run)
{
    tw_config *c = &run->config;
    if (c->model.folds > 0 && c->model.path.count == 0)
        tw_config_problem(c, "model.folds", "folds choose a penalty of a path: set model.path.count");
    if (c->model.folds > run->dataset.rows)
        tw_config_problem(c, "model.folds", "%lld folds of %lld rows: there cannot be more folds than rows",
                          (long long)c->model.folds, (long long)run->dataset.rows);
    else if (c->model.folds > 0 && one_fold(run))
        tw_config_problem(c, "model.folds",
                          "all %lld rows fell into one fold: use another seed or more folds",
                          (long long)run->dataset.rows);
    if (c->model.path.count > 0 && !(c->model.l1 > 0))
        tw_config_problem(c, "model.path.count",
                          "a path begins where l1 makes every coefficient zero, so model.l1 must be > 0;\n"
                          "model.l1 and model.l2 give the mixture, the path its scale");
    if (c->model.path.count > 0 && c->optimizer.batch > 0)
        tw_config_problem(c, "model.path.count", "a path needs optimizer.batch: full");
}

void tw_run_check_sizes(tw_run *run)
{
    tw_config *c = &run->config;
    if (c->optimizer.batch > run->dataset.rows)
        tw_config_problem(c, "optimizer.batch",
                          "%lld rows in a batch, but the data has %lld; use batch: full",
                          (long long)c->optimizer.batch, (long long)run->dataset.rows);
    check_validation(run);
    check_path(run);
    check_matrix(run);
}

/* ---- the parts of a shard ---- */

tw_status tw_run_assign_parts(tw_run *run)
{
    const tw_config *c = &run->config;
    tw_shard *s = &run->shard;
    run->watched.any =
        c->data.validation.file || !isnan(c->data.validation.fraction) || !isnan(c->data.validation.tail);
    if (c->model.folds == 0 && (c->data.validation.file || !run->watched.any)) return TW_OK;
    s->part = calloc(s->rows + 1, sizeof *s->part);
    run->row_weight = calloc(s->rows + 1, sizeof *run->row_weight);
    run->watched.weight = calloc(s->rows + 1, sizeof *run->watched.weight);
    if (!s->part || !run->row_weight || !run->watched.weight)
        return tw_fail(TW_MEMORY, "out of memory for the parts of %zu rows", s->rows);
    for (size_t i = 0; i < s->rows; i++) {
        if (i % TW_BLOCK_ROWS == 0) TW_TRY(tw_interrupt_check("drawing the rows that are left out"));
        s->part[i] = part_of(run, s->first + (int64_t)i);
    }
    return TW_OK;
}

tw_status tw_run_without(tw_run *run, uint32_t without)
{
    tw_shard *s = &run->shard;
    s->without = without;
    TW_TRY(tw_run_weigh_classes(run));
    const double *factor = run->class_weights.factor; /* not for rows that judge */
    for (size_t i = 0; run->row_weight && i < s->rows; i++) {
        const double weight = s->weight ? s->weight[i] : 1;
        const bool trains = tw_shard_trains(s, i);
        run->row_weight[i] = trains ? factor ? weight * factor[(size_t)s->y[i]] : weight : 0;
        if (run->watched.weight) run->watched.weight[i] = trains ? 0 : weight;
    }
    tw_scaling_release(&run->scaling);
    return tw_scaling_fit(&run->scaling, (tw_scaling_kind)run->config.data.scaling, run->comm,
                          &run->partition, s, run->threads);
}
