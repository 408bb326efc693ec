/* test_trust_region.c -- what an accepted and a refused step of the trust region leave, what they cost, and
 * where newton_cg arrives with them. */
#include "second_order.h"

static const tw_model_ops *const models[] = {&tw_model_linear, &tw_model_logistic, &tw_model_softmax};

static void begin_cg(method *m, const problem *q)
{
    begin(m, q, &tw_optimizer_newton_cg, &tw_step_trust_region);
}

static void direction(method *m, problem *q)
{
    ck_assert_int_eq(tw_optimizer_direction(&m->o, q->F, &q->it), TW_OK);
}

/* ---------------------------------------------------------------- the step */

START_TEST(an_accepted_step_is_the_whole_direction_and_its_ratio_is_what_f_fell)
{
    problem q;
    method m;
    double w[MOST], g[MOST], f;
    test_case c = usual_case(models[_i]);
    c.l2 = 0.5;
    make(&q, &c);
    go_somewhere(&q);
    begin_cg(&m, &q);
    for (long k = 1; k <= 3; k++) {
        memcpy(w, q.it.w, sizeof w);
        iterate(&m, &q);
        ck_assert(!q.it.rejected && q.it.moved && q.it.alpha == 1 && q.it.trials == 1 && q.it.k == k);
        for (size_t j = 0; j < q.n; j++) ck_assert_double_eq(q.it.w[j], w[j] + q.it.d[j]);
        ck_assert_int_eq(tw_objective_eval(q.F, q.it.w, &f, g), TW_OK);
        ck_assert(f == q.it.f && same_bits(q.n, g, q.it.g));
        ck_assert_double_eq(q.it.ratio, (q.it.f_prev - f) / q.it.predicted);
        if (_i == 0)
            ck_assert_double_eq_tol(
                q.it.ratio, 1, 1e-12 + 1e-15 * f / q.it.predicted); /* the model of a quadratic is itself */
    }
    end(&m);
    unmake(&q);
}
END_TEST

START_TEST(a_refused_step_leaves_the_iterate_to_the_bit)
{
    problem q;
    method m;
    double w[MOST], g[MOST], before[MOST], after[MOST];
    const test_case c = usual_case(models[_i]);
    make(&q, &c);
    go_somewhere(&q);
    begin_cg(&m, &q);
    for (int i = 0; i < 5; i++) {
        const double f = q.it.f;
        memcpy(w, q.it.w, sizeof w);
        memcpy(g, q.it.g, sizeof g);
        direction(&m, &q);
        ck_assert_int_eq(tw_objective_hessian_vector(q.F, g, false, before), TW_OK);
        if (i % 2)
            q.it.predicted = 1e9; /* F falls, by much less */
        else
            for (size_t j = 0; j < q.n; j++) q.it.d[j] *= -50; /* F rises */
        const long evals = q.F->evals;
        ck_assert_int_eq(tw_step_advance(&m.s, q.F, &q.it), TW_OK);
        ck_assert(q.it.rejected && q.it.moved && q.it.alpha == 0 && q.it.trials == 1 &&
                  q.F->evals == evals + 1);
        ck_assert(q.it.why == TW_CONTINUE && q.it.k == i + 1);
        ck_assert(q.it.f == f && q.it.f_prev == f && same_bits(q.n, w, q.it.w) && same_bits(q.n, g, q.it.g));
        ck_assert_double_lt(q.it.ratio, 1e-4);
        ck_assert_int_eq(tw_objective_hessian_vector(q.F, g, false, after), TW_OK);
        ck_assert(same_bits(q.n, before, after)); /* the margins in force are those of w */
    }
    iterate(&m, &q);
    ck_assert(!q.it.rejected && q.it.f < q.it.f_prev);
    end(&m);
    unmake(&q);
}
END_TEST

START_TEST(steps_that_are_always_refused_end_the_run_where_it_was)
{
    problem q;
    method m;
    double w[MOST];
    const test_case c = usual_case(&tw_model_logistic);
    make(&q, &c);
    go_somewhere(&q);
    memcpy(w, q.it.w, sizeof w);
    begin_cg(&m, &q);
    while (q.it.why == TW_CONTINUE && q.it.k < 200) {
        direction(&m, &q);
        q.it.predicted = 1e9;
        ck_assert_int_eq(tw_step_advance(&m.s, q.F, &q.it), TW_OK);
    }
    ck_assert_int_eq(q.it.why, TW_SEARCH_FAILED);
    ck_assert(q.it.k > 10 && q.it.radius < 1e-14 * (1 + q.it.w_norm) && same_bits(q.n, w, q.it.w));
    end(&m);
    unmake(&q);
}
END_TEST

START_TEST(an_iteration_costs_one_read_and_one_for_each_product)
{
    problem q;
    method m;
    const test_case c = usual_case(models[_i]);
    double reads = 1;
    make(&q, &c);
    begin_cg(&m, &q);
    for (int k = 0; k < 4; k++) {
        iterate(&m, &q);
        reads += 1 + (double)q.it.inner;
        ck_assert_int_ge(q.it.inner, 1);
        ck_assert_double_eq(q.F->reads, reads);
        ck_assert_double_eq((double)q.F->reductions, reads);
    }
    end(&m);
    unmake(&q);
}
END_TEST

/* ---------------------------------------------------------------- where it arrives */

/* Softmax without a penalty has directions without curvature: rounding of g along them must not be followed.
 */
