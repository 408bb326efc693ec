/* some_matrix.h -- symmetric positive definite matrices for the tests of cholesky.h, and their inverses in
 * long double.
 *
 * One matrix at a time, in `matrix`; only its lower triangle holds numbers, the rest is NaN. */
#ifndef THALWEG_TEST_SOME_MATRIX_H
#define THALWEG_TEST_SOME_MATRIX_H

#include "thalweg/kernels.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

enum { MOST = 264 };

static double matrix[MOST * MOST];
static long double exact[MOST * MOST]; /* [n][n] */

static inline size_t row_length(size_t n)
{
    return (n + TW_LANES - 1) / TW_LANES * TW_LANES;
}

/* Uniform in [-1, 1). */
static inline double number(void)
{
    static uint64_t state = 1;
    uint64_t x = state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return (double)(int64_t)(x ^ x >> 31) * 0x1p-63;
}

static inline void set_nothing(size_t n)
{
    for (size_t i = 0; i < n * row_length(n); i++) matrix[i] = NAN;
}

/* B B^T + shift I with B [n][rank] of small integers or of numbers. */
static inline void set_random(size_t n, size_t rank, double shift, bool integers)
{
    static double b[MOST * MOST];
    const size_t stride = row_length(n);
    for (size_t i = 0; i < n * rank; i++) b[i] = integers ? rint(3 * number()) : number();
    set_nothing(n);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = i == j ? shift : 0;
            for (size_t k = 0; k < rank; k++) sum += b[i * rank + k] * b[j * rank + k];
            matrix[i * stride + j] = sum;
        }
}

/* exact = the inverse of the matrix, by Gauss and Jordan; no pivoting, which it does not need. */
static inline void invert(size_t n)
{
    const size_t stride = row_length(n);
    for (size_t i = 0; i < n * n; i++) {
        const size_t row = i / n, col = i % n;
        exact[i] = (long double)(col <= row ? matrix[row * stride + col] : matrix[col * stride + row]);
    }
    for (size_t p = 0; p < n; p++) {
        const long double pivot = exact[p * n + p];
        exact[p * n + p] = 1;
        for (size_t k = 0; k < n; k++) exact[p * n + k] /= pivot;
        for (size_t i = 0; i < n; i++) {
            const long double factor = exact[i * n + p];
            if (i == p) continue;
            exact[i * n + p] = 0;
            for (size_t k = 0; k < n; k++) exact[i * n + k] -= factor * exact[p * n + k];
        }
    }
}

static inline double exact_norm(size_t n)
{
    long double most = 0;
    for (size_t i = 0; i < n; i++) {
        long double sum = 0;
        for (size_t k = 0; k < n; k++) sum += fabsl(exact[i * n + k]);
        most = sum > most ? sum : most;
    }
    return (double)most;
}

#endif
