/* test_minimize.c -- whole runs in one call: minima and saddle points of textbook functions, a fit against
 * its closed form, from a file and from memory, an own loss; and what is refused. Several ranks:
 * mpi/test_function.c. */
#include "support.h"

#include "thalweg/link.h"
#include "thalweg/minimize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static tw_comm *comm;

static void enter(void)
{
    tw_dataset_start();
    ck_assert_int_eq(tw_comm_local(&comm), TW_OK);
    test_folder_enter();
}

static void leave(void)
{
    test_folder_leave();
    tw_comm_release(comm);
}

static tw_minimize_result minimize(const tw_function *f, const tw_minimize_settings *set, double *w)
{
    tw_minimize_result out;
    ck_assert_msg(tw_minimize(comm, f, set, w, &out) == TW_OK, "%s", tw_status_message());
    return out;
}

static tw_status rosenbrock(void *context, const double *w, double *f, double *g)
{
    const double a = 1 - w[0], b = w[1] - w[0] * w[0];
    (void)context;
    *f = a * a + 100 * b * b;
    g[0] = -2 * a - 400 * w[0] * b;
    g[1] = 200 * b;
    return TW_OK;
}
static const tw_function banana = {.n = 2, .eval = rosenbrock};

/* x^2 - y^2: a saddle at zero, no minimum. */
static tw_status horse(void *context, const double *w, double *f, double *g)
{
    (void)context;
    *f = w[0] * w[0] - w[1] * w[1];
    g[0] = 2 * w[0];
    g[1] = -2 * w[1];
    return TW_OK;
}

/* (x^2 - 1)^2 + y^2: minima at x = -1 and 1, a saddle between. */
static tw_status wells(void *context, const double *w, double *f, double *g)
{
    const double a = w[0] * w[0] - 1;
    (void)context;
    *f = a * a + w[1] * w[1];
    g[0] = 4 * w[0] * a;
    g[1] = 2 * w[1];
    return TW_OK;
}

/* x^4 + y^2: at the minimum the least curvature is zero. */
static tw_status flat(void *context, const double *w, double *f, double *g)
{
    (void)context;
    *f = w[0] * w[0] * w[0] * w[0] + w[1] * w[1];
    g[0] = 4 * w[0] * w[0] * w[0];
    g[1] = 2 * w[1];
    return TW_OK;
}

/* ---------------------------------------------------------------- minima */

START_TEST(every_optimizer_that_goes_with_a_search_finds_the_minimum_of_two_wells)
{
    const tw_function f = {.n = 2, .eval = wells};
    for (int i = 0; tw_optimizers[i]; i++) {
        double w[2] = {0.4, 1.5};
        const tw_minimize_settings set = {
            .optimizer = tw_optimizers[i]->name, .step = "backtracking", .gradient_norm = 1e-6};
        if (!tw_optimizers[i]->descent || tw_optimizers[i]->unit || tw_optimizers[i]->only_step) continue;
        const tw_minimize_result out = minimize(&f, &set, w);
        ck_assert_msg(out.why == TW_GRADIENT_NORM, "%s: %s", set.optimizer, tw_reason_name(out.why));
        ck_assert_double_eq_tol(fabs(w[0]), 1, 1e-6);
        ck_assert_double_eq_tol(w[1], 0, 1e-6);
        ck_assert(out.f < 1e-12 && out.gradient_norm <= 1e-6 && out.iterations > 0 && out.n == 2 && !out.w);
    }
}
END_TEST

START_TEST(the_defaults_find_the_minimum_of_rosenbrock)
{
    double w[2] = {-1.2, 1};
    const tw_minimize_result out = minimize(&banana, NULL, w);
    ck_assert_int_eq(out.why, TW_GRADIENT_NORM_RELATIVE);
    ck_assert_double_eq_tol(w[0], 1, 1e-4);
    ck_assert_double_eq_tol(w[1], 1, 1e-4);
    ck_assert(out.iterations < 60 && out.evaluations < 200);
}
END_TEST

