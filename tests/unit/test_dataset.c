/* test_dataset.c -- what is found in a file: names, shapes, types, storage. What is refused is in
 * test_dataset_errors.c; how rows are read in test_shard.c. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

enum { M = 12, N = 5 };

static const tw_dataset_names detect = {.need_labels = true};

/* A file with one (M, N) array and one (M) array of doubles under these names; NULL: without. */
static const char *file_with(const char *features, const char *labels)
{
    double x[M * N] = {1}, y[M] = {2};
    const char *path = test_path("a.h5");
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), type = H5T_NATIVE_DOUBLE;
    const hid_t link = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(link, 1);
    if (strchr(features, '/')) H5Gclose(H5Gcreate2(file, "train", link, H5P_DEFAULT, H5P_DEFAULT));
    test_write(file, features,
               &(test_array){.file_type = type, .memory_type = type, .rank = 2, .shape = {M, N}, .data = x});
    if (labels)
        test_write(file, labels,
                   &(test_array){.file_type = type, .memory_type = type, .rank = 1, .shape = {M}, .data = y});
    H5Pclose(link);
    H5Fclose(file);
    return path;
}

/* ---------------------------------------------------------------- names */

static const char *const pairs[][2] = {{"X", "y"},
                                       {"data", "label"},
                                       {"data", "labels"},
                                       {"features", "target"},
                                       {"features", "targets"},
                                       {"x_train", "y_train"}};

START_TEST(documented_pairs_of_names_are_detected)
{
    tw_dataset d;
    const char *wrong = "unset";
    ck_assert_int_eq(tw_dataset_open(&d, file_with(pairs[_i][0], pairs[_i][1]), &detect, &wrong), TW_OK);
    ck_assert_str_eq(d.features + 1, pairs[_i][0]);
    ck_assert_str_eq(d.labels + 1, pairs[_i][1]);
    ck_assert(d.features[0] == '/' && d.labels[0] == '/' && d.weights[0] == 0);
    ck_assert(d.rows == M && d.cols == N && d.type == TW_f64 && d.chunk_rows == 0 && !d.compressed);
    ck_assert_ptr_null(wrong);
}
END_TEST

START_TEST(a_label_of_another_pair_is_not_taken)
{
    tw_dataset d;
    const tw_dataset_names names = {.need_labels = false};
    ck_assert_int_eq(tw_dataset_open(&d, file_with("data", "target"), &names, NULL), TW_OK);
    ck_assert_str_eq(d.labels, "");
    ck_assert_int_eq(tw_dataset_open(&d, file_with("data", "target"), &detect, NULL), TW_DATA);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "no labels found"));
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "data.labels"));
}
END_TEST

START_TEST(named_data_sets_are_taken_with_and_without_a_slash_and_inside_groups)
{
    tw_dataset d;
    const tw_dataset_names plain = {.features = "pixels", .labels = "digit"};
    const tw_dataset_names slash = {.features = "/pixels", .labels = "/digit"};
    const tw_dataset_names deep = {.features = "train/pixels", .labels = "/train/digit"};
    ck_assert_int_eq(tw_dataset_open(&d, file_with("pixels", "digit"), &plain, NULL), TW_OK);
    ck_assert_str_eq(d.features, "/pixels");
    ck_assert_int_eq(tw_dataset_open(&d, test_path("a.h5"), &slash, NULL), TW_OK);
    ck_assert_str_eq(d.labels, "/digit");
    ck_assert_int_eq(tw_dataset_open(&d, file_with("train/pixels", "train/digit"), &deep, NULL), TW_OK);
    ck_assert_str_eq(d.features, "/train/pixels");
    ck_assert_str_eq(d.labels, "/train/digit");
}
END_TEST

START_TEST(sample_weight_is_detected_and_a_named_weight_preferred)
{
    double w[M] = {1};
    tw_dataset d;
    const test_array column = {
        .file_type = H5T_NATIVE_DOUBLE, .memory_type = H5T_NATIVE_DOUBLE, .rank = 1, .shape = {M}, .data = w};
    const tw_dataset_names named = {.weights = "omega"};
    const char *path = file_with("X", "y");
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    test_write(file, "sample_weight", &column);
    test_write(file, "omega", &column);
    H5Fclose(file);
    ck_assert_int_eq(tw_dataset_open(&d, path, &detect, NULL), TW_OK);
    ck_assert_str_eq(d.weights, "/sample_weight");
    ck_assert_int_eq(tw_dataset_open(&d, path, &named, NULL), TW_OK);
    ck_assert_str_eq(d.weights, "/omega");
}
END_TEST

