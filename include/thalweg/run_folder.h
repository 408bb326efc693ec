/* run_folder.h -- the folder of one run: who may use it, and what lies in it.
 *
 *     config.resolved.yaml  status  log.txt  metrics.jsonl  summary.json  model.h5  lock
 *
 * A folder with a finished run, or with a live one, is refused (TW_OUTPUT). Rank 0 alone calls these
 * functions; the caller broadcasts the verdict. */
#ifndef THALWEG_RUN_FOLDER_H
#define THALWEG_RUN_FOLDER_H

#include "thalweg/dataset.h"
#include "thalweg/status.h"

typedef struct {
    char path[TW_PATH_LEN];
    int lock; /* descriptor that holds the lock, -1 when not open */
} tw_run_folder;

/** Could a run start here? Changes nothing, so that a mistake is told before the data is read. TW_OUTPUT. */
tw_status tw_run_folder_check(const char *path) TW_CHECKED;

/** Make the folder and take its lock. A lock whose holder is gone is taken over. TW_OUTPUT. */
tw_status tw_run_folder_open(tw_run_folder *folder, const char *path) TW_CHECKED;

/** Give the lock back. */
void tw_run_folder_close(tw_run_folder *folder);

/** "PATH/name". Returns text, cut to length. */
const char *tw_run_folder_file(const tw_run_folder *folder, const char *name, size_t length, char *text);

/** Replace the one line of `status`, "state=running code=0 iteration=12". TW_OUTPUT, TW_IO. */
tw_status tw_run_folder_status(const tw_run_folder *folder, const char *state, int code,
                               long iteration) TW_CHECKED;

#endif
