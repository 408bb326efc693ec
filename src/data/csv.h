/* csv.h -- what the files of the CSV importer share: the table as found, a row as parsed.
 *
 * A file is looked at in three steps: sniffed (separator, header, label column), scanned (types, missing
 * cells, classes, number of rows; every cell is checked), and written. Columns count all cells of a line from
 * 0; features are the columns without the label. */
#ifndef THALWEG_CSV_H
#define THALWEG_CSV_H

#include "data/label_set.h"
#include "data/number.h"
#include "data/text_source.h"
#include "thalweg/importer.h"

#define TW_CSV_NO_LABEL SIZE_MAX

enum { TW_CSV_MOST_COLUMNS = 1 << 24 };

/** What a cell holds; the first two are a tw_number_kind. */
enum { TW_CELL_WHOLE = TW_NUMBER_WHOLE, TW_CELL_REAL = TW_NUMBER_REAL, TW_CELL_MISSING, TW_CELL_TEXT };

typedef struct {
    const char *text; /* without blanks and quotes around; what follows is no part of a number */
    size_t size;
} tw_csv_cell;

typedef struct {
    size_t missing;
    double minimum, maximum; /* +inf and -inf before the first number */
    bool real;               /* a number was written with a point or exponent */
} tw_csv_column;

typedef struct {
    const char *path;                 /* borrowed */
    const tw_import_options *options; /* borrowed */
    char separator;
    bool header;
    size_t cols, label;    /* label: column, or TW_CSV_NO_LABEL */
    char **names;          /* [cols] owned; NULL without a header */
    tw_csv_column *column; /* [cols] owned */
    size_t rows;
    bool words;            /* the label column holds strings */
    bool whole;            /* every label is a whole number of 64 bits */
    tw_label_set classes;  /* with words */
    tw_label_count *count; /* owned; without words */
    tw_dtype x_type;
    tw_label_type y_type;
} tw_csv_table;

/** All [cols]: the label too. */
typedef struct {
    uint64_t line;
    double *value;       /* NaN: missing, or text */
    unsigned char *kind; /* only the label may be text */
    char **at;           /* where the cell begins */
    tw_csv_cell label;   /* set when there is one */
} tw_csv_row;

/** Columns that are features. */
size_t tw_csv_features(const tw_csv_table *table);

void tw_csv_table_release(tw_csv_table *table);

/** Separator, header, names and label column. TW_USAGE: no such label; TW_DATA; ... Release in any case. */
tw_status tw_csv_sniff(tw_csv_table *table, const char *path, const tw_import_options *options) TW_CHECKED;

/** The separator on which the first lines agree, or the one that options give. */
tw_status tw_csv_separator(const char *path, const tw_import_options *options, char *separator) TW_CHECKED;

/** Which column is the label? TW_USAGE: not found, ambiguous; TW_DATA: no features left. */
tw_status tw_csv_find_label(tw_csv_table *table) TW_CHECKED;

/** Check every cell; fill columns, rows, classes and the types. */
tw_status tw_csv_scan(tw_csv_table *table) TW_CHECKED;

/** The smallest type that holds a column: u8, i8, i16 or f64. */
tw_dtype tw_csv_column_type(const tw_csv_column *column);

/** Open at the first row behind the header. Release in any case. */
tw_status tw_csv_open(const tw_csv_table *table, tw_text_source *source) TW_CHECKED;

/** The next row. more: out, false at the end. TW_DATA: ragged, not a number, too large a number. */
tw_status tw_csv_next(const tw_csv_table *table, tw_text_source *source, tw_csv_row *row,
                      bool *more) TW_CHECKED;

tw_status tw_csv_row_init(tw_csv_row *row, const tw_csv_table *table) TW_CHECKED;
void tw_csv_row_release(tw_csv_row *row);

/** Store the features as type. TW_DATA: one does not fit. */
tw_status tw_csv_store(const tw_csv_table *table, const tw_csv_row *row, tw_dtype type, void *out) TW_CHECKED;

/**
 * The cell that text begins with. Doubled quotes in it are made single in place.
 * @return the separator or final zero behind it; NULL when something follows a closing quote
 */
char *tw_csv_cell_take(char *text, char separator, tw_csv_cell *cell);

/** What the cell holds. value: out, NaN unless it is a number. */
unsigned char tw_csv_cell_kind(const tw_csv_cell *cell, double *value);

/** TW_DATA: "FILE: line 3, column 'a' (index 0): 'text' WHY". Without a cell, no text is quoted. */
tw_status tw_csv_fail(const tw_csv_table *table, uint64_t line, size_t column, const tw_csv_cell *cell,
                      const char *why);

#endif
