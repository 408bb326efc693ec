#include "scale/model.h"

#include "comm/tree.h"

#include <math.h>
#include <stdlib.h>

/* Numbers that ride along with every contribution, behind the flags of the caller. */
enum { RIDING = TW_N_FLAGS + 2, NUMBER = sizeof(double) };
#define SHORT_BYTES  ((size_t)512 << 10)
#define LONG_COLUMNS ((size_t)1 << 22)

const char *tw_form_name(tw_form form)
{
    static const char *const names[] = {"alone", "allreduce", "short", "long", "short_stages", "long_stages"};
    return names[form];
}

/* The ranks and nodes of a case, with the number of tree nodes that each of them brings. */
typedef struct {
    const tw_exchange_case *c;
    int ranks, nodes, least, most; /* ranks on the node with fewest and most */
    size_t *own, *left;            /* [ranks] brought by a rank; [nodes] left of a node */
    int *first;                    /* [nodes + 1] its first rank */
    size_t total_own, total_left;
    uint64_t *sent;
} plan;

static int node_of(const tw_exchange_case *c, int rank)
{
    if (c->node) return c->node[rank];
    return c->ranks_a_node > 0 ? rank / c->ranks_a_node : 0;
}

static void plan_release(plan *p)
{
    free(p->own);
    free(p->left);
    free(p->first);
}

static tw_status plan_make(const tw_exchange_case *c, uint64_t *sent, plan *p)
{
    const int64_t *start = c->partition->start;
    const int ranks = c->partition->size;
    *p = (plan){.c = c, .ranks = ranks, .nodes = node_of(c, ranks - 1) + 1, .least = ranks, .sent = sent};
    p->own = calloc((size_t)ranks, sizeof *p->own);
    p->left = calloc((size_t)p->nodes, sizeof *p->left);
    p->first = calloc((size_t)p->nodes + 1, sizeof *p->first);
    if (!p->own || !p->left || !p->first) {
        plan_release(p);
        return tw_fail(TW_MEMORY, "out of memory for the exchange of %d ranks", ranks);
    }
    for (int r = ranks - 1; r >= 0; r--) {
        p->own[r] = tw_tree_nodes(start[r], start[r + 1], NULL);
        p->total_own += p->own[r];
        p->first[node_of(c, r)] = r;
    }
    p->first[p->nodes] = ranks;
    for (int k = 0; k < p->nodes; k++) {
        const int here = p->first[k + 1] - p->first[k];
        p->left[k] = tw_tree_nodes(start[p->first[k]], start[p->first[k + 1]], NULL);
        p->total_left += p->left[k];
        p->least = here < p->least ? here : p->least;
        p->most = here > p->most ? here : p->most;
    }
    return TW_OK;
}

/* Columns of member s's slice of a run; slices are multiples of 8 but for the last. */
static size_t slice(size_t columns, int size, int s)
{
    const size_t begin = columns / 8 * (size_t)s / (size_t)size * 8;
    const size_t end = s + 1 == size ? columns : columns / 8 * ((size_t)s + 1) / (size_t)size * 8;
    return end - begin;
}

static size_t largest(const size_t *values, int count)
{
    size_t most = 0;
    for (int i = 0; i < count; i++) most = values[i] > most ? values[i] : most;
    return most;
}

static void send(const plan *p, tw_exchange_cost *cost, int rank, size_t numbers)
{
    const uint64_t bytes = (uint64_t)numbers * NUMBER;
    if (p->sent) p->sent[rank] += bytes;
    cost->total += bytes;
}

/* Bytes that come to the member that gathers most in the short form. */
static size_t gathered(const plan *p, bool stages)
{
    const size_t n = p->c->n;
    if (!stages) return (p->total_own * n + (size_t)p->ranks * RIDING) * NUMBER;
    size_t most = 0;
    for (int k = 0; k < p->nodes; k++) {
        size_t here = 0;
        for (int r = p->first[k]; r < p->first[k + 1]; r++) here += p->own[r] * n + RIDING;
        most = here > most ? here : most;
    }
    return (most + p->total_left * n + (size_t)p->nodes * RIDING) * NUMBER;
}

