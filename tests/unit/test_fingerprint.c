/* test_fingerprint.c -- the fingerprint of the data is the number of the header, computed here by a loop of
 * its own; it does not see how a file is laid out or cut, and sees every value, its place, type and shape. */
#include "support.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>
#include <string.h>

enum { MOST = 4096 };

static tw_comm *alone;
static const char *path;

typedef struct {
    tw_dtype type;
    size_t rows, cols;
    unsigned char x[MOST]; /* rows in memory */
    double y[64], weight[64];
    bool labelled, weighted;
} table;

typedef struct {
    hsize_t chunk;
    bool compressed, big_endian, labels_first, narrow; /* narrow: label and weight as 4-byte floats */
} layout;

typedef struct {
    unsigned char bytes[16];
} print;

static table draw(tw_dtype type, size_t rows, size_t cols)
{
    table t = {.type = type, .rows = rows, .cols = cols, .labelled = true, .weighted = true};
    double values[MOST / 8];
    test_seed(5);
    for (size_t i = 0; i < rows * cols; i++) values[i] = (double)(test_bits() % 100);
    test_store(type, rows * cols, values, t.x);
    for (size_t i = 0; i < rows; i++) t.y[i] = (double)(i * 3 % 7) + 0.5, t.weight[i] = (double)(i % 5) + 1;
    return t;
}

static void write_column(hid_t file, const char *name, const table *t, const double *values, const layout *l)
{
    const test_array a = {.file_type = l->narrow ? H5T_IEEE_F32BE : H5T_IEEE_F64LE,
                          .memory_type = H5T_NATIVE_DOUBLE,
                          .rank = 1,
                          .shape = {t->rows},
                          .chunk = {l->chunk},
                          .compressed = l->compressed,
                          .data = values};
    test_write(file, name, &a);
}

static void write_features(hid_t file, const table *t, const layout *l)
{
    const hid_t stored = test_file_type(t->type, l->big_endian), memory = test_file_type(t->type, false);
    const test_array a = {.file_type = stored,
                          .memory_type = memory,
                          .rank = 2,
                          .shape = {t->rows, t->cols},
                          .chunk = {l->chunk, t->cols},
                          .compressed = l->compressed,
                          .data = t->x};
    test_write(file, "X", &a);
    H5Tclose(memory);
    H5Tclose(stored);
}

static void write_table(const table *t, const layout *l)
{
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert(file >= 0);
    if (!l->labels_first) write_features(file, t, l);
    if (t->weighted) write_column(file, "sample_weight", t, t->weight, l);
    if (t->labelled) write_column(file, "y", t, t->y, l);
    if (l->labels_first) write_features(file, t, l);
    H5Fclose(file);
}

static tw_dataset describe(void)
{
    tw_dataset d;
    const tw_dataset_names names = {.need_labels = false};
    ck_assert_msg(tw_dataset_open(&d, path, &names, NULL) == TW_OK, "%s", tw_status_message());
    return d;
}

static print print_of(const table *t, const layout *l)
{
    tw_shard s;
    print p;
    write_table(t, l);
    const tw_dataset d = describe();
    ck_assert_msg(tw_shard_read(&s, &d, 0, d.rows) == TW_OK, "%s", tw_status_message());
    for (size_t i = 0; i < s.rows && s.y; i++) s.y[i] = 0; /* as encoding does: no longer asked */
    ck_assert_int_eq(tw_shard_fingerprint(&s, &d, alone, p.bytes), TW_OK);
    tw_shard_release(&s);
    return p;
}

