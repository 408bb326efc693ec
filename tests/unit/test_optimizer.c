/* test_optimizer.c -- every optimizer of the table with every step rule it may be paired with: the
 * closed-form minimum of a quadratic, the promise to descend, and that the state is all there is to save.
 * L-BFGS in depth: test_lbfgs.c. */
#include "support.h"

#include "thalweg/optimizer.h"
#include "thalweg/step.h"
#include "thalweg/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLS = 6, N = COLS + 1 };

/* With epsilon 1 no adaptive direction is longer than its gradient, so that fixed lengths converge. */
static const tw_optimizer_settings settings = {
    .momentum = 0.9, .memory = 5, .beta1 = 0.9, .beta2 = 0.999, .smoothing = 0.99, .epsilon = 1,
    .acceleration = true, .restart = true};

static int n_optimizers(void)
{
    int n = 0;
    while (tw_optimizers[n]) n++;
    return n;
}

static int n_steps(void)
{
    int n = 0;
    while (tw_steps[n]) n++;
    return n;
}

/* ---------------------------------------------------------------- a quadratic with a known minimum */

typedef struct {
    tw_comm *comm;
    test_case c;
    test_data d;
    test_problem p;
    double minimum[N], largest; /* curvature is at most this */
} quadratic;

/* Weighted least squares with a penalty: solve H w = b by Gaussian elimination in long double. */
static void solve(quadratic *q)
{
    long double h[N][N + 1] = {{0}}, weight = 0;
    for (size_t i = 0; i < q->d.rows; i++) {
        double row[N];
        memcpy(row, q->d.x + i * COLS, COLS * sizeof *row);
        row[COLS] = 1;
        weight += q->d.weight[i];
        for (int a = 0; a < N; a++) {
            for (int b = 0; b < N; b++) h[a][b] += (long double)q->d.weight[i] * row[a] * row[b];
            h[a][N] += (long double)q->d.weight[i] * row[a] * q->d.y[i];
        }
    }
    q->largest = 0;
    for (int a = 0; a < N; a++) {
        for (int b = 0; b <= N; b++) h[a][b] /= weight;
        if (a < COLS) h[a][a] += q->c.l2;
        q->largest += (double)h[a][a]; /* the trace */
    }
    for (int a = 0; a < N; a++)
        for (int b = 0; b < N; b++)
            if (b != a)
                for (int c = N; c >= a; c--) h[b][c] -= h[b][a] / h[a][a] * h[a][c];
    for (int a = 0; a < N; a++) q->minimum[a] = (double)(h[a][N] / h[a][a]);
}

static void make(quadratic *q)
{
    q->c = (test_case){.ops = &tw_model_linear,
                       .type = TW_f64,
                       .rows = 300,
                       .cols = COLS,
                       .mode = TW_REPRODUCIBLE,
                       .l2 = 0.1,
                       .intercept = true,
                       .weighted = true,
                       .margins = true};
    ck_assert_int_eq(tw_comm_local(&q->comm), TW_OK);
    test_data_init(&q->d, &q->c);
    ck_assert_int_eq(test_problem_init(&q->p, q->comm, &q->c, &q->d), TW_OK);
    tw_objective_parts parts = q->p.objective.parts;
    parts.keep_margins = true;
    tw_objective_release(&q->p.objective);
    ck_assert_int_eq(tw_objective_init(&q->p.objective, &parts), TW_OK);
    solve(q);
}

static void unmake(quadratic *q)
{
    test_problem_release(&q->p);
    test_data_release(&q->d);
    tw_comm_release(q->comm);
}

static double distance(const double *a, const double *b)
{
    double most = 0;
    for (int j = 0; j < N; j++) most = fmax(most, fabs(a[j] - b[j]));
    return most;
}

/* What a run refuses: a search along a direction that may ascend, a pair that is not made for each other. */
static bool allowed(const tw_optimizer_ops *optimizer, const tw_step_ops *rule)
{
    if (optimizer->only_step && strcmp(optimizer->only_step, rule->name) != 0) return false;
    if (rule->only_optimizer && strcmp(rule->only_optimizer, optimizer->name) != 0) return false;
    if (optimizer->unit && !rule->length) return false;
    return optimizer->descent || !rule->needs_descent;
}

/* ---------------------------------------------------------------- the table */

START_TEST(an_optimizer_has_a_name_of_its_own_and_every_required_function)
{
    const tw_optimizer_ops *ops = tw_optimizers[_i];
    tw_optimizer o;
    ck_assert(ops->name && ops->summary && ops->state_len && ops->direction);
    ck_assert_ptr_eq(tw_optimizer_find(ops->name), ops);
    ck_assert_int_eq(tw_optimizer_init(&o, ops, &settings, 11), TW_OK);
    ck_assert_uint_eq(o.state_len, ops->state_len(&settings, 11));
    for (size_t i = 0; i < o.state_len; i++) ck_assert_double_eq(o.state[i], 0);
    tw_optimizer_release(&o);
    tw_optimizer_release(&o);
    ck_assert_ptr_null(tw_optimizer_find("GD"));
}
END_TEST

