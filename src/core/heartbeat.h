/* heartbeat.h -- what a rank tells the others of itself in 64 bytes of text, and what follows from all of
 * them. */
#ifndef THALWEG_CORE_HEARTBEAT_H
#define THALWEG_CORE_HEARTBEAT_H

#include "thalweg/phase.h"

#include <stdbool.h>
#include <stddef.h>

enum { TW_HEARTBEAT_LEN = 64, TW_HEARTBEAT_HOST = 16 };

typedef struct {
    bool known; /* there is a record */
    char host[TW_HEARTBEAT_HOST + 1]; /* without a record perhaps empty */
    tw_phase phase;
    long iteration;
    unsigned long ticks, alive; /* modulo 10^6 and 10^5 */
    double still;               /* seconds since the main thread moved, as the record says */
    double silent; /* seconds since the record changed, as the reader saw it; not in the record */
} tw_heartbeat;

/** The record of a rank: text that ends in a newline, without a final zero. */
void tw_heartbeat_write(const tw_heartbeat *beat, int rank, char record[TW_HEARTBEAT_LEN]);

/** Back from text; false when it is none: never written, or torn. known and silent stay. */
bool tw_heartbeat_read(const char record[TW_HEARTBEAT_LEN], tw_heartbeat *beat);

typedef struct {
    int rank, size; /* who judges */
    double limit;   /* seconds without movement */
    double beat;    /* seconds between two records of a rank */
} tw_heartbeat_rule;

/**
 * Who keeps everybody waiting?
 *
 * A rank whose record has not changed for the limit is stopped or out of reach. Else, as long as a rank works
 * and has moved within the limit, or nothing certain can be said of one, nobody does. Else the ranks that are
 * not waiting themselves; and if there is none, all wait for each other.
 *
 * @param beats [size], that of the judge known and not silent
 * @param sentence out: who, where, since when and why, without a full stop; of length bytes
 * @return does nothing move? If not, sentence is empty.
 */
bool tw_heartbeat_judge(const tw_heartbeat_rule *rule, const tw_heartbeat *beats, size_t length,
                        char *sentence);

#endif
