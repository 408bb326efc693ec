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
#define TW_STEPS(X)                                                                                \
    X(constant)                                                                                    \
    X(inverse) X(exponential) X(step) X(cosine) X(lipschitz) X(backtracking) X(wolfe) X(goldstein) \
        X(barzilai_borwein) X(trust_region)

typedef struct {
    double length; /* alpha > 0: the constant, or the first trial of a search */
    double tau;    /* > 0, of the inverse rule */
    double decay;  /* 0 < . <= 1, of exponential and step */
    long every;    /* >= 1, of step */
    double warmup; /* >= 0, iterations until a schedule reaches its full length; 0: none */
    double period; /* > 0, of cosine: iterations until zero */
    double c1;     /* 0 < . < 1/2, sufficient decrease */
    double c2;     /* c1 < . < 1, curvature */
    double c;      /* 0 < . < 1/2, of goldstein */
    double shrink; /* 0 < . < 1, factor after a rejected trial */
    long max_trials;
    bool natural; /* the direction brings its length: first trial `length`, not a guess from the last step */
    bool unit;    /* the direction holds the announced length already: a schedule moves by 1 */
} tw_step_settings;

typedef struct tw_step tw_step;

typedef struct {
    const char *name, *summary;
    bool needs_full_batch;      /* compares F at two points */
    bool needs_descent;         /* the direction must descend */
    bool uses_margins;          /* judges trial lengths from margins where the model has them */
    bool products;              /* asks for H d (lipschitz) */
    bool own_length;            /* finds its lengths without settings.length */
    const char *only_optimizer; /* the one optimizer it goes with, NULL: any that suits */

    /* Doubles of state for n parameters; they start as zeros. OPTIONAL */
    size_t (*state_len)(const tw_step_settings *set, size_t n);

    /* A schedule: the length at a time (iterations done; with mini-batches a fraction), before the direction
     * is known. May call the objective. REQUIRED, or advance */
    tw_status (*length)(tw_step *step, tw_objective *F, const tw_iterate *it, double time, double *alpha);

    /* A search: move along it->d: new w, f, g; sets alpha and trials. A search that fails sets it->why and
     * restores w. REQUIRED, or length */
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
    size_t state_len;
    double *state; /* [state_len] all that a resumed run needs; owned, as below */
    double *w, *g; /* [n] where a search began, trial gradient */
};

/** Not collective. TW_MEMORY. */
tw_status tw_step_init(tw_step *step, const tw_step_ops *ops, const tw_step_settings *set,
                       size_t n) TW_CHECKED;
void tw_step_release(tw_step *step);

/** "wolfe from 1", "lipschitz". Not collective. Returns text. */
const char *tw_step_describe(const tw_step_ops *ops, const tw_step_settings *set, size_t length, char *text);

/** Before the direction: it->length, what a schedule will use at this time; NAN for a search. Collective. */
tw_status tw_step_announce(tw_step *step, tw_objective *F, tw_iterate *it, double time) TW_CHECKED;

/**
 * One step. Collective: it evaluates the objective once, or once a trial (never when d does not descend); a
 * rule that uses margins evaluates the first length, and one more that margins have chosen when that will not
 * do. On TW_OK either it->k has grown by one, or it->why says why the search failed and the iterate is as it
 * was.
 */
tw_status tw_step_advance(tw_step *step, tw_objective *F, tw_iterate *it) TW_CHECKED;

/** One update of a mini-batch run: move by the announced length, no evaluation. Not collective. */
void tw_step_update(tw_step *step, tw_iterate *it);

/** w = fma(alpha, d, from), and whether any bit of w changed. For the rules. */
void tw_step_move(tw_iterate *it, double alpha, const double *from);

#endif
