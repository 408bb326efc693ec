/* Features into memory, checked and hashed on the way while each piece is still in cache. Bytes that lie in
 * the file as they do in memory are fetched by every thread for itself; the others come from HDF5, which
 * knows one thread only. */
#include "data/shard_read.h"

#include "data/hdf5_file.h"
#include "data/hdf5_storage.h"
#include "data/narrow.h"
#include "thalweg/hash.h"
#include "thalweg/interrupt.h"
#include "thalweg/kernels.h"
#include "thalweg/phase.h"
#include "thalweg/threads.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t)1 << 20) /* what the second cache of a core holds */
#define HUGE_PAGE   ((size_t)2 << 20)

void *tw_shard_allocate(size_t bytes)
{
    if (bytes < 4 * HUGE_PAGE) return malloc(bytes ? bytes : 1);
    const size_t rounded = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *p = aligned_alloc(HUGE_PAGE, rounded);
    if (p) madvise(p, rounded, MADV_HUGEPAGE);
    return p;
}

/* ---- what every piece goes through ---- */

/* Exponent all ones: NaN or infinity. Written so that it vectorises. */
#define ANY_SPECIAL(name, word, mask)                                                           \
    static bool name(size_t n, const void *x)                                                   \
    {                                                                                           \
        const word *bits = x;                                                                   \
        word any = 0;                                                                           \
        for (size_t i = 0; i < n; i++) any |= (word)((bits[i] & (word)(mask)) == (word)(mask)); \
        return any != 0;                                                                        \
    }
ANY_SPECIAL(special_f16, uint16_t, 0x7c00)
ANY_SPECIAL(special_bf16, uint16_t, 0x7f80)
ANY_SPECIAL(special_f32, uint32_t, 0x7f800000)
ANY_SPECIAL(special_f64, uint64_t, 0x7ff0000000000000)

static bool any_special(tw_dtype type, size_t n, const void *x)
{
    switch (type) {
    case TW_f16: return special_f16(n, x);
    case TW_bf16: return special_bf16(n, x);
    case TW_f32: return special_f32(n, x);
    case TW_f64: return special_f64(n, x);
    default: return false;
    }
}

typedef struct {
    tw_shard *shard;
    const tw_dataset *dataset;
    int64_t base;         /* row of the data set where this file begins; all other rows here are the file's */
    const int64_t *start; /* [threads + 1] */
    size_t width;         /* bytes of a row in the file */
    bool converts;        /* it is another one in memory */
    int fd;
    pthread_t caller;          /* it alone is watched, and looks for requests */
    atomic_int failed;         /* lowest thread that has failed so far */
    _Atomic uint64_t print[2]; /* whole numbers: exact in any order */
    _Atomic int64_t missing;
} reading;

/* What a thread adds up. */
typedef struct {
    uint64_t print[2];
    int64_t missing;
} tally;

static size_t row_bytes(const reading *r)
{
    return r->shard->cols * tw_dtype_size(r->shard->type);
}

static char *row_of(const reading *r, int64_t at)
{
    return (char *)r->shard->x + (size_t)(r->base + at - r->shard->first) * row_bytes(r);
}

static void add_tally(reading *r, const tally *t)
{
    for (int i = 0; i < 2; i++) atomic_fetch_add(&r->print[i], t->print[i]);
    atomic_fetch_add(&r->missing, t->missing);
}

static double element(tw_dtype type, const char *at)
{
    double value;
    tw_kernels_get()->widen(type, 1, at, &value);
    return value;
}

static tw_status name_special(const reading *r, int64_t at, size_t element_index, double value)
{
    static const char retrain[] =
        "the model was trained on rows that miss nothing and has no answer for this "
        "one: remove such rows, or train a model with data.missing: mean or zero";
    const tw_dataset *d = r->dataset;
    const long long row = (long long)at + (long long)(element_index / r->shard->cols);
    const size_t column = element_index % r->shard->cols;
    if (isnan(value) && d->marked)
        return tw_fail(TW_DATA,
                       "%s: '%s' is missing (NaN or %g) in row %lld, column %zu (both counted from 0); %s",
                       d->path, d->features, d->marker, row, column,
                       d->fitted ? retrain : "set data.missing to mean, zero or drop");
    if (d->missing == TW_MISSING_ERROR)
        return tw_fail(TW_DATA,
                       "%s: '%s' is NaN or infinite in row %lld, column %zu (both counted from 0); %s",
                       d->path, d->features, row, column,
                       d->fitted ? retrain : "remove or replace such values, or set data.missing for NaN");
    return tw_fail(TW_DATA,
                   "%s: '%s' is infinite in row %lld, column %zu (both counted from 0); only NaN is missing",
                   d->path, d->features, row, column);
}

/* There is a NaN or an infinity among the elements. */
static tw_status take_special(const reading *r, int64_t at, size_t count, int64_t *missing)
{
    const tw_dtype type = r->shard->type;
    const size_t one = tw_dtype_size(type);
    const char *x = row_of(r, at);
    for (size_t i = 0; i < count; i++, x += one) {
        if (!any_special(type, 1, x)) continue;
        const double value = element(type, x);
        if (r->dataset->missing == TW_MISSING_ERROR || !isnan(value)) return name_special(r, at, i, value);
        ++*missing;
    }
    return TW_OK;
}

