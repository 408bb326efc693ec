/* The one exchange of a step, in three forms: a literal all-reduce; short vectors, where every rank gathers
 * all nodes and replays the top of the tree; long vectors, where each rank replays one slice of the columns.
 * MPI adds numbers in the first form only. Every form carries the flags of all ranks, idle or not. */
#include "comm/reduction_impl.h"

#include <stdlib.h>
#include <string.h>

/* The flags of the caller and, for the meter, nanoseconds of the work before the exchange and of a barrier.
 */
enum { FLAG_WORK = TW_N_FLAGS, FLAG_BARRIER, N_FLAGS };

#define LONG_COLUMNS ((size_t)1 << 22)

static size_t nodes_of(const tw_reduction *r, int rank)
{
    return r->first_node[rank + 1] - r->first_node[rank];
}

/* First column of rank s's slice of a run of columns; slices are multiples of 8 but for the last. */
static size_t slice(const tw_reduction *r, size_t columns, int s)
{
    if (s == r->comm->size) return columns;
    return columns / 8 * (size_t)s / (size_t)r->comm->size * 8;
}

static tw_status make_plan(tw_reduction *r)
{
    const int size = r->comm->size;
    const int64_t *start = r->partition->start;
    r->first_node = calloc((size_t)size + 1, sizeof *r->first_node);
    if (!r->first_node) return TW_MEMORY;
    for (int s = 0; s < size; s++)
        r->first_node[s + 1] = r->first_node[s] + tw_tree_nodes(start[s], start[s + 1], NULL);
    r->n_nodes = r->first_node[size];
    tw_node *nodes = malloc(r->n_nodes * sizeof *nodes);
    size_t *stack = malloc(r->n_nodes * sizeof *stack);
    r->merges = malloc(r->n_nodes * sizeof *r->merges);
    const bool ok = nodes && stack && r->merges;
    if (ok) {
        for (int s = 0; s < size; s++) tw_tree_nodes(start[s], start[s + 1], nodes + r->first_node[s]);
        tw_tree_merges(r->n_nodes, nodes, stack, r->merges);
    }
    free(stack);
    free(nodes);
    return ok ? TW_OK : TW_MEMORY;
}

static tw_status make_buffers(tw_reduction *r, size_t short_bytes)
{
    const size_t size = (size_t)r->comm->size, own = nodes_of(r, r->comm->rank);
    const size_t all = r->n_nodes * r->n + size * N_FLAGS;
    size_t send = own * r->n + N_FLAGS, receive = all, mine = 0, requests = 0;
    r->gather = r->mode == TW_REPRODUCIBLE && (!r->merge->elementwise || all * sizeof(double) <= short_bytes);
    r->columns = r->n < LONG_COLUMNS ? r->n : LONG_COLUMNS;
    if (r->mode == TW_ALLREDUCE) {
        send = r->n + N_FLAGS;
        receive = 0;
    } else if (!r->gather) {
        const size_t width = r->columns / size + 16;
        send = 0;
        receive = r->n_nodes * width > r->columns + size * N_FLAGS ? r->n_nodes * width
                                                                   : r->columns + size * N_FLAGS;
        mine = width + N_FLAGS;
        requests = r->n_nodes + own * size;
    }
    r->send = malloc((send + 1) * sizeof *r->send);
    r->receive = malloc((receive + 1) * sizeof *r->receive);
    r->mine = malloc((mine + 1) * sizeof *r->mine);
    r->counts = malloc(size * sizeof *r->counts);
    r->places = malloc(size * sizeof *r->places);
    r->requests = malloc((requests + 1) * sizeof(MPI_Request));
    return r->send && r->receive && r->mine && r->counts && r->places && r->requests ? TW_OK : TW_MEMORY;
}

tw_status tw_exchange_init(tw_reduction *r, size_t short_bytes)
{
    if (make_plan(r) || make_buffers(r, short_bytes))
        return tw_fail(TW_MEMORY, "out of memory for the exchange of %zu numbers", r->n);
    return TW_OK;
}

