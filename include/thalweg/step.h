/* step.h -- the step rule picks the length alpha along d and moves.
 *
 * A rule is a row of the table TW_STEPS: one file, one word. It leaves the iterate at the new point with F
 * and g taken there, so an iteration costs exactly the evaluations its rule needs. A failed search restores w
 * and leaves k. */
#ifndef THALWEG_STEP_H
#define THALWEG_STEP_H

#include "thalweg/iterate.h"
#include "thalweg/objective.h"

/* Add a step rule here. */
#define TW_STEPS(X) X(constant) X(inverse) X(backtracking)

typedef struct {
    double length; /* alpha > 0: the constant, or the first trial of a search */
    double tau;    /* > 0, of the inverse rule */
    double c1;     /* 0 < . < 1/2, sufficient decrease */
    double shrink; /* 0 < . < 1, factor after a rejected trial */
    long max_trials;
} tw_step_settings;

typedef struct tw_step tw_step;

typedef struct {
    const char *name, *summary;
    bool needs_full_batch; /* compares F at two points */
    bool needs_descent;    /* the direction must descend */

    /* Move along it->d: new w, f, g; sets alpha and trials. A search that fails sets it->why and restores w.
     * REQUIRED */
    tw_status (*advance)(tw_step *step, tw_objective *F, tw_iterate *it);
} tw_step_ops;

#define X(name) extern const tw_step_ops tw_step_##name;
TW_STEPS(X)
#undef X

extern const tw_step_ops *const tw_steps[];        /* ended by NULL */
const tw_step_ops *tw_step_find(const char *name); /* or NULL */

struct tw_step {
    const tw_step_ops *ops;
    tw_step_settings set;
    double *w, *g; /* [n] where a search began, trial gradient; owned */
};

/** Not collective. TW_MEMORY. */
tw_status tw_step_init(tw_step *step, const tw_step_ops *ops, const tw_step_settings *set,
                       size_t n) TW_CHECKED;
void tw_step_release(tw_step *step);

/**
 * One step. Collective: it evaluates the objective once, or once a trial (never when d does not descend).
 * On TW_OK either it->k has grown by one, or it->why says why the search failed and the iterate is as it was.
 */
tw_status tw_step_advance(tw_step *step, tw_objective *F, tw_iterate *it) TW_CHECKED;

/** w = fma(alpha, d, from), and whether any bit of w changed. For the rules. */
void tw_step_move(tw_iterate *it, double alpha, const double *from);

#endif