enum { CONVERTED = 512 };

/* Once rounded; the marker becomes NaN. */
static tw_status convert(const reading *r, int64_t at, size_t count, const char *raw)
{
    const tw_dataset *d = r->dataset;
    const size_t from = tw_dtype_size(d->stored), to = tw_dtype_size(d->type);
    double values[CONVERTED];
    char *out = row_of(r, at);
    for (size_t i = 0; i < count; i += CONVERTED) {
        const size_t n = count - i < CONVERTED ? count - i : CONVERTED;
        tw_kernels_get()->widen(d->stored, n, raw + i * from, values);
        for (size_t j = 0; d->marked && j < n; j++)
            if (values[j] == d->marker) values[j] = NAN;
        const size_t fit = tw_narrow(d->type, n, values, out + i * to);
        if (fit == n) continue;
        return tw_fail(TW_DATA,
                       "%s: '%s' is %g in row %lld, column %zu (both counted from 0), which data.storage: %s "
                       "cannot hold: %s",
                       d->path, d->features, values[fit],
                       (long long)at + (long long)((i + fit) / r->shard->cols), (i + fit) % r->shard->cols,
                       tw_dtype_name(d->type), tw_narrow_range(d->type));
    }
    return TW_OK;
}

/* raw: as it was read, when that is not yet in memory as it has to be. */
static tw_status take_piece(const reading *r, int64_t at, size_t rows, const char *raw, tally *t)
{
    const size_t count = rows * r->shard->cols;
    if (r->converts) TW_TRY(convert(r, at, count, raw));
    const char *piece = row_of(r, at);
    if (any_special(r->shard->type, count, piece)) TW_TRY(take_special(r, at, count, &t->missing));
    tw_hash128_sum(piece, row_bytes(r), rows, (const uint64_t[]){(uint64_t)(r->base + at), 0}, t->print);
    if (!pthread_equal(pthread_self(), r->caller)) return TW_OK;
    tw_phase_tick();
    return tw_interrupt_check("reading the data");
}

static tw_status cut_short(const tw_dataset *d, int64_t at, size_t rows)
{
    return tw_fail(TW_DATA, "cannot read rows %lld to %lld of '%s' in %s: the file is damaged or cut short",
                   (long long)at, (long long)at + (long long)rows - 1, d->features, d->path);
}

static size_t least(size_t a, int64_t b)
{
    return (int64_t)a < b ? a : (size_t)b;
}

/* ---- as it lies in the file ---- */

static tw_status fetch(const reading *r, int64_t at, size_t rows, char *to)
{
    const tw_dataset *d = r->dataset;
    const size_t size = rows * r->width;
    const off_t from = (off_t)d->offset + (off_t)at * (off_t)r->width;
    for (size_t done = 0; done < size;) {
        const ssize_t got = pread(r->fd, to + done, size - done, from + (off_t)done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0)
            return tw_fail(TW_IO,
                           "cannot read rows %lld to %lld of '%s' in %s: %s; when the disk or file system is "
                           "well again, run the same command",
                           (long long)at, (long long)at + (long long)rows - 1, d->features, d->path,
                           strerror(errno));
        if (got == 0) return cut_short(d, at, rows);
        done += (size_t)got;
    }
    return TW_OK;
}

static void note_failure(reading *r, int thread)
{
    int lowest = atomic_load(&r->failed);
    while (thread < lowest && !atomic_compare_exchange_weak(&r->failed, &lowest, thread)) {
    }
}

/* Room for a piece that is read in another type than it is kept in; NULL where that is not so, or on failure.
 */
static char *piece_room(const reading *r, size_t rows, tw_status *status)
{
    char *raw = r->converts && rows ? malloc(rows * r->width) : NULL;
    if (r->converts && rows && !raw)
        *status = tw_fail(TW_MEMORY, "out of memory for %zu rows as they are read", rows);
    return raw;
}

/* A thread whose rows come first goes on: it may find what has to be named. */
static tw_status fetch_run(int thread, void *context)
{
    reading *const r = context;
    const int64_t end = r->start[thread + 1];
    tally sums = {0};
    tw_status status = TW_OK;
    char *raw = piece_room(r, least(tw_shard_piece(0, r->width, 0), end - r->start[thread]), &status);
    if (status) note_failure(r, thread);
    for (int64_t at = r->start[thread]; at < end && thread < atomic_load(&r->failed);) {
        const size_t rows = least(tw_shard_piece(0, r->width, at), end - at);
        status = fetch(r, at, rows, raw ? raw : row_of(r, at));
        if (status == TW_OK) status = take_piece(r, at, rows, raw, &sums);
        if (status) note_failure(r, thread);
        at += (int64_t)rows;
    }
    add_tally(r, &sums);
    free(raw);
    return status;
}

static tw_status fetch_all(reading *r, hid_t file, int threads)
{
    void *handle;
    if (H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) < 0)
        return tw_fail(TW_INTERNAL, "HDF5 does not say how it has opened %s", r->dataset->path);
    r->fd = *(const int *)handle; /* what HDF5 has checked, whatever the name leads to by now */
    return tw_threads_run(threads, fetch_run, r);
}

