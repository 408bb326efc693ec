/* test_search.c -- wolfe, goldstein and barzilai_borwein: their inequalities by other arithmetic, the price
 * in reads and reductions, difficult functions, and what a failed search leaves. */
#include "search_support.h"

enum { MODELS = 3, RULES = 2, SEEDS = 12 };

static const tw_step_ops *const rules[RULES] = {&tw_step_wolfe, &tw_step_goldstein};
static const tw_model_ops *const models[MODELS] = {&tw_model_linear, &tw_model_logistic, &tw_model_softmax};

static const tw_step_settings usual = {
    .length = 1, .c1 = 1e-4, .c2 = 0.9, .c = 0.25, .shrink = 0.5, .max_trials = 50, .natural = true};

typedef struct {
    double reads;
    long reductions;
} price;

/* One search from the iterate; what it cost. */
static price search_with(start *s, const tw_step_ops *ops, const tw_step_settings *set)
{
    tw_step step;
    const double reads = s->p.objective.reads;
    const long reductions = s->p.objective.reductions;
    ck_assert_int_eq(tw_step_init(&step, ops, set, s->it.n), TW_OK);
    ck_assert_int_eq(tw_step_advance(&step, &s->p.objective, &s->it), TW_OK);
    tw_step_release(&step);
    return (price){s->p.objective.reads - reads, s->p.objective.reductions - reductions};
}

static void wolfe_holds(const tw_step_settings *set, const long double *f, const long double *slope,
                        double alpha)
{
    const long double noise = 1e-14L * fabsl(f[0]), s0 = slope[0];
    if (f[1] > f[0] + set->c1 * alpha * s0 + noise) {
        ck_assert(f[1] <= f[0] + set->c1 * alpha * s0 + 1.2L * TW_LOSS_ROUNDING * fabsl(f[0]));
        ck_assert(slope[1] <= (2 * set->c1 - 1) * s0);
    }
    ck_assert(fabsl(slope[1]) <= set->c2 * -s0 * (1 + 1e-12L));
}

static void goldstein_holds(const tw_step_settings *set, const long double *f, const long double *slope,
                            double alpha)
{
    const long double noise = 1e-14L * fabsl(f[0]), rise = alpha * slope[0];
    if (-set->c * rise <= TW_LOSS_ROUNDING * fabsl(f[0])) {
        ck_assert(fabsl(slope[1]) <= (1 - 2 * set->c) * -slope[0] * (1 + 1e-12L));
        return;
    }
    ck_assert(f[1] <= f[0] + set->c * rise + noise);
    ck_assert(f[1] >= f[0] + (1 - set->c) * rise - noise);
}

/* What the search reports is so, and its conditions hold. */
static void check_promise(const start *s, const tw_step_ops *ops, const tw_step_settings *set)
{
    long double f[2], slope[2];
    const tw_iterate *it = &s->it;
    ck_assert_int_eq(it->why, TW_CONTINUE);
    truth(s, 0, &f[0], &slope[0]);
    truth(s, it->alpha, &f[1], &slope[1]);
    ck_assert(fabsl(it->f_prev - f[0]) <= 1e-14L * f[0] && fabsl(it->f - f[1]) <= 1e-14L * f[1]);
    ck_assert(fabsl(it->slope - slope[0]) <= -1e-12L * slope[0] &&
              fabsl(it->slope_end - slope[1]) <= -1e-9L * slope[0]);
    if (ops == &tw_step_wolfe)
        wolfe_holds(set, f, slope, it->alpha);
    else
        goldstein_holds(set, f, slope, it->alpha);
    for (size_t j = 0; j < it->n; j++) ck_assert_double_eq(it->w[j], fma(it->alpha, it->d[j], s->w[j]));
    ck_assert(it->k == 1 && it->trials >= 1 && it->trials <= set->max_trials);
}

/* ---------------------------------------------------------------- the inequalities */

/* d of this scale, and not always the steepest one. */
static void aim(start *s, double scale, unsigned seed)
{
    for (size_t j = 0; j < s->it.n; j++)
        s->it.d[j] = -s->it.g[j] * scale * (seed % 4 == 3 ? 1.1 + test_uniform() : 1);
}

static tw_step_settings setting(unsigned seed)
{
    tw_step_settings set = usual;
    set.natural = seed % 2;
    set.length = seed % 5 == 0 ? 37 : seed % 5 == 1 ? 0.01 : 1;
    if (seed % 3 == 1) set.c2 = 0.1;
    if (seed % 3 == 2) set.c1 = 0.4;
    if (seed % 4 == 2) set.c = 0.45;
    return set;
}

