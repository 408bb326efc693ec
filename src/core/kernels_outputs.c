/* kernels_outputs.c -- products of some rows with the parameters of several outputs, and back; compiled once
 * per instruction set like kernels.c.
 *
 * Margins: lanes are outputs, each margin is one chain over the columns, carried in memory from strip to
 * strip, so that the parameters of a strip stay in the first cache while all rows pass. Gradient: lanes are
 * columns, so that no lane is empty whatever the number of outputs, and a tile takes all rows in registers.
 * Source of the shape: Goto and van de Geijn 2008. */
#include "core/kernels_parts.h"

#include "core/v8.h"

enum { STRIP_BYTES = 16384, LEAST_STRIP = 32, LINE = 64, CHUNK = 8 };

/* Memory that will be wanted soon, so many bytes of it a round; a few lines every CHUNK rounds of a loop, so
 * that what is asked for does not hold up what is wanted now. */
typedef struct {
    const char *at;
    size_t step;
} asking;

static asking asking_of(const tw_outputs *p, size_t rounds)
{
    return (asking){.at = p->ahead ? p->ahead : p->x, .step = p->ahead_bytes / (rounds + 1)};
}

V8_INLINE void ask(const asking *a, size_t round)
{
    for (const char *at = a->at + round * a->step, *end = at + CHUNK * a->step; at < end; at += LINE)
        __builtin_prefetch(at, 0, 2);
}

/* ---------------------------------------------------------------- margins */

/* Columns [from, to) of some rows, outputs from `in` and `out` on. */
typedef struct {
    size_t n, kp, from, to;
    const double *x, *in; /* in: parameters [n][kp] */
    double *out;          /* margins [rows][kp] */
    asking a;
} panel;

/* rows and vecs are known to the compiler: the arrays of vectors live in registers. */
V8_INLINE void products_tile(size_t rows, size_t vecs, panel p)
{
    v8 z[V8_TILE_ROWS * V8_TILE_VECS], v[V8_TILE_VECS];
    V8_UNROLL for (size_t t = 0; t < rows * vecs; t++)
    {
        z[t] = p.from == 0 ? v8_zero() : v8_load(p.out + t / vecs * p.kp + t % vecs * 8);
    }
    const double *in = p.in + p.from * p.kp;
    for (size_t j = p.from, end; j < p.to; j = end) {
        end = p.to - j < CHUNK ? p.to : j + CHUNK;
        ask(&p.a, j - p.from);
        for (; j < end; j++, in += p.kp) {
            V8_UNROLL for (size_t c = 0; c < vecs; c++) v[c] = v8_load(in + 8 * c);
            V8_UNROLL for (size_t t = 0; t < rows * vecs; t++)
            {
                z[t] = v8_fma(v8_set1(p.x[t / vecs * p.n + j]), v[t % vecs], z[t]);
            }
        }
    }
    V8_UNROLL for (size_t t = 0; t < rows * vecs; t++) v8_store(p.out + t / vecs * p.kp + t % vecs * 8, z[t]);
}

V8_INLINE void products_rows(size_t rows, size_t first, panel p)
{
    size_t k = 0;
    p.x += first * p.n;
    p.out += first * p.kp;
    for (; k + 8 * V8_TILE_VECS <= p.kp;
         k += 8 * V8_TILE_VECS, p.in += 8 * V8_TILE_VECS, p.out += 8 * V8_TILE_VECS)
        products_tile(rows, V8_TILE_VECS, p);
    if (V8_TILE_VECS > 2 && p.kp - k == 16) products_tile(rows, 2, p);
    if (V8_TILE_VECS > 1 && p.kp - k == 8) products_tile(rows, 1, p);
}

