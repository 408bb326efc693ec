/* run.h -- one training run: everything a configuration names, resolved, loaded, and owned in one place.
 *
 * tw_run_configure (names to rows of the tables, the data file to a description)  ->  tw_run_load (shard,
 * model, scaling, objective)  ->  tw_run_train (the loop)  ->  tw_run_finish (model.h5, summary.json, the
 * report). */
#ifndef THALWEG_RUN_H
#define THALWEG_RUN_H

#include "thalweg/binding.h"
#include "thalweg/config.h"
#include "thalweg/run_folder.h"
#include "thalweg/trainer.h"

/** The rows of data.validation: of the training file (then weight says which), or of a file of their own. */
typedef struct {
    bool any;
    tw_dataset dataset; /* as all down to objective: of a file of its own */
    tw_partition partition;
    tw_shard shard;
    tw_objective objective;
    tw_validation validation;
    double *weight; /* [rows of the training shard], 0 for rows that are not watched; owned */
    double rows;    /* watched rows of all ranks */
    double *best;   /* [n] parameters of the best score; owned */
} tw_watched;

/** One row of a regularisation path. */
typedef struct {
    double l1, l2;
    double loss, mean_loss;   /* F, and its loss without penalties */
    double cv_mean, cv_error; /* loss of the rows left out, over the folds, and its standard error; or NAN */
    double val_loss;
    long iterations, evaluations, nonzeros;
    tw_reason why;
    double f_prev, step; /* of the last step */
    tw_monitor monitor;  /* as this fit left it */
    double *w;           /* [n] trained parameters; in tw_path.parameters */
} tw_path_point;

/** Stages of a path. */
enum { TW_PATH_LARGEST, TW_PATH_FOLDS, TW_PATH_ROWS, TW_PATH_COLUMNS = 22 };

typedef struct {
    size_t count, planned; /* penalties done, and model.path.count: more when time ran out */
    size_t folds, n;       /* model.folds, parameters */
    tw_path_point *points; /* [planned] largest penalty first; owned */
    long best, one_error;  /* by cross-validation or validation rows; -1: none */
    long kept;             /* the row that is the run's result */
    long fits, unfinished; /* those of the folds included; how many of them did not converge */
    double *fold_loss;     /* [folds][planned], or NULL; owned */
    double *fold_weight;   /* [folds]; owned */
    double largest;        /* lambda at which the first parameter leaves zero */

    /* where it is: for checkpoints */
    long stage, fold, row; /* TW_PATH_LARGEST, ...; of the fit in progress */
    long position;         /* number of the fit in progress */
    long iterations;       /* of this fold so far */
    long evals;            /* of the objective, when the fit in progress began */
    double *parameters;    /* [planned][n] all points' w; owned */
    double *table;         /* [planned][TW_PATH_COLUMNS] the points as numbers; owned */
} tw_path;

/** Classes in the rows that train. Owned. */
typedef struct {
    double *factor; /* [n_classes] of the weights of rows; NULL: 1 for all */
    double *weight; /* [n_classes] without the factor; NULL: not needed, or not known yet */
    char **names;   /* [n_classes] or NULL; rank 0 */
} tw_class_weights;

