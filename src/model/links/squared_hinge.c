/* Squared hinge loss max(0, 1 - s z)^2, s = 2y - 1 = -1 or 1: the linear support vector machine with a smooth
 * loss. No factor 1/2, as in scikit-learn's LinearSVC(loss="squared_hinge"), whose C is 1 / (l2 W) here. The
 * curvature at the corner s z = 1 is that of the flat side, 0. */
#include "thalweg/link.h"

/* How far the margin falls short; NaN stays NaN. */
static double shortfall(double z, double y)
{
    const double gap = 1.0 - (2.0 * y - 1.0) * z;
    return gap <= 0 ? 0.0 : gap;
}

/* + (z - z) changes no finite loss, and makes a row with an infinite margin a bad row on either side. */
static void loss(const tw_model *m, size_t n, const double *z, const double *y, double *l, double *r)
{
    (void)m;
    for (size_t i = 0; i < n; i++) {
        const double v = shortfall(z[i], y[i]);
        r[i] = (-2.0 * (2.0 * y[i] - 1.0)) * v;
        l[i] = v * v + (z[i] - z[i]);
    }
}

static void curvature(const tw_model *m, size_t n, const double *z, const double *y, double *h)
{
    (void)m;
    for (size_t i = 0; i < n; i++) h[i] = shortfall(z[i], y[i]) > 0 ? 2.0 : 0.0;
}

static double response(double z)
{
    return z;
}

static const tw_link squared_hinge = {
    .loss = loss, .curvature = curvature, .curvature_max = 2, .response = response, .margin_only = true};

TW_GLM(squared_hinge, "linear support vector machine for two classes, squared hinge loss", TW_TARGET_BINARY,
       &squared_hinge);
