/* speed.c -- bench_speed: gradients against pure reading of the same memory, in turn, in one process a rank.
 *
 * Every case is measured in turns (read, gradient, read, gradient, ...), each turn from a barrier to the last
 * rank; a fraction is the median over the turns of the ratio inside a turn, so what slows the machine down
 * for some turns slows both. A line a case; the first word says what the columns are:
 *
 *   gradient TYPE N ROWS RANKS THREADS READ LOW HIGH GRADIENT LOW HIGH FRACTION LOW HIGH MROWS MILLISECONDS
 *   modes    TYPE N ROWS RANKS THREADS REPRODUCIBLE LOW HIGH ALLREDUCE LOW HIGH RATIO LOW HIGH BYTES BYTES
 *   gram     TYPE N ROWS RANKS THREADS GFLOPS LOW HIGH PEAK LOW HIGH FRACTION LOW HIGH
 *   roof     RANKS THREADS READ LOW HIGH PAGES LOW HIGH PEAK LOW HIGH
 *
 * READ, PAGES and GRADIENT in GB/s of the features, PAGES read four pages at a time, READ in order; modes in
 * milliseconds an evaluation and bytes that the busiest rank sends in one, GFLOPS and PEAK in Gflop/s of
 * doubles; LOW and HIGH are quartiles. */
#include "options.h"
#include "roof.h"
#include "rows.h"
#include "thalweg/kernels.h"
#include "thalweg/threads.h"
#include "thalweg/version.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALIBRATION = 3, UNITS = 10000000 };

/* ---------------------------------------------------------------- turns */

typedef struct {
    rows_problem problem;
    tw_comm *comm;
    tw_objective other; /* of the other mode, in modes */
    double *matrix;     /* [p][stride], in gram */
    roof_way way;       /* the faster one to read in order */
    uint64_t read;      /* sums that keep the loops alive */
    double kept, flops;
} bench;

typedef tw_status piece(bench *b);

static tw_status read_plain(bench *b)
{
    return rows_read(&b->problem, ROOF_PLAIN, &b->read);
}

static tw_status read_ahead(bench *b)
{
    return rows_read(&b->problem, ROOF_AHEAD, &b->read);
}

static tw_status read_order(bench *b)
{
    return rows_read(&b->problem, b->way, &b->read);
}

static tw_status read_pages(bench *b)
{
    return rows_read(&b->problem, ROOF_PAGES, &b->read);
}

static tw_status gradient(bench *b)
{
    return rows_gradient(&b->problem, &b->problem.objective);
}

static tw_status gradient_other(bench *b)
{
    return rows_gradient(&b->problem, &b->other);
}

static tw_status gram(bench *b)
{
    return tw_objective_gram(&b->problem.objective, 1, b->matrix);
}

static tw_status multiply_adds_share(int thread, void *context)
{
    double *done = context;
    double sum = 0;
    const double flops = roof_multiply_adds(UNITS, &sum);
    if (thread == 0) done[0] = flops;
    if (thread == 0) done[1] += sum;
    return TW_OK;
}

static tw_status multiply_adds(bench *b)
{
    double done[2] = {0, b->kept};
    TW_TRY(tw_threads_run(b->problem.c.threads, multiply_adds_share, done));
    b->flops = done[0] * b->problem.c.threads * tw_comm_size(b->comm);
    b->kept = done[1];
    return TW_OK;
}

/* From the barrier to the last rank. */
static tw_status timed(bench *b, piece *work, double *seconds)
{
    tw_comm_barrier(b->comm);
    const double start = roof_seconds();
    const tw_status status = work(b);
    *seconds = roof_seconds() - start;
    TW_TRY(tw_comm_agree(b->comm, status));
    return tw_comm_allreduce(b->comm, TW_MAX, 1, seconds);
}

typedef struct {
    sample first, second, ratio; /* seconds; ratio: first over second */
} turns;

/* Both pieces in turn, each first in every other turn; the same number of turns on every rank. */
static tw_status take_turns(bench *b, const options *o, piece *const pieces[2], turns *t)
{
    double spent = 0;
    t->first.count = t->second.count = t->ratio.count = 0;
    for (int i = -1; i < o->repeat || (spent < o->seconds && i < SAMPLE_MOST); i++) {
        double s[2];
        for (int k = 0; k < 2; k++) {
            const int which = (i & 1) ? 1 - k : k;
            TW_TRY(timed(b, pieces[which], &s[which]));
        }
        if (i < 0) continue; /* warm */
        sample_add(&t->first, s[0]);
        sample_add(&t->second, s[1]);
        sample_add(&t->ratio, s[0] / s[1]);
        spent += s[0] + s[1];
    }
    return TW_OK;
}

