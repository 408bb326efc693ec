/* The two yardsticks of roof.h, each as one loop that is compiled three times. */
#include "roof.h"

#include <string.h>
#include <time.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { ACCUMULATORS = 8, STEP = 512, PAGE = 4096, PAGES = 4, PAIR = 128 };

double roof_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Sums of vectors of `width` bytes, as many as fit eight registers. */
#define READ(isa, attribute, width)                                                                \
    typedef uint64_t word_##isa __attribute__((vector_size(width), may_alias));                    \
    attribute static uint64_t read_##isa(const char *x, size_t bytes, roof_way way)                \
    {                                                                                              \
        word_##isa a[ACCUMULATORS] = {{0}}, all = {0};                                             \
        uint64_t lanes[width / 8], sum = 0;                                                        \
        size_t i = 0;                                                                              \
        for (; way == ROOF_PAGES && i + PAGES * PAGE <= bytes; i += PAGES * PAGE)                  \
            for (size_t at = 0; at < PAGE; at += PAIR)                                             \
                for (size_t p = 0; p < PAGES; p++) {                                               \
                    const char *from = x + i + p * PAGE + at;                                      \
                    __builtin_prefetch(from + PAGES * PAGE);                                       \
                    __builtin_prefetch(from + PAGES * PAGE + PAIR / 2);                            \
                    for (size_t k = 0; k < PAIR; k += width)                                       \
                        a[2 * p + k / width % 2] += *(const word_##isa *)(const void *)(from + k); \
                }                                                                                  \
        for (; i + STEP <= bytes; i += STEP) {                                                     \
            if (way == ROOF_AHEAD)                                                                 \
                for (size_t k = 0; k < STEP; k += 64) __builtin_prefetch(x + i + k + PAGE);        \
            for (size_t k = 0; k < STEP; k += ACCUMULATORS * width)                                \
                for (size_t l = 0; l < ACCUMULATORS; l++)                                          \
                    a[l] += *(const word_##isa *)(const void *)(x + i + k + l * width);            \
        }                                                                                          \
        for (size_t l = 0; l < ACCUMULATORS; l++) all += a[l];                                     \
        memcpy(lanes, &all, width);                                                                \
        for (size_t l = 0; l < width / 8; l++) sum += lanes[l];                                    \
        return sum;                                                                                \
    }

/* x = x a + b on each chain; it tends to b / (1 - a) and stays an ordinary number. */
#define MULTIPLY_ADDS(isa, attribute, vector, set1, fma, store, lanes_)   \
    attribute static double multiply_adds_##isa(long units)               \
    {                                                                     \
        const vector a = set1(0.999), b = set1(1e-3);                     \
        vector x[ROOF_CHAINS];                                            \
        double lanes[lanes_], sum = 0;                                    \
        for (int c = 0; c < ROOF_CHAINS; c++) x[c] = set1(c);             \
        for (long i = 0; i < units; i++)                                  \
            for (int c = 0; c < ROOF_CHAINS; c++) x[c] = fma(x[c], a, b); \
        for (int c = 0; c < ROOF_CHAINS; c++) {                           \
            store(lanes, x[c]);                                           \
            for (int l = 0; l < lanes_; l++) sum += lanes[l];             \
        }                                                                 \
        return sum;                                                       \
    }

typedef double pair __attribute__((vector_size(16)));
#define PAIR_SET1(v)      ((pair){(v), (v)})
#define PAIR_FMA(x, a, b) ((x) * (a) + (b))
#define PAIR_STORE(p, v)  memcpy((p), &(v), 16)
#define ANY_MACHINE       __attribute__((noinline))
READ(baseline, ANY_MACHINE, 16)
MULTIPLY_ADDS(baseline, ANY_MACHINE, pair, PAIR_SET1, PAIR_FMA, PAIR_STORE, 2)

#ifdef __x86_64__
#define WITH(features) __attribute__((noinline, target(features)))
READ(avx2, WITH("avx2,fma"), 32)
READ(avx512, WITH("avx512f"), 64)
MULTIPLY_ADDS(avx2, WITH("avx2,fma"), __m256d, _mm256_set1_pd, _mm256_fmadd_pd, _mm256_storeu_pd, 4)
MULTIPLY_ADDS(avx512, WITH("avx512f"), __m512d, _mm512_set1_pd, _mm512_fmadd_pd, _mm512_storeu_pd, 8)
#endif

typedef struct {
    const char *name;
    int lanes;
    uint64_t (*read)(const char *x, size_t bytes, roof_way way);
    double (*multiply_adds)(long units);
} loops;

static const loops *widest(void)
{
    static const loops baseline = {"baseline", 2, read_baseline, multiply_adds_baseline};
#ifdef __x86_64__
    static const loops avx512 = {"avx512", 8, read_avx512, multiply_adds_avx512};
    static const loops avx2 = {"avx2", 4, read_avx2, multiply_adds_avx2};
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f")) return &avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &avx2;
#endif
    return &baseline;
}

const char *roof_vectors(void)
{
    return widest()->name;
}

uint64_t roof_read(const void *x, size_t bytes, roof_way way)
{
    return widest()->read(x, bytes, way);
}

double roof_multiply_adds(long units, double *sum)
{
    const loops *l = widest();
    *sum += l->multiply_adds(units);
    return 2.0 * ROOF_CHAINS * (double)l->lanes * (double)units;
}
