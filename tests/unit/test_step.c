/* test_step.c -- the lengths that the rules take, the inequality that a search promises, and what a failed
 * one leaves. */
#include "support.h"

#include "thalweg/optimizer.h"
#include "thalweg/step.h"
#include "thalweg/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLS = 6, MOST = (COLS + 1) * 4 };

static const tw_step_settings usual = {.length = 1,
                                       .tau = 7,
                                       .decay = 0.9,
                                       .every = 2,
                                       .period = 1000,
                                       .c1 = 1e-4,
                                       .c2 = 0.9,
                                       .c = 0.25,
                                       .shrink = 0.5,
                                       .max_trials = 50};

typedef struct {
    tw_comm *comm;
    test_case c;
    test_data d;
    test_problem p;
    tw_iterate it;
} start;

static int n_of(const void *const *table)
{
    int n = 0;
    while (table[n]) n++;
    return n;
}

/* A problem, and an iterate evaluated at random parameters with d = -g. */
static void make(start *s, const tw_model_ops *ops)
{
    s->c = (test_case){.ops = ops,
                       .type = TW_f64,
                       .rows = 200,
                       .cols = COLS,
                       .classes = 4,
                       .mode = TW_REPRODUCIBLE,
                       .l2 = 0.01,
                       .intercept = true};
    ck_assert_int_eq(tw_comm_local(&s->comm), TW_OK);
    test_data_init(&s->d, &s->c);
    ck_assert_int_eq(test_problem_init(&s->p, s->comm, &s->c, &s->d), TW_OK);
    ck_assert(tw_iterate_init(&s->it, s->p.objective.n));
    test_parameters(&s->c, &s->p.model, s->it.w);
    ck_assert_int_eq(tw_objective_eval(&s->p.objective, s->it.w, &s->it.f, s->it.g), TW_OK);
    for (size_t j = 0; j < s->it.n; j++) s->it.d[j] = -s->it.g[j];
}

static void unmake(start *s)
{
    tw_iterate_release(&s->it);
    test_problem_release(&s->p);
    test_data_release(&s->d);
    tw_comm_release(s->comm);
}

static void advance(start *s, const tw_step_ops *ops, const tw_step_settings *set)
{
    tw_step step;
    ck_assert_int_eq(tw_step_init(&step, ops, set, s->it.n), TW_OK);
    ck_assert_int_eq(tw_step_announce(&step, &s->p.objective, &s->it, (double)s->it.k), TW_OK);
    ck_assert_int_eq(tw_step_advance(&step, &s->p.objective, &s->it), TW_OK);
    tw_step_release(&step);
    tw_step_release(&step);
}

/* ---------------------------------------------------------------- the table */

START_TEST(a_step_leaves_the_iterate_whole_at_the_new_point)
{
    const tw_step_ops *ops = tw_steps[_i];
    start s;
    double w[MOST], g[MOST], f;
    if (ops->only_optimizer) return; /* needs what that one leaves in the iterate: test_trust_region.c */
    make(&s, &tw_model_softmax);
    ck_assert(ops->name && ops->summary && (ops->advance || ops->length) && tw_step_find(ops->name) == ops &&
              !tw_step_find("Constant"));
    for (int i = 0; i < 3; i++) {
        const double f_before = s.it.f, slope = tw_vec_dot(s.it.n, s.it.g, s.it.d);
        memcpy(w, s.it.w, s.it.n * sizeof *w);
        advance(&s, ops, &usual);
        ck_assert(s.it.why == TW_CONTINUE && s.it.k == i + 1 && s.it.trials >= 1 && s.it.alpha > 0 &&
                  s.it.moved);
        for (size_t j = 0; j < s.it.n; j++) ck_assert_double_eq(s.it.w[j], fma(s.it.alpha, s.it.d[j], w[j]));
        ck_assert_int_eq(tw_objective_eval(&s.p.objective, s.it.w, &f, g), TW_OK);
        ck_assert(same_bits(1, &f, &s.it.f) && same_bits(s.it.n, g, s.it.g));
        ck_assert(s.it.f_prev == f_before && s.it.slope == slope);
        ck_assert_double_eq(s.it.g_norm, tw_vec_norm(s.it.n, g));
        ck_assert_double_eq(s.it.w_norm, tw_vec_norm(s.it.n, s.it.w));
        for (size_t j = 0; j < s.it.n; j++) s.it.d[j] = -g[j];
    }
    unmake(&s);
}
END_TEST

