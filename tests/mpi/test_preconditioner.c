/* test_preconditioner.c -- the Gram matrix, and runs of lbfgs that begin with it, spread over the ranks have
 * the bits of one rank; boundaries of ranks that would cut its sums are refused.
 *
 * Every rank generates all rows, so each can compute the truth for itself on a communicator of its own. */
#include "support.h"

#include "thalweg/minimize.h"

#include <stdlib.h>
#include <string.h>

enum { COLS = 9, CLASSES = 3, STEPS = 12, STRIDE = 16 };

static tw_comm *comm, *alone;

static int n_models(void)
{
    int n = 0;
    while (tw_models[n]) n++;
    return n;
}

static tw_status train(test_problem *p, tw_iterate *it)
{
    const tw_optimizer_settings set = {.memory = 4, .gram = true, .outputs = p->model.outputs};
    const tw_step_settings rule = {
        .length = 1, .c1 = 1e-4, .c2 = 0.9, .shrink = 0.5, .max_trials = 50, .natural = true};
    tw_objective *F = &p->objective;
    tw_optimizer o;
    tw_step s;
    TW_TRY(tw_optimizer_init(&o, &tw_optimizer_lbfgs, &set, F->n));
    TW_TRY(tw_step_init(&s, &tw_step_wolfe, &rule, F->n));
    TW_TRY(tw_objective_eval(F, it->w, &it->f, it->g));
    tw_objective_accept(F);
    while (it->k < STEPS && it->why == TW_CONTINUE) {
        TW_TRY(tw_optimizer_direction(&o, F, it));
        TW_TRY(tw_step_advance(&s, F, it));
    }
    tw_step_release(&s);
    tw_optimizer_release(&o);
    return TW_OK;
}

static bool same_run(const test_case *c)
{
    test_data d;
    test_problem spread, whole;
    tw_iterate a, b;
    test_seed(c->rows);
    test_data_init(&d, c);
    bool ok = test_problem_init(&spread, comm, c, &d) == TW_OK;
    ok = test_problem_init(&whole, alone, c, &d) == TW_OK && ok;
    ok = tw_iterate_init(&a, whole.objective.n) && tw_iterate_init(&b, whole.objective.n) && ok;
    ok = train(&spread, &a) == TW_OK && ok;
    ok = train(&whole, &b) == TW_OK && ok;
    ok =
        ok && a.k == b.k && a.k > 0 && a.why == b.why && same_bits(1, &a.f, &b.f) && same_bits(a.n, a.w, b.w);
    ok = ok && spread.objective.reductions == whole.objective.reductions;
    tw_iterate_release(&b);
    tw_iterate_release(&a);
    test_problem_release(&whole);
    test_problem_release(&spread);
    test_data_release(&d);
    return ok;
}

START_TEST(a_run_has_the_bits_of_one_rank)
{
    const bool other = _i % 2;
    const test_case c = {.ops = tw_models[_i / 2],
                         .type = other ? TW_f32 : TW_f64,
                         .mode = TW_REPRODUCIBLE,
                         .scaling = TW_SCALING_STANDARDIZE,
                         .rows = other ? 2411 : 602,
                         .cols = COLS,
                         .classes = CLASSES,
                         .groups = other ? 512 : 0,
                         .l2 = other ? 0.01 : 1e-4,
                         .intercept = true,
                         .weighted = other,
                         .margins = true};
    ck_assert(all_ranks(comm, same_run(&c)));
}
END_TEST

/* Rows enough that every second block alone is taken. */
START_TEST(a_run_on_a_sample_has_the_bits_of_one_rank)
{
    const test_case c = {.ops = &tw_model_logistic,
                         .type = TW_f32,
                         .mode = TW_REPRODUCIBLE,
                         .rows = 33001,
                         .cols = COLS,
                         .intercept = true,
                         .margins = true};
    ck_assert(all_ranks(comm, same_run(&c)));
}
END_TEST

