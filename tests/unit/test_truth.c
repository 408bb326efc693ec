/* test_truth.c -- minima that thalweg did not compute (tests/truth/optima.json): there F has the published
 * value, its gradient vanishes, predictions agree; and from zero the default method gets there. */
#include "support.h"

#include "thalweg/optimizer.h"
#include "thalweg/step.h"
#include "thalweg/vec.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *optima; /* loaded before the tests fork */

typedef struct {
    const json_t *truth;
    tw_comm *comm;
    tw_shard shard;
    size_t n_classes;
    double *classes;
    tw_partition partition;
    tw_model model;
    tw_scaling scaling;
    tw_objective objective;
    double *w, *g; /* w: the published minimum */
} published;

static const char *text_of(const json_t *truth, const char *key)
{
    return json_string_value(json_object_get(truth, key));
}

/* Element (k, j) of a list of lists, or j of a list. */
static double number_of(const json_t *truth, const char *key, size_t k, size_t j)
{
    const json_t *rows = json_object_get(truth, key), *row = json_array_get(rows, k);
    const json_t *value = json_is_array(row) ? json_array_get(row, j) : row;
    ck_assert_msg(json_is_number(value), "%s[%zu][%zu] is missing", key, k, j);
    return json_number_value(value);
}

/* The trained parameters of the published minimum. */
static void take_minimum(published *p)
{
    const bool scaled = p->scaling.kind != TW_SCALING_NONE;
    const size_t K = p->model.outputs;
    for (size_t k = 0; k < K; k++) {
        for (size_t j = 0; j < p->model.features; j++)
            p->w[j * K + k] = number_of(p->truth, scaled ? "coef_scaled" : "coef_", k, j);
        if (p->model.intercept)
            p->w[p->model.n_weights + k] =
                number_of(p->truth, scaled ? "intercept_scaled" : "intercept_", k, 0);
    }
}

static void load(published *p)
{
    char path[TW_PATH_LEN];
    tw_dataset d;
    snprintf(path, sizeof path, "%s/%s", TEST_SOURCE_DIR, text_of(p->truth, "data"));
    ck_assert_msg(tw_dataset_open(&d, path, &(tw_dataset_names){.need_labels = true}, NULL) == TW_OK, "%s",
                  tw_status_message());
    ck_assert_int_eq(tw_shard_read(&p->shard, &d, 0, d.rows), TW_OK);
    ck_assert_int_eq(tw_partition_init(&p->partition, d.rows, 0, 1), TW_OK);
}

static void make(published *p, int i)
{
    tw_scaling_kind kind;
    *p = (published){.truth = json_array_get(optima, (size_t)i)};
    ck_assert_int_eq(tw_comm_local(&p->comm), TW_OK);
    load(p);
    const tw_model_ops *ops = tw_model_find(text_of(p->truth, "model"));
    ck_assert(ops && tw_scaling_find(text_of(p->truth, "scaling"), &kind));
    if (ops->target != TW_TARGET_NUMBER) {
        ck_assert_int_eq(tw_shard_classes(&p->shard, p->comm, &p->n_classes, &p->classes), TW_OK);
        ck_assert_int_eq(tw_shard_encode(&p->shard, p->n_classes, p->classes), TW_OK);
    }
    const bool intercept = json_is_true(json_object_get(p->truth, "intercept"));
    ck_assert_int_eq(tw_model_init(&p->model, ops, p->shard.cols, p->n_classes, intercept), TW_OK);
    if (json_object_get(p->truth, "delta"))
        p->model.settings.delta = json_number_value(json_object_get(p->truth, "delta"));
    ck_assert_int_eq(tw_scaling_fit(&p->scaling, kind, p->comm, &p->partition, &p->shard, 1), TW_OK);
    const tw_objective_parts parts = {.comm = p->comm,
                                      .partition = &p->partition,
                                      .shard = &p->shard,
                                      .model = &p->model,
                                      .scaling = &p->scaling,
                                      .mode = TW_REPRODUCIBLE,
                                      .l2 = json_number_value(json_object_get(p->truth, "l2"))};
    ck_assert_int_eq(tw_objective_init(&p->objective, &parts), TW_OK);
    p->w = calloc(p->model.n_params, sizeof *p->w);
    p->g = calloc(p->model.n_params, sizeof *p->g);
    take_minimum(p);
}

static void unmake(published *p)
{
    free(p->g);
    free(p->w);
    tw_objective_release(&p->objective);
    tw_scaling_release(&p->scaling);
    tw_model_release(&p->model);
    tw_partition_release(&p->partition);
    free(p->classes);
    tw_shard_release(&p->shard);
    tw_comm_release(p->comm);
}

static double eval(published *p, const double *w, double *g_norm)
{
    double f;
    ck_assert_msg(tw_objective_eval(&p->objective, w, &f, p->g) == TW_OK, "%s", tw_status_message());
    *g_norm = tw_vec_norm(p->objective.n, p->g);
    return f;
}

