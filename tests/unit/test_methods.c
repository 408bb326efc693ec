/* Every method that converges, with every step rule it goes with, on every model it fits, ends at the optimum
 * that scikit-learn and a long-double Newton iteration found (tests/truth/optima.json): objective within 1e-9
 * relative, with mini-batches within 1e-3. Methods and rules that the program does not have are left out; one
 * that it has and no table below names is a failure.
 *
 *   unit_methods            the runs that are short
 *   unit_methods slow       the others */
#include "thalweg/run.h"

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *optimizer, *rule, *more; /* more: settings of the step */
    bool first_order;                    /* the number of steps grows with the condition of the Hessian */
    const char *set;                     /* settings of the optimizer, or NULL */
} method;

static const method methods[] = {
    {"gd", "backtracking", "", true, NULL},
    {"gd", "wolfe", "", true, NULL},
    {"gd", "goldstein", "", true, NULL},
    {"gd", "lipschitz", "", true, NULL},
    {"gd", "barzilai_borwein", "", true, NULL},
    {"nesterov", "lipschitz", "", true, NULL},
    {"proximal_gradient", "lipschitz", "", true, NULL},
    {"lbfgs", "backtracking", "", false, NULL},
    {"lbfgs", "wolfe", "", false, NULL},
    {"lbfgs", "goldstein", "", false, NULL},
    {"lbfgs", "backtracking", "", false, "preconditioner: gram"},
    {"lbfgs", "wolfe", "", false, "preconditioner: gram"},
    {"newton", "backtracking", "", false, NULL},
    {"newton", "wolfe", "", false, NULL},
    {"newton", "goldstein", "", false, NULL},
    {"newton_cg", "trust_region", "", false, NULL},
    {"coordinate_descent", "backtracking", "", false, NULL},
    {"coordinate_descent", "wolfe", "", false, NULL},
};

/* The step shrinks and every gradient is that of 32 rows: within 1e-3 of the optimum after some epochs. */
static const method stochastic[] = {
    {"gd", "inverse", "length: 0.1, tau: 50", true, NULL},
    {"momentum", "inverse", "length: 0.01, tau: 50", true, NULL},
    {"nesterov", "inverse", "length: 0.01, tau: 50", true, NULL},
    {"adagrad", "inverse", "length: 0.3, tau: 10", true, NULL},
    {"rmsprop", "inverse", "length: 0.02, tau: 5", true, NULL},
    {"adam", "inverse", "length: 0.05, tau: 5", true, NULL},
    {"adamw", "inverse", "length: 0.05, tau: 5", true, NULL},
};

enum { N_METHODS = sizeof methods / sizeof *methods, N_STOCHASTIC = sizeof stochastic / sizeof *stochastic };

static json_t *cases;
static char folder[] = "/tmp/thalweg-methods-XXXXXX";
static bool slow;

static const char *text(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static double number(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

/* ---- runs ---- */

static void write_config(const json_t *c, const method *m, const char *limits, const char *path)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "data: {train: %s/%s, scaling: %s}\n", TEST_SOURCE_DIR, text(c, "data"), text(c, "scaling"));
    fprintf(f, "model: {type: %s, l2: %.17g, intercept: %s, delta: %.17g}\n", text(c, "model"),
            number(c, "l2"), json_is_true(json_object_get(c, "intercept")) ? "true" : "false",
            json_object_get(c, "delta") ? number(c, "delta") : 1);
    fprintf(f, "step: {rule: %s%s%s}\n%s\n", m->rule, *m->more ? ", " : "", m->more, limits);
    fclose(f);
}

