/* Rows of the file into memory, checked on the way while each piece is still in cache. */
#include "thalweg/shard.h"

#include "data/hdf5_file.h"
#include "thalweg/hash.h"
#include "thalweg/interrupt.h"
#include "thalweg/partition.h"
#include "thalweg/phase.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PIECE_BYTES ((size_t)4 << 20)
#define HUGE_PAGE   ((size_t)2 << 20)

static void *allocate(size_t bytes)
{
    if (bytes < 4 * HUGE_PAGE) return malloc(bytes ? bytes : 1);
    const size_t rounded = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *p = aligned_alloc(HUGE_PAGE, rounded);
    if (p) madvise(p, rounded, MADV_HUGEPAGE);
    return p;
}

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

static tw_status name_special(const tw_shard *s, const tw_dataset *d, size_t row, size_t rows)
{
    const size_t width = s->cols * tw_dtype_size(s->type), one = tw_dtype_size(s->type);
    for (size_t i = row; i < row + rows; i++)
        for (size_t j = 0; j < s->cols; j++) {
            const char *at = (const char *)s->x + i * width + j * one;
            if (any_special(s->type, 1, at))
                return tw_fail(TW_DATA,
                               "%s: '%s' is NaN or infinite in row %lld, column %zu (both counted from 0); "
                               "remove or replace such values",
                               d->path, d->features, (long long)(s->first + (int64_t)i), j);
        }
    return TW_OK;
}

/* Rows [first, first + rows) of a data set of 1 or 2 dimensions, read as `memory`. */
static herr_t read_rows(hid_t dataset, hid_t memory, hsize_t first, hsize_t rows, void *out)
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

/* Pieces end where chunks do, so that no chunk is decoded twice. */
static size_t piece_rows(const tw_dataset *d, size_t width, int64_t at)
{
    size_t rows = PIECE_BYTES / width + 1;
    if (d->chunk_rows == 0) return rows;
    const size_t chunk = (size_t)d->chunk_rows;
    return (rows + chunk - 1) / chunk * chunk - (size_t)at % chunk;
}

static void add_print(tw_shard *s, uint64_t seed, const void *bytes, size_t size)
{
    uint64_t halves[2];
    tw_hash128_seed(bytes, size, seed, halves);
    s->print[0] += halves[0];
    s->print[1] += halves[1];
}

static void print_features(tw_shard *s, int64_t at, size_t rows, const char *piece)
{
    const size_t width = s->cols * tw_dtype_size(s->type);
    for (size_t i = 0; i < rows; i++) add_print(s, (uint64_t)at + i, piece + i * width, width);
}

static void print_columns(tw_shard *s)
{
    for (size_t i = 0; i < s->rows; i++) {
        const double row[2] = {s->y ? s->y[i] : -0.0, s->weight ? s->weight[i] : -0.0};
        add_print(s, ((uint64_t)s->first + i) ^ TW_SHARD_PRINT_COLUMNS, row, sizeof row);
    }
}

static tw_status read_features(hid_t dataset, hid_t memory, const tw_dataset *d, tw_shard *s)
{
    const size_t width = s->cols * tw_dtype_size(s->type);
    for (size_t row = 0; row < s->rows;) {
        const int64_t at = s->first + (int64_t)row;
        size_t rows = piece_rows(d, width, at);
        if (rows > s->rows - row) rows = s->rows - row;
        char *piece = (char *)s->x + row * width;
        if (read_rows(dataset, memory, (hsize_t)at, rows, piece) < 0)
            return tw_fail(TW_DATA,
                           "cannot read rows %lld to %lld of '%s' in %s: the file is damaged or cut short",
                           (long long)at, (long long)at + (long long)rows - 1, d->features, d->path);
        if (any_special(s->type, rows * s->cols, piece)) return name_special(s, d, row, rows);
        print_features(s, at, rows, piece);
        row += rows;
        tw_phase_tick();
        TW_TRY(tw_interrupt_check("reading the data"));
    }
    return TW_OK;
}

/* The file may be another one on this host, or may have changed since rank 0 looked. */
static tw_status open_features(hid_t file, const tw_dataset *d, hid_t *dataset, hid_t *memory)
{
    hsize_t shape[8];
    tw_dtype type = TW_f64;
    TW_TRY(tw_hdf5_dataset(file, d->path, d->features, dataset));
    const hid_t file_type = H5Dget_type(*dataset);
    const int rank = tw_hdf5_shape(*dataset, shape);
    const bool same = tw_hdf5_memory_type(file_type, &type, memory) && type == d->type && rank == 2 &&
                      (int64_t)shape[0] == d->rows && (int64_t)shape[1] == d->cols;
    H5Tclose(file_type);
    if (same) return TW_OK;
    if (*memory >= 0) H5Tclose(*memory);
    H5Dclose(*dataset);
    return tw_fail(TW_DATA, "%s here is not the file that rank 0 sees: '%s' has another shape or type",
                   d->path, d->features);
}

