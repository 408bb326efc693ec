/* Memory, gradient and exchange: all ranks at once, with repetitions that all of them agree on. */
#include "scale/doctor.h"
#include "scale/memory_read.h"
#include "thalweg/account.h"
#include "thalweg/interrupt.h"
#include "thalweg/kernels.h"
#include "thalweg/phase.h"
#include "thalweg/threads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEAST = 3, MOST = 64 };
#define MIB ((double)1048576)

static const tw_dtype types[TW_DOCTOR_TYPES] = {TW_f32, TW_f64, TW_u8};

/* ---- repetitions ---- */

typedef tw_status work(void *context);

typedef struct {
    long count;
    double own, slowest; /* medians of seconds: of this rank, and of the slowest of each repetition */
} times;

/* Seconds that this rank works, and until the last one has ended: with more ranks than cores they work one
 * after the other, and only the second is what all of them together can do. */
typedef struct {
    double own, all;
} span;

static tw_status once(tw_comm *comm, work *f, void *context, span *seconds)
{
    tw_comm_barrier(comm);
    const double before = tw_seconds();
    const tw_status status = f(context);
    seconds->own = tw_seconds() - before;
    TW_TRY(tw_comm_agree(comm, status));
    seconds->all = tw_seconds() - before;
    return TW_OK;
}

/* ---- memory ---- */

typedef struct {
    int threads;
    size_t bytes;
    const void *memory;
    bool idle;
    uint64_t sum;    /* keeps the reading from being left out */
    double together; /* bytes of all ranks */
    size_t count;    /* between the passes over all types: bytes a second of this rank, and of all */
    double own[TW_DOCTOR_TYPES * MOST], all[TW_DOCTOR_TYPES * MOST];
} reading;

static tw_status read_all(void *context)
{
    reading *r = context;
    uint64_t sum = 0;
    if (r->idle) return TW_OK;
    const tw_status status = tw_memory_read_threads(r->threads, r->bytes, r->memory, &sum);
    r->sum ^= sum;
    return status;
}

static tw_status read_once(tw_comm *comm, reading *r)
{
    span seconds;
    TW_TRY(once(comm, read_all, r, &seconds));
    TW_TRY(tw_comm_allreduce(comm, TW_MAX, 1, &seconds.all));
    r->own[r->count] = (double)r->bytes / seconds.own;
    r->all[r->count++] = r->together / seconds.all;
    return TW_OK;
}

/* The first time does not count: pages and caches are warmed. With a reading, memory is read before each, so
 * that both meet the same moments of the machine. */
static tw_status repeat(tw_comm *comm, double budget, work *f, void *context, reading *memory, times *t)
{
    double own[MOST], slowest[MOST];
    span seconds;
    bool enough = false;
    const double end = tw_seconds() + budget;
    TW_TRY(once(comm, f, context, &seconds));
    for (t->count = 0; t->count < MOST && !enough; t->count++) {
        if (memory) TW_TRY(read_once(comm, memory));
        TW_TRY(once(comm, f, context, &seconds));
        double both[2] = {seconds.all, tw_seconds() > end || tw_interrupt_requests()};
        TW_TRY(tw_comm_allreduce(comm, TW_MAX, 2, both));
        own[t->count] = seconds.own;
        slowest[t->count] = both[0];
        enough = both[1] > 0 && t->count + 1 >= LEAST;
        tw_phase_tick();
    }
    t->own = tw_fit_median((size_t)t->count, own);
    t->slowest = tw_fit_median((size_t)t->count, slowest);
    return TW_OK;
}

static bool first_of_node(const tw_comm *comm, int rank)
{
    return rank == 0 || tw_comm_node_of(comm, rank) != tw_comm_node_of(comm, rank - 1);
}

