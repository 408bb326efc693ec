/* importer.h -- other people's files become our data set file: CSV or TSV, LIBSVM, NPY and IDX, plain or
 * gzipped.
 *
 * The format is found in the content, never in the name. Values keep their type: images stay bytes, whole
 * numbers stay integers. Memory is bounded by two blocks of 8 MiB, one line of text (at most 64 MiB) and the
 * names of the classes; by two rows if these are larger. Every error names file, line and column. Nothing in
 * this header is collective.
 *
 * IDX: rows are the first dimension, columns all others; u8 i8 i16 f32 f64 as they are, 32-bit integers as
 * f64 (i32 as labels). Sizes must agree with the file to the byte.
 *
 * NPY (1.0 to 3.0): two dimensions or more are features, the first is that of the rows; a file of one
 * dimension, or of one column beside a file of more, holds labels. Floats, booleans (as u8) and integers of
 * u8, i8, i16 as they are, in any byte order; other integers as the narrowest of u8, i8, i16, f32 and f64
 * that holds every value exactly (labels as i32, i64), for which they are read twice. Two dimensions in
 * Fortran order are turned into rows: memory 64 MiB more, and each column is read in pieces, which are
 * shorter than 4 KiB beyond 8192 columns. Gzipped they are first unpacked into a temporary beside the output.
 *
 * LIBSVM is text whose second word is INDEX:VALUE (the first line that has one decides): a label, then
 * indices that ascend, then a comment after #. The result is dense, a value that is not given is 0. Indices
 * begin at 0 when the file has an index 0, else at 1. Types as for other text; labels are i64 or f64. Read
 * twice.
 *
 * Other text is UTF-8; several files with the same columns are one data set, row behind row. It is read
 * twice, first to check every cell, for types and for the number of rows. The separator is the one of comma,
 * tab and semicolon on which the first ten lines agree and which is the most frequent. The first line is a
 * header when one of its cells is a word and the first known cell below, within 100 rows, is a number. Cells
 * may be quoted ("" is a quote, line feeds are allowed), blanks around them do not count, lines of blanks are
 * passed over. A cell is a decimal number, rounded correctly to a double and then to the type, or missing:
 * empty, NA, nan in any case, or what the options add. Missing features need a float type. Features are u8,
 * i8 or i16 when all are written as whole numbers in range, else f64; columns of true and false (also True,
 * TRUE) hold 1 and 0. A column that is encoded (one-hot) becomes one column for each of its words, which are
 * sorted by bytes, named COLUMN=WORD, at its place; where its cell is missing all are 0. Labels are i64 when
 * all are whole numbers of 64 bits, f64 for other numbers, and when one is a word all are words: sorted by
 * bytes in /classes, i32 codes in /y. */
#ifndef THALWEG_IMPORTER_H
#define THALWEG_IMPORTER_H

#include "thalweg/dataset_file.h"

#include <signal.h>

typedef enum { TW_HEADER_DETECT, TW_HEADER_YES, TW_HEADER_NO } tw_import_header;

typedef struct {
    size_t count;
    const char *const *text; /* [count] borrowed */
} tw_import_list;

typedef enum { TW_INDEX_DETECT, TW_INDEX_FROM_0, TW_INDEX_FROM_1 } tw_import_index;

/** What the user decides; all zero: detect everything. All but gzip, replace and interrupted are for text
 * only, and of these only the type is for LIBSVM too. */
typedef struct {
    const char
        *label;    /* name of the label column, or its index from 0, negative from the end; NULL: detect */
    bool no_label; /* no column is a label */
    tw_import_list one_hot, drop; /* columns that are encoded, that are left out: each COLUMN[,COLUMN...] as
                                     label; "all" of one_hot: all that hold text and are features */
    const char *weight;           /* column of the sample weights, as label; NULL: none */
    tw_import_list missing;       /* further texts of missing cells; a number stands for all of its value */
    bool typed; /* type holds; otherwise the smallest of u8, i8, i16 that holds all values, else f64 */
    tw_dtype type;
    char separator; /* 0: comma, tab or semicolon, whichever the lines agree on */
    tw_import_header header;
    tw_import_index index_base; /* LIBSVM */
    size_t features;            /* LIBSVM: columns, at least those in the file; 0: as many as these */
    uint64_t most_bytes;        /* LIBSVM: of a dense result; 0: 16 GiB, UINT64_MAX: no limit */
    int gzip;                   /* 0: contiguous; 1 .. 9 */
    bool replace;               /* an existing output */
    const volatile sig_atomic_t *interrupted; /* looked at now and then; set: stop with TW_IO. May be NULL */
} tw_import_options;

/** One column of a CSV or TSV file, as found. */
typedef struct {
    char *name; /* owned; NULL without a header */
    const char *type;
    size_t missing;
    double minimum, maximum; /* NaN when there is no number */
    bool label, weight, dropped, one_hot;
    size_t categories; /* of one_hot: columns in /X */
} tw_import_column;

typedef struct {
    char format[256]; /* "IDX, 3 dimensions", "text, separator ',', header" */
    size_t x_input;   /* index of the input that holds the features */
    size_t joined;    /* CSV, TSV: inputs that were joined; else 0 */
    bool weights;     /* there is /sample_weight */
    size_t rows, cols;
    tw_dtype x_type;
    tw_label_type y_type;
    size_t n_classes;            /* names written, or distinct whole numbers; 0: labels are no classes */
    size_t x_missing, y_missing; /* values that are NaN; not counted for IDX */
    size_t n_columns;            /* CSV, TSV: columns of the file, the label included; else 0 */
    tw_import_column *columns;   /* [n_columns]; owned */
    uint64_t bytes;              /* size of the output; 0 when none was asked for */
} tw_import_report;

/**
 * Convert one or several CSV or TSV files (joined), one LIBSVM file, or one or two IDX or NPY files
 * (features, and labels with one dimension, in any order).
 *
 * @param inputs [n_inputs] paths of regular files
 * @param output path, or NULL: read and check everything, write nothing
 * @param report out: to be released also after a failure
 * @return TW_OK; TW_USAGE (inputs or options that do not go together); TW_INPUT (missing, directory,
 * unreadable); TW_DATA (invalid content); TW_OUTPUT, TW_IO as dataset_file.h; TW_MEMORY. No output on
 * failure. Cost: one pass over IDX and most NPY, two over text (and up to where a column of labels turns from
 * numbers to strings, or a column turns out to hold text that `all` encodes, once more).
 */
tw_status tw_import(size_t n_inputs, const char *const *inputs, const char *output,
                    const tw_import_options *options, tw_import_report *report) TW_CHECKED;

void tw_import_report_release(tw_import_report *report);

#endif
