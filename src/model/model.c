#include "thalweg/model.h"

#include "thalweg/kernels.h"
#include "thalweg/link.h"

#include <stdlib.h>
#include <string.h>

const tw_model_ops *const tw_models[] = {
#define X(name) &tw_model_##name,
    TW_MODELS(X)
#undef X
        NULL};

const tw_model_ops *tw_model_find(const char *name)
{
    for (size_t i = 0; tw_models[i]; i++)
        if (strcmp(tw_models[i]->name, name) == 0) return tw_models[i];
    return NULL;
}

double tw_model_curvature_max(const tw_model_ops *ops)
{
    return ops->link ? ops->link->curvature_max : ops->curvature_max;
}

/* A whole number of cache lines, zeros. */
static double *zeros(size_t count)
{
    const size_t bytes = (count * sizeof(double) + 127) / 64 * 64;
    double *const p = aligned_alloc(64, bytes);
    if (p) memset(p, 0, bytes);
    return p;
}

/* Rows that are worked on at a time: for several outputs as many as leave the second cache room. */
enum { MICRO_BYTES = 512 << 10 };

static size_t micro_rows(const tw_model *m)
{
    const size_t fit = MICRO_BYTES / sizeof(double) / (m->features + 1) / TW_MICRO * TW_MICRO;
    if (m->ops->link) return 1;
    return fit < 2 * TW_MICRO ? 2 * TW_MICRO : fit > TW_TOGETHER ? TW_TOGETHER : fit;
}

static tw_status make_scratch(tw_model *m)
{
    const size_t gradient = m->outputs * tw_whole(m->features), margins = m->outputs * TW_TOGETHER;
    const size_t all = m->ops->link ? m->features : TW_ROOM + gradient + margins + 2 * m->outputs;
    m->scratch = zeros(all);
    if (!m->scratch) return tw_fail(TW_MEMORY, "out of memory for a model of %zu parameters", m->n_params);
    if (m->ops->link) return TW_OK;
    m->gradient = m->scratch + TW_ROOM;
    m->row_z = m->gradient + gradient;
    m->row_p = m->row_z + margins;
    return TW_OK;
}

tw_status tw_model_init(tw_model *m, const tw_model_ops *ops, size_t features, size_t classes, bool intercept)
{
    *m = (tw_model){.ops = ops, .features = features, .classes = classes, .intercept = intercept};
    m->settings.delta = 1;
    m->outputs = ops->outputs(m);
    m->n_weights = features * m->outputs;
    m->n_params = m->n_weights + (intercept ? m->outputs : 0);
    m->micro = micro_rows(m);
    return make_scratch(m);
}

tw_status tw_model_share(tw_model *m, const tw_model *original)
{
    *m = *original;
    return make_scratch(m);
}

void tw_model_release(tw_model *m)
{
    free(m->scratch);
    *m = (tw_model){0};
}

bool tw_model_has_probabilities(const tw_model *m)
{
    return m->classes > 0 && !(m->ops->link && m->ops->link->margin_only);
}

tw_status tw_model_check_labels(const tw_model_ops *ops, const tw_shard *s)
{
    if (!ops->link || !ops->link->label_error) return TW_OK;
    for (size_t i = 0; i < s->rows; i++) {
        const char *const error = ops->link->label_error(s->y[i]);
        if (error)
            return tw_fail(TW_DATA,
                           "label %g of row %lld (counted from 0): labels of model.type %s must be %s",
                           s->y[i], (long long)(s->first + (int64_t)i), ops->name, error);
    }
    return TW_OK;
}

size_t tw_model_sums(const tw_model *m)
{
    return m->n_weights + m->outputs + 3;
}

size_t tw_model_raw(const tw_model *m)
{
    return m->n_weights + m->outputs;
}

const double *tw_model_row(const tw_model *m, const tw_block *b, size_t i)
{
    const char *at = (const char *)b->x + i * b->cols * tw_dtype_size(b->type);
    if (b->type == TW_f64) return (const double *)(const void *)at;
    tw_kernels_get()->widen(b->type, b->cols, at, m->scratch);
    return m->scratch;
}
