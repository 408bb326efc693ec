/* The strong Wolfe conditions (Wolfe 1969; Nocedal and Wright 2006, 3.7). Within the rounding of F the slope
 * stands in for its decrease: the approximate Wolfe condition of Hager and Zhang (2005), equation 4.1.
 *
 * Between a length that is too short (low enough, still steep) and one that is too long (too high, or uphill)
 * the function F(w + alpha d) - c1 alpha slope has a minimum, and there both conditions hold because c1 < c2.
 */
#include "step/search.h"

#include <math.h>

static tw_search_verdict judge(const tw_step_settings *set, const tw_search_point *start,
                               const tw_search_point *at)
{
    const double steep = set->c2 * start->slope, line = start->f + set->c1 * at->alpha * start->slope;
    const bool level = at->f <= line + TW_LOSS_ROUNDING * fabs(start->f);
    const bool lower = at->f <= line || (level && at->slope <= (2 * set->c1 - 1) * start->slope);
    if (!lower || at->slope > -steep) return TW_SEARCH_LONG;
    return at->slope < steep ? TW_SEARCH_SHORT : TW_SEARCH_GOOD;
}

static tw_status advance(tw_step *s, tw_objective *F, tw_iterate *it)
{
    return tw_search(s, F, it, judge);
}

const tw_step_ops tw_step_wolfe = {
    .name = "wolfe",
    .summary = "F(w + alpha d) <= F(w) + c1 alpha g.d, and a slope there of at most c2 times that at w",
    .needs_full_batch = true,
    .needs_descent = true,
    .uses_margins = true,
    .state_len = tw_search_state,
    .advance = advance,
};
