/* 1 / L for a bound L of the largest curvature of F: L = c lambda + l2, c the supremum of the second derivative of the loss
 * (1/4 logistic, 1/2 softmax: Boehning 1992) and lambda the largest eigenvalue of the Gram matrix X^T Omega X / W, by power
 * iteration (von Mises and Pollaczek-Geiringer 1929; Golub and Van Loan 2013, section 8.2) before the first step. Until
 * lambda changes by less than 1e-4: with two eigenvalues in play it is then at most sqrt(1e-4 / 2) = 0.7 % too small, which
 * the factor 1.01 makes good.
 *
 * State: alpha | has it been computed [2]. */
#include "thalweg/rng.h"
#include "thalweg/step.h"
#include "thalweg/vec.h"

#include <math.h>

enum { ROUNDS = 60 };

static size_t state_len(const tw_step_settings *set, size_t n)
{
    (void)set;
    (void)n;
    return 2;
}

/* The largest eigenvalue of the Gram matrix over W. v, u: [n] scratch. */
static tw_status largest(tw_objective *F, double *v, double *u, double *lambda)
{
    double before = 0;
    for (size_t j = 0; j < F->n; j++) v[j] = tw_rng_normal(0, TW_STREAM(TW_STREAM_INIT), j);
    const double norm = tw_vec_norm(F->n, v);
    for (size_t j = 0; j < F->n; j++) v[j] = v[j] / norm;
    for (int round = 0; round < ROUNDS; round++) {
        TW_TRY(tw_objective_hessian_vector(F, v, true, u));
        for (size_t j = 0; j < F->n_weights; j++) u[j] = u[j] - F->l2 * v[j]; /* of the data alone */
        *lambda = tw_vec_norm(F->n, u);
        if (!(*lambda > 0) || fabs(*lambda - before) <= 1e-4 * *lambda) return TW_OK;
        before = *lambda;
        for (size_t j = 0; j < F->n; j++) v[j] = u[j] / *lambda;
    }
    return TW_OK;
}

static tw_status measure(tw_step *s, tw_objective *F)
{
    double lambda = 0;
    const int64_t step = F->batches.step;
    tw_objective_batch(F, -1); /* of all rows */
    const tw_status status = largest(F, s->w, s->g, &lambda);
    tw_objective_batch(F, step);
    TW_TRY(status);
    const double bound = F->model->ops->curvature_max * (1.01 * lambda) + F->l2;
    if (!isfinite(bound)) return tw_fail(TW_DATA, "the curvature of the data is not finite: scale the features");
    s->state[0] = bound > 0 ? 1 / bound : 1;
    s->state[1] = 1;
    return TW_OK;
}

static tw_status length(tw_step *s, tw_objective *F, const tw_iterate *it, double time, double *alpha)
{
    (void)it;
    (void)time;
    if (s->state[1] == 0) TW_TRY(measure(s, F));
    *alpha = s->state[0];
    return TW_OK;
}

const tw_step_ops tw_step_lipschitz = {
    .name = "lipschitz",
    .summary = "1/L, the longest constant length that is safe, from the largest curvature of the data",
    .products = true,
    .state_len = state_len,
    .length = length,
};
