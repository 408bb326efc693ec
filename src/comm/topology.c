/* Which ranks share a node. Ranks are numbered node by node, whatever order the launcher dealt them out in,
 * so that the ranks of a node own neighbouring groups; rank 0 of the launch stays rank 0. */
#include "comm/comm_mpi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* THALWEG_NODES: pretend that the ranks lie on so many nodes, in blocks or dealt out in turn. */
typedef struct {
    int nodes, in_turn; /* nodes 0: as it is; -1: not understood */
} rehearsal;

static rehearsal parse_rehearsal(const char *text)
{
    char *end;
    if (!text || !text[0]) return (rehearsal){0, 0};
    const long nodes = strtol(text, &end, 10);
    const int in_turn = strcmp(end, "c") == 0;
    if (end == text || nodes < 1 || nodes > 1000000 || (end[0] && !in_turn)) return (rehearsal){-1, 0};
    return (rehearsal){(int)nodes, in_turn};
}

/* The lowest rank of the launch on the pretended node of rank r. */
static int pretended_first(rehearsal p, int r, int size)
{
    if (p.nodes > size) p.nodes = size;
    if (p.in_turn) return r % p.nodes;
    const int64_t node = (int64_t)r * p.nodes / size;
    return (int)((node * size + p.nodes - 1) / p.nodes);
}

/* The lowest rank of the launch on this rank's node. */
static int first_of_node(tw_comm *comm, int launched)
{
    MPI_Comm node;
    int first = launched, local;
    TW_COMM_WAIT(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, launched, MPI_INFO_NULL, &node));
    MPI_Comm_rank(node, &local);
    TW_COMM_WAIT(MPI_Bcast(&first, 1, MPI_INT, 0, node));
    if (local == 0) comm->bytes_sent += sizeof first;
    TW_COMM_WAIT(MPI_Comm_free(&node));
    return first;
}

tw_status tw_topology_order(tw_comm *comm)
{
    int launched;
    MPI_Comm_rank(MPI_COMM_WORLD, &launched);
    tw_comm_take_errors(MPI_COMM_WORLD, launched);
    MPI_Comm_size(MPI_COMM_WORLD, &comm->size);
    rehearsal p = parse_rehearsal(getenv("THALWEG_NODES"));
    if (comm->size > 1) { /* the launcher need not give every rank the same environment */
        TW_COMM_WAIT(MPI_Bcast(&p, 2, MPI_INT, 0, MPI_COMM_WORLD));
        if (launched == 0) comm->bytes_sent += sizeof p;
    }
    comm->inside = comm->across = MPI_COMM_NULL;
    comm->pretended = p.nodes > 0;
    int first = launched;
    if (comm->size > 1)
        first = p.nodes > 0 ? pretended_first(p, launched, comm->size) : first_of_node(comm, launched);
    comm->own = (tw_place){.node = first, .launched = launched};
    TW_COMM_WAIT(MPI_Comm_split(MPI_COMM_WORLD, 0, first, &comm->mpi)); /* equal keys: as launched */
    MPI_Comm_rank(comm->mpi, &comm->rank);
    tw_comm_take_errors(comm->mpi, comm->rank);
    if (p.nodes >= 0) return TW_OK;
    return tw_fail(TW_USAGE, "THALWEG_NODES must be a number of nodes, to pretend that the ranks lie on them "
                             "in blocks (4) or dealt out in turn (4c)");
}

/* places[].node from the lowest launched rank of a node to its number; the same on every rank. */
static void number_nodes(tw_comm *comm)
{
    int first = -1, length = 0;
    comm->nodes = 0;
    comm->least_a_node = comm->size;
    for (int r = 0; r < comm->size; r++) {
        tw_place *place = &comm->places[r];
        if (place->node != first) {
            comm->nodes++;
            length = 0;
        }
        first = place->node;
        length++;
        place->node = comm->nodes - 1;
        comm->renumbered |= place->launched != r;
        if (length > comm->most_a_node) comm->most_a_node = length;
        const bool last = r + 1 == comm->size || comm->places[r + 1].node != first;
        if (last && length < comm->least_a_node) comm->least_a_node = length;
    }
}

/* Hosts that are one and the same, told apart. */
static void name_pretended(tw_comm *comm)
{
    for (int r = 0; r < comm->size; r++) {
        char *host = comm->places[r].host;
        const size_t room = sizeof comm->places[r].host, length = strnlen(host, room - 10);
        snprintf(host + length, room - length, ":%d", comm->places[r].node);
    }
    strcpy(comm->host, comm->places[comm->rank].host);
}

static void join_nodes(tw_comm *comm)
{
    const int node = comm->places[comm->rank].node;
    int place = 0;
    while (place < comm->rank && comm->places[comm->rank - place - 1].node == node) place++;
    TW_COMM_WAIT(MPI_Comm_split(comm->mpi, node, place, &comm->inside));
    TW_COMM_WAIT(MPI_Comm_split(comm->mpi, place, node, &comm->across));
    tw_comm_take_errors(comm->inside, comm->rank);
    tw_comm_take_errors(comm->across, comm->rank);
}

tw_status tw_topology_gather(tw_comm *comm)
{
    const int size = comm->size;
    comm->counts = malloc(2 * (size_t)size * sizeof *comm->counts);
    comm->places = malloc((size_t)size * sizeof *comm->places);
    comm->hashes = malloc(16 * (size_t)size);
    comm->hash_sizes = malloc((size_t)size * sizeof *comm->hash_sizes);
    const bool ok = comm->counts && comm->places && comm->hashes && comm->hash_sizes;
    TW_TRY(tw_comm_agree(comm, ok ? TW_OK : tw_fail(TW_MEMORY, "out of memory")));
    snprintf(comm->own.host, sizeof comm->own.host, "%.*s", (int)sizeof comm->own.host - 1, comm->host);
    comm->places[0] = comm->own;
    for (int r = 0; r < size; r++) {
        comm->counts[r] = (int)sizeof(tw_place);
        comm->counts[size + r] = r * (int)sizeof(tw_place);
    }
    if (size > 1) {
        TW_COMM_WAIT(MPI_Allgatherv(&comm->own, sizeof(tw_place), MPI_BYTE, comm->places, comm->counts,
                                    comm->counts + size, MPI_BYTE, comm->mpi));
        comm->bytes_sent += sizeof(tw_place);
    }
    number_nodes(comm);
    if (comm->pretended) name_pretended(comm);
    if (comm->nodes > 1 && comm->most_a_node > 1) join_nodes(comm);
    return TW_OK;
}

int tw_comm_nodes(const tw_comm *comm)
{
    return comm->nodes;
}

int tw_comm_node_of(const tw_comm *comm, int rank)
{
    return comm->places ? comm->places[rank].node : 0;
}

const char *tw_comm_host_of(const tw_comm *comm, int rank)
{
    return comm->places ? comm->places[rank].host : comm->host;
}

void tw_comm_ranks_a_node(const tw_comm *comm, int *least, int *most)
{
    *least = comm->least_a_node;
    *most = comm->most_a_node;
}

bool tw_comm_pretended(const tw_comm *comm)
{
    return comm->pretended;
}

bool tw_comm_renumbered(const tw_comm *comm)
{
    return comm->renumbered;
}
