/* generate.c -- the arithmetic of generated data sets; generate.h states every formula. */
#include "thalweg/generate.h"

#include "thalweg/rng.h"
#include "thalweg/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One stream for each purpose. */
#define FEATURES     (TW_STREAM(TW_STREAM_GENERATE) | 1)
#define NOISE        (TW_STREAM(TW_STREAM_GENERATE) | 2)
#define LABELS       (TW_STREAM(TW_STREAM_GENERATE) | 3)
#define COEFFICIENTS (TW_STREAM(TW_STREAM_GENERATE) | 4)
#define REFLECTION   (TW_STREAM(TW_STREAM_GENERATE) | 5)

enum { MAX_CLASSES = 65536 };

const char *tw_generate_task_name(tw_generate_task task)
{
    static const char *const names[] = {
#define X(name, text) text,
        TW_GENERATE_TASKS(X)
#undef X
    };
    return names[task];
}

int64_t tw_generate_outputs(const tw_generate *set)
{
    return set->task == TW_GENERATE_SOFTMAX ? set->classes : 1;
}

/* volatile: gcc 12 drops the way to float and back where it vectorises two of them in straight-line code. */
static double as_stored(tw_dtype type, double value)
{
    if (type != TW_f32) return value;
    const volatile float narrow = (float)value;
    return (double)narrow;
}

static tw_status check_shape(const tw_generate *set)
{
    if (set->type != TW_f32 && set->type != TW_f64)
        return tw_fail(TW_USAGE, "generated features are f32 or f64, not %s", tw_dtype_name(set->type));
    if (set->rows < 1) return tw_fail(TW_USAGE, "rows must be at least 1");
    if (set->features < 1) return tw_fail(TW_USAGE, "features must be at least 1");
    const bool softmax = set->task == TW_GENERATE_SOFTMAX;
    if (softmax && (set->classes < 2 || set->classes > MAX_CLASSES))
        return tw_fail(TW_USAGE, "classes must be between 2 and %d", MAX_CLASSES);
    if (!softmax && set->classes)
        return tw_fail(TW_USAGE, "classes belong to the softmax task; %s has none to choose",
                       tw_generate_task_name(set->task));
    /* bytes of /X and of the parameters fit an off_t with room to spare */
    const int64_t most = INT64_MAX / 16, outputs = tw_generate_outputs(set);
    if (set->rows > most / set->features || set->features > most / outputs)
        return tw_fail(TW_USAGE, "%lld rows of %lld features are more than a file can hold",
                       (long long)set->rows, (long long)set->features);
    return TW_OK;
}

static tw_status check_features(const tw_generate *set)
{
    const double most = set->type == TW_f32 ? 1e6 : 1e14;
    if (!(set->condition >= 1)) return tw_fail(TW_USAGE, "condition must be at least 1");
    if (set->condition > most)
        return tw_fail(TW_USAGE, "a condition of %g is lost in the rounding of %s (at most %g)%s",
                       set->condition, tw_dtype_name(set->type), most,
                       set->type == TW_f32 ? "; use the type f64" : "");
    if (set->condition > 1 && set->features < 2)
        return tw_fail(TW_USAGE, "a condition above 1 needs at least 2 features");
    if (!set->uniform) return TW_OK;
    if (set->condition > 1)
        return tw_fail(TW_USAGE, "a condition above 1 needs normal features; leave out uniform");
    const double low = as_stored(set->type, set->low), high = as_stored(set->type, set->high);
    if (!isfinite(low) || !isfinite(high) || !isfinite(high - low))
        return tw_fail(TW_USAGE, "the uniform range %g,%g is too large for %s", set->low, set->high,
                       tw_dtype_name(set->type));
    if (!(low < high))
        return tw_fail(TW_USAGE, "the uniform range %.17g,%.17g has no number of type %s", set->low,
                       set->high, tw_dtype_name(set->type));
    return TW_OK;
}

static tw_status check_numbers(const char *name, const double *values, size_t count, size_t wanted)
{
    if (!values) return TW_OK;
    if (count != wanted)
        return tw_fail(TW_USAGE, "%s needs %zu number%s (outputs x features, output by output), %zu given",
                       name, wanted, wanted == 1 ? "" : "s", count);
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i])) return tw_fail(TW_USAGE, "number %zu of %s is not finite", i + 1, name);
    return TW_OK;
}

