/* What each thread of an objective has for itself: scratch of the model, buffers of a block. */
#include "objective/impl.h"

#include <stdlib.h>

static tw_status make_line_buffers(tw_worker *w)
{
    const size_t cells = TW_BLOCK_ROWS * w->model.outputs;
    if (w->line) return TW_OK;
    w->line = calloc(3 * cells + TW_BLOCK_ROWS, sizeof *w->line);
    if (!w->line) return tw_fail(TW_MEMORY, "out of memory for a block of %zu margins", cells);
    w->line_q = w->line;
    w->line_z = w->line_q + cells;
    w->rates = w->line_z + cells;
    w->losses = w->rates + cells;
    return TW_OK;
}

tw_status tw_objective_line_buffers(tw_objective *F)
{
    for (int t = 0; t < F->threads; t++) TW_TRY(make_line_buffers(&F->workers[t]));
    return TW_OK;
}

tw_status tw_workers_init(tw_objective *F)
{
    F->workers = calloc((size_t)F->threads, sizeof *F->workers);
    if (!F->workers) return tw_fail(TW_MEMORY, "out of memory for %d threads", F->threads);
    for (int t = 0; t < F->threads; t++) TW_TRY(tw_model_share(&F->workers[t].model, F->model));
    return TW_OK;
}

void tw_workers_release(tw_objective *F)
{
    for (int t = 0; F->workers && t < F->threads; t++) {
        tw_worker *w = &F->workers[t];
        tw_model_release(&w->model);
        free(w->x);
        free(w->y);
        free(w->line);
    }
    free(F->workers);
}
