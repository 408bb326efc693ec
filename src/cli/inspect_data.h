/* inspect_data.h -- the two halves of inspecting a data file: its structure, and its values. */
#ifndef THALWEG_CLI_INSPECT_DATA_H
#define THALWEG_CLI_INSPECT_DATA_H

#include "data/survey.h"
#include "thalweg/dataset.h"

/** Read and print features, labels and weights: ranges, classes, missing values, digest, time. TW_DATA,
 * TW_MEMORY. */
tw_status tw_inspect_put_values(const tw_dataset *dataset, const tw_survey *survey) TW_CHECKED;

#endif
