#include "step/search.h"

#include "thalweg/vec.h"

#include <math.h>
#include <string.h>

typedef struct {
    tw_step *step;
    tw_objective *F;
    tw_iterate *it;
    tw_search_judge *judge;
    tw_search_bracket b, sure; /* from all that is known; from evaluations alone */
    tw_search_point last;      /* evaluated last: the margins there are margins_next */
    bool margins;              /* and they can tell about other lengths */
    bool blind;                /* margins have been wrong: no digits are left in them */
    long trials;
} search;

size_t tw_search_state(const tw_step_settings *set, size_t n)
{
    (void)set;
    (void)n;
    return 2;
}

double tw_search_first(const tw_step_settings *set, const tw_iterate *it)
{
    const double norm = tw_vec_norm(it->n, it->d);
    return fmin(set->length * norm > 1 ? 1 / norm : set->length, it->alpha_max);
}

/* A direction that brings no length: the first-order change of the last step again (Nocedal and Wright
 * 2006, 3.60). */
static double first_length(const tw_step *step, const tw_iterate *it)
{
    const double guess = step->state[0] * (step->state[1] / it->slope);
    if (step->set.natural) return fmin(step->set.length, it->alpha_max);
    return guess > 0 && isfinite(guess) ? fmin(guess, it->alpha_max) : tw_search_first(&step->set, it);
}

static tw_search_verdict verdict(const search *s, const tw_search_point *p)
{
    if (!isfinite(p->f) || !isfinite(p->slope)) return TW_SEARCH_LONG;
    const tw_search_verdict v = s->judge(&s->step->set, &s->b.start, p);
    return v == TW_SEARCH_SHORT && p->alpha >= s->b.most ? TW_SEARCH_GOOD : v;
}

static tw_status evaluate(search *s, double alpha, tw_search_point *p)
{
    tw_step *const step = s->step;
    tw_step_move(s->it, alpha, step->w);
    TW_TRY(tw_objective_eval(s->F, s->it->w, &p->f, step->g));
    p->alpha = alpha;
    p->slope = tw_objective_slope(s->F, step->w, step->g, s->it->d);
    s->last = *p;
    s->margins = tw_objective_has_margins(s->F) && !s->blind && isfinite(p->f) && isfinite(p->slope);
    return TW_OK;
}

/* The flattest of the good points, or count. */
static size_t flattest(size_t count, const tw_search_point *p, const tw_search_verdict *v)
{
    size_t best = count;
    for (size_t i = 0; i < count; i++)
        if (v[i] == TW_SEARCH_GOOD && (best == count || fabs(p[i].slope) < fabs(p[best].slope))) best = i;
    return best;
}

/* Ascending points inside the bracket narrow it around the best one, or where too short turns into too long.
 */
static size_t narrow(search *s, size_t count, const tw_search_point *p)
{
    tw_search_verdict v[TW_TRIALS];
    for (size_t i = 0; i < count; i++) v[i] = verdict(s, &p[i]);
    const size_t best = flattest(count, p, v);
    size_t turn = best;
    if (best == count)
        for (turn = 0; turn < count && v[turn] == TW_SEARCH_SHORT;) turn++;
    for (size_t i = 0; i < turn; i++)
        if (v[i] == TW_SEARCH_SHORT) s->b.lo = p[i];
    for (size_t i = count; i-- > turn;)
        if (v[i] == TW_SEARCH_LONG) s->b.hi = p[i];
    return best;
}

/* Large residuals times the rounding of a change of margins: far down, slopes from margins are noise. */
static void forget_margins(search *s)
{
    s->b = s->sure;
    s->blind = true;
    s->margins = false;
}

/* Do they tell the slope that the last evaluation found? */
static bool margins_agree(const search *s, double slope)
{
    return fabs(slope - s->last.slope) <= 0.01 * fabs(s->b.start.slope) + 1e-6 * fabs(s->last.slope);
}

/* F and slope at these lengths, and at the last one for comparison, from margins; *chosen: the good one, or
 * 0. */
static tw_status sweep(search *s, size_t count, double *alpha, double *chosen)
{
    double f[TW_TRIALS], slope[TW_TRIALS];
    tw_search_point p[TW_TRIALS];
    alpha[count] = s->last.alpha;
    TW_TRY(
        tw_objective_along(s->F, s->step->w, s->it->d, s->last.alpha, count + 1, alpha, s->it->w, f, slope));
    if (!margins_agree(s, slope[count])) {
        forget_margins(s);
        return TW_OK;
    }
    for (size_t i = 0; i < count; i++) p[i] = (tw_search_point){alpha[i], f[i], slope[i]};
    const size_t best = narrow(s, count, p);
    *chosen = best < count ? alpha[best] : 0;
    return TW_OK;
}

/* The length to evaluate next; 0: there is none. */
static tw_status propose(search *s, double *chosen)
{
    double alpha[TW_TRIALS];
    *chosen = 0;
    while (*chosen == 0 && s->trials < s->step->set.max_trials) {
        const long left = s->step->set.max_trials - s->trials;
        const size_t most = s->margins ? (size_t)(left < TW_TRIALS ? left : TW_TRIALS - 1) : 1;
        const size_t count = tw_search_lengths(&s->b, most, alpha);
        if (count == 0 && !s->margins) return TW_OK;
        s->trials += (long)count;
        if (count == 0)
            forget_margins(s);
        else if (s->margins)
            TW_TRY(sweep(s, count, alpha, chosen));
        else
            *chosen = alpha[0];
    }
    return TW_OK;
}

static tw_status finish(const search *s, const tw_search_point *p)
{
    tw_iterate *const it = s->it;
    s->step->state[0] = it->alpha = p->alpha;
    s->step->state[1] = it->slope;
    it->slope_end = p->slope;
    it->trials = s->trials;
    it->f = p->f;
    memcpy(it->g, s->step->g, it->n * sizeof *it->g);
    return TW_OK;
}

static tw_status fail(const search *s)
{
    tw_iterate *const it = s->it;
    memcpy(it->w, s->step->w, it->n * sizeof *it->w);
    it->why = tw_objective_stationarity(s->F, it->w, it->g) == 0 ? TW_PARAMETERS_UNCHANGED : TW_SEARCH_FAILED;
    return TW_OK;
}

tw_status tw_search(tw_step *step, tw_objective *F, tw_iterate *it, tw_search_judge *judge)
{
    search s = {.step = step, .F = F, .it = it, .judge = judge, .trials = 1};
    s.b = (tw_search_bracket){.start = {0, it->f, it->slope},
                              .lo = {0, it->f, it->slope},
                              .hi = {.alpha = INFINITY},
                              .most = it->alpha_max,
                              .shrink = 0.1,
                              .width = INFINITY};
    memcpy(step->w, it->w, it->n * sizeof *step->w);
    double alpha = it->slope < 0 && step->set.max_trials > 0 ? first_length(step, it) : 0;
    while (alpha > 0) {
        tw_search_point p;
        const bool told_by_margins = s.margins;
        TW_TRY(evaluate(&s, alpha, &p));
        if (!it->moved) break;
        if (verdict(&s, &p) == TW_SEARCH_GOOD) return finish(&s, &p);
        if (told_by_margins) forget_margins(&s);
        narrow(&s, 1, &p);
        s.sure = s.b;
        TW_TRY(propose(&s, &alpha));
    }
    return fail(&s);
}