START_TEST(the_default_step_is_a_rule_that_the_method_may_have)
{
    const tw_optimizer_ops *ops = tw_optimizers[_i];
    const tw_step_ops *rule = ops->default_step ? tw_step_find(ops->default_step) : NULL;
    if (ops->default_step) ck_assert_msg(rule, "%s names %s", ops->name, ops->default_step);
    if (rule) ck_assert(allowed(ops, rule));
    if (ops->only_step) ck_assert_str_eq(ops->only_step, ops->default_step);
    ck_assert(ops->default_length >= 0);
}
END_TEST

START_TEST(every_allowed_pair_arrives_at_the_closed_form_minimum)
{
    const tw_optimizer_ops *optimizer = tw_optimizers[_i / n_steps()];
    const tw_step_ops *rule = tw_steps[_i % n_steps()];
    quadratic q;
    tw_optimizer o;
    tw_step s;
    tw_iterate it;
    if (!allowed(optimizer, rule)) return; /* refused before a run */
    make(&q);
    const tw_step_settings set = {.length = rule->needs_descent ? 1 : 1 / q.largest,
                                  .tau = 1e9,
                                  .decay = 1 - 1e-9,
                                  .every = 10,
                                  .period = 1e9,
                                  .c = 0.25,
                                  .c2 = 0.9,
                                  .c1 = 1e-4,
                                  .shrink = 0.5,
                                  .max_trials = 50,
                                  .unit = optimizer->unit};
    ck_assert_int_eq(tw_optimizer_init(&o, optimizer, &settings, N), TW_OK);
    ck_assert_int_eq(tw_step_init(&s, rule, &set, N), TW_OK);
    ck_assert(tw_iterate_init(&it, N));
    ck_assert_int_eq(tw_objective_eval(&q.p.objective, it.w, &it.f, it.g), TW_OK);
    tw_objective_accept(&q.p.objective);
    ck_assert_double_gt(distance(it.w, q.minimum), 0.1); /* it is not there yet */
    while (it.why == TW_CONTINUE && it.k < 500) {
        ck_assert_int_eq(tw_step_announce(&s, &q.p.objective, &it, (double)it.k), TW_OK);
        ck_assert_int_eq(tw_optimizer_direction(&o, &q.p.objective, &it), TW_OK);
        if (optimizer->descent && tw_vec_norm(N, it.g) > 0) ck_assert_double_lt(tw_vec_dot(N, it.g, it.d), 0);
        ck_assert_int_eq(tw_step_advance(&s, &q.p.objective, &it), TW_OK);
    }
    ck_assert_msg(distance(it.w, q.minimum) < 1e-9, "%s with %s ends %g away", optimizer->name, rule->name,
                  distance(it.w, q.minimum));
    tw_iterate_release(&it);
    tw_step_release(&s);
    tw_optimizer_release(&o);
    unmake(&q);
}
END_TEST

/* ---------------------------------------------------------------- directions */

/* The curvature at zero for methods that ask for it; the others must do without any function. */
static tw_objective *curvature(const tw_optimizer_ops *ops, quadratic *q)
{
    double w[N] = {0}, f, g[N];
    make(q);
    ck_assert_int_eq(tw_objective_eval(&q->p.objective, w, &f, g), TW_OK);
    tw_objective_accept(&q->p.objective);
    return ops->products || ops->matrix ? &q->p.objective : NULL;
}

/* Points and gradients that no function has: whatever a method may rely on, it must check. */
static void wander(tw_iterate *it)
{
    it->length = 0.1;
    for (size_t j = 0; j < it->n; j++) {
        it->w[j] += test_uniform();
        it->g[j] = test_uniform();
    }
}

START_TEST(a_method_that_promises_to_descend_always_does)
{
    quadratic q;
    tw_objective *const F = curvature(tw_optimizers[_i], &q);
    tw_optimizer_settings set = settings;
    tw_optimizer o;
    tw_iterate it;
    int ascents = 0;
    set.restart = false; /* with it accelerated methods descend too */
    ck_assert(tw_iterate_init(&it, N));
    for (int run = 0; run < 50; run++) {
        ck_assert_int_eq(tw_optimizer_init(&o, tw_optimizers[_i], &set, N), TW_OK);
        for (it.k = 0; it.k < 30; it.k++) {
            wander(&it);
            ck_assert_int_eq(tw_optimizer_direction(&o, F, &it), TW_OK);
            ascents += tw_vec_dot(N, it.g, it.d) >= 0;
        }
        tw_optimizer_release(&o);
    }
    if (tw_optimizers[_i]->descent)
        ck_assert_int_eq(ascents, 0);
    else
        ck_assert_int_gt(ascents, 0);
    tw_iterate_release(&it);
    unmake(&q);
}
END_TEST

