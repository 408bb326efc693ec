/* objective.h -- the global F, its gradient, over all ranks: the only collectives of a step.
 *
 *     F(w) = (1/W) sum_i omega_i l(w; x_i, y_i) + (l2/2) ||w_pen||^2 ,   W = sum_i omega_i
 *
 * Optimizers and step rules see nothing but this object: give me F and g at w. Agreement about failed ranks
 * and about requests (stop, time) rides in the one exchange of an evaluation and costs nothing extra. */
#ifndef THALWEG_OBJECTIVE_H
#define THALWEG_OBJECTIVE_H

#include "thalweg/reduction.h"
#include "thalweg/scaling.h"

typedef struct {
    tw_comm *comm; /* not owned, as all pointers down to scaling */
    const tw_partition *partition;
    const tw_shard *shard;
    const tw_model *model;
    const tw_scaling *scaling;
    double l2;
    size_t n; /* parameters */

    double requests[TW_N_FLAGS]; /* this rank's, to be agreed in the next exchange */
    tw_status pending; /* failure of this rank's other work (a log row), raised in the next exchange */
    double agreed[TW_N_FLAGS]; /* sums over all ranks of the last exchange */
    double weight, bad_rows;   /* W, and rows whose loss was not finite, of the last evaluation */

    tw_reduction *reduction; /* owned, as below */
    double *raw, *sums;
    long evals;     /* evaluations of F and g: each is one read of X */
    double compute; /* seconds of local work */
} tw_objective;

typedef struct {
    tw_comm *comm;
    const tw_partition *partition;
    const tw_shard *shard;
    const tw_model *model;
    const tw_scaling *scaling;
    tw_reduction_mode mode;
    double l2;
} tw_objective_parts;

/** Borrows all parts. Not collective; same arguments on every rank. TW_MEMORY. */
tw_status tw_objective_init(tw_objective *objective, const tw_objective_parts *parts) TW_CHECKED;
void tw_objective_release(tw_objective *objective);

/**
 * Value and gradient of the global objective at w.
 *
 * Collective over the objective's ranks; w must hold the same values on every rank.
 *
 * @param w [n] point   @param f out: F(w)   @param g [n] out: gradient of F at w
 * @return TW_OK, or on every rank alike the code and sentence of the lowest rank that failed (f, g then
 * untouched). TW_DATA when the weights of all rows sum to zero.
 *
 * Cost: one pass over the shard, one exchange of n_weights + K + 3 numbers.
 */
tw_status tw_objective_eval(tw_objective *objective, const double *w, double *f, double *g) TW_CHECKED;

#endif
