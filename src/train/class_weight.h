/* class_weight.h -- what the weights of classes tell the header, the summary and the model file. */
#ifndef THALWEG_CLASS_WEIGHT_H
#define THALWEG_CLASS_WEIGHT_H

#include "thalweg/model_file.h"
#include "thalweg/run.h"

#include <jansson.h>

/* The line of the header, where there are weights. Rank 0 prints. */
void tw_run_print_classes(tw_run *run);

/* A list of {class, name, weight, rows_weight}; only where there are weights. */
json_t *tw_class_weights_json(const tw_run *run);

/* /training/class_weight into the model file, where there are weights. Not collective. */
tw_status tw_class_weights_save(const tw_run *run, tw_model_file *file) TW_CHECKED;

void tw_class_weights_release(tw_class_weights *c);

#endif
