/* comm_mpi.h -- what only src/comm sees of a communicator. */
#ifndef THALWEG_COMM_MPI_H
#define THALWEG_COMM_MPI_H

#include "thalweg/comm.h"
#include "thalweg/phase.h"

#include <mpi.h>

/* What every rank knows of every rank. */
typedef struct {
    int node, launched; /* number of its node; its rank in MPI_COMM_WORLD */
    char host[64];      /* cut to that */
} tw_place;

struct tw_comm {
    MPI_Comm mpi; /* of all ranks, node by node */
    /* Of the ranks of this node, and of those with the same place in each node; MPI_COMM_NULL unless there
     * are several nodes, some with several ranks. */
    MPI_Comm inside, across;
    int rank, size;
    int nodes, least_a_node, most_a_node;
    bool renumbered, pretended;
    tw_place own, *places; /* [size], NULL without MPI */
    int *counts;           /* [2 size] scratch of a gather */
    unsigned char *hashes; /* [16 size] of a comparison, NULL without MPI; and their sizes, [size] */
    size_t *hash_sizes;
    uint64_t bytes_sent;
    char host[256];
};

/* MPI counts are int: messages travel in pieces of at most this many bytes. */
#define TW_COMM_PIECE ((size_t)1 << 30)

/* Number the ranks: comm->mpi, rank and size. Collective; TW_USAGE, alike on every rank, with comm->mpi made.
 */
tw_status tw_topology_order(tw_comm *comm) TW_CHECKED;

/* The places of all ranks, and scratch. Collective; TW_MEMORY. */
tw_status tw_topology_gather(tw_comm *comm) TW_CHECKED;

/* Errors of MPI there end the job with a sentence that names this rank and exit code TW_IO. */
void tw_comm_take_errors(MPI_Comm mpi, int rank);

/* All-reduce in pieces; to stand in one of the two below. */
void tw_comm_reduce(tw_comm *comm, MPI_Op op, size_t n, double *values);

/* Launches that cannot work, each with what to type instead: TW_USAGE. */
tw_status tw_comm_check_launcher(void) TW_CHECKED;         /* before MPI starts: srun without PMIx */
tw_status tw_comm_check_program(tw_comm *comm) TW_CHECKED; /* several builds; collective; also TW_MEMORY */
tw_status
tw_comm_check_size(const tw_comm *comm) TW_CHECKED; /* each task is the only rank; warns of idle ones */

/* Every MPI call that may wait for another rank stands in this, so that a rank that waits can be told from
 * one that works. */
#define TW_COMM_WAIT(call)                          \
    do {                                            \
        const tw_phase tw_doing_ = tw_phase_wait(); \
        call;                                       \
        tw_phase_return(tw_doing_);                 \
    } while (0)

/* As TW_COMM_WAIT, for the calls that move the data of an exchange. */
#define TW_COMM_WIRE(call)                          \
    do {                                            \
        const tw_phase tw_doing_ = tw_phase_wire(); \
        call;                                       \
        tw_phase_return(tw_doing_);                 \
    } while (0)

#endif
