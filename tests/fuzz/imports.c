/* imports.c -- one conversion as `thalweg convert` does it; the written file is read back by the reader of
 * data sets and its values are held against the report. */
#include "imports.h"

#include "data/survey.h"
#include "thalweg/dataset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char output[128];

void imports_start(void)
{
    fuzz_silence();
    fuzz_start_hdf5();
    snprintf(output, sizeof output, "%s/out.h5", fuzz_folder());
}

/* ---- the columns of the file against those of the report ---- */

typedef struct {
    size_t cols;
    double *minimum, *maximum; /* [cols] infinite: no value */
    size_t *missing;           /* [cols] */
} columns;

static double value_of(const tw_survey_tile *tile, size_t i)
{
    switch (tile->type) {
    case TW_u8: return ((const uint8_t *)tile->x)[i];
    case TW_i8: return ((const int8_t *)tile->x)[i];
    case TW_i16: return ((const int16_t *)tile->x)[i];
    case TW_f64: return ((const double *)tile->x)[i];
    default: return 0; /* not asked for */
    }
}

static void see(void *context, const tw_survey_tile *tile)
{
    columns *const c = context;
    for (size_t i = 0; i < tile->rows * tile->cols; i++) {
        const size_t at = tile->first_col + i % tile->cols;
        const double value = value_of(tile, i);
        FUZZ_REQUIRE(at < c->cols, "column %zu of %zu", at, c->cols);
        c->missing[at] += isnan(value) ? 1 : 0;
        if (isnan(value)) continue;
        c->minimum[at] = fmin(c->minimum[at], value);
        c->maximum[at] = fmax(c->maximum[at], value);
    }
}

/* Zeros and ones, and each word stands somewhere. */
static void require_encoded(const columns *found, const tw_import_column *said, size_t at)
{
    FUZZ_REQUIRE(at + said->categories <= found->cols, "%zu words from column %zu on", said->categories, at);
    for (size_t k = at; k < at + said->categories; k++)
        FUZZ_REQUIRE(found->missing[k] == 0 && found->minimum[k] >= 0 && found->maximum[k] == 1,
                     "the column %zu of a word is from %g to %g", k, found->minimum[k], found->maximum[k]);
}

static void require_columns(const columns *found, const tw_import_report *r)
{
    for (size_t c = 0, at = 0; c < r->n_columns; c++) {
        const tw_import_column *const said = &r->columns[c];
        if (said->label || said->weight || said->dropped) continue;
        if (said->one_hot) {
            require_encoded(found, said, at);
            at += said->categories;
            continue;
        }
        FUZZ_REQUIRE(said->missing == found->missing[at], "column %zu misses %zu cells, not %zu", c,
                     found->missing[at], said->missing);
        const bool any = found->minimum[at] <= found->maximum[at];
        FUZZ_REQUIRE(any == !isnan(said->minimum), "column %zu has%s a value", c, any ? "" : " not");
        FUZZ_REQUIRE(!any || (found->minimum[at] == said->minimum && found->maximum[at] == said->maximum),
                     "column %zu is from %g to %g, not from %g to %g", c, found->minimum[at],
                     found->maximum[at], said->minimum, said->maximum);
        at++;
    }
}

/* Values that no rounding has changed. */
static void check_values(const tw_import_report *r)
{
    columns found = {.cols = r->cols};
    if (r->n_columns == 0 || r->x_type == TW_f16 || r->x_type == TW_bf16 || r->x_type == TW_f32) return;
    found.minimum = calloc(2 * r->cols, sizeof(double));
    found.missing = calloc(r->cols, sizeof(size_t));
    FUZZ_REQUIRE(found.minimum && found.missing, "out of memory");
    found.maximum = found.minimum + r->cols;
    for (size_t i = 0; i < r->cols; i++) {
        found.minimum[i] = INFINITY;
        found.maximum[i] = -INFINITY;
    }
    FUZZ_REQUIRE(tw_survey_values(output, "/X", see, &found) == TW_OK, "%s", tw_status_message());
    require_columns(&found, r);
    free(found.minimum);
    free(found.missing);
}

static void check_output(const tw_import_report *r)
{
    tw_dataset d;
    const tw_dataset_names names = {.need_labels = r->y_type != TW_LABEL_none};
    const tw_status status = tw_dataset_open(&d, output, &names, NULL);
    FUZZ_REQUIRE(status == TW_OK, "the output cannot be used: %s", tw_status_message());
    FUZZ_REQUIRE((size_t)d.rows == r->rows && (size_t)d.cols == r->cols && d.type == r->x_type,
                 "the output is (%lld, %lld) %s, not (%zu, %zu) %s", (long long)d.rows, (long long)d.cols,
                 tw_dtype_name(d.type), r->rows, r->cols, tw_dtype_name(r->x_type));
    FUZZ_REQUIRE(r->weights == (strcmp(d.weights, "/sample_weight") == 0), "weights '%s'", d.weights);
    check_values(r);
}

void imports_run(size_t n, const char *const *paths, bool write, const tw_import_options *options)
{
    tw_import_report report;
    tw_import_options small = *options;
    small.most_bytes = (uint64_t)1 << 20; /* few bytes of LIBSVM can ask for much */
    const tw_status status = tw_import(n, paths, write ? output : NULL, &small, &report);
    FUZZ_REQUIRE(status == TW_OK || status == TW_DATA || status == TW_USAGE, "status %d: %s", status,
                 tw_status_message());
    if (status == TW_OK && write) check_output(&report);
    tw_import_report_release(&report);
}
