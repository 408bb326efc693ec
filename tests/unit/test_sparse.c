/* test_sparse.c -- minima with l1 and l2 that thalweg did not compute (tests/truth/lasso.json): every method that knows
 * l1 arrives there, with the same support; the conditions of a minimum are checked in long double from the stored
 * rows. Then what each method promises by itself: test_sparse_methods.c. */
#include "support.h"

#include "thalweg/optimizer.h"
#include "thalweg/step.h"
#include "thalweg/vec.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *minima; /* loaded before the tests fork */

static const struct {
    const tw_optimizer_ops *ops;
    bool acceleration;
} methods[] = {{&tw_optimizer_lbfgs, false},
               {&tw_optimizer_coordinate_descent, false},
               {&tw_optimizer_proximal_gradient, true},
               {&tw_optimizer_proximal_gradient, false}};
enum { METHODS = sizeof methods / sizeof *methods, ISTA = 3 };

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
    double *w; /* the published minimum */
} published;

static const char *text_of(const published *p, const char *key)
{
    return json_string_value(json_object_get(p->truth, key));
}

static double number_of(const published *p, const char *key)
{
    return json_number_value(json_object_get(p->truth, key));
}

static double element(const published *p, const char *key, size_t i)
{
    return json_number_value(json_array_get(json_object_get(p->truth, key), i));
}

static void load(published *p)
{
    char path[TW_PATH_LEN];
    tw_dataset d;
    snprintf(path, sizeof path, "%s/%s", TEST_SOURCE_DIR, text_of(p, "data"));
    ck_assert_int_eq(tw_dataset_open(&d, path, &(tw_dataset_names){.need_labels = true}, NULL), TW_OK);
    ck_assert_int_eq(tw_shard_read(&p->shard, &d, 0, d.rows), TW_OK);
    ck_assert_int_eq(tw_partition_init(&p->partition, d.rows, 0, 1), TW_OK);
}

/* The case with this l1. */
static void make(published *p, int i, double l1_factor)
{
    tw_scaling_kind kind;
    *p = (published){.truth = json_array_get(minima, (size_t)i)};
    ck_assert_int_eq(tw_comm_local(&p->comm), TW_OK);
    load(p);
    const tw_model_ops *ops = tw_model_find(text_of(p, "model"));
    ck_assert(ops && tw_scaling_find(text_of(p, "scaling"), &kind));
    if (ops->target != TW_TARGET_NUMBER) {
        ck_assert_int_eq(tw_shard_classes(&p->shard, p->comm, &p->n_classes, &p->classes), TW_OK);
        ck_assert_int_eq(tw_shard_encode(&p->shard, p->n_classes, p->classes), TW_OK);
    }
    ck_assert_int_eq(tw_model_init(&p->model, ops, p->shard.cols, p->n_classes, true), TW_OK);
    ck_assert_int_eq(tw_scaling_fit(&p->scaling, kind, p->comm, &p->partition, &p->shard, 1), TW_OK);
    const tw_objective_parts parts = {.comm = p->comm,
                                      .partition = &p->partition,
                                      .shard = &p->shard,
                                      .model = &p->model,
                                      .scaling = &p->scaling,
                                      .mode = TW_REPRODUCIBLE,
                                      .keep_margins = true,
                                      .l1 = l1_factor * number_of(p, "l1"),
                                      .l2 = number_of(p, "l2")};
    ck_assert_int_eq(tw_objective_init(&p->objective, &parts), TW_OK);
    p->w = calloc(p->model.n_params, sizeof *p->w);
    for (size_t k = 0; k < json_array_size(json_object_get(p->truth, "support")); k++)
        p->w[(size_t)element(p, "support", k)] = element(p, "coefficients", k);
    for (size_t k = 0; k < p->model.outputs; k++) p->w[p->model.n_weights + k] = element(p, "intercepts", k);
}

static void unmake(published *p)
{
    free(p->w);
    tw_objective_release(&p->objective);
    tw_scaling_release(&p->scaling);
    tw_model_release(&p->model);
    tw_partition_release(&p->partition);
    free(p->classes);
    tw_shard_release(&p->shard);
    tw_comm_release(p->comm);
}

/* ---------------------------------------------------------------- the conditions, in long double */

typedef struct {
    size_t rows, n, K;
    long double *x, *g; /* [rows][n + 1] scaled features and the constant; [n + 1][K] gradient of the smooth part */
} rows_again;