START_TEST(the_state_is_all_that_a_resumed_run_needs)
{
    quadratic q;
    tw_objective *const F = curvature(tw_optimizers[_i], &q);
    tw_optimizer whole, resumed;
    tw_iterate it, other;
    ck_assert(tw_iterate_init(&it, N) && tw_iterate_init(&other, N));
    for (long cut = 0; cut < 12; cut++) {
        ck_assert_int_eq(tw_optimizer_init(&whole, tw_optimizers[_i], &settings, N), TW_OK);
        ck_assert_int_eq(tw_optimizer_init(&resumed, tw_optimizers[_i], &settings, N), TW_OK);
        for (it.k = 0; it.k < 20; it.k++) {
            wander(&it);
            if (it.k == cut) memcpy(resumed.state, whole.state, whole.state_len * sizeof *whole.state);
            ck_assert_int_eq(tw_optimizer_direction(&whole, F, &it), TW_OK);
            if (it.k < cut) continue;
            memcpy(other.w, it.w, N * sizeof *it.w);
            memcpy(other.g, it.g, N * sizeof *it.g);
            other.length = it.length;
            other.k = it.k;
            ck_assert_int_eq(tw_optimizer_direction(&resumed, F, &other), TW_OK);
            ck_assert(same_bits(N, it.d, other.d));
        }
        tw_optimizer_release(&resumed);
        tw_optimizer_release(&whole);
    }
    tw_iterate_release(&other);
    tw_iterate_release(&it);
    unmake(&q);
}
END_TEST

START_TEST(a_direction_leaves_the_point_and_its_gradient_alone)
{
    quadratic q;
    tw_objective *const F = curvature(tw_optimizers[_i], &q);
    tw_optimizer o;
    tw_iterate it;
    double w[N], g[N];
    ck_assert(tw_iterate_init(&it, N));
    ck_assert_int_eq(tw_optimizer_init(&o, tw_optimizers[_i], &settings, N), TW_OK);
    for (it.k = 0; it.k < 10; it.k++) {
        wander(&it);
        memcpy(w, it.w, sizeof w);
        memcpy(g, it.g, sizeof g);
        ck_assert_int_eq(tw_optimizer_direction(&o, F, &it), TW_OK);
        ck_assert(same_bits(N, w, it.w) && same_bits(N, g, it.g));
    }
    tw_optimizer_release(&o);
    tw_iterate_release(&it);
    unmake(&q);
}
END_TEST

START_TEST(gd_goes_down_the_gradient_and_momentum_adds_what_it_had)
{
    tw_optimizer gd, ball;
    tw_iterate it;
    double u[N] = {0};
    ck_assert(tw_iterate_init(&it, N));
    ck_assert_int_eq(tw_optimizer_init(&gd, &tw_optimizer_gd, &settings, N), TW_OK);
    ck_assert_int_eq(tw_optimizer_init(&ball, &tw_optimizer_momentum, &settings, N), TW_OK);
    for (it.k = 0; it.k < 20; it.k++) {
        wander(&it);
        ck_assert_int_eq(tw_optimizer_direction(&gd, NULL, &it), TW_OK);
        for (int j = 0; j < N; j++) ck_assert_double_eq(it.d[j], -it.g[j]);
        ck_assert_int_eq(tw_optimizer_direction(&ball, NULL, &it), TW_OK);
        for (int j = 0; j < N; j++) {
            u[j] = fma(0.9, u[j], it.g[j]);
            ck_assert_double_eq(it.d[j], -u[j]);
        }
    }
    tw_optimizer_release(&ball);
    tw_optimizer_release(&gd);
    tw_iterate_release(&it);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("optimizer");
    TCase *t = tcase_create("optimizer");
    const int n = n_optimizers();
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, an_optimizer_has_a_name_of_its_own_and_every_required_function, 0, n);
    tcase_add_loop_test(t, the_default_step_is_a_rule_that_the_method_may_have, 0, n);
    tcase_add_loop_test(t, every_allowed_pair_arrives_at_the_closed_form_minimum, 0, n * n_steps());
    tcase_add_loop_test(t, a_method_that_promises_to_descend_always_does, 0, n);
    tcase_add_loop_test(t, the_state_is_all_that_a_resumed_run_needs, 0, n);
    tcase_add_loop_test(t, a_direction_leaves_the_point_and_its_gradient_alone, 0, n);
    tcase_add_test(t, gd_goes_down_the_gradient_and_momentum_adds_what_it_had);
    suite_add_tcase(s, t);
    return test_run(s);
}
