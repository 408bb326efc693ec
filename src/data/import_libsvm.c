/* LIBSVM text becomes dense: read once for its size, types and index base, and once more to be written. */
#include "data/import.h"
#include "data/label_set.h"
#include "data/libsvm.h"
#include "data/narrow.h"
#include "data/number.h"
#include "thalweg/units.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_BETWEEN_LOOKS = 4096 };
#define MOST_BYTES ((uint64_t)16 << 30)

typedef struct {
    const char *path;
    const tw_import_options *options;
    size_t rows, cols, base;
    uint64_t pairs;
    bool zero, real, whole;  /* an index 0; a value with a point; every label a whole number of 64 bits */
    double minimum, maximum; /* of values; 0 counts */
    size_t largest;          /* index, as written */
    uint64_t largest_line;
    tw_label_count *count; /* owned */
    tw_dtype x_type;
    tw_label_type y_type;
} table;

/* The next line that is a row. */
static tw_status next_row(const table *t, tw_text_source *source, tw_libsvm_row *row, bool *more)
{
    tw_text_record record;
    bool filled = false;
    while (!filled) {
        TW_TRY(tw_text_source_next(source, &record, more));
        if (!*more) return TW_OK;
        TW_TRY(tw_libsvm_begin(row, t->path, &record, &filled));
    }
    return TW_OK;
}

/* ---- the first pass ---- */

static tw_status misfit(const table *t, const tw_libsvm_row *row, const char *at)
{
    char why[128];
    snprintf(why, sizeof why, "does not fit %s (%s)", tw_dtype_name(t->options->type),
             tw_narrow_range(t->options->type));
    return tw_libsvm_fail(row, at, why);
}

static tw_status count_pairs(table *t, tw_libsvm_row *row)
{
    tw_libsvm_pair pair;
    double scratch;
    bool more;
    for (;;) {
        TW_TRY(tw_libsvm_next(row, &pair, &more));
        if (!more) break;
        if (pair.index == 0 && t->options->index_base == TW_INDEX_FROM_1)
            return tw_libsvm_fail(row, pair.text, "has index 0, but --index-base is 1");
        t->zero |= pair.index == 0;
        t->minimum = pair.value < t->minimum ? pair.value : t->minimum;
        t->maximum = pair.value > t->maximum ? pair.value : t->maximum;
        t->real |= pair.kind == TW_NUMBER_REAL;
        t->pairs++;
        if (t->options->typed && tw_narrow(t->options->type, 1, &pair.value, &scratch) == 0)
            return misfit(t, row, pair.text);
    }
    if (row->index > (int64_t)t->largest || (row->index == 0 && t->largest_line == 0)) {
        t->largest = (size_t)row->index;
        t->largest_line = row->line;
    }
    return TW_OK;
}

static void count_label(table *t, const tw_libsvm_row *row)
{
    int64_t whole;
    if (row->y_kind == TW_NUMBER_WHOLE && tw_number_whole(row->label_size, row->label, &whole))
        tw_label_count_add(t->count, whole);
    else
        t->whole = false;
}

static tw_status scan_rows(table *t, tw_text_source *source)
{
    tw_libsvm_row row;
    bool more;
    for (;; t->rows++) {
        TW_TRY(next_row(t, source, &row, &more));
        if (!more) return TW_OK;
        count_label(t, &row);
        TW_TRY(count_pairs(t, &row));
        if (t->rows % ROWS_BETWEEN_LOOKS == 0 && t->options->interrupted && *t->options->interrupted)
            return tw_fail(TW_IO, "interrupted; nothing was written");
    }
}

/* The smallest integer type that holds all, else f64: as in other text. */
static tw_dtype infer(const table *t)
{
    if (t->real) return TW_f64;
    if (t->minimum >= 0 && t->maximum <= UINT8_MAX) return TW_u8;
    if (t->minimum >= INT8_MIN && t->maximum <= INT8_MAX) return TW_i8;
    return t->minimum >= INT16_MIN && t->maximum <= INT16_MAX ? TW_i16 : TW_f64;
}

static tw_status choose_columns(table *t)
{
    const size_t wanted = t->options->features;
    t->base = t->options->index_base == TW_INDEX_FROM_0 || t->zero ? 0 : 1;
    t->cols = t->pairs > 0 ? t->largest + 1 - t->base : 0;
    if (wanted > 0 && t->cols > wanted)
        return tw_fail(
            TW_DATA,
            "%s: line %llu has index %zu, which is feature %zu counted from %zu, but --features is %zu; a "
            "model of %zu features cannot use it",
            t->path, (unsigned long long)t->largest_line, t->largest, t->cols, (size_t)1, wanted, wanted);
    if (wanted > 0) t->cols = wanted;
    return t->cols > 0
               ? TW_OK
               : tw_fail(TW_DATA, "%s holds labels and no pair INDEX:VALUE; give --features, or is it CSV?",
                         t->path);
}

static tw_status check_bytes(const table *t)
{
    const uint64_t most = t->options->most_bytes ? t->options->most_bytes : MOST_BYTES;
    const double cells = (double)t->rows * (double)t->cols, bytes = cells * (double)tw_dtype_size(t->x_type);
    char size[TW_UNIT_LEN], limit[TW_UNIT_LEN];
    if (bytes <= (double)most || t->options->most_bytes == UINT64_MAX) return TW_OK;
    return tw_fail(
        TW_DATA,
        "%s: the dense result would have %zu rows of %zu columns, %s of %s, of which %.2g %% are given in "
        "the file; beyond %s say --large, or take fewer features or --type f16",
        t->path, t->rows, t->cols, tw_units_bytes(bytes, size), tw_dtype_name(t->x_type),
        100 * (double)t->pairs / cells, tw_units_bytes((double)most, limit));
}