START_TEST(the_published_minimum_is_one)
{
    published p;
    double norm, norm_zero, norm_moved;
    make(&p, _i);
    double *zero = calloc(p.objective.n, sizeof *zero);
    const double truth = json_number_value(json_object_get(p.truth, "objective"));
    const double f_zero = eval(&p, zero, &norm_zero), f = eval(&p, p.w, &norm);
    ck_assert_msg(fabs(f - truth) <= 1e-12 * fabs(truth), "%s: %.17g, not %.17g", text_of(p.truth, "name"), f,
                  truth);
    ck_assert_msg(norm <= 1e-9 * norm_zero, "%s: gradient norm %g of %g", text_of(p.truth, "name"), norm,
                  norm_zero);
    ck_assert(f < f_zero);
    p.w[0] = p.w[0] * (1 + 1e-3) + 1e-6; /* the tests above can fail */
    eval(&p, p.w, &norm_moved);
    if (p.w[0] > 1e-5) ck_assert_double_gt(norm_moved, 1e-9 * norm_zero);
    free(zero);
    unmake(&p);
}
END_TEST

START_TEST(coefficients_in_original_units_and_predictions_are_the_published_ones)
{
    published p;
    make(&p, _i);
    const size_t K = p.model.outputs, rows = json_array_size(json_object_get(p.truth, "predictions"));
    double *v = calloc(tw_model_raw(&p.model), sizeof *v), *z = calloc(rows * K, sizeof *z), prediction[16];
    tw_scaling_fold(&p.scaling, &p.model, p.w, v);
    for (size_t k = 0; k < K; k++) {
        const double b = number_of(p.truth, "intercept_", k, 0);
        for (size_t j = 0; j < p.model.features; j++) {
            const double truth = number_of(p.truth, "coef_", k, j);
            ck_assert_double_eq_tol(v[j * K + k], truth, 1e-9 * fabs(truth) + 1e-12);
        }
        ck_assert_double_eq_tol(v[p.model.n_weights + k], b, 1e-9 * fabs(b) + 1e-10);
    }
    const tw_block block = tw_shard_block(&p.shard, 0, rows);
    ck_assert_int_eq(p.model.ops->margins(&p.model, &block, v, z), TW_OK);
    for (size_t i = 0; i < rows; i++) {
        p.model.ops->predict(&p.model, z + i * K, prediction);
        for (size_t k = 0; k < K; k++) {
            const double truth = number_of(p.truth, "predictions", i, k);
            ck_assert_double_eq_tol(prediction[k], truth, 1e-9 * fmax(1, fabs(truth)));
        }
    }
    free(z);
    free(v);
    unmake(&p);
}
END_TEST

/* Parameters in the units in which features have size one, so that one tolerance fits all. */
static double largest_difference(const published *p, const double *w)
{
    double most = 0, size = 1e-3;
    for (size_t j = 0; j < p->objective.n; j++) {
        most = fmax(most, fabs(w[j] - p->w[j]));
        size = fmax(size, fabs(p->w[j]));
    }
    return most / size;
}

START_TEST(lbfgs_with_backtracking_arrives_there_from_zero_when_scaled)
{
    published p;
    tw_optimizer o;
    tw_step s;
    tw_iterate it;
    make(&p, _i);
    const size_t n = p.objective.n;
    const double truth = json_number_value(json_object_get(p.truth, "objective"));
    ck_assert_int_eq(tw_optimizer_init(&o, &tw_optimizer_lbfgs, &(tw_optimizer_settings){.memory = 10}, n),
                     TW_OK);
    const tw_step_settings set = {.length = 1, .c1 = 1e-4, .shrink = 0.5, .max_trials = 50};
    ck_assert_int_eq(tw_step_init(&s, &tw_step_backtracking, &set, n), TW_OK);
    ck_assert(tw_iterate_init(&it, n));
    ck_assert_int_eq(tw_objective_eval(&p.objective, it.w, &it.f, it.g), TW_OK);
    const double start = it.g_norm = tw_vec_norm(n, it.g);
    while (it.why == TW_CONTINUE && it.g_norm > 1e-12 * start && it.k < 5000) {
        ck_assert_int_eq(tw_optimizer_direction(&o, &p.objective, &it), TW_OK);
        ck_assert_int_eq(tw_step_announce(&s, &p.objective, &it, (double)it.k), TW_OK);
        ck_assert_int_eq(tw_step_advance(&s, &p.objective, &it), TW_OK);
    }
    ck_assert_msg(it.f - truth <= 1e-10 * fabs(truth) + 1e-15,
                  "%s: F %.17g, not %.17g, after %ld steps, |g| %g", text_of(p.truth, "name"), it.f, truth,
                  it.k, it.g_norm / start);
    ck_assert_msg(largest_difference(&p, it.w) < 1e-6, "%s: %g", text_of(p.truth, "name"),
                  largest_difference(&p, it.w));
    tw_iterate_release(&it);
    tw_step_release(&s);
    tw_optimizer_release(&o);
    unmake(&p);
}
END_TEST

int main(void)
{
    optima = json_load_file(TEST_SOURCE_DIR "/tests/truth/optima.json", 0, NULL);
    if (!json_is_array(optima)) return 2;
    const int n = (int)json_array_size(optima);
    Suite *s = suite_create("truth");
    TCase *t = tcase_create("truth");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, the_published_minimum_is_one, 0, n);
    tcase_add_loop_test(t, coefficients_in_original_units_and_predictions_are_the_published_ones, 0, n);
    for (int i = 0; i < n; i++)
        if (json_object_get(json_array_get(optima, (size_t)i),
                            "coef_scaled")) /* unscaled: test_optima.c, it takes long */
            tcase_add_loop_test(t, lbfgs_with_backtracking_arrives_there_from_zero_when_scaled, i, i + 1);
    suite_add_tcase(s, t);
    const int failed = test_run(s);
    json_decref(optima);
    return failed;
}
