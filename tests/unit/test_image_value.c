/* Arrays, strings and attributes in files of ours, and what strangers put there instead. */
#include "thalweg/image.h"

#include "thalweg/dataset.h"

#include "scratch.h"

#include <math.h>
#include <stdint.h>

static hid_t file;

static void set_up(void)
{
    tw_dataset_start();
    scratch_make();
    ck_assert_int_eq(tw_image_create(&file), TW_OK);
}

static void tear_down(void)
{
    H5Fclose(file);
    scratch_remove();
}

/* Commit and open again. */
static void through_the_disk(void)
{
    ck_assert_int_eq(tw_image_commit(file, "test", in_scratch("a")), TW_OK);
    H5Fclose(file);
    ck_assert_int_eq(tw_image_open(in_scratch("a"), "test", &file, NULL), TW_OK);
}

static void assert_array(const char *name, tw_image_type type, const size_t shape[2], const void *expected)
{
    size_t found[2];
    void *values;
    const size_t count = shape[0] * (shape[1] ? shape[1] : 1);
    ck_assert_int_eq(tw_image_get(file, name, type, found, &values), TW_OK);
    ck_assert(found[0] == shape[0] && found[1] == shape[1]);
    if (count) ck_assert_mem_eq(values, expected, 8 * count);
    free(values);
}

START_TEST(arrays_come_back_bit_for_bit)
{
    const double odd[6] = {-0.0, 5e-324, 1.7976931348623157e308, -INFINITY, 0x1.23456789abcdfp-3, -NAN};
    const int64_t whole[2] = {INT64_MIN, INT64_MAX};
    const uint64_t large[1] = {UINT64_MAX};
    const size_t line[2] = {6, 0}, matrix[2] = {3, 2}, two[2] = {2, 0}, one[2] = {1, 0}, none[2] = {0, 0};
    ck_assert_int_eq(tw_image_put(file, "/line", TW_IMAGE_F64, line, odd), TW_OK);
    ck_assert_int_eq(tw_image_put(file, "/matrix", TW_IMAGE_F64, matrix, odd), TW_OK);
    ck_assert_int_eq(tw_image_put(file, "/whole", TW_IMAGE_I64, two, whole), TW_OK);
    ck_assert_int_eq(tw_image_put(file, "/large", TW_IMAGE_U64, one, large), TW_OK);
    ck_assert_int_eq(tw_image_put_group(file, "/inner"), TW_OK);
    ck_assert_int_eq(tw_image_put(file, "/inner/none", TW_IMAGE_F64, none, NULL), TW_OK);
    through_the_disk();
    assert_array("/line", TW_IMAGE_F64, line, odd);
    assert_array("/matrix", TW_IMAGE_F64, matrix, odd);
    assert_array("/whole", TW_IMAGE_I64, two, whole);
    assert_array("/large", TW_IMAGE_U64, one, large);
    assert_array("/inner/none", TW_IMAGE_F64, none, NULL);
    assert_array("/whole", TW_IMAGE_F64, two, (double[]){-0x1p63, 0x1p63});
    ck_assert(!tw_image_has(file, "/inner/some"));
}
END_TEST

START_TEST(strings_and_attributes_come_back)
{
    enum { LENGTH = 300000 }; /* longer than an object header */
    char *const words[3] = {"", "setosa", "größer"};
    const int64_t whole = INT64_MIN;
    const uint64_t large = UINT64_MAX;
    const double real = -0x1.8p-1070;
    char *const text = calloc(LENGTH + 1, 1), **found, *note;
    size_t count;
    int64_t whole_found;
    uint64_t large_found;
    double real_found;
    memset(text, 'c', LENGTH);
    ck_assert_int_eq(tw_image_put_strings(file, "/words", 3, words), TW_OK);
    ck_assert_int_eq(tw_image_put_text(file, "/", "long", text), TW_OK);
    ck_assert_int_eq(tw_image_put_text(file, "/", "empty", ""), TW_OK);
    ck_assert_int_eq(tw_image_put_number(file, "/", "whole", TW_IMAGE_I64, &whole), TW_OK);
    ck_assert_int_eq(tw_image_put_number(file, "/", "large", TW_IMAGE_U64, &large), TW_OK);
    ck_assert_int_eq(tw_image_put_number(file, "/", "real", TW_IMAGE_F64, &real), TW_OK);
    through_the_disk();
    ck_assert_int_eq(tw_image_get_strings(file, "/words", &count, &found), TW_OK);
    ck_assert_uint_eq(count, 3);
    for (size_t i = 0; i < 3; i++) ck_assert_str_eq(found[i], words[i]);
    free(found);
    ck_assert_int_eq(tw_image_get_text(file, "long", &note), TW_OK);
    ck_assert_str_eq(note, text);
    free(note);
    ck_assert_int_eq(tw_image_get_text(file, "empty", &note), TW_OK);
    ck_assert_str_eq(note, "");
    free(note);
    ck_assert_int_eq(tw_image_get_number(file, "whole", TW_IMAGE_I64, &whole_found), TW_OK);
    ck_assert_int_eq(tw_image_get_number(file, "large", TW_IMAGE_U64, &large_found), TW_OK);
    ck_assert_int_eq(tw_image_get_number(file, "real", TW_IMAGE_F64, &real_found), TW_OK);
    ck_assert(whole_found == whole && large_found == large && real_found == real);
    ck_assert_int_eq(tw_image_attribute_kind(file, "long"), TW_IMAGE_TEXT);
    ck_assert_int_eq(tw_image_attribute_kind(file, "whole"), TW_IMAGE_WHOLE);
    ck_assert_int_eq(tw_image_attribute_kind(file, "real"), TW_IMAGE_REAL);
    ck_assert_int_eq(tw_image_attribute_kind(file, "none"), TW_IMAGE_ABSENT);
    free(text);
}
END_TEST