/* Of searches by margins: test_search.c. */
START_TEST(an_iteration_costs_one_evaluation_a_trial)
{
    start s;
    if (tw_steps[_i]->uses_margins || tw_steps[_i]->only_optimizer) return;
    make(&s, &tw_model_logistic);
    const long before = s.p.objective.evals;
    advance(&s, tw_steps[_i],
            &(tw_step_settings){.length = 512, .tau = 7, .decay = 0.9, .every = 2, .period = 1000, .c1 = 0.3, .shrink = 0.5, .max_trials = 50});
    ck_assert_int_eq(s.p.objective.evals - before, s.it.trials);
    if (tw_steps[_i] == &tw_step_backtracking)
        ck_assert_int_gt(s.it.trials, 3);
    else
        ck_assert_int_eq(s.it.trials, 1);
    unmake(&s);
}
END_TEST

START_TEST(a_failed_evaluation_comes_back_as_it_is)
{
    start s;
    tw_step step;
    make(&s, &tw_model_linear);
    s.it.radius = 1;
    ck_assert_int_eq(tw_step_init(&step, tw_steps[_i], &usual, s.it.n), TW_OK);
    ck_assert_int_eq(tw_step_announce(&step, &s.p.objective, &s.it, (double)s.it.k), TW_OK);
    s.p.objective.pending = tw_fail(TW_IO, "the disk is full");
    ck_assert_int_eq(tw_step_advance(&step, &s.p.objective, &s.it), TW_IO);
    ck_assert_str_eq(tw_status_message(), "the disk is full");
    ck_assert_int_eq(s.it.k, 0);
    tw_step_release(&step);
    unmake(&s);
}
END_TEST

/* ---------------------------------------------------------------- lengths */

START_TEST(constant_takes_its_length_and_inverse_alpha_tau_over_k_plus_tau)
{
    start s;
    make(&s, &tw_model_linear);
    for (double tau = 0.5; tau < 2000; tau *= 13)
        for (long k = 0; k < 1000; k = 3 * k + 1) {
            const tw_step_settings set = {.length = 0.1, .tau = tau};
            s.it.k = k;
            advance(&s, &tw_step_constant, &set);
            ck_assert_double_eq(s.it.alpha, 0.1);
            s.it.k = k;
            advance(&s, &tw_step_inverse, &set);
            ck_assert_double_eq(s.it.alpha, 0.1 * tau / ((double)k + tau)); /* product first */
        }
    s.it.k = 3;
    advance(&s, &tw_step_inverse, &(tw_step_settings){.length = 1, .tau = 1});
    ck_assert_double_eq(s.it.alpha, 0.25); /* the plain 1/k */
    unmake(&s);
}
END_TEST

START_TEST(a_step_that_changes_no_bit_is_noticed)
{
    tw_iterate it;
    ck_assert(tw_iterate_init(&it, 3));
    const double from[] = {1, -1e20, 0};
    it.d[0] = 1e-17;
    it.d[1] = 1;
    tw_step_move(&it, 1, from);
    ck_assert(!it.moved && same_bits(3, it.w, from));
    it.d[2] = 0x1p-1074;
    tw_step_move(&it, 1, from);
    ck_assert(it.moved);
    ck_assert_double_eq(it.w[2], 0x1p-1074);
    tw_iterate_release(&it);
}
END_TEST

/* ---------------------------------------------------------------- backtracking */

/* The promise: F falls by c1 of what the slope says, or it does not rise and the slope at the trial says so
 * (the page). */
static bool lower_enough(const start *s, double c1, double alpha, double f_before, double f, const double *g)
{
    const double line = f_before + c1 * alpha * s->it.slope;
    if (f <= line) return true;
    return f <= line + TW_LOSS_ROUNDING * fabs(f_before) &&
           tw_vec_dot(s->it.n, g, s->it.d) <= (2 * c1 - 1) * s->it.slope;
}

/* A run of L-BFGS or gd with backtracking; the promise of every step is checked again from what the iterate
 * says. */
