/* run_impl.h -- the parts of a run that run_*.c hand to each other. */
#ifndef THALWEG_RUN_IMPL_H
#define THALWEG_RUN_IMPL_H

#include "thalweg/model_file.h"
#include "thalweg/run.h"

/* Names to rows of the tables; contradictions become problems of the configuration. Not collective. */
tw_status tw_run_resolve_method(tw_run *run) TW_CHECKED;

/* What the description of the data says about the configuration: rows, features, memory. Rank 0. */
void tw_run_check_sizes(tw_run *run);

/* [n_classes] one allocation to be freed, NULL: they have none. Rank 0, or any rank that sees the file. */
tw_status tw_run_class_names(const tw_run *run, char ***names) TW_CHECKED;

/* Labels of data.validation.file to those of the training data, by the names that number them in both files.
 * @param count [out] 0: they agree, or one file has no names
 * @param to out: [count], for tw_shard_rename; to be freed. Collective. */
tw_status tw_run_match_classes(const tw_run *run, size_t *count, double **to) TW_CHECKED;

/* How the features are kept in memory and what is missing, from the configuration to a description. Not
 * collective. */
void tw_run_keep(const tw_run *run, tw_dataset *dataset);

/* Count what is missing, and leave out rows where data.missing says so. Collective. */
tw_status tw_run_drop(tw_run *run) TW_CHECKED;

/* Fill in what is missing, where data.missing says so; the parts are assigned. Collective. */
tw_status tw_run_fill(tw_run *run) TW_CHECKED;

/* The same for the shard of data.validation.file. Not collective. */
tw_status tw_run_fill_validation(tw_run *run) TW_CHECKED;

/* Rows kept for validation, or the folds: into shard.part. Not collective. */
tw_status tw_run_assign_parts(tw_run *run) TW_CHECKED;

/* The rows to train on are those not of part `without` (0: all); scaling is fitted to them. Collective. */
tw_status tw_run_without(tw_run *run, uint32_t without) TW_CHECKED;

/* model.start: is it a model of this kind, with these features? Problems of the configuration, or TW_INPUT,
 * TW_DATA for the file. Rank 0. */
tw_status tw_run_check_start(tw_run *run) TW_CHECKED;

/* Its parameters into run->iterate.w; labels and scaling are known. Collective. */
tw_status tw_run_take_start(tw_run *run) TW_CHECKED;

/* Weights of classes need classes. Not collective. */
void tw_run_check_classes(tw_run *run);

/* Are there rows of two classes to train on? model.class_weight to factors. Once; the rows that train are
 * known. Collective. */
tw_status tw_run_weigh_classes(tw_run *run) TW_CHECKED;

/* The file of data.validation.file. Collective. */
tw_status tw_run_load_validation(tw_run *run) TW_CHECKED;

/* A path of penalties, with folds. Collective. */
tw_status tw_run_path(tw_run *run) TW_CHECKED;

/* The path's columns and coefficients into the model file, group /path. Not collective. */
tw_status tw_path_save(const tw_path *path, const tw_run *run, tw_model_file *file) TW_CHECKED;

/* Find, check and take the checkpoint that this run goes on from, if any; fill run->head. The state list is
 * that of run->trainer and run->checkpoint.extra. Collective. */
tw_status tw_run_resume(tw_run *run) TW_CHECKED;

/* The arrays of a path. Not collective. */
tw_status tw_path_allocate(tw_run *run) TW_CHECKED;

/* Its points to and from numbers; what it adds to the state. Not collective. */
void tw_path_pack(tw_path *path);
void tw_path_unpack(tw_path *path);
bool tw_path_check(const tw_path *path); /* of what came from a file: could a path be there? */
void tw_path_state(void *path, tw_state *state);

/* Optimizer, step, iterate as at the start of a run, the parameters kept. Not collective. */
void tw_run_rewind(tw_run *run);

#endif
