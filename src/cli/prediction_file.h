/* prediction_file.h -- where `thalweg predict` leaves its rows: CSV or HDF5 by the extension of the name.
 *
 * CSV: the header "prediction" (and "probability_<class>" for every class), then one line a row with the name
 * or the value of the class, or the number; numbers have the fewest digits that read back to the same bits.
 * HDF5: /prediction (rows), /probability (rows, classes), /classes; with class names /prediction holds
 * strings and /prediction_index their positions. The file appears complete and durable, or not at all.
 * Nothing here is collective: rank 0 writes. */
#ifndef THALWEG_CLI_PREDICTION_FILE_H
#define THALWEG_CLI_PREDICTION_FILE_H

#include "thalweg/status.h"

#include <stdbool.h>
#include <stddef.h>

enum { TW_PREDICTION_FILE_VERSION = 1 };

typedef struct tw_prediction_file tw_prediction_file;

/** What will be written. Arrays are borrowed until tw_prediction_file_free. */
typedef struct {
    size_t rows;
    size_t width;             /* numbers a row: 1, or 1 + n_classes with probabilities */
    size_t n_classes;         /* 0: predictions are numbers */
    const double *classes;    /* [n_classes] values of the labels */
    char *const *class_names; /* [n_classes] or NULL */
    bool replace;             /* an existing file is replaced at the commit */
} tw_prediction_layout;

/**
 * Create the temporary file beside path, and all in it but the rows.
 *
 * @param file out: to be freed; NULL on failure
 * @return TW_OK; TW_USAGE: the name ends neither in .csv nor in .h5 or .hdf5; TW_OUTPUT: path exists (without
 * replace), is no regular file, or its folder refuses; TW_IO: the disk is full or fails; TW_MEMORY;
 * TW_INTERNAL. Nothing stays on failure.
 */
tw_status tw_prediction_file_new(tw_prediction_file **file, const char *path,
                                 const tw_prediction_layout *layout) TW_CHECKED;

/**
 * Add the next rows. Memory: some MiB, whatever the number of rows.
 * @param data [rows][width] the number, or the index of the class; then the probabilities
 * @return TW_OK; TW_IO; TW_INTERNAL: more rows than announced, or no index of a class. After a failure only
 * free is allowed.
 */
tw_status tw_prediction_file_append(tw_prediction_file *file, size_t rows, const double *data) TW_CHECKED;

/** Make the file appear under its name, durable. TW_OUTPUT: the name was taken meanwhile; TW_IO; TW_INTERNAL:
 * rows are missing. */
tw_status tw_prediction_file_commit(tw_prediction_file *file) TW_CHECKED;

/** Free; removes the temporary unless it was committed. NULL is fine. */
void tw_prediction_file_free(tw_prediction_file *file);

#endif
