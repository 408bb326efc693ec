/* Limited-memory BFGS: two-loop recursion of Nocedal (1980); Nocedal and Wright (2006), algorithm 7.4. With
 * l1 > 0 orthant-wise (OWL-QN; Andrew and Gao 2007): the two loops turn the subgradient of least norm, and
 * the step ends in the orthant of w. Unlike there, the loops work on the face of parameters that can move (as
 * in Byrd, Chin, Nocedal and Oztoprak 2016), and components are aligned in sign with the subgradient only
 * when nothing else descends.
 *
 * With `gram` the first matrix is the inverse of c G + l2, G the Gram matrix of the features and c the
 * largest second derivative of the loss: for bounded curvature an upper bound of the Hessian (Boehning and
 * Lindsay 1988), so the pairs have only the changes of curvature left to learn.
 *
 * State: w, g of the iteration before [2n] | pairs held, place of the newest, started [3] | rho [m] | a [m] |
 * S [m][n] | Y [m][n]. Pair i lives in slot (newest - i) mod m. */
#include "thalweg/optimizer.h"

#include "thalweg/cholesky.h"
#include "thalweg/kernels.h"
#include "thalweg/vec.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Projections of directions shorter than this are not tried. */
#define SHORTEST 0x1p-10

typedef struct {
    size_t n, m;
    double *w, *g, *held, *newest, *started, *rho, *a, *s, *y;
} history;

static size_t state_len(const tw_optimizer_settings *set, size_t n)
{
    return 2 * n + 3 + 2 * set->memory + 2 * set->memory * n;
}

/* A count of a resumed state, which somebody may have written. */
static void clamp(double *count, size_t most)
{
    if (!(*count >= 0)) *count = 0;
    if (*count > (double)most) *count = (double)most;
}

static history view(tw_optimizer *o)
{
    const size_t n = o->n, m = o->set.memory;
    double *const at = o->state + 2 * n;
    clamp(at, m);
    clamp(at + 1, m - 1);
    return (history){.n = n,
                     .m = m,
                     .w = o->state,
                     .g = o->state + n,
                     .held = at,
                     .newest = at + 1,
                     .started = at + 2,
                     .rho = at + 3,
                     .a = at + 3 + m,
                     .s = at + 3 + 2 * m,
                     .y = at + 3 + 2 * m + m * n};
}

/* Slot of the pair that is i steps old. */
static size_t slot(const history *h, size_t i)
{
    return ((size_t)*h->newest + h->m - i) % h->m;
}

/* w and g of the iteration before become s and y; the pair is kept when the curvature along it is positive.
 */
static void learn(history *h, const tw_iterate *it)
{
    const size_t n = h->n;
    for (size_t j = 0; j < n; j++) {
        h->w[j] = it->w[j] - h->w[j];
        h->g[j] = it->g[j] - h->g[j];
    }
    const double curvature = tw_vec_dot(n, h->w, h->g);
    if (!(curvature > 0x1p-52 * tw_vec_dot(n, h->g, h->g))) return;
    const size_t at = *h->held > 0 ? ((size_t)*h->newest + 1) % h->m : 0;
    memcpy(h->s + at * n, h->w, n * sizeof *h->s);
    memcpy(h->y + at * n, h->g, n * sizeof *h->y);
    h->rho[at] = 1 / curvature;
    *h->newest = (double)at;
    if ((size_t)*h->held < h->m) *h->held += 1;
}

/* ---- the first matrix ---- */

/* In the optimizer's work: [n] for the orthants | ready [1] | scale [p] | columns [2][K][p] | factor
 * [p][stride]. The factor is that of the matrix with its diagonal scaled to 1, so units of the features do
 * not make it singular. */
typedef struct {
    size_t p, stride, outputs;
    double *ready, *scale, *columns, *factor;
} preconditioner;

static size_t rounded(size_t p)
{
    return (p + TW_LANES - 1) / TW_LANES * TW_LANES;
}

static preconditioner first_matrix(const tw_optimizer *o)
{
    const size_t outputs = o->set.outputs ? o->set.outputs : 1, p = o->n / outputs;
    double *const at = o->work + o->n;
    return (preconditioner){.p = p,
                            .stride = rounded(p),
                            .outputs = outputs,
                            .ready = at,
                            .scale = at + 1,
                            .columns = at + 1 + p,
                            .factor = at + 1 + p + 2 * o->n};
}

/* c G + l2 for the rows of the blocks that `every` takes, scaled; the diagonal of its part c G goes to
 * columns. A feature that is zero in all of them gets the scale 0, so it never moves; is every other one
 * finite? */
static tw_status sum_first_matrix(preconditioner *m, tw_objective *F, int64_t every, bool *finite)
{
    const double bound = tw_model_curvature_max(F->model->ops), c = bound > 0 && isfinite(bound) ? bound : 1;
    TW_TRY(tw_objective_gram(F, every, m->factor));
    *finite = true;
    for (size_t i = 0; i < m->p; i++) {
        const double data = c * m->factor[i * m->stride + i],
                     square = data + (i < F->model->features ? F->l2 : 0);
        m->scale[i] = square > 0 ? 1 / sqrt(square) : 0;
        m->columns[i] = data * m->scale[i] * m->scale[i];
        *finite = *finite && isfinite(square) && isfinite(m->scale[i]);
        for (size_t j = 0; j < i; j++) {
            double *const v = m->factor + i * m->stride + j;
            *v = c * *v * m->scale[i] * m->scale[j];
        }
    }
    return TW_OK;
}

