/* vec.c -- vectors of doubles, through the table of inner loops in use. */
#include "thalweg/vec.h"

#include "thalweg/kernels.h"

#include <math.h>

double tw_vec_dot(size_t n, const double *a, const double *b)
{
    return tw_kernels_get()->dot(n, a, b);
}

double tw_vec_norm(size_t n, const double *a)
{
    return sqrt(tw_vec_dot(n, a, a));
}

void tw_vec_axpy(size_t n, double alpha, const double *x, double *y)
{
    tw_kernels_get()->axpy(n, alpha, x, y);
}

void tw_vec_add(size_t n, const double *b, double *a)
{
    for (size_t j = 0; j < n; j++) a[j] += b[j];
}

void tw_vec_exp(size_t n, const double *x, double *out)
{
    tw_kernels_get()->exp(n, x, out);
}

void tw_vec_log(size_t n, const double *x, double *out)
{
    tw_kernels_get()->log(n, x, out);
}

void tw_vec_log1p(size_t n, const double *t, double *out)
{
    tw_kernels_get()->log1p(n, t, out);
}

double tw_exp(double x)
{
    double y;
    tw_vec_exp(1, &x, &y);
    return y;
}

double tw_log(double x)
{
    double y;
    tw_vec_log(1, &x, &y);
    return y;
}

double tw_log1p(double t)
{
    double y;
    tw_vec_log1p(1, &t, &y);
    return y;
}
