/* A second text of docs/reproducibility.md: one training run, in one process, one scalar operation
 * at a time, written from that page alone and sharing no code with the library. The sections below
 * have its numbers. It prints the bits that the contract fixes, so that a test can compare them
 * with the program's. It is there to be believed, not to be fast. */
#include "oracle.h"

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

_Noreturn void refuse(const char *what, const char *which)
{
    fprintf(stderr, "oracle: %s: %s\n", what, which);
    exit(2);
}

void *zeros(size_t n)
{
    void *v = calloc(n + 1, sizeof(double));
    return v ? v : (refuse("no memory", "calloc failed"), NULL);
}

/* ---- 1. Arithmetic -------------------------------------------------------------------------- */
/* The lane sum L(j -> a_j b_j). */
double dot(size_t n, const double *a, const double *b)
{
    double acc[4][8] = {{0}}, t[8];
    for (size_t j = 0; j < n; j++) acc[j / 8 % 4][j % 8] = fma(a[j], b[j], acc[j / 8 % 4][j % 8]);
    for (int i = 0; i < 8; i++) t[i] = (acc[0][i] + acc[1][i]) + (acc[2][i] + acc[3][i]);
    return ((t[0] + t[4]) + (t[2] + t[6])) + ((t[1] + t[5]) + (t[3] + t[7]));
}

/* exp(x). The result is never subnormal, so each doubling or halving below is exact. */
static double my_exp(double x)
{
    if (isnan(x)) return x;
    if (x > 0x1.62e42fefa39efp+9) return INFINITY;
    if (x < -708) return 0;
    double kd = fma(x, 0x1.71547652b82fep+0, 0x1.8p52) - 0x1.8p52;
    double r = fma(-kd, 0x1.62e42fefa39efp-1, x), l = kd * 0x1.abc9e3b39803fp-56, h = r - l;
    double factorial = 6227020800, p = 1 / factorial; /* 13!; all smaller ones are exact too */
    for (int i = 12; i >= 2; i--) factorial = factorial / (i + 1), p = fma(p, h, 1 / factorial);
    double q = fma(p, h * h, -l), e = 1 + (r + q);
    for (; kd > 0; kd--) e = e * 2;
    for (; kd < 0; kd++) e = e / 2;
    return e;
}

/* C(u, c). */
static double log_core(double u, double c)
{
    const double L1 = 6.666666666666735130e-01, L2 = 3.999999999940941908e-01, L3 = 2.857142874366239149e-01,
                 L4 = 2.222219843214978396e-01, L5 = 1.818357216161805012e-01, L6 = 1.531383769920937332e-01,
                 L7 = 1.479819860510658591e-01;
    double k = 0, m = u;
    if (!isfinite(u)) return u;
    for (; m >= 2; k++) m = m / 2;
    for (; m < 1; k--) m = m * 2;
    if (m > 0x1.6a09e667f3bcdp+0) m = m / 2, k = k + 1;
    double f = m - 1, s = f / (2 + f), z = s * s, v = z * z;
    double t1 = v * fma(v, fma(v, L6, L4), L2), t2 = z * fma(v, fma(v, fma(v, L7, L5), L3), L1);
    double R = t1 + t2, H = (0.5 * f) * f;
    return k * 0x1.62e42feep-1 - ((H - (s * (H + R) + (k * 0x1.a39ef35793c76p-33 + c))) - f);
}

/* ---- 2. Rows, groups, blocks, tree ---------------------------------------------------------- */
/* What is summed: a leaf makes the vector of rows [first, last), join writes a (+) b over a. */
typedef struct tree {
    const problem *p;
    const double *v, *c; /* folded parameters, when gradients are summed */
    double *(*leaf)(const struct tree *t, size_t first, size_t last);
    void (*join)(const problem *p, double *a, const double *b);
} tree;

static size_t p2(size_t v)
{
    return v < 2 ? v : 2 * p2(v / 2);
}

static double *joined(const tree *t, double *a, double *b)
{
    if (!a || !b) return a ? a : b;
    return t->join(t->p, a, b), free(b), a;
}

/* A binary counter over B blocks ends with one perfect tree per set bit of B, the largest leftmost;
 * folding these from the right hangs all that follows the first under one node. So the left child
 * always has the largest power of two of blocks below B, and for a power of two that is half. */
