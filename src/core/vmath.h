/* vmath.h -- exp, log and log1p of 8 doubles, as docs/reproducibility.md, section 1 spells them.
 *
 * Only + - * / fma and moves of bits, in one order: under 1 ulp, and the same bits wherever v8.h compiles.
 * exp: argument reduction with the two-part ln 2, Taylor to degree 13. log: fdlibm's e_log.c (Sun
 * Microsystems 1993). Not collective, nothing fails, no branches. */
#ifndef TW_VMATH_H
#define TW_VMATH_H

#include "core/v8.h"

/** exp(x); +0 below -708, +inf above 0x1.62e42fefa39efp+9, NaN stays NaN. */
V8_INLINE v8 v8_exp(v8 x)
{
    const v8 shift = v8_set1(0x1.8p52);
    const v8 shifted = v8_fma(x, v8_set1(0x1.71547652b82fep+0), shift);
    const v8 k = v8_sub(shifted, shift);
    const v8 r = v8_fma(k, v8_set1(-0x1.62e42fefa39efp-1), x);
    const v8 minus_l = v8_mul(k, v8_set1(-0x1.abc9e3b39803fp-56)); /* x = k ln 2 + r - l */
    const v8 h = v8_add(r, minus_l);
    v8 p = v8_set1(1.0 / 6227020800.0);
    p = v8_fma(p, h, v8_set1(1.0 / 479001600.0));
    p = v8_fma(p, h, v8_set1(1.0 / 39916800.0));
    p = v8_fma(p, h, v8_set1(1.0 / 3628800.0));
    p = v8_fma(p, h, v8_set1(1.0 / 362880.0));
    p = v8_fma(p, h, v8_set1(1.0 / 40320.0));
    p = v8_fma(p, h, v8_set1(1.0 / 5040.0));
    p = v8_fma(p, h, v8_set1(1.0 / 720.0));
    p = v8_fma(p, h, v8_set1(1.0 / 120.0));
    p = v8_fma(p, h, v8_set1(1.0 / 24.0));
    p = v8_fma(p, h, v8_set1(1.0 / 6.0));
    p = v8_fma(p, h, v8_set1(0.5));
    const v8 q = v8_fma(p, v8_mul(h, h), minus_l); /* exp(r - l) - 1 - r */
    v8 e = v8_add(v8_set1(1.0), v8_add(r, q));
    e = v8_from_bits(v8i_add(v8_bits(e), v8i_up52(v8_bits(shifted))));
    e = v8_select(v8_lt(x, v8_set1(-708.0)), v8_zero(), e);
    e = v8_select(v8_lt(v8_set1(0x1.62e42fefa39efp+9), x), v8_set1(__builtin_inf()), e);
    return v8_select(v8_eq(x, x), e, x);
}

/** The polynomial part: log(1 + f) - f + f*f/2, plus the small term, in the order of the contract. */
V8_INLINE v8 v8_log_tail(v8 f, v8 half_square, v8 small)
{
    const v8 s = v8_div(f, v8_add(v8_set1(2.0), f));
    const v8 z = v8_mul(s, s), v = v8_mul(z, z);
    v8 a = v8_fma(v, v8_set1(1.531383769920937332e-01), v8_set1(2.222219843214978396e-01));
    v8 b = v8_fma(v, v8_set1(1.479819860510658591e-01), v8_set1(1.818357216161805012e-01));
    a = v8_fma(v, a, v8_set1(3.999999999940941908e-01));
    b = v8_fma(v, b, v8_set1(2.857142874366239149e-01));
    b = v8_fma(v, b, v8_set1(6.666666666666735130e-01));
    const v8 R = v8_add(v8_mul(v, a), v8_mul(z, b));
    return v8_add(v8_mul(s, v8_add(half_square, R)), small);
}

/** C(u, c) with the exponent of u counted from bias; 0 gives -inf, u < 0 NaN, +inf and NaN themselves. */
V8_INLINE v8 v8_log_core(v8 u, v8 c, v8 bias)
{
    const v8i bits = v8_bits(u), two52 = v8i_set1(0x4330000000000000u);
    const v8i fraction = v8i_and(bits, v8i_set1(0x000fffffffffffffu));
    v8 m = v8_from_bits(v8i_or(fraction, v8i_set1(0x3ff0000000000000u)));
    v8 k = v8_sub(v8_from_bits(v8i_or(v8i_down52(bits), two52)), bias); /* exact: integers < 2^53 */
    const v8m big = v8_lt(v8_set1(0x1.6a09e667f3bcdp+0), m);
    m = v8_select(big, v8_mul(m, v8_set1(0.5)), m);
    k = v8_select(big, v8_add(k, v8_set1(1.0)), k);
    const v8 f = v8_sub(m, v8_set1(1.0));
    const v8 half_square = v8_mul(v8_mul(v8_set1(0.5), f), f);
    const v8 small = v8_add(v8_mul(k, v8_set1(0x1.a39ef35793c76p-33)), c);
    const v8 inner = v8_sub(v8_sub(half_square, v8_log_tail(f, half_square, small)), f);
    v8 t = v8_sub(v8_mul(k, v8_set1(0x1.62e42feep-1)), inner);
    t = v8_select(v8_lt(u, v8_set1(__builtin_inf())), t, u);
    t = v8_select(v8_eq(u, v8_zero()), v8_set1(-__builtin_inf()), t);
    return v8_select(v8_lt(u, v8_zero()), v8_set1(__builtin_nan("")), t);
}

enum { V8_EXPONENT_BIAS = 1023 };

/** log(x); subnormal x too (scaled by 2^54 first). */
V8_INLINE v8 v8_log(v8 x)
{
    const v8m tiny = v8_lt(x, v8_set1(0x1p-1022));
    const v8 u = v8_select(tiny, v8_mul(x, v8_set1(0x1p54)), x);
    const v8 normal = v8_set1(0x1p52 + V8_EXPONENT_BIAS);
    return v8_log_core(u, v8_zero(), v8_select(tiny, v8_set1(0x1p52 + V8_EXPONENT_BIAS + 54), normal));
}

/** log(1 + t) for t >= 0. */
V8_INLINE v8 v8_log1p(v8 t)
{
    const v8 one = v8_set1(1.0), u = v8_add(one, t);
    const v8 c = v8_select(v8_lt(t, one), v8_sub(t, v8_sub(u, one)), v8_sub(one, v8_sub(u, t)));
    return v8_log_core(u, v8_div(c, u), v8_set1(0x1p52 + V8_EXPONENT_BIAS));
}

#endif
