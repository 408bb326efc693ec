/* test_shard.c -- rows read are the rows written, bit for bit, whatever the type, the layout and the cut; and
 * what is no number is found and named. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { M = 103, N = 7 };

static const char *path;
static double x[M * N], y[M], omega[M];

/* Values that the type holds exactly, its extremes among them. */
static double value_of(tw_dtype type)
{
    static const double extreme[][2] = {{0, 255},
                                        {-128, 127},
                                        {-32768, 32767},
                                        {65504, 0x1p-14},
                                        {0x1.fep127, 0x1p-126},
                                        {0x1.fffffep127, 0x1p-126},
                                        {0x1.fffffffffffffp1023, 0x1p-1022}};
    const uint64_t pick = test_bits() % 16;
    double word = 0;
    if (pick < 2) return extreme[type][pick];
    if (type <= TW_i16)
        return floor(extreme[type][0] + (extreme[type][1] - extreme[type][0]) * fabs(test_uniform()));
    const double v = pick == 2 ? -0.0 : pick == 3 ? 0.0 : ldexp(test_uniform(), (int)(test_bits() % 12) - 4);
    test_store(type, 1, &v, &word);
    return test_load(type, &word, 0);
}

static void draw(tw_dtype type)
{
    test_seed(11 + type);
    for (int i = 0; i < M * N; i++) x[i] = value_of(type);
    for (int i = 0; i < M; i++) y[i] = i, omega[i] = i % 3;
}

typedef struct {
    hsize_t chunk_rows, chunk_cols;
    bool compressed, big_endian;
} layout;

static const layout layouts[] = {{0, 0, false, false}, {0, 0, false, true},   {10, N, false, false},
                                 {10, N, true, false}, {64, 3, true, true},   {1, 1, true, false},
                                 {M, N, true, false},  {200, 10, false, true}};
enum { N_LAYOUTS = sizeof layouts / sizeof *layouts };