static void scale_column(rows_again *a, size_t j, bool minmax)
{
    long double mean = 0, square = 0, least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < a->rows; i++) {
        const long double v = a->x[i * (a->n + 1) + j];
        mean += v / (long double)a->rows;
        least = fminl(least, v);
        most = fmaxl(most, v);
    }
    for (size_t i = 0; i < a->rows; i++)
        square += (a->x[i * (a->n + 1) + j] - mean) * (a->x[i * (a->n + 1) + j] - mean) / (long double)a->rows;
    const long double shift = minmax ? least : mean, size = minmax ? most - least : sqrtl(square);
    for (size_t i = 0; i < a->rows; i++)
        a->x[i * (a->n + 1) + j] = (a->x[i * (a->n + 1) + j] - shift) / (size > 0 ? size : 1);
}

static void read_again(rows_again *a, const published *p)
{
    *a = (rows_again){.rows = p->shard.rows, .n = p->shard.cols, .K = p->model.outputs};
    a->x = calloc(a->rows * (a->n + 1), sizeof *a->x);
    a->g = calloc((a->n + 1) * a->K, sizeof *a->g);
    for (size_t i = 0; i < a->rows; i++) {
        for (size_t j = 0; j < a->n; j++)
            a->x[i * (a->n + 1) + j] = test_load(p->shard.type, p->shard.x, i * a->n + j);
        a->x[i * (a->n + 1) + a->n] = 1;
    }
    for (size_t j = 0; j < a->n; j++) scale_column(a, j, strcmp(text_of(p, "scaling"), "minmax") == 0);
}

/* z [K] becomes the residuals of a row. */
static void residuals(const published *p, double y, long double *z)
{
    long double sum = 0, most = z[0];
    if (p->model.ops == &tw_model_linear) z[0] -= y;
    if (p->model.ops == &tw_model_logistic) z[0] = 1 / (1 + expl(-z[0])) - y;
    if (p->model.ops != &tw_model_softmax) return;
    for (size_t k = 0; k < p->model.outputs; k++) most = fmaxl(most, z[k]);
    for (size_t k = 0; k < p->model.outputs; k++) sum += expl(z[k] - most);
    for (size_t k = 0; k < p->model.outputs; k++) z[k] = expl(z[k] - most) / sum - (k == (size_t)y);
}

static void gradient(rows_again *a, const published *p, const double *w)
{
    long double z[16];
    memset(a->g, 0, (a->n + 1) * a->K * sizeof *a->g);
    for (size_t i = 0; i < a->rows; i++) {
        const long double *x = a->x + i * (a->n + 1);
        for (size_t k = 0; k < a->K; k++) z[k] = 0;
        for (size_t j = 0; j <= a->n; j++)
            for (size_t k = 0; k < a->K; k++) z[k] += x[j] * w[j * a->K + k];
        residuals(p, p->shard.y[i], z);
        for (size_t j = 0; j <= a->n; j++)
            for (size_t k = 0; k < a->K; k++) a->g[j * a->K + k] += x[j] * z[k] / (long double)a->rows;
    }
    for (size_t j = 0; j < a->n * a->K; j++) a->g[j] += number_of(p, "l2") * (long double)w[j];
}

/* How far w is from a minimum: at zeros |g| <= l1, else g = -l1 sign w, for intercepts g = 0. */
static double violation(const published *p, const double *w)
{
    rows_again a;
    long double most = 0, l1 = p->objective.l1;
    read_again(&a, p);
    gradient(&a, p, w);
    for (size_t j = 0; j < p->model.n_params; j++) {
        const long double slope = j >= p->model.n_weights ? 0 : w[j] > 0 ? l1 : -l1;
        const bool zero = j < p->model.n_weights && w[j] == 0;
        most = fmaxl(most, zero ? fabsl(a.g[j]) - l1 : fabsl(a.g[j] + slope));
    }
    free(a.g);
    free(a.x);
    return (double)most;
}

/* ---------------------------------------------------------------- runs */

/* An upper bound on the largest curvature: power iteration on the Gram matrix, 5 % more. */
static double curvature(published *p)
{
    tw_objective *F = &p->objective;
    double *u = calloc(2 * F->n, sizeof *u), *v = u + F->n, norm = 1;
    for (size_t j = 0; j < F->n; j++) u[j] = 1 + test_uniform();
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(tw_objective_hessian_vector(F, u, true, v), TW_OK);
        norm = tw_vec_norm(F->n, v);
        for (size_t j = 0; j < F->n; j++) u[j] = v[j] / norm;
    }
    free(u);
    return 1.05 * norm * tw_model_curvature_max(p->model.ops) + F->l2;
}

