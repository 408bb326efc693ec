/* kernels.h -- the inner loops, one table per instruction set, all with the same bits.
 *
 * src/core/kernels.c is compiled once for AVX-512, once for AVX2 + FMA and once for the baseline; the best table the
 * machine can run is chosen at the first use (THALWEG_ISA=avx512|avx2|baseline forces one). Orders of operations:
 * docs/reproducibility.md. Rows are row-major doubles without padding; a micro-batch has at most 8 of them. */
#ifndef THALWEG_KERNELS_H
#define THALWEG_KERNELS_H

#include "thalweg/dtype.h"

#include <stddef.h>

enum { TW_MICRO = 8, TW_LANES = 8 };

typedef struct {
    const char *name; /* "avx512", "avx2", "baseline" */
    double (*dot)(size_t n, const double *a, const double *b);
    void (*axpy)(size_t n, double alpha, const double *x, double *y);
    void (*exp)(size_t n, const double *x, double *out);
    void (*log)(size_t n, const double *x, double *out);
    void (*log1p)(size_t n, const double *t, double *out);

    /* out[i] = in[i], exactly, for count elements stored as type. */
    void (*widen)(tw_dtype type, size_t count, const void *in, double *out);

    /* z[i] = L(j: x[i*n + j] * v[j]), rows <= TW_MICRO. */
    void (*margins)(size_t rows, size_t n, const double *x, const double *v, double *z);

    /* g[j] = fma(r[i], x[i*n + j], g[j]) for i = 0 .. rows-1 in order. */
    void (*update)(size_t rows, size_t n, const double *x, const double *r, double *g);

    /* z[i*kp + k] = chain over j ascending from +0 of fma(x[i*n + j], v[j*kp + k], z); kp a multiple of TW_LANES. */
    void (*products)(size_t rows, size_t n, size_t kp, const double *x, const double *v, double *z);

    /* g[j*kp + k] = fma(r[i*kp + k], x[i*n + j], g[j*kp + k]) for i in order; kp a multiple of TW_LANES. */
    void (*outer)(size_t rows, size_t n, size_t kp, const double *x, const double *r, double *g);
} tw_kernels;

/** The table in use. Not collective. Never NULL. */
const tw_kernels *tw_kernels_get(void);

#endif
