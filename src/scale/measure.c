#include "scale/measure.h"

#include "thalweg/account.h"

#include <math.h>
#include <stdlib.h>

enum { FEWEST = 5, MOST = 200 };

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

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
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

/* How often, by the slowest rank's time of one exchange; the same on every rank. */
static tw_status repetitions(bench *b, double seconds, double budget, long *count)
{
    TW_TRY(tw_comm_allreduce(b->comm, TW_MAX, 1, &seconds));
    const double many = budget / fmax(seconds, 1e-7);
    *count = many < FEWEST ? FEWEST : many > MOST ? MOST : (long)many;
    return TW_OK;
}

static tw_status measure_length(bench *b, tw_reduction *r, double budget, tw_measured *at)
{
    double took[MOST], first;
    TW_TRY(once(b, r, &first));
    const uint64_t before = tw_comm_bytes_sent(b->comm);
    TW_TRY(once(b, r, &first));
    TW_TRY(compare_bytes(b, tw_comm_bytes_sent(b->comm) - before, at));
    TW_TRY(repetitions(b, first, budget, &at->count));
    for (long i = 0; i < at->count; i++) TW_TRY(once(b, r, &took[i]));
    TW_TRY(tw_comm_allreduce(b->comm, TW_MAX, (size_t)at->count, took));
    const size_t count = (size_t)at->count;
    qsort(took, count, sizeof *took, ascending);
    at->low = took[0];
    at->high = took[count - 1];
    at->seconds = (took[(count - 1) / 2] + took[count / 2]) / 2;
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
    double share = b->m->seconds / 21;
    bool over = false;
    for (size_t n = 1; n <= b->m->longest && *n_points < TW_MEASURE_MOST && !over; n *= 2) {
        const tw_reduction_plan plan = {
            .mode = b->m->mode, .merge = &tw_merge_sum, .n = n, .no_barriers = true};
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

tw_status tw_measure_exchange(tw_comm *comm, const tw_measure *m, size_t *n_points, tw_measured *points)
{
    const size_t ranks = (size_t)tw_comm_size(comm);
    bench b = {.comm = comm, .m = m, .deadline = tw_seconds() + m->seconds};
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
        status = measure_all(&b, n_points, points);
    }
    free(b.out);
    free(b.sent);
    free(b.node);
    tw_partition_release(&b.partition);
    return status;
}
