/* test_sparse.c -- runs with l1 spread over the ranks have the bits of the run on one, for every method and model.
 *
 * Every rank generates all rows, so each can compute the truth for itself on a communicator of its own. */
#include "support.h"

#include "thalweg/optimizer.h"
#include "thalweg/step.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLS = 9, CLASSES = 3, STEPS = 15 };

static tw_comm *comm, *alone;

static const struct {
    const tw_optimizer_ops *ops;
    bool acceleration;
} methods[] = {{&tw_optimizer_lbfgs, false},
               {&tw_optimizer_coordinate_descent, false},
               {&tw_optimizer_proximal_gradient, true},
               {&tw_optimizer_proximal_gradient, false}};
enum { METHODS = sizeof methods / sizeof *methods };

static int n_models(void)
{
    int n = 0;
    while (tw_models[n]) n++;
    return n;
}

static tw_status penalise(tw_objective *F, double l1, double l2)
{
    tw_objective_parts parts = F->parts;
    parts.keep_margins = true;
    parts.l1 = l1;
    parts.l2 = l2;
    tw_objective_release(F);
    return tw_objective_init(F, &parts);
}

/* A third of the largest gradient of a coefficient at zero. */
static double some_l1(tw_objective *F)
{
    double f, most = 0, *w = calloc(2 * F->n, sizeof *w), *g = w + F->n;
    if (tw_objective_eval(F, w, &f, g) == TW_OK)
        for (size_t j = 0; j < F->n_weights; j++) most = fmax(most, fabs(g[j]));
    free(w);
    return most / 3;
}

/* Train for some steps; it is left for comparison. */
static tw_status train(tw_objective *F, int method, tw_iterate *it)
{
    const tw_optimizer_ops *ops = methods[method].ops;
    const tw_optimizer_settings set = {.memory = 5, .acceleration = methods[method].acceleration, .restart = true};
    const tw_step_settings rule = {
        .length = ops->unit ? 0.1 : 1, .unit = ops->unit, .c1 = 1e-4, .shrink = 0.5, .max_trials = 50};
    tw_optimizer o;
    tw_step s;
    TW_TRY(tw_optimizer_init(&o, ops, &set, F->n));
    TW_TRY(tw_step_init(&s, ops->unit ? &tw_step_constant : &tw_step_backtracking, &rule, F->n));
    TW_TRY(tw_objective_eval(F, it->w, &it->f, it->g));
    tw_objective_accept(F);
    while (it->k < STEPS && it->why == TW_CONTINUE) {
        TW_TRY(tw_step_announce(&s, F, it, (double)it->k));
        TW_TRY(tw_optimizer_direction(&o, F, it));
        TW_TRY(tw_step_advance(&s, F, it));
    }
    tw_step_release(&s);
    tw_optimizer_release(&o);
    return TW_OK;
}

/* The same run spread and whole, from zero; how many coefficients are not zero. */
static bool same_run(const test_case *c, int method, size_t *nonzeros)
{
    test_data d;
    test_problem spread, whole;
    tw_iterate a, b;
    test_seed(c->rows);
    test_data_init(&d, c);
    bool ok = test_problem_init(&spread, comm, c, &d) == TW_OK;
    ok = test_problem_init(&whole, alone, c, &d) == TW_OK && ok;
    const double l1 = some_l1(&whole.objective);
    ok = penalise(&spread.objective, l1, c->l2) == TW_OK && ok;
    ok = penalise(&whole.objective, l1, c->l2) == TW_OK && ok;
    ok = tw_iterate_init(&a, whole.objective.n) && tw_iterate_init(&b, whole.objective.n) && ok;
    ok = train(&spread.objective, method, &a) == TW_OK && ok;
    ok = train(&whole.objective, method, &b) == TW_OK && ok;
    *nonzeros = tw_objective_nonzeros(&whole.objective, b.w);
    ok = ok && a.k == b.k && a.k > 0 && a.why == b.why && same_bits(1, &a.f, &b.f) && same_bits(a.n, a.w, b.w);
    tw_iterate_release(&b);
    tw_iterate_release(&a);
    test_problem_release(&whole);
    test_problem_release(&spread);
    test_data_release(&d);
    return ok;
}

START_TEST(a_run_with_l1_has_the_bits_of_one_rank)
{
    for (int other = 0; other < 2; other++) {
        const test_case c = {.ops = tw_models[_i / METHODS],
                             .type = other ? TW_f32 : TW_f64,
                             .mode = TW_REPRODUCIBLE,
                             .scaling = TW_SCALING_STANDARDIZE,
                             .rows = other ? 411 : 602,
                             .cols = COLS,
                             .classes = CLASSES,
                             .l2 = other ? 0.01 : 0, /* elastic net */
                             .intercept = true,
                             .weighted = other};
        size_t nonzeros = 0;
        const bool ok = same_run(&c, _i % METHODS, &nonzeros);
        ck_assert_msg(all_ranks(comm, ok), "case %d", other);
        const size_t all = c.ops == &tw_model_softmax ? COLS * CLASSES : COLS;
        ck_assert(nonzeros > 0 && nonzeros < all); /* some are zero, or the run would say little */
    }
}
END_TEST

int main(int argc, char **argv)
{
    if (tw_comm_init(&comm, &argc, &argv) || tw_comm_local(&alone)) return 2;
    Suite *s = suite_create("sparse");
    TCase *t = tcase_create("sparse");
    tcase_add_loop_test(t, a_run_with_l1_has_the_bits_of_one_rank, 0, n_models() * METHODS);
    suite_add_tcase(s, t);
    const int failed = test_run_ranks(s, comm);
    tw_comm_release(alone);
    return failed;
}
