/* dataset_file.h -- writes our data set file, row block by row block, and commits it whole or not at all.
 *
 * The file: /X (rows, cols), and when asked /y (rows), /sample_weight (rows), /classes and /feature_names
 * (variable-length UTF-8); the root carries format = "thalweg data set" and version. Features are contiguous
 * unless gzip is asked for, so that ranks can read rows at an offset. Rows go to a temporary beside the final
 * name; the name appears only once every byte is on the disk. A disk that fills up never reaches HDF5, which
 * would crash: see src/data/output_driver.c. */
#ifndef THALWEG_DATASET_FILE_H
#define THALWEG_DATASET_FILE_H

#include "thalweg/dtype.h"
#include "thalweg/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TW_DATASET_FILE_VERSION = 1 };

#define TW_LABEL_TYPES(X) X(none, 0) X(u8, 1) X(i8, 1) X(i16, 2) X(i32, 4) X(i64, 8) X(f64, 8)

/** How labels are stored; none: there is no /y. */
typedef enum {
#define X(name, size) TW_LABEL_##name,
    TW_LABEL_TYPES(X)
#undef X
        TW_N_LABEL_TYPES
} tw_label_type;

/** Bytes of one label. Not collective. */
size_t tw_label_type_size(tw_label_type type);

/** "u8", "f64", ... Not collective. */
const char *tw_label_type_name(tw_label_type type);

/** What the file will hold. Plain values; strings are borrowed until tw_dataset_writer_new returns. */
typedef struct {
    size_t rows, cols; /* both >= 1 */
    tw_dtype x_type;
    tw_label_type y_type;
    bool weights;               /* there is /sample_weight, f64 */
    const char *const *classes; /* [n_classes] names of the labels 0, 1, ..., or NULL */
    size_t n_classes;
    const char *const *feature_names; /* [cols] or NULL */
    int gzip;     /* 0: contiguous; 1 .. 9: /X in chunks of whole rows, about 1 MiB, shuffled and deflated */
    bool replace; /* an existing file is replaced at the commit */
} tw_dataset_layout;

typedef struct tw_dataset_writer tw_dataset_writer;

/**
 * Create the temporary file and everything in it but the rows.
 *
 * Not collective: one process writes. Call tw_dataset_writer_free whatever comes later.
 * @param path   the file to be; PATH.<random>.tmp holds the rows until the commit
 * @param writer out: owned by the caller; NULL on failure
 * @return TW_OK; TW_OUTPUT when path exists (without replace), is no regular file, or cannot be created;
 * TW_IO when the disk is full or fails; TW_DATA when the size overflows; TW_MEMORY; TW_INTERNAL. Nothing
 * stays on failure.
 */
tw_status tw_dataset_writer_new(const char *path, const tw_dataset_layout *layout,
                                tw_dataset_writer **writer) TW_CHECKED;

/** Rows of about 8 MiB: pieces of this many rows are written without a copy. At least 1. Not collective. */
size_t tw_dataset_writer_block(const tw_dataset_writer *writer);

/**
 * Add the next rows. Not collective. Memory: one block at most.
 * @param x [rows][cols] of x_type
 * @param y [rows] of y_type; NULL when it is none
 * @return TW_OK; TW_IO; TW_INTERNAL for more rows than the layout has. After a failure only free is allowed.
 */
tw_status tw_dataset_writer_append(tw_dataset_writer *writer, size_t rows, const void *x,
                                   const void *y) TW_CHECKED;

/** Add the weights of the next rows, [rows], with as many rows at a time as is convenient. Not collective. As
 * tw_dataset_writer_append. */
tw_status tw_dataset_writer_append_weights(tw_dataset_writer *writer, size_t rows,
                                           const double *weights) TW_CHECKED;

/**
 * Flush, fsync, rename to the final name, fsync the folder.
 *
 * Not collective. Every row (and weight) of the layout must have been appended (else TW_INTERNAL).
 * @param bytes out: size of the file; may be NULL
 * @return TW_OK: the file is complete and durable; TW_OUTPUT when another file took the name meanwhile;
 * TW_IO.
 */
tw_status tw_dataset_writer_commit(tw_dataset_writer *writer, uint64_t *bytes) TW_CHECKED;

/** Free; removes the temporary unless it was committed. NULL is fine. Not collective. */
void tw_dataset_writer_free(tw_dataset_writer *writer);

#endif
