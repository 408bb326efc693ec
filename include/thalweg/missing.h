/* missing.h -- features that are not there: filled, or their rows left out. After reading, before anything is
 * fitted.
 *
 * A shard that was read from a data set which allows missing features (dataset.h) holds them as NaN until
 * tw_missing_fill or tw_missing_drop. What is filled in is rounded once to the type in memory. */
#ifndef THALWEG_MISSING_H
#define THALWEG_MISSING_H

#include "thalweg/partition.h"
#include "thalweg/shard.h"

/** "error", "mean", "zero", "drop". */
const char *tw_missing_name(tw_missing policy);
bool tw_missing_find(const char *name, tw_missing *policy);

/**
 * Mean of each column over the rows that train (tw_shard_trains) and have it: sum / count, both by the tree
 * of the gradient in blocks of rows, so the same bits on any number of ranks and threads. Weights do not
 * count.
 *
 * Collective. Cost: one read of X in stripes of 512 columns.
 * @param mean out: [cols], the same on every rank
 * @return TW_OK; TW_DATA: a column without any value (its number is named); TW_MEMORY, TW_STOPPED; the same
 * on every rank.
 */
tw_status tw_missing_means(tw_comm *comm, const tw_partition *partition, const tw_shard *shard, int threads,
                           double *mean) TW_CHECKED;

/** NaN in column j becomes fill[j]. Not collective, cannot fail. @param fill [cols]; NULL: zeros */
void tw_missing_fill(tw_shard *shard, int threads, const double *fill);

/**
 * Rows with a missing feature take no part: dropped, of weight 0, their missing features 0. Not collective.
 * @param dropped out: how many
 * @return TW_OK, TW_MEMORY
 */
tw_status tw_missing_drop(tw_shard *shard, int64_t *dropped) TW_CHECKED;

#endif