START_TEST(a_gradient_of_rounding_errors_gives_a_short_step)
{
    problem q;
    method m;
    test_case c = usual_case(&tw_model_softmax);
    c.l2 = 0;
    make(&q, &c);
    begin_cg(&m, &q);
    const double start = q.it.g_norm;
    for (int k = 0; k < 20; k++) { /* long after the minimum */
        iterate(&m, &q);
        if (k > 8) ck_assert_double_lt(q.it.g_norm, 1e-14 * start);
        if (k > 8) ck_assert_double_lt(tw_vec_norm(q.n, q.it.d), 1e-9);
    }
    end(&m);
    unmake(&q);
}
END_TEST

START_TEST(it_arrives_where_newton_does_faster_than_linearly)
{
    problem q, other;
    method m, newton;
    test_case c = usual_case(models[_i % 3]);
    c.l2 = _i / 3 ? 0.001 : 0;
    make(&q, &c);
    make(&other, &c);
    begin_cg(&m, &q);
    begin(&newton, &other, &tw_optimizer_newton, &tw_step_backtracking);
    const double start = q.it.g_norm;
    double before = start, last = start;
    while (q.it.g_norm > 1e-11 * start) {
        before = last;
        last = q.it.g_norm;
        iterate(&m, &q);
        ck_assert(q.it.why == TW_CONTINUE && q.it.k < 20);
        ck_assert(q.it.f <= q.it.f_prev + TW_LOSS_ROUNDING * q.it.f);
    }
    ck_assert_double_lt(q.it.g_norm / last, 0.01); /* the last factors are far below the first */
    ck_assert_double_lt(last / before, 0.1);
    while (other.it.g_norm > 1e-11 * start) iterate(&newton, &other);
    for (size_t j = 0; j < q.n; j++) ck_assert_double_eq_tol(q.it.w[j], other.it.w[j], 1e-8);
    ck_assert_double_eq_tol(q.it.f, other.it.f, 1e-14);
    end(&newton);
    end(&m);
    unmake(&other);
    unmake(&q);
}
END_TEST

/* Large labels hide the last digits of the decrease in F; there the slopes decide. */
START_TEST(where_f_has_no_digits_left_the_slopes_accept_and_the_gradient_still_falls)
{
    problem q;
    method m;
    test_case c = usual_case(&tw_model_linear);
    long hidden = 0;
    make(&q, &c);
    for (size_t i = 0; i < ROWS; i++) q.p.shard.y[i] = i % 2 ? 1e6 : -1e6;
    evaluate(&q);
    const double first = q.it.g_norm;
    begin_cg(&m, &q);
    while (q.it.g_norm > 1e-10 * first) {
        iterate(&m, &q);
        ck_assert(q.it.why == TW_CONTINUE && !q.it.rejected && q.it.k < 60);
        hidden += !(q.it.f < q.it.f_prev - 1e-4 * q.it.predicted);
    }
    ck_assert_int_gt(hidden, 0);
    end(&m);
    unmake(&q);
}
END_TEST

START_TEST(within_the_rounding_of_f_a_step_past_the_minimum_is_refused_by_its_slope)
{
    for (int i = 0; i < 2; i++) {
        problem q;
        method m;
        test_case c = usual_case(&tw_model_linear);
        make(&q, &c);
        for (size_t r = 0; r < ROWS; r++) q.p.shard.y[r] = r % 2 ? 1e6 : -1e6;
        evaluate(&q);
        begin(&m, &q, &tw_optimizer_newton, &tw_step_backtracking);
        iterate(&m, &q);
        iterate(&m, &q); /* at the minimum */
        for (size_t j = 0; j < q.n; j++) q.it.w[j] += 1e-3;
        evaluate(&q);
        end(&m);
        begin_cg(&m, &q);
        m.o.state[0] = 2;
        m.o.state[1] = 1;
        m.o.state[2] = 1e10 * q.it.g_norm;
        direction(&m, &q);
        ck_assert_double_lt(q.it.predicted, TW_LOSS_ROUNDING * q.it.f);
        for (size_t j = 0; j < q.n; j++) q.it.d[j] *= i ? 2.1 : 1.9;
        ck_assert_int_eq(tw_step_advance(&m.s, q.F, &q.it), TW_OK);
        ck_assert(q.it.rejected == (i == 1));
        ck_assert_double_eq_tol(q.it.ratio, i ? 2 * 2.1 - 2.1 * 2.1 : 2 * 1.9 - 1.9 * 1.9, 1e-3);
        end(&m);
        unmake(&q);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("trust_region");
    TCase *t = tcase_create("trust_region");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, an_accepted_step_is_the_whole_direction_and_its_ratio_is_what_f_fell, 0, 3);
    tcase_add_loop_test(t, a_refused_step_leaves_the_iterate_to_the_bit, 0, 3);
    tcase_add_test(t, steps_that_are_always_refused_end_the_run_where_it_was);
    tcase_add_loop_test(t, an_iteration_costs_one_read_and_one_for_each_product, 0, 3);
    tcase_add_test(t, a_gradient_of_rounding_errors_gives_a_short_step);
    tcase_add_loop_test(t, it_arrives_where_newton_does_faster_than_linearly, 0, 6);
    tcase_add_test(t, where_f_has_no_digits_left_the_slopes_accept_and_the_gradient_still_falls);
    tcase_add_test(t, within_the_rounding_of_f_a_step_past_the_minimum_is_refused_by_its_slope);
    suite_add_tcase(s, t);
    return test_run(s);
}