void tw_exchange_release(tw_reduction *r)
{
    free(r->requests);
    free(r->places);
    free(r->counts);
    free(r->mine);
    free(r->receive);
    free(r->send);
    free(r->merges);
    free(r->first_node);
}

static void add_flags(double *flags, const double *of_one_rank)
{
    for (int i = 0; i < N_FLAGS; i++) flags[i] += of_one_rank[i]; /* small integers: exact in any order */
}

static void run_allreduce(tw_reduction *r, double *flags, double *out)
{
    for (size_t j = 0; j < r->n; j++) r->send[j] = r->merge->identity;
    for (size_t i = 0; i < r->top; i++) r->merge->merge(r->n, r->stack[i].v, r->send);
    memcpy(r->send + r->n, flags, N_FLAGS * sizeof *flags);
    TW_COMM_WIRE(tw_comm_reduce(r->comm, MPI_SUM, r->n + N_FLAGS, r->send));
    memcpy(out, r->send, r->n * sizeof *out);
    memcpy(flags, r->send + r->n, N_FLAGS * sizeof *flags);
}

/* Node i of all, in the buffer of the short form: the nodes of a rank are followed by its flags. */
static double *gathered(const tw_reduction *r, int rank, size_t i)
{
    return r->receive + i * r->n + (size_t)rank * N_FLAGS;
}

