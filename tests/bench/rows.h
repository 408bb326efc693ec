/* rows.h -- rows made in memory and an objective over them: what bench_speed measures.
 *
 * The shards lie as tw_shard_read leaves them (huge pages, no padding), each page touched first by the thread
 * that reads it later. */
#ifndef THALWEG_BENCH_ROWS_H
#define THALWEG_BENCH_ROWS_H

#include "roof.h"
#include "thalweg/objective.h"

typedef struct {
    tw_dtype type;
    size_t n;          /* features */
    size_t classes;    /* of softmax; else 0 */
    int64_t rows;      /* of all ranks */
    int threads;       /* a rank */
    const char *model; /* of TW_MODELS */
} rows_case;

typedef struct {
    rows_case c;
    tw_comm *comm;
    tw_partition partition;
    tw_shard shard;
    tw_model model;
    tw_scaling scaling;
    tw_objective objective; /* of the mode that was asked for */
    double *w, *g;          /* [n_params] a point of small margins; its gradient */
    double f;
    size_t bytes; /* of this rank's features */
} rows_problem;

/** Collective. @return on all ranks alike TW_OK, TW_MEMORY, TW_CONFIG; on failure there is nothing to
 * release. */
tw_status rows_problem_init(rows_problem *p, tw_comm *comm, const rows_case *c,
                            tw_reduction_mode mode) TW_CHECKED;
void rows_problem_release(rows_problem *p);

/** A second objective of another mode over the same rows. Not collective. */
tw_status rows_objective(const rows_problem *p, tw_reduction_mode mode, tw_objective *objective) TW_CHECKED;

/** One evaluation at w. Collective. */
tw_status rows_gradient(rows_problem *p, tw_objective *objective) TW_CHECKED;

/** Read the rank's features by as many threads as compute. Not collective. */
tw_status rows_read(const rows_problem *p, roof_way way, uint64_t *sum) TW_CHECKED;

#endif
