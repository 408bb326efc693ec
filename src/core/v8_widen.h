/* v8_widen.h -- 8 stored features become 8 doubles, exactly: subnormals, infinities and NaN included.
 *
 * v8_from_<type>(p) reads 8 elements of the type at p, which needs no alignment, and nothing else;
 * v8_part_<type>(count, p) reads the first count < 8 of them, and gives +0 for the others;
 * v8_square_<type>(p, row, out) reads 8 elements in each of 8 rows, row bytes apart, and gives their columns.
 * Not collective. */
#ifndef TW_V8_WIDEN_H
#define TW_V8_WIDEN_H

#include "core/v8.h"
#include "thalweg/dtype.h"

V8_INLINE v8 v8_from_f64(const unsigned char *p)
{
    return v8_load((const double *)(const void *)p);
}

V8_INLINE v8 v8_part_f64(size_t count, const unsigned char *p)
{
    return v8_load_mask(v8_first(count), (const double *)(const void *)p);
}

#if defined(TW_V8_PLAIN_H)

#define V8_FROM_INTEGER(name, integer)                  \
    V8_INLINE v8 v8_from_##name(const unsigned char *p) \
    {                                                   \
        integer t[8];                                   \
        v8w a;                                          \
        memcpy(t, p, sizeof t);                         \
        for (size_t i = 0; i < 8; i++) a.v[i] = t[i];   \
        return v8_from_i32(a);                          \
    }
V8_FROM_INTEGER(u8, uint8_t)
V8_FROM_INTEGER(i8, int8_t)
V8_FROM_INTEGER(i16, int16_t)
#undef V8_FROM_INTEGER

V8_INLINE v8 v8_from_f32(const unsigned char *p)
{
    v8b a;
    memcpy(&a, p, sizeof a);
    return v8_from_ps(a);
}

V8_INLINE v8 v8_from_bf16(const unsigned char *p)
{
    uint16_t t[8];
    uint32_t u[8];
    v8b a;
    memcpy(t, p, sizeof t);
    for (size_t i = 0; i < 8; i++) u[i] = (uint32_t)t[i] << 16;
    memcpy(&a, u, sizeof a);
    return v8_from_ps(a);
}

/* IEEE 754 binary16: sign 1, exponent 5 (bias 15), mantissa 10. */
V8_INLINE double half_to_double(uint16_t h)
{
    const uint64_t mantissa = h & 0x3ff, exponent = h >> 10 & 31;
    const uint64_t field = exponent == 31 ? 2047 : exponent + (1023 - 15);
    uint64_t bits = field << 52 | mantissa << 42;
    const double subnormal = (double)mantissa * 0x1p-24;
    double t;
    if (exponent == 0) memcpy(&bits, &subnormal, sizeof bits);
    bits |= (uint64_t)(h >> 15) << 63;
    memcpy(&t, &bits, sizeof t);
    return t;
}

V8_INLINE v8 v8_from_f16(const unsigned char *p)
{
    uint16_t t[8];
    v8 a;
    memcpy(t, p, sizeof t);
    for (size_t i = 0; i < 8; i++) a.v[i] = half_to_double(t[i]);
    return a;
}

#else

V8_INLINE __m128i load_8_bytes(const unsigned char *p)
{
    return _mm_loadl_epi64((const __m128i *)(const void *)p);
}