static void write_file(tw_dtype type, const layout *l)
{
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t stored = test_file_type(type, l->big_endian), memory = test_file_type(type, false);
    char bytes[M * N * 8];
    test_store(type, M * N, x, bytes);
    hsize_t chunk[2] = {l->chunk_rows, l->chunk_cols}, most[2] = {H5S_UNLIMITED, H5S_UNLIMITED};
    const hid_t space = H5Screate_simple(2, (const hsize_t[]){M, N}, chunk[0] ? most : NULL);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    if (chunk[0]) H5Pset_chunk(creation, 2, chunk);
    if (l->compressed) H5Pset_shuffle(creation), H5Pset_deflate(creation, 1);
    const hid_t set = H5Dcreate2(file, "X", stored, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    ck_assert(H5Dwrite(set, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0);
    H5Dclose(set);
    H5Pclose(creation);
    H5Sclose(space);
    test_array column = {
        .file_type = H5T_IEEE_F32BE, .memory_type = H5T_NATIVE_DOUBLE, .rank = 1, .shape = {M}, .data = y};
    test_write(file, "y", &column);
    column.data = omega;
    column.chunk[0] = 9;
    test_write(file, "sample_weight", &column);
    H5Tclose(memory);
    H5Tclose(stored);
    H5Fclose(file);
}

static tw_dataset open_file(void)
{
    tw_dataset d;
    const tw_dataset_names names = {.need_labels = false};
    ck_assert_msg(tw_dataset_open(&d, path, &names, NULL) == TW_OK, "%s", tw_status_message());
    return d;
}

static void expect_rows(const tw_dataset *d, int64_t first, int64_t rows)
{
    tw_shard s;
    ck_assert_msg(tw_shard_read(&s, d, first, rows) == TW_OK, "%s", tw_status_message());
    ck_assert(s.first == first && s.rows == (size_t)rows && s.cols == N && s.type == d->type);
    for (int64_t i = 0; i < rows * N; i++) {
        const double got = test_load(s.type, s.x, (size_t)i);
        if (!same_bits(1, &got, &x[first * N + i])) ck_abort_msg("element %lld: %a", (long long)i, got);
    }
    ck_assert(same_bits((size_t)rows, s.y, y + first) && same_bits((size_t)rows, s.weight, omega + first));
    tw_shard_release(&s);
    ck_assert(s.x == NULL && s.y == NULL && s.weight == NULL && s.rows == 0);
}

static void enter(void)
{
    test_folder_enter();
    path = test_path("d.h5");
}

START_TEST(rows_read_are_the_rows_written_for_every_type_layout_and_cut)
{
    const tw_dtype type = (tw_dtype)(_i / N_LAYOUTS);
    draw(type);
    write_file(type, &layouts[_i % N_LAYOUTS]);
    const tw_dataset d = open_file();
    ck_assert_int_eq(d.type, type);
    expect_rows(&d, 0, M);
    for (int64_t first = 0; first < M; first += 17) expect_rows(&d, first, first + 17 < M ? 17 : M - first);
    expect_rows(&d, M - 1, 1);
    expect_rows(&d, 41, 0); /* an idle rank */
    expect_rows(&d, M, 0);
}
END_TEST

START_TEST(pieces_larger_than_one_read_join_without_a_seam)
{
    enum { ROWS = 5000, COLS = 251 }; /* 10 MB: three pieces; chunks of 999 rows do not divide them */
    double *big = malloc((size_t)ROWS * COLS * sizeof *big);
    for (int i = 0; i < ROWS * COLS; i++) big[i] = i;
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
        const tw_dataset d = open_file();
        for (int64_t first = 0; first < 30; first += 13) {
            tw_shard s;
            ck_assert_int_eq(tw_shard_read(&s, &d, first, ROWS - 20 - first), TW_OK);
            ck_assert(memcmp(s.x, big + first * COLS, s.rows * COLS * sizeof *big) == 0);
            tw_shard_release(&s);
        }
    }
    free(big);
}
END_TEST

/* ---------------------------------------------------------------- conversion */

START_TEST(wider_integers_and_booleans_keep_their_values)
{
    const int64_t values[] = {
        0, 1, 65535, -1, -2147483647 - 1, 4294967295, (int64_t)1 << 53, -((int64_t)1 << 62)};
    const struct {
        hid_t type;
        int64_t from, to; /* values outside do not fit */
    } cases[] = {{H5T_STD_U16LE, 0, 65535},
                 {H5T_STD_U16BE, 0, 65535},
                 {H5T_STD_I32BE, INT32_MIN, INT32_MAX},
                 {H5T_STD_U32LE, 0, UINT32_MAX},
                 {H5T_STD_I64LE, INT64_MIN, INT64_MAX},
                 {H5T_STD_U64BE, 0, INT64_MAX}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int64_t v[8];
        for (int i = 0; i < 8; i++)
            v[i] = values[i] < cases[c].from || values[i] > cases[c].to ? 7 : values[i];
        const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        test_array a = {.file_type = cases[c].type,
                        .memory_type = H5T_NATIVE_INT64,
                        .rank = 2,
                        .shape = {4, 2},
                        .data = v};
        test_write(file, "X", &a);
        a.rank = 1;
        test_write(file, "y", &a);
        H5Fclose(file);
        const tw_dataset d = open_file();
        tw_shard s;
        ck_assert_int_eq(tw_shard_read(&s, &d, 0, 4), TW_OK);
        for (size_t i = 0; i < 8; i++) ck_assert_double_eq(test_load(s.type, s.x, i), (double)v[i]);
        for (size_t i = 0; i < 4; i++) ck_assert_double_eq(s.y[i], (double)v[i]);
        tw_shard_release(&s);
    }
}
END_TEST

START_TEST(booleans_as_h5py_writes_them_are_zeros_and_ones)
{
    signed char values[12] = {0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 1};
    const hid_t boolean = H5Tenum_create(H5T_NATIVE_SCHAR),
                file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Tenum_insert(boolean, "FALSE", &(signed char){0});
    H5Tenum_insert(boolean, "TRUE", &(signed char){1});
    test_array a = {.file_type = boolean, .memory_type = boolean, .rank = 2, .shape = {6, 2}, .data = values};
    test_write(file, "X", &a);
    a.rank = 1;
    test_write(file, "y", &a);
    H5Tclose(boolean);
    H5Fclose(file);
    const tw_dataset d = open_file();
    tw_shard s;
    ck_assert_int_eq(d.type, TW_u8);
    ck_assert_int_eq(tw_shard_read(&s, &d, 1, 5), TW_OK);
    for (size_t i = 0; i < 10; i++) ck_assert_double_eq(test_load(s.type, s.x, i), values[i + 2]);
    for (size_t i = 0; i < 5; i++) ck_assert_double_eq(s.y[i], values[i + 1]);
    tw_shard_release(&s);
}
END_TEST

/* ---------------------------------------------------------------- what is no number */

static const double specials[] = {NAN, INFINITY, -INFINITY};
static const tw_dtype floats[] = {TW_f16, TW_bf16, TW_f32, TW_f64};

/* A file of that type with one element replaced by the word of a NaN or infinity. */
static void write_special(tw_dtype type, double special, size_t row, size_t col)
{
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT),
                stored = test_file_type(type, false);
    char bytes[M * N * 8];
    const uint16_t word = (uint16_t)((type == TW_f16 ? 0x7c00 : 0x7f80) | (isnan(special) ? 1 : 0) |
                                     (special < 0 ? 0x8000 : 0));
    test_store(type, M * N, x, bytes);
    char *at = bytes + (row * N + col) * tw_dtype_size(type);
    if (tw_dtype_size(type) == 2)
        memcpy(at, &word, 2);
    else
        test_store(type, 1, &special, at);
    test_write(
        file, "X",
        &(test_array){.file_type = stored, .memory_type = stored, .rank = 2, .shape = {M, N}, .data = bytes});
    H5Tclose(stored);
    H5Fclose(file);
}

