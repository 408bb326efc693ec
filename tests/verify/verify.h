/* verify.h -- the parts of verify: the steps of a run, from its log, and the point where it ended, from its
 * data. */
#ifndef VERIFY_H
#define VERIFY_H

#include <jansson.h>
#include <stddef.h>

/* Changes of F below this share of it are rounding (docs/method.md). */
#define ROUNDING 0x1p-44

/* Prints the sentence and ends with 1. */
_Noreturn void refuse(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* summary.json of the run. */
double summary_number(const json_t *summary, const char *key);

/* The modes that look at the data: 0 when `mode` is none of them. arguments: what follows the mode. */
int check_point(const char *run, const json_t *summary, const char *mode, int n, char **arguments);

/* A number of the command line. */
double argument(const char *text);

#endif
