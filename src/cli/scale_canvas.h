/* scale_canvas.h -- what the pictures of `thalweg scale` share: their style, panels, axes of powers of two.
 */
#ifndef THALWEG_CLI_SCALE_CANVAS_H
#define THALWEG_CLI_SCALE_CANVAS_H

#include "thalweg/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef struct {
    FILE *out; /* the gnuplot script */
    double width, height;
} tw_canvas;

/* Colours of Okabe and Ito (2008), as in plot_gnuplot.c. */
enum { TW_CANVAS_COLOURS = 6 };
extern const char *const tw_canvas_colours[TW_CANVAS_COLOURS];

/** Begin the script of a picture, with a title; PNG or SVG. Sizes in pixels. */
void tw_canvas_begin(const tw_canvas *canvas, bool png, const char *title, const char *subtitle);

/** A panel between these pixels, counted from the left and the top, with its name above; x axis below. */
void tw_canvas_panel(const tw_canvas *canvas, const double edges[4], const char *caption,
                     const char *x_label);

/** A logarithmic axis ('x' or 'y') whose tics are powers of `base`, thinned to about `most`. low, high > 0.
 */
void tw_canvas_log_axis(const tw_canvas *canvas, char which, double low, double high, double base, int most);

/** Draw what `script` prints as PREFIX.svg or PREFIX.png. TW_OUTPUT: gnuplot is missing or failed. */
tw_status tw_canvas_write(void (*script)(const void *what, FILE *out, bool png), const void *what, bool png,
                          const char *path) TW_CHECKED;

#endif
