/* Which data sets of a file are features, labels and weights; several files are in dataset_files.c. Rank 0
 * alone runs this. */
#include "thalweg/dataset.h"

#include "data/dataset_files.h"
#include "data/hdf5_file.h"
#include "data/hdf5_storage.h"
#include "data/hdf5_strings.h"
#include "thalweg/units.h"
#include "thalweg/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED = 64 };

typedef struct {
    char name[LISTED][TW_NAME_LEN];
    char text[LISTED][TW_NAME_LEN + 128]; /* "/X (60000, 784) u8" */
    size_t count;
} listing;

static void describe_entry(hid_t dataset, const char *name, size_t length, char *text)
{
    hsize_t shape[8];
    const int rank = tw_hdf5_shape(dataset, shape);
    const hid_t type = H5Dget_type(dataset);
    size_t at = (size_t)snprintf(text, length, "%s (", name);
    for (int i = 0; i < rank && at < length; i++)
        at += (size_t)snprintf(text + at, length - at, "%s%llu", i ? ", " : "", (unsigned long long)shape[i]);
    if (at < length) snprintf(text + at, length - at, ") %s", tw_hdf5_type_name(type));
    H5Tclose(type);
}

static herr_t visit(hid_t file, const char *name, const H5O_info_t *info, void *context)
{
    listing *list = context;
    if (info->type != H5O_TYPE_DATASET) return 0;
    if (list->count == LISTED) return 1;
    char full[TW_NAME_LEN];
    if (snprintf(full, sizeof full, "/%s", name) >= (int)sizeof full) return 0;
    const hid_t dataset = H5Dopen2(file, full, H5P_DEFAULT);
    if (dataset < 0) return 0;
    strcpy(list->name[list->count], full);
    describe_entry(dataset, full, sizeof list->text[0], list->text[list->count++]);
    H5Dclose(dataset);
    return 0;
}

static listing *list_datasets(hid_t file)
{
    listing *list = calloc(1, sizeof *list);
    if (list) H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, visit, list, H5O_INFO_BASIC);
    return list;
}

static void join(const listing *list, const char *separator, size_t length, char *text)
{
    size_t at = 0;
    text[0] = 0;
    if (list->count == 0) snprintf(text, length, "no data sets at all");
    for (size_t i = 0; i < list->count && at < length; i++)
        at += (size_t)snprintf(text + at, length - at, "%s%s", i ? separator : "", list->text[i]);
}

tw_status tw_dataset_list(const char *path, const char *separator, size_t length, char *text)
{
    hid_t file;
    TW_TRY(tw_hdf5_open(path, &file));
    listing *list = list_datasets(file);
    if (list) join(list, separator, length, text);
    H5Fclose(file);
    if (!list) return tw_fail(TW_MEMORY, "out of memory for the contents of %s", path);
    free(list);
    return TW_OK;
}

/* TW_DATA with what is there and, when a name was asked for, the nearest one. */
static tw_status not_found(hid_t file, const char *path, const char *wanted)
{
    char all[TW_MESSAGE_LEN / 2];
    listing *list = list_datasets(file);
    if (!list) return tw_fail(TW_MEMORY, "out of memory for the contents of %s", path);
    const char *names[LISTED], *near = NULL;
    for (size_t i = 0; i < list->count; i++) names[i] = list->name[i];
    if (wanted) near = tw_words_nearest(wanted, list->count, names);
    for (size_t i = 0; wanted && !near && i < list->count; i++)
        if (strcasecmp(wanted, list->name[i] + 1) == 0) near = list->name[i];
    join(list, " | ", sizeof all, all);
    if (wanted)
        tw_fail(TW_DATA, "data set '%s' not found in %s\n    available: %s%s%s%s", wanted, path, all,
                near ? "        did you mean '" : "", near ? near : "", near ? "'?" : "");
    else
        tw_fail(TW_DATA,
                "no features found in %s: expected X, data, features or x_train; name them with "
                "data.features (or --features)\n"
                "    available: %s",
                path, all);
    free(list);
    return TW_DATA;
}

static tw_status take_name(hid_t file, const char *path, const char *wanted, char *name)
{
    if (snprintf(name, TW_NAME_LEN, "%s%s", wanted[0] == '/' ? "" : "/", wanted) >= TW_NAME_LEN ||
        !tw_hdf5_exists(file, name))
        return not_found(file, path, wanted);
    return TW_OK;
}