START_TEST(limits_end_a_run_where_it_is)
{
    double w[2] = {-1.2, 1};
    tw_minimize_settings set = {.max_iterations = 3};
    tw_minimize_result out = minimize(&banana, &set, w);
    ck_assert(out.why == TW_ITERATION_LIMIT && out.iterations == 3 && out.f < 24.2);
    set = (tw_minimize_settings){.optimizer = "gd",
                                 .step = "constant",
                                 .length = 1e-9,
                                 .max_seconds = 1e-3,
                                 .max_iterations = 1000000000};
    ck_assert_int_eq(minimize(&banana, &set, w).why, TW_TIME_LIMIT);
    set = (tw_minimize_settings){.optimizer = "gd", .step = "constant", .length = 1};
    ck_assert_int_eq(minimize(&banana, &set, w).why, TW_NOT_FINITE);
}
END_TEST

/* ---------------------------------------------------------------- saddle points */

START_TEST(a_saddle_is_named_and_a_minimum_is_not)
{
    const struct {
        tw_status (*eval)(void *, const double *, double *, double *);
        double start[2];
        bool convex, saddle;
    } ends[] = {
        {horse, {1, 0}, false, true},       {horse, {0, 0}, false, true}, {wells, {0, 1}, false, true},
        {wells, {0.1, 1}, false, false},    {flat, {1, 1}, false, false}, {flat, {0, 0}, false, false},
        {rosenbrock, {0, 0}, false, false}, {horse, {1, 0}, true, false}}; /* who says convex is believed */
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const tw_function f = {.n = 2, .eval = ends[i].eval, .convex = ends[i].convex};
        const tw_minimize_settings set = {.optimizer = ends[i].eval == rosenbrock ? NULL : "gd",
                                          .gradient_norm = 1e-8};
        double w[2] = {ends[i].start[0], ends[i].start[1]};
        const tw_minimize_result out = minimize(&f, &set, w);
        ck_assert_msg((out.why == TW_SADDLE) == ends[i].saddle, "case %zu: %s", i, tw_reason_name(out.why));
        ck_assert_msg(tw_reason_class(out.why) == (ends[i].saddle ? 's' : 'c'), "case %zu: %s", i,
                      tw_reason_name(out.why));
    }
}
END_TEST

START_TEST(a_run_that_has_not_converged_is_not_looked_at)
{
    const tw_function f = {.n = 2, .eval = horse};
    const tw_minimize_settings set = {
        .optimizer = "gd", .step = "constant", .length = 0.01, .max_iterations = 5};
    double w[2] = {1, 0};
    const tw_minimize_result out = minimize(&f, &set, w);
    ck_assert_int_eq(out.why, TW_ITERATION_LIMIT);
    ck_assert_int_eq(out.evaluations, 6);
}
END_TEST

/* ---------------------------------------------------------------- refusals */

static const struct {
    tw_minimize_settings set;
    const char *says;
} wrong[] = {{{.optimizer = "lbfsg"}, "Did you mean 'lbfgs'?"},
             {{.step = "backtrac"}, "unknown step rule 'backtrac'"},
             {{.optimizer = "momentum", .step = "backtracking"},
              "backtracking needs a direction that always descends"},
             {{.optimizer = "momentum", .l1 = 1}, "momentum cannot minimise with l1"},
             {{.l2 = -1}, "l2 of the settings"},
             {{.length = NAN}, "length of the settings"},
             {{.max_iterations = -1}, "max_iterations of the settings"},
             {{.of_step = &(tw_step_settings){.c1 = 0.4, .c2 = 0.2, .shrink = 0.5, .max_trials = 50}},
              "must be smaller than c2"}};

START_TEST(what_cannot_be_is_refused_and_nothing_is_evaluated)
{
    double w[2] = {-1.2, 1};
    tw_minimize_result out;
    ck_assert_int_eq(tw_minimize(comm, &banana, &wrong[_i].set, w, &out), TW_CONFIG);
    ck_assert_msg(strstr(tw_status_message(), wrong[_i].says) != NULL, "%s", tw_status_message());
    ck_assert(w[0] == -1.2 && w[1] == 1 && out.evaluations == 0);
}
END_TEST

