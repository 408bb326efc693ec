/* 1 / L for a bound L of the largest curvature of F: L = 1.01 c lambda + l2, c the supremum of the second
 * derivative of the loss (1/4 logistic, 1/2 softmax: Boehning 1992) and lambda the largest eigenvalue of the
 * Gram matrix X^T Omega X / W, found before the first step: the Lanczos process (Lanczos 1950; Golub and Van
 * Loan 2013, section 10.1) from a fixed random vector, until the residual of its largest Ritz value is below
 * 1e-4 of it. An eigenvalue lies that close; one that is more than 1 %, which the factor covers, above it
 * would show in the residual unless the start had less than 1e-4 of its vector. Power iteration costs the
 * same reads and stops too early more often (Kuczynski and Wozniakowski 1992).
 *
 * State: alpha | has it been computed [2]. */
#include "thalweg/rng.h"
#include "thalweg/step.h"
#include "thalweg/vec.h"

#include <math.h>

enum { ROUNDS = 60, HALVINGS = 60 };

/* The projection of the Gram matrix: alpha_i on the diagonal, beta_i between i and i + 1; beta_last leads out
 * of it. */
typedef struct {
    int k;
    double alpha[ROUNDS], beta[ROUNDS];
} tridiagonal;

static size_t state_len(const tw_step_settings *set, size_t n)
{
    (void)set;
    (void)n;
    return 2;
}

/* Are all eigenvalues below x? The pivots of T - x I. */
static bool below(const tridiagonal *t, double x)
{
    double pivot = t->alpha[0] - x;
    for (int i = 1; i < t->k && pivot < 0; i++)
        pivot = t->alpha[i] - x - t->beta[i - 1] * t->beta[i - 1] / pivot;
    return pivot < 0;
}

/* The largest eigenvalue, between the largest diagonal element and Gershgorin's bound. */
static double largest(const tridiagonal *t)
{
    double low = t->alpha[0], high = low;
    for (int i = 0; i < t->k; i++) {
        const double before = i > 0 ? t->beta[i - 1] : 0, after = i < t->k - 1 ? t->beta[i] : 0;
        low = fmax(low, t->alpha[i]);
        high = fmax(high, t->alpha[i] + before + after);
    }
    for (int i = 0; i < HALVINGS; i++) {
        const double middle = 0.5 * (low + high);
        if (below(t, middle))
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* Of the Ritz pair: what leads out, times the share of the last component in the eigenvector s of T. */
static double residual(const tridiagonal *t, double value)
{
    double s = 1, sum = 1, pivot = t->alpha[0] - value;
    for (int i = 1; i < t->k; i++) {
        s = -(pivot / t->beta[i - 1]) * s;
        sum = sum + s * s;
        pivot = t->alpha[i] - value - t->beta[i - 1] * t->beta[i - 1] / pivot;
    }
    return t->beta[t->k - 1] * (fabs(s) / sqrt(sum));
}

/* T grows by a row; v becomes the next vector and last the one before it. */
static tw_status extend(tridiagonal *t, tw_objective *F, double *v, double *last)
{
    double *const u = F->scratch;
    const double back = t->k > 0 ? t->beta[t->k - 1] : 0;
    TW_TRY(tw_objective_hessian_vector(F, v, true, u));
    for (size_t j = 0; j < F->n_weights; j++) u[j] = u[j] - F->l2 * v[j]; /* of the data alone */
    tw_vec_axpy(F->n, -back, last, u);
    const double alpha = tw_vec_dot(F->n, v, u);
    tw_vec_axpy(F->n, -alpha, v, u);
    const double beta = tw_vec_norm(F->n, u);
    for (size_t j = 0; j < F->n; j++) {
        last[j] = v[j];
        v[j] = u[j] / beta;
    }
    t->alpha[t->k] = alpha;
    t->beta[t->k] = beta;
    t->k++;
    return TW_OK;
}

/* The largest eigenvalue of the Gram matrix over W, or what is not finite. v, last: [n] scratch. */
static tw_status eigenvalue(tw_objective *F, double *v, double *last, double *lambda)
{
    tridiagonal t = {0};
    for (size_t j = 0; j < F->n; j++) {
        v[j] = tw_rng_normal(0, TW_STREAM(TW_STREAM_INIT), j);
        last[j] = 0;
    }
    const double norm = tw_vec_norm(F->n, v);
    for (size_t j = 0; j < F->n; j++) v[j] = v[j] / norm;
    while (t.k < ROUNDS) {
        TW_TRY(extend(&t, F, v, last));
        *lambda = t.alpha[t.k - 1] + t.beta[t.k - 1];
        if (!isfinite(*lambda)) return TW_OK;
        *lambda = largest(&t);
        if (!(residual(&t, *lambda) > 1e-4 * *lambda)) return TW_OK;
    }
    return TW_OK;
}

static tw_status measure(tw_step *s, tw_objective *F)
{
    double lambda = 0;
    const int64_t step = F->batches.step;
    tw_objective_batch(F, -1); /* of all rows */
    const tw_status status = eigenvalue(F, s->w, s->g, &lambda);
    tw_objective_batch(F, step);
    TW_TRY(status);
    const double bound = tw_model_curvature_max(F->model->ops) * (1.01 * lambda) + F->l2;
    if (!isfinite(bound))
        return tw_fail(TW_DATA, "the curvature of the data is not finite: scale the features");
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
    .own_length = true,
    .summary = "1/L, the longest constant length that is safe, from the largest curvature of the data",
    .products = true,
    .state_len = state_len,
    .length = length,
};
