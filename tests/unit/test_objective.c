/* test_objective.c -- F and its gradient on one rank: central differences, penalties, weights, scaling;
 * failures and requests. Against published optima: test_truth.c; on several ranks: mpi/test_objective.c. */
#include "support.h"

#include "thalweg/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLS = 9, CLASSES = 4, MOST = (COLS + 1) * CLASSES };

static tw_comm *comm;

static void enter(void)
{
    ck_assert_int_eq(tw_comm_local(&comm), TW_OK);
}

static void leave(void)
{
    tw_comm_release(comm);
}

static int n_models(void)
{
    int n = 0;
    while (tw_models[n]) n++;
    return n;
}

static test_case make_case(int model, int scaling)
{
    return (test_case){.ops = tw_models[model],
                       .type = TW_f32,
                       .scaling = (tw_scaling_kind)scaling,
                       .mode = TW_REPRODUCIBLE,
                       .rows = 700,
                       .cols = COLS,
                       .classes = CLASSES,
                       .l2 = 0.3,
                       .intercept = true,
                       .weighted = true};
}

static void make(test_problem *p, const test_case *c, const test_data *d)
{
    ck_assert_msg(test_problem_init(p, comm, c, d) == TW_OK, "%s", tw_status_message());
}

static double eval(test_problem *p, const double *w, double *g)
{
    double f;
    ck_assert_msg(tw_objective_eval(&p->objective, w, &f, g) == TW_OK, "%s", tw_status_message());
    return f;
}

/* ---------------------------------------------------------------- truth */

START_TEST(the_gradient_is_the_central_difference_of_f)
{
    test_case c = make_case(_i / 6, _i / 2 % 3);
    c.intercept = _i % 2;
    test_data d;
    test_problem p;
    double w[MOST], g[MOST], unused[MOST];
    test_data_init(&d, &c);
    make(&p, &c, &d);
    test_parameters(&c, &p.model, w);
    eval(&p, w, g);
    for (size_t j = 0; j < p.objective.n; j++) {
        const double at = w[j], h = 0x1p-14; /* (eps)^(1/3) or so: both errors near 1e-9 */
        w[j] = at + h;
        const double above = eval(&p, w, unused);
        w[j] = at - h;
        const double below = eval(&p, w, unused);
        w[j] = at;
        ck_assert_double_eq_tol((above - below) / (2 * h), g[j], fmax(1e-8, 4e-9 * fabs(g[j])));
    }
    test_problem_release(&p);
    test_data_release(&d);
}
END_TEST

START_TEST(the_penalty_is_half_l2_w_squared_without_the_intercept)
{
    test_case c = make_case(_i / 3, _i % 3);
    test_data d;
    test_problem with, without;
    double w[MOST], g[MOST], g0[MOST];
    test_data_init(&d, &c);
    make(&with, &c, &d);
    c.l2 = 0;
    make(&without, &c, &d);
    test_parameters(&c, &with.model, w);
    const double f = eval(&with, w, g), f0 = eval(&without, w, g0);
    const size_t n = with.model.n_weights;
    const double truth = f0 + 0.5 * 0.3 * tw_vec_dot(n, w, w); /* the order of the page */
    ck_assert(same_bits(1, &f, &truth));
    for (size_t j = 0; j < n; j++) {
        const double slope = fma(0.3, w[j], g0[j]);
        ck_assert(same_bits(1, &g[j], &slope));
    }
    ck_assert(same_bits(with.objective.n - n, g + n, g0 + n));
    test_problem_release(&with);
    test_problem_release(&without);
    test_data_release(&d);
}
END_TEST

