#include "thalweg/image.h"
#include "train/model_file_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    hid_t file;
    tw_model_file *f;
} reader;

/* ---- attributes ---- */

static tw_status not_a_model(hid_t file, const char *format)
{
    static const char *const features[] = {"/X", "/data", "/features", "/x_train"};
    bool data = format && strcmp(format, "thalweg data set") == 0;
    for (size_t i = 0; i < sizeof features / sizeof *features && !data; i++)
        data = tw_image_has(file, features[i]);
    if (data) return tw_fail(TW_DATA, "this looks like a data set: did you mean to pass the model first?");
    return tw_fail(TW_DATA, "this is not a thalweg model: attribute 'format' is not '%s'", TW_MODEL_FORMAT);
}

static tw_status check_format(hid_t file)
{
    char *format = NULL;
    int64_t version = 0;
    tw_status status = tw_image_get_text(file, "format", &format);
    if (status != TW_MEMORY)
        status = !status && strcmp(format, TW_MODEL_FORMAT) == 0 ? TW_OK : not_a_model(file, format);
    free(format);
    TW_TRY(status);
    TW_TRY(tw_image_get_number(file, "format_version", TW_IMAGE_I64, &version));
    if (version > TW_MODEL_FILE_VERSION)
        return tw_fail(TW_DATA,
                       "this model was written by a newer thalweg (model format %lld, this one reads %d)",
                       (long long)version, TW_MODEL_FILE_VERSION);
    return version >= 1 ? TW_OK : tw_fail(TW_DATA, "there is no model format %lld", (long long)version);
}

static tw_status get_word(hid_t file, const char *name, size_t length, char *word)
{
    char *text;
    TW_TRY(tw_image_get_text(file, name, &text));
    snprintf(word, length, "%s", text);
    free(text);
    return TW_OK;
}

static tw_status get_provenance(reader *r, const char *name)
{
    char *text = NULL;
    int64_t count = 0;
    double number = 0;
    tw_status status = TW_OK;
    switch (tw_image_attribute_kind(r->file, name)) {
    case TW_IMAGE_TEXT:
        status = tw_image_get_text(r->file, name, &text);
        if (status == TW_OK) status = tw_model_file_set_text(r->f, name, text);
        free(text);
        return status;
    case TW_IMAGE_WHOLE:
        TW_TRY(tw_image_get_number(r->file, name, TW_IMAGE_I64, &count));
        return tw_model_file_set_count(r->f, name, count);
    case TW_IMAGE_REAL:
        TW_TRY(tw_image_get_number(r->file, name, TW_IMAGE_F64, &number));
        return tw_model_file_set_number(r->f, name, number);
    case TW_IMAGE_ABSENT:
    case TW_IMAGE_OTHER: break; /* of another program: none of ours */
    }
    return TW_OK;
}

/* H5Aiterate2 goes on while 0 comes back. */
static herr_t each_attribute(hid_t file, const char *name, const H5A_info_t *info, void *data)
{
    (void)file, (void)info;
    return tw_model_name_is_ours(name) || !name[0] ? 0 : (herr_t)get_provenance(data, name);
}

static tw_status get_attributes(reader *r)
{
    int64_t intercept = 0;
    TW_TRY(get_word(r->file, "model", sizeof r->f->model, r->f->model));
    TW_TRY(get_word(r->file, "scaling", sizeof r->f->scaling, r->f->scaling));
    TW_TRY(tw_image_get_number(r->file, "intercept", TW_IMAGE_I64, &intercept));
    r->f->intercept = intercept != 0;
    hsize_t at = 0;
    const herr_t status = H5Aiterate2(r->file, H5_INDEX_NAME, H5_ITER_INC, &at, each_attribute, r);
    if (status < 0) return tw_fail(TW_DATA, "the attributes are damaged: HDF5 cannot read them");
    return (tw_status)status;
}

/* ---- data sets ---- */

static const char *shape_text(const size_t shape[2], size_t length, char *text)
{
    if (shape[1])
        snprintf(text, length, "(%zu, %zu)", shape[0], shape[1]);
    else
        snprintf(text, length, "(%zu)", shape[0]);
    return text;
}

static tw_status check_shape(const char *name, const size_t is[2], size_t rows, size_t cols)
{
    char found[64], wanted[64];
    if (is[0] == rows && is[1] == cols) return TW_OK;
    return tw_fail(TW_DATA, "data set '%s' has shape %s, the others ask for %s", name,
                   shape_text(is, sizeof found, found),
                   shape_text((size_t[2]){rows, cols}, sizeof wanted, wanted));
}

