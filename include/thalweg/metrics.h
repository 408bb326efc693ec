/* metrics.h -- how good predictions are, over all ranks, without gathering them on one.
 *
 * Losses and errors are sums through the tree of the gradient. Weights are counted exactly, as whole
 * multiples of a power of two, so the confusion matrix, all that follows from it and ROC-AUC have no order of
 * summation at all. Every metric is the same number for every count of ranks and threads. */
#ifndef THALWEG_METRICS_H
#define THALWEG_METRICS_H

#include "thalweg/model.h"
#include "thalweg/partition.h"

/** Of one class against all others. */
typedef struct {
    double precision; /* NAN: never predicted */
    double recall;    /* NAN: no true rows */
    double f1;        /* NAN: neither */
    double support;   /* weight of the true rows */
} tw_class_metrics;

typedef struct {
    double rows, weight;
    size_t classes;         /* 0: regression */
    double *confusion;      /* [classes][classes] weights, true class by row, predicted by column; owned */
    tw_class_metrics *each; /* [classes]; owned */
    double accuracy, log_loss;
    double balanced_accuracy;     /* mean recall of the classes that have true rows */
    double f1_macro, f1_weighted; /* the second weighted by support */
    double roc_auc;               /* two classes only, else NAN; exact, ties count one half */
    double brier;                 /* mean (p - y)^2; two classes with probabilities only, else NAN */
    double r2, rmse, mae;         /* regression, of the response */
    double deviance;              /* mean deviance of a model that has one (poisson), else NAN */
} tw_metrics;

/** Everything is borrowed. */
typedef struct {
    tw_comm *comm;
    const tw_partition *partition;
    const tw_model *model;
    const tw_shard *shard; /* y holds numbers, or class indices; rows of weight 0 take no part */
    const double *raw;     /* raw-space parameters; or NULL and */
    const double *margins; /* [rows][outputs] of this rank's rows */
    int threads;           /* of this rank, 0: 1 */
} tw_metrics_input;

/**
 * Metrics of predictions. A tie in the margins goes to the first class, macro F1 is the mean over the classes
 * that are true or predicted somewhere, as in scikit-learn; log-loss is NAN for a classifier without
 * probabilities, ROC-AUC when a class or a score is missing. Regression metrics are those of the response
 * (exp(z) for poisson); R2 with a constant target is 1 when exact, else 0.
 *
 * Weights that are all 1 count as they are, others in units of 2^-126 of the largest times the rows, at most
 * four times that, rounded down.
 *
 * Collective. Cost: one read of the features (none with margins); for ROC-AUC a sort of the own scores, and
 * the rarer class of all ranks passes every rank once, in pieces of sorted scores (24 bytes a distinct one).
 * Memory: for ROC-AUC 8 bytes a row, 16 with weights; 16 K^2 bytes a thread.
 * @return TW_OK, TW_MEMORY, TW_STOPPED; TW_DATA when all weights are zero. The same on every rank; release in
 * any case.
 */
tw_status tw_metrics_compute(tw_metrics *metrics, const tw_metrics_input *input) TW_CHECKED;
void tw_metrics_release(tw_metrics *metrics);

#endif
