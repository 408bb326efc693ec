/* test_objective.c -- the objective spread over the ranks has the bits of the objective on one, for every
 * model, scaling and type; and a failure of any rank is the same failure everywhere, after which everything
 * still works.
 *
 * Every rank generates all rows, so each can compute the truth for itself on a communicator of its own. */
#include "support.h"

#include "thalweg/fault.h"
#include "thalweg/interrupt.h"
#include "thalweg/optimizer.h"
#include "thalweg/step.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLS = 9, CLASSES = 4, MOST = (COLS + 1) * CLASSES };

static tw_comm *comm, *alone;
static int rank, size;

static int n_models(void)
{
    int n = 0;
    while (tw_models[n]) n++;
    return n;
}

static test_case make_case(const tw_model_ops *ops, size_t rows)
{
    return (test_case){.ops = ops,
                       .type = TW_f64,
                       .mode = TW_REPRODUCIBLE,
                       .rows = rows,
                       .cols = COLS,
                       .classes = CLASSES,
                       .l2 = 0.01,
                       .intercept = true};
}

/* The same problem here, spread, and there, whole. */
typedef struct {
    test_data d;
    test_problem spread, whole;
    double w[MOST];
} twice;

static bool make(twice *t, const test_case *c)
{
    test_seed(c->rows + c->type);
    test_data_init(&t->d, c);
    bool ok = test_problem_init(&t->spread, comm, c, &t->d) == TW_OK;
    ok = test_problem_init(&t->whole, alone, c, &t->d) == TW_OK && ok;
    test_parameters(c, &t->whole.model, t->w);
    return ok;
}

static void unmake(twice *t)
{
    test_problem_release(&t->whole);
    test_problem_release(&t->spread);
    test_data_release(&t->d);
}

/* Some steps along -g, each of which carries every bit of the one before. */
static bool same_descent(twice *t, int steps)
{
    double w[MOST], f = 0, g[MOST], f_whole = 0, g_whole[MOST];
    const size_t n = t->spread.objective.n;
    bool ok = true;
    memcpy(w, t->w, sizeof w);
    for (int i = 0; i < steps; i++) {
        ok = tw_objective_eval(&t->spread.objective, w, &f, g) == TW_OK && ok;
        ok = tw_objective_eval(&t->whole.objective, w, &f_whole, g_whole) == TW_OK && ok;
        ok = ok && same_bits(1, &f, &f_whole) && same_bits(n, g, g_whole);
        ok = all_ranks(comm, ok); /* w must be the same everywhere before it is used again */
        for (size_t j = 0; j < n; j++) w[j] = fma(-1e-3, g_whole[j], w[j]);
    }
    return ok && t->spread.objective.weight == t->whole.objective.weight;
}

/* ---------------------------------------------------------------- the same bits */

START_TEST(scaling_value_and_gradient_have_the_bits_of_one_rank)
{
    for (int type = 0; type < TW_N_DTYPES; type++)
        for (int scaling = 0; scaling < 3; scaling++) {
            twice t;
            test_case c = make_case(tw_models[_i], 1003); /* 64 groups, uneven */
            c.type = (tw_dtype)type;
            c.scaling = (tw_scaling_kind)scaling;
            c.weighted = type % 2;
            c.intercept = scaling != 1;
            bool ok = make(&t, &c);
            if (ok && scaling > 0)
                ok = same_bits(COLS, t.spread.scaling.mean, t.whole.scaling.mean) &&
                     same_bits(COLS, t.spread.scaling.scale, t.whole.scaling.scale);
            ok = same_descent(&t, 3) && ok;
            unmake(&t);
            ck_assert_msg(all_ranks(comm, ok), "type %d, scaling %d", type, scaling);
        }
}
END_TEST

static const struct {
    size_t rows;
    int64_t groups;
} shapes[] = {{1, 0}, {5, 0}, {20, 0}, {64, 64}, {3, 8}, {5000, 4}, {5000, 1}, {20011, 256}};

