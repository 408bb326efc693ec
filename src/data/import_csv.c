/* The second pass over a text file, and the report. */
#include "data/csv.h"
#include "data/import.h"
#include "data/printable.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tw_status changed(const tw_csv_table *t)
{
    return tw_fail(TW_DATA, "%s changed while it was read; convert it again when it is complete", t->path);
}

/* The label of a row as stored. */
static tw_status put_label(const tw_csv_table *t, const tw_csv_row *row, size_t at, void *y)
{
    if (t->y_type == TW_LABEL_f64) {
        if (row->kind[t->label] == TW_CELL_TEXT) return changed(t);
        ((double *)y)[at] = row->value[t->label];
    } else if (t->y_type == TW_LABEL_i64) {
        if (row->kind[t->label] != TW_CELL_WHOLE ||
            !tw_number_whole(row->label.size, row->label.text, (int64_t *)y + at))
            return changed(t);
    } else if (t->y_type == TW_LABEL_i32) {
        const size_t code = tw_label_set_find(&t->classes, row->label.size, row->label.text);
        if (code == SIZE_MAX) return changed(t);
        ((int32_t *)y)[at] = (int32_t)code;
    }
    return TW_OK;
}

typedef struct {
    tw_text_source source;
    tw_csv_row row;
    char *x; /* [block][features] */
    void *y; /* [block] */
    size_t rows;
} reader;

/* Up to limit rows; fewer only at the end of the file. */
static tw_status read_block(const tw_csv_table *t, reader *r, size_t limit)
{
    const size_t width = tw_csv_features(t) * tw_dtype_size(t->x_type);
    bool more = true;
    for (r->rows = 0; r->rows < limit; r->rows++) {
        TW_TRY(tw_csv_next(t, &r->source, &r->row, &more));
        if (!more) return TW_OK;
        TW_TRY(tw_csv_store(t, &r->row, t->x_type, r->x + r->rows * width));
        TW_TRY(put_label(t, &r->row, r->rows, r->y));
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
        if (r->rows == 0) return changed(t);
        TW_TRY(tw_dataset_writer_append(writer, r->rows, r->x, r->y));
        if (t->options->interrupted && *t->options->interrupted)
            return tw_fail(TW_IO, "interrupted; nothing was written");
    }
    TW_TRY(tw_csv_next(t, &r->source, &r->row, &more));
    return more ? changed(t) : TW_OK;
}

static tw_status read_and_copy(const tw_csv_table *t, tw_dataset_writer *writer)
{
    const size_t most = tw_dataset_writer_block(writer), block = most < t->rows ? most : t->rows;
    reader r = {.source.bytes.fd = -1};
    r.x = malloc(block * tw_csv_features(t) * tw_dtype_size(t->x_type));
    r.y = malloc(block * sizeof(double));
    tw_status status =
        r.x && r.y ? tw_csv_row_init(&r.row, t) : tw_fail(TW_MEMORY, "out of memory for %s", t->path);
    if (status == TW_OK) status = tw_csv_open(t, &r.source);
    if (status == TW_OK) status = copy_rows(t, &r, writer);
    tw_text_source_release(&r.source);
    tw_csv_row_release(&r.row);
    free(r.x);
    free(r.y);
    return status;
}

/* Names of the features: those of the columns without the label; borrowed pointers. */
static const char **feature_names(const tw_csv_table *t)
{
    const char **names = malloc(t->cols * sizeof *names);
    size_t n = 0;
    for (size_t c = 0; names && c < t->cols; c++)
        if (c != t->label) names[n++] = t->names[c];
    return names;
}

static tw_status write_file(const tw_csv_table *t, const char *output, uint64_t *bytes)
{
    const char **names = t->names ? feature_names(t) : NULL;
    if (t->names && !names) return tw_fail(TW_MEMORY, "out of memory for the names of %s", t->path);
    const tw_dataset_layout layout = {
        .rows = t->rows,
        .cols = tw_csv_features(t),
        .x_type = t->x_type,
        .y_type = t->y_type,
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
    if (c == t->label) return t->words ? "string" : tw_label_type_name(t->y_type);
    return tw_dtype_name(tw_csv_column_type(&t->column[c]));
}

static tw_status report_columns(const tw_csv_table *t, tw_import_report *report)
{
    report->columns = calloc(t->cols, sizeof *report->columns);
    if (!report->columns) return tw_fail(TW_MEMORY, "out of memory for the columns of %s", t->path);
    report->n_columns = t->cols;
    for (size_t c = 0; c < t->cols; c++) {
        const tw_csv_column *found = &t->column[c];
        const bool numbers = found->minimum <= found->maximum && !(c == t->label && t->words);
        tw_import_column *column = &report->columns[c];
        *column = (tw_import_column){
            .type = column_type(t, c),
            .missing = found->missing,
            .minimum = numbers ? found->minimum : NAN,
            .maximum = numbers ? found->maximum : NAN,
            .label = c == t->label,
        };
        *(c == t->label ? &report->y_missing : &report->x_missing) += found->missing;
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
    report->rows = t->rows;
    report->cols = tw_csv_features(t);
    report->x_type = t->x_type;
    report->y_type = t->y_type;
    report->n_classes = t->classes.count;
    if (t->y_type == TW_LABEL_i64 && !t->count->many) report->n_classes = t->count->count;
    return report_columns(t, report);
}

tw_status tw_import_csv(const char *input, const char *output, const tw_import_options *options,
                        tw_import_report *report)
{
    tw_csv_table table;
    tw_status status = tw_csv_sniff(&table, input, options);
    if (status == TW_OK) status = tw_csv_scan(&table);
    if (status == TW_OK) status = fill_report(&table, report);
    if (status == TW_OK && output) status = write_file(&table, output, &report->bytes);
    tw_csv_table_release(&table);
    return status;
}
