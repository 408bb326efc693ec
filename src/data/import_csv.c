/* The second pass over a text file, and the report. */
#include "data/csv.h"
#include "data/import.h"
#include "data/printable.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The label of a row as stored. */
static tw_status put_label(const tw_csv_table *t, const tw_csv_row *row, size_t at, void *y)
{
    if (t->y_type == TW_LABEL_f64) {
        if (row->kind[t->label] >= TW_CELL_TRUTH) return tw_csv_changed(row->path);
        ((double *)y)[at] = row->value[t->label];
    } else if (t->y_type == TW_LABEL_i64) {
        if (row->kind[t->label] != TW_CELL_WHOLE ||
            !tw_number_whole(row->label.size, row->label.text, (int64_t *)y + at))
            return tw_csv_changed(row->path);
    } else if (t->y_type == TW_LABEL_i32) {
        const size_t code = tw_label_set_find(&t->classes, row->label.size, row->label.text);
        if (code == SIZE_MAX) return tw_csv_changed(row->path);
        ((int32_t *)y)[at] = (int32_t)code;
    }
    return TW_OK;
}

/* A word among the features, which the scan has not seen. */
static bool holds_text(const tw_csv_table *t, const tw_csv_row *row)
{
    for (size_t c = 0; row->odd && c < t->cols; c++)
        if (t->role[c] == TW_CSV_FEATURE && row->kind[c] == TW_CELL_TEXT) return true;
    return false;
}

typedef struct {
    tw_csv_reader in;
    tw_csv_row row;
    char *x;   /* [block][features] */
    void *y;   /* [block] */
    double *w; /* [block] */
    size_t rows;
} reader;

/* Up to limit rows; fewer only at the end of the file. */
static tw_status read_block(const tw_csv_table *t, reader *r, size_t limit)
{
    const size_t width = t->features * tw_dtype_size(t->x_type);
    bool more = true;
    for (r->rows = 0; r->rows < limit; r->rows++) {
        TW_TRY(tw_csv_next(t, &r->in, &r->row, &more));
        if (!more) return TW_OK;
        if (holds_text(t, &r->row)) return tw_csv_changed(r->row.path);
        TW_TRY(tw_csv_store(t, &r->row, r->x + r->rows * width));
        TW_TRY(put_label(t, &r->row, r->rows, r->y));
        if (t->weight == TW_CSV_NONE) continue;
        r->w[r->rows] = r->row.value[t->weight];
        if (!(r->w[r->rows] >= 0)) return tw_csv_changed(r->row.path);
    }
    return TW_OK;
}

static tw_status copy_rows(const tw_csv_table *t, reader *r, tw_dataset_writer *writer)
{
    const size_t block = tw_dataset_writer_block(writer);
    size_t done = 0;
    bool more;
    for (; done < t->rows; done += r->rows) {
        TW_TRY(read_block(t, r, block < t->rows - done ? block : t->rows - done));
        if (r->rows == 0) return tw_csv_changed(r->row.path);
        TW_TRY(tw_dataset_writer_append(writer, r->rows, r->x, r->y));
        if (t->weight != TW_CSV_NONE) TW_TRY(tw_dataset_writer_append_weights(writer, r->rows, r->w));
        if (t->options->interrupted && *t->options->interrupted)
            return tw_fail(TW_IO, "interrupted; nothing was written");
    }
    TW_TRY(tw_csv_next(t, &r->in, &r->row, &more));
    return more ? tw_csv_changed(r->row.path) : TW_OK;
}

static tw_status read_and_copy(const tw_csv_table *t, tw_dataset_writer *writer)
{
    const size_t most = tw_dataset_writer_block(writer), block = most < t->rows ? most : t->rows;
    reader r = {.in.source.bytes.fd = -1};
    r.x = malloc(block * t->features * tw_dtype_size(t->x_type));
    r.y = malloc(block * sizeof(double));
    r.w = malloc(block * sizeof(double));
    tw_status status =
        r.x && r.y && r.w ? tw_csv_row_init(&r.row, t) : tw_fail(TW_MEMORY, "out of memory for %s", t->path);
    if (status == TW_OK) status = tw_csv_open(t, &r.in);
    if (status == TW_OK) status = copy_rows(t, &r, writer);
    tw_csv_reader_release(&r.in);
    tw_csv_row_release(&r.row);
    free(r.x);
    free(r.y);
    free(r.w);
    return status;
}

