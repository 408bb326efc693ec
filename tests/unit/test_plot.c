/* test_plot.c -- the axes of `thalweg plot`: scales, ranges, tics, and which values count.
 *
 * tests/cli/plot.sh looks at the pictures. */
#include "cli/plot.h"

#include <check.h>
#include <math.h>

enum { MOST_ROWS = 8 };

/* Runs of up to eight losses; the gradient norm is the same number, the Taylor ratio a half. */
typedef struct {
    tw_plot_row row[3][MOST_ROWS];
    tw_plot_run run[3];
    tw_plot plot;
} fixture;

static void add_run(fixture *f, size_t n, const double *losses, double stride)
{
    const size_t r = f->plot.n_runs++;
    for (size_t i = 0; i < n; i++)
        f->row[r][i] = (tw_plot_row){.iteration = stride * (double)i,
                                     .seconds = stride * (double)i / 1000,
                                     .reads = 1 + 3 * stride * (double)i,
                                     .value = {losses[i], losses[i], 0.5}};
    f->run[r] = (tw_plot_run){.n = n, .row = f->row[r]};
    f->plot.run = f->run;
}

static bool between(double low, double value, double high)
{
    return low <= value && value <= high;
}

START_TEST(losses_a_thousandfold_apart_are_logarithmic_and_a_threefold_apart_are_not)
{
    fixture far = {0}, near = {0};
    add_run(&far, 3, (double[]){1000, 30, 1}, 1);
    add_run(&near, 3, (double[]){3, 2, 1}, 1);
    tw_plot_axis axis;
    tw_plot_axis_y(&far.plot, TW_PLOT_LOSS, &axis);
    ck_assert_int_eq(axis.scale, TW_AXIS_LOG);
    ck_assert(between(-0.3, axis.low, 0) && between(3, axis.high, 3.3));
    ck_assert_double_eq_tol(tw_plot_axis_at(&axis, 100), 2, 1e-15);
    tw_plot_axis_y(&near.plot, TW_PLOT_LOSS, &axis);
    ck_assert_int_eq(axis.scale, TW_AXIS_LINEAR);
    ck_assert(between(0, axis.low, 1) && between(3, axis.high, 3.3));
    ck_assert_double_eq(tw_plot_axis_at(&axis, 2), 2);
}
END_TEST

START_TEST(a_loss_of_zero_keeps_the_axis_linear_but_a_gradient_of_zero_does_not)
{
    fixture f = {0};
    add_run(&f, 3, (double[]){1000, 1, 0}, 1);
    tw_plot_axis axis;
    tw_plot_axis_y(&f.plot, TW_PLOT_LOSS, &axis);
    ck_assert_int_eq(axis.scale, TW_AXIS_LINEAR);
    tw_plot_axis_y(&f.plot, TW_PLOT_GRADIENT, &axis);
    ck_assert_int_eq(axis.scale, TW_AXIS_LOG);
    ck_assert(isnan(tw_plot_axis_at(&axis, 0)));
}
END_TEST

START_TEST(a_runaway_is_cut_at_ten_times_the_largest_first_loss_only_beside_a_tame_run)
{
    fixture both = {0}, alone = {0};
    const double tame[] = {2, 1, 0.5}, runaway[] = {4, 400, 1e9};
    add_run(&both, 3, tame, 1);
    add_run(&both, 3, runaway, 1);
    add_run(&alone, 3, runaway, 1);
    tw_plot_axis axis;
    tw_plot_axis_y(&both.plot, TW_PLOT_LOSS, &axis);
    ck_assert(axis.clipped);
    ck_assert_double_eq_tol(axis.high, log10(40), 1e-12);
    ck_assert(isfinite(tw_plot_axis_at(&axis, 1e300)) && tw_plot_axis_at(&axis, 1e300) > axis.high);
    tw_plot_axis_y(&alone.plot, TW_PLOT_LOSS, &axis);
    ck_assert(!axis.clipped);
    ck_assert_double_gt(axis.high, 9);
}
END_TEST

START_TEST(gaps_are_measured_from_the_lowest_loss_of_all_runs)
{
    fixture f = {0};
    add_run(&f, 2, (double[]){5, 3}, 1);
    f.plot.lowest = 2;
    ck_assert_double_eq(tw_plot_value(&f.plot, &f.run[0], 0, TW_PLOT_GAP), 3);
    ck_assert_double_eq(tw_plot_value(&f.plot, &f.run[0], 1, TW_PLOT_GAP), 1);
}
END_TEST

START_TEST(a_taylor_ratio_counts_only_where_the_loss_changed_beyond_rounding)
{
    fixture f = {0};
    add_run(&f, 4, (double[]){1, 1 - 1e-10, 1 - 1e-10 - 2e-16, NAN}, 1);
    ck_assert_double_eq(tw_plot_value(&f.plot, &f.run[0], 0, TW_PLOT_TAYLOR), 0.5);
    ck_assert_double_eq(tw_plot_value(&f.plot, &f.run[0], 1, TW_PLOT_TAYLOR), 0.5);
    ck_assert(isnan(tw_plot_value(&f.plot, &f.run[0], 2, TW_PLOT_TAYLOR)));
    ck_assert_double_eq(tw_plot_value(&f.plot, &f.run[0], 3, TW_PLOT_TAYLOR), 0.5);
}
END_TEST

