/* v8_plain.h -- v8.h in plain C, for any machine: correct first. Included by v8.h only. */
#ifndef TW_V8_PLAIN_H
#define TW_V8_PLAIN_H

typedef struct {
    double v[8];
} v8;
typedef struct {
    uint64_t v[8];
} v8i;
typedef v8i v8m; /* 0 or 1 */
typedef struct {
    float v[8];
} v8b;
typedef struct {
    int32_t v[8];
} v8w;

/* Register tiles: rows of a dot product at once; rows and vectors of a matrix product; outputs
 * and vectors of a tile with several outputs. */
enum { V8_DOT_ROWS = 1, V8_TILE_ROWS = 4, V8_TILE_VECS = 1, V8_OUTER_OUTPUTS = 4, V8_OUTER_VECS = 1 };

V8_INLINE v8 v8_load(const double *p)
{
    v8 a;
    memcpy(&a, p, sizeof a);
    return a;
}

V8_INLINE void v8_store(double *p, v8 a)
{
    memcpy(p, &a, sizeof a);
}

/** The first count lanes, all of them when count >= 8. */
V8_INLINE v8m v8_first(size_t count)
{
    v8m m;
    for (size_t i = 0; i < 8; i++) m.v[i] = i < count;
    return m;
}

V8_INLINE v8 v8_load_mask(v8m m, const double *p)
{
    v8 a;
    for (size_t i = 0; i < 8; i++) a.v[i] = m.v[i] ? p[i] : 0.0;
    return a;
}

V8_INLINE void v8_store_mask(v8m m, double *p, v8 a)
{
    for (size_t i = 0; i < 8; i++)
        if (m.v[i]) p[i] = a.v[i];
}

/** Rows become columns. */
V8_INLINE void v8_turn(v8 *a)
{
    for (size_t i = 0; i < 8; i++)
        for (size_t j = 0; j < i; j++) {
            const double t = a[i].v[j];
            a[i].v[j] = a[j].v[i];
            a[j].v[i] = t;
        }
}

V8_INLINE v8 v8_set1(double a)
{
    return (v8){{a, a, a, a, a, a, a, a}};
}

V8_INLINE v8 v8_fma(v8 a, v8 b, v8 c)
{
    for (size_t i = 0; i < 8; i++) c.v[i] = __builtin_fma(a.v[i], b.v[i], c.v[i]);
    return c;
}

V8_INLINE v8 v8_add(v8 a, v8 b)
{
    for (size_t i = 0; i < 8; i++) a.v[i] += b.v[i];
    return a;
}

V8_INLINE v8 v8_sub(v8 a, v8 b)
{
    for (size_t i = 0; i < 8; i++) a.v[i] -= b.v[i];
    return a;
}

V8_INLINE v8 v8_mul(v8 a, v8 b)
{
    for (size_t i = 0; i < 8; i++) a.v[i] *= b.v[i];
    return a;
}

V8_INLINE v8 v8_div(v8 a, v8 b)
{
    for (size_t i = 0; i < 8; i++) a.v[i] /= b.v[i];
    return a;
}

V8_INLINE v8m v8_lt(v8 a, v8 b)
{
    v8m m;
    for (size_t i = 0; i < 8; i++) m.v[i] = a.v[i] < b.v[i];
    return m;
}

V8_INLINE v8m v8_eq(v8 a, v8 b)
{
    v8m m;
    for (size_t i = 0; i < 8; i++) m.v[i] = a.v[i] == b.v[i];
    return m;
}

/** m ? a : b */
V8_INLINE v8 v8_select(v8m m, v8 a, v8 b)
{
    for (size_t i = 0; i < 8; i++) a.v[i] = m.v[i] ? a.v[i] : b.v[i];
    return a;
}

V8_INLINE v8i v8_bits(v8 a)
{
    v8i t;
    memcpy(&t, &a, sizeof t);
    return t;
}

V8_INLINE v8 v8_from_bits(v8i a)
{
    v8 t;
    memcpy(&t, &a, sizeof t);
    return t;
}

V8_INLINE v8i v8i_set1(uint64_t a)
{
    return (v8i){{a, a, a, a, a, a, a, a}};
}

V8_INLINE v8i v8i_add(v8i a, v8i b)
{
    for (size_t i = 0; i < 8; i++) a.v[i] += b.v[i];
    return a;
}

V8_INLINE v8i v8i_and(v8i a, v8i b)
{
    for (size_t i = 0; i < 8; i++) a.v[i] &= b.v[i];
    return a;
}

V8_INLINE v8i v8i_or(v8i a, v8i b)
{
    for (size_t i = 0; i < 8; i++) a.v[i] |= b.v[i];
    return a;
}

/** To and from the exponent field: by 52 bits. */
V8_INLINE v8i v8i_up52(v8i a)
{
    for (size_t i = 0; i < 8; i++) a.v[i] <<= 52;
    return a;
}

V8_INLINE v8i v8i_down52(v8i a)
{
    for (size_t i = 0; i < 8; i++) a.v[i] >>= 52;
    return a;
}

/** ((t0+t4)+(t2+t6)) + ((t1+t5)+(t3+t7)) */
V8_INLINE double v8_sum(v8 a)
{
    const double *t = a.v;
    return ((t[0] + t[4]) + (t[2] + t[6])) + ((t[1] + t[5]) + (t[3] + t[7]));
}

/** v8_sum of 8 vectors. */
V8_INLINE v8 v8_sums(const v8 *a)
{
    v8 s;
    for (size_t i = 0; i < 8; i++) s.v[i] = v8_sum(a[i]);
    return s;
}

V8_INLINE v8 v8_from_ps(v8b a)
{
    v8 t;
    for (size_t i = 0; i < 8; i++) t.v[i] = (double)a.v[i];
    return t;
}

V8_INLINE v8 v8_from_i32(v8w a)
{
    v8 t;
    for (size_t i = 0; i < 8; i++) t.v[i] = (double)a.v[i];
    return t;
}

#endif
