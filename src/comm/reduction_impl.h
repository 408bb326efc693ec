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
    bool measure_wait; /* agreed: the last pass took long enough for a barrier */
    double started;    /* clock at the end of the last exchange */
    tw_reduction_account account;
};

tw_status tw_exchange_init(tw_reduction *r, size_t short_bytes) TW_CHECKED;
void tw_exchange_release(tw_reduction *r);
tw_status tw_exchange_run(tw_reduction *r, double *flags, double *out) TW_CHECKED;

#endif
