/* test_scaling.c -- statistics against long double, and folding against doing it to the data.
 *
 * That the statistics are the same bits on any number of ranks: mpi/test_objective.c. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 3 };

static tw_comm *comm;

static void enter(void)
{
    ck_assert_int_eq(tw_comm_local(&comm), TW_OK);
}

static void leave(void)
{
    tw_comm_release(comm);
}

/* Statistics of x [rows][cols] stored as type. */
static tw_scaling fit(tw_scaling_kind kind, tw_dtype type, size_t rows, size_t cols, double *x)
{
    const test_data d = {.rows = rows, .cols = cols, .x = x};
    tw_partition p;
    tw_shard s;
    tw_scaling scaling;
    ck_assert_int_eq(tw_partition_init(&p, (int64_t)rows, 0, 1), TW_OK);
    test_shard_init(&s, &d, type, 0, (int64_t)rows);
    ck_assert_int_eq(tw_scaling_fit(&scaling, kind, comm, &p, &s, 1), TW_OK);
    tw_shard_release(&s);
    tw_partition_release(&p);
    return scaling;
}

/* ---------------------------------------------------------------- statistics */

START_TEST(standardize_has_the_true_mean_and_population_standard_deviation)
{
    const struct {
        size_t rows, cols;
    } shapes[] = {{1, 1}, {2, 3}, {1000, 17}, {40000, 3}, {300, 1300}}; /* 1300: three stripes */
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        const test_case c = {
            .ops = &tw_model_linear, .type = (tw_dtype)_i, .rows = shapes[k].rows, .cols = shapes[k].cols};
        test_data d;
        test_data_init(&d, &c);
        tw_scaling s = fit(TW_SCALING_STANDARDIZE, c.type, d.rows, d.cols, d.x);
        for (size_t j = 0; j < d.cols; j++) {
            long double mean = 0, squares = 0, size = 0;
            for (size_t i = 0; i < d.rows; i++)
                mean += d.x[i * d.cols + j], size += fabs(d.x[i * d.cols + j]);
            mean /= (long double)d.rows;
            size /= (long double)d.rows;
            for (size_t i = 0; i < d.rows; i++) squares += powl(d.x[i * d.cols + j] - mean, 2);
            const long double sd = sqrtl(squares / (long double)d.rows);
            ck_assert_double_eq_tol(s.mean[j], (double)mean, 1e-14 * (double)size);
            ck_assert_double_eq_tol(s.scale[j], sd > 0 ? (double)sd : 1, 1e-14 * fmax(1, (double)sd));
        }
        tw_scaling_release(&s);
        test_data_release(&d);
    }
}
END_TEST

START_TEST(a_large_offset_does_not_drown_the_spread)
{
    enum { ROWS = 10000 };
    double *x = malloc(ROWS * sizeof *x);
    long double mean = 0, squares = 0, sum_of_squares = 0;
    for (int i = 0; i < ROWS; i++) x[i] = 1e8 + test_uniform();
    for (int i = 0; i < ROWS; i++) mean += x[i] / (long double)ROWS;
    for (int i = 0; i < ROWS; i++) squares += (x[i] - mean) * (x[i] - mean);
    for (int i = 0; i < ROWS; i++) sum_of_squares += (long double)(x[i] * x[i]);
    tw_scaling s = fit(TW_SCALING_STANDARDIZE, TW_f64, ROWS, 1, x);
    const double truth = (double)sqrtl(squares / ROWS),
                 naive = sqrt(fabs((double)(sum_of_squares / ROWS) - (double)(mean * mean)));
    ck_assert_double_eq_tol(s.scale[0], truth, 1e8 * 0x1p-53); /* the means of groups are rounded */
    ck_assert_double_gt(fabs(naive - truth), 1e-3 * truth);    /* the textbook formula fails here */
    ck_assert_uint_eq(s.offset_heavy, 1);
    tw_scaling_release(&s);
    free(x);
}
END_TEST

START_TEST(a_constant_column_has_its_exact_mean_and_scale_one)
{
    static const double constants[] = {0.1, 0, -0.0, 1e300, 3, -0x1p-1074, 1.0 / 3};
    enum { COLS = sizeof constants / sizeof *constants, ROWS = 3001 };
    double *x = malloc(ROWS * COLS * sizeof *x);
    for (int i = 0; i < ROWS * COLS; i++) x[i] = constants[i % COLS];
    for (int kind = TW_SCALING_STANDARDIZE; kind <= TW_SCALING_MINMAX; kind++) {
        tw_scaling s = fit((tw_scaling_kind)kind, TW_f64, ROWS, COLS, x);
        for (int j = 0; j < COLS; j++) {
            ck_assert_double_eq(s.mean[j], constants[j]);
            ck_assert_double_eq(s.scale[j], 1);
        }
        ck_assert_uint_eq(s.offset_heavy, 0);
        tw_scaling_release(&s);
    }
    free(x);
}
END_TEST

