/* test_search.c -- a run with a line search spread over the ranks has the bits of the run on one: points,
 * lengths, and how many were tried; and a failure in the middle of a search is the same failure everywhere.
 *
 * Every rank generates all rows, so each can compute the truth for itself on a communicator of its own. */
#include "support.h"

#include "thalweg/optimizer.h"
#include "thalweg/step.h"

#include <stdlib.h>
#include <string.h>

enum { COLS = 9, CLASSES = 4, STEPS = 12 };

static tw_comm *comm, *alone;
static int rank, size;

static const tw_step_ops *const rules[] = {&tw_step_wolfe, &tw_step_goldstein, &tw_step_barzilai_borwein};
enum { RULES = 3, MODELS = 3 };

/* A problem, where the run on it is, and its method. */
typedef struct {
    test_problem p;
    tw_iterate it;
    tw_optimizer o;
    tw_step s;
} run;

static bool make(run *r, tw_comm *on, const test_case *c, const test_data *d, const tw_step_ops *rule)
{
    const bool natural = rule == &tw_step_wolfe;
    const tw_step_settings set = {
        .length = 40, .c1 = 1e-4, .c2 = 0.4, .c = 0.25, .shrink = 0.5, .max_trials = 50, .natural = natural};
    bool ok = test_problem_init(&r->p, on, c, d) == TW_OK;
    tw_objective_parts parts = r->p.objective.parts;
    parts.keep_margins = true;
    tw_objective_release(&r->p.objective);
    ok = tw_objective_init(&r->p.objective, &parts) == TW_OK && ok;
    const size_t n = r->p.objective.n;
    ok = tw_iterate_init(&r->it, n) && ok;
    ok = tw_optimizer_init(&r->o, natural ? &tw_optimizer_lbfgs : &tw_optimizer_gd,
                           &(tw_optimizer_settings){.memory = 4}, n) == TW_OK &&
         ok;
    ok = tw_step_init(&r->s, rule, &set, n) == TW_OK && ok;
    ok = tw_objective_eval(&r->p.objective, r->it.w, &r->it.f, r->it.g) == TW_OK && ok;
    tw_objective_accept(&r->p.objective);
    return ok;
}

static void unmake(run *r)
{
    tw_step_release(&r->s);
    tw_optimizer_release(&r->o);
    tw_iterate_release(&r->it);
    test_problem_release(&r->p);
}

static tw_status step_down(run *r)
{
    TW_TRY(tw_optimizer_direction(&r->o, &r->p.objective, &r->it));
    return tw_step_advance(&r->s, &r->p.objective, &r->it);
}

static test_case make_case(int model)
{
    static const tw_model_ops *const models[MODELS] = {&tw_model_linear, &tw_model_logistic,
                                                       &tw_model_softmax};
    return (test_case){.ops = models[model],
                       .type = TW_f64,
                       .scaling = TW_SCALING_STANDARDIZE,
                       .mode = TW_REPRODUCIBLE,
                       .rows = 1003,
                       .cols = COLS,
                       .classes = CLASSES,
                       .l2 = 0.01,
                       .intercept = true,
                       .weighted = model == 1};
}

START_TEST(a_run_with_a_search_has_the_bits_of_one_rank)
{
    const test_case c = make_case(_i / RULES);
    test_data d;
    run spread, whole;
    long more = 0;
    test_seed(99);
    test_data_init(&d, &c);
    bool ok = make(&spread, comm, &c, &d, rules[_i % RULES]);
    ok = make(&whole, alone, &c, &d, rules[_i % RULES]) && ok;
    ok = all_ranks(comm, ok);
    for (int k = 0; ok && k < STEPS; k++) {
        ok = step_down(&spread) == TW_OK;
        ok = step_down(&whole) == TW_OK && ok;
        ok = ok && same_bits(whole.it.n, spread.it.w, whole.it.w) &&
             same_bits(1, &spread.it.alpha, &whole.it.alpha);
        ok = ok && spread.it.why == whole.it.why && spread.it.trials == whole.it.trials;
        ok = ok && same_bits(1, &spread.it.slope_end, &whole.it.slope_end);
        more += whole.it.trials > 1;
        ok = all_ranks(comm, ok);
    }
    ok = ok && more > 0 && spread.p.objective.reductions == whole.p.objective.reductions;
    unmake(&whole);
    unmake(&spread);
    test_data_release(&d);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

/* A linear model that fails on one rank. */
static bool fails_here;

static tw_status failing_loss_grad(const tw_model *m, const tw_block *b, const double *v, double *sums)
{
    if (fails_here) return tw_fail(TW_MEMORY, "out of memory on rank %d", rank);
    return tw_model_linear.loss_grad(m, b, v, sums);
}

START_TEST(a_rank_that_fails_inside_a_search_is_heard_everywhere)
{
    tw_model_ops ops = tw_model_linear;
    test_case c = make_case(0);
    test_data d;
    run r;
    ops.loss_grad = failing_loss_grad;
    c.ops = &ops;
    test_seed(5);
    test_data_init(&d, &c);
    fails_here = false;
    bool ok = make(&r, comm, &c, &d, &tw_step_wolfe);
    fails_here = rank == size - 1;
    ok = step_down(&r) == TW_MEMORY && ok && r.it.k == 0;
    ok = ok && strstr(tw_status_message(), "out of memory on rank");
    unmake(&r);
    test_data_release(&d);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

int main(int argc, char **argv)
{
    if (tw_comm_init(&comm, &argc, &argv) || tw_comm_local(&alone)) return 2;
    rank = tw_comm_rank(comm);
    size = tw_comm_size(comm);
    Suite *s = suite_create("search");
    TCase *t = tcase_create("search");
    tcase_add_loop_test(t, a_run_with_a_search_has_the_bits_of_one_rank, 0, RULES * MODELS);
    tcase_add_test(t, a_rank_that_fails_inside_a_search_is_heard_everywhere);
    suite_add_tcase(s, t);
    const int failed = test_run_ranks(s, comm);
    tw_comm_release(alone);
    return failed;
}
