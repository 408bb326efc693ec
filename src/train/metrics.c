#include "thalweg/metrics.h"

#include "thalweg/interrupt.h"
#include "thalweg/link.h"
#include "thalweg/phase.h"
#include "thalweg/reduction.h"
#include "thalweg/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a row adds to the sums. */
typedef void row_terms(const tw_model *model, const double *z, double y, double weight, void *context,
                       double *sums);

enum { SUM_ROWS, SUM_WEIGHT, SUM_LOSS, SUM_Y, SUM_ABSOLUTE, SUM_SPREAD, SUM_DEVIANCE, N_SUMS };

typedef struct {
    const tw_partition *p;
    const tw_model *m;
    const tw_shard *s;
    const double *z;
    row_terms *terms;
    void *context;
} summing;

static tw_status sum_group(void *context, int thread, int64_t k, tw_branch *branch)
{
    const summing *t = context;
    const int64_t end = tw_partition_row(t->p, k + 1);
    for (int64_t row = tw_partition_row(t->p, k); row < end; row += TW_BLOCK_ROWS) {
        if (thread == 0) TW_TRY(tw_interrupt_check("evaluating the model"));
        double *v = tw_branch_block(branch);
        const int64_t stop = row + TW_BLOCK_ROWS < end ? row + TW_BLOCK_ROWS : end;
        for (int64_t r = row; r < stop; r++) {
            const size_t i = (size_t)(r - t->s->first);
            t->terms(t->m, t->z + i * t->m->outputs, t->s->y[i], t->s->weight ? t->s->weight[i] : 1,
                     t->context, v);
        }
        tw_branch_push(branch);
    }
    return TW_OK;
}

/* Sums of terms over all rows, through the tree. Collective. */
static tw_status sum_rows(tw_comm *comm, const tw_partition *p, const tw_model *m, const tw_shard *s,
                          const double *z, row_terms *terms, void *context, double sums[N_SUMS])
{
    tw_reduction *reduction;
    double flags[TW_N_FLAGS] = {0};
    const tw_reduction_plan plan = {.mode = TW_REPRODUCIBLE, .merge = &tw_merge_sum, .n = N_SUMS};
    tw_status status = tw_comm_agree(comm, tw_reduction_new(&reduction, comm, p, &plan));
    if (status != TW_OK) tw_reduction_free(reduction);
    TW_TRY(status);
    summing t = {p, m, s, z, terms, context};
    status = tw_reduction_sweep(reduction, sum_group, &t);
    flags[TW_FLAG_FAILED] = status != TW_OK;
    const tw_status exchanged = tw_reduction_finish(reduction, flags, sums);
    tw_reduction_free(reduction);
    TW_TRY(exchanged);
    if (flags[TW_FLAG_FAILED] > 0) return tw_comm_agree(comm, status);
    if (isnan(sums[SUM_ROWS]) || isnan(sums[SUM_WEIGHT]))
        return tw_fail(TW_INTERNAL,
                       "a sum over the ranks is NaN although it counts rows or weights, so a memory, a "
                       "processor or the network is at fault; run the same command again");
    return TW_OK;
}

static size_t predicted_class(const tw_model *m, const double *z)
{
    size_t best = 0;
    if (m->outputs == 1) return z[0] > 0;
    for (size_t k = 1; k < m->outputs; k++)
        if (z[k] > z[best]) best = k;
    return best;
}

/* -log p of the true class from the margins, in the model's stable form. */
static double row_log_loss(const tw_model *m, const double *z, size_t y)
{
    if (m->outputs == 1) return ((z[0] > 0 ? z[0] : 0) - (y ? z[0] : 0)) + tw_log1p(tw_exp(-fabs(z[0])));
    double sum = 0;
    const double most = z[predicted_class(m, z)];
    for (size_t k = 0; k < m->outputs; k++) sum += tw_exp(z[k] - most);
    return (most - z[y]) + tw_log(sum);
}

static void class_terms(const tw_model *m, const double *z, double y, double weight, void *context,
                        double *sums)
{
    double *confusion = context;
    const size_t truth = (size_t)y;
    confusion[truth * m->classes + predicted_class(m, z)] += weight;
    sums[SUM_ROWS] += 1;
    sums[SUM_WEIGHT] += weight;
    sums[SUM_LOSS] += weight * row_log_loss(m, z, truth);
}

static void number_terms(const tw_model *m, const double *z, double y, double weight, void *context,
                         double *sums)
{
    double p;
    (void)context;
    m->ops->predict(m, z, &p);
    sums[SUM_ROWS] += 1;
    sums[SUM_WEIGHT] += weight;
    sums[SUM_Y] += weight * y;
    sums[SUM_LOSS] += weight * (p - y) * (p - y);
    sums[SUM_ABSOLUTE] += weight * fabs(p - y);
    if (m->ops->link && m->ops->link->deviance)
        sums[SUM_DEVIANCE] += weight * m->ops->link->deviance(z[0], y);
}

static void spread_terms(const tw_model *m, const double *z, double y, double weight, void *context,
                         double *sums)
{
    const double *mean = context;
    (void)m;
    (void)z;
    sums[SUM_SPREAD] += weight * (y - *mean) * (y - *mean);
}

static int by_score(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    tw_phase_tick(); /* a billion scores take minutes */
    return (x > y) - (x < y);
}

