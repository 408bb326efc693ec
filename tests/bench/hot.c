/* hot.c -- calls each inner loop of the table in use, and whole gradients of one block, so that callgrind can
 * count the instructions between entering and leaving measured().
 *
 *   hot build                what was built, as in "gcc-12.2 Release"
 *   hot run                  "isa NAME", the table in use, then a line "NAME N ELEMENTS" for each call of
 * measured, in order
 *
 * tests/bench/instructions.sh reads all of it. ELEMENTS: what the instructions are divided by. */
#include "thalweg/kernels.h"
#include "thalweg/link.h"
#include "thalweg/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ELEMENTS = 1 << 17, ROWS = 256, COLUMNS = 4099 + 5, WIDE = 16, OUTPUTS = 10, LARGE = 256 };

/* What all calls work on: numbers between -1 and 1, stored in every type. */
static struct {
    const tw_kernels *k;
    double *x, *v, *out, *copy, *room;
    void *stored[TW_N_DTYPES];
    double y[ROWS], weight[ROWS], row[ROWS], slope[ROWS];
    tw_model model;
    tw_block block;
} hot;

typedef struct {
    const char *name; /* of the loop, for rows followed by the type */
    void (*call)(size_t n, size_t rows, tw_dtype type);
    size_t n, rows;
    size_t elements;
} item;

/* ---------------------------------------------------------------- the calls */

static tw_rows rows_of(size_t n, size_t rows, tw_dtype type)
{
    return (tw_rows){.type = type, .rows = rows, .n = n, .x = hot.stored[type], .ahead = hot.stored[type]};
}

static void margins(size_t n, size_t rows, tw_dtype type)
{
    const tw_rows x = rows_of(n, rows, type);
    hot.k->margins(&x, hot.v, 0.25, hot.row);
}

static void update(size_t n, size_t rows, tw_dtype type)
{
    const tw_rows x = rows_of(n, rows, type);
    hot.k->update(&x, hot.v, hot.out);
}

static void widen(size_t n, size_t rows, tw_dtype type)
{
    (void)rows;
    hot.k->widen(type, n, hot.stored[type], hot.out);
}

#define OF_DOUBLES(name, ...)                              \
    static void name(size_t n, size_t rows, tw_dtype type) \
    {                                                      \
        (void)rows, (void)type;                            \
        __VA_ARGS__;                                       \
    }
OF_DOUBLES(dot, hot.out[0] = hot.k->dot(n, hot.x, hot.v))
OF_DOUBLES(axpy, hot.k->axpy(n, 0.5, hot.x, hot.out))
OF_DOUBLES(map_exp, hot.k->exp(n, hot.x, hot.out))
OF_DOUBLES(map_log, hot.k->log(n, hot.copy, hot.out))
OF_DOUBLES(map_log1p, hot.k->log1p(n, hot.copy, hot.out))
OF_DOUBLES(logistic, hot.k->logistic(n, hot.x, hot.y, hot.row, hot.slope))
#undef OF_DOUBLES

static tw_outputs outputs_of(size_t n, size_t rows)
{
    return (tw_outputs){.type = TW_f64,
                        .rows = rows,
                        .n = n,
                        .outputs = OUTPUTS,
                        .stored = hot.x,
                        .room = hot.room,
                        .ahead = hot.x};
}

static void products(size_t n, size_t rows, tw_dtype type)
{
    const tw_outputs p = outputs_of(n, rows);
    (void)type;
    hot.k->products(&p, hot.v, hot.out);
}

static void outer(size_t n, size_t rows, tw_dtype type)
{
    const tw_outputs p = outputs_of(n, rows);
    (void)type;
    hot.k->outer(&p, hot.v, hot.out);
}

static void multiply(size_t n, size_t rows, tw_part part)
{
    const tw_product p = {.rows = rows,
                          .m = n,
                          .n = n,
                          .np = tw_whole(n),
                          .ldc = tw_whole(n),
                          .a = hot.x,
                          .b = hot.copy,
                          .c = hot.out,
                          .part = part};
    hot.k->product(&p);
}

