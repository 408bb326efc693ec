/* state.h -- all that a run must remember, as one list of names and places.
 *
 * The list has three uses: a checkpoint writes it, resuming reads it back, and its hash tells whether all
 * ranks hold the same bits. What is not in it must follow from it, from the configuration and from the data.
 */
#ifndef THALWEG_STATE_H
#define THALWEG_STATE_H

#include "thalweg/comm.h"

#include <stddef.h>

/* What lies at a place. */
typedef enum {
    TW_STATE_REAL,  /* double */
    TW_STATE_COUNT, /* long */
    TW_STATE_FLAG,  /* bool */
    TW_STATE_REASON /* tw_reason */
} tw_state_kind;

typedef struct {
    const char *name; /* "/w": a data set of doubles; "loss": an attribute */
    tw_state_kind kind;
    size_t count; /* 1 for an attribute */
    void *place;  /* not owned */
} tw_state_item;

enum { TW_STATE_ITEMS = 96 };

/** Start with zeros. Holds pointers into what it lists, so it is made anew for each use. */
typedef struct {
    tw_state_item items[TW_STATE_ITEMS];
    size_t count;
} tw_state;

struct tw_trainer;

/** Add one item; a data set of no numbers is left out. Not collective. */
void tw_state_add(tw_state *state, const char *name, tw_state_kind kind, size_t count, void *place);

/** Add what a trainer knows: point, gradient, optimizer, step rule, monitor, validation, counters. Not
 * collective. */
void tw_state_of_trainer(tw_state *state, struct tw_trainer *trainer);

/** Bytes of all items. Not collective. */
size_t tw_state_bytes(const tw_state *state);

/** XXH3-128 of all items in order. Not collective. Cost: one read of the state, about 10 GB/s. */
void tw_state_hash(const tw_state *state, unsigned char digest[16]);

/**
 * Do all ranks hold the same state?
 * Collective. TW_OK; TW_REPLICA: the sentence names the ranks in the minority. TW_MEMORY.
 * Cost: the hash, and 16 bytes a rank gathered.
 */
tw_status tw_state_compare(const tw_state *state, tw_comm *comm) TW_CHECKED;

/** The root's state on every rank. Collective. */
tw_status tw_state_share(const tw_state *state, tw_comm *comm, int root) TW_CHECKED;

#endif
