/* output_driver.h -- HDF5 writes through a tw_output_file.
 *
 * HDF5 1.10 crashes at exit when a file could not be flushed, so this driver tells it that every write
 * succeeded and leaves the failure in the output file, where tw_output_file_check finds it. The file made is
 * an ordinary one. */
#ifndef THALWEG_OUTPUT_DRIVER_H
#define THALWEG_OUTPUT_DRIVER_H

#include "core/output_file.h"

#include <hdf5.h>

/** Register the driver; negative on failure. Closed by H5FDunregister after the file. */
hid_t tw_output_driver_register(void);

/** A file access list by which H5Fcreate writes to output (borrowed until the file is closed); negative on
 * failure. */
hid_t tw_output_driver_access(hid_t driver, tw_output_file *output);

#endif