START_TEST(folded_scaling_is_the_same_as_scaled_data)
{
    test_case c = make_case(_i / 2, 1 + _i % 2);
    test_data d;
    test_problem folded, scaled;
    double w[MOST], g[MOST], truth[MOST];
    test_data_init(&d, &c);
    for (size_t i = 0; i < d.rows * COLS; i++)
        d.x[i] = (double)(float)((d.x[i] + 5) * (double)(1 + i % COLS));
    make(&folded, &c, &d);
    for (size_t i = 0; i < d.rows * COLS; i++)
        d.x[i] = (d.x[i] - folded.scaling.mean[i % COLS]) / folded.scaling.scale[i % COLS];
    c.type = TW_f64;
    c.scaling = TW_SCALING_NONE;
    make(&scaled, &c, &d);
    test_parameters(&c, &folded.model, w);
    const double f = eval(&folded, w, g), f_truth = eval(&scaled, w, truth);
    ck_assert_double_eq_tol(f, f_truth, 1e-13 * f_truth);
    for (size_t j = 0; j < folded.objective.n; j++) ck_assert_double_eq_tol(g[j], truth[j], 1e-13);
    test_problem_release(&folded);
    test_problem_release(&scaled);
    test_data_release(&d);
}
END_TEST

START_TEST(all_weights_times_a_power_of_two_change_no_bit)
{
    test_case c = make_case(_i, TW_SCALING_STANDARDIZE);
    test_data d;
    test_problem one, eight;
    double w[MOST], g[MOST], g8[MOST];
    test_data_init(&d, &c);
    make(&one, &c, &d);
    for (size_t i = 0; i < d.rows; i++) d.weight[i] *= 8;
    make(&eight, &c, &d);
    test_parameters(&c, &one.model, w);
    const double f = eval(&one, w, g), f8 = eval(&eight, w, g8);
    ck_assert(same_bits(1, &f, &f8) && same_bits(one.objective.n, g, g8));
    ck_assert_double_eq(eight.objective.weight, 8 * one.objective.weight);
    test_problem_release(&one);
    test_problem_release(&eight);
    test_data_release(&d);
}
END_TEST

START_TEST(a_row_of_weight_zero_is_absent_within_rounding_and_ones_are_no_weights_to_the_bit)
{
    test_case c = make_case(_i, TW_SCALING_NONE);
    test_data d;
    test_problem masked, ones, none;
    double w[MOST], g[MOST], truth[MOST];
    test_data_init(&d, &c);
    for (size_t i = 0; i < d.rows; i++) d.weight[i] = i < 600 ? 1 : 0;
    make(&masked, &c, &d);
    d.rows = 600;
    make(&ones, &c, &d);
    free(d.weight);
    d.weight = NULL;
    make(&none, &c, &d);
    test_parameters(&c, &masked.model, w);
    const double f = eval(&masked, w, g), f_truth = eval(&none, w, truth);
    ck_assert_double_eq_tol(f, f_truth, 1e-14 * f_truth);
    for (size_t j = 0; j < masked.objective.n; j++) ck_assert_double_eq_tol(g[j], truth[j], 1e-14);
    ck_assert_double_eq(masked.objective.weight, 600);
    const double f_ones = eval(&ones, w, g);
    ck_assert(same_bits(1, &f_ones, &f_truth) && same_bits(none.objective.n, g, truth));
    test_problem_release(&masked);
    test_problem_release(&ones);
    test_problem_release(&none);
    test_data_release(&d);
}
END_TEST

START_TEST(both_modes_agree_on_one_rank_to_the_bit)
{
    test_case c = make_case(_i, TW_SCALING_MINMAX);
    test_data d;
    test_problem reproducible, allreduce;
    double w[MOST], g[MOST], h[MOST];
    test_data_init(&d, &c);
    make(&reproducible, &c, &d);
    c.mode = TW_ALLREDUCE;
    make(&allreduce, &c, &d);
    test_parameters(&c, &allreduce.model, w);
    const double f = eval(&reproducible, w, g), e = eval(&allreduce, w, h);
    ck_assert(same_bits(1, &f, &e) && same_bits(allreduce.objective.n, g, h));
    test_problem_release(&reproducible);
    test_problem_release(&allreduce);
    test_data_release(&d);
}
END_TEST

/* ---------------------------------------------------------------- failure and requests */

START_TEST(weights_that_sum_to_zero_are_a_data_error_and_leave_f_and_g)
{
    const test_case c = make_case(0, TW_SCALING_NONE);
    test_data d;
    test_problem p;
    double w[MOST] = {0}, g[MOST] = {7}, f = 5;
    test_data_init(&d, &c);
    for (size_t i = 0; i < d.rows; i++) d.weight[i] = 0;
    make(&p, &c, &d);
    ck_assert_int_eq(tw_objective_eval(&p.objective, w, &f, g), TW_DATA);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "weights of all rows sum to zero"));
    ck_assert(f == 5 && g[0] == 7);
    test_problem_release(&p);
    test_data_release(&d);
}
END_TEST

