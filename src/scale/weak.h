/* weak.h -- data for a weak study: so many rows a rank, drawn from the model that is trained. */
#ifndef THALWEG_SCALE_WEAK_H
#define THALWEG_SCALE_WEAK_H

#include "scale/argv.h"
#include "thalweg/config.h"
#include "thalweg/status.h"

#include <stdint.h>

typedef struct {
    const char *task, *type;
    int64_t rows; /* of the configuration's own data set */
    int64_t features, classes, seed;
} tw_weak;

/**
 * What the rows of a weak study look like: the task of the model, features, type and classes of the data set
 * of the configuration. Classes are counted in its first rows when the file has no /classes.
 * @return TW_OK; TW_CONFIG: no task makes labels for this model; TW_INPUT, TW_DATA, TW_IO, TW_MEMORY.
 */
tw_status tw_weak_look(const tw_config *config, tw_weak *weak) TW_CHECKED;

/** Words of `thalweg generate` for so many rows, after the name of the program. */
void tw_weak_words(const tw_weak *weak, int64_t rows, const char *path, tw_argv *words);

#endif
