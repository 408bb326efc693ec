/* metrics_cases.h -- the cases of tests/truth/metrics.json, on the ranks of any communicator. */
#ifndef THALWEG_TEST_METRICS_CASES_H
#define THALWEG_TEST_METRICS_CASES_H

#include "support.h"
#include "thalweg/metrics.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All numbers of a list, or of a list of lists. */
static inline double *case_numbers(const json_t *list, size_t *count)
{
    size_t n = 0, rows = json_array_size(list);
    const size_t cols = json_is_array(json_array_get(list, 0)) ? json_array_size(json_array_get(list, 0)) : 1;
    double *out = calloc(rows * cols + 1, sizeof *out);
    for (size_t i = 0; i < rows; i++) {
        const json_t *row = json_array_get(list, i);
        for (size_t k = 0; k < cols; k++)
            out[n++] = json_number_value(json_is_array(row) ? json_array_get(row, k) : row);
    }
    *count = n;
    return out;
}

/* Outputs of the case: margins a row. */
static inline size_t case_outputs(const json_t *c)
{
    const json_t *first = json_array_get(json_object_get(c, "z"), 0);
    return json_is_array(first) ? json_array_size(first) : 1;
}

/* What of the metrics is one number, for comparisons of bits. */
enum { CASE_NUMBERS = 13 };
static inline void case_flatten(const tw_metrics *m, double out[CASE_NUMBERS])
{
    const double all[CASE_NUMBERS] = {
        m->rows,        m->weight,  m->accuracy, m->log_loss, m->balanced_accuracy,
        m->f1_macro,    m->roc_auc, m->brier,    m->r2,       m->rmse,
        m->f1_weighted, m->mae,     m->deviance};
    memcpy(out, all, sizeof all);
}

/* Metrics of the case with that model; every rank has its rows. Collective over comm. */
static inline tw_status case_compute(const json_t *c, const char *model_name, tw_comm *comm, int threads,
                                     tw_metrics *metrics)
{
    size_t rows, n;
    double *y = case_numbers(json_object_get(c, "y"), &rows), *z = case_numbers(json_object_get(c, "z"), &n),
           *w = json_object_get(c, "weight") ? case_numbers(json_object_get(c, "weight"), &n) : NULL;
    const json_t *confusion = json_object_get(c, "confusion");
    tw_partition partition;
    tw_model model;
    if (tw_model_init(&model, tw_model_find(model_name), 1, confusion ? json_array_size(confusion) : 0,
                      true) ||
        tw_partition_init(&partition, (int64_t)rows, 0, tw_comm_size(comm)))
        abort();
    const int64_t first = tw_partition_shard(&partition, tw_comm_rank(comm)),
                  end = tw_partition_shard(&partition, tw_comm_rank(comm) + 1);
    double *x = calloc(rows + 1, sizeof *x);
    tw_shard shard = {.type = TW_f64,
                      .x = x,
                      .rows = (size_t)(end - first),
                      .cols = 1,
                      .first = first,
                      .y = y + first,
                      .weight = w ? w + first : NULL};
    const tw_metrics_input input = {.comm = comm,
                                    .partition = &partition,
                                    .model = &model,
                                    .shard = &shard,
                                    .margins = z + (size_t)first * model.outputs,
                                    .threads = threads};
    const tw_status status = tw_metrics_compute(metrics, &input);
    tw_partition_release(&partition);
    tw_model_release(&model);
    free(x);
    free(y);
    free(z);
    free(w);
    return status;
}

#endif