tw_status tw_generate_check(const tw_generate *set)
{
    TW_TRY(check_shape(set));
    TW_TRY(check_features(set));
    if (!(set->noise >= 0) || !isfinite(set->noise))
        return tw_fail(TW_USAGE, "noise must be a number of at least 0");
    const size_t outputs = (size_t)tw_generate_outputs(set);
    TW_TRY(check_numbers("coefficients", set->coefficients, set->n_coefficients,
                         outputs * (size_t)set->features));
    return check_numbers("intercept", set->intercept, set->n_intercept, outputs);
}

static void reflect(const tw_generator *g, double *x)
{
    const size_t n = (size_t)g->set.features;
    if (g->set.condition > 1) tw_vec_axpy(n, -2 * tw_vec_dot(n, g->axis, x), g->axis, x);
}

static void draw_shape(tw_generator *g)
{
    const int64_t n = g->set.features;
    for (int64_t j = 0; j < n; j++) g->scale[j] = 1;
    if (g->set.condition <= 1) return;
    const double log_c = tw_log(g->set.condition);
    for (int64_t j = 0; j < n; j++) {
        g->scale[j] = tw_exp(-((double)j / (double)(n - 1)) * log_c);
        g->axis[j] = tw_rng_normal(g->set.seed, REFLECTION, (uint64_t)j);
    }
    const double length = tw_vec_norm((size_t)n, g->axis);
    for (int64_t j = 0; j < n; j++) g->axis[j] = g->axis[j] / length;
}

static void draw_coefficients(tw_generator *g, uint64_t k)
{
    const size_t n = (size_t)g->set.features;
    double *w = g->coefficients + k * n;
    for (size_t j = 0; j < n; j++) w[j] = tw_rng_normal(g->set.seed, COEFFICIENTS, (uint64_t)(k * n + j));
    memcpy(g->row, w, n * sizeof *w);
    reflect(g, g->row);
    for (size_t j = 0; j < n; j++) g->row[j] = g->scale[j] * g->row[j];
    const double deviation = g->set.uniform ? (g->set.high - g->set.low) / sqrt(12) : 1;
    const double length = deviation * tw_vec_norm(n, g->row);
    for (size_t j = 0; j < n; j++) w[j] = w[j] / length;
}

static double draw_intercept(tw_generator *g, uint64_t k)
{
    const size_t n = (size_t)g->set.features, outputs = (size_t)tw_generate_outputs(&g->set);
    const double b = tw_rng_normal(g->set.seed, COEFFICIENTS, (uint64_t)(outputs * n + k));
    if (!g->set.uniform) return b;
    for (size_t j = 0; j < n; j++) g->row[j] = 0.5 * g->set.low + 0.5 * g->set.high;
    return b - tw_vec_dot(n, g->coefficients + k * n, g->row);
}

static void draw_truth(tw_generator *g, const tw_generate *set)
{
    const size_t n = (size_t)set->features, outputs = (size_t)tw_generate_outputs(set);
    for (size_t k = 0; k < outputs; k++) {
        if (set->coefficients)
            memcpy(g->coefficients + k * n, set->coefficients + k * n, n * sizeof(double));
        else
            draw_coefficients(g, k);
        if (set->intercept)
            g->intercept[k] = set->intercept[k];
        else
            g->intercept[k] = set->coefficients ? 0 : draw_intercept(g, k);
    }
}

/* No draw of a normal exceeds 10, no reflected one 10 (1 + 2 sqrt n). */
static tw_status check_labels(const tw_generator *g)
{
    const size_t n = (size_t)g->set.features, outputs = (size_t)tw_generate_outputs(&g->set);
    const double largest =
        g->set.uniform ? fabs(g->set.low) + fabs(g->set.high) : 10 * (1 + 2 * sqrt((double)n));
    for (size_t k = 0; k < outputs; k++) {
        double bound = fabs(g->intercept[k]) + 10 * g->set.noise;
        for (size_t j = 0; j < n; j++) bound += fabs(g->coefficients[k * n + j]) * largest;
        if (!(bound < 1e300))
            return tw_fail(TW_USAGE, "labels could overflow: coefficients, intercept, noise or the "
                                     "features' range are too large or too small");
    }
    return TW_OK;
}

static tw_status allocate(tw_generator *g)
{
    const size_t n = (size_t)g->set.features, outputs = (size_t)tw_generate_outputs(&g->set);
    const size_t count = outputs * n + 2 * outputs + 3 * n;
    double *at = g->memory = malloc(count * sizeof *at);
    if (!at)
        return tw_fail(TW_MEMORY, "no memory for the %zu parameters of a generated data set", outputs * n);
    g->coefficients = at, at += outputs * n;
    g->intercept = at, at += outputs;
    g->scale = at, at += n;
    g->axis = at, at += n;
    g->row = at, at += n;
    g->scores = at;
    return TW_OK;
}