static double *over_blocks(const tree *t, size_t first, size_t last)
{
    if (first == last) return NULL;
    if (last - first <= 256) return t->leaf(t, first, last);
    size_t blocks = (last - first + 255) / 256, middle = first + 256 * p2(blocks - 1);
    double *left = over_blocks(t, first, middle);
    return joined(t, left, over_blocks(t, middle, last));
}

static double *over_groups(const tree *t, size_t k, size_t count)
{
    if (count == 1) return over_blocks(t, t->p->start[k], t->p->start[k + 1]);
    double *left = over_groups(t, k, count / 2);
    return joined(t, left, over_groups(t, k + count / 2, count / 2));
}

/* ---- 3. Scaling statistics ------------------------------------------------------------------ */
/* The vector of a node: count, n of mean, n of M2. */
static double *statistics_leaf(const tree *t, size_t first, size_t last)
{
    const problem *p = t->p;
    size_t n = p->n;
    double *node = zeros(1 + 2 * n), *mean = node + 1, *M2 = mean + n, dev;
    while (first < last && p->kept[first]) first++;
    for (size_t i = first; i < last; i++) node[0] = node[0] + !p->kept[i];
    if (node[0] == 0) return free(node), NULL;
    for (size_t j = 0; j < n; j++) {
        const double *x = t->p->x + j, x0 = x[first * n]; /* x[i * n] is feature j of row i */
        for (size_t i = first; i < last; i++) mean[j] = p->kept[i] ? mean[j] : mean[j] + (x[i * n] - x0);
        mean[j] = x0 + mean[j] / node[0];
        for (size_t i = first; i < last; i++) dev = x[i * n] - mean[j], M2[j] = p->kept[i] ? M2[j] : fma(dev, dev, M2[j]);
    }
    return node;
}

static void statistics_join(const problem *p, double *a, const double *b)
{
    double na = a[0], nb = b[0], N = na + nb;
    for (size_t n = p->n, j = 1; j <= n; j++) {
        double delta = b[j] - a[j];
        a[j] = fma(delta, nb / N, a[j]);
        a[n + j] = fma(delta * delta, (na * nb) / N, a[n + j] + b[n + j]);
    }
    a[0] = N;
}

static void find_scaling(problem *p, int minmax)
{
    tree t = {.p = p, .leaf = statistics_leaf, .join = statistics_join};
    double *root = over_groups(&t, 0, p->G);
    p->mu = zeros(p->n), p->sigma = zeros(p->n);
    for (size_t n = p->n, j = 0; j < n; j++) {
        double min = INFINITY, max = -INFINITY, sd = sqrt(root[1 + n + j] / root[0]);
        for (size_t i = 0; i < p->m; i++) min = !p->kept[i] && p->x[i * n + j] < min ? p->x[i * n + j] : min;
        for (size_t i = 0; i < p->m; i++) max = !p->kept[i] && p->x[i * n + j] > max ? p->x[i * n + j] : max;
        p->mu[j] = minmax ? min : root[1 + j];
        p->sigma[j] = minmax ? max - min : sd;
        if (p->sigma[j] == 0) p->sigma[j] = 1;
    }
    free(root);
}

/* ---- 4. One block --------------------------------------------------------------------------- */
static double chain(size_t n, const double *a, const double *b)
{
    double z = 0;
    for (size_t j = 0; j < n; j++) z = fma(a[j], b[j], z);
    return z;
}

/* The losses of one margin without a logarithm. */
static double margin_loss(const problem *p, double y, double z, double *r)
{
    double a = z - y, e = my_exp(z), s = 2 * y - 1, v = 1 - s * z <= 0 ? 0 : 1 - s * z;
    if (p->model == poisson) return *r = e - y, e - y * z;
    if (p->model == squared_hinge) return *r = (-2 * s) * v, v * v + (z - z);
    *r = p->model == huber && fabs(a) > 1 ? copysign(1, a) : a;
    return *r == a ? 0.5 * (a * a) : 1 * (fabs(a) - 0.5 * 1);
}

