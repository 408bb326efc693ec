/* normal.h -- the percentage points of the standard normal distribution, for rng.c and its test. */
#ifndef TW_NORMAL_H
#define TW_NORMAL_H

/** z with Φ(z) = p, |relative error| < 1e-15. Not collective, nothing fails. centred = p - 1/2 and tail =
 * min(p, 1 - p) come apart so that neither loses bits; 0 < p < 1. Source: Wichura 1988, Algorithm AS 241,
 * PPND16, Appl. Statist. 37. */
double tw_normal_quantile(double centred, double tail);

#endif
