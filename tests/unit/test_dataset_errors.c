/* test_dataset_errors.c -- files that cannot be used: the code, and a sentence that says what and what to do.
 */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { M = 12, N = 5 };

static const tw_dataset_names detect = {.need_labels = true};

/* The file must be refused with this code and all of these words ("a|b|c"). */
static void refused(const char *path, const tw_dataset_names *names, tw_status code, const char *words)
{
    tw_dataset d;
    const tw_status status = tw_dataset_open(&d, path, names, NULL);
    ck_assert_msg(status == code, "%s: status %d, not %d: %s", words, status, code, tw_status_message());
    char copy[512], *rest = copy;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word; (word = strsep(&rest, "|"));)
        ck_assert_msg(strstr(tw_status_message(), word), "no '%s' in: %s", word, tw_status_message());
}

static const double zeros[M * N];

static test_array matrix(hsize_t rows, hsize_t cols)
{
    return (test_array){.file_type = H5T_NATIVE_DOUBLE,
                        .memory_type = H5T_NATIVE_DOUBLE,
                        .rank = 2,
                        .shape = {rows, cols},
                        .data = zeros};
}

static test_array column(hsize_t rows)
{
    test_array a = matrix(rows, 1);
    a.rank = 1;
    return a;
}

/* A new file with /X and /y as given. */
static const char *file_of(test_array x, test_array y)
{
    const char *path = test_path("bad.h5");
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert(file >= 0);
    test_write(file, "X", &x);
    test_write(file, "y", &y);
    H5Fclose(file);
    return path;
}

/* ---------------------------------------------------------------- files */

START_TEST(a_path_that_is_no_readable_file_is_an_input_error)
{
    refused(test_path("missing.h5"), &detect, TW_INPUT, "missing.h5|No such file");
    mkdir(test_path("folder.h5"), 0700);
    refused(test_path("folder.h5"), &detect, TW_INPUT, "folder.h5|directory");
    mkfifo(test_path("pipe.h5"), 0600);
    refused(test_path("pipe.h5"), &detect, TW_INPUT, "not a regular file"); /* and does not wait */
    char longer[TW_PATH_LEN + 10];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    refused(longer, &detect, TW_INPUT, "longer than");
}
END_TEST

START_TEST(a_file_that_is_not_hdf5_says_how_to_convert_it)
{
    const char *path = test_path("data.csv");
    FILE *out = fopen(path, "w");
    for (int i = 0; i < 1000; i++) fprintf(out, "1,2,3\n");
    fclose(out);
    refused(path, &detect, TW_DATA, "data.csv|not an HDF5 file|thalweg convert");
    ck_assert_int_eq(truncate(path, 0), 0);
    refused(path, &detect, TW_DATA, "not an HDF5 file");
}
END_TEST

START_TEST(a_file_cut_anywhere_is_refused_or_read_but_never_crashes)
{
    test_write_plain(test_path("whole.h5"), M, N, zeros, zeros);
    struct stat info;
    ck_assert_int_eq(stat(test_path("whole.h5"), &info), 0);
    for (off_t size = 0; size < info.st_size; size += 1 + size / 7) {
        test_write_plain(test_path("cut.h5"), M, N, zeros, zeros);
        ck_assert_int_eq(truncate(test_path("cut.h5"), size), 0);
        refused(test_path("cut.h5"), &detect, TW_DATA, "cut.h5");
    }
    test_write_plain(test_path("cut.h5"), M, N, zeros, zeros);
    ck_assert_int_eq(truncate(test_path("cut.h5"), info.st_size - 1), 0);
    refused(test_path("cut.h5"), &detect, TW_DATA, "damaged or truncated");
}
END_TEST

/* ---------------------------------------------------------------- names */

