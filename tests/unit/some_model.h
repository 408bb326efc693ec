/* some_model.h -- a model of every row of the table, with parameters made from a seed, and as a file. */
#ifndef THALWEG_TEST_SOME_MODEL_H
#define THALWEG_TEST_SOME_MODEL_H

#include "thalweg/model_file.h"

#include "scratch.h"

#include <math.h>

enum { SOME_FEATURES = 5, SOME_ROWS = 2, SOME_MOST = 64, SOME_HISTORY = 3 };

static const double some_mean[SOME_FEATURES] = {0.1, -2, 1e5, 0, 1.0 / 3};
static const double some_scale[SOME_FEATURES] = {3, 0.7, 12345.678, 1, 1e-3};
static const double some_classes[] = {-1, 0, 7};
static char *const some_class_names[] = {"setosa", "", "größer"};
static char *const some_feature_names[SOME_FEATURES] = {"width", "length", "", "β", "last"};

static inline size_t some_models(void)
{
    size_t count = 0;
    while (tw_models[count]) count++;
    return count;
}

/** Between -1 and 1, from a counter; all 53 bits are in use. */
static inline double some_number(unsigned seed, size_t i)
{
    return sin(1.0 + seed + 7.3 * (double)i);
}

static inline size_t some_count(const tw_model_ops *ops)
{
    return ops->target == TW_TARGET_NUMBER ? 0 : ops->target == TW_TARGET_BINARY ? 2 : 3;
}

/** Trained and raw-space parameters of a model whose scaling is standardize or none. */
static inline void some_parameters(const tw_model *model, bool scaled, double w[SOME_MOST],
                                   double v[SOME_MOST])
{
    double mean[SOME_FEATURES], scale[SOME_FEATURES], column[SOME_FEATURES];
    memcpy(mean, some_mean, sizeof mean);
    memcpy(scale, some_scale, sizeof scale);
    const tw_scaling scaling = {.kind = scaled ? TW_SCALING_STANDARDIZE : TW_SCALING_NONE,
                                .n = SOME_FEATURES,
                                .mean = mean,
                                .scale = scale,
                                .column = column};
    for (size_t i = 0; i < model->n_params; i++) w[i] = some_number(1, i);
    tw_scaling_fold(&scaling, model, w, v);
}

/** The model as a file in memory; names: of classes and features too. */
static inline void some_file(tw_model_file *file, const tw_model *model, bool scaled, bool names)
{
    double w[SOME_MOST], v[SOME_MOST], mean[SOME_FEATURES], scale[SOME_FEATURES],
        columns[TW_MODEL_HISTORY][SOME_HISTORY];
    double *history[TW_MODEL_HISTORY];
    memcpy(mean, some_mean, sizeof mean);
    memcpy(scale, some_scale, sizeof scale);
    const tw_scaling scaling = {.kind = scaled ? TW_SCALING_STANDARDIZE : TW_SCALING_NONE,
                                .n = SOME_FEATURES,
                                .mean = mean,
                                .scale = scale};
    some_parameters(model, scaled, w, v);
    for (size_t i = 0; i < TW_MODEL_HISTORY; i++) {
        for (size_t k = 0; k < SOME_HISTORY; k++) columns[i][k] = i ? some_number(2, 10 * i + k) : (double)k;
        history[i] = columns[i];
    }
    columns[4][0] = columns[5][0] = NAN;
    *file = (tw_model_file){0};
    ck_assert_int_eq(tw_model_file_set_parameters(file, model, w, v), TW_OK);
    ck_assert_int_eq(tw_model_file_set_scaling(file, scaled ? "standardize" : "none", &scaling), TW_OK);
    if (model->classes)
        ck_assert_int_eq(
            tw_model_file_set_classes(file, model->classes, some_classes, names ? some_class_names : NULL),
            TW_OK);
    ck_assert_int_eq(tw_model_file_set_feature_names(file, names ? some_feature_names : NULL), TW_OK);
    ck_assert_int_eq(tw_model_file_set_history(file, SOME_HISTORY, history), TW_OK);
    ck_assert_int_eq(tw_model_file_set_text(file, "configuration", "seed: 1\nmodel:\n  type: x\n"), TW_OK);
    ck_assert_int_eq(tw_model_file_set_text(file, "reason", ""), TW_OK);
    ck_assert_int_eq(tw_model_file_set_count(file, "iterations", INT64_MAX), TW_OK);
    ck_assert_int_eq(tw_model_file_set_number(file, "loss", 0.1), TW_OK);
}

#endif
