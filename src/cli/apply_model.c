/* The share of the model file: rank 0 reads it, the others are told what they need of it. */
#include "cli/apply_model.h"

#include "thalweg/missing.h"

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

tw_status tw_apply_read_file(tw_model_file *f, const char *path)
{
    bool edited = false;
    TW_TRY(tw_model_file_read(f, path, &edited));
    if (edited)
        fprintf(stderr, "thalweg: warning: %s was changed after training: its digest no longer matches\n",
                path);
    return TW_OK;
}

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
    TW_TRY(tw_apply_read_file(&a->file, path));
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

tw_status tw_apply_share_model(tw_apply *a, const char *path)
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
