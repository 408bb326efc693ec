/* Folding: the two ways between trained and raw-space parameters. The statistics are in scaling_fit.c. */
#include "thalweg/scaling.h"

#include "thalweg/vec.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"none", "standardize", "minmax"};

bool tw_scaling_find(const char *name, tw_scaling_kind *kind)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) {
            *kind = (tw_scaling_kind)i;
            return true;
        }
    return false;
}

const char *tw_scaling_name(tw_scaling_kind kind)
{
    return names[kind];
}

void tw_scaling_release(tw_scaling *s)
{
    free(s->mean);
    free(s->scale);
    free(s->column);
    *s = (tw_scaling){0};
}

void tw_scaling_fold(const tw_scaling *s, const tw_model *m, const double *w, double *v)
{
    const size_t n = m->features, outputs = m->outputs;
    double *const offset = v + m->n_weights;
    for (size_t k = 0; k < outputs; k++) offset[k] = m->intercept ? w[m->n_weights + k] : 0.0;
    if (s->kind == TW_SCALING_NONE) {
        memcpy(v, w, m->n_weights * sizeof *v);
        return;
    }
    for (size_t j = 0; j < n; j++)
        for (size_t k = 0; k < outputs; k++) v[j * outputs + k] = w[j * outputs + k] / s->scale[j];
    for (size_t k = 0; k < outputs; k++) {
        for (size_t j = 0; j < n; j++) s->column[j] = v[j * outputs + k];
        offset[k] = offset[k] - tw_vec_dot(n, s->column, s->mean);
    }
}

void tw_scaling_unfold(const tw_scaling *s, const tw_model *m, const double *sums, double *g)
{
    const size_t outputs = m->outputs;
    const double *const residual = sums + tw_sum_residual(m);
    if (s->kind == TW_SCALING_NONE)
        memcpy(g, sums, m->n_weights * sizeof *g);
    else
        for (size_t j = 0; j < m->features; j++)
            for (size_t k = 0; k < outputs; k++) {
                const double shift = s->mean[j] * residual[k]; /* rounded, then the difference */
                g[j * outputs + k] = (sums[j * outputs + k] - shift) / s->scale[j];
            }
    if (m->intercept) memcpy(g + m->n_weights, residual, outputs * sizeof *g);
}
