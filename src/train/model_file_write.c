#include "thalweg/image.h"
#include "thalweg/runlog.h"
#include "train/model_file_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)TW_MODEL_HISTORY == (int)TW_HISTORY_VALIDATION_LOSS,
               "the columns of every history come first");

const char *const tw_model_history_names[TW_MODEL_HISTORY] = {"iteration",     "seconds",     "loss",
                                                              "gradient_norm", "step_length", "taylor_ratio"};

bool tw_model_name_is_ours(const char *name)
{
    static const char *const names[] = {"format",  "format_version", "model",
                                        "scaling", "intercept",      "default"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

/* ---- the check, both ways ---- */

tw_status tw_model_file_ops(const tw_model_file *f, const tw_model_ops **ops)
{
    char known[256] = "";
    *ops = tw_model_find(f->model);
    if (*ops) return TW_OK;
    for (size_t i = 0, at = 0; tw_models[i] && at < sizeof known; i++)
        at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i ? ", " : "", tw_models[i]->name);
    return tw_fail(TW_DATA, "model '%s' is unknown; this version knows %s", f->model, known);
}

static tw_status check_finite(const char *name, size_t n, const double *values)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            return tw_fail(TW_DATA, "value %zu of %s is not finite: %g", i, name, values[i]);
    return TW_OK;
}

static tw_status check_classes(const tw_model_file *f)
{
    const tw_model_ops *ops;
    TW_TRY(tw_model_file_ops(f, &ops));
    if (ops->target == TW_TARGET_NUMBER && f->n_classes)
        return tw_fail(TW_DATA, "a %s model has no classes, but classes_ has %zu", f->model, f->n_classes);
    if (ops->target == TW_TARGET_BINARY && f->n_classes != 2)
        return tw_fail(TW_DATA, "a %s model has 2 classes, but classes_ has %zu", f->model, f->n_classes);
    if (ops->target == TW_TARGET_CLASS && f->n_classes < 2)
        return tw_fail(TW_DATA, "a %s model has 2 classes or more, but classes_ has %zu", f->model,
                       f->n_classes);
    const size_t outputs =
        ops->outputs(&(tw_model){.ops = ops, .features = f->features, .classes = f->n_classes});
    if (f->outputs != outputs)
        return tw_fail(TW_DATA, "a %s model of %zu classes needs %zu rows in coef_, not %zu", f->model,
                       f->n_classes, outputs, f->outputs);
    TW_TRY(check_finite("classes_", f->n_classes, f->classes));
    for (size_t k = 1; k < f->n_classes; k++)
        if (!(f->classes[k - 1] < f->classes[k]))
            return tw_fail(TW_DATA, "the classes must ascend, but %g stands before %g", f->classes[k - 1],
                           f->classes[k]);
    return TW_OK;
}

static tw_status check_scaling(const tw_model_file *f)
{
    tw_scaling_kind kind;
    if (!tw_scaling_find(f->scaling, &kind)) return tw_fail(TW_DATA, "scaling '%s' is unknown", f->scaling);
    if (kind == TW_SCALING_NONE) return TW_OK;
    if (!f->mean || !f->scale)
        return tw_fail(TW_DATA, "mean_ and scale_ are missing, but scaling is %s", f->scaling);
    TW_TRY(check_finite("mean_", f->features, f->mean));
    TW_TRY(check_finite("scale_", f->features, f->scale));
    for (size_t j = 0; j < f->features; j++)
        if (f->scale[j] <= 0)
            return tw_fail(TW_DATA, "value %zu of scale_ is not positive: %g", j, f->scale[j]);
    return TW_OK;
}

tw_status tw_model_file_check(const tw_model_file *f)
{
    const size_t weights = f->features * f->outputs;
    if (weights == 0) return tw_fail(TW_DATA, "a model without parameters");
    TW_TRY(check_finite("coef_", weights, f->coef));
    TW_TRY(check_finite("intercept_", f->outputs, f->offset));
    TW_TRY(check_finite("coef_scaled_", weights, f->coef_scaled));
    TW_TRY(check_finite("intercept_scaled_", f->outputs, f->offset_scaled));
    if (f->fill) TW_TRY(check_finite("fill_", f->features, f->fill));
    TW_TRY(check_classes(f));
    return check_scaling(f);
}

/* ---- writing ---- */

static bool all_whole(size_t n, const double *values)
{
    for (size_t i = 0; i < n; i++)
        if (!(fabs(values[i]) <= 0x1p53 && values[i] == floor(values[i]))) return false;
    return true;
}

/* As int64 when nothing is lost, else as doubles. */
static tw_status put_numbers(hid_t file, const char *name, size_t n, const double *values)
{
    const size_t shape[2] = {n, 0};
    if (!all_whole(n, values)) return tw_image_put(file, name, TW_IMAGE_F64, shape, values);
    int64_t *whole = malloc((n + 1) * sizeof *whole);
    if (!whole) return tw_fail(TW_MEMORY, "out of memory for %s", name);
    for (size_t i = 0; i < n; i++) whole[i] = (int64_t)values[i];
    const tw_status status = tw_image_put(file, name, TW_IMAGE_I64, shape, whole);
    free(whole);
    return status;
}

