/* kernels.c -- the table of inner loops, and those over doubles, written once on v8.h and compiled once per
 * instruction set.
 *
 * The build gives TW_ISA, the name of the table. Each number has one order of operations whatever the tiles:
 * tiles only decide which independent numbers travel together, so that x, v and g are read as few times as
 * possible. */
#include "thalweg/kernels.h"

#include "core/kernels_parts.h"
#include "core/v8.h"
#include "core/v8_widen.h"
#include "core/vmath.h"

#include <stdbool.h>

#ifndef TW_ISA
#error "define TW_ISA as the name of the table: avx512, avx2 or baseline"
#endif

/* ---------------------------------------------------------------- lane sums */

enum { STRIDE = 4 * TW_LANES };

typedef struct {
    v8 a0, a1, a2, a3;
} lanes;

V8_INLINE lanes lanes_zero(void)
{
    return (lanes){v8_zero(), v8_zero(), v8_zero(), v8_zero()};
}

V8_INLINE lanes lanes_add(lanes s, const double *x, const double *v)
{
    s.a0 = v8_fma(v8_load(x), v8_load(v), s.a0);
    s.a1 = v8_fma(v8_load(x + 8), v8_load(v + 8), s.a1);
    s.a2 = v8_fma(v8_load(x + 16), v8_load(v + 16), s.a2);
    s.a3 = v8_fma(v8_load(x + 24), v8_load(v + 24), s.a3);
    return s;
}

/* The last left < 32 elements, then the sum: missing lanes keep what they have. */
V8_INLINE double lanes_finish(lanes s, size_t left, const double *x, const double *v)
{
    if (left > 0) s.a0 = v8_fma_first(left, x, v, s.a0);
    if (left > 8) s.a1 = v8_fma_first(left - 8, x + 8, v + 8, s.a1);
    if (left > 16) s.a2 = v8_fma_first(left - 16, x + 16, v + 16, s.a2);
    if (left > 24) s.a3 = v8_fma_first(left - 24, x + 24, v + 24, s.a3);
    return v8_sum(v8_add(v8_add(s.a0, s.a1), v8_add(s.a2, s.a3)));
}

static double dot(size_t n, const double *a, const double *b)
{
    lanes s = lanes_zero();
    size_t j = 0;
    for (; j + STRIDE <= n; j += STRIDE) s = lanes_add(s, a + j, b + j);
    return lanes_finish(s, n - j, a + j, b + j);
}

/* ---------------------------------------------------------------- element by element */

static void axpy(size_t n, double alpha, const double *x, double *y)
{
    const v8 a = v8_set1(alpha);
    size_t j = 0;
    for (; j + 8 <= n; j += 8) v8_store(y + j, v8_fma(a, v8_load(x + j), v8_load(y + j)));
    const v8m m = v8_first(n - j);
    if (j < n) v8_store_mask(m, y + j, v8_fma(a, v8_load_mask(m, x + j), v8_load_mask(m, y + j)));
}

static void scale(size_t n, double alpha, const double *x, double *out)
{
    const v8 a = v8_set1(alpha);
    size_t j = 0;
    for (; j + 8 <= n; j += 8) v8_store(out + j, v8_mul(a, v8_load(x + j)));
    const v8m m = v8_first(n - j);
    if (j < n) v8_store_mask(m, out + j, v8_mul(a, v8_load_mask(m, x + j)));
}

#define MAP(name, f)                                                     \
    static void name(size_t n, const double *x, double *out)             \
    {                                                                    \
        size_t j = 0;                                                    \
        for (; j + 8 <= n; j += 8) v8_store(out + j, f(v8_load(x + j))); \
        const v8m m = v8_first(n - j);                                   \
        if (j < n) v8_store_mask(m, out + j, f(v8_load_mask(m, x + j))); \
    }
MAP(map_exp, v8_exp)
MAP(map_log, v8_log)
MAP(map_log1p, v8_log1p)
#undef MAP

/* The last elements go through a buffer: nothing beyond the array is read. */
#define WIDEN(type, size)                                                                  \
    static void widen_##type(size_t count, const unsigned char *in, double *out)           \
    {                                                                                      \
        _Alignas(double) unsigned char last[8 * (size)] = {0};                             \
        size_t j = 0;                                                                      \
        for (; j + 8 <= count; j += 8) v8_store(out + j, v8_from_##type(in + j * (size))); \
        if (j == count) return;                                                            \
        memcpy(last, in + j * (size), (count - j) * (size));                               \
        v8_store_mask(v8_first(count - j), out + j, v8_from_##type(last));                 \
    }
TW_DTYPES(WIDEN)
#undef WIDEN

static void widen(tw_dtype type, size_t count, const void *in, double *out)
{
    static void (*const of_type[])(size_t, const unsigned char *, double *) = {
#define X(name, size) widen_##name,
        TW_DTYPES(X)
#undef X
    };
    of_type[type](count, in, out);
}

/* ---------------------------------------------------------------- the table */

#define QUOTE_(a) #a
#define QUOTE(a)  QUOTE_(a)
#define TABLE     TW_ISA_JOIN(tw_kernels_, TW_ISA)

extern const tw_kernels TABLE;
const tw_kernels TABLE = {
    .name = QUOTE(TW_ISA),
    .dot = dot,
    .axpy = axpy,
    .scale = scale,
    .exp = map_exp,
    .log = map_log,
    .log1p = map_log1p,
    .widen = widen,
    .margins = tw_kernel_margins,
    .update = tw_kernel_update,
    .logistic = tw_kernel_logistic,
    .products = tw_kernel_products,
    .outer = tw_kernel_outer,
    .softmax = tw_kernel_softmax,
    .turn = tw_kernel_turn,
    .product = tw_kernel_product,
};
