/* test_newton.c -- the Hessian against direct sums and central differences, and Newton's method: one step for
 * a quadratic, quadratic convergence, and minima that are not unique. */
#include "second_order.h"

static const tw_model_ops *const models[] = {&tw_model_linear, &tw_model_logistic, &tw_model_softmax};

/* Every combination of model, scaling, intercept, weights and penalty. */
enum { N_CASES = 3 * 3 * 2 * 2 * 2 };

static test_case case_of(int i)
{
    test_case c = usual_case(models[i % 3]);
    c.scaling = (tw_scaling_kind)(i / 3 % 3);
    c.intercept = i / 9 % 2;
    c.weighted = i / 18 % 2;
    c.l2 = i / 36 % 2 ? 0.3 : 0;
    return c;
}

/* ---------------------------------------------------------------- the matrix */

START_TEST(the_hessian_is_the_sum_of_the_curvatures_of_the_rows)
{
    problem q;
    double h[MOST * MOST];
    long double truth[MOST * MOST];
    const test_case c = case_of(_i);
    make(&q, &c);
    go_somewhere(&q);
    const double reads = q.F->reads;
    const long reductions = q.F->reductions;
    ck_assert_int_eq(tw_objective_hessian(q.F, h), TW_OK);
    ck_assert(q.F->reads == reads + 1 && q.F->reductions == reductions + 1);
    true_hessian(&q, false, truth);
    for (size_t i = 0; i < q.n; i++)
        for (size_t j = 0; j < q.n; j++) {
            ck_assert_double_eq_tol(h[i * q.n + j], (double)truth[i * q.n + j],
                                    2e-15 * largest(q.n * q.n, h));
            ck_assert_double_eq(h[i * q.n + j], h[j * q.n + i]);
        }
    unmake(&q);
}
END_TEST

START_TEST(the_hessian_is_the_change_of_the_gradient)
{
    problem q;
    double h[MOST * MOST], f, up[MOST], down[MOST];
    const double step = 1e-4;
    const test_case c = case_of(_i);
    make(&q, &c);
    go_somewhere(&q);
    ck_assert_int_eq(tw_objective_hessian(q.F, h), TW_OK);
    for (size_t j = 0; j < q.n; j++) {
        const double w = q.it.w[j];
        q.it.w[j] = w + step;
        ck_assert_int_eq(tw_objective_eval(q.F, q.it.w, &f, up), TW_OK);
        q.it.w[j] = w - step;
        ck_assert_int_eq(tw_objective_eval(q.F, q.it.w, &f, down), TW_OK);
        q.it.w[j] = w;
        for (size_t i = 0; i < q.n; i++)
            ck_assert_double_eq_tol((up[i] - down[i]) / (2 * step), h[i * q.n + j], 2e-8);
    }
    unmake(&q);
}
END_TEST

START_TEST(a_product_is_that_of_the_matrix)
{
    problem q;
    double h[MOST * MOST], d[MOST], out[MOST], expected[MOST];
    long double gram[MOST * MOST];
    const test_case c = case_of(_i);
    make(&q, &c);
    go_somewhere(&q);
    ck_assert_int_eq(tw_objective_hessian(q.F, h), TW_OK);
    true_hessian(&q, true, gram);
    for (size_t j = 0; j < q.n; j++) d[j] = test_uniform();
    const double reads = q.F->reads;
    const long reductions = q.F->reductions;
    ck_assert_int_eq(tw_objective_hessian_vector(q.F, d, false, out), TW_OK);
    ck_assert(q.F->reads == reads + 1 && q.F->reductions == reductions + 1);
    for (size_t i = 0; i < q.n; i++) expected[i] = tw_vec_dot(q.n, h + i * q.n, d);
    for (size_t i = 0; i < q.n; i++)
        ck_assert_double_eq_tol(out[i], expected[i], 1e-14 * (1 + largest(q.n, out)));
    ck_assert_int_eq(tw_objective_hessian_vector(q.F, d, true, out), TW_OK);
    for (size_t i = 0; i < q.n; i++) {
        long double sum = 0;
        for (size_t j = 0; j < q.n; j++) sum += gram[i * q.n + j] * d[j];
        ck_assert_double_eq_tol(out[i], (double)sum, 1e-14 * (1 + largest(q.n, out)));
    }
    unmake(&q);
}
END_TEST

