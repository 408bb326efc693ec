/* account.h -- where the time of this process goes: six clocks, of which exactly one runs.
 *
 * Charging a clock stops the one before, so they add up to the wall time by construction. State of the
 * process, for the main thread; nothing here is collective, and a charge costs one look at the clock (about
 * 30 ns). phase.h charges them: a phase has its clock. */
#ifndef THALWEG_ACCOUNT_H
#define THALWEG_ACCOUNT_H

/* enumerator, name in reports. wait: from a rank's arrival at an exchange to the last rank's, and in every
 * other collective call; wire: the exchanges. */
#define TW_CLOCKS(X)            \
    X(READ, "read")             \
    X(COMPUTE, "compute")       \
    X(WAIT, "wait")             \
    X(WIRE, "wire")             \
    X(CHECKPOINT, "checkpoint") \
    X(OTHER, "other")

typedef enum {
#define X(id, name) TW_CLOCK_##id,
    TW_CLOCKS(X)
#undef X
        TW_N_CLOCKS
} tw_clock;

/** Seconds of a monotonic clock since an arbitrary moment. Any thread. */
double tw_seconds(void);

/** Every clock back to zero; `other` runs. */
void tw_account_start(void);

/** From here on this clock runs. Returns the moment, as tw_seconds. */
double tw_account_charge(tw_clock clock);

/** These seconds, of a clock that has run, were another's; no more than the clock has. */
void tw_account_move(tw_clock from, tw_clock to, double seconds);

/** @param seconds [TW_N_CLOCKS] what each clock shows now. Returns their sum. */
double tw_account_read(double *seconds);

/** Where the clocks stood when so many iterations were done. */
typedef struct {
    long iteration;
    double seconds[TW_N_CLOCKS];
} tw_account_mark;

void tw_account_note(tw_account_mark *mark, long iteration);

const char *tw_account_name(tw_clock clock);

#endif
