/* test_model.c -- every model of the table: the order of operations of the page, to the bit, and what must
 * not matter (storage type, scale of a column, columns of zeros) or matter exactly so (weights, two classes,
 * extreme margins).
 *
 * Truth in long double: test_model_bounds.c. */
#include "support.h"

#include "thalweg/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 5, MOST_CLASSES = 17, MOST_COLS = 80, MOST_SUMS = MOST_COLS * CLASSES + CLASSES + 3 };

static int n_models(void)
{
    int n = 0;
    while (tw_models[n]) n++;
    return n;
}

/* Sums of all rows of the data stored as type, as one block, at raw-space parameters v. */
static void sums_of(const tw_model_ops *ops, size_t classes, tw_dtype type, const test_data *d,
                    const double *v, double *out)
{
    tw_model m;
    tw_shard s;
    ck_assert_int_eq(tw_model_init(&m, ops, d->cols, classes, true), TW_OK);
    test_shard_init(&s, d, type, 0, (int64_t)d->rows);
    const tw_block block = tw_shard_block(&s, 0, d->rows);
    memset(out, 0, tw_model_sums(&m) * sizeof *out);
    ck_assert_int_eq(ops->loss_grad(&m, &block, v, out), TW_OK);
    tw_shard_release(&s);
    tw_model_release(&m);
}

static test_case make_case(const tw_model_ops *ops, tw_dtype type, size_t rows, size_t cols, bool weighted)
{
    return (test_case){.ops = ops,
                       .type = type,
                       .rows = rows,
                       .cols = cols,
                       .classes = CLASSES,
                       .weighted = weighted,
                       .intercept = true};
}

/* Data and parameters of a case. Returns the number of sums. */
static size_t draw(const test_case *c, test_data *d, double *v)
{
    tw_model m;
    test_seed(c->rows * 100 + c->cols);
    test_data_init(d, c);
    ck_assert_int_eq(tw_model_init(&m, c->ops, c->cols, c->classes, true), TW_OK);
    test_parameters(c, &m, v);
    const size_t n = tw_model_sums(&m);
    tw_model_release(&m);
    return n;
}

/* ---------------------------------------------------------------- the table */

START_TEST(a_model_has_a_name_of_its_own_every_required_function_and_its_sizes)
{
    const tw_model_ops *ops = tw_models[_i];
    tw_model m;
    ck_assert(ops->name && ops->summary && ops->outputs && ops->loss_grad && ops->margins && ops->predict);
    ck_assert_ptr_eq(tw_model_find(ops->name), ops);
    for (int intercept = 0; intercept < 2; intercept++) {
        ck_assert_int_eq(tw_model_init(&m, ops, 7, CLASSES, intercept), TW_OK);
        ck_assert_uint_eq(m.outputs, ops->target == TW_TARGET_CLASS ? CLASSES : 1);
        ck_assert_uint_eq(m.n_weights, 7 * m.outputs);
        ck_assert_uint_eq(m.n_params, m.n_weights + (intercept ? m.outputs : 0));
        ck_assert_uint_eq(tw_model_sums(&m), 8 * m.outputs + 3);
        ck_assert_uint_eq(tw_model_raw(&m), 8 * m.outputs);
        tw_model_release(&m);
        tw_model_release(&m); /* twice is fine */
    }
}
END_TEST

START_TEST(an_unknown_name_is_no_model)
{
    ck_assert_ptr_null(tw_model_find("Linear"));
    ck_assert_ptr_null(tw_model_find(""));
}
END_TEST

/* ---------------------------------------------------------------- the order of operations */

/* Loss and residual of a GLM at margin z, section 4 of the page; delta is 1. */
static double page_link(const char *name, double z, double y, double *r)
{
    if (strcmp(name, "linear") == 0) {
        *r = z - y;
        return 0.5 * (*r * *r);
    }
    if (strcmp(name, "huber") == 0) {
        const double a = z - y;
        *r = fabs(a) > 1 ? copysign(1, a) : a;
        return fabs(a) > 1 ? 1 * (fabs(a) - 0.5 * 1) : 0.5 * (a * a);
    }
    if (strcmp(name, "poisson") == 0) {
        *r = tw_exp(z) - y;
        return tw_exp(z) - y * z;
    }
    if (strcmp(name, "squared_hinge") == 0) {
        const double s = 2 * y - 1, v = 1 - s * z <= 0 ? 0 : 1 - s * z;
        *r = (-2 * s) * v;
        return v * v + (z - z);
    }
    ck_assert_str_eq(name, "logistic");
    const double e = tw_exp(-fabs(z));
    *r = (z < 0 ? e : 1) / (1 + e) - y;
    return ((z > 0 ? z : 0.0) - y * z) + tw_log1p(e);
}

