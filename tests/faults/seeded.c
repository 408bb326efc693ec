/* A program of a few collectives with one mistake, named on the command line, on its last rank: what the
 * layer of collectives.c has to notice. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *mistake;
static int rank, size;
static MPI_Comm comm;
static double v[8];

static int here(const char *name)
{
    return rank == size - 1 && strcmp(mistake, name) == 0;
}

static void reduce(int count, MPI_Op op)
{
    MPI_Allreduce(MPI_IN_PLACE, v, count, MPI_DOUBLE, op, comm);
}

static void gather(void)
{
    double all[64];
    int counts[8], places[8];
    for (int i = 0; i < size; i++) {
        counts[i] = 1;
        places[i] = i;
    }
    if (here("receive-counts")) counts[0] = 2;
    MPI_Allgatherv(v, 1, MPI_DOUBLE, all, counts, places, MPI_DOUBLE, comm);
}

static void work(void)
{
    if (!here("skip")) MPI_Bcast(v, 4, MPI_DOUBLE, 0, comm);
    reduce(here("count") ? 3 : 4, MPI_SUM);
    reduce(4, here("op") ? MPI_MAX : MPI_SUM);
    MPI_Bcast(v, here("type") ? 8 : 4, here("type") ? MPI_FLOAT : MPI_DOUBLE, 0, comm);
    MPI_Bcast(v, 4, MPI_DOUBLE, here("root") ? size - 1 : 0, comm);
    if (here("order")) gather();
    MPI_Barrier(comm);
    if (!here("order")) gather();
    if (here("exit")) exit(0);
    if (here("communicator")) MPI_Barrier(MPI_COMM_WORLD);
    if (here("stand-still")) sleep(60);
    if (here("receive")) MPI_Recv(v, 1, MPI_DOUBLE, 0, 5, comm, MPI_STATUS_IGNORE);
    if (strcmp(mistake, "not-covered") == 0) MPI_Allgather(v, 1, MPI_INT, v + 2, 1, MPI_INT, comm);
    if (!here("finalize")) reduce(8, MPI_MIN);
}

int main(int argc, char **argv)
{
    mistake = argc > 1 ? argv[1] : "none";
    MPI_Init(&argc, &argv);
    MPI_Comm node;
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    MPI_Comm_free(&node);
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    if (size > 8) MPI_Abort(comm, 2);
    work();
    if (!here("finalize")) MPI_Comm_free(&comm);
    MPI_Finalize();
    if (rank == 0) printf("done\n");
    return 0;
}
