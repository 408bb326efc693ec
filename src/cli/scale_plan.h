/* scale_plan.h -- what `thalweg scale plan` looks ahead to: one data set on stated machines. */
#ifndef THALWEG_CLI_SCALE_PLAN_H
#define THALWEG_CLI_SCALE_PLAN_H

#include "scale/model.h"

enum { TW_PLAN_MACHINES = 4, TW_PLAN_STEPS = 13 }; /* 1, 2, 4 ... 4096 nodes */

typedef struct {
    char about[512]; /* the data set in words */
    tw_problem problem;
    size_t n_machines;
    tw_machine machine[TW_PLAN_MACHINES];
    tw_prediction strong[TW_PLAN_MACHINES][TW_PLAN_STEPS], weak[TW_PLAN_MACHINES][TW_PLAN_STEPS];
} tw_plan;

/** FILE.svg or FILE.png. TW_OUTPUT: gnuplot is missing or failed; TW_USAGE: another ending. */
tw_status tw_scale_plan_picture(const tw_plan *plan, const char *path) TW_CHECKED;

#endif
