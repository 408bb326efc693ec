#include "scale/weak.h"

#include "thalweg/dataset.h"
#include "thalweg/model.h"
#include "thalweg/shard.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_OF_CLASSES = 1 << 18, BYTES_OF_CLASSES = 1 << 28 };

static const char *task_of(const char *model)
{
    if (strcmp(model, "linear") == 0 || strcmp(model, "huber") == 0) return "linear";
    if (strcmp(model, "logistic") == 0 || strcmp(model, "squared_hinge") == 0) return "logistic";
    return strcmp(model, "softmax") == 0 ? "softmax" : NULL;
}

static tw_status count_labels(const tw_dataset *set, size_t *count)
{
    const int64_t width = (int64_t)tw_dtype_size(set->type) * set->cols,
                  fit = BYTES_OF_CLASSES / (width + 1) + 1;
    int64_t rows = fit < ROWS_OF_CLASSES ? fit : ROWS_OF_CLASSES;
    if (rows > set->rows) rows = set->rows;
    tw_shard shard = {0};
    tw_comm *comm;
    double *classes = NULL;
    TW_TRY(tw_comm_local(&comm));
    tw_status status = tw_shard_read(&shard, set, 0, rows);
    if (status == TW_OK) status = tw_shard_classes(&shard, comm, count, &classes);
    free(classes);
    tw_shard_release(&shard);
    tw_comm_release(comm);
    return status;
}

static tw_status count_classes(const tw_dataset *set, int64_t *classes)
{
    char **names = NULL;
    size_t count = 0;
    TW_TRY(tw_dataset_strings(set->path, "/classes", &count, &names));
    const bool named = names && count >= 2;
    free(names);
    if (!named) TW_TRY(count_labels(set, &count));
    *classes = count < 2 ? 2 : (int64_t)count;
    return TW_OK;
}

tw_status tw_weak_look(const tw_config *config, tw_weak *weak)
{
    const tw_dataset_names names = {.features = config->data.features,
                                    .labels = config->data.labels,
                                    .weights = config->data.weights,
                                    .need_labels = true};
    tw_dataset set;
    *weak = (tw_weak){.task = task_of(config->model.type ? config->model.type : ""), .seed = config->seed};
    if (!weak->task)
        return tw_fail(TW_CONFIG,
                       "a weak study needs generated data, and `thalweg generate` has no task for model.type "
                       "%s; use --mode strong",
                       config->model.type ? config->model.type : "(not set)");
    TW_TRY(tw_dataset_open(&set, config->data.train, &names, NULL));
    weak->rows = set.rows;
    weak->features = set.cols;
    weak->type = set.type == TW_f64 ? "f64" : "f32";
    return strcmp(weak->task, "softmax") == 0 ? count_classes(&set, &weak->classes) : TW_OK;
}

void tw_weak_words(const tw_weak *weak, int64_t rows, const char *path, tw_argv *words)
{
    tw_argv_add(words, "generate");
    tw_argv_add(words, "-o");
    tw_argv_add(words, "%s", path);
    tw_argv_add(words, "--task=%s", weak->task);
    tw_argv_add(words, "--rows=%lld", (long long)rows);
    tw_argv_add(words, "--features=%lld", (long long)weak->features);
    tw_argv_add(words, "--type=%s", weak->type);
    tw_argv_add(words, "--seed=%lld", (long long)weak->seed);
    if (weak->classes) tw_argv_add(words, "--classes=%lld", (long long)weak->classes);
}
