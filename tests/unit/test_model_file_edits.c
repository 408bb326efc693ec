/* model.h5 after others had it: edited by hand, incomplete, or never a model at all. */
#include "thalweg/dataset.h"
#include "thalweg/model_file.h"

#include "scratch.h"
#include "some_model.h"

#include <hdf5.h>

static const char *path;
static tw_model_file good;

/* A softmax of 3 classes and 5 features, scaled, with names; its path stays the same throughout a test. */
static void set_up(void)
{
    static char kept[1024];
    tw_model model;
    tw_dataset_start();
    scratch_make();
    snprintf(kept, sizeof kept, "%s", in_scratch("model.h5"));
    path = kept;
    ck_assert_int_eq(tw_model_init(&model, tw_model_find("softmax"), SOME_FEATURES, 3, true), TW_OK);
    some_file(&good, &model, true, true);
    ck_assert_int_eq(tw_model_file_write(&good, path), TW_OK);
    tw_model_release(&model);
}

static void tear_down(void)
{
    tw_model_file_release(&good);
    scratch_remove();
}

/* ---- edits ---- */

static hid_t edit_begin(void)
{
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    ck_assert_int_ge(file, 0);
    return file;
}

static void put_array(hid_t file, const char *name, hid_t type, const size_t shape[2], double fill)
{
    double values[64];
    const hsize_t dims[2] = {shape[0], shape[1]};
    for (size_t i = 0; i < 64; i++) values[i] = fill;
    const hid_t space = H5Screate_simple(shape[1] ? 2 : 1, dims, NULL);
    const hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert_int_ge(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values), 0);
    H5Dclose(set);
    H5Sclose(space);
}

static void put_attribute(hid_t file, const char *name, hid_t type, const void *value)
{
    if (H5Aexists(file, name) > 0) H5Adelete(file, name);
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert_int_ge(H5Awrite(attribute, type, value), 0);
    H5Aclose(attribute);
    H5Sclose(space);
}

static void put_fixed_text(hid_t file, const char *name, const char *text)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, strlen(text));
    H5Tset_strpad(type, H5T_STR_NULLPAD); /* as numpy's bytes */
    put_attribute(file, name, type, text);
    H5Tclose(type);
}

static void put_h5py_bool(hid_t file, const char *name, int8_t value)
{
    const hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
    H5Tenum_insert(type, "FALSE", &(int8_t){0});
    H5Tenum_insert(type, "TRUE", &(int8_t){1});
    put_attribute(file, name, type, &value);
    H5Tclose(type);
}

static void put_fixed_strings(hid_t file, const char *name, size_t count, const char *bytes, size_t each)
{
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, (hsize_t[1]){count}, NULL);
    H5Tset_size(type, each);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Ldelete(file, name, H5P_DEFAULT);
    const hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert_int_ge(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes), 0);
    H5Dclose(set);
    H5Sclose(space);
    H5Tclose(type);
}

enum { ARRAY, DROP, TEXT, NUMBER, DROP_ATTRIBUTE };