/* Loss and residuals of one row with K outputs, section 4 of the page. */
static double page_row(const tw_model_ops *ops, size_t K, const double *x, size_t n, const double *v,
                       double y, double *r)
{
    double z[MOST_CLASSES] = {0}, sum = 0;
    if (ops->target != TW_TARGET_CLASS) {
        z[0] = test_lane_sum(n, x, v) + v[n];
        return page_link(ops->name, z[0], y, r);
    }
    for (size_t k = 0; k < K; k++) {
        for (size_t j = 0; j < n; j++) z[k] = fma(x[j], v[j * K + k], z[k]);
        z[k] = z[k] + v[n * K + k];
    }
    double most = z[0];
    for (size_t k = 1; k < K; k++) most = z[k] > most ? z[k] : most;
    for (size_t k = 0; k < K; k++) sum = sum + (r[k] = tw_exp(z[k] - most));
    for (size_t k = 0; k < K; k++) r[k] = r[k] / sum - (k == (size_t)y ? 1.0 : 0.0);
    return (most - z[(size_t)y]) + tw_log(sum);
}

static void page_sums(const tw_model_ops *ops, size_t classes, const test_data *d, const double *v,
                      double *out)
{
    const size_t K = ops->target == TW_TARGET_CLASS ? classes : 1, n = d->cols;
    double *const loss = out + (n + 1) * K;
    memset(out, 0, ((n + 1) * K + 3) * sizeof *out);
    for (size_t i = 0; i < d->rows; i++) {
        double r[MOST_CLASSES], l = page_row(ops, K, d->x + i * n, n, v, d->y[i], r);
        if (d->weight) l = d->weight[i] * l;
        for (size_t k = 0; k < K; k++) {
            if (d->weight) r[k] = d->weight[i] * r[k];
            for (size_t j = 0; j < n; j++) out[j * K + k] = fma(r[k], d->x[i * n + j], out[j * K + k]);
            out[n * K + k] = out[n * K + k] + r[k];
        }
        loss[0] = loss[0] + l;
        loss[1] = loss[1] + (d->weight ? d->weight[i] : 1.0);
    }
}

START_TEST(sums_have_the_bits_of_the_page)
{
    static const size_t shapes[][2] = {{1, 1}, {7, 5}, {8, 8}, {9, 31}, {256, 33}, {100, 70}};
    for (int i = 0; i < 2 * TW_N_DTYPES; i++)
        for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
            const test_case c =
                make_case(tw_models[_i], (tw_dtype)(i / 2), shapes[k][0], shapes[k][1], i % 2);
            double v[MOST_SUMS], got[MOST_SUMS], truth[MOST_SUMS];
            test_data d;
            const size_t n = draw(&c, &d, v);
            sums_of(c.ops, CLASSES, c.type, &d, v, got);
            page_sums(c.ops, CLASSES, &d, v, truth);
            ck_assert_msg(same_bits(n, got, truth), "%zu x %zu, type %d", d.rows, d.cols, i / 2);
            test_data_release(&d);
        }
}
END_TEST

START_TEST(any_number_of_classes_from_one_up_has_the_bits_of_the_page)
{
    for (size_t classes = 1; classes <= MOST_CLASSES; classes++) {
        test_case c = make_case(&tw_model_softmax, TW_f32, 30, 9, classes % 2);
        double v[MOST_SUMS], got[MOST_SUMS], truth[MOST_SUMS];
        test_data d;
        c.classes = classes;
        const size_t n = draw(&c, &d, v);
        sums_of(c.ops, classes, c.type, &d, v, got);
        page_sums(c.ops, classes, &d, v, truth);
        ck_assert_msg(same_bits(n, got, truth), "%zu classes", classes);
        test_data_release(&d);
    }
}
END_TEST

