/* model.h5 of every model, written and read: the same bits, scikit-learn's shapes, and predictions unchanged.
 */
#include "thalweg/dataset.h"
#include "thalweg/model_file.h"

#include "scratch.h"
#include "some_model.h"

#include <hdf5.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

static void set_up(void)
{
    tw_dataset_start();
    scratch_make();
}

/* The loop runs over models, scaled or not, with names or not, with intercept or not. */
enum { VARIANTS = 8 };

static void make(int variant, tw_model *model, tw_model_file *file)
{
    const tw_model_ops *const ops = tw_models[variant / VARIANTS];
    const bool scaled = variant & 1, names = variant & 2, intercept = variant & 4;
    ck_assert_int_eq(tw_model_init(model, ops, SOME_FEATURES, some_count(ops), intercept), TW_OK);
    some_file(file, model, scaled, names);
}

static void assert_same_array(size_t n, const double *a, const double *b)
{
    ck_assert((a == NULL) == (b == NULL));
    if (a) ck_assert_mem_eq(a, b, n * sizeof *a);
}

static void assert_same_names(size_t n, char *const *a, char *const *b)
{
    ck_assert((a == NULL) == (b == NULL));
    for (size_t i = 0; a && i < n; i++) ck_assert_str_eq(a[i], b[i]);
}

static void assert_same(const tw_model_file *a, const tw_model_file *b)
{
    ck_assert_str_eq(a->model, b->model);
    ck_assert_str_eq(a->scaling, b->scaling);
    ck_assert(a->features == b->features && a->outputs == b->outputs && a->intercept == b->intercept);
    ck_assert(a->n_classes == b->n_classes && a->n_history == b->n_history);
    assert_same_array(a->features * a->outputs, a->coef, b->coef);
    assert_same_array(a->features * a->outputs, a->coef_scaled, b->coef_scaled);
    assert_same_array(a->outputs, a->offset, b->offset);
    assert_same_array(a->outputs, a->offset_scaled, b->offset_scaled);
    assert_same_array(a->features, a->mean, b->mean);
    assert_same_array(a->features, a->scale, b->scale);
    assert_same_array(a->n_classes, a->classes, b->classes);
    assert_same_names(a->n_classes, a->class_names, b->class_names);
    assert_same_names(a->features, a->feature_names, b->feature_names);
    for (size_t i = 0; i < TW_MODEL_HISTORY; i++)
        assert_same_array(a->n_history, a->history[i], b->history[i]);
    ck_assert(a->n_texts == b->n_texts && a->n_numbers == b->n_numbers);
    for (size_t i = 0; i < a->n_texts; i++)
        ck_assert_str_eq(tw_model_file_text(b, a->texts[i].name), a->texts[i].text);
    for (size_t i = 0; i < a->n_numbers; i++) {
        const tw_model_number *const at = tw_model_file_number(b, a->numbers[i].name);
        ck_assert_ptr_nonnull(at);
        ck_assert(at->whole == a->numbers[i].whole && at->count == a->numbers[i].count);
        ck_assert(at->number == a->numbers[i].number);
    }
}

START_TEST(every_model_comes_back_bit_for_bit)
{
    tw_model model;
    tw_model_file file, found;
    bool edited = true;
    make(_i, &model, &file);
    ck_assert_int_eq(tw_model_file_write(&file, in_scratch("model.h5")), TW_OK);
    ck_assert_int_eq(tw_model_file_read(&found, in_scratch("model.h5"), &edited), TW_OK);
    ck_assert(!edited);
    assert_same(&file, &found);
    tw_model_file_release(&found);
    ck_assert_int_eq(tw_model_file_read(&found, in_scratch("model.h5"), NULL), TW_OK);
    ck_assert_int_eq(scratch_entries(), 1);
    tw_model_file_release(&found);
    tw_model_file_release(&file);
    tw_model_release(&model);
}
END_TEST

/* ---- what the numbers mean ---- */

static const double some_x[SOME_ROWS * SOME_FEATURES] = {0.3, -1.9, 1.001e5, 2,  0.33,
                                                         -4,  -2.5, 9e4,     -1, 0.3334};

