/* tw_objective_score against sums in long double with the loss of each row as the textbooks write it. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 701, COLS = 6, CLASSES = 4, MOST = (COLS + 1) * CLASSES };

static tw_comm *comm;
static test_problem p;
static test_data data;
static double w[MOST], watched[ROWS];

static void open_model(const tw_model_ops *ops, bool weighted, tw_reduction_mode mode)
{
    const test_case c = {.ops = ops,
                         .type = TW_f64,
                         .scaling = TW_SCALING_STANDARDIZE,
                         .mode = mode,
                         .rows = ROWS,
                         .cols = COLS,
                         .classes = ops->target == TW_TARGET_CLASS    ? CLASSES
                                    : ops->target == TW_TARGET_BINARY ? 2
                                                                      : 0,
                         .l2 = 0.7, /* no part of a score */
                         .intercept = true,
                         .weighted = weighted};
    ck_assert_int_eq(tw_comm_local(&comm), TW_OK);
    test_seed(8);
    test_data_init(&data, &c);
    ck_assert_int_eq(test_problem_init(&p, comm, &c, &data), TW_OK);
    for (size_t j = 0; j < p.model.n_params; j++) w[j] = test_uniform();
    for (size_t i = 0; i < ROWS; i++) watched[i] = test_bits() % 4 ? 0 : 0.5 + test_uniform() / 4;
}

static void keep_margins(void)
{
    tw_objective_parts parts = p.objective.parts;
    double f, g[MOST];
    parts.keep_margins = true;
    tw_objective_release(&p.objective);
    ck_assert_int_eq(tw_objective_init(&p.objective, &parts), TW_OK);
    ck_assert_int_eq(tw_objective_eval(&p.objective, w, &f, g), TW_OK);
    tw_objective_accept(&p.objective);
}

static void close_model(void)
{
    test_problem_release(&p);
    test_data_release(&data);
    tw_comm_release(comm);
}

/* ---- truth ---- */

static void true_margins(size_t i, long double *z)
{
    const size_t K = p.model.outputs;
    for (size_t k = 0; k < K; k++) {
        z[k] = w[COLS * K + k];
        for (size_t j = 0; j < COLS; j++)
            z[k] +=
                w[j * K + k] * ((long double)data.x[i * COLS + j] - p.scaling.mean[j]) / p.scaling.scale[j];
    }
}

static long double true_loss(const long double *z, double y, bool *hit)
{
    long double sum = 0;
    size_t best = 0;
    if (p.model.ops == &tw_model_linear) return (z[0] - y) * (z[0] - y) / 2;
    if (p.model.ops == &tw_model_logistic) {
        *hit = (z[0] > 0) == (y == 1);
        return -logl(y == 1 ? 1 / (1 + expl(-z[0])) : 1 - 1 / (1 + expl(-z[0])));
    }
    for (size_t k = 0; k < CLASSES; k++) sum += expl(z[k]);
    for (size_t k = 1; k < CLASSES; k++) best = z[k] > z[best] ? k : best;
    *hit = best == (size_t)y;
    return -logl(expl(z[(size_t)y]) / sum);
}

static void check_score(const double *weight, const tw_score *got)
{
    long double loss = 0, hits = 0, all = 0, z[CLASSES];
    for (size_t i = 0; i < ROWS; i++) {
        const double share = weight ? weight[i] : 1;
        bool hit = false;
        true_margins(i, z);
        loss += share * true_loss(z, data.y[i], &hit);
        hits += hit ? share : 0;
        all += share;
    }
    ck_assert_double_eq_tol(got->weight, (double)all, 1e-12 * (double)all);
    ck_assert_double_eq_tol(got->loss, (double)(loss / all), 1e-13);
    if (p.model.ops == &tw_model_linear)
        ck_assert(isnan(got->accuracy));
    else
        ck_assert_double_eq_tol(got->accuracy, (double)(hits / all), 1e-13);
}

static const tw_model_ops *model_of(int i)
{
    return (const tw_model_ops *[]){&tw_model_linear, &tw_model_logistic, &tw_model_softmax}[i % 3];
}

