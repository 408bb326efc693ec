/* point.c -- F and its gradient where a run ended, in long double from the data file and model.h5, and the
 * conditions of a minimum there. */
#include "verify.h"

#include <hdf5.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef long double real;

typedef struct {
    size_t m, n, K, n_classes;    /* rows, features, outputs */
    double *x, *y;                /* [m][n], [m] */
    double *w, *b, *mean, *scale; /* [K][n], [K], [n] or NULL */
    double *classes;              /* [n_classes] or NULL */
    const char *model;
    double delta;
    real f, size; /* mean loss; mean |loss| */
    real *g, *noise, *g_b,
        *noise_b; /* [K][n], [K]: gradient of the mean loss, and the same of absolute terms */
} point;

/* All numbers of a dataset, NULL when it is not there or not numeric; dims: [2]. */
static double *read_numbers(hid_t file, const char *name, hsize_t *dims)
{
    if (H5Lexists(file, name, H5P_DEFAULT) <= 0) return NULL;
    const hid_t set = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(set), type = H5Dget_type(set);
    const H5T_class_t kind = H5Tget_class(type);
    double *v = NULL;
    dims[0] = dims[1] = 1;
    if (kind == H5T_INTEGER || kind == H5T_FLOAT) {
        H5Sget_simple_extent_dims(space, dims, NULL);
        v = malloc((size_t)(dims[0] * dims[1] + 1) * sizeof *v);
        if (!v || H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v) < 0)
            refuse("cannot read %s", name);
    }
    H5Tclose(type);
    H5Sclose(space);
    H5Dclose(set);
    return v;
}

static void read_data(const char *path, point *p)
{
    hsize_t dims[2];
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0) refuse("cannot open %s", path);
    p->x = read_numbers(file, "X", dims);
    p->m = dims[0];
    p->n = dims[1];
    p->y = read_numbers(file, "y", dims);
    H5Fclose(file);
    if (!p->x || !p->y || dims[0] != p->m) refuse("%s has no X and y of one length", path);
}

static void read_model(const char *run, point *p)
{
    char path[4096];
    hsize_t dims[2];
    snprintf(path, sizeof path, "%s/model.h5", run);
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0) refuse("cannot open %s", path);
    p->w = read_numbers(file, "coef_scaled_", dims);
    p->K = dims[0];
    if (!p->w || dims[1] != p->n) refuse("%s has no coef_scaled_ of %zu features", path, p->n);
    p->b = read_numbers(file, "intercept_scaled_", dims);
    p->mean = read_numbers(file, "mean_", dims);
    p->scale = read_numbers(file, "scale_", dims);
    p->classes = read_numbers(file, "class_values_", dims);
    if (!p->classes) p->classes = read_numbers(file, "classes_", dims);
    p->n_classes = p->classes ? dims[0] : 0;
    H5Fclose(file);
}

/* The label as the loss wants it: a number, or which class it is. */
static double label(const point *p, double y)
{
    for (size_t k = 0; k < p->n_classes; k++)
        if (p->classes[k] == y) return (double)k;
    if (p->n_classes) refuse("label %g is none of the classes", y);
    return y;
}

static real loss_softmax(const point *p, const real *z, size_t y, real *r)
{
    real top = z[0], sum = 0;
    for (size_t k = 1; k < p->K; k++) top = fmaxl(top, z[k]);
    for (size_t k = 0; k < p->K; k++) sum += expl(z[k] - top);
    for (size_t k = 0; k < p->K; k++) r[k] = expl(z[k] - top) / sum - (k == y);
    return top + logl(sum) - z[y];
}

/* Loss of a row and dloss/dz [K] (docs/method.md). */
static real loss_of(const point *p, const real *z, double y, real *r)
{
    const real a = z[0] - y, s = 2 * y - 1, v = fmaxl(0, 1 - s * z[0]), d = p->delta;
    if (strcmp(p->model, "softmax") == 0) return loss_softmax(p, z, (size_t)y, r);
    if (strcmp(p->model, "linear") == 0) return *r = a, a * a / 2;
    if (strcmp(p->model, "logistic") == 0)
        return *r = 1 / (1 + expl(-z[0])) - y, fmaxl(z[0], 0) + log1pl(expl(-fabsl(z[0]))) - y * z[0];
    if (strcmp(p->model, "huber") == 0)
        return *r = fmaxl(-d, fminl(d, a)), fabsl(a) <= d ? a * a / 2 : d * (fabsl(a) - d / 2);
    if (strcmp(p->model, "poisson") == 0) return *r = expl(z[0]) - y, expl(z[0]) - y * z[0];
    if (strcmp(p->model, "squared_hinge") == 0) return *r = -2 * s * v, v * v;
    refuse("model %s is unknown", p->model);
}

