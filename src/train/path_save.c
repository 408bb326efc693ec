/* A path in model.h5: one row a penalty, coefficients in original units and as trained. */
#include "train/run_impl.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static tw_status save_column(const tw_path *p, tw_model_file *file, const char *name, size_t offset)
{
    double *column = calloc(p->count, sizeof *column);
    if (!column) return tw_fail(TW_MEMORY, "out of memory for a path of %zu penalties", p->count);
    for (size_t i = 0; i < p->count; i++)
        memcpy(&column[i], (const char *)&p->points[i] + offset, sizeof *column);
    const tw_status status = tw_model_file_add_array(file, name, p->count, 0, column);
    free(column);
    return status;
}

/* Row i*K + k: output k at penalty i. The transposition and the centring are the model file's own. */
static tw_status save_coefficients(const tw_path *p, const tw_run *run, tw_model_file *file)
{
    const tw_model *m = &run->model;
    const size_t K = m->outputs, n = m->features;
    tw_model_file one = {.as_trained = true};
    double *raw = calloc(tw_model_raw(m), sizeof *raw),
           *all = calloc(p->count * K * (2 * n + 2), sizeof *all);
    double *coef = all, *scaled = all + p->count * K * n, *offset = scaled + p->count * K * n;
    double *offset_scaled = offset + p->count * K;
    tw_status status =
        raw && all ? TW_OK : tw_fail(TW_MEMORY, "out of memory for %zu models of a path", p->count);
    for (size_t i = 0; i < p->count && status == TW_OK; i++) {
        tw_scaling_fold(&run->scaling, m, p->points[i].w, raw);
        status = tw_model_file_set_parameters(&one, m, p->points[i].w, raw);
        if (status) break;
        memcpy(coef + i * K * n, one.coef, K * n * sizeof *coef);
        memcpy(scaled + i * K * n, one.coef_scaled, K * n * sizeof *coef);
        memcpy(offset + i * K, one.offset, K * sizeof *coef);
        memcpy(offset_scaled + i * K, one.offset_scaled, K * sizeof *coef);
    }
    if (status == TW_OK) status = tw_model_file_add_array(file, "/path/coef_", p->count * K, n, coef);
    if (status == TW_OK)
        status = tw_model_file_add_array(file, "/path/coef_scaled_", p->count * K, n, scaled);
    if (status == TW_OK) status = tw_model_file_add_array(file, "/path/intercept_", p->count * K, 0, offset);
    if (status == TW_OK)
        status = tw_model_file_add_array(file, "/path/intercept_scaled_", p->count * K, 0, offset_scaled);
    tw_model_file_release(&one);
    free(raw);
    free(all);
    return status;
}

tw_status tw_path_save(const tw_path *p, const tw_run *run, tw_model_file *file)
{
    if (p->count == 0) return TW_OK;
    TW_TRY(tw_model_file_set_count(file, "path_rows", (int64_t)p->count));
    TW_TRY(tw_model_file_set_count(file, "path_row", p->kept));
    TW_TRY(save_column(p, file, "/path/l1", offsetof(tw_path_point, l1)));
    TW_TRY(save_column(p, file, "/path/l2", offsetof(tw_path_point, l2)));
    TW_TRY(save_column(p, file, "/path/loss", offsetof(tw_path_point, loss)));
    TW_TRY(save_column(p, file, "/path/mean_loss", offsetof(tw_path_point, mean_loss)));
    TW_TRY(save_column(p, file, "/path/cv_mean", offsetof(tw_path_point, cv_mean)));
    TW_TRY(save_column(p, file, "/path/cv_error", offsetof(tw_path_point, cv_error)));
    TW_TRY(save_column(p, file, "/path/validation_loss", offsetof(tw_path_point, val_loss)));
    if (run->config.model.folds > 0)
        TW_TRY(tw_model_file_add_array(file, "/path/fold_loss", (size_t)run->config.model.folds, p->planned,
                                       p->fold_loss));
    return save_coefficients(p, run, file);
}
