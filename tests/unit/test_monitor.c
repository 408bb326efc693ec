/* test_monitor.c -- every reason by hand: which test ends a run, in which order, after how many checks, with
 * which words. */
#include "support.h"

#include "thalweg/monitor.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const tw_monitor_settings off = {.gradient_norm = NAN,
                                        .gradient_norm_relative = NAN,
                                        .loss_delta = NAN,
                                        .loss_delta_relative = NAN,
                                        .patience = 1,
                                        .max_iterations = 100,
                                        .max_seconds = NAN,
                                        .divergence_factor = 1e4};

/* F and ||g|| at zero parameters, for the relative tests. */
enum { F_ZERO = 20, G_ZERO = 50 };

static tw_objective objective; /* only its agreed flags are read */

static tw_iterate iterate(long k, double f, double f_prev, double g_norm)
{
    return (tw_iterate){
        .k = k, .f = f, .f_prev = f_prev, .g_norm = g_norm, .moved = true, .alpha = 1, .slope = -1};
}

static tw_monitor started(tw_monitor_settings set)
{
    tw_monitor m = {.started = tw_seconds()};
    const tw_iterate first = iterate(0, 10, NAN, 5);
    tw_monitor_start(&m, &set, &first, F_ZERO, G_ZERO);
    return m;
}

static tw_reason once(tw_monitor_settings set, tw_iterate it)
{
    tw_monitor m = started(set);
    return tw_monitor_check(&m, &objective, &it);
}

/* ---------------------------------------------------------------- each test alone */

START_TEST(an_ordinary_iterate_continues)
{
    tw_monitor_settings set = off;
    ck_assert_int_eq(once(set, iterate(3, 9, 10, 5)), TW_CONTINUE);
    set.gradient_norm = set.loss_delta = 1e-3;
    set.gradient_norm_relative = set.loss_delta_relative = 1e-3;
    ck_assert_int_eq(once(set, iterate(3, 9, 10, 5)), TW_CONTINUE);
}
END_TEST

START_TEST(the_gradient_tests_include_their_tolerance)
{
    tw_monitor_settings set = off;
    set.gradient_norm = 0.25;
    ck_assert_int_eq(once(set, iterate(3, 9, 10, 0.25)), TW_GRADIENT_NORM);
    ck_assert_int_eq(once(set, iterate(3, 9, 10, nextafter(0.25, 1))), TW_CONTINUE);
    set = off;
    set.gradient_norm_relative = 0.125; /* of the norm at zero parameters, not of the first one */
    ck_assert_int_eq(once(set, iterate(3, 9, 10, 0.125 * G_ZERO)), TW_GRADIENT_NORM_RELATIVE);
    ck_assert_int_eq(once(set, iterate(3, 9, 10, nextafter(0.125 * G_ZERO, 99))), TW_CONTINUE);
}
END_TEST

START_TEST(the_loss_tests_exclude_their_tolerance_and_look_at_both_signs)
{
    tw_monitor_settings set = off;
    set.loss_delta = 0.5;
    ck_assert_int_eq(once(set, iterate(3, 9.75, 10, 5)), TW_LOSS_DELTA);
    ck_assert_int_eq(once(set, iterate(3, 10.25, 10, 5)), TW_LOSS_DELTA);
    ck_assert_int_eq(once(set, iterate(3, 9.5, 10, 5)), TW_CONTINUE);
    ck_assert_int_eq(once(set, iterate(3, 10.5, 10, 5)), TW_CONTINUE);
    set = off;
    set.loss_delta_relative = 0.0625; /* of the loss before: 8 */
    ck_assert_int_eq(once(set, iterate(3, 7.75, 8, 5)), TW_LOSS_DELTA_RELATIVE);
    ck_assert_int_eq(once(set, iterate(3, 7.5, 8, 5)), TW_CONTINUE);
    ck_assert_int_eq(once(set, iterate(3, -7.75, -8, 5)), TW_LOSS_DELTA_RELATIVE);
}
END_TEST