START_TEST(the_storage_type_cannot_change_a_bit)
{
    const test_case c = make_case(tw_models[_i], TW_i8, 100, 33, true);
    double v[MOST_SUMS], first[MOST_SUMS], got[MOST_SUMS];
    test_data d;
    const size_t n = draw(&c, &d, v);
    for (size_t j = 0; j < d.rows * d.cols; j++)
        d.x[j] = fabs(d.x[j]); /* 0 .. 100: all seven types hold it */
    sums_of(c.ops, CLASSES, TW_f64, &d, v, first);
    for (int type = 0; type < TW_N_DTYPES; type++) {
        sums_of(c.ops, CLASSES, (tw_dtype)type, &d, v, got);
        ck_assert(same_bits(n, got, first));
    }
    test_data_release(&d);
}
END_TEST

START_TEST(columns_of_zeros_change_no_bit)
{
    const test_case c = make_case(tw_models[_i], TW_f64, 50, 37, true);
    double v[MOST_SUMS], wide_v[MOST_SUMS] = {0}, got[MOST_SUMS], wide[MOST_SUMS];
    test_data d;
    draw(&c, &d, v);
    sums_of(c.ops, CLASSES, TW_f64, &d, v, got);
    const size_t K = c.ops->target == TW_TARGET_CLASS ? CLASSES : 1;
    test_data e = d;
    e.cols = 40;
    e.x = calloc(50 * 40, sizeof *e.x);
    for (size_t i = 0; i < 50; i++) memcpy(e.x + i * 40, d.x + i * 37, 37 * sizeof *e.x);
    memcpy(wide_v, v, 37 * K * sizeof *v);
    memcpy(wide_v + 40 * K, v + 37 * K, K * sizeof *v);
    sums_of(c.ops, CLASSES, TW_f64, &e, wide_v, wide);
    ck_assert(same_bits(37 * K, got, wide) && same_bits(K + 3, got + 37 * K, wide + 40 * K));
    free(e.x);
    test_data_release(&d);
}
END_TEST

START_TEST(a_column_times_a_power_of_two_scales_its_gradient_and_nothing_else)
{
    const test_case c = make_case(tw_models[_i], TW_f64, 64, 12, true);
    const size_t K = c.ops->target == TW_TARGET_CLASS ? CLASSES : 1, column = 5;
    double v[MOST_SUMS], before[MOST_SUMS], after[MOST_SUMS];
    test_data d;
    const size_t n = draw(&c, &d, v);
    sums_of(c.ops, CLASSES, TW_f64, &d, v, before);
    for (size_t i = 0; i < d.rows; i++) d.x[i * 12 + column] *= 1024;
    for (size_t k = 0; k < K; k++) v[column * K + k] /= 1024;
    for (size_t k = 0; k < K; k++) before[column * K + k] *= 1024;
    sums_of(c.ops, CLASSES, TW_f64, &d, v, after);
    ck_assert(same_bits(n, before, after));
    test_data_release(&d);
}
END_TEST

/* ---------------------------------------------------------------- weights */

/* Two orders of the same 40 rows: 40 u = 4e-15 of the sums of sizes, which are not much larger than the
 * largest sum. */
static bool close(size_t n, const double *a, const double *b)
{
    double size = 0, error = 0;
    for (size_t j = 0; j < n; j++) {
        size = fmax(size, fabs(b[j]));
        error = fmax(error, fabs(a[j] - b[j]));
    }
    return error <= 1e-13 * size;
}

START_TEST(weight_two_is_a_row_twice_and_weight_zero_a_row_less)
{
    test_case c = make_case(tw_models[_i], TW_f64, 40, 9, true);
    double v[MOST_SUMS], weighted[MOST_SUMS], written[MOST_SUMS];
    test_data d, e;
    const size_t n = draw(&c, &d, v);
    e = (test_data){.cols = 9, .x = malloc(80 * 9 * sizeof *e.x), .y = malloc(80 * sizeof *e.y)};
    for (size_t i = 0; i < 40; i++) {
        d.weight[i] = (double)(i % 3);
        for (size_t copy = 0; copy < i % 3; copy++, e.rows++) {
            memcpy(e.x + e.rows * 9, d.x + i * 9, 9 * sizeof *e.x);
            e.y[e.rows] = d.y[i];
        }
    }
    sums_of(c.ops, CLASSES, TW_f64, &d, v, weighted);
    sums_of(c.ops, CLASSES, TW_f64, &e, v, written);
    ck_assert(close(n, weighted, written));
    ck_assert_double_eq(weighted[n - 2], 39); /* W counts weights */
    d.weight[1] = 1.001;
    sums_of(c.ops, CLASSES, TW_f64, &d, v, weighted);
    ck_assert(!close(n, weighted, written));
    test_data_release(&e);
    test_data_release(&d);
}
END_TEST