static tw_status summarise(tw_comm *comm, reading *r, tw_doctor_read *read)
{
    int least, most;
    const double own = tw_fit_median(r->count, r->own);
    double low = own, high = own;
    tw_comm_ranks_a_node(comm, &least, &most);
    TW_TRY(tw_comm_allreduce(comm, TW_MIN, 1, &low));
    TW_TRY(tw_comm_allreduce(comm, TW_MAX, 1, &high));
    read->low = low;
    read->high = high;
    read->total = tw_fit_median(r->count, r->all);
    read->node = read->total * most / tw_comm_size(comm);
    read->count = (long)r->count;
    return TW_OK;
}

static void point_at(reading *r, const tw_partition *p, const tw_shard *s)
{
    r->together = (double)p->rows * (double)s->cols * (double)tw_dtype_size(s->type);
    r->memory = s->x;
    r->bytes = s->rows * s->cols * tw_dtype_size(s->type) / TW_MEMORY_TURN * TW_MEMORY_TURN;
}

/* One rank of each node, while the others wait. */
static tw_status measure_alone(tw_doctor *d, double seconds, reading *r)
{
    times t;
    int least, most;
    tw_comm_ranks_a_node(d->comm, &least, &most);
    if (most == 1) return TW_OK;
    r->idle = !first_of_node(d->comm, tw_comm_rank(d->comm));
    TW_TRY(repeat(d->comm, seconds, read_all, r, NULL, &t));
    double alone = r->idle ? INFINITY : (double)r->bytes / t.own;
    r->idle = false;
    TW_TRY(tw_comm_allreduce(d->comm, TW_MIN, 1, &alone));
    d->read.alone = alone;
    return TW_OK;
}

tw_status tw_doctor_room(const tw_doctor *d, double *bytes)
{
    const int rank = tw_comm_rank(d->comm), node = tw_comm_node_of(d->comm, rank);
    const tw_doctor_rank *own = &d->ranks[rank];
    double ranks = d->binding.nodes[node].ranks, usable = own->free > 0 ? own->free : 256 * MIB;
    if (own->limit > 0) usable = fmin(usable, own->limit);
    if (own->address_space > 0) usable = fmin(usable, own->address_space * ranks);
    *bytes = fmax(usable / 4 / ranks, MIB);
    return tw_comm_allreduce(d->comm, TW_MIN, 1, bytes);
}

/* So much that caches hold a quarter of it, within memory and time. */
static tw_status choose_bytes(const tw_doctor *d, tw_doctor_read *read)
{
    const int rank = tw_comm_rank(d->comm), node = tw_comm_node_of(d->comm, rank);
    const double ranks = d->binding.nodes[node].ranks, cache = d->ranks[rank].cache;
    double want = fmax(16 * MIB, 4 * cache / ranks), room;
    TW_TRY(tw_comm_allreduce(d->comm, TW_MAX, 1, &want));
    TW_TRY(tw_doctor_room(d, &room));
    read->bytes = fmin(fmin(want, 1024 * MIB), fmin(room, fmax(MIB, d->seconds * 96 * MIB)));
    double cached = read->bytes * ranks < 2 * cache;
    TW_TRY(tw_comm_allreduce(d->comm, TW_MAX, 1, &cached));
    read->cached = cached > 0;
    return TW_OK;
}

/* ---- gradient ---- */

tw_status tw_doctor_problem_make(tw_doctor_problem *p, const tw_doctor *d, const tw_model_ops *ops,
                                 size_t classes)
{
    tw_comm *comm = d->comm;
    const int threads = d->ranks[tw_comm_rank(comm)].threads;
    TW_TRY(tw_comm_agree(comm, tw_model_init(&p->model, ops, p->shard.cols, classes, true)));
    TW_TRY(tw_scaling_fit(&p->scaling, TW_SCALING_NONE, comm, &p->partition, &p->shard, threads));
    const tw_objective_parts parts = {.comm = comm,
                                      .partition = &p->partition,
                                      .shard = &p->shard,
                                      .model = &p->model,
                                      .scaling = &p->scaling,
                                      .mode = TW_REPRODUCIBLE,
                                      .threads = threads};
    TW_TRY(tw_comm_agree(comm, tw_objective_init(&p->objective, &parts)));
    p->w = calloc(p->objective.n, sizeof *p->w);
    p->g = calloc(p->objective.n, sizeof *p->g);
    return tw_comm_agree(comm, p->w && p->g ? TW_OK : tw_fail(TW_MEMORY, "out of memory for a gradient"));
}