START_TEST(at_the_start_there_is_no_change_of_the_loss_yet)
{
    tw_monitor_settings set = off;
    set.loss_delta = set.loss_delta_relative = INFINITY;
    ck_assert_int_eq(once(set, iterate(0, 10, NAN, 5)), TW_CONTINUE);
    set.gradient_norm = 5;
    ck_assert_int_eq(once(set, iterate(0, 10, NAN, 5)), TW_GRADIENT_NORM);
}
END_TEST

START_TEST(what_is_not_finite_has_failed)
{
    static const double bad[] = {NAN, INFINITY, -INFINITY};
    tw_monitor_settings set = off;
    set.gradient_norm = set.loss_delta = INFINITY; /* even so */
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(once(set, iterate(3, bad[i], 10, 1)), TW_NOT_FINITE);
        ck_assert_int_eq(once(set, iterate(3, 10, 10, bad[i])), TW_NOT_FINITE);
    }
}
END_TEST

START_TEST(a_loss_beyond_the_factor_times_the_larger_start_has_diverged)
{
    tw_monitor_settings set = off;
    ck_assert_int_eq(once(set, iterate(3, 1e4 * F_ZERO, 10, 5)), TW_CONTINUE);
    ck_assert_int_eq(once(set, iterate(3, 1e4 * F_ZERO + 1, 10, 5)), TW_LOSS_GREW);
    set.divergence_factor = 3;
    ck_assert_int_eq(once(set, iterate(3, 61, 10, 5)), TW_LOSS_GREW);
    ck_assert_int_eq(once(set, iterate(3, 59, 10, 5)), TW_CONTINUE);
    tw_monitor m = {0}; /* a first loss above that at zero parameters */
    const tw_iterate first = iterate(0, 100, NAN, 5), at = iterate(1, 299, 100, 5),
                     beyond = iterate(1, 301, 100, 5);
    tw_monitor_start(&m, &set, &first, F_ZERO, G_ZERO);
    ck_assert_int_eq(tw_monitor_check(&m, &objective, &at), TW_CONTINUE);
    ck_assert_int_eq(tw_monitor_check(&m, &objective, &beyond), TW_LOSS_GREW);
}
END_TEST

START_TEST(parameters_that_did_not_move_end_the_run)
{
    tw_iterate it = iterate(3, 10, 10, 5);
    it.moved = false;
    ck_assert_int_eq(once(off, it), TW_PARAMETERS_UNCHANGED);
}
END_TEST

START_TEST(limits_of_time_and_iterations_end_the_run)
{
    tw_monitor_settings set = off;
    ck_assert_int_eq(once(set, iterate(99, 9, 10, 5)), TW_CONTINUE);
    ck_assert_int_eq(once(set, iterate(100, 9, 10, 5)), TW_ITERATION_LIMIT);
    set.max_iterations = 0;
    ck_assert_int_eq(once(set, iterate(0, 10, NAN, 5)), TW_ITERATION_LIMIT);
    objective.agreed[TW_FLAG_TIME] = 1; /* what was agreed counts, whatever this rank's clock says */
    ck_assert_int_eq(once(off, iterate(3, 9, 10, 5)), TW_TIME_LIMIT);
}
END_TEST

START_TEST(time_is_up_when_the_clock_says_so_and_never_without_a_limit)
{
    tw_monitor_settings set = off;
    tw_monitor m = started(set);
    ck_assert(!tw_monitor_time_up(&m));
    set.max_seconds = 3600;
    m = started(set);
    ck_assert(!tw_monitor_time_up(&m));
    m.started -= 3600;
    ck_assert(tw_monitor_time_up(&m));
    set.max_seconds = 0;
    m = started(set);
    ck_assert(tw_monitor_time_up(&m));
}
END_TEST

