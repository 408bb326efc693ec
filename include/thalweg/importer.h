/* importer.h -- other people's files become our data set file: IDX and CSV or TSV, plain or gzipped.
 *
 * The format is found in the content, never in the name. Values keep their type: images stay bytes, whole
 * numbers stay integers. Memory is bounded by two blocks of 8 MiB, one line of text (at most 64 MiB) and the
 * names of the classes; text is read twice, first for types and the number of rows. Every error names file,
 * line and column. Nothing in this header is collective. docs/data.md has the rules of each format. */
#ifndef THALWEG_IMPORTER_H
#define THALWEG_IMPORTER_H

#include "thalweg/dataset_file.h"

#include <signal.h>

typedef enum { TW_HEADER_DETECT, TW_HEADER_YES, TW_HEADER_NO } tw_import_header;

/** What the user decides; all zero: detect everything. All but gzip, replace and interrupted are for text
 * only. */
typedef struct {
    const char
        *label;    /* name of the label column, or its index from 0, negative from the end; NULL: detect */
    bool no_label; /* every column is a feature */
    bool typed;    /* type holds; otherwise the smallest of u8, i8, i16 that holds all values, else f64 */
    tw_dtype type;
    char separator; /* 0: comma, tab or semicolon, whichever the lines agree on */
    tw_import_header header;
    int gzip;                                 /* 0: contiguous; 1 .. 9 */
    bool replace;                             /* an existing output */
    const volatile sig_atomic_t *interrupted; /* looked at now and then; set: stop with TW_IO. May be NULL */
} tw_import_options;

/** One column of a text file, as found. */
typedef struct {
    char *name; /* owned; NULL without a header */
    const char *type;
    size_t missing;
    double minimum, maximum; /* NaN when there is no number */
    bool label;
} tw_import_column;

typedef struct {
    char format[256]; /* "IDX of 3 dimensions", "text, separator ',', header" */
    size_t rows, cols;
    tw_dtype x_type;
    tw_label_type y_type;
    size_t n_classes;            /* names written, or distinct whole numbers; 0: labels are no classes */
    size_t x_missing, y_missing; /* cells of a text file that became NaN */
    size_t n_columns;            /* text: columns of the file, the label included; else 0 */
    tw_import_column *columns;   /* [n_columns]; owned */
    uint64_t bytes;              /* size of the output; 0 when none was asked for */
} tw_import_report;

/**
 * Convert one text file, or one or two IDX files (features, and labels with one dimension, in any order).
 *
 * @param inputs [n_inputs] paths of regular files
 * @param output path, or NULL: read and check everything, write nothing
 * @param report out: to be released also after a failure
 * @return TW_OK; TW_USAGE (inputs or options that do not go together); TW_INPUT (missing, directory,
 * unreadable); TW_DATA (invalid content); TW_OUTPUT, TW_IO as dataset_file.h; TW_MEMORY. No output on
 * failure. Cost: one pass over IDX, two over text (three when a column of labels turns from numbers to
 * strings).
 */
tw_status tw_import(size_t n_inputs, const char *const *inputs, const char *output,
                    const tw_import_options *options, tw_import_report *report) TW_CHECKED;

void tw_import_report_release(tw_import_report *report);

#endif
