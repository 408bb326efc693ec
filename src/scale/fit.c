#include "scale/fit.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double tw_fit_median(size_t n, double *values)
{
    qsort(values, n, sizeof *values, ascending);
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

double tw_fit_karp_flatt(double speedup, double p)
{
    return (1 / speedup - 1 / p) / (1 - 1 / p);
}

double tw_fit_gustafson(double scaled_speedup, double p)
{
    return (p - scaled_speedup) / (p - 1);
}

/* x, y >= 0 that minimise the sum of (a x + b y - 1)^2, from its normal equations. */
typedef struct {
    double aa, ab, bb, a1, b1;
    size_t n;
} normal;

static void normal_add(normal *s, double a, double b)
{
    s->aa += a * a;
    s->ab += a * b;
    s->bb += b * b;
    s->a1 += a;
    s->b1 += b;
    s->n++;
}

static double normal_value(const normal *s, double x, double y)
{
    return s->aa * x * x + 2 * s->ab * x * y + s->bb * y * y - 2 * (s->a1 * x + s->b1 * y) + (double)s->n;
}

/* False: the two cannot be told apart. */
static bool normal_solve(const normal *s, double *x, double *y)
{
    const double det = s->aa * s->bb - s->ab * s->ab;
    if (!(det > 1e-12 * s->aa * s->bb)) return false;
    *x = (s->a1 * s->bb - s->b1 * s->ab) / det;
    *y = (s->b1 * s->aa - s->a1 * s->ab) / det;
    if (*x >= 0 && *y >= 0) return true;
    const double only_x = fmax(0, s->a1 / s->aa), only_y = fmax(0, s->b1 / s->bb);
    const bool take_x = normal_value(s, only_x, 0) < normal_value(s, 0, only_y);
    *x = take_x ? only_x : 0;
    *y = take_x ? 0 : only_y;
    return true;
}

double tw_fit_amdahl(size_t n, const double *p, const double *seconds)
{
    normal s = {0};
    double serial, parallel;
    for (size_t i = 0; i < n; i++) normal_add(&s, 1 / seconds[i], 1 / (p[i] * seconds[i]));
    if (n < 2 || !normal_solve(&s, &serial, &parallel)) return NAN;
    return serial / (serial + parallel);
}

double tw_fit_wire(const tw_exchange_cost *cost, double seconds, double memory)
{
    return fmax(seconds - cost->memory / memory, 0.2 * seconds);
}

static const tw_way *cheaper(const tw_exchange_cost *cost, double latency, double per_byte)
{
    const tw_way *best = &cost->way[0];
    for (int i = 1; i < cost->n_ways; i++)
        if (cost->way[i].messages * latency + cost->way[i].bytes * per_byte <
            best->messages * latency + best->bytes * per_byte)
            best = &cost->way[i];
    return best;
}

static void deviations(const normal *s, double latency, double per_byte, tw_exchange_fit *fit)
{
    const double left = fmax(0, normal_value(s, latency, per_byte)), det = s->aa * s->bb - s->ab * s->ab;
    fit->residual = sqrt(left / (double)s->n);
    if (s->n < 3) return;
    const double variance = left / (double)(s->n - 2);
    fit->latency_error = sqrt(variance * s->bb / det);
    fit->bandwidth_error = sqrt(variance * s->aa / det) * fit->bandwidth * fit->bandwidth;
}

bool tw_fit_exchange(size_t n, const tw_fit_exchange_point *points, tw_exchange_fit *fit)
{
    enum { ROUNDS = 20 }; /* the choice of the ways settles after two or three */
    double latency = 1, per_byte = 1e-4;
    normal s = {0};
    *fit = (tw_exchange_fit){NAN, NAN, NAN, NAN, NAN, 0};
    for (int round = 0; round < ROUNDS; round++) {
        s = (normal){0};
        for (size_t i = 0; i < n; i++) {
            const tw_way *way = cheaper(points[i].cost, latency, per_byte);
            if (points[i].cost->form != TW_FORM_ALONE && points[i].seconds > 0)
                normal_add(&s, way->messages / points[i].seconds, way->bytes / points[i].seconds);
        }
        if (s.n < 2 || !normal_solve(&s, &latency, &per_byte)) return false;
    }
    fit->latency = latency;
    fit->bandwidth = 1 / per_byte;
    fit->points = s.n;
    deviations(&s, latency, per_byte, fit);
    return true;
}
