/* test_preconditioner.c -- lbfgs with the Gram matrix as first matrix: the matrix against sums in long
 * double, its bits, directions, the upper bound it stands for, and what is refused. Whole runs:
 * test_preconditioner_runs.c. */
#include "second_order.h"

#include "core/kernels_isa.h"
#include "thalweg/hash.h"
#include "thalweg/minimize.h"

#include <inttypes.h>
#include <stdio.h>

static tw_optimizer_settings gram_of(const problem *q)
{
    return (tw_optimizer_settings){.memory = 5, .gram = true, .outputs = q->p.model.outputs};
}

/* With these weights of the rows. */
static void reweigh(problem *q, const double *weight)
{
    tw_objective_parts parts = q->F->parts;
    parts.row_weight = weight;
    tw_objective_release(q->F);
    ck_assert_int_eq(tw_objective_init(q->F, &parts), TW_OK);
    evaluate(q);
}

static size_t row_length(size_t p)
{
    return (p + 7) / 8 * 8;
}

/* ---------------------------------------------------------------- the matrix */

/* Does row i of the file belong, as objective.h says? Blocks begin at the rows m k / min(G, 256), and after
 * 256. */
static bool belongs(const problem *q, int64_t i, int64_t every)
{
    const int64_t m = q->p.partition.rows, groups = q->p.partition.groups < 256 ? q->p.partition.groups : 256;
    int64_t run = 0;
    while (m * (run + 1) / groups <= i) run++;
    const int64_t start = m * run / groups, first = start + (i - start) / 256 * 256;
    return first / 256 % every == 0;
}

/* h [p][p]; weights NULL: those of the data. */
static void true_gram(const problem *q, const double *weight, int64_t every, long double *h)
{
    const size_t p = q->d.cols + q->c.intercept;
    long double x[COLS + 2], total = 0;
    for (size_t i = 0; i < p * p; i++) h[i] = 0;
    for (size_t i = 0; i < q->d.rows; i++) {
        const double omega = weight ? weight[i] : q->d.weight ? q->d.weight[i] : 1;
        if (!belongs(q, (int64_t)i, every)) continue;
        features(q, i, x);
        total += omega;
        for (size_t a = 0; a < p * p; a++) h[a] += omega * x[a / p] * x[a % p];
    }
    for (size_t i = 0; i < p * p; i++) h[i] /= total;
}

/* Largest difference of a lower triangle from the truth, relative to the diagonal. */
static double gram_error(problem *q, const double *weight, int64_t every, int64_t truth_every)
{
    enum { P = COLS + 1 };
    const size_t p = q->d.cols + q->c.intercept;
    double h[P * 8], most = 0;
    long double truth[P * P];
    true_gram(q, weight, truth_every, truth);
    ck_assert_int_eq(tw_objective_gram(q->F, every, h), TW_OK);
    for (size_t i = 0; i < p; i++)
        for (size_t j = 0; j <= i; j++) {
            const long double size = sqrtl(truth[i * p + i] * truth[j * p + j]);
            most =
                fmax(most, (double)(fabsl((long double)h[i * row_length(p) + j] - truth[i * p + j]) / size));
        }
    return most;
}

START_TEST(the_gram_matrix_is_the_sum_over_the_rows_of_its_blocks)
{
    static const int64_t groups[] = {8, 0, 512};
    for (int i = 0; i < 18; i++) {
        test_case c = usual_case(i % 2 ? &tw_model_softmax : &tw_model_logistic);
        problem q;
        c.scaling = (tw_scaling_kind)(i % 3);
        c.intercept = i / 3 % 2;
        c.weighted = i % 2;
        c.rows = 2101;
        c.groups = groups[i / 6];
        c.margins = i % 4 < 2;
        make(&q, &c);
        for (int64_t every = 1; every <= 3; every++) {
            const double error = gram_error(&q, NULL, every, every);
            ck_assert_msg(error < 1e-13, "case %d, every %d: %g", i, (int)every, error);
            ck_assert_double_gt(gram_error(&q, NULL, every, every % 3 + 1), 1e-4);
        }
        double *mask = malloc(c.rows * sizeof *mask);
        for (size_t r = 0; r < c.rows; r++) mask[r] = test_bits() % 3 ? 1.5 : 0;
        reweigh(&q, mask);
        ck_assert_double_lt(gram_error(&q, mask, 2, 2), 1e-13);
        free(mask);
        unmake(&q);
    }
}
END_TEST

static int64_t every_of(int64_t rows, size_t features)
{
    const tw_partition partition = {.rows = rows};
    const tw_model model = {.features = features, .intercept = true};
    return tw_objective_gram_every(&(tw_objective){.partition = &partition, .model = &model});
}

