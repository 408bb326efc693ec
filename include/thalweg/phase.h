/* phase.h -- where this process is, in one word: for the watchdog, for rehearsed failures, and for the clocks
 * of account.h.
 *
 * The main thread says what it begins; others may look at any time. State of the process, nothing here is
 * collective, and a call costs a few stores. */
#ifndef THALWEG_PHASE_H
#define THALWEG_PHASE_H

/* enumerator, name in messages and in THALWEG_FAULT, its clock, what stands still when it does */
#define TW_PHASES(X)                                                   \
    X(START, "start", OTHER, "starting")                               \
    X(LOAD, "load", READ, "reading the data")                          \
    X(PREPARE, "prepare", COMPUTE, "preparing the model")              \
    X(STEP, "step", COMPUTE, "computing its part of the sum")          \
    X(SEARCH, "search", COMPUTE, "searching along the direction")      \
    X(EXCHANGE, "exchange", WIRE, "waiting for the others")            \
    X(LOG, "log", OTHER, "writing the log")                            \
    X(CHECKPOINT, "checkpoint", CHECKPOINT, "writing a checkpoint")    \
    X(EVALUATE, "evaluate", COMPUTE, "evaluating the model")           \
    X(FINISH, "finish", OTHER, "writing the results")

typedef enum {
#define X(id, name, clock, doing) TW_AT_##id,
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
 * happens here. Returns the phase it was in, for tw_phase_return. The clock is `wait`, or, with data that
 * all of them move, `wire`. */
tw_phase tw_phase_wait(void);
tw_phase tw_phase_wire(void);

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
