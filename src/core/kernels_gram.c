/* kernels_gram.c -- C += A^T B in registers, for Gram matrices and for the Cholesky factor; compiled once per
 * instruction set like kernels.c.
 *
 * A panel of B, as wide as a tile and DEPTH rows deep, is packed to stay in the first cache; the tiles of C
 * under it take its rows in order. Each element is one chain over the rows, carried in memory from panel to
 * panel, so tiles and panels cannot change a bit. */
#include "core/kernels_parts.h"

#include "core/v8.h"

#include <stdbool.h>
#include <stdint.h>

enum { DEPTH = 128, WIDTH = 8 * V8_TILE_VECS, AHEAD = 8, LINE = 64 };

/* One tile: rows j .. j + rows - 1 of c, columns k .. k + 8 * vecs - 1. */
typedef struct {
    const tw_product *p;
    size_t depth, width; /* rows of the packed panel, and its row length */
    size_t j, rows, k;   /* rows < V8_TILE_ROWS only at the end of c */
    const double *a, *b; /* a at column j, the panel at column k, both at the first row */
} tile;

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Of the 8 elements from column k on, those of row j that belong to the part of c. */
V8_INLINE void store_part(const tw_product *p, size_t j, size_t k, v8 value)
{
    double *at = p->c + j * p->ldc + k;
    const v8 old = v8_load(at);
    const size_t end = p->part == TW_LOWER ? least(p->n, j + 1) : p->n;
    v8 out = v8_select(v8_first(end > k ? end - k : 0), value, old);
    if (p->part == TW_UPPER && j > k) out = v8_select(v8_first(j - k), old, out);
    v8_store(at, out);
}

static bool is_whole(const tile *t, size_t vecs)
{
    const tw_product *p = t->p;
    const size_t end = t->k + 8 * vecs;
    return t->rows == V8_TILE_ROWS && end <= p->n && (p->part != TW_LOWER || end <= t->j + 1) &&
           (p->part != TW_UPPER || t->k + 1 >= t->j + V8_TILE_ROWS);
}

/* Asks for the line count doubles after p; it may lie beyond the array. */
V8_INLINE void fetch(const double *p, size_t count)
{
    __builtin_prefetch((const void *)((uintptr_t)p + count * sizeof *p));
}

/* rows and vecs are known to the compiler: the arrays of vectors live in registers. */
V8_INLINE void tile_sum(size_t rows, size_t vecs, const tile *t)
{
    v8 c[V8_TILE_ROWS * V8_TILE_VECS], b[V8_TILE_VECS];
    const size_t np = t->p->np, ldc = t->p->ldc, depth = t->depth, width = t->width;
    const bool whole = is_whole(t, vecs);
    const double *x = t->a, *panel = t->b;
    double *out = t->p->c + t->j * ldc + t->k;
    V8_UNROLL for (size_t e = 0; e < rows * vecs; e++)
    {
        c[e] = e / vecs < t->rows ? v8_load(out + e / vecs * ldc + e % vecs * 8) : v8_zero();
    }
    V8_UNROLL for (size_t e = 0; e < rows * vecs; e++) fetch(out, (rows + e / vecs) * ldc + e % vecs * 8);
    for (size_t i = 0; i < depth; i++, x += np, panel += width) {
        fetch(x, AHEAD * np);
        V8_UNROLL for (size_t v = 0; v < vecs; v++) b[v] = v8_load(panel + 8 * v);
        V8_UNROLL for (size_t e = 0; e < rows * vecs; e++)
        {
            c[e] = v8_fma(v8_set1(x[e / vecs]), b[e % vecs], c[e]);
        }
    }
    V8_UNROLL for (size_t e = 0; e < rows * vecs; e++)
    {
        if (whole)
            v8_store(out + e / vecs * ldc + e % vecs * 8, c[e]);
        else if (e / vecs < t->rows)
            store_part(t->p, t->j + e / vecs, t->k + e % vecs * 8, c[e]);
    }
}

/* The last row may be alone: that of the constant. */
V8_INLINE void tile_of(size_t vecs, const tile *t)
{
    if (t->rows == 1)
        tile_sum(1, vecs, t);
    else
        tile_sum(V8_TILE_ROWS, vecs, t);
}

/* The columns first .. end of the panel that rows j .. of the part need; both multiples of 8, none when
 * equal. */
static void columns_of(const tw_product *p, size_t j, size_t k, size_t *first, size_t *end)
{
    const size_t last = j + V8_TILE_ROWS - 1;
    if (p->part == TW_LOWER) *end = last < k ? 0 : least(*end, (last - k) / 8 * 8 + 8);
    if (p->part == TW_UPPER && j > k) *first = least(*end, (j - k) / 8 * 8);
}

typedef struct {
    const char *at, *end;
    size_t lines;
} asking;

static void tiles_of_panel(const tw_product *p, size_t row, size_t depth, size_t k, const double *panel,
                           asking *a)
{
    const size_t width = least(WIDTH, (p->n - k + 7) / 8 * 8);
    for (size_t j = 0; j < p->m; j += V8_TILE_ROWS) {
        size_t first = 0, end = width;
        columns_of(p, j, k, &first, &end);
        for (size_t i = 0; i < a->lines && a->at < a->end; i++, a->at += LINE)
            __builtin_prefetch(a->at, 0, 2);
        const tile t = {.p = p,
                        .depth = depth,
                        .width = width,
                        .j = j,
                        .k = k + first,
                        .rows = least(V8_TILE_ROWS, p->m - j),
                        .a = p->a + row * p->np + j,
                        .b = panel + first};
        if (end == first + 8) tile_of(1, &t);
        if (V8_TILE_VECS > 1 && end == first + 16) tile_of(2, &t);
        if (V8_TILE_VECS > 2 && end == first + 24) tile_of(3, &t);
    }
}

/* Signs are exact: a product by -1 or 1. */
static void pack(const tw_product *p, size_t row, size_t depth, size_t k, double *panel)
{
    const size_t width = least(WIDTH, (p->n - k + 7) / 8 * 8);
    const v8 sign = v8_set1(p->minus ? -1.0 : 1.0);
    for (size_t i = 0; i < depth; i++)
        for (size_t v = 0; v < width; v += 8)
            v8_store(panel + i * width + v, v8_mul(sign, v8_load(p->b + (row + i) * p->np + k + v)));
}

/* Memory that will be wanted soon, some lines of it a tile. */
static size_t lines_a_tile(const tw_product *p)
{
    const size_t tiles = (p->rows / DEPTH + 1) * (p->n / WIDTH + 1) * (p->m / V8_TILE_ROWS + 1);
    return p->ahead_bytes / LINE / (p->part == TW_ALL ? tiles : tiles / 2 + 1) + 1;
}

void tw_kernel_product(const tw_product *p)
{
    _Alignas(64) double panel[DEPTH * WIDTH];
    asking a = {.at = p->ahead, .end = (const char *)p->ahead + p->ahead_bytes, .lines = lines_a_tile(p)};
    for (size_t row = 0; row < p->rows; row += DEPTH) {
        const size_t depth = least(DEPTH, p->rows - row);
        for (size_t k = 0; k < p->n; k += WIDTH) {
            pack(p, row, depth, k, panel);
            tiles_of_panel(p, row, depth, k, panel, &a);
        }
    }
}
