/* Statistics of the features over all rows. Means and variances go through the tree of the gradient, so they
 * are the same bits for every number of ranks; minima and maxima are exact in any order. */
#include "thalweg/scaling.h"

#include "thalweg/interrupt.h"
#include "thalweg/kernels.h"
#include "thalweg/phase.h"
#include "thalweg/reduction.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DOING "measuring the features"

enum { STRIPE = 512 }; /* columns at a time: bounds the memory of the nodes */

/* Node: [count | mean c | M2 c]. Chan, Golub, LeVeque (1979), left operand first: not symmetric to the bit.
 */
static void merge_moments(size_t n, const double *b, double *a)
{
    const size_t c = (n - 1) / 2;
    if (b[0] == 0) return;
    if (a[0] == 0) {
        memcpy(a, b, n * sizeof *a);
        return;
    }
    const double all = a[0] + b[0], part = b[0] / all, both = a[0] * b[0] / all;
    for (size_t j = 1; j <= c; j++) {
        const double delta = b[j] - a[j];
        a[j] = fma(delta, part, a[j]);
        a[j + c] = fma(delta * delta, both, a[j + c] + b[j + c]);
    }
    a[0] = all;
}

static const tw_merge_ops moments = {
    .name = "moments", .merge = merge_moments, .identity = 0, .elementwise = false};

typedef struct {
    const tw_shard *shard;
    size_t first, columns; /* the stripe */
    double *row;           /* [STRIPE] a row of the stripe as doubles */
} stripe;

static void load_row(const stripe *s, size_t i)
{
    const size_t one = tw_dtype_size(s->shard->type);
    const char *at = (const char *)s->shard->x + (i * s->shard->cols + s->first) * one;
    tw_kernels_get()->widen(s->shard->type, s->columns, at, s->row);
}

/* The rows of a block that take part, as offsets into the shard. */
static size_t list_rows(const stripe *s, size_t begin, size_t rows, size_t *list)
{
    size_t count = 0;
    for (size_t i = begin; i < begin + rows; i++)
        if (tw_shard_trains(s->shard, i)) list[count++] = i;
    return count;
}

/* Two passes over the rows of a block, which are in cache; shifted by the first row, so that a constant is
 * exact. */
static void block_moments(const stripe *s, size_t begin, size_t block_rows, double *node)
{
    const size_t c = s->columns;
    size_t list[TW_BLOCK_ROWS];
    const size_t rows = list_rows(s, begin, block_rows, list);
    double base[STRIPE], *mean = node + 1, *m2 = node + 1 + c;
    node[0] = (double)rows;
    if (rows == 0) return;
    load_row(s, list[0]);
    memcpy(base, s->row, c * sizeof *base);
    for (size_t i = 0; i < rows; i++) {
        load_row(s, list[i]);
        for (size_t j = 0; j < c; j++) mean[j] = mean[j] + (s->row[j] - base[j]);
    }
    for (size_t j = 0; j < c; j++) mean[j] = base[j] + mean[j] / (double)rows;
    for (size_t i = 0; i < rows; i++) {
        load_row(s, list[i]);
        for (size_t j = 0; j < c; j++) {
            const double t = s->row[j] - mean[j];
            m2[j] = fma(t, t, m2[j]);
        }
    }
}

typedef struct {
    const tw_shard *shard;
    const tw_partition *partition;
    size_t first, columns;
} measuring;

static tw_status group_moments(void *context, int thread, int64_t k, tw_branch *branch)
{
    const measuring *m = context;
    double row[STRIPE];
    const stripe s = {.shard = m->shard, .first = m->first, .columns = m->columns, .row = row};
    const int64_t end = tw_partition_row(m->partition, k + 1);
    for (int64_t at = tw_partition_row(m->partition, k); at < end; at += TW_BLOCK_ROWS) {
        const int64_t rows = end - at < TW_BLOCK_ROWS ? end - at : TW_BLOCK_ROWS;
        if (thread == 0) TW_TRY(tw_interrupt_check(DOING));
        block_moments(&s, (size_t)(at - m->shard->first), (size_t)rows, tw_branch_block(branch));
        tw_branch_push(branch);
    }
    return TW_OK;
}