START_TEST(an_unknown_name_lists_what_is_there_and_suggests_the_nearest)
{
    tw_dataset d;
    const char *wrong, *path = test_path("a.h5");
    test_write_plain(path, M, N, zeros, zeros);
    const tw_dataset_names features = {.features = "x"}, labels = {.features = "X", .labels = "z"};
    const tw_dataset_names weights = {.weights = "omega"};
    refused(path, &features, TW_DATA, "'x' not found in|available: /X (12, 5) f64");
    ck_assert_int_eq(tw_dataset_open(&d, path, &features, &wrong), TW_DATA);
    ck_assert_str_eq(wrong, "data.features");
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "did you mean '/X'?"));
    ck_assert_int_eq(tw_dataset_open(&d, path, &labels, &wrong), TW_DATA);
    ck_assert_str_eq(wrong, "data.labels");
    ck_assert_int_eq(tw_dataset_open(&d, path, &weights, &wrong), TW_DATA);
    ck_assert_str_eq(wrong, "data.weights");
}
END_TEST

START_TEST(without_known_names_the_sentence_lists_what_is_there)
{
    const char *path = test_path("n.h5");
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    refused(path, &detect, TW_DATA, "no features found|no data sets at all|data.features");
    file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    const test_array a = matrix(M, N);
    test_write(file, "pixels", &a);
    H5Fclose(file);
    refused(path, &detect, TW_DATA, "no features found|available: /pixels (12, 5) f64|data.features");
}
END_TEST