static void add_row(point *p, size_t i, real *x, real *z, real *r)
{
    for (size_t j = 0; j < p->n; j++) {
        x[j] = p->x[i * p->n + j];
        if (p->mean) x[j] = (x[j] - p->mean[j]) / p->scale[j];
    }
    for (size_t k = 0; k < p->K; k++) {
        z[k] = p->b[k];
        for (size_t j = 0; j < p->n; j++) z[k] += x[j] * p->w[k * p->n + j];
    }
    const real loss = loss_of(p, z, label(p, p->y[i]), r);
    p->f += loss / p->m;
    p->size += fabsl(loss) / p->m;
    for (size_t k = 0; k < p->K; k++) {
        for (size_t j = 0; j < p->n; j++) {
            p->g[k * p->n + j] += r[k] * x[j] / p->m;
            p->noise[k * p->n + j] +=
                (1 + fabsl(z[k])) * fabsl(r[k] * x[j]) / p->m + fabsl(z[k] * x[j]) / p->m;
        }
        p->g_b[k] += r[k] / p->m;
        p->noise_b[k] += (1 + fabsl(z[k])) * fabsl(r[k]) / p->m + fabsl(z[k]) / p->m;
    }
}

static void evaluate(point *p)
{
    const size_t N = p->n * p->K;
    real *all = calloc(2 * N + 2 * p->K + p->n + 2 * p->K, sizeof *all);
    if (!all) refuse("out of memory");
    p->g = all;
    p->noise = p->g + N;
    p->g_b = p->noise + N;
    p->noise_b = p->g_b + p->K;
    real *const x = p->noise_b + p->K, *const z = x + p->n, *const r = z + p->K;
    for (size_t i = 0; i < p->m; i++) add_row(p, i, x, z, r);
}

static bool has_intercept(const point *p)
{
    for (size_t k = 0; k < p->K; k++)
        if (p->b[k] != 0) return true;
    return false;
}

/* F of the summary, from the mean loss and the penalties. */
static void compare_loss(const point *p, const json_t *summary, double l1, double l2)
{
    real f = p->f;
    for (size_t i = 0; i < p->n * p->K; i++) f += l2 / 2 * (real)p->w[i] * p->w[i] + l1 * fabs(p->w[i]);
    const double said = summary_number(summary, "loss");
    if (!(fabsl(said - f) <= ROUNDING * (p->size + fabsl(f))))
        refuse("F is %.20Lg, summary.json says %.17g", f, said);
}

static void check_gradient(point *p, const json_t *summary, double l2)
{
    real sum = 0, noise = 0;
    for (size_t i = 0; i < p->n * p->K; i++) {
        const real g = p->g[i] + l2 * (real)p->w[i];
        sum += g * g;
        noise += p->noise[i] * p->noise[i];
    }
    for (size_t k = 0; has_intercept(p) && k < p->K; k++) {
        sum += p->g_b[k] * p->g_b[k];
        noise += p->noise_b[k] * p->noise_b[k];
    }
    const double said = summary_number(summary, "gradient_norm");
    const real norm = sqrtl(sum), room = ROUNDING * sqrtl(noise) + 1e-12L * norm;
    compare_loss(p, summary, 0, l2);
    if (!(fabsl(said - norm) <= room))
        refuse("|g| is %.20Lg, summary.json says %.17g (rounding %.2Lg)", norm, said, room);
    printf("gradient: F and |g| = %.3Lg of %zu parameters, rounding %.1Lg\n", norm, p->n * p->K, room);
}

/* |g_j| <= l1 where w_j = 0, g_j = -sign(w_j) l1 elsewhere, 0 for the intercept; within the tolerance. */
static void check_kkt(point *p, const json_t *summary, double l1, double l2, double tolerance)
{
    size_t zeros = 0;
    real worst = 0;
    compare_loss(p, summary, l1, l2);
    for (size_t i = 0; i < p->n * p->K; i++) {
        const real g = p->g[i] + l2 * (real)p->w[i];
        const real off = p->w[i] == 0 ? fmaxl(0, fabsl(g) - l1) : fabsl(g + copysignl(l1, p->w[i]));
        zeros += p->w[i] == 0;
        worst = fmaxl(worst, off);
        if (!(off <= tolerance))
            refuse("parameter %zu is %.17g, gradient %.10Lg, l1 %g: off by %.3Lg", i, p->w[i], g, l1, off);
    }
    for (size_t k = 0; has_intercept(p) && k < p->K; k++) {
        worst = fmaxl(worst, fabsl(p->g_b[k]));
        if (!(fabsl(p->g_b[k]) <= tolerance)) refuse("intercept %zu: gradient %.10Lg", k, p->g_b[k]);
    }
    printf("kkt: %zu zeros among %zu coefficients, worst %.2Lg\n", zeros, p->n * p->K, worst);
}

int check_point(const char *run, const json_t *summary, const char *mode, int n, char **arguments)
{
    const bool kkt = strcmp(mode, "kkt") == 0;
    const int least = kkt ? 5 : 3;
    point p = {.delta = 1};
    double c[4] = {0};
    if (!kkt && strcmp(mode, "gradient") != 0) return 0;
    if (n < least || n > least + 1)
        refuse("%s DATA MODEL %s", mode, kkt ? "L1 L2 TOLERANCE [DELTA]" : "L2 [DELTA]");
    p.model = arguments[1];
    for (int i = 2; i < least; i++) c[i - 2] = argument(arguments[i]);
    if (n > least) p.delta = argument(arguments[least]);
    read_data(arguments[0], &p);
    read_model(run, &p);
    evaluate(&p);
    if (kkt)
        check_kkt(&p, summary, c[0], c[1], c[2]);
    else
        check_gradient(&p, summary, c[0]);
    free(p.g);
    double *const owned[] = {p.x, p.y, p.w, p.b, p.mean, p.scale, p.classes};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
    return 1;
}
