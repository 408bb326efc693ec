/* Generalised linear models: one margin a row, driven over a block in one pass. The margins and links of a
 * micro-batch of rows are taken, and the gradient is updated while the rows are still in cache. */
#include "thalweg/kernels.h"
#include "thalweg/link.h"

#include <math.h>
#include <string.h>

size_t tw_glm_outputs(const tw_model *model)
{
    (void)model;
    return 1;
}

/* Rows for one micro-batch: their bytes stay in the first cache between the two halves of a pass where 8 rows
 * can; a link is worth calling for many. What is asked for ahead comes in pieces of 16 KiB, in no order. */
enum { MICRO_BYTES = 8192, AHEAD_BYTES = 24576 };

static tw_rows rows_of(const tw_block *b, size_t first)
{
    const size_t row = b->cols * tw_dtype_size(b->type),
                 fit = row > 0 ? MICRO_BYTES / row / 8 * 8 : TW_BLOCK_ROWS;
    const size_t most = fit < TW_MICRO ? TW_MICRO : fit, left = b->rows - first;
    const char *x = (const char *)b->x + first * row;
    return (tw_rows){
        .type = b->type, .rows = most < left ? most : left, .n = b->cols, .x = x, .ahead = x + AHEAD_BYTES};
}

/* The second half of the pass goes on asking where the first has stopped. */
static const void *further(const tw_rows *x)
{
    return (const char *)x->ahead + x->rows * x->n * tw_dtype_size(x->type) / 2;
}

/* Scalars of the micro-batch, in row order; the residuals leave weighted. */
static void add_weighted(const tw_model *m, size_t rows, const double *weight, double *loss, double *r,
                         double *sums)
{
    double *const count = sums + tw_sum_weight(m);
    for (size_t i = 0; i < rows; i++) {
        if (weight[i] == 0) {
            r[i] = loss[i] = 0; /* takes no part, whatever its loss */
        } else {
            r[i] = weight[i] * r[i];
            loss[i] = weight[i] * loss[i];
        }
        *count = *count + weight[i];
    }
}

static void add_rows(const tw_model *m, size_t rows, const double *weight, double *loss, double *r,
                     double *sums)
{
    double residual = sums[tw_sum_residual(m)], total = sums[tw_sum_loss(m)];
    if (weight)
        add_weighted(m, rows, weight, loss, r, sums);
    else
        sums[tw_sum_weight(m)] += (double)rows; /* whole numbers */
    for (size_t i = 0; i < rows; i++) {
        residual = residual + r[i];
        total = total + loss[i];
    }
    sums[tw_sum_residual(m)] = residual;
    sums[tw_sum_loss(m)] = total;
    if (isfinite(total)) return; /* no loss is bad */
    for (size_t i = 0; i < rows; i++) sums[tw_sum_bad(m)] += isfinite(loss[i]) ? 0.0 : 1.0;
}

tw_status tw_glm_loss_grad(const tw_model *m, const tw_block *b, const double *v, double *sums)
{
    const tw_kernels *k = tw_kernels_get();
    double own[TW_BLOCK_ROWS], r[TW_BLOCK_ROWS], loss[TW_BLOCK_ROWS];
    tw_rows x;
    for (size_t i = 0; i < b->rows; i += x.rows) {
        x = rows_of(b, i);
        double *const z = b->z ? b->z + i : own;
        k->margins(&x, v, v[m->features], z);
        m->ops->link->loss(m, x.rows, z, b->y + i, loss, r);
        add_rows(m, x.rows, b->weight ? b->weight + i : NULL, loss, r, sums);
        x.ahead = further(&x);
        k->update(&x, r, sums);
    }
    return TW_OK;
}

tw_status tw_glm_margins(const tw_model *m, const tw_block *b, const double *v, double *z)
{
    const tw_rows x = {.type = b->type, .rows = b->rows, .n = b->cols, .x = b->x, .ahead = b->x};
    tw_kernels_get()->margins(&x, v, v[m->features], z);
    return TW_OK;
}

void tw_glm_predict(const tw_model *m, const double *z, double *p)
{
    p[0] = m->ops->link->response(z[0]);
}

void tw_glm_rates(const tw_model *m, size_t rows, const double *z, const double *y, double *loss, double *r)
{
    m->ops->link->loss(m, rows, z, y, loss, r);
}

void tw_glm_curvatures(const tw_model *m, size_t rows, const double *z, const double *y, double *c)
{
    m->ops->link->curvature(m, rows, z, y, c);
}

tw_status tw_glm_hessian_vector(const tw_model *m, const tw_block *b, const double *v, double *sums)
{
    const tw_kernels *k = tw_kernels_get();
    double q[TW_BLOCK_ROWS], h[TW_BLOCK_ROWS], *const residual = sums + tw_sum_residual(m);
    tw_rows x;
    for (size_t i = 0; i < b->rows; i += x.rows) {
        x = rows_of(b, i);
        k->margins(&x, v, v[m->features], q);
        if (b->z) m->ops->link->curvature(m, x.rows, b->z + i, b->y + i, h);
        for (size_t j = 0; j < x.rows; j++) {
            const double weight = b->weight ? b->weight[i + j] : 1;
            q[j] = weight == 0 ? 0 : weight * ((b->z ? h[j] : 1.0) * q[j]);
            *residual = *residual + q[j];
        }
        x.ahead = further(&x);
        k->update(&x, q, sums);
    }
    return TW_OK;
}
