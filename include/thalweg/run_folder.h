/* run_folder.h -- the folder of one run: who may use it, and what lies in it.
 *
 *     config.resolved.yaml  status  log.txt  metrics.jsonl  summary.json  model.h5  checkpoints  lock
 *
 * A folder with a finished run, unless it is to be resumed, or with a live one, is refused (TW_OUTPUT). Rank
 * 0 alone calls these functions; the caller broadcasts the verdict. */
#ifndef THALWEG_RUN_FOLDER_H
#define THALWEG_RUN_FOLDER_H

#include "thalweg/dataset.h"
#include "thalweg/status.h"

typedef struct {
    char path[TW_PATH_LEN];
    int lock;     /* descriptor that holds the lock, -1 when not open */
    bool fresh;   /* nothing of a run was there, and this one has not begun: refused, it leaves nothing */
    int made;     /* folders of its path, from the last one up, that were not there before */
    bool entered; /* its status is this run's to write: nothing was there, or it is resumed */
} tw_run_folder;

/** Could a run start here? Changes nothing, so that a mistake is told before the data is read.
 * @param resume  a finished run may be gone on with. TW_OUTPUT. */
tw_status tw_run_folder_check(const char *path, bool resume) TW_CHECKED;

/** Make the folder, take its lock, remove temporary files of a killed run. A lock whose holder is gone is
 * taken over. TW_OUTPUT. */
tw_status tw_run_folder_open(tw_run_folder *folder, const char *path, bool resume) TW_CHECKED;

/** The run begins or goes on: status says "running", and a summary of an earlier end is gone. TW_OUTPUT,
 * TW_IO. */
tw_status tw_run_folder_enter(tw_run_folder *folder, long iteration, const char *checkpoint) TW_CHECKED;

/** Give the lock back. */
void tw_run_folder_close(tw_run_folder *folder);

/** "PATH/name". Returns text, cut to length. */
const char *tw_run_folder_file(const tw_run_folder *folder, const char *name, size_t length, char *text);

/** The file STOP has done its work: it would stop the next run too. */
void tw_run_folder_stopped(const tw_run_folder *folder);

/** Replace the one line of `status`, "state=running code=0 iteration=12
 * checkpoint=iteration-000000000010.h5".
 * @param checkpoint name of the newest, "" when there is none. TW_OUTPUT, TW_IO. */
tw_status tw_run_folder_status(const tw_run_folder *folder, const char *state, int code, long iteration,
                               const char *checkpoint) TW_CHECKED;

/** A run that did not come to its end says so, with state failed or stopped; of a folder that was never
 * entered the status stays, and a run whose configuration or data are refused before it begins leaves no
 * folder. A file STOP that was obeyed is removed. The sentence of the failure is kept. TW_OUTPUT, TW_IO. */
tw_status tw_run_folder_failed(const tw_run_folder *folder, tw_status code, long iteration,
                               const char *checkpoint) TW_CHECKED;

#endif