START_TEST(the_conditions_hold_for_every_model_scale_and_start_in_few_reductions)
{
    const tw_step_ops *ops = rules[_i % RULES];
    const tw_model_ops *model = models[_i / RULES % MODELS];
    const bool margins = _i / RULES / MODELS;
    long longer = 0, shorter = 0;
    for (double scale = 1e-6; scale < 2e6; scale *= 1e3)
        for (unsigned seed = 0; seed < SEEDS; seed++) {
            start s;
            const tw_step_settings set = setting(seed);
            make(&s, model, margins, seed);
            aim(&s, scale, seed);
            const price p = search_with(&s, ops, &set);
            check_promise(&s, ops, &set);
            longer += s.it.alpha > 20;
            shorter += s.it.alpha < 0.05;
            if (!margins) ck_assert(p.reads == (double)s.it.trials && p.reductions == s.it.trials);
            if (margins) ck_assert(p.reads == (s.it.trials > 1 ? 2 : 1) && p.reductions <= 6);
            if (margins && s.it.trials == 1) ck_assert_int_eq(p.reductions, 1);
            if (margins && scale == 1) ck_assert_int_le(p.reductions, 4);
            if (margins && s.it.trials > 1) ck_assert_int_gt(s.it.trials, p.reductions);
            unmake(&s);
        }
    ck_assert(longer > 5 && shorter > 5);
}
END_TEST

/* ---------------------------------------------------------------- the price */

START_TEST(a_first_length_that_is_good_has_the_same_bits_with_and_without_margins)
{
    int same = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        start a, b;
        make(&a, models[_i], true, seed);
        make(&b, models[_i], false, seed);
        search_with(&a, &tw_step_wolfe, &usual);
        search_with(&b, &tw_step_wolfe, &usual);
        if (a.it.trials == 1) {
            same++;
            ck_assert(b.it.trials == 1 && same_bits(a.it.n, a.it.w, b.it.w) &&
                      same_bits(a.it.n, a.it.g, b.it.g));
        }
        unmake(&a);
        unmake(&b);
    }
    ck_assert_int_gt(same, 3);
}
END_TEST

/* Both find the minimiser of a parabola, by different roads. */
START_TEST(both_roads_end_at_the_same_length_of_a_quadratic)
{
    for (unsigned seed = 0; seed < SEEDS; seed++)
        for (int rule = 0; rule < RULES; rule++) {
            start a, b;
            long double f, f0, slope, slope0;
            tw_step_settings set = usual;
            set.length = 30 + seed;
            make(&a, &tw_model_linear, true, seed);
            make(&b, &tw_model_linear, false, seed);
            truth(&a, 0, &f0, &slope0);
            truth(&a, 1, &f, &slope);
            const double best = (double)(slope0 / (slope0 - slope));
            const price with = search_with(&a, rules[rule], &set),
                        without = search_with(&b, rules[rule], &set);
            ck_assert(a.it.trials > 1 && b.it.trials == 2);
            ck_assert(with.reads == 2 && with.reductions == 3 && without.reads == 2 &&
                      without.reductions == 2);
            ck_assert_double_eq_tol(a.it.alpha, best, 1e-11 * best);
            ck_assert_double_eq_tol(b.it.alpha, best, 1e-11 * best);
            unmake(&a);
            unmake(&b);
        }
}
END_TEST

/* ---------------------------------------------------------------- the longest length, and l1 */

START_TEST(the_longest_length_allowed_is_good_when_it_is_too_short)
{
    for (int first = 0; first < 2; first++) {
        start s;
        tw_step_settings set = usual;
        set.length = first ? 1e-5 : 1;
        make(&s, &tw_model_linear, _i / RULES, 3);
        s.it.alpha_max = 0.0009;
        search_with(&s, rules[_i % RULES], &set);
        ck_assert(s.it.why == TW_CONTINUE && s.it.alpha == s.it.alpha_max);
        ck_assert_double_lt(s.it.slope_end, 0.95 * s.it.slope); /* too short for wolfe and c2 = 0.9 */
        unmake(&s);
    }
}
END_TEST

START_TEST(with_l1_the_promised_decrease_is_the_slope)
{
    start s;
    make(&s, models[_i], true, 1);
    tw_objective *F = &s.p.objective;
    F->l1 = 0.05;
    evaluate_start(&s);
    for (int k = 0; k < 10; k++) {
        double moved[MOST], g[MOST], f;
        memcpy(s.w, s.it.w, s.it.n * sizeof *s.w);
        tw_optimizer_downhill(F, &s.it);
        search_with(&s, &tw_step_wolfe, &usual);
        ck_assert(s.it.why == TW_CONTINUE && s.it.alpha <= 1);
        for (size_t j = 0; j < s.it.n; j++) moved[j] = fma(s.it.alpha, s.it.d[j], s.w[j]);
        ck_assert_int_eq(tw_objective_eval(F, moved, &f, g), TW_OK);
        const double slope = tw_objective_slope(F, s.w, g, s.it.d);
        ck_assert(same_bits(1, &f, &s.it.f) && same_bits(1, &slope, &s.it.slope_end));
        ck_assert(f <= s.it.f_prev + usual.c1 * s.it.alpha * s.it.slope && slope <= -0.9 * s.it.slope);
        if (s.it.alpha < 1) ck_assert_double_ge(slope, 0.9 * s.it.slope);
    }
    unmake(&s);
}
END_TEST

