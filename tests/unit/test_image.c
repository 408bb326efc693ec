/* The sealed envelope: round trips, and every kind of damage refused before HDF5 sees it. */
#include "thalweg/image.h"

#include "thalweg/dataset.h"

#include "scratch.h"

#include <math.h>

static const double odd[5] = {-0.0, 5e-324, 1.7976931348623157e308, -INFINITY, 0x1.23456789abcdfp-3};

static void make_image(hid_t *file)
{
    char *const words[2] = {"setosa", "größer"};
    ck_assert_int_eq(tw_image_create(file), TW_OK);
    ck_assert_int_eq(tw_image_put(*file, "/odd", TW_IMAGE_F64, (size_t[2]){5, 0}, odd), TW_OK);
    ck_assert_int_eq(tw_image_put_group(*file, "/inner"), TW_OK);
    ck_assert_int_eq(tw_image_put_strings(*file, "/words", 2, words), TW_OK);
    ck_assert_int_eq(tw_image_put_text(*file, "/", "note", "kept"), TW_OK);
}

static void commit_image(const char *path)
{
    hid_t file;
    make_image(&file);
    ck_assert_int_eq(tw_image_commit(file, "model", path), TW_OK);
    ck_assert_int_ge(H5Fclose(file), 0);
}

/* Status of opening as a model; the file is closed again. */
static tw_status try_open(const char *path, bool *edited)
{
    hid_t file;
    const tw_status status = tw_image_open(path, "model", &file, edited);
    ck_assert((status == TW_OK) == (file >= 0));
    if (file >= 0) H5Fclose(file);
    return status;
}

static void set_up(void)
{
    tw_dataset_start();
    scratch_make();
}

/* ---- round trips ---- */

START_TEST(the_same_contents_give_the_same_bytes)
{
    size_t first_size, second_size;
    commit_image(in_scratch("a"));
    usleep(1100000); /* a time stamp would differ */
    commit_image(in_scratch("b"));
    char *const first = slurp(in_scratch("a"), &first_size), *const second =
                                                                 slurp(in_scratch("b"), &second_size);
    ck_assert_uint_eq(first_size, second_size);
    ck_assert_mem_eq(first, second, first_size);
    free(first);
    free(second);
}
END_TEST

