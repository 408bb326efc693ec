/* kernels_rows.c -- the two halves of a pass over rows, for every stored type, and the logistic loss between
 * them; compiled once per instruction set like kernels.c.
 *
 * Elements become doubles in registers, in both halves: kept as doubles they would not fit the first cache.
 * While the rows are worked on, memory further on is asked for, one line for every two lines of the rows; so
 * the memory has work in both halves, although only the first meets new rows. Wide elements, which the memory
 * hardly brings in time, are asked for in four pages at once. Tiles decide which independent
 * numbers travel together, never the order of a sum. */
#include "core/kernels_parts.h"

#include "core/v8.h"
#include "core/v8_widen.h"
#include "core/vmath.h"

#include <stdbool.h>
#include <stdint.h>

/* STRIP: columns whose parameters stay in the first cache while 8 rows pass. FAN: rows that are folded to
 * margins together. */
enum { STRIDE = 4 * TW_LANES, STRIP = 64 * STRIDE, FAN = 8, LINE = 64, PAGE = 4096, PAGES = 4 };

/* Memory in another order: of 16 KiB the first line of each of the four pages, then the second of each, and
 * so on. A core has more requests under way in four pages than in one. */
V8_INLINE const unsigned char *spread(const unsigned char *p)
{
    const uintptr_t at = (uintptr_t)p, page = at / LINE % PAGES, line = at / (LINE * PAGES) % (PAGE / LINE);
    return p - at % (PAGES * PAGE) + page * PAGE + line * LINE;
}

V8_INLINE const unsigned char *first_ahead(const tw_rows *b)
{
    const unsigned char *p = b->ahead;
    return p - (uintptr_t)p % (PAGES * LINE);
}

/* Work on so many elements asks for half their bytes, but for one line at least: 1, 2, 4, ... lines that
 * begin at a multiple of their number. */
V8_INLINE void ask(const unsigned char **ahead, tw_dtype type, size_t elements)
{
    const size_t bytes = elements * v8_stored(type), lines = bytes / LINE > 2 ? bytes / LINE / 2 : 1;
    const bool in_pages = v8_stored(type) >= sizeof(float);
    V8_UNROLL for (size_t i = 0; i < lines; i++)
    {
        const unsigned char *p = *ahead + i * LINE;
        if (in_pages) p = spread(p - i % PAGES * LINE) + i % PAGES * PAGE;
        __builtin_prefetch(p);
    }
    *ahead += lines * LINE;
}

/* ---------------------------------------------------------------- margins */

/* Columns [from, to) of some rows; from and to - from are multiples of STRIDE, to is what is whole of n at
 * the end. */
typedef struct {
    size_t n, from, to;
    const unsigned char *x; /* of the first of these rows */
    const double *v;
    const unsigned char **ahead;
} strip;

/* The four accumulators of a row between two strips; at the end their sum is in a0. */
typedef struct {
    v8 a0, a1, a2, a3;
} lanes;

/* The last left < STRIDE elements: missing lanes keep what they have. */
V8_INLINE v8 add_last(tw_dtype type, size_t left, const unsigned char *x, const double *v, v8 a)
{
    if (left >= 8) return v8_fma(v8_from(type, x), v8_load(v), a);
    if (left == 0) return a;
    const v8m m = v8_first(left);
    return v8_select(m, v8_fma(v8_part(type, left, x), v8_load_mask(m, v), a), a);
}

V8_INLINE lanes add_tail(tw_dtype type, size_t left, const unsigned char *x, const double *v, lanes s)
{
    const size_t one = v8_stored(type);
    s.a0 = add_last(type, left, x, v, s.a0);
    if (left > 8) s.a1 = add_last(type, left - 8, x + 8 * one, v + 8, s.a1);
    if (left > 16) s.a2 = add_last(type, left - 16, x + 16 * one, v + 16, s.a2);
    if (left > 24) s.a3 = add_last(type, left - 24, x + 24 * one, v + 24, s.a3);
    return s;
}

