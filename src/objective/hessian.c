/* Second derivatives: H d with one read of X, and H itself as weighted Gram matrices of packed blocks. The
 * matrices have a tree of their own, over at most TW_MATRIX_GROUPS runs of groups, each summed in row order.
 */
#include "objective/impl.h"

#include "thalweg/kernels.h"
#include "thalweg/phase.h"
#include "thalweg/vec.h"

#include <stdlib.h>
#include <string.h>

static tw_status add_product(tw_objective *F, tw_worker *worker, const tw_block *shard_block, size_t first,
                             void *context, double *sums)
{
    const bool *identity = context;
    tw_block block = *shard_block;
    if (!*identity) block.z = F->margins + first * F->model->outputs;
    return F->model->ops->hessian_vector(&worker->model, &block, F->raw, sums);
}

static tw_status need_margins(const tw_objective *F)
{
    return F->margins ? TW_OK
                      : tw_fail(TW_INTERNAL, "second derivatives need an objective that keeps its margins");
}

tw_status tw_objective_hessian_vector(tw_objective *F, const double *d, bool identity, double *out)
{
    if (F->parts.function) return tw_function_product(F, d, identity, out);
    if (!identity) TW_TRY(need_margins(F));
    tw_objective_fold(F, d);
    TW_TRY(tw_objective_pass(F, F->reduction, add_product, &identity, F->sums));
    F->reads += 1;
    F->weight = F->full_weight;
    tw_objective_unfold(F, d, out);
    return TW_OK;
}

/* ---- the matrix ---- */

/* Rows of a block that are packed and multiplied at a time: what is packed stays in the second cache. */
enum { MATRIX_ROWS = 128 };

/* Kept by the objective from the first Hessian on: a Newton step allocates nothing. */
typedef struct tw_matrix {
    tw_objective *F;
    size_t dim, stride, pairs; /* features and the constant; rounded up to whole vectors; K (K+1)/2 */
    size_t node;               /* doubles of one pair's matrix [dim][stride]: its lower triangle */
    int64_t every;             /* only every so many blocks of the file; 1: all */
    bool identity;             /* second derivatives are 1 */
    double *room;              /* of all threads; [room_of()] each */
    double *sums;              /* [pairs * node + 1] the root, and its weight */
    tw_partition coarse;
    tw_reduction *reduction;
} matrix;

/* What one thread packs and multiplies. */
typedef struct {
    const tw_model *model;
    double *rows, *scaled; /* a block: [128][stride] features less their mean, the same times a weight */
    double *c;             /* [pairs][128] */
} packed;

static size_t dimension(const tw_objective *F)
{
    return F->model->features + (F->model->intercept ? 1 : 0);
}

static size_t stride_of(size_t dim)
{
    return (dim + TW_LANES - 1) / TW_LANES * TW_LANES;
}

static size_t pairs_of(const tw_objective *F)
{
    return F->model->outputs * (F->model->outputs + 1) / 2;
}

double tw_objective_matrix_bytes(size_t features, size_t outputs, bool intercept, int threads)
{
    const size_t dim = features + (intercept ? 1 : 0), pairs = outputs * (outputs + 1) / 2;
    const double node = (double)pairs * (double)stride_of(dim) * (double)stride_of(dim);
    const double n = (double)dim * (double)outputs;
    double levels = 3;
    for (int g = TW_MATRIX_GROUPS; g > 1; g /= 2) levels++;
    return 8 * (levels * threads * node + 2 * n * n);
}

void tw_matrix_free(tw_matrix *h)
{
    if (!h) return;
    tw_reduction_free(h->reduction);
    tw_partition_release(&h->coarse);
    free(h->sums);
    free(h->room);
    free(h);
}

/* Whole cache lines. */
static size_t room_of(const matrix *h)
{
    return (2 * h->stride + (h->pairs + TW_LANES - 1) / TW_LANES * TW_LANES) * MATRIX_ROWS;
}

static packed packed_of(const matrix *h, int thread)
{
    double *const rows = h->room + (size_t)thread * room_of(h), *const scaled =
                                                                    rows + h->stride * MATRIX_ROWS;
    return (packed){.model = &h->F->workers[thread].model,
                    .rows = rows,
                    .scaled = scaled,
                    .c = scaled + h->stride * MATRIX_ROWS};
}