START_TEST(a_sample_has_32_rows_a_parameter_and_64_blocks)
{
    ck_assert_int_eq(every_of(0, 3), 1);
    ck_assert_int_eq(every_of(2 * 64 * 256 - 1, 3), 1);
    ck_assert_int_eq(every_of(2 * 64 * 256, 3), 2);
    ck_assert_int_eq(every_of(1000000000, 3), 1000000000 / 16384);
    ck_assert_int_eq(every_of(1000000000, 999), 1000000000 / 32000);
}
END_TEST

/* ---------------------------------------------------------------- directions */

/* Features from columns of a Hadamard matrix: orthogonal, of -1 and 1, so G = 1. */
static void make_orthonormal(problem *q)
{
    test_case c = usual_case(&tw_model_logistic);
    c.rows = 256;
    c.weighted = c.intercept = false;
    test_seed(11);
    q->c = c;
    test_data_init(&q->d, &c);
    for (size_t i = 0; i < c.rows; i++)
        for (size_t j = 0; j < c.cols; j++)
            q->d.x[i * c.cols + j] = __builtin_parityll(i & (2 * j + 1)) ? -1 : 1;
    make_with(q);
}

START_TEST(orthonormal_features_give_the_direction_of_plain_lbfgs)
{
    problem q;
    tw_optimizer plain, gram;
    double d[COLS];
    make_orthonormal(&q);
    const tw_optimizer_settings set = gram_of(&q), without = {.memory = 5};
    ck_assert_int_eq(tw_optimizer_init(&plain, &tw_optimizer_lbfgs, &without, q.n), TW_OK);
    ck_assert_int_eq(tw_optimizer_init(&gram, &tw_optimizer_lbfgs, &set, q.n), TW_OK);
    for (int k = 0; k < 12; k++) {
        go_somewhere(&q);
        ck_assert_int_eq(tw_optimizer_direction(&gram, q.F, &q.it), TW_OK);
        memcpy(d, q.it.d, sizeof d);
        ck_assert_int_eq(tw_optimizer_direction(&plain, q.F, &q.it), TW_OK);
        for (size_t j = 0; j < q.n; j++) {
            const double want = k == 0 ? -q.it.g[j] / (0.25 + q.c.l2) : q.it.d[j];
            ck_assert_double_le(fabs(d[j] - want), 1e-12 * largest(q.n, d));
        }
    }
    tw_optimizer_release(&gram);
    tw_optimizer_release(&plain);
    unmake(&q);
}
END_TEST

/* H y = s for the newest pair: from g = 0 in the state, the next gradient is y itself, and d = -H y. */
START_TEST(the_direction_solves_the_equation_of_the_newest_pair)
{
    for (int round = 0; round < 10; round++) {
        test_case c = usual_case(round % 2 ? &tw_model_softmax : &tw_model_linear);
        problem q;
        tw_optimizer o;
        double before[MOST];
        make(&q, &c);
        const tw_optimizer_settings set = gram_of(&q);
        ck_assert_int_eq(tw_optimizer_init(&o, &tw_optimizer_lbfgs, &set, q.n), TW_OK);
        for (int k = 0; k <= round; k++) {
            go_somewhere(&q);
            ck_assert_int_eq(tw_optimizer_direction(&o, q.F, &q.it), TW_OK);
        }
        memcpy(before, q.it.w, q.n * sizeof *before);
        memset(o.state + q.n, 0, q.n * sizeof *o.state);
        go_somewhere(&q);
        for (size_t j = 0; j < q.n; j++) q.it.g[j] = (q.it.w[j] - before[j]) * (1 + 0.3 * (double)(j % 5));
        ck_assert_int_eq(tw_optimizer_direction(&o, q.F, &q.it), TW_OK);
        for (size_t j = 0; j < q.n; j++)
            ck_assert_double_le(fabs(q.it.d[j] + (q.it.w[j] - before[j])), 1e-12 * largest(q.n, q.it.d));
        tw_optimizer_release(&o);
        unmake(&q);
    }
}
END_TEST

