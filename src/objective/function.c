/* An objective without rows: rank 0's function, or the sum over the ranks of everybody's. Each rank is one
 * leaf of the tree, so failures and requests travel as they do with data. */
#include "objective/impl.h"

#include <math.h>
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
    F->margins = calloc(F->n + 1, sizeof *F->margins);
    F->margins_next = calloc(F->n + 1, sizeof *F->margins_next);
    return F->sums && F->margins && F->margins_next
               ? TW_OK
               : tw_fail(TW_MEMORY, "out of memory for %zu parameters", F->n);
}

typedef struct {
    tw_objective *F;
    const double *w;
} call;

static tw_status call_function(void *context, int thread, int64_t k, tw_branch *branch)
{
    const call *c = context;
    const tw_function *function = c->F->parts.function;
    const int rank = tw_comm_rank(c->F->comm);
    (void)thread;
    if (k != c->F->partition->start[rank] || (rank > 0 && !function->summed)) return TW_OK;
    double *const sums = tw_branch_block(branch);
    TW_TRY(function->eval(function->context, c->w, sums + c->F->n, sums));
    tw_branch_push(branch);
    return TW_OK;
}

tw_status tw_objective_call(tw_objective *F, const double *w, double *f, double *g)
{
    tw_objective_mark(F, w);
    tw_status local = F->pending;
    if (local == TW_OK) local = tw_reduction_sweep(F->reduction, call_function, &(call){F, w});
    TW_TRY(tw_objective_exchange(F, F->reduction, local, F->sums));
    memcpy(g, F->sums, F->n * sizeof *g);
    tw_objective_add_l2(F, w, g);
    *f = tw_objective_penalised(F, w, F->sums[F->n]);
    memcpy(F->margins_next, w, F->n * sizeof *w);
    F->weight = F->full_weight = 1;
    return TW_OK;
}

/* ---- second derivatives ---- */

static tw_status make_trial(tw_objective *F)
{
    if (F->trial) return TW_OK;
    F->trial = calloc(2 * F->n + 1, sizeof *F->trial);
    return tw_comm_agree(F->comm,
                         F->trial ? TW_OK : tw_fail(TW_MEMORY, "out of memory for %zu parameters", F->n));
}

/* About the cube root of the unit roundoff balances truncation and rounding: Dennis and Schnabel 1983,
 * section 5.4. */
tw_status tw_objective_difference(tw_objective *F, const double *w, const double *d, double step, double *out)
{
    double largest = 0, f;
    TW_TRY(make_trial(F));
    double *const at = F->trial, *const g = F->trial + F->n;
    for (size_t j = 0; j < F->n; j++) {
        const double size = fabs(d[j]) / (1 + fabs(w[j]));
        if (!(size <= largest)) largest = size;
        out[j] = d[j];
    }
    if (!(largest > 0 && isfinite(largest))) return TW_OK; /* d is zero, or not finite */
    const double t = step / largest;
    for (size_t j = 0; j < F->n; j++) at[j] = fma(t, d[j], w[j]);
    TW_TRY(tw_objective_eval(F, at, &f, out));
    for (size_t j = 0; j < F->n; j++) at[j] = fma(-t, d[j], w[j]);
    TW_TRY(tw_objective_eval(F, at, &f, g));
    for (size_t j = 0; j < F->n; j++) out[j] = (out[j] - g[j]) / (2 * t);
    return TW_OK;
}

tw_status tw_function_product(tw_objective *F, const double *d, bool identity, double *out)
{
    if (identity)
        return tw_fail(TW_CONFIG,
                       "a function without data rows has no Gram matrix; take a method that asks for none");
    return tw_objective_difference(F, F->margins, d, TW_DIFFERENCE_STEP, out);
}

tw_status tw_function_hessian(tw_objective *F, double *h)
{
    const size_t n = F->n;
    double *const unit = F->scratch;
    for (size_t j = 0; j < n; j++) unit[j] = 0;
    for (size_t j = 0; j < n; j++) {
        unit[j] = 1;
        TW_TRY(tw_objective_difference(F, F->margins, unit, TW_DIFFERENCE_STEP, h + j * n));
        unit[j] = 0;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++) h[i * n + j] = h[j * n + i] = 0.5 * (h[i * n + j] + h[j * n + i]);
    return TW_OK;
}