START_TEST(nan_and_infinity_in_the_features_are_named_by_file_row_and_column)
{
    const tw_dtype type = floats[_i / 3];
    static const size_t places[][2] = {{0, 0}, {50, 3}, {M - 1, N - 1}};
    draw(type);
    for (int p = 0; p < 3; p++) {
        char words[64];
        tw_shard s;
        write_special(type, specials[_i % 3], places[p][0], places[p][1]);
        const tw_dataset d = open_file();
        snprintf(words, sizeof words, "row %zu, column %zu", places[p][0], places[p][1]);
        const int64_t first = (int64_t)places[p][0] / 3; /* of a shard that begins anywhere */
        ck_assert_int_eq(tw_shard_read(&s, &d, first, M - first), TW_DATA);
        ck_assert_msg(strstr(tw_status_message(), words), "%s: %s", words, tw_status_message());
        ck_assert(s.x == NULL && s.rows == 0);
        if (p == 1) { /* the rows around it are good */
            ck_assert_int_eq(tw_shard_read(&s, &d, 0, 50), TW_OK);
            tw_shard_release(&s);
            ck_assert_int_eq(tw_shard_read(&s, &d, 51, M - 51), TW_OK);
            tw_shard_release(&s);
        }
    }
}
END_TEST

START_TEST(labels_and_weights_that_are_no_numbers_or_negative_are_named)
{
    static const struct {
        double y, omega;
        const char *words;
    } cases[] = {{NAN, 1, "'/y' is NaN or infinite in row 77"},
                 {INFINITY, 1, "'/y' is NaN or infinite in row 77"},
                 {1, NAN, "'/sample_weight' is NaN or infinite in row 77"},
                 {1, -0.5, "'/sample_weight' is negative in row 77"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tw_shard s;
        draw(TW_f32);
        y[77] = cases[i].y;
        omega[77] = cases[i].omega;
        write_file(TW_f32, &layouts[0]);
        const tw_dataset d = open_file();
        ck_assert_int_eq(tw_shard_read(&s, &d, 60, 30), TW_DATA);
        ck_assert_msg(strstr(tw_status_message(), cases[i].words), "%s", tw_status_message());
        ck_assert_int_eq(tw_shard_read(&s, &d, 0, 77), TW_OK);
        tw_shard_release(&s);
    }
}
END_TEST

START_TEST(a_damaged_chunk_is_a_data_error_that_names_the_rows)
{
    draw(TW_f64);
    write_file(TW_f64, &layouts[3]);
    const tw_dataset d = open_file();
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), set = H5Dopen2(file, "X", H5P_DEFAULT);
    const unsigned char garbage[40] = {1, 2, 3};
    ck_assert(H5Dwrite_chunk(set, H5P_DEFAULT, 0, (const hsize_t[]){50, 0}, sizeof garbage, garbage) >= 0);
    H5Dclose(set);
    H5Fclose(file);
    tw_shard s;
    ck_assert_int_eq(tw_shard_read(&s, &d, 0, M), TW_DATA);
    ck_assert_msg(strstr(tw_status_message(), "cannot read rows"), "%s", tw_status_message());
    ck_assert_int_eq(tw_shard_read(&s, &d, 0, 50), TW_OK);
    tw_shard_release(&s);
}
END_TEST

