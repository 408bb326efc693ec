/* shard_read_support.h -- files in every layout, and a file system that is not always well: the program's own
 * pread goes through here (--wrap), is counted, cut in pieces, refused. That of HDF5 does not. */
#ifndef SHARD_READ_SUPPORT_H
#define SHARD_READ_SUPPORT_H

#include "support.h"
#include "thalweg/hash.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { M = 103, N = 7, ROWS = 5000, COLS = 251 /* of f64: 10 MB, ten pieces */ };

static const char *path;

/* ---- what the file system does ---- */

typedef enum { WELL, HALVES, INTERRUPTED, REFUSED, CUT } weather;
static struct {
    weather kind;
    off_t from; /* REFUSED, CUT: what lies from here on */
    atomic_long calls, bytes;
} system_calls;

ssize_t __real_pread(int fd, void *bytes, size_t size, off_t at);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t at);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t at)
{
    const long call = atomic_fetch_add(&system_calls.calls, 1);
    if (system_calls.kind == HALVES && size > 1) size = (size + 1) / 2;
    if (system_calls.kind == INTERRUPTED && call % 3 != 2) return errno = EINTR, -1;
    if (system_calls.kind == REFUSED && at + (off_t)size > system_calls.from) return errno = EIO, -1;
    if (system_calls.kind == CUT) ck_assert_int_eq(truncate(path, system_calls.from), 0);
    const ssize_t got = __real_pread(fd, bytes, size, at);
    if (got > 0) atomic_fetch_add(&system_calls.bytes, got);
    return got;
}

static void expect_weather(weather kind, off_t from)
{
    system_calls.kind = kind;
    system_calls.from = from;
    system_calls.calls = system_calls.bytes = 0;
}

/* ---- files ---- */

typedef enum {
    CONTIGUOUS,
    EARLY,
    USER_BLOCK,
    LARGE_USER_BLOCK,
    BYTES_TURNED,
    CHUNKED,
    GZIP,
    COMPACT,
    N_LAYOUTS
} layout;

static inline bool is_direct(layout l)
{
    return l <= LARGE_USER_BLOCK;
}

static hid_t create(layout l)
{
    const hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    if (l == USER_BLOCK || l == LARGE_USER_BLOCK) H5Pset_userblock(creation, l == USER_BLOCK ? 512 : 8192);
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, creation, H5P_DEFAULT);
    H5Pclose(creation);
    ck_assert(file >= 0);
    return file;
}

static hid_t storage(layout l, hsize_t cols)
{
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    if (l == EARLY) H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY);
    if (l == CHUNKED || l == GZIP) H5Pset_chunk(creation, 2, (const hsize_t[]){10, cols});
    if (l == GZIP) H5Pset_shuffle(creation), H5Pset_deflate(creation, 1);
    if (l == COMPACT) H5Pset_layout(creation, H5D_COMPACT);
    return creation;
}

/* bytes: [rows][cols] in memory */
static void write_rows(layout l, tw_dtype type, hsize_t rows, hsize_t cols, const void *bytes)
{
    double *column = malloc(rows * sizeof *column);
    const hid_t file = create(l), stored = test_file_type(type, l == BYTES_TURNED),
                creation = storage(l, cols), memory = test_file_type(type, false),
                space = H5Screate_simple(2, (const hsize_t[]){rows, cols}, NULL),
                set = H5Dcreate2(file, "X", stored, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    ck_assert(H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0);
    for (hsize_t i = 0; i < rows; i++) column[i] = (double)(i % 5);
    test_array y = {.file_type = H5T_STD_I16BE,
                    .memory_type = H5T_NATIVE_DOUBLE,
                    .rank = 1,
                    .shape = {rows},
                    .data = column};
    test_write(file, "y", &y);
    if (type % 2) test_write(file, "sample_weight", &y);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(creation);
    H5Tclose(memory);
    H5Tclose(stored);
    H5Fclose(file);
    free(column);
}

static void draw(tw_dtype type, size_t n, void *bytes)
{
    double v;
    test_seed(23 + type);
    for (size_t i = 0; i < n; i++) {
        v = type == TW_u8 ? (double)(test_bits() % 256) : floor(127 * test_uniform());
        if (type > TW_i16 && i % 3) v = ldexp(v, (int)(test_bits() % 9) - 7);
        test_store(type, 1, &v, (char *)bytes + i * tw_dtype_size(type));
    }
}

static double *write_large(void)
{
    double *x = malloc((size_t)ROWS * COLS * sizeof *x);
    draw(TW_f64, (size_t)ROWS * COLS, x);
    write_rows(CONTIGUOUS, TW_f64, ROWS, COLS, x);
    return x;
}

static tw_dataset look(void)
{
    tw_dataset d;
    const tw_dataset_names names = {.need_labels = false};
    ck_assert_msg(tw_dataset_open(&d, path, &names, NULL) == TW_OK, "%s", tw_status_message());
    return d;
}

static void divide(int64_t first, int64_t end, int threads, int64_t *start)
{
    for (int t = 0; t <= threads; t++) start[t] = first + (end - first) * t / threads;
}

static tw_status read_by(tw_shard *s, const tw_dataset *d, int threads)
{
    int64_t start[16];
    divide(0, d->rows, threads, start);
    return tw_shard_read_threads(s, d, threads, start);
}

/* The contract in the words of shard.h, a row at a time. */
static void expect_print(const tw_shard *s)
{
    const size_t width = s->cols * tw_dtype_size(s->type);
    uint64_t sum[2] = {0};
    for (size_t i = 0; i < s->rows; i++) {
        const double columns[2] = {s->y ? s->y[i] : -0.0, s->weight ? s->weight[i] : -0.0};
        const uint64_t row = (uint64_t)s->first + i;
        uint64_t a[2], b[2];
        tw_hash128_seed((const char *)s->x + i * width, width, row, a);
        tw_hash128_seed(columns, sizeof columns, row ^ TW_SHARD_PRINT_COLUMNS, b);
        for (int h = 0; h < 2; h++) sum[h] += a[h] + b[h];
    }
    ck_assert(s->print[0] == sum[0] && s->print[1] == sum[1]);
}

static void enter(void)
{
    test_folder_enter();
    path = test_path("d.h5");
    expect_weather(WELL, 0);
}

#endif
