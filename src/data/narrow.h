/* narrow.h -- doubles into the seven types in which features are stored. */
#ifndef THALWEG_NARROW_H
#define THALWEG_NARROW_H

#include "thalweg/dtype.h"

/**
 * Round n doubles once, to nearest and ties to even, into the type; whole numbers for integers.
 * NaN stays NaN and infinities stay themselves in float types.
 * @return n; or the index of the first number that does not fit: NaN, not whole or out of range for an
 * integer, finite and beyond the largest of a float type. What comes after it is not written.
 */
size_t tw_narrow(tw_dtype type, size_t n, const double *in, void *out);

/** "whole numbers from 0 to 255", "numbers up to 65504", ...: what fits. */
const char *tw_narrow_range(tw_dtype type);

#endif
