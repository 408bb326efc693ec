/* cholesky.h -- systems with a symmetric positive definite matrix, in the arithmetic of the contract.
 *
 * A = U^T U with U upper triangular (U = L^T), for the Newton systems of a few thousand parameters. Matrices
 * are row-major, row length stride: a multiple of TW_LANES, at least n; columns from n on are never used.
 * Each element has one chain of operations (docs/reproducibility.md, section 1), so blocks and instruction
 * sets do not change a bit. Nothing here is collective and nothing fails but by what is said. */
#ifndef THALWEG_CHOLESKY_H
#define THALWEG_CHOLESKY_H

#include <stddef.h>

/**
 * The 1-norm of a symmetric matrix, its largest column sum of |a_ij|. Not collective.
 * a [n][stride]: the lower triangle is read. sums [n]: overwritten with the column sums. 0 when n is 0; NaN
 * is passed over. To be asked for before the factor takes the diagonal. Cost: n^2 / 2 reads.
 */
double tw_cholesky_norm(size_t n, size_t stride, const double *a, double *sums);

/**
 * Factor A in place. Not collective.
 * a [n][stride]: the lower triangle holds A. Afterwards the upper triangle with the diagonal holds U, row by
 * row; what stands below the diagonal is still A, so a caller that keeps the n diagonal elements can try
 * again with others. u_jk = (chain over p = 0 .. j-1 from a_kj of fma(-u_pj, u_pk, s)) / u_jj; u_jj = sqrt of
 * the chain of a_jj, the pivot. Returns n, or the first j whose pivot is not > n * 2^-53 * max(0, largest
 * a_jj): A is then singular or indefinite to working precision, or not finite, and the upper triangle is
 * undefined. Cost: n^3 / 3 operations, most of them in the product kernel. Source: Higham 2002,
 * Accuracy and Stability of Numerical Algorithms, chapter 10.
 */
size_t tw_cholesky_factor(size_t n, size_t stride, double *a);

/**
 * Solve A x = b. Not collective.
 * u [n][stride]: from a factor that returned n. b [n]: b, then x. Forward: b_p = b_p / u_pp, then b_k =
 * fma(-b_p, u_pk, b_k) for k > p, p ascending. Back: x_j = (b_j - dot(u_jk, x_k; k = j+1 .. n-1)) / u_jj, j
 * descending. Cost: 2 n^2 operations.
 */
void tw_cholesky_solve(size_t n, size_t stride, const double *u, double *b);

/**
 * Solve A x = b for several right-hand sides, each with the bits of tw_cholesky_solve. Not collective.
 * b [count][n]: one after the other, then the solutions. Cost: count times that of one, but U is read twice
 * in all.
 */
void tw_cholesky_solve_many(size_t n, size_t stride, const double *u, size_t count, double *b);

/**
 * Estimate the condition number ||A||_1 ||A^-1||_1. Not collective.
 * u [n][stride]: from a factor that returned n. norm: ||A||_1 from tw_cholesky_norm. scratch [2n]. A lower
 * bound up to rounding, almost always within a factor of 3; 0 when n is 0. Cost: 4 to 11 solves. Source:
 * Higham 1988, ACM TOMS 14, 381-396, algorithm 4.1 (Hager 1984).
 */
double tw_cholesky_condition(size_t n, size_t stride, const double *u, double norm, double *scratch);

#endif
