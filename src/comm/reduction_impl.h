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

struct tw_reduction {
    tw_comm *comm;                 /* not owned */
    const tw_partition *partition; /* not owned */
    tw_reduction_mode mode;
    const tw_merge_ops *merge;
    size_t n;

    /* local half: entries [0, base) are closed nodes, [base, top) blocks of the open group */
    tw_entry *stack;
    double *vectors;
    size_t top, base;

    /* exchange: the same plan on every rank */
    size_t n_nodes;     /* of all ranks */
    size_t *first_node; /* [size + 1] */
    tw_merge *merges;   /* [n_nodes - 1] */
    bool gather;        /* short form: every rank gets every node */
    size_t columns;     /* long form: columns exchanged at a time */
    double *send, *receive, *mine;
    int *counts, *places; /* [size] */
    MPI_Request *requests;
    tw_meter meter;
    uint64_t exchanges;
};

/* A rank has come to an exchange. Out: its work since the last one, and what a barrier costs, in whole
 * nanoseconds, to be summed over the ranks. Returns whether there was a barrier. */
bool tw_meter_arrive(tw_meter *meter, tw_comm *comm, double *work, double *barrier);

/* The exchange is over; the sums of all ranks tell when the next barrier is. */
void tw_meter_end(tw_meter *meter, bool measured, double work, double barrier);

tw_status tw_exchange_init(tw_reduction *r, size_t short_bytes) TW_CHECKED;
void tw_exchange_release(tw_reduction *r);
tw_status tw_exchange_run(tw_reduction *r, double *flags, double *out) TW_CHECKED;

#endif