static tw_form form_of(const plan *p)
{
    const tw_exchange_case *c = p->c;
    if (p->ranks == 1) return TW_FORM_ALONE;
    if (c->mode == TW_ALLREDUCE) return TW_FORM_ALLREDUCE;
    const bool stages = p->nodes > 1 && p->most > 1;
    if (gathered(p, stages) <= (c->short_bytes ? c->short_bytes : SHORT_BYTES))
        return stages ? TW_FORM_SHORT_STAGES : TW_FORM_SHORT;
    return stages && p->least == p->most ? TW_FORM_LONG_STAGES : TW_FORM_LONG;
}

static double rounds(int members)
{
    double n = 0;
    for (int64_t reach = 1; reach < members; reach *= 2) n++;
    return n;
}

static void one_way(tw_exchange_cost *cost, double messages, double numbers)
{
    cost->n_ways = 1;
    cost->way[0] = (tw_way){messages, numbers * NUMBER};
}

/* Recursive doubling, where the ranks of a node share its link, or a ring. */
static void cost_allreduce(const plan *p, tw_exchange_cost *cost)
{
    const double length = (double)(p->c->n + RIDING), ranks = p->ranks;
    const double doubling = p->nodes > 1 ? rounds(p->nodes) * p->most : rounds(p->ranks);
    for (int r = 0; r < p->ranks; r++) send(p, cost, r, p->c->n + RIDING);
    cost->n_ways = 2;
    cost->way[0] = (tw_way){rounds(p->ranks), doubling * length * NUMBER};
    cost->way[1] = (tw_way){2 * (ranks - 1), 2 * (ranks - 1) / ranks * length * NUMBER};
    if (p->nodes > 1) cost->between = 2 * (p->nodes - 1.0) / p->nodes * length * NUMBER;
    cost->memory = 3 * rounds(p->most) * p->most * length * NUMBER;
}

/* Contributions of members, gathered on all: what comes to the member that has least itself. */
static double incoming(const size_t *own, int members, size_t total, size_t n)
{
    size_t least = own[0];
    for (int i = 1; i < members; i++) least = own[i] < least ? own[i] : least;
    return (double)(total - least) * (double)n + (members - 1.0) * RIDING;
}

static void cost_short(const plan *p, tw_exchange_cost *cost)
{
    const size_t n = p->c->n;
    for (int r = 0; r < p->ranks; r++) send(p, cost, r, p->own[r] * n + RIDING);
    const double numbers = incoming(p->own, p->ranks, p->total_own, n);
    one_way(cost, rounds(p->ranks), numbers);
    if (p->nodes > 1) cost->between = numbers * NUMBER;
    cost->memory = 3.0 * p->most * (double)p->total_own * (double)n * NUMBER;
}

static void cost_short_stages(const plan *p, tw_exchange_cost *cost)
{
    const size_t n = p->c->n;
    size_t inside = 0;
    for (int k = 0; k < p->nodes; k++) {
        size_t here = 0;
        for (int r = p->first[k]; r < p->first[k + 1]; r++) {
            send(p, cost, r, p->own[r] * n + RIDING);
            here += p->own[r];
        }
        send(p, cost, p->first[k], p->left[k] * n + RIDING + n + RIDING);
        inside = here > inside ? here : inside;
    }
    const double numbers = incoming(p->left, p->nodes, p->total_left, n);
    one_way(cost, rounds(p->nodes), numbers);
    cost->between = numbers * NUMBER;
    cost->memory = 3.0 * (double)(inside + p->total_left + (size_t)p->most) * (double)n * NUMBER;
}

