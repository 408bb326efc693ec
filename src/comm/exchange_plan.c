/* Who exchanges what with whom, computed once: the stages of an exchange and their buffers. */
#include "comm/reduction_impl.h"

#include <stdlib.h>

#define LONG_COLUMNS ((size_t)1 << 22)

/* Member s brings the maximal nodes of groups [start[s], start[s + 1]). */
static tw_status plan_stage(tw_stage *t, const int64_t *start)
{
    t->first_node = calloc((size_t)t->size + 1, sizeof *t->first_node);
    t->counts = malloc((size_t)t->size * sizeof *t->counts);
    t->places = malloc((size_t)t->size * sizeof *t->places);
    if (!t->first_node || !t->counts || !t->places) return TW_MEMORY;
    for (int s = 0; s < t->size; s++)
        t->first_node[s + 1] = t->first_node[s] + tw_tree_nodes(start[s], start[s + 1], NULL);
    t->n_nodes = t->first_node[t->size];
    tw_node *nodes = malloc((t->n_nodes + 1) * sizeof *nodes);
    t->merges = malloc((t->n_nodes + 1) * sizeof *t->merges);
    t->left = malloc((t->n_nodes + 1) * sizeof *t->left);
    const bool ok = nodes && t->merges && t->left;
    if (ok) {
        for (int s = 0; s < t->size; s++) tw_tree_nodes(start[s], start[s + 1], nodes + t->first_node[s]);
        t->n_merges = tw_tree_merges(t->n_nodes, nodes, t->left, t->merges);
        t->n_left = t->n_nodes - t->n_merges;
    }
    free(nodes);
    return ok ? TW_OK : TW_MEMORY;
}

static void release_stage(tw_stage *t)
{
    free(t->mine);
    free(t->receive);
    free(t->offset);
    free(t->places);
    free(t->counts);
    free(t->left);
    free(t->merges);
    free(t->first_node);
    *t = (tw_stage){0};
}

static tw_status plan_one_stage(tw_reduction *r)
{
    const tw_comm *comm = r->comm;
    r->n_stages = 1;
    r->stages[0] = (tw_stage){.mpi = comm->mpi, .size = comm->size, .rank = comm->rank};
    return plan_stage(&r->stages[0], r->partition->start);
}

/* Inside the nodes first: the siblings in the run of groups of a node are merged there. */
static tw_status plan_two_stages(tw_reduction *r)
{
    const tw_comm *comm = r->comm;
    const int node = comm->places[comm->rank].node;
    int64_t *start = malloc(((size_t)comm->nodes + 1) * sizeof *start);
    int first = 0, ranks = 0;
    if (!start) return TW_MEMORY;
    for (int s = comm->size - 1; s >= 0; s--) start[comm->places[s].node] = r->partition->start[s];
    start[comm->nodes] = r->partition->groups;
    for (int s = 0; s < comm->size; s++) {
        first += comm->places[s].node < node;
        ranks += comm->places[s].node == node;
    }
    r->n_stages = 2;
    r->stages[0] = (tw_stage){.mpi = comm->inside, .size = ranks, .rank = comm->rank - first};
    r->stages[1] = (tw_stage){.mpi = comm->across, .size = comm->nodes, .rank = node};
    tw_status status = plan_stage(&r->stages[0], r->partition->start + first);
    if (status == TW_OK) status = plan_stage(&r->stages[1], start);
    free(start);
    return status;
}

/* Bytes that come to the member that gathers most in the short form: the nodes of all ranks; in stages those
 * of the ranks of its node, and then what is left of every node. */
static size_t gathered(const tw_reduction *r, bool stages)
{
    const int64_t *start = r->partition->start;
    const tw_comm *comm = r->comm;
    size_t inside = 0, most = 0, left = 0;
    for (int s = 0, first = 0; s < comm->size; s++) {
        inside += tw_tree_nodes(start[s], start[s + 1], NULL) * r->n + TW_N_RIDING;
        if (s + 1 < comm->size && (!stages || comm->places[s + 1].node == comm->places[s].node)) continue;
        left += tw_tree_nodes(start[first], start[s + 1], NULL) * r->n + TW_N_RIDING;
        most = inside > most ? inside : most;
        inside = 0;
        first = s + 1;
    }
    return (stages ? most + left : most) * sizeof(double);
}

