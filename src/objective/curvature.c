/* Extreme eigenvalues of the Hessian by Lanczos (Lanczos 1950; Golub and Van Loan 2013, section 10.3): the
 * Krylov space of a fixed random start, kept orthogonal twice over (Daniel et al. 1976), and Jacobi's
 * rotations for its small matrix. */
#include "objective/impl.h"

#include "thalweg/link.h"
#include "thalweg/rng.h"
#include "thalweg/vec.h"

#include <math.h>
#include <stdlib.h>

enum { STEPS = 30, SWEEPS = 30 };

typedef struct {
    tw_objective *F;
    const double *w;
    bool exact;
    size_t n, steps;
    double *basis;                           /* [STEPS + 1][n] orthonormal */
    double *product;                         /* [n] */
    double t[STEPS][STEPS], s[STEPS][STEPS]; /* projected Hessian; its eigenvectors, in columns */
} lanczos;

/* l1 holds a parameter at zero: its curvature says nothing. */
static bool held(const lanczos *l, size_t j)
{
    return l->F->l1 > 0 && j < l->F->n_weights && l->w[j] == 0;
}

static bool has_products(const tw_objective *F)
{
    const tw_model_ops *ops = F->model ? F->model->ops : NULL;
    return ops && F->margins && ops->hessian_vector && (!ops->link || ops->link->curvature);
}

static tw_status multiply(lanczos *l, const double *q, double step)
{
    TW_TRY(l->exact ? tw_objective_hessian_vector(l->F, q, false, l->product)
                    : tw_objective_difference(l->F, l->w, q, step, l->product));
    for (size_t j = 0; j < l->n; j++)
        if (held(l, j)) l->product[j] = 0;
    return TW_OK;
}

/* The next vector of the basis: v over its norm, which is returned; 0 when nothing is left of v. */
static double extend(lanczos *l, const double *v, double scale)
{
    const double norm = tw_vec_norm(l->n, v);
    double *const q = l->basis + l->steps * l->n;
    if (!(norm > scale)) return 0;
    for (size_t j = 0; j < l->n; j++) q[j] = v[j] / norm;
    return norm;
}

static tw_status project(lanczos *l)
{
    double scale = 0, *const v = l->product;
    for (size_t j = 0; j < l->n; j++)
        v[j] = held(l, j) ? 0 : tw_rng_normal(0, TW_STREAM(TW_STREAM_CURVATURE), j);
    double norm = extend(l, v, 0);
    while (norm > 0 && l->steps < STEPS && l->steps < l->n) {
        const size_t k = l->steps++;
        const double *q = l->basis + k * l->n;
        TW_TRY(multiply(l, q, TW_DIFFERENCE_STEP));
        l->t[k][k] = tw_vec_dot(l->n, q, v);
        for (int twice = 0; twice < 2; twice++)
            for (size_t i = 0; i <= k; i++)
                tw_vec_axpy(l->n, -tw_vec_dot(l->n, l->basis + i * l->n, v), l->basis + i * l->n, v);
        scale = fmax(scale, fabs(l->t[k][k]));
        norm = extend(l, v, 0x1p-30 * scale);
        scale = fmax(scale, norm);
        if (l->steps < STEPS) l->t[k][k + 1] = l->t[k + 1][k] = norm;
    }
    return TW_OK;
}

/* t = J^T t J, s = s J, with the J that makes t[p][q] zero. Source: Golub and Van Loan 2013, algorithm 8.5.1.
 */
static void rotate(lanczos *l, size_t p, size_t q)
{
    const double tau = (l->t[q][q] - l->t[p][p]) / (2 * l->t[p][q]);
    const double tangent = copysign(1, tau) / (fabs(tau) + sqrt(1 + tau * tau));
    const double c = 1 / sqrt(1 + tangent * tangent), s = tangent * c;
    for (size_t i = 0; i < l->steps; i++) {
        const double a = l->t[i][p], b = l->t[i][q], x = l->s[i][p], y = l->s[i][q];
        l->t[i][p] = c * a - s * b;
        l->t[i][q] = s * a + c * b;
        l->s[i][p] = c * x - s * y;
        l->s[i][q] = s * x + c * y;
    }
    for (size_t i = 0; i < l->steps; i++) {
        const double a = l->t[p][i], b = l->t[q][i];
        l->t[p][i] = c * a - s * b;
        l->t[q][i] = s * a + c * b;
    }
}

static void diagonalise(lanczos *l)
{
    for (size_t i = 0; i < l->steps; i++) l->s[i][i] = 1;
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (size_t p = 0; p < l->steps; p++)
            for (size_t q = p + 1; q < l->steps; q++)
                if (l->t[p][q] != 0) rotate(l, p, q);
}

/* Rounding errors shrink with the length of the difference, a curvature stays. */
static tw_status confirm(lanczos *l, size_t which, double *least)
{
    double *const ritz = l->basis + l->steps * l->n;
    for (size_t j = 0; j < l->n; j++) ritz[j] = 0;
    for (size_t i = 0; i < l->steps; i++) tw_vec_axpy(l->n, l->s[i][which], l->basis + i * l->n, ritz);
    TW_TRY(multiply(l, ritz, 8 * TW_DIFFERENCE_STEP));
    const double again = tw_vec_dot(l->n, ritz, l->product) / tw_vec_dot(l->n, ritz, ritz);
    if (!(fabs(again - *least) <= 0.5 * fabs(*least))) *least = 0;
    return TW_OK;
}

static tw_status extremes(lanczos *l, double *least, double *largest)
{
    size_t which = 0;
    *least = *largest = 0;
    TW_TRY(project(l));
    if (l->steps == 0) return TW_OK; /* every parameter is held */
    diagonalise(l);
    *least = *largest = l->t[0][0];
    for (size_t i = 1; i < l->steps; i++) {
        if (l->t[i][i] < *least) which = i;
        *least = fmin(*least, l->t[i][i]);
        *largest = fmax(*largest, l->t[i][i]);
    }
    return *least < 0 && !l->exact ? confirm(l, which, least) : TW_OK;
}

tw_status tw_objective_least_curvature(tw_objective *F, const double *w, double *least, double *largest)
{
    lanczos l = {.F = F, .w = w, .n = F->n, .exact = has_products(F)};
    l.basis = calloc((STEPS + 2) * F->n + 1, sizeof *l.basis);
    l.product = l.basis ? l.basis + (STEPS + 1) * F->n : NULL;
    tw_status status =
        l.basis ? TW_OK : tw_fail(TW_MEMORY, "out of memory for %d vectors of %zu", STEPS, F->n);
    status = tw_comm_agree(F->comm, status);
    if (status == TW_OK) status = extremes(&l, least, largest);
    free(l.basis);
    return status;
}
