/* heartbeat_file.h -- the file of all ranks' records, claims on who speaks, and the status of the run folder.
 * Every call may hang with the file system; nothing here is shared between threads. */
#ifndef THALWEG_CORE_HEARTBEAT_FILE_H
#define THALWEG_CORE_HEARTBEAT_FILE_H

#include "core/heartbeat.h"

enum { TW_WATCHDOG_PATH = 4096 + 64, TW_CHECKPOINT_NAME = 320 };

typedef struct {
    int fd, rank, size;
    char folder[TW_WATCHDOG_PATH];
} tw_heartbeat_file;

/* Who prints a line. A claim is a lock and ends with the process. */
typedef enum { TW_CLAIM_WARNING = 1, TW_CLAIM_ERROR } tw_claim;
typedef enum { TW_CLAIM_OPEN = -1, TW_CLAIM_TAKEN = 0, TW_CLAIM_MINE = 1 } tw_claimed;

/** Rank 0 makes FOLDER/heartbeat anew, the others open it. Returns the descriptor, or -1. */
int tw_heartbeat_file_open(const char *folder, int rank);

void tw_heartbeat_file_put(const tw_heartbeat_file *file, const tw_heartbeat *own);

/** The records of ranks first, first + 1, ...: as many as were read, at most `most`. */
int tw_heartbeat_file_get(const tw_heartbeat_file *file, int first, int most,
                          char (*records)[TW_HEARTBEAT_LEN]);

/** TW_CLAIM_OPEN: this file system has no locks. When the error is out (note) all is taken for ever. */
tw_claimed tw_heartbeat_file_claim(const tw_heartbeat_file *file, tw_claim which);
void tw_heartbeat_file_release(const tw_heartbeat_file *file, tw_claim which);

/** Note that the error is printed; was it? */
bool tw_heartbeat_file_note(const tw_heartbeat_file *file);
bool tw_heartbeat_file_noted(const tw_heartbeat_file *file);

/** The last checkpoint as FOLDER/status tells it, "" when there is none. Was the run under way? */
bool tw_heartbeat_file_status(const tw_heartbeat_file *file, char checkpoint[TW_CHECKPOINT_NAME]);

/** state=failed, where it said running or nothing. */
void tw_heartbeat_file_failed(const tw_heartbeat_file *file, long iteration);

/* What the watchdog's first thread asks its second one to do. */
typedef enum {
    TW_ERRAND_NOTHING,
    TW_ERRAND_CLAIM_WARNING,
    TW_ERRAND_CLAIM_ERROR,
    TW_ERRAND_NOTE_ERROR,
    TW_ERRAND_FIND_NOTE
} tw_errand;

/** One of the above, done with the functions before it: a tw_claimed; or 1, 0, and -1: who knows. A claim of
 * the error also reads the name of the checkpoint. */
int tw_heartbeat_file_run(tw_errand what, const tw_heartbeat_file *f, long iteration, char *checkpoint);

#endif