START_TEST(plain_hdf5_opens_the_file_as_it_is)
{
    double values[5];
    commit_image(in_scratch("a"));
    const hid_t file = H5Fopen(in_scratch("a"), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t set = H5Dopen2(file, "/odd", H5P_DEFAULT);
    ck_assert_int_ge(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    ck_assert_mem_eq(values, odd, sizeof odd);
    H5Dclose(set);
    H5Fclose(file);
}
END_TEST

START_TEST(the_file_is_the_header_and_the_image_of_hdf5)
{
    hid_t file;
    size_t size;
    double many[4000];
    for (int i = 0; i < 4000; i++) many[i] = i;
    make_image(&file);
    ck_assert_int_eq(tw_image_put(file, "/many", TW_IMAGE_F64, (size_t[2]){4000, 0}, many), TW_OK);
    ck_assert_int_eq(tw_image_commit(file, "model", in_scratch("a")), TW_OK);
    char *const bytes = slurp(in_scratch("a"), &size), *const image = malloc(size);
    ck_assert_int_eq(H5Fget_file_image(file, image, size), (ssize_t)size - TW_IMAGE_HEADER);
    ck_assert_mem_eq(bytes + TW_IMAGE_HEADER, image, size - TW_IMAGE_HEADER);
    ck_assert_int_ge(H5Fclose(file), 0);
    free(image);
    free(bytes);
}
END_TEST

START_TEST(two_open_images_of_one_name_are_two_files)
{
    hid_t file, old, new;
    ck_assert_int_eq(tw_image_create(&file), TW_OK);
    ck_assert_int_eq(tw_image_create(&new), TW_OK);
    ck_assert_int_eq(tw_image_put_group(new, "/second"), TW_OK);
    ck_assert_int_eq(tw_image_commit(file, "model", in_scratch("a")), TW_OK);
    H5Fclose(file);
    ck_assert_int_eq(tw_image_open(in_scratch("a"), "model", &old, NULL), TW_OK);
    ck_assert_int_eq(tw_image_commit(new, "model", in_scratch("a")), TW_OK);
    H5Fclose(new);
    ck_assert_int_eq(tw_image_open(in_scratch("a"), "model", &new, NULL), TW_OK);
    ck_assert_int_eq(H5Lexists(old, "second", H5P_DEFAULT), 0);
    ck_assert_int_eq(H5Lexists(new, "second", H5P_DEFAULT), 1);
    H5Fclose(old);
    H5Fclose(new);
}
END_TEST

/* ---- damage ---- */

START_TEST(every_flipped_bit_is_refused)
{
    size_t size;
    commit_image(in_scratch("a"));
    char *const bytes = slurp(in_scratch("a"), &size);
    for (size_t at = 0; at < size; at++) {
        const char flipped = (char)(bytes[at] ^ 1 << at % 8);
        overwrite(in_scratch("a"), at, 1, &flipped);
        ck_assert_msg(try_open(in_scratch("a"), NULL) == TW_DATA, "byte %zu of %zu", at, size);
        overwrite(in_scratch("a"), at, 1, &bytes[at]);
    }
    ck_assert_int_eq(try_open(in_scratch("a"), NULL), TW_OK);
    free(bytes);
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    size_t size;
    commit_image(in_scratch("a"));
    char *const bytes = slurp(in_scratch("a"), &size);
    for (size_t length = size; length-- > 0;) {
        ck_assert_int_eq(truncate(in_scratch("a"), (off_t)length), 0);
        ck_assert_msg(try_open(in_scratch("a"), NULL) == TW_DATA, "%zu bytes of %zu", length, size);
    }
    spill(in_scratch("a"), size + 1, bytes); /* the zero that slurp adds */
    ck_assert_int_eq(try_open(in_scratch("a"), NULL), TW_DATA);
    free(bytes);
}
END_TEST

START_TEST(blocks_that_change_places_are_refused)
{
    size_t size;
    char kept[512];
    commit_image(in_scratch("a"));
    char *const bytes = slurp(in_scratch("a"), &size);
    ck_assert_uint_ge(size, 2048);
    memcpy(kept, bytes + 512, 512);
    memcpy(bytes + 512, bytes + 1024, 512);
    memcpy(bytes + 1024, kept, 512);
    spill(in_scratch("b"), size, bytes);
    ck_assert_int_eq(try_open(in_scratch("b"), NULL), TW_DATA);
    memset(bytes, 0, size);
    spill(in_scratch("b"), size, bytes);
    ck_assert_int_eq(try_open(in_scratch("b"), NULL), TW_DATA);
    free(bytes);
}
END_TEST

START_TEST(a_copy_in_text_mode_is_called_by_its_name)
{
    size_t size, length = 0;
    commit_image(in_scratch("a"));
    char *const bytes = slurp(in_scratch("a"), &size);
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != '\r' || bytes[i + 1] != '\n') bytes[length++] = bytes[i];
    spill(in_scratch("b"), length, bytes);
    ck_assert_int_eq(try_open(in_scratch("b"), NULL), TW_DATA);
    ck_assert_says("copied as text");
    free(bytes);
}
END_TEST

/* Another kind and a newer version are refused whether edits are allowed or not. */
START_TEST(another_kind_and_a_newer_version_are_refused)
{
    hid_t file;
    bool edited;
    size_t size;
    commit_image(in_scratch("a"));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(tw_image_open(in_scratch("a"), "checkpoint", &file, i ? &edited : NULL), TW_DATA);
        ck_assert_says("is a thalweg model, not a checkpoint");
    }
    char *const bytes = slurp(in_scratch("a"), &size);
    bytes[16] = 2;
    spill(in_scratch("a"), size, bytes);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(try_open(in_scratch("a"), i ? &edited : NULL), TW_DATA);
        ck_assert_says("newer thalweg");
    }
    free(bytes);
}
END_TEST

START_TEST(what_is_no_file_of_ours_is_refused)
{
    bool edited;
    char table[700];
    memset(table, '1', sizeof table);
    spill(in_scratch("table.csv"), sizeof table, table);
    spill(in_scratch("short"), 3, "abc");
    for (int i = 0; i < 2; i++) {
        bool *const allowed = i ? &edited : NULL;
        ck_assert_int_eq(try_open(in_scratch("table.csv"), allowed), TW_DATA);
        ck_assert_says("is no HDF5 file");
        ck_assert_int_eq(try_open(in_scratch("short"), allowed), TW_DATA);
        ck_assert_int_eq(try_open(in_scratch("none"), allowed), TW_INPUT);
        ck_assert_int_eq(try_open(scratch, allowed), TW_INPUT);
    }
}
END_TEST

