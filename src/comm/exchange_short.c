/* Short vectors: whole tree nodes travel, and whoever has them all merges them. With two stages the first
 * rank of a node merges what its ranks own, the first ranks exchange what is left, and tell their nodes. */
#include "comm/reduction_impl.h"

#include <string.h>

/* The nodes and flags of the members of a stage, on all of them or on the first. */
static void gather(tw_reduction *r, tw_stage *t, bool on_all, const double *flags)
{
    const size_t own = tw_stage_own(t), n = r->n;
    const int count = (int)(own * n + TW_N_RIDING);
    for (size_t i = 0; i < own; i++) memcpy(r->send + i * n, r->bring[i], n * sizeof *r->send);
    memcpy(r->send + own * n, flags, TW_N_RIDING * sizeof *flags);
    if (on_all)
        TW_COMM_WIRE(
            MPI_Allgatherv(r->send, count, MPI_DOUBLE, t->receive, t->counts, t->places, MPI_DOUBLE, t->mpi));
    else
        TW_COMM_WIRE(
            MPI_Gatherv(r->send, count, MPI_DOUBLE, t->receive, t->counts, t->places, MPI_DOUBLE, 0, t->mpi));
    r->comm->bytes_sent += (uint64_t)count * sizeof(double);
}

/* What is left is brought to the next stage, or is the result. */
static void merge(tw_reduction *r, tw_stage *t, double *flags)
{
    for (size_t i = 0; i < t->n_merges; i++) {
        const tw_merge m = t->merges[i];
        r->merge->merge(r->n, t->receive + t->offset[m.right], t->receive + t->offset[m.left]);
    }
    for (size_t i = 0; i < t->n_left; i++) r->bring[i] = t->receive + t->offset[t->left[i]];
    memset(flags, 0, TW_N_RIDING * sizeof *flags);
    for (int s = 0; s < t->size; s++) {
        const double *of_s = t->receive + t->places[s] + t->counts[s] - TW_N_RIDING;
        for (int i = 0; i < TW_N_RIDING; i++) flags[i] += of_s[i];
    }
}

static void broadcast(tw_reduction *r, const tw_stage *t, double *flags)
{
    const int count = (int)(r->n + TW_N_RIDING);
    if (t->rank == 0) {
        memcpy(r->send, r->bring[0], r->n * sizeof *r->send);
        memcpy(r->send + r->n, flags, TW_N_RIDING * sizeof *flags);
        r->comm->bytes_sent += (uint64_t)count * sizeof(double);
    }
    TW_COMM_WIRE(MPI_Bcast(r->send, count, MPI_DOUBLE, 0, t->mpi));
    r->bring[0] = r->send;
    memcpy(flags, r->send + r->n, TW_N_RIDING * sizeof *flags);
}

void tw_exchange_short(tw_reduction *r, double *flags, double *out)
{
    tw_stage *inside = r->n_stages == 2 ? &r->stages[0] : NULL, *last = &r->stages[r->n_stages - 1];
    for (size_t i = 0; i < r->branches[0].top; i++) r->bring[i] = r->branches[0].stack[i].v;
    if (inside) gather(r, inside, false, flags);
    if (inside && inside->rank == 0) merge(r, inside, flags);
    if (!inside || inside->rank == 0) {
        gather(r, last, true, flags);
        merge(r, last, flags);
    }
    if (inside) broadcast(r, inside, flags);
    memcpy(out, r->bring[0], r->n * sizeof *out);
}
