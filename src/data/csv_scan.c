/* The first pass: every cell is checked and counted, so that the second meets no surprise but a file that
 * changes. */
#include "data/csv.h"
#include "data/printable.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_BETWEEN_LOOKS = 4096 };

tw_status tw_csv_open(const tw_csv_table *t, tw_text_source *source)
{
    tw_text_record unused;
    bool more;
    TW_TRY(tw_text_source_open(source, t->path, t->separator));
    return t->header ? tw_text_source_next(source, &unused, &more) : TW_OK;
}

static void count_cells(tw_csv_table *t, const tw_csv_row *row)
{
    for (size_t c = 0; c < t->cols; c++) {
        tw_csv_column *column = &t->column[c];
        const double v = row->value[c];
        column->minimum = v < column->minimum ? v : column->minimum;
        column->maximum = v > column->maximum ? v : column->maximum;
        column->missing += row->kind[c] == TW_CELL_MISSING;
        column->real |= row->kind[c] == TW_CELL_REAL;
    }
}

static tw_status count_word(tw_csv_table *t, const tw_csv_row *row)
{
    const tw_csv_cell *label = &row->label;
    if (row->kind[t->label] == TW_CELL_MISSING)
        return tw_csv_fail(t, row->line, t->label, label,
                           "names no class; every row needs a label, or give --no-label");
    if (tw_label_set_find(&t->classes, label->size, label->text) != SIZE_MAX) return TW_OK;
    if (!tw_utf8_valid(label->size, label->text))
        return tw_csv_fail(t, row->line, t->label, label,
                           "is not UTF-8; convert the file first (iconv -t UTF-8)");
    return tw_label_set_add(&t->classes, label->size, label->text);
}

/* restart: out, true when this is the first word after numbers, which then are names too. */
static tw_status count_label(tw_csv_table *t, const tw_csv_row *row, bool *restart)
{
    int64_t whole;
    if (t->words) return count_word(t, row);
    switch (row->kind[t->label]) {
    case TW_CELL_MISSING: break;
    case TW_CELL_TEXT: t->words = *restart = true; break;
    case TW_CELL_WHOLE:
        if (tw_number_whole(row->label.size, row->label.text, &whole))
            tw_label_count_add(t->count, whole);
        else
            t->whole = false;
        break;
    default: t->whole = false;
    }
    return TW_OK;
}

static tw_status scan_rows(tw_csv_table *t, tw_text_source *source, tw_csv_row *row, void *scratch)
{
    bool more = true, restart = false;
    for (t->rows = 0; more && !restart; t->rows += more) {
        TW_TRY(tw_csv_next(t, source, row, &more));
        if (!more) break;
        count_cells(t, row);
        if (t->label != TW_CSV_NO_LABEL) TW_TRY(count_label(t, row, &restart));
        if (t->options->typed) TW_TRY(tw_csv_store(t, row, t->options->type, scratch));
        if (t->rows % ROWS_BETWEEN_LOOKS == 0 && t->options->interrupted && *t->options->interrupted)
            return tw_fail(TW_IO, "interrupted; nothing was written");
    }
    t->rows = restart ? 0 : t->rows;
    return TW_OK;
}

static void reset(tw_csv_table *t)
{
    for (size_t c = 0; c < t->cols; c++)
        t->column[c] = (tw_csv_column){.minimum = INFINITY, .maximum = -INFINITY};
    t->whole = true;
}

/* At most twice: words stay words. */
static tw_status scan(tw_csv_table *t, tw_csv_row *row, void *scratch)
{
    bool words;
    do {
        tw_text_source source = {.bytes.fd = -1};
        words = t->words;
        reset(t);
        tw_status status = tw_csv_open(t, &source);
        if (status == TW_OK) status = scan_rows(t, &source, row, scratch);
        tw_text_source_release(&source);
        TW_TRY(status);
    } while (t->words != words);
    return TW_OK;
}

/* The smallest integer type that holds low .. high, else f64. */
static tw_dtype smallest(double low, double high)
{
    if (low >= 0 && high <= UINT8_MAX) return TW_u8;
    if (low >= INT8_MIN && high <= INT8_MAX) return TW_i8;
    if (low >= INT16_MIN && high <= INT16_MAX) return TW_i16;
    return TW_f64;
}

tw_dtype tw_csv_column_type(const tw_csv_column *column)
{
    return column->real || column->missing > 0 ? TW_f64 : smallest(column->minimum, column->maximum);
}

static tw_dtype infer(const tw_csv_table *t)
{
    tw_csv_column all = {.minimum = INFINITY, .maximum = -INFINITY};
    for (size_t c = 0; c < t->cols; c++) {
        if (c == t->label) continue;
        all.real |= t->column[c].real;
        all.missing += t->column[c].missing;
        all.minimum = fmin(all.minimum, t->column[c].minimum);
        all.maximum = fmax(all.maximum, t->column[c].maximum);
    }
    return tw_csv_column_type(&all);
}

static tw_status choose_types(tw_csv_table *t)
{
    if (t->rows == 0) return tw_fail(TW_DATA, "%s holds a header and no rows", t->path);
    t->x_type = t->options->typed ? t->options->type : infer(t);
    t->y_type = TW_LABEL_none;
    if (t->label == TW_CSV_NO_LABEL) return TW_OK;
    const size_t missing = t->column[t->label].missing;
    if (missing == t->rows)
        return tw_fail(
            TW_DATA,
            "%s: no row has a label: column index %zu is empty; choose another with --label, or --no-label",
            t->path, t->label);
    t->y_type = t->words ? TW_LABEL_i32 : t->whole && missing == 0 ? TW_LABEL_i64 : TW_LABEL_f64;
    tw_label_set_sort(&t->classes);
    return TW_OK;
}

tw_status tw_csv_scan(tw_csv_table *t)
{
    tw_csv_row row;
    tw_status status = tw_csv_row_init(&row, t);
    void *scratch = malloc(t->cols * sizeof(double));
    t->count = calloc(1, sizeof *t->count);
    if (status == TW_OK && (!scratch || !t->count))
        status = tw_fail(TW_MEMORY, "out of memory for a row of %s", t->path);
    if (status == TW_OK) status = scan(t, &row, scratch);
    free(scratch);
    tw_csv_row_release(&row);
    return status == TW_OK ? choose_types(t) : status;
}
