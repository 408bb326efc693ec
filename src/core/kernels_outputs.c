/* kernels_outputs.c -- products of some rows with the parameters of several outputs, and back; compiled once
 * per instruction set like kernels.c.
 *
 * Both are one tile: sums of some outputs that live in registers take vectors times scalars. For margins the
 * lanes are rows: these become doubles and are turned in panels of some columns. For the gradient the lanes
 * are columns. So no lane is empty whatever the number of outputs, and what a tile reads stays in the first
 * cache. Source of the shape: Goto and van de Geijn 2008. */
#include "core/kernels_parts.h"

#include "core/v8.h"
#include "core/v8_widen.h"

#include <stdbool.h>
#include <string.h>

enum { LINE = 64, CHUNK = 8, WIDE = 8 * V8_OUTER_VECS };

/* ---------------------------------------------------------------- tiles */

/* sum[k][lane] += scalar[step][k] * vector[step][lane], one chain over the steps. */
typedef struct {
    size_t count; /* steps */
    const double *vector, *scalar;
    size_t vector_step, scalar_step;
    double *sum;
    size_t sum_row;    /* from an output to the next */
    const char *ahead; /* memory that will be wanted soon, */
    size_t ahead_step; /* bytes of it that are asked for in a step */
    const char *next;  /* of a gradient: the same step of the next columns, */
    size_t next_step;  /* and how far the steps are apart */
} tile;

/* A few lines every CHUNK steps: what is asked for does not hold up what is wanted now. */
V8_INLINE void ask(const tile *t, size_t step)
{
    for (const char *at = t->ahead + step * t->ahead_step, *end = at + CHUNK * t->ahead_step; at < end;
         at += LINE)
        __builtin_prefetch(at, 0, 2);
}

/* All but t is known to the compiler: the arrays of vectors live in registers. */
V8_INLINE void add_tile(size_t outputs, size_t vecs, bool gradient, const tile *t)
{
    const size_t apart = gradient ? TW_TOGETHER : 1; /* the scalars of outputs */
    v8 sum[V8_OUTER_OUTPUTS * V8_OUTER_VECS], x[V8_OUTER_VECS];
    const double *vector = t->vector, *scalar = t->scalar;
    V8_UNROLL for (size_t s = 0; s < outputs * vecs; s++)
    {
        sum[s] = v8_load(t->sum + s / vecs * t->sum_row + s % vecs * 8);
    }
    for (size_t i = 0, end; i < t->count; i = end) {
        end = t->count - i < CHUNK ? t->count : i + CHUNK;
        ask(t, i);
        for (; i < end; i++, vector += t->vector_step, scalar += t->scalar_step) {
            if (gradient) __builtin_prefetch(t->next + i * t->next_step);
            V8_UNROLL for (size_t v = 0; v < vecs; v++) x[v] = v8_load(vector + 8 * v);
            V8_UNROLL for (size_t s = 0; s < outputs * vecs; s++)
            {
                sum[s] = v8_fma(v8_set1(scalar[s / vecs * apart]), x[s % vecs], sum[s]);
            }
        }
    }
    V8_UNROLL for (size_t s = 0; s < outputs * vecs; s++)
    {
        v8_store(t->sum + s / vecs * t->sum_row + s % vecs * 8, sum[s]);
    }
}

V8_INLINE void add_outputs(size_t outputs, size_t lanes, bool gradient, const tile *t)
{
    if (outputs > V8_OUTER_OUTPUTS) return;
    if (V8_OUTER_VECS > 1 && lanes > 8)
        add_tile(outputs, V8_OUTER_VECS, gradient, t);
    else
        add_tile(outputs, 1, gradient, t);
}

V8_INLINE void add(size_t outputs, size_t lanes, bool gradient, const tile *t)
{
    switch (outputs) {
#define X(count) \
    case count: add_outputs(count, lanes, gradient, t); break;
        /* clang-format off */
        X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
        /* clang-format on */
#undef X
            default : break;
    }
}

static void add_margins(size_t outputs, size_t lanes, const tile *t)
{
    add(outputs, lanes, false, t);
}

static void add_gradient(size_t outputs, size_t lanes, const tile *t)
{
    add(outputs, lanes, true, t);
}

static size_t tiles_of(size_t outputs)
{
    return (outputs + V8_OUTER_OUTPUTS - 1) / V8_OUTER_OUTPUTS;
}