START_TEST(without_margins_there_are_no_second_derivatives)
{
    problem q;
    test_case c = usual_case(&tw_model_logistic);
    double h[MOST * MOST], d[MOST] = {0};
    c.margins = false;
    make(&q, &c);
    ck_assert_int_eq(tw_objective_hessian(q.F, h), TW_INTERNAL);
    ck_assert_int_eq(tw_objective_hessian_vector(q.F, d, false, h), TW_INTERNAL);
    ck_assert_int_eq(tw_objective_hessian_vector(q.F, d, true, h), TW_OK);
    unmake(&q);
}
END_TEST

/* ---------------------------------------------------------------- the step */

/* The minimum of a quadratic, from its Hessian and the gradient at zero, both in long double. */
static void ridge(const problem *q, long double *w)
{
    long double h[MOST * MOST], x[COLS + 2], weight = 0;
    true_hessian(q, false, h);
    for (size_t j = 0; j < q->n; j++) w[j] = 0;
    for (size_t i = 0; i < q->d.rows; i++) {
        const double omega = q->d.weight ? q->d.weight[i] : 1;
        features(q, i, x);
        weight += omega;
        for (size_t j = 0; j < q->n; j++) w[j] += omega * x[j] * q->d.y[i];
    }
    for (size_t j = 0; j < q->n; j++) w[j] /= weight;
    eliminate(q->n, h, w);
}

START_TEST(one_step_solves_a_ridge_regression)
{
    problem q;
    method m;
    long double w[MOST];
    const test_case c = case_of(3 * _i); /* linear */
    make(&q, &c);
    go_somewhere(&q);
    ridge(&q, w);
    begin(&m, &q, &tw_optimizer_newton, &tw_step_backtracking);
    iterate(&m, &q);
    ck_assert_double_eq(q.it.alpha, 1);
    for (size_t j = 0; j < q.n; j++) ck_assert_double_eq_tol(q.it.w[j], (double)w[j], 2e-14);
    ck_assert_double_lt(q.it.g_norm, 1e-14);
    ck_assert_int_eq(q.it.regularised, 0);
    end(&m);
    unmake(&q);
}
END_TEST

START_TEST(the_direction_solves_the_newton_system_and_leaves_the_mean_of_the_classes)
{
    problem q;
    method m;
    double h[MOST * MOST];
    const test_case c = case_of(_i);
    make(&q, &c);
    go_somewhere(&q);
    begin(&m, &q, &tw_optimizer_newton, &tw_step_backtracking);
    ck_assert_int_eq(tw_optimizer_direction(&m.o, q.F, &q.it), TW_OK);
    ck_assert_int_eq(tw_objective_hessian(q.F, h), TW_OK);
    for (size_t i = 0; i < q.n; i++)
        ck_assert_double_eq_tol(tw_vec_dot(q.n, h + i * q.n, q.it.d), -q.it.g[i],
                                1e-13 * (1 + largest(q.n, q.it.d)));
    ck_assert_int_eq(q.it.regularised, 0);
    ck_assert(q.it.condition >= 1 && q.it.condition < 1e6);
    const size_t first = c.l2 == 0 ? 0 : q.F->n_weights;
    for (size_t j = first; c.ops == &tw_model_softmax && j < q.n; j += CLASSES)
        ck_assert_double_eq_tol(q.it.d[j] + q.it.d[j + 1] + q.it.d[j + 2], 0,
                                1e-13 * (1 + largest(q.n, q.it.d)));
    end(&m);
    unmake(&q);
}
END_TEST

