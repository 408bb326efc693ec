/* import.h -- the formats that tw_import knows, one file each. */
#ifndef THALWEG_IMPORT_H
#define THALWEG_IMPORT_H

#include "thalweg/importer.h"

/** As tw_import, for inputs whose first bytes show the format. */
tw_status tw_import_idx(size_t n_inputs, const char *const *inputs, const char *output,
                        const tw_import_options *options, tw_import_report *report) TW_CHECKED;
tw_status tw_import_npy(size_t n_inputs, const char *const *inputs, const char *output,
                        const tw_import_options *options, tw_import_report *report) TW_CHECKED;
tw_status tw_import_libsvm(const char *input, const char *output, const tw_import_options *options,
                           tw_import_report *report) TW_CHECKED;
tw_status tw_import_csv(size_t n_inputs, const char *const *inputs, const char *output,
                        const tw_import_options *options, tw_import_report *report) TW_CHECKED;

#endif
