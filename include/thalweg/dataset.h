/* dataset.h -- what an HDF5 file holds for us: which data sets are features, labels and weights, their shape
 * and type.
 *
 * Rank 0 looks once and broadcasts the description (plain bytes, no pointers); every rank then reads its own
 * rows with the serial driver (shard.h), so HDF5 and MPI never meet. Nothing in this header is collective. */
#ifndef THALWEG_DATASET_H
#define THALWEG_DATASET_H

#include "thalweg/dtype.h"
#include "thalweg/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { TW_NAME_LEN = 1024, TW_PATH_LEN = 4096 };

typedef struct {
    char path[TW_PATH_LEN];
    char features[TW_NAME_LEN]; /* absolute names in the file, "/X" */
    char labels[TW_NAME_LEN];   /* "" when there are none */
    char weights[TW_NAME_LEN];  /* "" when there are none */
    int64_t rows, cols;
    tw_dtype type;      /* of the features in memory: as stored, wider integers as f32 or f64 */
    int64_t chunk_rows; /* 0: contiguous */
    int64_t offset;     /* byte of the file where the features lie as in memory; 0: HDF5 must read them */
    bool compressed;
} tw_dataset;

/** What the caller wants to find; NULL = detect. */
typedef struct {
    const char *features, *labels, *weights;
    bool need_labels;
} tw_dataset_names;

/** Silence HDF5's own prints and turn its plugins off. Once, before any other call. */
void tw_dataset_start(void);

/**
 * Open a file and describe it. Detected without names: X/y, data/label(s), features/target(s),
 * x_train/y_train.
 *
 * @param dataset   out
 * @param wrong_key out, may be NULL: the configuration key at fault ("data.features", ...), or NULL
 * @return TW_OK; TW_INPUT (missing, directory, unreadable); TW_DATA (not HDF5, damaged, no such name, shape
 * or type that cannot be used; the sentence lists what the file has).
 */
tw_status tw_dataset_open(tw_dataset *dataset, const char *path, const tw_dataset_names *names,
                          const char **wrong_key) TW_CHECKED;

/** One line for people: "train.h5:/X  60000 x 784 u8, /y". */
void tw_dataset_describe(const tw_dataset *dataset, size_t length, char *text);

/** All data sets of a file, "/X (60000, 784) u8 | /y (60000) u8", cut to length. */
tw_status tw_dataset_list(const char *path, const char *separator, size_t length, char *text) TW_CHECKED;

/**
 * A one-dimensional data set of strings (feature_names, classes), or none.
 * @param strings out: one allocation to be freed, NULL when the name is absent or holds no strings
 */
tw_status tw_dataset_strings(const char *path, const char *name, size_t *count, char ***strings) TW_CHECKED;

#endif
