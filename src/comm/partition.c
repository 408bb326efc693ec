#include "thalweg/partition.h"

#include "thalweg/rng.h"

#include <stdlib.h>

__extension__ typedef __int128 int128; /* products of two row counts */

static int64_t power_of_two_below(int64_t v)
{
    int64_t p = 1;
    if (v < 1) return 0;
    while (p <= v / 2) p *= 2;
    return p;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t group_rule(int64_t rows)
{
    const int64_t many = power_of_two_below(least(TW_MAX_GROUPS, rows / 128));
    const int64_t few = power_of_two_below(least(64, rows / 8));
    const int64_t groups = many > few ? many : few;
    return groups > 1 ? groups : 1;
}

/* Group boundary of rank r when boundaries are multiples of q: G r / P, rounded to the nearest multiple. */
static int64_t boundary(const tw_partition *p, int64_t q, int r)
{
    return (2 * p->groups * r + q * p->size) / (2 * q * p->size) * q;
}

/* No rank may own more than 6 % above its even share. */
static int balanced(const tw_partition *p, int64_t q)
{
    for (int r = 0; r < p->size; r++) {
        const int64_t owned = boundary(p, q, r + 1) - boundary(p, q, r);
        if (100 * owned * p->size > 106 * p->groups) return 0;
    }
    return 1;
}

tw_status tw_partition_init(tw_partition *p, int64_t rows, int64_t groups, int size)
{
    if (groups == 0) groups = group_rule(rows);
    if (groups < 1 || groups > TW_MAX_GROUPS || (groups & (groups - 1)))
        return tw_fail(TW_CONFIG, "reduction.groups must be a power of two from 1 to %d", TW_MAX_GROUPS);
    *p = (tw_partition){.rows = rows, .groups = groups, .size = size};
    p->start = malloc(((size_t)size + 1) * sizeof *p->start);
    if (!p->start) return tw_fail(TW_MEMORY, "out of memory for a partition over %d ranks", size);
    int64_t q = power_of_two_below(groups / size);
    while (q > 1 && !balanced(p, q)) q /= 2;
    for (int r = 0; r <= size; r++)
        p->start[r] = q >= 1 ? boundary(p, q, r) : least(r, groups); /* more ranks than groups: one each */
    return TW_OK;
}

void tw_partition_align(tw_partition *p, int64_t parts)
{
    const int64_t q = p->groups > parts ? p->groups / parts : 1;
    for (int r = 1; r < p->size; r++) p->start[r] = least((p->start[r] + q / 2) / q * q, p->groups);
}

void tw_partition_release(tw_partition *p)
{
    free(p->start);
    *p = (tw_partition){0};
}

int64_t tw_partition_row(const tw_partition *p, int64_t k)
{
    return (int64_t)((int128)p->rows * k / p->groups);
}

int64_t tw_partition_shard(const tw_partition *p, int r)
{
    return tw_partition_row(p, p->start[r]);
}

static int64_t slice_begin(const tw_partition *p, int64_t rows, int64_t k, int64_t t, int64_t steps)
{
    const int128 numerator = (int128)rows * t * p->groups + (int128)k * steps;
    return (int64_t)(numerator / ((int128)steps * p->groups));
}

void tw_partition_slice(const tw_partition *p, int64_t k, int64_t rows, int64_t t, int64_t steps,
                        int64_t *begin, int64_t *end)
{
    *begin = slice_begin(p, rows, k, t, steps);
    *end = slice_begin(p, rows, k, t + 1, steps);
}

void tw_partition_order(const tw_partition *p, int64_t k, uint64_t seed, uint64_t epoch, int64_t *order)
{
    const int64_t rows = tw_partition_row(p, k + 1) - tw_partition_row(p, k);
    for (int64_t i = 0; i < rows; i++) order[i] = i;
    for (int64_t i = rows - 1; i > 0; i--) {
        const uint64_t stream = TW_STREAM(TW_STREAM_ORDER) + (epoch << 16) + (uint64_t)k;
        const uint64_t j = tw_rng_below(seed, stream, (uint64_t)i, (uint64_t)i + 1);
        const int64_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}