/* ---- through HDF5 ---- */

size_t tw_shard_piece(int64_t chunk_rows, size_t width, int64_t at)
{
    const size_t rows = PIECE_BYTES / width + 1, chunk = (size_t)chunk_rows;
    return chunk ? (rows + chunk - 1) / chunk * chunk - (size_t)at % chunk : rows;
}

herr_t tw_shard_read_rows(hid_t dataset, hid_t memory, hsize_t first, hsize_t rows, void *out)
{
    hsize_t start[8] = {first}, count[8];
    const int rank = tw_hdf5_shape(dataset, count);
    count[0] = rows;
    const hid_t file_space = H5Dget_space(dataset), memory_space = H5Screate_simple(rank, count, NULL);
    herr_t result = -1;
    if (H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, count, NULL) >= 0)
        result = H5Dread(dataset, memory, memory_space, file_space, H5P_DEFAULT, out);
    H5Sclose(memory_space);
    H5Sclose(file_space);
    return result;
}

/* A page lies near the thread that writes to it first. */
static tw_status touch_run(int thread, void *context)
{
    const reading *r = context;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), end = (uintptr_t)row_of(r, r->start[thread + 1]);
    uintptr_t at = (uintptr_t)row_of(r, r->start[thread]);
    for (at = (at + page - 1) / page * page; at < end; at += page) *(volatile char *)at = 0;
    return TW_OK;
}

static tw_status decode(reading *r, hid_t dataset, hid_t memory, int64_t end, char *raw)
{
    const tw_dataset *d = r->dataset;
    tally sums = {0};
    for (int64_t at = r->start[0]; at < end;) {
        const size_t rows = least(tw_shard_piece(d->chunk_rows, r->width, at), end - at);
        if (tw_shard_read_rows(dataset, memory, (hsize_t)at, rows, raw ? raw : row_of(r, at)) < 0)
            return cut_short(d, at, rows);
        TW_TRY(take_piece(r, at, rows, raw, &sums));
        at += (int64_t)rows;
    }
    add_tally(r, &sums);
    return TW_OK;
}

static tw_status decode_all(reading *r, hid_t dataset, hid_t memory, int threads)
{
    const int64_t end = r->start[threads], chunk = r->dataset->chunk_rows;
    tw_status status = TW_OK;
    if (threads > 1) TW_TRY(tw_threads_run(threads, touch_run, r));
    /* The largest piece begins where a chunk does. */
    char *raw = piece_room(r, least(tw_shard_piece(chunk, r->width, 0), end - r->start[0]), &status);
    if (status == TW_OK) status = decode(r, dataset, memory, end, raw);
    free(raw);
    return status;
}

/* ---- the data set ---- */

/* The file may be another one on this host, or may have changed since rank 0 looked. */
static tw_status open_features(hid_t file, const tw_dataset *d, hid_t *dataset, hid_t *memory)
{
    hsize_t shape[8];
    tw_dtype type = TW_f64;
    TW_TRY(tw_hdf5_dataset(file, d->path, d->features, dataset));
    const hid_t file_type = H5Dget_type(*dataset);
    const int rank = tw_hdf5_shape(*dataset, shape);
    const bool same = tw_hdf5_memory_type(file_type, &type, memory) && type == d->stored && rank == 2 &&
                      (int64_t)shape[0] == d->rows && (int64_t)shape[1] == d->cols;
    const bool there = same && tw_storage_offset(*dataset, *memory) == d->offset;
    H5Tclose(file_type);
    if (there) return TW_OK;
    if (*memory >= 0) H5Tclose(*memory);
    H5Dclose(*dataset);
    return tw_fail(TW_DATA, "%s here is not the file that rank 0 sees: '%s' %s", d->path, d->features,
                   same ? "lies elsewhere in it, or is cut short" : "has another shape or type");
}

static tw_status fill(reading *r, hid_t file, hid_t dataset, hid_t memory, int threads)
{
    tw_shard *s = r->shard;
    TW_TRY(r->dataset->offset ? fetch_all(r, file, threads) : decode_all(r, dataset, memory, threads));
    for (int i = 0; i < 2; i++) s->print[i] += r->print[i];
    s->missing += r->missing;
    return TW_OK;
}

tw_status tw_shard_read_features(tw_shard *s, const tw_shard_part *part, hid_t file, int threads,
                                 const int64_t *start)
{
    hid_t dataset, memory = -1;
    const tw_dataset *const d = part->dataset;
    reading r = {.shard = s,
                 .dataset = d,
                 .base = part->base,
                 .start = start,
                 .width = s->cols * tw_dtype_size(d->stored),
                 .converts = d->type != d->stored || d->marked,
                 .fd = -1,
                 .caller = pthread_self(),
                 .failed = threads};
    TW_TRY(open_features(file, d, &dataset, &memory));
    const tw_status status = fill(&r, file, dataset, memory, threads);
    H5Tclose(memory);
    H5Dclose(dataset);
    return status;
}