static bool same(const print *a, const print *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* The words of the header, from the last row to the first. */
static print truth(const table *t)
{
    const size_t width = t->cols * tw_dtype_size(t->type);
    uint64_t words[7] = {0, 0, t->rows, t->cols, (uint64_t)t->type, t->labelled, t->weighted};
    for (size_t i = t->rows; i-- > 0;) {
        const double pair[2] = {t->labelled ? t->y[i] : -0.0, t->weighted ? t->weight[i] : -0.0};
        const XXH128_hash_t b = XXH3_128bits_withSeed(pair, 16, i ^ 0x9e3779b97f4a7c15u),
                            a = XXH3_128bits_withSeed(t->x + i * width, width, i);
        words[0] += b.low64 + a.low64;
        words[1] += b.high64 + a.high64;
    }
    const XXH128_hash_t h = XXH3_128bits(words, sizeof words);
    print p;
    for (int i = 0; i < 8; i++) {
        p.bytes[i] = (unsigned char)(h.high64 >> (56 - 8 * i));
        p.bytes[8 + i] = (unsigned char)(h.low64 >> (56 - 8 * i));
    }
    return p;
}

static const layout plain = {.chunk = 0};

static void enter(void)
{
    test_folder_enter();
    path = test_path("d.h5");
}

START_TEST(the_fingerprint_is_that_of_a_plain_loop_in_every_layout)
{
    static const layout layouts[] = {{.chunk = 0},
                                     {.labels_first = true},
                                     {.chunk = 1},
                                     {.chunk = 10, .narrow = true},
                                     {.chunk = 7, .compressed = true},
                                     {.chunk = 41, .compressed = true, .labels_first = true},
                                     {.big_endian = true, .narrow = true},
                                     {.chunk = 13, .compressed = true, .big_endian = true}};
    for (int columns = 0; columns < 4; columns++) {
        table t = draw((tw_dtype)_i, 41, 9);
        t.labelled = columns & 1;
        t.weighted = columns & 2;
        const print expected = truth(&t);
        for (size_t k = 0; k < sizeof layouts / sizeof *layouts; k++) {
            const print p = print_of(&t, &layouts[k]);
            ck_assert_msg(same(&p, &expected), "layout %zu, columns %d", k, columns);
        }
    }
}
END_TEST

START_TEST(the_sums_of_any_cut_are_those_of_the_whole_and_no_rows_add_nothing)
{
    const table t = draw(TW_f32, 41, 9);
    write_table(&t, &(layout){.chunk = 7});
    const tw_dataset d = describe();
    tw_shard whole, s;
    ck_assert_int_eq(tw_shard_read(&whole, &d, 0, 41), TW_OK);
    ck_assert(whole.print[0] != 0 && whole.print[1] != 0 && whole.print[0] != whole.print[1]);
    for (int64_t step = 1; step < 42; step += 8) {
        uint64_t low = 0, high = 0;
        for (int64_t first = 0; first < 41; first += step) {
            ck_assert_int_eq(tw_shard_read(&s, &d, first, first + step < 41 ? step : 41 - first), TW_OK);
            low += s.print[0], high += s.print[1];
            tw_shard_release(&s);
        }
        ck_assert(low == whole.print[0] && high == whole.print[1]);
    }
    ck_assert_int_eq(tw_shard_read(&s, &d, 20, 0), TW_OK);
    ck_assert(s.print[0] == 0 && s.print[1] == 0);
    tw_shard_release(&s);
    tw_shard_release(&whole);
}
END_TEST

START_TEST(rows_of_several_pieces_are_counted_from_the_top_of_the_file)
{
    enum { ROWS = 5000, COLS = 251 }; /* 10 MB: three pieces */
    double *big = malloc((size_t)ROWS * COLS * sizeof *big);
    for (int i = 0; i < ROWS * COLS; i++) big[i] = i % 1000;
    uint64_t low = 0, high = 0;
    const double absent[2] = {-0.0, -0.0};
    for (uint64_t i = 30; i < ROWS; i++) {
        const XXH128_hash_t a = XXH3_128bits_withSeed(big + i * COLS, COLS * sizeof *big, i),
                            b = XXH3_128bits_withSeed(absent, 16, i ^ 0x9e3779b97f4a7c15u);
        low += a.low64 + b.low64, high += a.high64 + b.high64;
    }
    for (hsize_t chunk = 0; chunk < 2000; chunk += 999) {
        const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), type = H5T_NATIVE_DOUBLE;
        const test_array a = {.file_type = type,
                              .memory_type = type,
                              .rank = 2,
                              .shape = {ROWS, COLS},
                              .chunk = {chunk, COLS},
                              .data = big};
        test_write(file, "X", &a);
        H5Fclose(file);
        const tw_dataset d = describe();
        tw_shard s;
        ck_assert_int_eq(tw_shard_read(&s, &d, 30, ROWS - 30), TW_OK);
        ck_assert(s.print[0] == low && s.print[1] == high);
        tw_shard_release(&s);
    }
    free(big);
}
END_TEST

/* Every print so far, to be told apart. */
static print seen[512];
static size_t n_seen;

static void see(const table *t, const char *what)
{
    const print p = print_of(t, &plain);
    for (size_t i = 0; i < n_seen; i++) ck_assert_msg(!same(&p, &seen[i]), "%s: like number %zu", what, i);
    ck_assert_uint_lt(n_seen, sizeof seen / sizeof *seen);
    seen[n_seen++] = p;
}

static void swap(void *a, void *b, size_t size)
{
    unsigned char c[MOST];
    memcpy(c, a, size);
    memcpy(a, b, size);
    memcpy(b, c, size);
}