START_TEST(a_failed_search_is_the_reason_as_it_is)
{
    tw_iterate it = iterate(3, NAN, 10, 5);
    it.why = TW_SEARCH_FAILED;
    ck_assert_int_eq(once(off, it), TW_SEARCH_FAILED);
}
END_TEST

/* ---------------------------------------------------------------- together */

/* Everything holds at once; each test taken away uncovers the next one in the documented order. */
START_TEST(tests_are_asked_in_the_documented_order)
{
    tw_monitor_settings set = off;
    tw_iterate it = iterate(100, 10, 10, 0.5);
    it.moved = false;
    set.gradient_norm = set.gradient_norm_relative = set.loss_delta = set.loss_delta_relative = 1;
    objective.agreed[TW_FLAG_TIME] = 1;
    tw_iterate bad = it;
    bad.f = NAN;
    ck_assert_int_eq(once(set, bad), TW_NOT_FINITE);
    bad.f = bad.f_prev = 1e9;
    ck_assert_int_eq(once(set, bad), TW_LOSS_GREW);
    ck_assert_int_eq(once(set, it), TW_GRADIENT_NORM);
    set.gradient_norm = NAN;
    ck_assert_int_eq(once(set, it), TW_GRADIENT_NORM_RELATIVE);
    set.gradient_norm_relative = NAN;
    ck_assert_int_eq(once(set, it), TW_LOSS_DELTA);
    set.loss_delta = NAN;
    ck_assert_int_eq(once(set, it), TW_LOSS_DELTA_RELATIVE);
    set.loss_delta_relative = NAN;
    ck_assert_int_eq(once(set, it), TW_PARAMETERS_UNCHANGED);
    it.moved = true;
    ck_assert_int_eq(once(set, it), TW_TIME_LIMIT);
    objective.agreed[TW_FLAG_TIME] = 0;
    ck_assert_int_eq(once(set, it), TW_ITERATION_LIMIT);
    it.k = 99;
    ck_assert_int_eq(once(set, it), TW_CONTINUE);
}
END_TEST

START_TEST(require_all_waits_for_every_test_that_is_named)
{
    tw_monitor_settings set = off;
    set.require_all = true;
    set.gradient_norm = 1;
    ck_assert_int_eq(once(set, iterate(3, 9, 10, 0.5)), TW_GRADIENT_NORM); /* the others are off */
    set.loss_delta = 0.1;
    ck_assert_int_eq(once(set, iterate(3, 9, 10, 0.5)), TW_CONTINUE);
    ck_assert_int_eq(once(set, iterate(3, 9.95, 10, 5)), TW_CONTINUE);
    ck_assert_int_eq(once(set, iterate(0, 10, NAN, 0.5)), TW_CONTINUE);
    ck_assert_int_eq(once(set, iterate(3, 9.95, 10, 0.5)), TW_GRADIENT_NORM);
    set.require_all = false;
    ck_assert_int_eq(once(set, iterate(3, 9.95, 10, 5)), TW_LOSS_DELTA);
}
END_TEST

START_TEST(patience_asks_for_that_many_checks_in_a_row)
{
    tw_monitor_settings set = off;
    set.gradient_norm = 1;
    set.patience = 3;
    tw_monitor m = started(set);
    const tw_iterate held = iterate(3, 9, 10, 0.5), missed = iterate(3, 9, 10, 5);
    static const int answers[] = {1, 1, 0, 1, 1, 1}; /* a miss starts the count again */
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(tw_monitor_check(&m, &objective, answers[i] ? &held : &missed),
                         i == 5 ? TW_GRADIENT_NORM : TW_CONTINUE);
}
END_TEST

START_TEST(a_gradient_of_zero_needs_no_patience)
{
    tw_monitor_settings set = off;
    set.gradient_norm = 1;
    set.patience = 3;
    ck_assert_int_eq(once(set, iterate(0, 9, NAN, 0)), TW_GRADIENT_NORM);
    set.gradient_norm = NAN;
    ck_assert_int_eq(once(set, iterate(1, 9, 10, 0)), TW_CONTINUE); /* nobody asked about it */
}
END_TEST