V8_INLINE __m128i load_16_bytes(const unsigned char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

V8_INLINE __m256i load_32_bytes(const unsigned char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

#ifdef TW_V8_AVX512_H /* by way of 64 bits: an instruction less than by 32 */

V8_INLINE v8 wide_u8(__m128i a)
{
    return _mm512_cvtepi64_pd(_mm512_cvtepu8_epi64(a));
}

V8_INLINE v8 wide_i8(__m128i a)
{
    return _mm512_cvtepi64_pd(_mm512_cvtepi8_epi64(a));
}

V8_INLINE v8 wide_i16(__m128i a)
{
    return _mm512_cvtepi64_pd(_mm512_cvtepi16_epi64(a));
}

/* To the upper halves of floats by one shuffle of both copies of a. */
V8_INLINE v8 wide_bf16(__m128i a)
{
    const __m256i places = _mm256_setr_epi8(-1, -1, 0, 1, -1, -1, 2, 3, -1, -1, 4, 5, -1, -1, 6, 7, -1, -1, 8,
                                            9, -1, -1, 10, 11, -1, -1, 12, 13, -1, -1, 14, 15);
    return v8_from_ps(_mm256_castsi256_ps(_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(a), places)));
}

#else

V8_INLINE v8 wide_bf16(__m128i a)
{
    const __m128i lo = _mm_unpacklo_epi16(_mm_setzero_si128(), a),
                  hi = _mm_unpackhi_epi16(_mm_setzero_si128(), a);
    return (v8){_mm256_cvtps_pd(_mm_castsi128_ps(lo)), _mm256_cvtps_pd(_mm_castsi128_ps(hi))};
}

/* Whole numbers added to the last bits of 1.5 2^52, which is then taken away: fewer shuffles than conversions
 * have. */
V8_INLINE __m256d from_low_bits(__m256i a)
{
    const __m256d big = _mm256_set1_pd(0x1.8p52);
    return _mm256_sub_pd(_mm256_castsi256_pd(_mm256_add_epi64(a, _mm256_castpd_si256(big))), big);
}

V8_INLINE v8 wide_u8(__m128i a)
{
    return (v8){from_low_bits(_mm256_cvtepu8_epi64(a)),
                from_low_bits(_mm256_cvtepu8_epi64(_mm_srli_si128(a, 4)))};
}

V8_INLINE v8 wide_i8(__m128i a)
{
    return (v8){from_low_bits(_mm256_cvtepi8_epi64(a)),
                from_low_bits(_mm256_cvtepi8_epi64(_mm_srli_si128(a, 4)))};
}

V8_INLINE v8 wide_i16(__m128i a)
{
    return (v8){from_low_bits(_mm256_cvtepi16_epi64(a)),
                from_low_bits(_mm256_cvtepi16_epi64(_mm_srli_si128(a, 8)))};
}

#endif

V8_INLINE v8 wide_f16(__m128i a)
{
    return v8_from_ps(_mm256_cvtph_ps(a));
}

V8_INLINE v8 wide_f32(__m256i a)
{
    return v8_from_ps(_mm256_castsi256_ps(a));
}

#define V8_FROM(name, bytes)                            \
    V8_INLINE v8 v8_from_##name(const unsigned char *p) \
    {                                                   \
        return wide_##name(load_##bytes##_bytes(p));    \
    }
V8_FROM(u8, 8)
V8_FROM(i8, 8)
V8_FROM(i16, 16)
V8_FROM(f16, 16)
V8_FROM(bf16, 16)
V8_FROM(f32, 32)
#undef V8_FROM

#endif

#ifdef TW_V8_AVX512_H

#define V8_PART(name, load)                                           \
    V8_INLINE v8 v8_part_##name(size_t count, const unsigned char *p) \
    {                                                                 \
        return wide_##name(load((1u << count) - 1u, p));              \
    }
#define LOAD_BYTES(mask, p)  _mm_maskz_loadu_epi8((__mmask16)(mask), p)
#define LOAD_WORDS(mask, p)  _mm_maskz_loadu_epi16((__mmask8)(mask), p)
#define LOAD_FLOATS(mask, p) _mm256_maskz_loadu_epi32((__mmask8)(mask), p)
V8_PART(u8, LOAD_BYTES)
V8_PART(i8, LOAD_BYTES)
V8_PART(i16, LOAD_WORDS)
V8_PART(f16, LOAD_WORDS)
V8_PART(bf16, LOAD_WORDS)
V8_PART(f32, LOAD_FLOATS)
#undef LOAD_BYTES
#undef LOAD_WORDS
#undef LOAD_FLOATS

#else /* through a buffer */

#define V8_PART(name, size)                                           \
    V8_INLINE v8 v8_part_##name(size_t count, const unsigned char *p) \
    {                                                                 \
        unsigned char t[8 * (size)] = {0};                            \
        memcpy(t, p, count *(size));                                  \
        return v8_from_##name(t);                                     \
    }
V8_PART(u8, 1)
V8_PART(i8, 1)
V8_PART(i16, 2)
V8_PART(f16, 2)
V8_PART(bf16, 2)
V8_PART(f32, 4)

#endif
#undef V8_PART

#define V8_SQUARE(name)                                                                \
    V8_INLINE void v8_square_##name(const unsigned char *p, size_t row, v8 *out)       \
    {                                                                                  \
        V8_UNROLL for (size_t i = 0; i < 8; i++) out[i] = v8_from_##name(p + i * row); \
        v8_turn(out);                                                                  \
    }
V8_SQUARE(f64)

#if defined(TW_V8_PLAIN_H)

V8_SQUARE(u8)
V8_SQUARE(i8)
V8_SQUARE(i16)
V8_SQUARE(f16)
V8_SQUARE(bf16)
V8_SQUARE(f32)

#else /* all others are floats, exactly: the shuffles are fewer */

V8_INLINE v8b floats_u8(const unsigned char *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(load_8_bytes(p)));
}

V8_INLINE v8b floats_i8(const unsigned char *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(load_8_bytes(p)));
}

V8_INLINE v8b floats_i16(const unsigned char *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepi16_epi32(load_16_bytes(p)));
}

V8_INLINE v8b floats_f16(const unsigned char *p)
{
    return _mm256_cvtph_ps(load_16_bytes(p));
}

V8_INLINE v8b floats_bf16(const unsigned char *p)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load_16_bytes(p)), 16));
}

V8_INLINE v8b floats_f32(const unsigned char *p)
{
    return _mm256_castsi256_ps(load_32_bytes(p));
}

#define V8_FLOATS(name)                                                             \
    V8_INLINE void v8_square_##name(const unsigned char *p, size_t row, v8 *out)    \
    {                                                                               \
        v8b a[8];                                                                   \
        V8_UNROLL for (size_t i = 0; i < 8; i++) a[i] = floats_##name(p + i * row); \
        v8_turn_floats(a, out);                                                     \
    }
V8_FLOATS(u8)
V8_FLOATS(i8)
V8_FLOATS(i16)
V8_FLOATS(f16)
V8_FLOATS(bf16)
V8_FLOATS(f32)
#undef V8_FLOATS

#endif
#undef V8_SQUARE

/** The same for a type that is a variable, best one that is known to the compiler. */
V8_INLINE v8 v8_from(tw_dtype type, const unsigned char *p)
{
    switch (type) {
#define X(name, size) \
    case TW_##name: return v8_from_##name(p);
        TW_DTYPES(X)
#undef X
    default: break;
    }
    return v8_zero();
}

V8_INLINE v8 v8_part(tw_dtype type, size_t count, const unsigned char *p)
{
    switch (type) {
#define X(name, size) \
    case TW_##name: return v8_part_##name(count, p);
        TW_DTYPES(X)
#undef X
    default: break;
    }
    return v8_zero();
}

/** Bytes of an element. */
V8_INLINE size_t v8_stored(tw_dtype type)
{
    switch (type) {
#define X(name, size) \
    case TW_##name: return size;
        TW_DTYPES(X)
#undef X
    default: break;
    }
    return 0;
}

#endif
