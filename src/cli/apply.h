/* apply.h -- a trained model on a data set over all ranks: what evaluate and predict share. */
#ifndef THALWEG_CLI_APPLY_H
#define THALWEG_CLI_APPLY_H

#include "thalweg/model_file.h"
#include "thalweg/partition.h"

#include <argp.h>

typedef struct {
    tw_comm *comm;      /* not owned */
    tw_model_file file; /* rank 0 only */
    tw_dataset dataset;
    tw_partition partition;
    tw_shard shard;
    tw_model model;
    int threads;        /* of this rank */
    tw_model *views;    /* [threads] the model for each thread; NULL with labels */
    double *raw;        /* raw-space parameters */
    double *classes;    /* [model.classes] */
    tw_missing missing; /* as the model was trained */
    double marker;      /* NAN: none */
    double *fill;       /* [features] for missing features, NULL: none */
    int64_t dropped;    /* own rows that take no part */
    size_t n_renamed;
    double
        *renamed; /* [n_renamed] class for each label of the data, -1: none; NULL: labels are the model's */
    char *names;  /* of the classes, one after the other, when labels are words; else NULL */
} tw_apply;

/** The positional arguments MODEL.h5 DATA.h5, and names in the data file (NULL: detected); not owned. */
typedef struct {
    const char *model, *data;
    tw_dataset_names names;
    const char *watchdog; /* seconds, NULL: the default */
} tw_apply_paths;

/* Options that name data sets, for the tables of the commands. */
enum { TW_APPLY_FEATURES = 512, TW_APPLY_LABELS, TW_APPLY_WEIGHTS, TW_APPLY_WATCHDOG };
#define TW_APPLY_WATCHDOG_OPTION                                        \
    {                                                                   \
        "watchdog", TW_APPLY_WATCHDOG, "SECONDS", 0, TW_WATCHDOG_DOC, 0 \
    }
#define TW_APPLY_FEATURES_OPTION                                                                  \
    {                                                                                             \
        "features", TW_APPLY_FEATURES, "NAME", 0, "Name of the features in DATA.h5 (detected)", 1 \
    }
#define TW_APPLY_LABELS_OPTIONS                                                                              \
    {"labels", TW_APPLY_LABELS, "NAME", 0, "Name of the labels (detected)", 1},                              \
    {                                                                                                        \
        "weights", TW_APPLY_WEIGHTS, "NAME", 0, "Name of the row weights (sample_weight, if it is there)", 1 \
    }

/** Start MPI and the watchdog. Collective. *comm is NULL when MPI did not start. TW_USAGE, TW_MEMORY. */
tw_status tw_apply_start(tw_comm **comm, int *argc, char ***argv, const tw_apply_paths *paths) TW_CHECKED;

/** Take them from argp; ARGP_ERR_UNKNOWN for other keys. */
error_t tw_apply_parse(int key, char *value, struct argp_state *state, tw_apply_paths *paths);

/**
 * Before MPI starts: on what will be rank 0, let a child process (probe.h) read both files; elsewhere TW_OK.
 * Not collective. @return TW_OK; what tw_apply_open would return; TW_DATA for a file that crashes or hangs
 * HDF5.
 */
tw_status tw_apply_probe(const tw_apply_paths *paths, bool labels) TW_CHECKED;

/** What tw_apply_probe said on rank 0, on every rank; of a missing file also on which nodes it is.
 * Collective. */
tw_status tw_apply_probed(tw_comm *comm, const tw_apply_paths *paths, tw_status probed) TW_CHECKED;

/**
 * Read the model on rank 0 and broadcast it, open the data, read the shards; labels become class indices.
 * Names of features, where both files have them, must be the same in the same order. Threads:
 * OMP_NUM_THREADS or SLURM_CPUS_PER_TASK, as many as there is work for.
 * Collective. @param labels  are labels needed?
 * @return TW_OK, TW_INPUT, TW_DATA (also: another number of features), TW_MEMORY; the same on every rank.
 * Release in any case.
 */
tw_status tw_apply_open(tw_apply *apply, tw_comm *comm, const tw_apply_paths *paths, bool labels) TW_CHECKED;
void tw_apply_release(tw_apply *apply);

/** Margins z [rows][outputs] of the own rows [begin, begin + rows), by the thread of that number, when
 * opened without labels. Not collective. */
tw_status tw_apply_margins(const tw_apply *apply, int thread, size_t begin, size_t rows,
                           double *z) TW_CHECKED;

#endif
