/* summary.h -- the end of a run: its figures gathered over the ranks, summary.json, and the report on the
 * screen. */
#ifndef THALWEG_SUMMARY_H
#define THALWEG_SUMMARY_H

#include "thalweg/run.h"

/** The account of one rank. */
typedef struct {
    double wall, clocks[TW_N_CLOCKS]; /* seconds; the clocks add up to wall */
    double loop[TW_N_CLOCKS];         /* of it from the end of the first iteration to the end of the last */
    double bytes;                     /* handed to MPI, from the start of the job to its end */
} tw_rank_account;

typedef struct {
    int n_ranks;
    tw_rank_account *ranks;                                          /* [n_ranks] owned */
    double least[TW_N_CLOCKS], mean[TW_N_CLOCKS], most[TW_N_CLOCKS]; /* seconds over the ranks */
    double wall;                                                     /* of the slowest rank */
    double bytes_most;                                               /* bytes sent by the busiest rank */
    double bytes_total;
    int slowest;          /* the rank that computed longest */
    double behind;        /* by this share of the mean */
    long loop_iterations; /* that tw_rank_account.loop spans */
    uint64_t exchanges;
    uint64_t hash; /* of the parameters, which all ranks hold alike: tw_run_finish has compared them */
} tw_summary;

/** Gather the figures of all ranks. Collective. TW_MEMORY. */
tw_status tw_summary_gather(tw_summary *summary, const tw_run *run) TW_CHECKED;
void tw_summary_release(tw_summary *summary);

/** Write RUN/summary.json. Not collective: rank 0. TW_OUTPUT, TW_IO, TW_MEMORY. */
tw_status tw_summary_write(const tw_summary *summary, const tw_run *run) TW_CHECKED;

/** Print the verdict, the result, the time table, the files, and the next command. Rank 0 prints. */
void tw_summary_report(const tw_summary *summary, tw_run *run);

#endif