/* rows is known to the compiler: the arrays live in registers. */
V8_INLINE void add_strip(tw_dtype type, size_t rows, strip p, lanes *kept)
{
    const size_t one = v8_stored(type), row = p.n * one;
    lanes s[V8_DOT_ROWS];
    V8_UNROLL for (size_t i = 0; i < rows; i++)
    {
        s[i] = p.from > 0 ? kept[i] : (lanes){v8_zero(), v8_zero(), v8_zero(), v8_zero()};
    }
    for (size_t j = p.from; j < p.to; j += STRIDE) {
        const v8 v0 = v8_load(p.v + j), v1 = v8_load(p.v + j + 8), v2 = v8_load(p.v + j + 16),
                 v3 = v8_load(p.v + j + 24);
        ask(p.ahead, type, rows * STRIDE);
        V8_UNROLL for (size_t i = 0; i < rows; i++)
        {
            const unsigned char *x = p.x + i * row + j * one;
            s[i].a0 = v8_fma(v8_from(type, x), v0, s[i].a0);
            s[i].a1 = v8_fma(v8_from(type, x + 8 * one), v1, s[i].a1);
            s[i].a2 = v8_fma(v8_from(type, x + 16 * one), v2, s[i].a2);
            s[i].a3 = v8_fma(v8_from(type, x + 24 * one), v3, s[i].a3);
        }
    }
    const bool last = p.to + STRIDE > p.n;
    V8_UNROLL for (size_t i = 0; i < rows; i++)
    {
        if (last) {
            if (i == 0 && p.n < STRIDE) ask(p.ahead, type, rows * STRIDE / 2);
            s[i] = add_tail(type, p.n - p.to, p.x + i * row + p.to * one, p.v + p.to, s[i]);
            s[i].a0 = v8_add(v8_add(s[i].a0, s[i].a1), v8_add(s[i].a2, s[i].a3));
            kept[i].a0 = s[i].a0;
        } else {
            kept[i] = s[i];
        }
    }
}

/* Accumulators of `rows` rows from x on, rows <= FAN, folded to one vector a row. */
V8_INLINE void add_all(tw_dtype type, size_t rows, strip p, lanes *kept)
{
    const size_t whole = p.n / STRIDE * STRIDE, row = p.n * v8_stored(type);
    const unsigned char *const first = p.x;
    do {
        p.to = p.from + STRIP < whole ? p.from + STRIP : whole;
        size_t i = 0;
        for (; i + V8_DOT_ROWS <= rows; i += V8_DOT_ROWS) {
            p.x = first + i * row;
            add_strip(type, V8_DOT_ROWS, p, kept + i);
        }
        for (; V8_DOT_ROWS > 1 && i < rows; i++) {
            p.x = first + i * row;
            add_strip(type, 1, p, kept + i);
        }
        p.from = p.to;
    } while (p.to < whole);
}

V8_INLINE void margins_of(tw_dtype type, const tw_rows *b, const double *v, double offset, double *z)
{
    const size_t row = b->n * v8_stored(type);
    const unsigned char *ahead = first_ahead(b);
    lanes kept[FAN];
    size_t i = 0;
    for (; i + FAN <= b->rows; i += FAN) {
        v8 t[FAN];
        add_all(type, FAN, (strip){b->n, 0, 0, (const unsigned char *)b->x + i * row, v, &ahead}, kept);
        V8_UNROLL for (size_t r = 0; r < FAN; r++) t[r] = kept[r].a0;
        v8_store(z + i, v8_add(v8_sums(t), v8_set1(offset)));
    }
    const size_t left = b->rows - i;
    if (left == 0) return;
    add_all(type, left, (strip){b->n, 0, 0, (const unsigned char *)b->x + i * row, v, &ahead}, kept);
    for (size_t r = 0; r < left; r++) z[i + r] = v8_sum(kept[r].a0) + offset;
}

void tw_kernel_margins(const tw_rows *b, const double *v, double offset, double *z)
{
    switch (b->type) {
#define X(name, size) \
    case TW_##name: margins_of(TW_##name, b, v, offset, z); break;
        TW_DTYPES(X)
#undef X
    default: break;
    }
}

