/* test_prediction_hdf5.c -- the HDF5 files of `thalweg predict`, read back with nothing but HDF5. */
#include "prediction_support.h"

#include <hdf5.h>

typedef struct {
    hid_t file, dataset, type;
    hsize_t shape[2];
    int rank;
} opened;

static opened open_dataset(const char *path, const char *name)
{
    opened o = {.file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT)};
    ck_assert(o.file >= 0);
    o.dataset = H5Dopen2(o.file, name, H5P_DEFAULT);
    ck_assert_msg(o.dataset >= 0, "%s is missing", name);
    o.type = H5Dget_type(o.dataset);
    const hid_t space = H5Dget_space(o.dataset);
    o.rank = H5Sget_simple_extent_dims(space, o.shape, NULL);
    H5Sclose(space);
    return o;
}

static void close_dataset(const opened *o)
{
    H5Tclose(o->type);
    H5Dclose(o->dataset);
    H5Fclose(o->file);
}

/* A column of `type` in the file, against values read as `memory`. */
static void check_column(const char *path, const char *name, hid_t type, hid_t memory, size_t size,
                         size_t rows, const void *expected)
{
    const opened o = open_dataset(path, name);
    ck_assert(H5Tequal(o.type, type) > 0);
    ck_assert_int_eq(o.rank, 1);
    ck_assert_uint_eq(o.shape[0], rows);
    void *const values = calloc(rows, size);
    ck_assert_ptr_nonnull(values);
    ck_assert(H5Dread(o.dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    ck_assert_msg(memcmp(values, expected, rows * size) == 0, "%s holds other values", name);
    free(values);
    close_dataset(&o);
}

static void check_strings(const char *path, const char *name, size_t rows, const char *const *expected)
{
    const opened o = open_dataset(path, name);
    ck_assert(H5Tis_variable_str(o.type) > 0);
    ck_assert_int_eq(H5Tget_cset(o.type), H5T_CSET_UTF8);
    ck_assert_int_eq(o.rank, 1);
    ck_assert_uint_eq(o.shape[0], rows);
    char **const values = calloc(rows, sizeof *values);
    ck_assert_ptr_nonnull(values);
    ck_assert(H5Dread(o.dataset, o.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    for (size_t i = 0; i < rows; i++) ck_assert_str_eq(values[i] ? values[i] : "", expected[i]);
    const hid_t space = H5Dget_space(o.dataset);
    H5Dvlen_reclaim(o.type, space, H5P_DEFAULT, values);
    H5Sclose(space);
    free(values);
    close_dataset(&o);
}

static bool has(const char *path, const char *name)
{
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    ck_assert(file >= 0);
    const bool found = H5Lexists(file, name, H5P_DEFAULT) > 0;
    H5Fclose(file);
    return found;
}

START_TEST(numbers_become_doubles_and_the_root_says_what_the_file_is)
{
    const tw_prediction_layout layout = {.rows = 3, .width = 1};
    const double data[] = {0.1, -0.0, 1e300};
    const char *const path = written("out.h5", &layout, data);
    check_column(path, "/prediction", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 8, 3, data);
    ck_assert(!has(path, "/classes") && !has(path, "/probability") && !has(path, "/prediction_index"));
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t format = H5Aopen(file, "format", H5P_DEFAULT),
                version = H5Aopen(file, "version", H5P_DEFAULT);
    const hid_t type = H5Aget_type(format);
    char text[64] = "";
    int number = 0;
    ck_assert_uint_lt(H5Tget_size(type), sizeof text);
    ck_assert(H5Aread(format, type, text) >= 0 && H5Aread(version, H5T_NATIVE_INT, &number) >= 0);
    ck_assert_str_eq(text, "thalweg predictions");
    ck_assert_int_eq(number, 1);
    H5Tclose(type);
    H5Aclose(version);
    H5Aclose(format);
    H5Fclose(file);
}
END_TEST

START_TEST(whole_class_values_become_64_bit_integers_and_others_doubles)
{
    const tw_prediction_layout whole = {
        .rows = 3, .width = 1, .n_classes = 2, .classes = (double[]){-5, 1e15}};
    const tw_prediction_layout real = {.rows = 3, .width = 1, .n_classes = 2, .classes = (double[]){0.5, 1}};
    const double data[] = {1, 0, 1};
    const char *path = written("out.h5", &whole, data);
    check_column(path, "/prediction", H5T_STD_I64LE, H5T_NATIVE_INT64, 8, 3,
                 (int64_t[]){1000000000000000, -5, 1000000000000000});
    check_column(path, "/classes", H5T_STD_I64LE, H5T_NATIVE_INT64, 8, 2, (int64_t[]){-5, 1000000000000000});
    ck_assert_int_eq(unlink(path), 0);
    path = written("out.hdf5", &real, data);
    check_column(path, "/prediction", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 8, 3, (double[]){1, 0.5, 1});
    check_column(path, "/classes", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 8, 2, (double[]){0.5, 1});
}
END_TEST

START_TEST(class_names_become_strings_with_their_positions_beside_them)
{
    static char *names[] = {"no", "", "caf\xc3\xa9"};
    const tw_prediction_layout layout = {
        .rows = 4, .width = 1, .n_classes = 3, .classes = (double[]){4, 5, 6}, .class_names = names};
    const char *const path = written("out.h5", &layout, (double[]){2, 0, 1, 2});
    check_strings(path, "/prediction", 4, (const char *[]){names[2], names[0], names[1], names[2]});
    check_strings(path, "/classes", 3, (const char *const *)names);
    check_column(path, "/prediction_index", H5T_STD_I32LE, H5T_NATIVE_INT32, 4, 4, (int32_t[]){2, 0, 1, 2});
}
END_TEST

/* Many blocks, and pieces that end inside of them. */
START_TEST(probabilities_are_a_matrix_whatever_the_pieces)
{
    enum { ROWS = 90001, K = 3, WIDTH = K + 1 };
    static char *names[K] = {"a", "b", "c"};
    const size_t piece = (size_t)_i;
    uint64_t state = 3;
    double *const data = malloc(ROWS * WIDTH * sizeof *data), *const read = calloc(ROWS, K * sizeof *read);
    const char **const expected = malloc(ROWS * sizeof *expected);
    ck_assert(data && read && expected);
    for (size_t i = 0; i < ROWS; i++) {
        data[i * WIDTH] = (double)(draw(&state) % K);
        expected[i] = names[(size_t)data[i * WIDTH]];
        for (size_t k = 1; k < WIDTH; k++) data[i * WIDTH + k] = (double)(draw(&state) >> 11) * 0x1p-53;
    }
    const tw_prediction_layout layout = {
        .rows = ROWS, .width = WIDTH, .n_classes = K, .classes = (double[]){0, 1, 2}, .class_names = names};
    const char *const path = in_scratch("out.h5");
    ck_assert_int_eq(write_in_pieces(path, &layout, piece, data), TW_OK);
    check_strings(path, "/prediction", ROWS, expected);
    const opened o = open_dataset(path, "/probability");
    ck_assert(H5Tequal(o.type, H5T_IEEE_F64LE) > 0);
    ck_assert(o.rank == 2 && o.shape[0] == ROWS && o.shape[1] == K);
    ck_assert(H5Dread(o.dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, read) >= 0);
    close_dataset(&o);
    for (size_t i = 0; i < ROWS; i++)
        ck_assert_int_eq(memcmp(read + i * K, data + i * WIDTH + 1, K * sizeof *read), 0);
    free(expected);
    free(read);
    free(data);
}
END_TEST

START_TEST(the_same_predictions_give_the_same_bytes)
{
    static char *names[] = {"no", "yes"};
    const tw_prediction_layout layout = {
        .rows = 2, .width = 3, .n_classes = 2, .classes = (double[]){0, 1}, .class_names = names};
    const double data[] = {1, 0.25, 0.75, 0, 1, 0};
    size_t size, other;
    ck_assert_int_eq(write_in_pieces(in_scratch("a.h5"), &layout, 2, data), TW_OK);
    sleep(1); /* a clock in seconds must not show */
    ck_assert_int_eq(write_in_pieces(in_scratch("b.h5"), &layout, 2, data), TW_OK);
    char *const a = slurp(in_scratch("a.h5"), &size), *const b = slurp(in_scratch("b.h5"), &other);
    ck_assert_uint_eq(size, other);
    ck_assert_int_eq(memcmp(a, b, size), 0);
    free(a);
    free(b);
}
END_TEST

int main(void)
{
    TCase *hdf5 = tcase_create("hdf5");
    tcase_add_test(hdf5, numbers_become_doubles_and_the_root_says_what_the_file_is);
    tcase_add_test(hdf5, whole_class_values_become_64_bit_integers_and_others_doubles);
    tcase_add_test(hdf5, class_names_become_strings_with_their_positions_beside_them);
    tcase_add_loop_test(hdf5, probabilities_are_a_matrix_whatever_the_pieces, 90000, 90003);
    tcase_add_loop_test(hdf5, probabilities_are_a_matrix_whatever_the_pieces, 999, 1000);
    tcase_add_test(hdf5, the_same_predictions_give_the_same_bytes);
    return run_cases("prediction_hdf5", 1, &hdf5);
}