START_TEST(another_file_than_the_one_described_is_noticed)
{
    tw_shard s;
    draw(TW_f64);
    write_file(TW_f64, &layouts[0]);
    const tw_dataset d = open_file();
    draw(TW_f32);
    write_file(TW_f32, &layouts[0]); /* as on a node whose local copy is an old one */
    ck_assert_int_eq(tw_shard_read(&s, &d, 0, M), TW_DATA);
    ck_assert_msg(strstr(tw_status_message(), "not the file that rank 0 sees"), "%s", tw_status_message());
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(tw_shard_read(&s, &d, 0, M), TW_INPUT);
}
END_TEST

START_TEST(a_block_is_a_view_of_its_rows)
{
    draw(TW_f32);
    write_file(TW_f32, &layouts[0]);
    const tw_dataset d = open_file();
    tw_shard s;
    ck_assert_int_eq(tw_shard_read(&s, &d, 20, 50), TW_OK);
    const tw_block b = tw_shard_block(&s, 10, 7);
    ck_assert(b.rows == 7 && b.cols == N && b.type == TW_f32);
    ck_assert_double_eq(test_load(TW_f32, b.x, 0), x[30 * N]);
    ck_assert(b.y[0] == y[30] && b.weight[6] == omega[36]);
    free(s.y);
    free(s.weight);
    s.y = s.weight = NULL;
    ck_assert(tw_shard_block(&s, 10, 7).y == NULL && tw_shard_block(&s, 10, 7).weight == NULL);
    tw_shard_release(&s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("shard");
    TCase *t = tcase_create("shard");
    tcase_add_checked_fixture(t, enter, test_folder_leave);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, rows_read_are_the_rows_written_for_every_type_layout_and_cut, 0,
                        TW_N_DTYPES * N_LAYOUTS);
    tcase_add_test(t, pieces_larger_than_one_read_join_without_a_seam);
    tcase_add_test(t, wider_integers_and_booleans_keep_their_values);
    tcase_add_test(t, booleans_as_h5py_writes_them_are_zeros_and_ones);
    tcase_add_loop_test(t, nan_and_infinity_in_the_features_are_named_by_file_row_and_column, 0, 12);
    tcase_add_test(t, labels_and_weights_that_are_no_numbers_or_negative_are_named);
    tcase_add_test(t, a_damaged_chunk_is_a_data_error_that_names_the_rows);
    tcase_add_test(t, another_file_than_the_one_described_is_noticed);
    tcase_add_test(t, a_block_is_a_view_of_its_rows);
    suite_add_tcase(s, t);
    return test_run(s);
}