START_TEST(the_gram_matrix_has_the_bits_of_one_rank)
{
    const test_case c = {.ops = &tw_model_linear,
                         .type = TW_f64,
                         .mode = TW_REPRODUCIBLE,
                         .scaling = TW_SCALING_MINMAX,
                         .rows = 20011,
                         .cols = COLS,
                         .groups = _i,
                         .intercept = true,
                         .weighted = true,
                         .margins = true};
    test_data d;
    test_problem spread, whole;
    double a[(COLS + 1) * STRIDE] = {0}, b[(COLS + 1) * STRIDE] = {0}, last = 0;
    test_seed(3);
    test_data_init(&d, &c);
    bool ok = test_problem_init(&spread, comm, &c, &d) == TW_OK;
    ok = test_problem_init(&whole, alone, &c, &d) == TW_OK && ok;
    for (int64_t every = 1; every <= 7; every += 2) {
        ok = tw_objective_gram(&spread.objective, every, a) == TW_OK && ok;
        ok = tw_objective_gram(&whole.objective, every, b) == TW_OK && ok;
        ok = ok && same_bits((COLS + 1) * STRIDE, a, b) && a[0] != last; /* and other rows are other bits */
        last = a[0];
    }
    test_problem_release(&whole);
    test_problem_release(&spread);
    test_data_release(&d);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(boundaries_that_cut_its_sums_are_refused)
{
    const test_case c = {.ops = &tw_model_linear,
                         .type = TW_f64,
                         .mode = TW_REPRODUCIBLE,
                         .rows = 5000,
                         .cols = COLS,
                         .groups = 1024,
                         .margins = true};
    const bool cut = tw_comm_size(comm) > 1;
    test_data d;
    test_problem p;
    double h[(COLS + 1) * STRIDE];
    test_data_init(&d, &c);
    bool ok = test_problem_init(&p, comm, &c, &d) == TW_OK;
    ok = tw_objective_gram(&p.objective, 1, h) == TW_OK && ok;
    if (cut) p.partition.start[1]++; /* of 1024 groups, four to a sum */
    ok = tw_objective_gram(&p.objective, 1, h) == (cut ? TW_INTERNAL : TW_OK) && ok;
    ok = ok && (!cut || strstr(tw_status_message(), "tw_partition_align"));
    test_problem_release(&p);
    test_data_release(&d);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

/* 70000 rows are 512 groups: fits that sum matrices ask for shards of whole runs, in the words of minimize.h.
 */
START_TEST(a_fit_of_many_rows_that_sums_matrices_has_the_bits_of_one_rank)
{
    const test_case c = {.ops = &tw_model_linear, .type = TW_f32, .rows = 70000, .cols = 2};
    const tw_optimizer_settings of = {.memory = 5, .gram = true};
    const tw_minimize_settings set = {.optimizer = _i ? "newton" : "lbfgs",
                                      .of_optimizer = _i ? NULL : &of,
                                      .max_iterations = 5,
                                      .mode = TW_REPRODUCIBLE};
    test_data d;
    tw_partition p;
    tw_shard mine, all;
    tw_minimize_result a = {0}, b = {0};
    const int rank = tw_comm_rank(comm);
    test_seed(8);
    test_data_init(&d, &c);
    bool ok = tw_partition_init(&p, 70000, 0, tw_comm_size(comm)) == TW_OK;
    tw_partition_align(&p, TW_MATRIX_GROUPS);
    const int64_t first = tw_partition_shard(&p, rank);
    test_shard_init(&mine, &d, c.type, first, tw_partition_shard(&p, rank + 1) - first);
    test_shard_init(&all, &d, c.type, 0, 70000);
    ok = tw_fit_rows(comm, c.ops, &mine, &set, &a) == TW_OK && ok;
    ok = tw_fit_rows(alone, c.ops, &all, &set, &b) == TW_OK && ok;
    ok = ok && a.n == b.n && a.iterations == b.iterations && same_bits(a.n, a.w, b.w) &&
         tw_reason_class(a.why) == 'c';
    free(a.w);
    free(b.w);
    tw_shard_release(&all);
    tw_shard_release(&mine);
    tw_partition_release(&p);
    test_data_release(&d);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

int main(int argc, char **argv)
{
    if (tw_comm_init(&comm, &argc, &argv) || tw_comm_local(&alone)) return 2;
    Suite *s = suite_create("preconditioner");
    TCase *t = tcase_create("preconditioner");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, a_run_has_the_bits_of_one_rank, 0, 2 * n_models());
    tcase_add_test(t, a_run_on_a_sample_has_the_bits_of_one_rank);
    for (int groups = 1; groups <= 2048; groups *= 16)
        tcase_add_loop_test(t, the_gram_matrix_has_the_bits_of_one_rank, groups, groups + 1);
    tcase_add_test(t, boundaries_that_cut_its_sums_are_refused);
    tcase_add_loop_test(t, a_fit_of_many_rows_that_sums_matrices_has_the_bits_of_one_rank, 0, 2);
    suite_add_tcase(s, t);
    const int failed = test_run_ranks(s, comm);
    tw_comm_release(alone);
    return failed;
}
