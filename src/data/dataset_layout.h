/* dataset_layout.h -- the pieces of our data set file as HDF5 objects: types, storage, strings, the mark on
 * the root. */
#ifndef THALWEG_DATASET_LAYOUT_H
#define THALWEG_DATASET_LAYOUT_H

#include "thalweg/dataset_file.h"

#include <hdf5.h>

/** Types: little-endian in the file, the machine's order in memory; to be closed; negative on failure. */
hid_t tw_layout_feature_type(tw_dtype type, bool in_memory);
hid_t tw_layout_label_type(tw_label_type type, bool in_memory);

/** Rows of a chunk of about 1 MiB, at least 1 and at most all. */
size_t tw_layout_chunk_rows(const tw_dataset_layout *layout);

/** Create /X and /y; negative on failure. */
hid_t tw_layout_features(hid_t file, const tw_dataset_layout *layout);
hid_t tw_layout_labels(hid_t file, const tw_dataset_layout *layout);
hid_t tw_layout_weights(hid_t file, const tw_dataset_layout *layout);

/** Create and write a list of variable-length UTF-8 strings; false on failure. */
bool tw_layout_strings(hid_t file, const char *name, size_t count, const char *const *strings);

/** Write the attributes format and version of the root; false on failure. */
bool tw_layout_mark(hid_t file);

#endif