static tw_status load_features(hid_t file, const tw_dataset *d, tw_shard *s)
{
    hid_t dataset, memory = -1;
    TW_TRY(open_features(file, d, &dataset, &memory));
    const size_t bytes = s->rows * s->cols * tw_dtype_size(s->type);
    s->x = allocate(bytes);
    tw_status status =
        s->x ? read_features(dataset, memory, d, s)
             : tw_fail(TW_MEMORY, "out of memory for %zu rows of %zu features (%zu MiB); use more ranks",
                       s->rows, s->cols, bytes >> 20);
    H5Tclose(memory);
    H5Dclose(dataset);
    return status;
}

/* In pieces, so that a slow file moves; whole chunks where there are any. */
static herr_t read_column_rows(hid_t dataset, hid_t memory, const tw_shard *s, char *out)
{
    hsize_t chunk[8] = {0};
    const hid_t creation = H5Dget_create_plist(dataset);
    if (H5Pget_layout(creation) == H5D_CHUNKED) H5Pget_chunk(creation, 8, chunk);
    H5Pclose(creation);
    const size_t one = H5Tget_size(memory);
    const tw_dataset column = {.chunk_rows = (int64_t)chunk[0]};
    for (size_t row = 0; row < s->rows;) {
        const int64_t at = s->first + (int64_t)row;
        size_t rows = piece_rows(&column, sizeof(double), at);
        if (rows > s->rows - row) rows = s->rows - row;
        if (read_rows(dataset, memory, (hsize_t)at, rows, out + row * one) < 0) return -1;
        row += rows;
        tw_phase_tick();
    }
    return 0;
}

static tw_status read_column(hid_t dataset, const tw_dataset *d, const tw_shard *s, double *out)
{
    hsize_t shape[8];
    const hid_t type = H5Dget_type(dataset);
    const bool is_bool = H5Tget_class(type) == H5T_ENUM;
    const hid_t memory = is_bool ? H5Tcopy(type) : H5Tcopy(H5T_NATIVE_DOUBLE);
    const int rank = tw_hdf5_shape(dataset, shape);
    tw_status status = TW_OK;
    if (rank < 1 || (int64_t)shape[0] != d->rows)
        status = tw_fail(TW_DATA, "%s here is not the file that rank 0 sees", d->path);
    else if (read_column_rows(dataset, memory, s, (char *)out) < 0)
        status = tw_fail(TW_DATA, "cannot read rows %lld to %lld of %s: the file is damaged or cut short",
                         (long long)s->first, (long long)s->first + (long long)s->rows - 1, d->path);
    else if (is_bool)
        for (size_t i = s->rows; i-- > 0;)
            out[i] = ((const signed char *)out)[i]; /* widen in place, from the end */
    H5Tclose(memory);
    H5Tclose(type);
    return status;
}

static tw_status load_column(hid_t file, const tw_dataset *d, const char *name, const tw_shard *s,
                             double **out)
{
    hid_t dataset;
    *out = malloc(s->rows * sizeof **out + 1);
    if (!*out) return tw_fail(TW_MEMORY, "out of memory for %zu labels", s->rows);
    TW_TRY(tw_hdf5_dataset(file, d->path, name, &dataset));
    const tw_status status = read_column(dataset, d, s, *out);
    H5Dclose(dataset);
    TW_TRY(status);
    for (size_t i = 0; i < s->rows; i++)
        if (!isfinite((*out)[i]))
            return tw_fail(TW_DATA, "%s: '%s' is NaN or infinite in row %lld (counted from 0)", d->path, name,
                           (long long)(s->first + (int64_t)i));
    return TW_OK;
}

static tw_status check_weights(const tw_shard *s, const tw_dataset *d)
{
    for (size_t i = 0; i < s->rows; i++)
        if (s->weight[i] < 0)
            return tw_fail(TW_DATA, "%s: '%s' is negative in row %lld (counted from 0); weights must be >= 0",
                           d->path, d->weights, (long long)(s->first + (int64_t)i));
    return TW_OK;
}

static tw_status load(hid_t file, const tw_dataset *d, tw_shard *s)
{
    TW_TRY(load_features(file, d, s));
    if (d->labels[0]) TW_TRY(load_column(file, d, d->labels, s, &s->y));
    if (d->weights[0]) {
        TW_TRY(load_column(file, d, d->weights, s, &s->weight));
        TW_TRY(check_weights(s, d));
    }
    print_columns(s);
    return TW_OK;
}

tw_status tw_shard_read(tw_shard *s, const tw_dataset *d, int64_t first, int64_t rows)
{
    hid_t file;
    *s = (tw_shard){.type = d->type, .rows = (size_t)rows, .cols = (size_t)d->cols, .first = first};
    TW_TRY(tw_hdf5_open(d->path, &file));
    const tw_status status = load(file, d, s);
    H5Fclose(file);
    if (status) tw_shard_release(s);
    return status;
}

void tw_shard_release(tw_shard *s)
{
    free(s->part);
    free(s->weight);
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
