/* A model on rows: the same parts as a run of the program makes, without its files. */
#include "train/method.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    tw_comm *comm;
    const tw_model_ops *ops;
    const tw_minimize_settings *set;
    tw_method method;
    tw_partition partition;
    const tw_shard *shard;
    size_t classes;
    tw_model model;
    tw_scaling scaling;
    tw_objective F;
} fitting;

static void release(fitting *t)
{
    tw_objective_release(&t->F);
    tw_scaling_release(&t->scaling);
    tw_model_release(&t->model);
    tw_partition_release(&t->partition);
}

static tw_status make_objective(fitting *t)
{
    const tw_objective_parts parts = {.comm = t->comm,
                                      .partition = &t->partition,
                                      .shard = t->shard,
                                      .model = &t->model,
                                      .scaling = &t->scaling,
                                      .mode = t->set->mode,
                                      .l2 = t->set->l2,
                                      .l1 = t->set->l1,
                                      .keep_margins = tw_method_margins(&t->method, t->ops)};
    return tw_objective_init(&t->F, &parts);
}

/* Everything that knows its rows and classes. */
static tw_status train(fitting *t, tw_minimize_result *out)
{
    const size_t cols = t->shard->cols;
    TW_TRY(tw_comm_agree(t->comm, tw_model_init(&t->model, t->ops, cols, t->classes, !t->set->no_intercept)));
    TW_TRY(tw_scaling_fit(&t->scaling, t->set->scaling, t->comm, &t->partition, t->shard, 1));
    TW_TRY(tw_comm_agree(t->comm, make_objective(t)));
    const size_t raw = tw_model_raw(&t->model);
    double *w = calloc(t->F.n + 1, sizeof *w), *v = calloc(raw + 1, sizeof *v);
    tw_status status = w && v ? TW_OK : tw_fail(TW_MEMORY, "out of memory for %zu parameters", t->F.n);
    status = tw_comm_agree(t->comm, status);
    if (status == TW_OK) status = tw_method_run(&t->method, &t->F, w, out);
    if (status == TW_OK) {
        tw_scaling_fold(&t->scaling, &t->model, w, v);
        out->n = raw;
        out->w = v;
        v = NULL;
    }
    free(v);
    free(w);
    return status;
}

/* The classes of all ranks; too few or too many for the target are refused. */
static tw_status find_classes(fitting *t, const tw_shard *shard, double **classes)
{
    *classes = NULL;
    if (t->ops->target == TW_TARGET_NUMBER)
        return tw_comm_agree(t->comm, tw_model_check_labels(t->ops, shard));
    TW_TRY(tw_shard_classes(shard, t->comm, &t->classes, classes));
    if (t->classes == 1)
        return tw_fail(TW_DATA, "all labels are %g: with one class there is nothing to learn", (*classes)[0]);
    if (t->ops->target == TW_TARGET_BINARY && t->classes > 2)
        return tw_fail(TW_DATA, "the labels have %zu classes, but model %s needs 2", t->classes,
                       t->ops->name);
    return TW_OK;
}

/* ---- from a file ---- */

static tw_status open_file(tw_comm *comm, const char *path, tw_dataset *dataset)
{
    const tw_dataset_names names = {.need_labels = true};
    tw_status status = TW_OK;
    if (tw_comm_rank(comm) == 0) status = tw_dataset_open(dataset, path, &names, NULL);
    TW_TRY(tw_comm_bcast_status(comm, 0, status));
    return tw_dataset_share(dataset, comm);
}

static tw_status make_partition(fitting *t, int64_t rows)
{
    TW_TRY(tw_partition_init(&t->partition, rows, 0, tw_comm_size(t->comm)));
    if (tw_method_matrix(&t->method)) tw_partition_align(&t->partition, TW_MATRIX_GROUPS);
    return TW_OK;
}

static tw_status read_rows(fitting *t, const tw_dataset *dataset, tw_shard *shard)
{
    const int rank = tw_comm_rank(t->comm);
    TW_TRY(make_partition(t, dataset->rows));
    const int64_t first = tw_partition_shard(&t->partition, rank);
    return tw_shard_read(shard, dataset, first, tw_partition_shard(&t->partition, rank + 1) - first);
}