START_TEST(a_function_of_nothing_is_refused)
{
    const tw_function none = {.n = 0, .eval = rosenbrock}, unknown = {.n = 2};
    double w[2] = {0};
    ck_assert_int_eq(tw_minimize(comm, &none, NULL, w, NULL), TW_CONFIG);
    ck_assert_int_eq(tw_minimize(comm, &unknown, NULL, w, NULL), TW_CONFIG);
}
END_TEST

/* ---------------------------------------------------------------- fits */

enum { ROWS = 120 };
static double x[ROWS * 2], y[ROWS];

/* y about 3 x_0 - x_1 + 5, features far from zero. */
static void make_rows(void)
{
    test_seed(9);
    for (int i = 0; i < ROWS; i++) {
        x[2 * i] = 10 + test_uniform();
        x[2 * i + 1] = -3 + 0.1 * test_uniform();
        y[i] = 3 * x[2 * i] - x[2 * i + 1] + 5 + 0.2 * test_uniform();
    }
}

/* The least squares of these rows, by elimination of the centred normal equations. */
static void least_squares(double *w)
{
    long double mean[3] = {0}, a = 0, b = 0, c = 0, p = 0, q = 0;
    for (int i = 0; i < ROWS; i++) {
        mean[0] += x[2 * i];
        mean[1] += x[2 * i + 1];
        mean[2] += y[i];
    }
    for (int k = 0; k < 3; k++) mean[k] /= ROWS;
    for (int i = 0; i < ROWS; i++) {
        const long double u = x[2 * i] - mean[0], v = x[2 * i + 1] - mean[1], r = y[i] - mean[2];
        a += u * u, b += u * v, c += v * v, p += u * r, q += v * r;
    }
    const long double first = (p * c - q * b) / (a * c - b * b), second = (a * q - b * p) / (a * c - b * b);
    w[0] = (double)first;
    w[1] = (double)second;
    w[2] = (double)(mean[2] - first * mean[0] - second * mean[1]);
}

START_TEST(a_fit_is_the_least_squares_in_the_units_of_the_data)
{
    const tw_minimize_settings set = {.scaling = TW_SCALING_STANDARDIZE, .gradient_norm_relative = 1e-12};
    tw_minimize_result file, memory;
    double truth[3];
    make_rows();
    least_squares(truth);
    const char *path = test_path("rows.h5");
    test_write_plain(path, ROWS, 2, x, y);
    ck_assert_msg(tw_fit(comm, &tw_model_linear, path, &set, &file) == TW_OK, "%s", tw_status_message());
    ck_assert(tw_reason_class(file.why) == 'c' && file.n == 3);
    for (int j = 0; j < 3; j++) ck_assert_double_eq_tol(file.w[j], truth[j], 1e-8);
    const tw_shard rows = {.type = TW_f64, .x = x, .y = y, .rows = ROWS, .cols = 2};
    ck_assert_msg(tw_fit_rows(comm, &tw_model_linear, &rows, &set, &memory) == TW_OK, "%s",
                  tw_status_message());
    ck_assert(same_bits(3, file.w, memory.w));
    free(file.w);
    free(memory.w);
}
END_TEST

