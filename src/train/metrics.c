#include "thalweg/metrics.h"

#include "thalweg/interrupt.h"
#include "thalweg/link.h"
#include "thalweg/reduction.h"
#include "thalweg/threads.h"
#include "train/metrics_impl.h"

#include <stdlib.h>

static tw_status sum_group(void *context, int thread, int64_t k, tw_branch *branch)
{
    tw_pass *const p = context;
    const tw_partition *const parts = p->in->partition;
    const int64_t end = tw_partition_row(parts, k + 1), first = p->in->shard->first;
    for (int64_t row = tw_partition_row(parts, k); row < end; row += TW_BLOCK_ROWS) {
        if (thread == 0) TW_TRY(tw_interrupt_check("evaluating the model"));
        const int64_t rows = end - row < TW_BLOCK_ROWS ? end - row : TW_BLOCK_ROWS;
        TW_TRY(p->block(p, thread, (size_t)(row - first), (size_t)rows, tw_branch_block(branch)));
        tw_branch_push(branch);
    }
    return TW_OK;
}

/* Sums over all rows, through the tree. Collective. */
static tw_status sum_rows(tw_pass *p, size_t n, double *sums)
{
    const tw_reduction_plan plan = {
        .mode = TW_REPRODUCIBLE, .merge = &tw_merge_sum, .n = n, .threads = p->threads};
    TW_TRY(tw_reduction_once(p->in->comm, p->in->partition, &plan, sum_group, p, sums));
    return tw_reduction_counts(2, (const double[]){sums[SUM_ROWS], sums[SUM_WEIGHT]});
}

/* ---- a block ---- */

static size_t scratch_size(const tw_model *m)
{
    return (2 * m->outputs + 1) * TW_BLOCK_ROWS;
}

/* [rows][outputs]; behind them in the scratch there is room for as many residuals, and the losses. */
static tw_status margins(tw_pass *p, int thread, const tw_block *block, size_t begin, const double **z)
{
    const tw_model *const m = &p->models[thread];
    double *const scratch = p->scratch + (size_t)thread * scratch_size(m);
    *z = p->in->margins ? p->in->margins + begin * m->outputs : scratch;
    return p->in->margins ? TW_OK : m->ops->margins(m, block, p->in->raw, scratch);
}

static size_t predicted_class(const tw_model *m, const double *z)
{
    size_t best = 0;
    if (m->outputs == 1) return z[0] > 0;
    for (size_t k = 1; k < m->outputs; k++)
        if (z[k] > z[best]) best = k;
    return best;
}

/* Scores of class 1 of two, and how many are not numbers. */
static void take_scores(tw_pass *p, const double *z, size_t begin, size_t rows, double *sums)
{
    const size_t outputs = p->in->model->outputs;
    const double *const weight = p->in->shard->weight;
    uint64_t *const keys = p->keys + begin;
    uint64_t unordered = 0;
    for (size_t i = 0; i < rows; i++) {
        const double score = outputs == 2 ? z[2 * i + 1] - z[2 * i] : z[i];
        keys[i] = tw_score_key(score);
        unordered += isnan(score) && !(weight && weight[begin + i] == 0);
    }
    sums[SUM_UNORDERED] = (double)unordered;
}

/* One margin a row and no weights: counts that need no branch. */
static void count_signs(const double *z, const tw_block *block, tw_u128 one, tw_u128 *cells)
{
    uint64_t truth = 0, predicted = 0, both = 0;
    for (size_t i = 0; i < block->rows; i++) {
        const uint64_t positive = z[i] > 0, truly = block->y[i] > 0;
        truth += truly;
        predicted += positive;
        both += positive & truly;
    }
    cells[0] += one * (block->rows + both - truth - predicted);
    cells[1] += one * (predicted - both);
    cells[2] += one * (truth - both);
    cells[3] += one * both;
}

static void count_rows(const tw_pass *p, const double *z, const tw_block *block, tw_u128 *cells)
{
    const tw_model *const m = p->in->model;
    if (m->outputs == 1 && !block->weight) {
        count_signs(z, block, p->one, cells);
        return;
    }
    for (size_t i = 0; i < block->rows; i++)
        cells[(size_t)block->y[i] * m->classes + predicted_class(m, z + i * m->outputs)] +=
            tw_pass_units(p, block->weight, i);
}