void tw_doctor_problem_release(tw_doctor_problem *p)
{
    free(p->g);
    free(p->w);
    tw_objective_release(&p->objective);
    tw_scaling_release(&p->scaling);
    tw_model_release(&p->model);
    tw_shard_release(&p->shard);
    tw_partition_release(&p->partition);
    *p = (tw_doctor_problem){0};
}

/* The share of the memory's speed. */
static void compare(const tw_doctor *d, tw_doctor_gradient *g)
{
    g->fraction = d->read.total > 0 ? g->bytes_a_second / d->read.total : NAN;
}

static tw_status evaluate(void *context)
{
    tw_doctor_problem *p = context;
    double f;
    return tw_objective_eval(&p->objective, p->w, &f, p->g);
}

static tw_status time_passes(const tw_doctor *d, double seconds, tw_doctor_problem *p, reading *memory,
                             tw_doctor_gradient *g)
{
    times t;
    TW_TRY(repeat(d->comm, seconds, evaluate, p, memory, &t));
    snprintf(g->model, sizeof g->model, "%s", p->model.ops->name);
    g->type = p->shard.type;
    g->rows = (double)p->partition.rows;
    g->cols = (double)p->shard.cols;
    g->numbers = tw_model_sums(&p->model);
    g->seconds = t.slowest;
    g->count = t.count;
    g->rows_a_second = g->rows / t.slowest;
    g->bytes_a_second = g->rows_a_second * g->cols * (double)tw_dtype_size(g->type);
    compare(d, g);
    return TW_OK;
}

tw_status tw_doctor_time_passes(const tw_doctor *d, double seconds, tw_doctor_problem *p,
                                tw_doctor_gradient *g)
{
    return time_passes(d, seconds, p, NULL, g);
}

static void put(tw_dtype type, size_t i, void *x)
{
    const uint32_t bits = (uint32_t)(i * 2654435761u) >> 8;
    if (type == TW_f32)
        ((float *)x)[i] = (float)((double)bits * 0x1p-24 - 0.5);
    else if (type == TW_f64)
        ((double *)x)[i] = (double)bits * 0x1p-24 - 0.5;
    else
        ((unsigned char *)x)[i] = (unsigned char)bits;
}

/* A block of numbers, over and over. */
static void fill(tw_shard *s)
{
    const size_t all = s->rows * s->cols, one = tw_dtype_size(s->type),
                 some = all < TW_BLOCK_ROWS * s->cols ? all : TW_BLOCK_ROWS * s->cols;
    for (size_t i = 0; i < some; i++) put(s->type, i, s->x);
    for (size_t done = some; done < all;) {
        const size_t count = done < all - done ? done : all - done;
        memcpy((char *)s->x + done * one, s->x, count * one);
        done += count;
    }
    for (size_t i = 0; i < s->rows; i++) s->y[i] = (double)(i * 7 / 3 % 2);
}

/* Rows of this rank, in room that all types share. */
static tw_status make_rows(tw_doctor_problem *p, const tw_doctor *d, tw_dtype type)
{
    const int rank = tw_comm_rank(d->comm), size = tw_comm_size(d->comm);
    const int64_t each = (int64_t)(d->read.bytes / (double)(TW_DOCTOR_COLS * tw_dtype_size(type)));
    TW_TRY(tw_partition_init(&p->partition, each * size, 0, size));
    const int64_t first = tw_partition_shard(&p->partition, rank);
    tw_shard *s = &p->shard;
    *s = (tw_shard){.type = type, .cols = TW_DOCTOR_COLS, .first = first};
    s->rows = (size_t)(tw_partition_shard(&p->partition, rank + 1) - first);
    s->x = tw_memory_allocate(s->rows * s->cols * tw_dtype_size(type));
    s->y = malloc((s->rows + 1) * sizeof *s->y);
    if (!s->x || !s->y) return tw_fail(TW_MEMORY, "out of memory for rows to be measured");
    fill(s);
    return TW_OK;
}

