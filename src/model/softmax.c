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

/* One row: z becomes the residuals p - (k == y), the loss is returned. */
static double row_loss(size_t n, double *z, size_t y)
{
    double most = z[0], sum = 0;
    for (size_t k = 1; k < n; k++) most = z[k] > most ? z[k] : most;
    const double behind = most - z[y];
    for (size_t k = 0; k < n; k++) z[k] = z[k] - most;
    tw_vec_exp(n, z, z);
    for (size_t k = 0; k < n; k++) sum = sum + z[k];
    for (size_t k = 0; k < n; k++) z[k] = z[k] / sum - (k == y ? 1.0 : 0.0);
    return behind + tw_log(sum);
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

static tw_status loss_grad(const tw_model *m, const tw_block *b, const double *v, double *sums)
{
    const tw_kernels *kernels = tw_kernels_get();
    double *g = m->gradient, *z = m->row_z;
    memset(g, 0, m->features * m->packed * sizeof *g);
    for (size_t i = 0; i < b->rows; i += TW_MICRO) {
        const size_t rows = b->rows - i < TW_MICRO ? b->rows - i : TW_MICRO;
        const double *x = tw_model_rows(m, b, i, rows);
        kernels->products(rows, m->features, m->packed, x, m->prepared, z);
        add_offsets(m, rows, v, z);
        for (size_t r = 0; r < rows; r++) {
            double *zr = z + r * m->packed;
            if (b->z) memcpy(b->z + (i + r) * m->outputs, zr, m->outputs * sizeof *zr);
            const double loss = row_loss(m->outputs, zr, (size_t)b->y[i + r]);
            add_row(m, b->weight ? b->weight + i + r : NULL, loss, zr, sums);
        }
        kernels->outer(rows, m->features, m->packed, x, z, g);
    }
    for (size_t j = 0; j < m->features; j++)
        memcpy(sums + j * m->outputs, g + j * m->packed, m->outputs * sizeof *g);
    return TW_OK;
}

static tw_status margins(const tw_model *m, const tw_block *b, const double *v, double *out)
{
    const tw_kernels *kernels = tw_kernels_get();
    double *z = m->row_z;
    for (size_t i = 0; i < b->rows; i += TW_MICRO) {
        const size_t rows = b->rows - i < TW_MICRO ? b->rows - i : TW_MICRO;
        kernels->products(rows, m->features, m->packed, tw_model_rows(m, b, i, rows), m->prepared, z);
        add_offsets(m, rows, v, z);
        for (size_t r = 0; r < rows; r++)
            memcpy(out + (i + r) * m->outputs, z + r * m->packed, m->outputs * sizeof *z);
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
    memcpy(r, z, rows * outputs * sizeof *r);
    for (size_t i = 0; i < rows; i++) loss[i] = row_loss(outputs, r + i * outputs, (size_t)y[i]);
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
    double *g = m->gradient, *q = m->row_z, *const residual = sums + tw_sum_residual(m);
    memset(g, 0, m->features * m->packed * sizeof *g);
    for (size_t i = 0; i < b->rows; i += TW_MICRO) {
        const size_t rows = b->rows - i < TW_MICRO ? b->rows - i : TW_MICRO;
        const double *x = tw_model_rows(m, b, i, rows);
        kernels->products(rows, m->features, m->packed, x, m->prepared, q);
        add_offsets(m, rows, v, q);
        for (size_t r = 0; r < rows; r++) {
            double *const qr = q + r * m->packed;
            row_curvature(m, b->z ? b->z + (i + r) * outputs : NULL, b->weight ? b->weight[i + r] : 1, qr);
            for (size_t k = 0; k < outputs; k++) residual[k] = residual[k] + qr[k];
        }
        kernels->outer(rows, m->features, m->packed, x, q, g);
    }
    for (size_t j = 0; j < m->features; j++)
        memcpy(sums + j * outputs, g + j * m->packed, outputs * sizeof *g);
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
