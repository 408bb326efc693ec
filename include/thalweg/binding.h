/* binding.h -- which cores the ranks may run on, and what processors the nodes have: for the header of a run,
 * its warnings, and the comparison of runs.
 *
 * A core is a physical one, whatever number of hardware threads it has, where Linux tells. Facts of this job
 * alone: other jobs on the node are not seen. */
#ifndef THALWEG_BINDING_H
#define THALWEG_BINDING_H

#include "thalweg/comm.h"

enum { TW_CPU_LEN = 64, TW_CORES_LEN = 64 };

typedef struct {
    int ranks;
    int cores;            /* of the node, online */
    int allowed;          /* cores that its ranks may run on, 0: unknown */
    char cpu[TW_CPU_LEN]; /* model name */
} tw_binding_node;

typedef struct {
    int n_nodes;
    tw_binding_node *nodes; /* [n_nodes] owned */
    char text[96];          /* "bound to 2 cores each", "not bound", ... */
    int least;              /* cores of a bound rank, the fewest; 0: no rank is bound */
    int crowded;            /* the node with most ranks a core when that is more than one, else -1 */
    int overlap[2];         /* the first two ranks of a node that are bound to the same cores, else -1 */
    char overlap_cores[TW_CORES_LEN]; /* "0", "4-7": by their first hardware thread; cut short with "..." */
} tw_binding;

/** Ask every rank and compare. Collective; TW_MEMORY. Cost: about 10 us for each processor of a node, and a
 * gather of 264 bytes a rank. */
tw_status tw_binding_gather(tw_binding *binding, tw_comm *comm) TW_CHECKED;
void tw_binding_release(tw_binding *binding);

/** The processor of all nodes, or all that there are, "A; B". Returns text. Not collective. */
const char *tw_binding_cpus(const tw_binding *binding, size_t length, char *text);

#endif
