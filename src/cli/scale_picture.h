/* scale_picture.h -- the picture of a scaling study, drawn by gnuplot. */
#ifndef THALWEG_CLI_SCALE_PICTURE_H
#define THALWEG_CLI_SCALE_PICTURE_H

#include "scale/report.h"

/** PREFIX.svg and PREFIX.png. TW_OUTPUT: gnuplot is missing or failed; TW_IO, TW_MEMORY. */
tw_status tw_scale_picture_write(const tw_report *report, const char *prefix) TW_CHECKED;

/** Ascending numbers from 1 on, separated by commas. TW_USAGE. */
tw_status tw_scale_parse_ranks(const char *list, size_t most, int *ranks, size_t *n) TW_CHECKED;

#endif
