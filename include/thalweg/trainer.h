/* trainer.h -- the loop. */
#ifndef THALWEG_TRAINER_H
#define THALWEG_TRAINER_H

#include "thalweg/checkpoint.h"
#include "thalweg/monitor.h"
#include "thalweg/optimizer.h"
#include "thalweg/runlog.h"
#include "thalweg/step.h"

/** Rows that are watched, and the best point they have seen. */
typedef struct {
    tw_objective *objective; /* not owned: the training objective, or one over a file of its own */
    const double *weight;    /* [rows of its shard] not owned; NULL: its own weights */
    bool same_rows;          /* of the training file: margins in force serve both */
    long patience;           /* scores in a row without a better one that end the run; 0: never */
    double best_loss;        /* INFINITY before the first */
    double best_accuracy;    /* there; NAN for numbers */
    double *best_w;          /* [n] owned by whoever sets it; NULL: not kept */
    long best_k, since;      /* iteration of the best; scores since */
} tw_validation;

typedef struct tw_trainer {
    tw_objective *objective;   /* not owned, as all others */
    tw_validation *validation; /* or NULL */
    tw_optimizer *optimizer;
    tw_step *step;
    tw_monitor *monitor;
    const tw_monitor_settings *stop;
    tw_runlog *log;
    tw_checkpoint *checkpoint;  /* or NULL */
    tw_iterate *iterate;        /* w: the starting point */
    double began;               /* clock that the time limit counts from; 0: the start of the loop */
    double longest, tail;       /* seconds of a step as of late; of the passes after the last one */
    bool resumed;               /* the state is that of a checkpoint: go on from there */
    bool other_bits;            /* and this contract may have other ones */
    long epoch_step;            /* mini-batch steps done of the epoch in progress */
    tw_account_mark warm, last; /* behind the first iteration of this process, and behind the last one */
    bool zero_known; /* F and ||g|| at zero parameters are those of an earlier run on the same rows */
    double f_zero, g_norm_zero;
} tw_trainer;

/** The flip that is rehearsed and due, if any, in this rank's parameters or the memory of its method. Not
 * collective. */
void tw_trainer_damage(tw_trainer *trainer);

/**
 * One step of a full-batch run (straight line: direction, length, move), with a last try along steepest
 * descent when a search fails. Collective.
 */
tw_status tw_trainer_step(tw_trainer *trainer) TW_CHECKED;

/** One pass of mini-batch steps, then F and g of all rows. Collective. */
tw_status tw_trainer_epoch(tw_trainer *trainer) TW_CHECKED;

/**
 * Train until the monitor gives a reason; it is left in iterate->why.
 * Collective. TW_OK whatever the reason; a failed evaluation or log on all ranks alike.
 */
tw_status tw_trainer_run(tw_trainer *trainer) TW_CHECKED;

#endif