/* Trains; the relative gap of F to the reference. */
static double gap_of(const json_t *c, const method *m, const char *limits)
{
    char config[128], out[128];
    tw_comm *comm;
    tw_run run;
    const double want = number(c, "objective");
    snprintf(config, sizeof config, "%s/%ld.yaml", folder, (long)getpid());
    snprintf(out, sizeof out, "%s/%ld", folder, (long)getpid());
    write_config(c, m, limits, config);
    ck_assert_int_eq(tw_comm_local(&comm), TW_OK);
    tw_run_init(&run, comm);
    run.log.quiet = true;
    ck_assert_msg(tw_run_configure(&run, config, 0, NULL, out) == TW_OK, "%s", tw_status_message());
    ck_assert_msg(tw_run_load(&run) == TW_OK, "%s", tw_status_message());
    ck_assert_msg(tw_run_train(&run) == TW_OK, "%s", tw_status_message());
    const double gap = fabs(run.iterate.f - want) / fmax(fabs(want), want == 0 ? 1 : 0);
    if (getenv("THALWEG_TEST_VERBOSE"))
        fprintf(stderr, "%s %s %s| %s | %ld %s %.2e %.2fs\n", m->optimizer, m->rule, m->set ? m->set : "",
                text(c, "name"), run.iterate.k, tw_reason_name(run.iterate.why), gap,
                tw_seconds() - run.began);
    tw_run_release(&run);
    tw_comm_release(comm);
    return gap;
}

/* Where F is as convex as its penalty, a gradient of this norm is within 1e-12 of the optimum. Without a
 * penalty there is no such bound, but rounding alone leaves a gradient as large as F is. */
static void full_batch(const json_t *c, const method *m, long most, char *limits, size_t length)
{
    const double l2 = number(c, "l2"), want = fabs(number(c, "objective"));
    const double norm = l2 > 0 ? sqrt(2e-12 * l2 * want) : 1e-9 * fmax(want, 1);
    snprintf(limits, length, "optimizer: {type: %s}\nstop: {gradient_norm: %.17g, max_iterations: %ld}",
             m->optimizer, norm, most);
}

static bool is_from(const json_t *c, const char *data)
{
    return strstr(text(c, "data"), data) != NULL;
}

static bool is(const json_t *c, const char *key, const char *word)
{
    return strcmp(text(c, key), word) == 0;
}

/* Does the method fit the case? What is left out, and why. */
static bool fits(const method *m, const json_t *c)
{
    if (!tw_optimizer_find(m->optimizer) || !tw_step_find(m->rule)) return false;
    /* e^z has no largest curvature, so no length is safe: refused before a run. */
    if (strcmp(m->rule, "lipschitz") == 0 && is(c, "model", "poisson")) return false;
    /* Pixels of one image are alike: the sweeps over 640 coefficients take minutes. */
    if (strcmp(m->optimizer, "coordinate_descent") == 0 && is_from(c, "digits") && is(c, "model", "softmax"))
        return false;
    /* The bound of the curvature is far above that of ten classes: 4e-7 above the optimum after 20000 short
     * steps. */
    if (strcmp(m->optimizer, "gd") == 0 && strcmp(m->rule, "lipschitz") == 0 && is_from(c, "digits") &&
        is(c, "model", "softmax"))
        return false;
    if (!m->first_order || is_from(c, "parabola")) return true;
    /* Features of different size, or a weak penalty beside features that are alike: the Hessian has a
     * condition of 1e4 to 1e12, and methods that only know the gradient are up to 0.1 F above the optimum
     * after 20000 steps. */
    return !is(c, "scaling", "none") && number(c, "l2") >= 1e-2;
}

/* Ten classes, or thousands of steps of lbfgs. */
static bool takes_long(const json_t *c)
{
    return is_from(c, "digits") && (is(c, "model", "softmax") || is(c, "scaling", "none"));
}

/* ---- tests ---- */

START_TEST(a_method_ends_at_the_optimum_of_an_independent_solver)
{
    char limits[256];
    const method *m = &methods[_i % N_METHODS];
    const json_t *c = json_array_get(cases, (size_t)_i / N_METHODS);
    if (!fits(m, c) || takes_long(c) != slow) return;
    full_batch(c, m, 20000, limits, sizeof limits);
    const double gap = gap_of(c, m, limits);
    ck_assert_msg(gap <= 1e-9, "%s, %s on %s: %.3g above the optimum", m->optimizer, m->rule, text(c, "name"),
                  gap);
}
END_TEST

/* Features of one size and labels near 1, for which the lengths of the table are made. */
static const char *const stochastic_cases[] = {
    "binary logistic standardize l2=0.01", "breast-cancer logistic standardize l2=0.01",
    "counts poisson standardize l2=0.01", "digits-train huber standardize l2=0.01"};

