#include "cli/apply.h"

#include "cli/apply_labels.h"
#include "cli/apply_model.h"
#include "cli/arguments.h"
#include "thalweg/missing.h"
#include "thalweg/node_file.h"
#include "thalweg/phase.h"

#include <stdlib.h>
#include <string.h>

/* The first name that is in one list and not in the other, or NULL. */
static const char *name_not_in(size_t n, char *const *names, char *const *from)
{
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;
        while (j < n && strcmp(names[i], from[j]) != 0) j++;
        if (j == n) return names[i];
    }
    return NULL;
}

static tw_status refuse_names(const tw_apply *a, const char *path, size_t at, char *const *names)
{
    char *const *const known = a->file.feature_names;
    const char *const unknown = name_not_in(a->file.features, names, known);
    const char *const absent = name_not_in(a->file.features, known, names);
    if (!unknown && !absent)
        return tw_fail(TW_DATA,
                       "%s has the features of the model in another order: feature %zu (counted from 0) is "
                       "'%s' where the model was trained on '%s'; put the columns of %s and its "
                       "/feature_names into the order of feature_names_in_ of the model (thalweg inspect "
                       "shows it)",
                       path, at, names[at], known[at], a->dataset.features);
    return tw_fail(
        TW_DATA,
        "%s has other features than the model: feature %zu (counted from 0) is '%s' where the model "
        "was trained on '%s'%s%s%s; give it the columns that the model was trained on, or, if only "
        "the names differ, correct or remove its /feature_names",
        path, at, names[at], known[at], absent ? "; it has no '" : "", absent ? absent : "",
        absent ? "'" : "");
}

/* Names must agree where both files have them. */
static tw_status match_names(const tw_apply *a, const char *path)
{
    size_t count, i = 0;
    char **names;
    TW_TRY(tw_dataset_strings(path, "/feature_names", &count, &names));
    tw_status status = TW_OK;
    if (names && count == a->file.features && a->file.feature_names) {
        while (i < count && strcmp(names[i], a->file.feature_names[i]) == 0) i++;
        if (i < count) status = refuse_names(a, path, i, names);
    }
    free(names);
    return status;
}

static tw_status open_data(tw_apply *a, const tw_apply_paths *paths, bool labels)
{
    const char *path = paths->data;
    tw_dataset_names names = paths->names;
    names.need_labels = labels;
    TW_TRY(tw_dataset_open(&a->dataset, path, &names, NULL));
    /* A row that is left out has no prediction. */
    tw_dataset_keep(&a->dataset, NULL,
                    !labels && a->missing == TW_MISSING_DROP ? TW_MISSING_ERROR : a->missing, a->marker);
    a->dataset.fitted = true;
    if ((size_t)a->dataset.cols != a->model.features)
        return tw_fail(TW_DATA, "the model was trained on %zu features, but %s:%s has %lld",
                       a->model.features, path, a->dataset.features, (long long)a->dataset.cols);
    TW_TRY(match_names(a, a->dataset.path));
    return labels ? tw_apply_look_at_labels(a) : TW_OK;
}

static tw_status share_views(tw_apply *a)
{
    a->views = calloc((size_t)a->threads, sizeof *a->views);
    if (!a->views) return tw_fail(TW_MEMORY, "out of memory for %d threads", a->threads);
    for (int t = 0; t < a->threads; t++) TW_TRY(tw_model_share(&a->views[t], &a->model));
    return TW_OK;
}

static tw_status read_rows(tw_apply *a, bool labels)
{
    const int rank = tw_comm_rank(a->comm);
    TW_TRY(tw_partition_init(&a->partition, a->dataset.rows, 0, tw_comm_size(a->comm)));
    a->threads = tw_shard_threads(&a->dataset, &a->partition, rank, 0);
    if (!labels) a->dataset.labels[0] = a->dataset.weights[0] = 0, a->dataset.words = false;
    TW_TRY(tw_shard_read_groups(&a->shard, &a->dataset, &a->partition, rank, a->threads));
    if (a->missing == TW_MISSING_DROP) TW_TRY(tw_missing_drop(&a->shard, &a->dropped));
    tw_missing_fill(&a->shard, a->threads, a->fill);
    if (!labels) return share_views(a);
    return tw_apply_take_labels(a);
}

