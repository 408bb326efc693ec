/* One evaluation: fold, one pass over the own groups, ONE exchange, unfold, divide by the weight, add the
 * penalties. */
#include "objective/impl.h"
#include "thalweg/fault.h"
#include "thalweg/hash.h"
#include "thalweg/interrupt.h"
#include "thalweg/phase.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static tw_status allocate(tw_objective *F)
{
    F->raw = calloc(tw_model_raw(F->model), sizeof *F->raw);
    F->sums = calloc(tw_model_sums(F->model), sizeof *F->sums);
    if (!F->raw || !F->sums) return tw_fail(TW_MEMORY, "out of memory for %zu parameters", F->n);
    TW_TRY(tw_workers_init(F));
    TW_TRY(tw_objective_reduction(F, &F->reduction, tw_model_sums(F->model)));
    if (!F->parts.keep_margins || !F->model->ops->rates) return TW_OK;
    const size_t margins = F->shard->rows * F->model->outputs + 1;
    F->margins = calloc(margins, sizeof *F->margins);
    F->margins_next = calloc(margins, sizeof *F->margins_next);
    if (!F->margins || !F->margins_next)
        return tw_fail(TW_MEMORY, "out of memory for the margins of %zu rows", F->shard->rows);
    TW_TRY(tw_objective_reduction(F, &F->rounds, TW_ROUND_SUMS));
    return tw_objective_line_buffers(F);
}

tw_status tw_objective_init(tw_objective *F, const tw_objective_parts *parts)
{
    const tw_model *m = parts->function ? NULL : parts->model;
    *F = (tw_objective){.parts = *parts,
                        .comm = parts->comm,
                        .partition = parts->partition,
                        .shard = parts->shard,
                        .model = m,
                        .scaling = parts->scaling,
                        .l2 = parts->l2,
                        .l1 = parts->l1,
                        .threads = m && parts->threads > 1 ? parts->threads : 1,
                        .n = m ? m->n_params : parts->function->n,
                        .n_weights = m ? m->n_weights : parts->function->n,
                        .convex = m ? m->ops->convex : parts->function->convex,
                        .batches = {.step = -1}};
    F->scratch = calloc(F->n + 1, sizeof *F->scratch);
    if (!F->scratch) return tw_fail(TW_MEMORY, "out of memory for %zu parameters", F->n);
    return m ? allocate(F) : tw_objective_leaves(F);
}

tw_status tw_objective_reduction(tw_objective *F, tw_reduction **reduction, size_t n)
{
    const tw_reduction_plan plan = {.mode = F->parts.mode,
                                    .merge = &tw_merge_sum,
                                    .n = n,
                                    .no_barriers = F->parts.no_barriers,
                                    .threads = F->threads};
    return tw_reduction_new(reduction, F->comm, F->partition, &plan);
}

void tw_objective_release(tw_objective *F)
{
    tw_reduction_free(F->reduction);
    tw_reduction_free(F->rounds);
    tw_reduction_free(F->scores);
    tw_batches_release(&F->batches);
    if (F->leaves) tw_partition_release(F->leaves);
    free(F->leaves);
    free(F->margins);
    free(F->margins_next);
    free(F->trial);
    tw_workers_release(F);
    tw_matrix_free(F->matrix);
    free(F->scratch);
    free(F->raw);
    free(F->sums);
    *F = (tw_objective){0};
}

/* ---- the local half of a pass: blocks of the own groups ---- */

typedef struct {
    tw_objective *F;
    tw_block_work *work;
    void *context;
} pass;

static tw_status add_group(void *context, int thread, int64_t k, tw_branch *branch)
{
    const pass *p = context;
    tw_objective *F = p->F;
    tw_worker *worker = &F->workers[thread];
    const int64_t end = tw_partition_row(F->partition, k + 1);
    for (int64_t row = tw_partition_row(F->partition, k); row < end; row += TW_BLOCK_ROWS) {
        const int64_t rows = end - row < TW_BLOCK_ROWS ? end - row : TW_BLOCK_ROWS;
        const size_t first = (size_t)(row - F->shard->first);
        tw_block block = tw_shard_block(F->shard, first, (size_t)rows);
        if (F->parts.row_weight) block.weight = F->parts.row_weight + first;
        TW_TRY(p->work(F, worker, &block, first, p->context, tw_branch_block(branch)));
        tw_branch_push(branch);
    }
    return TW_OK;
}

/* The slice of group k in the step in progress, block by gathered block. */
static tw_status add_slice(void *context, int thread, int64_t k, tw_branch *branch)
{
    const pass *p = context;
    tw_worker *worker = &p->F->workers[thread];
    tw_batches_cursor at = tw_batches_first(p->F, k);
    for (tw_block block; tw_batches_next(p->F, worker, &at, &block);) {
        TW_TRY(p->work(p->F, worker, &block, SIZE_MAX, p->context, tw_branch_block(branch)));
        tw_branch_push(branch);
    }
    return TW_OK;
}

/* Equal numbers, and only these, have as much in the sum of squares as in the square of the sum. Whole
 * numbers below 2^63 for up to 2^15 ranks. */
