/* A trained model: what it is, its largest coefficients, how it was trained, and whether the file is as
 * written. */
#include "cli/inspect.h"
#include "thalweg/model_file.h"
#include "thalweg/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { LARGEST = 10, SHOWN_CLASSES = 20, SHOWN_NAME = 40 };

static void put_class(const tw_model_file *f, size_t k)
{
    if (f->class_names)
        tw_inspect_quote(SHOWN_NAME, f->class_names[k]);
    else
        printf("%.17g", f->classes[k]);
}

static void put_head(const char *path, const tw_model_file *f, bool edited)
{
    struct stat info;
    char bytes[TW_UNIT_LEN] = "?";
    if (stat(path, &info) == 0) tw_units_bytes((double)info.st_size, bytes);
    tw_inspect_put(TW_PATH_LEN, path);
    printf(": thalweg model, %s\n\n", bytes);
    tw_inspect_label("model");
    tw_inspect_put(TW_INSPECT_TEXT, f->model);
    printf(", %zu feature%s, %zu output%s, %s intercept\n", f->features, f->features == 1 ? "" : "s",
           f->outputs, f->outputs == 1 ? "" : "s", f->intercept ? "with" : "without");
    tw_inspect_label("digest");
    printf(edited ? "does not match: another program has changed the file since it was written\n"
                  : "verified: the file is as it was written\n");
}

static void put_classes(const tw_model_file *f)
{
    if (f->n_classes == 0) return;
    tw_inspect_label("classes");
    printf("%zu: ", f->n_classes);
    for (size_t k = 0; k < f->n_classes && k < SHOWN_CLASSES; k++) {
        if (k) fputs(", ", stdout);
        put_class(f, k);
    }
    puts(f->n_classes > SHOWN_CLASSES ? ", ..." : "");
}

static void put_range(const char *what, size_t n, const double *values)
{
    double low = values[0], high = values[0];
    for (size_t j = 1; j < n; j++) {
        low = fmin(low, values[j]);
        high = fmax(high, values[j]);
    }
    printf(", %s from %.6g to %.6g", what, low, high);
}

static void put_scaling(const tw_model_file *f)
{
    const bool minmax = strcmp(f->scaling, "minmax") == 0;
    tw_inspect_label("scaling");
    tw_inspect_put(TW_INSPECT_TEXT, f->scaling);
    if (f->mean) put_range(minmax ? "minimum" : "mean", f->features, f->mean);
    if (f->scale) put_range(minmax ? "range" : "standard deviation", f->features, f->scale);
    putchar('\n');
}

static void put_intercepts(const tw_model_file *f)
{
    const size_t shown = f->outputs < LARGEST ? f->outputs : LARGEST;
    tw_inspect_label("intercept");
    for (size_t k = 0; k < shown; k++) printf("%s%.6g", k ? ", " : "", f->offset[k]);
    printf("%s (for features in original units)\n", shown < f->outputs ? ", ..." : "");
}

/* ---- coefficients ---- */

/* Positions in coef [K][n] by falling absolute scaled value, equal ones by position; returns how many. */
static size_t find_largest(const tw_model_file *f, size_t largest[LARGEST])
{
    size_t count = 0;
    for (size_t i = 0; i < f->features * f->outputs; i++) {
        const double size = fabs(f->coef_scaled[i]);
        size_t at = count;
        while (at > 0 && fabs(f->coef_scaled[largest[at - 1]]) < size) at--;
        if (at == LARGEST) continue;
        if (count < LARGEST) count++;
        memmove(largest + at + 1, largest + at, (count - at - 1) * sizeof *largest);
        largest[at] = i;
    }
    return count;
}

static void put_coefficient(const tw_model_file *f, size_t i)
{
    const size_t k = i / f->features, j = i % f->features;
    tw_inspect_label("");
    printf("%13.6g %13.6g  ", f->coef_scaled[i], f->coef[i]);
    if (f->feature_names)
        tw_inspect_put(SHOWN_NAME, f->feature_names[j]);
    else
        printf("column %zu", j);
    if (f->outputs > 1 && f->n_classes == f->outputs) {
        fputs(", class ", stdout);
        put_class(f, k);
    }
    putchar('\n');
}

static void put_coefficients(const tw_model_file *f)
{
    size_t largest[LARGEST];
    const size_t count = find_largest(f, largest), all = f->features * f->outputs;
    tw_inspect_label("coefficients");
    if (count < all)
        printf("the %zu largest of %zu by their value on scaled features\n", count, all);
    else
        printf("all %zu, by their value on scaled features\n", all);
    tw_inspect_label("");
    printf("%13s %13s  feature\n", "scaled", "original");
    for (size_t i = 0; i < count; i++) put_coefficient(f, largest[i]);
}

/* ---- provenance ---- */

static void put_attributes(const tw_model_file *f)
{
    putchar('\n');
    for (size_t i = 0; i < f->n_texts; i++) {
        const char *const text = f->texts[i].text;
        tw_inspect_label(i ? "" : "written with");
        tw_inspect_put(SHOWN_NAME, f->texts[i].name);
        if (strchr(text, '\n')) {
            printf(": text of %zu bytes, which h5dump -a shows\n", strlen(text));
            continue;
        }
        fputs(" = ", stdout);
        tw_inspect_put(TW_INSPECT_TEXT, text);
        putchar('\n');
    }
    for (size_t i = 0; i < f->n_numbers; i++) {
        const tw_model_number *const number = &f->numbers[i];
        tw_inspect_label(i || f->n_texts ? "" : "written with");
        tw_inspect_put(SHOWN_NAME, number->name);
        if (number->whole)
            printf(" = %" PRId64 "\n", number->count);
        else
            printf(" = %.10g\n", number->number);
    }
}

static void put_history(const tw_model_file *f)
{
    enum { ITERATION, SECONDS, LOSS, GRADIENT_NORM };
    if (f->n_history == 0) return;
    const size_t last = f->n_history - 1;
    char took[TW_UNIT_LEN];
    tw_inspect_label("history");
    printf("%zu row%s, to iteration %.0f in %s\n", f->n_history, f->n_history == 1 ? "" : "s",
           f->history[ITERATION][last], tw_units_seconds(f->history[SECONDS][last], took));
    tw_inspect_label("");
    printf("loss %.10g to %.10g, gradient norm %.3g to %.3g\n", f->history[LOSS][0], f->history[LOSS][last],
           f->history[GRADIENT_NORM][0], f->history[GRADIENT_NORM][last]);
}

tw_status tw_inspect_model(const char *path)
{
    tw_model_file file;
    bool edited = false;
    TW_TRY(tw_model_file_read(&file, path, &edited));
    put_head(path, &file, edited);
    put_classes(&file);
    put_scaling(&file);
    put_intercepts(&file);
    put_coefficients(&file);
    put_attributes(&file);
    put_history(&file);
    tw_model_file_release(&file);
    return TW_OK;
}
