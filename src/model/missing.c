/* Missing features. The means come from the tree of the gradient; the rest is each rank's own. */
#include "thalweg/missing.h"

#include "data/narrow.h"
#include "thalweg/interrupt.h"
#include "thalweg/kernels.h"
#include "thalweg/reduction.h"
#include "thalweg/threads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STRIPE = 512 };

static const char *const names[] = {"error", "mean", "zero", "drop"};

const char *tw_missing_name(tw_missing policy)
{
    return names[policy];
}

bool tw_missing_find(const char *name, tw_missing *policy)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(name, names[i]) != 0) continue;
        *policy = (tw_missing)i;
        return true;
    }
    return false;
}

static char *at(const tw_shard *s, size_t row, size_t column)
{
    return (char *)s->x + (row * s->cols + column) * tw_dtype_size(s->type);
}

/* ---------------------------------------------------------------- means */

typedef struct {
    const tw_shard *shard;
    const tw_partition *partition;
    size_t first, columns; /* the stripe */
} measuring;

/* Node: [sum c | count c]. */
static void add_row(const measuring *m, size_t i, double *node)
{
    double row[STRIPE];
    tw_kernels_get()->widen(m->shard->type, m->columns, at(m->shard, i, m->first), row);
    for (size_t j = 0; j < m->columns; j++) {
        const bool there = !isnan(row[j]);
        node[j] = there ? node[j] + row[j] : node[j];
        node[m->columns + j] += there ? 1 : 0;
    }
}

static tw_status group_sums(void *context, int thread, int64_t k, tw_branch *branch)
{
    const measuring *m = context;
    const int64_t end = tw_partition_row(m->partition, k + 1);
    for (int64_t row = tw_partition_row(m->partition, k), stop; row < end; row = stop) {
        stop = row + TW_BLOCK_ROWS < end ? row + TW_BLOCK_ROWS : end;
        if (thread == 0) TW_TRY(tw_interrupt_check("filling in missing features"));
        double *node = tw_branch_block(branch);
        for (int64_t r = row; r < stop; r++) {
            const size_t i = (size_t)(r - m->shard->first);
            if (tw_shard_trains(m->shard, i)) add_row(m, i, node);
        }
        tw_branch_push(branch);
    }
    return TW_OK;
}

static tw_status stripe_sums(measuring *m, tw_comm *comm, int threads, double *node)
{
    const tw_reduction_plan plan = {
        .mode = TW_REPRODUCIBLE, .merge = &tw_merge_sum, .n = 2 * m->columns, .threads = threads};
    return tw_reduction_once(comm, m->partition, &plan, group_sums, m, node);
}

tw_status tw_missing_means(tw_comm *comm, const tw_partition *p, const tw_shard *s, int threads, double *mean)
{
    double node[2 * STRIPE];
    for (size_t first = 0; first < s->cols; first += STRIPE) {
        const size_t c = s->cols - first < STRIPE ? s->cols - first : STRIPE;
        measuring m = {.shard = s, .partition = p, .first = first, .columns = c};
        TW_TRY(stripe_sums(&m, comm, threads, node));
        for (size_t j = 0; j < c; j++) {
            if (!(node[c + j] > 0))
                return tw_fail(TW_DATA,
                               "feature %zu (counted from 0) is missing in every row to train on: it has no "
                               "mean; leave it out, or set data.missing: zero",
                               first + j);
            mean[first + j] = node[j] / node[c + j];
        }
    }
    return TW_OK;
}

/* ---------------------------------------------------------------- what becomes of them */

typedef struct {
    tw_shard *shard;
    int threads;
    const double *fill;
} filling;

static bool fill_row(tw_shard *s, size_t i, const double *fill)
{
    double row[STRIPE];
    bool any = false;
    for (size_t first = 0; first < s->cols; first += STRIPE) {
        const size_t c = s->cols - first < STRIPE ? s->cols - first : STRIPE;
        tw_kernels_get()->widen(s->type, c, at(s, i, first), row);
        for (size_t j = 0; j < c; j++) {
            if (!isnan(row[j])) continue;
            const double value = fill ? fill[first + j] : 0;
            any = true;
            tw_narrow(s->type, 1, &value, at(s, i, first + j)); /* a mean of such numbers fits among them */
        }
    }
    return any;
}

static tw_status fill_share(int thread, void *context)
{
    const filling *f = context;
    const int64_t rows = (int64_t)f->shard->rows, end = tw_threads_first(rows, thread + 1, f->threads);
    for (int64_t i = tw_threads_first(rows, thread, f->threads); i < end; i++)
        fill_row(f->shard, (size_t)i, f->fill);
    return TW_OK;
}

void tw_missing_fill(tw_shard *s, int threads, const double *fill)
{
    filling f = {.shard = s, .threads = threads, .fill = fill};
    if (s->missing == 0) return;
    const tw_status status = tw_threads_run(threads, fill_share, &f);
    (void)status; /* no share fails */
    s->missing = 0;
}

tw_status tw_missing_drop(tw_shard *s, int64_t *dropped)
{
    *dropped = 0;
    if (s->missing == 0) return TW_OK;
    const bool weighted = s->weight != NULL;
    if (!weighted) s->weight = malloc(s->rows * sizeof *s->weight);
    s->dropped = calloc(s->rows, 1);
    if (!s->weight || !s->dropped)
        return tw_fail(TW_MEMORY, "out of memory for the weights of %zu rows", s->rows);
    for (size_t i = 0; i < s->rows; i++) {
        if (!weighted) s->weight[i] = 1;
        if (!fill_row(s, i, NULL)) continue;
        s->dropped[i] = 1;
        s->weight[i] = 0;
        ++*dropped;
    }
    s->missing = 0;
    return TW_OK;
}