tw_status tw_generator_init(tw_generator *g, const tw_generate *set)
{
    *g = (tw_generator){0};
    TW_TRY(tw_generate_check(set));
    g->set = *set;
    g->set.low = as_stored(set->type, set->low);
    g->set.high = as_stored(set->type, set->high);
    tw_status status = allocate(g);
    if (!status) {
        draw_shape(g);
        draw_truth(g, set);
        g->set.coefficients = g->coefficients;
        g->set.intercept = g->intercept;
        status = check_labels(g);
    }
    if (status) tw_generator_release(g);
    return status;
}

void tw_generator_release(tw_generator *g)
{
    if (!g) return;
    free(g->memory);
    *g = (tw_generator){0};
}

size_t tw_generator_label_size(const tw_generator *g)
{
    return g->set.task == TW_GENERATE_LINEAR ? sizeof(double) : sizeof(int32_t);
}

static void draw_row(tw_generator *g, int64_t row)
{
    const tw_generate *set = &g->set;
    const uint64_t n = (uint64_t)set->features, at = (uint64_t)row * n;
    if (set->uniform) {
        const double width = set->high - set->low;
        for (uint64_t j = 0; j < n; j++) {
            const double u = tw_rng_uniform(set->seed, FEATURES, at + j);
            const double x = as_stored(set->type, fma(width, u, set->low));
            g->row[j] = x < set->high ? x : set->low;
        }
        return;
    }
    for (uint64_t j = 0; j < n; j++) g->row[j] = g->scale[j] * tw_rng_normal(set->seed, FEATURES, at + j);
    reflect(g, g->row);
    for (uint64_t j = 0; j < n; j++) g->row[j] = as_stored(set->type, g->row[j]);
}

static void score(tw_generator *g)
{
    const size_t n = (size_t)g->set.features, outputs = (size_t)tw_generate_outputs(&g->set);
    for (size_t k = 0; k < outputs; k++)
        g->scores[k] = tw_vec_dot(n, g->row, g->coefficients + k * n) + g->intercept[k];
}

static int32_t draw_logistic(const tw_generator *g, int64_t row)
{
    const double z = g->scores[0], noise = g->set.noise;
    if (noise == 0) return z > 0;
    const double e = tw_exp(-fabs(z / noise)), p = (z < 0 ? e : 1) / (1 + e);
    return tw_rng_uniform(g->set.seed, LABELS, (uint64_t)row) < p;
}

static int32_t draw_softmax(tw_generator *g, int64_t row)
{
    const size_t outputs = (size_t)g->set.classes;
    double *p = g->scores, sum = 0;
    size_t top = 0;
    for (size_t k = 1; k < outputs; k++)
        if (p[k] > p[top]) top = k;
    if (g->set.noise == 0) return (int32_t)top;
    const double largest = p[top];
    for (size_t k = 0; k < outputs; k++) p[k] = (p[k] - largest) / g->set.noise;
    tw_vec_exp(outputs, p, p);
    for (size_t k = 0; k < outputs; k++) sum = sum + p[k];
    const double target = tw_rng_uniform(g->set.seed, LABELS, (uint64_t)row) * sum;
    double below = p[0];
    size_t k = 0;
    while (k + 1 < outputs && !(target < below)) below = below + p[++k];
    return (int32_t)k;
}

static void store_row(const tw_generator *g, size_t i, void *x)
{
    const size_t n = (size_t)g->set.features;
    if (g->set.type == TW_f64) {
        memcpy((double *)x + i * n, g->row, n * sizeof(double));
        return;
    }
    float *out = (float *)x + i * n;
    for (size_t j = 0; j < n; j++) out[j] = (float)g->row[j];
}

void tw_generator_rows(tw_generator *g, int64_t first, size_t count, void *x, void *y)
{
    for (size_t i = 0; i < count; i++) {
        const int64_t row = first + (int64_t)i;
        draw_row(g, row);
        store_row(g, i, x);
        score(g);
        switch (g->set.task) {
        case TW_GENERATE_LOGISTIC: ((int32_t *)y)[i] = draw_logistic(g, row); break;
        case TW_GENERATE_SOFTMAX: ((int32_t *)y)[i] = draw_softmax(g, row); break;
        default:
            ((double *)y)[i] =
                fma(g->set.noise, tw_rng_normal(g->set.seed, NOISE, (uint64_t)row), g->scores[0]);
        }
    }
}
