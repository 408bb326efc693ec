/* model_file.h -- a trained model as a file, model.h5, that Python reads without us.
 *
 * coef_ and intercept_ are in original units and have scikit-learn's shapes, so X @ coef_.T + intercept_ are
 * the margins of raw features; coef_scaled_ and intercept_scaled_ are what was trained, on (x - mean_) /
 * scale_; fill_ is put in place of missing features before that. Of several outputs (softmax) only
 * differences matter: all four are saved centred, with mean zero over the classes. classes_,
 * feature_names_in_ and /history as docs/data.md says. Nothing here is collective: rank 0 writes, reads and
 * tells. */
#ifndef THALWEG_MODEL_FILE_H
#define THALWEG_MODEL_FILE_H

#include "thalweg/model.h"
#include "thalweg/scaling.h"
#include "thalweg/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TW_MODEL_FILE_VERSION = 1, TW_MODEL_HISTORY = 6 };

/** The kind of the image (image.h). */
#define TW_MODEL_FILE_KIND "model"

/** Where a model comes from: "configuration", "version", "mpi", "reason", ... */
typedef struct {
    char *name, *text; /* owned */
} tw_model_text;

/** "iterations", "loss", "ranks", ... */
typedef struct {
    char *name; /* owned */
    bool whole;
    int64_t count; /* when whole */
    double number; /* else */
} tw_model_number;

/** A further data set, "/path/coef_": for people, not read back. */
typedef struct {
    char *name;
    size_t rows, cols; /* cols 0: one dimension */
    double *values;
} tw_model_array;

/** All zero: empty. Everything is owned. */
typedef struct {
    char model[32], scaling[16]; /* names of the rows: "softmax", "standardize" */
    size_t features, outputs;    /* n, K */
    bool intercept;
    bool as_trained;                /* coefficients are not centred over the classes: l1 made zeros of some */
    double *coef, *coef_scaled;     /* [K][n] */
    double *offset, *offset_scaled; /* [K] */
    double *mean, *scale;           /* [n]; NULL without scaling */
    double *fill;                   /* [n] in their place; NULL: none */
    size_t n_classes;               /* 0 for a numeric target */
    double *classes;                /* [n_classes] ascending labels; NULL when 0 */
    char **class_names;             /* [n_classes] or NULL; one allocation */
    char **feature_names;           /* [features] or NULL; one allocation */
    size_t n_history;
    double *history[TW_MODEL_HISTORY]; /* [n_history] iteration, seconds, loss, gradient norm, step length,
                                          Taylor ratio; NAN where there is none; NULL when 0 */
    size_t n_texts, n_numbers;
    tw_model_text *texts;
    tw_model_number *numbers;
    size_t n_arrays;
    tw_model_array *arrays;
} tw_model_file;

void tw_model_file_release(tw_model_file *file);

/* Filling. Every argument is copied. Each returns TW_OK or TW_MEMORY; after a failure only release is
 * allowed. */

/**
 * Name, sizes and parameters. Several outputs are centred: minus their sum in ascending order / K.
 * @param w [n_params] trained   @param v [n_weights + K] raw-space, from tw_scaling_fold
 */
tw_status tw_model_file_set_parameters(tw_model_file *file, const tw_model *model, const double *w,
                                       const double *v) TW_CHECKED;

/** @param name of scaling->kind, as in tw_scaling_find */
tw_status tw_model_file_set_scaling(tw_model_file *file, const char *name,
                                    const tw_scaling *scaling) TW_CHECKED;

/** What is put in place of missing features of data that the model is applied to; the policy is the text
 * "missing". @param fill [features]; after tw_model_file_set_parameters */
tw_status tw_model_file_set_fill(tw_model_file *file, const double *fill) TW_CHECKED;

/** @param classes [n] ascending labels   @param names [n] or NULL */
tw_status tw_model_file_set_classes(tw_model_file *file, size_t n, const double *classes,
                                    char *const *names) TW_CHECKED;

/** @param names [file->features] or NULL; after tw_model_file_set_parameters */
tw_status tw_model_file_set_feature_names(tw_model_file *file, char *const *names) TW_CHECKED;

/** @param columns [rows] each */
tw_status tw_model_file_set_history(tw_model_file *file, size_t rows,
                                    double *const columns[TW_MODEL_HISTORY]) TW_CHECKED;

/** A data set of its own, in a group of one level ("/history/validation_loss", "/path/l1"). @param cols 0:
 * one dimension */
tw_status tw_model_file_add_array(tw_model_file *file, const char *name, size_t rows, size_t cols,
                                  const double *values) TW_CHECKED;

/** Provenance, as attributes. A name given twice keeps the last value. TW_INTERNAL: one of our own names. */
tw_status tw_model_file_set_text(tw_model_file *file, const char *name, const char *text) TW_CHECKED;
tw_status tw_model_file_set_count(tw_model_file *file, const char *name, int64_t count) TW_CHECKED;
tw_status tw_model_file_set_number(tw_model_file *file, const char *name, double number) TW_CHECKED;

/** The text of that name, or NULL. */
const char *tw_model_file_text(const tw_model_file *file, const char *name);

/** The number of that name, or NULL. */
const tw_model_number *tw_model_file_number(const tw_model_file *file, const char *name);

/** Raw-space parameters as models take them (model.h). @param v out: [n K + K] */
void tw_model_file_raw(const tw_model_file *file, double *v);

/**
 * Write the file, complete and durable or not at all (file.h). The same model gives the same bytes.
 * @return TW_OK; TW_DATA when a parameter is not finite or the parts do not fit together; TW_OUTPUT, TW_IO,
 * TW_MEMORY.
 */
tw_status tw_model_file_write(const tw_model_file *file, const char *path) TW_CHECKED;

/**
 * Read and check everything: shapes against each other, parameters finite, scales positive, classes
 * ascending.
 *
 * @param file   out: to be released; empty on failure
 * @param edited out: true when another program has changed the file since it was written (image.h says what
 * that means); NULL: such a file is refused
 * @return TW_OK; TW_INPUT: missing, a folder, unreadable; TW_DATA: not a model, damaged, written by a newer
 * version, something missing or of a wrong shape; TW_IO, TW_MEMORY.
 */
tw_status tw_model_file_read(tw_model_file *file, const char *path, bool *edited) TW_CHECKED;

/** Add the further data sets of our own that the file has: /path, validation in /history. After
 * tw_model_file_read, which has told whether the file was changed. As it returns; the file is to be released. */
tw_status tw_model_file_read_arrays(tw_model_file *file, const char *path) TW_CHECKED;

#endif
