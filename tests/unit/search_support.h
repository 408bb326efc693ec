/* search_support.h -- a problem with an iterate on it, and F and its slope along d in long double, by other
 * code. */
#ifndef THALWEG_TEST_SEARCH_SUPPORT_H
#define THALWEG_TEST_SEARCH_SUPPORT_H

#include "support.h"

#include "thalweg/optimizer.h"
#include "thalweg/step.h"
#include "thalweg/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLS = 6, CLASSES = 4, MOST = (COLS + 1) * CLASSES };

typedef struct {
    tw_comm *comm;
    test_case c;
    test_data d;
    test_problem p;
    tw_iterate it;
    double w[MOST]; /* where the last search began */
} start;

static void evaluate_start(start *s)
{
    ck_assert_int_eq(tw_objective_eval(&s->p.objective, s->it.w, &s->it.f, s->it.g), TW_OK);
    tw_objective_accept(&s->p.objective);
    for (size_t j = 0; j < s->it.n; j++) s->it.d[j] = -s->it.g[j];
    memcpy(s->w, s->it.w, s->it.n * sizeof *s->w);
}

/* Random parameters, d = -g. */
static void make(start *s, const tw_model_ops *ops, bool margins, unsigned seed)
{
    s->c = (test_case){.ops = ops,
                       .type = TW_f64,
                       .rows = 300,
                       .cols = COLS,
                       .classes = CLASSES,
                       .mode = TW_REPRODUCIBLE,
                       .l2 = seed % 2 ? 0.01 : 0,
                       .intercept = true,
                       .weighted = seed % 3 == 0};
    test_seed(seed);
    ck_assert_int_eq(tw_comm_local(&s->comm), TW_OK);
    test_data_init(&s->d, &s->c);
    ck_assert_int_eq(test_problem_init(&s->p, s->comm, &s->c, &s->d), TW_OK);
    tw_objective_parts parts = s->p.objective.parts;
    parts.keep_margins = margins;
    tw_objective_release(&s->p.objective);
    ck_assert_int_eq(tw_objective_init(&s->p.objective, &parts), TW_OK);
    ck_assert(tw_iterate_init(&s->it, s->p.objective.n));
    test_parameters(&s->c, &s->p.model, s->it.w);
    evaluate_start(s);
}

static void unmake(start *s)
{
    tw_iterate_release(&s->it);
    test_problem_release(&s->p);
    test_data_release(&s->d);
    tw_comm_release(s->comm);
}

/* Loss of a row and d loss / d z. */
static inline long double row_loss(const start *s, double y, const long double *z, long double *r)
{
    if (s->c.ops == &tw_model_linear) {
        r[0] = z[0] - y;
        return r[0] * r[0] / 2;
    }
    if (s->c.ops == &tw_model_logistic) {
        r[0] = 1 / (1 + expl(-z[0])) - y;
        return (z[0] > 0 ? z[0] : 0) + log1pl(expl(-fabsl(z[0]))) - y * z[0];
    }
    long double most = z[0], sum = 0;
    for (int k = 1; k < CLASSES; k++) most = fmaxl(most, z[k]);
    for (int k = 0; k < CLASSES; k++) sum += expl(z[k] - most);
    for (int k = 0; k < CLASSES; k++) r[k] = expl(z[k] - most) / sum - (k == (int)y);
    return most + logl(sum) - z[(int)y];
}

/* F(w + alpha d) and its derivative to alpha. */
static inline void truth(const start *s, double alpha, long double *f, long double *slope)
{
    const size_t n = s->p.model.outputs, weights = s->p.objective.n_weights;
    long double total = 0, loss = 0, along = 0, at[MOST], z[CLASSES], q[CLASSES], r[CLASSES];
    for (size_t j = 0; j < s->it.n; j++) at[j] = s->w[j] + (long double)alpha * s->it.d[j];
    for (size_t i = 0; i < s->d.rows; i++) {
        const long double weight = s->d.weight ? s->d.weight[i] : 1;
        for (size_t k = 0; k < n; k++) {
            z[k] = at[weights + k];
            q[k] = s->it.d[weights + k];
            for (size_t j = 0; j < COLS; j++) z[k] += s->d.x[i * COLS + j] * at[j * n + k];
            for (size_t j = 0; j < COLS; j++) q[k] += s->d.x[i * COLS + j] * (long double)s->it.d[j * n + k];
        }
        total += weight;
        loss += weight * row_loss(s, s->d.y[i], z, r);
        for (size_t k = 0; k < n; k++) along += weight * r[k] * q[k];
    }
    *f = loss / total;
    *slope = along / total;
    for (size_t j = 0; j < weights; j++) *f += s->c.l2 / 2 * at[j] * at[j];
    for (size_t j = 0; j < weights; j++) *slope += s->c.l2 * at[j] * s->it.d[j];
}

#endif