typedef struct {
    tw_comm *comm; /* not owned */
    tw_binding binding;
    tw_config config;
    char config_path[TW_PATH_LEN], out[TW_PATH_LEN];
    const char *resume; /* "auto", "never", a checkpoint or a run folder; NULL: auto, but no finished run */
    bool new_contract;  /* resume although the bits may change */
    char *text;         /* [length] of the configuration, from tw_run_probe on rank 0, or NULL; owned */
    size_t length;

    const tw_model_ops *model_ops;
    const tw_optimizer_ops *optimizer_ops;
    const tw_step_ops *step_ops;
    tw_step_settings step_settings;
    tw_monitor_settings stop;

    tw_dataset dataset;
    tw_partition partition;
    tw_shard shard;
    size_t n_classes;
    double *classes; /* [n_classes] ascending */
    size_t n_names;
    char **class_names;      /* [n_names] of labels that are words: label k is word k; NULL: numbers; owned */
    double *fill;            /* [features] for missing features, NULL: none are filled in; owned */
    double missing, dropped; /* features and rows of all ranks, of the training files */
    tw_model model;
    tw_scaling scaling;
    tw_objective objective;
    tw_optimizer optimizer;
    tw_step step;
    tw_iterate iterate;
    tw_monitor monitor;
    double *row_weight; /* [rows of the shard] weights of the rows to train on; NULL: the shard's; owned */
    tw_class_weights class_weights;
    tw_watched watched;
    tw_path path;
    tw_runlog log;
    tw_run_folder folder;
    tw_trainer trainer;
    tw_checkpoint checkpoint;
    tw_checkpoint_head head;
    char *configuration; /* resolved, as text; owned */
    char data_digest[33], watched_digest[33];
    char start_hash[64]; /* of the parameters of model.start, "": unknown; rank 0 */
    char resumed[2 * TW_PATH_LEN]; /* the line of the header */

    bool opened;  /* the run folder is */
    bool ended;   /* the status file tells how */
    double began; /* clock */
    double read;  /* seconds of reading */
    int threads;  /* of this rank */
} tw_run;

/** Zeros and defaults. Borrows comm. Not collective. */
void tw_run_init(tw_run *run, tw_comm *comm);
void tw_run_release(tw_run *run);

/** What a run is started with: as the arguments of tw_run_configure. Nothing is owned. */
typedef struct {
    const char *path, *out, *resume;
    size_t n_sets;
    char *const *sets;
} tw_run_request;

/**
 * Before MPI starts, in the process that will be rank 0: let a child process (probe.h) configure the run and
 * read its data files, so that one that crashes HDF5 crashes the child.
 *
 * Not collective.
 * @param text out: the configuration, to be moved into run->text, or freed; a pipe can be read only once
 * @return what tw_run_configure will return when it fails, with the same sentence; TW_DATA for a file that
 * crashes or hangs HDF5 or cannot be read; TW_MEMORY.
 */
tw_status tw_run_probe(const tw_run_request *request, char **text, size_t *length) TW_CHECKED;

/**
 * Read the configuration on rank 0 (or take run->text), broadcast it, apply the --set overrides, resolve
 * every name, look into the data file, check the run folder. All problems are reported together.
 *
 * Collective. @param sets [n_sets] "KEY=VALUE"   @param out  run folder, or NULL for output.dir
 * @return TW_OK, TW_CONFIG (all problems), TW_INPUT, TW_DATA, TW_OUTPUT; the same on every rank.
 */
tw_status tw_run_configure(tw_run *run, const char *path, size_t n_sets, char *const *sets,
                           const char *out) TW_CHECKED;

/** Take the run folder: from here on its status says how the run ends. tw_run_train does it when nobody has.
 * Collective. TW_OUTPUT, TW_IO. */
tw_status tw_run_open(tw_run *run) TW_CHECKED;

/** Read the shards, make the model, fit the scaling, set the starting point. Collective. */
tw_status tw_run_load(tw_run *run) TW_CHECKED;

/** Go on from a checkpoint where there is one, print the header, train. Collective. TW_RESUME: what is there
 * belongs to another run; TW_CHECKPOINT: none that is there, or the one that was named, is valid. */
tw_status tw_run_train(tw_run *run) TW_CHECKED;

/** Write model.h5 and summary.json, print the report. Collective. TW_DIVERGED; TW_STOPPED: before the end. */
tw_status tw_run_finish(tw_run *run) TW_CHECKED;

/** The plan of a configured run, for people: data, method, memory a rank needs. Reads no data; rank 0 prints.
 * Not collective. TW_CONFIG, TW_MEMORY. */
tw_status tw_run_outline(tw_run *run) TW_CHECKED;

/** "reproducible" or "allreduce". Not collective. */
const char *tw_run_reduction_name(const tw_run *run);

/** Hash of the trained parameters. Not collective. */
uint64_t tw_run_hash(const tw_run *run);

#endif
