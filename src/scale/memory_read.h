/* memory_read.h -- how fast memory can be read at all: the yardstick of every pass over rows.
 *
 * The loop does nothing but add what it reads, a vector register at a time in eight sums; there is one for
 * AVX-512, one for AVX2 and one for the baseline, and the best that the machine can run is taken. */
#ifndef THALWEG_SCALE_MEMORY_READ_H
#define THALWEG_SCALE_MEMORY_READ_H

#include "thalweg/status.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes that one turn of the loop reads. */
enum { TW_MEMORY_TURN = 512 };

/**
 * Room for a measurement, in huge pages where the system has them, not yet touched; to be given to free. Not
 * collective. @param bytes rounded up to 2 MiB. NULL: out of memory.
 */
void *tw_memory_allocate(size_t bytes);

/**
 * Read all of it once and return a sum that nobody needs. Not collective.
 * @param memory aligned to 64 bytes   @param bytes a rest beyond the last whole turn is not read
 */
uint64_t tw_memory_read(size_t bytes, const void *memory);

/** The same in one of the three ways: 2 AVX-512, 1 AVX2, 0 baseline; not above tw_memory_read_best. */
uint64_t tw_memory_read_as(int level, size_t bytes, const void *memory);
int tw_memory_read_best(void);

/** The same by the threads of a rank, each its own contiguous part. Those of tw_threads_run. */
tw_status tw_memory_read_threads(int threads, size_t bytes, const void *memory, uint64_t *sum) TW_CHECKED;

#endif
