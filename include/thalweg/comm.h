/* comm.h -- the ranks of a run, and agreement about failure.
 *
 * The only object that knows MPI. The rule it exists for: never leave between two collectives on a rank-local
 * condition. Local work, then tw_comm_agree, then collective work. A function documented "Collective" returns
 * the same status on every rank, so TW_TRY is safe on it. After a failure of MPI itself there is nobody left
 * to agree with: the rank that meets it says so and ends the job with TW_IO. */
#ifndef THALWEG_COMM_H
#define THALWEG_COMM_H

#include "thalweg/account.h"
#include "thalweg/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tw_comm tw_comm;

/**
 * Start MPI (MPI_THREAD_FUNNELED) and number the ranks node by node: nodes in the order of their lowest rank
 * in MPI_COMM_WORLD, inside a node as there, so that the ranks of a node are neighbours whatever order the
 * launcher dealt them out in, and rank 0 stays rank 0.
 *
 * Collective over all processes of the launch. THALWEG_NODES=4 or 4c pretends that the ranks lie on 4 nodes,
 * in blocks or dealt out in turn: a rehearsal on one machine.
 * @return TW_OK; TW_USAGE when the launcher started several tasks but MPI sees only one (N singletons: a
 * launcher that does not speak this MPI's protocol), before MPI starts when srun did so without PMIx, when
 * the ranks run different programs (by the bytes of /proc/self/exe, where that is there), or when THALWEG_NODES is no number of nodes; TW_MEMORY.
 * On failure *comm is NULL and MPI is ended, or was not started.
 */
tw_status tw_comm_init(tw_comm **comm, int *argc, char ***argv) TW_CHECKED;

/** One rank without MPI, for commands that run on a login node. Not collective. TW_MEMORY. */
tw_status tw_comm_local(tw_comm **comm) TW_CHECKED;

/** End MPI. Collective. NULL is fine. */
void tw_comm_release(tw_comm *comm);

/** End every rank at once with an exit code. Not collective; does not return. For failed writes and lost
 * peers. */
void tw_comm_abort(tw_comm *comm, int code) __attribute__((noreturn));

/* Not collective, no cost. Ranks are 0 .. size-1; nodes counts distinct shared-memory hosts. */
int tw_comm_rank(const tw_comm *comm);
int tw_comm_size(const tw_comm *comm);
int tw_comm_nodes(const tw_comm *comm);
const char *tw_comm_host(const tw_comm *comm);

/* The same of any rank: the number of its node, 0 .. nodes-1 and never descending with the rank, and the name
 * of its host, cut to 63 bytes. Not collective, no cost. */
int tw_comm_node_of(const tw_comm *comm, int rank);
const char *tw_comm_host_of(const tw_comm *comm, int rank);

/** Ranks on the node that has fewest, and on that which has most. Not collective. */
void tw_comm_ranks_a_node(const tw_comm *comm, int *least, int *most);

/** Is any rank another than in MPI_COMM_WORLD, where launchers count? The same on every rank. */
bool tw_comm_renumbered(const tw_comm *comm);

/** Does THALWEG_NODES say which rank is on which node? The same on every rank. */
bool tw_comm_pretended(const tw_comm *comm);

/** Bytes that this rank handed to MPI since it started: of a send its length; of an all-reduce and of a
 * gather what this rank puts in, of a broadcast the root's bytes, counted by the root; nothing of a receive
 * or a barrier. Every call counts, those of agreement and of the start included; one rank alone calls none.
 * Not collective. */
uint64_t tw_comm_bytes_sent(const tw_comm *comm);

/** "Open MPI v4.1.4, ..." of the library in use. Not collective, works before tw_comm_init. */
void tw_comm_library(size_t length, char *text);

/**
 * One verdict for all ranks about rank-local work.
 *
 * Collective. Returns TW_OK when every rank passes TW_OK; otherwise the code of the lowest failing rank,
 * whose sentence becomes everyone's, prefixed with "rank R (host): " when there is more than one rank. Cost:
 * one all-reduce of an integer, and a broadcast after a failure.
 */
tw_status tw_comm_agree(tw_comm *comm, tw_status local) TW_CHECKED;

/** The root's status and sentence on every rank, for work that only the root does: without prefix, but on
 * several nodes with "rank R (host): " where it is about a file (TW_INPUT, TW_OUTPUT, TW_IO). Collective. */
tw_status tw_comm_bcast_status(tw_comm *comm, int root, tw_status status) TW_CHECKED;

/** The root's bytes on every rank. Collective; size equal on every rank, split above 1 GiB. */
tw_status tw_comm_bcast(tw_comm *comm, int root, void *bytes, size_t size) TW_CHECKED;

/** Sums, minima or maxima of n doubles over the ranks, in place, by one literal MPI_Allreduce. Collective. */
typedef enum { TW_SUM, TW_MIN, TW_MAX } tw_comm_op;
tw_status tw_comm_allreduce(tw_comm *comm, tw_comm_op op, size_t n, double *values) TW_CHECKED;

/**
 * Every rank's bytes on every rank, in rank order.
 * Collective. @param sizes [size] bytes of each rank, equal on every rank; their sum must stay below 2 GiB.
 * @param out [sum of sizes] may not overlap bytes.
 */
tw_status tw_comm_allgather(tw_comm *comm, const void *bytes, const size_t *sizes, void *out) TW_CHECKED;

/**
 * Do all ranks hold the same digest of what they must hold alike?
 * Collective. TW_OK; TW_REPLICA: the sentence names the ranks in the minority. Allocates nothing.
 * Cost: one small collective, 16 bytes a rank gathered.
 */
tw_status tw_comm_compare(tw_comm *comm, const unsigned char digest[16]) TW_CHECKED;

/** Send to / receive from one rank, blocking; matched by order. Not collective. Split above 1 GiB. */
tw_status tw_comm_send(tw_comm *comm, int to, const void *bytes, size_t size) TW_CHECKED;
tw_status tw_comm_receive(tw_comm *comm, int from, void *bytes, size_t size) TW_CHECKED;

/** Wait until every rank is here. Collective. */
void tw_comm_barrier(tw_comm *comm);

#endif
