#include "thalweg/model_file.h"

#include "thalweg/image.h"
#include "train/model_file_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tw_status no_memory(void)
{
    return tw_fail(TW_MEMORY, "out of memory for the model to be saved");
}

static void free_history(tw_model_file *f)
{
    for (size_t i = 0; i < TW_MODEL_HISTORY; i++) {
        free(f->history[i]);
        f->history[i] = NULL;
    }
    f->n_history = 0;
}

void tw_model_file_release(tw_model_file *f)
{
    for (size_t i = 0; i < f->n_texts; i++) {
        free(f->texts[i].name);
        free(f->texts[i].text);
    }
    for (size_t i = 0; i < f->n_numbers; i++) free(f->numbers[i].name);
    for (size_t i = 0; i < f->n_arrays; i++) {
        free(f->arrays[i].name);
        free(f->arrays[i].values);
    }
    free(f->arrays);
    double *const arrays[] = {f->coef, f->coef_scaled, f->offset, f->offset_scaled,
                              f->mean, f->scale,       f->fill,   f->classes};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
    free_history(f);
    free(f->texts);
    free(f->numbers);
    free(f->class_names);
    free(f->feature_names);
    *f = (tw_model_file){0};
}

/* ---- parameters ---- */

static double *empty(double **array, size_t n)
{
    free(*array);
    return *array = calloc(n + 1, sizeof **array);
}

static tw_status copy(double **array, size_t n, const double *values)
{
    if (!empty(array, n)) return no_memory();
    if (n) memcpy(*array, values, n * sizeof *values);
    return TW_OK;
}

/* w[j][k] to coef[k][j]. */
static void transpose(const tw_model_file *f, const double *w, double *coef)
{
    for (size_t j = 0; j < f->features; j++)
        for (size_t k = 0; k < f->outputs; k++) coef[k * f->features + j] = w[j * f->outputs + k];
}

/* Subtract the mean over the K rows of [K][n]; order: k ascending, then / K. */
static void centre(size_t outputs, size_t n, double *coef)
{
    for (size_t j = 0; j < n; j++) {
        double sum = 0;
        for (size_t k = 0; k < outputs; k++) sum += coef[k * n + j];
        const double mean = sum / (double)outputs;
        for (size_t k = 0; k < outputs; k++) coef[k * n + j] -= mean;
    }
}

tw_status tw_model_file_set_parameters(tw_model_file *f, const tw_model *m, const double *w, const double *v)
{
    const size_t n = m->features, outputs = m->outputs;
    snprintf(f->model, sizeof f->model, "%s", m->ops->name);
    f->features = n;
    f->outputs = outputs;
    f->intercept = m->intercept;
    if (!empty(&f->coef, m->n_weights) || !empty(&f->coef_scaled, m->n_weights) ||
        !empty(&f->offset, outputs) || !empty(&f->offset_scaled, outputs))
        return no_memory();
    transpose(f, v, f->coef);
    transpose(f, w, f->coef_scaled);
    memcpy(f->offset, v + m->n_weights, outputs * sizeof *v);
    if (m->intercept) memcpy(f->offset_scaled, w + m->n_weights, outputs * sizeof *w);
    if (outputs == 1) return TW_OK;
    if (!f->as_trained) centre(outputs, n, f->coef);
    if (!f->as_trained) centre(outputs, n, f->coef_scaled);
    centre(outputs, 1, f->offset);
    centre(outputs, 1, f->offset_scaled);
    return TW_OK;
}

void tw_model_file_raw(const tw_model_file *f, double *v)
{
    for (size_t j = 0; j < f->features; j++)
        for (size_t k = 0; k < f->outputs; k++) v[j * f->outputs + k] = f->coef[k * f->features + j];
    memcpy(v + f->features * f->outputs, f->offset, f->outputs * sizeof *v);
}

tw_status tw_model_file_set_scaling(tw_model_file *f, const char *name, const tw_scaling *s)
{
    tw_scaling_kind kind;
    if (!tw_scaling_find(name, &kind) || kind != s->kind)
        return tw_fail(TW_INTERNAL, "'%s' is not the name of the scaling", name);
    snprintf(f->scaling, sizeof f->scaling, "%s", name);
    if (kind == TW_SCALING_NONE) return TW_OK;
    TW_TRY(copy(&f->mean, s->n, s->mean));
    return copy(&f->scale, s->n, s->scale);
}

tw_status tw_model_file_set_fill(tw_model_file *f, const double *fill)
{
    return copy(&f->fill, f->features, fill);
}