void tw_kernel_products(const tw_outputs *p, const double *v, double *z)
{
    const size_t fit = STRIP_BYTES / sizeof(double) / p->kp, strip = fit < LEAST_STRIP ? LEAST_STRIP : fit;
    panel q = {.n = p->n, .kp = p->kp, .x = p->x, .in = v, .out = z};
    q.a = asking_of(p, p->n * (p->rows / V8_TILE_ROWS + 1));
    do {
        size_t i = 0;
        q.to = p->n - q.from < strip ? p->n : q.from + strip;
        for (; i + V8_TILE_ROWS <= p->rows; i += V8_TILE_ROWS) {
            products_rows(V8_TILE_ROWS, i, q);
            q.a.at += (q.to - q.from) * q.a.step;
        }
        if (V8_TILE_ROWS > 4)
            for (; i + 4 <= p->rows; i += 4) products_rows(4, i, q);
        for (; i + 2 <= p->rows; i += 2) products_rows(2, i, q);
        if (i < p->rows) products_rows(1, i, q);
        q.from = q.to;
    } while (q.to < p->n);
}

/* ---------------------------------------------------------------- gradient */

/* Outputs from r and g on, columns from x and g on. */
typedef struct {
    size_t rows, n, kp, count; /* count: columns of the vector that is not whole, else 8 */
    const double *x, *r;
    double *g;
    asking a;
} corner;

/* outputs and vecs are known to the compiler. */
V8_INLINE void outer_tile(size_t outputs, size_t vecs, const corner *c)
{
    v8 g[V8_OUTER_OUTPUTS * V8_OUTER_VECS], x[V8_OUTER_VECS];
    V8_UNROLL for (size_t t = 0; t < outputs * vecs; t++)
    {
        g[t] = v8_load(c->g + t / vecs * c->n + t % vecs * 8);
    }
    for (size_t i = 0, end; i < c->rows; i = end) {
        end = c->rows - i < CHUNK ? c->rows : i + CHUNK;
        ask(&c->a, i);
        for (; i < end; i++) {
            V8_UNROLL for (size_t v = 0; v < vecs; v++) x[v] = v8_load(c->x + i * c->n + 8 * v);
            V8_UNROLL for (size_t t = 0; t < outputs * vecs; t++)
            {
                g[t] = v8_fma(v8_set1(c->r[i * c->kp + t / vecs]), x[t % vecs], g[t]);
            }
        }
    }
    V8_UNROLL for (size_t t = 0; t < outputs * vecs; t++)
        v8_store(c->g + t / vecs * c->n + t % vecs * 8, g[t]);
}

/* The last columns. */
static void outer_rest(size_t outputs, const corner *c)
{
    const v8m m = v8_first(c->count);
    for (size_t k = 0; k < outputs; k++) {
        v8 g = v8_load_mask(m, c->g + k * c->n);
        for (size_t i = 0; i < c->rows; i++)
            g = v8_fma(v8_set1(c->r[i * c->kp + k]), v8_load_mask(m, c->x + i * c->n), g);
        v8_store_mask(m, c->g + k * c->n, g);
    }
}

V8_INLINE void outer_columns(size_t outputs, corner c)
{
    enum { TILE = 8 * V8_OUTER_VECS };
    size_t j = 0;
    for (; j + TILE <= c.n; j += TILE, c.x += TILE, c.g += TILE, c.a.at += c.rows * c.a.step)
        outer_tile(outputs, V8_OUTER_VECS, &c);
    for (; V8_OUTER_VECS > 1 && j + 8 <= c.n; j += 8, c.x += 8, c.g += 8) outer_tile(outputs, 1, &c);
    c.count = c.n - j;
    if (j < c.n) outer_rest(outputs, &c);
}

void tw_kernel_outer(const tw_outputs *p, const double *r, double *g)
{
    const size_t tiles = (p->outputs + V8_OUTER_OUTPUTS - 1) / V8_OUTER_OUTPUTS;
    const size_t rounds = (p->n / (8 * V8_OUTER_VECS) + 1) * p->rows;
    corner c = {.rows = p->rows, .n = p->n, .kp = p->kp, .x = p->x, .a = asking_of(p, tiles * rounds)};
    for (size_t t = 0, k = 0, end; t < tiles; t++, k = end) {
        end = p->outputs * (t + 1) / tiles;
        c.r = r + k;
        c.g = g + k * p->n;
        switch (end - k) {
#define X(outputs)                                                  \
    case outputs:                                                   \
        if (outputs <= V8_OUTER_OUTPUTS) outer_columns(outputs, c); \
        break;
            /* clang-format off */
            X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
            /* clang-format on */
#undef X
                default : break;
        }
        c.a.at += rounds * c.a.step;
    }
}
