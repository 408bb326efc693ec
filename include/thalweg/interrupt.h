/* interrupt.h -- requests from outside to a running process: signals, and a file named STOP.
 *
 * Handlers only set a flag. A request is this process's wish: it travels in the next exchange (objective.h),
 * and what the ranks do about it is decided from the sums that come out, so that one rank's signal stops all
 * ranks in the same iteration. State of the process, as signals are; nothing here is collective. */
#ifndef THALWEG_INTERRUPT_H
#define THALWEG_INTERRUPT_H

#include "thalweg/status.h"

/* What may be asked for, as bits. */
enum {
    TW_INTERRUPT_STOP = 1, /* SIGUSR1, SIGTERM, SIGINT, the file: save and end */
    TW_INTERRUPT_SAVE = 2  /* SIGUSR2, or tw_interrupt_save: save and go on */
};

/**
 * Take the four signals. Asking twice is asking once, so a signal that a launcher delivers twice does no
 * harm; but a second SIGINT more than a second after the first ends the process at once. To be called first
 * thing, and again after MPI_Init, which may have taken signals for itself.
 */
void tw_interrupt_install(void);

/** A file to be looked for twice a second at most; NULL: none. The text is copied. */
void tw_interrupt_watch(const char *path);

/** The requests that stand. Costs a load; with a file to watch, now and then a system call. */
unsigned tw_interrupt_requests(void);

/** Ask for a checkpoint, as SIGUSR2 does. */
void tw_interrupt_save(void);

/** The checkpoint is written: no longer asked for. */
void tw_interrupt_saved(void);

/** What asked for the stop: "SIGUSR1", "SIGTERM", "SIGINT", "the file STOP"; "" when nothing did. */
const char *tw_interrupt_cause(void);

/** "SIGTERM" of its number, for sentences; "a signal" of one that is none of ours. */
const char *tw_interrupt_name(int number);

/** TW_OK, or TW_STOPPED when a stop is asked for: for work that can be given up. @param doing "reading the
 * data", for the sentence */
tw_status tw_interrupt_check(const char *doing) TW_CHECKED;

#endif