static void predict(tw_model *model, const double *v, double *p)
{
    double z[SOME_MOST];
    const tw_block block = {.type = TW_f64, .x = some_x, .rows = SOME_ROWS, .cols = SOME_FEATURES};
    ck_assert_int_eq(model->ops->margins(model, &block, v, z), TW_OK);
    for (size_t i = 0; i < SOME_ROWS; i++)
        model->ops->predict(model, z + i * model->outputs, p + i * model->outputs);
}

START_TEST(predictions_survive_the_file)
{
    tw_model model;
    tw_model_file file;
    double w[SOME_MOST], v[SOME_MOST], raw[SOME_MOST], before[SOME_MOST], after[SOME_MOST];
    make(_i, &model, &file);
    some_parameters(&model, _i & 1, w, v);
    tw_model_file_raw(&file, raw);
    predict(&model, v, before);
    predict(&model, raw, after);
    for (size_t i = 0; i < SOME_ROWS * model.outputs; i++)
        ck_assert_double_eq_tol(after[i], before[i], 1e-10 * (1 + fabs(before[i])));
    tw_model_file_release(&file);
    tw_model_release(&model);
}
END_TEST

/* z = x coef' + intercept on raw x equals x' coef_scaled' + intercept_scaled on x' = (x - mean) / scale. */
START_TEST(scaled_and_original_parameters_give_the_same_margins)
{
    tw_model model;
    tw_model_file f;
    make(_i, &model, &f);
    const size_t n = f.features;
    for (size_t k = 0; k < f.outputs; k++) {
        double z = f.offset[k], z_scaled = f.offset_scaled[k], size = fabs(z);
        for (size_t j = 0; j < n; j++) {
            const double x = some_x[j], x_scaled = f.mean ? (x - f.mean[j]) / f.scale[j] : x;
            z += x * f.coef[k * n + j];
            z_scaled += x_scaled * f.coef_scaled[k * n + j];
            size += fabs(x * f.coef[k * n + j]);
        }
        ck_assert_double_eq_tol(z, z_scaled, 1e-13 * (1 + size));
    }
    tw_model_file_release(&f);
    tw_model_release(&model);
}
END_TEST

/* One output: the very numbers. Several: their mean over the classes is gone, their differences are not. */
START_TEST(several_outputs_are_centred_and_one_is_not_touched)
{
    tw_model model;
    tw_model_file f;
    double w[SOME_MOST], v[SOME_MOST];
    make(_i, &model, &f);
    some_parameters(&model, _i & 1, w, v);
    const size_t K = f.outputs, n = f.features;
    for (size_t j = 0; j < n; j++) {
        double sum = 0;
        for (size_t k = 0; k < K; k++) sum += f.coef_scaled[k * n + j];
        if (K > 1) ck_assert_double_eq_tol(sum, 0, 1e-15 * (double)K);
        for (size_t k = 0; k < K && K > 1; k++)
            ck_assert_double_eq_tol(f.coef_scaled[k * n + j] - f.coef_scaled[j], w[j * K + k] - w[j * K],
                                    1e-15);
        if (K == 1) ck_assert(f.coef_scaled[j] == w[j] && f.coef[j] == v[j]);
    }
    if (K == 1) ck_assert(f.offset[0] == v[n] && f.offset_scaled[0] == (f.intercept ? w[n] : 0));
    tw_model_file_release(&f);
    tw_model_release(&model);
}
END_TEST

START_TEST(centring_sums_in_ascending_order)
{
    tw_model model = {
        .ops = tw_model_find("softmax"), .features = 1, .outputs = 3, .n_weights = 3, .intercept = true};
    tw_model_file f = {0};
    const double w[6] = {1e16, 1, 1, 3, 6, 9}; /* (1e16 + 1) + 1 = 1e16, but 1e16 + (1 + 1) > 1e16 */
    ck_assert_int_eq(tw_model_file_set_parameters(&f, &model, w, w), TW_OK);
    ck_assert(f.coef[1] == 1 - 1e16 / 3 && f.coef[0] == 1e16 - 1e16 / 3);
    ck_assert(f.offset[0] == -3 && f.offset[1] == 0 && f.offset[2] == 3);
    tw_model_file_release(&f);
}
END_TEST

/* ---- as other programs see it ---- */