/* With this diagonal, NULL: 1 + raise. */
static bool factorise(const preconditioner *m, const double *diagonal, double raise)
{
    for (size_t i = 0; i < m->p; i++) m->factor[i * m->stride + i] = diagonal ? diagonal[i] : 1 + raise;
    return tw_cholesky_factor(m->p, m->stride, m->factor) == m->p;
}

/* A sample whose own part c G has no factor may miss what tells features apart, and l2 would hide it: then
 * all rows. If they too have none (constant or equal features), the diagonal is raised until there is one. */
static tw_status make_first_matrix(preconditioner *m, tw_objective *F)
{
    bool finite;
    if (!F || !F->model)
        return tw_fail(TW_CONFIG, "a function without data rows has no Gram matrix for lbfgs to begin with");
    if (F->model->outputs != m->outputs)
        return tw_fail(TW_INTERNAL, "lbfgs was made for %zu outputs, the model has %zu", m->outputs,
                       F->model->outputs);
    const int64_t every = tw_objective_gram_every(F);
    TW_TRY(sum_first_matrix(m, F, every, &finite));
    if (every > 1 && !(finite && factorise(m, m->columns, 0))) TW_TRY(sum_first_matrix(m, F, 1, &finite));
    if (!finite) return tw_fail(TW_DATA, "the Gram matrix of the features is not finite");
    for (double raise = 0; !factorise(m, NULL, raise);) raise = raise > 0 ? 10 * raise : 0x1p-40;
    *m->ready = 1;
    return TW_OK;
}

static void gather(const preconditioner *m, const double *q, double *columns)
{
    for (size_t k = 0; k < m->outputs; k++)
        for (size_t j = 0; j < m->p; j++) columns[k * m->p + j] = m->scale[j] * q[j * m->outputs + k];
}

static void scatter(const preconditioner *m, const double *columns, double *q)
{
    for (size_t k = 0; k < m->outputs; k++)
        for (size_t j = 0; j < m->p; j++) q[j * m->outputs + k] = m->scale[j] * columns[k * m->p + j];
}

/* q = P^-1 q, and so with y, or NULL, in the same sweeps over the factor. */
static void apply_first_matrix(const preconditioner *m, double *q, double *y)
{
    const size_t n = m->p * m->outputs;
    gather(m, q, m->columns);
    if (y) gather(m, y, m->columns + n);
    tw_cholesky_solve_many(m->p, m->stride, m->factor, (y ? 2 : 1) * m->outputs, m->columns);
    scatter(m, m->columns, q);
    if (y) scatter(m, m->columns + n, y);
}

/* ---- the two loops ---- */

static void two_loops(const history *h, const preconditioner *m, double *q, double *scratch)
{
    const size_t n = h->n, held = (size_t)*h->held, last = slot(h, 0) * n;
    for (size_t i = 0; i < held; i++) {
        const size_t at = slot(h, i);
        h->a[at] = h->rho[at] * tw_vec_dot(n, h->s + at * n, q);
        tw_vec_axpy(n, -h->a[at], h->y + at * n, q);
    }
    if (m) {
        memcpy(scratch, h->y + last, n * sizeof *scratch);
        apply_first_matrix(m, q, scratch);
    }
    const double *const py = m ? scratch : h->y + last;
    const double gamma = tw_vec_dot(n, h->s + last, h->y + last) / tw_vec_dot(n, h->y + last, py);
    for (size_t j = 0; j < n; j++) q[j] = gamma * q[j];
    for (size_t i = held; i-- > 0;) {
        const size_t at = slot(h, i);
        const double b = h->rho[at] * tw_vec_dot(n, h->y + at * n, q);
        tw_vec_axpy(n, h->a[at] - b, h->s + at * n, q);
    }
}

/* No longer than 1, so that the first trial of a line search is sane on any scale. */
static void short_gradient(const tw_iterate *it)
{
    const double norm = tw_vec_norm(it->n, it->g), t = norm > 1 ? 1 / norm : 1;
    for (size_t j = 0; j < it->n; j++) it->d[j] = -(t * it->g[j]);
}

static void describe(const tw_optimizer_settings *set, size_t length, char *text)
{
    snprintf(text, length, "%zu%s", set->memory, set->gram ? ", gram" : "");
}

/* ---- l1 > 0 ---- */

/* The face: parameters that are not zero or are about to leave zero. The rest of q becomes zero. */
static void keep_face(const tw_objective *F, const tw_iterate *it, double *q)
{
    const double *const pg = F->scratch;
    for (size_t j = 0; j < F->n_weights; j++)
        if (it->w[j] == 0 && pg[j] == 0) q[j] = 0;
}

