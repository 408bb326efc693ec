/* model.h -- what an exchange and an iteration cost, by formulas: docs/scaling.md has them in words.
 *
 * The bytes of an exchange are exact, those of tw_comm_bytes_sent; seconds are an estimate from four numbers
 * of a machine. Nothing here is collective, and nothing needs MPI. */
#ifndef THALWEG_SCALE_MODEL_H
#define THALWEG_SCALE_MODEL_H

#include "thalweg/reduction.h"

/* alone; one literal all-reduce; short vectors: whole tree nodes are gathered; long ones: slices; and the
 * same two in stages, inside the nodes and between them. */
typedef enum {
    TW_FORM_ALONE,
    TW_FORM_ALLREDUCE,
    TW_FORM_SHORT,
    TW_FORM_LONG,
    TW_FORM_SHORT_STAGES,
    TW_FORM_LONG_STAGES
} tw_form;

const char *tw_form_name(tw_form form);

/* An exchange: who takes part, and of how long a vector. */
typedef struct {
    tw_reduction_mode mode;
    size_t n;                      /* length of the vector, in doubles */
    size_t short_bytes;            /* as in tw_reduction_plan */
    const tw_partition *partition; /* not owned */
    const int *node;  /* [partition->size] node of each rank, ascending from 0; NULL: see below */
    int ranks_a_node; /* without node: so many on each, the last may have fewer; 0: all on one */
} tw_exchange_case;

/* One way to carry it out: messages that follow one another, and bytes through the busiest link. */
typedef struct {
    double messages, bytes;
} tw_way;

typedef struct {
    tw_form form;
    int nodes;
    uint64_t busiest, total; /* bytes handed to MPI, exactly: by the busiest rank, by all */
    double between;          /* bytes that have to come into the busiest node from others; 0 on one node */
    double memory;           /* bytes moved in the memory of the busiest node, merges included */
    int n_ways;
    tw_way way[2]; /* MPI may choose */
} tw_exchange_cost;

/** What one exchange costs. @param sent [ranks] out: exact bytes of each rank; may be NULL. TW_MEMORY. */
tw_status tw_exchange_cost_of(const tw_exchange_case *c, tw_exchange_cost *cost, uint64_t *sent) TW_CHECKED;

/** Seconds of the cheaper way: messages * latency + bytes / bandwidth. */
double tw_exchange_seconds(const tw_exchange_cost *cost, double latency, double bandwidth);

enum { TW_MACHINE_NAME = 64 };

/* Of a node: seconds a message, bytes a second of its link and of its memory; bytes of its memory, 0:
 * unknown. */
typedef struct {
    char name[TW_MACHINE_NAME];
    double latency, bandwidth, memory;
    int cores;
    double ram;
} tw_machine;

/* What is trained. */
typedef struct {
    int64_t rows, groups; /* groups 0: the rule */
    double cols;
    size_t type_size; /* bytes of a stored feature */
    size_t n;         /* length of the exchanged vector: tw_sums_length */
    tw_reduction_mode mode;
    double reads;     /* passes over the data in an iteration */
    double exchanges; /* in an iteration */
    bool weak;        /* rows are those of a rank */
} tw_problem;

typedef struct {
    int nodes, ranks, idle;            /* idle: ranks without a row */
    int64_t busiest_rows;              /* rows of the rank with most */
    double compute, exchange, seconds; /* of an iteration */
    double bytes_a_rank;               /* features of the busiest rank */
    double memory_a_rank;              /* with labels, weights and the vectors of the sums, about */
    tw_exchange_cost cost;
} tw_prediction;

/** Length of the sums of a model with K outputs: cols * K + K + 3. */
size_t tw_sums_length(double cols, double outputs);

/**
 * Seconds of an iteration on so many ranks, a rank a core, node after node filled.
 * compute: the rows of the busiest rank, read `reads` times at its share of the memory of its node.
 * TW_CONFIG, TW_MEMORY. Cost: linear in the number of ranks.
 */
tw_status tw_predict(const tw_problem *problem, const tw_machine *machine, int ranks,
                     tw_prediction *prediction) TW_CHECKED;

/** "name=IB,latency=1.5us,bandwidth=12.5GB/s,memory=200GB/s,cores=64,ram=256GB"; ram may be missing.
 * TW_USAGE. */
tw_status tw_machine_parse(const char *text, tw_machine *machine) TW_CHECKED;

#endif