static tw_status find_names(hid_t file, tw_dataset *d, const tw_dataset_names *names, const char **wrong)
{
    static const char *const pairs[][2] = {{"/X", "/y"},
                                           {"/data", "/label"},
                                           {"/data", "/labels"},
                                           {"/features", "/target"},
                                           {"/features", "/targets"},
                                           {"/x_train", "/y_train"},
                                           {"/x", "/y"}};
    const size_t n_pairs = sizeof pairs / sizeof *pairs;
    if (names->features) {
        *wrong = "data.features";
        TW_TRY(take_name(file, d->path, names->features, d->features));
    }
    if (names->labels) {
        *wrong = "data.labels";
        TW_TRY(take_name(file, d->path, names->labels, d->labels));
    }
    if (names->weights) {
        *wrong = "data.weights";
        TW_TRY(take_name(file, d->path, names->weights, d->weights));
    }
    *wrong = NULL;
    for (size_t i = 0; i < n_pairs && !d->features[0]; i++)
        if (tw_hdf5_exists(file, pairs[i][0])) strcpy(d->features, pairs[i][0]);
    if (!d->features[0]) return not_found(file, d->path, NULL);
    for (size_t i = 0; i < n_pairs && !d->labels[0]; i++)
        if (strcmp(d->features, pairs[i][0]) == 0 && tw_hdf5_exists(file, pairs[i][1]))
            strcpy(d->labels, pairs[i][1]);
    for (size_t i = 0; i < n_pairs && !d->labels[0]; i++)
        if (names->features && tw_hdf5_exists(file, pairs[i][1])) strcpy(d->labels, pairs[i][1]);
    if (!d->weights[0] && tw_hdf5_exists(file, "/sample_weight")) strcpy(d->weights, "/sample_weight");
    return TW_OK;
}

static void read_storage(hid_t dataset, tw_dataset *d)
{
    hsize_t chunk[8];
    const hid_t creation = H5Dget_create_plist(dataset);
    if (H5Pget_layout(creation) == H5D_CHUNKED && H5Pget_chunk(creation, 8, chunk) > 0)
        d->chunk_rows = (int64_t)chunk[0];
    d->compressed = H5Pget_nfilters(creation) > 0;
    H5Pclose(creation);
}

static tw_status check_features(hid_t dataset, tw_dataset *d)
{
    hsize_t shape[8];
    const int rank = tw_hdf5_shape(dataset, shape);
    const hid_t type = H5Dget_type(dataset);
    const char *const kind = tw_hdf5_type_name(type);
    hid_t memory;
    const bool usable = tw_hdf5_memory_type(type, &d->type, &memory);
    d->stored = d->type;
    if (usable) {
        d->offset = tw_storage_offset(dataset, memory);
        H5Tclose(memory);
    }
    H5Tclose(type);
    if (!usable)
        return tw_fail(TW_DATA,
                       "features '%s' of %s are of type %s; they must be integers or floats of 8 to 64 bits",
                       d->features, d->path, kind);
    if (rank != 2)
        return tw_fail(TW_DATA,
                       "features '%s' of %s have %d dimension%s; they must have 2, (rows, features)%s",
                       d->features, d->path, rank, rank == 1 ? "" : "s",
                       rank == 1 ? "; reshape a single feature to (rows, 1)" : "");
    if (shape[0] == 0 || shape[1] == 0)
        return tw_fail(TW_DATA, "features '%s' of %s are empty: shape (%llu, %llu)", d->features, d->path,
                       (unsigned long long)shape[0], (unsigned long long)shape[1]);
    if (shape[0] > INT64_MAX / 16 || shape[1] > INT64_MAX / 16 / shape[0])
        return tw_fail(TW_DATA, "features '%s' of %s claim an impossible size: (%llu, %llu)", d->features,
                       d->path, (unsigned long long)shape[0], (unsigned long long)shape[1]);
    d->rows = (int64_t)shape[0];
    d->cols = (int64_t)shape[1];
    read_storage(dataset, d);
    return TW_OK;
}

/* Rows that were never written would read as zeros, and storage shorter than the shape claims must not be
 * read. */
