/* The shard as its owner sees it: features (shard_read.c), labels and weights, and the fingerprint of all. */
#include "thalweg/shard.h"

#include "data/hdf5_file.h"
#include "data/hdf5_strings.h"
#include "data/label_set.h"
#include "data/shard_read.h"
#include "thalweg/hash.h"
#include "thalweg/phase.h"
#include "thalweg/threads.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS = 256 };

typedef struct {
    const tw_shard *shard;
    const int64_t *start;
    const double *word;        /* [words] bits that stand for a word */
    _Atomic uint64_t print[2]; /* whole numbers: exact in any order */
} columns;

static tw_status print_run(int thread, void *context)
{
    columns *const c = context;
    const tw_shard *s = c->shard;
    const size_t end = (size_t)(c->start[thread + 1] - s->first);
    double pair[PAIRS][2];
    uint64_t print[2] = {0};
    for (size_t i = (size_t)(c->start[thread] - s->first); i < end; i += PAIRS) {
        const size_t n = end - i < PAIRS ? end - i : PAIRS;
        for (size_t j = 0; j < n; j++) {
            pair[j][0] = !s->y ? -0.0 : c->word ? c->word[(size_t)s->y[i + j]] : s->y[i + j];
            pair[j][1] = s->weight ? s->weight[i + j] : -0.0;
        }
        const uint64_t seed[2] = {(uint64_t)s->first + i, TW_SHARD_PRINT_COLUMNS};
        tw_hash128_sum(pair, sizeof *pair, n, seed, print);
    }
    for (int h = 0; h < 2; h++) atomic_fetch_add(&c->print[h], print[h]);
    return TW_OK;
}

static tw_status print_columns(tw_shard *s, int threads, const int64_t *start)
{
    const size_t words = s->words ? s->words->count : 0;
    double *word = words ? malloc(words * sizeof *word) : NULL;
    if (words && !word) return tw_fail(TW_MEMORY, "out of memory for %zu classes", words);
    for (size_t k = 0; k < words; k++) {
        const uint64_t bits = tw_hash64(s->words->word[k], strlen(s->words->word[k]));
        memcpy(&word[k], &bits, sizeof bits);
    }
    columns c = {.shard = s, .start = start, .word = word};
    const tw_status status = tw_threads_run(threads, print_run, &c);
    free(word);
    TW_TRY(status);
    for (int h = 0; h < 2; h++) s->print[h] += c.print[h];
    return TW_OK;
}

/* In pieces, so that a slow file moves; whole chunks where there are any. */
static herr_t read_column_rows(hid_t dataset, hid_t memory, const tw_shard_part *p, char *out)
{
    hsize_t chunk[8] = {0};
    const hid_t creation = H5Dget_create_plist(dataset);
    if (H5Pget_layout(creation) == H5D_CHUNKED) H5Pget_chunk(creation, 8, chunk);
    H5Pclose(creation);
    const size_t one = H5Tget_size(memory);
    for (size_t row = 0; row < (size_t)p->rows;) {
        const int64_t at = p->first + (int64_t)row;
        size_t rows = tw_shard_piece((int64_t)chunk[0], sizeof(double), at);
        if (rows > (size_t)p->rows - row) rows = (size_t)p->rows - row;
        if (tw_shard_read_rows(dataset, memory, (hsize_t)at, rows, out + row * one) < 0) return -1;
        row += rows;
        tw_phase_tick();
    }
    return 0;
}

static tw_status read_column(hid_t dataset, const tw_shard_part *p, double *out)
{
    const tw_dataset *d = p->dataset;
    hsize_t shape[8];
    const hid_t type = H5Dget_type(dataset);
    const bool is_bool = H5Tget_class(type) == H5T_ENUM;
    const hid_t memory = is_bool ? H5Tcopy(type) : H5Tcopy(H5T_NATIVE_DOUBLE);
    const int rank = tw_hdf5_shape(dataset, shape);
    tw_status status = TW_OK;
    if (rank < 1 || (int64_t)shape[0] != d->rows)
        status = tw_fail(TW_DATA, "%s here is not the file that rank 0 sees", d->path);
    else if (read_column_rows(dataset, memory, p, (char *)out) < 0)
        status = tw_fail(TW_DATA, "cannot read rows %lld to %lld of %s: the file is damaged or cut short",
                         (long long)p->first, (long long)(p->first + p->rows - 1), d->path);
    else if (is_bool)
        for (size_t i = (size_t)p->rows; i-- > 0;)
            out[i] = ((const signed char *)out)[i]; /* widen in place, from the end */
    H5Tclose(memory);
    H5Tclose(type);
    return status;
}