static void add_weights(const tw_block *block, double *sums)
{
    if (!block->weight) {
        sums[SUM_ROWS] = sums[SUM_WEIGHT] = (double)block->rows;
        return;
    }
    for (size_t i = 0; i < block->rows; i++) {
        sums[SUM_ROWS] += block->weight[i] > 0 ? 1 : 0;
        sums[SUM_WEIGHT] += block->weight[i];
    }
}

/* residual: p - y; of two classes the last is that of class 1. */
static void add_losses(const tw_model *m, const tw_block *block, const double *loss, const double *residual,
                       double *sums)
{
    double total = 0, brier = 0;
    for (size_t i = 0; i < block->rows; i++) {
        const double weight = block->weight ? block->weight[i] : 1, r = residual[(i + 1) * m->outputs - 1];
        if (weight == 0) continue; /* takes no part, whatever its loss */
        total += weight * loss[i];
        brier += weight * (r * r);
    }
    sums[SUM_LOSS] = total;
    sums[SUM_BRIER] = brier;
}

static tw_status class_block(tw_pass *p, int thread, size_t begin, size_t rows, double *sums)
{
    const tw_model *const m = &p->models[thread];
    const tw_block block = tw_shard_block(p->in->shard, begin, rows);
    double *const residual = p->scratch + (size_t)thread * scratch_size(m) + m->outputs * TW_BLOCK_ROWS,
                  *const loss = residual + m->outputs * TW_BLOCK_ROWS;
    const double *z;
    TW_TRY(margins(p, thread, &block, begin, &z));
    add_weights(&block, sums);
    if (p->keys) take_scores(p, z, begin, rows, sums);
    count_rows(p, z, &block, p->cells + (size_t)thread * m->classes * m->classes);
    if (!tw_model_has_probabilities(m)) return TW_OK;
    m->ops->rates(m, rows, z, block.y, loss, residual);
    add_losses(m, &block, loss, residual, sums);
    return TW_OK;
}

static tw_status number_block(tw_pass *p, int thread, size_t begin, size_t rows, double *sums)
{
    const tw_model *const m = &p->models[thread];
    const tw_block block = tw_shard_block(p->in->shard, begin, rows);
    const double *z;
    TW_TRY(margins(p, thread, &block, begin, &z));
    const bool deviance = m->ops->link && m->ops->link->deviance;
    for (size_t i = 0; i < rows; i++) {
        double guess;
        const double weight = block.weight ? block.weight[i] : 1, y = block.y[i];
        if (weight == 0) continue;
        m->ops->predict(m, z + i, &guess);
        const double error = guess - y;
        sums[SUM_ROWS] += 1;
        sums[SUM_WEIGHT] += weight;
        sums[SUM_Y] += weight * y;
        sums[SUM_LOSS] += weight * error * error;
        sums[SUM_ABSOLUTE] += weight * fabs(error);
        if (deviance) sums[SUM_DEVIANCE] += weight * m->ops->link->deviance(z[i], y);
    }
    return TW_OK;
}

/* Of the labels around their mean. */
static tw_status spread_block(tw_pass *p, int thread, size_t begin, size_t rows, double *sums)
{
    const tw_block block = tw_shard_block(p->in->shard, begin, rows);
    (void)thread;
    for (size_t i = 0; i < rows; i++) {
        const double weight = block.weight ? block.weight[i] : 1, far = block.y[i] - p->mean;
        sums[SUM_ROWS] += 1;
        sums[SUM_LOSS] += weight * far * far;
    }
    return TW_OK;
}

/* ---- all rows ---- */

static tw_status allocate(tw_pass *p)
{
    const tw_model *const m = p->in->model;
    const size_t threads = (size_t)p->threads, cells = m->classes * m->classes;
    p->models = calloc(threads, sizeof *p->models);
    p->scratch = malloc(threads * scratch_size(m) * sizeof *p->scratch);
    p->cells = calloc(threads * cells + 1, sizeof *p->cells);
    if (m->classes == 2) p->keys = malloc((p->in->shard->rows + 1) * sizeof *p->keys);
    if (!p->models || !p->scratch || !p->cells || (m->classes == 2 && !p->keys))
        return tw_fail(TW_MEMORY, "out of memory for the metrics of %zu rows and %zu classes",
                       p->in->shard->rows, m->classes);
    for (size_t t = 0; t < threads; t++) TW_TRY(tw_model_share(&p->models[t], m));
    return TW_OK;
}

static void release(tw_pass *p)
{
    for (int t = 0; p->models && t < p->threads; t++)
        if (p->models[t].ops) tw_model_release(&p->models[t]);
    free(p->models);
    free(p->scratch);
    free(p->cells);
    free(p->keys);
}