START_TEST(a_pending_failure_is_raised_by_the_next_evaluation)
{
    const test_case c = make_case(0, TW_SCALING_NONE);
    test_data d;
    test_problem p;
    double w[MOST] = {0}, g[MOST] = {7}, f = 5;
    test_data_init(&d, &c);
    make(&p, &c, &d);
    p.objective.pending = tw_fail(TW_IO, "the disk is full");
    ck_assert_int_eq(tw_objective_eval(&p.objective, w, &f, g), TW_IO);
    ck_assert_str_eq(tw_status_message(), "the disk is full");
    ck_assert(f == 5 && g[0] == 7);
    p.objective.pending = TW_OK;
    eval(&p, w, g);
    test_problem_release(&p);
    test_data_release(&d);
}
END_TEST

START_TEST(requests_are_agreed_and_evaluations_counted)
{
    const test_case c = make_case(0, TW_SCALING_NONE);
    test_data d;
    test_problem p;
    double w[MOST] = {0}, g[MOST];
    test_data_init(&d, &c);
    make(&p, &c, &d);
    ck_assert_int_eq(p.objective.evals, 0);
    eval(&p, w, g);
    ck_assert(p.objective.agreed[TW_FLAG_STOP] == 0 && p.objective.agreed[TW_FLAG_TIME] == 0);
    p.objective.requests[TW_FLAG_TIME] = 1;
    eval(&p, w, g);
    ck_assert(p.objective.agreed[TW_FLAG_STOP] == 0 && p.objective.agreed[TW_FLAG_TIME] == 1);
    p.objective.requests[TW_FLAG_TIME] = 0;
    eval(&p, w, g);
    ck_assert_double_eq(p.objective.agreed[TW_FLAG_TIME], 0);
    ck_assert_int_eq(p.objective.evals, 3);
    ck_assert(p.objective.bad_rows == 0);
    test_problem_release(&p);
    test_data_release(&d);
}
END_TEST

START_TEST(a_point_that_is_not_finite_gives_bad_rows_and_no_failure)
{
    const test_case c = make_case(_i, TW_SCALING_NONE);
    test_data d;
    test_problem p;
    double w[MOST] = {NAN}, g[MOST];
    test_data_init(&d, &c);
    make(&p, &c, &d);
    ck_assert(isnan(eval(&p, w, g)));
    double taking_part = 0;
    for (size_t i = 0; i < d.rows; i++) taking_part += !d.weight || d.weight[i] != 0;
    ck_assert_double_eq(p.objective.bad_rows, taking_part);
    w[0] = 0;
    ck_assert(isfinite(eval(&p, w, g)));
    ck_assert_double_eq(p.objective.bad_rows, 0);
    test_problem_release(&p);
    test_data_release(&d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("objective");
    TCase *t = tcase_create("objective");
    const int n = n_models();
    tcase_add_checked_fixture(t, enter, leave);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, the_gradient_is_the_central_difference_of_f, 0, 6 * n);
    tcase_add_loop_test(t, the_penalty_is_half_l2_w_squared_without_the_intercept, 0, 3 * n);
    tcase_add_loop_test(t, folded_scaling_is_the_same_as_scaled_data, 0, 2 * n);
    tcase_add_loop_test(t, all_weights_times_a_power_of_two_change_no_bit, 0, n);
    tcase_add_loop_test(t, a_row_of_weight_zero_is_absent_within_rounding_and_ones_are_no_weights_to_the_bit,
                        0, n);
    tcase_add_loop_test(t, both_modes_agree_on_one_rank_to_the_bit, 0, n);
    tcase_add_test(t, weights_that_sum_to_zero_are_a_data_error_and_leave_f_and_g);
    tcase_add_test(t, a_pending_failure_is_raised_by_the_next_evaluation);
    tcase_add_test(t, requests_are_agreed_and_evaluations_counted);
    tcase_add_loop_test(t, a_point_that_is_not_finite_gives_bad_rows_and_no_failure, 0, n);
    suite_add_tcase(s, t);
    return test_run(s);
}
