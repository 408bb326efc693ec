/* apply_model.h -- the model file of evaluate and predict: read once, known to all ranks.
 *
 * The file stays with rank 0; the others have the model, its parameters, classes and fills. */
#ifndef THALWEG_CLI_APPLY_MODEL_H
#define THALWEG_CLI_APPLY_MODEL_H

#include "cli/apply.h"

/** Read the file here, with a warning on stderr when it was changed after training. Not collective. As
 * tw_model_file_read. */
tw_status tw_apply_read_file(tw_model_file *file, const char *path) TW_CHECKED;

/** Read it on rank 0 and share what all need. Collective. @return TW_OK, TW_INPUT, TW_DATA, TW_MEMORY; the
 * same on every rank. */
tw_status tw_apply_share_model(tw_apply *apply, const char *path) TW_CHECKED;

#endif
