/* Every method that converges, with every step rule it goes with, on every model it fits, ends at the optimum that
 * scikit-learn and a long-double Newton iteration found (tests/truth/optima.json): objective within 1e-9 relative, with
 * mini-batches within 1e-3. Methods and rules that the program does not have are left out; one that it has and no table below
 * names is a failure.
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
    const char *optimizer, *rule, *more; /* more: further lines of the configuration */
    bool first_order;                    /* the number of steps grows with the condition of the Hessian */
} method;

static const method methods[] = {
    {"gd", "backtracking", "", true},
    {"gd", "wolfe", "", true},
    {"gd", "goldstein", "", true},
    {"gd", "lipschitz", "", true},
    {"gd", "barzilai_borwein", "", true},
    {"nesterov", "lipschitz", "", true},
    {"proximal_gradient", "lipschitz", "", true},
    {"lbfgs", "backtracking", "", false},
    {"lbfgs", "wolfe", "", false},
    {"lbfgs", "goldstein", "", false},
    {"newton", "backtracking", "", false},
    {"newton", "wolfe", "", false},
    {"newton", "goldstein", "", false},
    {"newton_cg", "trust_region", "", false},
    {"coordinate_descent", "backtracking", "", false},
    {"coordinate_descent", "wolfe", "", false},
};

/* The step shrinks and every gradient is that of 32 rows: within 1e-3 of the optimum after some epochs. */
static const method stochastic[] = {
    {"gd", "inverse", "length: 0.5, tau: 10", true},      {"momentum", "inverse", "length: 0.05, tau: 10", true},
    {"nesterov", "inverse", "length: 0.05, tau: 10", true}, {"adagrad", "inverse", "length: 0.3, tau: 10", true},
    {"rmsprop", "inverse", "length: 0.02, tau: 5", true}, {"adam", "inverse", "length: 0.05, tau: 5", true},
    {"adamw", "inverse", "length: 0.05, tau: 5", true},
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
    fprintf(f, "model: {type: %s, l2: %.17g, intercept: %s, delta: %.17g}\n", text(c, "model"), number(c, "l2"),
            json_is_true(json_object_get(c, "intercept")) ? "true" : "false",
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
    if (getenv("METHODS_MEASURE"))
        fprintf(stderr, "%s %s | %s | %ld %s %.2e %.2fs\n", m->optimizer, m->rule, text(c, "name"), run.iterate.k,
                tw_reason_name(run.iterate.why), gap, tw_seconds() - run.began);
    tw_run_release(&run);
    tw_comm_release(comm);
    return gap;
}

/* Where F is as convex as its penalty, a gradient of this norm is within 1e-10 of the optimum. */
static void full_batch(const json_t *c, const method *m, long most, char *limits, size_t length)
{
    const double l2 = number(c, "l2"), norm = l2 > 0 ? sqrt(2e-10 * l2 * fabs(number(c, "objective"))) : 1e-9;
    snprintf(limits, length, "optimizer: {type: %s}\nstop: {gradient_norm: %.17g, max_iterations: %ld}", m->optimizer, norm,
             most);
}

START_TEST(a_method_ends_at_the_optimum_of_an_independent_solver)
{
    char limits[256];
    const method *m = &methods[_i % N_METHODS];
    const json_t *c = json_array_get(cases, (size_t)_i / N_METHODS);
    if (!tw_optimizer_find(m->optimizer) || !tw_step_find(m->rule)) return;
    full_batch(c, m, 20000, limits, sizeof limits);
    const double gap = gap_of(c, m, limits);
    ck_assert_msg(gap <= 1e-9, "%s, %s on %s: %.3g above the optimum", m->optimizer, m->rule, text(c, "name"), gap);
}
END_TEST

int main(int argc, char **argv)
{
    json_error_t error;
    slow = argc > 1 && strcmp(argv[1], "slow") == 0;
    tw_dataset_start();
    cases = json_load_file(TEST_SOURCE_DIR "/tests/truth/optima.json", 0, &error);
    if (!cases || !mkdtemp(folder)) return 1;
    Suite *suite = suite_create("methods");
    TCase *tc = tcase_create("optima");
    tcase_set_timeout(tc, 20);
    tcase_add_loop_test(tc, a_method_ends_at_the_optimum_of_an_independent_solver, 0, (int)json_array_size(cases) * N_METHODS);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    return srunner_ntests_failed(runner) != 0;
}
