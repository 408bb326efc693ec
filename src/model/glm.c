/* Generalised linear models: one margin a row, driven over a block in one pass. A micro-batch of rows is
 * converted, its margins and links are taken, and the gradient is updated while the rows are still in cache.
 */
#include "thalweg/kernels.h"
#include "thalweg/link.h"

#include <math.h>
#include <string.h>

size_t tw_glm_outputs(const tw_model *model)
{
    (void)model;
    return 1;
}

/* Scalars of the micro-batch, in row order; the residuals leave weighted. */
static void add_rows(const tw_model *m, size_t rows, const double *weight, const double *loss, double *r,
                     double *sums)
{
    double *const residual = sums + tw_sum_residual(m), *const total = sums + tw_sum_loss(m);
    double *const count = sums + tw_sum_weight(m), *const bad = sums + tw_sum_bad(m);
    for (size_t i = 0; i < rows; i++) {
        double l = loss[i];
        if (weight && weight[i] == 0) {
            r[i] = l = 0; /* takes no part, whatever its loss */
        } else if (weight) {
            r[i] = weight[i] * r[i];
            l = weight[i] * l;
        }
        *residual = *residual + r[i];
        *total = *total + l;
        *count = *count + (weight ? weight[i] : 1.0);
        *bad = *bad + (isfinite(l) ? 0.0 : 1.0);
    }
}

tw_status tw_glm_loss_grad(const tw_model *m, const tw_block *b, const double *v, double *sums)
{
    const tw_kernels *k = tw_kernels_get();
    const double offset = v[m->features];
    double z[TW_MICRO], r[TW_MICRO], loss[TW_MICRO];
    for (size_t i = 0; i < b->rows; i += TW_MICRO) {
        const size_t rows = b->rows - i < TW_MICRO ? b->rows - i : TW_MICRO;
        const double *x = tw_model_rows(m, b, i, rows);
        k->margins(rows, m->features, x, v, z);
        for (size_t j = 0; j < rows; j++) z[j] = z[j] + offset;
        if (b->z) memcpy(b->z + i, z, rows * sizeof *z);
        m->ops->link->loss(m, rows, z, b->y + i, loss, r);
        add_rows(m, rows, b->weight ? b->weight + i : NULL, loss, r, sums);
        k->update(rows, m->features, x, r, sums);
    }
    return TW_OK;
}

tw_status tw_glm_margins(const tw_model *m, const tw_block *b, const double *v, double *z)
{
    const tw_kernels *k = tw_kernels_get();
    for (size_t i = 0; i < b->rows; i += TW_MICRO) {
        const size_t rows = b->rows - i < TW_MICRO ? b->rows - i : TW_MICRO;
        k->margins(rows, m->features, tw_model_rows(m, b, i, rows), v, z + i);
        for (size_t j = 0; j < rows; j++) z[i + j] = z[i + j] + v[m->features];
    }
    return TW_OK;
}

void tw_glm_predict(const tw_model *m, const double *z, double *p)
{
    p[0] = m->ops->link->response(z[0]);
}

void tw_glm_rates(const tw_model *m, size_t rows, const double *z, const double *y, double *loss, double *r)
{
    for (size_t i = 0; i < rows; i += TW_MICRO)
        m->ops->link->loss(m, rows - i < TW_MICRO ? rows - i : TW_MICRO, z + i, y + i, loss + i, r + i);
}

void tw_glm_curvatures(const tw_model *m, size_t rows, const double *z, const double *y, double *c)
{
    m->ops->link->curvature(m, rows, z, y, c);
}

tw_status tw_glm_hessian_vector(const tw_model *m, const tw_block *b, const double *v, double *sums)
{
    const tw_kernels *k = tw_kernels_get();
    double q[TW_MICRO], h[TW_MICRO] = {1, 1, 1, 1, 1, 1, 1, 1};
    for (size_t i = 0; i < b->rows; i += TW_MICRO) {
        const size_t rows = b->rows - i < TW_MICRO ? b->rows - i : TW_MICRO;
        const double *x = tw_model_rows(m, b, i, rows);
        k->margins(rows, m->features, x, v, q);
        if (b->z) m->ops->link->curvature(m, rows, b->z + i, b->y + i, h);
        for (size_t j = 0; j < rows; j++) {
            const double weight = b->weight ? b->weight[i + j] : 1;
            q[j] = weight == 0 ? 0 : weight * (h[j] * (q[j] + v[m->features]));
            sums[tw_sum_residual(m)] = sums[tw_sum_residual(m)] + q[j];
        }
        k->update(rows, m->features, x, q, sums);
    }
    return TW_OK;
}
