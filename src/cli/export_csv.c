/* A model as a table: the first row is the intercept, then one row a feature, coefficients in original units.
 */
#include "cli/export.h"

#include <string.h>

/* Quoted as predictions are: readers may drop blanks at the ends, and skip a line that is empty. */
static void put_text(FILE *out, const char *text)
{
    const size_t length = strlen(text);
    const bool quoted =
        length == 0 || strpbrk(text, ",\"\r\n") || strchr(" \t", text[0]) || strchr(" \t", text[length - 1]);
    if (!quoted) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) fputs(*text == '"' ? "\"\"" : (const char[]){*text, 0}, out);
    fputc('"', out);
}

static void put_class(const tw_model_file *f, size_t k, FILE *out)
{
    fputc(',', out);
    if (f->class_names)
        put_text(out, f->class_names[k]);
    else
        fprintf(out, "%.17g", f->classes[k] + 0.0);
}

static void put_row(const tw_model_file *f, const double *values, size_t stride, FILE *out)
{
    for (size_t k = 0; k < f->outputs; k++) fprintf(out, ",%.17g", values[k * stride]);
    fputc('\n', out);
}

tw_status tw_export_csv(const tw_model_file *f, FILE *out)
{
    const bool classes = f->outputs > 1 && f->n_classes == f->outputs;
    fputs("feature", out);
    for (size_t k = 0; classes && k < f->outputs; k++) put_class(f, k, out);
    fputs(classes ? "\n" : ",coefficient\n", out);
    fputs("intercept", out);
    put_row(f, f->offset, 1, out);
    for (size_t j = 0; j < f->features; j++) {
        if (f->feature_names)
            put_text(out, f->feature_names[j]);
        else
            fprintf(out, "x%zu", j);
        put_row(f, f->coef + j, f->features, out);
    }
    return TW_OK;
}
