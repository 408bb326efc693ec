/* comm_mpi.h -- what only src/comm sees of a communicator. */
#ifndef THALWEG_COMM_MPI_H
#define THALWEG_COMM_MPI_H

#include "thalweg/comm.h"
#include "thalweg/phase.h"

#include <mpi.h>

struct tw_comm {
    MPI_Comm mpi;
    int rank, size, nodes;
    int *counts; /* [2 size] scratch of a gather */
    uint64_t bytes_sent;
    char host[256];
};

/* MPI counts are int: messages travel in pieces of at most this many bytes. */
#define TW_COMM_PIECE ((size_t)1 << 30)

/* Errors of MPI end the job with a sentence and exit code TW_IO, here and on MPI_COMM_WORLD. */
void tw_comm_take_errors(MPI_Comm mpi);

/* All-reduce in pieces; to stand in one of the two below. */
void tw_comm_reduce(tw_comm *comm, MPI_Op op, size_t n, double *values);

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
