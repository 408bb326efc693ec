/* test_preconditioner_runs.c -- whole runs of lbfgs that begin with the Gram matrix: how many iterations they
 * need, in any units, with features that have no inverse matrix. */
#include "second_order.h"

#include "thalweg/minimize.h"

static tw_minimize_result fit(const problem *q, bool gram, double l2)
{
    const tw_optimizer_settings of = {.memory = 10, .gram = gram};
    const tw_minimize_settings set = {.of_optimizer = &of,
                                      .l2 = l2,
                                      .gradient_norm = 1e-10,
                                      .max_iterations = 3000,
                                      .scaling = q->c.scaling,
                                      .no_intercept = !q->c.intercept};
    tw_minimize_result out;
    ck_assert_msg(tw_fit_rows(q->comm, q->c.ops, &q->p.shard, &set, &out) == TW_OK, "%s",
                  tw_status_message());
    free(out.w);
    out.w = NULL;
    return out;
}

/* Each feature like the one before. */
static void make_ill(problem *q, const tw_model_ops *ops)
{
    test_case c = usual_case(ops);
    test_seed(5);
    q->c = c;
    test_data_init(&q->d, &c);
    for (size_t i = 0; i < c.rows; i++)
        for (size_t j = 0; j < c.cols; j++) {
            double *const x = q->d.x + i * c.cols + j;
            if (j > 0) *x = x[-1] * 8 + 0.1 * *x;
            *x = *x / 8;
        }
    make_with(q);
}

START_TEST(ill_conditioned_features_cost_far_fewer_iterations_for_the_same_optimum)
{
    static const tw_model_ops *const models[] = {&tw_model_linear, &tw_model_logistic, &tw_model_softmax};
    problem q;
    make_ill(&q, models[_i]);
    const tw_minimize_result with = fit(&q, true, 1e-6), without = fit(&q, false, 1e-6);
    ck_assert_msg(tw_reason_class(with.why) == 'c' && tw_reason_class(without.why) == 'c', "reasons %d, %d",
                  (int)with.why, (int)without.why);
    ck_assert_double_le(fabs(with.f - without.f), 1e-9 * fabs(with.f));
    ck_assert_msg(with.iterations <= (_i == 0 ? 2 : 40) && with.iterations * 3 <= without.iterations,
                  "%ld and %ld", with.iterations, without.iterations);
    unmake(&q);
}
END_TEST

START_TEST(the_units_of_the_features_do_not_change_the_path)
{
    long iterations[2];
    double f[2];
    for (int scaled = 0; scaled < 2; scaled++) {
        const test_case c = usual_case(&tw_model_logistic);
        problem q;
        test_seed(3);
        q.c = c;
        test_data_init(&q.d, &c);
        for (size_t i = 0; scaled && i < c.rows * c.cols; i++)
            q.d.x[i] = ldexp(q.d.x[i], 10 * (int)(i % c.cols) - 20);
        make_with(&q);
        const tw_minimize_result got = fit(&q, true, 0);
        ck_assert(scaled || tw_reason_class(got.why) == 'c');
        f[scaled] = got.f;
        iterations[scaled] = got.iterations;
        unmake(&q);
    }
    ck_assert_double_le(fabs(f[1] - f[0]), 1e-12 * f[0]);
    ck_assert_msg(iterations[1] <= iterations[0] + 10, "%ld and %ld", iterations[0], iterations[1]);
}
END_TEST

START_TEST(features_without_an_inverse_matrix_work_without_a_penalty)
{
    static const tw_model_ops *const models[] = {&tw_model_linear, &tw_model_logistic, &tw_model_softmax};
    for (int kind = 0; kind < 3; kind++) {
        test_case c = usual_case(models[_i]);
        problem q, less;
        test_seed(13);
        q.c = c;
        test_data_init(&q.d, &c);
        less.c = c;
        less.c.cols = COLS - 1;
        test_data_init(&less.d, &less.c); /* of the right size */
        for (size_t i = 0; i < c.rows; i++) {
            double *const x = q.d.x + i * COLS;
            x[COLS - 1] = kind == 0 ? 3 : kind == 1 ? x[1] : 0; /* constant, equal, zero */
            memcpy(less.d.x + i * (COLS - 1), x, (COLS - 1) * sizeof *x);
        }
        memcpy(less.d.y, q.d.y, c.rows * sizeof *q.d.y);
        memcpy(less.d.weight, q.d.weight, c.rows * sizeof *q.d.weight);
        make_with(&q);
        make_with(&less);
        const tw_minimize_result got = fit(&q, true, 0), want = fit(&less, true, 0);
        ck_assert_msg(tw_reason_class(got.why) == 'c' && tw_reason_class(want.why) == 'c', "kind %d", kind);
        ck_assert_double_le(fabs(got.f - want.f), 1e-10 * want.f);
        ck_assert_msg(got.iterations <= want.iterations + 2, "kind %d: %ld and %ld", kind, got.iterations,
                      want.iterations);
        unmake(&less);
        unmake(&q);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("preconditioner_runs");
    TCase *t = tcase_create("preconditioner_runs");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, ill_conditioned_features_cost_far_fewer_iterations_for_the_same_optimum, 0, 3);
    tcase_add_test(t, the_units_of_the_features_do_not_change_the_path);
    tcase_add_loop_test(t, features_without_an_inverse_matrix_work_without_a_penalty, 0, 3);
    suite_add_tcase(s, t);
    return test_run(s);
}