START_TEST(weights_times_a_power_of_two_scale_every_sum_exactly)
{
    const test_case c = make_case(tw_models[_i], TW_f32, 77, 9, true);
    double v[MOST_SUMS], before[MOST_SUMS], after[MOST_SUMS];
    test_data d;
    const size_t n = draw(&c, &d, v);
    sums_of(c.ops, CLASSES, TW_f32, &d, v, before);
    for (size_t i = 0; i < d.rows; i++) d.weight[i] *= 8;
    for (size_t j = 0; j < n - 1; j++) before[j] *= 8;
    sums_of(c.ops, CLASSES, TW_f32, &d, v, after);
    ck_assert(same_bits(n, before, after));
    test_data_release(&d);
}
END_TEST

/* ---------------------------------------------------------------- two classes, extremes */

START_TEST(softmax_of_two_classes_is_logistic_of_the_difference)
{
    test_case c = make_case(&tw_model_logistic, TW_f64, 100, 9, true);
    double v[10], two[20], logistic[13], softmax[23];
    test_data d;
    draw(&c, &d, v);
    for (size_t j = 0; j < 10; j++) {
        two[2 * j] = -v[j] / 2; /* the margins differ by w.x */
        two[2 * j + 1] = v[j] / 2;
    }
    sums_of(&tw_model_logistic, 2, TW_f64, &d, v, logistic);
    sums_of(&tw_model_softmax, 2, TW_f64, &d, two, softmax);
    for (size_t j = 0; j < 10; j++) {
        ck_assert_double_eq_tol(softmax[2 * j + 1], logistic[j], 1e-13);
        ck_assert_double_eq_tol(softmax[2 * j], -logistic[j], 1e-13);
    }
    for (size_t j = 0; j < 3; j++) ck_assert_double_eq_tol(softmax[20 + j], logistic[10 + j], 1e-12);
    ck_assert_double_gt(fabs(logistic[0]), 1e-3);
    test_data_release(&d);
}
END_TEST

/* The loss of an extreme margin: of a number, or of a class. */
static double limit_of(const char *name, double z, double y)
{
    if (strcmp(name, "linear") == 0) return (z - y) * (z - y) / 2;
    if (strcmp(name, "huber") == 0) return fabs(z - y) - 0.5;
    if (strcmp(name, "poisson") == 0) return (double)expl(z) - y * z;
    if ((z > 0) == (y > 0)) return 0;
    return strcmp(name, "squared_hinge") == 0 ? (1 + fabs(z)) * (1 + fabs(z)) : fabs(z);
}

/* One column of ones, one row a label. */
START_TEST(extreme_margins_give_finite_sums_with_the_right_limit)
{
    const tw_model_ops *ops = tw_models[_i];
    const double far = ops == &tw_model_poisson ? 700 : 1e4; /* exp(1e4) is too large: the next test */
    for (double z = -far; z <= far; z += 2 * far)
        for (double y = 0; y < 2; y++) {
            double x = 1, got[2 * CLASSES + 3], v[2 * CLASSES] = {0};
            const size_t K = ops->target == TW_TARGET_CLASS ? 2 : 1;
            v[K - 1] = z; /* the margin of class 1 */
            const test_data d = {.rows = 1, .cols = 1, .x = &x, .y = &y};
            sums_of(ops, 2, TW_f64, &d, v, got);
            for (size_t j = 0; j < 2 * K + 3; j++) ck_assert(isfinite(got[j]));
            const bool wrong = (z > 0) != (y > 0);
            const double loss = limit_of(ops->name, z, y);
            ck_assert_double_eq_tol(got[2 * K], loss, 1e-12 * loss + 1e-300);
            ck_assert_double_eq(got[2 * K + 2], 0);
            if (ops->target == TW_TARGET_NUMBER || ops == &tw_model_squared_hinge) continue;
            ck_assert_double_eq(got[K - 1], !wrong ? 0 : y > 0 ? -1 : 1);
        }
}
END_TEST