/* ---- edits ---- */

START_TEST(an_edit_by_another_program_is_opened_only_where_allowed)
{
    hid_t file;
    void *values;
    size_t shape[2];
    bool edited = false;
    const double changed[5] = {1, 2, 3, 4, 5};
    commit_image(in_scratch("a"));
    file = H5Fopen(in_scratch("a"), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t set = H5Dopen2(file, "/odd", H5P_DEFAULT);
    ck_assert_int_ge(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, changed), 0);
    H5Dclose(set);
    H5Fclose(file);
    ck_assert_int_eq(try_open(in_scratch("a"), NULL), TW_DATA);
    ck_assert_says("digest does not match");
    ck_assert_int_eq(tw_image_open(in_scratch("a"), "model", &file, &edited), TW_OK);
    ck_assert(edited);
    ck_assert_int_eq(tw_image_get(file, "/odd", TW_IMAGE_F64, shape, &values), TW_OK);
    ck_assert_mem_eq(values, changed, sizeof changed);
    free(values);
    H5Fclose(file);
}
END_TEST

START_TEST(a_file_without_our_header_counts_as_edited)
{
    size_t size;
    bool edited = false;
    commit_image(in_scratch("a"));
    char *const bytes = slurp(in_scratch("a"), &size);
    spill(in_scratch("b"), size - 512, bytes + 512);
    ck_assert_int_eq(try_open(in_scratch("b"), NULL), TW_DATA);
    ck_assert_says("without a header of thalweg");
    ck_assert_int_eq(try_open(in_scratch("b"), &edited), TW_OK);
    ck_assert(edited);
    bytes[0] = 0; /* the header is there, its magic is not */
    edited = false;
    spill(in_scratch("b"), size, bytes);
    ck_assert_int_eq(try_open(in_scratch("b"), &edited), TW_OK);
    ck_assert(edited);
    free(bytes);
}
END_TEST

START_TEST(a_damaged_header_never_crashes_even_where_edits_are_allowed)
{
    enum { MUTATIONS = 2000 };
    size_t size;
    int opened = 0, refused = 0;
    bool edited;
    commit_image(in_scratch("a"));
    char *const bytes = slurp(in_scratch("a"), &size);
    srandom(1);
    for (int i = 0; i < MUTATIONS; i++) {
        char header[TW_IMAGE_HEADER];
        memcpy(header, bytes, sizeof header);
        for (int n = 0; n < 1 + i % 4; n++)
            header[random() % (i % 2 ? 64 : TW_IMAGE_HEADER)] = (char)random();
        overwrite(in_scratch("a"), 0, sizeof header, header);
        const tw_status status = try_open(in_scratch("a"), &edited);
        opened += status == TW_OK;
        refused += status == TW_DATA;
    }
    free(bytes);
    ck_assert_int_eq(opened + refused, MUTATIONS);
    ck_assert_int_gt(opened, 0);
    ck_assert_int_gt(refused, 0);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("image");
    TCase *const cases = tcase_create("all");
    tcase_add_checked_fixture(cases, set_up, scratch_remove);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, the_same_contents_give_the_same_bytes);
    tcase_add_test(cases, plain_hdf5_opens_the_file_as_it_is);
    tcase_add_test(cases, the_file_is_the_header_and_the_image_of_hdf5);
    tcase_add_test(cases, two_open_images_of_one_name_are_two_files);
    tcase_add_test(cases, every_flipped_bit_is_refused);
    tcase_add_test(cases, every_truncation_is_refused);
    tcase_add_test(cases, blocks_that_change_places_are_refused);
    tcase_add_test(cases, a_copy_in_text_mode_is_called_by_its_name);
    tcase_add_test(cases, another_kind_and_a_newer_version_are_refused);
    tcase_add_test(cases, what_is_no_file_of_ours_is_refused);
    tcase_add_test(cases, an_edit_by_another_program_is_opened_only_where_allowed);
    tcase_add_test(cases, a_file_without_our_header_counts_as_edited);
    tcase_add_test(cases, a_damaged_header_never_crashes_even_where_edits_are_allowed);
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
