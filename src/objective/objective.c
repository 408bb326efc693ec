/* One evaluation: fold, one pass over the own groups, ONE exchange, unfold, divide by the weight, add the
 * penalty. */
#include "thalweg/objective.h"

#include "thalweg/vec.h"

#include <math.h>
#include <stdlib.h>

tw_status tw_objective_init(tw_objective *F, const tw_objective_parts *parts)
{
    *F = (tw_objective){.comm = parts->comm,
                        .partition = parts->partition,
                        .shard = parts->shard,
                        .model = parts->model,
                        .scaling = parts->scaling,
                        .l2 = parts->l2,
                        .n = parts->model->n_params};
    const tw_reduction_plan plan = {
        .mode = parts->mode, .merge = &tw_merge_sum, .n = tw_model_sums(parts->model)};
    TW_TRY(tw_reduction_new(&F->reduction, F->comm, F->partition, &plan));
    F->raw = calloc(tw_model_raw(F->model), sizeof *F->raw);
    F->sums = calloc(plan.n, sizeof *F->sums);
    if (!F->raw || !F->sums) return tw_fail(TW_MEMORY, "out of memory for %zu parameters", F->n);
    return TW_OK;
}

void tw_objective_release(tw_objective *F)
{
    tw_reduction_free(F->reduction);
    free(F->raw);
    free(F->sums);
    *F = (tw_objective){0};
}

/* All blocks of group k onto the tree. */
static tw_status add_group(tw_objective *F, int64_t k)
{
    const int64_t end = tw_partition_row(F->partition, k + 1);
    for (int64_t row = tw_partition_row(F->partition, k); row < end; row += TW_BLOCK_ROWS) {
        const int64_t rows = end - row < TW_BLOCK_ROWS ? end - row : TW_BLOCK_ROWS;
        const tw_block block = tw_shard_block(F->shard, (size_t)(row - F->shard->first), (size_t)rows);
        TW_TRY(F->model->ops->loss_grad(F->model, &block, F->raw, tw_reduction_block(F->reduction)));
        tw_reduction_push(F->reduction);
    }
    tw_reduction_group(F->reduction, k);
    return TW_OK;
}

static tw_status local_pass(tw_objective *F, const double *w)
{
    const int rank = tw_comm_rank(F->comm);
    tw_scaling_fold(F->scaling, F->model, w, F->raw);
    if (F->model->ops->prepare) TW_TRY(F->model->ops->prepare(F->model, F->raw));
    for (int64_t k = F->partition->start[rank]; k < F->partition->start[rank + 1]; k++)
        TW_TRY(add_group(F, k));
    return TW_OK;
}

static tw_status finish(tw_objective *F, const double *w, double *f, double *g)
{
    const tw_model *m = F->model;
    F->weight = F->sums[tw_sum_weight(m)];
    F->bad_rows = F->sums[tw_sum_bad(m)];
    if (!(F->weight > 0))
        return tw_fail(TW_DATA, "the weights of all rows sum to zero: there is nothing to fit");
    tw_scaling_unfold(F->scaling, m, F->sums, g);
    for (size_t j = 0; j < F->n; j++) g[j] = g[j] / F->weight;
    *f = F->sums[tw_sum_loss(m)] / F->weight;
    if (F->l2 == 0) return TW_OK;
    *f = *f + 0.5 * F->l2 * tw_vec_dot(m->n_weights, w, w);
    tw_vec_axpy(m->n_weights, F->l2, w, g);
    return TW_OK;
}

tw_status tw_objective_eval(tw_objective *F, const double *w, double *f, double *g)
{
    const double start = tw_seconds();
    const tw_status local = F->pending ? F->pending : local_pass(F, w);
    for (int i = 0; i < TW_N_FLAGS; i++) F->agreed[i] = F->requests[i];
    F->agreed[TW_FLAG_FAILED] = local != TW_OK;
    F->compute += tw_seconds() - start;
    F->evals++;
    TW_TRY(tw_reduction_finish(F->reduction, F->agreed, F->sums)); /* the one exchange of the step */
    if (F->agreed[TW_FLAG_FAILED] > 0) return tw_comm_agree(F->comm, local);
    return finish(F, w, f, g);
}
