/* Huber's loss (1964) of r = z - y: 1/2 r^2 up to |r| = delta, delta (|r| - delta/2) beyond; delta is a
 * setting of the model. The curvature at the corner |r| = delta is that of the inside, 1. */
#include "thalweg/link.h"

#include <math.h>

static void loss(const tw_model *m, size_t n, const double *z, const double *y, double *l, double *r)
{
    const double delta = m->settings.delta;
    for (size_t i = 0; i < n; i++) {
        const double a = z[i] - y[i], size = fabs(a);
        r[i] = size > delta ? copysign(delta, a) : a;
        l[i] = size > delta ? delta * (size - 0.5 * delta) : 0.5 * (a * a);
    }
}

static void curvature(const tw_model *m, size_t n, const double *z, const double *y, double *h)
{
    for (size_t i = 0; i < n; i++) h[i] = fabs(z[i] - y[i]) <= m->settings.delta ? 1.0 : 0.0;
}

static double response(double z)
{
    return z;
}

static const tw_link huber = {.loss = loss, .curvature = curvature, .curvature_max = 1, .response = response};

TW_GLM(huber, "Huber regression: least squares whose far residuals count linearly", TW_TARGET_NUMBER, &huber);