/* From it->w until the subgradient is this part of the gradient at zero. */
static void train(published *p, int method, double tolerance, tw_iterate *it)
{
    const tw_optimizer_ops *ops = methods[method].ops;
    const tw_optimizer_settings set = {.memory = 10, .acceleration = methods[method].acceleration, .restart = true};
    tw_objective *F = &p->objective;
    tw_optimizer o;
    tw_step s;
    double f_zero;
    double *zero = calloc(F->n, sizeof *zero);
    ck_assert_int_eq(tw_objective_eval(F, zero, &f_zero, it->g), TW_OK);
    const double size = tw_vec_norm(F->n, it->g);
    const tw_step_settings rule = {
        .length = ops->unit ? 1 / curvature(p) : 1, .unit = ops->unit, .c1 = 1e-4, .shrink = 0.5, .max_trials = 50};
    ck_assert_int_eq(tw_optimizer_init(&o, ops, &set, F->n), TW_OK);
    ck_assert_int_eq(tw_step_init(&s, ops->unit ? &tw_step_constant : &tw_step_backtracking, &rule, F->n), TW_OK);
    ck_assert_int_eq(tw_objective_eval(F, it->w, &it->f, it->g), TW_OK);
    tw_objective_accept(F);
    it->g_norm = tw_objective_stationarity(F, it->w, it->g);
    while (it->why == TW_CONTINUE && it->g_norm > tolerance * size && it->k < 40000) {
        ck_assert_int_eq(tw_step_announce(&s, F, it, (double)it->k), TW_OK);
        ck_assert_int_eq(tw_optimizer_direction(&o, F, it), TW_OK);
        ck_assert_int_eq(tw_step_advance(&s, F, it), TW_OK);
    }
    ck_assert_msg(it->g_norm <= tolerance * size, "%s with %s: %s after %ld iterations, %g of the gradient left",
                  text_of(p, "name"), ops->name, tw_reason_name(it->why), it->k, it->g_norm / size);
    tw_step_release(&s);
    tw_optimizer_release(&o);
    free(zero);
}

/* Largest difference, of the largest coefficient; adding one number to all intercepts of softmax changes nothing. */
static double difference(const published *p, const double *w)
{
    const size_t K = p->model.outputs, first = p->model.n_weights;
    double most = 0, size = 0, shift = 0;
    for (size_t k = 0; K > 1 && k < K; k++) shift += w[first + k] / (double)K;
    for (size_t j = 0; j < p->model.n_params; j++) {
        most = fmax(most, fabs(w[j] - (j >= first ? shift : 0) - p->w[j]));
        size = fmax(size, fabs(p->w[j]));
    }
    return most / size;
}

static size_t other_support(const published *p, const double *w)
{
    size_t count = 0;
    for (size_t j = 0; j < p->model.n_weights; j++) count += (w[j] == 0) != (p->w[j] == 0);
    return count;
}

/* ---------------------------------------------------------------- tests */

START_TEST(the_published_minimum_is_one_and_its_neighbours_are_not)
{
    published p;
    double f;
    make(&p, _i, 1);
    double *g = calloc(p.objective.n, sizeof *g);
    ck_assert_int_eq(tw_objective_eval(&p.objective, p.w, &f, g), TW_OK);
    ck_assert_double_eq_tol(f, number_of(&p, "objective"), 1e-13 * f);
    ck_assert_double_lt(violation(&p, p.w), 1e-12 * number_of(&p, "l1_max"));
    ck_assert_double_lt(tw_objective_stationarity(&p.objective, p.w, g), 1e-11 * number_of(&p, "l1_max"));
    ck_assert_uint_eq(tw_objective_nonzeros(&p.objective, p.w), json_array_size(json_object_get(p.truth, "support")));
    p.w[(size_t)element(&p, "support", 0)] *= 1 + 1e-3;
    ck_assert_double_gt(violation(&p, p.w), 1e-7 * number_of(&p, "l1_max"));
    p.w[(size_t)element(&p, "support", 0)] = 0;
    ck_assert_double_gt(violation(&p, p.w), 1e-5 * number_of(&p, "l1_max"));
    free(g);
    unmake(&p);
}
END_TEST

START_TEST(every_method_arrives_at_the_published_minimum_and_its_support)
{
    const int method = _i % METHODS;
    published p;
    tw_iterate it;
    make(&p, _i / METHODS, 1);
    if (method == ISTA && p.model.ops != &tw_model_linear && p.objective.l2 == 0) {
        unmake(&p); /* it would take more than 40000 iterations */
        return;
    }
    ck_assert(tw_iterate_init(&it, p.objective.n));
    ck_assert_uint_gt(other_support(&p, it.w), 0);
    train(&p, method, 1e-10, &it);
    const double truth = number_of(&p, "objective");
    ck_assert_msg(fabs(it.f - truth) <= 1e-9 * truth, "%s: %.17g, not %.17g", text_of(&p, "name"), it.f, truth);
    ck_assert_msg(difference(&p, it.w) < 1e-6, "%s: %g", text_of(&p, "name"), difference(&p, it.w));
    ck_assert_msg(other_support(&p, it.w) == 0, "%s: %zu others", text_of(&p, "name"), other_support(&p, it.w));
    ck_assert_double_lt(violation(&p, it.w), 1e-8 * number_of(&p, "l1_max"));
    tw_iterate_release(&it);
    unmake(&p);
}
END_TEST

