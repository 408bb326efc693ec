/* checkpoint_file.h -- one checkpoint as a file: from the state in memory to an image, and back.
 *
 * Rank 0 alone calls these functions. */
#ifndef THALWEG_CHECKPOINT_FILE_H
#define THALWEG_CHECKPOINT_FILE_H

#include "thalweg/checkpoint.h"
#include "thalweg/image.h"
#include "thalweg/runlog.h"

/** An open file; its texts live until it is closed. */
typedef struct {
    hid_t file;
    char path[TW_PATH_LEN + 512];
    tw_checkpoint_head head;
    char *texts[5]; /* of the head; owned */
    char *host, *time, *version; /* who wrote it, when (UTC), which thalweg; owned */
    int64_t ranks, iteration, rows; /* rows of the history */
} tw_checkpoint_file;

/** Write head, state and history. Codes of tw_image_commit. */
tw_status tw_checkpoint_file_write(const char *path, const tw_checkpoint *c, const tw_state *state,
                                   const tw_runlog *log) TW_CHECKED;

/** Open and verify. TW_INPUT; TW_DATA: damaged, or no checkpoint; TW_MEMORY. Closed on failure. */
tw_status tw_checkpoint_file_open(tw_checkpoint_file *f, const char *path) TW_CHECKED;
void tw_checkpoint_file_close(tw_checkpoint_file *f);

/** Every item of the list, each of the size the list says; values as they come. TW_DATA, TW_MEMORY. */
tw_status tw_checkpoint_file_state(const tw_checkpoint_file *f, const tw_state *state) TW_CHECKED;

/** The history into the log, in place of its own. TW_DATA, TW_MEMORY. */
tw_status tw_checkpoint_file_history(const tw_checkpoint_file *f, tw_runlog *log) TW_CHECKED;

#endif