static void put_foreign(const char *name, hid_t type, int rank, const hsize_t *dims, hid_t creation)
{
    const hid_t space = rank ? H5Screate_simple(rank, dims, NULL) : H5Screate(H5S_SCALAR);
    const hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    ck_assert_int_ge(set, 0);
    H5Dclose(set);
    H5Sclose(space);
}

static void assert_refused(const char *name, const char *says)
{
    size_t shape[2], count;
    void *values = &shape;
    char **words = NULL;
    ck_assert_int_eq(tw_image_get(file, name, TW_IMAGE_F64, shape, &values), TW_DATA);
    ck_assert_ptr_null(values);
    ck_assert_says(says);
    ck_assert_says(name);
    ck_assert_int_eq(tw_image_get_strings(file, name, &count, &words), TW_DATA);
    ck_assert_ptr_null(words);
}

START_TEST(a_small_file_cannot_claim_many_values)
{
    const hsize_t dims[2] = {(hsize_t)1 << 40, 1}, huge[2] = {(hsize_t)1 << 40, (hsize_t)1 << 40},
                  chunk[2] = {1024, 1};
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE), text = H5Tcopy(H5T_C_S1);
    H5Pset_chunk(creation, 2, chunk);
    H5Tset_size(text, H5T_VARIABLE);
    put_foreign("/bomb", H5T_IEEE_F64LE, 2, dims, creation);
    put_foreign("/huge", H5T_STD_I8LE, 2, huge, creation);
    put_foreign("/words", text, 2, dims, creation);
    H5Tclose(text);
    H5Pclose(creation);
    through_the_disk();
    assert_refused("/bomb", "claims more values");
    assert_refused("/huge", "claims more values");
    size_t count;
    char **words;
    ck_assert_int_eq(tw_image_get_strings(file, "/words", &count, &words), TW_DATA);
    ck_assert_says("claims more values");
}
END_TEST

