/* watchdog_scribe.h -- the thread of the watchdog that may hang with a file system, and what it shares with
 * the other one. */
#ifndef THALWEG_CORE_WATCHDOG_SCRIBE_H
#define THALWEG_CORE_WATCHDOG_SCRIBE_H

#include "core/heartbeat_file.h"

#include <pthread.h>

/* Under the mutex. */
struct tw_watchdog_shared {
    pthread_mutex_t mutex;
    pthread_cond_t wake, done;
    bool ending, busy;           /* the scribe is at the file */
    bool look, afresh, release;  /* read the records; as the first ones; give up the warning */
    tw_heartbeat_file file;      /* fd -1: none */
    double clock, written;       /* seconds watched; when the scribe came back last */
    unsigned long round, rounds; /* beats, and the last one that the scribe has begun */
    tw_errand errand;
    int answer;
    char checkpoint[TW_CHECKPOINT_NAME];
    tw_heartbeat own, *beats;
    double *seen; /* [size] clock at the last change of a record */
};
extern struct tw_watchdog_shared tw_dog;

/** A visit to the file for each round and each errand, until the end. The work of a thread. */
void *tw_scribe_work(void *unused);

#endif
