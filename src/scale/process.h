/* process.h -- one command at a time, started and ended with everything it started.
 *
 * The command gets a process group of its own, /dev/null to read and a log file to write. What outlives it,
 * or a time limit, or a request to stop (interrupt.h), is killed: orphans of it become children of this
 * process. Nothing here may be used after MPI_Init. */
#ifndef THALWEG_SCALE_PROCESS_H
#define THALWEG_SCALE_PROCESS_H

#include "scale/argv.h"

typedef struct {
    int code;       /* exit code, or 128 + the signal that ended it */
    bool timed_out; /* by the limit; everything of it is gone */
} tw_process_end;

/**
 * Run a command to its end.
 *
 * @param log   file that takes what it prints, replaced; NULL: its errors go where ours go, the rest nowhere
 * @param limit seconds; 0: none
 * @return TW_OK: it ran, with whatever exit code; TW_STOPPED: a stop was asked for and it was ended;
 * TW_INPUT: there is no such program; TW_OUTPUT: the log cannot be written; TW_MEMORY.
 */
tw_status tw_process_run(const tw_argv *command, const char *log, double limit,
                         tw_process_end *end) TW_CHECKED;

/** Path of this program, also for processes on other nodes. TW_INPUT. */
tw_status tw_process_self(size_t length, char *text) TW_CHECKED;

#endif
