/* Long vectors: each member of a stage merges one slice of the columns. With two stages the ranks of a node
 * merge their slices, and each exchanges what is left of its slice with the ranks of the other nodes that
 * have the same one; what comes out goes the same way back. */
#include "comm/reduction_impl.h"

#include <string.h>

/* Every node slice travels straight from its vector to the owner of the slice. */
static void scatter_slices(tw_reduction *r, tw_stage *t, size_t columns)
{
    const size_t at = tw_stage_slice(t, columns, t->rank), own = tw_stage_own(t);
    const size_t width = tw_stage_slice(t, columns, t->rank + 1) - at;
    int n = 0;
    for (int d = 1; d < t->size; d++) {
        const int s = (t->rank + d) % t->size;
        for (size_t i = t->first_node[s]; i < t->first_node[s + 1]; i++)
            MPI_Irecv(t->receive + i * width, (int)width, MPI_DOUBLE, s, 1, t->mpi, &r->requests[n++]);
    }
    for (int d = 1; d < t->size; d++) {
        const int s = (t->rank + t->size - d) % t->size;
        const size_t to = tw_stage_slice(t, columns, s), wide = tw_stage_slice(t, columns, s + 1) - to;
        for (size_t i = 0; i < own; i++)
            MPI_Isend(r->bring[i] + to, (int)wide, MPI_DOUBLE, s, 1, t->mpi, &r->requests[n++]);
        r->comm->bytes_sent += own * wide * sizeof(double);
    }
    for (size_t i = 0; i < own; i++)
        memcpy(t->receive + (t->first_node[t->rank] + i) * width, r->bring[i] + at, width * sizeof(double));
    TW_COMM_WIRE(MPI_Waitall(n, r->requests, MPI_STATUSES_IGNORE));
}

/* Merge the siblings in my slice, in strips that stay in cache. What is left is brought to the next stage.
 * Returns the width of the slice. */
static size_t merge_slices(tw_reduction *r, tw_stage *t, size_t columns)
{
    const size_t width = tw_stage_slice(t, columns, t->rank + 1) - tw_stage_slice(t, columns, t->rank);
    for (size_t c = 0; c < width; c += 512) {
        const size_t strip = width - c < 512 ? width - c : 512;
        for (size_t i = 0; i < t->n_merges; i++)
            r->merge->merge(strip, t->receive + t->merges[i].right * width + c,
                            t->receive + t->merges[i].left * width + c);
    }
    for (size_t i = 0; i < t->n_left; i++) r->bring[i] = t->receive + t->left[i] * width;
    return width;
}

/* All slices of the columns, from t->mine of each member; the flags become their sums over the members. */
static void gather_slices(tw_reduction *r, tw_stage *t, size_t columns, double *flags, double *out)
{
    const size_t width = tw_stage_slice(t, columns, t->rank + 1) - tw_stage_slice(t, columns, t->rank);
    memcpy(t->mine + width, flags, TW_N_RIDING * sizeof *flags);
    for (int s = 0; s < t->size; s++) {
        const size_t at = tw_stage_slice(t, columns, s);
        t->counts[s] = (int)(tw_stage_slice(t, columns, s + 1) - at + TW_N_RIDING);
        t->places[s] = (int)(at + (size_t)s * TW_N_RIDING);
    }
    TW_COMM_WIRE(MPI_Allgatherv(t->mine, t->counts[t->rank], MPI_DOUBLE, t->receive, t->counts, t->places,
                                MPI_DOUBLE, t->mpi));
    r->comm->bytes_sent += (uint64_t)t->counts[t->rank] * sizeof(double);
    memset(flags, 0, TW_N_RIDING * sizeof *flags);
    for (int s = 0; s < t->size; s++) {
        const double *slice = t->receive + t->places[s];
        const size_t wide = (size_t)t->counts[s] - TW_N_RIDING;
        memcpy(out + tw_stage_slice(t, columns, s), slice, wide * sizeof *out);
        for (int i = 0; i < TW_N_RIDING; i++) flags[i] += slice[wide + (size_t)i];
    }
}

/* A run of at most r->columns columns, from the first one on. */
static void exchange_columns(tw_reduction *r, size_t first, size_t columns, double *flags, double *out)
{
    tw_stage *inside = &r->stages[0], *last = &r->stages[r->n_stages - 1];
    size_t mine = columns; /* columns of the last stage: my slice of those of the stage before */
    for (size_t i = 0; i < r->branches[0].top; i++) r->bring[i] = r->branches[0].stack[i].v + first;
    if (inside != last) {
        scatter_slices(r, inside, columns);
        mine = merge_slices(r, inside, columns);
    }
    scatter_slices(r, last, mine);
    const size_t width = merge_slices(r, last, mine);
    memcpy(last->mine, r->bring[0], width * sizeof(double));
    gather_slices(r, last, mine, flags, inside != last ? inside->mine : out + first);
    if (inside != last) gather_slices(r, inside, columns, flags, out + first);
}

void tw_exchange_long(tw_reduction *r, double *flags, double *out)
{
    double own[TW_N_RIDING];
    memcpy(own, flags, sizeof own);
    for (size_t first = 0; first < r->n; first += r->columns) {
        memcpy(flags, own, sizeof own); /* they ride along in every run of columns, and count once */
        exchange_columns(r, first, r->n - first < r->columns ? r->n - first : r->columns, flags, out);
    }
}
