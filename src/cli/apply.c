#include "cli/apply.h"

#include "cli/apply_labels.h"
#include "cli/arguments.h"
#include "thalweg/missing.h"
#include "thalweg/node_file.h"
#include "thalweg/phase.h"
#include "thalweg/threads.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the other ranks must know of the model file. */
typedef struct {
    char model[32];
    size_t features, outputs, classes;
    bool intercept, fills, marked;
    tw_missing missing;
    double marker;
} essence;

static tw_status read_missing(const tw_model_file *f, const char *path, essence *e)
{
    const char *policy = tw_model_file_text(f, "missing");
    const tw_model_number *marker = tw_model_file_number(f, "missing_value");
    if (policy && !tw_missing_find(policy, &e->missing))
        return tw_fail(TW_DATA,
                       "%s: missing features are to be treated by '%s', which this thalweg does not know",
                       path, policy);
    e->fills = f->fill != NULL;
    if ((e->missing == TW_MISSING_MEAN || e->missing == TW_MISSING_ZERO) != e->fills)
        return tw_fail(TW_DATA, "%s: fill_ and the attribute missing contradict each other", path);
    e->marked = marker != NULL;
    if (marker) e->marker = marker->whole ? (double)marker->count : marker->number;
    return TW_OK;
}

static tw_status read_model(tw_apply *a, const char *path, essence *e)
{
    bool edited = false;
    TW_TRY(tw_model_file_read(&a->file, path, &edited));
    if (edited)
        fprintf(stderr, "thalweg: warning: %s was changed after training: its digest no longer matches\n",
                path);
    if (!tw_model_find(a->file.model))
        return tw_fail(TW_DATA, "%s holds a model of type '%s', which this thalweg does not know", path,
                       a->file.model);
    snprintf(e->model, sizeof e->model, "%s", a->file.model);
    e->features = a->file.features;
    e->outputs = a->file.outputs;
    e->classes = a->file.n_classes;
    e->intercept = a->file.intercept;
    return read_missing(&a->file, path, e);
}

static tw_status make_model(tw_apply *a, const essence *e)
{
    TW_TRY(tw_model_init(&a->model, tw_model_find(e->model), e->features, e->classes, true));
    a->raw = calloc(tw_model_raw(&a->model) + 1, sizeof *a->raw);
    a->classes = calloc(e->classes + 1, sizeof *a->classes);
    a->fill = e->fills ? calloc(e->features, sizeof *a->fill) : NULL;
    a->missing = e->missing;
    a->marker = e->marked ? e->marker : NAN;
    if (!a->raw || !a->classes || (e->fills && !a->fill))
        return tw_fail(TW_MEMORY, "out of memory for a model of %zu features", e->features);
    if (a->model.outputs != e->outputs)
        return tw_fail(TW_DATA, "the model has %zu outputs where %s with %zu classes has %zu", e->outputs,
                       e->model, e->classes, a->model.outputs);
    return TW_OK;
}

static tw_status share_model(tw_apply *a, const char *path)
{
    essence e = {0};
    tw_status status = TW_OK;
    if (tw_comm_rank(a->comm) == 0) status = read_model(a, path, &e);
    TW_TRY(tw_comm_bcast_status(a->comm, 0, status));
    TW_TRY(tw_comm_bcast(a->comm, 0, &e, sizeof e));
    TW_TRY(tw_comm_agree(a->comm, make_model(a, &e)));
    if (tw_comm_rank(a->comm) == 0) {
        tw_model_file_raw(&a->file, a->raw);
        if (e.classes) memcpy(a->classes, a->file.classes, e.classes * sizeof *a->classes);
        if (e.fills) memcpy(a->fill, a->file.fill, e.features * sizeof *a->fill);
    }
    if (e.fills) TW_TRY(tw_comm_bcast(a->comm, 0, a->fill, e.features * sizeof *a->fill));
    TW_TRY(tw_comm_bcast(a->comm, 0, a->raw, tw_model_raw(&a->model) * sizeof *a->raw));
    return tw_comm_bcast(a->comm, 0, a->classes, e.classes * sizeof *a->classes);
}

/* The first name that is in one list and not in the other, or NULL. */
static const char *missing(size_t n, char *const *names, char *const *from)
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
    const char *const unknown = missing(a->file.features, names, known), *const absent = missing(
                                                                             a->file.features, known, names);
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

/* What the environment says, as far as there is work for it. */
static int choose_threads(const tw_apply *a, int64_t rows)
{
    const double bytes = (double)rows * (double)a->dataset.cols * (double)tw_dtype_size(a->dataset.type);
    const double worth = 1 + bytes / (64 << 10);
    const int threads = tw_threads_choose(0);
    return threads < worth ? threads : (int)worth;
}

/* Each thread has the rows of the groups that it is going to sum. */
static tw_status read_groups(tw_apply *a)
{
    int64_t start[TW_THREADS_MOST + 1];
    const int rank = tw_comm_rank(a->comm), threads = a->threads;
    const int64_t first = a->partition.start[rank], groups = a->partition.start[rank + 1] - first;
    for (int t = 0; t <= threads; t++)
        start[t] = tw_partition_row(&a->partition, first + tw_threads_first(groups, t, threads));
    return tw_shard_read_threads(&a->shard, &a->dataset, threads, start);
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
    a->threads = choose_threads(a, tw_partition_shard(&a->partition, rank + 1) -
                                       tw_partition_shard(&a->partition, rank));
    if (!labels) a->dataset.labels[0] = a->dataset.weights[0] = 0, a->dataset.words = false;
    TW_TRY(read_groups(a));
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
    TW_TRY(share_model(a, paths->model));
    tw_status status = TW_OK;
    if (tw_comm_rank(comm) == 0) status = open_data(a, paths, labels);
    status = tw_comm_bcast_status(comm, 0, status);
    if (status == TW_OK || status == TW_DATA) TW_TRY(tw_node_file_compare(comm, paths->data));
    TW_TRY(status);
    TW_TRY(tw_dataset_share(&a->dataset, comm));
    if (labels) TW_TRY(tw_apply_share_labels(a));
    TW_TRY(tw_comm_agree(comm, read_rows(a, labels)));
    return a->model.ops->prepare ? a->model.ops->prepare(&a->model, a->raw) : TW_OK;
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
