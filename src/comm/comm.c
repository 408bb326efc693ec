#include "comm/comm_mpi.h"

#include "thalweg/fault.h"
#include "thalweg/phase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

tw_status tw_comm_init(tw_comm **out, int *argc, char ***argv)
{
    int provided;
    *out = NULL;
    TW_TRY(tw_comm_check_launcher());
    TW_TRY(tw_fault_start());
    tw_comm *comm = calloc(1, sizeof *comm); /* nobody waits yet for a rank that cannot go on */
    if (!comm) return tw_fail(TW_MEMORY, "out of memory");
    MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided);
    if (gethostname(comm->host, sizeof comm->host - 1)) strcpy(comm->host, "unknown");
    tw_status status = tw_topology_order(comm);
    tw_fault_rank(comm->rank);
    tw_phase_enter(TW_AT_START, 0);
    if (status == TW_OK) status = tw_comm_check_program(comm); /* before all that another version may not do */
    if (status == TW_OK) status = tw_topology_gather(comm);
    if (status == TW_OK) status = tw_comm_check_size(comm);
    if (status) {
        const bool speaks = comm->rank == 0;
        tw_comm_release(comm);
        if (speaks) return status;
        tw_status_message()[0] = 0; /* rank 0 has the same sentence, and prints it: */
        usleep(300000);             /* before the launcher ends it because this rank has failed */
        return status;
    }
    *out = comm;
    return TW_OK;
}

tw_status tw_comm_local(tw_comm **out)
{
    tw_comm *comm = calloc(1, sizeof *comm);
    *out = comm;
    if (!comm) return tw_fail(TW_MEMORY, "out of memory");
    comm->mpi = comm->inside = comm->across = MPI_COMM_NULL;
    comm->size = comm->nodes = comm->least_a_node = comm->most_a_node = 1;
    if (gethostname(comm->host, sizeof comm->host - 1)) strcpy(comm->host, "unknown");
    return TW_OK;
}

void tw_comm_release(tw_comm *comm)
{
    if (!comm) return;
    const bool mpi = comm->mpi != MPI_COMM_NULL;
    if (comm->across != MPI_COMM_NULL) TW_COMM_WAIT(MPI_Comm_free(&comm->across));
    if (comm->inside != MPI_COMM_NULL) TW_COMM_WAIT(MPI_Comm_free(&comm->inside));
    if (mpi) TW_COMM_WAIT(MPI_Comm_free(&comm->mpi));
    free(comm->places);
    free(comm->counts);
    free(comm->hash_sizes);
    free(comm->hashes);
    free(comm);
    if (mpi) TW_COMM_WAIT(MPI_Finalize());
}

void tw_comm_abort(tw_comm *comm, int code)
{
    if (comm->mpi != MPI_COMM_NULL) MPI_Abort(comm->mpi, code);
    _exit(code);
}

int tw_comm_rank(const tw_comm *comm)
{
    return comm->rank;
}

int tw_comm_size(const tw_comm *comm)
{
    return comm->size;
}

const char *tw_comm_host(const tw_comm *comm)
{
    return comm->host;
}

uint64_t tw_comm_bytes_sent(const tw_comm *comm)
{
    return comm->bytes_sent;
}

void tw_comm_library(size_t length, char *text)
{
    char full[MPI_MAX_LIBRARY_VERSION_STRING];
    int used;
    MPI_Get_library_version(full, &used);
    full[strcspn(full, ",\n")] = 0;
    const size_t used_length = strnlen(full, length - 1);
    memcpy(text, full, used_length);
    text[used_length] = 0;
}

tw_status tw_comm_agree(tw_comm *comm, tw_status local)
{
    if (tw_fault_armed && local == TW_OK) local = tw_fault_failure();
    if (comm->size == 1) return local;
    int first = local == TW_OK ? comm->size : comm->rank; /* the lowest failing rank speaks for all */
    TW_COMM_WAIT(MPI_Allreduce(MPI_IN_PLACE, &first, 1, MPI_INT, MPI_MIN, comm->mpi));
    comm->bytes_sent += sizeof first;
    if (first == comm->size) return TW_OK;
    if (first == comm->rank) {
        char sentence[TW_MESSAGE_LEN];
        memcpy(sentence, tw_status_message(), sizeof sentence);
        local = tw_fail(local, "rank %d (%s): %s", comm->rank, comm->host, sentence);
    }
    return tw_comm_bcast_status(comm, first, local);
}

