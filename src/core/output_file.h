/* output_file.h -- one file that appears under its name complete and durable, or not at all.
 *
 * Writes go to an exclusively created temporary NAME.<random>.tmp beside the final name, in a folder that is
 * opened before anything is made, so that one which cannot be synced later is refused at once. The first
 * failed write is remembered and makes all later ones do nothing, so that a writer which cannot bear failures
 * (HDF5) may go on to its end. Nothing here is collective. */
#ifndef THALWEG_OUTPUT_FILE_H
#define THALWEG_OUTPUT_FILE_H

#include "thalweg/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char *path, *temporary; /* owned; temporary is NULL when there is none to remove */
    size_t name;            /* where the last part begins in both */
    int folder, fd;         /* fd: of the temporary; -1: closed */
    int error;              /* errno of the first failed write; 0: none */
    uint64_t size;          /* in bytes, known once sealed */
    bool replace;
} tw_output_file;

/** Could path be created? Asked before long work. TW_OUTPUT, TW_MEMORY: as tw_output_file_open. */
tw_status tw_output_file_possible(const char *path, bool replace) TW_CHECKED;

/**
 * Create the temporary (0644 less umask, read and write). Release in any case.
 *
 * @param replace  a file or link of that name is replaced at the commit; the link itself, not what it leads
 * to
 * @return TW_OK; TW_OUTPUT: path exists (without replace), is no regular file or no name of one, or its
 * folder refuses; TW_MEMORY
 */
tw_status tw_output_file_open(tw_output_file *file, const char *path, bool replace) TW_CHECKED;

/** pwrite all of it; failures are kept in file->error. */
void tw_output_file_write(tw_output_file *file, uint64_t offset, size_t size, const void *bytes);

/** Set the size; failures are kept in file->error. */
void tw_output_file_truncate(tw_output_file *file, uint64_t size);

/** fsync, unless something has failed: a failed fsync is never repeated. Failures are kept in file->error. */
void tw_output_file_sync(tw_output_file *file);

/** TW_IO with the cause when a write has failed. */
tw_status tw_output_file_check(const tw_output_file *file) TW_CHECKED;

/** "cannot VERB PATH: cause": always TW_IO, or TW_MEMORY when the error is ENOMEM, with what to do and whether the old file is safe. */
tw_status tw_output_file_failed(const tw_output_file *file, const char *verb, int error) TW_CHECKED;

/** fsync and close: nothing more is written. TW_IO. */
tw_status tw_output_file_seal(tw_output_file *file) TW_CHECKED;

/** Open what was sealed for reading it back. @param fd out: to be closed. TW_IO. */
tw_status tw_output_file_reopen(const tw_output_file *file, int *fd) TW_CHECKED;

/**
 * Seal (unless that was done), rename, fsync of the folder.
 *
 * @param bytes out: size of the file; may be NULL
 * @return TW_OK; TW_IO: as sealing, or the rename failed with replace; TW_OUTPUT: the name was taken
 * meanwhile or is refused, without replace. When only the last step failed the file is in place but may not
 * survive a power cut (TW_IO).
 */
tw_status tw_output_file_commit(tw_output_file *file, uint64_t *bytes) TW_CHECKED;

/** Close; remove the temporary unless committed. A zeroed file may be released. */
void tw_output_file_release(tw_output_file *file);

/** Open the folder that path lies in; -1 with errno. */
int tw_output_folder_open(const char *path);

/** fsync of a folder, where the file system can and must; -1 with errno. */
int tw_output_folder_sync(int folder);

#endif
