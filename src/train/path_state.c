/* What a checkpoint keeps of a path: where it is, and the points that are done, each as a row of numbers. */
#include "train/run_impl.h"

#include <math.h>

/* Everything of a point but its parameters; whole numbers below 2^53 are exact as doubles. */
#define POINT(X)                                                                                         \
    X(l1)                                                                                                \
    X(l2)                                                                                                \
    X(loss)                                                                                              \
    X(mean_loss)                                                                                         \
    X(cv_mean) X(cv_error) X(val_loss) X(iterations) X(evaluations) X(nonzeros) X(why) X(f_prev) X(step) \
        X(monitor.f_first) X(monitor.f_zero) X(monitor.g_norm_zero) X(monitor.f_least) X(monitor.held)   \
            X(monitor.holding) X(monitor.unimproved) X(monitor.rises) X(monitor.last_rise)

#define COUNT(field) +1
_Static_assert(TW_PATH_COLUMNS == 0 POINT(COUNT), "one column a field");

void tw_path_pack(tw_path *p)
{
    double *at = p->table;
    for (size_t i = 0; i < p->planned; i++) {
        const tw_path_point *point = &p->points[i];
#define PACK(field) *at++ = (double)point->field;
        POINT(PACK)
    }
}

void tw_path_unpack(tw_path *p)
{
    const double *at = p->table;
    for (size_t i = 0; i < p->planned; i++) {
        tw_path_point *point = &p->points[i];
#define UNPACK(field) point->field = (__typeof__(point->field))*at++;
        POINT(UNPACK)
    }
}

static bool is_whole(double v)
{
    return fabs(v) <= 0x1p53 && v == (double)(long)v;
}

static bool is_reason(double v)
{
    return is_whole(v) && v >= 0 && v < TW_N_REASONS;
}

/* The places of a path are indices, so a file that somebody sealed again must not name others. */
static bool within(long at, long least, size_t most)
{
    return at >= least && at <= (long)most;
}

bool tw_path_check(const tw_path *p)
{
    const double *at = p->table;
    bool good = within(p->stage, TW_PATH_LARGEST, TW_PATH_ROWS) && within(p->fold, 0, p->folds) &&
                within(p->row, 0, p->planned) && within((long)p->count, 0, p->planned) &&
                within(p->best, -1, p->planned - 1) && within(p->one_error, -1, p->planned - 1) &&
                p->position >= 0;
    if (p->stage == TW_PATH_FOLDS) good = good && within(p->fold, 0, p->folds - 1);
    for (size_t i = 0; i < p->planned; i++) {
        /* clang-format off */
#define CHECK(field)                                                                                         \
    good = good && _Generic(p->points->field, double: true, tw_reason: is_reason(*at), default: is_whole(*at)); \
    at++;
        POINT(CHECK)
        /* clang-format on */
    }
    return good;
}

void tw_path_state(void *context, tw_state *s)
{
    tw_path *p = context;
    tw_path_pack(p);
    tw_state_add(s, "path_stage", TW_STATE_COUNT, 1, &p->stage);
    tw_state_add(s, "path_fold", TW_STATE_COUNT, 1, &p->fold);
    tw_state_add(s, "path_row", TW_STATE_COUNT, 1, &p->row);
    tw_state_add(s, "path_position", TW_STATE_COUNT, 1, &p->position);
    tw_state_add(s, "path_done", TW_STATE_COUNT, 1, &p->count);
    tw_state_add(s, "path_fits", TW_STATE_COUNT, 1, &p->fits);
    tw_state_add(s, "path_unfinished", TW_STATE_COUNT, 1, &p->unfinished);
    tw_state_add(s, "path_best", TW_STATE_COUNT, 1, &p->best);
    tw_state_add(s, "path_one_error", TW_STATE_COUNT, 1, &p->one_error);
    tw_state_add(s, "path_iterations", TW_STATE_COUNT, 1, &p->iterations);
    tw_state_add(s, "path_evaluations", TW_STATE_COUNT, 1, &p->evals);
    tw_state_add(s, "path_largest", TW_STATE_REAL, 1, &p->largest);
    tw_state_add(s, "/path_table", TW_STATE_REAL, p->planned * TW_PATH_COLUMNS, p->table);
    tw_state_add(s, "/path_parameters", TW_STATE_REAL, p->planned * p->n, p->parameters);
    tw_state_add(s, "/path_fold_loss", TW_STATE_REAL, p->folds * p->planned, p->fold_loss);
    tw_state_add(s, "/path_fold_weight", TW_STATE_REAL, p->folds, p->fold_weight);
}