static void ask_in(const tw_outputs *p, size_t steps, tile *t)
{
    t->ahead = p->ahead ? p->ahead : p->stored;
    t->ahead_step = p->ahead ? p->ahead_bytes / (steps + 1) : 0;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---------------------------------------------------------------- margins */

V8_INLINE void leave_square(const v8 *square, double *out)
{
    V8_UNROLL for (size_t k = 0; k < 8; k++) v8_store(out + k * TW_TOGETHER, square[k]);
}

/* Fewer than 8 rows or columns, zeros where there are none. */
static void part_of_square(tw_dtype type, const unsigned char *in, size_t row, size_t rows, size_t columns,
                           double *out)
{
    v8 square[8];
    for (size_t i = 0; i < 8; i++)
        square[i] = i >= rows     ? v8_zero()
                    : columns < 8 ? v8_part(type, columns, in + i * row)
                                  : v8_from(type, in + i * row);
    v8_turn(square);
    leave_square(square, out);
}

V8_INLINE void whole_square(tw_dtype type, const unsigned char *in, size_t row, double *out)
{
    v8 square[8];
    switch (type) {
#define X(name, bytes) \
    case TW_##name: v8_square_##name(in, row, square); break;
        TW_DTYPES(X)
#undef X
    default: return;
    }
    leave_square(square, out);
}

/* Columns [from, from + count) of all rows, to [count][TW_TOGETHER]. The next ones are asked for. */
static void make_panel(const tw_outputs *p, size_t from, size_t count)
{
    const tw_dtype type = p->type;
    const size_t rows = p->rows, size = v8_stored(type), row = p->n * size;
    for (size_t i = 0; i < rows; i += 8) {
        const unsigned char *in = (const unsigned char *)p->stored + i * row + from * size;
        double *out = p->room + i;
        for (size_t j = 0; j < count; j += 8, in += 8 * size, out += 8 * TW_TOGETHER) {
            const bool whole = rows - i >= 8 && count - j >= 8, line = j * size % LINE == 0;
            for (size_t k = 0; line && k < 8; k++) __builtin_prefetch(in + k * row + TW_PANEL * size);
            if (whole)
                whole_square(type, in, row, out);
            else
                part_of_square(type, in, row, rows - i, count - j, out);
        }
    }
}

void tw_kernel_products(const tw_outputs *p, const double *v, double *z)
{
    const size_t tiles = tiles_of(p->outputs);
    tile t = {.vector_step = TW_TOGETHER, .scalar_step = p->outputs, .sum_row = TW_TOGETHER};
    ask_in(p, tiles * ((p->rows + WIDE - 1) / WIDE) * p->n, &t);
    memset(z, 0, p->outputs * TW_TOGETHER * sizeof *z);
    for (size_t j = 0; j < p->n; j += TW_PANEL) {
        t.count = least(TW_PANEL, p->n - j);
        make_panel(p, j, t.count);
        for (size_t o = 0, k = 0, end; o < tiles; o++, k = end) {
            end = p->outputs * (o + 1) / tiles;
            t.scalar = v + j * p->outputs + k;
            for (size_t i = 0; i < p->rows; i += WIDE) {
                t.vector = p->room + i;
                t.sum = z + k * TW_TOGETHER + i;
                add_margins(end - k, p->rows - i, &t);
                t.ahead += t.count * t.ahead_step;
            }
        }
    }
}

/* ---------------------------------------------------------------- gradient */

/* Columns [from, from + count) of all rows, to [rows][WIDE], zeros up to a whole vector. */
static void make_strip(const tw_outputs *p, size_t from, size_t count)
{
    const size_t size = v8_stored(p->type), row = p->n * size;
    const unsigned char *in = (const unsigned char *)p->stored + from * size;
    double *out = p->room;
    if (count < WIDE)
        for (size_t i = 0; i < p->rows; i++, in += row, out += WIDE)
            for (size_t j = 0; j < count; j += 8)
                v8_store(out + j, count - j < 8 ? v8_part(p->type, count - j, in + j * size)
                                                : v8_from(p->type, in + j * size));
    else
        switch (p->type) {
#define X(name, bytes)                                               \
    case TW_##name:                                                  \
        for (size_t i = 0; i < p->rows; i++, in += row, out += WIDE) \
            V8_UNROLL for (size_t j = 0; j < WIDE; j += 8)           \
                v8_store(out + j, v8_from_##name(in + j * (bytes))); \
        break;
            TW_DTYPES(X)
#undef X
        default: break;
        }
}

void tw_kernel_outer(const tw_outputs *p, const double *r, double *g)
{
    const size_t tiles = tiles_of(p->outputs), row = tw_whole(p->n), size = v8_stored(p->type);
    tile t = {.count = p->rows, .vector = p->room, .vector_step = WIDE, .scalar_step = 1, .sum_row = row};
    t.next_step = p->n * size;
    ask_in(p, tiles * ((p->n + WIDE - 1) / WIDE) * p->rows, &t);
    for (size_t j = 0; j < p->n; j += WIDE) {
        const size_t count = least(WIDE, p->n - j);
        make_strip(p, j, count);
        for (size_t o = 0, k = 0, end; o < tiles; o++, k = end) {
            end = p->outputs * (o + 1) / tiles;
            t.scalar = r + k * TW_TOGETHER;
            t.sum = g + k * row + j;
            t.next = (const char *)p->stored + (j + WIDE) * size;
            add_gradient(end - k, count, &t);
            t.ahead += t.count * t.ahead_step;
        }
    }
}

/* ---------------------------------------------------------------- one layout to the other */

void tw_kernel_turn(size_t rows, size_t columns, size_t row, const double *in, double *out)
{
    v8 square[8];
    for (size_t i = 0; i < rows; i += 8) {
        const size_t height = least(8, rows - i);
        const v8m m = v8_first(height);
        for (size_t j = 0; j < columns; j += 8) {
            const size_t width = least(8, columns - j);
            for (size_t k = 0; k < 8; k++)
                square[k] = k < height ? v8_load(in + (i + k) * row + j) : v8_zero();
            v8_turn(square);
            for (size_t k = 0; k < width; k++) {
                double *const at = out + (j + k) * rows + i;
                if (height == 8)
                    v8_store(at, square[k]);
                else
                    v8_store_mask(m, at, square[k]);
            }
        }
    }
}