/* ||A||_1 ||A^-1||_1 in long double. */
static double condition(size_t n, const long double *h)
{
    long double a[MOST * MOST], x[MOST], norm = 0, inverse = 0;
    for (size_t j = 0; j < n; j++) {
        long double sum = 0, solved = 0;
        memcpy(a, h, n * n * sizeof *a);
        for (size_t i = 0; i < n; i++) {
            x[i] = i == j;
            sum += fabsl(h[i * n + j]);
        }
        eliminate(n, a, x);
        for (size_t i = 0; i < n; i++) solved += fabsl(x[i]);
        norm = fmaxl(norm, sum);
        inverse = fmaxl(inverse, solved);
    }
    return (double)(norm * inverse);
}

START_TEST(the_condition_number_is_that_of_the_hessian_within_three)
{
    problem q;
    method m;
    long double h[MOST * MOST];
    test_case c = usual_case(models[_i]);
    make(&q, &c);
    go_somewhere(&q);
    for (size_t i = 0; i < q.d.rows; i++) ((double *)q.p.shard.x)[i * COLS] = q.d.x[i * COLS] *= 1000;
    q.it.w[0] /= 1000;
    evaluate(&q);
    true_hessian(&q, false, h);
    begin(&m, &q, &tw_optimizer_newton, &tw_step_backtracking);
    ck_assert(isnan(q.it.condition));
    ck_assert_int_eq(tw_optimizer_direction(&m.o, q.F, &q.it), TW_OK);
    const double truth = condition(q.n, h);
    ck_assert_double_gt(truth, 1e4);
    ck_assert(q.it.condition <= 1.0001 * truth && q.it.condition >= truth / 3);
    end(&m);
    unmake(&q);
}
END_TEST

START_TEST(near_the_minimum_every_step_squares_the_gradient)
{
    problem q;
    method m;
    test_case c = usual_case(models[1 + _i % 2]);
    c.l2 = _i / 2 ? 0.01 : 0;
    make(&q, &c);
    begin(&m, &q, &tw_optimizer_newton, &tw_step_backtracking);
    int squares = 0;
    while (q.it.g_norm > 1e-13) {
        const double before = q.it.g_norm;
        iterate(&m, &q);
        ck_assert_int_lt((int)q.it.k, 8);
        if (before < 0.03) ck_assert_double_le(q.it.g_norm, 3 * before * before + 1e-15);
        squares += before < 0.03 && before > 1e-7;
    }
    ck_assert_int_ge(squares, 1);
    end(&m);
    unmake(&q);
}
END_TEST

START_TEST(an_iteration_costs_two_reads_and_two_reductions)
{
    problem q;
    method m;
    const test_case c = usual_case(&tw_model_softmax);
    make(&q, &c);
    begin(&m, &q, &tw_optimizer_newton, &tw_step_backtracking);
    for (int i = 1; i <= 3; i++) {
        iterate(&m, &q);
        ck_assert_int_eq(q.it.trials, 1);
        ck_assert_double_eq(q.F->reads, 1 + 2 * i);
        ck_assert_int_eq(q.F->reductions, 1 + 2 * i);
    }
    end(&m);
    unmake(&q);
}
END_TEST

START_TEST(where_the_gradient_is_zero_there_is_no_step_and_no_read)
{
    problem q;
    method m;
    const test_case c = usual_case(&tw_model_linear);
    make(&q, &c);
    begin(&m, &q, &tw_optimizer_newton, &tw_step_backtracking);
    memset(q.it.g, 0, q.n * sizeof *q.it.g);
    q.it.d[0] = 1;
    ck_assert_int_eq(tw_optimizer_direction(&m.o, q.F, &q.it), TW_OK);
    ck_assert_double_eq(largest(q.n, q.it.d), 0);
    ck_assert_double_eq(q.F->reads, 1);
    end(&m);
    unmake(&q);
}
END_TEST

/* ---------------------------------------------------------------- minima that are not unique */