/* Members `members` of which each brings own[] nodes exchange slices of `columns`. Numbers that come to
 * member s: what the others bring of its slice, and then the others' slices. */
static double long_incoming(const size_t *own, int members, size_t total, size_t columns, int s)
{
    const size_t wide = slice(columns, members, s);
    return (double)(total - own[s]) * (double)wide + (double)(columns - wide) + (members - 1.0) * RIDING;
}

static void cost_long(const plan *p, tw_exchange_cost *cost)
{
    const size_t n = p->c->n;
    double busiest_node = 0, busiest_rank = 0, runs = 0;
    for (size_t at = 0; at < n; at += LONG_COLUMNS, runs++) {
        const size_t columns = n - at < LONG_COLUMNS ? n - at : LONG_COLUMNS;
        double node_in = 0, rank_in = 0;
        for (int k = 0; k < p->nodes; k++) {
            size_t here = 0;
            double in = 0, widths = 0;
            for (int r = p->first[k]; r < p->first[k + 1]; r++) here += p->own[r];
            for (int r = p->first[k]; r < p->first[k + 1]; r++) {
                const size_t wide = slice(columns, p->ranks, r);
                send(p, cost, r, p->own[r] * (columns - wide) + wide + RIDING);
                widths += (double)wide;
                in += (double)(p->total_own - here) * (double)wide;
                rank_in = fmax(rank_in, long_incoming(p->own, p->ranks, p->total_own, columns, r));
            }
            in += (double)columns - widths + (double)(p->ranks - (p->first[k + 1] - p->first[k])) * RIDING;
            node_in = fmax(node_in, in);
        }
        busiest_node += node_in;
        busiest_rank += rank_in;
    }
    const double others = p->ranks - 1.0;
    one_way(cost, runs * (others * (double)largest(p->own, p->ranks) + others),
            p->nodes > 1 ? busiest_node : busiest_rank);
    if (p->nodes > 1) cost->between = busiest_node * NUMBER;
    cost->memory = 3.0 * (double)(p->total_own * n / (size_t)p->nodes + (size_t)p->most * n) * NUMBER;
}

/* The bytes of one run of columns; returns the most numbers that come into a node. */
static double long_stages_run(const plan *p, tw_exchange_cost *cost, size_t columns)
{
    double busiest = 0;
    for (int k = 0; k < p->nodes; k++) {
        const int members = p->first[k + 1] - p->first[k];
        double in = 0;
        for (int i = 0; i < members; i++) {
            const size_t wide = slice(columns, members, i), last = slice(wide, p->nodes, k);
            const size_t inside = p->own[p->first[k] + i] * (columns - wide) + wide + RIDING;
            send(p, cost, p->first[k] + i, inside + p->left[k] * (wide - last) + last + RIDING);
            in += long_incoming(p->left, p->nodes, p->total_left, wide, k);
        }
        busiest = fmax(busiest, in);
    }
    return busiest;
}

static void cost_long_stages(const plan *p, tw_exchange_cost *cost)
{
    const size_t n = p->c->n;
    double numbers = 0, runs = 0;
    for (size_t at = 0; at < n; at += LONG_COLUMNS, runs++)
        numbers += long_stages_run(p, cost, n - at < LONG_COLUMNS ? n - at : LONG_COLUMNS);
    const double others = p->nodes - 1.0;
    one_way(cost, runs * (others * (double)largest(p->left, p->nodes) + others), numbers);
    cost->between = numbers * NUMBER;
    cost->memory = 3.0 *
                   (double)(p->total_own * n / (size_t)p->nodes + p->total_left * n / (size_t)p->nodes +
                            (size_t)p->most * n) *
                   NUMBER;
}

