/* The first pass: every cell is checked and counted, so that the second meets no surprise but a file that
 * changes. */
#include "data/csv.h"
#include "data/printable.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_BETWEEN_LOOKS = 4096 };

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

static tw_status check_utf8(const tw_csv_table *t, const tw_csv_row *row, size_t c, const tw_csv_cell *cell)
{
    return tw_utf8_valid(cell->size, cell->text)
               ? TW_OK
               : tw_csv_fail(t, row, c, cell, "is not UTF-8; convert the file first (iconv -t UTF-8)");
}

static tw_status count_categories(tw_csv_table *t, const tw_csv_row *row)
{
    char why[160];
    for (size_t k = 0; k < t->n_hot; k++) {
        tw_csv_categories *const h = &t->hot[k];
        const tw_csv_cell *const cell = &row->cell[h->column];
        if (row->kind[h->column] == TW_CELL_MISSING ||
            tw_label_set_find(&h->set, cell->size, cell->text) != SIZE_MAX)
            continue;
        if (h->set.count == TW_CSV_MOST_CATEGORIES) {
            snprintf(why, sizeof why,
                     "is category number %d of the column, and --one-hot takes up to %d; is it an "
                     "identifier? --drop it",
                     TW_CSV_MOST_CATEGORIES + 1, TW_CSV_MOST_CATEGORIES);
            return tw_csv_fail(t, row, h->column, cell, why);
        }
        TW_TRY(check_utf8(t, row, h->column, cell));
        TW_TRY(tw_label_set_add(&h->set, cell->size, cell->text));
    }
    return TW_OK;
}

/* Truth values among the features; with --one-hot all a word makes its column one of categories, for which
 * the scan begins again. */
static void count_odd(tw_csv_table *t, const tw_csv_row *row, bool *restart)
{
    for (size_t c = 0; c < t->cols; c++) {
        if (t->role[c] != TW_CSV_FEATURE) continue;
        t->column[c].truths += row->kind[c] == TW_CELL_TRUTH;
        if (row->kind[c] != TW_CELL_TEXT) continue;
        t->role[c] = TW_CSV_ONE_HOT;
        *restart = true;
    }
}

static tw_status check_weight(const tw_csv_table *t, const tw_csv_row *row)
{
    tw_csv_cell cell;
    if (row->value[t->weight] >= 0) return TW_OK;
    tw_csv_cell_take(row->at[t->weight], t->separator, &cell);
    return tw_csv_fail(t, row, t->weight, &cell, "is no weight, a number from 0");
}

static tw_status count_word(tw_csv_table *t, const tw_csv_row *row)
{
    const tw_csv_cell *label = &row->label;
    if (row->kind[t->label] == TW_CELL_MISSING)
        return tw_csv_fail(t, row, t->label, label,
                           "names no class; every row needs a label, or give --no-label");
    if (tw_label_set_find(&t->classes, label->size, label->text) != SIZE_MAX) return TW_OK;
    TW_TRY(check_utf8(t, row, t->label, label));
    return tw_label_set_add(&t->classes, label->size, label->text);
}