static double minimum(problem *q)
{
    method m;
    begin(&m, q, &tw_optimizer_newton, &tw_step_backtracking);
    for (int i = 0; i < 12 && q->it.why == TW_CONTINUE && q->it.g_norm > 1e-13; i++) iterate(&m, q);
    end(&m);
    return q->it.f;
}

/* The last column is the one before again; kept: how many columns. */
static double with_columns(const tw_model_ops *ops, size_t kept, tw_iterate *at_end)
{
    problem q;
    test_case c = usual_case(ops);
    c.l2 = 0;
    c.weighted = false;
    test_seed(7);
    test_data_init(&q.d, &c);
    for (size_t i = 0; i < ROWS; i++) {
        q.d.x[i * COLS + COLS - 1] = q.d.x[i * COLS + COLS - 2];
        memmove(q.d.x + i * kept, q.d.x + i * COLS, kept * sizeof *q.d.x);
    }
    c.cols = q.d.cols = kept;
    q.c = c;
    make_with(&q);
    const double f = minimum(&q);
    *at_end = q.it;
    unmake(&q);
    return f;
}

START_TEST(a_column_that_is_there_twice_is_regularised_and_changes_no_minimum)
{
    tw_iterate once, twice;
    const double f = with_columns(models[_i], COLS - 1, &once),
                 f_twice = with_columns(models[_i], COLS, &twice);
    ck_assert_int_eq(once.regularised, 0);
    ck_assert_int_ge(twice.regularised, 1);
    ck_assert_double_gt(twice.condition, 1e12);
    ck_assert_double_lt(once.condition, 1e4);
    ck_assert_double_eq_tol(f_twice, f, 1e-14);
    ck_assert_double_le(twice.g_norm, 1e-12);
    ck_assert_double_le(twice.w_norm, 100); /* nothing runs away along the way that changes nothing */
}
END_TEST

START_TEST(a_column_of_zeros_gets_no_weight)
{
    problem q;
    method m;
    test_case c = usual_case(models[_i]);
    c.l2 = 0;
    test_seed(7);
    q.c = c;
    test_data_init(&q.d, &c);
    for (size_t i = 0; i < ROWS; i++) q.d.x[i * COLS + 2] = 0;
    make_with(&q);
    begin(&m, &q, &tw_optimizer_newton, &tw_step_backtracking);
    for (int i = 0; i < 3; i++) iterate(&m, &q);
    for (size_t k = 0; k < q.p.model.outputs; k++) ck_assert_double_eq(q.it.w[2 * q.p.model.outputs + k], 0);
    ck_assert_int_eq(q.it.regularised, 3);
    ck_assert_double_lt(q.it.g_norm, 1e-3);
    end(&m);
    unmake(&q);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("newton");
    TCase *t = tcase_create("newton");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, the_hessian_is_the_sum_of_the_curvatures_of_the_rows, 0, N_CASES);
    tcase_add_loop_test(t, the_hessian_is_the_change_of_the_gradient, 0, N_CASES);
    tcase_add_loop_test(t, a_product_is_that_of_the_matrix, 0, N_CASES);
    tcase_add_test(t, without_margins_there_are_no_second_derivatives);
    tcase_add_loop_test(t, one_step_solves_a_ridge_regression, 0, N_CASES / 3);
    tcase_add_loop_test(t, the_direction_solves_the_newton_system_and_leaves_the_mean_of_the_classes, 0,
                        N_CASES);
    tcase_add_loop_test(t, the_condition_number_is_that_of_the_hessian_within_three, 0, 2);
    tcase_add_loop_test(t, near_the_minimum_every_step_squares_the_gradient, 0, 4);
    tcase_add_test(t, an_iteration_costs_two_reads_and_two_reductions);
    tcase_add_test(t, where_the_gradient_is_zero_there_is_no_step_and_no_read);
    tcase_add_loop_test(t, a_column_that_is_there_twice_is_regularised_and_changes_no_minimum, 0, 3);
    tcase_add_loop_test(t, a_column_of_zeros_gets_no_weight, 0, 3);
    suite_add_tcase(s, t);
    return test_run(s);
}