static double taking_part(const test_data *d)
{
    double rows = 0;
    for (size_t i = 0; i < d->rows; i++) rows += !d->weight || d->weight[i] != 0;
    return rows;
}

START_TEST(a_row_of_weight_zero_takes_no_part_whatever_it_holds)
{
    const test_case c = make_case(tw_models[_i], TW_f64, 60, 9, true);
    double v[MOST_SUMS], want[MOST_SUMS], got[MOST_SUMS];
    test_data d;
    const size_t n = draw(&c, &d, v);
    for (size_t i = 0; i < 60; i++) d.weight[i] = i == 17 ? 0 : 1;
    sums_of(c.ops, CLASSES, TW_f64, &d, v, want);
    for (size_t j = 0; j < 9; j++) d.x[17 * 9 + j] = 1e300;
    sums_of(c.ops, CLASSES, TW_f64, &d, v, got);
    ck_assert(same_bits(n, want, got));
    d.weight[17] = 1;
    sums_of(c.ops, CLASSES, TW_f64, &d, v, got);
    ck_assert(!same_bits(n, want, got));
    test_data_release(&d);
}
END_TEST

START_TEST(an_overflowing_rate_of_poisson_is_a_bad_row)
{
    for (double z = 709; z <= 711; z += 2) {
        double x = 1, y = 3, got[5], v[2] = {z, 0};
        const test_data d = {.rows = 1, .cols = 1, .x = &x, .y = &y};
        sums_of(&tw_model_poisson, 0, TW_f64, &d, v, got);
        ck_assert_double_eq(got[4], z > 710);
        ck_assert(isfinite(got[2]) == (z < 710));
    }
}
END_TEST

START_TEST(rows_whose_loss_is_not_finite_are_counted)
{
    for (int kind = 0; kind < 3; kind++) {
        static const double bad[] = {NAN, INFINITY, -INFINITY};
        const test_case c = make_case(tw_models[_i], TW_f64, 60, 9, kind == 2);
        double v[MOST_SUMS], got[MOST_SUMS];
        test_data d;
        const size_t n = draw(&c, &d, v);
        sums_of(c.ops, CLASSES, TW_f64, &d, v, got);
        ck_assert_double_eq(got[n - 1], 0);
        d.x[3 * 9 + 2] = d.x[50 * 9] = d.x[59 * 9 + 8] = bad[kind];
        sums_of(c.ops, CLASSES, TW_f64, &d, v, got);
        ck_assert_double_eq(got[n - 1], 3);
        ck_assert(!isfinite(got[n - 3]));
        v[0] = NAN;
        sums_of(c.ops, CLASSES, TW_f64, &d, v, got);
        ck_assert_double_eq(got[n - 1], taking_part(&d));
        test_data_release(&d);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("model");
    TCase *t = tcase_create("model");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_model_has_a_name_of_its_own_every_required_function_and_its_sizes, 0,
                        n_models());
    tcase_add_test(t, an_unknown_name_is_no_model);
    tcase_add_loop_test(t, sums_have_the_bits_of_the_page, 0, n_models());
    tcase_add_test(t, any_number_of_classes_from_one_up_has_the_bits_of_the_page);
    tcase_add_loop_test(t, the_storage_type_cannot_change_a_bit, 0, n_models());
    tcase_add_loop_test(t, columns_of_zeros_change_no_bit, 0, n_models());
    tcase_add_loop_test(t, a_column_times_a_power_of_two_scales_its_gradient_and_nothing_else, 0, n_models());
    tcase_add_loop_test(t, weight_two_is_a_row_twice_and_weight_zero_a_row_less, 0, n_models());
    tcase_add_loop_test(t, weights_times_a_power_of_two_scale_every_sum_exactly, 0, n_models());
    tcase_add_test(t, softmax_of_two_classes_is_logistic_of_the_difference);
    tcase_add_loop_test(t, extreme_margins_give_finite_sums_with_the_right_limit, 0, n_models());
    tcase_add_loop_test(t, a_row_of_weight_zero_takes_no_part_whatever_it_holds, 0, n_models());
    tcase_add_test(t, an_overflowing_rate_of_poisson_is_a_bad_row);
    tcase_add_loop_test(t, rows_whose_loss_is_not_finite_are_counted, 0, n_models());
    suite_add_tcase(s, t);
    return test_run(s);
}