START_TEST(minmax_has_the_exact_minimum_and_range)
{
    const test_case c = {.ops = &tw_model_linear, .type = (tw_dtype)_i, .rows = 501, .cols = 600};
    test_data d;
    test_data_init(&d, &c);
    tw_scaling s = fit(TW_SCALING_MINMAX, c.type, d.rows, d.cols, d.x);
    for (size_t j = 0; j < d.cols; j++) {
        double least = d.x[j], most = d.x[j];
        for (size_t i = 0; i < d.rows; i++) {
            least = fmin(least, d.x[i * d.cols + j]);
            most = fmax(most, d.x[i * d.cols + j]);
        }
        ck_assert_double_eq(s.mean[j], least);
        ck_assert_double_eq(s.scale[j], most - least);
    }
    tw_scaling_release(&s);
    test_data_release(&d);
}
END_TEST

START_TEST(no_scaling_has_no_statistics)
{
    double x[6] = {1, 2, 3, 4, 5, 6};
    tw_scaling s = fit(TW_SCALING_NONE, TW_f64, 3, 2, x);
    ck_assert(s.kind == TW_SCALING_NONE && s.mean == NULL && s.scale == NULL);
    tw_scaling_release(&s);
    tw_scaling_release(&s);
}
END_TEST

START_TEST(kinds_are_found_by_their_documented_names)
{
    tw_scaling_kind kind;
    ck_assert(tw_scaling_find("none", &kind) && kind == TW_SCALING_NONE);
    ck_assert(tw_scaling_find("standardize", &kind) && kind == TW_SCALING_STANDARDIZE);
    ck_assert(tw_scaling_find("minmax", &kind) && kind == TW_SCALING_MINMAX);
    ck_assert(!tw_scaling_find("Standardize", &kind) && !tw_scaling_find("", &kind));
}
END_TEST

/* ---------------------------------------------------------------- folding */

typedef struct {
    test_case c;
    test_data d;
    tw_model m;
    tw_scaling s;
    double *w, *v;
} fixture;

static void make(fixture *f, int i)
{
    f->c = (test_case){.ops = i / 4 ? &tw_model_softmax : &tw_model_linear,
                       .type = TW_f64,
                       .rows = 200,
                       .cols = 21,
                       .classes = CLASSES,
                       .intercept = i % 2,
                       .scaling = i / 2 % 2 ? TW_SCALING_MINMAX : TW_SCALING_STANDARDIZE};
    test_data_init(&f->d, &f->c);
    for (size_t k = 0; k < 200 * 21; k++) f->d.x[k] = (f->d.x[k] + 2) * (double)(1 + k % 21);
    ck_assert_int_eq(tw_model_init(&f->m, f->c.ops, 21, CLASSES, f->c.intercept), TW_OK);
    f->s = fit(f->c.scaling, TW_f64, 200, 21, f->d.x);
    f->w = malloc(f->m.n_params * sizeof *f->w);
    f->v = malloc(tw_model_raw(&f->m) * sizeof *f->v);
    test_parameters(&f->c, &f->m, f->w);
    tw_scaling_fold(&f->s, &f->m, f->w, f->v);
}

static void unmake(fixture *f)
{
    free(f->v);
    free(f->w);
    tw_scaling_release(&f->s);
    tw_model_release(&f->m);
    test_data_release(&f->d);
}

START_TEST(folded_parameters_have_the_bits_of_the_page)
{
    fixture f;
    make(&f, _i);
    const size_t K = f.m.outputs;
    for (size_t k = 0; k < K; k++) {
        double column[21], b = f.c.intercept ? f.w[21 * K + k] : 0.0;
        for (size_t j = 0; j < 21; j++) column[j] = f.w[j * K + k] / f.s.scale[j];
        const double c = b - test_lane_sum(21, column, f.s.mean);
        for (size_t j = 0; j < 21; j++) ck_assert(same_bits(1, &column[j], &f.v[j * K + k]));
        ck_assert(same_bits(1, &c, &f.v[21 * K + k]));
    }
    unmake(&f);
}
END_TEST