static tw_status matrix_init(matrix *h, tw_objective *F, size_t pairs)
{
    const int size = tw_comm_size(F->comm);
    const int64_t groups = F->partition->groups < TW_MATRIX_GROUPS ? F->partition->groups : TW_MATRIX_GROUPS;
    *h = (matrix){.F = F, .dim = dimension(F), .pairs = pairs, .every = 1};
    h->stride = stride_of(h->dim);
    h->node = h->dim * h->stride;
    const size_t room = (size_t)F->threads * room_of(h);
    TW_TRY(tw_partition_init(&h->coarse, F->partition->rows, groups, size));
    const int64_t run = F->partition->groups / groups;
    for (int r = 0; r <= size; r++) {
        h->coarse.start[r] = F->partition->start[r] / run;
        if (F->partition->start[r] % run != 0)
            return tw_fail(TW_INTERNAL,
                           "sums of matrices need a partition that tw_partition_align has aligned");
    }
    const tw_reduction_plan plan = {
        .mode = F->parts.mode, .merge = &tw_merge_sum, .n = h->pairs * h->node + 1, .threads = F->threads};
    TW_TRY(tw_reduction_new(&h->reduction, F->comm, &h->coarse, &plan));
    h->room = aligned_alloc(64, room * sizeof *h->room);
    h->sums = calloc(plan.n, sizeof *h->sums);
    if (!h->room || !h->sums) return tw_fail(TW_MEMORY, "out of memory for a matrix of %zu features", h->dim);
    memset(h->room, 0, room * sizeof *h->room);
    return TW_OK;
}

/* The matrix is there on every rank, or on none. Collective. */
static tw_status matrix_new(matrix **out, tw_objective *F, size_t pairs)
{
    matrix *h = calloc(1, sizeof *h);
    tw_status status = h ? matrix_init(h, F, pairs) : tw_fail(TW_MEMORY, "out of memory for a matrix");
    status = tw_comm_agree(F->comm, status);
    if (status) tw_matrix_free(h);
    *out = status ? NULL : h;
    return status;
}

static void pack(const matrix *h, const tw_block *block, const packed *t)
{
    const tw_model *m = t->model;
    const tw_kernels *k = tw_kernels_get();
    const double *mean = h->F->scaling->kind == TW_SCALING_NONE ? NULL : h->F->scaling->mean;
    const size_t row = m->features * tw_dtype_size(block->type);
    for (size_t i = 0; i < block->rows; i++) {
        double *const to = t->rows + i * h->stride;
        k->widen(block->type, m->features, (const char *)block->x + i * row, to);
        if (mean) k->axpy(m->features, -1, mean, to); /* rounds as the difference does */
        if (m->intercept) to[m->features] = 1;
    }
}

/* Columns times the second derivative of pair p and the row's weight; the rows themselves when all are 1. */
static const double *scale_rows(const matrix *h, const tw_block *block, size_t p, const packed *t)
{
    const double *const c = t->c + p * block->rows;
    bool ones = true;
    for (size_t i = 0; i < block->rows && ones; i++)
        ones = c[i] == 1 && (!block->weight || block->weight[i] == 1);
    if (ones) return t->rows;
    for (size_t i = 0; i < block->rows; i++) {
        const double weight = block->weight ? block->weight[i] : 1;
        tw_kernels_get()->scale(h->stride, weight == 0 ? 0 : weight * c[i], t->rows + i * h->stride,
                                t->scaled + i * h->stride);
    }
    return t->scaled;
}

static void add_rows(const matrix *h, const tw_block *block, size_t first, const packed *t, double *sums)
{
    const tw_objective *F = h->F;
    const size_t bytes = block->rows * block->cols * tw_dtype_size(block->type);
    double *const total = sums + h->pairs * h->node;
    for (size_t i = 0; i < block->rows; i++) {
        t->c[i] = 1;
        *total = *total + (block->weight ? block->weight[i] : 1.0);
    }
    if (!h->identity)
        t->model->ops->curvatures(t->model, block->rows, F->margins + first * F->model->outputs, block->y,
                                  t->c);
    pack(h, block, t);
    for (size_t p = 0; p < h->pairs; p++)
        tw_kernels_get()->product(&(tw_product){.rows = block->rows,
                                                .m = h->dim,
                                                .n = h->dim,
                                                .np = h->stride,
                                                .ldc = h->stride,
                                                .a = scale_rows(h, block, p, t),
                                                .b = t->rows,
                                                .c = sums + p * h->node,
                                                .part = TW_LOWER,
                                                .ahead = (const char *)block->x + bytes,
                                                .ahead_bytes = p == 0 ? bytes : 0});
}

static void add_block(const matrix *h, size_t row, size_t rows, const packed *t, double *sums)
{
    const tw_objective *F = h->F;
    for (size_t end = row + rows; row < end; row += MATRIX_ROWS) {
        tw_block block = tw_shard_block(F->shard, row, end - row < MATRIX_ROWS ? end - row : MATRIX_ROWS);
        if (F->parts.row_weight) block.weight = F->parts.row_weight + row;
        add_rows(h, &block, row, t, sums);
    }
}