static void assert_set(hid_t file, const char *name, H5T_class_t class, int rank, const hsize_t *dims)
{
    hsize_t found[8];
    const hid_t set = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(set), space = H5Dget_space(set);
    ck_assert_msg(set >= 0, "%s", name);
    ck_assert_int_eq(H5Tget_class(type), class);
    ck_assert_int_eq(H5Sget_simple_extent_ndims(space), rank);
    H5Sget_simple_extent_dims(space, found, NULL);
    for (int i = 0; i < rank; i++) ck_assert_uint_eq(found[i], dims[i]);
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(set);
}

START_TEST(the_file_has_the_names_and_shapes_of_scikit_learn)
{
    static const char *const columns[] = {"iteration",     "seconds",     "loss",
                                          "gradient_norm", "step_length", "taylor_ratio"};
    tw_model model;
    tw_model_file f;
    char name[64];
    make(_i, &model, &f);
    const bool scaled = _i & 1, names = _i & 2;
    const hsize_t matrix[2] = {f.outputs, SOME_FEATURES}, classes[1] = {f.n_classes},
                  rows[1] = {SOME_HISTORY};
    ck_assert_int_eq(tw_model_file_write(&f, in_scratch("model.h5")), TW_OK);
    const hid_t file = H5Fopen(in_scratch("model.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_set(file, "coef_", H5T_FLOAT, 2, matrix);
    assert_set(file, "intercept_", H5T_FLOAT, 1, matrix);
    assert_set(file, "coef_scaled_", H5T_FLOAT, 2, matrix);
    assert_set(file, "intercept_scaled_", H5T_FLOAT, 1, matrix);
    if (scaled) assert_set(file, "mean_", H5T_FLOAT, 1, matrix + 1);
    if (scaled) assert_set(file, "scale_", H5T_FLOAT, 1, matrix + 1);
    if (names) assert_set(file, "feature_names_in_", H5T_STRING, 1, matrix + 1);
    if (f.n_classes) assert_set(file, "classes_", names ? H5T_STRING : H5T_INTEGER, 1, classes);
    if (f.n_classes && names) assert_set(file, "class_values_", H5T_INTEGER, 1, classes);
    ck_assert_int_eq(H5Lexists(file, "mean_", H5P_DEFAULT), scaled);
    ck_assert_int_eq(H5Lexists(file, "feature_names_in_", H5P_DEFAULT), names);
    ck_assert_int_eq(H5Lexists(file, "classes_", H5P_DEFAULT), f.n_classes > 0);
    for (size_t i = 0; i < TW_MODEL_HISTORY; i++) {
        snprintf(name, sizeof name, "history/%s", columns[i]);
        assert_set(file, name, i ? H5T_FLOAT : H5T_INTEGER, 1, rows);
    }
    ck_assert_int_gt(H5Aexists_by_name(file, "history", "signal", H5P_DEFAULT), 0);
    ck_assert_int_gt(H5Aexists_by_name(file, "history", "axes", H5P_DEFAULT), 0);
    H5Fclose(file);
    tw_model_file_release(&f);
    tw_model_release(&model);
}
END_TEST

/* ---- writing ---- */

START_TEST(what_is_not_finite_is_not_written)
{
    tw_model model;
    tw_model_file f;
    make(VARIANTS - 1, &model, &f);
    f.coef_scaled[3] = NAN;
    ck_assert_int_eq(tw_model_file_write(&f, in_scratch("model.h5")), TW_DATA);
    ck_assert_says("value 3 of coef_scaled_ is not finite");
    ck_assert_int_eq(scratch_entries(), 0);
    tw_model_file_release(&f);
    ck_assert_int_eq(tw_model_file_write(&f, in_scratch("model.h5")), TW_DATA);
    tw_model_release(&model);
}
END_TEST

START_TEST(a_model_that_does_not_fit_leaves_the_old_one)
{
    tw_model model;
    tw_model_file f, found;
    struct rlimit limit;
    make(VARIANTS - 1, &model, &f);
    ck_assert_int_eq(tw_model_file_write(&f, in_scratch("model.h5")), TW_OK);
    ck_assert_int_eq(tw_model_file_set_text(&f, "reason", "new"), TW_OK);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const rlim_t before = limit.rlim_cur;
    signal(SIGXFSZ, SIG_IGN);
    limit.rlim_cur = 5000;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    const tw_status status = tw_model_file_write(&f, in_scratch("model.h5"));
    limit.rlim_cur = before;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(status, TW_IO);
    ck_assert_int_eq(scratch_entries(), 1);
    ck_assert_int_eq(tw_model_file_read(&found, in_scratch("model.h5"), NULL), TW_OK);
    ck_assert_str_eq(tw_model_file_text(&found, "reason"), "");
    tw_model_file_release(&found);
    tw_model_file_release(&f);
    tw_model_release(&model);
}
END_TEST

START_TEST(a_model_without_history_and_with_broken_labels_comes_back)
{
    const double labels[2][3] = {{-0.5, 0.25, 2}, {0, 1, 1e300}}; /* not whole, or beyond int64 */
    tw_model model;
    tw_model_file f, found;
    ck_assert_int_eq(tw_model_init(&model, tw_model_find("softmax"), SOME_FEATURES, 3, true), TW_OK);
    some_file(&f, &model, false, false);
    ck_assert_int_eq(tw_model_file_set_history(&f, 0, NULL), TW_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(tw_model_file_set_classes(&f, 3, labels[i], NULL), TW_OK);
        ck_assert_int_eq(tw_model_file_write(&f, in_scratch("model.h5")), TW_OK);
        ck_assert_int_eq(tw_model_file_read(&found, in_scratch("model.h5"), NULL), TW_OK);
        ck_assert_uint_eq(found.n_history, 0);
        ck_assert_mem_eq(found.classes, labels[i], sizeof labels[i]);
        tw_model_file_release(&found);
    }
    tw_model_file_release(&f);
    tw_model_release(&model);
}
END_TEST

START_TEST(attributes_keep_the_last_value_and_not_our_names)
{
    tw_model_file f = {0};
    ck_assert_int_eq(tw_model_file_set_text(&f, "mpi", "4.0"), TW_OK);
    ck_assert_int_eq(tw_model_file_set_text(&f, "mpi", "4.1"), TW_OK);
    ck_assert_str_eq(tw_model_file_text(&f, "mpi"), "4.1");
    ck_assert_uint_eq(f.n_texts, 1);
    ck_assert_int_eq(tw_model_file_set_number(&f, "loss", 1), TW_OK);
    ck_assert_int_eq(tw_model_file_set_number(&f, "loss", 2), TW_OK);
    ck_assert(tw_model_file_number(&f, "loss")->number == 2);
    ck_assert_ptr_null(tw_model_file_text(&f, "loss"));
    ck_assert_int_eq(tw_model_file_set_number(&f, "mpi", 2), TW_INTERNAL);
    ck_assert_int_eq(tw_model_file_set_text(&f, "loss", "2"), TW_INTERNAL);
    ck_assert_int_eq(tw_model_file_set_text(&f, "format", "x"), TW_INTERNAL);
    ck_assert_int_eq(tw_model_file_set_count(&f, "intercept", 1), TW_INTERNAL);
    tw_model_file_release(&f);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("model_file");
    TCase *const cases = tcase_create("all");
    const int variants = (int)some_models() * VARIANTS;
    tcase_add_checked_fixture(cases, set_up, scratch_remove);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, every_model_comes_back_bit_for_bit, 0, variants);
    tcase_add_loop_test(cases, predictions_survive_the_file, 0, variants);
    tcase_add_loop_test(cases, scaled_and_original_parameters_give_the_same_margins, 0, variants);
    tcase_add_loop_test(cases, several_outputs_are_centred_and_one_is_not_touched, 0, variants);
    tcase_add_test(cases, centring_sums_in_ascending_order);
    tcase_add_loop_test(cases, the_file_has_the_names_and_shapes_of_scikit_learn, 0, variants);
    tcase_add_test(cases, what_is_not_finite_is_not_written);
    tcase_add_test(cases, a_model_that_does_not_fit_leaves_the_old_one);
    tcase_add_test(cases, a_model_without_history_and_with_broken_labels_comes_back);
    tcase_add_test(cases, attributes_keep_the_last_value_and_not_our_names);
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