/* ---------------------------------------------------------------- failure */

static price expect_failure(start *s, const tw_step_ops *ops, const tw_step_settings *set, double reads)
{
    double w[MOST], g[MOST];
    const size_t n = s->it.n, cells = s->d.rows * s->p.model.outputs;
    const double f = s->it.f;
    double *margins = calloc(cells + 1, sizeof *margins);
    memcpy(w, s->it.w, n * sizeof *w);
    memcpy(g, s->it.g, n * sizeof *g);
    if (s->p.objective.margins) memcpy(margins, s->p.objective.margins, cells * sizeof *margins);
    const price p = search_with(s, ops, set);
    ck_assert_int_eq(s->it.why, TW_SEARCH_FAILED);
    ck_assert(same_bits(n, w, s->it.w) && same_bits(n, g, s->it.g) && same_bits(1, &f, &s->it.f));
    ck_assert(s->it.k == 0 && isnan(s->it.alpha) && isnan(s->it.f_prev) && s->it.trials == 0);
    ck_assert_double_eq(p.reads, reads);
    if (s->p.objective.margins) ck_assert(same_bits(cells, margins, s->p.objective.margins));
    free(margins);
    s->it.why = TW_CONTINUE;
    return p;
}

START_TEST(a_search_that_fails_restores_everything_and_the_next_is_as_if_it_had_not_been)
{
    start s, fresh;
    tw_step_settings set = usual;
    const tw_step_ops *ops = rules[_i % RULES];
    make(&s, &tw_model_softmax, _i / RULES, 7);
    make(&fresh, &tw_model_softmax, _i / RULES, 7);
    set.length = 1e12;
    set.max_trials = 1;
    expect_failure(&s, ops, &set, 1);
    set.max_trials = 4;
    ck_assert_int_eq(expect_failure(&s, ops, &set, _i / RULES ? 1 : 4).reductions, _i / RULES ? 2 : 4);
    set.length = 50;
    set.max_trials = 50;
    search_with(&s, ops, &set);
    search_with(&fresh, ops, &set);
    check_promise(&s, ops, &set);
    ck_assert(s.it.trials > 1 && same_bits(s.it.n, s.it.w, fresh.it.w) &&
              same_bits(s.it.n, s.it.g, fresh.it.g));
    unmake(&fresh);
    unmake(&s);
}
END_TEST

START_TEST(an_ascent_direction_or_no_number_fails_without_a_trial)
{
    start s;
    make(&s, &tw_model_linear, true, 2);
    aim(&s, -1, 0);
    expect_failure(&s, rules[_i], &usual, 0);
    s.it.d[0] = NAN;
    expect_failure(&s, rules[_i], &usual, 0);
    unmake(&s);
}
END_TEST

START_TEST(a_gradient_of_zero_is_the_end_and_no_failure)
{
    start s;
    make(&s, &tw_model_linear, true, 2);
    memset(s.it.d, 0, s.it.n * sizeof *s.it.d);
    memset(s.it.g, 0, s.it.n * sizeof *s.it.g);
    search_with(&s, rules[_i], &usual);
    ck_assert_int_eq(s.it.why, TW_PARAMETERS_UNCHANGED);
    unmake(&s);
}
END_TEST

START_TEST(a_length_where_f_overflows_is_too_long)
{
    start s;
    tw_step_settings set = usual;
    set.length = 1e300;
    make(&s, &tw_model_linear, _i / RULES, 3);
    search_with(&s, rules[_i % RULES], &set);
    check_promise(&s, rules[_i % RULES], &set);
    unmake(&s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("search");
    TCase *t = tcase_create("search");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, the_conditions_hold_for_every_model_scale_and_start_in_few_reductions, 0,
                        2 * RULES * MODELS);
    tcase_add_loop_test(t, a_first_length_that_is_good_has_the_same_bits_with_and_without_margins, 0, MODELS);
    tcase_add_test(t, both_roads_end_at_the_same_length_of_a_quadratic);
    tcase_add_loop_test(t, the_longest_length_allowed_is_good_when_it_is_too_short, 0, 2 * RULES);
    tcase_add_loop_test(t, with_l1_the_promised_decrease_is_the_slope, 0, MODELS);
    tcase_add_loop_test(t, a_search_that_fails_restores_everything_and_the_next_is_as_if_it_had_not_been, 0,
                        2 * RULES);
    tcase_add_loop_test(t, an_ascent_direction_or_no_number_fails_without_a_trial, 0, RULES);
    tcase_add_loop_test(t, a_gradient_of_zero_is_the_end_and_no_failure, 0, RULES);
    tcase_add_loop_test(t, a_length_where_f_overflows_is_too_long, 0, 2 * RULES);
    suite_add_tcase(s, t);
    return test_run(s);
}
