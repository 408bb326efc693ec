/* optimizer.h -- from the iterate to a direction d: serial code that never sees a communicator.
 *
 * An optimizer is a row of the table TW_OPTIMIZERS: one file, one word. It says how much state it needs;
 * generic code owns the state as one flat double[], so a checkpoint of any future optimizer needs no new
 * code. */
#ifndef THALWEG_OPTIMIZER_H
#define THALWEG_OPTIMIZER_H

#include "thalweg/iterate.h"
#include "thalweg/objective.h"

/* Add an optimizer here. */
#define TW_OPTIMIZERS(X)                                                                           \
    X(gd)                                                                                          \
    X(momentum) X(nesterov) X(adagrad) X(rmsprop) X(adam) X(adamw) X(lbfgs) X(newton) X(newton_cg) \
        X(coordinate_descent) X(proximal_gradient)

typedef struct {
    double momentum; /* 0 <= . < 1 */
    size_t memory;   /* pairs that lbfgs keeps, >= 1 */

    double beta1, beta2; /* 0 <= . < 1, of the averages of g and of g^2 in adam and adamw */
    double smoothing;    /* 0 <= . < 1, of the average of g^2 in rmsprop */
    double epsilon;      /* > 0, added to the root; NAN or 0: the method's own */
    double weight_decay; /* >= 0, of adamw */
    size_t n_weights;    /* the first n_weights parameters decay; 0: all */
    bool full_batch;     /* every F and g is taken over all rows: nesterov follows the sequence of FISTA */
    bool restart;        /* nesterov with full_batch starts afresh when its momentum points uphill */
    bool acceleration;   /* proximal_gradient: FISTA, else ISTA */
    bool gram;           /* lbfgs begins with the inverse of the Gram matrix instead of a multiple of 1 */
    size_t outputs;      /* K, parameters w[j*K + k]; 0: 1 */
    size_t max_inner;    /* inner iterations of one direction; 0: the method's own limit */
} tw_optimizer_settings;

typedef struct tw_optimizer tw_optimizer;

typedef struct {
    const char *name, *summary;
    bool descent;          /* its direction always descends: may be paired with a line search */
    bool natural;          /* its natural first step length is 1 (quasi-Newton) */
    bool mini_batch;       /* may be used with mini-batches: one g is never compared with another */
    bool l1;               /* minimises with l1 > 0 too */
    bool unit;             /* its d holds the announced length already, and goes with schedules alone */
    bool products;         /* asks for H d at the point in force */
    bool matrix;           /* asks for H at the point in force */
    const char *only_step; /* the one step rule it goes with, NULL: any that suits */

    /* The step rule when the user names none, and its length (0: the rule's own). OPTIONAL */
    const char *default_step;
    double default_length;

    /* Doubles of state for n parameters; they start as zeros. REQUIRED */
    size_t (*state_len)(const tw_optimizer_settings *set, size_t n);

    /* Doubles of work space for n parameters: their values are lost between directions. OPTIONAL */
    size_t (*work_len)(const tw_optimizer_settings *set, size_t n);

    /* The settings as people read them, "10" of lbfgs(10). OPTIONAL */
    void (*describe)(const tw_optimizer_settings *set, size_t length, char *text);

    /* it->d from it->w, it->g. May call the objective (collective then). REQUIRED */
    tw_status (*direction)(tw_optimizer *optimizer, tw_objective *F, tw_iterate *it);
} tw_optimizer_ops;

#define X(name) extern const tw_optimizer_ops tw_optimizer_##name;
TW_OPTIMIZERS(X)
#undef X

extern const tw_optimizer_ops *const tw_optimizers[];        /* ended by NULL */
const tw_optimizer_ops *tw_optimizer_find(const char *name); /* or NULL */

struct tw_optimizer {
    const tw_optimizer_ops *ops;
    tw_optimizer_settings set;
    size_t n, state_len, work_len;
    double *state; /* [state_len] all that a resumed run needs; owned */
    double *work;  /* [work_len] no part of the state; owned */
};

/** Not collective. TW_MEMORY. */
tw_status tw_optimizer_init(tw_optimizer *optimizer, const tw_optimizer_ops *ops,
                            const tw_optimizer_settings *set, size_t n) TW_CHECKED;
void tw_optimizer_release(tw_optimizer *optimizer);

/** "gd", "lbfgs(10)", "momentum(0.9)". Not collective. Returns text. */
const char *tw_optimizer_describe(const tw_optimizer *optimizer, size_t length, char *text);

/** Forget everything learned: the state is zeros again. Not collective. */
void tw_optimizer_reset(tw_optimizer *optimizer);

/** it->d straight downhill, no longer than 1: minus the subgradient of least norm, kept in its orthant (then
 * it->alpha_max is 1). Not collective. */
void tw_optimizer_downhill(const tw_objective *F, tw_iterate *it);

/** Projection of w + d onto the orthant of w (where w is zero: of -subgradient), as a direction: d becomes
 * the way there, and no longer than 1. Not collective. @param subgradient [n] of least norm at w. Source:
 * Andrew and Gao 2007. */
void tw_optimizer_keep_orthant(const tw_objective *F, tw_iterate *it, const double *subgradient);

/** The direction of this iteration. Collective where the method calls the objective; the same bits on every
 * rank. */
tw_status tw_optimizer_direction(tw_optimizer *optimizer, tw_objective *F, tw_iterate *it) TW_CHECKED;

#endif
