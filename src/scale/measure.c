#include "scale/measure.h"

#include "scale/fit.h"
#include "thalweg/account.h"
#include "thalweg/vec.h"

#include <stdlib.h>

enum { BATCH = 5, MOST = 200, ADDED = 1 << 20, ADDITIONS = 8 };

typedef struct {
    tw_comm *comm;
    const tw_measure *m;
    tw_partition partition;
    int *node;      /* [ranks] */
    uint64_t *sent; /* [ranks] */
    double *out;    /* [longest] */
    double deadline;
} bench;

static double wire_clock(void)
{
    double clocks[TW_N_CLOCKS];
    tw_account_read(clocks);
    return clocks[TW_CLOCK_WIRE];
}

/* Nobody closes a group: every node travels as an absent one, and no time goes into sums of rows. */
static tw_status once(bench *b, tw_reduction *r, double *seconds)
{
    double flags[TW_N_FLAGS] = {0};
    tw_comm_barrier(b->comm);
    const double before = wire_clock();
    TW_TRY(tw_reduction_finish(r, flags, b->out));
    *seconds = wire_clock() - before;
    return TW_OK;
}

static tw_status compare_bytes(bench *b, uint64_t sent, tw_measured *at)
{
    const tw_exchange_case c = {
        .mode = b->m->mode, .n = at->length, .partition = &b->partition, .node = b->node};
    TW_TRY(tw_comm_agree(b->comm, tw_exchange_cost_of(&c, &at->cost, b->sent)));
    double both[2] = {(double)sent, sent != b->sent[tw_comm_rank(b->comm)]};
    TW_TRY(tw_comm_allreduce(b->comm, TW_MAX, 2, both));
    at->bytes = (uint64_t)both[0];
    at->predicted = both[1] == 0;
    return TW_OK;
}

/* Batches until the share of the budget is spent; the same number on every rank. */
static tw_status repeat(bench *b, tw_reduction *r, double share, long *count, double *took)
{
    const double end = tw_seconds() + share;
    double late = 0;
    for (*count = 0; *count < MOST && !(late > 0);) {
        for (int i = 0; i < BATCH; i++) TW_TRY(once(b, r, &took[(*count)++]));
        late = tw_seconds() > end;
        TW_TRY(tw_comm_allreduce(b->comm, TW_MAX, 1, &late));
    }
    return tw_comm_allreduce(b->comm, TW_MAX, (size_t)*count, took);
}

static tw_status measure_length(bench *b, tw_reduction *r, double share, tw_measured *at)
{
    double took[MOST], first;
    const uint64_t before = tw_comm_bytes_sent(b->comm);
    TW_TRY(once(b, r, &first));
    TW_TRY(compare_bytes(b, tw_comm_bytes_sent(b->comm) - before, at));
    TW_TRY(repeat(b, r, share, &at->count, took));
    at->seconds = tw_fit_median((size_t)at->count, took);
    at->low = took[0];
    at->high = took[at->count - 1];
    return TW_OK;
}

static tw_status out_of_time(bench *b, bool *over)
{
    double late = tw_seconds() > b->deadline;
    TW_TRY(tw_comm_allreduce(b->comm, TW_MAX, 1, &late));
    *over = late > 0;
    return TW_OK;
}

static tw_status measure_all(bench *b, size_t *n_points, tw_measured *points)
{
    bool over = false;
    size_t left = 0;
    const bool alone = tw_comm_size(b->comm) == 1; /* then there is nothing to see */
    const size_t shortest = b->m->shortest, longest = alone ? shortest : b->m->longest;
    for (size_t n = shortest; n <= longest; n *= 2) left++;
    for (size_t n = shortest; n <= longest && *n_points < TW_MEASURE_MOST && !over; n *= 2) {
        const tw_reduction_plan plan = {
            .mode = b->m->mode, .merge = &tw_merge_sum, .n = n, .no_barriers = true};
        const double share = (b->deadline - tw_seconds()) / (double)left--;
        tw_measured at = {.length = n};
        tw_reduction *r;
        tw_status status = tw_comm_agree(b->comm, tw_reduction_new(&r, b->comm, &b->partition, &plan));
        if (status == TW_OK) status = measure_length(b, r, share, &at);
        tw_reduction_free(r);
        if (status == TW_MEMORY && *n_points > 0) break;
        TW_TRY(status);
        points[(*n_points)++] = at;
        TW_TRY(out_of_time(b, &over));
    }
    return TW_OK;
}

/* left += right moves three doubles for each of them. */
static tw_status measure_memory(tw_comm *comm, double *memory)
{
    double *left = calloc(ADDED, sizeof *left), *right = malloc(ADDED * sizeof *right), rate = 0;
    int least, most;
    const tw_status status =
        tw_comm_agree(comm, left && right ? TW_OK : tw_fail(TW_MEMORY, "out of memory for two vectors"));
    if (status != TW_OK) {
        free(right);
        free(left);
        return status;
    }
    for (size_t i = 0; i < ADDED; i++) right[i] = (double)i;
    tw_comm_barrier(comm);
    for (int i = 0; i < ADDITIONS; i++) {
        const double before = tw_seconds();
        tw_vec_add(ADDED, right, left);
        const double now = 3 * sizeof *left * ADDED / (tw_seconds() - before);
        if (now > rate) rate = now;
    }
    free(right);
    free(left);
    tw_comm_ranks_a_node(comm, &least, &most);
    TW_TRY(tw_comm_allreduce(comm, TW_MIN, 1, &rate));
    *memory = rate * most;
    return TW_OK;
}

tw_status tw_measure_exchange(tw_comm *comm, const tw_measure *m, size_t *n_points, tw_measured *points,
                              double *memory)
{
    const size_t ranks = (size_t)tw_comm_size(comm);
    bench b = {.comm = comm, .m = m};
    *n_points = 0;
    tw_status status = tw_partition_init(&b.partition, m->groups, m->groups, (int)ranks);
    if (status == TW_OK) {
        b.node = malloc(ranks * sizeof *b.node);
        b.sent = malloc(ranks * sizeof *b.sent);
        b.out = malloc(m->longest * sizeof *b.out);
        if (!b.node || !b.sent || !b.out) status = tw_fail(TW_MEMORY, "out of memory for the exchange");
    }
    status = tw_comm_agree(comm, status);
    for (size_t r = 0; status == TW_OK && r < ranks; r++) b.node[r] = tw_comm_node_of(comm, (int)r);
    if (status == TW_OK) {
        tw_account_start();
        status = measure_memory(comm, memory);
    }
    if (status == TW_OK) {
        b.deadline = tw_seconds() + m->seconds;
        status = measure_all(&b, n_points, points);
    }
    free(b.out);
    free(b.sent);
    free(b.node);
    tw_partition_release(&b.partition);
    return status;
}