static tw_status write_file(const tw_csv_table *t, const char *output, uint64_t *bytes)
{
    const bool named = t->names || t->n_hot > 0;
    const char **names = named ? tw_csv_feature_names(t) : NULL;
    if (named && !names) return tw_fail(TW_MEMORY, "out of memory for the names of %s", t->path);
    const tw_dataset_layout layout = {
        .rows = t->rows,
        .cols = t->features,
        .x_type = t->x_type,
        .y_type = t->y_type,
        .weights = t->weight != TW_CSV_NONE,
        .classes = t->words ? (const char *const *)t->classes.word : NULL,
        .n_classes = t->classes.count,
        .feature_names = names,
        .gzip = t->options->gzip,
        .replace = t->options->replace,
    };
    tw_dataset_writer *writer = NULL;
    tw_status status = tw_dataset_writer_new(output, &layout, &writer);
    if (status == TW_OK) status = read_and_copy(t, writer);
    if (status == TW_OK) status = tw_dataset_writer_commit(writer, bytes);
    tw_dataset_writer_free(writer);
    free(names);
    return status;
}

static const char *column_type(const tw_csv_table *t, size_t c)
{
    switch (t->role[c]) {
    case TW_CSV_LABEL: return t->words ? "string" : tw_label_type_name(t->y_type);
    case TW_CSV_WEIGHT: return "f64";
    case TW_CSV_ONE_HOT: return "string";
    case TW_CSV_DROPPED: return "-";
    default: return t->column[c].truths > 0 ? "bool" : tw_dtype_name(tw_csv_column_type(&t->column[c]));
    }
}

static void describe(const tw_csv_table *t, size_t c, tw_import_column *column)
{
    const tw_csv_column *found = &t->column[c];
    const bool numbers = found->minimum <= found->maximum && !(c == t->label && t->words) &&
                         t->role[c] != TW_CSV_ONE_HOT && t->role[c] != TW_CSV_DROPPED;
    *column = (tw_import_column){
        .type = column_type(t, c),
        .missing = found->missing,
        .minimum = numbers ? found->minimum : NAN,
        .maximum = numbers ? found->maximum : NAN,
        .label = c == t->label,
        .weight = c == t->weight,
        .dropped = t->role[c] == TW_CSV_DROPPED,
    };
    for (size_t k = 0; k < t->n_hot; k++)
        if (t->hot[k].column == c) {
            column->one_hot = true;
            column->categories = t->hot[k].set.count;
        }
}

static tw_status report_columns(const tw_csv_table *t, tw_import_report *report)
{
    report->columns = calloc(t->cols, sizeof *report->columns);
    if (!report->columns) return tw_fail(TW_MEMORY, "out of memory for the columns of %s", t->path);
    report->n_columns = t->cols;
    for (size_t c = 0; c < t->cols; c++) {
        tw_import_column *const column = &report->columns[c];
        describe(t, c, column);
        if (t->role[c] == TW_CSV_FEATURE) report->x_missing += column->missing;
        if (c == t->label) report->y_missing = column->missing;
        column->name = t->names ? strdup(t->names[c]) : NULL;
        if (t->names && !column->name)
            return tw_fail(TW_MEMORY, "out of memory for the names of %s", t->path);
    }
    return TW_OK;
}

static tw_status fill_report(const tw_csv_table *t, tw_import_report *report)
{
    const tw_printable separator = tw_printable_quote(1, &t->separator);
    snprintf(report->format, sizeof report->format, "text, separator %s, %s",
             t->separator == '\t' ? "tab" : separator.text, t->header ? "header" : "no header");
    report->joined = t->n_inputs;
    report->rows = t->rows;
    report->cols = t->features;
    report->x_type = t->x_type;
    report->y_type = t->y_type;
    report->weights = t->weight != TW_CSV_NONE;
    report->n_classes = t->classes.count;
    if (t->y_type == TW_LABEL_i64 && !t->count->many) report->n_classes = t->count->count;
    return report_columns(t, report);
}

tw_status tw_import_csv(size_t n_inputs, const char *const *inputs, const char *output,
                        const tw_import_options *options, tw_import_report *report)
{
    tw_csv_table table;
    tw_status status = tw_csv_sniff(&table, n_inputs, inputs, options);
    if (status == TW_OK) status = tw_csv_scan(&table);
    if (status == TW_OK) status = fill_report(&table, report);
    if (status == TW_OK && output) status = write_file(&table, output, &report->bytes);
    tw_csv_table_release(&table);
    return status;
}
