/* A model as one JSON object: arrays under the names they have in model.h5, groups as objects, attributes
 * aside. */
#include "cli/export.h"
#include "core/json_put.h"
#include "data/printable.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- values ---- */

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

/* JSON is UTF-8, names in a file need not be: bytes that are not become U+FFFD. */
static json_t *text(const char *name)
{
    json_t *value = json_string(name);
    if (value || tw_utf8_valid(strlen(name), name)) return value;
    char *const plain = malloc(3 * strlen(name) + 1), *at = plain;
    for (; plain && *name; name++) {
        if ((unsigned char)*name < 0x80)
            *at++ = *name;
        else
            at = mempcpy(at, "\xef\xbf\xbd", 3);
    }
    value = plain ? json_stringn(plain, (size_t)(at - plain)) : NULL;
    free(plain);
    return value;
}

static json_t *numbers(size_t count, const double *values)
{
    if (!values) return json_null();
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) tw_json_append(&list, number(values[i]));
    return list;
}

static json_t *matrix(size_t rows, size_t cols, const double *values)
{
    json_t *list = json_array();
    for (size_t i = 0; i < rows; i++) tw_json_append(&list, numbers(cols, values + i * cols));
    return list;
}

static json_t *texts(size_t count, char *const *names)
{
    if (!names) return json_null();
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) tw_json_append(&list, text(names[i]));
    return list;
}

/* ---- parts ---- */

static json_t *attributes(const tw_model_file *f)
{
    json_t *object = json_object();
    for (size_t i = 0; i < f->n_texts; i++) tw_json_put(&object, f->texts[i].name, text(f->texts[i].text));
    for (size_t i = 0; i < f->n_numbers; i++) {
        const tw_model_number *const n = &f->numbers[i];
        tw_json_put(&object, n->name, n->whole ? json_integer(n->count) : number(n->number));
    }
    return object;
}

/* The further data sets of a group "/path/". */
static void put_arrays(const tw_model_file *f, const char *group, json_t **object)
{
    const size_t length = strlen(group);
    for (size_t i = 0; i < f->n_arrays; i++) {
        const tw_model_array *const a = &f->arrays[i];
        if (strncmp(a->name, group, length) != 0) continue;
        tw_json_put(object, a->name + length,
                    a->cols ? matrix(a->rows, a->cols, a->values) : numbers(a->rows, a->values));
    }
}

static json_t *history(const tw_model_file *f)
{
    static const char *const names[TW_MODEL_HISTORY] = {"iteration",     "seconds",     "loss",
                                                        "gradient_norm", "step_length", "taylor_ratio"};
    json_t *object = json_object();
    for (size_t c = 0; c < TW_MODEL_HISTORY && f->n_history; c++)
        tw_json_put(&object, names[c], numbers(f->n_history, f->history[c]));
    put_arrays(f, "/history/", &object);
    return object;
}

static json_t *path(const tw_model_file *f)
{
    json_t *object = json_object();
    put_arrays(f, "/path/", &object);
    if (!object || json_object_size(object) > 0) return object;
    json_decref(object);
    return json_null();
}

static json_t *all(const tw_model_file *f)
{
    const size_t K = f->outputs, n = f->features;
    json_t *object = json_pack("{ss ss ss sb}", "format", "thalweg model", "model", f->model, "scaling",
                               f->scaling, "intercept", (int)f->intercept);
    tw_json_put(&object, "classes_",
                f->class_names ? texts(f->n_classes, f->class_names) : numbers(f->n_classes, f->classes));
    tw_json_put(&object, "class_values_", numbers(f->n_classes, f->classes));
    tw_json_put(&object, "feature_names_in_", texts(n, f->feature_names));
    tw_json_put(&object, "intercept_", numbers(K, f->offset));
    tw_json_put(&object, "coef_", matrix(K, n, f->coef));
    tw_json_put(&object, "fill_", numbers(n, f->fill));
    tw_json_put(&object, "mean_", numbers(n, f->mean));
    tw_json_put(&object, "scale_", numbers(n, f->scale));
    tw_json_put(&object, "intercept_scaled_", numbers(K, f->offset_scaled));
    tw_json_put(&object, "coef_scaled_", matrix(K, n, f->coef_scaled));
    tw_json_put(&object, "history", history(f));
    tw_json_put(&object, "path", path(f));
    tw_json_put(&object, "attributes", attributes(f));
    return object;
}

/* ---- */

tw_status tw_export_json(const tw_model_file *f, FILE *out)
{
    const size_t flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(17);
    json_t *const object = all(f), *value;
    const char *key, *before = "{\n";
    bool whole = object != NULL;
    json_object_foreach(object, key, value)
    {
        char *const written = whole ? json_dumps(value, flags) : NULL;
        whole = written != NULL;
        if (whole) fprintf(out, "%s  \"%s\": %s", before, key, written);
        before = ",\n";
        free(written);
    }
    fputs("\n}\n", out);
    json_decref(object);
    return whole ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the model as JSON");
}
