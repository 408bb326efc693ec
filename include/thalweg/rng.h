/* rng.h -- random numbers as a pure function of (seed, stream, index).
 *
 * Philox4x32-10 of Random123 (Salmon et al. 2011): counter-based, so there is no state to checkpoint and the
 * draw of row i is the same whichever rank makes it. Never key a stream by rank. Nothing here is collective
 * or fails. */
#ifndef THALWEG_RNG_H
#define THALWEG_RNG_H

#include <stdint.h>

/* The purpose of a stream is its top byte; what lies below belongs to the purpose. */
#define TW_STREAM(purpose) ((uint64_t)(purpose) << 56)
enum {
    TW_STREAM_ORDER = 1,
    TW_STREAM_INIT = 2,
    TW_STREAM_GENERATE = 3,
    TW_STREAM_PART = 4,
    TW_STREAM_CURVATURE = 5
};

/** The four words of counter (index low, index high, stream low, stream high) under key (seed low, seed
 * high). */
void tw_rng_block(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]);

/** Uniform on [0, 1), a multiple of 2^-53: words 0 (high) and 1 of the block, shifted right by 11. */
double tw_rng_uniform(uint64_t seed, uint64_t stream, uint64_t index);

/** Standard normal by Wichura's AS 241 (1988) inverse, |relative error| about 1e-16, own log: same bits
 * everywhere. */
double tw_rng_normal(uint64_t seed, uint64_t stream, uint64_t index);

/** Uniform integer in [0, bound), bound >= 1: high half of the 128-bit product of 64 random bits and bound.
 */
uint64_t tw_rng_below(uint64_t seed, uint64_t stream, uint64_t index, uint64_t bound);

#endif
