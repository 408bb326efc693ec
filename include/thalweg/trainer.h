/* trainer.h -- the loop. */
#ifndef THALWEG_TRAINER_H
#define THALWEG_TRAINER_H

#include "thalweg/monitor.h"
#include "thalweg/optimizer.h"
#include "thalweg/runlog.h"
#include "thalweg/step.h"

typedef struct {
    tw_objective *objective; /* not owned, as all others */
    tw_optimizer *optimizer;
    tw_step *step;
    tw_monitor *monitor;
    const tw_monitor_settings *stop;
    tw_runlog *log;
    tw_iterate *iterate; /* w: the starting point */
} tw_trainer;

/**
 * Train until the monitor gives a reason; it is left in iterate->why.
 * Collective. TW_OK whatever the reason; a failed evaluation or log on all ranks alike.
 */
tw_status tw_trainer_run(tw_trainer *trainer) TW_CHECKED;

#endif
