/* kernels_outputs.c -- products of some rows with the parameters of several outputs, and back; compiled once
 * per instruction set like kernels.c.
 *
 * The rows become doubles in panels of some columns. While a panel is worked on, the next one is converted, a
 * few elements between many multiply-adds: by itself that waits for the second cache, which the panels fill.
 * Margins: lanes are outputs, each margin is one chain over the columns, carried in memory from panel to
 * panel, so that the parameters of a panel stay in the first cache while all rows pass. Gradient: lanes are
 * columns, so that no lane is empty whatever the number of outputs, and a tile takes all rows in registers.
 * Source of the shape: Goto and van de Geijn 2008. */
#include "core/kernels_parts.h"

#include "core/v8.h"
#include "core/v8_widen.h"

#include <stdbool.h>

enum { LINE = 64, CHUNK = 8, VECTORS = TW_PANEL / 8 };

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

/* ---------------------------------------------------------------- panels */

/* TW_PANEL elements. */
V8_INLINE void convert(tw_dtype type, const unsigned char *in, double *out)
{
    switch (type) {
#define X(name, size)                                                   \
    case TW_##name:                                                     \
        V8_UNROLL for (size_t v = 0; v < VECTORS; v++)                  \
            v8_store(out + 8 * v, v8_from_##name(in + 8 * v * (size))); \
        break;
        TW_DTYPES(X)
#undef X
    default: break;
    }
}

/* A panel of all rows by itself: columns [from, from + count), and zeros up to a whole vector. */
static void make_panel(const tw_outputs *p, size_t from, size_t count)
{
    const size_t size = v8_stored(p->type);
    const unsigned char *in = (const unsigned char *)p->stored + from * size;
    double *out = p->x + from * p->rows;
    for (size_t i = 0; i < p->rows; i++, in += p->n * size, out += TW_PANEL) {
        if (count == TW_PANEL) {
            convert(p->type, in, out);
            continue;
        }
        size_t j = 0;
        for (; j + 8 <= count; j += 8) v8_store(out + j, v8_from(p->type, in + j * size));
        if (j < count) v8_store(out + j, v8_part(p->type, count - j, in + j * size));
    }
}

/* ---------------------------------------------------------------- margins */

/* Some rows of a panel, outputs from `in` and `out` on. */
typedef struct {
    size_t kp, count;            /* count: columns */
    const double *x, *in;        /* [rows][TW_PANEL]; parameters [count][kp] */
    double *out;                 /* margins [rows][kp] */
    bool first;                  /* they begin at zero */
    tw_dtype type;               /* how these rows are stored, */
    size_t row;                  /* their bytes, */
    const unsigned char *stored; /* the columns of the next panel, NULL: there is none, or not a whole one, */
    double *next;                /* and where they belong */
    asking a;
} panel;

/* A part of the next panel, one of TW_PANEL / CHUNK. */
V8_INLINE void convert_part(size_t rows, size_t part, const panel *p)
{
    enum { PARTS = TW_PANEL / CHUNK };
    const size_t some = (rows + PARTS - 1) / PARTS, begin = part * some;
    for (size_t i = begin; i < begin + some && i < rows; i++)
        convert(p->type, p->stored + i * p->row, p->next + i * TW_PANEL);
}

/* rows and vecs are known to the compiler: the arrays of vectors live in registers. */
V8_INLINE void products_tile(size_t rows, size_t vecs, panel p)
{
    v8 z[V8_TILE_ROWS * V8_TILE_VECS], v[V8_TILE_VECS];
    V8_UNROLL for (size_t t = 0; t < rows * vecs; t++)
    {
        z[t] = p.first ? v8_zero() : v8_load(p.out + t / vecs * p.kp + t % vecs * 8);
    }
    for (size_t j = 0, end; j < p.count; j = end) {
        end = p.count - j < CHUNK ? p.count : j + CHUNK;
        ask(&p.a, j);
        if (p.stored) convert_part(rows, j / CHUNK, &p);
        for (; j < end; j++, p.in += p.kp, p.x++) {
            V8_UNROLL for (size_t c = 0; c < vecs; c++) v[c] = v8_load(p.in + 8 * c);
            V8_UNROLL for (size_t t = 0; t < rows * vecs; t++)
            {
                z[t] = v8_fma(v8_set1(p.x[t / vecs * TW_PANEL]), v[t % vecs], z[t]);
            }
        }
    }
    V8_UNROLL for (size_t t = 0; t < rows * vecs; t++) v8_store(p.out + t / vecs * p.kp + t % vecs * 8, z[t]);
}

V8_INLINE void products_rows(size_t rows, size_t first, panel p)
{
    size_t k = 0;
    p.x += first * TW_PANEL;
    p.out += first * p.kp;
    p.next += first * TW_PANEL;
    if (p.stored) p.stored += first * p.row;
    for (; k + 8 * V8_TILE_VECS <= p.kp; k += 8 * V8_TILE_VECS) {
        products_tile(rows, V8_TILE_VECS, p);
        p.in += 8 * V8_TILE_VECS;
        p.out += 8 * V8_TILE_VECS;
        p.stored = NULL; /* done */
    }
    if (V8_TILE_VECS > 2 && p.kp - k == 16) products_tile(rows, 2, p);
    if (V8_TILE_VECS > 1 && p.kp - k == 8) products_tile(rows, 1, p);
}

/* One panel of all rows. */
static void products_panel(size_t rows, panel *q)
{
    size_t i = 0;
    for (; i + V8_TILE_ROWS <= rows; i += V8_TILE_ROWS) {
        products_rows(V8_TILE_ROWS, i, *q);
        q->a.at += q->count * q->a.step;
    }
    if (V8_TILE_ROWS > 4)
        for (; i + 4 <= rows; i += 4) products_rows(4, i, *q);
    for (; i + 2 <= rows; i += 2) products_rows(2, i, *q);
    if (i < rows) products_rows(1, i, *q);
}

void tw_kernel_products(const tw_outputs *p, const double *v, double *z)
{
    const size_t size = v8_stored(p->type);
    panel q = {.kp = p->kp, .in = v, .out = z, .type = p->type, .row = p->n * size};
    q.a = asking_of(p, p->n * (p->rows / V8_TILE_ROWS + 1));
    size_t from = 0;
    make_panel(p, 0, p->n < TW_PANEL ? p->n : TW_PANEL);
    do {
        const size_t to = p->n - from < TW_PANEL ? p->n : from + TW_PANEL, after = p->n - to;
        q.count = to - from;
        q.first = from == 0;
        q.x = p->x + from * p->rows;
        q.next = p->x + to * p->rows;
        q.stored = after < TW_PANEL ? NULL : (const unsigned char *)p->stored + to * size;
        products_panel(p->rows, &q);
        if (after > 0 && after < TW_PANEL) make_panel(p, to, after);
        q.in += q.count * p->kp;
        from = to;
    } while (from < p->n);
}

/* ---------------------------------------------------------------- gradient */

enum { WIDE = 8 * V8_OUTER_VECS };

/* Up to WIDE columns of all rows, outputs from r and g on. */
typedef struct {
    size_t rows, n, kp, count; /* count: columns */
    const double *x, *r;       /* x: [rows][TW_PANEL] */
    double *g;
    asking a;
} corner;

/* outputs and vecs are known to the compiler; the last vector may not be whole. */
V8_INLINE void outer_tile(size_t outputs, size_t vecs, const corner *c)
{
    v8 g[V8_OUTER_OUTPUTS * V8_OUTER_VECS], x[V8_OUTER_VECS];
    const v8m m = v8_first(c->count - 8 * (vecs - 1));
    V8_UNROLL for (size_t t = 0; t < outputs * vecs; t++)
    {
        const double *at = c->g + t / vecs * c->n + t % vecs * 8;
        g[t] = t % vecs == vecs - 1 ? v8_load_mask(m, at) : v8_load(at);
    }
    for (size_t i = 0, end; i < c->rows; i = end) {
        end = c->rows - i < CHUNK ? c->rows : i + CHUNK;
        ask(&c->a, i);
        for (; i < end; i++) {
            V8_UNROLL for (size_t v = 0; v < vecs; v++) x[v] = v8_load(c->x + i * TW_PANEL + 8 * v);
            V8_UNROLL for (size_t t = 0; t < outputs * vecs; t++)
            {
                g[t] = v8_fma(v8_set1(c->r[i * c->kp + t / vecs]), x[t % vecs], g[t]);
            }
        }
    }
    V8_UNROLL for (size_t t = 0; t < outputs * vecs; t++)
    {
        double *at = c->g + t / vecs * c->n + t % vecs * 8;
        if (t % vecs == vecs - 1)
            v8_store_mask(m, at, g[t]);
        else
            v8_store(at, g[t]);
    }
}

V8_INLINE void outer_outputs(size_t outputs, const corner *c)
{
    if (outputs > V8_OUTER_OUTPUTS) return;
    if (V8_OUTER_VECS > 1 && c->count > 8)
        outer_tile(outputs, V8_OUTER_VECS, c);
    else
        outer_tile(outputs, 1, c);
}

static void outer_some(size_t outputs, const corner *c)
{
    switch (outputs) {
#define X(count) \
    case count: outer_outputs(count, c); break;
        /* clang-format off */
        X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
        /* clang-format on */
#undef X
            default : break;
    }
}

void tw_kernel_outer(const tw_outputs *p, const double *r, double *g)
{
    const size_t tiles = (p->outputs + V8_OUTER_OUTPUTS - 1) / V8_OUTER_OUTPUTS;
    corner c = {.rows = p->rows, .n = p->n, .kp = p->kp};
    c.a = asking_of(p, tiles * (p->n / WIDE + 1) * p->rows);
    for (size_t j = 0; j < p->n; j += WIDE) {
        c.count = p->n - j < WIDE ? p->n - j : WIDE;
        c.x = p->x + j / TW_PANEL * TW_PANEL * p->rows + j % TW_PANEL;
        for (size_t t = 0, k = 0, end; t < tiles; t++, k = end) {
            end = p->outputs * (t + 1) / tiles;
            c.r = r + k;
            c.g = g + k * p->n + j;
            outer_some(end - k, &c);
            c.a.at += p->rows * c.a.step;
        }
    }
}
