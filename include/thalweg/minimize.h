/* minimize.h -- a whole run in one call: a function of your own, or a model of your own on rows of data.
 *
 * Nothing is printed and no file is written. Zeros in the settings are the defaults of docs/config.md, and
 * what cannot be paired there is refused here too. For anything beyond, take the parts
 * themselves: trainer.h. */
#ifndef THALWEG_MINIMIZE_H
#define THALWEG_MINIMIZE_H

#include "thalweg/trainer.h"

/** Zeros: the defaults. Plain values; names and pointers are borrowed for the call. */
typedef struct {
    const char *optimizer; /* NULL: lbfgs */
    const char *step;      /* NULL: the rule that goes with the optimizer */
    double length;         /* of a step, > 0; 0: that of the optimizer and the rule */
    const tw_optimizer_settings
        *of_optimizer; /* NULL: the defaults; n_weights, outputs and full_batch are set for you */
    const tw_step_settings *of_step; /* NULL: the defaults; length, natural and unit are set for you */

    double l2, l1;                 /* >= 0: (l2/2) ||w||^2 + l1 ||w||_1, of all parameters but intercepts */
    double gradient_norm;          /* converged when the gradient's norm is at most this; 0: off */
    double gradient_norm_relative; /* or this times its norm at the start (convex: at zero); 0: off when the
                                      above is set, else 1e-6 */
    long max_iterations;           /* 0: 10000 */
    double max_seconds;            /* 0: no limit */
    tw_reduction_mode mode;        /* TW_REPRODUCIBLE: the same bits on any number of ranks */

    tw_scaling_kind scaling; /* of a fit: of the features, while it trains */
    bool no_intercept;       /* of a fit */
} tw_minimize_settings;

typedef struct {
    tw_reason why; /* tw_reason_class(why) is 'c' when it converged; TW_SADDLE: not at a minimum */
    double f, gradient_norm;
    long iterations, evaluations;
    size_t n;  /* parameters */
    double *w; /* of a fit: [n] coefficients in the units of the data, w[j*K + k] for feature j and output k,
                  then K intercepts (zeros without); to be freed. Else NULL */
} tw_minimize_result;

/**
 * Minimise f, plus penalties.
 *
 * Collective; the same settings and start on every rank, and f the same but for what a summed one adds on
 * each.
 * @param set NULL: all defaults
 * @param w   [f->n] in: the start; out: the end, the same bits on every rank
 * @param out may be NULL
 * @return TW_OK whatever the reason, even a diverged run; TW_CONFIG for names, pairs and numbers that cannot
 * be; a failure of f on any rank, on all ranks alike; TW_MEMORY. w is as it was unless TW_OK.
 */
tw_status tw_minimize(tw_comm *comm, const tw_function *f, const tw_minimize_settings *set, double *w,
                      tw_minimize_result *out) TW_CHECKED;

/**
 * Fit a model to the features, labels and weights of an HDF5 file, from zeros.
 *
 * Collective; the same arguments on every rank. Every rank reads its rows.
 * @param ops  a row of TW_MODELS, or your own (for a loss of one margin: TW_GLM in link.h). Labels are
 * numbers, or become indices of their sorted values, as the target of ops says
 * @param set  NULL: all defaults
 * @param out  its w is to be freed; NULL unless TW_OK
 * @return as tw_minimize; TW_INPUT, TW_DATA, TW_IO of the file.
 */
tw_status tw_fit(tw_comm *comm, const tw_model_ops *ops, const char *path, const tw_minimize_settings *set,
                 tw_minimize_result *out) TW_CHECKED;

/**
 * The same for rows in memory.
 * @param rows this rank's, borrowed: rank r of m rows has those of tw_partition_init(&p, m, 0, size),
 *             tw_partition_shard(&p, r) .. tw_partition_shard(&p, r + 1) - 1; for newton, and lbfgs with
 * gram, after tw_partition_align(&p, TW_MATRIX_GROUPS). Labels of classes are 0 .. K-1. Numbers must be
 *             finite and weights >= 0
 * @return as tw_fit; TW_USAGE when a rank holds other rows, or none of the ranks any.
 */
tw_status tw_fit_rows(tw_comm *comm, const tw_model_ops *ops, const tw_shard *rows,
                      const tw_minimize_settings *set, tw_minimize_result *out) TW_CHECKED;

#endif
