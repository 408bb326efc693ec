/* reduction.h -- how partial sums of blocks become one vector on all ranks: the second half of the contract.
 *
 * The sum over the rows is one expression, a tree over blocks and groups that does not mention ranks. A rank
 * merges what it owns to a few tree nodes; `reproducible` exchanges these nodes and replays the top of the
 * tree, so MPI moves bytes and never rounds; `allreduce` folds them to one vector and calls one literal
 * MPI_Allreduce(MPI_SUM).
 *
 * One pass:  tw_reduction_sweep(): for each own group, its blocks: v = tw_branch_block(); fill v;
 * tw_branch_push(); tw_reduction_finish(flags, out);                       <- the one exchange
 *
 * The threads of a rank divide its groups; each grows a branch of the tree, and the exchange begins by
 * joining these. */
#ifndef THALWEG_REDUCTION_H
#define THALWEG_REDUCTION_H

#include "thalweg/comm.h"
#include "thalweg/partition.h"

typedef enum { TW_ALLREDUCE, TW_REPRODUCIBLE } tw_reduction_mode;

/* Whole numbers that ride along from every rank, idle or not, and are summed. Of the first four a sum > 0
 * means that at least one rank says so. The last two are 16 bits of a hash of the point where the rank is,
 * and their square: the ranks are at one point if and only if the sums fulfil Cauchy's inequality with
 * equality. */
enum {
    TW_FLAG_FAILED,
    TW_FLAG_STOP,
    TW_FLAG_TIME,
    TW_FLAG_SAVE,
    TW_FLAG_POINT,
    TW_FLAG_POINT_SQUARED,
    TW_N_FLAGS
};

/** How two tree nodes become one. */
typedef struct {
    const char *name;
    void (*merge)(size_t n, const double *right, double *left); /* left = left (+) right */
    double identity;  /* a vector filled with it is "absent": absent (+) x = x to the bit */
    bool elementwise; /* columns may be merged apart from each other */
} tw_merge_ops;

/** Elementwise sum. Its identity is -0.0: -0.0 + x is x for every x, +0.0 and -0.0 included. */
extern const tw_merge_ops tw_merge_sum;

typedef struct {
    tw_reduction_mode mode; /* TW_ALLREDUCE needs tw_merge_sum */
    const tw_merge_ops *merge;
    size_t n;           /* length of the vectors */
    size_t short_bytes; /* gather nodes while no rank gets more bytes than this, 0: 512 KiB (speed only) */
    bool no_barriers;   /* never measure by a barrier how long the ranks wait for each other */
    int threads;        /* that sweep over the own groups, 0: 1 */
} tw_reduction_plan;

typedef struct tw_reduction tw_reduction;
typedef struct tw_branch tw_branch; /* what a thread has summed of its groups */

/**
 * Compute the plan and allocate every buffer; nothing is allocated later.
 * Not collective; same arguments on every rank. Borrows comm and partition. Memory: about
 * (log2(rows of a group / 256) + 2 log2(G)) n doubles a thread and, for long vectors, n more; TW_MEMORY.
 */
tw_status tw_reduction_new(tw_reduction **reduction, tw_comm *comm, const tw_partition *partition,
                           const tw_reduction_plan *plan) TW_CHECKED;
void tw_reduction_free(tw_reduction *reduction);

/** The next block's vector, [n] zeros, to be filled and pushed. Not collective, cannot fail. */
double *tw_branch_block(tw_branch *branch);

/** The block is filled: merge it into its group. Not collective, cannot fail. */
void tw_branch_push(tw_branch *branch);

/** Blocks of group k in their order, pushed on the branch; none: the group is absent. thread: whose branch it
 * is, for buffers of its own. */
typedef tw_status tw_group_work(void *context, int thread, int64_t k, tw_branch *branch);

/**
 * Do the work of all own groups, those of a thread in their order. Which thread has which groups changes no
 * bit. Not collective.
 * @return TW_OK, or the failure of the lowest thread, whose later groups are then absent.
 */
tw_status tw_reduction_sweep(tw_reduction *reduction, tw_group_work *work, void *context) TW_CHECKED;

/**
 * The exchange. Groups that were not swept count as absent, so a rank that failed takes part all the same.
 *
 * The time until the last rank has come goes to the clock `wait`, the rest to `wire` (account.h). A barrier
 * before the exchange tells them apart, in every exchange where it costs less than 1 % of the work between
 * two exchanges, else in every k-th one; where there is none, what exceeds the mean of those that were
 * measured counts as wait.
 *
 * Collective.
 * @param flags [TW_N_FLAGS] in: this rank's counts; out: their sums over all ranks
 * @param out   [n] the merged vector; the identity when no row took part
 */
tw_status tw_reduction_finish(tw_reduction *reduction, double *flags, double *out) TW_CHECKED;

/**
 * A whole reduction for one sum: new, sweep, finish, free. Collective.
 * @return TW_OK, or what failed on some rank; the same on every rank
 */
tw_status tw_reduction_once(tw_comm *comm, const tw_partition *partition, const tw_reduction_plan *plan,
                            tw_group_work *work, void *context, double *out) TW_CHECKED;

/** TW_INTERNAL when one of n sums that count rows or weights is NaN: no data can do that. Not collective. */
tw_status tw_reduction_counts(size_t n, const double *sums) TW_CHECKED;

/** Exchanges so far. Not collective. */
uint64_t tw_reduction_exchanges(const tw_reduction *reduction);

#endif