static tw_status load_column(hid_t file, const tw_shard_part *p, const char *name, double *out)
{
    hid_t dataset;
    TW_TRY(tw_hdf5_dataset(file, p->dataset->path, name, &dataset));
    const tw_status status = read_column(dataset, p, out);
    H5Dclose(dataset);
    TW_TRY(status);
    for (int64_t i = 0; i < p->rows; i++)
        if (!isfinite(out[i]))
            return tw_fail(TW_DATA, "%s: '%s' is NaN or infinite in row %lld (counted from 0)",
                           p->dataset->path, name, (long long)(p->first + i));
    return TW_OK;
}

static tw_status load_words(hid_t file, const tw_shard_part *p, tw_shard *s, double *out)
{
    hid_t dataset;
    hsize_t shape[8];
    const tw_dataset *d = p->dataset;
    TW_TRY(tw_hdf5_dataset(file, d->path, d->labels, &dataset));
    const int rank = tw_hdf5_shape(dataset, shape);
    const bool same = rank >= 1 && (int64_t)shape[0] == d->rows && tw_hdf5_holds_strings(dataset);
    const tw_status status = same ? tw_shard_read_words(s, p, dataset, out)
                                  : tw_fail(TW_DATA, "%s here is not the file that rank 0 sees", d->path);
    H5Dclose(dataset);
    return status;
}

static tw_status check_weights(const tw_shard_part *p, const double *weight)
{
    for (int64_t i = 0; i < p->rows; i++)
        if (weight[i] < 0)
            return tw_fail(TW_DATA, "%s: '%s' is negative in row %lld (counted from 0); weights must be >= 0",
                           p->dataset->path, p->dataset->weights, (long long)(p->first + i));
    return TW_OK;
}

static tw_status load(hid_t file, const tw_shard_part *p, tw_shard *s, int threads, const int64_t *start)
{
    const tw_dataset *d = p->dataset;
    const int64_t at = p->base + p->first - s->first;
    TW_TRY(tw_shard_read_features(s, p, file, threads, start));
    if (d->labels[0])
        TW_TRY(d->words ? load_words(file, p, s, s->y + at) : load_column(file, p, d->labels, s->y + at));
    if (d->weights[0]) {
        TW_TRY(load_column(file, p, d->weights, s->weight + at));
        TW_TRY(check_weights(p, s->weight + at));
    }
    return TW_OK;
}

/* The rows of file f that fall to each thread. A shard without rows looks at the first file all the same: it
 * may not be there. */
static tw_status load_part(const tw_dataset *d, size_t f, tw_shard *s, int threads, const int64_t *start)
{
    hid_t file;
    tw_shard_part p = {0};
    int64_t own[TW_THREADS_MOST + 1];
    const tw_dataset one = tw_dataset_part(d, f, &p.base);
    for (int t = 0; t <= threads; t++) {
        const int64_t row = start[t] - p.base;
        own[t] = row < 0 ? 0 : row > one.rows ? one.rows : row;
    }
    p.dataset = &one;
    p.first = own[0];
    p.rows = own[threads] - own[0];
    if (p.rows == 0 && (f > 0 || s->rows > 0)) return TW_OK;
    TW_TRY(tw_hdf5_open(one.path, &file));
    const tw_status status = load(file, &p, s, threads, own);
    H5Fclose(file);
    return status;
}