tw_status tw_exchange_cost_of(const tw_exchange_case *c, tw_exchange_cost *cost, uint64_t *sent)
{
    plan p;
    uint64_t *own = sent ? sent : malloc((size_t)c->partition->size * sizeof *own);
    *cost = (tw_exchange_cost){.n_ways = 1};
    if (!own) return tw_fail(TW_MEMORY, "out of memory for the exchange of %d ranks", c->partition->size);
    for (int r = 0; r < c->partition->size; r++) own[r] = 0;
    const tw_status status = plan_make(c, own, &p);
    if (status == TW_OK) {
        cost->form = form_of(&p);
        cost->nodes = p.nodes;
        switch (cost->form) {
        case TW_FORM_ALONE: break;
        case TW_FORM_ALLREDUCE: cost_allreduce(&p, cost); break;
        case TW_FORM_SHORT: cost_short(&p, cost); break;
        case TW_FORM_LONG: cost_long(&p, cost); break;
        case TW_FORM_SHORT_STAGES: cost_short_stages(&p, cost); break;
        case TW_FORM_LONG_STAGES: cost_long_stages(&p, cost); break;
        }
        for (int r = 0; r < p.ranks; r++) cost->busiest = own[r] > cost->busiest ? own[r] : cost->busiest;
        plan_release(&p);
    }
    if (!sent) free(own);
    return status;
}

double tw_exchange_seconds(const tw_exchange_cost *cost, double latency, double bandwidth)
{
    double least = INFINITY;
    for (int i = 0; i < cost->n_ways; i++)
        least = fmin(least, cost->way[i].messages * latency + cost->way[i].bytes / bandwidth);
    return least;
}

size_t tw_sums_length(double cols, double outputs)
{
    return (size_t)(cols * outputs + outputs + 3);
}

/* The busiest rank, and how many have no row. */
static void share_rows(const tw_partition *p, tw_prediction *out)
{
    for (int r = 0; r < p->size; r++) {
        const int64_t rows = tw_partition_shard(p, r + 1) - tw_partition_shard(p, r);
        if (rows > out->busiest_rows) out->busiest_rows = rows;
        out->idle += rows == 0;
    }
}

/* As stored, 16 bytes a row, the partial sums of a reduction and what travels, ten vectors of a method. */
static double memory_of(const tw_problem *problem, const tw_partition *p, const tw_prediction *out)
{
    const double depth =
        14 + 2 * log2((double)p->groups) + fmax(0, log2((double)p->rows / (double)p->groups / 256));
    return out->bytes_a_rank + 16.0 * (double)out->busiest_rows + depth * (double)problem->n * NUMBER;
}

tw_status tw_predict(const tw_problem *problem, const tw_machine *m, int ranks, tw_prediction *out)
{
    tw_partition partition;
    const int64_t rows = problem->weak ? problem->rows * ranks : problem->rows;
    *out = (tw_prediction){.nodes = (ranks + m->cores - 1) / m->cores, .ranks = ranks};
    TW_TRY(tw_partition_init(&partition, rows, problem->groups, ranks));
    const tw_exchange_case c = {
        .mode = problem->mode, .n = problem->n, .partition = &partition, .ranks_a_node = m->cores};
    const tw_status status = tw_exchange_cost_of(&c, &out->cost, NULL);
    if (status == TW_OK) share_rows(&partition, out);
    out->bytes_a_rank = (double)out->busiest_rows * problem->cols * (double)problem->type_size;
    out->memory_a_rank = memory_of(problem, &partition, out);
    tw_partition_release(&partition);
    TW_TRY(status);
    const int busy = out->ranks - out->idle;
    const double sharing = busy < m->cores ? busy : m->cores;
    out->compute = problem->reads * out->bytes_a_rank * sharing / m->memory;
    if (out->ranks > 1)
        out->exchange = problem->exchanges *
                        ((out->nodes > 1 ? tw_exchange_seconds(&out->cost, m->latency, m->bandwidth) : 0) +
                         out->cost.memory / m->memory);
    out->seconds = out->compute + out->exchange;
    return TW_OK;
}
