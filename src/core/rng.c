/* rng.c -- Philox4x32-10 of Random123 and what is drawn from its words.
 *
 * Nothing but + - * / sqrt and the contract's own log: a draw has the same bits on every machine. */
#include "thalweg/rng.h"

#include "core/normal.h"
#include "thalweg/vec.h"

#include <Random123/philox.h>
#include <math.h>

void tw_rng_block(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4])
{
    const philox4x32_ctr_t counter = {
        {(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)}};
    const philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    const philox4x32_ctr_t words = philox4x32_R(10, counter, key);
    for (int i = 0; i < 4; i++) out[i] = words.v[i];
}

static uint64_t word64(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t words[4];
    tw_rng_block(seed, stream, index, words);
    return (uint64_t)words[0] << 32 | words[1];
}

double tw_rng_uniform(uint64_t seed, uint64_t stream, uint64_t index)
{
    return (double)(word64(seed, stream, index) >> 11) * 0x1p-53;
}

uint64_t tw_rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t bound)
{
    __extension__ typedef unsigned __int128 wide;
    return (uint64_t)((wide)word64(seed, stream, index) * bound >> 64);
}

/* Numerators and denominators for |p - 1/2| <= 0.425, for min(p, 1 - p) >= exp(-25) and beyond, lowest power
 * first. The mantissas of each pair sum to 55.88319 28806 14901 4439, 49.33206 50330 16102 89036 and 47.52583
 * 31754 92896 71629 (without the ones), as the source states. */
enum { MIDDLE, NEAR, FAR, DEGREE = 7 };

static const double numerator[][DEGREE + 1] = {
    {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3},
    {1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2,
     7.74545014278341407640e-4},
    {6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5,
     2.01033439929228813265e-7},
};

static const double denominator[][DEGREE + 1] = {
    {1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
     3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3},
    {1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
     1.05075007164441684324e-9},
    {1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
     2.04426310338993978564e-15},
};

/* Horner from the highest power down, products and sums rounded one by one. */
static double polynomial(const double c[DEGREE + 1], double r)
{
    double t = c[DEGREE];
    for (int i = DEGREE - 1; i >= 0; i--) t = t * r + c[i];
    return t;
}

double tw_normal_quantile(double centred, double tail)
{
    if (fabs(centred) <= 0.425) {
        const double r = 0.180625 - centred * centred;
        return centred * polynomial(numerator[MIDDLE], r) / polynomial(denominator[MIDDLE], r);
    }
    const double root = sqrt(-tw_log(tail));
    const int part = root <= 5.0 ? NEAR : FAR;
    const double r = root - (part == NEAR ? 1.6 : 5.0);
    const double z = polynomial(numerator[part], r) / polynomial(denominator[part], r);
    return centred < 0 ? -z : z;
}

/* p = u + 2^-54, never 0 or 1: p - 1/2 and min(p, 1 - p) are exact, p itself would round above 1/2. */
double tw_rng_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    const double centred = (tw_rng_uniform(seed, stream, index) - 0.5) + 0x1p-54;
    return tw_normal_quantile(centred, 0.5 - fabs(centred));
}
