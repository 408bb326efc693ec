/* summary.h -- the end of a run: its figures gathered over the ranks, summary.json, and the report on the
 * screen. */
#ifndef THALWEG_SUMMARY_H
#define THALWEG_SUMMARY_H

#include "thalweg/run.h"

typedef struct {
    double least[TW_N_PHASES], mean[TW_N_PHASES], most[TW_N_PHASES]; /* seconds over the ranks */
    double wall;                                                     /* of the slowest rank */
    double bytes_most;                                               /* bytes sent by the busiest rank */
    double bytes_total;
    uint64_t exchanges;
    uint64_t hash;       /* of the parameters */
    bool replicas_equal; /* every rank holds the same bits */
} tw_summary;

/** Gather the figures of all ranks. Collective. */
tw_status tw_summary_gather(tw_summary *summary, const tw_run *run) TW_CHECKED;

/** Write RUN/summary.json. Not collective: rank 0. TW_OUTPUT, TW_IO, TW_MEMORY. */
tw_status tw_summary_write(const tw_summary *summary, const tw_run *run) TW_CHECKED;

/** Print the verdict, the result, the time table, the files, and the next command. Rank 0 prints. */
void tw_summary_report(const tw_summary *summary, tw_run *run);

#endif
