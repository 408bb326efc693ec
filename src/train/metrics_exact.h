/* metrics_exact.h -- sums of weights without rounding, so that no order of summation shows.
 *
 * A weight becomes a whole number of units of 2^-shift, chosen so that the sum of all rows stays below 2^126.
 * Whole numbers travel between ranks as 32 bits a double, whose sums are exact for up to 2^21 ranks. */
#ifndef THALWEG_TRAIN_METRICS_EXACT_H
#define THALWEG_TRAIN_METRICS_EXACT_H

#include "thalweg/comm.h"

#include <math.h>
#include <string.h>

__extension__ typedef unsigned __int128 tw_u128;

/* Least significant limb first. */
typedef struct {
    uint64_t limb[4];
} tw_u256;

/** 126 bits for the sum of `rows` weights of at most `largest` > 0. */
static inline int tw_exact_shift(double largest, int64_t rows)
{
    int exponent, bits = 0;
    frexp(largest, &exponent);
    while (rows >> bits > 0) bits++;
    return 126 - bits - exponent;
}

/** floor(weight * 2^shift) for a finite weight >= 0 of less than 2^126 units. */
static inline tw_u128 tw_exact_units(double weight, int shift)
{
    uint64_t bits;
    memcpy(&bits, &weight, sizeof bits);
    const int exponent = (int)(bits >> 52);
    const uint64_t fraction = bits & (((uint64_t)1 << 52) - 1);
    const uint64_t mantissa = exponent > 0 ? fraction | (uint64_t)1 << 52 : fraction;
    const int move = (exponent > 0 ? exponent : 1) - 1075 + shift;
    if (move >= 0) return (tw_u128)mantissa << move;
    return move > -64 ? mantissa >> -move : 0;
}

/** Back to a weight, rounded once. */
static inline double tw_exact_weight(tw_u128 units, int shift)
{
    return ldexp((double)units, -shift);
}

static inline void tw_u256_add(tw_u256 *sum, const tw_u256 *more)
{
    tw_u128 carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (tw_u128)sum->limb[i] + more->limb[i];
        sum->limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
}

static inline void tw_u256_subtract(tw_u256 *from, const tw_u256 *less)
{
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        const tw_u128 taken = (tw_u128)less->limb[i] + borrow;
        borrow = from->limb[i] < taken;
        from->limb[i] = (uint64_t)(from->limb[i] - taken);
    }
}

static inline tw_u256 tw_u256_product(tw_u128 a, tw_u128 b)
{
    const tw_u128 low = (tw_u128)(uint64_t)a * (uint64_t)b, high = (a >> 64) * (b >> 64);
    const tw_u128 cross[2] = {(a >> 64) * (uint64_t)b, (b >> 64) * (uint64_t)a};
    tw_u256 p = {{(uint64_t)low, (uint64_t)(low >> 64), (uint64_t)high, (uint64_t)(high >> 64)}};
    for (int i = 0; i < 2; i++) {
        const tw_u256 middle = {{0, (uint64_t)cross[i], (uint64_t)(cross[i] >> 64), 0}};
        tw_u256_add(&p, &middle);
    }
    return p;
}

/** The nearest double of the leading 128 bits; what is cut below them is remembered as one bit. */
static inline double tw_u256_double(const tw_u256 *x)
{
    int top = 3;
    while (top > 1 && x->limb[top] == 0) top--;
    tw_u128 lead = (tw_u128)x->limb[top] << 64 | x->limb[top - 1];
    const int zeros = x->limb[top] ? __builtin_clzll(x->limb[top]) : 0;
    int exponent = 64 * (top - 1);
    uint64_t rest = 0;
    if (top > 1) {
        rest = x->limb[top - 2];
        for (int i = 0; i < zeros; i++) {
            lead = lead << 1 | rest >> 63;
            rest <<= 1;
        }
        exponent -= zeros;
    }
    for (int i = 0; i < top - 2; i++) rest |= x->limb[i];
    return ldexp((double)(lead | (rest != 0)), exponent);
}

/** Sums over the ranks, in place. Collective. */
tw_status tw_exact_sum(tw_comm *comm, size_t n, tw_u128 *values) TW_CHECKED;
tw_status tw_exact_sum_wide(tw_comm *comm, tw_u256 *value) TW_CHECKED;

#endif