START_TEST(margins_of_raw_features_at_folded_parameters_are_those_of_scaled_features)
{
    fixture f;
    make(&f, _i);
    const size_t K = f.m.outputs;
    for (size_t i = 0; i < 200; i++)
        for (size_t k = 0; k < K; k++) {
            long double raw = f.v[21 * K + k], scaled = f.c.intercept ? f.w[21 * K + k] : 0;
            for (size_t j = 0; j < 21; j++) {
                const long double x = f.d.x[i * 21 + j];
                raw += x * f.v[j * K + k];
                scaled += (x - f.s.mean[j]) / f.s.scale[j] * f.w[j * K + k];
            }
            ck_assert_double_eq_tol((double)raw, (double)scaled, 1e-13);
        }
    unmake(&f);
}
END_TEST

/* The gradient's way out is the transpose of the parameters' way in: <unfold(s), w> = <s, fold(w)> for every
 * s, as fold is linear. One wrong sign or factor breaks it. */
START_TEST(unfold_is_the_adjoint_of_fold)
{
    fixture f;
    make(&f, _i);
    const size_t raw = tw_model_raw(&f.m);
    double *sums = calloc(tw_model_sums(&f.m), sizeof *sums), *g = malloc(f.m.n_params * sizeof *g);
    for (int round = 0; round < 20; round++) {
        long double in = 0, out = 0, size = 0;
        for (size_t j = 0; j < raw; j++) sums[j] = test_uniform();
        test_parameters(&f.c, &f.m, f.w);
        tw_scaling_fold(&f.s, &f.m, f.w, f.v);
        tw_scaling_unfold(&f.s, &f.m, sums, g);
        for (size_t j = 0; j < f.m.n_params; j++) in += (long double)g[j] * f.w[j];
        for (size_t j = 0; j < raw; j++)
            out += (long double)sums[j] * f.v[j], size += fabsl((long double)sums[j] * f.v[j]);
        ck_assert_msg(fabsl(in - out) <= 1e-14L * size, "%Lg and %Lg", in, out);
        g[3] = -g[3];
        ck_assert(fabsl(in - 2 * (long double)g[3] * -f.w[3] - out) > 1e-14L * size);
    }
    free(g);
    free(sums);
    unmake(&f);
}
END_TEST

START_TEST(without_scaling_parameters_and_gradient_pass_unchanged)
{
    fixture f;
    make(&f, _i);
    tw_scaling none = {.kind = TW_SCALING_NONE};
    double *sums = calloc(tw_model_sums(&f.m), sizeof *sums), *g = malloc(f.m.n_params * sizeof *g),
           zero[CLASSES] = {0};
    for (size_t j = 0; j < tw_model_raw(&f.m); j++) sums[j] = test_uniform();
    tw_scaling_fold(&none, &f.m, f.w, f.v);
    tw_scaling_unfold(&none, &f.m, sums, g);
    ck_assert(same_bits(f.m.n_params, f.v, f.w) && same_bits(f.m.n_params, g, sums));
    if (!f.c.intercept) ck_assert(same_bits(f.m.outputs, f.v + f.m.n_weights, zero));
    free(g);
    free(sums);
    unmake(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("scaling");
    TCase *t = tcase_create("scaling");
    tcase_add_checked_fixture(t, enter, leave);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, standardize_has_the_true_mean_and_population_standard_deviation, 0, TW_N_DTYPES);
    tcase_add_test(t, a_large_offset_does_not_drown_the_spread);
    tcase_add_test(t, a_constant_column_has_its_exact_mean_and_scale_one);
    tcase_add_loop_test(t, minmax_has_the_exact_minimum_and_range, 0, TW_N_DTYPES);
    tcase_add_test(t, no_scaling_has_no_statistics);
    tcase_add_test(t, kinds_are_found_by_their_documented_names);
    tcase_add_loop_test(t, folded_parameters_have_the_bits_of_the_page, 0, 8);
    tcase_add_loop_test(t, margins_of_raw_features_at_folded_parameters_are_those_of_scaled_features, 0, 8);
    tcase_add_loop_test(t, unfold_is_the_adjoint_of_fold, 0, 8);
    tcase_add_loop_test(t, without_scaling_parameters_and_gradient_pass_unchanged, 0, 8);
    suite_add_tcase(s, t);
    return test_run(s);
}
