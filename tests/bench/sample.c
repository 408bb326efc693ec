#include "sample.h"

#include <math.h>
#include <stdlib.h>

void sample_add(sample *s, double value)
{
    if (s->count < SAMPLE_MOST) s->values[s->count++] = value;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const sample *s, double q)
{
    const double at = q * (double)(s->count - 1);
    const size_t i = (size_t)at;
    const double next = i + 1 < s->count ? s->values[i + 1] : s->values[i];
    return s->values[i] + (at - (double)i) * (next - s->values[i]);
}

spread sample_spread(sample *s)
{
    if (s->count == 0) return (spread){NAN, NAN, NAN};
    qsort(s->values, s->count, sizeof *s->values, compare);
    return (spread){quantile(s, 0.5), quantile(s, 0.25), quantile(s, 0.75)};
}
