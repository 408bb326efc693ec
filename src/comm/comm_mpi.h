/* comm_mpi.h -- what only src/comm sees of a communicator. */
#ifndef THALWEG_COMM_MPI_H
#define THALWEG_COMM_MPI_H

#include "thalweg/comm.h"

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

#endif
