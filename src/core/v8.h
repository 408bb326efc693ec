/* v8.h -- a virtual vector of 8 doubles, with the same bits on every machine.
 *
 * One set of always-inlined operations, in AVX-512, in AVX2 + FMA + F16C, or in plain C, as the compiler's
 * flags allow: the kernels are written once and compiled once per instruction set. Every operation is exact
 * or correctly rounded lane by lane, and v8_sum has one order, so the three differ in speed only. Not
 * collective, nothing fails.
 *
 * v8: 8 doubles, v8i: 8 words of 64 bits, v8m: 8 truth values, v8b: 8 floats, v8w: 8 int32. */
#ifndef TW_V8_H
#define TW_V8_H

#ifdef __FAST_MATH__
#error "thalweg's arithmetic is a contract: compile without -ffast-math"
#endif

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define V8_INLINE static inline __attribute__((always_inline))

/* Before a loop whose count is known after inlining: no loop is left, its arrays become registers. */
#if defined(__clang__)
#define V8_UNROLL _Pragma("clang loop unroll(full)")
#elif defined(__GNUC__)
#define V8_UNROLL _Pragma("GCC unroll 24")
#else
#define V8_UNROLL
#endif

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#include "core/v8_avx512.h"
#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include "core/v8_avx2.h"
#else
#include "core/v8_plain.h"
#endif

V8_INLINE v8 v8_zero(void)
{
    return v8_set1(0.0);
}

/** fma(a, b, c) in the first count lanes, c itself in the others, which are not read. */
V8_INLINE v8 v8_fma_first(size_t count, const double *a, const double *b, v8 c)
{
    const v8m m = v8_first(count);
    return v8_select(m, v8_fma(v8_load_mask(m, a), v8_load_mask(m, b), c), c);
}

#endif