static tw_status fit_file(fitting *t, const char *path, tw_shard *shard, tw_minimize_result *out)
{
    tw_dataset dataset;
    double *classes;
    memset(&dataset, 0, sizeof dataset);
    TW_TRY(tw_method_init(&t->method, t->comm, t->set, t->ops));
    TW_TRY(open_file(t->comm, path, &dataset));
    TW_TRY(tw_comm_agree(t->comm, read_rows(t, &dataset, shard)));
    tw_status status = find_classes(t, shard, &classes);
    if (status == TW_OK && classes)
        status = tw_comm_agree(t->comm, tw_shard_encode(shard, t->classes, classes));
    free(classes);
    return status ? status : train(t, out);
}

tw_status tw_fit(tw_comm *comm, const tw_model_ops *ops, const char *path, const tw_minimize_settings *set,
                 tw_minimize_result *out)
{
    const tw_minimize_settings defaults = {0};
    tw_shard shard = {0};
    fitting t = {.comm = comm, .ops = ops, .set = set ? set : &defaults, .shard = &shard};
    *out = (tw_minimize_result){0};
    const tw_status status = fit_file(&t, path, &shard, out);
    release(&t);
    tw_shard_release(&shard);
    return status;
}

/* ---- from memory ---- */

static tw_status check_rows(const fitting *t)
{
    const int rank = tw_comm_rank(t->comm);
    const int64_t first = tw_partition_shard(&t->partition, rank),
                  end = tw_partition_shard(&t->partition, rank + 1);
    const tw_shard *s = t->shard;
    if (s->rows != (size_t)(end - first) || (s->rows > 0 && s->first != first))
        return tw_fail(TW_USAGE,
                       "of %lld rows this rank should hold %lld from row %lld, not %zu from row %lld",
                       (long long)t->partition.rows, (long long)(end - first), (long long)first, s->rows,
                       (long long)s->first);
    if (s->rows > 0 && !s->y) return tw_fail(TW_USAGE, "the rows have no labels");
    return TW_OK;
}

static tw_status share_rows(fitting *t)
{
    double rows = (double)t->shard->rows, cols[2] = {(double)t->shard->cols, -(double)t->shard->cols};
    TW_TRY(tw_comm_allreduce(t->comm, TW_SUM, 1, &rows));
    TW_TRY(tw_comm_allreduce(t->comm, TW_MAX, 2, cols));
    if (!(rows > 0)) return tw_fail(TW_USAGE, "no rank has a row");
    if (cols[0] != -cols[1])
        return tw_fail(TW_USAGE, "ranks hold rows of %g to %g columns", -cols[1], cols[0]);
    TW_TRY(tw_comm_agree(t->comm, make_partition(t, (int64_t)rows)));
    return tw_comm_agree(t->comm, check_rows(t));
}

static tw_status fit_memory(fitting *t, tw_minimize_result *out)
{
    double *classes;
    TW_TRY(tw_method_init(&t->method, t->comm, t->set, t->ops));
    TW_TRY(share_rows(t));
    tw_status status = find_classes(t, t->shard, &classes);
    for (size_t k = 0; status == TW_OK && classes && k < t->classes; k++)
        if (classes[k] != (double)k)
            status = tw_fail(TW_DATA, "labels in memory must be 0 .. K-1, but one is %g", classes[k]);
    free(classes);
    return status ? status : train(t, out);
}

tw_status tw_fit_rows(tw_comm *comm, const tw_model_ops *ops, const tw_shard *rows,
                      const tw_minimize_settings *set, tw_minimize_result *out)
{
    const tw_minimize_settings defaults = {0};
    fitting t = {.comm = comm, .ops = ops, .set = set ? set : &defaults, .shard = rows};
    *out = (tw_minimize_result){0};
    const tw_status status = fit_memory(&t, out);
    release(&t);
    return status;
}
