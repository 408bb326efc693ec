/* reduction_impl.h -- the inside of a reduction, shared by its local half and its exchange. */
#ifndef THALWEG_REDUCTION_IMPL_H
#define THALWEG_REDUCTION_IMPL_H

#include "comm/comm_mpi.h"
#include "comm/tree.h"
#include "thalweg/reduction.h"

typedef struct {
    double *v; /* [n] one of the vectors of the reduction */
    int level; /* of blocks inside the open group */
    bool present;
    tw_node node; /* of a closed group or more */
} tw_entry;

/* What rides along in every exchange: the flags of the caller and, for the meter, nanoseconds of the work
 * before it and of a barrier. Whole numbers, so that their sums are exact in any order. */
enum { TW_FLAG_WORK = TW_N_FLAGS, TW_FLAG_BARRIER, TW_N_RIDING };

/* Members who bring tree nodes, and what becomes of these. */
typedef struct {
    MPI_Comm mpi;
    int size, rank;
    size_t *first_node; /* [size + 1] of the nodes of each member */
    size_t n_nodes;     /* of all members */
    tw_merge *merges;   /* [n_merges] of the siblings among them */
    size_t n_merges;
    size_t *left; /* [n_left] the nodes that are left then, in order */
    size_t n_left;
    int *counts, *places; /* [size] of a gather */
    size_t *offset;       /* short form: [n_nodes] where a node begins in receive */
    double *receive;
    double *mine; /* long form: this member's slice, and its flags */
} tw_stage;

/* Tells waiting from exchanging. Decided by sums over the ranks, so that all take the same branch. */
typedef struct {
    bool off;
    long until;      /* exchanges without a barrier before the next one with */
    double together; /* clock, all ranks have come to this exchange, or this rank has */
    double ended;    /* clock, the last exchange was over; 0 before the first */
    double cheapest; /* barrier, or exchange behind one, so far; seconds */
    double wire;     /* of exchanges behind a barrier, and how many there were */
    uint64_t measured;
} tw_meter;

/* Groups [first, end) of one thread. Entries [0, base) are closed nodes, [base, top) blocks of the open
 * group. */
struct tw_branch {
    const tw_reduction *reduction;
    int64_t first, end;
    tw_entry *stack;
    double *vectors;
    size_t top, base;
    bool ticks; /* it tells the watchdog; one thread is enough */
};

struct tw_reduction {
    tw_comm *comm;                 /* not owned */
    const tw_partition *partition; /* not owned */
    tw_reduction_mode mode;
    const tw_merge_ops *merge;
    size_t n;

    /* local half */
    int threads;
    tw_branch *branches; /* [threads]; in the end the first holds all */

    /* exchange: the same plan on every rank. One stage among all ranks; or one among the ranks of a node, and
     * one among the nodes: their first ranks (short form), or the ranks with the same place (long form) */
    int n_stages;
    tw_stage stages[2];
    bool gather;          /* short form: whoever merges gets every node */
    size_t columns;       /* long form: columns exchanged at a time */
    const double **bring; /* the tree nodes that this rank brings to a stage */
    double *send;
    MPI_Request *requests;
    tw_meter meter;
    uint64_t exchanges;
};

/* meter.c. A rank has come to an exchange. Out: its work since the last one, and what a barrier costs, in
 * whole nanoseconds, to be summed over the ranks. Returns whether there was a barrier. */
bool tw_meter_arrive(tw_meter *meter, tw_comm *comm, double *work, double *barrier);

/* The exchange is over; the sums of all ranks tell when the next barrier is. */
void tw_meter_end(tw_meter *meter, bool measured, double work, double barrier);

/* exchange_plan.c */
tw_status tw_exchange_init(tw_reduction *r, size_t short_bytes) TW_CHECKED;
void tw_exchange_release(tw_reduction *r);

/* exchange.c */
tw_status tw_exchange_run(tw_reduction *r, double *flags, double *out) TW_CHECKED;

/* exchange_short.c, exchange_long.c: from the closed nodes of the stack to out; flags become their sums. */
void tw_exchange_short(tw_reduction *r, double *flags, double *out);
void tw_exchange_long(tw_reduction *r, double *flags, double *out);

/* Nodes that this rank brings to a stage. */
static inline size_t tw_stage_own(const tw_stage *t)
{
    return t->first_node[t->rank + 1] - t->first_node[t->rank];
}

/* First column of member s's slice of a run of columns; slices are multiples of 8 but for the last. */
static inline size_t tw_stage_slice(const tw_stage *t, size_t columns, int s)
{
    return s == t->size ? columns : columns / 8 * (size_t)s / (size_t)t->size * 8;
}

#endif
