/* csv.h -- what the files of the CSV importer share: the table as found, a row as parsed.
 *
 * Files are looked at in three steps: sniffed (separator, header, what each column is for), scanned (types,
 * missing cells, classes, categories, number of rows; every cell is checked), and written. Several files are
 * one table, row behind row. Columns count all cells of a line from 0; features are the columns of /X: those
 * that hold numbers, and one for each category of those that are encoded. */
#ifndef THALWEG_CSV_H
#define THALWEG_CSV_H

#include "data/label_set.h"
#include "data/number.h"
#include "data/text_source.h"
#include "thalweg/importer.h"

#define TW_CSV_NONE SIZE_MAX

enum { TW_CSV_MOST_COLUMNS = 1 << 24, TW_CSV_MOST_CATEGORIES = 1000 };

/** What a cell holds; the first two are a tw_number_kind. TRUTH: true or false. */
enum {
    TW_CELL_WHOLE = TW_NUMBER_WHOLE,
    TW_CELL_REAL = TW_NUMBER_REAL,
    TW_CELL_MISSING,
    TW_CELL_TRUTH,
    TW_CELL_TEXT
};

/** What a column is for; up to the weight its cells are mostly numbers. */
enum { TW_CSV_FEATURE, TW_CSV_LABEL, TW_CSV_WEIGHT, TW_CSV_ONE_HOT, TW_CSV_DROPPED };

typedef struct {
    const char *text; /* without blanks and quotes around; what follows is no part of a number */
    size_t size;
} tw_csv_cell;

typedef struct {
    size_t missing, truths;
    double minimum, maximum; /* +inf and -inf before the first number */
    bool real;               /* a number was written with a point or exponent */
} tw_csv_column;

/** Neighbouring columns of numbers, and the first of their columns in /X. */
typedef struct {
    size_t column, count, first;
} tw_csv_run;

/** A column that is encoded, its words, and the first of their columns in /X. */
typedef struct {
    size_t column, first;
    tw_label_set set;
} tw_csv_categories;

typedef struct {
    const char *text;
    size_t size;
    double value; /* NaN when it is no number */
} tw_csv_marker;

typedef struct {
    const char *path; /* the first of inputs */
    size_t n_inputs;
    const char *const *inputs;        /* borrowed */
    const tw_import_options *options; /* borrowed */
    char separator;
    bool header, all;           /* all: columns of text are encoded without being named */
    size_t cols, label, weight; /* label, weight: columns, or TW_CSV_NONE */
    char **names;               /* [cols] owned; NULL without a header */
    unsigned char *role;        /* [cols] owned */
    tw_csv_column *column;      /* [cols] owned */
    tw_csv_marker *marker;      /* [options->missing.count] owned */
    size_t n_runs, n_hot;
    tw_csv_run *run;        /* [n_runs] owned */
    tw_csv_categories *hot; /* [n_hot] owned */
    size_t features;        /* columns of /X */
    size_t rows;
    bool words;            /* the label column holds strings */
    bool whole;            /* every label is a whole number of 64 bits */
    tw_label_set classes;  /* with words */
    tw_label_count *count; /* owned; without words */
    tw_dtype x_type;
    tw_label_type y_type;
} tw_csv_table;

/** All [cols], the label too. */
typedef struct {
    const char *path;
    uint64_t line;
    bool odd;            /* a feature holds a truth value or, where this is allowed, a word */
    double *value;       /* NaN: missing, text, not a number's column */
    unsigned char *kind; /* text: the label, or a column that is not read as numbers; or odd */
    char **at;           /* where the cell begins */
    tw_csv_cell *cell;   /* of columns that are encoded */
    tw_csv_cell label;   /* set when there is one */
} tw_csv_row;

/** Where in the inputs. */
typedef struct {
    tw_text_source source;
    size_t input;
} tw_csv_reader;

void tw_csv_table_release(tw_csv_table *table);

/** Separator, header, names, what each column is for; do the inputs agree? Release in any case.
 * @return TW_OK; TW_USAGE: no such column; TW_DATA; ... */
tw_status tw_csv_sniff(tw_csv_table *table, size_t n_inputs, const char *const *inputs,
                       const tw_import_options *options) TW_CHECKED;

/** The separator on which the first lines agree, or the one that options give. */
tw_status tw_csv_separator(const char *path, const tw_import_options *options, char *separator) TW_CHECKED;

/** What is each column for, as the options say? TW_USAGE: not found, ambiguous, twice; TW_DATA: no features
 * left. */
tw_status tw_csv_find_roles(tw_csv_table *table) TW_CHECKED;

/** Where do columns go in /X? Set runs, hot and features from roles; keep says whether categories that are
 * known are kept (then their columns must be the same). */
tw_status tw_csv_lay_out(tw_csv_table *table, bool keep) TW_CHECKED;

/** Names of the features, [features]: one allocation, to be freed. NULL: out of memory. */
const char **tw_csv_feature_names(const tw_csv_table *table);

/** Check every cell; fill columns, rows, classes, categories and the types. */
tw_status tw_csv_scan(tw_csv_table *table) TW_CHECKED;

/** The smallest type that holds a column: u8, i8, i16 or f64. */
tw_dtype tw_csv_column_type(const tw_csv_column *column);

/** Open the first input at its first row. Release in any case. */
tw_status tw_csv_open(const tw_csv_table *table, tw_csv_reader *reader) TW_CHECKED;
void tw_csv_reader_release(tw_csv_reader *reader);

/** Look whether the other inputs have the columns of the first. TW_DATA: no. */
tw_status tw_csv_check_inputs(const tw_csv_table *table) TW_CHECKED;

/** The next row. more: out, false at the end. TW_DATA: ragged, not a number, too large a number. */
tw_status tw_csv_next(const tw_csv_table *table, tw_csv_reader *reader, tw_csv_row *row,
                      bool *more) TW_CHECKED;

tw_status tw_csv_row_init(tw_csv_row *row, const tw_csv_table *table) TW_CHECKED;
void tw_csv_row_release(tw_csv_row *row);

/** Store the columns of numbers as type, at their places in a row of /X. TW_DATA: one does not fit. */
tw_status tw_csv_store_numbers(const tw_csv_table *table, const tw_csv_row *row, tw_dtype type,
                               void *out) TW_CHECKED;

/** Store a row of /X of x_type. TW_DATA: a number does not fit, a word is new since the scan. */
tw_status tw_csv_store(const tw_csv_table *table, const tw_csv_row *row, void *out) TW_CHECKED;

/**
 * The cell that text begins with. Doubled quotes in it are made single in place.
 * @return the separator or final zero behind it; NULL when something follows a closing quote
 */
char *tw_csv_cell_take(char *text, char separator, tw_csv_cell *cell);

/** What the cell holds. value: out, NaN unless it is a number or a truth value. */
unsigned char tw_csv_cell_kind(const tw_csv_table *table, const tw_csv_cell *cell, double *value);

/** TW_DATA: "FILE: line 3, column 'a' (index 0): 'text' WHY", file and line being those of the row. Without a
 * cell, no text is quoted. */
tw_status tw_csv_fail(const tw_csv_table *table, const tw_csv_row *row, size_t column,
                      const tw_csv_cell *cell, const char *why);

/** TW_DATA: the file changed between the passes. */
tw_status tw_csv_changed(const char *path);

#endif