static tw_status scan(table *t)
{
    tw_text_source source = {.bytes.fd = -1};
    t->count = calloc(1, sizeof *t->count);
    if (!t->count) return tw_fail(TW_MEMORY, "out of memory for %s", t->path);
    tw_status status = tw_text_source_open(&source, t->path, 0);
    if (status == TW_OK) status = scan_rows(t, &source);
    tw_text_source_release(&source);
    TW_TRY(status);
    if (t->rows == 0) return tw_fail(TW_DATA, "%s is empty: it holds no row", t->path);
    TW_TRY(choose_columns(t));
    t->x_type = t->options->typed ? t->options->type : infer(t);
    t->y_type = t->whole ? TW_LABEL_i64 : TW_LABEL_f64;
    return check_bytes(t);
}

/* ---- the second pass ---- */

static tw_status changed(const table *t)
{
    return tw_fail(TW_DATA, "%s changed while it was read; convert it again when it is complete", t->path);
}

static tw_status put_pairs(const table *t, tw_libsvm_row *row, char *x)
{
    const size_t size = tw_dtype_size(t->x_type);
    tw_libsvm_pair pair;
    bool more;
    for (;;) {
        TW_TRY(tw_libsvm_next(row, &pair, &more));
        if (!more) return TW_OK;
        if (pair.index < t->base || pair.index - t->base >= t->cols) return changed(t);
        char *const to = x + (pair.index - t->base) * size;
        if (t->x_type == TW_f64)
            memcpy(to, &pair.value, sizeof pair.value);
        else if (tw_narrow(t->x_type, 1, &pair.value, to) == 0)
            return changed(t);
    }
}

static tw_status put_label(const table *t, const tw_libsvm_row *row, size_t at, void *y)
{
    if (t->y_type == TW_LABEL_f64)
        ((double *)y)[at] = row->y;
    else if (!tw_number_whole(row->label_size, row->label, (int64_t *)y + at))
        return changed(t);
    return TW_OK;
}

typedef struct {
    tw_text_source source;
    size_t block;
    char *x; /* [block][cols] */
    void *y; /* [block] */
} copier;

static tw_status copy_block(const table *t, copier *c, size_t rows)
{
    const size_t width = t->cols * tw_dtype_size(t->x_type);
    tw_libsvm_row row;
    bool more;
    memset(c->x, 0, rows * width); /* zero in every type */
    for (size_t i = 0; i < rows; i++) {
        TW_TRY(next_row(t, &c->source, &row, &more));
        if (!more) return changed(t);
        TW_TRY(put_label(t, &row, i, c->y));
        TW_TRY(put_pairs(t, &row, c->x + i * width));
    }
    return TW_OK;
}

static tw_status copy_rows(const table *t, copier *c, tw_dataset_writer *writer)
{
    tw_libsvm_row row;
    bool more;
    for (size_t done = 0, rows; done < t->rows; done += rows) {
        rows = c->block < t->rows - done ? c->block : t->rows - done;
        TW_TRY(copy_block(t, c, rows));
        TW_TRY(tw_dataset_writer_append(writer, rows, c->x, c->y));
        if (t->options->interrupted && *t->options->interrupted)
            return tw_fail(TW_IO, "interrupted; nothing was written");
    }
    TW_TRY(next_row(t, &c->source, &row, &more));
    return more ? changed(t) : TW_OK;
}

static tw_status read_and_copy(const table *t, tw_dataset_writer *writer)
{
    const size_t most = tw_dataset_writer_block(writer);
    copier c = {.source.bytes.fd = -1, .block = most < t->rows ? most : t->rows};
    c.x = malloc(c.block * t->cols * tw_dtype_size(t->x_type));
    c.y = malloc(c.block * sizeof(double));
    tw_status status = c.x && c.y ? tw_text_source_open(&c.source, t->path, 0)
                                  : tw_fail(TW_MEMORY, "out of memory for %s", t->path);
    if (status == TW_OK) status = copy_rows(t, &c, writer);
    tw_text_source_release(&c.source);
    free(c.x);
    free(c.y);
    return status;
}

static tw_status write_file(const table *t, const char *output, uint64_t *bytes)
{
    const tw_dataset_layout layout = {
        .rows = t->rows,
        .cols = t->cols,
        .x_type = t->x_type,
        .y_type = t->y_type,
        .gzip = t->options->gzip,
        .replace = t->options->replace,
    };
    tw_dataset_writer *writer = NULL;
    tw_status status = tw_dataset_writer_new(output, &layout, &writer);
    if (status == TW_OK) status = read_and_copy(t, writer);
    if (status == TW_OK) status = tw_dataset_writer_commit(writer, bytes);
    tw_dataset_writer_free(writer);
    return status;
}

static void fill_report(const table *t, tw_import_report *report)
{
    const double share = 100 * (double)t->pairs / ((double)t->rows * (double)t->cols);
    snprintf(report->format, sizeof report->format,
             "LIBSVM, indices from %zu to %zu, %.3g %% of all values given", t->base, t->largest, share);
    report->rows = t->rows;
    report->cols = t->cols;
    report->x_type = t->x_type;
    report->y_type = t->y_type;
    report->n_classes = t->whole && !t->count->many ? t->count->count : 0;
}

tw_status tw_import_libsvm(const char *input, const char *output, const tw_import_options *options,
                           tw_import_report *report)
{
    table t = {.path = input, .options = options, .whole = true};
    tw_status status = scan(&t);
    if (status == TW_OK) fill_report(&t, report);
    if (status == TW_OK && output) status = write_file(&t, output, &report->bytes);
    free(t.count);
    return status;
}