/* From a start where nothing is zero. */
START_TEST(with_l1_above_the_largest_gradient_of_the_intercepts_every_coefficient_is_exactly_zero)
{
    static const int first_of_a_model[] = {0, 5, 9};
    const int method = _i % METHODS, i = first_of_a_model[_i / METHODS];
    published p;
    tw_iterate it;
    const double l1 = json_number_value(json_object_get(json_array_get(minima, (size_t)i), "l1")),
                 most = json_number_value(json_object_get(json_array_get(minima, (size_t)i), "l1_max"));
    for (int above = 0; above < 2; above++) {
        make(&p, i, most / l1 * (above ? 1.01 : 0.99));
        ck_assert(tw_iterate_init(&it, p.objective.n));
        for (size_t j = 0; j < it.n; j++) it.w[j] = 0.1 * test_uniform();
        train(&p, method, 1e-8, &it);
        const size_t left = tw_objective_nonzeros(&p.objective, it.w);
        ck_assert_msg(above ? left == 0 : left > 0, "%s: %zu", text_of(&p, "name"), left);
        tw_iterate_release(&it);
        unmake(&p);
    }
}
END_TEST

/* Negative control: the subgradient in place of the gradient is not enough, the step must know the orthants. */
START_TEST(lbfgs_without_its_orthants_finds_no_zero)
{
    published p;
    tw_optimizer o;
    tw_step s;
    tw_iterate it;
    double f;
    make(&p, _i, 1);
    tw_objective *F = &p.objective;
    double *smooth = calloc(F->n, sizeof *smooth);
    ck_assert(tw_iterate_init(&it, F->n));
    ck_assert_int_eq(tw_optimizer_init(&o, &tw_optimizer_lbfgs, &(tw_optimizer_settings){.memory = 10}, F->n), TW_OK);
    const tw_step_settings rule = {.length = 1, .c1 = 1e-4, .shrink = 0.5, .max_trials = 50};
    ck_assert_int_eq(tw_step_init(&s, &tw_step_backtracking, &rule, F->n), TW_OK);
    ck_assert_int_eq(tw_objective_eval(F, it.w, &it.f, it.g), TW_OK);
    while (it.why == TW_CONTINUE && it.k < 2000) {
        memcpy(smooth, it.g, F->n * sizeof *smooth);
        tw_objective_subgradient(F, it.w, smooth, it.g);
        ck_assert_int_eq(tw_optimizer_direction(&o, NULL, &it), TW_OK);
        memcpy(it.g, smooth, F->n * sizeof *smooth);
        ck_assert_int_eq(tw_step_advance(&s, F, &it), TW_OK);
    }
    ck_assert_int_eq(tw_objective_eval(F, it.w, &f, it.g), TW_OK);
    ck_assert_uint_gt(other_support(&p, it.w), 0);
    ck_assert_double_gt(violation(&p, it.w), 1e-5 * number_of(&p, "l1_max"));
    ck_assert_double_gt(f, number_of(&p, "objective") * (1 + 1e-9));
    free(smooth);
    tw_iterate_release(&it);
    tw_step_release(&s);
    tw_optimizer_release(&o);
    unmake(&p);
}
END_TEST

int main(void)
{
    tw_dataset_start();
    minima = json_load_file(TEST_SOURCE_DIR "/tests/truth/lasso.json", 0, NULL);
    if (!json_is_array(minima)) return 2;
    const int n = (int)json_array_size(minima);
    Suite *s = suite_create("sparse");
    TCase *t = tcase_create("sparse");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, the_published_minimum_is_one_and_its_neighbours_are_not, 0, n);
    tcase_add_loop_test(t, every_method_arrives_at_the_published_minimum_and_its_support, 0, n * METHODS);
    tcase_add_loop_test(t, with_l1_above_the_largest_gradient_of_the_intercepts_every_coefficient_is_exactly_zero, 0,
                        3 * METHODS);
    tcase_add_loop_test(t, lbfgs_without_its_orthants_finds_no_zero, 0, 2);
    suite_add_tcase(s, t);
    const int failed = test_run(s);
    json_decref(minima);
    return failed;
}
