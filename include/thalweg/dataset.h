/* dataset.h -- what HDF5 files hold for us: which data sets are features, labels and weights, their shape and
 * type.
 *
 * Several files are one data set: their rows follow each other in the order of the files.
 *
 * Rank 0 looks once and shares the description; every rank then reads its own rows with the serial driver
 * (shard.h), so HDF5 and MPI never meet. Nothing in this header is collective but tw_dataset_share. */
#ifndef THALWEG_DATASET_H
#define THALWEG_DATASET_H

#include "thalweg/comm.h"
#include "thalweg/dtype.h"
#include "thalweg/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { TW_NAME_LEN = 1024, TW_PATH_LEN = 4096 };

/** What becomes of missing features: NaN, and the marker when there is one. */
typedef enum { TW_MISSING_ERROR, TW_MISSING_MEAN, TW_MISSING_ZERO, TW_MISSING_DROP } tw_missing;

/** One file of several. */
typedef struct {
    char path[TW_PATH_LEN];
    int64_t first, rows; /* of the whole */
    int64_t chunk_rows, offset;
    bool compressed;
} tw_dataset_file;

typedef struct {
    char path[TW_PATH_LEN];     /* of the first file, as the next three of several */
    char features[TW_NAME_LEN]; /* absolute names in the file, "/X" */
    char labels[TW_NAME_LEN];   /* "" when there are none */
    char weights[TW_NAME_LEN];  /* "" when there are none */
    bool words;                 /* the labels are strings */
    int64_t rows, cols;
    tw_dtype type;      /* of the features in memory */
    tw_dtype stored;    /* as they are read: as in the file, wider integers as f32 or f64 */
    int64_t chunk_rows; /* 0: contiguous */
    int64_t offset;     /* byte of the file where the features lie as in memory; 0: HDF5 must read them */
    bool compressed;
    tw_missing missing;
    bool marked; /* the number marker is a missing feature too */
    double marker;
    bool fitted;           /* for a model that is there already: what errors advise */
    size_t files;          /* at least 1 */
    tw_dataset_file *file; /* [files] of several; NULL: one file; owned */
} tw_dataset;

/** What the caller wants to find; NULL = detect. */
typedef struct {
    const char *features, *labels, *weights;
    bool need_labels;
} tw_dataset_names;

/** Silence HDF5's own prints and turn its plugins off. Once, before any other call. */
void tw_dataset_start(void);

/**
 * Open a file, or several, and describe what they hold. Detected without names: X/y, data/label(s),
 * features/target(s), x_train/y_train. Several files have the same names, columns, types, and the same names
 * of features and classes where they have any.
 *
 * @param dataset   out: to be released
 * @param path      a path, or a pattern (glob) of paths, which are taken in the order of their bytes; or
 * several, each on a line of its own
 * @param wrong_key out, may be NULL: the configuration key at fault ("data.features", ...), or NULL
 * @return TW_OK; TW_INPUT (missing, directory, unreadable); TW_DATA (not HDF5, damaged, no such name, shape
 * or type that cannot be used; the sentence lists what the file has).
 */
tw_status tw_dataset_open(tw_dataset *dataset, const char *path, const tw_dataset_names *names,
                          const char **wrong_key) TW_CHECKED;

void tw_dataset_release(tw_dataset *dataset);

/** Sizes of the files that path means, together; what is no file counts 0. */
double tw_dataset_bytes(const char *path);

/** What rank 0 has described, to all ranks. Collective. @return TW_OK, TW_MEMORY; the same on every rank. */
tw_status tw_dataset_share(tw_dataset *dataset, tw_comm *comm) TW_CHECKED;

/**
 * How features are kept in memory, and what is missing. Not collective.
 * @param type  NULL: as stored; integers with a marker as f32
 * @param marker NAN: none; rounded to the type of the file, as its values once were
 */
void tw_dataset_keep(tw_dataset *dataset, const tw_dtype *type, tw_missing missing, double marker);

/** File f as a data set of its own, which owns nothing; where its rows begin in the whole. */
tw_dataset tw_dataset_part(const tw_dataset *dataset, size_t f, int64_t *first);

/** One line for people: "train.h5:/X  60000 x 784 u8, /y". */
void tw_dataset_describe(const tw_dataset *dataset, size_t length, char *text);

/** All data sets of a file, "/X (60000, 784) u8 | /y (60000) u8", cut to length. */
tw_status tw_dataset_list(const char *path, const char *separator, size_t length, char *text) TW_CHECKED;

/**
 * A one-dimensional data set of strings (feature_names, classes), or none.
 * @param strings out: one allocation to be freed, NULL when the name is absent or holds no strings
 */
tw_status tw_dataset_strings(const char *path, const char *name, size_t *count, char ***strings) TW_CHECKED;

/** A copy in one allocation, to be freed; NULL: out of memory. */
char **tw_dataset_strings_copy(size_t count, char *const *strings);

#endif
