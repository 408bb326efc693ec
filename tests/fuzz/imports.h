/* imports.h -- what the targets of importers share: one conversion, and whether its output is what its
 * report says. */
#ifndef THALWEG_FUZZ_IMPORTS_H
#define THALWEG_FUZZ_IMPORTS_H

#include "fuzz.h"

#include "thalweg/importer.h"

void imports_start(void);

/** Convert; without write, check only. */
void imports_run(size_t n, const char *const *paths, bool write, const tw_import_options *options);

#endif
