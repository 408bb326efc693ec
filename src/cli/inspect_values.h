/* inspect_values.h -- what the values of a data file are like: read once, in bounded memory. */
#ifndef THALWEG_CLI_INSPECT_VALUES_H
#define THALWEG_CLI_INSPECT_VALUES_H

#include "thalweg/dataset.h"

enum { TW_INSPECT_CLASSES = 64 };

/** NaN and infinite values, and where the first one is (rows and columns from 0; row -1: nowhere). */
typedef struct {
    uint64_t nan, infinite;
    int64_t row;
    size_t col;
} tw_inspect_special;

typedef struct {
    size_t cols;
    double *low, *high;     /* [cols] of the finite values; low > high: there are none; owned */
    size_t constant, empty; /* columns with one finite value; with none */
    tw_inspect_special special;
    bool digested;            /* false: the values do not come in the order of rows */
    unsigned char digest[16]; /* XXH3-128 of the values as little-endian doubles, row by row */
} tw_inspect_features;

/** Memory: 16 bytes a column and a tile (data/survey.h). TW_DATA, TW_MEMORY; release in any case. */
tw_status tw_inspect_features_read(tw_inspect_features *features, const tw_dataset *dataset) TW_CHECKED;
void tw_inspect_features_release(tw_inspect_features *features);

/** Labels or weights. */
typedef struct {
    tw_inspect_special special;
    uint64_t finite, negative;
    double low, high, sum;               /* of the finite values */
    bool whole;                          /* every value is a whole number */
    bool many;                           /* more than TW_INSPECT_CLASSES different ones, or not whole */
    size_t n_classes;                    /* different values, 0 when many */
    double classes[TW_INSPECT_CLASSES];  /* ascending */
    uint64_t counts[TW_INSPECT_CLASSES]; /* rows of each */
} tw_inspect_column;

/** TW_DATA, TW_MEMORY. */
tw_status tw_inspect_column_read(tw_inspect_column *column, const char *path, const char *name) TW_CHECKED;

#endif
