/* test_storage.c -- data sets whose storage asks for more than it has, or for what no data set needs, are
 * refused before memory is asked for. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { M = 12, N = 5 };

static const tw_dataset_names detect = {.need_labels = true};
static const int whole[M * N];
static double zeros[M * N];

static void has(const char *words)
{
    ck_assert_msg(strstr(tw_status_message(), words), "no '%s' in: %s", words, tw_status_message());
}

/* /X of integers as `creation` says, with one chunk of zeros written when chunked; and /y. Closes it. */
static const char *file_of(hid_t creation, const hsize_t shape[2], bool write)
{
    const char *path = test_path("s.h5");
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(2, shape, NULL),
                some = H5Screate_simple(2, (const hsize_t[]){M, N}, NULL);
    const hid_t set = H5Dcreate2(file, "X", H5T_STD_I32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    ck_assert(set >= 0);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, (const hsize_t[]){0, 0}, NULL, (const hsize_t[]){M, N}, NULL);
    if (write) ck_assert(H5Dwrite(set, H5T_NATIVE_INT, some, space, H5P_DEFAULT, whole) >= 0);
    H5Dclose(set);
    H5Sclose(some);
    H5Sclose(space);
    H5Pclose(creation);
    const test_array y = {.file_type = H5T_NATIVE_DOUBLE,
                          .memory_type = H5T_NATIVE_DOUBLE,
                          .rank = 1,
                          .shape = {M},
                          .data = zeros};
    test_write(file, "y", &y);
    H5Fclose(file);
    return path;
}

static hid_t chunked(hsize_t rows, hsize_t cols)
{
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 2, (const hsize_t[]){rows, cols});
    return creation;
}

static tw_status opened(const char *path)
{
    tw_dataset d;
    return tw_dataset_open(&d, path, &detect, NULL);
}

START_TEST(gzip_shuffle_and_fletcher32_are_taken_together)
{
    const hid_t creation = chunked(M, N);
    H5Pset_shuffle(creation);
    H5Pset_deflate(creation, 9);
    H5Pset_fletcher32(creation);
    ck_assert_msg(opened(file_of(creation, (const hsize_t[]){M, N}, true)) == TW_OK, "%s",
                  tw_status_message());
}
END_TEST

START_TEST(filters_that_expand_without_bounds_are_refused)
{
    hid_t creation = chunked(M, N);
    H5Pset_scaleoffset(creation, H5Z_SO_INT, 0);
    ck_assert_int_eq(opened(file_of(creation, (const hsize_t[]){M, N}, true)), TW_DATA);
    has("filter 6");
    has("write it again with gzip");
    creation = chunked(M, N);
    H5Pset_nbit(creation);
    ck_assert_int_eq(opened(file_of(creation, (const hsize_t[]){M, N}, true)), TW_DATA);
    has("filter 5");
    creation = chunked(M, N);
    H5Pset_filter(creation, H5Z_FILTER_DEFLATE, 0, 1, (const unsigned[]){9});
    H5Pset_filter(creation, H5Z_FILTER_DEFLATE, 0, 1, (const unsigned[]){9});
    ck_assert_int_eq(opened(file_of(creation, (const hsize_t[]){M, N}, true)), TW_DATA);
    has("compressed twice");
}
END_TEST

START_TEST(a_chunk_that_takes_gigabytes_is_refused)
{
    const hsize_t rows = 1 << 20;
    ck_assert_int_eq(opened(file_of(chunked(rows, 300), (const hsize_t[]){rows, 300}, false)), TW_DATA);
    has("has chunks of 1.2 GiB");
    has("h5repack");
}
END_TEST

START_TEST(a_few_stored_bytes_that_claim_terabytes_are_refused)
{
    const hsize_t shape[] = {(hsize_t)1 << 40, N};
    hid_t creation = chunked(M, N);
    H5Pset_deflate(creation, 9);
    ck_assert_int_eq(opened(file_of(creation, shape, true)), TW_DATA);
    has("claims 20.0 TiB");
    has("cannot hold that");
    ck_assert_int_eq(opened(file_of(chunked(M, N), shape, true)), TW_DATA);
    has("cannot hold that");
}
END_TEST

/* Replace every number of 8 bytes in a file. */
static void replace(const char *path, uint64_t from, uint64_t to)
{
    static unsigned char bytes[1 << 20];
    int found = 0;
    FILE *file = fopen(path, "r+b");
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    for (size_t at = 0; at + 8 <= size; at++)
        if (memcmp(bytes + at, &from, 8) == 0) {
            memcpy(bytes + at, &to, 8);
            found++;
        }
    rewind(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
    ck_assert_int_gt(found, 0);
}

START_TEST(contiguous_values_beyond_the_end_of_the_file_are_refused)
{
    enum { ROWS = 12345 };
    double *const values = calloc(ROWS, sizeof *values);
    const char *path = test_path("c.h5");
    test_write_plain(path, ROWS, 1, values, values);
    ck_assert_int_eq(opened(path), TW_OK);
    replace(path, ROWS, (uint64_t)1 << 40);
    ck_assert_int_eq(opened(path), TW_DATA);
    replace(path, ROWS * sizeof *values, (uint64_t)8 << 40);
    ck_assert_int_eq(opened(path), TW_DATA);
    has("of a file of");
    free(values);
}
END_TEST

START_TEST(a_link_of_a_users_own_kind_is_not_followed)
{
    const char *path = test_path("u.h5");
    const H5L_class_t kind = {.version = H5L_LINK_CLASS_T_VERS, .id = (H5L_type_t)200, .comment = "own"};
    test_write_plain(path, M, N, zeros, zeros);
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    H5Lregister(&kind);
    H5Lmove(file, "X", file, "real", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_ud(file, "X", (H5L_type_t)200, "far", 4, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    ck_assert_int_eq(opened(path), TW_DATA);
    has("/real (12, 5) f64");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("storage");
    TCase *t = tcase_create("storage");
    tcase_add_checked_fixture(t, test_folder_enter, test_folder_leave);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, gzip_shuffle_and_fletcher32_are_taken_together);
    tcase_add_test(t, filters_that_expand_without_bounds_are_refused);
    tcase_add_test(t, a_chunk_that_takes_gigabytes_is_refused);
    tcase_add_test(t, a_few_stored_bytes_that_claim_terabytes_are_refused);
    tcase_add_test(t, contiguous_values_beyond_the_end_of_the_file_are_refused);
    tcase_add_test(t, a_link_of_a_users_own_kind_is_not_followed);
    suite_add_tcase(s, t);
    return test_run(s);
}
