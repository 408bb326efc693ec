/* Squared error, 1/2 (z - y)^2; the 1/2 is kept, so F is the 1/(2m) cost of the textbooks. */
#include "thalweg/link.h"

static void loss(const tw_model *m, size_t n, const double *z, const double *y, double *l, double *r)
{
    (void)m;
    for (size_t i = 0; i < n; i++) {
        r[i] = z[i] - y[i];
        l[i] = 0.5 * (r[i] * r[i]);
    }
}

static void curvature(const tw_model *m, size_t n, const double *z, const double *y, double *h)
{
    (void)m;
    (void)z;
    (void)y;
    for (size_t i = 0; i < n; i++) h[i] = 1;
}

static double response(double z)
{
    return z;
}

static const tw_link squared = {
    .loss = loss, .curvature = curvature, .curvature_max = 1, .response = response};

TW_GLM(linear, "least squares: 1/2 (w.x + b - y)^2", TW_TARGET_NUMBER, &squared);
