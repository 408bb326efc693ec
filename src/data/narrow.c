#include "data/narrow.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define TO_INTEGER(name, word, low, high)                       \
    static size_t name(size_t n, const double *in, void *out)   \
    {                                                           \
        word *to = out;                                         \
        for (size_t i = 0; i < n; i++) {                        \
            if (!(in[i] >= (low) && in[i] <= (high))) return i; \
            to[i] = (word)in[i];                                \
            if ((double)to[i] != in[i]) return i;               \
        }                                                       \
        return n;                                               \
    }
TO_INTEGER(to_u8, uint8_t, 0, UINT8_MAX)
TO_INTEGER(to_i8, int8_t, INT8_MIN, INT8_MAX)
TO_INTEGER(to_i16, int16_t, INT16_MIN, INT16_MAX)

static size_t to_f32(size_t n, const double *in, void *out)
{
    float *to = out;
    for (size_t i = 0; i < n; i++) {
        to[i] = (float)in[i];
        if (isinf(to[i]) && !isinf(in[i])) return i;
    }
    return n;
}

/* A 16-bit float of the given widths. The 53-bit significand loses 52 - mantissa bits, more below the least
 * normal. */
static uint16_t round_to_16(double value, int exponent_bits, int mantissa_bits)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const unsigned sign = (unsigned)(bits >> 48) & 0x8000;
    const unsigned infinity = ((1u << exponent_bits) - 1) << mantissa_bits;
    const int exponent = (int)(bits >> 52 & 0x7ff) - 1023, least = 2 - (1 << (exponent_bits - 1));
    if (isnan(value)) return (uint16_t)(sign | infinity | 1u << (mantissa_bits - 1));
    if (exponent > -least + 1) return (uint16_t)(sign | infinity);
    const int drop = 52 - mantissa_bits + (exponent < least ? least - exponent : 0);
    if (drop > 53) return (uint16_t)sign;
    const uint64_t whole = (bits & (((uint64_t)1 << 52) - 1)) | (uint64_t)1 << 52;
    const uint64_t rest = whole & (((uint64_t)1 << drop) - 1), half = (uint64_t)1 << (drop - 1);
    uint64_t kept = whole >> drop;
    kept += rest > half || (rest == half && (kept & 1));
    if (exponent >= least)
        kept += (uint64_t)(exponent - least) << mantissa_bits; /* the leading 1 counts as one more */
    return (uint16_t)(sign | (unsigned)kept);
}

static size_t to_16(size_t n, const double *in, uint16_t *out, int exponent_bits, int mantissa_bits)
{
    const unsigned infinity = ((1u << exponent_bits) - 1) << mantissa_bits;
    for (size_t i = 0; i < n; i++) {
        out[i] = round_to_16(in[i], exponent_bits, mantissa_bits);
        if ((out[i] & 0x7fff) == infinity && !isinf(in[i])) return i;
    }
    return n;
}

size_t tw_narrow(tw_dtype type, size_t n, const double *in, void *out)
{
    switch (type) {
    case TW_u8: return to_u8(n, in, out);
    case TW_i8: return to_i8(n, in, out);
    case TW_i16: return to_i16(n, in, out);
    case TW_f16: return to_16(n, in, out, 5, 10);
    case TW_bf16: return to_16(n, in, out, 8, 7);
    case TW_f32: return to_f32(n, in, out);
    default: memcpy(out, in, n * sizeof *in); return n;
    }
}

const char *tw_narrow_range(tw_dtype type)
{
    switch (type) {
    case TW_u8: return "whole numbers from 0 to 255";
    case TW_i8: return "whole numbers from -128 to 127";
    case TW_i16: return "whole numbers from -32768 to 32767";
    case TW_f16: return "numbers up to 65504";
    case TW_bf16:
    case TW_f32: return "numbers up to 3.4e38";
    default: return "numbers up to 1.8e308";
    }
}
