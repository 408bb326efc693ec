/* scaling.h -- feature scaling that never touches the data.
 *
 * x' = (x - mean) / scale is folded into the parameters on the way in and into the gradient on the way out,
 * so the features stay in memory as they are stored, and the coefficients in original units fall out for
 * free. */
#ifndef THALWEG_SCALING_H
#define THALWEG_SCALING_H

#include "thalweg/model.h"
#include "thalweg/partition.h"

typedef enum { TW_SCALING_NONE, TW_SCALING_STANDARDIZE, TW_SCALING_MINMAX } tw_scaling_kind;

typedef struct {
    tw_scaling_kind kind;
    size_t n;             /* features */
    double *mean, *scale; /* [n], NULL for none; mean is the minimum for minmax; owned */
    double *column;       /* [n] scratch; owned */
    size_t offset_heavy;  /* features with |mean| > 1e6 scale: digits are lost before training starts */
} tw_scaling;

/** "none", "standardize", "minmax"; false for another word. Not collective. */
bool tw_scaling_find(const char *name, tw_scaling_kind *kind);
const char *tw_scaling_name(tw_scaling_kind kind);

/**
 * Statistics of the rows: population mean and standard deviation (Chan, Golub, LeVeque 1979, in the tree of
 * the gradient), or minimum and range. A constant feature gets scale 1. Weights play no part, as in
 * scikit-learn.
 *
 * Rows of the part shard->without are left out. threads: of this rank, which share the work.
 *
 * Collective. The same bits for every number of ranks. Cost: one pass over the shard, and an exchange for
 * every 512 features. On all ranks alike TW_MEMORY, or TW_DATA when a spread overflows.
 */
tw_status tw_scaling_fit(tw_scaling *scaling, tw_scaling_kind kind, tw_comm *comm,
                         const tw_partition *partition, const tw_shard *shard, int threads) TW_CHECKED;
void tw_scaling_release(tw_scaling *scaling);

/**
 * Raw-space parameters: v_jk = w_jk / scale_j, offset c_k = b_k - sum_j v_jk mean_j. Not collective.
 * @param w [n_params]   @param v out: [n_weights + K]
 */
void tw_scaling_fold(const tw_scaling *scaling, const tw_model *model, const double *w, double *v);

/**
 * The gradient at the trained parameters from the sums at the raw ones: (g_jk - mean_j s_k) / scale_j. Not
 * collective.
 * @param sums [tw_model_sums()]   @param g out: [n_params]
 */
void tw_scaling_unfold(const tw_scaling *scaling, const tw_model *model, const double *sums, double *g);

#endif
