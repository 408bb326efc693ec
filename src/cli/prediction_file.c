#include "cli/prediction_format.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MOST_WHOLE 0x1p53

/* A normal double of at most 15 digits is what %.15g prints of it; below DBL_MIN fewer digits may do. Any
 * double is what 17 digits say. */
size_t tw_prediction_number(double value, char text[TW_PREDICTION_NUMBER_LEN])
{
    int length = 0;
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        length = snprintf(text, TW_PREDICTION_NUMBER_LEN, "%.*g", digits, value);
        if (digits == 17 || isnan(value) || strtod(text, NULL) == value) break;
    }
    return (size_t)length;
}

bool tw_prediction_classes_whole(const tw_prediction_layout *layout)
{
    for (size_t k = 0; k < layout->n_classes; k++)
        if (!(fabs(layout->classes[k]) <= MOST_WHOLE && layout->classes[k] == floor(layout->classes[k])))
            return false;
    return layout->n_classes > 0;
}

static const tw_prediction_format *find_format(const char *path)
{
    static const struct {
        const char *extension;
        const tw_prediction_format *format;
    } formats[] = {
        {".csv", &tw_prediction_csv}, {".h5", &tw_prediction_hdf5}, {".hdf5", &tw_prediction_hdf5}};
    const char *const slash = strrchr(path, '/'), *const dot = strrchr(slash ? slash : path, '.');
    for (size_t i = 0; dot && i < sizeof formats / sizeof *formats; i++)
        if (strcasecmp(dot, formats[i].extension) == 0) return formats[i].format;
    return NULL;
}

static tw_status open_file(tw_prediction_file *f, const char *path)
{
    TW_TRY(tw_output_file_open(&f->output, path, f->layout.replace));
    return f->format->begin(f);
}

tw_status tw_prediction_file_new(tw_prediction_file **file, const char *path,
                                 const tw_prediction_layout *layout)
{
    *file = NULL;
    const tw_prediction_format *const format = find_format(path);
    if (!format)
        return tw_fail(TW_USAGE, "cannot write predictions to %s: the name must end in .csv, .h5 or .hdf5",
                       path);
    if (layout->width != 1 && (layout->n_classes == 0 || layout->width != 1 + layout->n_classes))
        return tw_fail(TW_INTERNAL, "%zu numbers a row do not fit %zu classes", layout->width,
                       layout->n_classes);
    tw_prediction_file *f = calloc(1, sizeof *f);
    if (!f) return tw_fail(TW_MEMORY, "out of memory for writing %s", path);
    f->format = format;
    f->layout = *layout;
    const tw_status status = open_file(f, path);
    if (status == TW_OK)
        *file = f;
    else
        tw_prediction_file_free(f);
    return status;
}

static tw_status check_indices(const tw_prediction_file *f, size_t rows, const double *data)
{
    const double classes = (double)f->layout.n_classes;
    for (size_t i = 0; i < rows; i++) {
        const double k = data[i * f->layout.width];
        if (!(k >= 0 && k < classes && k == floor(k)))
            return tw_fail(TW_INTERNAL, "prediction %zu is %g, which is no index of %zu classes",
                           f->written + i, k, f->layout.n_classes);
    }
    return TW_OK;
}

tw_status tw_prediction_file_append(tw_prediction_file *f, size_t rows, const double *data)
{
    if (rows > f->layout.rows - f->written)
        return tw_fail(TW_INTERNAL, "%s was announced with %zu rows, and more came", f->output.path,
                       f->layout.rows);
    if (f->layout.n_classes > 0) TW_TRY(check_indices(f, rows, data));
    TW_TRY(f->format->append(f, rows, data));
    f->written += rows;
    return tw_output_file_check(&f->output);
}

tw_status tw_prediction_file_commit(tw_prediction_file *f)
{
    if (f->written != f->layout.rows)
        return tw_fail(TW_INTERNAL, "%s was announced with %zu rows, but %zu came", f->output.path,
                       f->layout.rows, f->written);
    TW_TRY(f->format->finish(f));
    return tw_output_file_commit(&f->output, NULL);
}

void tw_prediction_file_free(tw_prediction_file *f)
{
    if (!f) return;
    f->format->release(f);
    tw_output_file_release(&f->output);
    free(f);
}
