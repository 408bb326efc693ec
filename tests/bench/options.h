/* options.h -- what bench_speed is asked to measure. */
#ifndef THALWEG_BENCH_OPTIONS_H
#define THALWEG_BENCH_OPTIONS_H

#include "sample.h"
#include "thalweg/dtype.h"
#include "thalweg/reduction.h"

enum { LIST = 16 };

typedef struct {
    char what[16]; /* gradient, modes, gram, roof, about, help */
    tw_dtype types[TW_N_DTYPES];
    size_t n_types, n_ns;
    size_t ns[LIST];
    double bytes; /* a rank, 0: by type */
    int64_t rows; /* of all ranks, 0: from bytes */
    size_t classes;
    int threads, repeat;
    double seconds; /* of measuring a case at least */
    char model[32];
    tw_reduction_mode mode;
} options;

extern const char options_usage[];

/** Not collective. what is "help" when that is all. TW_USAGE with all that can be said. */
tw_status options_parse(int argc, char **argv, options *o) TW_CHECKED;

#endif