enum { N_STOCHASTIC_CASES = sizeof stochastic_cases / sizeof *stochastic_cases };

START_TEST(mini_batches_with_a_falling_length_come_near_the_optimum)
{
    char limits[256];
    const method *m = &stochastic[_i % N_STOCHASTIC];
    const char *name = stochastic_cases[_i / N_STOCHASTIC];
    const json_t *c = NULL;
    for (size_t i = 0; !c && i < json_array_size(cases); i++)
        if (is(json_array_get(cases, i), "name", name)) c = json_array_get(cases, i);
    ck_assert_msg(c != NULL, "no case is called %s", name);
    if (!tw_optimizer_find(m->optimizer) || slow) return;
    snprintf(limits, sizeof limits,
             "optimizer: {type: %s, batch: 32, weight_decay: 0}\nstop: {gradient_norm: 0, max_epochs: 400}",
             m->optimizer);
    const double gap = gap_of(c, m, limits);
    ck_assert_msg(gap <= 1e-3, "%s on %s: %.3g above the optimum", m->optimizer, name, gap);
}
END_TEST

/* Negative control: after three steps no case is solved by gradients alone. */
START_TEST(a_run_cut_short_is_not_at_the_optimum)
{
    char limits[256];
    const method *m = &methods[0];
    const json_t *c = json_array_get(cases, (size_t)_i);
    if (!fits(m, c) || is_from(c, "parabola")) return;
    full_batch(c, m, 3, limits, sizeof limits);
    ck_assert_double_gt(gap_of(c, m, limits), 1e-6);
}
END_TEST

static bool listed(const char *optimizer, const char *rule)
{
    for (size_t i = 0; i < N_METHODS; i++)
        if ((optimizer && strcmp(methods[i].optimizer, optimizer) == 0) ||
            (rule && strcmp(methods[i].rule, rule) == 0))
            return true;
    for (size_t i = 0; optimizer && i < N_STOCHASTIC; i++)
        if (strcmp(stochastic[i].optimizer, optimizer) == 0) return true;
    return false;
}

/* Schedules know nothing of F: test_step.c has their lengths. */
START_TEST(no_method_and_no_search_is_left_out)
{
    for (size_t i = 0; tw_optimizers[i]; i++)
        ck_assert_msg(listed(tw_optimizers[i]->name, NULL), "optimizer %s is in no table",
                      tw_optimizers[i]->name);
    for (size_t i = 0; tw_steps[i]; i++)
        if (tw_steps[i]->needs_full_batch || tw_steps[i]->products)
            ck_assert_msg(listed(NULL, tw_steps[i]->name), "step rule %s is in no table", tw_steps[i]->name);
}
END_TEST

static void remove_folder(void)
{
    char *arguments[] = {"rm", "-rf", folder, NULL};
    execv("/bin/rm", arguments);
}

static Suite *make_suite(void)
{
    const int n = (int)json_array_size(cases);
    Suite *suite = suite_create("methods");
    TCase *tc = tcase_create("optima");
    tcase_set_timeout(tc, slow ? 300 : 60);
    tcase_add_loop_test(tc, a_method_ends_at_the_optimum_of_an_independent_solver, 0, n * N_METHODS);
    tcase_add_loop_test(tc, mini_batches_with_a_falling_length_come_near_the_optimum, 0,
                        N_STOCHASTIC * N_STOCHASTIC_CASES);
    tcase_add_loop_test(tc, a_run_cut_short_is_not_at_the_optimum, 0, n);
    tcase_add_test(tc, no_method_and_no_search_is_left_out);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(int argc, char **argv)
{
    json_error_t error;
    slow = argc > 1 && strcmp(argv[1], "slow") == 0;
    tw_dataset_start();
    cases = json_load_file(TEST_SOURCE_DIR "/tests/truth/optima.json", 0, &error);
    if (!cases || !mkdtemp(folder)) return 1;
    SRunner *runner = srunner_create(make_suite());
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    json_decref(cases);
    if (failed == 0) remove_folder();
    return failed != 0;
}