/* The loss of a row; z has its K margins, r takes its K residuals. */
static double row_loss(const problem *p, double y, const double *z, double *r)
{
    double e = p->model == logistic ? my_exp(-fabs(z[0])) : 0, M = z[0], S = 0;
    if (p->model == logistic) {
        double u = 1 + e, c = e < 1 ? e - (u - 1) : 1 - (u - e), log1p_e = log_core(u, c / u);
        r[0] = (z[0] < 0 ? e : 1) / (1 + e) - y;
        return ((z[0] > 0 ? z[0] : 0) - y * z[0]) + log1p_e;
    }
    if (p->model != softmax) return margin_loss(p, y, z[0], r);
    for (size_t k = 1; k < p->K; k++) M = z[k] > M ? z[k] : M;
    for (size_t k = 0; k < p->K; k++) S = S + (r[k] = my_exp(z[k] - M));
    for (size_t k = 0; k < p->K; k++) r[k] = r[k] / S - (k == (size_t)y ? 1 : 0);
    return (M - z[(size_t)y]) + log_core(S, 0);
}

/* The vector of a node: n*K of g, K of s, then loss and W. */
static double *gradient_leaf(const tree *t, size_t first, size_t last)
{
    const problem *p = t->p;
    size_t n = p->n, K = p->K;
    double *g = zeros(n * K + K + 2), *s = g + n * K, *z = zeros(K), *r = zeros(K);
    for (size_t i = first; i < last; i++) {
        const double *x = p->x + i * n;
        for (size_t k = 0; k < K; k++)
            z[k] = (p->model == softmax ? chain : dot)(n, x, t->v + k * n) + t->c[k];
        double loss = row_loss(p, p->y[i], z, r);
        s[K] = s[K] + (!p->weight ? loss : p->weight[i] == 0 ? 0 : p->weight[i] * loss);
        s[K + 1] = s[K + 1] + (p->weight ? p->weight[i] : 1);
        for (size_t k = 0; k < K; k++) {
            if (p->weight) r[k] = p->weight[i] == 0 ? 0 : p->weight[i] * r[k];
            for (size_t j = 0; j < n; j++) g[j * K + k] = fma(r[k], x[j], g[j * K + k]);
            s[k] = s[k] + r[k];
        }
    }
    free(z), free(r);
    return g;
}

static void gradient_join(const problem *p, double *a, const double *b)
{
    for (size_t i = 0; i < p->n * p->K + p->K + 2; i++) a[i] = a[i] + b[i];
}

/* ---- 5. Objective --------------------------------------------------------------------------- */
double objective(const problem *p, const double *w, double *g)
{
    size_t n = p->n, K = p->K;
    double *v = zeros(n * K), *c = zeros(K);
    for (size_t k = 0; k < K; k++) { /* section 3; v[k * n + j] is v_jk */
        for (size_t j = 0; j < n; j++) v[k * n + j] = w[j * K + k] / (p->mu ? p->sigma[j] : 1);
        c[k] = p->N > n * K ? w[n * K + k] : 0;
        if (p->mu) c[k] = c[k] - dot(n, v + k * n, p->mu);
    }
    tree t = {.p = p, .v = v, .c = c, .leaf = gradient_leaf, .join = gradient_join};
    double *root = over_groups(&t, 0, p->G), *s = root + n * K, W = s[K + 1], F = s[K] / W;
    for (size_t i = 0; i < n * K && p->sigma; i++)
        root[i] = (root[i] - p->mu[i / K] * s[i % K]) / p->sigma[i / K];
    for (size_t i = 0; i < p->N; i++) g[i] = root[i] / W;
    for (size_t i = 0; i < n * K && p->l2 != 0; i++) g[i] = fma(p->l2, w[i], g[i]);
    if (p->l2 != 0) F = F + (0.5 * p->l2) * dot(n * K, w, w);
    free(root), free(v), free(c);
    return F;
}

/* ---- Options, input ------------------------------------------------------------------------- */
const char *option(const problem *p, const char *name)
{
    size_t n = strlen(name);
    for (char **a = p->words; *a; a++)
        if (strncmp(*a, name, n) == 0 && (*a)[n] == '=') return *a + n + 1;
    return NULL;
}

double number(const problem *p, const char *name, double otherwise)
{
    char *end = "";
    const char *text = option(p, name);
    double value = text ? strtod(text, &end) : otherwise;
    if (end == text || *end) refuse("not a number", name);
    return value;
}

