/* output_file.h -- one file that appears under its name complete and durable, or not at all.
 *
 * Writes go to an exclusively created temporary beside the final name. The first failed write is remembered
 * and makes all later ones do nothing, so that a writer which cannot bear failures (HDF5) may go on to its
 * end. */
#ifndef THALWEG_OUTPUT_FILE_H
#define THALWEG_OUTPUT_FILE_H

#include "thalweg/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *path, *temporary; /* owned; temporary is NULL when there is none to remove */
    int fd;                 /* of the temporary; -1: closed */
    int error;              /* errno of the first failed write; 0: none */
    bool replace;
} tw_output_file;

/** Could path be created? Asked before long work. TW_OUTPUT: as tw_output_file_open. */
tw_status tw_output_file_possible(const char *path, bool replace) TW_CHECKED;

/** TW_OUTPUT: path exists (without replace), is no regular file, or its folder refuses. Release in any case.
 */
tw_status tw_output_file_open(tw_output_file *file, const char *path, bool replace) TW_CHECKED;

/** pwrite all of it; failures are kept in file->error. */
void tw_output_file_write(tw_output_file *file, uint64_t offset, size_t size, const void *bytes);

/** Set the size; failures are kept in file->error. */
void tw_output_file_truncate(tw_output_file *file, uint64_t size);

/** TW_IO with the cause when a write has failed. */
tw_status tw_output_file_check(const tw_output_file *file) TW_CHECKED;

/** fsync, close, rename, fsync of the folder. bytes: out, may be NULL. TW_IO; TW_OUTPUT when the name was
 * taken. */
tw_status tw_output_file_commit(tw_output_file *file, uint64_t *bytes) TW_CHECKED;

/** Close; remove the temporary unless committed. A zeroed file is fine only after tw_output_file_open was
 * called. */
void tw_output_file_release(tw_output_file *file);

#endif
