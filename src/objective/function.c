/* An objective without rows: rank 0's function, or the sum over the ranks of everybody's. Each rank is one leaf of the
 * tree, so failures and requests travel as they do with data. */
#include "objective/impl.h"

#include <stdlib.h>
#include <string.h>

tw_status tw_objective_leaves(tw_objective *F)
{
    const int size = tw_comm_size(F->comm);
    int64_t groups = 1;
    while (groups < size) groups *= 2;
    F->leaves = calloc(1, sizeof *F->leaves);
    if (!F->leaves) return tw_fail(TW_MEMORY, "out of memory for %d ranks", size);
    F->partition = F->leaves;
    TW_TRY(tw_partition_init(F->leaves, size, groups, size));
    TW_TRY(tw_objective_reduction(F, &F->reduction, F->n + 1));
    F->sums = calloc(F->n + 1, sizeof *F->sums);
    return F->sums ? TW_OK : tw_fail(TW_MEMORY, "out of memory for %zu parameters", F->n);
}

static tw_status call(tw_objective *F, const double *w)
{
    const tw_function *function = F->parts.function;
    const int rank = tw_comm_rank(F->comm);
    if (F->pending) return F->pending;
    if (rank > 0 && !function->summed) return TW_OK;
    double *const sums = tw_reduction_block(F->reduction);
    TW_TRY(function->eval(function->context, w, sums + F->n, sums));
    tw_reduction_push(F->reduction);
    tw_reduction_group(F->reduction, F->partition->start[rank]);
    return TW_OK;
}

tw_status tw_objective_call(tw_objective *F, const double *w, double *f, double *g)
{
    const double start = tw_seconds();
    const tw_status local = call(F, w);
    F->compute += tw_seconds() - start;
    TW_TRY(tw_objective_exchange(F, F->reduction, local, F->sums));
    memcpy(g, F->sums, F->n * sizeof *g);
    tw_objective_add_l2(F, w, g);
    *f = tw_objective_penalised(F, w, F->sums[F->n]);
    F->weight = F->full_weight = 1;
    return TW_OK;
}
