/* Softmax regression: logsumexp(z) - z_y over K classes, as products of some rows with the parameters. What
 * belongs to these rows and to a class, margins and then slopes, is [K][TW_TOGETHER]. */
#include "thalweg/kernels.h"
#include "thalweg/model.h"
#include "thalweg/vec.h"

#include <math.h>
#include <string.h>

static size_t outputs(const tw_model *m)
{
    return m->classes;
}

static void add_offsets(const tw_model *m, size_t rows, const double *v, double *z)
{
    for (size_t k = 0; k < m->outputs; k++)
        for (size_t i = 0; i < rows; i++)
            z[k * TW_TOGETHER + i] = z[k * TW_TOGETHER + i] + v[m->n_weights + k];
}

/* A row without weight takes no part, whatever its loss. */
static void weigh(const tw_model *m, size_t rows, const double *weight, double *loss, double *r)
{
    for (size_t k = 0; k < m->outputs; k++)
        for (size_t i = 0; i < rows; i++)
            r[k * TW_TOGETHER + i] = weight[i] == 0 ? 0 : weight[i] * r[k * TW_TOGETHER + i];
    for (size_t i = 0; i < rows; i++) loss[i] = weight[i] == 0 ? 0 : weight[i] * loss[i];
}

static void add_residuals(const tw_model *m, size_t rows, const double *r, double *residual)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < m->outputs; k++) residual[k] = residual[k] + r[k * TW_TOGETHER + i];
}

static void add_rows(const tw_model *m, size_t rows, const double *weight, double *loss, double *r,
                     double *sums)
{
    double *const total = sums + tw_sum_loss(m), *const count = sums + tw_sum_weight(m);
    double *const bad = sums + tw_sum_bad(m);
    if (weight) weigh(m, rows, weight, loss, r);
    add_residuals(m, rows, r, sums + tw_sum_residual(m));
    for (size_t i = 0; i < rows; i++) {
        *total = *total + loss[i];
        *count = *count + (weight ? weight[i] : 1.0);
        *bad = *bad + (isfinite(loss[i]) ? 0.0 : 1.0);
    }
}

/* Rows of the block from `first` on. */
static tw_outputs rows_of(const tw_model *m, const tw_block *b, size_t first)
{
    const size_t left = b->rows - first, rows = left < m->micro ? left : m->micro;
    return (tw_outputs){.type = b->type,
                        .rows = rows,
                        .n = m->features,
                        .outputs = m->outputs,
                        .stored = (const char *)b->x + first * b->cols * tw_dtype_size(b->type),
                        .room = m->scratch};
}

/* The rows that come next are asked for, half of them in each half of a pass. */
static void ask(tw_outputs *x, const tw_block *b, size_t first, size_t half)
{
    const size_t row = b->cols * tw_dtype_size(b->type), bytes = x->rows * row / 2;
    x->ahead = (const char *)b->x + (first + x->rows) * row + half * bytes;
    x->ahead_bytes = bytes;
}

static void begin_gradient(const tw_model *m)
{
    memset(m->gradient, 0, m->outputs * tw_whole(m->features) * sizeof *m->gradient);
}

/* The gradient of the block, [K][n], to [n][K]. */
static void leave_gradient(const tw_model *m, double *sums)
{
    tw_kernels_get()->turn(m->outputs, m->features, tw_whole(m->features), m->gradient, sums);
}

static tw_status loss_grad(const tw_model *m, const tw_block *b, const double *v, double *sums)
{
    const tw_kernels *kernels = tw_kernels_get();
    double *const z = m->row_z, loss[TW_TOGETHER];
    tw_outputs x;
    begin_gradient(m);
    for (size_t i = 0; i < b->rows; i += x.rows) {
        x = rows_of(m, b, i);
        ask(&x, b, i, 0);
        kernels->products(&x, v, z);
        add_offsets(m, x.rows, v, z);
        if (b->z) kernels->turn(m->outputs, x.rows, TW_TOGETHER, z, b->z + i * m->outputs);
        kernels->softmax(x.rows, m->outputs, b->y + i, z, loss);
        add_rows(m, x.rows, b->weight ? b->weight + i : NULL, loss, z, sums);
        ask(&x, b, i, 1);
        kernels->outer(&x, z, m->gradient);
    }
    leave_gradient(m, sums);
    return TW_OK;
}

