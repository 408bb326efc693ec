/* Which row spoils the sum? Asked when F or its gradient is not finite, so once a run at most. */
#include "objective/impl.h"

#include <math.h>
#include <string.h>

/* Below this no row stands out. */
#define OUTSTANDING 1e100

/* The largest of gradient, residuals and loss; NaN counts as infinite. */
static double size_of(const tw_model *m, const double *sums)
{
    double most = 0;
    for (size_t j = 0; j <= tw_sum_loss(m); j++) {
        if (isnan(sums[j])) return INFINITY;
        most = fmax(most, fabs(sums[j]));
    }
    return most;
}

static tw_status measure(tw_objective *F, size_t first, size_t rows, double *size)
{
    const tw_model *m = F->model;
    tw_block block = tw_shard_block(F->shard, first, rows);
    if (F->parts.row_weight) block.weight = F->parts.row_weight + first;
    memset(F->sums, 0, tw_model_sums(m) * sizeof *F->sums);
    TW_TRY(m->ops->loss_grad(m, &block, F->raw, F->sums));
    *size = size_of(m, F->sums);
    return TW_OK;
}

/* The first of the largest among portions of `step` rows in [*first, end), which becomes *first. */
static tw_status largest(tw_objective *F, size_t step, size_t end, size_t *first, double *size)
{
    *size = 0;
    for (size_t i = *first; i < end && *size < INFINITY; i += step) {
        double here;
        TW_TRY(measure(F, i, end - i < step ? end - i : step, &here));
        if (!(here > *size)) continue;
        *size = here;
        *first = i;
    }
    return TW_OK;
}

static tw_status find_own(tw_objective *F, tw_blame *b, double *size)
{
    const size_t rows = F->shard->rows;
    size_t i = 0;
    *size = 0;
    if (rows == 0) return TW_OK;
    TW_TRY(largest(F, TW_BLOCK_ROWS, rows, &i, size));
    TW_TRY(largest(F, 1, rows - i < TW_BLOCK_ROWS ? rows : i + TW_BLOCK_ROWS, &i, size));
    TW_TRY(measure(F, i, 1, size));
    b->row = F->shard->first + (int64_t)i;
    b->loss = F->sums[tw_sum_loss(F->model)];
    b->gradient = 0;
    for (size_t j = 0; j < F->model->n_weights; j++)
        if (!(fabs(F->sums[j]) <= b->gradient)) b->gradient = fabs(F->sums[j]);
    return TW_OK;
}

tw_status tw_objective_blame(tw_objective *F, const double *w, tw_blame *out)
{
    const int ranks = tw_comm_size(F->comm);
    tw_blame own = {.row = -1};
    double size = 0;
    *out = own;
    if (!F->model) return TW_OK;
    tw_objective_fold(F, w);
    TW_TRY(tw_comm_agree(F->comm, find_own(F, &own, &size)));
    double most = size;
    TW_TRY(tw_comm_allreduce(F->comm, TW_MAX, 1, &most));
    if (!(most > OUTSTANDING)) return TW_OK;
    double first = size == most ? (double)own.row : INFINITY; /* rows are exact below 2^53 */
    TW_TRY(tw_comm_allreduce(F->comm, TW_MIN, 1, &first));
    double owner = size == most && (double)own.row == first ? tw_comm_rank(F->comm) : ranks;
    TW_TRY(tw_comm_allreduce(F->comm, TW_MIN, 1, &owner));
    own.rank = (int)owner;
    TW_TRY(tw_comm_bcast(F->comm, (int)owner, &own, sizeof own));
    *out = own;
    return TW_OK;
}