double tw_metrics_auc(size_t n, double (*rows)[3])
{
    double positive = 0, negative = 0, area = 0;
    qsort(rows, n, sizeof *rows, by_score);
    for (size_t i = 0, j; i < n; i = j) {
        double tied_positive = 0, tied_negative = 0;
        for (j = i; j < n && rows[j][0] == rows[i][0]; j++)
            *(rows[j][1] > 0 ? &tied_positive : &tied_negative) += rows[j][2];
        area += tied_positive * (negative + 0.5 * tied_negative);
        positive += tied_positive;
        negative += tied_negative;
    }
    return area / (positive * negative); /* NAN when a class is missing */
}

/* Scores travel to rank 0, whose answer goes to all. Collective. */
static tw_status compute_auc(double *auc, tw_comm *comm, const tw_partition *p, const tw_model *m,
                             const tw_shard *s, const double *z)
{
    const int rank = tw_comm_rank(comm), size = tw_comm_size(comm);
    const size_t room = rank == 0 ? (size_t)p->rows : s->rows;
    double(*rows)[3] = malloc((room + 1) * sizeof *rows);
    tw_status status = rows ? TW_OK : tw_fail(TW_MEMORY, "out of memory for %zu scores", room);
    TW_TRY(tw_comm_agree(comm, status));
    for (size_t i = 0; i < s->rows; i++) {
        rows[i][0] = m->outputs == 1 ? z[i] : z[2 * i + 1] - z[2 * i];
        rows[i][1] = s->y[i];
        rows[i][2] = s->weight ? s->weight[i] : 1;
    }
    if (rank > 0) status = tw_comm_send(comm, 0, rows, s->rows * sizeof *rows);
    for (int r = 1; rank == 0 && status == TW_OK && r < size; r++) {
        const int64_t first = tw_partition_shard(p, r);
        status = tw_comm_receive(comm, r, rows + first,
                                 (size_t)(tw_partition_shard(p, r + 1) - first) * sizeof *rows);
    }
    if (rank == 0) *auc = tw_metrics_auc((size_t)p->rows, rows);
    free(rows);
    return status ? status : tw_comm_bcast(comm, 0, auc, sizeof *auc);
}

static void summarise_confusion(tw_metrics *t)
{
    double right = 0, f1 = 0, present = 0;
    for (size_t k = 0; k < t->classes; k++) {
        double truth = 0, predicted = 0;
        const double hit = t->confusion[k * t->classes + k];
        for (size_t j = 0; j < t->classes; j++) {
            truth += t->confusion[k * t->classes + j];
            predicted += t->confusion[j * t->classes + k];
        }
        right += hit;
        if (truth + predicted == 0) continue; /* this class does not occur */
        f1 += 2 * hit / (truth + predicted);
        present++;
    }
    t->accuracy = right / t->weight;
    t->f1_macro = f1 / present;
}

static tw_status classification(tw_metrics *t, tw_comm *comm, const tw_partition *p, const tw_model *m,
                                const tw_shard *s, const double *z)
{
    double sums[N_SUMS];
    t->confusion = calloc(t->classes * t->classes, sizeof *t->confusion);
    TW_TRY(tw_comm_agree(
        comm, t->confusion ? TW_OK : tw_fail(TW_MEMORY, "out of memory for %zu classes", t->classes)));
    TW_TRY(sum_rows(comm, p, m, s, z, class_terms, t->confusion, sums));
    TW_TRY(tw_comm_allreduce(comm, TW_SUM, t->classes * t->classes, t->confusion));
    t->rows = sums[SUM_ROWS];
    t->weight = sums[SUM_WEIGHT];
    if (tw_model_has_probabilities(m)) t->log_loss = sums[SUM_LOSS] / t->weight;
    summarise_confusion(t);
    return t->classes == 2 ? compute_auc(&t->roc_auc, comm, p, m, s, z) : TW_OK;
}

static tw_status regression(tw_metrics *t, tw_comm *comm, const tw_partition *p, const tw_model *m,
                            const tw_shard *s, const double *z)
{
    double sums[N_SUMS], spread[N_SUMS];
    TW_TRY(sum_rows(comm, p, m, s, z, number_terms, NULL, sums));
    double mean = sums[SUM_Y] / sums[SUM_WEIGHT];
    TW_TRY(sum_rows(comm, p, m, s, z, spread_terms, &mean, spread));
    t->rows = sums[SUM_ROWS];
    t->weight = sums[SUM_WEIGHT];
    t->rmse = sqrt(sums[SUM_LOSS] / t->weight);
    t->mae = sums[SUM_ABSOLUTE] / t->weight;
    if (m->ops->link && m->ops->link->deviance) t->deviance = sums[SUM_DEVIANCE] / t->weight;
    if (spread[SUM_SPREAD] > 0)
        t->r2 = 1 - sums[SUM_LOSS] / spread[SUM_SPREAD];
    else
        t->r2 = sums[SUM_LOSS] == 0;
    return TW_OK;
}

tw_status tw_metrics_compute(tw_metrics *t, tw_comm *comm, const tw_partition *p, const tw_model *m,
                             const tw_shard *s, const double *z)
{
    *t = (tw_metrics){.classes = m->classes,
                      .accuracy = NAN,
                      .log_loss = NAN,
                      .f1_macro = NAN,
                      .roc_auc = NAN,
                      .r2 = NAN,
                      .rmse = NAN,
                      .mae = NAN,
                      .deviance = NAN};
    if (m->classes)
        TW_TRY(classification(t, comm, p, m, s, z));
    else
        TW_TRY(regression(t, comm, p, m, s, z));
    if (t->weight > 0) return TW_OK;
    return tw_fail(TW_DATA, "the weights of all rows sum to zero");
}

void tw_metrics_release(tw_metrics *t)
{
    free(t->confusion);
    *t = (tw_metrics){0};
}
