/* test_lipschitz.c -- 1/L against the largest eigenvalue by Jacobi rotations in long double, that descent
 * with it never fails, and that it is found once. */
#include "second_order.h"

static const tw_model_ops *const models[] = {&tw_model_linear, &tw_model_logistic, &tw_model_softmax};

/* The largest eigenvalue of a symmetric matrix, by cyclic rotations; a is lost. */
static long double jacobi(size_t n, long double *a)
{
    for (int sweep = 0; sweep < 30; sweep++)
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++) {
                if (a[p * n + q] == 0) continue;
                const long double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
                const long double t = (theta < 0 ? -1 : 1) / (fabsl(theta) + sqrtl(theta * theta + 1));
                const long double c = 1 / sqrtl(t * t + 1), s = t * c;
                for (size_t k = 0; k < n; k++) {
                    const long double x = a[k * n + p], y = a[k * n + q];
                    a[k * n + p] = c * x - s * y;
                    a[k * n + q] = s * x + c * y;
                }
                for (size_t k = 0; k < n; k++) {
                    const long double x = a[p * n + k], y = a[q * n + k];
                    a[p * n + k] = c * x - s * y;
                    a[q * n + k] = s * x + c * y;
                }
            }
    long double most = a[0];
    for (size_t j = 0; j < n; j++) most = fmaxl(most, a[j * n + j]);
    return most;
}

/* c lambda + l2. */
static double true_bound(problem *q)
{
    static const double most[] = {1, 0.25, 0.5};
    long double h[MOST * MOST];
    const double l2 = q->c.l2;
    double curvature = 0;
    for (int i = 0; i < 3; i++)
        if (models[i] == q->c.ops) curvature = most[i];
    q->c.l2 = 0;
    true_hessian(q, true, h);
    q->c.l2 = l2;
    return curvature * (double)jacobi(q->n, h) + l2;
}

static double announced(problem *q)
{
    tw_step s;
    ck_assert_int_eq(tw_step_init(&s, &tw_step_lipschitz, &(tw_step_settings){.length = 7}, q->n), TW_OK);
    ck_assert_int_eq(tw_step_announce(&s, q->F, &q->it, 0), TW_OK);
    tw_step_release(&s);
    return q->it.length;
}

static test_case case_of(int i)
{
    test_case c = usual_case(models[i % 3]);
    c.scaling = (tw_scaling_kind)(i / 3 % 3);
    c.intercept = i / 9 % 2;
    c.weighted = i / 18 % 2;
    c.l2 = i / 36 % 2 ? 0.3 : 0;
    return c;
}
enum { N_CASES = 3 * 3 * 2 * 2 * 2 };

START_TEST(the_length_is_one_over_the_largest_curvature_and_at_most_a_percent_less)
{
    problem q;
    const test_case c = case_of(_i);
    make(&q, &c);
    const double product = announced(&q) * true_bound(&q);
    ck_assert_msg(product <= 1 && product > 1 / 1.0101, "alpha L = %.6f", product);
    unmake(&q);
}
END_TEST

/* Power iteration ends at the second eigenvalue here, 12 % too long at one of these. */
START_TEST(close_eigenvalues_and_a_start_almost_without_the_largest_do_not_make_it_too_long)
{
    for (double part = 0.5; part < 1; part += (1 - part) / 4) {
        problem q;
        test_case c = usual_case(&tw_model_linear);
        if (part > 0.9999) break;
        c.intercept = c.weighted = false;
        c.l2 = 0;
        test_seed(7);
        q.c = c;
        test_data_init(&q.d, &c);
        for (size_t i = 0; i < ROWS; i++) /* X^T X is diagonal */
            for (size_t j = 0; j < COLS; j++) q.d.x[i * COLS + j] = i % COLS != j ? 0 : j ? sqrt(part) : 1;
        make_with(&q);
        const double product = announced(&q) * true_bound(&q);
        ck_assert_msg(product <= 1.0 && product > 1 / 1.0101, "alpha L = %.6f at %g", product, part);
        unmake(&q);
    }
}
END_TEST