/* The long form in two stages needs a partner in every node. */
static tw_status make_plan(tw_reduction *r, size_t short_bytes)
{
    const bool stages = r->mode != TW_ALLREDUCE && r->comm->inside != MPI_COMM_NULL;
    const bool even = r->comm->least_a_node == r->comm->most_a_node;
    r->gather = !r->merge->elementwise || gathered(r, stages) <= short_bytes;
    r->columns = r->n < LONG_COLUMNS ? r->n : LONG_COLUMNS;
    return stages && (r->gather || even) ? plan_two_stages(r) : plan_one_stage(r);
}

/* Of a stage whose members merge whole nodes. The nodes of a member are followed by its flags. */
static tw_status short_buffers(const tw_reduction *r, tw_stage *t)
{
    t->offset = malloc((t->n_nodes + 1) * sizeof *t->offset);
    t->receive = malloc((t->n_nodes * r->n + (size_t)t->size * TW_N_RIDING) * sizeof *t->receive);
    if (!t->offset || !t->receive) return TW_MEMORY;
    for (int s = 0; s < t->size; s++) {
        const size_t first = t->first_node[s], end = t->first_node[s + 1];
        for (size_t i = first; i < end; i++) t->offset[i] = i * r->n + (size_t)s * TW_N_RIDING;
        t->places[s] = (int)(first * r->n + (size_t)s * TW_N_RIDING);
        t->counts[s] = (int)((end - first) * r->n + TW_N_RIDING);
    }
    return TW_OK;
}

/* Of a stage whose members merge a slice each. Returns the most columns of such a slice, 0 without memory. */
static size_t long_buffers(tw_stage *t, size_t columns)
{
    const size_t width = columns / (size_t)t->size + 16, all = columns + (size_t)t->size * TW_N_RIDING;
    const size_t receive = t->n_nodes * width > all ? t->n_nodes * width : all;
    t->receive = malloc(receive * sizeof *t->receive);
    t->mine = malloc((width + TW_N_RIDING) * sizeof *t->mine);
    return t->receive && t->mine ? width : 0;
}

static tw_status make_buffers(tw_reduction *r)
{
    const bool plain = r->mode == TW_ALLREDUCE;
    size_t send = plain || r->gather ? r->n + TW_N_RIDING : 0, bring = 0, requests = 0, columns = r->columns;
    for (int s = 0; s < r->n_stages && !plain; s++) {
        tw_stage *t = &r->stages[s];
        const size_t own = tw_stage_own(t);
        if (bring < own) bring = own;
        if (bring < t->n_left) bring = t->n_left;
        if (r->gather) {
            if (send < own * r->n + TW_N_RIDING) send = own * r->n + TW_N_RIDING;
            TW_TRY(short_buffers(r, t));
        } else {
            if (requests < t->n_nodes + own * (size_t)t->size) requests = t->n_nodes + own * (size_t)t->size;
            columns = long_buffers(t, columns);
            if (columns == 0) return TW_MEMORY;
        }
    }
    r->bring = malloc((bring + 1) * sizeof *r->bring);
    r->send = malloc((send + 1) * sizeof *r->send);
    r->requests = malloc((requests + 1) * sizeof(MPI_Request));
    return r->bring && r->send && r->requests ? TW_OK : TW_MEMORY;
}

tw_status tw_exchange_init(tw_reduction *r, size_t short_bytes)
{
    if (make_plan(r, short_bytes) || make_buffers(r))
        return tw_fail(TW_MEMORY, "out of memory for the exchange of %zu numbers", r->n);
    return TW_OK;
}

void tw_exchange_release(tw_reduction *r)
{
    free(r->requests);
    free(r->bring);
    free(r->send);
    for (int s = 0; s < r->n_stages; s++) release_stage(&r->stages[s]);
}
