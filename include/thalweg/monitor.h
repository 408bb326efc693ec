/* monitor.h -- reads the iterate and answers with a reason: continue, converged, stopped or failed.
 *
 * Every rank decides from the same bits, so no communication is needed and no decision can split. Tests in
 * this order: not finite, diverged, gradient norm (absolute, relative), loss delta (absolute, relative),
 * parameters unchanged, stop request and time (as agreed in the last exchange), iterations. NAN = the test is
 * off. */
#ifndef THALWEG_MONITOR_H
#define THALWEG_MONITOR_H

#include "thalweg/iterate.h"
#include "thalweg/objective.h"

typedef struct {
    double gradient_norm;          /* ||g|| <= eps */
    double gradient_norm_relative; /* ||g|| <= eps ||g at zero parameters|| */
    double loss_delta;             /* |F_k - F_k-1| < eps */
    double loss_delta_relative;    /* |F_k - F_k-1| < eps |F_k-1| */
    bool require_all;              /* the tests above must hold together */
    long patience;                 /* checks in a row */
    long max_iterations;
    double max_seconds;
    long validation_patience; /* scores in a row without a better one; 0: the test is off */
    double divergence_factor; /* times the larger of the first loss and the loss at zero parameters */
} tw_monitor_settings;

/** A step is a spike when it raises the loss by more than a tenth of all that was gained since the start, by
 * a quarter of the loss itself, and by TW_SPIKE_FACTOR times the median change of the last TW_SPIKE_WINDOW
 * steps; said at most every TW_SPIKE_REST iterations. */
enum { TW_SPIKE_WINDOW = 20, TW_SPIKE_FACTOR = 20, TW_SPIKE_REST = 100 };

typedef struct {
    tw_monitor_settings set;
    double f_first, f_zero, g_norm_zero; /* at the start, and at zero parameters */
    double started;                      /* clock */
    double margin;                       /* seconds that the end of the run will take, within max_seconds */
    long held;                           /* checks in a row at which the convergence tests held */
    tw_reason holding;                   /* the first of them, in order */
    long unimproved;                     /* scores of the validation rows since the best one */
    long rises, last_rise; /* steps that raised the loss by more than rounding; the last one's k */
    double f_least;
    double changes[TW_SPIKE_WINDOW]; /* |change of the loss| of the last steps, a ring */
    long seen;                       /* steps that entered it */
    long spikes, last_spike, told;   /* sudden rises; k of the last one, and of the last that was told */
} tw_monitor;

/**
 * @param it  the start, evaluated      @param f_zero, g_norm_zero  F and ||g|| at zero parameters
 * Not collective; same arguments on every rank but `started`.
 */
void tw_monitor_start(tw_monitor *monitor, const tw_monitor_settings *set, const tw_iterate *it,
                      double f_zero, double g_norm_zero);

/** Not collective; the same answer on every rank. Remembers how often in a row the tests held. */
tw_reason tw_monitor_check(tw_monitor *monitor, const tw_objective *F, const tw_iterate *it);

/** This rank's wish to stop for time, for the objective's requests. Not collective. */
bool tw_monitor_time_up(const tw_monitor *monitor);

/* The four measured quantities as the tests see them; NAN where there is none yet. */
double tw_monitor_gradient_relative(const tw_monitor *monitor, const tw_iterate *it);
double tw_monitor_loss_delta(const tw_iterate *it);
double tw_monitor_loss_delta_relative(const tw_iterate *it);

/**
 * The verdict in words: which test stopped the run at which value, and what else held.
 * Not collective. text: at least 256 bytes.
 */
void tw_monitor_explain(const tw_monitor *monitor, const tw_iterate *it, size_t length, char *text);

/**
 * What a person should know about the run beyond the verdict: too long or too short steps, missing scaling,
 * bad conditioning, a search at rounding level or in trouble, tolerances that double precision cannot reach.
 * The first that applies; "" when there is nothing. Looks at some 512 rows of this rank. Not collective.
 */
void tw_monitor_advise(const tw_monitor *monitor, const tw_objective *F, const tw_iterate *it, size_t length,
                       char *text);

#endif
