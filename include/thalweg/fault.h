/* fault.h -- failures that a user asks for, to see what a cluster makes of them before it matters.
 *
 *     THALWEG_FAULT="rank=1,phase=step,iteration=20,kind=kill; phase=checkpoint,kind=enospc"
 *
 * Each fault happens once, on one rank (default 0), when that rank begins the phase (phase.h) at the
 * iteration (default: the first time); a kind that damages numbers or files happens at the next chance from
 * there on. State of the process; nothing here is collective. Unset, all of it costs one load where
 * tw_fault_armed is looked at. */
#ifndef THALWEG_FAULT_H
#define THALWEG_FAULT_H

#include "thalweg/phase.h"
#include "thalweg/status.h"

#include <stdbool.h>
#include <stddef.h>

/* enumerator, name, number when none is given (-1: takes none), what happens */
#define TW_FAULTS(X)                                                               \
    X(KILL, "kill", -1, "is killed (SIGKILL)")                                     \
    X(STOP, "stop", -1, "is stopped (SIGSTOP)")                                    \
    X(EXIT, "exit", 17, "leaves without a word with exit code")                   \
    X(FAIL, "fail", TW_IO, "reports a failure of exit code")           \
    X(NAN, "nan", -1, "adds a NaN to its sums")                                    \
    X(FLIP, "flip", 62, "has a bit flipped, number")                            \
    X(ENOSPC, "enospc", -1, "finds no space left for what it writes")              \
    X(EIO, "eio", -1, "gets an input/output error for what it writes")             \
    X(SHORT, "short", -1, "has half of a write done, and is told so")              \
    X(TORN, "torn", -1, "has a write lost, and is told that it is done") \
    X(SLEEP, "sleep", 1000, "sleeps milliseconds:")

typedef enum {
#define X(id, name, number, text) TW_FAULT_##id,
    TW_FAULTS(X)
#undef X
        TW_N_FAULTS
} tw_fault_kind;

/* System calls of a commit that can fail (call=NAME): a fault that names one waits for it. */
#define TW_FAULT_CALLS(X) X(WRITE, "write") X(SYNC, "sync") X(RENAME, "rename")

typedef enum {
    TW_FAULT_ANY_CALL,
#define X(id, name) TW_FAULT_##id,
    TW_FAULT_CALLS(X)
#undef X
} tw_fault_call;

/* What a flip damages (of=NAME). */
typedef enum { TW_FAULT_PARAMETERS, TW_FAULT_OPTIMIZER } tw_fault_target;

typedef struct {
    int rank;
    tw_phase phase;
    long iteration; /* -1: the first time */
    tw_fault_kind kind;
    long number;        /* exit code, bit, milliseconds */
    long index;         /* which parameter or sum; taken modulo their number */
    tw_fault_target of; /* of a flip */
    tw_fault_call call; /* wait for this one */
    enum { TW_FAULT_WAITS, TW_FAULT_DUE, TW_FAULT_DONE } state;
} tw_fault;

enum { TW_FAULT_MOST = 16 };

/** There are faults, on whatever rank. */
extern bool tw_fault_armed;

/**
 * What a text asks for.
 * @param faults [TW_FAULT_MOST] out   @param count out
 * @return TW_OK; TW_USAGE with a sentence that says what can be written
 */
tw_status tw_fault_parse(const char *text, tw_fault *faults, size_t *count) TW_CHECKED;

/** One fault as a clause, "rank 1 is killed (SIGKILL) in phase step of iteration 20". Returns text. */
const char *tw_fault_describe(const tw_fault *fault, size_t length, char *text);

/** Take what THALWEG_FAULT asks for; the rank is that of the launcher's variables. TW_USAGE. */
tw_status tw_fault_start(void) TW_CHECKED;

/** As tw_fault_start, from a text; NULL or "" disarms. */
tw_status tw_fault_set(const char *text) TW_CHECKED;

/** The rank as MPI tells it. */
void tw_fault_rank(int rank);

/** The faults that are set. @param count out */
const tw_fault *tw_fault_list(size_t *count);

/* ---- where they happen; all do nothing when none is due here ---- */

/** A phase begins: kill, stop, exit and sleep happen, the others become due. */
void tw_fault_reach(tw_phase phase, long iteration);

/** This rank's verdict on its own work: TW_OK, or the failure that is due, taken. */
tw_status tw_fault_failure(void) TW_CHECKED;

/** A NaN that is due goes into one of these sums. */
void tw_fault_sums(size_t n, double *sums);

/** A flip that is due goes into one of these numbers; nothing where n is 0. */
void tw_fault_flip(tw_fault_target of, size_t n, double *values);

/**
 * A system call that writes is about to be made: what happens to it.
 * @return TW_FAULT_ENOSPC, _EIO, _SHORT or _TORN, taken; TW_N_FAULTS: nothing
 */
tw_fault_kind tw_fault_write(tw_fault_call call);

/** As tw_fault_write for a call that either works or not: the errno it fails with, or 0. */
int tw_fault_errno(tw_fault_call call);

#endif