START_TEST(a_group_is_not_a_data_set)
{
    const char *path = test_path("g.h5");
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Gclose(H5Gcreate2(file, "X", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Fclose(file);
    refused(path, &detect, TW_DATA, "/X");
}
END_TEST

START_TEST(a_name_of_any_length_or_form_is_refused_safely)
{
    char longer[TW_NAME_LEN + 200];
    memset(longer, 'n', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    const char *const names[] = {longer, "", "/", "//", "X/", "X/y", "..", "./X", "\xff\xfe", "%s%n"};
    const char *path = test_path("a.h5");
    test_write_plain(path, M, N, zeros, zeros);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const tw_dataset_names wanted = {.features = names[i]};
        tw_dataset d;
        const tw_status status = tw_dataset_open(&d, path, &wanted, NULL);
        ck_assert_msg(status == TW_DATA || (status == TW_OK && d.rows == M), "'%.20s' gives %d", names[i],
                      status);
    }
}
END_TEST

/* ---------------------------------------------------------------- shapes and types */

START_TEST(shapes_that_are_no_table_are_refused)
{
    test_array x = column(M), cube = {.file_type = H5T_NATIVE_DOUBLE,
                                      .memory_type = H5T_NATIVE_DOUBLE,
                                      .rank = 3,
                                      .shape = {2, 3, 2},
                                      .data = zeros};
    refused(file_of(x, column(M)), &detect, TW_DATA, "1 dimension;|reshape a single feature to (rows, 1)");
    refused(file_of(cube, column(2)), &detect, TW_DATA, "3 dimensions;|(rows, features)");
    refused(file_of(matrix(0, N), column(0)), &detect, TW_DATA, "are empty: shape (0, 5)");
    refused(file_of(matrix(M, 0), column(M)), &detect, TW_DATA, "are empty: shape (12, 0)");
    x.rank = 0;
    refused(file_of(x, column(M)), &detect, TW_DATA, "0 dimensions");
}
END_TEST

START_TEST(labels_of_another_length_or_shape_are_refused)
{
    refused(file_of(matrix(M, N), column(M - 1)), &detect, TW_DATA,
            "'/X' has 12 rows|'/y' has 11|must be equal");
    refused(file_of(matrix(M, N), matrix(M, 2)), &detect, TW_DATA, "labels '/y'|one number a row");
    tw_dataset d;
    ck_assert_int_eq(tw_dataset_open(&d, file_of(matrix(M, N), matrix(M, 1)), &detect, NULL),
                     TW_OK); /* (m, 1) is one */
}
END_TEST

START_TEST(types_that_are_no_numbers_are_named)
{
    char bytes[M * N * 16] = {0};
    const hid_t text = H5Tcopy(H5T_C_S1), complex = H5Tcreate(H5T_COMPOUND, 16),
                opaque = H5Tcreate(H5T_OPAQUE, 3);
    const hid_t odd = test_file_type(TW_f16, false), wide_enum = H5Tenum_create(H5T_STD_I32LE);
    const hid_t short_bf16 = test_file_type(TW_bf16, false);
    const hid_t vlen = H5Tvlen_create(H5T_NATIVE_INT);
    H5Tset_size(text, 4);
    H5Tinsert(complex, "r", 0, H5T_NATIVE_DOUBLE);
    H5Tinsert(complex, "i", 8, H5T_NATIVE_DOUBLE);
    H5Tenum_insert(wide_enum, "RED", &(int){0});
    H5Tset_fields(odd, 15, 9, 6, 0, 9); /* neither f16 nor bf16 */
    H5Tset_fields(short_bf16, 15, 7, 8, 1, 6);
    const struct {
        hid_t type;
        const char *name;
    } cases[] = {{text, "type string"},
                 {complex, "type compound"},
                 {opaque, "type opaque"},
                 {wide_enum, "type enum"},
                 {odd, "float of another size"},
                 {short_bf16, "float of another size"},
                 {H5T_NATIVE_LDOUBLE, "float of another size"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_array x = matrix(M, N), y = column(M);
        x.file_type = x.memory_type = y.file_type = y.memory_type = cases[i].type;
        x.data = y.data = bytes;
        refused(file_of(x, column(M)), &detect, TW_DATA, cases[i].name);
        if (cases[i].type != text) refused(file_of(matrix(M, N), y), &detect, TW_DATA, cases[i].name);
        if (cases[i].type != text) continue; /* labels may be words, weights not */
        refused(file_of(matrix(M, N), y), &(tw_dataset_names){.features = "X", .weights = "y"}, TW_DATA,
                cases[i].name);
    }
    test_array x = matrix(M, N);
    x.file_type = vlen;
    x.data = NULL;
    refused(file_of(x, column(M)), &detect, TW_DATA, "variable-length");
}
END_TEST

/* ---------------------------------------------------------------- storage */

START_TEST(data_that_were_never_written_are_refused)
{
    test_array x = matrix(M, N);
    x.data = NULL;
    refused(file_of(x, column(M)), &detect, TW_DATA, "'/X'|never written|0 of 480 bytes");
    x.chunk[0] = 5;
    x.chunk[1] = N;
    refused(file_of(x, column(M)), &detect, TW_DATA, "'/X'|never written");
}
END_TEST

START_TEST(labels_and_weights_that_were_never_written_are_refused)
{
    const tw_dataset_names weighted = {.labels = "X", .weights = "y"};
    test_array y = column(M);
    y.data = NULL;
    refused(file_of(matrix(M, N), y), &detect, TW_DATA, "'/y'|never written");
    refused(file_of(matrix(M, 1), y), &weighted, TW_DATA, "'/y'|never written");
}
END_TEST

START_TEST(a_size_that_no_machine_holds_is_refused_before_anything_is_allocated)
{
    test_array x = matrix((hsize_t)1 << 62, 4), y = column((hsize_t)1 << 62);
    x.data = y.data = NULL;
    x.chunk[0] = y.chunk[0] = 16;
    x.chunk[1] = 4;
    refused(file_of(x, y), &detect, TW_DATA, "impossible size");
}
END_TEST

START_TEST(values_kept_in_other_files_are_refused)
{
    const char *path = test_path("e.h5");
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(2, (const hsize_t[]){M, N}, NULL),
                creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(creation, "/etc/passwd", 0, H5F_UNLIMITED);
    H5Dclose(H5Dcreate2(file, "X", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    H5Pclose(creation);
    const test_array y = column(M);
    test_write(file, "y", &y);
    H5Fclose(file);
    refused(path, &detect, TW_DATA, "other files|h5repack");
    H5Sclose(space);
}
END_TEST

START_TEST(virtual_data_sets_are_refused)
{
    test_write_plain(test_path("source.h5"), M, N, zeros, zeros);
    const hid_t file = H5Fcreate(test_path("v.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(2, (const hsize_t[]){M, N}, NULL),
                creation = H5Pcreate(H5P_DATASET_CREATE);
    ck_assert(H5Pset_virtual(creation, space, "source.h5", "/X", space) >= 0);
    H5Dclose(H5Dcreate2(file, "X", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    H5Pclose(creation);
    H5Sclose(space);
    H5Fclose(file);
    refused(test_path("v.h5"), &detect, TW_DATA, "other files");
}
END_TEST

START_TEST(soft_and_external_links_are_not_followed)
{
    test_write_plain(test_path("other.h5"), M, N, zeros, zeros);
    for (int external = 0; external < 2; external++) {
        const char *path = test_path("l.h5");
        const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        const test_array x = matrix(M, N), y = column(M);
        test_write(file, "real", &x);
        test_write(file, "y", &y);
        if (external)
            H5Lcreate_external("other.h5", "/X", file, "X", H5P_DEFAULT, H5P_DEFAULT);
        else
            H5Lcreate_soft("/real", file, "X", H5P_DEFAULT, H5P_DEFAULT);
        H5Fclose(file);
        refused(path, &detect, TW_DATA, "/real (12, 5) f64");
    }
}
END_TEST

START_TEST(a_filter_that_is_missing_here_is_named)
{
    const char *path = test_path("f.h5");
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(2, (const hsize_t[]){M, N}, NULL),
                creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 2, (const hsize_t[]){M, N});
    H5Pset_filter(creation, 32099, H5Z_FLAG_OPTIONAL, 0, NULL); /* nobody's */
    H5Dclose(H5Dcreate2(file, "X", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    H5Pclose(creation);
    H5Sclose(space);
    const test_array y = column(M);
    test_write(file, "y", &y);
    H5Fclose(file);
    refused(path, &detect, TW_DATA, "filter 32099|without compression");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dataset errors");
    TCase *t = tcase_create("dataset errors");
    tcase_add_checked_fixture(t, test_folder_enter, test_folder_leave);
    tcase_set_timeout(t, 30);
    tcase_add_test(t, a_path_that_is_no_readable_file_is_an_input_error);
    tcase_add_test(t, a_file_that_is_not_hdf5_says_how_to_convert_it);
    tcase_add_test(t, a_file_cut_anywhere_is_refused_or_read_but_never_crashes);
    tcase_add_test(t, an_unknown_name_lists_what_is_there_and_suggests_the_nearest);
    tcase_add_test(t, without_known_names_the_sentence_lists_what_is_there);
    tcase_add_test(t, a_group_is_not_a_data_set);
    tcase_add_test(t, a_name_of_any_length_or_form_is_refused_safely);
    tcase_add_test(t, shapes_that_are_no_table_are_refused);
    tcase_add_test(t, labels_of_another_length_or_shape_are_refused);
    tcase_add_test(t, types_that_are_no_numbers_are_named);
    tcase_add_test(t, data_that_were_never_written_are_refused);
    tcase_add_test(t, labels_and_weights_that_were_never_written_are_refused);
    tcase_add_test(t, a_size_that_no_machine_holds_is_refused_before_anything_is_allocated);
    tcase_add_test(t, values_kept_in_other_files_are_refused);
    tcase_add_test(t, virtual_data_sets_are_refused);
    tcase_add_test(t, soft_and_external_links_are_not_followed);
    tcase_add_test(t, a_filter_that_is_missing_here_is_named);
    suite_add_tcase(s, t);
    return test_run(s);
}
