/* Goldstein's conditions (1965; Nocedal and Wright 2006, 3.11): F between two lines through its value at the
 * start. They need no slope at the trial. Where the lower decrease they ask for is within the rounding of F,
 * and F has not moved further than that either, slopes decide: |slope| <= (1 - 2c) |slope at the start|,
 * which for a quadratic says the same. */
#include "step/search.h"

#include <math.h>

static tw_search_verdict judge(const tw_step_settings *set, const tw_search_point *start,
                               const tw_search_point *at)
{
    const double c = set->c, promised = at->alpha * start->slope,
                 rounding = TW_LOSS_ROUNDING * fabs(start->f);
    if (-c * promised <= rounding && fabs(at->f - start->f) <= rounding) {
        if (at->slope > (2 * c - 1) * start->slope) return TW_SEARCH_LONG;
        return at->slope < (1 - 2 * c) * start->slope ? TW_SEARCH_SHORT : TW_SEARCH_GOOD;
    }
    if (!(at->f <= start->f + c * promised)) return TW_SEARCH_LONG;
    return at->f < start->f + (1 - c) * promised ? TW_SEARCH_SHORT : TW_SEARCH_GOOD;
}

static tw_status advance(tw_step *s, tw_objective *F, tw_iterate *it)
{
    return tw_search(s, F, it, judge);
}

const tw_step_ops tw_step_goldstein = {
    .name = "goldstein",
    .summary = "F(w) + (1 - c) alpha g.d <= F(w + alpha d) <= F(w) + c alpha g.d",
    .needs_full_batch = true,
    .needs_descent = true,
    .uses_margins = true,
    .state_len = tw_search_state,
    .advance = advance,
};