static tw_status choose_read(bench *b)
{
    piece *const ways[2] = {read_plain, read_ahead};
    double best[2] = {INFINITY, INFINITY};
    for (int i = 0; i < CALIBRATION; i++)
        for (int k = 0; k < 2; k++) {
            double s;
            TW_TRY(timed(b, ways[k], &s));
            if (s < best[k]) best[k] = s;
        }
    b->way = best[1] < best[0] ? ROOF_AHEAD : ROOF_PLAIN;
    return TW_OK;
}

/* ---------------------------------------------------------------- lines */

/* amount / seconds: the slow quarter of the seconds is the low end of the rate. */
static void put_rate(double amount, sample *seconds)
{
    const spread s = sample_spread(seconds);
    printf(" %.4g %.4g %.4g", amount / s.median, amount / s.high, amount / s.low);
}

static void put_values(double scale, sample *values)
{
    const spread s = sample_spread(values);
    printf(" %.4g %.4g %.4g", scale * s.median, scale * s.low, scale * s.high);
}

static void put_case(const bench *b, const char *what)
{
    const rows_case *c = &b->problem.c;
    printf("%s %s %zu %lld %d %d", what, tw_dtype_name(c->type), c->n, (long long)c->rows,
           tw_comm_size(b->comm), c->threads);
}

static double all_bytes(const bench *b)
{
    const rows_case *c = &b->problem.c;
    return (double)c->rows * (double)c->n * (double)tw_dtype_size(c->type);
}

static bool prints(const bench *b)
{
    return tw_comm_rank(b->comm) == 0;
}

/* Was it the gradient over all rows that took the time? */
static tw_status check_gradient(const bench *b)
{
    const rows_problem *p = &b->problem;
    bool good = isfinite(p->f) && p->objective.weight == (double)p->c.rows;
    for (size_t j = 0; j < p->model.n_params; j++) good = good && isfinite(p->g[j]);
    return tw_comm_agree(b->comm,
                         good ? TW_OK : tw_fail(TW_INTERNAL, "no gradient of all rows has come out"));
}

static tw_status do_gradient(bench *b, const options *o, turns *t)
{
    TW_TRY(choose_read(b));
    TW_TRY(take_turns(b, o, (piece *const[2]){read_order, gradient}, t));
    TW_TRY(check_gradient(b));
    if (!prints(b)) return TW_OK;
    const double bytes = 1e-9 * all_bytes(b);
    put_case(b, "gradient");
    put_rate(bytes, &t->first);
    put_rate(bytes, &t->second);
    put_values(1, &t->ratio);
    const double median = sample_spread(&t->second).median;
    printf(" %.4g %.4g\n", 1e-6 * (double)b->problem.c.rows / median, 1e3 * median);
    return TW_OK;
}

static tw_status bytes_of(bench *b, piece *work, double *bytes)
{
    const uint64_t before = tw_comm_bytes_sent(b->comm);
    const tw_status status = work(b);
    *bytes = (double)(tw_comm_bytes_sent(b->comm) - before);
    TW_TRY(tw_comm_agree(b->comm, status));
    return tw_comm_allreduce(b->comm, TW_MAX, 1, bytes);
}

static tw_status do_modes(bench *b, const options *o, turns *t)
{
    double bytes[2];
    TW_TRY(tw_comm_agree(b->comm, rows_objective(&b->problem, TW_ALLREDUCE, &b->other)));
    TW_TRY(take_turns(b, o, (piece *const[2]){gradient, gradient_other}, t));
    TW_TRY(bytes_of(b, gradient, &bytes[0]));
    TW_TRY(bytes_of(b, gradient_other, &bytes[1]));
    TW_TRY(check_gradient(b));
    if (!prints(b)) return TW_OK;
    put_case(b, "modes");
    put_values(1e3, &t->first);
    put_values(1e3, &t->second);
    put_values(1, &t->ratio);
    printf(" %.0f %.0f\n", bytes[0], bytes[1]);
    return TW_OK;
}

