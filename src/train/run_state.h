/* run_state.h -- how a run folder stands, for whoever looks at it from outside, while a run is in it or
 * after.
 *
 * Changes nothing. Files may be missing, half written or somebody else's. Not collective. */
#ifndef THALWEG_TRAIN_RUN_STATE_H
#define THALWEG_TRAIN_RUN_STATE_H

#include "thalweg/run_folder.h"

#include <jansson.h>
#include <stdbool.h>

typedef struct {
    tw_run_folder folder;            /* path only */
    bool status;                     /* there is such a file, with these in it: */
    char line[512];                  /* its first line, as it is */
    char state[32], checkpoint[256]; /* "running", ...; the newest, "" for none */
    int code;
    long iteration;
    bool locked, live; /* there is a file `lock`; a process of this file system holds it */
    char holder[256];  /* "process 4711 on node02", "" when nobody says */
    bool summed;       /* there is a summary.json */
    json_t *summary;   /* it, or NULL when it is no object; owned */
    bool logged;       /* there is a metrics.jsonl */
    json_t *row;       /* its last whole line, or NULL; owned */
} tw_run_state;

/** Release in any case. TW_INPUT: no such folder; TW_DATA: not of a run; TW_MEMORY. Cost: the last 64 KiB of
 * metrics.jsonl, and the small files. */
tw_status tw_run_state_read(tw_run_state *state, const char *path) TW_CHECKED;
void tw_run_state_release(tw_run_state *state);

#endif
