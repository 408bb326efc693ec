/* report.h -- the last lines of a run's screen as plain figures, so that they can be printed at its end and
 * from its summary.json at any later time. */
#ifndef THALWEG_TRAIN_REPORT_H
#define THALWEG_TRAIN_REPORT_H

#include "train/summary.h"

#include <jansson.h>

/** A chosen row of a regularisation path. */
typedef struct {
    long row, nonzeros;
    double l1, l2, cv_mean, cv_error, val_loss; /* NAN: none */
} tw_report_point;

typedef struct {
    char folder[TW_PATH_LEN], hash[32], newest[256], host[TW_NAME_LEN]; /* host of the slowest rank */
    char verdict[512], advice[512];                                     /* "" for none */
    bool epochs;                                                        /* not iterations */
    bool open;                                                          /* stopped before convergence */
    bool model;                                                         /* model.h5 was written */
    bool requested, best_kept; /* stopped by a request; the best parameters are the result */
    long iterations, evaluations, nonzeros, coefficients, regularised;
    double reads, loss, condition; /* condition 0: no matrix */
    bool sparse, watched, path;    /* l1 > 0; validation rows; a path of penalties */
    double val_loss, val_accuracy, best_loss;
    long best_k;
    long points, planned, kept, fits, unfinished; /* of a path */
    bool matrix;                                  /* its optimizer works with the matrix H */
    tw_report_point best, one_error;              /* row -1: none */
    double wall, least[TW_N_CLOCKS], mean[TW_N_CLOCKS], most[TW_N_CLOCKS]; /* seconds */
    int ranks, slowest;
    double behind, bytes_most, checkpoint_seconds;
    long reductions, checkpoints;
} tw_report;

/** The figures of a run that has ended. Rank 0. */
void tw_report_of_run(tw_report *report, const tw_summary *summary, const tw_run *run);

/** The figures of a summary.json; what it does not say, or says in another type, is left out. Text is made
 * harmless for terminals. @param folder where it lies   @param newest name of the newest checkpoint, or "" */
void tw_report_of_json(tw_report *report, const json_t *summary, const char *folder, const char *newest);

/** The advice of a run that has ended; "" for none. [512] */
void tw_report_advice(const tw_run *run, char advice[512]);

/** The verdict, the result, the time table, the files and the next command, as lines of the log. */
void tw_report_print(const tw_report *report, tw_runlog *log);

#endif