int find(const char *name, const char *text, const char **words)
{
    int i = 0;
    while (text && words[i] && strcmp(text, words[i])) i++;
    if (!text || !words[i]) refuse("missing or unknown", name);
    return i;
}

/* HDF5 converts every type that data may have to double exactly, but for huge 64-bit integers. */
static double *read_data(problem *p, hid_t file, const char *name, int rank)
{
    hsize_t size[2] = {0, 1};
    hid_t set = H5Dopen2(file, name, H5P_DEFAULT), space = set < 0 ? -1 : H5Dget_space(set);
    if (space < 0 || H5Sget_simple_extent_ndims(space) != rank) refuse("no such array", name);
    H5Sget_simple_extent_dims(space, size, NULL);
    if (rank == 2) p->m = size[0], p->n = size[1];
    if (size[0] != p->m || p->m * p->n == 0) refuse("empty, or not as long as X", name);
    double *v = zeros(size[0] * size[1]);
    if (H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, v) < 0) refuse("cannot read", name);
    return v;
}

/* ---- 6. Methods ----------------------------------------------------------------------------- */
/* q = H q: down from the newest pair, up from the oldest in memory, where gamma is the newest one's. */
static void two_loops(const problem *p, size_t pair, double *q)
{
    size_t N = p->N;
    int end = pair == 0 || (double)(p->pairs - pair) == number(p, "memory", 10);
    const double *s = p->ds[end ? p->pairs : pair], *y = p->dy[end ? p->pairs : pair];
    double sy = dot(N, s, y), gamma = sy / dot(N, y, y), rho = 1 / sy, a = rho * dot(N, s, q);
    for (size_t j = 0; j < N; j++) q[j] = end ? gamma * q[j] : fma(-a, y[j], q[j]);
    if (end) return;
    two_loops(p, pair - 1, q);
    double b = rho * dot(N, y, q);
    for (size_t j = 0; j < N; j++) q[j] = fma(a - b, s[j], q[j]);
}

/* d of iteration k, where the gradient is g[k]. */
static void lbfgs_direction(problem *p, size_t k, double *d)
{
    size_t N = p->N;
    double *s = p->ds[p->pairs + 1], *y = p->dy[p->pairs + 1], *g = p->g[k];
    for (size_t j = 0; j < N && k > 0; j++) s[j] = p->w[k][j] - p->w[k - 1][j];
    for (size_t j = 0; j < N && k > 0; j++) y[j] = g[j] - p->g[k - 1][j];
    if (k > 0 && dot(N, s, y) > 0x1p-52 * dot(N, y, y)) p->pairs++;
    memcpy(d, g, N * sizeof *d);
    if (p->pairs > 0) two_loops(p, p->pairs, d);
    for (size_t j = 0; j < N; j++) d[j] = -d[j];
    if (p->pairs > 0 && !(dot(N, g, d) >= 0)) return;
    p->pairs = 0;
    double norm = sqrt(dot(N, g, g)), t = norm > 1 ? 1 / norm : 1;
    for (size_t j = 0; j < N; j++) d[j] = -(t * g[j]);
}

/* Makes the step from point k along d; returns its length, with F there, or NaN. */
static double take_step(const problem *p, size_t k, const double *d, double *F)
{
    int rule = one_of(p, "step", "constant", "inverse", "backtracking");
    double alpha = schedule(p, (double)k), c1 = number(p, "c1", 1e-4);
    double old = *F, slope = dot(p->N, p->g[k], d), left = number(p, "max_trials", 50);
    for (; left > 0; left--, alpha = alpha * number(p, "shrink", 0.5)) {
        double *w = p->w[k + 1], *g = p->g[k + 1];
        for (size_t j = 0; j < p->N; j++) w[j] = fma(alpha, d[j], p->w[k][j]);
        *F = objective(p, w, g);
        double line = old + (c1 * alpha) * slope;
        if (rule < 2 || *F <= line) return alpha;
        if (*F <= line + 0x1p-44 * fabs(old) && dot(p->N, g, d) <= (2 * c1 - 1) * slope) return alpha;
    }
    return puts("stopped: no trial was accepted"), NAN;
}

