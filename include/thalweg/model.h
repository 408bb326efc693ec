/* model.h -- loss and gradient summed over a block of rows: local mathematics that knows no MPI.
 *
 * A model is a row of the table TW_MODELS: one file, one word. It sees raw features and raw-space parameters;
 * scaling is folded into these by the objective (scaling.h), penalties and the division by the weight are the
 * objective's.
 *
 * Parameters are one flat vector: first the n_weights penalised ones, w[j*K + k] for feature j and output k,
 * then the intercepts. Raw-space parameters have the same layout and always end in K offsets. */
#ifndef THALWEG_MODEL_H
#define THALWEG_MODEL_H

#include "thalweg/partition.h"
#include "thalweg/shard.h"

#include <stdbool.h>

/* Add a model here. */
#define TW_MODELS(X) X(linear) X(logistic) X(softmax) X(huber) X(poisson) X(squared_hinge)

/** What the labels of a model are. */
typedef enum { TW_TARGET_NUMBER, TW_TARGET_BINARY, TW_TARGET_CLASS } tw_target;

typedef struct tw_model tw_model;
typedef struct tw_link tw_link;

typedef struct {
    const char *name, *summary;
    tw_target target;
    const tw_link *link; /* of a GLM, else NULL */

    /* Outputs a row has: 1 for a GLM, the number of classes for softmax. REQUIRED */
    size_t (*outputs)(const tw_model *model);

    /* Add the block's sums to sums [tw_model_sums()], zeros for a fresh block: gradient [n_weights], sums of
     * residuals [K], loss, weight, bad rows. v: raw-space parameters. REQUIRED */
    tw_status (*loss_grad)(const tw_model *model, const tw_block *block, const double *v, double *sums);

    /* z [rows][K]: the margins of the block. REQUIRED */
    tw_status (*margins)(const tw_model *model, const tw_block *block, const double *v, double *z);

    /* p from margins of one row: the prediction itself, P(class 1), or the K probabilities. REQUIRED */
    void (*predict)(const tw_model *model, const double *z, double *p);

    /* loss [rows] and residuals r [rows][K] from margins alone, rows <= TW_BLOCK_ROWS. OPTIONAL: line
     * searches that cost no read of the data, the loss of validation rows */
    void (*rates)(const tw_model *model, size_t rows, const double *z, const double *y, double *loss,
                  double *r);

    /* Add X^T (w l'' (X v + offset)) and its residual sums, in the places of loss_grad, at the margins
     * block->z; NULL margins: with l'' = 1, which gives the Gram matrix. OPTIONAL: newton_cg,
     * lipschitz */
    tw_status (*hessian_vector)(const tw_model *model, const tw_block *block, const double *v, double *sums);

    /* c [K (K+1)/2][rows]: second derivatives of the loss to margins k >= l, pair k (k+1)/2 + l. OPTIONAL:
     * newton, coordinate_descent */
    void (*curvatures)(const tw_model *model, size_t rows, const double *z, const double *y, double *c);

    double curvature_max; /* the largest eigenvalue these can have; 0: unknown, or the link's */
    bool convex;          /* in the parameters, for every data set: a vanishing gradient is a minimum */
} tw_model_ops;

#define X(name) extern const tw_model_ops tw_model_##name;
TW_MODELS(X)
#undef X

/** The largest second derivative of a row's loss to its margins; 0: unknown, INFINITY: unbounded. Not
 * collective. */
double tw_model_curvature_max(const tw_model_ops *ops);

/** All rows of the table, ended by NULL. */
extern const tw_model_ops *const tw_models[];

/** The row of that name, or NULL. Not collective. */
const tw_model_ops *tw_model_find(const char *name);

/** What a loss may be tuned by. */
typedef struct {
    double delta; /* > 0, in units of the label: where the loss of huber turns from square to line */
} tw_model_settings;

struct tw_model {
    const tw_model_ops *ops;
    tw_model_settings settings; /* delta 1 after tw_model_init; may be changed before the first evaluation */
    size_t features, classes;   /* n; number of classes, 0 for a numeric target */
    size_t outputs;             /* K */
    size_t n_weights;           /* n K, penalised */
    size_t n_params;            /* n_weights, + K with intercept */
    bool intercept;
    size_t micro;     /* rows that several outputs work on at a time */
    double *scratch;  /* [n], a row as doubles; owned, as what follows in it for several outputs: */
    double *gradient; /* [K][tw_whole(n)] of a block */
    double *row_z;    /* [K][TW_TOGETHER] */
    double *row_p;    /* [2 K] */
};

/**
 * A model for data of that width. Not collective.
 * @param classes number of classes, 0 for numeric targets
 * @return TW_OK, TW_MEMORY. Memory: n doubles; for several outputs n K, and some KiB.
 */
tw_status tw_model_init(tw_model *model, const tw_model_ops *ops, size_t features, size_t classes,
                        bool intercept) TW_CHECKED;
void tw_model_release(tw_model *model);

/** The same model for another thread, with scratch of its own. To be released. Not collective; TW_MEMORY. */
tw_status tw_model_share(tw_model *model, const tw_model *original) TW_CHECKED;

/** Are predictions of the model probabilities of classes? Not for a numeric target, nor for a classifier that
 * has margins only. Not collective. */
bool tw_model_has_probabilities(const tw_model *model);

/**
 * May every label of the shard be one of that model? Numeric targets only; classes have their own checks.
 * Not collective: the caller must agree before the next collective.
 * @return TW_OK; TW_DATA names the first wrong label and its file row.
 */
tw_status tw_model_check_labels(const tw_model_ops *ops, const tw_shard *shard) TW_CHECKED;

/** Length of the sums of a block: n_weights + K + 3, in the order gradient, residuals, loss, weight, bad
 * rows. */
size_t tw_model_sums(const tw_model *model);

/** Length of raw-space parameters: n_weights + K. */
size_t tw_model_raw(const tw_model *model);

/* Places in the sums. */
static inline size_t tw_sum_residual(const tw_model *model)
{
    return model->n_weights;
}
static inline size_t tw_sum_loss(const tw_model *model)
{
    return model->n_weights + model->outputs;
}
static inline size_t tw_sum_weight(const tw_model *model)
{
    return model->n_weights + model->outputs + 1;
}
static inline size_t tw_sum_bad(const tw_model *model)
{
    return model->n_weights + model->outputs + 2;
}

/** A row of a block as doubles: the block itself when it is f64, else converted into the model's scratch. Not
 * collective. */
const double *tw_model_row(const tw_model *model, const tw_block *block, size_t row);

#endif