static tw_status measure_type(tw_doctor *d, int i, double seconds, reading *memory)
{
    tw_doctor_problem p = {0};
    tw_status status = tw_comm_agree(d->comm, make_rows(&p, d, types[i]));
    point_at(memory, &p.partition, &p.shard);
    if (status == TW_OK && i == 0) status = measure_alone(d, seconds / 4, memory);
    if (status == TW_OK) status = tw_doctor_problem_make(&p, d, &tw_model_logistic, 2);
    for (size_t j = 0; status == TW_OK && j < TW_DOCTOR_COLS; j++) p.w[j] = j % 2 ? 1e-3 : -1e-3;
    if (status == TW_OK) status = time_passes(d, seconds, &p, memory, &d->gradient[i]);
    tw_doctor_problem_release(&p);
    return status;
}

static tw_status measure_passes(tw_doctor *d, double seconds)
{
    reading memory = {.threads = d->ranks[tw_comm_rank(d->comm)].threads};
    for (int i = 0; i < TW_DOCTOR_TYPES; i++) TW_TRY(measure_type(d, i, seconds / TW_DOCTOR_TYPES, &memory));
    TW_TRY(summarise(d->comm, &memory, &d->read));
    for (int i = 0; i < TW_DOCTOR_TYPES; i++) compare(d, &d->gradient[i]);
    return TW_OK;
}

/* ---- exchange ---- */

/* Short vectors, then long ones: the first of each is measured however little time there is. */
static tw_status measure_exchange(tw_doctor *d, tw_reduction_mode mode, double seconds, tw_doctor_exchange *e)
{
    enum { SHORT = 256, LONG = 4096 };
    const size_t longest = d->seconds >= 2 ? 1 << 20 : 1 << 16;
    tw_measure m = {.mode = mode, .groups = 4096, .seconds = seconds / 2, .shortest = 1, .longest = SHORT};
    tw_measured points[TW_MEASURE_MOST];
    tw_fit_exchange_point samples[TW_MEASURE_MOST];
    size_t more = 0;
    double memory;
    e->mode = mode;
    TW_TRY(tw_measure_exchange(d->comm, &m, &e->count, e->points, &memory));
    if (tw_comm_size(d->comm) > 1) {
        m.shortest = LONG;
        m.longest = longest;
        TW_TRY(tw_measure_exchange(d->comm, &m, &more, points, &memory));
    }
    for (size_t i = 0; i < more && e->count < TW_MEASURE_MOST; i++) e->points[e->count++] = points[i];
    for (size_t i = 0; i < e->count; i++) {
        samples[i].cost = &e->points[i].cost;
        samples[i].seconds = tw_fit_wire(&e->points[i].cost, e->points[i].seconds, memory);
    }
    tw_fit_exchange(e->count, samples, &e->fit);
    return TW_OK;
}

tw_status tw_doctor_measure(tw_doctor *d)
{
    TW_TRY(choose_bytes(d, &d->read));
    TW_TRY(measure_passes(d, d->seconds * 0.48));
    TW_TRY(measure_exchange(d, TW_REPRODUCIBLE, d->seconds * 0.14, &d->exchange[0]));
    TW_TRY(measure_exchange(d, TW_ALLREDUCE, d->seconds * 0.14, &d->exchange[1]));
    TW_TRY(tw_comm_agree(d->comm, tw_interrupt_check("measuring")));
    TW_TRY(tw_doctor_measure_file(d, d->seconds * 0.24));
    return tw_comm_agree(d->comm, tw_interrupt_check("measuring"));
}
