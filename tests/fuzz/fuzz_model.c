/* fuzz_model.c -- every lie that a well-sealed model file can tell (recipe.h), told to the reader of models
 * and to the survey of `thalweg inspect`. What is accepted must be what model_file.h promises, and survive
 * being written and read again. */
#include "recipe.h"

#include "data/survey.h"
#include "thalweg/model_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEATURES = 3, ROWS = 2, VARIANTS = 4, MOST_PARAMETERS = 64, MOST_SHOWN = 1 << 20 };

static char again[128];

/* ---- good files ---- */

static double number(size_t i)
{
    return (double)(i % 7) - 2.5;
}

static tw_status fill_model(tw_model_file *file, const tw_model_ops *ops, bool scaled, bool names)
{
    static char *const labels[] = {"a", "b", "c"};
    double w[MOST_PARAMETERS], v[MOST_PARAMETERS], mean[FEATURES] = {1, -2, 0}, scale[FEATURES] = {3, 0.5, 1},
                                                   rows[ROWS] = {0, 1};
    double *const history[TW_MODEL_HISTORY] = {rows, rows, rows, rows, rows, rows};
    const double classes[] = {0, 1, 2};
    const size_t n_classes = ops->target == TW_TARGET_NUMBER ? 0 : ops->target == TW_TARGET_BINARY ? 2 : 3;
    const tw_scaling scaling = {scaled ? TW_SCALING_STANDARDIZE : TW_SCALING_NONE, .n = FEATURES,
                                .mean = mean, .scale = scale};
    tw_model model;
    for (size_t i = 0; i < MOST_PARAMETERS; i++) w[i] = v[i] = number(i);
    TW_TRY(tw_model_init(&model, ops, FEATURES, n_classes, true));
    const tw_status status = tw_model_file_set_parameters(file, &model, w, v);
    tw_model_release(&model);
    TW_TRY(status);
    TW_TRY(tw_model_file_set_scaling(file, scaled ? "standardize" : "none", &scaling));
    TW_TRY(tw_model_file_set_classes(file, n_classes, classes, names && n_classes ? labels : NULL));
    TW_TRY(tw_model_file_set_feature_names(file, names ? labels : NULL));
    TW_TRY(tw_model_file_set_text(file, "reason", "converged"));
    TW_TRY(tw_model_file_set_count(file, "iterations", 7));
    TW_TRY(tw_model_file_set_number(file, "loss", 0.5));
    return tw_model_file_set_history(file, ROWS, history);
}

/* The models of the table in turn, each scaled or not, with names or without. */
static tw_status write_base(size_t index, const char *path)
{
    tw_model_file file = {0};
    tw_status status = fill_model(&file, tw_models[index / VARIANTS], index & 1, index & 2);
    if (status == TW_OK) status = tw_model_file_write(&file, path);
    tw_model_file_release(&file);
    return status;
}

static const char *const sets[] = {"/coef_",
                                   "/intercept_",
                                   "/coef_scaled_",
                                   "/intercept_scaled_",
                                   "/mean_",
                                   "/scale_",
                                   "/feature_names_in_",
                                   "/classes_",
                                   "/class_values_",
                                   "/history",
                                   "/history/iteration",
                                   "/history/seconds",
                                   "/history/loss",
                                   "/history/gradient_norm",
                                   "/history/step_length",
                                   "/history/taylor_ratio",
                                   "/X",
                                   "/other",
                                   NULL};
static const char *const attributes[] = {
    "format",     "format_version", "model",         "scaling", "intercept", "default", "reason",
    "iterations", "loss",           "configuration", "a/b",     "\xff\n",    NULL};
static const char *const words[] = {"thalweg model",
                                    "thalweg data set",
                                    "softmax",
                                    "logistic",
                                    "squared",
                                    "linear",
                                    "huber",
                                    "poisson",
                                    "squared_hinge",
                                    "none",
                                    "standardize",
                                    "minmax",
                                    "",
                                    "1",
                                    NULL};

static recipe_format models = {"model", sets, attributes, words, 0, write_base};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    size_t count = 0;
    while (tw_models[count]) count++;
    models.n_bases = VARIANTS * count;
    FUZZ_REQUIRE(models.n_bases <= RECIPE_MOST_BASES, "more models than bases");
    recipe_start(&models);
    snprintf(again, sizeof again, "%s/again.h5", fuzz_folder());
    return 0;
}