/* restart: out, true when this is the first word after numbers, which then are names too. */
static tw_status count_label(tw_csv_table *t, const tw_csv_row *row, bool *restart)
{
    int64_t whole;
    if (t->words) return count_word(t, row);
    switch (row->kind[t->label]) {
    case TW_CELL_MISSING: break;
    case TW_CELL_TRUTH:
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

static tw_status count_row(tw_csv_table *t, const tw_csv_row *row, void *scratch, bool *restart)
{
    count_cells(t, row);
    if (row->odd) count_odd(t, row, restart);
    if (t->label != TW_CSV_NONE) TW_TRY(count_label(t, row, restart));
    if (t->weight != TW_CSV_NONE) TW_TRY(check_weight(t, row));
    if (t->n_hot > 0) TW_TRY(count_categories(t, row));
    return t->options->typed && !*restart ? tw_csv_store_numbers(t, row, t->options->type, scratch) : TW_OK;
}

static tw_status scan_rows(tw_csv_table *t, tw_csv_reader *reader, tw_csv_row *row, bool *restart)
{
    bool more = true;
    void *const scratch = t->options->typed ? malloc(t->cols * sizeof(double)) : NULL;
    tw_status status =
        t->options->typed && !scratch ? tw_fail(TW_MEMORY, "out of memory for a row of %s", t->path) : TW_OK;
    for (t->rows = 0; status == TW_OK && !*restart; t->rows++) {
        status = tw_csv_next(t, reader, row, &more);
        if (status != TW_OK || !more) break;
        status = count_row(t, row, scratch, restart);
        if (t->rows % ROWS_BETWEEN_LOOKS == 0 && t->options->interrupted && *t->options->interrupted)
            status = tw_fail(TW_IO, "interrupted; nothing was written");
    }
    free(scratch);
    return status;
}

static void reset(tw_csv_table *t)
{
    for (size_t c = 0; c < t->cols; c++)
        t->column[c] = (tw_csv_column){.minimum = INFINITY, .maximum = -INFINITY};
    t->whole = true;
}

/* Words stay words and categories stay categories, so it ends. */
static tw_status scan(tw_csv_table *t, tw_csv_row *row)
{
    bool restart;
    do {
        tw_csv_reader reader = {.source.bytes.fd = -1};
        restart = false;
        reset(t);
        TW_TRY(tw_csv_lay_out(t, false));
        tw_status status = tw_csv_open(t, &reader);
        if (status == TW_OK) status = scan_rows(t, &reader, row, &restart);
        tw_csv_reader_release(&reader);
        TW_TRY(status);
    } while (restart);
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
    if (t->n_hot > 0) all = (tw_csv_column){.minimum = 0, .maximum = 1};
    for (size_t c = 0; c < t->cols; c++) {
        if (t->role[c] != TW_CSV_FEATURE) continue;
        all.real |= t->column[c].real;
        all.missing += t->column[c].missing;
        all.minimum = fmin(all.minimum, t->column[c].minimum);
        all.maximum = fmax(all.maximum, t->column[c].maximum);
    }
    return tw_csv_column_type(&all);
}

static tw_status choose_label_type(tw_csv_table *t)
{
    t->y_type = TW_LABEL_none;
    if (t->label == TW_CSV_NONE) return TW_OK;
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

static tw_status check_columns(const tw_csv_table *t)
{
    for (size_t c = 0; c < t->cols; c++) {
        const tw_csv_column *const found = &t->column[c];
        if (t->role[c] == TW_CSV_FEATURE && found->truths > 0 && found->truths + found->missing < t->rows)
            return tw_fail(TW_DATA,
                           "%s: column index %zu holds true or false in %zu rows and numbers in others; drop "
                           "it, or --one-hot %zu",
                           t->path, c, found->truths, c);
    }
    if (t->weight != TW_CSV_NONE && !(t->column[t->weight].maximum > 0))
        return tw_fail(TW_DATA, "%s: all weights, column index %zu, are 0", t->path, t->weight);
    return TW_OK;
}

/* Columns that never hold a word are no categories, so there may be less than was foreseen, even nothing. */
static tw_status place_categories(tw_csv_table *t)
{
    for (size_t k = 0; k < t->n_hot; k++) tw_label_set_sort(&t->hot[k].set);
    TW_TRY(tw_csv_lay_out(t, true));
    if (t->features > 0 && t->features <= TW_CSV_MOST_COLUMNS) return TW_OK;
    if (t->features > 0)
        return tw_fail(TW_DATA, "%s would have %zu features, and %d are supported; encode fewer columns",
                       t->path, t->features, TW_CSV_MOST_COLUMNS);
    return tw_fail(TW_DATA, "%s: the columns of --one-hot are empty, and there are no others", t->path);
}

tw_status tw_csv_scan(tw_csv_table *t)
{
    tw_csv_row row;
    tw_status status = tw_csv_row_init(&row, t);
    t->count = calloc(1, sizeof *t->count);
    if (status == TW_OK && !t->count) status = tw_fail(TW_MEMORY, "out of memory for a row of %s", t->path);
    if (status == TW_OK) status = scan(t, &row);
    tw_csv_row_release(&row);
    TW_TRY(status);
    if (t->rows == 0) return tw_fail(TW_DATA, "%s holds a header and no rows", t->path);
    TW_TRY(check_columns(t));
    TW_TRY(place_categories(t));
    t->x_type = t->options->typed ? t->options->type : infer(t);
    return choose_label_type(t);
}
