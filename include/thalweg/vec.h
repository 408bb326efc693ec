/* vec.h -- vectors of doubles in the arithmetic of the contract.
 *
 * The only sums of the product that are not trees (dot products, norms) and the elementary functions, each
 * with one defined order of operations (docs/reproducibility.md, section 1), so that they give the same bits
 * with AVX-512, with AVX2 and without either. Nothing here is collective and nothing fails. Lengths may be 0;
 * arrays need no alignment and must not overlap unless they are the same array. */
#ifndef THALWEG_VEC_H
#define THALWEG_VEC_H

#include <stddef.h>

/** Σ a_j b_j as a lane sum. */
double tw_vec_dot(size_t n, const double *a, const double *b);

/** ‖a‖₂ = sqrt(dot(a, a)). */
double tw_vec_norm(size_t n, const double *a);

/** y_j = fma(alpha, x_j, y_j). */
void tw_vec_axpy(size_t n, double alpha, const double *x, double *y);

/** a_j = a_j + b_j. */
void tw_vec_add(size_t n, const double *b, double *a);

/** out_j = exp(x_j); +0 below -708, +inf above 0x1.62e42fefa39efp+9, NaN stays NaN. < 1 ulp. out may be x. */
void tw_vec_exp(size_t n, const double *x, double *out);

/** out_j = log(x_j) for normal positive x_j, < 1 ulp; 0 gives -inf, negative NaN, inf and NaN themselves. out
 * may be x. */
void tw_vec_log(size_t n, const double *x, double *out);

/** out_j = log(1 + t_j) for t_j >= 0, < 1 ulp. out may be t. */
void tw_vec_log1p(size_t n, const double *t, double *out);

/** One element of the above. */
double tw_exp(double x);
double tw_log(double x);
double tw_log1p(double t);

#endif
