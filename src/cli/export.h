/* export.h -- the two texts that `thalweg export` makes of a model. */
#ifndef THALWEG_CLI_EXPORT_H
#define THALWEG_CLI_EXPORT_H

#include "thalweg/model_file.h"

#include <stdio.h>

/** One JSON object, a key a line: every array of the file under its own name, null where there is no number
 * or no array. Numbers have 17 significant digits. Writing fails as stdio does. TW_MEMORY. */
tw_status tw_export_json(const tw_model_file *file, FILE *out) TW_CHECKED;

/** RFC 4180, lines end in LF: a header, the intercepts, then a row for each feature; a column for each
 * output. Numbers have 17 significant digits. Writing fails as stdio does. */
tw_status tw_export_csv(const tw_model_file *file, FILE *out) TW_CHECKED;

#endif