static tw_status margins(const tw_model *m, const tw_block *b, const double *v, double *out)
{
    const tw_kernels *kernels = tw_kernels_get();
    tw_outputs x;
    for (size_t i = 0; i < b->rows; i += x.rows) {
        x = rows_of(m, b, i);
        ask(&x, b, i, 0);
        x.ahead_bytes *= 2;
        kernels->products(&x, v, m->row_z);
        add_offsets(m, x.rows, v, m->row_z);
        kernels->turn(m->outputs, x.rows, TW_TOGETHER, m->row_z, out + i * m->outputs);
    }
    return TW_OK;
}

static void predict(const tw_model *m, const double *z, double *p)
{
    double most = z[0], sum = 0;
    for (size_t k = 1; k < m->outputs; k++) most = z[k] > most ? z[k] : most;
    for (size_t k = 0; k < m->outputs; k++) p[k] = z[k] - most;
    tw_vec_exp(m->outputs, p, p);
    for (size_t k = 0; k < m->outputs; k++) sum = sum + p[k];
    for (size_t k = 0; k < m->outputs; k++) p[k] = p[k] / sum;
}

static void rates(const tw_model *m, size_t rows, const double *z, const double *y, double *loss, double *r)
{
    const size_t outputs = m->outputs;
    for (size_t i = 0, some; i < rows; i += some) {
        some = rows - i < TW_TOGETHER ? rows - i : TW_TOGETHER;
        for (size_t k = 0; k < outputs; k++)
            for (size_t j = 0; j < some; j++) m->row_z[k * TW_TOGETHER + j] = z[(i + j) * outputs + k];
        tw_kernels_get()->softmax(some, outputs, y + i, m->row_z, loss + i);
        tw_kernels_get()->turn(outputs, some, TW_TOGETHER, m->row_z, r + i * outputs);
    }
}

/* q, a change of one row's margins, becomes the change of its residuals p_k (q_k - p.q); without margins it
 * stays. */
static void row_curvature(const tw_model *m, const double *z, double weight, double *q)
{
    double *const p = m->row_p, mean = 0;
    if (z) predict(m, z, p);
    for (size_t k = 0; z && k < m->outputs; k++) mean = fma(p[k], q[k], mean);
    for (size_t k = 0; k < m->outputs; k++) {
        const double change = z ? p[k] * (q[k] - mean) : q[k];
        q[k] = weight == 0 ? 0 : weight * change;
    }
}

static tw_status hessian_vector(const tw_model *m, const tw_block *b, const double *v, double *sums)
{
    const tw_kernels *kernels = tw_kernels_get();
    const size_t outputs = m->outputs;
    double *const q = m->row_z, *const row = m->row_p + outputs;
    tw_outputs x;
    begin_gradient(m);
    for (size_t i = 0; i < b->rows; i += x.rows) {
        x = rows_of(m, b, i);
        ask(&x, b, i, 0);
        kernels->products(&x, v, q);
        add_offsets(m, x.rows, v, q);
        for (size_t r = 0; r < x.rows; r++) {
            for (size_t k = 0; k < outputs; k++) row[k] = q[k * TW_TOGETHER + r];
            row_curvature(m, b->z ? b->z + (i + r) * outputs : NULL, b->weight ? b->weight[i + r] : 1, row);
            for (size_t k = 0; k < outputs; k++) q[k * TW_TOGETHER + r] = row[k];
        }
        add_residuals(m, x.rows, q, sums + tw_sum_residual(m));
        ask(&x, b, i, 1);
        kernels->outer(&x, q, m->gradient);
    }
    leave_gradient(m, sums);
    return TW_OK;
}

/* p_k ((k == l) - p_l). */
static void curvatures(const tw_model *m, size_t rows, const double *z, const double *y, double *c)
{
    double *const p = m->row_p;
    (void)y;
    for (size_t i = 0; i < rows; i++) {
        predict(m, z + i * m->outputs, p);
        for (size_t k = 0, pair = 0; k < m->outputs; k++)
            for (size_t l = 0; l <= k; l++, pair++)
                c[pair * rows + i] = k == l ? p[k] * (1 - p[k]) : -(p[k] * p[l]);
    }
}

const tw_model_ops tw_model_softmax = {
    .name = "softmax",
    .summary = "multinomial logistic regression for two or more classes",
    .target = TW_TARGET_CLASS,
    .outputs = outputs,
    .loss_grad = loss_grad,
    .margins = margins,
    .predict = predict,
    .rates = rates,
    .hessian_vector = hessian_vector,
    .curvatures = curvatures,
    .curvature_max = 0.5,
    .convex = true,
};