static void product(size_t n, size_t rows, tw_dtype type)
{
    (void)type;
    multiply(n, rows, TW_ALL);
}

static void gram(size_t n, size_t rows, tw_dtype type)
{
    (void)type;
    multiply(n, rows, TW_LOWER);
}

/* The model and its block are made before; these do nothing but evaluate. */
static void gradient(size_t n, size_t rows, tw_dtype type)
{
    (void)n, (void)rows, (void)type;
    if (hot.model.ops->loss_grad(&hot.model, &hot.block, hot.v, hot.out)) abort();
}

static void curvature(size_t n, size_t rows, tw_dtype type)
{
    (void)n, (void)rows, (void)type;
    if (hot.model.ops->hessian_vector(&hot.model, &hot.block, hot.v, hot.out)) abort();
}

/* callgrind knows it by its name. */
__attribute__((noinline)) void measured(const item *it, tw_dtype type);
void measured(const item *it, tw_dtype type)
{
    it->call(it->n, it->rows, type);
    __asm__ volatile("" ::: "memory"); /* no jump out of here */
}

/* ---------------------------------------------------------------- the list */

/* Once so that whatever is made at the first call is there, then once to be counted. */
static void visit(const item *it, tw_dtype type, const char *suffix)
{
    printf("%s%s %zu %zu\n", it->name, suffix, it->n, it->elements);
    it->call(it->n, it->rows, type);
    measured(it, type);
}

static void visit_rows(void)
{
    static const struct {
        size_t n, rows;
    } shapes[] = {{16, 256}, {100, 77}, {256, 32}, {4099, 8}}; /* 77: eights, twos and one */
    char suffix[16];
    for (int t = 0; t < TW_N_DTYPES; t++) {
        snprintf(suffix, sizeof suffix, "-%s", tw_dtype_name((tw_dtype)t));
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
            const size_t n = shapes[i].n, rows = shapes[i].rows;
            visit(&(item){"margins", margins, n, rows, n * rows}, (tw_dtype)t, suffix);
            visit(&(item){"update", update, n, rows, n * rows}, (tw_dtype)t, suffix);
        }
        visit(&(item){"widen", widen, 4099, 1, 4099}, (tw_dtype)t, suffix);
    }
}

static void visit_doubles(void)
{
    static const struct {
        const char *name;
        void (*call)(size_t, size_t, tw_dtype);
    } maps[] = {{"dot", dot},     {"axpy", axpy},       {"exp", map_exp},
                {"log", map_log}, {"log1p", map_log1p}, {"logistic", logistic}};
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        visit(&(item){maps[i].name, maps[i].call, 100, 1, 100}, TW_f64, "");
        visit(&(item){maps[i].name, maps[i].call, 256, 1, 256}, TW_f64, "");
    }
    for (size_t n = 16; n <= 784; n *= 7) {
        visit(&(item){"products", products, n, 32, n * 32 * OUTPUTS}, TW_f64, "");
        visit(&(item){"outer", outer, n, 32, n * 32 * OUTPUTS}, TW_f64, "");
    }
    for (size_t n = 100; n <= LARGE; n += LARGE - 100) {
        visit(&(item){"product", product, n, 32, n * n * 32}, TW_f64, "");
        visit(&(item){"gram", gram, n, 32, n * (n + 1) / 2 * 32}, TW_f64, "");
    }
}

static void visit_model(const char *name, tw_dtype type, size_t n, bool weighted)
{
    const tw_model_ops *ops = tw_model_find(name);
    const size_t classes = ops->target == TW_TARGET_CLASS ? OUTPUTS : 0;
    const size_t rows = n > 1000 ? 8 : 64;
    char suffix[48];
    if (tw_model_init(&hot.model, ops, n, classes, true)) abort();
    hot.block = (tw_block){.type = type,
                           .x = hot.stored[type],
                           .y = hot.y,
                           .weight = weighted ? hot.weight : NULL,
                           .rows = rows,
                           .cols = n};
    for (size_t i = 0; i < ROWS; i++) hot.y[i] = (double)(i % (classes ? classes : 2));
    memset(hot.out, 0, LARGE * LARGE * sizeof *hot.out);
    snprintf(suffix, sizeof suffix, "-%s-%s%s", name, tw_dtype_name(type), weighted ? "-weighted" : "");
    visit(&(item){"gradient", gradient, n, rows, n * rows}, type, suffix);
    hot.block.z = hot.copy; /* any margins */
    if (ops->hessian_vector) visit(&(item){"curvature", curvature, n, rows, n * rows}, type, suffix);
    tw_model_release(&hot.model);
}

