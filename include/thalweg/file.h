/* file.h -- whole files: written so that they appear complete and durable or not at all, and read at once.
 *
 * Every small file of a run (model, checkpoint, status, summary) goes through tw_file_commit, so that a
 * crash, a full disk or a second writer leaves either the old file or the new one under the name, never a
 * piece. Nothing in this header is collective: one rank writes or reads and tells the others. */
#ifndef THALWEG_FILE_H
#define THALWEG_FILE_H

#include "thalweg/status.h"

#include <stddef.h>

typedef struct {
    const void *data; /* may be NULL when size is 0 */
    size_t size;
} tw_bytes;

/**
 * Write the parts one after the other into the file of that name, replacing what was there.
 *
 * Exclusive temporary NAME.<random>.tmp in the same folder (0644 less umask) -> write -> fsync -> close ->
 * read back and compare -> rename -> fsync of the folder. A symbolic link is itself replaced, not what it
 * leads to. A failed fsync is never repeated on the same file.
 *
 * @param parts [n_parts], not owned
 * @return TW_OK; TW_OUTPUT: the folder or the name refuses; TW_IO: write, fsync, close, read back or rename
 * failed. On failure the temporary is removed and the old file is untouched, except when only the last step,
 * fsync of the folder, failed: then the new file is in place but may not survive a power cut (TW_IO). Cost:
 * writes and reads every byte once.
 */
tw_status tw_file_commit(const char *path, size_t n_parts, const tw_bytes *parts) TW_CHECKED;

/**
 * Read a whole regular file.
 *
 * @param most  largest size in bytes
 * @param bytes out: *size bytes and a final zero that is not counted, to be freed; NULL on failure
 * @param size  out: 0 on failure
 * @return TW_OK; TW_INPUT: missing, a folder, no regular file, unreadable; TW_DATA: larger than most;
 * TW_MEMORY; TW_IO: reading failed, or the file changed its size meanwhile.
 */
tw_status tw_file_read(const char *path, size_t most, char **bytes, size_t *size) TW_CHECKED;

/** Read the first bytes of a regular file, at most `most`; *size: out, how many there are. TW_INPUT, TW_IO.
 */
tw_status tw_file_peek(const char *path, size_t most, void *bytes, size_t *size) TW_CHECKED;

/** Make the folder and those above it (0777 less umask); one that exists is fine. TW_OUTPUT. */
tw_status tw_folder_make(const char *path) TW_CHECKED;

#endif
