/* phase.h -- where this process is, in one word: for the watchdog, and for rehearsed failures.
 *
 * The main thread says what it begins; others may look at any time. State of the process, nothing here is
 * collective, and a call costs a few stores. */
#ifndef THALWEG_PHASE_H
#define THALWEG_PHASE_H

/* enumerator, name in messages and in THALWEG_FAULT, what stands still when it does */
#define TW_PHASES(X)                                     \
    X(START, "start", "starting")                        \
    X(LOAD, "load", "reading the data")                  \
    X(STEP, "step", "computing its part of the sum")     \
    X(SEARCH, "search", "searching along the direction") \
    X(EXCHANGE, "exchange", "waiting for the others")    \
    X(CHECKPOINT, "checkpoint", "writing a checkpoint")  \
    X(EVALUATE, "evaluate", "evaluating the model")      \
    X(FINISH, "finish", "writing the results")

typedef enum {
#define X(id, name, doing) TW_AT_##id,
    TW_PHASES(X)
#undef X
        TW_N_AT
} tw_phase;

/** The main thread begins this phase, at this iteration; a failure that is rehearsed there happens here.
 * Returns the phase it was in. */
tw_phase tw_phase_enter(tw_phase phase, long iteration);

/** Back to an earlier phase of the same iteration; no failure happens here. */
void tw_phase_return(tw_phase phase);

/** The main thread begins to wait for other ranks, in the phase exchange of this iteration; no failure
 * happens here. Returns the phase it was in, for tw_phase_return. */
tw_phase tw_phase_wait(void);

/** Something moved: a piece was read, a group summed, an exchange ended. */
void tw_phase_tick(void);

/** Where the main thread is; any thread may ask. */
typedef struct {
    tw_phase phase;
    long iteration;
    unsigned long ticks;
} tw_whereabouts;

tw_whereabouts tw_phase_now(void);

const char *tw_phase_name(tw_phase phase);
const char *tw_phase_doing(tw_phase phase);

#endif