/* Prints the iterations; returns how many steps were made. */
static size_t train(problem *p, size_t iterations)
{
    int optimizer = one_of(p, "optimizer", "gd", "momentum", "lbfgs");
    double *u = zeros(p->N), *d = zeros(p->N), beta = number(p, "momentum", 0.9), step = NAN;
    double F = objective(p, p->w[0], p->g[0]);
    size_t k = 0, nonzero;
    for (;; k++) {
        const double *g = p->g[k], norm = sqrt(dot(p->N, g, g));
        printf("iteration %zu loss %a gradient_norm %a step %a\n", k, F, norm, step);
        for (size_t j = nonzero = 0; j < p->N; j++) nonzero += g[j] != 0;
        if (nonzero == 0) puts("stopped: the gradient is exactly zero");
        if (nonzero == 0 || k == iterations) break;
        for (size_t j = 0; j < p->N; j++) u[j] = optimizer == 1 ? fma(beta, u[j], g[j]) : g[j];
        for (size_t j = 0; j < p->N; j++) d[j] = -u[j];
        if (optimizer == 2) lbfgs_direction(p, k, d);
        step = take_step(p, k, d, &F);
        if (isnan(step)) break;
    }
    return free(u), free(d), k;
}

static void read_problem(problem *p, const char *path)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file < 0) refuse("cannot open", path);
    p->x = read_data(p, file, option(p, "X") ? option(p, "X") : "/X", 2);
    p->y = read_data(p, file, option(p, "y") ? option(p, "y") : "/y", 1);
    if (option(p, "weights")) p->weight = read_data(p, file, option(p, "weights"), 1);
    p->l2 = number(p, "l2", 0);
    p->model = (unsigned)one_of(p, "model", "linear", "logistic", "softmax", "huber", "poisson", "squared_hinge");
    int binary = p->model == logistic || p->model == squared_hinge;
    size_t classes = binary || p->model == softmax ? number_labels(p->m, p->y) : 2;
    if (classes < 2 || (binary && classes > 2)) refuse("unfit labels", path);
    p->K = p->model == softmax ? classes : 1;
    p->N = (p->n + (number(p, "intercept", 1) != 0)) * p->K;
    size_t many = p2(p->m < 65536 * 128 ? p->m / 128 : 65536), few = p2(p->m < 512 ? p->m / 8 : 64);
    p->G = (size_t)number(p, "groups", 0);
    if (p->G == 0) p->G = many + few == 0 ? 1 : many > few ? many : few;
    if (p->G != p2(p->G)) refuse("not a power of two", "groups");
    p->start = zeros(p->G + 1);
    for (size_t k = 0; k <= p->G; k++) p->start[k] = p->m * k / p->G;
    keep_rows(p);
    int scaling = one_of(p, "scaling", "none", "standardize", "minmax");
    if (scaling > 0) find_scaling(p, scaling == 2);
}

int main(int argc, char **argv)
{
    static problem p; /* static, so that all memory is reachable until the end */
    static const char names[] =
        " model= scaling= optimizer= step= length= tau= c1= shrink= max_trials= l2= momentum= "
        "memory= intercept= groups= iterations= init= X= y= weights= isa-free seed= batch= epochs= fraction= tail= list= ";
    if (argc < 3) refuse("usage", "DATA.h5 option=value ..., see README.md");
    p.words = argv + 2;
    for (char **a = p.words, name[16]; *a; a++) {
        snprintf(name, sizeof name, " %.*s ", (int)strcspn(*a, "=") + 1, *a);
        if (!strstr(names, name)) refuse("unknown option", *a);
    }
    read_problem(&p, argv[1]);
    size_t iterations = (size_t)number(&p, "iterations", 0), points = iterations + 2;
    double **rows = zeros(4 * points);
    for (size_t i = 0; i < 4 * points; i++) rows[i] = zeros(p.N);
    p.w = rows, p.g = rows + points, p.ds = p.g + points, p.dy = p.ds + points;
    for (size_t j = 0; j < p.N; j++) p.w[0][j] = number(&p, "init", 0);
    double *w = number(&p, "batch", 0) > 0 ? train_epochs(&p) : p.w[train(&p, iterations)];
    unsigned long long hash = XXH3_64bits(w, p.N * sizeof(double));
    printf("parameters xxh3:%016llx\nn_parameters %zu\n", hash, p.N);
}