START_TEST(iterations_are_logarithmic_when_one_run_is_twenty_times_as_long)
{
    fixture even = {0}, uneven = {0};
    const double losses[] = {3, 2, 1};
    add_run(&even, 3, losses, 1);
    add_run(&even, 3, losses, 19);
    add_run(&uneven, 3, losses, 1);
    add_run(&uneven, 3, losses, 20);
    tw_plot_axis axis;
    tw_plot_axis_x(&even.plot, &axis);
    ck_assert_int_eq(axis.scale, TW_AXIS_LINEAR);
    ck_assert_double_eq(axis.high, 38);
    tw_plot_axis_x(&uneven.plot, &axis);
    ck_assert_int_eq(axis.scale, TW_AXIS_LOG1P);
    ck_assert_double_eq_tol(axis.high, log10(41), 1e-12);
    ck_assert_double_eq_tol(tw_plot_axis_at(&axis, 9), 1, 1e-12);
}
END_TEST

START_TEST(a_row_stands_at_its_iteration_its_seconds_or_its_reads)
{
    const tw_plot_row row = {.iteration = 7, .seconds = 0.25, .reads = 22, .value = {1, 1, 1}};
    tw_plot plot = {0};
    ck_assert_double_eq(tw_plot_x(&plot, &row), 7);
    plot.x = TW_PLOT_SECONDS;
    ck_assert_double_eq(tw_plot_x(&plot, &row), 0.25);
    plot.x = TW_PLOT_READS;
    ck_assert_double_eq(tw_plot_x(&plot, &row), 22);
}
END_TEST

START_TEST(an_axis_of_reads_begins_at_zero_and_is_logarithmic_by_the_longest_run)
{
    fixture f = {.plot.x = TW_PLOT_READS};
    add_run(&f, 3, (double[]){3, 2, 1}, 1);
    tw_plot_axis axis;
    tw_plot_axis_x(&f.plot, &axis);
    ck_assert_int_eq(axis.scale, TW_AXIS_LINEAR);
    ck_assert_double_eq(axis.low, 0);
    ck_assert_double_eq(axis.high, 7);
    add_run(&f, 3, (double[]){3, 2, 1}, 24); /* 145 reads against 7 */
    tw_plot_axis_x(&f.plot, &axis);
    ck_assert_int_eq(axis.scale, TW_AXIS_LOG1P);
    ck_assert_double_eq_tol(axis.high, log10(146), 1e-12);
}
END_TEST

/* Ends of an axis from the ordinary to the extreme: tics must ascend, lie inside and differ in their labels.
 */
static const double ends[][2] = {{0.38, 2.3},     {0, 1},          {-3, 5},          {1, 1e9},
                                 {1e-300, 1e300}, {-1e300, 1e300}, {2.3025, 2.3026}, {7, 7},
                                 {0, 0},          {1e5, 1.9e6},    {0.12, 3.1},      {1e-9, 2e-9},
                                 {0.99, 1.01},    {5e-324, 1e-5},  {1e308, -1e308}};

START_TEST(tics_ascend_within_the_axis_and_their_labels_differ)
{
    for (int text = 0; text < 2; text++) {
        fixture f = {.plot.device = text ? TW_PLOT_TEXT : TW_PLOT_SVG};
        tw_plot_axis a;
        size_t labelled = 0;
        add_run(&f, 2, ends[_i], 1);
        tw_plot_axis_y(&f.plot, TW_PLOT_LOSS, &a);
        ck_assert(isfinite(a.low) && isfinite(a.high) && a.low < a.high);
        for (size_t i = 0; i < a.n_tics; i++) {
            labelled += a.tic[i].label[0] != '\0';
            ck_assert(
                between(a.low - 1e-6 * (a.high - a.low), a.tic[i].at, a.high + 1e-6 * (a.high - a.low)));
            ck_assert(i == 0 || a.tic[i].at > a.tic[i - 1].at);
            for (size_t j = 0; j < i && a.tic[i].label[0] != '\0'; j++)
                ck_assert_str_ne(a.tic[i].label, a.tic[j].label);
        }
        ck_assert(labelled >= 2 && labelled <= 12);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("plot");
    TCase *axes = tcase_create("axes");
    tcase_add_test(axes, losses_a_thousandfold_apart_are_logarithmic_and_a_threefold_apart_are_not);
    tcase_add_test(axes, a_loss_of_zero_keeps_the_axis_linear_but_a_gradient_of_zero_does_not);
    tcase_add_test(axes, a_runaway_is_cut_at_ten_times_the_largest_first_loss_only_beside_a_tame_run);
    tcase_add_test(axes, gaps_are_measured_from_the_lowest_loss_of_all_runs);
    tcase_add_test(axes, a_taylor_ratio_counts_only_where_the_loss_changed_beyond_rounding);
    tcase_add_test(axes, iterations_are_logarithmic_when_one_run_is_twenty_times_as_long);
    tcase_add_test(axes, a_row_stands_at_its_iteration_its_seconds_or_its_reads);
    tcase_add_test(axes, an_axis_of_reads_begins_at_zero_and_is_logarithmic_by_the_longest_run);
    tcase_add_loop_test(axes, tics_ascend_within_the_axis_and_their_labels_differ, 0,
                        sizeof ends / sizeof *ends);
    suite_add_tcase(s, axes);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed != 0;
}