START_TEST(links_and_foreign_storage_are_refused)
{
    const hsize_t dims[1] = {4};
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(creation, "/dev/zero", 0, 32);
    put_foreign("/outside", H5T_IEEE_F64LE, 1, dims, creation);
    H5Pclose(creation);
    put_foreign("/real", H5T_IEEE_F64LE, 1, dims, H5P_DEFAULT);
    H5Lcreate_soft("/real", file, "/soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_external("other.h5", "/real", file, "/elsewhere", H5P_DEFAULT, H5P_DEFAULT);
    ck_assert_int_eq(tw_image_put_group(file, "/group"), TW_OK);
    through_the_disk();
    assert_refused("/outside", "in other files");
    assert_refused("/soft", "not found");
    assert_refused("/elsewhere", "not found");
    assert_refused("/group", "not found");
    assert_refused("/nothing", "not found");
    ck_assert(tw_image_has(file, "/real"));
    ck_assert(!tw_image_has(file, "/soft"));
}
END_TEST

START_TEST(wrong_types_and_dimensions_are_named)
{
    const hsize_t dims[3] = {2, 2, 2}, empty[2] = {2, 0};
    const hid_t pair = H5Tcreate(H5T_COMPOUND, 16);
    H5Tinsert(pair, "a", 0, H5T_IEEE_F64LE);
    put_foreign("/pair", pair, 1, dims, H5P_DEFAULT);
    H5Tclose(pair);
    put_foreign("/cube", H5T_IEEE_F64LE, 3, dims, H5P_DEFAULT);
    put_foreign("/scalar", H5T_IEEE_F64LE, 0, NULL, H5P_DEFAULT);
    put_foreign("/empty", H5T_IEEE_F64LE, 2, empty, H5P_DEFAULT);
    put_foreign("/real", H5T_IEEE_F32LE, 1, dims, H5P_DEFAULT);
    through_the_disk();
    assert_refused("/pair", "has type compound, numbers are needed");
    assert_refused("/cube", "3 dimensions");
    assert_refused("/scalar", "0 dimensions");
    assert_refused("/empty", "is empty");
    size_t shape[2];
    void *values;
    ck_assert_int_eq(tw_image_get(file, "/real", TW_IMAGE_I64, shape, &values), TW_DATA);
    ck_assert_says("whole numbers are needed");
}
END_TEST

/* Integers of 128 bits, which HDF5 1.10 converts over the end of its stack, and an exponent of 200. */
static hid_t overlong(bool whole)
{
    const hid_t type = H5Tcopy(whole ? H5T_STD_I64LE : H5T_IEEE_F64LE);
    ck_assert_int_ge(H5Tset_size(type, whole ? 16 : 32), 0);
    ck_assert_int_ge(H5Tset_precision(type, whole ? 128 : 256), 0);
    if (!whole) ck_assert_int_ge(H5Tset_fields(type, 255, 55, 200, 0, 55), 0);
    return type;
}

START_TEST(numbers_that_hdf5_cannot_convert_are_refused)
{
    unsigned char bytes[64];
    size_t shape[2];
    void *values;
    double number;
    memset(bytes, 0x6b, sizeof bytes);
    const hid_t type = overlong(_i), space = H5Screate_simple(1, (hsize_t[1]){2}, NULL),
                single = H5Screate(H5S_SCALAR);
    const hid_t set = H5Dcreate2(file, "/a", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                attribute = H5Acreate2(file, "n", type, single, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert_int_ge(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes), 0);
    ck_assert_int_ge(H5Awrite(attribute, type, bytes), 0);
    ck_assert_int_ge(
        H5Dclose(set) | H5Aclose(attribute) | H5Sclose(space) | H5Sclose(single) | H5Tclose(type), 0);
    ck_assert_int_eq(tw_image_get(file, "/a", TW_IMAGE_F64, shape, &values), TW_DATA);
    ck_assert_says("of another size");
    ck_assert_ptr_null(values);
    ck_assert_int_eq(tw_image_attribute_kind(file, "n"), TW_IMAGE_OTHER);
    ck_assert_int_eq(tw_image_get_number(file, "n", TW_IMAGE_F64, &number), TW_DATA);
}
END_TEST

START_TEST(strings_never_written_are_empty)
{
    const hsize_t dims[2] = {2, 2};
    const hid_t text = H5Tcopy(H5T_C_S1);
    size_t count;
    char **words;
    H5Tset_size(text, H5T_VARIABLE);
    put_foreign("/words", text, 1, dims, H5P_DEFAULT);
    put_foreign("/grid", text, 2, dims, H5P_DEFAULT);
    H5Tclose(text);
    through_the_disk();
    ck_assert_int_eq(tw_image_get_strings(file, "/words", &count, &words), TW_OK);
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(words[0], "");
    ck_assert_str_eq(words[1], "");
    free(words);
    ck_assert_int_eq(tw_image_get_strings(file, "/grid", &count, &words), TW_DATA);
    ck_assert_says("2 dimensions, 1 is needed");
}
END_TEST

START_TEST(attributes_of_another_type_are_refused)
{
    const double pair[2] = {1, 2}, real = 0.5;
    const hid_t space = H5Screate_simple(1, (hsize_t[1]){2}, NULL);
    const hid_t attribute = H5Acreate2(file, "pair", H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);
    int64_t whole;
    double number;
    char *text;
    H5Awrite(attribute, H5T_NATIVE_DOUBLE, pair);
    H5Aclose(attribute);
    H5Sclose(space);
    ck_assert_int_eq(tw_image_put_number(file, "/", "real", TW_IMAGE_F64, &real), TW_OK);
    ck_assert_int_eq(tw_image_put_text(file, "/", "text", "7"), TW_OK);
    through_the_disk();
    ck_assert_int_eq(tw_image_attribute_kind(file, "pair"), TW_IMAGE_OTHER);
    ck_assert_int_eq(tw_image_get_number(file, "pair", TW_IMAGE_F64, &number), TW_DATA);
    ck_assert_int_eq(tw_image_get_number(file, "text", TW_IMAGE_F64, &number), TW_DATA);
    ck_assert_int_eq(tw_image_get_number(file, "real", TW_IMAGE_I64, &whole), TW_DATA);
    ck_assert_says("'real' is no whole number");
    ck_assert_int_eq(tw_image_get_number(file, "none", TW_IMAGE_I64, &whole), TW_DATA);
    ck_assert_says("'none' is missing");
    ck_assert_int_eq(tw_image_get_text(file, "real", &text), TW_DATA);
    ck_assert_ptr_null(text);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("image_value");
    TCase *const cases = tcase_create("all");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, arrays_come_back_bit_for_bit);
    tcase_add_test(cases, strings_and_attributes_come_back);
    tcase_add_test(cases, a_small_file_cannot_claim_many_values);
    tcase_add_test(cases, links_and_foreign_storage_are_refused);
    tcase_add_test(cases, wrong_types_and_dimensions_are_named);
    tcase_add_loop_test(cases, numbers_that_hdf5_cannot_convert_are_refused, 0, 2);
    tcase_add_test(cases, strings_never_written_are_empty);
    tcase_add_test(cases, attributes_of_another_type_are_refused);
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
