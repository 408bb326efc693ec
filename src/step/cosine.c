/* alpha (1 + cos(pi k / period)) / 2, zero from the period on (Loshchilov and Hutter 2017, without restarts).
 */
#include "thalweg/step.h"

#include <math.h>

/* Taylor at |x| <= pi / 4: under 1 ulp of 1. */
static double cos_small(double x)
{
    const double z = x * x;
    double p = 1.0 / 20922789888000.0;
    p = fma(p, z, -1.0 / 87178291200.0);
    p = fma(p, z, 1.0 / 479001600.0);
    p = fma(p, z, -1.0 / 3628800.0);
    p = fma(p, z, 1.0 / 40320.0);
    p = fma(p, z, -1.0 / 720.0);
    p = fma(p, z, 1.0 / 24.0);
    p = fma(p, z, -0.5);
    return fma(p, z, 1.0);
}

static double sin_small(double x)
{
    const double z = x * x;
    double p = 1.0 / 355687428096000.0;
    p = fma(p, z, -1.0 / 1307674368000.0);
    p = fma(p, z, 1.0 / 6227020800.0);
    p = fma(p, z, -1.0 / 39916800.0);
    p = fma(p, z, 1.0 / 362880.0);
    p = fma(p, z, -1.0 / 5040.0);
    p = fma(p, z, 1.0 / 120.0);
    p = fma(p, z, -1.0 / 6.0);
    return fma(p * z, x, x);
}

/* cos(pi s), 0 <= s <= 1. */
static double cos_pi(double s)
{
    const double pi = 0x1.921fb54442d18p+1;
    if (s <= 0.25) return cos_small(pi * s);
    if (s <= 0.75) return sin_small(pi * (0.5 - s));
    return -cos_small(pi * (1 - s));
}

static tw_status length(tw_step *s, tw_objective *F, const tw_iterate *it, double time, double *alpha)
{
    (void)F;
    (void)it;
    *alpha = time >= s->set.period ? 0 : s->set.length * (0.5 * (1 + cos_pi(time / s->set.period)));
    return TW_OK;
}

const tw_step_ops tw_step_cosine = {
    .name = "cosine",
    .summary = "alpha (1 + cos(pi k / period)) / 2",
    .length = length,
};