/* ---- what the reader promises ---- */

static void require_finite(const char *name, size_t n, const double *values)
{
    FUZZ_REQUIRE(values, "%s is missing", name);
    for (size_t i = 0; i < n; i++) FUZZ_REQUIRE(isfinite(values[i]), "%s holds %g", name, values[i]);
}

static void require_promises(const tw_model_file *f)
{
    const size_t weights = f->features * f->outputs;
    require_finite("coef_", weights, f->coef);
    require_finite("coef_scaled_", weights, f->coef_scaled);
    require_finite("intercept_", f->outputs, f->offset);
    require_finite("intercept_scaled_", f->outputs, f->offset_scaled);
    FUZZ_REQUIRE(!f->mean == !f->scale && !f->mean == (strcmp(f->scaling, "none") == 0), "half a scaling");
    if (f->mean) require_finite("mean_", f->features, f->mean);
    for (size_t j = 0; f->scale && j < f->features; j++)
        FUZZ_REQUIRE(f->scale[j] > 0, "scale %g", f->scale[j]);
    if (f->n_classes) require_finite("classes_", f->n_classes, f->classes);
    for (size_t k = 1; k < f->n_classes; k++)
        FUZZ_REQUIRE(f->classes[k - 1] < f->classes[k], "the classes do not ascend");
    for (size_t k = 0; f->class_names && k < f->n_classes; k++)
        FUZZ_REQUIRE(f->class_names[k], "a NULL name");
    for (size_t j = 0; f->feature_names && j < f->features; j++)
        FUZZ_REQUIRE(f->feature_names[j], "a NULL name");
    for (size_t i = 0; i < TW_MODEL_HISTORY; i++)
        FUZZ_REQUIRE(f->n_history == 0 || f->history[i], "column %zu of the history is missing", i);
}

static void use(const tw_model_file *f)
{
    double *const v = calloc(f->features * f->outputs + f->outputs, sizeof *v);
    FUZZ_REQUIRE(v, "out of memory");
    tw_model_file_raw(f, v);
    free(v);
}

static void write_again(const tw_model_file *f)
{
    tw_model_file copy;
    FUZZ_REQUIRE(tw_model_file_write(f, again) == TW_OK, "not written again: %s", tw_status_message());
    FUZZ_REQUIRE(tw_model_file_read(&copy, again, NULL) == TW_OK, "not read again: %s", tw_status_message());
    const size_t weights = f->features * f->outputs;
    FUZZ_REQUIRE(
        copy.features == f->features && copy.outputs == f->outputs && copy.n_classes == f->n_classes &&
            memcmp(copy.coef, f->coef, weights * sizeof *f->coef) == 0 && copy.n_texts == f->n_texts &&
            copy.n_numbers == f->n_numbers && copy.n_history == f->n_history,
        "another model after writing it again");
    tw_model_file_release(&copy);
}

static void see_nothing(void *context, const tw_survey_tile *tile)
{
    (void)context, (void)tile;
}

/* All data sets, and the values of one of them. */
static void inspect(const char *path, unsigned which)
{
    tw_survey survey;
    if (tw_survey_read(&survey, path, TW_MODEL_FILE_KIND) != TW_OK) return;
    const tw_survey_entry *const e = survey.count ? &survey.entries[which % survey.count] : NULL;
    if (e && e->storage != TW_STORAGE_ELSEWHERE && e->full > 0 && e->full <= MOST_SHOWN) {
        const tw_status status = tw_survey_values(path, e->name, see_nothing, NULL);
        FUZZ_REQUIRE(status == TW_OK || status == TW_DATA, "%s: %s", e->name, tw_status_message());
    }
    tw_survey_release(&survey);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fuzz_bytes recipe = {bytes, size};
    const unsigned how = fuzz_take(&recipe);
    const char *const path = recipe_build(&models, &recipe);
    tw_model_file file;
    const tw_status status = tw_model_file_read(&file, path, NULL);
    FUZZ_REQUIRE(status == TW_OK || status == TW_DATA, "status %d: %s", status, tw_status_message());
    if (status == TW_OK) {
        require_promises(&file);
        use(&file);
        if (how & 1) write_again(&file);
        tw_model_file_release(&file);
    }
    if (how & 2) inspect(path, how / 4);
    return 0;
}