/* One run of groups: one matrix, its blocks in row order. */
static tw_status add_run(void *context, int thread, int64_t run, tw_branch *branch)
{
    const matrix *h = context;
    const tw_objective *F = h->F;
    const packed t = packed_of(h, thread);
    const int64_t end = tw_partition_row(&h->coarse, run + 1);
    int64_t row = tw_partition_row(&h->coarse, run);
    if (row == end) return TW_OK;
    double *const sums = tw_branch_block(branch);
    for (int64_t stop; row < end; row = stop) {
        stop = row + TW_BLOCK_ROWS < end ? row + TW_BLOCK_ROWS : end;
        if (row / TW_BLOCK_ROWS % h->every != 0) continue;
        if (thread == 0) tw_phase_tick();
        add_block(h, (size_t)(row - F->shard->first), (size_t)(stop - row), &t, sums);
    }
    tw_branch_push(branch);
    return TW_OK;
}

/* The root's pair (k, l) to rows and columns j*K + k, over the scales, divided by W; l2 on the penalised
 * diagonal. */
static void assemble(const matrix *h, const double *sums, double *out)
{
    const tw_objective *F = h->F;
    const size_t outputs = F->model->outputs, n = F->n;
    const double *scale = F->scaling->kind == TW_SCALING_NONE ? NULL : F->scaling->scale;
    for (size_t k = 0, p = 0; k < outputs; k++)
        for (size_t l = 0; l <= k; l++, p++)
            for (size_t i = 0; i < h->dim; i++)
                for (size_t j = 0; j <= i; j++) {
                    double v = sums[p * h->node + i * h->stride + j];
                    if (scale && i < F->model->features) v = v / scale[i];
                    if (scale && j < F->model->features) v = v / scale[j];
                    v = v / F->full_weight;
                    const size_t ik = i * outputs + k, il = i * outputs + l, jk = j * outputs + k,
                                 jl = j * outputs + l;
                    out[ik * n + jl] = out[jl * n + ik] = v;
                    out[il * n + jk] = out[jk * n + il] = v;
                }
    for (size_t j = 0; j < F->n_weights; j++) out[j * n + j] = out[j * n + j] + F->l2;
}

/* The matrix of the rows at the root. Collective, whatever has happened before on this rank. */
static tw_status sum_matrix(matrix *h)
{
    tw_objective *F = h->F;
    tw_status local = F->pending;
    if (local == TW_OK) local = tw_reduction_sweep(h->reduction, add_run, h);
    F->reads += 1 / (double)h->every;
    return tw_objective_exchange(F, h->reduction, local, h->sums);
}

tw_status tw_objective_hessian(tw_objective *F, double *out)
{
    if (F->parts.function) return tw_function_hessian(F, out);
    TW_TRY(need_margins(F));
    if (!F->matrix) TW_TRY(matrix_new(&F->matrix, F, pairs_of(F)));
    F->matrix->F = F; /* which may have been moved */
    TW_TRY(sum_matrix(F->matrix));
    assemble(F->matrix, F->matrix->sums, out);
    return TW_OK;
}

int64_t tw_objective_gram_every(const tw_objective *F)
{
    const int64_t rows = TW_GRAM_ROWS * (int64_t)dimension(F),
                  least = TW_GRAM_BLOCKS * (int64_t)TW_BLOCK_ROWS;
    const int64_t every = F->partition->rows / (rows > least ? rows : least);
    return every > 1 ? every : 1;
}

tw_status tw_objective_gram(tw_objective *F, int64_t every, double *out)
{
    if (F->parts.function) return tw_fail(TW_INTERNAL, "a function without rows has no Gram matrix");
    matrix *h;
    const double *scale = F->scaling->kind == TW_SCALING_NONE ? NULL : F->scaling->scale;
    TW_TRY(matrix_new(&h, F, 1)); /* not kept: a run needs it once */
    h->identity = true;
    h->every = every;
    const tw_status status = sum_matrix(h);
    for (size_t i = 0; status == TW_OK && i < h->dim; i++)
        for (size_t j = 0; j <= i; j++) {
            double v = h->sums[i * h->stride + j] / h->sums[h->node];
            if (scale && i < F->model->features) v = v / scale[i];
            if (scale && j < F->model->features) v = v / scale[j];
            out[i * h->stride + j] = v;
        }
    tw_matrix_free(h);
    return status;
}