/* The unit of weights; a rank may have none where others have. Collective. */
static tw_status choose_unit(tw_pass *p)
{
    const tw_shard *const s = p->in->shard;
    double largest[2] = {s->weight ? 0 : 1, s->weight != NULL};
    for (size_t i = 0; s->weight && i < s->rows; i++)
        if (s->weight[i] > largest[0]) largest[0] = s->weight[i];
    TW_TRY(tw_comm_allreduce(p->in->comm, TW_MAX, 2, largest));
    if (largest[1] > 0 && largest[0] > 0) p->shift = tw_exact_shift(largest[0], p->in->partition->rows);
    p->one = tw_exact_units(1, p->shift);
    return TW_OK;
}

static tw_status classification(tw_metrics *t, tw_pass *p)
{
    double sums[N_CLASS_SUMS];
    tw_comm *const comm = p->in->comm;
    const size_t cells = t->classes * t->classes;
    t->confusion = calloc(cells, sizeof *t->confusion);
    t->each = calloc(t->classes, sizeof *t->each);
    TW_TRY(tw_comm_agree(comm, t->confusion && t->each
                                   ? TW_OK
                                   : tw_fail(TW_MEMORY, "out of memory for %zu classes", t->classes)));
    p->block = class_block;
    TW_TRY(sum_rows(p, N_CLASS_SUMS, sums));
    for (size_t i = cells; i < cells * (size_t)p->threads; i++) p->cells[i % cells] += p->cells[i];
    TW_TRY(tw_exact_sum(comm, cells, p->cells));
    if (!(sums[SUM_WEIGHT] > 0)) return TW_OK;
    t->rows = sums[SUM_ROWS];
    tw_metrics_summarise(t, p->cells, p->shift);
    if (tw_model_has_probabilities(p->in->model)) {
        t->log_loss = sums[SUM_LOSS] / sums[SUM_WEIGHT];
        if (t->classes == 2) t->brier = sums[SUM_BRIER] / sums[SUM_WEIGHT];
    }
    if (!p->keys || sums[SUM_UNORDERED] > 0) return TW_OK;
    return tw_metrics_auc(&t->roc_auc, p, p->cells[0] + p->cells[1], p->cells[2] + p->cells[3]);
}

static tw_status regression(tw_metrics *t, tw_pass *p)
{
    double sums[N_SUMS], spread[N_SUMS];
    const tw_link *const link = p->in->model->ops->link;
    p->block = number_block;
    TW_TRY(sum_rows(p, N_SUMS, sums));
    t->rows = sums[SUM_ROWS];
    t->weight = sums[SUM_WEIGHT];
    p->mean = sums[SUM_Y] / t->weight;
    p->block = spread_block;
    TW_TRY(sum_rows(p, N_SUMS, spread));
    t->rmse = sqrt(sums[SUM_LOSS] / t->weight);
    t->mae = sums[SUM_ABSOLUTE] / t->weight;
    if (link && link->deviance) t->deviance = sums[SUM_DEVIANCE] / t->weight;
    t->r2 = spread[SUM_LOSS] > 0 ? 1 - sums[SUM_LOSS] / spread[SUM_LOSS] : sums[SUM_LOSS] == 0;
    return TW_OK;
}

tw_status tw_metrics_compute(tw_metrics *t, const tw_metrics_input *in)
{
    *t = (tw_metrics){.classes = in->model->classes,
                      .accuracy = NAN,
                      .log_loss = NAN,
                      .balanced_accuracy = NAN,
                      .f1_macro = NAN,
                      .f1_weighted = NAN,
                      .roc_auc = NAN,
                      .brier = NAN,
                      .r2 = NAN,
                      .rmse = NAN,
                      .mae = NAN,
                      .deviance = NAN};
    tw_pass p = {.in = in, .threads = in->threads > 1 ? in->threads : 1};
    tw_status status = tw_comm_agree(in->comm, allocate(&p));
    if (status == TW_OK) status = choose_unit(&p);
    if (status == TW_OK) status = t->classes ? classification(t, &p) : regression(t, &p);
    release(&p);
    TW_TRY(status);
    return t->weight > 0 ? TW_OK : tw_fail(TW_DATA, "the weights of all rows sum to zero");
}

void tw_metrics_release(tw_metrics *t)
{
    free(t->confusion);
    free(t->each);
    *t = (tw_metrics){0};
}