static int owner(const tw_reduction *r, size_t node)
{
    int low = 0,
        high = r->comm->size; /* the last rank whose first node is <= node owns it: idle ranks own none */
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (r->first_node[middle] <= node)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void run_gather(tw_reduction *r, double *flags, double *out)
{
    const int size = r->comm->size;
    const size_t n = r->n;
    for (size_t i = 0; i < r->top; i++) memcpy(r->send + i * n, r->stack[i].v, n * sizeof *out);
    memcpy(r->send + r->top * n, flags, N_FLAGS * sizeof *flags);
    for (int s = 0; s < size; s++) {
        r->counts[s] = (int)(nodes_of(r, s) * n + N_FLAGS);
        r->places[s] = (int)(gathered(r, s, r->first_node[s]) - r->receive);
    }
    TW_COMM_WIRE(MPI_Allgatherv(r->send, r->counts[r->comm->rank], MPI_DOUBLE, r->receive, r->counts,
                                r->places, MPI_DOUBLE, r->comm->mpi));
    r->comm->bytes_sent += (uint64_t)r->counts[r->comm->rank] * sizeof(double);
    for (size_t i = 0; i + 1 < r->n_nodes; i++) {
        const tw_merge m = r->merges[i];
        r->merge->merge(n, gathered(r, owner(r, m.right), m.right), gathered(r, owner(r, m.left), m.left));
    }
    memcpy(out, gathered(r, owner(r, 0), 0), n * sizeof *out);
    memset(flags, 0, N_FLAGS * sizeof *flags);
    for (int s = 0; s < size; s++) add_flags(flags, gathered(r, s, r->first_node[s + 1]));
}

/* Every node slice travels straight from its vector to the owner of the slice. */
static void scatter_slices(tw_reduction *r, size_t first, size_t columns)
{
    const int size = r->comm->size, me = r->comm->rank;
    const size_t at = slice(r, columns, me), width = slice(r, columns, me + 1) - at;
    int n = 0;
    for (int d = 1; d < size; d++) {
        const int s = (me + d) % size;
        for (size_t i = r->first_node[s]; i < r->first_node[s + 1]; i++)
            MPI_Irecv(r->receive + i * width, (int)width, MPI_DOUBLE, s, 1, r->comm->mpi, &r->requests[n++]);
    }
    for (int d = 1; d < size; d++) {
        const int s = (me + size - d) % size;
        const size_t to = slice(r, columns, s), wide = slice(r, columns, s + 1) - to;
        for (size_t i = 0; i < r->top; i++)
            MPI_Isend(r->stack[i].v + first + to, (int)wide, MPI_DOUBLE, s, 1, r->comm->mpi,
                      &r->requests[n++]);
        r->comm->bytes_sent += r->top * wide * sizeof(double);
    }
    for (size_t i = 0; i < r->top; i++)
        memcpy(r->receive + (r->first_node[me] + i) * width, r->stack[i].v + first + at,
               width * sizeof(double));
    TW_COMM_WIRE(MPI_Waitall(n, r->requests, MPI_STATUSES_IGNORE));
}

/* Replay the top of the tree for my slice, in strips that stay in cache. */
static void replay_slice(tw_reduction *r, size_t width)
{
    for (size_t c = 0; c < width; c += 512) {
        const size_t strip = width - c < 512 ? width - c : 512;
        for (size_t i = 0; i + 1 < r->n_nodes; i++)
            r->merge->merge(strip, r->receive + r->merges[i].right * width + c,
                            r->receive + r->merges[i].left * width + c);
    }
    memcpy(r->mine, r->receive, width * sizeof(double));
}

static void gather_slices(tw_reduction *r, size_t columns, const double *own_flags, double *flags,
                          double *out)
{
    const int size = r->comm->size, me = r->comm->rank;
    const size_t width = slice(r, columns, me + 1) - slice(r, columns, me);
    memcpy(r->mine + width, own_flags, N_FLAGS * sizeof *flags);
    for (int s = 0; s < size; s++) {
        r->counts[s] = (int)(slice(r, columns, s + 1) - slice(r, columns, s) + N_FLAGS);
        r->places[s] = (int)(slice(r, columns, s) + (size_t)s * N_FLAGS);
    }
    TW_COMM_WIRE(MPI_Allgatherv(r->mine, r->counts[me], MPI_DOUBLE, r->receive, r->counts, r->places,
                                MPI_DOUBLE, r->comm->mpi));
    r->comm->bytes_sent += (uint64_t)r->counts[me] * sizeof(double);
    memset(flags, 0, N_FLAGS * sizeof *flags);
    for (int s = 0; s < size; s++) {
        const size_t at = slice(r, columns, s), wide = slice(r, columns, s + 1) - at;
        memcpy(out + at, r->receive + r->places[s], wide * sizeof *out);
        add_flags(flags, r->receive + (size_t)r->places[s] + wide);
    }
}

static void run_slices(tw_reduction *r, double *flags, double *out)
{
    double own[N_FLAGS];
    memcpy(own, flags, sizeof own);
    for (size_t first = 0; first < r->n; first += r->columns) {
        const size_t columns = r->n - first < r->columns ? r->n - first : r->columns;
        const int me = r->comm->rank;
        scatter_slices(r, first, columns);
        replay_slice(r, slice(r, columns, me + 1) - slice(r, columns, me));
        gather_slices(r, columns, own, flags, out + first);
    }
}

static void run(tw_reduction *r, double *flags, double *out)
{
    if (r->mode == TW_ALLREDUCE)
        run_allreduce(r, flags, out);
    else if (r->gather)
        run_gather(r, flags, out);
    else
        run_slices(r, flags, out);
}

tw_status tw_exchange_run(tw_reduction *r, double *flags, double *out)
{
    double all[N_FLAGS];
    r->exchanges++;
    if (r->comm->size == 1) {
        memcpy(out, r->stack[0].v, r->n * sizeof *out);
        return TW_OK;
    }
    memcpy(all, flags, TW_N_FLAGS * sizeof *flags);
    const bool alone = tw_meter_arrive(&r->meter, r->comm, &all[FLAG_WORK], &all[FLAG_BARRIER]);
    const tw_phase doing = tw_phase_wire();
    run(r, all, out);
    tw_phase_return(doing);
    tw_meter_end(&r->meter, alone, all[FLAG_WORK], all[FLAG_BARRIER]);
    memcpy(flags, all, TW_N_FLAGS * sizeof *flags);
    return TW_OK;
}
