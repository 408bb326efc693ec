/* v8_avx512.h -- v8.h in AVX-512 (F, DQ, BW, VL): one register, mask registers. Included by v8.h only. */
#ifndef TW_V8_AVX512_H
#define TW_V8_AVX512_H

#include <immintrin.h>

typedef __m512d v8;
typedef __m512i v8i;
typedef __mmask8 v8m;
typedef __m256 v8b;
typedef __m256i v8w;

/* Register tiles of 32 registers: rows of a dot product at once; rows and vectors of a matrix product;
 * outputs and vectors of a tile with several outputs. */
enum { V8_DOT_ROWS = 4, V8_TILE_ROWS = 8, V8_TILE_VECS = 3, V8_OUTER_OUTPUTS = 12, V8_OUTER_VECS = 2 };

V8_INLINE v8 v8_load(const double *p)
{
    return _mm512_loadu_pd(p);
}

V8_INLINE void v8_store(double *p, v8 a)
{
    _mm512_storeu_pd(p, a);
}

/** The first count lanes, all of them when count >= 8. */
V8_INLINE v8m v8_first(size_t count)
{
    return (v8m)(count >= 8 ? 0xffu : (1u << count) - 1u);
}

V8_INLINE v8 v8_load_mask(v8m m, const double *p)
{
    return _mm512_maskz_loadu_pd(m, p);
}

V8_INLINE void v8_store_mask(v8m m, double *p, v8 a)
{
    _mm512_mask_storeu_pd(p, m, a);
}

/** Rows become columns. */
V8_INLINE void v8_turn(v8 *a)
{
    v8 t[8], u[8]; /* t: pairs of rows, even or odd columns; u: fours of rows */
    V8_UNROLL for (size_t i = 0; i < 8; i += 2)
    {
        t[i] = _mm512_unpacklo_pd(a[i], a[i + 1]);
        t[i + 1] = _mm512_unpackhi_pd(a[i], a[i + 1]);
    }
    V8_UNROLL for (size_t i = 0; i < 8; i += 4)
    {
        u[i] = _mm512_shuffle_f64x2(t[i], t[i + 2], 0x88);
        u[i + 1] = _mm512_shuffle_f64x2(t[i + 1], t[i + 3], 0x88);
        u[i + 2] = _mm512_shuffle_f64x2(t[i], t[i + 2], 0xdd);
        u[i + 3] = _mm512_shuffle_f64x2(t[i + 1], t[i + 3], 0xdd);
    }
    V8_UNROLL for (size_t i = 0; i < 4; i++)
    {
        a[i] = _mm512_shuffle_f64x2(u[i], u[i + 4], 0x88);
        a[i + 4] = _mm512_shuffle_f64x2(u[i], u[i + 4], 0xdd);
    }
}

V8_INLINE __m512 pairs_low(__m512 a, __m512 b)
{
    return _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}

V8_INLINE __m512 pairs_high(__m512 a, __m512 b)
{
    return _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)));
}

/** Rows of floats become columns of doubles. Two rows share a register, and conversions that read memory need
 * no shuffle: half as many as v8_turn has. */
V8_INLINE void v8_turn_floats(const v8b *a, v8 *out)
{
    __m512 t[4], u[4]; /* t: row i and row i + 4; then columns k and k + 4, four rows a quarter */
    float columns[4][16];
    V8_UNROLL for (size_t i = 0; i < 4; i++) t[i] =
        _mm512_insertf32x8(_mm512_castps256_ps512(a[i]), a[i + 4], 1);
    V8_UNROLL for (size_t i = 0; i < 4; i += 2)
    {
        u[i] = _mm512_unpacklo_ps(t[i], t[i + 1]);
        u[i + 1] = _mm512_unpackhi_ps(t[i], t[i + 1]);
    }
    V8_UNROLL for (size_t i = 0; i < 2; i++)
    {
        t[2 * i] = pairs_low(u[i], u[i + 2]);
        t[2 * i + 1] = pairs_high(u[i], u[i + 2]);
    }
    V8_UNROLL for (size_t k = 0; k < 4; k++)
        _mm512_storeu_ps(columns[k], _mm512_shuffle_f32x4(t[k], t[k], 0xd8));
    __asm__("" : "+m"(columns)); /* through memory */
    V8_UNROLL for (size_t k = 0; k < 4; k++)
    {
        out[k] = _mm512_cvtps_pd(_mm256_loadu_ps(columns[k]));
        out[k + 4] = _mm512_cvtps_pd(_mm256_loadu_ps(columns[k] + 8));
    }
}

