/* summaries.h -- the runs of a scaling study as their summary.json tell them. */
#ifndef THALWEG_SCALE_SUMMARIES_H
#define THALWEG_SCALE_SUMMARIES_H

#include "scale/study.h"
#include "thalweg/account.h"

#include <stdint.h>

enum { TW_SCALE_WORD = 160 };

/* path and text are owned; text: the configuration as it was resolved, NULL when it does not lie beside. */
typedef struct {
    char *path, *text;
    char version[TW_SCALE_WORD], commit[TW_SCALE_WORD], config[TW_SCALE_WORD], data_digest[TW_SCALE_WORD],
        type[TW_SCALE_WORD], reduction[TW_SCALE_WORD], hash[TW_SCALE_WORD], cpu[TW_SCALE_WORD],
        isa[TW_SCALE_WORD], model[TW_SCALE_WORD], optimizer[TW_SCALE_WORD], step[TW_SCALE_WORD],
        slowest_host[TW_SCALE_WORD];
    int ranks, nodes, threads, slowest, cores; /* cores of a node, 0: not said */
    bool oversubscribed;
    long long rows, features, groups, coefficients, iterations, evaluations, loop_iterations;
    double loss, reads, reductions, behind;

    /* Of the loop, without its first iteration; seconds an iteration. */
    double seconds;            /* reading left out */
    double phase[TW_N_CLOCKS]; /* mean over the ranks */
    double busiest_compute;    /* of the rank that computes longest */
} tw_study_run;

typedef struct {
    tw_study_mode mode;
    char config[TW_PATH_LEN]; /* what to call it */
    size_t n, capacity;
    tw_study_run *run;
} tw_study_runs;

/** Read a summary.json. TW_INPUT, TW_DATA: it lacks something, named; TW_MEMORY. Release it in any case. */
tw_status tw_study_run_read(const char *path, tw_study_run *run) TW_CHECKED;
void tw_study_run_release(tw_study_run *run);

/** Add the runs of a study folder, of a run folder, of a folder of run folders, or one summary.json; mode and
 * name of a study are taken over. TW_INPUT: there is none; TW_DATA; TW_MEMORY. */
tw_status tw_study_runs_add(tw_study_runs *runs, const char *path) TW_CHECKED;

/** By ranks, nodes and path. */
void tw_study_runs_sort(tw_study_runs *runs);
void tw_study_runs_release(tw_study_runs *runs);

/** May these be compared? TW_DATA: one sentence that names two runs and in what they differ. */
tw_status tw_study_runs_alike(const tw_study_runs *runs) TW_CHECKED;

/**
 * Did the ranks give the same answer? Strong studies only: the same bits of the parameters in mode
 * reproducible, else the loss within 1e-9 of itself. @param text out: a sentence of what was found
 * TW_REPLICA: the sentence names the runs that differ.
 */
tw_status tw_study_runs_agree(const tw_study_runs *runs, size_t length, char *text) TW_CHECKED;

#endif
