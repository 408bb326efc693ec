/* plot.h -- what the files of `thalweg plot` share: runs as read, axes as laid out, the picture to draw. */
#ifndef THALWEG_CLI_PLOT_H
#define THALWEG_CLI_PLOT_H

#include "thalweg/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum { TW_PLOT_LOSS, TW_PLOT_GRADIENT, TW_PLOT_TAYLOR, TW_PLOT_GAP } tw_plot_quantity;
typedef enum { TW_PLOT_ITERATIONS, TW_PLOT_SECONDS, TW_PLOT_READS } tw_plot_abscissa;
typedef enum { TW_PLOT_SVG, TW_PLOT_PNG, TW_PLOT_TEXT } tw_plot_device;

enum { TW_PLOT_LOGGED = 3, TW_PLOT_MAX_PANELS = 4, TW_PLOT_MAX_RUNS = 40, TW_PLOT_MAX_TICS = 96 };
enum { TW_PLOT_LEGEND_LEN = 512, TW_PLOT_LEGEND_SHOWN = 48 };

/* One line of metrics.jsonl; NaN where it has null. value[] by tw_plot_quantity. */
typedef struct {
    double iteration, seconds, reads, value[TW_PLOT_LOGGED];
} tw_plot_row;

/* All owned. configuration and reason are NULL when summary.json does not say; iterations ascend strictly. */
typedef struct {
    char *folder, *name, *configuration, *reason;
    size_t n, capacity;
    tw_plot_row *row;
} tw_plot_run;

typedef struct {
    tw_plot_run *run; /* [n_runs] */
    size_t n_runs, n_panels;
    tw_plot_quantity panel[TW_PLOT_MAX_PANELS];
    tw_plot_abscissa x;
    tw_plot_device device;
    unsigned columns, lines; /* of TW_PLOT_TEXT, in characters */
    double lowest;           /* the smallest loss of all runs, from which gaps are measured */
} tw_plot;

/* Positions on an axis are what gnuplot sees: v, log10(v) or log10(1 + v / unit). */
typedef enum { TW_AXIS_LINEAR, TW_AXIS_LOG, TW_AXIS_LOG1P } tw_plot_scale;

typedef struct {
    tw_plot_scale scale;
    double low, high; /* positions of the ends */
    double unit;      /* of TW_AXIS_LOG1P, a power of ten */
    bool clipped;     /* some curve leaves the top */
    bool empty;       /* nothing to draw */
    size_t n_tics;
    struct {
        double at;
        char label[32]; /* empty: a minor tic */
    } tic[TW_PLOT_MAX_TICS];
} tw_plot_axis;

/* Pixels, on a text screen characters. caption: height of a panel's name above its frame. */
typedef struct {
    double width, height, left, right, top, bottom, gap, caption;
    unsigned legend_columns, legend_rows;
} tw_plot_canvas;

/**
 * Read RUN/metrics.jsonl and the name and reason in RUN/summary.json. Not collective.
 * A last line without its end (a live or killed run) is left out, and so are rows that a resumed run wrote
 * again. TW_INPUT: no such folder or file; TW_DATA: a broken line, named, or no rows; TW_MEMORY. Release it
 * in any case.
 */
TW_CHECKED tw_status tw_plot_run_read(const char *folder, tw_plot_run *run);
void tw_plot_run_release(tw_plot_run *run);

/**
 * The value of a quantity in row i, NaN when there is none; and a row's place on the x axis. Not collective.
 * A Taylor ratio is none where the loss changed by less than 1e-12 of itself, for it is then a quotient of
 * rounding errors.
 */
double tw_plot_value(const tw_plot *plot, const tw_plot_run *run, size_t i, tw_plot_quantity quantity);
double tw_plot_x(const tw_plot *plot, const tw_plot_row *row);

/**
 * Lay out the common x axis, or the y axis of a panel. Not collective.
 * y is logarithmic when all values are positive and far apart (the gradient norm: when its positive values
 * are). When some runs stay below ten times the largest first value and others do not, the axis ends there.
 */
void tw_plot_axis_x(const tw_plot *plot, tw_plot_axis *axis);
void tw_plot_axis_y(const tw_plot *plot, tw_plot_quantity quantity, tw_plot_axis *axis);

/** Position of a value; NaN when it cannot be drawn; values far outside are moved closer, still outside. */
double tw_plot_axis_at(const tw_plot_axis *axis, double value);

/** "name (reason)", or the name alone when the reason is a sentence. Not collective. */
void tw_plot_legend_text(const tw_plot_run *run, char text[TW_PLOT_LEGEND_LEN]);

/** Lay out the picture around its y axes [n_panels]. Not collective. */
void tw_plot_lay_out(const tw_plot *plot, const tw_plot_axis *y, tw_plot_canvas *canvas);

/** Write the gnuplot script of the whole picture. Not collective. TW_DATA: there is nothing to draw. */
TW_CHECKED tw_status tw_plot_script(const tw_plot *plot, FILE *script);

#endif
