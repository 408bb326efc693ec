/* cholesky.c -- the factor by blocks of rows of U, all but strips of 8 rows by the product kernel, and what
 * one asks of it.
 *
 * Blocks only decide when an element takes its next terms, never their order: p ascending. */
#include "thalweg/cholesky.h"

#include "thalweg/kernels.h"
#include "thalweg/phase.h"
#include "thalweg/vec.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { STRIP = TW_LANES, BLOCK = 64, ROUNDS = 5 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

double tw_cholesky_norm(size_t n, size_t stride, const double *a, double *sums)
{
    double norm = 0;
    for (size_t i = 0; i < n; i++) {
        sums[i] = 0;
        for (size_t j = 0; j < i; j++) {
            const double size = fabs(a[i * stride + j]);
            sums[i] += size;
            sums[j] += size;
        }
        sums[i] += fabs(a[i * stride + i]);
    }
    for (size_t j = 0; j < n; j++) norm = sums[j] > norm ? sums[j] : norm;
    return norm;
}

/* ---------------------------------------------------------------- the factor */

static void mirror_square(size_t n, size_t stride, double *a, size_t row, size_t col)
{
    for (size_t i = row; i < least(row + BLOCK, n); i++)
        for (size_t j = col; j < least(col + BLOCK, i); j++) a[j * stride + i] = a[i * stride + j];
}

static void mirror(size_t n, size_t stride, double *a)
{
    for (size_t row = 0; row < n; row += BLOCK)
        for (size_t col = 0; col <= row; col += BLOCK) mirror_square(n, stride, a, row, col);
}

static double smallest_pivot(size_t n, size_t stride, const double *a)
{
    double most = 0;
    for (size_t j = 0; j < n; j++) most = a[j * stride + j] > most ? a[j * stride + j] : most;
    return (double)n * 0x1p-53 * most;
}

/* Rows first .. end of U, when the rows before first are done with them. Returns end, or the row of a bad
 * pivot. */
static size_t finish_rows(size_t n, size_t stride, double *a, size_t first, size_t end, double bound)
{
    for (size_t j = first; j < end; j++) {
        double *row = a + j * stride;
        for (size_t p = first; p < j; p++)
            tw_vec_axpy(n - j, -a[p * stride + j], a + p * stride + j, row + j);
        if (!(row[j] > bound)) return j;
        row[j] = sqrt(row[j]);
        for (size_t k = j + 1; k < n; k++) row[k] /= row[j];
    }
    return end;
}

/* Rows done .. last take the terms p = first .. done - 1. */
static void subtract(size_t n, size_t stride, double *a, size_t first, size_t done, size_t last)
{
    const double *u = a + first * stride + done;
    if (done == last) return;
    tw_kernels_get()->product(&(tw_product){.rows = done - first,
                                            .m = last - done,
                                            .n = n - done,
                                            .np = stride,
                                            .ldc = stride,
                                            .a = u,
                                            .b = u,
                                            .c = a + done * stride + done,
                                            .part = TW_UPPER,
                                            .minus = true});
}

size_t tw_cholesky_factor(size_t n, size_t stride, double *a)
{
    const double bound = smallest_pivot(n, stride, a);
    mirror(n, stride, a);
    for (size_t block = 0; block < n; block += BLOCK) {
        const size_t last = least(block + BLOCK, n);
        tw_phase_tick();
        for (size_t first = block; first < last; first += STRIP) {
            const size_t end = least(first + STRIP, last);
            const size_t done = finish_rows(n, stride, a, first, end, bound);
            if (done < end) return done;
            subtract(n, stride, a, first, end, last);
        }
        subtract(n, stride, a, block, last, n);
    }
    return n;
}

/* A row of U serves every right-hand side while it is in the first cache. */
void tw_cholesky_solve_many(size_t n, size_t stride, const double *u, size_t count, double *b)
{
    for (size_t p = 0; p < n; p++) {
        const double *row = u + p * stride;
        if (p % BLOCK == 0) tw_phase_tick();
        for (double *x = b; x < b + count * n; x += n) {
            x[p] /= row[p];
            tw_vec_axpy(n - p - 1, -x[p], row + p + 1, x + p + 1);
        }
    }
    for (size_t j = n; j-- > 0;) {
        const double *row = u + j * stride;
        if (j % BLOCK == 0) tw_phase_tick();
        for (double *x = b; x < b + count * n; x += n)
            x[j] = (x[j] - tw_vec_dot(n - j - 1, row + j + 1, x + j + 1)) / row[j];
    }
}

void tw_cholesky_solve(size_t n, size_t stride, const double *u, double *b)
{
    tw_cholesky_solve_many(n, stride, u, 1, b);
}

/* ---------------------------------------------------------------- the condition number */

typedef struct {
    size_t n, stride;
    const double *u;
    double *x, *sign; /* x takes every solution */
} inverse;

/* x = A^-1 x; returns its 1-norm, elements ascending. */
static double solve(const inverse *s)
{
    double sum = 0;
    tw_cholesky_solve(s->n, s->stride, s->u, s->x);
    for (size_t i = 0; i < s->n; i++) sum += fabs(s->x[i]);
    return sum;
}

/* sign = the signs of x, 0 being positive. Did one change? */
static bool take_signs(const inverse *s)
{
    bool changed = false;
    for (size_t i = 0; i < s->n; i++) {
        const double sign = s->x[i] >= 0 ? 1 : -1;
        changed = changed || sign != s->sign[i];
        s->sign[i] = sign;
    }
    return changed;
}

/* The column of the inverse to try next: where A^-1 sign is largest, the first such place. */
static size_t steepest(const inverse *s)
{
    size_t best = 0;
    memcpy(s->x, s->sign, s->n * sizeof *s->x);
    solve(s);
    for (size_t i = 1; i < s->n; i++)
        if (fabs(s->x[i]) > fabs(s->x[best])) best = i;
    return best;
}

/* Climbs from column to column of A^-1; returns the largest 1-norm seen. */
static double climb(const inverse *s, double norm)
{
    size_t column = steepest(s);
    for (int round = 2; round <= ROUNDS; round++) {
        const size_t last = column;
        memset(s->x, 0, s->n * sizeof *s->x);
        s->x[column] = 1;
        const double next = solve(s);
        if (!(next > norm)) return norm;
        norm = next;
        if (!take_signs(s)) return norm;
        column = steepest(s);
        if (s->x[last] == fabs(s->x[column])) return norm;
    }
    return norm;
}

double tw_cholesky_condition(size_t n, size_t stride, const double *u, double norm, double *scratch)
{
    const inverse s = {n, stride, u, scratch, scratch + n};
    for (size_t i = 0; i < n; i++) {
        s.x[i] = 1 / (double)n;
        s.sign[i] = 0;
    }
    if (n == 0) return 0;
    double most = solve(&s);
    if (n == 1) return norm * most;
    take_signs(&s);
    most = climb(&s, most);
    for (size_t i = 0; i < n; i++) s.x[i] = (i % 2 == 0 ? 1 : -1) * (1 + (double)i / (double)(n - 1));
    const double other = 2 * solve(&s) / (double)(3 * n);
    return norm * (other > most ? other : most);
}
