/* measure.h -- the exchange of these ranks, carried out and timed over vector lengths. */
#ifndef THALWEG_SCALE_MEASURE_H
#define THALWEG_SCALE_MEASURE_H

#include "scale/model.h"

enum { TW_MEASURE_MOST = 32 };

/* One length. seconds: median, least and largest over `count` repetitions, each that of its slowest rank. */
typedef struct {
    size_t length;
    double seconds, low, high;
    long count;
    uint64_t bytes;        /* handed to MPI by the busiest rank in one exchange, as counted */
    bool predicted;        /* every rank sent exactly what the formula says */
    tw_exchange_cost cost; /* by the formula */
} tw_measured;

typedef struct {
    tw_reduction_mode mode;
    int64_t groups;
    double seconds;           /* budget */
    size_t shortest, longest; /* vectors of so many doubles, then twice as many, ... up to longest */
} tw_measure;

/**
 * Collective. Ends early when the budget is spent or a vector has no memory; what is there counts.
 * @param points [TW_MEASURE_MOST] out, on every rank
 * @param memory out: bytes a second that a node moves in its memory while all its ranks add vectors
 * TW_CONFIG: groups; TW_MEMORY: not even for the shortest vectors.
 */
tw_status tw_measure_exchange(tw_comm *comm, const tw_measure *m, size_t *n_points, tw_measured *points,
                              double *memory) TW_CHECKED;

#endif
