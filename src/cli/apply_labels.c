/* Labels of the data to classes of the model: by name where both have names, else by number. */
#include "cli/apply_labels.h"

#include "thalweg/phase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rank 0. Index of a name among the model's, or -1. */
static double class_of(const tw_model_file *f, const char *name)
{
    for (size_t k = 0; k < f->n_classes; k++)
        if (strcmp(f->class_names[k], name) == 0) return (double)k;
    return -1;
}

/* Does label k of the data, whose names these are, mean the model's class with the same number? */
static bool agree(const tw_model_file *f, size_t count, char *const *names)
{
    for (size_t k = 0; k < f->n_classes; k++)
        if (f->classes[k] >= (double)count || f->classes[k] < 0 ||
            strcmp(names[(size_t)f->classes[k]], f->class_names[k]) != 0)
            return false;
    return true;
}

tw_status tw_apply_look_at_labels(tw_apply *a)
{
    const tw_model_file *f = &a->file;
    char **names = NULL;
    size_t count = 0;
    if (a->model.classes == 0)
        return a->dataset.words
                   ? tw_fail(TW_DATA, "the labels %s:%s are words, but the model predicts numbers",
                             a->dataset.path, a->dataset.labels)
                   : TW_OK;
    if (a->dataset.words && !f->class_names)
        return tw_fail(TW_DATA,
                       "the labels %s:%s are words, but the classes of the model are numbers without names",
                       a->dataset.path, a->dataset.labels);
    if (a->dataset.words || !f->class_names) return TW_OK;
    TW_TRY(tw_dataset_strings(a->dataset.path, "/classes", &count, &names));
    if (names && !agree(f, count, names)) {
        a->renamed = malloc(count * sizeof *a->renamed);
        a->n_renamed = count;
        for (size_t v = 0; a->renamed && v < count; v++) a->renamed[v] = class_of(f, names[v]);
    }
    const bool failed = a->n_renamed > 0 && !a->renamed;
    free(names);
    return failed ? tw_fail(TW_MEMORY, "out of memory for %zu classes", count) : TW_OK;
}

/* The model's names, "a\0b\0...", from rank 0. */
static tw_status share_names(tw_apply *a, char **bytes)
{
    const bool first = tw_comm_rank(a->comm) == 0;
    size_t size = 0;
    for (size_t k = 0; first && k < a->model.classes; k++) size += strlen(a->file.class_names[k]) + 1;
    TW_TRY(tw_comm_bcast(a->comm, 0, &size, sizeof size));
    *bytes = malloc(size + 1);
    TW_TRY(tw_comm_agree(a->comm, *bytes ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the classes")));
    for (size_t k = 0, at = 0; first && k < a->model.classes; k++) {
        const size_t length = strlen(a->file.class_names[k]) + 1;
        memcpy(*bytes + at, a->file.class_names[k], length);
        at += length;
    }
    return tw_comm_bcast(a->comm, 0, *bytes, size);
}

tw_status tw_apply_share_labels(tw_apply *a)
{
    TW_TRY(tw_comm_bcast(a->comm, 0, &a->n_renamed, sizeof a->n_renamed));
    if (a->n_renamed > 0) {
        if (!a->renamed) a->renamed = malloc(a->n_renamed * sizeof *a->renamed);
        TW_TRY(
            tw_comm_agree(a->comm, a->renamed ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the classes")));
        TW_TRY(tw_comm_bcast(a->comm, 0, a->renamed, a->n_renamed * sizeof *a->renamed));
    }
    return a->dataset.words ? share_names(a, &a->names) : TW_OK;
}

static tw_status find_words(tw_apply *a)
{
    char **names = malloc((a->model.classes + 1) * sizeof *names), *at = a->names;
    if (!names) return tw_fail(TW_MEMORY, "out of memory for the classes");
    for (size_t k = 0; k < a->model.classes; k++, at += strlen(at) + 1) names[k] = at;
    const tw_status status = tw_shard_find_words(&a->shard, a->model.classes, names);
    free(names);
    return status;
}

tw_status tw_apply_take_labels(tw_apply *a)
{
    if (a->model.classes == 0) return tw_model_check_labels(a->model.ops, &a->shard);
    if (a->dataset.words) return find_words(a);
    if (a->n_renamed > 0) return tw_shard_rename(&a->shard, a->n_renamed, a->renamed, a->dataset.path);
    return tw_shard_encode(&a->shard, a->model.classes, a->classes);
}
