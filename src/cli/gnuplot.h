/* gnuplot.h -- pictures drawn by gnuplot, which is optional and never trusted with a file name.
 *
 * The script goes in and the picture comes out through anonymous memory files, so there is no shell, no
 * quoting of paths and no pipe that can fill up. */
#ifndef THALWEG_CLI_GNUPLOT_H
#define THALWEG_CLI_GNUPLOT_H

#include "thalweg/status.h"

#include <stddef.h>
#include <stdio.h>

/**
 * Run gnuplot, without the user's start-up files, on a script of size bytes and collect what it prints.
 * Not collective. Killed after `seconds`.
 * picture: allocated, picture_size bytes and a final zero; the caller frees it. NULL on failure.
 * TW_OUTPUT: not installed, failed (its message is in the sentence), too slow, or printed nothing; TW_MEMORY.
 */
TW_CHECKED tw_status tw_gnuplot_run(const char *script, size_t size, unsigned seconds, char **picture,
                                    size_t *picture_size);

/**
 * Write text as a single-quoted string of gnuplot. Not collective.
 * Quotes are doubled; control characters and bytes that are not UTF-8 become '?'; a text of more than
 * `longest` characters ends in an ellipsis. Use it where gnuplot's markup is off (`noenhanced`).
 */
void tw_gnuplot_quote(FILE *script, const char *text, size_t longest);

#endif