static tw_status put_parameters(hid_t file, const tw_model_file *f)
{
    const size_t matrix[2] = {f->outputs, f->features}, offsets[2] = {f->outputs, 0},
                 columns[2] = {f->features, 0};
    TW_TRY(tw_image_put(file, "/coef_", TW_IMAGE_F64, matrix, f->coef));
    TW_TRY(tw_image_put(file, "/intercept_", TW_IMAGE_F64, offsets, f->offset));
    TW_TRY(tw_image_put(file, "/coef_scaled_", TW_IMAGE_F64, matrix, f->coef_scaled));
    TW_TRY(tw_image_put(file, "/intercept_scaled_", TW_IMAGE_F64, offsets, f->offset_scaled));
    if (f->fill) TW_TRY(tw_image_put(file, "/fill_", TW_IMAGE_F64, columns, f->fill));
    if (!f->mean) return TW_OK;
    TW_TRY(tw_image_put(file, "/mean_", TW_IMAGE_F64, columns, f->mean));
    return tw_image_put(file, "/scale_", TW_IMAGE_F64, columns, f->scale);
}

static tw_status put_names(hid_t file, const tw_model_file *f)
{
    if (f->feature_names)
        TW_TRY(tw_image_put_strings(file, "/feature_names_in_", f->features, f->feature_names));
    if (f->n_classes == 0) return TW_OK;
    if (!f->class_names) return put_numbers(file, "/classes_", f->n_classes, f->classes);
    TW_TRY(tw_image_put_strings(file, "/classes_", f->n_classes, f->class_names));
    return put_numbers(file, "/class_values_", f->n_classes, f->classes);
}

/* A NeXus NXdata group, so that viewers plot the loss. */
static tw_status put_history(hid_t file, const tw_model_file *f)
{
    char name[64];
    TW_TRY(tw_image_put_group(file, "/history"));
    TW_TRY(tw_image_put_text(file, "/history", "NX_class", "NXdata"));
    TW_TRY(tw_image_put_text(file, "/history", "signal", "loss"));
    TW_TRY(tw_image_put_text(file, "/history", "axes", "iteration"));
    TW_TRY(put_numbers(file, "/history/iteration", f->n_history, f->history[0]));
    for (size_t i = 1; i < TW_MODEL_HISTORY; i++) {
        snprintf(name, sizeof name, "/history/%s", tw_model_history_names[i]);
        TW_TRY(tw_image_put(file, name, TW_IMAGE_F64, (size_t[2]){f->n_history, 0}, f->history[i]));
    }
    return TW_OK;
}

/* Each in its group; groups are made when the first of their arrays comes. */
static tw_status put_arrays(hid_t file, const tw_model_file *f)
{
    char group[64];
    for (size_t i = 0; i < f->n_arrays; i++) {
        const tw_model_array *const at = &f->arrays[i];
        snprintf(group, sizeof group, "%.*s", (int)(strrchr(at->name, '/') - at->name), at->name);
        if (H5Lexists(file, group, H5P_DEFAULT) <= 0) TW_TRY(tw_image_put_group(file, group));
        TW_TRY(tw_image_put(file, at->name, TW_IMAGE_F64, (size_t[2]){at->rows, at->cols}, at->values));
    }
    return TW_OK;
}

static tw_status put_attributes(hid_t file, const tw_model_file *f)
{
    const int64_t version = TW_MODEL_FILE_VERSION, intercept = f->intercept;
    TW_TRY(tw_image_put_text(file, "/", "format", TW_MODEL_FORMAT));
    TW_TRY(tw_image_put_number(file, "/", "format_version", TW_IMAGE_I64, &version));
    TW_TRY(tw_image_put_text(file, "/", "model", f->model));
    TW_TRY(tw_image_put_text(file, "/", "scaling", f->scaling));
    TW_TRY(tw_image_put_number(file, "/", "intercept", TW_IMAGE_I64, &intercept));
    TW_TRY(tw_image_put_text(file, "/", "default", "history"));
    for (size_t i = 0; i < f->n_texts; i++)
        TW_TRY(tw_image_put_text(file, "/", f->texts[i].name, f->texts[i].text));
    for (size_t i = 0; i < f->n_numbers; i++) {
        const tw_model_number *const at = &f->numbers[i];
        const void *const value = at->whole ? (const void *)&at->count : (const void *)&at->number;
        TW_TRY(tw_image_put_number(file, "/", at->name, at->whole ? TW_IMAGE_I64 : TW_IMAGE_F64, value));
    }
    return TW_OK;
}

tw_status tw_model_file_write(const tw_model_file *f, const char *path)
{
    hid_t file;
    if (tw_model_file_check(f) != TW_OK)
        return tw_fail(TW_DATA, "cannot save the model as %s: %s", path, tw_status_message());
    TW_TRY(tw_image_create(&file));
    tw_status status = put_attributes(file, f);
    if (status == TW_OK) status = put_parameters(file, f);
    if (status == TW_OK) status = put_names(file, f);
    if (status == TW_OK) status = put_history(file, f);
    if (status == TW_OK) status = put_arrays(file, f);
    if (status == TW_OK) status = tw_image_commit(file, TW_MODEL_FILE_KIND, path);
    H5Fclose(file);
    return status;
}
