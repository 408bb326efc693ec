/* lies.h -- one edit of a file that is open for writing, as the next bytes of a recipe say. */
#ifndef THALWEG_FUZZ_LIES_H
#define THALWEG_FUZZ_LIES_H

#include "recipe.h"

#include <hdf5.h>

void lie(const recipe_format *format, hid_t file, fuzz_bytes *recipe);

/** A type that files may have, chosen by the next bytes; to be closed. */
hid_t lie_type(fuzz_bytes *recipe);

#endif
