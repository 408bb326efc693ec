/* roof.h -- what the machine can do at most: reading memory, and fused multiply-adds in registers.
 *
 * Both loops are compiled for AVX-512, AVX2 and the baseline, and the widest that the machine has is run, so
 * that nothing measured against them is flattered by a slow yardstick. */
#ifndef THALWEG_BENCH_ROOF_H
#define THALWEG_BENCH_ROOF_H

#include <stddef.h>
#include <stdint.h>

/** Seconds of a clock that never goes back. */
double roof_seconds(void);

/** The vectors of both loops: "avx512", "avx2" or "baseline". */
const char *roof_vectors(void);

/* Ways to read: from the first byte to the last; the same with each line asked for 4 KiB before its use; four
 * pages of 4 KiB at a time, which keeps more of a core's requests under way than one stream does. */
typedef enum { ROOF_PLAIN, ROOF_AHEAD, ROOF_PAGES } roof_way;

/**
 * Read every byte once.
 * @param x at a multiple of 64, [bytes] a multiple of 64 readable
 * @return a sum over the bytes, to be used somewhere. The last bytes % 512 are left out.
 */
uint64_t roof_read(const void *x, size_t bytes, roof_way way);

enum { ROOF_CHAINS = 12 };

/**
 * `units` times one fused multiply-add of doubles on each of 12 independent chains of vectors (without FMA: a
 * multiplication and an addition).
 * @param sum out: to be used somewhere
 * @return the flops done, 2 a multiply-add.
 */
double roof_multiply_adds(long units, double *sum);

#endif
