/* partition.h -- how m rows fall into groups, and groups onto ranks: pure arithmetic, the first half of the
 * contract.
 *
 * The groups depend on m alone (or on an explicit count), so the sum over them can be one expression whatever
 * the number of ranks. Which rank owns which groups is a matter of speed and can change no bit. Nothing here
 * is collective; with the same arguments every rank computes the same partition. */
#ifndef THALWEG_PARTITION_H
#define THALWEG_PARTITION_H

#include "thalweg/status.h"

#include <stdint.h>

enum { TW_BLOCK_ROWS = 256, TW_MAX_GROUPS = 65536 };

typedef struct {
    int64_t rows;   /* m, all file rows */
    int64_t groups; /* G, a power of two, 1 .. TW_MAX_GROUPS */
    int size;       /* ranks */
    int64_t *start; /* [size + 1] rank r owns groups [start[r], start[r+1]); owned */
} tw_partition;

/**
 * @param rows   m >= 0
 * @param groups G, or 0 for the rule max(1, p2(min(65536, m/128)), p2(min(64, m/8)))
 * @return TW_OK, TW_CONFIG when groups is no power of two in range, TW_MEMORY.
 */
tw_status tw_partition_init(tw_partition *partition, int64_t rows, int64_t groups, int size) TW_CHECKED;
void tw_partition_release(tw_partition *partition);

/** First row of group k, floor(m k / G); k = G gives m. */
int64_t tw_partition_row(const tw_partition *partition, int64_t k);

/** First row of rank r's shard; r = size gives m. */
int64_t tw_partition_shard(const tw_partition *partition, int r);

/**
 * Mini-batch step t of T: the part [*begin, *end) of the order of group k that takes part, counted inside the
 * group. begin = floor(r t / T + k / G) for the group's r rows; over t = 0 .. T-1 the parts cover the group
 * once.
 * @param rows r, those of the group that take part
 */
void tw_partition_slice(const tw_partition *partition, int64_t k, int64_t rows, int64_t t, int64_t steps,
                        int64_t *begin, int64_t *end);

/** Move the boundaries of ranks to multiples of G / parts groups, so that sums over that many parts never cut
 * a shard. Before any row is read. @param parts a power of two */
void tw_partition_align(tw_partition *partition, int64_t parts);

/**
 * The order of group k's rows in an epoch: a Fisher-Yates shuffle drawn from (seed, epoch, k).
 * @param order [rows of the group] out: a permutation of 0 .. rows-1
 */
void tw_partition_order(const tw_partition *partition, int64_t k, uint64_t seed, uint64_t epoch,
                        int64_t *order);

#endif
