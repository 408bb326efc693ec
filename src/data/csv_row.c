/* From a record to cells and numbers. Most cells are plain numbers, which are read where they stand. */
#include "data/csv.h"
#include "data/narrow.h"
#include "data/printable.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

tw_status tw_csv_fail(const tw_csv_table *t, uint64_t line, size_t column, const tw_csv_cell *cell,
                      const char *why)
{
    const tw_printable name =
        t->names ? tw_printable_quote(strlen(t->names[column]), t->names[column]) : (tw_printable){""};
    const tw_printable text = cell ? tw_printable_quote(cell->size, cell->text) : (tw_printable){""};
    return tw_fail(TW_DATA, "%s: line %llu, column %s%sindex %zu%s: %s%s%s", t->path,
                   (unsigned long long)line, name.text, t->names ? " (" : "", column, t->names ? ")" : "",
                   text.text, cell ? " " : "", why);
}

static char *take_plain(char *text, char separator, tw_csv_cell *cell)
{
    char *end = text;
    while (*end && *end != separator) end++;
    const char *last = end;
    while (last > text && tw_text_blank(last[-1], separator)) last--;
    *cell = (tw_csv_cell){text, (size_t)(last - text)};
    return end;
}

/* Doubled quotes become single, so the cell may get shorter. */
static char *take_quoted(char *text, char separator, tw_csv_cell *cell)
{
    char *to = text, *from = text;
    for (; *from && !(from[0] == '"' && from[1] != '"'); from++) {
        if (*from == '"') from++;
        *to++ = *from;
    }
    char *end = *from ? from + 1 : from;
    while (tw_text_blank(*end, separator)) end++;
    *cell = (tw_csv_cell){text, (size_t)(to - text)};
    return *end == 0 || *end == separator ? end : NULL;
}

char *tw_csv_cell_take(char *text, char separator, tw_csv_cell *cell)
{
    while (tw_text_blank(*text, separator)) text++;
    return *text == '"' ? take_quoted(text + 1, separator, cell) : take_plain(text, separator, cell);
}

static bool is_missing(const tw_csv_cell *cell)
{
    const size_t sign = cell->size == 4 && (cell->text[0] == '-' || cell->text[0] == '+');
    return cell->size == 0 || (cell->size == 2 && memcmp(cell->text, "NA", 2) == 0) ||
           (cell->size == 3 + sign && strncasecmp(cell->text + sign, "nan", 3) == 0);
}

unsigned char tw_csv_cell_kind(const tw_csv_cell *cell, double *value)
{
    unsigned char kind = TW_CELL_TEXT;
    if (cell->size > 0 && tw_number_scan(cell->text, value, &kind) == cell->text + cell->size) return kind;
    *value = NAN;
    return is_missing(cell) ? TW_CELL_MISSING : TW_CELL_TEXT;
}

tw_status tw_csv_row_init(tw_csv_row *row, const tw_csv_table *t)
{
    *row = (tw_csv_row){
        .value = malloc(t->cols * sizeof *row->value),
        .kind = malloc(t->cols),
        .at = malloc(t->cols * sizeof *row->at),
    };
    return row->value && row->kind && row->at ? TW_OK
                                              : tw_fail(TW_MEMORY, "out of memory for a row of %s", t->path);
}

void tw_csv_row_release(tw_csv_row *row)
{
    free(row->value);
    free(row->kind);
    free(row->at);
    *row = (tw_csv_row){0};
}

static tw_status ragged(const tw_csv_table *t, uint64_t line, size_t cells)
{
    const tw_printable separator = tw_printable_quote(1, &t->separator);
    if (cells > t->cols)
        return tw_fail(TW_DATA, "%s: line %llu has more cells than the %zu of the first line (separator %s)",
                       t->path, (unsigned long long)line, t->cols, separator.text);
    return tw_fail(TW_DATA, "%s: line %llu has %zu cell%s, the first line has %zu (separator %s)", t->path,
                   (unsigned long long)line, cells, cells == 1 ? "" : "s", t->cols, separator.text);
}