START_TEST(patience_does_not_delay_failure_or_limits)
{
    tw_monitor_settings set = off;
    set.gradient_norm = 1;
    set.patience = 3;
    ck_assert_int_eq(once(set, iterate(3, NAN, 10, 0.5)), TW_NOT_FINITE);
    ck_assert_int_eq(once(set, iterate(100, 9, 10, 0.5)), TW_ITERATION_LIMIT);
}
END_TEST

/* ---------------------------------------------------------------- spikes */

/* The loss falls from 10 by `step` an iteration; then it is `last`. Spikes that were counted. */
static long spikes_after(long steps, double step, double last)
{
    tw_monitor m = started((tw_monitor_settings){.gradient_norm = NAN,
                                                 .gradient_norm_relative = NAN,
                                                 .loss_delta = NAN,
                                                 .loss_delta_relative = NAN,
                                                 .patience = 1,
                                                 .max_iterations = 1000,
                                                 .max_seconds = NAN,
                                                 .divergence_factor = 1e4});
    double f = 10;
    tw_iterate it = iterate(0, f, NAN, 5);
    ck_assert_int_eq(tw_monitor_check(&m, &objective, &it), TW_CONTINUE);
    for (long k = 1; k <= steps; k++, f -= step) {
        it = iterate(k, f - step, f, 5);
        ck_assert_int_eq(tw_monitor_check(&m, &objective, &it), TW_CONTINUE);
        ck_assert_int_eq(m.spikes, 0);
    }
    it = iterate(steps + 1, last, f, 5);
    ck_assert_int_eq(tw_monitor_check(&m, &objective, &it), TW_CONTINUE);
    ck_assert(m.spikes == 0 || m.last_spike == steps + 1);
    return m.spikes;
}

START_TEST(a_sudden_rise_is_a_spike_and_nothing_else_is)
{
    ck_assert_int_eq(spikes_after(40, 0.0625, 12), 1); /* from 7.5 */
    ck_assert_int_eq(spikes_after(20, 0.0625, 12), 1);
    ck_assert_int_eq(spikes_after(19, 0.0625, 12), 0);  /* too early to know */
    ck_assert_int_eq(spikes_after(40, 0.0625, 9), 0);   /* less than a quarter of the loss */
    ck_assert_int_eq(spikes_after(40, 0.125, 7.25), 0); /* less than 20 times the usual change */
    ck_assert_int_eq(spikes_after(40, 0.0625, 1), 0);   /* down is welcome */
    ck_assert_int_eq(spikes_after(79, 0.125, 0.2), 0); /* of a loss near zero: less than a tenth of the way */
}
END_TEST

/* ---------------------------------------------------------------- words */

START_TEST(every_reason_has_a_name_a_class_an_exit_code_and_words)
{
    for (int r = 0; r < TW_N_REASONS; r++) {
        const char class = tw_reason_class((tw_reason)r);
        ck_assert(strlen(tw_reason_name((tw_reason)r)) > 0 && strlen(tw_reason_text((tw_reason)r)) > 0);
        ck_assert(strchr("-csf", class) != NULL);
        const bool early = r == TW_TIME_LIMIT || r == TW_REQUEST;
        ck_assert_int_eq(tw_reason_exit_code((tw_reason)r), class == 'f' ? 79 : early ? 75 : 0);
    }
    ck_assert_str_eq(tw_reason_name(TW_LOSS_GREW), "diverged");
    ck_assert_int_eq(tw_reason_class(TW_PARAMETERS_UNCHANGED), 'c');
    ck_assert_int_eq(tw_reason_class(TW_ITERATION_LIMIT), 's');
    ck_assert_int_eq(tw_reason_class(TW_NOT_FINITE), 'f');
}
END_TEST