START_TEST(a_description_is_one_line_and_a_list_names_everything)
{
    tw_dataset d;
    char text[2048], list[256], cut[8];
    const char *path = file_with("train/X", "train/y");
    const tw_dataset_names names = {.features = "train/X", .labels = "train/y"};
    ck_assert_int_eq(tw_dataset_open(&d, path, &names, NULL), TW_OK);
    tw_dataset_describe(&d, sizeof text, text);
    ck_assert_ptr_nonnull(strstr(text, "a.h5:/train/X  12 x 5 f64, /train/y"));
    ck_assert_int_eq(tw_dataset_list(path, " | ", sizeof list, list), TW_OK);
    ck_assert_str_eq(list, "/train/X (12, 5) f64 | /train/y (12) f64");
    ck_assert_int_eq(tw_dataset_list(path, " | ", sizeof cut, cut), TW_OK);
    ck_assert_str_eq(cut, "/train/");
}
END_TEST

/* ---------------------------------------------------------------- types */

static const struct {
    hid_t *file_type;
    tw_dtype memory;
    const char *name;
} wide[] = {
    {&H5T_STD_U8LE_g, TW_u8, "u8"},     {&H5T_STD_I8BE_g, TW_i8, "i8"},    {&H5T_STD_I16BE_g, TW_i16, "i16"},
    {&H5T_STD_U16LE_g, TW_f32, "u16"},  {&H5T_STD_U16BE_g, TW_f32, "u16"}, {&H5T_STD_I32LE_g, TW_f64, "i32"},
    {&H5T_STD_U32BE_g, TW_f64, "u32"},  {&H5T_STD_I64LE_g, TW_f64, "i64"}, {&H5T_STD_U64LE_g, TW_f64, "u64"},
    {&H5T_IEEE_F32BE_g, TW_f32, "f32"}, {&H5T_IEEE_F64BE_g, TW_f64, "f64"}};

START_TEST(integers_and_floats_of_the_file_have_a_type_in_memory)
{
    double x[M * N] = {0}, y[M] = {0};
    tw_dataset d;
    char list[256], expected[64];
    const char *path = test_path("t.h5");
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    test_array a = {.file_type = *wide[_i].file_type,
                    .memory_type = H5T_NATIVE_DOUBLE,
                    .rank = 2,
                    .shape = {M, N},
                    .data = x};
    test_write(file, "X", &a);
    a.rank = 1;
    a.data = y;
    test_write(file, "y", &a);
    H5Fclose(file);
    ck_assert_int_eq(tw_dataset_open(&d, path, &detect, NULL), TW_OK);
    ck_assert_int_eq(d.type, wide[_i].memory);
    ck_assert_int_eq(tw_dataset_list(path, ";", sizeof list, list), TW_OK);
    snprintf(expected, sizeof expected, "/X (12, 5) %s;/y (12) %s", wide[_i].name, wide[_i].name);
    ck_assert_str_eq(list, expected);
}
END_TEST

START_TEST(sixteen_bit_floats_are_told_apart)
{
    const tw_dtype types[] = {TW_f16, TW_bf16};
    uint16_t x[M * N] = {0};
    tw_dataset d;
    const tw_dataset_names names = {.need_labels = false};
    for (int i = 0; i < 4; i++) {
        const char *path = test_path("t.h5");
        const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        const hid_t type = test_file_type(types[i / 2], i % 2);
        test_write(
            file, "X",
            &(test_array){.file_type = type, .memory_type = type, .rank = 2, .shape = {M, N}, .data = x});
        H5Tclose(type);
        H5Fclose(file);
        ck_assert_int_eq(tw_dataset_open(&d, path, &names, NULL), TW_OK);
        ck_assert_int_eq(d.type, types[i / 2]);
    }
}
END_TEST

