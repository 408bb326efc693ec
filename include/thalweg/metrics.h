/* metrics.h -- how good predictions are, over all ranks.
 *
 * Sums go through the tree of the gradient, so a metric is the same number for every rank count; counts are
 * exact. */
#ifndef THALWEG_METRICS_H
#define THALWEG_METRICS_H

#include "thalweg/model.h"
#include "thalweg/partition.h"

typedef struct {
    double rows, weight;
    size_t classes;    /* 0: regression */
    double *confusion; /* [classes][classes] weights, true class by row, predicted by column; owned */
    double accuracy, log_loss, f1_macro;
    double roc_auc;       /* two classes only, else NAN; exact, ties count one half */
    double r2, rmse, mae; /* regression, of the response */
    double deviance;      /* mean deviance of a model that has one (poisson), else NAN */
} tw_metrics;

/**
 * Metrics of predictions. A tie in the margins goes to the first class, macro F1 is the mean over the classes
 * that are true or predicted somewhere, as in scikit-learn; log-loss is NAN for a classifier without
 * probabilities. Regression metrics are those of the response (exp(z) for poisson); R2 with a constant target
 * is 1 when exact, else 0.
 *
 * Collective.
 * @param z [rows][outputs] margins of this rank's rows; shard->y holds numbers, or class indices
 * @return TW_OK, TW_MEMORY (rank 0 holds every score for ROC-AUC); TW_DATA when all weights are zero.
 */
tw_status tw_metrics_compute(tw_metrics *metrics, tw_comm *comm, const tw_partition *partition,
                             const tw_model *model, const tw_shard *shard, const double *z) TW_CHECKED;
void tw_metrics_release(tw_metrics *metrics);

/** Area under the ROC curve of n scores by ranks (Mann and Whitney 1947). Sorts rows. NAN with one class. Not
 * collective.
 * @param rows [n][3] score, class 0 or 1, weight */
double tw_metrics_auc(size_t n, double (*rows)[3]);

#endif
