/* second_order.h -- problems with known second derivatives, for the tests of Newton's methods: the Hessian as
 * direct sums in long double, and systems solved by elimination. */
#ifndef THALWEG_TEST_SECOND_ORDER_H
#define THALWEG_TEST_SECOND_ORDER_H

#include "support.h"

#include "thalweg/optimizer.h"
#include "thalweg/step.h"
#include "thalweg/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 300, COLS = 5, CLASSES = 3, MOST = (COLS + 1) * CLASSES };

typedef struct {
    tw_comm *comm;
    test_case c;
    test_data d;
    test_problem p;
    tw_objective *F; /* = &p.objective */
    tw_iterate it;
    size_t n;
} problem;

static inline test_case usual_case(const tw_model_ops *ops)
{
    return (test_case){.ops = ops,
                       .type = TW_f64,
                       .mode = TW_REPRODUCIBLE,
                       .rows = ROWS,
                       .cols = COLS,
                       .classes = CLASSES,
                       .l2 = 0.01,
                       .intercept = true,
                       .weighted = true,
                       .margins = true};
}

/* F and g at it.w, which is then in force. */
static inline void evaluate(problem *q)
{
    ck_assert_int_eq(tw_objective_eval(q->F, q->it.w, &q->it.f, q->it.g), TW_OK);
    tw_objective_accept(q->F);
    q->it.g_norm = tw_vec_norm(q->n, q->it.g);
    q->it.w_norm = tw_vec_norm(q->n, q->it.w);
}

/* From data that are there already; at zero. */
static inline void make_with(problem *q)
{
    ck_assert_int_eq(tw_comm_local(&q->comm), TW_OK);
    ck_assert_int_eq(test_problem_init(&q->p, q->comm, &q->c, &q->d), TW_OK);
    q->F = &q->p.objective;
    q->n = q->F->n;
    ck_assert(tw_iterate_init(&q->it, q->n));
    evaluate(q);
}

static inline void make(problem *q, const test_case *c)
{
    test_seed(7);
    q->c = *c;
    test_data_init(&q->d, c);
    make_with(q);
}

static inline void unmake(problem *q)
{
    tw_iterate_release(&q->it);
    test_problem_release(&q->p);
    test_data_release(&q->d);
    tw_comm_release(q->comm);
}

static inline void go_somewhere(problem *q)
{
    test_parameters(&q->c, &q->p.model, q->it.w);
    evaluate(q);
}

/* ---------------------------------------------------------------- truth */

/* The trained features of row i, and 1 for the intercept. Returns how many there are. */
static inline size_t features(const problem *q, size_t i, long double *x)
{
    const tw_scaling *s = &q->p.scaling;
    for (size_t j = 0; j < q->d.cols; j++) {
        x[j] = q->d.x[i * q->d.cols + j];
        if (s->kind != TW_SCALING_NONE) x[j] = (x[j] - s->mean[j]) / s->scale[j];
    }
    x[q->d.cols] = 1;
    return q->d.cols + q->c.intercept;
}

/* Second derivatives of the loss of a row, c [K][K]; identity: of half the squares of the margins. */
static inline void row_curvature(const problem *q, const long double *x, size_t dim, bool identity,
                                 long double *c)
{
    const size_t outputs = q->p.model.outputs;
    long double z[CLASSES], p[CLASSES], sum = 0;
    for (size_t k = 0; k < outputs; k++) {
        z[k] = 0;
        for (size_t j = 0; j < dim; j++) z[k] += x[j] * q->it.w[j * outputs + k];
        p[k] = expl(z[k]);
        sum += p[k];
    }
    for (size_t k = 0; k < outputs; k++)
        for (size_t l = 0; l < outputs; l++) {
            c[k * outputs + l] = k == l;
            if (!identity && q->c.ops == &tw_model_logistic) c[0] = p[0] / ((1 + p[0]) * (1 + p[0]));
            if (!identity && q->c.ops == &tw_model_softmax)
                c[k * outputs + l] = p[k] / sum * ((k == l) - p[l] / sum);
        }
}

static inline void true_hessian(const problem *q, bool identity, long double *h)
{
    const size_t outputs = q->p.model.outputs, n = q->n;
    long double x[COLS + 2], c[CLASSES * CLASSES], weight = 0;
    for (size_t i = 0; i < n * n; i++) h[i] = 0;
    for (size_t i = 0; i < q->d.rows; i++) {
        const size_t dim = features(q, i, x);
        const double omega = q->d.weight ? q->d.weight[i] : 1;
        row_curvature(q, x, dim, identity, c);
        weight += omega;
        for (size_t a = 0; a < n; a++)
            for (size_t b = 0; b < n; b++)
                h[a * n + b] +=
                    omega * c[a % outputs * outputs + b % outputs] * x[a / outputs] * x[b / outputs];
    }
    for (size_t i = 0; i < n * n; i++) h[i] /= weight;
    for (size_t j = 0; j < q->F->n_weights; j++) h[j * n + j] += q->c.l2;
}

/* a x = b by elimination with the largest pivot of the column; both are lost. */
static inline void eliminate(size_t n, long double *a, long double *b)
{
    for (size_t j = 0; j < n; j++) {
        size_t best = j;
        for (size_t i = j; i < n; i++)
            if (fabsl(a[i * n + j]) > fabsl(a[best * n + j])) best = i;
        for (size_t k = 0; k <= n; k++) {
            long double *const x = k < n ? &a[j * n + k] : &b[j], *const y =
                                                                      k < n ? &a[best * n + k] : &b[best];
            const long double swap = *x;
            *x = *y;
            *y = swap;
        }
        for (size_t i = 0; i < n; i++) {
            if (i == j) continue;
            const long double factor = a[i * n + j] / a[j * n + j];
            for (size_t k = j; k < n; k++) a[i * n + k] -= factor * a[j * n + k];
            b[i] -= factor * b[j];
        }
    }
    for (size_t j = 0; j < n; j++) b[j] /= a[j * n + j];
}

/* ---------------------------------------------------------------- runs */

typedef struct {
    tw_optimizer o;
    tw_step s;
} method;

static inline void begin(method *m, const problem *q, const tw_optimizer_ops *optimizer,
                         const tw_step_ops *rule)
{
    static const tw_optimizer_settings set = {.momentum = 0.9, .memory = 5};
    static const tw_step_settings steps = {.length = 1, .c1 = 1e-4, .shrink = 0.5, .max_trials = 50};
    ck_assert_int_eq(tw_optimizer_init(&m->o, optimizer, &set, q->n), TW_OK);
    ck_assert_int_eq(tw_step_init(&m->s, rule, &steps, q->n), TW_OK);
}

static inline void end(method *m)
{
    tw_step_release(&m->s);
    tw_optimizer_release(&m->o);
}

static inline void iterate(method *m, problem *q)
{
    ck_assert_int_eq(tw_step_announce(&m->s, q->F, &q->it, (double)q->it.k), TW_OK);
    ck_assert_int_eq(tw_optimizer_direction(&m->o, q->F, &q->it), TW_OK);
    ck_assert_int_eq(tw_step_advance(&m->s, q->F, &q->it), TW_OK);
}

static inline double largest(size_t n, const double *v)
{
    double most = 0;
    for (size_t j = 0; j < n; j++) most = fmax(most, fabs(v[j]));
    return most;
}

#endif