tw_status tw_apply_start(tw_comm **comm, int *argc, char ***argv, const tw_apply_paths *paths)
{
    double seconds = TW_WATCHDOG_SECONDS;
    *comm = NULL;
    if (paths->watchdog) TW_TRY(tw_arguments_watchdog(paths->watchdog, &seconds));
    TW_TRY(tw_comm_init(comm, argc, argv));
    const tw_status status = tw_command_watch(*comm, seconds);
    if (status == TW_OK) return TW_OK;
    tw_command_end(*comm, status);
    return status;
}

tw_status tw_apply_probed(tw_comm *comm, const tw_apply_paths *paths, tw_status probed)
{
    const tw_status status = tw_comm_bcast_status(comm, 0, probed);
    if (status != TW_INPUT) return status;
    TW_TRY(tw_node_file_compare(comm, paths->model)); /* perhaps on another node */
    TW_TRY(tw_node_file_compare(comm, paths->data));
    return status;
}

error_t tw_apply_parse(int key, char *value, struct argp_state *state, tw_apply_paths *paths)
{
    switch (key) {
    case TW_APPLY_FEATURES: paths->names.features = value; return 0;
    case TW_APPLY_LABELS: paths->names.labels = value; return 0;
    case TW_APPLY_WATCHDOG: paths->watchdog = value; return 0;
    case TW_APPLY_WEIGHTS: paths->names.weights = value; return 0;
    case ARGP_KEY_ARG:
        if (!paths->model)
            paths->model = value;
        else if (!paths->data)
            paths->data = value;
        else
            argp_error(state, "a model and a data set, not also '%s'", value);
        return 0;
    case ARGP_KEY_END:
        if (!paths->data) argp_error(state, "a model and a data set are needed");
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

tw_status tw_apply_open(tw_apply *a, tw_comm *comm, const tw_apply_paths *paths, bool labels)
{
    *a = (tw_apply){.comm = comm};
    tw_phase_enter(TW_AT_LOAD, 0);
    TW_TRY(tw_apply_share_model(a, paths->model));
    tw_status status = TW_OK;
    if (tw_comm_rank(comm) == 0) status = open_data(a, paths, labels);
    status = tw_comm_bcast_status(comm, 0, status);
    if (status == TW_OK || status == TW_DATA) TW_TRY(tw_node_file_compare(comm, paths->data));
    TW_TRY(status);
    TW_TRY(tw_dataset_share(&a->dataset, comm));
    if (labels) TW_TRY(tw_apply_share_labels(a));
    return tw_comm_agree(comm, read_rows(a, labels));
}

void tw_apply_release(tw_apply *a)
{
    free(a->names);
    free(a->renamed);
    free(a->fill);
    for (int t = 0; a->views && t < a->threads; t++)
        if (a->views[t].ops) tw_model_release(&a->views[t]);
    free(a->views);
    free(a->classes);
    tw_dataset_release(&a->dataset);
    free(a->raw);
    tw_model_release(&a->model);
    tw_shard_release(&a->shard);
    tw_partition_release(&a->partition);
    tw_model_file_release(&a->file);
    *a = (tw_apply){0};
}

tw_status tw_apply_margins(const tw_apply *a, int thread, size_t begin, size_t rows, double *z)
{
    const tw_model *const m = &a->views[thread];
    for (size_t end = begin + rows, count; begin < end; begin += count, z += count * m->outputs) {
        count = end - begin < TW_BLOCK_ROWS ? end - begin : TW_BLOCK_ROWS;
        const tw_block block = tw_shard_block(&a->shard, begin, count);
        if (thread == 0) tw_phase_tick();
        TW_TRY(m->ops->margins(m, &block, a->raw, z));
    }
    return TW_OK;
}
