/* sample.h -- repeated measurements: the middle one, and how far the middle half of them is apart. */
#ifndef THALWEG_BENCH_SAMPLE_H
#define THALWEG_BENCH_SAMPLE_H

#include <stddef.h>

enum { SAMPLE_MOST = 1000 };

typedef struct {
    size_t count;
    double values[SAMPLE_MOST];
} sample;

typedef struct {
    double median, low, high; /* low, high: the quartiles */
} spread;

/** Keep one more; those above SAMPLE_MOST are dropped. */
void sample_add(sample *s, double value);

/** Sorts the values. NAN three times when there are none. */
spread sample_spread(sample *s);

#endif
