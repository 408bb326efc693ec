/* Logistic loss max(z,0) + log1p(exp(-|z|)) - y z, y in {0, 1}: the branch-free form that never overflows. */
#include "thalweg/kernels.h"
#include "thalweg/link.h"
#include "thalweg/vec.h"

#include <math.h>

static void loss(const tw_model *m, size_t n, const double *z, const double *y, double *l, double *r)
{
    (void)m;
    tw_kernels_get()->logistic(n, z, y, l, r);
}

static void curvature(const tw_model *m, size_t n, const double *z, const double *y, double *h)
{
    (void)m;
    (void)y;
    for (size_t i = 0; i < n; i++) h[i] = -fabs(z[i]);
    tw_vec_exp(n, h, h);
    for (size_t i = 0; i < n; i++) h[i] = h[i] / ((1.0 + h[i]) * (1.0 + h[i]));
}

static double response(double z)
{
    const double e = tw_exp(-fabs(z));
    return (z < 0 ? e : 1.0) / (1.0 + e);
}

static const tw_link logistic = {
    .loss = loss, .curvature = curvature, .curvature_max = 0.25, .response = response};

TW_GLM(logistic, "logistic regression for two classes", TW_TARGET_BINARY, &logistic);
