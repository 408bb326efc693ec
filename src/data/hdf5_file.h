/* hdf5_file.h -- the few HDF5 verbs that reading needs, each ending in one sentence of ours. */
#ifndef THALWEG_HDF5_FILE_H
#define THALWEG_HDF5_FILE_H

#include "thalweg/dtype.h"
#include "thalweg/status.h"

#include <hdf5.h>
#include <stdbool.h>

/** Open read-only, without locks (NFS, Lustre). TW_INPUT: missing, directory, unreadable; TW_DATA: not HDF5,
 * damaged. */
tw_status tw_hdf5_open(const char *path, hid_t *file) TW_CHECKED;

/** Open a data set by a path of hard links only; refuses what hdf5_storage.h does not allow. TW_DATA. */
tw_status tw_hdf5_dataset(hid_t file, const char *path, const char *name, hid_t *dataset) TW_CHECKED;

/** Does name lead to an object through hard links only? */
bool tw_hdf5_exists(hid_t file, const char *name);

/**
 * How elements of a file type are kept in memory. Not one of ours: false.
 * @param memory out: HDF5 memory type to read with, to be closed
 */
bool tw_hdf5_memory_type(hid_t file_type, tw_dtype *type, hid_t *memory);

/** A number that HDF5 may convert. Its 1.10 overruns the stack on integers of more than 64 bits; exponents of
 * more than 32 are not tried. */
bool tw_hdf5_convertible(hid_t file_type);

/** "u8", "i64", "string", "compound", ... for messages. */
const char *tw_hdf5_type_name(hid_t file_type);

/** Shape of a data set: rank <= 8 and its sizes; returns the rank, or -1. */
int tw_hdf5_shape(hid_t dataset, hsize_t shape[8]);

#endif