static void check_run(const tw_model_ops *model, const tw_optimizer_ops *ops, const tw_step_settings *set)
{
    start s;
    tw_optimizer o;
    tw_step step;
    long shorter = 0;
    make(&s, model);
    ck_assert_int_eq(tw_optimizer_init(&o, ops, &(tw_optimizer_settings){.memory = 4}, s.it.n), TW_OK);
    ck_assert_int_eq(tw_step_init(&step, &tw_step_backtracking, set, s.it.n), TW_OK);
    while (s.it.k < 30 && tw_vec_norm(s.it.n, s.it.g) > 1e-5) {
        double w[MOST], trial[MOST], g[MOST], f;
        memcpy(w, s.it.w, s.it.n * sizeof *w);
        ck_assert_int_eq(tw_optimizer_direction(&o, &s.p.objective, &s.it), TW_OK);
        ck_assert_int_eq(tw_step_announce(&step, &s.p.objective, &s.it, (double)s.it.k), TW_OK);
        ck_assert_int_eq(tw_step_advance(&step, &s.p.objective, &s.it), TW_OK);
        ck_assert_int_eq(s.it.why, TW_CONTINUE);
        ck_assert(lower_enough(&s, set->c1, s.it.alpha, s.it.f_prev, s.it.f, s.it.g));
        if (set->c1 < 0.01) ck_assert(s.it.f <= s.it.f_prev + set->c1 * s.it.alpha * s.it.slope);
        double alpha = set->length;
        for (long t = 1; t < s.it.trials; t++, shorter++) { /* the lengths before did not do */
            for (size_t j = 0; j < s.it.n; j++) trial[j] = fma(alpha, s.it.d[j], w[j]);
            ck_assert_int_eq(tw_objective_eval(&s.p.objective, trial, &f, g), TW_OK);
            ck_assert(!lower_enough(&s, set->c1, alpha, s.it.f_prev, f, g));
            alpha *= set->shrink;
        }
        ck_assert_double_eq(s.it.alpha, alpha);
    }
    ck_assert_int_gt(s.it.k, 2);
    if (set->length > 10) ck_assert_int_gt(shorter, 0);
    tw_step_release(&step);
    tw_optimizer_release(&o);
    unmake(&s);
}

START_TEST(backtracking_takes_the_first_length_that_lowers_f_enough)
{
    static const tw_step_settings sets[] = {{.length = 1, .c1 = 1e-4, .shrink = 0.5, .max_trials = 50},
                                            {.length = 100, .c1 = 0.4, .shrink = 0.8, .max_trials = 90},
                                            {.length = 50, .c1 = 1e-4, .shrink = 0.1, .max_trials = 20}};
    check_run(tw_models[_i / 6], _i % 2 ? &tw_optimizer_gd : &tw_optimizer_lbfgs, &sets[_i / 2 % 3]);
}
END_TEST

/* After `trials` refused lengths everything is as it was, but for the reason. */
static void expect_failure(start *s, const tw_step_settings *set, long trials)
{
    double w[MOST], g[MOST];
    const size_t n = s->it.n;
    const double f = s->it.f;
    const long before = s->p.objective.evals;
    memcpy(w, s->it.w, n * sizeof *w);
    memcpy(g, s->it.g, n * sizeof *g);
    advance(s, &tw_step_backtracking, set);
    ck_assert_int_eq(s->it.why, TW_SEARCH_FAILED);
    ck_assert(same_bits(n, s->it.w, w) && same_bits(n, s->it.g, g) && same_bits(1, &s->it.f, &f));
    ck_assert(s->it.k == 0 && isnan(s->it.alpha) && isnan(s->it.f_prev) && s->it.trials == 0);
    ck_assert_int_eq(s->p.objective.evals - before, trials);
}

START_TEST(a_search_that_runs_out_of_trials_restores_everything)
{
    start s;
    make(&s, &tw_model_linear);
    expect_failure(&s, &(tw_step_settings){.length = 1e9, .c1 = 1e-4, .shrink = 0.9, .max_trials = 12}, 12);
    s.it.why = TW_CONTINUE;
    advance(&s, &tw_step_backtracking, &usual); /* from there the next search is a good one */
    ck_assert(s.it.why == TW_CONTINUE && s.it.k == 1);
    unmake(&s);
}
END_TEST

START_TEST(an_ascent_direction_fails_without_a_trial)
{
    start s;
    make(&s, &tw_model_linear);
    for (size_t j = 0; j < s.it.n; j++) s.it.d[j] = s.it.g[j];
    expect_failure(&s, &usual, 0);
    s.it.why = TW_CONTINUE;
    for (size_t j = 0; j < s.it.n; j++) s.it.d[j] = NAN;
    expect_failure(&s, &usual, 0);
    unmake(&s);
}
END_TEST

START_TEST(a_search_ends_when_the_length_no_longer_moves_the_point)
{
    start s;
    make(&s, &tw_model_linear);
    const tw_step_settings set = {.length = 1e6, .c1 = 1e-4, .shrink = 1e-30, .max_trials = 50};
    expect_failure(&s, &set, 2); /* the second length, 1e-24, changes no bit */
    unmake(&s);
}
END_TEST

