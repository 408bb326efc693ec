/* metrics_impl.h -- what the files of the metrics share: the pass over the rows, and ROC-AUC after it. */
#ifndef THALWEG_TRAIN_METRICS_IMPL_H
#define THALWEG_TRAIN_METRICS_IMPL_H

#include "thalweg/metrics.h"
#include "train/metrics_exact.h"

enum { SUM_ROWS, SUM_WEIGHT, SUM_LOSS, SUM_BRIER, SUM_UNORDERED, N_CLASS_SUMS };
enum { SUM_Y = SUM_LOSS + 1, SUM_ABSOLUTE, SUM_DEVIANCE, N_SUMS };

/* What every thread has of its own is [threads][...]. */
typedef struct tw_pass tw_pass;
struct tw_pass {
    const tw_metrics_input *in;
    int threads, shift; /* shift: units of weights, metrics_exact.h */
    tw_model *models;
    double *scratch; /* margins, residuals, losses of a block */
    tw_u128 *cells;  /* [classes][classes] of the confusion; afterwards the first holds all */
    uint64_t *keys;  /* [rows] scores of class 1, in the order of tw_score_key; NULL: not asked for */
    tw_u128 one;     /* a weight of 1 */
    double mean;
    /* Rows [begin, begin + rows) of the shard, of one block. */
    tw_status (*block)(tw_pass *pass, int thread, size_t begin, size_t rows, double *sums);
};

/** Ascending as doubles ascend, -0 as 0. */
static inline uint64_t tw_score_key(double score)
{
    uint64_t bits;
    const double plus = score + 0.0;
    memcpy(&bits, &plus, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static inline tw_u128 tw_pass_units(const tw_pass *p, const double *weight, size_t i)
{
    return weight ? tw_exact_units(weight[i], p->shift) : p->one;
}

/** Sort keys ascending, in place; weights follow their keys, NULL: none. Not collective. */
void tw_score_sort(uint64_t *keys, double *weights, size_t n, bool ticks);

/** The same, slower, in time that no order of keys can lengthen. */
void tw_score_radix_sort(uint64_t *keys, double *weights, size_t n, bool ticks);

/** From pass->keys, which are lost, and the weight of both classes. Collective. */
tw_status tw_metrics_auc(double *auc, tw_pass *pass, tw_u128 negative, tw_u128 positive) TW_CHECKED;

/** What follows from the confusion in whole units. @param cells [classes][classes] */
void tw_metrics_summarise(tw_metrics *metrics, const tw_u128 *cells, int shift);

#endif
