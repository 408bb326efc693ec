/* Mini-batches: which rows of a group a step takes, gathered into blocks. The order of a group's rows comes
 * from (seed, epoch, group), never from a rank; the slices of the groups are staggered so that every step has
 * its share. */
#include "objective/impl.h"

#include <stdlib.h>
#include <string.h>

static double row_weight(const tw_objective *F, size_t i)
{
    return F->parts.row_weight ? F->parts.row_weight[i] : F->shard->weight ? F->shard->weight[i] : 1;
}

static int64_t own_groups(const tw_objective *F, int64_t *first)
{
    const int rank = tw_comm_rank(F->comm);
    *first = F->partition->start[rank];
    return F->partition->start[rank + 1] - *first;
}

static tw_status allocate(tw_objective *F)
{
    tw_batches *b = &F->batches;
    const tw_shard *s = F->shard;
    int64_t first;
    b->order = calloc(s->rows + 1, sizeof *b->order);
    b->taking_part = calloc((size_t)own_groups(F, &first) + 1, sizeof *b->taking_part);
    bool good = b->order && b->taking_part;
    for (int t = 0; t < F->threads; t++) {
        tw_worker *w = &F->workers[t];
        w->x = calloc(TW_BLOCK_ROWS * s->cols + 1, tw_dtype_size(s->type));
        w->y = calloc(2 * TW_BLOCK_ROWS, sizeof *w->y);
        w->weight = w->y + TW_BLOCK_ROWS;
        good = good && w->x && w->y;
    }
    if (good) return TW_OK;
    return tw_fail(TW_MEMORY, "out of memory for mini-batches of %zu rows", s->rows);
}

void tw_batches_release(tw_batches *b)
{
    free(b->order);
    free(b->taking_part);
    *b = (tw_batches){.step = -1};
}

tw_status tw_objective_batches(tw_objective *F, int64_t batch, uint64_t seed)
{
    tw_batches *b = &F->batches;
    double rows = 0;
    TW_TRY(tw_comm_agree(F->comm, allocate(F)));
    for (size_t i = 0; i < F->shard->rows; i++) rows += row_weight(F, i) != 0;
    TW_TRY(tw_comm_allreduce(F->comm, TW_SUM, 1, &rows)); /* whole numbers: exact in any order */
    if ((double)batch > rows)
        return tw_fail(TW_CONFIG, "optimizer.batch is %lld, but only %.0f rows take part; use batch: full",
                       (long long)batch, rows);
    b->seed = seed;
    b->steps = (int64_t)(rows / (double)batch + 0.5);
    return TW_OK;
}

void tw_objective_epoch(tw_objective *F, uint64_t epoch)
{
    tw_batches *b = &F->batches;
    int64_t first, *order = b->order;
    const int64_t groups = own_groups(F, &first);
    b->epoch = epoch;
    for (int64_t g = 0; g < groups; g++) {
        const int64_t begin = tw_partition_row(F->partition, first + g) - F->shard->first;
        const int64_t rows = tw_partition_row(F->partition, first + g + 1) - F->shard->first - begin;
        int64_t kept = 0;
        tw_partition_order(F->partition, first + g, b->seed, epoch, order);
        for (int64_t i = 0; i < rows; i++)
            if (row_weight(F, (size_t)(begin + order[i])) != 0) order[kept++] = order[i];
        b->taking_part[g] = kept;
        order += rows;
    }
}

void tw_objective_batch(tw_objective *F, int64_t t)
{
    F->batches.step = t;
}

static void gather(const tw_objective *F, tw_worker *w, size_t at, size_t row)
{
    const tw_shard *s = F->shard;
    const size_t bytes = s->cols * tw_dtype_size(s->type);
    memcpy((char *)w->x + at * bytes, (const char *)s->x + row * bytes, bytes);
    w->y[at] = s->y[row];
    w->weight[at] = row_weight(F, row);
}

tw_batches_cursor tw_batches_first(const tw_objective *F, int64_t k)
{
    const tw_batches *b = &F->batches;
    int64_t first;
    own_groups(F, &first);
    tw_batches_cursor at = {.base = tw_partition_row(F->partition, k) - F->shard->first};
    tw_partition_slice(F->partition, k, b->taking_part[k - first], b->step, b->steps, &at.next, &at.end);
    return at;
}

bool tw_batches_next(const tw_objective *F, tw_worker *w, tw_batches_cursor *at, tw_block *block)
{
    const int64_t *order = F->batches.order + at->base;
    const bool weighted = F->parts.row_weight || F->shard->weight;
    *block = (tw_block){.type = F->shard->type, .x = w->x, .y = w->y, .cols = F->shard->cols};
    for (; block->rows < TW_BLOCK_ROWS && at->next < at->end; at->next++)
        gather(F, w, block->rows++, (size_t)(at->base + order[at->next]));
    block->weight = weighted ? w->weight : NULL;
    return block->rows > 0;
}
