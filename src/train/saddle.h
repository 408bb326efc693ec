/* saddle.h -- is the end of a run on a function that is not convex a minimum? */
#ifndef THALWEG_TRAIN_SADDLE_H
#define THALWEG_TRAIN_SADDLE_H

#include "thalweg/iterate.h"
#include "thalweg/objective.h"

/** A reason of class 'c' becomes TW_SADDLE when the Hessian at it->w, the point in force, has a negative
 * eigenvalue below rounding. Collective. Nothing for convex objectives; else the cost of
 * tw_objective_least_curvature. */
tw_status tw_saddle_check(tw_objective *F, tw_iterate *it) TW_CHECKED;

#endif
