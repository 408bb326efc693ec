/* prediction_format.h -- the two formats behind prediction_file.h: one row of a table each. */
#ifndef THALWEG_CLI_PREDICTION_FORMAT_H
#define THALWEG_CLI_PREDICTION_FORMAT_H

#include "cli/prediction_file.h"
#include "core/output_file.h"

typedef struct {
    /* Everything before the rows; may set file->state. REQUIRED */
    tw_status (*begin)(tw_prediction_file *file);
    /* Rows that have been checked. REQUIRED */
    tw_status (*append)(tw_prediction_file *file, size_t rows, const double *data);
    /* The last bytes; the commit follows. REQUIRED */
    tw_status (*finish)(tw_prediction_file *file);
    /* Give file->state back, which may be half made or NULL; nothing can fail any more. REQUIRED */
    void (*release)(tw_prediction_file *file);
} tw_prediction_format;

extern const tw_prediction_format tw_prediction_csv, tw_prediction_hdf5;

struct tw_prediction_file {
    const tw_prediction_format *format;
    tw_output_file output;
    tw_prediction_layout layout;
    size_t written; /* rows */
    void *state;    /* of the format; owned */
};

enum { TW_PREDICTION_NUMBER_LEN = 32 };

/** The fewest digits that read back to the same bits, "0.1", "nan", "inf"; returns their count. */
size_t tw_prediction_number(double value, char text[TW_PREDICTION_NUMBER_LEN]);

/** Can every class value be written as an integer? */
bool tw_prediction_classes_whole(const tw_prediction_layout *layout);

#endif