static tw_status get_array(const reader *r, const char *name, size_t rows, size_t cols, double **values)
{
    size_t shape[2];
    void *found;
    TW_TRY(tw_image_get(r->file, name, TW_IMAGE_F64, shape, &found));
    *values = found;
    return check_shape(name, shape, rows, cols);
}

static tw_status get_coef(reader *r)
{
    tw_model_file *const f = r->f;
    size_t shape[2];
    void *found;
    TW_TRY(tw_image_get(r->file, "/coef_", TW_IMAGE_F64, shape, &found));
    f->coef = found;
    if (shape[0] == 0 || shape[1] == 0)
        return tw_fail(TW_DATA, "data set '/coef_' needs two dimensions, outputs and features");
    f->outputs = shape[0];
    f->features = shape[1];
    return TW_OK;
}

static tw_status get_parameters(reader *r)
{
    tw_model_file *const f = r->f;
    TW_TRY(get_coef(r));
    TW_TRY(get_array(r, "/intercept_", f->outputs, 0, &f->offset));
    TW_TRY(get_array(r, "/coef_scaled_", f->outputs, f->features, &f->coef_scaled));
    TW_TRY(get_array(r, "/intercept_scaled_", f->outputs, 0, &f->offset_scaled));
    if (tw_image_has(r->file, "/fill_")) TW_TRY(get_array(r, "/fill_", f->features, 0, &f->fill));
    if (strcmp(f->scaling, "none") == 0) return TW_OK;
    TW_TRY(get_array(r, "/mean_", f->features, 0, &f->mean));
    return get_array(r, "/scale_", f->features, 0, &f->scale);
}

static tw_status get_feature_names(reader *r)
{
    size_t count;
    if (!tw_image_has(r->file, "/feature_names_in_")) return TW_OK;
    TW_TRY(tw_image_get_strings(r->file, "/feature_names_in_", &count, &r->f->feature_names));
    return check_shape("/feature_names_in_", (size_t[2]){count, 0}, r->f->features, 0);
}

/* Names without values number the classes from 0, as in a data set. */
static tw_status get_class_values(reader *r)
{
    tw_model_file *const f = r->f;
    if (tw_image_has(r->file, "/class_values_"))
        return get_array(r, "/class_values_", f->n_classes, 0, &f->classes);
    f->classes = calloc(f->n_classes + 1, sizeof *f->classes);
    if (!f->classes) return tw_fail(TW_MEMORY, "out of memory for the classes");
    for (size_t k = 0; k < f->n_classes; k++) f->classes[k] = (double)k;
    return TW_OK;
}

static tw_status get_classes(reader *r)
{
    tw_model_file *const f = r->f;
    const tw_model_ops *ops;
    size_t shape[2];
    void *found;
    TW_TRY(tw_model_file_ops(f, &ops));
    if (ops->target == TW_TARGET_NUMBER && !tw_image_has(r->file, "/classes_")) return TW_OK;
    if (tw_image_has_strings(r->file, "/classes_")) {
        TW_TRY(tw_image_get_strings(r->file, "/classes_", &f->n_classes, &f->class_names));
        return get_class_values(r);
    }
    TW_TRY(tw_image_get(r->file, "/classes_", TW_IMAGE_F64, shape, &found));
    f->classes = found;
    f->n_classes = shape[0];
    return check_shape("/classes_", shape, f->n_classes, 0);
}

static tw_status get_history(reader *r)
{
    tw_model_file *const f = r->f;
    char name[64];
    size_t shape[2];
    void *found;
    if (!tw_image_has(r->file, "/history/iteration")) return TW_OK;
    for (size_t i = 0; i < TW_MODEL_HISTORY; i++) {
        snprintf(name, sizeof name, "/history/%s", tw_model_history_names[i]);
        TW_TRY(tw_image_get(r->file, name, TW_IMAGE_F64, shape, &found));
        f->history[i] = found;
        if (i == 0) f->n_history = shape[0];
        TW_TRY(check_shape(name, shape, f->n_history, 0));
    }
    return TW_OK;
}

static tw_status get_all(reader *r)
{
    TW_TRY(check_format(r->file));
    TW_TRY(get_attributes(r));
    TW_TRY(get_parameters(r));
    TW_TRY(get_feature_names(r));
    TW_TRY(get_classes(r));
    TW_TRY(get_history(r));
    return tw_model_file_check(r->f);
}

tw_status tw_model_file_read(tw_model_file *f, const char *path, bool *edited)
{
    reader r = {.f = f};
    *f = (tw_model_file){0};
    TW_TRY(tw_image_open(path, TW_MODEL_FILE_KIND, &r.file, edited));
    const tw_status status = get_all(&r);
    H5Fclose(r.file);
    if (status == TW_OK) return TW_OK;
    tw_model_file_release(f);
    return tw_fail(status, "cannot use %s: %s", path, tw_status_message());
}
