/* What the probe reads of a data file. */
#include "data/hdf5_file.h"
#include "data/shard_read.h"
#include "data/survey.h"
#include "thalweg/probe.h"
#include "thalweg/shard.h"

#include <stdlib.h>

static void ignore(void *context, const tw_survey_tile *tile)
{
    (void)context, (void)tile;
}

/* Chunks found by a version 1 B-tree, which has no checksums and on which HDF5 1.10 crashes. */
static tw_status is_fragile(const tw_dataset *d, const char *name, bool *fragile)
{
    hid_t file, dataset;
    H5D_chunk_index_t index = H5D_CHUNK_IDX_BTREE;
    TW_TRY(tw_hdf5_open(d->path, &file));
    tw_status status = tw_hdf5_dataset(file, d->path, name, &dataset);
    if (status == TW_OK) {
        const hid_t creation = H5Dget_create_plist(dataset);
        *fragile = H5Pget_layout(creation) == H5D_CHUNKED &&
                   (H5Dget_chunk_index_type(dataset, &index) < 0 || index == H5D_CHUNK_IDX_BTREE);
        H5Pclose(creation);
        H5Dclose(dataset);
    }
    H5Fclose(file);
    return status;
}

static tw_status read_fragile(const tw_dataset *d, const char *name, uint64_t bytes)
{
    bool fragile = false;
    TW_TRY(is_fragile(d, name, &fragile));
    if (!fragile) return TW_OK;
    tw_probe_expect(bytes);
    return tw_survey_values(d->path, name, ignore, NULL);
}

/* Words of variable length lie in heaps of their own. */
static tw_status read_all_words(const tw_dataset *d, uint64_t bytes)
{
    hid_t file, dataset;
    tw_shard shard = {0};
    const tw_shard_part part = {.dataset = d, .rows = d->rows};
    double *y = malloc((size_t)d->rows * sizeof *y);
    tw_probe_expect(8 * bytes);
    tw_status status = y ? tw_hdf5_open(d->path, &file) : tw_fail(TW_MEMORY, "out of memory for the labels");
    if (status == TW_OK) {
        status = tw_hdf5_dataset(file, d->path, d->labels, &dataset);
        if (status == TW_OK) {
            status = tw_shard_read_words(&shard, &part, dataset, y);
            H5Dclose(dataset);
        }
        H5Fclose(file);
    }
    tw_shard_release(&shard);
    free(y);
    return status;
}

static tw_status read_values_of(const tw_dataset *d)
{
    const uint64_t column = (uint64_t)d->rows * sizeof(double);
    const uint64_t bytes = (uint64_t)d->rows * (uint64_t)d->cols * tw_dtype_size(d->type);
    tw_probe_doing(d->path, "reading its values");
    if (bytes < TW_PROBE_SMALL && column < TW_PROBE_SMALL) {
        tw_shard shard;
        tw_probe_expect(bytes + 2 * column);
        TW_TRY(tw_shard_read(&shard, d, 0, d->rows));
        tw_shard_release(&shard);
        return TW_OK;
    }
    TW_TRY(read_fragile(d, d->features, bytes));
    if (d->words) TW_TRY(read_all_words(d, column));
    if (d->labels[0] && !d->words) TW_TRY(read_fragile(d, d->labels, column));
    return d->weights[0] ? read_fragile(d, d->weights, column) : TW_OK;
}

static tw_status read_values(const tw_dataset *d)
{
    int64_t first;
    for (size_t f = 0; f < d->files; f++) {
        const tw_dataset one = tw_dataset_part(d, f, &first);
        TW_TRY(read_values_of(&one));
    }
    return TW_OK;
}

static tw_status read_names(const char *path, const char *name)
{
    size_t count;
    char **strings;
    TW_TRY(tw_dataset_strings(path, name, &count, &strings));
    free(strings);
    return TW_OK;
}

tw_status tw_probe_read(const tw_dataset *d, bool names)
{
    if (names) {
        tw_probe_doing(d->path, "reading /feature_names");
        TW_TRY(read_names(d->path, "/feature_names"));
        tw_probe_doing(d->path, "reading /classes");
        TW_TRY(read_names(d->path, "/classes"));
    }
    return read_values(d);
}

typedef struct {
    const char *path;
    const tw_dataset_names *names;
} request;

static tw_status look(void *context)
{
    static tw_dataset dataset;
    const request *const r = context;
    tw_probe_doing(r->path, "reading its structure");
    TW_TRY(tw_dataset_open(&dataset, r->path, r->names, NULL));
    return tw_probe_read(&dataset, true);
}

tw_status tw_probe_dataset(const char *path, const tw_dataset_names *names, const tw_probe_limits *limits)
{
    const tw_probe_limits usual = tw_probe_limits_for(1, &path);
    return tw_probe_run(limits ? limits : &usual, look, &(request){path, names}, NULL);
}
