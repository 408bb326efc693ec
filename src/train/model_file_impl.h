/* model_file_impl.h -- what the three sources of model_file.h share: names in the file, and the check both
 * ways. */
#ifndef THALWEG_MODEL_FILE_IMPL_H
#define THALWEG_MODEL_FILE_IMPL_H

#include "thalweg/model_file.h"

#define TW_MODEL_FORMAT "thalweg model"

/** Data sets of /history, in the order of the columns. */
extern const char *const tw_model_history_names[TW_MODEL_HISTORY];

/** Is it an attribute that the format itself writes? */
bool tw_model_name_is_ours(const char *name);

/** The row of the model, or TW_DATA with the names there are. */
tw_status tw_model_file_ops(const tw_model_file *file, const tw_model_ops **ops) TW_CHECKED;

/** Sizes fit the model, parameters are finite, scales positive, classes ascending. Shapes have been checked.
 */
tw_status tw_model_file_check(const tw_model_file *file) TW_CHECKED;

#endif
