/* impl.h -- what the files of src/objective share: one pass, one exchange, and the way to and from raw
 * parameters. */
#ifndef THALWEG_OBJECTIVE_IMPL_H
#define THALWEG_OBJECTIVE_IMPL_H

#include "thalweg/objective.h"

/* A reduction of n sums over this objective's groups. */
tw_status tw_objective_reduction(tw_objective *F, tw_reduction **reduction, size_t n) TW_CHECKED;

/* Agree on the flags and sum; local is this rank's verdict on its pass. Collective. */
tw_status tw_objective_exchange(tw_objective *F, tw_reduction *reduction, tw_status local,
                                double *sums) TW_CHECKED;

/* The parameters of the pass to come: all ranks must hold the same. */
void tw_objective_mark(tw_objective *F, const double *w);

/* w to F->raw. */
void tw_objective_fold(tw_objective *F, const double *w);

/* F->sums to the gradient over F->weight, l2 w added. */
void tw_objective_unfold(const tw_objective *F, const double *w, double *g);

/* loss + penalties at w. */
double tw_objective_penalised(const tw_objective *F, const double *w, double loss);

/* g = g + l2 w on the penalised parameters. */
void tw_objective_add_l2(const tw_objective *F, const double *w, double *g);

/* The tree and the buffers of a function without rows: one leaf a rank. */
tw_status tw_objective_leaves(tw_objective *F) TW_CHECKED;

/* The slope along d at the point `at` of the line from w, from that of the mean loss. */
double tw_objective_penalty_slope(const tw_objective *F, const double *at, const double *w, const double *d,
                                  double slope);

/* hessian.c; NULL is allowed. */
void tw_matrix_free(tw_matrix *matrix);

/* Sums of a round of trial lengths: losses, slopes, weight. */
enum { TW_ROUND_SUMS = 2 * TW_TRIALS + 1 };

/* worker.c. One for each thread. */
tw_status tw_workers_init(tw_objective *F) TW_CHECKED;
void tw_workers_release(tw_objective *F);

/* Buffers for a block of margins, when not there yet. Not collective. */
tw_status tw_objective_line_buffers(tw_objective *F) TW_CHECKED;

/* tw_objective_eval of a function without rows. */
tw_status tw_objective_call(tw_objective *F, const double *w, double *f, double *g) TW_CHECKED;

/* Second derivatives of a function without rows, at the point in force. */
tw_status tw_function_product(tw_objective *F, const double *d, bool identity, double *out) TW_CHECKED;
tw_status tw_function_hessian(tw_objective *F, double *h) TW_CHECKED;

/* out = (g(w + t d) - g(w - t d)) / 2t, with the t that moves no w_j by more than step * (1 + |w_j|). out is
 * not d. */
#define TW_DIFFERENCE_STEP 0x1p-17
tw_status tw_objective_difference(tw_objective *F, const double *w, const double *d, double step,
                                  double *out) TW_CHECKED;

/* A mini-batch's slice of group k: where it stands, and its next block, gathered; false at its end. */
typedef struct {
    int64_t base, next, end; /* first row of the group in the shard; places in its order */
} tw_batches_cursor;
tw_batches_cursor tw_batches_first(const tw_objective *F, int64_t k);
bool tw_batches_next(const tw_objective *F, tw_worker *worker, tw_batches_cursor *at, tw_block *block);
void tw_batches_release(tw_batches *batches);

#endif
