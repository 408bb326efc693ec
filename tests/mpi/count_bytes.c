/* Counts what a program hands to MPI, from outside: a library to preload, which stands before MPI (its profiling
 * interface) and knows nothing of thalweg. At the end each process writes "RANK BYTES CALLS" into
 * $COUNT_BYTES.RANK, RANK being that of MPI_COMM_WORLD. A send counts its length, a reduction and a gather what the
 * process puts in, a broadcast the bytes at its root. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static long long bytes, calls;

static void count(long long n, MPI_Datatype type, MPI_Comm comm)
{
    int size, ranks;
    PMPI_Type_size(type, &size);
    PMPI_Comm_size(comm, &ranks);
    bytes += n * size;
    calls++;
}

int MPI_Send(const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c)
{
    count(n, t, c);
    return PMPI_Send(b, n, t, to, tag, c);
}

int MPI_Isend(const void *b, int n, MPI_Datatype t, int to, int tag, MPI_Comm c, MPI_Request *r)
{
    count(n, t, c);
    return PMPI_Isend(b, n, t, to, tag, c, r);
}

int MPI_Allreduce(const void *b, void *out, int n, MPI_Datatype t, MPI_Op op, MPI_Comm c)
{
    count(n, t, c);
    return PMPI_Allreduce(b, out, n, t, op, c);
}

int MPI_Reduce(const void *b, void *out, int n, MPI_Datatype t, MPI_Op op, int root, MPI_Comm c)
{
    count(n, t, c);
    return PMPI_Reduce(b, out, n, t, op, root, c);
}

int MPI_Allgather(const void *b, int n, MPI_Datatype t, void *out, int m, MPI_Datatype u, MPI_Comm c)
{
    count(n, t, c);
    return PMPI_Allgather(b, n, t, out, m, u, c);
}

int MPI_Allgatherv(const void *b, int n, MPI_Datatype t, void *out, const int *m, const int *at, MPI_Datatype u,
                   MPI_Comm c)
{
    count(n, t, c);
    return PMPI_Allgatherv(b, n, t, out, m, at, u, c);
}

int MPI_Gather(const void *b, int n, MPI_Datatype t, void *out, int m, MPI_Datatype u, int root, MPI_Comm c)
{
    count(n, t, c);
    return PMPI_Gather(b, n, t, out, m, u, root, c);
}

int MPI_Gatherv(const void *b, int n, MPI_Datatype t, void *out, const int *m, const int *at, MPI_Datatype u, int root,
                MPI_Comm c)
{
    count(n, t, c);
    return PMPI_Gatherv(b, n, t, out, m, at, u, root, c);
}

int MPI_Bcast(void *b, int n, MPI_Datatype t, int root, MPI_Comm c)
{
    int rank;
    PMPI_Comm_rank(c, &rank);
    count(rank == root ? n : 0, t, c);
    return PMPI_Bcast(b, n, t, root, c);
}

int MPI_Finalize(void)
{
    const char *name = getenv("COUNT_BYTES");
    char path[4096];
    int rank;
    PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
    snprintf(path, sizeof path, "%s.%d", name ? name : "count", rank);
    FILE *file = name ? fopen(path, "w") : NULL;
    if (file) {
        fprintf(file, "%d %lld %lld\n", rank, bytes, calls);
        fclose(file);
    }
    return PMPI_Finalize();
}