static void visit_models(void)
{
    visit_model("logistic", TW_f32, 16, false);
    visit_model("logistic", TW_f32, 256, false);
    visit_model("logistic", TW_f32, 256, true);
    visit_model("logistic", TW_u8, 784, false);
    visit_model("logistic", TW_f32, 4099, false);
    visit_model("linear", TW_f64, 100, false);
    visit_model("huber", TW_f16, 100, false);
    visit_model("softmax", TW_u8, 784, false);
    visit_model("softmax", TW_f32, 100, false);
}

/* ---------------------------------------------------------------- numbers */

static double uniform(size_t i)
{
    uint64_t x = (i + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    return ldexp((double)((x ^ x >> 31) >> 11), -52) - 1;
}

static double *aligned(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!p) abort();
    memset(p, 0, bytes);
    return p;
}

/* Bits of ordinary numbers in every type: small whole ones, or with the exponent in the middle. */
static void store(tw_dtype type)
{
    const size_t size = tw_dtype_size(type);
    unsigned char *p = hot.stored[type] = aligned(ELEMENTS * size);
    for (size_t i = 0; i < ELEMENTS; i++, p += size) {
        const double u = uniform(i);
        const float f = (float)u;
        const uint16_t half = (uint16_t)(0x3800 + i % 0x400), brain = (uint16_t)(0x3f00 + i % 0x80);
        const int16_t word = (int16_t)(1000 * u);
        const int8_t byte = (int8_t)(100 * u);
        const void *const from = type == TW_f64    ? (const void *)&u
                                 : type == TW_f32  ? (const void *)&f
                                 : type == TW_f16  ? (const void *)&half
                                 : type == TW_bf16 ? (const void *)&brain
                                 : type == TW_i16  ? (const void *)&word
                                                   : (const void *)&byte;
        memcpy(p, from, size);
    }
}

static void make_numbers(void)
{
    hot.x = aligned(ELEMENTS * sizeof *hot.x);
    hot.copy = aligned(ELEMENTS * sizeof *hot.copy);
    hot.room = aligned(ELEMENTS * sizeof *hot.room);
    hot.v = aligned(WIDE * COLUMNS * sizeof *hot.v);
    hot.out = aligned(LARGE * LARGE * sizeof *hot.out);
    for (size_t i = 0; i < ELEMENTS; i++) {
        hot.x[i] = uniform(i);
        hot.copy[i] = fabs(uniform(i + ELEMENTS)) + 0x1p-20;
    }
    for (size_t i = 0; i < WIDE * COLUMNS; i++) hot.v[i] = 0.01 * uniform(i);
    for (size_t i = 0; i < ROWS; i++) hot.weight[i] = i % 7 ? 0.5 + (double)(i % 5) : 0;
    for (int t = 0; t < TW_N_DTYPES; t++) store((tw_dtype)t);
}

static void print_build(void)
{
#if defined __clang__
    printf("clang-%d.%d %s\n", __clang_major__, __clang_minor__, HOT_BUILD);
#elif defined __GNUC__
    printf("gcc-%d.%d %s\n", __GNUC__, __GNUC_MINOR__, HOT_BUILD);
#else
    printf("another-compiler %s\n", HOT_BUILD);
#endif
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "build") == 0) {
        print_build();
    } else if (strcmp(what, "run") == 0) {
        hot.k = tw_kernels_get();
        printf("isa %s\n", hot.k->name);
        make_numbers();
        visit_rows();
        visit_doubles();
        visit_models();
    } else {
        fputs("hot build|run\n", stderr);
        return 64;
    }
    return 0;
}