/* F (w + d) <= F + g.d / 2 when d = -P^-1 g and P is no smaller than the Hessian anywhere. */
static void first_step(const test_case *c)
{
    problem q;
    tw_optimizer o;
    make(&q, c);
    const tw_optimizer_settings set = gram_of(&q);
    for (int round = 0; round < 5; round++) {
        ck_assert_int_eq(tw_optimizer_init(&o, &tw_optimizer_lbfgs, &set, q.n), TW_OK);
        if (round > 0) go_somewhere(&q);
        ck_assert_int_eq(tw_optimizer_direction(&o, q.F, &q.it), TW_OK);
        const double promised = q.it.f + 0.5 * tw_vec_dot(q.n, q.it.g, q.it.d), norm = q.it.g_norm;
        ck_assert_double_lt(promised, q.it.f);
        for (size_t j = 0; j < q.n; j++) q.it.w[j] += q.it.d[j];
        evaluate(&q);
        ck_assert_msg(q.it.f <= promised + 1e-13 * fabs(promised), "%s: %.17g, promised %.17g", c->ops->name,
                      q.it.f, promised);
        if (c->ops == &tw_model_linear) ck_assert_double_lt(q.it.g_norm, 1e-12 * norm);
        tw_optimizer_release(&o);
    }
    unmake(&q);
}

START_TEST(the_first_step_descends_as_far_as_the_bound_of_the_hessian_promises)
{
    static const tw_model_ops *const models[] = {&tw_model_linear, &tw_model_logistic, &tw_model_softmax,
                                                 &tw_model_huber, &tw_model_squared_hinge};
    for (int i = 0; i < 12; i++) {
        test_case c = usual_case(models[_i]);
        c.scaling = (tw_scaling_kind)(i % 3);
        c.intercept = i / 3 % 2;
        c.l2 = i / 6 ? 0.1 : 0;
        first_step(&c);
    }
}
END_TEST

START_TEST(a_resumed_optimizer_goes_on_with_the_same_bits)
{
    const test_case c = usual_case(&tw_model_softmax);
    problem q;
    method whole, resumed;
    make(&q, &c);
    begin(&whole, &q, &tw_optimizer_lbfgs, &tw_step_backtracking);
    tw_optimizer_release(&whole.o);
    const tw_optimizer_settings set = gram_of(&q);
    ck_assert_int_eq(tw_optimizer_init(&whole.o, &tw_optimizer_lbfgs, &set, q.n), TW_OK);
    for (int k = 0; k < 6; k++) iterate(&whole, &q);
    begin(&resumed, &q, &tw_optimizer_lbfgs, &tw_step_backtracking);
    tw_optimizer_release(&resumed.o);
    ck_assert_int_eq(tw_optimizer_init(&resumed.o, &tw_optimizer_lbfgs, &set, q.n), TW_OK);
    memcpy(resumed.o.state, whole.o.state, whole.o.state_len * sizeof *whole.o.state);
    for (int k = 0; k < 6; k++) { /* two directions from one point; then on */
        double d[MOST];
        const double reads = q.F->reads;
        ck_assert_int_eq(tw_optimizer_direction(&resumed.o, q.F, &q.it), TW_OK);
        ck_assert(q.F->reads - reads == (k == 0 ? 1 : 0)); /* the matrix once */
        memcpy(d, q.it.d, q.n * sizeof *d);
        iterate(&whole, &q);
        ck_assert(same_bits(q.n, d, q.it.d) && q.it.moved);
    }
    tw_optimizer_reset(&resumed.o); /* the pairs are forgotten, the matrix stays */
    const double reads = q.F->reads;
    ck_assert_int_eq(tw_optimizer_direction(&resumed.o, q.F, &q.it), TW_OK);
    ck_assert(q.F->reads == reads);
    end(&resumed);
    end(&whole);
    unmake(&q);
}
END_TEST

/* 33000 rows of which every second block is taken; the last feature is zero there, or equal to another, or
 * neither. */
START_TEST(a_sample_that_cannot_tell_features_apart_gives_way_to_all_rows)
{
    for (int missing = 0; missing < 3; missing++) {
        test_case c = usual_case(&tw_model_linear);
        problem q;
        tw_optimizer o;
        c.rows = 33000;
        c.groups = 1;
        c.l2 = missing == 2 ? 1e-9 : 0.01;
        test_seed(1);
        q.c = c;
        test_data_init(&q.d, &c);
        for (size_t i = 0; missing && i < c.rows; i++)
            if (i / 256 % 2 == 0) q.d.x[i * COLS + COLS - 1] = missing == 1 ? 0 : q.d.x[i * COLS];
        make_with(&q);
        const tw_optimizer_settings set = gram_of(&q);
        ck_assert_int_eq(tw_optimizer_init(&o, &tw_optimizer_lbfgs, &set, q.n), TW_OK);
        const double reads = q.F->reads, f = q.it.f, norm = q.it.g_norm;
        ck_assert_int_eq(tw_optimizer_direction(&o, q.F, &q.it), TW_OK);
        ck_assert_msg(q.F->reads - reads == (missing ? 1.5 : 0.5), "%d: %g", missing, q.F->reads - reads);
        for (size_t j = 0; j < q.n; j++) q.it.w[j] += q.it.d[j];
        evaluate(&q);
        ck_assert_double_lt(q.it.f, f);
        ck_assert_double_lt(q.it.g_norm,
                            (missing ? 1e-12 : 0.1) * norm); /* of the whole matrix: the minimum */
        tw_optimizer_release(&o);
        unmake(&q);
    }
}
END_TEST