/* ---- names and history ---- */

static tw_status copy_names(char ***to, size_t n, char *const *names)
{
    free(*to);
    *to = names ? tw_image_strings_copy(n, names) : NULL;
    return *to || !names ? TW_OK : no_memory();
}

tw_status tw_model_file_set_classes(tw_model_file *f, size_t n, const double *classes, char *const *names)
{
    f->n_classes = n;
    TW_TRY(copy(&f->classes, n, classes));
    return copy_names(&f->class_names, n, names);
}

tw_status tw_model_file_set_feature_names(tw_model_file *f, char *const *names)
{
    return copy_names(&f->feature_names, f->features, names);
}

tw_status tw_model_file_set_history(tw_model_file *f, size_t rows, double *const columns[TW_MODEL_HISTORY])
{
    free_history(f);
    for (size_t i = 0; i < TW_MODEL_HISTORY && rows; i++) TW_TRY(copy(&f->history[i], rows, columns[i]));
    f->n_history = rows;
    return TW_OK;
}

/* ---- provenance ---- */

/* Room for one more element of that size, zeroed; NULL: out of memory. */
static void *append(void **array, size_t *n, size_t size)
{
    char *const grown = realloc(*array, (*n + 1) * size);
    if (!grown) return NULL;
    *array = grown;
    return memset(grown + (*n)++ * size, 0, size);
}

tw_status tw_model_file_add_array(tw_model_file *f, const char *name, size_t rows, size_t cols,
                                  const double *values)
{
    void *arrays = f->arrays;
    tw_model_array *const at = append(&arrays, &f->n_arrays, sizeof *at);
    f->arrays = arrays;
    if (!at) return no_memory();
    at->name = strdup(name);
    at->rows = rows;
    at->cols = cols;
    if (!at->name) return no_memory();
    return copy(&at->values, rows * (cols ? cols : 1), values);
}

static tw_model_text *find_text(const tw_model_file *f, const char *name)
{
    for (size_t i = 0; i < f->n_texts; i++)
        if (strcmp(f->texts[i].name, name) == 0) return &f->texts[i];
    return NULL;
}

static tw_model_number *find_number(const tw_model_file *f, const char *name)
{
    for (size_t i = 0; i < f->n_numbers; i++)
        if (strcmp(f->numbers[i].name, name) == 0) return &f->numbers[i];
    return NULL;
}

/* Attributes share one set of names. */
static tw_status check_free(const char *name, bool taken)
{
    if (!taken && name[0] && !tw_model_name_is_ours(name)) return TW_OK;
    return tw_fail(TW_INTERNAL, "the attribute '%s' of a model has another meaning", name);
}

tw_status tw_model_file_set_text(tw_model_file *f, const char *name, const char *text)
{
    TW_TRY(check_free(name, find_number(f, name)));
    tw_model_text *at = find_text(f, name);
    char *const own = strdup(text), *const own_name = at ? at->name : strdup(name);
    void *texts = f->texts;
    if (own && own_name && !at) at = append(&texts, &f->n_texts, sizeof *at);
    f->texts = texts;
    if (!own || !own_name || !at) {
        free(own);
        if (!at) free(own_name);
        return no_memory();
    }
    free(at->text);
    *at = (tw_model_text){own_name, own};
    return TW_OK;
}

static tw_status set_number(tw_model_file *f, const char *name, const tw_model_number *value)
{
    TW_TRY(check_free(name, find_text(f, name)));
    tw_model_number *at = find_number(f, name);
    char *const own_name = at ? at->name : strdup(name);
    void *numbers = f->numbers;
    if (own_name && !at) at = append(&numbers, &f->n_numbers, sizeof *at);
    f->numbers = numbers;
    if (!own_name || !at) {
        if (!at) free(own_name);
        return no_memory();
    }
    *at = *value;
    at->name = own_name;
    return TW_OK;
}

tw_status tw_model_file_set_count(tw_model_file *f, const char *name, int64_t count)
{
    return set_number(f, name, &(tw_model_number){.whole = true, .count = count});
}

tw_status tw_model_file_set_number(tw_model_file *f, const char *name, double number)
{
    return set_number(f, name, &(tw_model_number){.number = number});
}

const char *tw_model_file_text(const tw_model_file *f, const char *name)
{
    const tw_model_text *const at = find_text(f, name);
    return at ? at->text : NULL;
}

const tw_model_number *tw_model_file_number(const tw_model_file *f, const char *name)
{
    return find_number(f, name);
}
