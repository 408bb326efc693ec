/* Softmax regression: logsumexp(z) - z_y over K classes, as products of a micro-batch of rows with the
 * parameters packed to whole vectors of classes. The lanes beyond K hold zeros and are never read. */
#include "thalweg/kernels.h"
#include "thalweg/model.h"
#include "thalweg/vec.h"

#include <math.h>
#include <string.h>

static size_t outputs(const tw_model *m)
{
    return m->classes;
}

static tw_status prepare(const tw_model *m, const double *v)
{
    double *const p = m->prepared;
    for (size_t j = 0; j < m->features; j++)
        memcpy(p + j * m->packed, v + j * m->outputs, m->outputs * sizeof *v);
    return TW_OK;
}

static void add_row(const tw_model *m, const double *weight, double loss, double *r, double *sums)
{
    double *const residual = sums + tw_sum_residual(m), *const total = sums + tw_sum_loss(m);
    double *const count = sums + tw_sum_weight(m), *const bad = sums + tw_sum_bad(m);
    if (weight && *weight == 0) {
        memset(r, 0, m->outputs * sizeof *r); /* takes no part, whatever its loss */
        loss = 0;
    } else if (weight) {
        for (size_t k = 0; k < m->outputs; k++) r[k] = *weight * r[k];
        loss = *weight * loss;
    }
    for (size_t k = 0; k < m->outputs; k++) residual[k] = residual[k] + r[k];
    *total = *total + loss;
    *count = *count + (weight ? *weight : 1.0);
    *bad = *bad + (isfinite(loss) ? 0.0 : 1.0);
}

static void add_offsets(const tw_model *m, size_t rows, const double *v, double *z)
{
    for (size_t i = 0; i < rows; i++)
        for (size_t k = 0; k < m->outputs; k++)
            z[i * m->packed + k] = z[i * m->packed + k] + v[m->n_weights + k];
}

/* Rows of the block from `first` on. */
static tw_outputs rows_of(const tw_model *m, const tw_block *b, size_t first)
{
    const size_t left = b->rows - first, rows = left < m->micro ? left : m->micro;
    return (tw_outputs){.type = b->type,
                        .rows = rows,
                        .n = m->features,
                        .outputs = m->outputs,
                        .kp = m->packed,
                        .stored = (const char *)b->x + first * b->cols * tw_dtype_size(b->type),
                        .x = m->scratch};
}

/* The rows that come next are asked for, half of them in each half of a pass. */
static void ask(tw_outputs *x, const tw_block *b, size_t first, size_t half)
{
    const size_t row = b->cols * tw_dtype_size(b->type), bytes = x->rows * row / 2;
    x->ahead = (const char *)b->x + (first + x->rows) * row + half * bytes;
    x->ahead_bytes = bytes;
}

/* The gradient of the block, [K][n], to [n][K]. */
static void leave_gradient(const tw_model *m, double *sums)
{
    for (size_t j = 0; j < m->features; j++)
        for (size_t k = 0; k < m->outputs; k++) sums[j * m->outputs + k] = m->gradient[k * m->features + j];
}

static tw_status loss_grad(const tw_model *m, const tw_block *b, const double *v, double *sums)
{
    const tw_kernels *kernels = tw_kernels_get();
    double *z = m->row_z, loss[TW_BLOCK_ROWS];
    tw_outputs x;
    memset(m->gradient, 0, m->n_weights * sizeof *m->gradient);
    for (size_t i = 0; i < b->rows; i += x.rows) {
        x = rows_of(m, b, i);
        ask(&x, b, i, 0);
        kernels->products(&x, m->prepared, z);
        add_offsets(m, x.rows, v, z);
        for (size_t r = 0; b->z && r < x.rows; r++)
            memcpy(b->z + (i + r) * m->outputs, z + r * m->packed, m->outputs * sizeof *z);
        kernels->softmax(x.rows, m->outputs, m->packed, b->y + i, z, loss);
        for (size_t r = 0; r < x.rows; r++)
            add_row(m, b->weight ? b->weight + i + r : NULL, loss[r], z + r * m->packed, sums);
        ask(&x, b, i, 1);
        kernels->outer(&x, z, m->gradient);
    }
    leave_gradient(m, sums);
    return TW_OK;
}

static tw_status margins(const tw_model *m, const tw_block *b, const double *v, double *out)
{
    tw_outputs x;
    for (size_t i = 0; i < b->rows; i += x.rows) {
        x = rows_of(m, b, i);
        ask(&x, b, i, 0);
        x.ahead_bytes *= 2;
        tw_kernels_get()->products(&x, m->prepared, m->row_z);
        add_offsets(m, x.rows, v, m->row_z);
        for (size_t r = 0; r < x.rows; r++)
            memcpy(out + (i + r) * m->outputs, m->row_z + r * m->packed, m->outputs * sizeof *out);
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
    memcpy(r, z, rows * m->outputs * sizeof *r);
    tw_kernels_get()->softmax(rows, m->outputs, m->outputs, y, r, loss);
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
    double *q = m->row_z, *const residual = sums + tw_sum_residual(m);
    tw_outputs x;
    memset(m->gradient, 0, m->n_weights * sizeof *m->gradient);
    for (size_t i = 0; i < b->rows; i += x.rows) {
        x = rows_of(m, b, i);
        ask(&x, b, i, 0);
        kernels->products(&x, m->prepared, q);
        add_offsets(m, x.rows, v, q);
        for (size_t r = 0; r < x.rows; r++) {
            double *const qr = q + r * m->packed;
            row_curvature(m, b->z ? b->z + (i + r) * outputs : NULL, b->weight ? b->weight[i + r] : 1, qr);
            for (size_t k = 0; k < outputs; k++) residual[k] = residual[k] + qr[k];
        }
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
    .prepare = prepare,
    .rates = rates,
    .hessian_vector = hessian_vector,
    .curvatures = curvatures,
    .curvature_max = 0.5,
    .convex = true,
};