START_TEST(few_rows_many_groups_and_idle_ranks_change_no_bit)
{
    twice t;
    test_case c = make_case(tw_models[_i % n_models()], shapes[_i / n_models()].rows);
    c.groups = shapes[_i / n_models()].groups;
    c.scaling = TW_SCALING_STANDARDIZE;
    const bool ok = make(&t, &c) && same_descent(&t, 2);
    unmake(&t);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

/* H, H d and d of both Newton methods, at a point with margins in force. */
static bool same_curvature(twice *t)
{
    static double h[MOST * MOST], h_whole[MOST * MOST];
    double d[MOST], out[MOST], out_whole[MOST], g[MOST], f;
    tw_objective *const F = &t->spread.objective, *const whole = &t->whole.objective;
    const size_t n = F->n;
    bool ok = tw_objective_eval(F, t->w, &f, g) == TW_OK && tw_objective_eval(whole, t->w, &f, g) == TW_OK;
    tw_objective_accept(F);
    tw_objective_accept(whole);
    ok = tw_objective_hessian(F, h) == TW_OK && tw_objective_hessian(whole, h_whole) == TW_OK && ok;
    ok = ok && same_bits(n * n, h, h_whole);
    for (size_t j = 0; j < n; j++) d[j] = test_uniform();
    for (int identity = 0; identity < 2; identity++) {
        ok = tw_objective_hessian_vector(F, d, identity, out) == TW_OK && ok;
        ok = tw_objective_hessian_vector(whole, d, identity, out_whole) == TW_OK && ok;
        ok = ok && same_bits(n, out, out_whole);
    }
    return ok;
}

START_TEST(second_derivatives_have_the_bits_of_one_rank)
{
    static const int64_t groups[] = {0, 1, 4, 256,
                                     1024}; /* the last: more than a sum of matrices keeps apart */
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        for (int scaling = 0; scaling < 3; scaling++) {
            twice t;
            test_case c = make_case(tw_models[_i], groups[i] ? 3001 : 20);
            c.groups = groups[i];
            c.scaling = (tw_scaling_kind)scaling;
            c.weighted = scaling != 1;
            c.margins = true;
            bool ok = make(&t, &c);
            ok = same_curvature(&t) && ok;
            unmake(&t);
            ck_assert_msg(all_ranks(comm, ok), "%d groups, scaling %d", (int)groups[i], scaling);
        }
}
END_TEST

/* Five iterations here and there. */
static bool same_run(const tw_optimizer_ops *ops, const tw_step_ops *rule, twice *t)
{
    const tw_step_settings set = {.length = 1, .c1 = 1e-4, .shrink = 0.5, .max_trials = 50};
    tw_objective *const F[] = {&t->spread.objective, &t->whole.objective};
    tw_optimizer o[2];
    tw_step s[2];
    tw_iterate it[2];
    bool ok = true;
    for (int i = 0; i < 2; i++) {
        ok = tw_optimizer_init(&o[i], ops, &(tw_optimizer_settings){.memory = 5}, F[i]->n) == TW_OK && ok;
        ok = tw_step_init(&s[i], rule, &set, F[i]->n) == TW_OK && tw_iterate_init(&it[i], F[i]->n) && ok;
        ok = tw_objective_eval(F[i], it[i].w, &it[i].f, it[i].g) == TW_OK && ok;
        tw_objective_accept(F[i]);
        for (int k = 0; k < 5 && ok; k++) {
            ok = tw_step_announce(&s[i], F[i], &it[i], k) == TW_OK && ok;
            ok = tw_optimizer_direction(&o[i], F[i], &it[i]) == TW_OK && ok;
            ok = tw_step_advance(&s[i], F[i], &it[i]) == TW_OK && ok;
        }
    }
    ok = ok && same_bits(F[0]->n, it[0].w, it[1].w) && same_bits(1, &it[0].f, &it[1].f) &&
         it[0].inner == it[1].inner;
    for (int i = 0; i < 2; i++) {
        tw_iterate_release(&it[i]);
        tw_step_release(&s[i]);
        tw_optimizer_release(&o[i]);
    }
    return ok;
}

START_TEST(second_order_methods_take_the_same_steps_on_any_number_of_ranks)
{
    static const tw_optimizer_ops *const methods[] = {&tw_optimizer_newton, &tw_optimizer_newton_cg,
                                                      &tw_optimizer_gd};
    static const tw_step_ops *const rules[] = {&tw_step_backtracking, &tw_step_trust_region,
                                               &tw_step_lipschitz};
    for (int i = 0; i < 3; i++) {
        twice t;
        test_case c = make_case(tw_models[_i], 3001);
        if (rules[i] == &tw_step_lipschitz && !isfinite(tw_model_curvature_max(c.ops)))
            continue; /* refused */
        c.scaling = TW_SCALING_STANDARDIZE;
        c.weighted = c.margins = true;
        bool ok = make(&t, &c);
        ok = same_run(methods[i], rules[i], &t) && ok;
        unmake(&t);
        ck_assert_msg(all_ranks(comm, ok), "%s", methods[i]->name);
    }
}
END_TEST

START_TEST(allreduce_agrees_within_rounding_and_all_ranks_hold_the_same_bits)
{
    test_case c = make_case(tw_models[_i], 3000);
    c.mode = TW_ALLREDUCE;
    twice t;
    double f = 0, g[MOST] = {0}, most[MOST + 1], truth = 0, g_truth[MOST] = {0};
    bool ok = make(&t, &c);
    const size_t n = t.spread.objective.n;
    ok = tw_objective_eval(&t.spread.objective, t.w, &f, g) == TW_OK && ok;
    ok = tw_objective_eval(&t.whole.objective, t.w, &truth, g_truth) == TW_OK && ok;
    ok = ok && fabs(f - truth) <= 1e-14 * truth;
    for (size_t j = 0; j < n; j++) ok = ok && fabs(g[j] - g_truth[j]) <= 1e-14;
    memcpy(most, g, n * sizeof *g);
    most[n] = f;
    ok = tw_comm_allreduce(comm, TW_MAX, n + 1, most) == TW_OK && ok && same_bits(n, most, g) && most[n] == f;
    unmake(&t);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

/* ---------------------------------------------------------------- failure */

/* A model whose pass fails on chosen ranks after some blocks. */
static struct {
    bool here;
    int after;
} injected;

static tw_status failing_loss_grad(const tw_model *m, const tw_block *b, const double *v, double *sums)
{
    if (injected.here && injected.after-- == 0) {
        sums[0] = NAN; /* must not reach anybody */
        return tw_fail(TW_MEMORY, "out of memory in row block of rank %d", rank);
    }
    return tw_model_linear.loss_grad(m, b, v, sums);
}

static tw_model_ops failing_ops(void)
{
    tw_model_ops ops = tw_model_linear;
    ops.loss_grad = failing_loss_grad;
    return ops;
}

/* Evaluate: everywhere rank `speaker` must be heard, and f and g be left alone. */
static bool fails_everywhere(twice *t, int speaker)
{
    double f = 7, g[MOST] = {7};
    char sentence[64];
    tw_fail(TW_INTERNAL, "an older sentence");
    const tw_status status = tw_objective_eval(&t->spread.objective, t->w, &f, g);
    snprintf(sentence, sizeof sentence, "out of memory in row block of rank %d", speaker);
    const char *found = strstr(tw_status_message(), sentence);
    bool ok = status == TW_MEMORY && found && strlen(found) == strlen(sentence) && f == 7 && g[0] == 7;
    if (size > 1) {
        snprintf(sentence, sizeof sentence, "rank %d (", speaker);
        ok = ok && strncmp(tw_status_message(), sentence, strlen(sentence)) == 0;
    }
    return ok;
}

START_TEST(one_failing_rank_is_the_same_failure_everywhere_and_the_next_evaluation_works)
{
    const tw_model_ops ops = failing_ops();
    const test_case c = make_case(&ops, 64 * 600); /* three blocks a group, more than eight a rank */
    twice t;
    injected.here = false;
    bool ok = make(&t, &c);
    ck_assert(all_ranks(comm, ok));
    for (int bad = 0; bad < size; bad++)
        for (int after = 0; after < 8; after++) { /* at once, inside a group, between groups */
            injected.here = rank == bad;
            injected.after = after;
            ok = fails_everywhere(&t, bad);
            injected.here = false;
            ck_assert_msg(all_ranks(comm, ok), "rank %d after %d blocks", bad, after);
            ck_assert(all_ranks(comm, same_descent(&t, 1)));
        }
    unmake(&t);
}
END_TEST

START_TEST(when_several_ranks_fail_the_lowest_speaks)
{
    const tw_model_ops ops = failing_ops();
    const test_case c = make_case(&ops, 5000);
    twice t;
    bool ok = make(&t, &c);
    for (int first = 0; first < size; first++) {
        injected.here = rank >= first;
        injected.after = rank - first;
        ok = fails_everywhere(&t, first) && ok;
        injected.here = false;
    }
    unmake(&t);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(a_failure_of_other_work_on_one_rank_is_raised_everywhere)
{
    const test_case c = make_case(&tw_model_linear, 1000);
    twice t;
    double f = 7, g[MOST];
    bool ok = make(&t, &c);
    if (rank == size - 1) t.spread.objective.pending = tw_fail(TW_OUTPUT, "cannot write the log");
    ok = tw_objective_eval(&t.spread.objective, t.w, &f, g) == TW_OUTPUT && ok && f == 7;
    ok = ok && strstr(tw_status_message(), "cannot write the log");
    t.spread.objective.pending = TW_OK;
    ok = same_descent(&t, 1) && ok;
    unmake(&t);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

/* In the mode of _i, with the last bit of one parameter changed on the last rank. */
START_TEST(ranks_at_different_points_are_told_apart_by_the_first_evaluation)
{
    test_case c = make_case(&tw_model_logistic, 1000);
    twice t;
    double f = 7, g[MOST] = {7}, w[MOST];
    char who[64];
    c.mode = (tw_reduction_mode)_i;
    bool ok = make(&t, &c);
    memcpy(w, t.w, sizeof w);
    if (rank == size - 1) w[1] = nextafter(w[1], INFINITY);
    const tw_status status = tw_objective_eval(&t.spread.objective, w, &f, g);
    snprintf(who, sizeof who, "rank %d differs from the %d others", size - 1, size - 1);
    ok = ok && status == (size == 1 ? TW_OK : TW_REPLICA) && (f == 7) == (size > 1);
    ok = ok && (size < 3 || strstr(tw_status_message(), who));
    ok = tw_objective_eval(&t.spread.objective, t.w, &f, g) == TW_OK && ok;
    unmake(&t);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(a_sum_that_becomes_nan_though_no_row_is_bad_is_known_to_all)
{
    const test_case c = make_case(&tw_model_logistic, 1000);
    char fault[64];
    twice t;
    double f, g[MOST];
    snprintf(fault, sizeof fault, "phase=step,kind=nan,index=2,rank=%d", size - 1);
    bool ok = make(&t, &c) && tw_fault_set(fault) == TW_OK;
    ok = tw_objective_eval(&t.spread.objective, t.w, &f, g) == TW_OK && ok;
    ok = ok && !t.spread.objective.broken;
    tw_phase_enter(TW_AT_STEP, 0);
    ok = tw_objective_eval(&t.spread.objective, t.w, &f, g) == TW_OK && ok;
    ok = ok && t.spread.objective.broken && t.spread.objective.bad_rows == 0 && isfinite(f);
    ok = tw_fault_set(NULL) == TW_OK && ok;
    unmake(&t);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(requests_of_any_rank_are_known_to_all_even_when_one_fails)
{
    const test_case c = make_case(&tw_model_linear, 20); /* two groups: ranks beyond are idle */
    twice t;
    double f, g[MOST];
    bool ok = make(&t, &c);
    t.spread.objective.requests[TW_FLAG_STOP] = rank == size - 1;
    t.spread.objective.requests[TW_FLAG_TIME] = 1;
    ok = tw_objective_eval(&t.spread.objective, t.w, &f, g) == TW_OK && ok;
    ok =
        ok && t.spread.objective.agreed[TW_FLAG_STOP] == 1 && t.spread.objective.agreed[TW_FLAG_TIME] == size;
    if (rank == 0) t.spread.objective.pending = tw_fail(TW_IO, "disk");
    ok = tw_objective_eval(&t.spread.objective, t.w, &f, g) == TW_IO && ok;
    ok = ok && t.spread.objective.agreed[TW_FLAG_STOP] == 1 && t.spread.objective.agreed[TW_FLAG_FAILED] == 1;
    unmake(&t);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

/* A folder that is always there stands for the file STOP. */
START_TEST(what_is_asked_of_one_process_is_known_to_all_after_the_next_sum)
{
    const test_case c = make_case(&tw_model_linear, 20);
    twice t;
    double f, g[MOST];
    bool ok = make(&t, &c);
    const double *const agreed = t.spread.objective.agreed;
    ok = tw_objective_eval(&t.spread.objective, t.w, &f, g) == TW_OK && ok;
    ok = ok && agreed[TW_FLAG_STOP] == 0 && agreed[TW_FLAG_SAVE] == 0;
    if (rank == size - 1) tw_interrupt_save();
    ok = tw_objective_eval(&t.spread.objective, t.w, &f, g) == TW_OK && ok;
    ok = ok && agreed[TW_FLAG_STOP] == 0 && agreed[TW_FLAG_SAVE] == 1;
    tw_interrupt_saved();
    if (rank == 0) tw_interrupt_watch("/");
    ok = tw_objective_eval(&t.spread.objective, t.w, &f, g) == TW_OK && ok;
    ok = ok && agreed[TW_FLAG_STOP] == 1;
    tw_interrupt_watch(NULL);
    unmake(&t);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(bad_rows_and_missing_weight_are_known_to_all)
{
    test_case c = make_case(&tw_model_linear, 1000);
    c.weighted = true;
    twice t;
    double f = 0, g[MOST];
    bool ok = make(&t, &c);
    if (rank == size - 1) ((double *)t.spread.shard.x)[0] = INFINITY;
    ok = tw_objective_eval(&t.spread.objective, t.w, &f, g) == TW_OK && ok;
    ok = ok && t.spread.objective.bad_rows == 1 && !isfinite(f);
    for (size_t i = 0; i < t.spread.shard.rows; i++) t.spread.shard.weight[i] = 0;
    ok = tw_objective_eval(&t.spread.objective, t.w, &f, g) == TW_DATA && ok;
    unmake(&t);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(the_first_row_that_spoils_the_sum_is_named_on_all_ranks)
{
    for (int type = 0; tw_models[type]; type++) {
        const test_case c = make_case(tw_models[type], 1000);
        twice t;
        tw_blame b;
        bool ok = make(&t, &c);
        tw_objective *F = &t.spread.objective;
        tw_shard *s = &t.spread.shard;
        double *const x = s->x;
        ok = tw_objective_blame(F, t.w, &b) == TW_OK && b.row == -1 && ok; /* nobody */
        for (int64_t row = 7; row < 1000; row += 600) /* in the first block and far behind it */
            if (row >= s->first && row < s->first + (int64_t)s->rows) x[(row - s->first) * COLS + 3] = NAN;
        ok = tw_objective_blame(F, t.w, &b) == TW_OK && ok;
        ok = ok && b.row == 7 && !isfinite(b.loss) && b.rank >= 0 && b.rank < size;
        ok = ok && (rank == b.rank) == (s->first <= 7 && s->first + (int64_t)s->rows > 7);
        if (rank == b.rank) x[(7 - s->first) * COLS + 3] = 0;
        ok = tw_objective_blame(F, t.w, &b) == TW_OK && b.row == 607 && ok;
        unmake(&t);
        ck_assert_msg(all_ranks(comm, ok), "%s: row %lld", tw_models[type]->name, (long long)b.row);
    }
}
END_TEST

/* ---------------------------------------------------------------- classes */

static bool classes_are(tw_shard *s, size_t expected, double first, double last)
{
    size_t count;
    double *classes;
    if (tw_shard_classes(s, comm, &count, &classes)) return false;
    const bool ok = count == expected && classes[0] == first && classes[count - 1] == last;
    free(classes);
    return ok;
}

START_TEST(classes_of_all_ranks_are_joined)
{
    double y[6];
    for (int i = 0; i < 6; i++) y[i] = 10 * rank + i % 3; /* 0 1 2, 10 11 12, ... */
    tw_shard s = {.rows = 6, .y = y};
    bool ok = classes_are(&s, 3 * (size_t)size, 0, 10 * (size - 1) + 2);
    s.rows = rank == 0 ? 6 : 0; /* idle ranks learn them too */
    ok = classes_are(&s, 3, 0, 2) && ok;
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(a_label_that_is_no_class_on_one_rank_is_refused_everywhere)
{
    double y[] = {0, 1, rank == size - 1 ? 2.5 : 2}, *classes;
    tw_shard s = {.rows = 3, .y = y, .first = 3 * rank};
    size_t count;
    char sentence[64];
    snprintf(sentence, sizeof sentence, "label 2.5 of row %d", 3 * (size - 1) + 2);
    bool ok = tw_shard_classes(&s, comm, &count, &classes) == TW_DATA && classes == NULL;
    ok = ok && strstr(tw_status_message(), sentence);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(too_many_classes_of_all_ranks_together_are_refused_everywhere)
{
    enum { MANY = 40000 };
    double *y = malloc(MANY * sizeof *y), *classes;
    for (int i = 0; i < MANY; i++) y[i] = (double)MANY * rank + i;
    tw_shard s = {.rows = MANY, .y = y};
    size_t count;
    const tw_status status = tw_shard_classes(&s, comm, &count, &classes);
    const bool ok = size == 1 ? status == TW_OK && count == MANY : status == TW_DATA && classes == NULL;
    free(classes);
    free(y);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

int main(int argc, char **argv)
{
    if (tw_comm_init(&comm, &argc, &argv) || tw_comm_local(&alone)) return 2;
    rank = tw_comm_rank(comm);
    size = tw_comm_size(comm);
    Suite *s = suite_create("objective");
    TCase *t = tcase_create("objective");
    const int n = n_models(), n_shapes = sizeof shapes / sizeof *shapes;
    tcase_add_loop_test(t, scaling_value_and_gradient_have_the_bits_of_one_rank, 0, n);
    tcase_add_loop_test(t, few_rows_many_groups_and_idle_ranks_change_no_bit, 0, n * n_shapes);
    tcase_add_loop_test(t, second_derivatives_have_the_bits_of_one_rank, 0, n);
    tcase_add_loop_test(t, second_order_methods_take_the_same_steps_on_any_number_of_ranks, 0, n);
    tcase_add_loop_test(t, allreduce_agrees_within_rounding_and_all_ranks_hold_the_same_bits, 0, n);
    tcase_add_test(t, one_failing_rank_is_the_same_failure_everywhere_and_the_next_evaluation_works);
    tcase_add_test(t, when_several_ranks_fail_the_lowest_speaks);
    tcase_add_test(t, a_failure_of_other_work_on_one_rank_is_raised_everywhere);
    tcase_add_test(t, requests_of_any_rank_are_known_to_all_even_when_one_fails);
    tcase_add_test(t, what_is_asked_of_one_process_is_known_to_all_after_the_next_sum);
    tcase_add_loop_test(t, ranks_at_different_points_are_told_apart_by_the_first_evaluation, 0, 2);
    tcase_add_test(t, a_sum_that_becomes_nan_though_no_row_is_bad_is_known_to_all);
    tcase_add_test(t, bad_rows_and_missing_weight_are_known_to_all);
    tcase_add_test(t, the_first_row_that_spoils_the_sum_is_named_on_all_ranks);
    tcase_add_test(t, classes_of_all_ranks_are_joined);
    tcase_add_test(t, a_label_that_is_no_class_on_one_rank_is_refused_everywhere);
    tcase_add_test(t, too_many_classes_of_all_ranks_together_are_refused_everywhere);
    suite_add_tcase(s, t);
    const int failed = test_run_ranks(s, comm);
    tw_comm_release(alone);
    return failed;
}