/* The flops of the triangle with its diagonal, the constant left out: n (n + 1) a row. */
static tw_status do_gram(bench *b, const options *o, turns *t)
{
    const size_t p = b->problem.c.n + 1, stride = (p + TW_LANES - 1) / TW_LANES * TW_LANES;
    b->matrix = calloc(p * stride, sizeof *b->matrix);
    TW_TRY(tw_comm_agree(b->comm, b->matrix ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the matrix")));
    TW_TRY(take_turns(b, o, (piece *const[2]){multiply_adds, gram}, t));
    if (!prints(b)) return TW_OK;
    const double n = (double)b->problem.c.n, flops = (double)b->problem.c.rows * n * (n + 1);
    put_case(b, "gram");
    put_rate(1e-9 * flops, &t->second);
    put_rate(1e-9 * b->flops, &t->first);
    put_values(flops / b->flops, &t->ratio);
    printf("\n");
    return TW_OK;
}

static tw_status do_roof(bench *b, const options *o, turns *t)
{
    TW_TRY(choose_read(b));
    TW_TRY(take_turns(b, o, (piece *const[2]){read_order, read_pages}, t));
    if (prints(b)) {
        printf("roof %d %d", tw_comm_size(b->comm), b->problem.c.threads);
        put_rate(1e-9 * all_bytes(b), &t->first);
        put_rate(1e-9 * all_bytes(b), &t->second);
    }
    TW_TRY(take_turns(b, o, (piece *const[2]){multiply_adds, multiply_adds}, t));
    if (!prints(b)) return TW_OK;
    put_rate(1e-9 * b->flops, &t->first);
    printf("\n");
    return TW_OK;
}

static const struct {
    const char *name;
    tw_status (*measure)(bench *b, const options *o, turns *t);
} kinds[] = {{"gradient", do_gradient}, {"modes", do_modes}, {"gram", do_gram}, {"roof", do_roof}};

enum { KINDS = sizeof kinds / sizeof *kinds };

/* ---------------------------------------------------------------- cases */

/* A GiB of numbers, less of narrow ones: several times any cache, and more than enough rows. */
static double default_bytes(tw_dtype type)
{
    const size_t size = tw_dtype_size(type);
    return (size >= 4 ? 1024.0 : size == 2 ? 768.0 : 512.0) * 1048576;
}

static rows_case case_of(const options *o, tw_comm *comm, tw_dtype type, size_t n)
{
    const double bytes = o->bytes > 0 ? o->bytes : default_bytes(type);
    const double rows = floor(bytes / ((double)n * (double)tw_dtype_size(type))) * tw_comm_size(comm);
    return (rows_case){.type = type,
                       .n = n,
                       .classes = o->classes,
                       .rows = o->rows ? o->rows : (int64_t)fmax(rows, tw_comm_size(comm)),
                       .threads = o->threads,
                       .model = o->model};
}

static tw_status measure(tw_comm *comm, const options *o, const rows_case *c)
{
    static turns t; /* large */
    bench b = {.comm = comm};
    tw_status status = rows_problem_init(&b.problem, comm, c, o->mode);
    if (status) return status;
    for (size_t k = 0; k < KINDS; k++)
        if (strcmp(kinds[k].name, o->what) == 0) status = kinds[k].measure(&b, o, &t);
    fflush(stdout);
    if (isnan(b.kept) && b.read == 1) fprintf(stderr, "unlikely\n"); /* so both are used */
    free(b.matrix);
    tw_objective_release(&b.other);
    rows_problem_release(&b.problem);
    return status;
}

static tw_status measure_all(tw_comm *comm, const options *o)
{
    for (size_t i = 0; i < o->n_ns; i++)
        for (size_t k = 0; k < o->n_types; k++) {
            const rows_case c = case_of(o, comm, o->types[k], o->ns[i]);
            TW_TRY(measure(comm, o, &c));
        }
    return TW_OK;
}

/* What the figures come from, for the head of a page. */
static void about(void)
{
    char library[1024];
    tw_comm_library(sizeof library, library);
    library[strcspn(library, ",\n")] = 0;
    printf("version %s\ncommit %s\ncompiler %s\nisa %s\nyardstick %s\nmpi %s\nthreads %s\n", TW_VERSION,
           TW_GIT_COMMIT,
#ifdef __clang__
           __VERSION__,
#else
           "gcc " __VERSION__,
#endif
           tw_kernels_get()->name, roof_vectors(), library, tw_threads_built() ? "OpenMP" : "none");
}

int main(int argc, char **argv)
{
    options o;
    tw_comm *comm = NULL;
    tw_status status = tw_comm_init(&comm, &argc, &argv);
    const bool first = !comm || tw_comm_rank(comm) == 0;
    if (status == TW_OK) status = options_parse(argc, argv, &o);
    if (status == TW_OK && strcmp(o.what, "help") == 0) {
        if (first) fputs(options_usage, stdout);
    } else if (status == TW_OK && strcmp(o.what, "about") == 0) {
        if (first) about();
    } else if (status == TW_OK) {
        status = measure_all(comm, &o);
    }
    if (status && first) fprintf(stderr, "bench_speed: %s\n", tw_status_message());
    tw_comm_release(comm);
    return (int)status;
}
