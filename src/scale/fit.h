/* fit.h -- the numbers of a scaling study: Amdahl, Gustafson, Karp and Flatt, latency and bandwidth.
 *
 * Plain arithmetic on a few points; nothing is collective. */
#ifndef THALWEG_SCALE_FIT_H
#define THALWEG_SCALE_FIT_H

#include "scale/model.h"

/** Median of n >= 1 values, which are sorted. */
double tw_fit_median(size_t n, double *values);

/**
 * Experimentally determined serial fraction, (1/S - 1/p) / (1 - 1/p), p > 1.
 * Source: Karp and Flatt (1990), Comm. ACM 33(5), eq. 2.
 */
double tw_fit_karp_flatt(double speedup, double p);

/** Serial fraction of a scaled speed-up S = p - s (p - 1). Source: Gustafson (1988), Comm. ACM 31(5). */
double tw_fit_gustafson(double scaled_speedup, double p);

/**
 * Serial part s of seconds(p) = T (s + (1 - s) / p), by least squares of the relative deviations; 0 <= s
 * <= 1. Source: Amdahl (1967), AFIPS 30. @return s, NaN with fewer than two different p
 */
double tw_fit_amdahl(size_t n, const double *p, const double *seconds);

/* One measured exchange; seconds: without what went into the memory of a node. */
typedef struct {
    const tw_exchange_cost *cost;
    double seconds;
} tw_fit_exchange_point;

typedef struct {
    double latency, bandwidth; /* seconds a message; bytes a second, INFINITY: bytes cost nothing seen */
    double latency_error, bandwidth_error; /* one standard error; NaN with two points */
    double residual;                       /* root mean square of the relative deviations */
    size_t points;
} tw_exchange_fit;

/** Seconds of an exchange without moving cost->memory at that rate; a fifth of them is left in any case. */
double tw_fit_wire(const tw_exchange_cost *cost, double seconds, double memory);

/**
 * latency and bandwidth of seconds = messages * latency + bytes / bandwidth, by least squares of the relative
 * deviations; of several ways each point takes the cheaper one. Neither becomes negative.
 * @return false with fewer than two points of more than one rank; *fit is then all NaN
 */
bool tw_fit_exchange(size_t n, const tw_fit_exchange_point *points, tw_exchange_fit *fit);

#endif
