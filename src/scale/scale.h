/* scale.h -- a scaling study while it is done: the question, and the commands that answer it.
 *
 * Nothing here uses MPI; every run is a command of its own under the launcher. */
#ifndef THALWEG_SCALE_SCALE_H
#define THALWEG_SCALE_SCALE_H

#include "scale/argv.h"
#include "scale/study.h"
#include "scale/weak.h"

typedef struct {
    char dir[TW_PATH_LEN], program[TW_PATH_LEN];
    size_t n_sets;
    char *const *sets;          /* [n_sets] "KEY=VALUE" of the user; not owned */
    tw_study study;             /* what is asked now: these ranks, so many repeats; owned */
    tw_study_launcher launcher; /* that starts the runs: of the study, or inside one of its jobs */
    tw_argv options;            /* of the launcher; owned */
    tw_weak weak;               /* of a weak study */
    bool allreduce;             /* its reduction.mode */
    bool batch;                 /* the configuration has mini-batches: iterations are epochs */
    double limit;               /* seconds a command may take */
    bool quiet, exchange;
} tw_scale;

void tw_scale_release(tw_scale *s);

/* ---- the question (question.c) ---- */

/** Read the configuration, apply the overrides: study.text, weak, batch. All problems of the configuration
 * are told together, as by `thalweg check`. TW_CONFIG, TW_INPUT, TW_MEMORY, and those of tw_weak_look. */
tw_status tw_scale_resolve(tw_scale *s) TW_CHECKED;

/** Ask `thalweg check`, which prints what is wrong itself: then the status has no sentence. */
tw_status tw_scale_check(const tw_scale *s) TW_CHECKED;

/* ---- the folder (folder.c) ---- */

/** The study that is there; *found false: none. TW_OUTPUT: the folder is something else; and those of
 * tw_study_read. */
tw_status tw_scale_find(const tw_scale *s, tw_study *stored, bool *found) TW_CHECKED;

/** Does the stored study ask the same? TW_OUTPUT names what differs. */
tw_status tw_scale_compare(const tw_scale *s, const tw_study *stored) TW_CHECKED;

/** The folder and those inside it. TW_OUTPUT. */
tw_status tw_scale_make_folders(const tw_scale *s) TW_CHECKED;

/** Nobody else works in the folder until *lock is closed. TW_OUTPUT. @param patient wait a minute for it */
tw_status tw_scale_lock(const tw_scale *s, bool patient, int *lock) TW_CHECKED;

/** Write study.json, when it has not all that is asked; stored NULL: there is none. */
tw_status tw_scale_keep(const tw_scale *s, const tw_study *stored) TW_CHECKED;

/* ---- the commands (commands.c) ---- */

/** "--set KEY=VALUE" of every override: the user's, then the study's own. */
void tw_scale_sets(const tw_scale *s, tw_argv *words);

/** The words that start ranks, the launcher's options among them. */
void tw_scale_launch(const tw_scale *s, int ranks, tw_argv *words);

/** Whole commands. */
void tw_scale_train_words(const tw_scale *s, int ranks, int k, tw_argv *words);
void tw_scale_generate_words(const tw_scale *s, int ranks, tw_argv *words);
void tw_scale_exchange_words(const tw_scale *s, int ranks, tw_argv *words);

/** Processors of this machine that this process may use; a pair of hardware threads is one. */
int tw_scale_cores(void);

/** More ranks than cores, on this machine alone? */
bool tw_scale_oversubscribed(const tw_scale *s, int ranks);

/* ---- one run (result.c) ---- */

typedef struct {
    bool done; /* it came to an end with something to measure, this program and these ranks */
    long iterations, count;
    long groups;          /* of rows */
    double rate;          /* seconds an iteration */
    double first, median; /* seconds an iteration; count: how many the median is of, 0: none */
    char reason[64];
} tw_scale_result;

/** What run K of so many ranks left; all zero when it is not done. */
void tw_scale_result_read(const tw_scale *s, int ranks, int k, tw_scale_result *result);

/** Remove what an unfinished run left. TW_OUTPUT: it is live, or no run folder of ours. */
tw_status tw_scale_clear(const tw_scale *s, int ranks, int k) TW_CHECKED;

/* ---- all runs (runs.c, jobs.c) ---- */

/**
 * Do the runs that are not done, repeats interleaved, then measure the exchange.
 *
 * A failed run is told with the end of its log, and its number of ranks is given up; the others go on.
 * @return TW_OK; TW_STOPPED: a stop was asked for; the code of the first failed run.
 */
tw_status tw_scale_runs(const tw_scale *s) TW_CHECKED;

/** Print what tw_scale_runs would do. TW_MEMORY. */
tw_status tw_scale_dry_run(const tw_scale *s) TW_CHECKED;

/**
 * Write a job script for each number of ranks with runs to do and submit them, one after the other.
 * @param wait seconds to wait for them to end; 0: do not; below 0: without limit
 * @return TW_OK; TW_STOPPED; TW_INPUT: no sbatch; TW_IO: sbatch refuses, or runs are missing after the wait.
 */
tw_status tw_scale_submit(const tw_scale *s, double wait) TW_CHECKED;

/** "strong    4 ranks  run 2 of 3", for the lines of progress. Returns text. */
const char *tw_scale_label(const tw_scale *s, int ranks, int k, size_t length, char *text);

/** The last lines of a log, on stderr. */
void tw_scale_print_tail(const char *log);

#endif
