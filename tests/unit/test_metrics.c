/* Metrics against scikit-learn's on stored cases (tests/truth/metrics.json), to 1e-12. */
#include "support.h"

#include "thalweg/metrics.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

static json_t *cases;

static double *numbers(const json_t *list, size_t *count)
{
    size_t n = 0, rows = json_array_size(list);
    const size_t cols = json_is_array(json_array_get(list, 0)) ? json_array_size(json_array_get(list, 0)) : 1;
    double *out = calloc(rows * cols + 1, sizeof *out);
    for (size_t i = 0; i < rows; i++) {
        const json_t *row = json_array_get(list, i);
        for (size_t k = 0; k < cols; k++)
            out[n++] = json_number_value(json_is_array(row) ? json_array_get(row, k) : row);
    }
    *count = n;
    return out;
}

static void compute(const json_t *c, const char *model_name, size_t classes, tw_metrics *metrics)
{
    size_t rows, scores;
    double *y = numbers(json_object_get(c, "y"), &rows), *z = numbers(json_object_get(c, "z"), &scores);
    tw_shard shard = {.rows = rows, .cols = 1, .y = y};
    tw_partition partition;
    tw_model model;
    tw_comm *comm;
    ck_assert_int_eq(tw_comm_local(&comm), TW_OK);
    ck_assert_int_eq(tw_model_init(&model, tw_model_find(model_name), 1, classes, true), TW_OK);
    ck_assert_uint_eq(scores, rows * model.outputs);
    ck_assert_int_eq(tw_partition_init(&partition, (int64_t)rows, 0, 1), TW_OK);
    ck_assert_int_eq(tw_metrics_compute(metrics, comm, &partition, &model, &shard, z), TW_OK);
    tw_partition_release(&partition);
    tw_model_release(&model);
    tw_comm_release(comm);
    free(y);
    free(z);
}

static void agrees(const json_t *c, const char *key, double got)
{
    const json_t *want = json_object_get(c, key);
    const char *name = json_string_value(json_object_get(c, "name"));
    ck_assert_msg(want != NULL, "%s has no %s", name, key);
    if (json_is_null(want)) {
        ck_assert_msg(isnan(got), "%s of %s is %.17g, not undefined", key, name, got);
        return;
    }
    const double w = json_number_value(want);
    ck_assert_msg(fabs(got - w) <= 1e-12 * fmax(1, fabs(w)), "%s of %s is %.17g, not %.17g", key, name, got, w);
}

static void confusion_agrees(const json_t *c, const tw_metrics *metrics)
{
    size_t n;
    double *want = numbers(json_object_get(c, "confusion"), &n);
    ck_assert_uint_eq(n, metrics->classes * metrics->classes);
    for (size_t i = 0; i < n; i++) ck_assert_double_eq(metrics->confusion[i], want[i]);
    free(want);
}

static void class_case(const json_t *c, const char *model)
{
    tw_metrics metrics;
    compute(c, model, json_array_size(json_object_get(c, "confusion")), &metrics);
    agrees(c, "accuracy", metrics.accuracy);
    agrees(c, "log_loss", metrics.log_loss);
    agrees(c, "f1_macro_present", metrics.f1_macro);
    if (json_object_get(c, "roc_auc")) agrees(c, "roc_auc", metrics.roc_auc);
    confusion_agrees(c, &metrics);
    tw_metrics_release(&metrics);
}

START_TEST(binary_metrics_are_those_of_scikit_learn)
{
    class_case(json_array_get(json_object_get(cases, "binary"), (size_t)_i), "logistic");
}
END_TEST

START_TEST(multiclass_metrics_are_those_of_scikit_learn)
{
    class_case(json_array_get(json_object_get(cases, "multiclass"), (size_t)_i), "softmax");
}
END_TEST

START_TEST(regression_metrics_are_those_of_scikit_learn)
{
    const json_t *c = json_array_get(json_object_get(cases, "regression"), (size_t)_i);
    tw_metrics metrics;
    compute(c, "linear", 0, &metrics);
    agrees(c, "r2", metrics.r2);
    agrees(c, "rmse", metrics.rmse);
    agrees(c, "mae", metrics.mae);
    tw_metrics_release(&metrics);
}
END_TEST

START_TEST(poisson_metrics_are_those_of_scikit_learn_on_the_response)
{
    const json_t *c = json_array_get(json_object_get(cases, "poisson"), (size_t)_i);
    tw_metrics metrics;
    compute(c, "poisson", 0, &metrics);
    agrees(c, "r2", metrics.r2);
    agrees(c, "rmse", metrics.rmse);
    agrees(c, "mae", metrics.mae);
    agrees(c, "deviance", metrics.deviance);
    tw_metrics_release(&metrics);
    compute(c, "huber", 0, &metrics); /* which predicts the margin */
    ck_assert(isnan(metrics.deviance));
    ck_assert_double_gt(fabs(metrics.mae - json_number_value(json_object_get(c, "mae"))), 1e-3);
    tw_metrics_release(&metrics);
}
END_TEST

START_TEST(a_classifier_without_probabilities_has_every_metric_but_log_loss)
{
    const json_t *c = json_array_get(json_object_get(cases, "binary"), (size_t)_i);
    tw_metrics metrics;
    compute(c, "squared_hinge", 2, &metrics);
    agrees(c, "accuracy", metrics.accuracy);
    agrees(c, "f1_macro_present", metrics.f1_macro);
    agrees(c, "roc_auc", metrics.roc_auc);
    confusion_agrees(c, &metrics);
    ck_assert(isnan(metrics.log_loss));
    tw_metrics_release(&metrics);
}
END_TEST

START_TEST(auc_counts_ties_as_one_half_and_weights_as_rows)
{
    double rows[][3] = {{1, 0, 1}, {1, 1, 1}, {2, 1, 3}, {0, 0, 2}};
    /* positives: 1 (tie with one negative), 2 three times; negatives: 1, 0 twice */
    ck_assert_double_eq(tw_metrics_auc(4, rows), (0.5 + 2 + 3 * 3) / (4. * 3.));
    double one_class[][3] = {{1, 1, 1}, {2, 1, 1}};
    ck_assert(isnan(tw_metrics_auc(2, one_class)));
}
END_TEST

int main(void)
{
    cases = json_load_file(TEST_SOURCE_DIR "/tests/truth/metrics.json", 0, NULL);
    if (!cases) return 1;
    Suite *suite = suite_create("metrics");
    TCase *tc = tcase_create("truth");
    const char *const names[] = {"binary", "multiclass", "regression"};
    int count[3];
    for (int i = 0; i < 3; i++) count[i] = (int)json_array_size(json_object_get(cases, names[i]));
    tcase_add_loop_test(tc, binary_metrics_are_those_of_scikit_learn, 0, count[0]);
    tcase_add_loop_test(tc, multiclass_metrics_are_those_of_scikit_learn, 0, count[1]);
    tcase_add_loop_test(tc, regression_metrics_are_those_of_scikit_learn, 0, count[2]);
    tcase_add_loop_test(tc, poisson_metrics_are_those_of_scikit_learn_on_the_response, 0,
                        (int)json_array_size(json_object_get(cases, "poisson")));
    tcase_add_loop_test(tc, a_classifier_without_probabilities_has_every_metric_but_log_loss, 0, count[0]);
    tcase_add_test(tc, auc_counts_ties_as_one_half_and_weights_as_rows);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    json_decref(cases);
    return failed != 0;
}