/* ---------------------------------------------------------------- g += x^T r */

/* One column vector of g, over rows that lie `row` bytes apart. */
V8_INLINE v8 chain(tw_dtype type, size_t rows, const v8 *r, const unsigned char *x, size_t row, v8 g)
{
    V8_UNROLL for (size_t i = 0; i < rows; i++) g = v8_fma(r[i], v8_from(type, x + i * row), g);
    return g;
}

V8_INLINE v8 chain_part(tw_dtype type, size_t rows, const v8 *r, const unsigned char *x, size_t row,
                        size_t count, v8 g)
{
    V8_UNROLL for (size_t i = 0; i < rows; i++) g = v8_fma(r[i], v8_part(type, count, x + i * row), g);
    return g;
}

/* rows is known to the compiler. */
V8_INLINE void update_rows(tw_dtype type, size_t rows, size_t n, const unsigned char *x, const double *r,
                           double *g, const unsigned char **ahead)
{
    const size_t one = v8_stored(type), row = n * one;
    v8 s[FAN];
    size_t j = 0;
    V8_UNROLL for (size_t i = 0; i < rows; i++) s[i] = v8_set1(r[i]);
    for (; j + 16 <= n; j += 16) {
        ask(ahead, type, rows * 16);
        const v8 t = chain(type, rows, s, x + j * one, row, v8_load(g + j));
        const v8 u = chain(type, rows, s, x + (j + 8) * one, row, v8_load(g + j + 8));
        v8_store(g + j, t);
        v8_store(g + j + 8, u);
    }
    if (j + 8 <= n) {
        v8_store(g + j, chain(type, rows, s, x + j * one, row, v8_load(g + j)));
        j += 8;
    }
    if (j == n) return;
    const v8m m = v8_first(n - j);
    v8_store_mask(m, g + j, chain_part(type, rows, s, x + j * one, row, n - j, v8_load_mask(m, g + j)));
}

V8_INLINE void update_of(tw_dtype type, const tw_rows *b, const double *r, double *g)
{
    const size_t row = b->n * v8_stored(type);
    const unsigned char *x = b->x, *ahead = first_ahead(b);
    size_t i = 0;
    for (; i + FAN <= b->rows; i += FAN) update_rows(type, FAN, b->n, x + i * row, r + i, g, &ahead);
    for (; i + 2 <= b->rows; i += 2) update_rows(type, 2, b->n, x + i * row, r + i, g, &ahead);
    if (i < b->rows) update_rows(type, 1, b->n, x + i * row, r + i, g, &ahead);
}

void tw_kernel_update(const tw_rows *b, const double *r, double *g)
{
    switch (b->type) {
#define X(name, size) \
    case TW_##name: update_of(TW_##name, b, r, g); break;
        TW_DTYPES(X)
#undef X
    default: break;
    }
}

/* ---------------------------------------------------------------- logistic loss */

/* e = exp(-|z|): no branch, no overflow. */
V8_INLINE v8 logistic_8(v8 z, v8 y, v8 *slope)
{
    const v8 one = v8_set1(1.0), zero = v8_zero();
    const v8 e = v8_exp(v8_from_bits(v8i_or(v8_bits(z), v8_bits(v8_set1(-0.0)))));
    *slope = v8_sub(v8_div(v8_select(v8_lt(z, zero), e, one), v8_add(one, e)), y);
    return v8_add(v8_sub(v8_select(v8_lt(zero, z), z, zero), v8_mul(y, z)), v8_log1p(e));
}

void tw_kernel_logistic(size_t n, const double *z, const double *y, double *loss, double *slope)
{
    size_t i = 0;
    v8 s;
    for (; i + 8 <= n; i += 8) {
        v8_store(loss + i, logistic_8(v8_load(z + i), v8_load(y + i), &s));
        v8_store(slope + i, s);
    }
    if (i == n) return;
    const v8m m = v8_first(n - i);
    v8_store_mask(m, loss + i, logistic_8(v8_load_mask(m, z + i), v8_load_mask(m, y + i), &s));
    v8_store_mask(m, slope + i, s);
}
