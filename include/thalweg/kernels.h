/* kernels.h -- the inner loops, one table per instruction set, all with the same bits.
 *
 * src/core/kernels.c is compiled once for AVX-512, once for AVX2 + FMA and once for the baseline; the best
 * table the machine can run is chosen at the first use (THALWEG_ISA=avx512|avx2|baseline forces one). Orders
 * of operations: docs/reproducibility.md. Rows are row-major without padding. */
#ifndef THALWEG_KERNELS_H
#define THALWEG_KERNELS_H

#include "thalweg/dtype.h"

#include <stdbool.h>
#include <stddef.h>

/* TW_MICRO: rows that are worked on together at least, where there are any; TW_TOGETHER: at most, for several
 * outputs. TW_ROOM: doubles that these need, in between. */
enum { TW_MICRO = 8, TW_TOGETHER = 32, TW_LANES = 8, TW_PANEL = 32, TW_ROOM = TW_PANEL * TW_TOGETHER };

/** Up to the next multiple of TW_LANES. */
static inline size_t tw_whole(size_t n)
{
    return (n + TW_LANES - 1) / TW_LANES * TW_LANES;
}

/** Consecutive rows in the type they are stored in. */
typedef struct {
    tw_dtype type;
    size_t rows, n;    /* rows <= 256 */
    const void *x;     /* [rows][n] */
    const void *ahead; /* memory that will be wanted soon; half as many bytes as the rows have are asked for
                          on the way. It need not be anybody's. */
} tw_rows;

/** Consecutive rows for a model with several outputs. */
typedef struct {
    tw_dtype type;
    size_t rows, n, outputs; /* rows <= TW_TOGETHER */
    const void *stored;      /* [rows][n] */
    double *room;            /* [TW_ROOM], for the length of a call */
    const void *ahead;       /* memory that will be wanted soon, asked for on the way; NULL: none */
    size_t ahead_bytes;
} tw_outputs;

/** The part of a matrix that a product writes: all of it, or the triangle with its diagonal. */
typedef enum { TW_ALL, TW_LOWER, TW_UPPER } tw_part;

/** C = C + A^T B, or C - A^T B: see product below. Matrices are row-major; those that are written overlap no
 * other. */
typedef struct {
    size_t rows, m, n; /* rows of a and b; c is [m][n] */
    size_t np, ldc;    /* row lengths of a and b, and of c: multiples of TW_LANES, np >= m and n, ldc >= n */
    const double *a,
        *b;       /* [rows][np]; columns from m and n to the next multiple of TW_LANES are read, not used */
    double *c;    /* [m][ldc]; nothing outside the part changes */
    tw_part part; /* TW_LOWER: c_jk with k <= j only; TW_UPPER: k >= j */
    bool minus;
    const void *ahead; /* memory that will be wanted soon, asked for on the way; NULL: none */
    size_t ahead_bytes;
} tw_product;

typedef struct {
    const char *name; /* "avx512", "avx2", "baseline" */
    double (*dot)(size_t n, const double *a, const double *b);
    void (*axpy)(size_t n, double alpha, const double *x, double *y);
    void (*scale)(size_t n, double alpha, const double *x, double *out); /* out = alpha x */
    void (*exp)(size_t n, const double *x, double *out);
    void (*log)(size_t n, const double *x, double *out);
    void (*log1p)(size_t n, const double *t, double *out);

    /* out[i] = in[i], exactly, for count elements stored as type. */
    void (*widen)(tw_dtype type, size_t count, const void *in, double *out);

    /* z[i] = L(j: x[i*n + j] * v[j]) + offset. */
    void (*margins)(const tw_rows *rows, const double *v, double offset, double *z);

    /* g[j] = fma(r[i], x[i*n + j], g[j]) for i = 0 .. rows-1 in order. */
    void (*update)(const tw_rows *rows, const double *r, double *g);

    /* The loss of links/logistic.c and its slope at z[i], y[i]. */
    void (*logistic)(size_t n, const double *z, const double *y, double *loss, double *slope);

    /* z[k*TW_TOGETHER + i] = chain over j ascending from +0 of fma(x_ij, v[j*outputs + k], z). v
     * [n][outputs], z [outputs][TW_TOGETHER]: what lies behind the rows is overwritten. */
    void (*products)(const tw_outputs *p, const double *v, double *z);

    /* g[k*tw_whole(n) + j] = fma(r[k*TW_TOGETHER + i], x_ij, the same) for i in order. r
     * [outputs][TW_TOGETHER], g [outputs][tw_whole(n)]: what lies behind the columns is overwritten. */
    void (*outer)(const tw_outputs *p, const double *r, double *g);

    /* The loss of softmax at the margins z [outputs][TW_TOGETHER], which become its slopes p_k - (k == y);
     * what lies behind the rows is overwritten. y: whole numbers below outputs. rows <= TW_TOGETHER */
    void (*softmax)(size_t rows, size_t outputs, const double *y, double *z, double *loss);

    /* out[j*rows + i] = in[i*row + j]. in [rows][row], row >= tw_whole(columns); out [columns][rows] */
    void (*turn)(size_t rows, size_t columns, size_t row, const double *in, double *out);

    /* c[j*ldc + k] = chain over i ascending of fma(±a[i*np + j], b[i*np + k], c[j*ldc + k]). */
    void (*product)(const tw_product *p);
} tw_kernels;

/** The table in use. Not collective. Never NULL. */
const tw_kernels *tw_kernels_get(void);

#endif