/* ---------------------------------------------------------------- bits, and what is refused */

START_TEST(a_run_has_the_same_bits_on_every_instruction_set)
{
    static const char *const isas[] = {"avx512", "avx2", "baseline"};
    const test_case c = usual_case(&tw_model_softmax);
    problem q;
    method m;
    ck_assert(setenv("THALWEG_ISA", isas[_i], 1) == 0);
    if (!tw_kernels_find(isas[_i])) {
        printf("not run: this machine or build has no %s\n", isas[_i]);
        return;
    }
    ck_assert_str_eq(tw_kernels_get()->name, isas[_i]);
    make(&q, &c);
    begin(&m, &q, &tw_optimizer_lbfgs, &tw_step_backtracking);
    tw_optimizer_release(&m.o);
    const tw_optimizer_settings set = gram_of(&q);
    ck_assert_int_eq(tw_optimizer_init(&m.o, &tw_optimizer_lbfgs, &set, q.n), TW_OK);
    for (int k = 0; k < 8; k++) iterate(&m, &q);
    const uint64_t hash = tw_hash64(q.it.w, q.n * sizeof *q.it.w);
    ck_assert_msg(hash == UINT64_C(0xb025edaf8b305d95), "%s: %016" PRIx64, isas[_i], hash);
    end(&m);
    unmake(&q);
}
END_TEST

static tw_status half_square(void *context, const double *w, double *f, double *g)
{
    (void)context;
    *f = 0.5 * w[0] * w[0];
    g[0] = w[0];
    return TW_OK;
}

START_TEST(what_has_no_gram_matrix_is_refused_with_a_sentence)
{
    const tw_function f = {.n = 1, .convex = true, .eval = half_square};
    const tw_optimizer_settings of = {.memory = 5, .gram = true};
    const test_case c = usual_case(&tw_model_softmax);
    problem q;
    tw_optimizer o;
    double w = 1;
    make(&q, &c);
    tw_minimize_settings set = {.of_optimizer = &of};
    ck_assert_int_eq(tw_minimize(q.comm, &f, &set, &w, NULL), TW_CONFIG);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "not for functions"));
    tw_minimize_result out;
    set.l1 = 0.1;
    ck_assert_int_eq(tw_fit_rows(q.comm, c.ops, &q.p.shard, &set, &out), TW_CONFIG);
    set.l1 = 0;
    set.optimizer = "gd";
    ck_assert_int_eq(tw_fit_rows(q.comm, c.ops, &q.p.shard, &set, &out), TW_CONFIG);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "lbfgs"));
    ck_assert_int_eq(tw_optimizer_init(&o, &tw_optimizer_lbfgs, &of, q.n), TW_OK); /* outputs: 0, as if 1 */
    ck_assert_int_eq(tw_optimizer_direction(&o, q.F, &q.it), TW_INTERNAL);
    ck_assert_int_eq(tw_optimizer_direction(&o, NULL, &q.it), TW_CONFIG);
    tw_optimizer_release(&o);
    unmake(&q);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("preconditioner");
    TCase *t = tcase_create("preconditioner");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, the_gram_matrix_is_the_sum_over_the_rows_of_its_blocks);
    tcase_add_test(t, a_sample_has_32_rows_a_parameter_and_64_blocks);
    tcase_add_test(t, orthonormal_features_give_the_direction_of_plain_lbfgs);
    tcase_add_test(t, the_direction_solves_the_equation_of_the_newest_pair);
    tcase_add_loop_test(t, the_first_step_descends_as_far_as_the_bound_of_the_hessian_promises, 0, 5);
    tcase_add_test(t, a_resumed_optimizer_goes_on_with_the_same_bits);
    tcase_add_test(t, a_sample_that_cannot_tell_features_apart_gives_way_to_all_rows);
    tcase_add_loop_test(t, a_run_has_the_same_bits_on_every_instruction_set, 0, 3);
    tcase_add_test(t, what_has_no_gram_matrix_is_refused_with_a_sentence);
    suite_add_tcase(s, t);
    return test_run(s);
}
