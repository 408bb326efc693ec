/* test_nesterov.c -- nesterov on full batches: the FISTA of two sequences in long double, restarts included,
 * and the bound that it is known for. PyTorch's form with a fixed momentum: test_adaptive.c. */
#include "support.h"

#include "thalweg/optimizer.h"
#include "thalweg/step.h"
#include "thalweg/vec.h"

#include <math.h>
#include <string.h>

enum { N = 24, STEPS = 400 };

/* F = (1/2) sum h (w - minimum)^2 in a basis turned by a reflection I - 2 v v'. */
typedef struct {
    double h[N], minimum[N], v[N], largest;
} quadratic;

static void make_quadratic(quadratic *q, double smallest)
{
    q->largest = 3;
    for (int j = 0; j < N; j++) {
        q->h[j] = q->largest * pow(smallest, j / (N - 1.0));
        q->minimum[j] = test_uniform();
        q->v[j] = test_uniform();
    }
    const double norm = tw_vec_norm(N, q->v);
    for (int j = 0; j < N; j++) q->v[j] /= norm;
}

static void reflect(const quadratic *q, long double *z)
{
    long double vz = 0;
    for (int j = 0; j < N; j++) vz += q->v[j] * z[j];
    for (int j = 0; j < N; j++) z[j] -= 2 * vz * q->v[j];
}

/* g and F at w. */
static long double evaluate(const quadratic *q, const long double *w, long double *g)
{
    long double f = 0;
    for (int j = 0; j < N; j++) g[j] = w[j] - q->minimum[j];
    reflect(q, g);
    for (int j = 0; j < N; j++) {
        f += q->h[j] * g[j] * g[j] / 2;
        g[j] *= q->h[j];
    }
    reflect(q, g);
    return f;
}

/* Nesterov 1983 and Beck and Teboulle 2009 in their own letters: x descends from y, y runs ahead of x. */
typedef struct {
    long double x[N], y[N], t, f; /* f: F(x) */
    int restarts;
} two_sequences;

static void fista_step(const quadratic *q, two_sequences *s, bool restart)
{
    long double g[N], next[N], turn = 0, unused[N];
    evaluate(q, s->y, g);
    for (int j = 0; j < N; j++) {
        next[j] = s->y[j] - g[j] / q->largest;
        turn += g[j] * (next[j] - s->x[j]);
    }
    if (restart && turn > 0) { /* a new run that begins at y */
        memcpy(s->x, s->y, sizeof s->x);
        s->t = 1;
        s->restarts++;
    }
    const long double t = (1 + sqrtl(1 + 4 * s->t * s->t)) / 2;
    for (int j = 0; j < N; j++) {
        s->y[j] = next[j] + (s->t - 1) / t * (next[j] - s->x[j]);
        s->x[j] = next[j];
    }
    s->t = t;
    s->f = evaluate(q, s->x, unused);
}

/* One step of the product: it->w is y; x = y - g / L, where F is returned. */
static long double product_step(const quadratic *q, tw_optimizer *o, tw_iterate *it)
{
    long double w[N], g[N];
    for (int j = 0; j < N; j++) w[j] = it->w[j];
    evaluate(q, w, g);
    for (int j = 0; j < N; j++) {
        it->g[j] = (double)g[j];
        w[j] -= g[j] / q->largest;
    }
    ck_assert_int_eq(tw_optimizer_direction(o, NULL, it), TW_OK);
    tw_step_move(it, 1 / q->largest, it->w);
    it->k++;
    return evaluate(q, w, g);
}

static void start(tw_optimizer *o, tw_iterate *it, const tw_optimizer_ops *ops, bool restart)
{
    const tw_optimizer_settings set = {.momentum = 0.5, .full_batch = true, .restart = restart};
    ck_assert_int_eq(tw_optimizer_init(o, ops, &set, N), TW_OK);
    ck_assert(tw_iterate_init(it, N));
}

static void finish(tw_optimizer *o, tw_iterate *it)
{
    tw_iterate_release(it);
    tw_optimizer_release(o);
}

static long double distance(const two_sequences *s, const tw_iterate *it)
{
    long double most = 0;
    for (int j = 0; j < N; j++) most = fmaxl(most, fabsl(s->y[j] - it->w[j]));
    return most;
}

START_TEST(full_batch_nesterov_is_the_fista_of_two_sequences)
{
    const bool restart = _i % 2;
    int restarts = 0;
    for (int round = 0; round < 10; round++) {
        quadratic q;
        tw_optimizer o;
        tw_iterate it;
        two_sequences s = {.t = 1}, other = {.t = 1};
        long double apart = 0;
        make_quadratic(&q, pow(10, -2 - round % 3));
        start(&o, &it, &tw_optimizer_nesterov, restart);
        for (int k = 0; k < STEPS; k++) {
            fista_step(&q, &s, restart);
            fista_step(&q, &other, !restart);
            const double f = (double)product_step(&q, &o, &it);
            ck_assert_msg(distance(&s, &it) < 1e-13L, "step %d: %Lg", k, distance(&s, &it));
            ck_assert_double_eq_tol(f, (double)s.f, 1e-12);
            apart = fmaxl(apart, distance(&other, &it));
        }
        restarts += (restart ? &s : &other)->restarts;
        ck_assert(apart > 1e-6L); /* the restart is no detail */
        finish(&o, &it);
    }
    ck_assert_int_gt(restarts, 20); /* of ten runs */
}
END_TEST

/* Steps k at which F(x_k) - F* > 2 L |x_0 - x*|^2 / (k + 1)^2. */
static int beyond_bound(const quadratic *q, const tw_optimizer_ops *ops)
{
    tw_optimizer o;
    tw_iterate it;
    int beyond = 0;
    const double far = tw_vec_dot(N, q->minimum, q->minimum);
    start(&o, &it, ops, false);
    for (int k = 1; k <= STEPS; k++)
        beyond += product_step(q, &o, &it) > 2 * q->largest * far / (k + 1.0L) / (k + 1);
    finish(&o, &it);
    return beyond;
}

START_TEST(full_batch_nesterov_keeps_the_bound_of_beck_and_teboulle_and_gd_does_not)
{
    quadratic q;
    int gd = 0;
    for (int round = 0; round < 12; round++) {
        make_quadratic(&q, pow(10, -1 - round % 6));
        ck_assert_int_eq(beyond_bound(&q, &tw_optimizer_nesterov), 0);
        gd += beyond_bound(&q, &tw_optimizer_gd);
    }
    ck_assert_int_gt(gd, STEPS / 2);
}
END_TEST

START_TEST(the_restart_makes_convergence_linear)
{
    long double f[2] = {0};
    quadratic q;
    make_quadratic(&q, 1e-3);
    for (int restart = 0; restart < 2; restart++) {
        tw_optimizer o;
        tw_iterate it;
        start(&o, &it, &tw_optimizer_nesterov, restart);
        for (int k = 0; k < 2 * STEPS; k++) f[restart] = product_step(&q, &o, &it);
        finish(&o, &it);
    }
    ck_assert_msg(f[1] < 1e-18L && f[0] > 1e3L * f[1], "without %Lg, with %Lg", f[0], f[1]);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("nesterov");
    TCase *t = tcase_create("nesterov");
    tcase_add_loop_test(t, full_batch_nesterov_is_the_fista_of_two_sequences, 0, 2);
    tcase_add_test(t, full_batch_nesterov_keeps_the_bound_of_beck_and_teboulle_and_gd_does_not);
    tcase_add_test(t, the_restart_makes_convergence_linear);
    suite_add_tcase(s, t);
    return test_run(s);
}