V8_INLINE v8 v8_set1(double a)
{
    return _mm512_set1_pd(a);
}

V8_INLINE v8 v8_fma(v8 a, v8 b, v8 c)
{
    return _mm512_fmadd_pd(a, b, c);
}

V8_INLINE v8 v8_add(v8 a, v8 b)
{
    return _mm512_add_pd(a, b);
}

V8_INLINE v8 v8_sub(v8 a, v8 b)
{
    return _mm512_sub_pd(a, b);
}

V8_INLINE v8 v8_mul(v8 a, v8 b)
{
    return _mm512_mul_pd(a, b);
}

V8_INLINE v8 v8_div(v8 a, v8 b)
{
    return _mm512_div_pd(a, b);
}

V8_INLINE v8m v8_lt(v8 a, v8 b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ);
}

V8_INLINE v8m v8_eq(v8 a, v8 b)
{
    return _mm512_cmp_pd_mask(a, b, _CMP_EQ_OQ);
}

/** m ? a : b */
V8_INLINE v8 v8_select(v8m m, v8 a, v8 b)
{
    return _mm512_mask_blend_pd(m, b, a);
}

V8_INLINE v8i v8_bits(v8 a)
{
    return _mm512_castpd_si512(a);
}

V8_INLINE v8 v8_from_bits(v8i a)
{
    return _mm512_castsi512_pd(a);
}

V8_INLINE v8i v8i_set1(uint64_t a)
{
    return _mm512_set1_epi64((long long)a);
}

V8_INLINE v8i v8i_add(v8i a, v8i b)
{
    return _mm512_add_epi64(a, b);
}

V8_INLINE v8i v8i_and(v8i a, v8i b)
{
    return _mm512_and_si512(a, b);
}

V8_INLINE v8i v8i_or(v8i a, v8i b)
{
    return _mm512_or_si512(a, b);
}

/** To and from the exponent field: by 52 bits. */
V8_INLINE v8i v8i_up52(v8i a)
{
    return _mm512_slli_epi64(a, 52);
}

V8_INLINE v8i v8i_down52(v8i a)
{
    return _mm512_srli_epi64(a, 52);
}

/** ((t0+t4)+(t2+t6)) + ((t1+t5)+(t3+t7)) */
V8_INLINE double v8_sum(v8 a)
{
    const __m256d f = _mm256_add_pd(_mm512_castpd512_pd256(a), _mm512_extractf64x4_pd(a, 1));
    const __m128d t = _mm_add_pd(_mm256_castpd256_pd128(f), _mm256_extractf128_pd(f, 1));
    return _mm_cvtsd_f64(t) + _mm_cvtsd_f64(_mm_unpackhi_pd(t, t));
}

/** v8_sum of 8 vectors at once. */
V8_INLINE v8 v8_sums(const v8 *a)
{
    v8 f[4], h[2]; /* rows 2i, 2i+1 with 4 terms each; rows 4i .. 4i+3 with 2 */
    V8_UNROLL for (size_t i = 0; i < 4; i++)
    {
        const v8 b = a[2 * i], c = a[2 * i + 1];
        f[i] = _mm512_add_pd(_mm512_shuffle_f64x2(b, c, 0x44), _mm512_shuffle_f64x2(b, c, 0xee));
    }
    V8_UNROLL for (size_t i = 0; i < 2; i++)
    {
        const v8 b = f[2 * i], c = f[2 * i + 1];
        h[i] = _mm512_add_pd(_mm512_shuffle_f64x2(b, c, 0x88), _mm512_shuffle_f64x2(b, c, 0xdd));
    }
    const v8 s = _mm512_add_pd(_mm512_unpacklo_pd(h[0], h[1]), _mm512_unpackhi_pd(h[0], h[1]));
    return _mm512_permutexvar_pd(_mm512_set_epi64(7, 5, 3, 1, 6, 4, 2, 0), s);
}

V8_INLINE v8 v8_from_ps(v8b a)
{
    return _mm512_cvtps_pd(a);
}

V8_INLINE v8 v8_from_i32(v8w a)
{
    return _mm512_cvtepi32_pd(a);
}

#endif
