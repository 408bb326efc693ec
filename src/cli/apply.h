/* apply.h -- a trained model on a data set over all ranks: what evaluate and predict share. */
#ifndef THALWEG_CLI_APPLY_H
#define THALWEG_CLI_APPLY_H

#include "thalweg/model_file.h"
#include "thalweg/partition.h"

typedef struct {
    tw_comm *comm;       /* not owned */
    tw_model_file file;  /* rank 0 only */
    tw_dataset dataset;
    tw_partition partition;
    tw_shard shard;
    tw_model model;
    double *raw;         /* raw-space parameters */
    double *classes;     /* [model.classes] */
} tw_apply;

/**
 * Read the model on rank 0 and broadcast it, open the data, read the shards; labels become class indices.
 * Collective. @param labels  are labels needed?
 * @return TW_OK, TW_INPUT, TW_DATA (also: another number of features), TW_MEMORY; the same on every rank. Release in
 *         any case.
 */
tw_status tw_apply_open(tw_apply *apply, tw_comm *comm, const char *model, const char *data, bool labels) TW_CHECKED;
void tw_apply_release(tw_apply *apply);

/** Margins z [rows][outputs] of the own rows [begin, begin + rows). Not collective. */
tw_status tw_apply_margins(const tw_apply *apply, size_t begin, size_t rows, double *z) TW_CHECKED;

#endif