START_TEST(descent_with_it_is_monotone_and_with_twice_as_much_it_is_not)
{
    problem q;
    method m;
    const test_case c = case_of(_i);
    int rises = 0;
    make(&q, &c);
    go_somewhere(&q);
    begin(&m, &q, &tw_optimizer_gd, &tw_step_lipschitz);
    for (int k = 0; k < 200; k++) {
        iterate(&m, &q);
        ck_assert(q.it.f <= q.it.f_prev + TW_LOSS_ROUNDING * q.it.f_prev);
    }
    if (c.ops == &tw_model_linear && c.l2 == 0) { /* the bound is attained */
        m.s.state[0] *= 2.1;
        go_somewhere(&q);
        for (int k = 0; k < 400; k++) {
            iterate(&m, &q);
            rises += q.it.f > q.it.f_prev;
        }
        ck_assert_int_gt(rises, 100);
    }
    end(&m);
    unmake(&q);
}
END_TEST

START_TEST(it_is_found_once_and_its_reads_are_counted)
{
    problem q;
    method m;
    const test_case c = usual_case(&tw_model_softmax);
    make(&q, &c);
    begin(&m, &q, &tw_optimizer_gd, &tw_step_lipschitz);
    const double reads = q.F->reads;
    const long reductions = q.F->reductions;
    ck_assert_int_eq(tw_step_announce(&m.s, q.F, &q.it, 0), TW_OK);
    const double alpha = q.it.length, cost = q.F->reads - reads;
    ck_assert(cost >= 2 && cost <= 60 && (double)(q.F->reductions - reductions) == cost);
    iterate(&m, &q);
    ck_assert_double_eq(q.F->reads - reads, cost + 1);
    ck_assert_double_eq(q.it.alpha, alpha);
    end(&m);
    begin(&m, &q, &tw_optimizer_gd, &tw_step_lipschitz); /* resumed */
    ck_assert_uint_eq(m.s.state_len, 2);
    m.s.state[0] = alpha;
    m.s.state[1] = 1;
    ck_assert_int_eq(tw_step_announce(&m.s, q.F, &q.it, 0), TW_OK);
    ck_assert(q.it.length == alpha && q.F->reads - reads == cost + 1);
    end(&m);
    unmake(&q);
}
END_TEST

START_TEST(mini_batches_have_the_length_of_all_rows)
{
    problem q;
    const test_case c = usual_case(&tw_model_logistic);
    double f, g[MOST];
    make(&q, &c);
    const double alpha = announced(&q);
    ck_assert_int_eq(tw_objective_batches(q.F, 32, 1), TW_OK);
    tw_objective_epoch(q.F, 0);
    tw_objective_batch(q.F, 3);
    ck_assert_int_eq(tw_objective_eval(q.F, q.it.w, &f, g), TW_OK);
    ck_assert_double_eq(announced(&q), alpha);
    ck_assert_int_eq(q.F->batches.step, 3);
    unmake(&q);
}
END_TEST

START_TEST(features_without_a_bound_are_refused_and_without_size_are_harmless)
{
    problem q;
    test_case c = usual_case(&tw_model_linear);
    c.intercept = c.weighted = false;
    c.l2 = 0;
    make(&q, &c);
    for (size_t i = 0; i < ROWS * COLS; i++) ((double *)q.p.shard.x)[i] = 0;
    ck_assert_double_eq(announced(&q), 1);
    ((double *)q.p.shard.x)[0] = 1e200;
    tw_step s;
    ck_assert_int_eq(tw_step_init(&s, &tw_step_lipschitz, &(tw_step_settings){.length = 7}, q.n), TW_OK);
    ck_assert_int_eq(tw_step_announce(&s, q.F, &q.it, 0), TW_DATA);
    tw_step_release(&s);
    unmake(&q);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("lipschitz");
    TCase *t = tcase_create("lipschitz");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, the_length_is_one_over_the_largest_curvature_and_at_most_a_percent_less, 0,
                        N_CASES);
    tcase_add_test(t, close_eigenvalues_and_a_start_almost_without_the_largest_do_not_make_it_too_long);
    tcase_add_loop_test(t, descent_with_it_is_monotone_and_with_twice_as_much_it_is_not, 0, N_CASES);
    tcase_add_test(t, it_is_found_once_and_its_reads_are_counted);
    tcase_add_test(t, mini_batches_have_the_length_of_all_rows);
    tcase_add_test(t, features_without_a_bound_are_refused_and_without_size_are_harmless);
    suite_add_tcase(s, t);
    return test_run(s);
}
