/* checkpoint.h -- a run that is never lost: its state in one self-verifying file, resumable on any number of
 * ranks.
 *
 * The state is small and the same on every rank, so rank 0 writes it: an image (image.h) of kind "restart"
 * with the parameters, the memory of the method, the counters, the history, and what must match when it is
 * taken up again: contract, configuration, fingerprint of the data. Nothing older is removed before the new
 * file has been written, synced, read back, and renamed to its place. */
#ifndef THALWEG_CHECKPOINT_H
#define THALWEG_CHECKPOINT_H

#include "thalweg/run_folder.h"
#include "thalweg/state.h"

#include <stdbool.h>

/** The kind of the image (image.h), and the version of its layout. */
#define TW_CHECKPOINT_KIND "restart"
enum { TW_CHECKPOINT_VERSION = 1 };

struct tw_trainer;

/** What a resumed run must have in common with the run that was stopped. Texts are not owned. */
typedef struct {
    long contract, groups, block_rows, rows, cols, parameters;
    const char *mode, *storage; /* "reproducible"; the type of the features in memory, "u8" */
    const char *data, *watched; /* fingerprints in hexadecimal; "" where there is none */
    const char *configuration;  /* resolved, as YAML */
} tw_checkpoint_head;

typedef struct tw_checkpoint {
    tw_comm *comm;               /* not owned, as all pointers */
    const tw_run_folder *folder; /* files lie in its folder checkpoints */
    const tw_checkpoint_head *head;
    double every; /* as checkpoint.every: > 0 seconds, < 0 minus iterations, 0 only when the run is stopped */
    long keep;    /* newest files that stay, >= 1 */
    bool on_limit; /* one at the iteration limit too, from which a run with a higher limit goes on */

    /* Add what is not in a trainer. OPTIONAL */
    void (*extra)(void *context, tw_state *state);
    void *context;
    const long *fit; /* number of the fit in progress, of a path; NULL: there is only one */

    double told;      /* clock of the last line of status */
    double expected;  /* seconds that the first one may take */
    double last;      /* clock of the last one, or of the start */
    double seconds;   /* that the last one took; 0 before the first */
    double total;     /* that all of them took */
    long compared;    /* updates at the last comparison of the replicas */
    long written;     /* files of this process */
    int failures;     /* in a row */
    bool stopped;     /* the one that a stop asked for is done */
    char newest[256]; /* name of the last good one, "" when there is none */
    long newest_k;    /* its iteration */
} tw_checkpoint;

/** Seconds between two lines of status when no checkpoint is written. */
enum { TW_TELL_EVERY = 60 };

/** Iterations between two comparisons of the replicas when no checkpoint is due. */
enum { TW_COMPARE_EVERY = 100 };

/**
 * The end of an iteration, or of a mini-batch step inside an epoch: compare the replicas and write a
 * checkpoint when it is time for it, as agreed in the last exchange.
 *
 * Collective. c may be NULL: nothing happens. @param inside an epoch that is not at its end
 * @return TW_OK, also when the file could not be written: a warning says so, the next interval tries again.
 * TW_REPLICA; the code of the write (TW_IO, TW_OUTPUT, TW_MEMORY) when it was the third failure in a row or
 * the run is to stop now.
 */
tw_status tw_checkpoint_turn(tw_checkpoint *c, struct tw_trainer *trainer, bool inside) TW_CHECKED;

/** The list of all that a checkpoint saves. Not collective. */
void tw_checkpoint_state(const tw_checkpoint *c, struct tw_trainer *trainer, tw_state *state);

/** Before the loop: what the first checkpoint may take, for the margin. c may be NULL. Not collective. */
void tw_checkpoint_expect(tw_checkpoint *c, struct tw_trainer *trainer);

/** Seconds before a time limit at which the run must stop to be saved in time. Not collective. */
double tw_checkpoint_margin(const tw_checkpoint *c);

/** The names in a folder of checkpoints, newest first; none when there is no such folder. Not collective.
 * @param names out: one allocation, to be freed. TW_INPUT, TW_MEMORY. */
tw_status tw_checkpoint_list(const char *folder, size_t *count, char ***names) TW_CHECKED;

#endif
