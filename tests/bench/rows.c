/* Rows of a repeated pattern, an odd number of values long so that no two rows near each other are alike. */
#include "rows.h"

#include "data/narrow.h"
#include "thalweg/threads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PATTERN = 1000003 };
#define HUGE_PAGE ((size_t)2 << 20)

static uint64_t mix(uint64_t i)
{
    uint64_t x = (i + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    return x ^ x >> 31;
}

static double uniform(uint64_t i)
{
    return ldexp((double)(mix(i) >> 11), -52) - 1;
}

/* As shard.c does; large arrays begin at a huge page. */
static void *allocate(size_t bytes)
{
    const size_t rounded = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE + HUGE_PAGE;
    void *x = aligned_alloc(HUGE_PAGE, rounded);
    if (x) madvise(x, rounded, MADV_HUGEPAGE);
    return x;
}

/* ---- features ---- */

/* The largest of a type's values here, and whether they are whole. */
static double range(tw_dtype type, bool *whole)
{
    *whole = type == TW_u8 || type == TW_i8 || type == TW_i16;
    return type == TW_u8 ? 255 : type == TW_i8 ? 127 : type == TW_i16 ? 1000 : 1;
}

static tw_status make_pattern(tw_dtype type, void **pattern)
{
    bool whole;
    const double most = range(type, &whole);
    double *values = malloc(PATTERN * sizeof *values);
    *pattern = malloc(PATTERN * tw_dtype_size(type));
    if (!values || !*pattern) {
        free(values);
        return tw_fail(TW_MEMORY, "out of memory for the values");
    }
    for (uint64_t i = 0; i < PATTERN; i++) {
        const double u = most * uniform(i);
        values[i] = !whole ? u : type == TW_u8 ? fabs(floor(u)) : floor(u);
    }
    const size_t made = tw_narrow(type, PATTERN, values, *pattern);
    free(values);
    return made == PATTERN ? TW_OK
                           : tw_fail(TW_INTERNAL, "value %zu does not fit %s", made, tw_dtype_name(type));
}

typedef struct {
    const rows_problem *p;
    const char *pattern;
    roof_way way;
    uint64_t *sums; /* [threads] */
} share;

static void bounds(const share *s, int thread, size_t *begin, size_t *end)
{
    const size_t width = s->p->shard.cols * tw_dtype_size(s->p->shard.type);
    const int64_t rows = (int64_t)s->p->shard.rows;
    *begin = width * (size_t)tw_threads_first(rows, thread, s->p->c.threads);
    *end = width * (size_t)tw_threads_first(rows, thread + 1, s->p->c.threads);
}

static tw_status fill(int thread, void *context)
{
    const share *s = context;
    const size_t length = PATTERN * tw_dtype_size(s->p->shard.type);
    size_t begin, end;
    bounds(s, thread, &begin, &end);
    for (size_t at = begin; at < end;) {
        const size_t from = at % length, left = end - at;
        const size_t n = length - from < left ? length - from : left;
        memcpy((char *)s->p->shard.x + at, s->pattern + from, n);
        at += n;
    }
    return TW_OK;
}

static tw_status read_share(int thread, void *context)
{
    const share *s = context;
    size_t begin, end;
    bounds(s, thread, &begin, &end);
    begin = (begin + 63) / 64 * 64;
    end = (end + 63) / 64 * 64; /* the room behind the last row allows it */
    s->sums[thread] = roof_read((const char *)s->p->shard.x + begin, end - begin, s->way);
    return TW_OK;
}

tw_status rows_read(const rows_problem *p, roof_way way, uint64_t *sum)
{
    uint64_t sums[TW_THREADS_MOST];
    share s = {.p = p, .way = way, .sums = sums};
    TW_TRY(tw_threads_run(p->c.threads, read_share, &s));
    for (int t = 0; t < p->c.threads; t++) *sum += sums[t];
    return TW_OK;
}

static tw_status make_shard(rows_problem *p, int64_t first, int64_t rows)
{
    void *pattern = NULL;
    tw_shard *s = &p->shard;
    *s = (tw_shard){.type = p->c.type, .rows = (size_t)rows, .cols = p->c.n, .first = first};
    p->bytes = s->rows * s->cols * tw_dtype_size(s->type);
    s->x = allocate(p->bytes);
    s->y = malloc((s->rows + 1) * sizeof *s->y);
    if (!s->x || !s->y) return tw_fail(TW_MEMORY, "out of memory for %zu MiB of rows", p->bytes >> 20);
    const size_t labels = p->c.classes ? p->c.classes : 2;
    for (size_t i = 0; i < s->rows; i++) s->y[i] = (double)(mix((uint64_t)first + i) % labels);
    tw_status status = make_pattern(s->type, &pattern);
    share work = {.p = p, .pattern = pattern};
    if (status == TW_OK) status = tw_threads_run(p->c.threads, fill, &work);
    free(pattern);
    return status;
}

/* ---- the objective ---- */

tw_status rows_objective(const rows_problem *p, tw_reduction_mode mode, tw_objective *objective)
{
    const tw_objective_parts parts = {.comm = p->comm,
                                      .partition = &p->partition,
                                      .shard = &p->shard,
                                      .model = &p->model,
                                      .scaling = &p->scaling,
                                      .mode = mode,
                                      .threads = p->c.threads,
                                      .l2 = 1e-4};
    return tw_objective_init(objective, &parts);
}

tw_status rows_gradient(rows_problem *p, tw_objective *objective)
{
    return tw_objective_eval(objective, p->w, &p->f, p->g);
}

static tw_status make_point(rows_problem *p)
{
    bool whole;
    const double length = 0.5 / (range(p->c.type, &whole) * sqrt((double)p->c.n));
    const size_t n = p->model.n_params;
    p->w = malloc(n * sizeof *p->w);
    p->g = malloc(n * sizeof *p->g);
    if (!p->w || !p->g) return tw_fail(TW_MEMORY, "out of memory for %zu parameters", n);
    for (size_t j = 0; j < n; j++) p->w[j] = length * uniform(j + PATTERN), p->g[j] = NAN;
    p->f = NAN;
    return TW_OK;
}

static tw_status make(rows_problem *p, tw_reduction_mode mode)
{
    const int rank = tw_comm_rank(p->comm);
    const tw_model_ops *ops = tw_model_find(p->c.model);
    if (!ops) return tw_fail(TW_CONFIG, "there is no model '%s'", p->c.model);
    if (ops->target == TW_TARGET_CLASS && p->c.classes < 2)
        return tw_fail(TW_CONFIG, "%s needs --softmax ROWSxNxCLASSES", p->c.model);
    TW_TRY(tw_partition_init(&p->partition, p->c.rows, 0, tw_comm_size(p->comm)));
    tw_partition_align(&p->partition, TW_MATRIX_GROUPS);
    const int64_t first = tw_partition_shard(&p->partition, rank);
    TW_TRY(make_shard(p, first, tw_partition_shard(&p->partition, rank + 1) - first));
    TW_TRY(tw_model_init(&p->model, ops, p->c.n, p->c.classes, true));
    TW_TRY(make_point(p));
    return rows_objective(p, mode, &p->objective);
}

tw_status rows_problem_init(rows_problem *p, tw_comm *comm, const rows_case *c, tw_reduction_mode mode)
{
    *p = (rows_problem){.c = *c, .comm = comm, .scaling = {.n = c->n}};
    const tw_status status = tw_comm_agree(comm, make(p, mode));
    if (status) rows_problem_release(p);
    return status;
}

void rows_problem_release(rows_problem *p)
{
    tw_objective_release(&p->objective);
    tw_scaling_release(&p->scaling);
    tw_model_release(&p->model);
    tw_shard_release(&p->shard);
    tw_partition_release(&p->partition);
    free(p->w);
    free(p->g);
    *p = (rows_problem){0};
}
