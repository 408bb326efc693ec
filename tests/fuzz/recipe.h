/* recipe.h -- valid, well-sealed HDF5 files that lie.
 *
 * HDF5 crashes on damaged files, and the seal keeps those away from it; but whoever can write a file can seal
 * it. So an input here is no file but a recipe: a good file to begin with, and edits of it that HDF5 makes
 * itself (other types, shapes, values, links, attributes). The reader then meets every lie that a file which
 * HDF5 finds in order can tell.
 *
 * A further reader is one more target: a recipe_format with the kind of its files, a function that writes
 * good ones, and the names of their data sets and attributes; recipe_start in LLVMFuzzerInitialize; and in
 * LLVMFuzzerTestOneInput the reader, called on the path that recipe_build returns (see fuzz_model.c). */
#ifndef THALWEG_FUZZ_RECIPE_H
#define THALWEG_FUZZ_RECIPE_H

#include "fuzz.h"

#include "thalweg/status.h"

enum { RECIPE_MOST_BASES = 64 };

typedef struct {
    const char *kind;              /* of the header (image.h) */
    const char *const *sets;       /* NULL-terminated: data sets worth lying about, "/coef_" */
    const char *const *attributes; /* NULL-terminated: of the root */
    const char *const *words;      /* NULL-terminated: texts that mean something somewhere */
    size_t n_bases;                /* at most RECIPE_MOST_BASES */
    tw_status (*write_base)(size_t index, const char *path);
} recipe_format;

/** Write the bases and keep their bytes. */
void recipe_start(const recipe_format *format);

/** Follow the recipe. Returns the path of the sealed file, valid until the next call. */
const char *recipe_build(const recipe_format *format, fuzz_bytes *recipe);

#endif
