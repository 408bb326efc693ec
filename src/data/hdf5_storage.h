/* hdf5_storage.h -- may the values of a data set be read at all: where they lie, how they are packed, how
 * many they claim to be. */
#ifndef THALWEG_HDF5_STORAGE_H
#define THALWEG_HDF5_STORAGE_H

#include "thalweg/status.h"

#include <hdf5.h>
#include <stdint.h>

/** TW_DATA: values in other files; filters other than gzip, shuffle, fletcher32 and szip, or one of them
 * twice; chunks above 1 GiB. */
tw_status tw_storage_allowed(hid_t dataset, const char *path, const char *name) TW_CHECKED;

/** TW_DATA: more values than what is stored can make, or more stored than the file has. Cost: for chunks, a
 * walk over their index. */
tw_status tw_storage_real(hid_t dataset, const char *path, const char *name) TW_CHECKED;

/**
 * The byte of the file at which the values lie, one after another, exactly as `memory` holds them:
 * contiguous, in this file, written, and whole.
 * @return 0: they must be read by HDF5
 */
int64_t tw_storage_offset(hid_t dataset, hid_t memory);

#endif
