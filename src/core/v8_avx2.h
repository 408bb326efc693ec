/* v8_avx2.h -- v8.h in AVX2 + FMA + F16C: two registers of four lanes. Included by v8.h only. */
#ifndef TW_V8_AVX2_H
#define TW_V8_AVX2_H

#include <immintrin.h>

typedef struct {
    __m256d lo, hi;
} v8;
typedef struct {
    __m256i lo, hi;
} v8i;
typedef v8 v8m;
typedef __m256 v8b;
typedef __m256i v8w;

/* Register tiles of 16 registers: rows of a dot product at once; rows and vectors of a matrix product;
 * outputs and vectors of a tile with several outputs. */
enum { V8_DOT_ROWS = 2, V8_TILE_ROWS = 4, V8_TILE_VECS = 1, V8_OUTER_OUTPUTS = 5, V8_OUTER_VECS = 1 };

V8_INLINE v8 v8_load(const double *p)
{
    return (v8){_mm256_loadu_pd(p), _mm256_loadu_pd(p + 4)};
}

V8_INLINE void v8_store(double *p, v8 a)
{
    _mm256_storeu_pd(p, a.lo);
    _mm256_storeu_pd(p + 4, a.hi);
}

/** The first count lanes, all of them when count >= 8. */
V8_INLINE v8m v8_first(size_t count)
{
    const __m256i n = _mm256_set1_epi64x(count >= 8 ? 8 : (long long)count);
    return (v8m){_mm256_castsi256_pd(_mm256_cmpgt_epi64(n, _mm256_setr_epi64x(0, 1, 2, 3))),
                 _mm256_castsi256_pd(_mm256_cmpgt_epi64(n, _mm256_setr_epi64x(4, 5, 6, 7)))};
}

V8_INLINE v8 v8_load_mask(v8m m, const double *p)
{
    return (v8){_mm256_maskload_pd(p, _mm256_castpd_si256(m.lo)),
                _mm256_maskload_pd(p + 4, _mm256_castpd_si256(m.hi))};
}

V8_INLINE void v8_store_mask(v8m m, double *p, v8 a)
{
    _mm256_maskstore_pd(p, _mm256_castpd_si256(m.lo), a.lo);
    _mm256_maskstore_pd(p + 4, _mm256_castpd_si256(m.hi), a.hi);
}

V8_INLINE void turn_4(__m256d a, __m256d b, __m256d c, __m256d d, __m256d *out)
{
    const __m256d ab = _mm256_unpacklo_pd(a, b), ab1 = _mm256_unpackhi_pd(a, b);
    const __m256d cd = _mm256_unpacklo_pd(c, d), cd1 = _mm256_unpackhi_pd(c, d);
    out[0] = _mm256_permute2f128_pd(ab, cd, 0x20);
    out[1] = _mm256_permute2f128_pd(ab1, cd1, 0x20);
    out[2] = _mm256_permute2f128_pd(ab, cd, 0x31);
    out[3] = _mm256_permute2f128_pd(ab1, cd1, 0x31);
}

/** Rows become columns. */
V8_INLINE void v8_turn(v8 *a)
{
    __m256d t[16]; /* columns of the first four rows, then of the others */
    V8_UNROLL for (size_t i = 0; i < 8; i += 4)
    {
        turn_4(a[i].lo, a[i + 1].lo, a[i + 2].lo, a[i + 3].lo, t + 2 * i);
        turn_4(a[i].hi, a[i + 1].hi, a[i + 2].hi, a[i + 3].hi, t + 2 * i + 4);
    }
    V8_UNROLL for (size_t i = 0; i < 8; i++) a[i] = (v8){t[i], t[i + 8]};
}

V8_INLINE __m256 pairs_low(__m256 a, __m256 b)
{
    return _mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
}

V8_INLINE __m256 pairs_high(__m256 a, __m256 b)
{
    return _mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
}

/** Rows of floats become columns of doubles. Conversions that read memory need no shuffle: half as many as
 * v8_turn has. */
V8_INLINE void v8_turn_floats(const v8b *a, v8 *out)
{
    __m256 t[8], u[4]; /* t: four columns of row i and row i + 4 */
    float columns[8][8];
    V8_UNROLL for (size_t i = 0; i < 4; i++)
    {
        t[i] = _mm256_insertf128_ps(a[i], _mm256_castps256_ps128(a[i + 4]), 1);
        t[i + 4] = _mm256_permute2f128_ps(a[i], a[i + 4], 0x31);
    }
    V8_UNROLL for (size_t h = 0; h < 8; h += 4)
    {
        V8_UNROLL for (size_t i = 0; i < 4; i += 2)
        {
            u[i] = _mm256_unpacklo_ps(t[h + i], t[h + i + 1]);
            u[i + 1] = _mm256_unpackhi_ps(t[h + i], t[h + i + 1]);
        }
        V8_UNROLL for (size_t i = 0; i < 2; i++)
        {
            _mm256_storeu_ps(columns[h + 2 * i], pairs_low(u[i], u[i + 2]));
            _mm256_storeu_ps(columns[h + 2 * i + 1], pairs_high(u[i], u[i + 2]));
        }
    }
    __asm__("" : "+m"(columns)); /* through memory */
    V8_UNROLL for (size_t k = 0; k < 8; k++) out[k] =
        (v8){_mm256_cvtps_pd(_mm_loadu_ps(columns[k])), _mm256_cvtps_pd(_mm_loadu_ps(columns[k] + 4))};
}

V8_INLINE v8 v8_set1(double a)
{
    const __m256d t = _mm256_set1_pd(a);
    return (v8){t, t};
}

