/* The oracle's second source: labels, rows kept for validation, and epochs of mini-batches. A step is a
 * problem of its own: the rows it takes, gathered group after group. */
#include "oracle.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Random numbers: Philox4x32-10, Salmon et al. 2011, section 3.3 ------------------------- */
static uint64_t random64(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    uint32_t a = (uint32_t)index, b = (uint32_t)(index >> 32), c = (uint32_t)stream,
             d = (uint32_t)(stream >> 32);
    for (int round = 0; round < 10; round++, key0 += 0x9E3779B9u, key1 += 0xBB67AE85u) {
        uint64_t first = (uint64_t)0xD2511F53u * a, second = (uint64_t)0xCD9E8D57u * c;
        a = (uint32_t)(second >> 32) ^ b ^ key0;
        b = (uint32_t)second;
        c = (uint32_t)(first >> 32) ^ d ^ key1;
        d = (uint32_t)first;
    }
    return (uint64_t)a << 32 | b;
}

/* floor(random * bound / 2^64), bound below 2^32. */
static size_t below(uint64_t seed, uint64_t stream, uint64_t index, size_t bound)
{
    uint64_t r = random64(seed, stream, index), low = (r & 0xffffffffu) * bound;
    return (size_t)(((r >> 32) * bound + (low >> 32)) >> 32);
}

/* ---- Labels -------------------------------------------------------------------------------- */
/* A label becomes its place among the sorted distinct labels; returns how many there are. */
size_t number_labels(size_t m, double *y)
{
    double *place = zeros(m), label = -INFINITY, next;
    for (size_t classes = 0;; classes++, label = next) {
        next = INFINITY;
        for (size_t i = 0; i < m; i++) next = y[i] > label && y[i] < next ? y[i] : next;
        for (size_t i = 0; i < m; i++) place[i] = y[i] == next ? (double)classes : place[i];
        if (next == INFINITY) return memcpy(y, place, m * sizeof *y), free(place), classes;
    }
}

/* ---- Rows kept for validation --------------------------------------------------------------- */
void keep_rows(problem *p)
{
    double fraction = number(p, "fraction", 0), tail = number(p, "tail", 0), m = (double)p->m;
    uint64_t seed = (uint64_t)number(p, "seed", 0);
    p->kept = zeros(p->m);
    if (tail > 0 && tail < 1) tail = floor(m * tail + 0.5);
    if (fraction == 0 && tail == 0) return;
    double *weight = zeros(p->m);
    for (size_t i = 0; i < p->m; i++) {
        double u = ldexp((double)(random64(seed, (uint64_t)4 << 56, i) >> 11), -53);
        p->kept[i] = u < fraction || (double)i >= m - tail;
        if (p->kept[i] && option(p, "list")) printf("kept %zu\n", i);
        weight[i] = p->kept[i] ? 0 : p->weight ? p->weight[i] : 1;
    }
    p->weight = weight;
}

/* ---- Mini-batches --------------------------------------------------------------------------- */
double schedule(const problem *p, double time)
{
    double length = number(p, "length", 1), tau = number(p, "tau", 1);
    return one_of(p, "step", "constant", "inverse", "backtracking") == 1 ? (length * tau) / (time + tau)
                                                                         : length;
}

/* The rows of group k in the order of the epoch, those that take part only; returns how many. */
static size_t order_group(const problem *p, uint64_t epoch, size_t k, size_t *order)
{
    size_t first = p->start[k], rows = p->start[k + 1] - first, count = 0;
    uint64_t seed = (uint64_t)number(p, "seed", 0), stream = ((uint64_t)1 << 56) + epoch * 65536 + k;
    for (size_t i = 0; i < rows; i++) order[i] = first + i;
    for (size_t i = rows; i-- > 1;) {
        size_t j = below(seed, stream, i, i + 1), row = order[i];
        order[i] = order[j];
        order[j] = row;
    }
    for (size_t i = 0; i < rows; i++)
        if (!p->weight || p->weight[order[i]] != 0) order[count++] = order[i];
    return count;
}

/* floor(r t / T + k / G) */
static size_t cut(const problem *p, size_t r, size_t t, size_t T, size_t k)
{
    return (r * t * p->G + k * T) / (T * p->G);
}

/* Step t of T as a problem; its arrays have room for p's. Order: the rows of group k from p's start[k] on. */
static void gather(const problem *p, const size_t *order, const size_t *count, size_t t, size_t T,
                   problem *step)
{
    step->m = 0;
    for (size_t k = 0; k < p->G; k++) {
        step->start[k] = step->m;
        for (size_t i = cut(p, count[k], t, T, k); i < cut(p, count[k], t + 1, T, k); i++) {
            size_t row = order[p->start[k] + i], at = step->m++;
            memcpy(step->x + at * p->n, p->x + row * p->n, p->n * sizeof *p->x);
            step->y[at] = p->y[row];
            if (p->weight) step->weight[at] = p->weight[row];
        }
    }
    step->start[p->G] = step->m;
}

double *train_epochs(const problem *p)
{
    int momentum = one_of(p, "optimizer", "gd", "momentum") == 1;
    double *w = p->w[0], *g = zeros(p->N), *u = zeros(p->N), beta = number(p, "momentum", 0.9), rows = 0;
    size_t *order = zeros(p->m), *count = zeros(p->G), epochs = (size_t)number(p, "epochs", 1);
    problem step = *p;
    step.x = zeros(p->m * p->n), step.y = zeros(p->m), step.start = zeros(p->G + 1);
    if (p->weight) step.weight = zeros(p->m);
    for (size_t i = 0; i < p->m; i++) rows = rows + (!p->weight || p->weight[i] != 0);
    size_t T = (size_t)floor(rows / number(p, "batch", 0) + 0.5);
    if (T == 0) T = 1;
    for (size_t epoch = 0; epoch < epochs; epoch++) {
        for (size_t k = 0; k < p->G; k++) count[k] = order_group(p, epoch, k, order + p->start[k]);
        for (size_t t = 0; t < T; t++) {
            gather(p, order, count, t, T, &step);
            if (step.m == 0) continue;
            objective(&step, w, g);
            double alpha = schedule(p, (double)epoch + (double)t / (double)T);
            for (size_t j = 0; j < p->N; j++) u[j] = momentum ? fma(beta, u[j], g[j]) : g[j];
            for (size_t j = 0; j < p->N; j++) w[j] = fma(alpha, -u[j], w[j]);
        }
        double F = objective(p, w, g);
        printf("epoch %zu loss %a gradient_norm %a\n", epoch + 1, F, sqrt(dot(p->N, g, g)));
    }
    return free(order), free(count), free(g), free(u), free(step.x), free(step.y), free(step.start), w;
}
