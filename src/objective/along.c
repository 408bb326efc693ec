/* Trial lengths of a line search without a read of X: margins are linear in the length. */
#include "objective/impl.h"

#include "thalweg/vec.h"

#include <math.h>
#include <string.h>

bool tw_objective_has_margins(const tw_objective *F)
{
    return F->model && F->margins;
}

typedef struct {
    double last;
    size_t count;
    const double *alpha;
} trials;

/* Losses of the rows to *loss, slopes to *slope, in row order; rows of weight 0 take no part. */
static void add_rows(const tw_worker *w, const tw_block *block, const double *q, double *loss, double *slope)
{
    const size_t outputs = w->model.outputs;
    for (size_t i = 0; i < block->rows; i++) {
        const double weight = block->weight ? block->weight[i] : 1;
        double along = 0;
        if (weight == 0) continue;
        for (size_t k = 0; k < outputs; k++)
            along = fma(w->rates[i * outputs + k], q[i * outputs + k], along);
        *loss = *loss + (block->weight ? weight * w->losses[i] : w->losses[i]);
        *slope = *slope + (block->weight ? weight * along : along);
    }
}

/* sums: [TW_TRIALS] losses, [TW_TRIALS] slopes, weight. q: the change of the block's margins for a unit of
 * length. */
static tw_status add_trials(tw_objective *F, tw_worker *w, const tw_block *block, size_t first, void *context,
                            double *sums)
{
    const trials *t = context;
    const tw_model *m = &w->model;
    const size_t cells = block->rows * m->outputs;
    const double *here = F->margins + first * m->outputs, *there = F->margins_next + first * m->outputs;
    for (size_t i = 0; i < cells; i++) w->line_q[i] = (there[i] - here[i]) / t->last;
    for (size_t c = 0; c < t->count; c++) {
        for (size_t i = 0; i < cells; i++) w->line_z[i] = fma(t->alpha[c], w->line_q[i], here[i]);
        m->ops->rates(m, block->rows, w->line_z, block->y, w->losses, w->rates);
        add_rows(w, block, w->line_q, sums + c, sums + TW_TRIALS + c);
    }
    for (size_t i = 0; i < block->rows; i++)
        sums[2 * TW_TRIALS] = sums[2 * TW_TRIALS] + (block->weight ? block->weight[i] : 1.0);
    return TW_OK;
}

tw_status tw_objective_along(tw_objective *F, const double *w, const double *d, double last, size_t count,
                             const double *alpha, double *trial, double *f, double *slope)
{
    double sums[TW_ROUND_SUMS];
    trials t = {.last = last, .count = count, .alpha = alpha};
    TW_TRY(tw_objective_pass(F, F->rounds, add_trials, &t, sums));
    for (size_t c = 0; c < count; c++) {
        for (size_t j = 0; j < F->n; j++) trial[j] = fma(alpha[c], d[j], w[j]);
        f[c] = tw_objective_penalised(F, trial, sums[c] / sums[2 * TW_TRIALS]);
        slope[c] = tw_objective_penalty_slope(F, trial, w, d, sums[TW_TRIALS + c] / sums[2 * TW_TRIALS]);
    }
    return TW_OK;
}