V8_INLINE v8 v8_fma(v8 a, v8 b, v8 c)
{
    return (v8){_mm256_fmadd_pd(a.lo, b.lo, c.lo), _mm256_fmadd_pd(a.hi, b.hi, c.hi)};
}

V8_INLINE v8 v8_add(v8 a, v8 b)
{
    return (v8){_mm256_add_pd(a.lo, b.lo), _mm256_add_pd(a.hi, b.hi)};
}

V8_INLINE v8 v8_sub(v8 a, v8 b)
{
    return (v8){_mm256_sub_pd(a.lo, b.lo), _mm256_sub_pd(a.hi, b.hi)};
}

V8_INLINE v8 v8_mul(v8 a, v8 b)
{
    return (v8){_mm256_mul_pd(a.lo, b.lo), _mm256_mul_pd(a.hi, b.hi)};
}

V8_INLINE v8 v8_div(v8 a, v8 b)
{
    return (v8){_mm256_div_pd(a.lo, b.lo), _mm256_div_pd(a.hi, b.hi)};
}

V8_INLINE v8m v8_lt(v8 a, v8 b)
{
    return (v8m){_mm256_cmp_pd(a.lo, b.lo, _CMP_LT_OQ), _mm256_cmp_pd(a.hi, b.hi, _CMP_LT_OQ)};
}

V8_INLINE v8m v8_eq(v8 a, v8 b)
{
    return (v8m){_mm256_cmp_pd(a.lo, b.lo, _CMP_EQ_OQ), _mm256_cmp_pd(a.hi, b.hi, _CMP_EQ_OQ)};
}

/** m ? a : b */
V8_INLINE v8 v8_select(v8m m, v8 a, v8 b)
{
    return (v8){_mm256_blendv_pd(b.lo, a.lo, m.lo), _mm256_blendv_pd(b.hi, a.hi, m.hi)};
}

V8_INLINE v8i v8_bits(v8 a)
{
    return (v8i){_mm256_castpd_si256(a.lo), _mm256_castpd_si256(a.hi)};
}

V8_INLINE v8 v8_from_bits(v8i a)
{
    return (v8){_mm256_castsi256_pd(a.lo), _mm256_castsi256_pd(a.hi)};
}

V8_INLINE v8i v8i_set1(uint64_t a)
{
    const __m256i t = _mm256_set1_epi64x((long long)a);
    return (v8i){t, t};
}

V8_INLINE v8i v8i_add(v8i a, v8i b)
{
    return (v8i){_mm256_add_epi64(a.lo, b.lo), _mm256_add_epi64(a.hi, b.hi)};
}

V8_INLINE v8i v8i_and(v8i a, v8i b)
{
    return (v8i){_mm256_and_si256(a.lo, b.lo), _mm256_and_si256(a.hi, b.hi)};
}

V8_INLINE v8i v8i_or(v8i a, v8i b)
{
    return (v8i){_mm256_or_si256(a.lo, b.lo), _mm256_or_si256(a.hi, b.hi)};
}

/** To and from the exponent field: by 52 bits. */
V8_INLINE v8i v8i_up52(v8i a)
{
    return (v8i){_mm256_slli_epi64(a.lo, 52), _mm256_slli_epi64(a.hi, 52)};
}

V8_INLINE v8i v8i_down52(v8i a)
{
    return (v8i){_mm256_srli_epi64(a.lo, 52), _mm256_srli_epi64(a.hi, 52)};
}

/** ((t0+t4)+(t2+t6)) + ((t1+t5)+(t3+t7)) */
V8_INLINE double v8_sum(v8 a)
{
    const __m256d f = _mm256_add_pd(a.lo, a.hi);
    const __m128d t = _mm_add_pd(_mm256_castpd256_pd128(f), _mm256_extractf128_pd(f, 1));
    return _mm_cvtsd_f64(t) + _mm_cvtsd_f64(_mm_unpackhi_pd(t, t));
}

/* v8_sum of 4 vectors. */
V8_INLINE __m256d sums_of_4(const v8 *a)
{
    __m256d f[4], h[2]; /* one row with 4 terms; rows 2i, 2i+1 with 2 */
    V8_UNROLL for (size_t i = 0; i < 4; i++) f[i] = _mm256_add_pd(a[i].lo, a[i].hi);
    V8_UNROLL for (size_t i = 0; i < 2; i++)
    {
        const __m256d b = f[2 * i], c = f[2 * i + 1];
        h[i] = _mm256_add_pd(_mm256_permute2f128_pd(b, c, 0x20), _mm256_permute2f128_pd(b, c, 0x31));
    }
    const __m256d s = _mm256_add_pd(_mm256_unpacklo_pd(h[0], h[1]), _mm256_unpackhi_pd(h[0], h[1]));
    return _mm256_permute4x64_pd(s, 0xd8);
}

/** v8_sum of 8 vectors at once. */
V8_INLINE v8 v8_sums(const v8 *a)
{
    return (v8){sums_of_4(a), sums_of_4(a + 4)};
}

V8_INLINE v8 v8_from_ps(v8b a)
{
    return (v8){_mm256_cvtps_pd(_mm256_castps256_ps128(a)), _mm256_cvtps_pd(_mm256_extractf128_ps(a, 1))};
}

V8_INLINE v8 v8_from_i32(v8w a)
{
    return (v8){_mm256_cvtepi32_pd(_mm256_castsi256_si128(a)),
                _mm256_cvtepi32_pd(_mm256_extracti128_si256(a, 1))};
}

#endif