static const struct {
    int what;
    const char *name, *text;
    size_t shape[2];
    double fill;
    const char *says;
} edits[] = {
    {.what = DROP, .name = "/coef_", .says = "'/coef_' not found"},
    {.what = DROP, .name = "/intercept_", .says = "'/intercept_' not found"},
    {.what = DROP, .name = "/coef_scaled_", .says = "'/coef_scaled_' not found"},
    {.what = DROP, .name = "/intercept_scaled_", .says = "'/intercept_scaled_' not found"},
    {.what = DROP, .name = "/mean_", .says = "'/mean_' not found"},
    {.what = DROP, .name = "/scale_", .says = "'/scale_' not found"},
    {.what = DROP, .name = "/classes_", .says = "'/classes_' not found"},
    {.what = DROP, .name = "/history/loss", .says = "'/history/loss' not found"},
    {.what = ARRAY, .name = "/coef_", .shape = {15}, .says = "needs two dimensions"},
    {.what = ARRAY,
     .name = "/coef_",
     .shape = {3, 6},
     .says = "'/coef_scaled_' has shape (3, 5), the others ask for (3, 6)"},
    {.what = ARRAY,
     .name = "/coef_",
     .shape = {4, 5},
     .says = "'/intercept_' has shape (3), the others ask for (4)"},
    {.what = ARRAY, .name = "/coef_", .shape = {3, 5}, .fill = NAN, .says = "value 0 of coef_ is not finite"},
    {.what = ARRAY, .name = "/coef_scaled_", .shape = {5, 3}, .says = "has shape (5, 3)"},
    {.what = ARRAY,
     .name = "/intercept_",
     .shape = {3},
     .fill = INFINITY,
     .says = "intercept_ is not finite"},
    {.what = ARRAY,
     .name = "/intercept_",
     .shape = {3, 1},
     .says = "has shape (3, 1), the others ask for (3)"},
    {.what = ARRAY,
     .name = "/intercept_scaled_",
     .shape = {3},
     .fill = NAN,
     .says = "intercept_scaled_ is not"},
    {.what = ARRAY,
     .name = "/coef_scaled_",
     .shape = {3, 5},
     .fill = NAN,
     .says = "coef_scaled_ is not finite"},
    {.what = ARRAY, .name = "/mean_", .shape = {5}, .fill = INFINITY, .says = "mean_ is not finite"},
    {.what = ARRAY, .name = "/class_values_", .shape = {3}, .fill = NAN, .says = "classes_ is not finite"},
    {.what = ARRAY, .name = "/mean_", .shape = {4}, .says = "has shape (4), the others ask for (5)"},
    {.what = ARRAY, .name = "/scale_", .shape = {5}, .fill = 0, .says = "value 0 of scale_ is not positive"},
    {.what = ARRAY, .name = "/scale_", .shape = {5}, .fill = NAN, .says = "scale_ is not finite"},
    {.what = ARRAY, .name = "/class_values_", .shape = {3}, .fill = 1, .says = "the classes must ascend"},
    {.what = ARRAY, .name = "/class_values_", .shape = {2}, .says = "has shape (2), the others ask for (3)"},
    {.what = ARRAY, .name = "/classes_", .shape = {2}, .says = "2 classes needs 2 rows in coef_, not 3"},
    {.what = ARRAY, .name = "/classes_", .shape = {3, 1}, .says = "'/classes_' has shape (3, 1)"},
    {.what = ARRAY, .name = "/feature_names_in_", .shape = {5}, .says = "holds no strings"},
    {.what = ARRAY, .name = "/history/loss", .shape = {2}, .says = "'/history/loss' has shape (2)"},
    {.what = TEXT,
     .name = "model",
     .text = "oracle",
     .says = "model 'oracle' is unknown; this version knows linear, logistic"},
    {.what = TEXT, .name = "model", .text = "linear", .says = "linear model has no classes"},
    {.what = TEXT, .name = "model", .text = "logistic", .says = "logistic model has 2 classes"},
    {.what = TEXT, .name = "scaling", .text = "whiten", .says = "scaling 'whiten' is unknown"},
    {.what = TEXT, .name = "format", .text = "other", .says = "not a thalweg model"},
    {.what = TEXT,
     .name = "format",
     .text = "thalweg data set",
     .says = "did you mean to pass the model first?"},
    {.what = TEXT, .name = "intercept", .text = "yes", .says = "'intercept' is no whole number"},
    {.what = NUMBER,
     .name = "format_version",
     .fill = 2,
     .says = "newer thalweg (model format 2, this one reads 1)"},
    {.what = NUMBER, .name = "format_version", .fill = 0, .says = "there is no model format 0"},
    {.what = NUMBER, .name = "model", .fill = 1, .says = "'model' is no text"},
    {.what = DROP_ATTRIBUTE, .name = "format", .says = "not a thalweg model"},
    {.what = DROP_ATTRIBUTE, .name = "format_version", .says = "'format_version' is missing"},
    {.what = DROP_ATTRIBUTE, .name = "model", .says = "'model' is missing"},
    {.what = DROP_ATTRIBUTE, .name = "scaling", .says = "'scaling' is missing"},
    {.what = DROP_ATTRIBUTE, .name = "intercept", .says = "'intercept' is missing"},
};

