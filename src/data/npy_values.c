/* The values of an NPY file as our types. */
#include "data/narrow.h"
#include "data/npy.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 512 };

/* Has m more significant bits than a float of so many? */
static bool beyond(uint64_t m, int bits)
{
    return m >> bits != 0 && (m >> __builtin_ctzll(m)) >> bits != 0;
}

static void see(tw_npy_range *r, bool negative, uint64_t magnitude, uint64_t at)
{
    if (negative && -(int64_t)(magnitude - 1) - 1 < r->least) r->least = -(int64_t)(magnitude - 1) - 1;
    if (!negative && magnitude > r->most) r->most = magnitude;
    if (magnitude >> 24 == 0 || !beyond(magnitude, 24)) return;
    r->beyond_f32 = true;
    if (r->beyond_f64 || !beyond(magnitude, 53)) return;
    r->beyond_f64 = true;
    r->first = at;
}

#define LOOK(type, negative)                                           \
    for (size_t i = 0; i < count; i++) {                               \
        type v;                                                        \
        memcpy(&v, (const char *)values + i * sizeof v, sizeof v);     \
        const bool low = negative;                                     \
        see(r, low, low ? 0 - (uint64_t)v : (uint64_t)v, r->seen + i); \
    }
#define MISSING(type)                                              \
    for (size_t i = 0; i < count; i++) {                           \
        type v;                                                    \
        memcpy(&v, (const char *)values + i * sizeof v, sizeof v); \
        missing += v != v;                                         \
    }

static size_t count_missing(size_t size, size_t count, const void *values)
{
    size_t missing = 0;
    switch (size) {
    case 2:
        for (size_t i = 0; i < count; i++) {
            uint16_t v;
            memcpy(&v, (const char *)values + 2 * i, 2);
            missing += (v & 0x7fff) > 0x7c00;
        }
        break;
    case 4: MISSING(float) break;
    default: MISSING(double) break;
    }
    return missing;
}

/* Kinds and widths in one word. */
#define TYPE(kind, size) ((kind) << 8 | (size))

void tw_npy_range_add(tw_npy_range *r, const tw_npy_header *h, size_t count, const void *values)
{
    switch (TYPE(h->kind, h->size)) {
    case TYPE('u', 2): LOOK(uint16_t, false) break;
    case TYPE('u', 4): LOOK(uint32_t, false) break;
    case TYPE('u', 8): LOOK(uint64_t, false) break;
    case TYPE('i', 4): LOOK(int32_t, v < 0) break;
    case TYPE('i', 8): LOOK(int64_t, v < 0) break;
    default:
        if (h->kind == 'f') r->missing += count_missing(h->size, count, values);
    }
    r->seen += count;
}

bool tw_npy_kept(const tw_npy_header *h)
{
    return h->kind == 'f' || h->size == 1 || (h->kind == 'i' && h->size == 2);
}

tw_dtype tw_npy_feature_type(const tw_npy_header *h, const tw_npy_range *r)
{
    if (h->kind == 'f') return h->size == 2 ? TW_f16 : h->size == 4 ? TW_f32 : TW_f64;
    if (h->size == 1) return h->kind == 'i' ? TW_i8 : TW_u8;
    if (h->kind == 'i' && h->size == 2) return TW_i16;
    if (r->least == 0 && r->most <= UINT8_MAX) return TW_u8;
    if (r->least >= INT8_MIN && r->most <= INT8_MAX) return TW_i8;
    if (r->least >= INT16_MIN && r->most <= INT16_MAX) return TW_i16;
    return r->beyond_f32 ? TW_f64 : TW_f32;
}

tw_label_type tw_npy_label_type(const tw_npy_header *h)
{
    switch (TYPE(h->kind, h->size)) {
    case TYPE('b', 1):
    case TYPE('u', 1): return TW_LABEL_u8;
    case TYPE('i', 1): return TW_LABEL_i8;
    case TYPE('i', 2): return TW_LABEL_i16;
    case TYPE('u', 2):
    case TYPE('i', 4): return TW_LABEL_i32;
    case TYPE('u', 4):
    case TYPE('i', 8):
    case TYPE('u', 8): return TW_LABEL_i64;
    default: return TW_LABEL_f64;
    }
}

/* IEEE 754 binary16: exact in a double. */
static double from_half(uint16_t h)
{
    const int exponent = h >> 10 & 0x1f, fraction = h & 0x3ff;
    double v = exponent == 0   ? ldexp(fraction, -24)
               : exponent < 31 ? ldexp(fraction + 1024, exponent - 25)
               : fraction == 0 ? INFINITY
                               : NAN;
    return h & 0x8000 ? -v : v;
}

static double real_at(size_t size, const char *at)
{
    uint16_t half;
    float single;
    double value;
    switch (size) {
    case 2: memcpy(&half, at, 2); return from_half(half);
    case 4: memcpy(&single, at, 4); return (double)single;
    default: memcpy(&value, at, 8); return value;
    }
}

/* Of integers but those of u8 beyond 63 bits, which come out negative. */
static int64_t whole_at(const tw_npy_header *h, const char *at)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < h->size; i++) {
        const size_t place = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? i : h->size - 1u - i;
        bits |= (uint64_t)(unsigned char)at[i] << 8 * place;
    }
    const int unused = 64 - 8 * h->size;
    int64_t v;
    bits <<= unused;
    if (h->kind != 'i') return (int64_t)(bits >> unused);
    memcpy(&v, &bits, sizeof v);
    return v >> unused;
}

size_t tw_npy_features(const tw_npy_header *h, tw_dtype type, size_t count, const void *values, void *out)
{
    double wide[CHUNK];
    for (size_t done = 0, n; done < count; done += n) {
        n = count - done < CHUNK ? count - done : CHUNK;
        const char *at = (const char *)values + done * h->size;
        for (size_t i = 0; i < n; i++, at += h->size) {
            const int64_t v = whole_at(h, at);
            wide[i] = h->kind == 'i' ? (double)v : (double)(uint64_t)v;
        }
        const size_t good = tw_narrow(type, n, wide, (char *)out + done * tw_dtype_size(type));
        if (good < n) return done + good;
    }
    return count;
}

size_t tw_npy_labels(const tw_npy_header *h, tw_label_type type, size_t count, const void *values, void *out)
{
    const char *at = values;
    if (tw_label_type_size(type) == h->size && h->kind != 'u') {
        memcpy(out, values, count * h->size);
        return count;
    }
    for (size_t i = 0; i < count; i++, at += h->size) {
        if (type == TW_LABEL_f64) {
            ((double *)out)[i] = real_at(h->size, at);
            continue;
        }
        const int64_t v = whole_at(h, at);
        if (h->kind == 'u' && v < 0) return i;
        switch (type) {
        case TW_LABEL_u8: ((uint8_t *)out)[i] = (uint8_t)v; break;
        case TW_LABEL_i32: ((int32_t *)out)[i] = (int32_t)v; break;
        default: ((int64_t *)out)[i] = v;
        }
    }
    return count;
}