/* ---- facts ---- */

START_TEST(a_score_with_a_read_is_the_weighted_mean_loss_and_accuracy_of_the_rows)
{
    tw_score score;
    open_model(model_of(_i), _i >= 3, _i % 2 ? TW_ALLREDUCE : TW_REPRODUCIBLE);
    ck_assert_int_eq(tw_objective_score(&p.objective, w, false, watched, &score), TW_OK);
    check_score(watched, &score);
    ck_assert_int_eq(tw_objective_score(&p.objective, w, false, NULL, &score),
                     TW_OK); /* the shard's own weights */
    check_score(data.weight, &score);
    ck_assert_double_eq(p.objective.reads, 2);
    ck_assert_int_eq(p.objective.reductions, 2);
    close_model();
}
END_TEST

START_TEST(a_score_from_margins_in_force_has_the_same_bits_and_reads_nothing)
{
    tw_score cold, warm;
    open_model(model_of(_i), _i >= 3, TW_REPRODUCIBLE);
    ck_assert_int_eq(tw_objective_score(&p.objective, w, false, watched, &cold), TW_OK);
    keep_margins();
    const double reads = p.objective.reads;
    ck_assert_int_eq(tw_objective_score(&p.objective, w, true, watched, &warm), TW_OK);
    ck_assert_double_eq(p.objective.reads, reads);
    ck_assert(same_bits(1, &cold.loss, &warm.loss) && same_bits(1, &cold.weight, &warm.weight));
    ck_assert(p.model.classes == 0 ? isnan(warm.accuracy) : cold.accuracy == warm.accuracy);
    for (size_t j = 0; j < p.model.n_params; j++)
        w[j] = 0; /* a point not in force: only its own read tells */
    ck_assert_int_eq(tw_objective_score(&p.objective, w, false, watched, &cold), TW_OK);
    check_score(watched, &cold);
    ck_assert_double_eq(p.objective.reads, reads + 1);
    ck_assert(fabs(cold.loss - warm.loss) > 1e-3);
    close_model();
}
END_TEST

START_TEST(rows_that_are_not_watched_have_no_say_whatever_their_loss)
{
    tw_score a, b;
    open_model(&tw_model_linear, false, TW_REPRODUCIBLE);
    ck_assert_int_eq(tw_objective_score(&p.objective, w, false, watched, &a), TW_OK);
    for (size_t i = 0; i < ROWS; i++)
        if (watched[i] == 0) p.shard.y[i] = 1e300; /* its loss is infinite */
    ck_assert_int_eq(tw_objective_score(&p.objective, w, false, watched, &b), TW_OK);
    ck_assert(same_bits(1, &a.loss, &b.loss));
    for (size_t i = 0; i < ROWS && watched[i] == 0; i++) watched[i] = 1; /* negative control: now it is */
    watched[ROWS - 1] = 1;
    p.shard.y[ROWS - 1] = 1e300;
    ck_assert_int_eq(tw_objective_score(&p.objective, w, false, watched, &b), TW_OK);
    ck_assert(isinf(b.loss));
    close_model();
}
END_TEST

START_TEST(a_score_of_no_rows_is_nan_and_its_weight_zero)
{
    tw_score score;
    const double none[ROWS] = {0};
    open_model(&tw_model_logistic, false, TW_REPRODUCIBLE);
    ck_assert_int_eq(tw_objective_score(&p.objective, w, false, none, &score), TW_OK);
    ck_assert(score.weight == 0 && isnan(score.loss) && isnan(score.accuracy));
    close_model();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("score");
    TCase *t = tcase_create("score");
    tcase_add_loop_test(t, a_score_with_a_read_is_the_weighted_mean_loss_and_accuracy_of_the_rows, 0, 6);
    tcase_add_loop_test(t, a_score_from_margins_in_force_has_the_same_bits_and_reads_nothing, 0, 6);
    tcase_add_test(t, rows_that_are_not_watched_have_no_say_whatever_their_loss);
    tcase_add_test(t, a_score_of_no_rows_is_nan_and_its_weight_zero);
    suite_add_tcase(s, t);
    return test_run(s);
}