/* Anything but a bare number: blanks, quotes, missing cells, words. */
static tw_status parse_other(const tw_csv_table *t, tw_csv_row *row, size_t column, char **p)
{
    tw_csv_cell cell;
    char *const end = tw_csv_cell_take(*p, t->separator, &cell);
    if (!end)
        return tw_csv_fail(t, row->line, column, &cell, "is followed by more text behind its closing quote");
    row->kind[column] = tw_csv_cell_kind(&cell, &row->value[column]);
    if (column == t->label)
        row->label = cell;
    else if (row->kind[column] == TW_CELL_TEXT)
        return tw_csv_fail(t, row->line, column, &cell,
                           "is not a number (a missing value is an empty cell, NA or NaN)");
    *p = end;
    return TW_OK;
}

/* Read the cell once more, for a message. It held a number, so nothing in it was changed. */
static tw_status fail_number(const tw_csv_table *t, const tw_csv_row *row, size_t column, const char *why)
{
    tw_csv_cell cell;
    tw_csv_cell_take(row->at[column], t->separator, &cell);
    return tw_csv_fail(t, row->line, column, &cell, why);
}

/* Where the bare number that fills the cell at p ends, or NULL. */
static const char *parse_number(const tw_csv_table *t, const char *p, double *value, unsigned char *kind)
{
    size_t length;
    const int whole = tw_number_short(p, &length);
    const char *end = whole < 0 ? NULL : p + length;
    if (end && (*end == t->separator || *end == 0)) {
        *value = whole;
        *kind = TW_CELL_WHOLE;
        return end;
    }
    end = tw_number_scan(p, value, kind);
    return end && (*end == t->separator || *end == 0) ? end : NULL;
}

static tw_status parse(const tw_csv_table *t, const tw_text_record *record, tw_csv_row *row)
{
    char *p = record->text;
    row->line = record->line;
    for (size_t c = 0; c < t->cols; c++, p++) {
        row->at[c] = p;
        const char *end = parse_number(t, p, &row->value[c], &row->kind[c]);
        if (!end) {
            TW_TRY(parse_other(t, row, c, &p));
        } else {
            if (c == t->label) row->label = (tw_csv_cell){p, (size_t)(end - p)};
            p += end - p;
        }
        if (isinf(row->value[c]) && !(t->words && c == t->label))
            return fail_number(t, row, c, "is too large for a double (1.8e308)");
        if (*p == 0) return c + 1 == t->cols ? TW_OK : ragged(t, record->line, c + 1);
    }
    return ragged(t, record->line, t->cols + 1);
}

tw_status tw_csv_next(const tw_csv_table *t, tw_text_source *source, tw_csv_row *row, bool *more)
{
    tw_text_record record;
    TW_TRY(tw_text_source_next(source, &record, more));
    return *more ? parse(t, &record, row) : TW_OK;
}

static tw_status misfit(const tw_csv_table *t, const tw_csv_row *row, size_t column, tw_dtype type)
{
    char why[128];
    if (row->kind[column] == TW_CELL_MISSING)
        snprintf(why, sizeof why, "is missing, and %s has no NaN; use a float type", tw_dtype_name(type));
    else
        snprintf(why, sizeof why, "does not fit %s (%s)", tw_dtype_name(type), tw_narrow_range(type));
    return fail_number(t, row, column, why);
}

tw_status tw_csv_store(const tw_csv_table *t, const tw_csv_row *row, tw_dtype type, void *out)
{
    const size_t before = t->label < t->cols ? t->label : t->cols,
                 after = t->label < t->cols ? t->label + 1 : t->cols;
    size_t c = tw_narrow(type, before, row->value, out);
    if (c < before) return misfit(t, row, c, type);
    c = after +
        tw_narrow(type, t->cols - after, row->value + after, (char *)out + before * tw_dtype_size(type));
    return c < t->cols ? misfit(t, row, c, type) : TW_OK;
}
