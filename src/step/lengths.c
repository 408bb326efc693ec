/* Lengths inside a bracket: minimisers of what interpolates its ends, and a spread for where these mislead.
 * Formulas: Nocedal and Wright (2006), section 3.5; secant and bisection as in Hager and Zhang (2005). */
#include "step/search.h"

#include "thalweg/vec.h"

#include <math.h>

/* Where the slopes, taken as linear, vanish. */
static double secant(const tw_search_point *a, const tw_search_point *b)
{
    return a->alpha - a->slope * ((b->alpha - a->alpha) / (b->slope - a->slope));
}

/* Equation 3.59: minimiser of the cubic through both values and slopes. */
static double cubic(const tw_search_point *a, const tw_search_point *b)
{
    const double width = b->alpha - a->alpha;
    const double d1 = a->slope + b->slope - 3 * ((b->f - a->f) / width);
    const double d2 = sqrt(d1 * d1 - a->slope * b->slope);
    return b->alpha - width * ((b->slope + d2 - d1) / (b->slope - a->slope + 2 * d2));
}

/* Equation 3.58: minimiser of the parabola through both values and the first slope. */
static double parabola(const tw_search_point *a, const tw_search_point *b)
{
    const double width = b->alpha - a->alpha;
    return a->alpha - a->slope * (width * width / (2 * (b->f - a->f - a->slope * width)));
}

static bool inside(const tw_search_bracket *b, double alpha)
{
    return alpha > b->lo.alpha && alpha < b->hi.alpha && alpha <= b->most;
}

/* Into the ascending list, unless it is outside or there already. */
static size_t insert(const tw_search_bracket *b, size_t count, double *alpha, double value)
{
    size_t at = 0;
    if (!inside(b, value)) return count;
    while (at < count && alpha[at] < value) at++;
    if (at < count && alpha[at] == value) return count;
    for (size_t i = count; i > at; i--) alpha[i] = alpha[i - 1];
    alpha[at] = value;
    return count + 1;
}

/* Part t of the way from one end to the other, in the logarithm; from zero: powers of 1/8 below the upper
 * end. */
static double between(const tw_search_bracket *b, size_t i, size_t parts)
{
    const double t = (double)i / (double)parts;
    if (b->lo.alpha == 0) return tw_exp(tw_log(b->hi.alpha) - (double)(parts - i) * tw_log(8));
    const double low = tw_log(b->lo.alpha), high = tw_log(b->hi.alpha);
    return tw_exp(low + t * (high - low));
}

static double middle(const tw_search_bracket *b)
{
    const double lo = b->lo.alpha, hi = b->hi.alpha, geometric = sqrt(lo) * sqrt(hi);
    if (lo == 0) return 0.1 * hi;
    return geometric > lo && geometric < hi ? geometric : lo + 0.5 * (hi - lo);
}

static bool known(const tw_search_point *p)
{
    return isfinite(p->f) && isfinite(p->slope);
}

/* Nobody is longer than `most`, which may be tried itself. */
static double capped(const tw_search_bracket *b, double alpha)
{
    return fmin(alpha, b->most);
}

static size_t longer(const tw_search_bracket *b, size_t count, double *alpha)
{
    const double to = secant(&b->start, &b->lo), base = b->lo.alpha;
    size_t n = 0;
    const bool flatter = b->lo.slope > b->start.slope;
    if (count == 1)
        return insert(b, 0, alpha, capped(b, flatter ? fmin(fmax(to, 2 * base), 100 * base) : 10 * base));
    if (flatter) n = insert(b, n, alpha, capped(b, to));
    for (double next = 4 * base; n < count && isfinite(next); next *= 4) {
        n = insert(b, n, alpha, capped(b, next));
        if (next >= b->most) break;
    }
    return n;
}

/* One length: interpolation, and the middle when that has not halved the bracket. */
static double single(tw_search_bracket *b)
{
    const double width = b->hi.alpha - b->lo.alpha;
    const bool slow = width > 0.5 * b->width;
    double alpha = NAN;
    if (!known(&b->hi)) { /* from powers of ten to powers of powers, so that any scale is reached */
        alpha = b->hi.alpha * b->shrink;
        b->shrink *= b->shrink;
        return inside(b, alpha) ? alpha : middle(b);
    }
    b->width = slow ? INFINITY : width;
    if (slow) return middle(b);
    if (fabs(b->hi.f - b->lo.f) > TW_LOSS_ROUNDING * fabs(b->start.f)) alpha = cubic(&b->lo, &b->hi);
    if (!inside(b, alpha)) alpha = secant(&b->lo, &b->hi);
    return inside(b, alpha) ? alpha : middle(b);
}

size_t tw_search_lengths(tw_search_bracket *b, size_t count, double *alpha)
{
    size_t n = 0;
    if (isinf(b->hi.alpha)) return longer(b, count, alpha);
    if (count == 1) return insert(b, 0, alpha, single(b));
    if (known(&b->hi)) {
        n = insert(b, n, alpha, secant(&b->lo, &b->hi));
        if (n < count) n = insert(b, n, alpha, cubic(&b->lo, &b->hi));
        if (n < count) n = insert(b, n, alpha, parabola(&b->lo, &b->hi));
    }
    const size_t parts = count - n + 1;
    for (size_t i = 1; i < parts; i++) n = insert(b, n, alpha, between(b, i, parts));
    return n > 0 ? n : insert(b, 0, alpha, middle(b));
}