START_TEST(classes_of_a_file_become_indices_and_those_in_memory_must_be)
{
    tw_minimize_result low, high;
    double labels[ROWS];
    const tw_minimize_settings set = {.l2 = 0.1, .no_intercept = true};
    make_rows();
    for (int i = 0; i < ROWS; i++) labels[i] = x[2 * i] > 10 ? 7 : -2;
    const char *path = test_path("classes.h5");
    test_write_plain(path, ROWS, 2, x, labels);
    ck_assert_msg(tw_fit(comm, &tw_model_logistic, path, &set, &high) == TW_OK, "%s", tw_status_message());
    const tw_shard rows = {.type = TW_f64, .x = x, .y = labels, .rows = ROWS, .cols = 2};
    ck_assert_int_eq(tw_fit_rows(comm, &tw_model_logistic, &rows, &set, &low), TW_DATA);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "must be 0 .. K-1"));
    for (int i = 0; i < ROWS; i++) labels[i] = labels[i] > 0;
    ck_assert_int_eq(tw_fit_rows(comm, &tw_model_logistic, &rows, &set, &low), TW_OK);
    ck_assert(low.n == 3 && same_bits(3, low.w, high.w) && low.w[2] == 0 && low.w[0] != 0);
    free(low.w);
    free(high.w);
    ck_assert_int_eq(tw_fit(comm, &tw_model_linear, test_path("nowhere.h5"), NULL, &low), TW_INPUT);
    ck_assert_ptr_null(low.w);
}
END_TEST

/* (z^2 - y)^2 / 4 of one margin: not convex, a saddle or maximum at w = 0, minima on both sides. */
static void phase_loss(const tw_model *m, size_t n, const double *z, const double *t, double *l, double *r)
{
    (void)m;
    for (size_t i = 0; i < n; i++) {
        const double a = z[i] * z[i] - t[i];
        l[i] = 0.25 * a * a;
        r[i] = a * z[i];
    }
}
static double identity(double z)
{
    return z;
}
static void phase_curvature(const tw_model *m, size_t n, const double *z, const double *t, double *h)
{
    (void)m;
    for (size_t i = 0; i < n; i++) h[i] = 3 * z[i] * z[i] - t[i];
}

START_TEST(an_own_loss_that_is_not_convex_ends_at_a_saddle_and_says_so)
{
    const tw_link plain = {.loss = phase_loss, .response = identity};
    const tw_link curved = {.loss = phase_loss, .curvature = phase_curvature, .response = identity};
    tw_model_ops ops = tw_model_linear;
    tw_minimize_result out;
    make_rows();
    for (int i = 0; i < ROWS; i++) y[i] = fabs(y[i]);
    const tw_shard rows = {.type = TW_f64, .x = x, .y = y, .rows = ROWS, .cols = 2};
    ops.name = "phase";
    ops.convex = false;
    for (int i = 0; i < 2; i++) { /* by differences, and by products */
        ops.link = i ? &curved : &plain;
        ck_assert_msg(tw_fit_rows(comm, &ops, &rows, NULL, &out) == TW_OK, "%s", tw_status_message());
        ck_assert_msg(out.why == TW_SADDLE, "%s", tw_reason_name(out.why)); /* zeros are stationary */
        free(out.w);
    }
    ops.convex = true; /* a lie */
    ck_assert_int_eq(tw_fit_rows(comm, &ops, &rows, NULL, &out), TW_OK);
    ck_assert(tw_reason_class(out.why) == 'c');
    free(out.w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("minimize");
    TCase *t = tcase_create("minimize");
    tcase_add_checked_fixture(t, enter, leave);
    tcase_add_test(t, every_optimizer_that_goes_with_a_search_finds_the_minimum_of_two_wells);
    tcase_add_test(t, the_defaults_find_the_minimum_of_rosenbrock);
    tcase_add_test(t, limits_end_a_run_where_it_is);
    tcase_add_test(t, a_saddle_is_named_and_a_minimum_is_not);
    tcase_add_test(t, a_run_that_has_not_converged_is_not_looked_at);
    tcase_add_loop_test(t, what_cannot_be_is_refused_and_nothing_is_evaluated, 0,
                        sizeof wrong / sizeof *wrong);
    tcase_add_test(t, a_function_of_nothing_is_refused);
    tcase_add_test(t, a_fit_is_the_least_squares_in_the_units_of_the_data);
    tcase_add_test(t, classes_of_a_file_become_indices_and_those_in_memory_must_be);
    tcase_add_test(t, an_own_loss_that_is_not_convex_ends_at_a_saddle_and_says_so);
    suite_add_tcase(s, t);
    return test_run(s);
}