static const struct {
    tw_reason why;
    const char *words;
} verdicts[] = {{TW_GRADIENT_NORM, "gradient norm 2.50e-01 <= 0.5"},
                {TW_GRADIENT_NORM_RELATIVE, "gradient norm 5.00e-03 of its start <= 0.01"},
                {TW_LOSS_DELTA, "loss delta 1.25e-01 < 0.2"},
                {TW_LOSS_DELTA_RELATIVE, "relative loss delta 1.25e-02 < 0.03"},
                {TW_ITERATION_LIMIT, "iteration limit reached before convergence"},
                {TW_NOT_FINITE, "not finite"}};

START_TEST(the_verdict_names_the_test_its_value_and_its_tolerance)
{
    tw_monitor_settings set = off;
    char text[256], cut[300];
    set.gradient_norm = 0.5;
    set.gradient_norm_relative = 0.01;
    set.loss_delta = 0.2;
    set.loss_delta_relative = 0.03;
    tw_monitor m = started(set);
    tw_iterate it = iterate(7, 9.875, 10, 0.25);
    it.why = verdicts[_i].why;
    tw_monitor_explain(&m, &it, sizeof text, text);
    ck_assert_msg(strstr(text, verdicts[_i].words), "%s", text);
    for (size_t length = 1; length < sizeof text; length++) { /* in any room, and not a byte beyond */
        memset(cut, '#', sizeof cut);
        tw_monitor_explain(&m, &it, length, cut);
        ck_assert(strlen(cut) < length && cut[length] == '#' && strncmp(cut, text, strlen(cut)) == 0);
    }
}
END_TEST

START_TEST(a_run_whose_features_need_scaling_is_told_so_only_then)
{
    char text[1024];
    tw_scaling none = {.kind = TW_SCALING_NONE}, fitted = {.kind = TW_SCALING_STANDARDIZE};
    tw_monitor m = started(off);
    tw_iterate it = iterate(7, INFINITY, 10, 0.25);
    it.why = TW_NOT_FINITE;
    objective.scaling = &none;
    tw_monitor_advise(&m, &objective, &it, sizeof text, text);
    ck_assert_msg(strstr(text, "too long") && strstr(text, "data.scaling"), "%s", text);
    objective.scaling = &fitted;
    tw_monitor_advise(&m, &objective, &it, sizeof text, text);
    ck_assert_msg(strstr(text, "too long") && !strstr(text, "data.scaling"), "%s", text);
}
END_TEST

/* Losses of a run, one step each; the last Taylor ratio is given. */
static void advise_after(const double *losses, long steps, double taylor, tw_reason why, char *text)
{
    tw_scaling none = {.kind = TW_SCALING_NONE};
    tw_monitor m = started(off);
    tw_iterate it = iterate(0, losses[0], NAN, 5);
    objective.scaling = &none;
    ck_assert_int_eq(tw_monitor_check(&m, &objective, &it), TW_CONTINUE);
    for (it.k = 1; it.k <= steps; it.k++) {
        it.f_prev = it.f;
        it.f = losses[it.k];
        ck_assert_int_eq(tw_monitor_check(&m, &objective, &it), TW_CONTINUE);
    }
    it.k = steps;
    it.slope = -(it.f_prev - it.f) / taylor; /* alpha is 1 */
    it.why = why;
    tw_monitor_advise(&m, &objective, &it, 1024, text);
}

/* The words for a run that ended this way, with this gradient (zero parameters: G_ZERO). */
static void advise_end(tw_reason why, double g_norm, double slope, long regularised, char *text)
{
    tw_scaling none = {.kind = TW_SCALING_NONE};
    tw_monitor m = started(off);
    tw_iterate it = iterate(3, 8, 9, g_norm);
    objective.scaling = &none;
    it.slope = slope;
    it.regularised = regularised;
    it.why = why;
    tw_monitor_advise(&m, &objective, &it, 1024, text);
}

