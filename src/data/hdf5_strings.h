/* hdf5_strings.h -- data sets of strings, of fixed or variable length, as strings of C. */
#ifndef THALWEG_HDF5_STRINGS_H
#define THALWEG_HDF5_STRINGS_H

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

/** Does the data set hold strings, of at most 65536 bytes each if their length is fixed? */
bool tw_hdf5_holds_strings(hid_t dataset);

/**
 * Read a data set that holds strings.
 *
 * @param count how many they are; bounded by the caller
 * @return one allocation to be freed: the pointers, then the characters; NULL: damaged or out of memory
 */
char **tw_hdf5_strings(hid_t dataset, size_t count);

#endif