START_TEST(chunks_and_filters_are_noticed)
{
    double x[M * N] = {0};
    tw_dataset d;
    const tw_dataset_names names = {.need_labels = false};
    for (int filtered = 0; filtered < 2; filtered++) {
        const char *path = test_path("c.h5");
        const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), type = H5T_NATIVE_DOUBLE;
        test_write(file, "X",
                   &(test_array){.file_type = type,
                                 .memory_type = type,
                                 .rank = 2,
                                 .shape = {M, N},
                                 .chunk = {5, N},
                                 .compressed = filtered,
                                 .data = x});
        H5Fclose(file);
        ck_assert_int_eq(tw_dataset_open(&d, path, &names, NULL), TW_OK);
        ck_assert_int_eq(d.chunk_rows, 5);
        ck_assert_int_eq(d.compressed, filtered);
    }
}
END_TEST

/* ---------------------------------------------------------------- strings */

static void write_strings(hid_t file, const char *name, hid_t type, const void *data, hsize_t count)
{
    test_write(
        file, name,
        &(test_array){.file_type = type, .memory_type = type, .rank = 1, .shape = {count}, .data = data});
}

START_TEST(names_are_read_from_fixed_and_variable_strings)
{
    const char *const words[] = {"age", "", "h\xc3\xb6hen"};
    const char fixed[3][6] = {"age", "", "h\xc3\xb6hen"}; /* the last one fills its place */
    const char *path = test_path("s.h5");
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t variable = H5Tcopy(H5T_C_S1), padded = H5Tcopy(H5T_C_S1);
    H5Tset_size(variable, H5T_VARIABLE);
    H5Tset_cset(variable, H5T_CSET_UTF8);
    write_strings(file, "variable", variable, words, 3);
    H5Tset_size(padded, 6);
    H5Tset_strpad(padded, H5T_STR_NULLPAD);
    write_strings(file, "fixed", padded, fixed, 3);
    H5Tclose(padded);
    H5Tclose(variable);
    write_strings(file, "numbers", H5T_NATIVE_INT, (const int[]){1, 2, 3}, 3);
    H5Fclose(file);
    static const char *const names[] = {"/variable", "/fixed"};
    for (int i = 0; i < 2; i++) {
        size_t count;
        char **strings;
        ck_assert_int_eq(tw_dataset_strings(path, names[i], &count, &strings), TW_OK);
        ck_assert_uint_eq(count, 3);
        for (int k = 0; k < 3; k++) ck_assert_str_eq(strings[k], words[k]);
        free(strings);
    }
    static const char *const none[] = {"/numbers", "/absent", "/variable/x"};
    for (int i = 0; i < 3; i++) {
        size_t count = 9;
        char **strings;
        ck_assert_int_eq(tw_dataset_strings(path, none[i], &count, &strings), TW_OK);
        ck_assert(count == 0 && strings == NULL);
    }
}
END_TEST

int main(void)
{
    H5open();
    Suite *s = suite_create("dataset");
    TCase *names = tcase_create("names"), *types = tcase_create("types");
    tcase_add_checked_fixture(names, test_folder_enter, test_folder_leave);
    tcase_add_checked_fixture(types, test_folder_enter, test_folder_leave);
    tcase_add_loop_test(names, documented_pairs_of_names_are_detected, 0, sizeof pairs / sizeof *pairs);
    tcase_add_test(names, a_label_of_another_pair_is_not_taken);
    tcase_add_test(names, named_data_sets_are_taken_with_and_without_a_slash_and_inside_groups);
    tcase_add_test(names, sample_weight_is_detected_and_a_named_weight_preferred);
    tcase_add_test(names, a_description_is_one_line_and_a_list_names_everything);
    tcase_add_test(names, names_are_read_from_fixed_and_variable_strings);
    tcase_add_loop_test(types, integers_and_floats_of_the_file_have_a_type_in_memory, 0,
                        sizeof wide / sizeof *wide);
    tcase_add_test(types, sixteen_bit_floats_are_told_apart);
    tcase_add_test(types, chunks_and_filters_are_noticed);
    suite_add_tcase(s, names);
    suite_add_tcase(s, types);
    return test_run(s);
}