static tw_status check_storage(hid_t dataset, const char *path, const char *name)
{
    H5D_space_status_t status = H5D_SPACE_STATUS_ERROR;
    const hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset),
                creation = H5Dget_create_plist(dataset);
    const uint64_t needed = (uint64_t)H5Sget_simple_extent_npoints(space) * H5Tget_size(type);
    const uint64_t stored = H5Dget_storage_size(dataset);
    const bool whole = H5Pget_layout(creation) == H5D_CHUNKED || stored >= needed;
    H5Dget_space_status(dataset, &status);
    H5Pclose(creation);
    H5Sclose(space);
    H5Tclose(type);
    if (whole && status != H5D_SPACE_STATUS_NOT_ALLOCATED) return tw_storage_real(dataset, path, name);
    return tw_fail(TW_DATA, "data set '%s' of %s was never written, or not completely: %llu of %llu bytes",
                   name, path, (unsigned long long)stored, (unsigned long long)needed);
}

/* Labels and weights: numbers, one a row. */
static tw_status check_column(hid_t file, const tw_dataset *d, const char *name, const char *what,
                              bool *words)
{
    hid_t dataset, memory;
    tw_dtype unused;
    hsize_t shape[8];
    TW_TRY(tw_hdf5_dataset(file, d->path, name, &dataset));
    const int rank = tw_hdf5_shape(dataset, shape);
    const hid_t type = H5Dget_type(dataset);
    const char *const kind = tw_hdf5_type_name(type);
    const bool number = tw_hdf5_memory_type(type, &unused, &memory);
    if (number) H5Tclose(memory);
    H5Tclose(type);
    if (words) *words = tw_hdf5_holds_strings(dataset);
    const bool usable = number || (words && *words);
    tw_status status = TW_OK;
    if (rank > 0 && shape[0] > 0) status = check_storage(dataset, d->path, name);
    H5Dclose(dataset);
    TW_TRY(status);
    if (!usable)
        return tw_fail(TW_DATA, "%s '%s' of %s are of type %s; they must be integers or floats%s", what, name,
                       d->path, kind, words ? ", or strings" : "");
    if (!(rank == 1 || (rank == 2 && shape[1] == 1)))
        return tw_fail(TW_DATA, "%s '%s' of %s must have one dimension, one number a row; they have %d", what,
                       name, d->path, rank);
    if ((int64_t)shape[0] != d->rows)
        return tw_fail(TW_DATA, "%s: '%s' has %lld rows but '%s' has %llu; they must be equal", d->path,
                       d->features, (long long)d->rows, name, (unsigned long long)shape[0]);
    return TW_OK;
}

static tw_status examine(hid_t file, tw_dataset *d, const tw_dataset_names *names, const char **wrong)
{
    hid_t dataset;
    TW_TRY(find_names(file, d, names, wrong));
    TW_TRY(tw_hdf5_dataset(file, d->path, d->features, &dataset));
    tw_status status = check_features(dataset, d);
    if (status == TW_OK) status = check_storage(dataset, d->path, d->features);
    H5Dclose(dataset);
    TW_TRY(status);
    if (!d->labels[0] && names->need_labels)
        return tw_fail(TW_DATA, "no labels found in %s beside '%s'; name them with data.labels (or --labels)",
                       d->path, d->features);
    if (d->labels[0]) TW_TRY(check_column(file, d, d->labels, "labels", &d->words));
    if (d->weights[0]) TW_TRY(check_column(file, d, d->weights, "weights", NULL));
    return TW_OK;
}

tw_status tw_dataset_open_one(tw_dataset *d, const char *path, const tw_dataset_names *names,
                              const char **wrong)
{
    hid_t file;
    *d = (tw_dataset){.files = 1};
    if (snprintf(d->path, sizeof d->path, "%s", path) >= (int)sizeof d->path)
        return tw_fail(TW_INPUT, "the path of the data is longer than %d bytes", TW_PATH_LEN);
    TW_TRY(tw_hdf5_open(path, &file));
    const tw_status status = examine(file, d, names, wrong);
    H5Fclose(file);
    return status;
}

void tw_dataset_describe(const tw_dataset *d, size_t length, char *text)
{
    char more[48] = "", as[48] = "";
    if (d->files > 1) snprintf(more, sizeof more, " (and %zu more)", d->files - 1);
    if (d->type != d->stored) snprintf(as, sizeof as, " as %s", tw_dtype_name(d->type));
    snprintf(text, length, "%s%s:%s  %lld x %lld %s%s%s%s%s%s", d->path, more, d->features,
             (long long)d->rows, (long long)d->cols, tw_dtype_name(d->stored), as, d->labels[0] ? ", " : "",
             d->labels, d->weights[0] ? ", weights " : "", d->weights);
}
