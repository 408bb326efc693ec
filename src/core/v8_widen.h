/* v8_widen.h -- 8 stored features become 8 doubles, exactly: subnormals, infinities and NaN included.
 *
 * v8_from_<type>(p) reads 8 elements of the type at p, which needs no alignment, and nothing else. Not
 * collective. */
#ifndef TW_V8_WIDEN_H
#define TW_V8_WIDEN_H

#include "core/v8.h"

V8_INLINE v8 v8_from_f64(const unsigned char *p)
{
    return v8_load((const double *)(const void *)p);
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

V8_INLINE __m128i half_load(const unsigned char *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}

V8_INLINE v8 v8_from_u8(const unsigned char *p)
{
    return v8_from_i32(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}

V8_INLINE v8 v8_from_i8(const unsigned char *p)
{
    return v8_from_i32(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
}

V8_INLINE v8 v8_from_i16(const unsigned char *p)
{
    return v8_from_i32(_mm256_cvtepi16_epi32(half_load(p)));
}

V8_INLINE v8 v8_from_f16(const unsigned char *p)
{
    return v8_from_ps(_mm256_cvtph_ps(half_load(p)));
}

V8_INLINE v8 v8_from_bf16(const unsigned char *p)
{
    const __m256i t = _mm256_slli_epi32(_mm256_cvtepu16_epi32(half_load(p)), 16);
    return v8_from_ps(_mm256_castsi256_ps(t));
}

V8_INLINE v8 v8_from_f32(const unsigned char *p)
{
    return v8_from_ps(_mm256_castsi256_ps(_mm256_loadu_si256((const __m256i *)(const void *)p)));
}

#endif

#endif