START_TEST(each_bit_of_each_column_counts)
{
    const table t = draw((tw_dtype)_i, 5, 3);
    const size_t one = tw_dtype_size(t.type);
    n_seen = 0;
    see(&t, "as it is");
    for (size_t i = 0; i < 15; i++)
        for (size_t bit = 0; bit < 8; bit++) { /* the low byte: never the exponent of a float */
            table u = t;
            u.x[i * one] ^= (unsigned char)(1u << (bit % (t.type == TW_bf16 ? 7 : 8)));
            if (t.type == TW_bf16 && bit == 7) u.x[i * one + 1] ^= 0x80; /* its sign */
            see(&u, "a bit of a feature");
        }
    for (size_t i = 0; i < 5; i++) {
        table u = t, v = t, w = t;
        u.y[i] = -u.y[i];
        see(&u, "a label");
        v.weight[i] = __builtin_nextafter(v.weight[i], 9);
        see(&v, "a weight");
        swap(&w.y[i], &w.weight[i], sizeof *w.y);
        see(&w, "label and weight exchanged");
    }
}
END_TEST

START_TEST(the_place_of_each_row_counts)
{
    const table t = draw(TW_f64, 12, 2);
    n_seen = 0;
    see(&t, "as it is");
    for (size_t i = 0; i < 12; i++)
        for (size_t j = 0; j < i; j++) {
            table u = t;
            swap(u.x + 16 * i, u.x + 16 * j, 16);
            see(&u, "features of two rows exchanged");
            if (t.y[i] == t.y[j] && t.weight[i] == t.weight[j]) continue;
            swap(&u.y[i], &u.y[j], sizeof *u.y);
            swap(&u.weight[i], &u.weight[j], sizeof *u.weight);
            see(&u, "two rows exchanged");
        }
    for (size_t i = 0; i < 12; i++) {
        table u = t;
        swap(&u.y[i], u.x + 16 * i, 8);
        swap(&u.weight[i], u.x + 16 * i + 8, 8);
        see(&u, "features exchanged for label and weight");
        u = t;
        swap(u.x + 16 * i, u.x + 16 * i + 8, 8);
        see(&u, "two columns exchanged in one row");
    }
}
END_TEST

START_TEST(type_shape_and_presence_count)
{
    n_seen = 0;
    for (int type = 0; type < TW_N_DTYPES; type++) {
        const table t = draw((tw_dtype)type, 8, 4); /* the same values in each type */
        see(&t, "another type");
    }
    static const tw_dtype types[] = {TW_u8, TW_i8, TW_i16, TW_f16, TW_bf16, TW_f32, TW_f64};
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) { /* the same 128 bytes, 16 a row */
        table t = draw(TW_u8, 8, 16);
        t.type = types[k];
        t.cols = 16 / tw_dtype_size(types[k]);
        see(&t, "the same bytes as another type");
    }
    for (size_t cols = 1; cols < 16; cols *= 2) {
        table t = draw(TW_u8, 32, 4);
        t.cols = cols;
        t.rows = 64 / cols;
        t.labelled = t.weighted = false;
        see(&t, "the same bytes in another shape");
    }
    table t = draw(TW_f32, 8, 5);
    for (int i = 0; i < 8; i++) t.y[i] = t.weight[i] = -0.0;
    see(&t, "labels and weights of -0");
    t.labelled = false;
    see(&t, "no labels");
    t.weighted = false;
    see(&t, "neither");
    t.labelled = true;
    see(&t, "no weights");
    for (int i = 0; i < 8; i++) t.y[i] = 0;
    see(&t, "labels of +0");
    t.rows = 7;
    see(&t, "a row less");
}
END_TEST

int main(void)
{
    if (tw_comm_local(&alone)) return 2;
    Suite *s = suite_create("fingerprint");
    TCase *t = tcase_create("fingerprint");
    tcase_add_checked_fixture(t, enter, test_folder_leave);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, the_fingerprint_is_that_of_a_plain_loop_in_every_layout, 0, TW_N_DTYPES);
    tcase_add_test(t, the_sums_of_any_cut_are_those_of_the_whole_and_no_rows_add_nothing);
    tcase_add_test(t, rows_of_several_pieces_are_counted_from_the_top_of_the_file);
    tcase_add_loop_test(t, each_bit_of_each_column_counts, 0, TW_N_DTYPES);
    tcase_add_test(t, the_place_of_each_row_counts);
    tcase_add_test(t, type_shape_and_presence_count);
    suite_add_tcase(s, t);
    const int failed = test_run(s);
    tw_comm_release(alone);
    return failed;
}