static tw_status stripe_moments(measuring *m, tw_comm *comm, int threads, double *node)
{
    const tw_reduction_plan plan = {
        .mode = TW_REPRODUCIBLE, .merge = &moments, .n = 1 + 2 * m->columns, .threads = threads};
    return tw_reduction_once(comm, m->partition, &plan, group_moments, m, node);
}

static tw_status fit_standardize(tw_scaling *out, tw_comm *comm, const tw_partition *p, const tw_shard *shard,
                                 int threads)
{
    double node[1 + 2 * STRIPE];
    for (size_t first = 0; first < out->n; first += STRIPE) {
        const size_t c = out->n - first < STRIPE ? out->n - first : STRIPE;
        measuring m = {.shard = shard, .partition = p, .first = first, .columns = c};
        TW_TRY(stripe_moments(&m, comm, threads, node));
        for (size_t j = 0; j < c; j++) {
            out->mean[first + j] = node[1 + j];
            out->scale[first + j] = sqrt(node[1 + c + j] / node[0]);
        }
    }
    return TW_OK;
}

static tw_status own_extremes(tw_scaling *out, const tw_shard *shard)
{
    double row[STRIPE];
    for (size_t i = 0; i < shard->rows; i++) {
        if (i % TW_BLOCK_ROWS == 0) {
            tw_phase_tick();
            TW_TRY(tw_interrupt_check(DOING));
        }
        for (size_t first = tw_shard_trains(shard, i) ? 0 : out->n; first < out->n; first += STRIPE) {
            const size_t c = out->n - first < STRIPE ? out->n - first : STRIPE;
            const stripe s = {.shard = shard, .first = first, .columns = c, .row = row};
            double *least = out->mean + first, *most = out->scale + first;
            load_row(&s, i);
            for (size_t j = 0; j < c; j++) {
                least[j] = row[j] < least[j] ? row[j] : least[j];
                most[j] = row[j] > most[j] ? row[j] : most[j];
            }
        }
    }
    return TW_OK;
}

/* Here scale holds the maximum until the end: one loop, one all-reduce of each. */
static tw_status fit_minmax(tw_scaling *out, tw_comm *comm, const tw_shard *shard)
{
    for (size_t j = 0; j < out->n; j++) {
        out->mean[j] = INFINITY;
        out->scale[j] = -INFINITY;
    }
    TW_TRY(tw_comm_agree(comm, own_extremes(out, shard)));
    TW_TRY(tw_comm_allreduce(comm, TW_MIN, out->n, out->mean));
    TW_TRY(tw_comm_allreduce(comm, TW_MAX, out->n, out->scale));
    for (size_t j = 0; j < out->n; j++) {
        out->mean[j] = out->mean[j] + 0.0; /* -0 or +0, whichever row had it: +0 */
        out->scale[j] = out->scale[j] - out->mean[j];
    }
    return TW_OK;
}

static tw_status allocate(tw_scaling *s, size_t n)
{
    s->n = n;
    s->mean = calloc(n, sizeof *s->mean);
    s->scale = calloc(n, sizeof *s->scale);
    s->column = calloc(n, sizeof *s->column);
    if (s->mean && s->scale && s->column) return TW_OK;
    return tw_fail(TW_MEMORY, "out of memory for the scaling of %zu features", n);
}

tw_status tw_scaling_fit(tw_scaling *s, tw_scaling_kind kind, tw_comm *comm, const tw_partition *p,
                         const tw_shard *shard, int threads)
{
    *s = (tw_scaling){.kind = kind, .n = shard->cols};
    if (kind == TW_SCALING_NONE) return TW_OK;
    TW_TRY(tw_comm_agree(comm, allocate(s, shard->cols)));
    if (kind == TW_SCALING_STANDARDIZE)
        TW_TRY(fit_standardize(s, comm, p, shard, threads));
    else
        TW_TRY(fit_minmax(s, comm, shard));
    for (size_t j = 0; j < s->n; j++) {
        if (!isfinite(s->mean[j]) || !isfinite(s->scale[j]))
            return tw_fail(TW_DATA, "column %zu spans more than doubles can hold: it cannot be scaled", j);
        if (s->scale[j] == 0)
            s->scale[j] = 1;
        else if (fabs(s->mean[j]) > 1e6 * s->scale[j])
            s->offset_heavy++;
    }
    return TW_OK;
}