START_TEST(a_length_with_an_infinite_loss_is_refused)
{
    start s;
    make(&s, &tw_model_linear);
    const double f = s.it.f;
    advance(&s, &tw_step_backtracking,
            &(tw_step_settings){.length = 1e300, .c1 = 1e-4, .shrink = 1e-100, .max_trials = 9});
    ck_assert(s.it.why == TW_CONTINUE && isfinite(s.it.f) && s.it.f < f);
    ck_assert_int_eq(s.it.trials, 4);
    unmake(&s);
}
END_TEST

/* Large residuals hide the last digits of the decrease in F: there Armijo's test answers at random, and the
 * slope decides. */
START_TEST(where_f_has_no_digits_left_the_slope_accepts_and_the_gradient_still_falls)
{
    start s;
    tw_optimizer o;
    tw_step step;
    long hidden = 0;
    make(&s, &tw_model_linear);
    for (size_t i = 0; i < s.p.shard.rows; i++) s.p.shard.y[i] = i % 2 ? 1e6 : -1e6;
    ck_assert_int_eq(tw_objective_eval(&s.p.objective, s.it.w, &s.it.f, s.it.g), TW_OK);
    const double first = tw_vec_norm(s.it.n, s.it.g);
    ck_assert_int_eq(
        tw_optimizer_init(&o, &tw_optimizer_lbfgs, &(tw_optimizer_settings){.memory = 9}, s.it.n), TW_OK);
    ck_assert_int_eq(tw_step_init(&step, &tw_step_backtracking, &usual, s.it.n), TW_OK);
    while (s.it.why == TW_CONTINUE && s.it.k < 100) {
        ck_assert_int_eq(tw_optimizer_direction(&o, &s.p.objective, &s.it), TW_OK);
        ck_assert_int_eq(tw_step_announce(&step, &s.p.objective, &s.it, (double)s.it.k), TW_OK);
        ck_assert_int_eq(tw_step_advance(&step, &s.p.objective, &s.it), TW_OK);
        if (s.it.why == TW_CONTINUE) hidden += !(s.it.f <= s.it.f_prev + usual.c1 * s.it.alpha * s.it.slope);
    }
    ck_assert_int_gt(hidden, 0);
    ck_assert_double_lt(tw_vec_norm(s.it.n, s.it.g), 1e-10 * first);
    tw_step_release(&step);
    tw_optimizer_release(&o);
    unmake(&s);
}
END_TEST

START_TEST(the_taylor_ratio_of_a_quadratic_is_one_minus_half_the_relative_length)
{
    static const double part[] = {1e-3, 0.5, 1, 1.5, 2, 2.5};
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        start s;
        double w[MOST], g[MOST], f;
        make(&s, &tw_model_linear);
        const size_t n = s.it.n;
        for (size_t j = 0; j < n; j++) w[j] = s.it.w[j] + s.it.d[j];
        ck_assert_int_eq(tw_objective_eval(&s.p.objective, w, &f, g), TW_OK);
        const double slope = tw_vec_dot(n, s.it.g, s.it.d), curvature = tw_vec_dot(n, g, s.it.d) - slope;
        advance(&s, &tw_step_constant, &(tw_step_settings){.length = part[i] * -slope / curvature});
        ck_assert_double_eq_tol(tw_iterate_taylor(&s.it), 1 - part[i] / 2, 1e-9);
        unmake(&s);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("step");
    TCase *t = tcase_create("step");
    const int n = n_of((const void *const *)tw_steps);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_step_leaves_the_iterate_whole_at_the_new_point, 0, n);
    tcase_add_loop_test(t, an_iteration_costs_one_evaluation_a_trial, 0, n);
    tcase_add_loop_test(t, a_failed_evaluation_comes_back_as_it_is, 0, n);
    tcase_add_test(t, constant_takes_its_length_and_inverse_alpha_tau_over_k_plus_tau);
    tcase_add_test(t, a_step_that_changes_no_bit_is_noticed);
    tcase_add_loop_test(t, backtracking_takes_the_first_length_that_lowers_f_enough, 0,
                        6 * n_of((const void *const *)tw_models));
    tcase_add_test(t, a_search_that_runs_out_of_trials_restores_everything);
    tcase_add_test(t, an_ascent_direction_fails_without_a_trial);
    tcase_add_test(t, a_search_ends_when_the_length_no_longer_moves_the_point);
    tcase_add_test(t, a_length_with_an_infinite_loss_is_refused);
    tcase_add_test(t, where_f_has_no_digits_left_the_slope_accepts_and_the_gradient_still_falls);
    tcase_add_test(t, the_taylor_ratio_of_a_quadratic_is_one_minus_half_the_relative_length);
    suite_add_tcase(s, t);
    return test_run(s);
}
