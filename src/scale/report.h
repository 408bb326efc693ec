/* report.h -- what a scaling study says: its points, the numbers fitted to them, and where they lead.
 *
 * seconds(P) = W share(P) + o + k exchange(P): W the work of all rows by one of q ranks on a node, share the
 * part of the rows of the busiest rank, o what a rank does beside, k exchanges an iteration. docs/scaling.md.
 */
#ifndef THALWEG_SCALE_REPORT_H
#define THALWEG_SCALE_REPORT_H

#include "scale/fit.h"
#include "scale/summaries.h"

#include <stdio.h>

enum { TW_REPORT_POINTS = 64, TW_REPORT_EXCHANGES = 512, TW_REPORT_AHEAD = 32, TW_REPORT_CURVE = 128 };

/* Runs of one number of ranks and nodes. Seconds are medians over the repeats, of an iteration (or of a pass
 * over the data, per_read). speedup and efficiency compare with the first point. */
typedef struct {
    const tw_study_run *run; /* [n_runs], in the runs */
    size_t n_runs;
    int ranks, nodes;
    bool oversubscribed, fitted;
    double seconds, low, high;
    double speedup, efficiency, serial; /* serial: NaN for the first point */
    double phase[TW_N_CLOCKS];
    double work, beside, wire; /* W, o, and seconds of one exchange */
    double share;              /* of the rows, that the busiest rank has */
    double formula;            /* seconds that the formula gives, with the cores that ranks share */
} tw_report_point;

/* An exchange as `thalweg scale exchange` measured it. */
typedef struct {
    int ranks, nodes;
    size_t length;
    double seconds, memory; /* memory: bytes a second in the memory of a node, INFINITY when not measured */
    tw_exchange_cost cost;
} tw_report_exchange;

typedef struct {
    int ranks;
    double seconds, speedup, efficiency, low, high; /* low, high: of the efficiency, 90 % */
} tw_report_ahead;

typedef struct {
    const tw_study_runs *runs;
    size_t n_points, n_fitted;
    tw_report_point point[TW_REPORT_POINTS];
    bool per_read; /* evaluations differ: seconds are those of one pass over the data */
    size_t n_exchanges;
    tw_report_exchange *exchange; /* owned */
    double serial;                /* of Amdahl, or of Gustafson when weak; NaN */
    tw_exchange_fit fit;
    bool fit_measured; /* from exchanges measured apart, else from the runs */
    int fit_ranks, fit_nodes;
    double memory;                  /* of the exchanges that were fitted; INFINITY */
    int ranks_a_node;               /* of the projection */
    double work, beside, exchanges; /* W where most ranks share a node, o, k */
    double luck;                    /* what W is multiplied with: 1, or drawn */
    double residual;                /* of the formula at the fitted points, root mean square, relative */
    size_t n_ahead, n_curve;
    tw_report_ahead ahead[TW_REPORT_AHEAD]; /* as asked for */
    tw_report_ahead curve[TW_REPORT_CURVE]; /* for the picture */
    char check[TW_SCALE_WORD * 3];
    char advice[4][TW_SCALE_WORD * 3];
    size_t n_advice;
} tw_report;

/** Read DIR/exchange/RRRR.json, if there are any. TW_DATA, TW_MEMORY. */
tw_status tw_report_exchanges(tw_report *report, const char *dir) TW_CHECKED;

/** Points, fits and projections of runs that are sorted and alike. @param ahead [n_ahead] ranks, ascending.
 * TW_DATA: too many points; TW_MEMORY. */
tw_status tw_report_make(tw_report *report, const tw_study_runs *runs, size_t n_ahead,
                         const int *ahead) TW_CHECKED;
void tw_report_release(tw_report *report);

/* What a number of ranks means to the formula, whatever was fitted. */
typedef struct {
    int ranks;
    double share, rows; /* of the rows that the busiest rank has; rows, or 1 when strong */
    double work;        /* W of points with as many ranks a node, or with fewer */
    double crowd;       /* ranks a core, at least 1 */
    tw_exchange_cost cost;
} tw_report_shape;

/** @param ranks_a_node 0: all on one. TW_CONFIG, TW_MEMORY. */
tw_status tw_report_shape_of(const tw_report *report, int ranks, int ranks_a_node,
                             tw_report_shape *shape) TW_CHECKED;

/** Seconds of an iteration by the formula. */
double tw_report_formula(const tw_report *report, const tw_report_shape *shape);

/** report_ahead.c: fill n_ahead, ahead, curve, residual. */
tw_status tw_report_project(tw_report *report, size_t n_ahead, const int *ahead) TW_CHECKED;

/** report_advice.c: what to make of it, in words. */
void tw_report_advise(tw_report *report);

/* The table as people read it, as CSV and as JSON text (to be freed; NULL without memory). */
void tw_report_text(const tw_report *report, FILE *out);
void tw_report_csv(const tw_report *report, FILE *out);
char *tw_report_json(const tw_report *report);

#endif
