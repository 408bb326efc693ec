/* Loaded before MPI: one bit of what rank 1 gets out of its FLIP_CALL-th long all-reduce is another, as after
 * a fault of a memory; with FLIP_FACTOR the first number is that many times as large on all ranks alike. */
#include <mpi.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int MPI_Allreduce(const void *send, void *receive, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm)
{
    static long calls;
    const char *at = getenv("FLIP_CALL"), *factor = getenv("FLIP_FACTOR");
    const int code = PMPI_Allreduce(send, receive, count, type, op, comm);
    int rank;
    PMPI_Comm_rank(comm, &rank);
    if (type != MPI_DOUBLE || count <= 8 || ++calls != (at ? strtol(at, NULL, 10) : -1)) return code;
    if (factor) {
        *(double *)receive *= strtod(factor, NULL);
    } else if (rank == 1) {
        uint64_t bits;
        memcpy(&bits, receive, sizeof bits);
        bits ^= UINT64_C(1) << 40; /* the last bits of a gradient vanish in the parameters */
        memcpy(receive, &bits, sizeof bits);
    }
    return code;
}
