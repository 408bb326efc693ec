/* evaluate.h -- what the files of `thalweg evaluate` share: a model, what it was measured on, and the ways to
 * show the result. All of it happens on rank 0. */
#ifndef THALWEG_CLI_EVALUATE_H
#define THALWEG_CLI_EVALUATE_H

#include "cli/apply.h"
#include "thalweg/metrics.h"

#include <stdio.h>

typedef struct {
    const tw_apply *apply;
    const tw_metrics *metrics;
    const char *model, *data; /* file names, as given */
} tw_evaluation;

enum { TW_CLASS_NAME_LEN = 128 };

/** The name of class k, or its value; cut to fit. */
void tw_class_name(const tw_apply *apply, size_t k, char text[TW_CLASS_NAME_LEN]);

/** Tables for people on stdout. */
void tw_evaluate_print(const tw_evaluation *e);

/** The confusion matrix, or, above 20 classes, its largest entries off the diagonal. */
void tw_evaluate_print_confusion(const tw_evaluation *e);

/** One JSON object on stdout. TW_MEMORY; TW_DATA: a name is not UTF-8. */
tw_status tw_evaluate_json(const tw_evaluation *e) TW_CHECKED;

/** Does the name end in .svg or .png? TW_USAGE names the option. */
tw_status tw_picture_name(const char *option, const char *path) TW_CHECKED;

/** Draw the confusion matrix: classes, counts, the share of the row as shade; of more than 40 classes those
 * that are confused most. TW_OUTPUT: gnuplot is missing or failed, or path cannot be written; TW_MEMORY. */
tw_status tw_confusion_picture(const tw_evaluation *e, const char *path) TW_CHECKED;

/** Draw the coefficients that are largest in size, of scaled features where the model scales: bars, or for
 * several outputs a map of features and classes. Failures as above. */
tw_status tw_coefficients_picture(const tw_evaluation *e, const char *path) TW_CHECKED;

#endif
