/* The optimum of every case that scikit-learn and a long-double Newton iteration solved (tests/truth):
 * objective within 1e-10 relative, predictions of raw features within 1e-6 of their scale. Runs in the source
 * folder's data. */
#include "thalweg/run.h"

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static json_t *cases;
static char folder[] = "/tmp/thalweg-optima-XXXXXX";

static const char *text(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static double number(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}

static void write_config(const json_t *c, const char *path)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fprintf(f, "data: {train: %s/%s, scaling: %s}\n", TEST_SOURCE_DIR, text(c, "data"), text(c, "scaling"));
    fprintf(f, "model: {type: %s, l2: %.17g, intercept: %s}\n", text(c, "model"), number(c, "l2"),
            json_is_true(json_object_get(c, "intercept")) ? "true" : "false");
    fprintf(f, "stop: {gradient_norm: 1e-9, max_iterations: 20000}\nreduction: {mode: reproducible}\n");
    fclose(f);
}

/* Margins of the first rows against predictions: z, P(y = 1), or probabilities; relative to 1 or to |z|. */
static double prediction_error(tw_run *run, const json_t *predictions)
{
    const size_t rows = json_array_size(predictions), outputs = run->model.outputs;
    const tw_block block = tw_shard_block(&run->shard, 0, rows);
    double *z = calloc(rows * outputs, sizeof *z), *p = calloc(outputs, sizeof *p), worst = 0;
    tw_scaling_fold(&run->scaling, &run->model, run->iterate.w, run->objective.raw);
    ck_assert_int_eq(run->model_ops->margins(&run->model, &block, run->objective.raw, z), TW_OK);
    for (size_t i = 0; i < rows; i++) {
        const json_t *want = json_array_get(predictions, i);
        run->model_ops->predict(&run->model, z + i * outputs, p);
        for (size_t k = 0; k < outputs; k++) {
            const double w = json_number_value(json_is_array(want) ? json_array_get(want, k) : want);
            worst = fmax(worst, fabs(p[k] - w) / fmax(1, fabs(w)));
        }
    }
    free(p);
    free(z);
    return worst;
}

START_TEST(the_optimum_is_that_of_an_independent_solver)
{
    const json_t *c = json_array_get(cases, (size_t)_i);
    const double want = number(c, "objective");
    char config[128], out[128];
    tw_comm *comm;
    tw_run run;
    snprintf(config, sizeof config, "%s/case-%d.yaml", folder, _i);
    snprintf(out, sizeof out, "%s/run-%d", folder, _i);
    write_config(c, config);
    ck_assert_int_eq(tw_comm_local(&comm), TW_OK);
    tw_run_init(&run, comm);
    run.log.quiet = true;
    ck_assert_msg(tw_run_configure(&run, config, 0, NULL, out) == TW_OK, "%s", tw_status_message());
    ck_assert_msg(tw_run_load(&run) == TW_OK, "%s", tw_status_message());
    if (json_object_get(c, "delta")) run.model.settings.delta = number(c, "delta");
    ck_assert_msg(tw_run_train(&run) == TW_OK, "%s", tw_status_message());
    const double gap = fabs(run.iterate.f - want) / fmax(fabs(want), want == 0 ? 1 : 0);
    const double error = prediction_error(&run, json_object_get(c, "predictions"));
    ck_assert_msg(gap <= 1e-10, "%s: F = %.17g, want %.17g", text(c, "name"), run.iterate.f, want);
    ck_assert_msg(error <= 1e-6, "%s: predictions differ by %g", text(c, "name"), error);
    tw_run_release(&run);
    tw_comm_release(comm);
}
END_TEST

/* Negative control: ten iterations are not enough, so the comparison can fail. */
START_TEST(a_run_cut_short_is_not_at_the_optimum)
{
    const json_t *c = json_array_get(cases, json_array_size(cases) - 1);
    char config[128], out[128], limit[] = "stop.max_iterations=10", *sets[] = {limit};
    tw_comm *comm;
    tw_run run;
    snprintf(config, sizeof config, "%s/short.yaml", folder);
    snprintf(out, sizeof out, "%s/short", folder);
    write_config(c, config);
    ck_assert_int_eq(tw_comm_local(&comm), TW_OK);
    tw_run_init(&run, comm);
    run.log.quiet = true;
    ck_assert_int_eq(tw_run_configure(&run, config, 1, sets, out), TW_OK);
    ck_assert_int_eq(tw_run_load(&run), TW_OK);
    ck_assert_int_eq(tw_run_train(&run), TW_OK);
    ck_assert_int_eq(run.iterate.why, TW_ITERATION_LIMIT);
    ck_assert_double_gt(run.iterate.f, number(c, "objective") * (1 + 1e-6));
    ck_assert_double_gt(prediction_error(&run, json_object_get(c, "predictions")), 1e-6);
    tw_run_release(&run);
    tw_comm_release(comm);
}
END_TEST

static void remove_folder(void)
{
    char *arguments[] = {"rm", "-rf", folder, NULL};
    execv("/bin/rm", arguments);
}

int main(void)
{
    json_error_t error;
    tw_dataset_start();
    cases = json_load_file(TEST_SOURCE_DIR "/tests/truth/optima.json", 0, &error);
    if (!cases || !mkdtemp(folder)) return 1;
    Suite *suite = suite_create("optima");
    TCase *tc = tcase_create("truth");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, the_optimum_is_that_of_an_independent_solver, 0, (int)json_array_size(cases));
    tcase_add_test(tc, a_run_cut_short_is_not_at_the_optimum);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    json_decref(cases);
    if (failed == 0) remove_folder();
    return failed != 0;
}
