/* evaluate_picture.h -- what the pictures of `thalweg evaluate` share. */
#ifndef THALWEG_CLI_EVALUATE_PICTURE_H
#define THALWEG_CLI_EVALUATE_PICTURE_H

#include "cli/evaluate.h"
#include "cli/scale_canvas.h"

/** The format of a name that tw_picture_name has passed. */
bool tw_picture_is_png(const char *path);

/** From white at share 0 to the colour `full` at 1, as 0xRRGGBB. */
unsigned tw_picture_shade(double share, unsigned full);

/** The text at position i of an axis. */
typedef void tw_picture_label(const void *what, size_t i, char text[TW_CLASS_NAME_LEN]);

/** Pixels below a panel for its n labels: rotated unless all are short. */
double tw_picture_below(size_t n, tw_picture_label *label, const void *what);

/** Name positions 0 .. n-1 of axis 'x', with its own name below by the same rule, or 'y'. */
void tw_picture_tics(FILE *out, char which, size_t n, tw_picture_label *label, const void *what);

#endif