/* Files may be there on one node and not on another. */
static tw_status with_host(const tw_comm *comm, tw_status status)
{
    char sentence[TW_MESSAGE_LEN];
    const bool of_files = status == TW_INPUT || status == TW_OUTPUT || status == TW_IO;
    if (tw_comm_nodes(comm) == 1 || !of_files) return status;
    memcpy(sentence, tw_status_message(), sizeof sentence);
    if (strncmp(sentence, "rank ", 5) == 0) return status; /* it names one */
    return tw_fail(status, "rank %d (%s): %s", comm->rank, comm->host, sentence);
}

tw_status tw_comm_bcast_status(tw_comm *comm, int root, tw_status status)
{
    if (comm->size == 1) return status;
    if (comm->rank == root) status = with_host(comm, status);
    int code = (int)status;
    TW_COMM_WAIT(MPI_Bcast(&code, 1, MPI_INT, root, comm->mpi));
    if (code != TW_OK)
        TW_COMM_WAIT(MPI_Bcast(tw_status_message(), TW_MESSAGE_LEN, MPI_CHAR, root, comm->mpi));
    if (comm->rank == root) comm->bytes_sent += sizeof code + (code != TW_OK ? TW_MESSAGE_LEN : 0);
    return (tw_status)code;
}

tw_status tw_comm_bcast(tw_comm *comm, int root, void *bytes, size_t size)
{
    if (comm->size == 1) return TW_OK;
    for (size_t at = 0; at < size; at += TW_COMM_PIECE) {
        const size_t piece = size - at < TW_COMM_PIECE ? size - at : TW_COMM_PIECE;
        TW_COMM_WAIT(MPI_Bcast((char *)bytes + at, (int)piece, MPI_BYTE, root, comm->mpi));
    }
    if (comm->rank == root) comm->bytes_sent += size;
    return TW_OK;
}

void tw_comm_reduce(tw_comm *comm, MPI_Op op, size_t n, double *values)
{
    const size_t most = TW_COMM_PIECE / sizeof *values;
    for (size_t at = 0; at < n; at += most) {
        const size_t piece = n - at < most ? n - at : most;
        MPI_Allreduce(MPI_IN_PLACE, values + at, (int)piece, MPI_DOUBLE, op, comm->mpi);
    }
    comm->bytes_sent += n * sizeof *values;
}

tw_status tw_comm_allreduce(tw_comm *comm, tw_comm_op op, size_t n, double *values)
{
    if (comm->size == 1) return TW_OK;
    const MPI_Op mpi_op = op == TW_SUM ? MPI_SUM : op == TW_MIN ? MPI_MIN : MPI_MAX;
    TW_COMM_WAIT(tw_comm_reduce(comm, mpi_op, n, values));
    return TW_OK;
}

tw_status tw_comm_allgather(tw_comm *comm, const void *bytes, const size_t *sizes, void *out)
{
    if (comm->size == 1) {
        memcpy(out, bytes, sizes[0]);
        return TW_OK;
    }
    int *counts = comm->counts, *places = counts + comm->size;
    size_t at = 0;
    for (int r = 0; r < comm->size; r++) {
        counts[r] = (int)sizes[r];
        places[r] = (int)at;
        at += sizes[r];
    }
    TW_COMM_WAIT(
        MPI_Allgatherv(bytes, counts[comm->rank], MPI_BYTE, out, counts, places, MPI_BYTE, comm->mpi));
    comm->bytes_sent += sizes[comm->rank];
    return TW_OK;
}

tw_status tw_comm_send(tw_comm *comm, int to, const void *bytes, size_t size)
{
    for (size_t at = 0; at < size; at += TW_COMM_PIECE) {
        const size_t piece = size - at < TW_COMM_PIECE ? size - at : TW_COMM_PIECE;
        TW_COMM_WAIT(MPI_Send((const char *)bytes + at, (int)piece, MPI_BYTE, to, 0, comm->mpi));
    }
    comm->bytes_sent += size;
    return TW_OK;
}

tw_status tw_comm_receive(tw_comm *comm, int from, void *bytes, size_t size)
{
    for (size_t at = 0; at < size; at += TW_COMM_PIECE) {
        const size_t piece = size - at < TW_COMM_PIECE ? size - at : TW_COMM_PIECE;
        TW_COMM_WAIT(
            MPI_Recv((char *)bytes + at, (int)piece, MPI_BYTE, from, 0, comm->mpi, MPI_STATUS_IGNORE));
    }
    return TW_OK;
}

void tw_comm_barrier(tw_comm *comm)
{
    if (comm->size > 1) TW_COMM_WAIT(MPI_Barrier(comm->mpi));
}
