/* From a record to cells and numbers. Most cells are plain numbers, which are read where they stand. */
#include "data/csv.h"
#include "data/printable.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

tw_status tw_csv_fail(const tw_csv_table *t, const tw_csv_row *row, size_t column, const tw_csv_cell *cell,
                      const char *why)
{
    const tw_printable name =
        t->names ? tw_printable_quote(strlen(t->names[column]), t->names[column]) : (tw_printable){""};
    const tw_printable text = cell ? tw_printable_quote(cell->size, cell->text) : (tw_printable){""};
    return tw_fail(TW_DATA, "%s: line %llu, column %s%sindex %zu%s: %s%s%s", row->path,
                   (unsigned long long)row->line, name.text, t->names ? " (" : "", column,
                   t->names ? ")" : "", text.text, cell ? " " : "", why);
}

tw_status tw_csv_changed(const char *path)
{
    return tw_fail(TW_DATA, "%s changed while it was read; convert it again when it is complete", path);
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

/* Is a number one that stands for a missing value? */
static bool marks_number(const tw_csv_table *t, double value)
{
    for (size_t i = 0; i < t->options->missing.count; i++)
        if (t->marker[i].value == value) return true;
    return false;
}

static bool marks_text(const tw_csv_table *t, const tw_csv_cell *cell)
{
    for (size_t i = 0; i < t->options->missing.count; i++)
        if (t->marker[i].size == cell->size && memcmp(t->marker[i].text, cell->text, cell->size) == 0)
            return true;
    return false;
}

static unsigned char truth(const tw_csv_cell *cell, double *value)
{
    static const char *const words[] = {"false", "False", "FALSE", "true", "True", "TRUE"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == cell->size && memcmp(words[i], cell->text, cell->size) == 0) {
            *value = i < 3 ? 0 : 1;
            return TW_CELL_TRUTH;
        }
    return TW_CELL_TEXT;
}

unsigned char tw_csv_cell_kind(const tw_csv_table *t, const tw_csv_cell *cell, double *value)
{
    unsigned char kind = TW_CELL_TEXT;
    const bool number = cell->size > 0 && tw_number_scan(cell->text, value, &kind) == cell->text + cell->size;
    if (number && !marks_number(t, *value)) return kind;
    *value = NAN;
    if (number || is_missing(cell) || marks_text(t, cell)) return TW_CELL_MISSING;
    return truth(cell, value);
}

tw_status tw_csv_row_init(tw_csv_row *row, const tw_csv_table *t)
{
    *row = (tw_csv_row){
        .value = malloc(t->cols * sizeof *row->value),
        .kind = calloc(t->cols, 1),
        .at = malloc(t->cols * sizeof *row->at),
        .cell = malloc(t->cols * sizeof *row->cell),
    };
    return row->value && row->kind && row->at && row->cell
               ? TW_OK
               : tw_fail(TW_MEMORY, "out of memory for a row of %s", t->path);
}

void tw_csv_row_release(tw_csv_row *row)
{
    free(row->value);
    free(row->kind);
    free(row->at);
    free(row->cell);
    *row = (tw_csv_row){0};
}

static tw_status ragged(const tw_csv_table *t, const tw_csv_row *row, size_t cells)
{
    const tw_printable separator = tw_printable_quote(1, &t->separator);
    const bool other = strcmp(row->path, t->path) != 0;
    const char *const of = other ? " of " : "", *const first = other ? t->path : "";
    if (cells > t->cols)
        return tw_fail(TW_DATA,
                       "%s: line %llu has more cells than the %zu of the first line%s%s (separator %s)",
                       row->path, (unsigned long long)row->line, t->cols, of, first, separator.text);
    return tw_fail(TW_DATA, "%s: line %llu has %zu cell%s, the first line%s%s has %zu (separator %s)",
                   row->path, (unsigned long long)row->line, cells, cells == 1 ? "" : "s", of, first, t->cols,
                   separator.text);
}

static tw_status not_a_number(const tw_csv_table *t, const tw_csv_row *row, size_t c, const tw_csv_cell *cell)
{
    char why[2 * TW_PRINTABLE_LEN + 160], index[24];
    tw_printable name;
    snprintf(index, sizeof index, "%zu", c);
    name = t->names ? tw_printable_quote(strlen(t->names[c]), t->names[c])
                    : tw_printable_quote(strlen(index), index);
    const char *const column = t->names ? name.text : index;
    if (t->role[c] == TW_CSV_WEIGHT) return tw_csv_fail(t, row, c, cell, "is no weight, a number from 0");
    snprintf(
        why, sizeof why,
        "is not a number; if the column holds categories, --one-hot %s; if it is of no use, --drop %s; a "
        "missing value is an empty cell, NA, NaN or what --missing says",
        column, column);
    return tw_csv_fail(t, row, c, cell, why);
}

/* Anything but a bare number: blanks, quotes, missing cells, words; and columns that are kept as text. */
static tw_status parse_other(const tw_csv_table *t, tw_csv_row *row, size_t c, char **p)
{
    tw_csv_cell cell;
    char *const end = tw_csv_cell_take(*p, t->separator, &cell);
    if (!end) return tw_csv_fail(t, row, c, &cell, "is followed by more text behind its closing quote");
    *p = end;
    row->kind[c] = tw_csv_cell_kind(t, &cell, &row->value[c]);
    switch (t->role[c]) {
    case TW_CSV_LABEL: row->label = cell; return TW_OK;
    case TW_CSV_ONE_HOT:
        row->cell[c] = cell;
        row->value[c] = NAN;
        return TW_OK;
    case TW_CSV_DROPPED:
        row->kind[c] = TW_CELL_TEXT;
        row->value[c] = NAN;
        return TW_OK;
    case TW_CSV_WEIGHT: return row->kind[c] > TW_CELL_REAL ? not_a_number(t, row, c, &cell) : TW_OK;
    default: break;
    }
    if (row->kind[c] == TW_CELL_TEXT && !t->all) return not_a_number(t, row, c, &cell);
    row->odd |= row->kind[c] > TW_CELL_MISSING;
    return TW_OK;
}

/* Read the cell once more, for a message. It held a number, so nothing in it was changed. */
static tw_status fail_number(const tw_csv_table *t, const tw_csv_row *row, size_t column, const char *why)
{
    tw_csv_cell cell;
    tw_csv_cell_take(row->at[column], t->separator, &cell);
    return tw_csv_fail(t, row, column, &cell, why);
}

/* Where the bare number that fills the cell at p ends, or NULL. kind: also what was found there one row
 * before, since a column of short whole numbers has a faster way. */
static const char *parse_number(const tw_csv_table *t, const char *p, double *value, unsigned char *kind)
{
    size_t length;
    const int whole = *kind == TW_CELL_WHOLE ? tw_number_short(p, &length) : -1;
    const char *end = whole < 0 ? NULL : p + length;
    if (end && (*end == t->separator || *end == 0)) {
        *value = whole;
    } else {
        end = tw_number_scan(p, value, kind);
        if (!end || (*end != t->separator && *end != 0)) return NULL;
    }
    if (t->options->missing.count > 0 && marks_number(t, *value)) {
        *value = NAN;
        *kind = TW_CELL_MISSING;
    }
    return end;
}

static tw_status parse(const tw_csv_table *t, const tw_text_record *record, tw_csv_row *row)
{
    char *p = record->text;
    row->line = record->line;
    row->odd = false;
    for (size_t c = 0; c < t->cols; c++, p++) {
        row->at[c] = p;
        const char *end =
            t->role[c] <= TW_CSV_WEIGHT ? parse_number(t, p, &row->value[c], &row->kind[c]) : NULL;
        if (!end) {
            TW_TRY(parse_other(t, row, c, &p));
        } else {
            if (c == t->label) row->label = (tw_csv_cell){p, (size_t)(end - p)};
            p += end - p;
        }
        if (isinf(row->value[c]) && !(t->words && c == t->label))
            return fail_number(t, row, c, "is too large for a double (1.8e308)");
        if (*p == 0) return c + 1 == t->cols ? TW_OK : ragged(t, row, c + 1);
    }
    return ragged(t, row, t->cols + 1);
}

tw_status tw_csv_next(const tw_csv_table *t, tw_csv_reader *r, tw_csv_row *row, bool *more)
{
    tw_text_record record;
    TW_TRY(tw_text_source_next(&r->source, &record, more));
    while (!*more && r->input + 1 < t->n_inputs) {
        const size_t next = r->input + 1;
        tw_csv_reader_release(r);
        r->input = next;
        TW_TRY(tw_csv_open(t, r));
        TW_TRY(tw_text_source_next(&r->source, &record, more));
    }
    row->path = t->inputs[r->input];
    return *more ? parse(t, &record, row) : TW_OK;
}
