/* dataset_files.h -- one file of a data set, for dataset_files.c, which puts several together. */
#ifndef THALWEG_DATASET_FILES_H
#define THALWEG_DATASET_FILES_H

#include "thalweg/dataset.h"

/** tw_dataset_open for one path. @param wrong_key out, never NULL */
tw_status tw_dataset_open_one(tw_dataset *dataset, const char *path, const tw_dataset_names *names,
                              const char **wrong_key) TW_CHECKED;

#endif