static bool at_one_point(const tw_objective *F)
{
    const uint64_t size = (uint64_t)tw_comm_size(F->comm), sum = (uint64_t)F->agreed[TW_FLAG_POINT];
    return size * (uint64_t)F->agreed[TW_FLAG_POINT_SQUARED] == sum * sum;
}

void tw_objective_mark(tw_objective *F, const double *w)
{
    if (tw_comm_size(F->comm) > 1) tw_hash128(w, F->n * sizeof *w, F->point);
}

tw_status tw_objective_exchange(tw_objective *F, tw_reduction *reduction, tw_status local, double *sums)
{
    const unsigned asked = tw_interrupt_requests();
    if (asked & TW_INTERRUPT_STOP) F->requests[TW_FLAG_STOP] = 1;
    if (asked & TW_INTERRUPT_SAVE) F->requests[TW_FLAG_SAVE] = 1;
    const tw_phase doing = tw_phase_enter(TW_AT_EXCHANGE, tw_phase_now().iteration);
    if (tw_fault_armed && local == TW_OK) local = tw_fault_failure();
    for (int i = 0; i < TW_N_FLAGS; i++) F->agreed[i] = F->requests[i];
    F->agreed[TW_FLAG_FAILED] = local != TW_OK;
    F->agreed[TW_FLAG_POINT] = 256.0 * F->point[0] + F->point[1];
    F->agreed[TW_FLAG_POINT_SQUARED] = F->agreed[TW_FLAG_POINT] * F->agreed[TW_FLAG_POINT];
    F->reductions++;
    TW_TRY(tw_reduction_finish(reduction, F->agreed, sums)); /* the one exchange of a pass */
    tw_phase_return(doing);
    if (!at_one_point(F)) return tw_comm_compare(F->comm, F->point);
    return F->agreed[TW_FLAG_FAILED] > 0 ? tw_comm_agree(F->comm, local) : TW_OK;
}

tw_status tw_objective_pass(tw_objective *F, tw_reduction *reduction, tw_block_work *work, void *context,
                            double *sums)
{
    pass p = {.F = F, .work = work, .context = context};
    tw_status local = F->pending;
    if (local == TW_OK)
        local = tw_reduction_sweep(reduction, F->batches.step < 0 ? add_group : add_slice, &p);
    return tw_objective_exchange(F, reduction, local, sums);
}

void tw_objective_fold(tw_objective *F, const double *w)
{
    tw_objective_mark(F, w);
    tw_scaling_fold(F->scaling, F->model, w, F->raw);
    for (int t = 0; t < F->threads; t++) F->workers[t].model.settings = F->model->settings;
}

static tw_status add_loss_grad(tw_objective *F, tw_worker *worker, const tw_block *shard_block, size_t first,
                               void *context, double *sums)
{
    tw_block block = *shard_block;
    (void)context;
    if (F->margins && F->batches.step < 0) block.z = F->margins_next + first * F->model->outputs;
    return F->model->ops->loss_grad(&worker->model, &block, F->raw, sums);
}

void tw_objective_unfold(const tw_objective *F, const double *w, double *g)
{
    tw_scaling_unfold(F->scaling, F->model, F->sums, g);
    for (size_t j = 0; j < F->n; j++) g[j] = g[j] / F->weight;
    tw_objective_add_l2(F, w, g);
}

/* A mini-batch may be empty; all rows together may not. */
static tw_status no_rows(tw_objective *F, double *f, double *g)
{
    if (F->batches.step < 0)
        return tw_fail(TW_DATA, "the weights of all rows sum to zero: there is nothing to fit");
    *f = NAN;
    memset(g, 0, F->n * sizeof *g);
    return TW_OK;
}

/* Where the mathematics overflows, rows have lost their loss first. */
static bool is_broken(const tw_objective *F, double f, const double *g)
{
    bool nan = isnan(f);
    if (F->bad_rows > 0) return false;
    for (size_t j = 0; j < F->n && !nan; j++) nan = isnan(g[j]);
    return nan;
}

tw_status tw_objective_eval(tw_objective *F, const double *w, double *f, double *g)
{
    const tw_model *m = F->model;
    F->evals++;
    if (F->parts.function) return tw_objective_call(F, w, f, g);
    tw_objective_fold(F, w);
    TW_TRY(tw_objective_pass(F, F->reduction, add_loss_grad, NULL, F->sums));
    F->reads += F->batches.step < 0 ? 1 : 1 / (double)F->batches.steps;
    F->weight = F->sums[tw_sum_weight(m)];
    F->bad_rows = F->sums[tw_sum_bad(m)];
    if (!(F->weight > 0)) return no_rows(F, f, g);
    if (F->batches.step < 0) F->full_weight = F->weight;
    tw_objective_unfold(F, w, g);
    *f = tw_objective_penalised(F, w, F->sums[tw_sum_loss(m)] / F->weight);
    F->broken = F->broken || is_broken(F, *f, g);
    return TW_OK;
}

void tw_objective_accept(tw_objective *F)
{
    double *const swap = F->margins;
    F->margins = F->margins_next;
    F->margins_next = swap;
}