START_TEST(each_trouble_at_the_end_has_words_of_its_own)
{
    char text[1024];
    advise_end(TW_SADDLE, 1e-9 * G_ZERO, -1, 0, text);
    ck_assert_msg(strstr(text, "saddle point"), "%s", text);
    advise_end(TW_SEARCH_FAILED, 1e-9 * G_ZERO, -1, 0, text);
    ck_assert_msg(strstr(text, "rounding level"), "%s", text);
    advise_end(TW_SEARCH_FAILED, G_ZERO, -1, 0, text);
    ck_assert_msg(strstr(text, "best parameters are kept") && !strstr(text, "rounding"), "%s", text);
    advise_end(TW_GRADIENT_NORM, 1e-9 * G_ZERO, -1, 2, text);
    ck_assert_msg(strstr(text, "singular"), "%s", text);
    advise_end(TW_GRADIENT_NORM, 1e-9 * G_ZERO, -1, 0, text);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(steps_that_are_too_long_or_too_short_are_told_apart)
{
    char text[1024];
    const double rising[] = {10, 9, 9.5, 10, 11, 12},
                 falling[20] = {10, 9.9, 9.8, 9.7, 9.6, 9.5, 9.4, 9.3, 9.2, 9.1,
                                9,  8.9, 8.8, 8.7, 8.6, 8.5, 8.4, 8.3, 8.2, 8.1};
    advise_after(rising, 5, -0.5, TW_ITERATION_LIMIT, text);
    ck_assert_msg(strstr(text, "grew in 4 of 5 steps") && strstr(text, "minimum 9;"), "%s", text);
    advise_after(falling, 19, 0.99, TW_ITERATION_LIMIT, text);
    ck_assert_msg(strstr(text, "timid") && strstr(text, "0.99"), "%s", text);
    advise_after(falling, 19, 0.5, TW_ITERATION_LIMIT, text);
    ck_assert_str_eq(text, "");
    advise_after(falling, 19, 0.99, TW_GRADIENT_NORM, text);
    ck_assert_str_eq(text, "");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("monitor");
    TCase *t = tcase_create("monitor");
    tcase_add_test(t, an_ordinary_iterate_continues);
    tcase_add_test(t, the_gradient_tests_include_their_tolerance);
    tcase_add_test(t, the_loss_tests_exclude_their_tolerance_and_look_at_both_signs);
    tcase_add_test(t, at_the_start_there_is_no_change_of_the_loss_yet);
    tcase_add_test(t, what_is_not_finite_has_failed);
    tcase_add_test(t, a_loss_beyond_the_factor_times_the_larger_start_has_diverged);
    tcase_add_test(t, parameters_that_did_not_move_end_the_run);
    tcase_add_test(t, limits_of_time_and_iterations_end_the_run);
    tcase_add_test(t, time_is_up_when_the_clock_says_so_and_never_without_a_limit);
    tcase_add_test(t, a_failed_search_is_the_reason_as_it_is);
    tcase_add_test(t, tests_are_asked_in_the_documented_order);
    tcase_add_test(t, require_all_waits_for_every_test_that_is_named);
    tcase_add_test(t, patience_asks_for_that_many_checks_in_a_row);
    tcase_add_test(t, a_gradient_of_zero_needs_no_patience);
    tcase_add_test(t, patience_does_not_delay_failure_or_limits);
    tcase_add_test(t, every_reason_has_a_name_a_class_an_exit_code_and_words);
    tcase_add_loop_test(t, the_verdict_names_the_test_its_value_and_its_tolerance, 0,
                        sizeof verdicts / sizeof *verdicts);
    tcase_add_test(t, a_sudden_rise_is_a_spike_and_nothing_else_is);
    tcase_add_test(t, a_run_whose_features_need_scaling_is_told_so_only_then);
    tcase_add_test(t, steps_that_are_too_long_or_too_short_are_told_apart);
    tcase_add_test(t, each_trouble_at_the_end_has_words_of_its_own);
    suite_add_tcase(s, t);
    return test_run(s);
}