static void apply(int i)
{
    const hid_t file = edit_begin();
    const int64_t number = edits[i].what == NUMBER ? (int64_t)edits[i].fill : 0;
    if (edits[i].what <= DROP) ck_assert_int_ge(H5Ldelete(file, edits[i].name, H5P_DEFAULT), 0);
    if (edits[i].what == ARRAY) put_array(file, edits[i].name, H5T_IEEE_F64LE, edits[i].shape, edits[i].fill);
    if (edits[i].what == TEXT) put_fixed_text(file, edits[i].name, edits[i].text);
    if (edits[i].what == NUMBER) put_attribute(file, edits[i].name, H5T_NATIVE_INT64, &number);
    if (edits[i].what == DROP_ATTRIBUTE) ck_assert_int_ge(H5Adelete(file, edits[i].name), 0);
    H5Fclose(file);
}

START_TEST(an_edit_that_does_not_fit_is_named)
{
    tw_model_file found;
    bool edited;
    apply(_i);
    ck_assert_int_eq(tw_model_file_read(&found, path, &edited), TW_DATA);
    ck_assert_says(edits[_i].says);
    ck_assert_says(path);
    ck_assert_ptr_null(found.coef);
    ck_assert_int_eq(tw_model_file_read(&found, path, NULL), TW_DATA);
    ck_assert_says("damaged or changed");
}
END_TEST

START_TEST(an_edit_that_fits_is_read_and_told)
{
    tw_model_file found;
    bool edited = false;
    const double array[2] = {1, 2};
    const hid_t file = edit_begin(), pair = H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, (hsize_t[1]){2});
    H5Ldelete(file, "/coef_", H5P_DEFAULT);
    put_array(file, "/coef_", H5T_IEEE_F32BE, (size_t[2]){3, 5}, 0.5);
    put_fixed_strings(file, "/classes_", 3, "ab\0c\0\0def", 3);
    H5Ldelete(file, "/class_values_", H5P_DEFAULT);
    H5Ldelete(file, "/history", H5P_DEFAULT);
    put_array(file, "/notes", H5T_STD_I8LE, (size_t[2]){7, 0}, 1);
    put_attribute(file, "pair", pair, array);
    put_fixed_text(file, "author", "me");
    put_h5py_bool(file, "intercept", false);
    H5Tclose(pair);
    H5Fclose(file);
    ck_assert_int_eq(tw_model_file_read(&found, path, NULL), TW_DATA);
    ck_assert_int_eq(tw_model_file_read(&found, path, &edited), TW_OK);
    ck_assert(edited && !found.intercept);
    for (size_t i = 0; i < 15; i++) ck_assert(found.coef[i] == 0.5);
    ck_assert_str_eq(found.class_names[0], "ab");
    ck_assert_str_eq(found.class_names[1], "c");
    ck_assert_str_eq(found.class_names[2], "def");
    for (size_t k = 0; k < 3; k++) ck_assert(found.classes[k] == (double)k);
    ck_assert_uint_eq(found.n_history, 0);
    ck_assert_str_eq(tw_model_file_text(&found, "author"), "me");
    ck_assert_str_eq(tw_model_file_text(&found, "configuration"), tw_model_file_text(&good, "configuration"));
    tw_model_file_release(&found);
}
END_TEST

START_TEST(a_data_set_in_the_place_of_the_model_is_recognised)
{
    static const char *const names[] = {"/X", "/data", "/features", "/x_train"};
    tw_model_file found;
    bool edited;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        path = in_scratch("data.h5");
        const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        put_array(file, names[i], H5T_IEEE_F64LE, (size_t[2]){4, 2}, 1);
        H5Fclose(file);
        ck_assert_int_eq(tw_model_file_read(&found, path, &edited), TW_DATA);
        ck_assert_says("looks like a data set: did you mean to pass the model first?");
    }
    ck_assert_int_eq(tw_model_file_read(&found, in_scratch("none.h5"), &edited), TW_INPUT);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("model_file_edits");
    TCase *const cases = tcase_create("all");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, an_edit_that_does_not_fit_is_named, 0, sizeof edits / sizeof *edits);
    tcase_add_test(cases, an_edit_that_fits_is_read_and_told);
    tcase_add_test(cases, a_data_set_in_the_place_of_the_model_is_recognised);
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