/* The two loops with the pairs cut down to the face, where they say what its own part of the Hessian is.
 * Whole pairs mix in parameters that cannot move: the iteration then crawls where features are alike. */
static void two_loops_on_face(const history *h, const tw_objective *F, const tw_iterate *it, double *q,
                              double *y)
{
    const size_t n = h->n, held = (size_t)*h->held;
    double gamma = 0;
    for (size_t i = 0; i < held; i++) {
        const size_t at = slot(h, i);
        const double *const s = h->s + at * n;
        memcpy(y, h->y + at * n, n * sizeof *y);
        keep_face(F, it, y);
        const double sy = tw_vec_dot(n, s, y), yy = tw_vec_dot(n, y, y);
        h->rho[at] = sy > 0x1p-52 * yy ? 1 / sy : 0;
        if (gamma == 0 && h->rho[at] > 0) gamma = sy / yy;
        h->a[at] = h->rho[at] * tw_vec_dot(n, s, q);
        tw_vec_axpy(n, -h->a[at], y, q);
    }
    for (size_t j = 0; j < n; j++) q[j] = (gamma > 0 ? gamma : 1) * q[j];
    for (size_t i = held; i-- > 0;) {
        const size_t at = slot(h, i);
        const double b = h->rho[at] * tw_vec_dot(n, h->y + at * n, q);
        tw_vec_axpy(n, h->a[at] - b, h->s + at * n, q);
        keep_face(F, it, q);
    }
}

/* d = the way to the projection of w + t full onto the orthant; does it keep a tenth of the slope? */
static bool projects(const tw_objective *F, tw_iterate *it, const double *full, double t)
{
    const double *const pg = F->scratch;
    for (size_t j = 0; j < it->n; j++) it->d[j] = t * full[j];
    const double slope = tw_vec_dot(it->n, pg, it->d);
    tw_optimizer_keep_orthant(F, it, pg);
    const double kept = tw_objective_slope(F, it->w, it->g, it->d);
    return kept < 0 && kept <= 0.1 * slope;
}

/* The projection of the quasi-Newton direction, else of a shorter one, else of its part that agrees with -pg
 * in sign. */
static bool orthant_wise(tw_optimizer *o, const tw_objective *F, tw_iterate *it)
{
    const history h = view(o);
    double *const pg = F->scratch, *const full = o->work;
    if (*h.held == 0) return false;
    tw_objective_subgradient(F, it->w, it->g, pg);
    memcpy(it->d, pg, o->n * sizeof *it->d);
    two_loops_on_face(&h, F, it, it->d, full);
    for (size_t j = 0; j < o->n; j++) full[j] = -it->d[j];
    for (double t = 1; t >= SHORTEST; t *= 0.5)
        if (projects(F, it, full, t)) return true;
    for (size_t j = 0; j < F->n_weights; j++)
        if (!(full[j] * pg[j] < 0)) full[j] = 0;
    return projects(F, it, full, 1);
}

static size_t work_len(const tw_optimizer_settings *set, size_t n)
{
    const size_t p = n / (set->outputs ? set->outputs : 1);
    return set->gram ? n + 1 + p + 2 * n + p * rounded(p) : n;
}

static tw_status direction(tw_optimizer *o, tw_objective *F, tw_iterate *it)
{
    history h = view(o);
    const bool l1 = F && F->l1 > 0;
    if (*h.started > 0) learn(&h, it);
    *h.started = 1;
    memcpy(h.w, it->w, o->n * sizeof *h.w);
    memcpy(h.g, it->g, o->n * sizeof *h.g);
    if (l1) {
        if (orthant_wise(o, F, it)) return TW_OK;
        *h.held = 0;
        tw_optimizer_downhill(F, it);
        return TW_OK;
    }
    preconditioner m = {0};
    if (o->set.gram) m = first_matrix(o);
    if (o->set.gram && *m.ready == 0) TW_TRY(make_first_matrix(&m, F));
    if (*h.held > 0) {
        memcpy(it->d, it->g, o->n * sizeof *it->d);
        two_loops(&h, o->set.gram ? &m : NULL, it->d, o->work);
        for (size_t j = 0; j < o->n; j++) it->d[j] = -it->d[j];
        if (tw_vec_dot(o->n, it->g, it->d) < 0) return TW_OK;
        *h.held = 0; /* rounding has spoilt the pairs: forget them */
    }
    if (!o->set.gram) {
        short_gradient(it);
        return TW_OK;
    }
    for (size_t j = 0; j < o->n; j++) it->d[j] = -it->g[j];
    apply_first_matrix(&m, it->d, NULL);
    return TW_OK;
}

const tw_optimizer_ops tw_optimizer_lbfgs = {
    .name = "lbfgs",
    .summary = "limited-memory BFGS, two-loop recursion; with l1 orthant-wise (OWL-QN)",
    .descent = true,
    .natural = true,
    .default_step = "wolfe",
    .l1 = true,
    .state_len = state_len,
    .work_len = work_len,
    .describe = describe,
    .direction = direction,
};
