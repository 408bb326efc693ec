/* Loss and accuracy on a weighting of rows: from the margins in force, or with one read. */
#include "objective/impl.h"

#include <math.h>
#include <string.h>

enum { SUM_LOSS, SUM_HITS, SUM_WEIGHT, N_SUMS };

typedef struct {
    const double *weight;
    bool in_force;
} scoring;

static bool hit(const tw_model *m, const double *z, double y)
{
    size_t best = 0;
    if (m->outputs == 1) return (z[0] > 0) == (y > 0);
    for (size_t k = 1; k < m->outputs; k++)
        if (z[k] > z[best]) best = k;
    return (double)best == y;
}

static tw_status add_scores(tw_objective *F, tw_worker *w, const tw_block *block, size_t first, void *context,
                            double *sums)
{
    const scoring *s = context;
    const tw_model *m = &w->model;
    const double *weight = s->weight ? s->weight + first : block->weight, *z = w->line_z;
    if (s->in_force)
        z = F->margins + first * m->outputs;
    else
        TW_TRY(m->ops->margins(m, block, F->raw, w->line_z));
    m->ops->rates(m, block->rows, z, block->y, w->losses, w->rates);
    for (size_t i = 0; i < block->rows; i++) {
        const double share = weight ? weight[i] : 1;
        if (share == 0) continue;
        sums[SUM_LOSS] = sums[SUM_LOSS] + share * w->losses[i];
        sums[SUM_WEIGHT] = sums[SUM_WEIGHT] + share;
        if (m->classes && hit(m, z + i * m->outputs, block->y[i])) sums[SUM_HITS] = sums[SUM_HITS] + share;
    }
    return TW_OK;
}

tw_status tw_objective_score(tw_objective *F, const double *w, bool in_force, const double *weight,
                             tw_score *score)
{
    double sums[N_SUMS];
    scoring s = {.weight = weight, .in_force = in_force && F->margins};
    if (!F->scores) TW_TRY(tw_comm_agree(F->comm, tw_objective_reduction(F, &F->scores, N_SUMS)));
    if (!s.in_force) {
        TW_TRY(tw_comm_agree(F->comm, tw_objective_line_buffers(F)));
        tw_objective_fold(F, w);
        F->reads += 1;
    }
    TW_TRY(tw_objective_pass(F, F->scores, add_scores, &s, sums));
    score->weight = sums[SUM_WEIGHT];
    score->loss = sums[SUM_LOSS] / score->weight;
    score->accuracy = F->model->classes ? sums[SUM_HITS] / score->weight : NAN;
    return TW_OK;
}
