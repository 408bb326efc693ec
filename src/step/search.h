/* search.h -- the bracketing search that wolfe and goldstein share.
 *
 * A rule is a verdict about one length: too short, good, or too long. The search keeps an interval from a
 * length that is too short to one that is too long; both rules promise that such an interval holds good ones.
 * The first length is evaluated with its gradient, since it is usually good. After that lengths are judged
 * from margins, several a reduction, and the chosen one is evaluated; where a model has no margins, every
 * length is an evaluation. */
#ifndef THALWEG_STEP_SEARCH_H
#define THALWEG_STEP_SEARCH_H

#include "thalweg/step.h"

typedef struct {
    double alpha, f, slope; /* a length, F there and the slope along d */
} tw_search_point;

typedef enum { TW_SEARCH_SHORT, TW_SEARCH_GOOD, TW_SEARCH_LONG } tw_search_verdict;

/* About a point with finite f and slope; start has length 0. */
typedef tw_search_verdict tw_search_judge(const tw_step_settings *set, const tw_search_point *start,
                                          const tw_search_point *at);

/* The advance of a rule. Collective. Where too short a length is as long as it->alpha_max allows, it is good.
 * Cost: one read of X and one reduction when the first length is good; else, with margins, two reads and
 * usually one or two reductions for the lengths between them; without, one of each a length. Every round of
 * lengths also takes the one evaluated last: when margins give another slope there (far down, large residuals
 * times the rounding of a change of margins), or an evaluation refuses what they chose, they are not asked
 * again in this search. */
tw_status tw_search(tw_step *step, tw_objective *F, tw_iterate *it, tw_search_judge *judge) TW_CHECKED;

/* Its state: length and slope of the last step. */
size_t tw_search_state(const tw_step_settings *set, size_t n);

/* The length of a first step: that of the settings, but the step no longer than 1. Not collective. */
double tw_search_first(const tw_step_settings *set, const tw_iterate *it);

/* ---- which lengths to try next; not collective (lengths.c) ---- */

typedef struct {
    tw_search_point start;  /* length 0 */
    tw_search_point lo, hi; /* too short; too long, of length INFINITY while none is known */
    double most;            /* no length may be longer */
    double shrink;          /* where F was not finite: the factor that comes next */
    double width;           /* hi - lo when the last single length was chosen */
} tw_search_bracket;

/* Up to `count` lengths inside the bracket, ascending; their number, 0 when no double is left. count <=
 * TW_TRIALS */
size_t tw_search_lengths(tw_search_bracket *bracket, size_t count, double *alpha);

#endif
