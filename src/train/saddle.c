#include "train/saddle.h"

#include <math.h>

tw_status tw_saddle_check(tw_objective *F, tw_iterate *it)
{
    double least, largest;
    if (F->convex || tw_reason_class(it->why) != 'c') return TW_OK;
    TW_TRY(tw_objective_least_curvature(F, it->w, &least, &largest));
    if (least < -1e-6 * fmax(fabs(largest), fabs(least))) it->why = TW_SADDLE;
    return TW_OK;
}
