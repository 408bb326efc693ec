/* iterate.h -- where the run is, the same bits on every rank; and why the mathematics ended.
 *
 * A reason is never an error: a run that stops at its limit has done what it was told. Its class says which
 * it is: 'c' converged, 's' stopped before that, 'f' failed. */
#ifndef THALWEG_ITERATE_H
#define THALWEG_ITERATE_H

#include <stdbool.h>
#include <stddef.h>

/* enumerator, name, class, exit code, what it means */
#define TW_REASONS(X)                                                                                        \
    X(CONTINUE, "continue", '-', 0, "still running")                                                         \
    X(GRADIENT_NORM, "gradient_norm", 'c', 0, "gradient norm below its tolerance")                           \
    X(GRADIENT_NORM_RELATIVE, "gradient_norm_relative", 'c', 0,                                              \
      "relative gradient norm below its tolerance")                                                          \
    X(LOSS_DELTA, "loss_delta", 'c', 0, "change of the loss below its tolerance")                            \
    X(LOSS_DELTA_RELATIVE, "loss_delta_relative", 'c', 0, "relative change of the loss below its tolerance") \
    X(PARAMETERS_UNCHANGED, "parameters_unchanged", 'c', 0, "parameters unchanged to the last bit")          \
    X(ITERATION_LIMIT, "iteration_limit", 's', 0, "iteration limit reached before convergence")              \
    X(TIME_LIMIT, "time_limit", 's', 75, "time limit reached before convergence")                             \
    X(REQUEST, "stop_request", 's', 75, "stopped on request")                                                \
    X(SEARCH_FAILED, "search_failed", 's', 0, "no step length lowers the loss any further")                  \
    X(VALIDATION, "validation", 's', 0, "the validation loss has stopped falling")                           \
    X(SADDLE, "saddle_point", 's', 0, "the gradient vanishes at a point that is no minimum")                 \
    X(NOT_FINITE, "not_finite", 'f', 79, "diverged: loss or gradient is not finite")                         \
    X(LOSS_GREW, "diverged", 'f', 79, "diverged: the loss grew beyond the divergence factor")

typedef enum {
#define X(id, name, kind, code, text) TW_##id,
    TW_REASONS(X)
#undef X
        TW_N_REASONS
} tw_reason;

/* Not collective, no cost. tw_reason_name: "gradient_norm", as in summary.json. */
const char *tw_reason_name(tw_reason reason);
const char *tw_reason_text(tw_reason reason);
char tw_reason_class(tw_reason reason);
int tw_reason_exit_code(tw_reason reason);

typedef struct {
    size_t n;
    double *w, *g, *d;     /* [n] point, gradient there, direction */
    double f, f_prev;      /* F at w, and at the point before */
    double g_norm, w_norm; /* ||g||, ||w|| */
    double slope;          /* where the last step began: g.d (tw_objective_slope); NAN with mini-batches */
    double slope_end;      /* and along the same d where it ended; NAN where nobody has measured it */
    double length;         /* what a schedule announces for the step to come; NAN for a search */
    double alpha;          /* length of the last step, NAN before the first */
    double alpha_max;      /* no step may be longer: 1 for projected directions, else INFINITY */
    double radius, predicted,
        ratio;        /* trust region: its radius, the decrease of the model, F's share of it; or NAN */
    long k, trials;   /* iterations done (epochs, with mini-batches); lengths tried in the last one */
    long updates;     /* changes of w: k, or the mini-batch steps */
    double condition; /* estimate for the matrix of the last Newton system, or NAN */
    long regularised; /* Newton systems so far that were singular to working precision and got a multiple of I
                       */
    long inner;       /* inner iterations of the last direction: conjugate gradients, sweeps */
    double val_loss, val_accuracy; /* of the validation rows, or NAN */
    bool moved;                    /* did the last step change any bit of w? */
    bool rejected;                 /* the last step was refused by its trust region: w is as it was */
    tw_reason why;
} tw_iterate;

/** Relative changes of F below this are rounding: the bound (B + log2 G) u of its sum, with room. */
#define TW_LOSS_ROUNDING 0x1p-44

/** (F(w) - F(w+)) / (-alpha g.d) of the last step: near 1 timid, 1/2 ideal for a quadratic, below 0 the loss
 * rose. NAN when the decrease that the slope promised is below rounding. */
double tw_iterate_taylor(const tw_iterate *iterate);

/** Allocate w, g, d as zeros. Not collective. false: out of memory. */
bool tw_iterate_init(tw_iterate *iterate, size_t n);
void tw_iterate_release(tw_iterate *iterate);

#endif