static tw_status allocate(const tw_dataset *d, tw_shard *s)
{
    const size_t bytes = s->rows * s->cols * tw_dtype_size(s->type);
    s->x = tw_shard_allocate(bytes);
    if (!s->x)
        return tw_fail(TW_MEMORY, "out of memory for %zu rows of %zu features (%zu MiB); use more ranks",
                       s->rows, s->cols, bytes >> 20);
    if (d->labels[0]) s->y = tw_shard_allocate(s->rows * sizeof *s->y);
    if (d->weights[0]) s->weight = tw_shard_allocate(s->rows * sizeof *s->weight);
    if ((d->labels[0] && !s->y) || (d->weights[0] && !s->weight))
        return tw_fail(TW_MEMORY, "out of memory for %zu labels", s->rows);
    return TW_OK;
}

tw_status tw_shard_read(tw_shard *s, const tw_dataset *d, int64_t first, int64_t rows)
{
    return tw_shard_read_threads(s, d, 1, (const int64_t[]){first, first + rows});
}

tw_status tw_shard_read_threads(tw_shard *s, const tw_dataset *d, int threads, const int64_t *start)
{
    const size_t rows = (size_t)(start[threads] - start[0]);
    *s = (tw_shard){.type = d->type, .rows = rows, .cols = (size_t)d->cols, .first = start[0]};
    tw_status status = allocate(d, s);
    for (size_t f = 0; status == TW_OK && f < d->files; f++) status = load_part(d, f, s, threads, start);
    if (status == TW_OK) status = print_columns(s, threads, start);
    if (status) tw_shard_release(s);
    return status;
}

tw_status tw_shard_read_groups(tw_shard *s, const tw_dataset *d, const tw_partition *p, int rank, int threads)
{
    int64_t start[TW_THREADS_MOST + 1];
    const int64_t first = p->start[rank], groups = p->start[rank + 1] - first;
    for (int t = 0; t <= threads; t++)
        start[t] = tw_partition_row(p, first + tw_threads_first(groups, t, threads));
    return tw_shard_read_threads(s, d, threads, start);
}

int tw_shard_threads(const tw_dataset *d, const tw_partition *p, int rank, int64_t wanted)
{
    const int64_t rows = tw_partition_shard(p, rank + 1) - tw_partition_shard(p, rank);
    const double bytes = (double)rows * (double)d->cols * (double)tw_dtype_size(d->type);
    const double worth = 1 + bytes / (64 << 10);
    const int threads = tw_threads_choose(wanted);
    return wanted > 0 || threads < worth ? threads : (int)worth;
}

void tw_shard_release(tw_shard *s)
{
    free(s->dropped);
    free(s->part);
    free(s->weight);
    tw_shard_forget_words(s);
    free(s->y);
    free(s->x);
    *s = (tw_shard){0};
}

/* Sums modulo 2^64: whole numbers, exact in any order. */
static tw_status sum_prints(const tw_shard *s, tw_comm *comm, uint64_t sum[2])
{
    const size_t ranks = (size_t)tw_comm_size(comm);
    uint64_t *all = malloc(ranks * sizeof s->print);
    size_t *sizes = malloc(ranks * sizeof *sizes);
    tw_status status = tw_comm_agree(
        comm, all && sizes ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the fingerprint of the data"));
    if (status == TW_OK) {
        for (size_t r = 0; r < ranks; r++) sizes[r] = sizeof s->print;
        status = tw_comm_allgather(comm, s->print, sizes, all);
    }
    sum[0] = sum[1] = 0;
    for (size_t r = 0; r < 2 * ranks && status == TW_OK; r++) sum[r % 2] += all[r];
    free(sizes);
    free(all);
    return status;
}

tw_status tw_shard_fingerprint(const tw_shard *s, const tw_dataset *d, tw_comm *comm,
                               unsigned char digest[16])
{
    uint64_t words[7] = {
        [2] = (uint64_t)d->rows, (uint64_t)d->cols, (uint64_t)d->type, d->labels[0] != 0, d->weights[0] != 0};
    TW_TRY(sum_prints(s, comm, words));
    tw_hash128(words, sizeof words, digest);
    return TW_OK;
}

tw_block tw_shard_block(const tw_shard *s, size_t begin, size_t rows)
{
    return (tw_block){
        .type = s->type,
        .x = (const char *)s->x + begin * s->cols * tw_dtype_size(s->type),
        .y = s->y ? s->y + begin : NULL,
        .weight = s->weight ? s->weight + begin : NULL,
        .rows = rows,
        .cols = s->cols,
    };
}
