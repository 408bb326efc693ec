/* The classes of a data set: the distinct labels of all ranks, and labels as indices into them. */
#include "thalweg/phase.h"
#include "thalweg/shard.h"

#include "thalweg/interrupt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CLASSES = 65536, ROWS_BETWEEN_LOOKS = 16384 };

/* Position of v in ascending values, or where it would be inserted. */
static size_t lower_bound(size_t n, const double *values, double v)
{
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (values[middle] < v)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static tw_status insert(double *values, size_t *n, double v, int64_t row)
{
    const size_t at = lower_bound(*n, values, v);
    if (at < *n && values[at] == v) return TW_OK;
    if (v != floor(v))
        return tw_fail(TW_DATA,
                       "label %g of row %lld is no whole number, so it names no class; "
                       "use model.type: linear for a numeric target",
                       v, (long long)row);
    if (*n == MOST_CLASSES)
        return tw_fail(TW_DATA, "more than %d different labels: use model.type: linear for a numeric target",
                       MOST_CLASSES);
    memmove(values + at + 1, values + at, (*n - at) * sizeof *values);
    values[at] = v;
    ++*n;
    return TW_OK;
}

static tw_status own_classes(const tw_shard *s, double *values, size_t *n)
{
    for (size_t i = 0; i < s->rows; i++) {
        if (i % ROWS_BETWEEN_LOOKS == 0) {
            tw_phase_tick();
            TW_TRY(tw_interrupt_check("counting the classes"));
        }
        if (s->dropped && s->dropped[i]) continue;
        TW_TRY(insert(values, n, s->y[i] + 0.0, s->first + (int64_t)i)); /* + 0.0: -0 is 0 */
    }
    return TW_OK;
}

static tw_status no_memory(void)
{
    return tw_fail(TW_MEMORY, "out of memory for the classes");
}

/* Collective. Every rank's list, one after the other. @param sizes [2 ranks] scratch */
static tw_status gather(tw_comm *comm, size_t n, const double *own, size_t *sizes, size_t *total,
                        double **all)
{
    const size_t size = (size_t)tw_comm_size(comm), mine = n * sizeof *own;
    size_t *ones = sizes + size;
    for (size_t r = 0; r < size; r++) ones[r] = sizeof mine;
    TW_TRY(tw_comm_allgather(comm, &mine, ones, sizes));
    *total = 0;
    for (size_t r = 0; r < size; r++) *total += sizes[r] / sizeof *own;
    *all = malloc((*total + 1) * sizeof **all);
    TW_TRY(tw_comm_agree(comm, *all ? TW_OK : no_memory()));
    return tw_comm_allgather(comm, own, sizes, *all);
}

tw_status tw_shard_classes(const tw_shard *s, tw_comm *comm, size_t *count, double **classes)
{
    size_t n = 0, total = 0;
    double *own = malloc((MOST_CLASSES + 1) * sizeof *own), *all = NULL;
    size_t *sizes = malloc(2 * (size_t)tw_comm_size(comm) * sizeof *sizes);
    tw_status status = tw_comm_agree(comm, own && sizes ? own_classes(s, own, &n) : no_memory());
    if (status == TW_OK) status = gather(comm, n, own, sizes, &total, &all);
    n = 0;
    for (size_t i = 0; status == TW_OK && i < total; i++) status = insert(own, &n, all[i], 0);
    free(all);
    free(sizes);
    *count = n;
    *classes = own;
    if (status == TW_OK) return TW_OK;
    free(own);
    *classes = NULL;
    return status;
}

tw_status tw_shard_rename(tw_shard *s, size_t count, const double *to, const char *path)
{
    for (size_t i = 0; i < s->rows; i++) {
        const double v = s->y[i];
        const bool known = v >= 0 && v < (double)count && v == (double)(size_t)v;
        const double k = known ? to[(size_t)v] : -1;
        if (k < 0 && !(s->dropped && s->dropped[i]))
            return tw_fail(TW_DATA,
                           "label %g of row %lld: its name in /classes of %s is none of those trained on", v,
                           (long long)(s->first + (int64_t)i), path);
        s->y[i] = k < 0 ? 0 : k;
    }
    return TW_OK;
}

tw_status tw_shard_encode(tw_shard *s, size_t count, const double *classes)
{
    for (size_t i = 0; i < s->rows; i++) {
        if (i % ROWS_BETWEEN_LOOKS == 0) {
            tw_phase_tick();
            TW_TRY(tw_interrupt_check("encoding the labels"));
        }
        if (s->dropped && s->dropped[i]) {
            s->y[i] = 0; /* whatever it was */
            continue;
        }
        const size_t k = lower_bound(count, classes, s->y[i]);
        if (k == count || classes[k] != s->y[i])
            return tw_fail(TW_DATA, "label %g of row %lld is none of the model's %zu classes", s->y[i],
                           (long long)(s->first + (int64_t)i), count);
        s->y[i] = (double)k;
    }
    return TW_OK;
}
