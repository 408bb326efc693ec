/* Barzilai and Borwein (1988): along d = -g, lengths s.s / s.y and s.y / y.y in turn, s and y the changes of
 * w and g in the last step. F need not fall in every step: Grippo, Lampariello and Lucidi (1986) ask for
 * Armijo's decrease from the largest of the last values, as in Raydan (1997).
 *
 * State: w, g of the iteration before [2n] | the last values of F [RECENT] | how many there were | length of
 * the last step. */
#include "step/search.h"

#include "thalweg/vec.h"

#include <math.h>
#include <string.h>

enum { RECENT = 10 };

/* A length changes by no more than this factor, so that no unit of w or F is favoured. */
#define MOST_CHANGE 1e10

typedef struct {
    double *w, *g, *f, *count, *alpha;
} history;

static size_t state_len(const tw_step_settings *set, size_t n)
{
    (void)set;
    return 2 * n + RECENT + 2;
}

static history view(const tw_step *step, size_t n)
{
    double *const s = step->state, *const count = s + 2 * n + RECENT;
    if (!(*count >= 0 && *count < 0x1p53)) *count = 0; /* somebody has written this state */
    return (history){
        .w = s, .g = s + n, .f = s + 2 * n, .count = s + 2 * n + RECENT, .alpha = s + 2 * n + RECENT + 1};
}

/* Uses up the old w and g. */
static double first_length(const tw_step *step, const history *h, const tw_iterate *it)
{
    if (*h->count == 0) return tw_search_first(&step->set, it);
    for (size_t j = 0; j < it->n; j++) {
        h->w[j] = it->w[j] - h->w[j];
        h->g[j] = it->g[j] - h->g[j];
    }
    const double sy = tw_vec_dot(it->n, h->w, h->g);
    if (!(sy > 0)) return tw_search_first(&step->set, it);
    const bool even = (long)*h->count % 2 == 0;
    const double alpha = even ? sy / tw_vec_dot(it->n, h->g, h->g) : tw_vec_dot(it->n, h->w, h->w) / sy;
    return fmin(fmin(fmax(alpha, *h->alpha / MOST_CHANGE), *h->alpha * MOST_CHANGE), it->alpha_max);
}

/* The largest F of the last ones, this one among them. */
static double largest(const history *h, double f)
{
    const long count = (long)*h->count;
    double most = f;
    h->f[count % RECENT] = f;
    for (long i = 0; i < RECENT && i <= count; i++) most = fmax(most, h->f[i]);
    return most;
}

/* Armijo from `most`; within rounding the slope, as in backtracking. */
static bool accepted(const tw_step *s, const tw_iterate *it, double most, double alpha, double f)
{
    const double line = most + s->set.c1 * alpha * it->slope;
    if (f <= line) return true;
    if (!(f <= line + TW_LOSS_ROUNDING * fabs(most))) return false;
    return it->slope_end <= (2 * s->set.c1 - 1) * it->slope;
}

/* step->w, step->g: the point it came from; it->w, it->g: the new one. */
static void keep(const tw_step *s, const history *h, tw_iterate *it, double alpha)
{
    memcpy(h->w, s->w, it->n * sizeof *h->w);
    memcpy(h->g, it->g, it->n * sizeof *h->g);
    *h->count += 1;
    *h->alpha = it->alpha = alpha;
    memcpy(it->g, s->g, it->n * sizeof *it->g);
}

static tw_status advance(tw_step *s, tw_objective *F, tw_iterate *it)
{
    const history h = view(s, it->n);
    double f = 0, alpha = it->slope < 0 ? first_length(s, &h, it) : 0;
    const double most = largest(&h, it->f);
    memcpy(s->w, it->w, it->n * sizeof *s->w);
    for (long trial = 1; alpha > 0 && trial <= s->set.max_trials; trial++, alpha *= s->set.shrink) {
        tw_step_move(it, alpha, s->w);
        TW_TRY(tw_objective_eval(F, it->w, &f, s->g));
        it->slope_end = tw_objective_slope(F, s->w, s->g, it->d);
        if (!it->moved) break;
        if (!accepted(s, it, most, alpha, f)) continue;
        it->trials = trial;
        it->f = f;
        keep(s, &h, it, alpha);
        return TW_OK;
    }
    memset(s->state, 0, s->state_len * sizeof *s->state); /* the next search starts afresh */
    memcpy(it->w, s->w, it->n * sizeof *it->w);
    it->why = tw_objective_stationarity(F, it->w, it->g) == 0 ? TW_PARAMETERS_UNCHANGED : TW_SEARCH_FAILED;
    return TW_OK;
}

const tw_step_ops tw_step_barzilai_borwein = {
    .name = "barzilai_borwein",
    .summary = "s.s / s.y and s.y / y.y in turn, below the largest of the last 10 values of F",
    .needs_full_batch = true,
    .needs_descent = true,
    .only_optimizer = "gd",
    .state_len = state_len,
    .advance = advance,
};
