/* Reading memory and nothing else. The sums have eight chains of their own, so that no addition waits. */
#include "scale/memory_read.h"

#include "thalweg/threads.h"

#include <stdlib.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

void *tw_memory_allocate(size_t bytes)
{
    const size_t rounded = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *p = aligned_alloc(HUGE_PAGE, rounded ? rounded : HUGE_PAGE);
    if (p) madvise(p, rounded, MADV_HUGEPAGE);
    return p;
}

/* Vectors as wide as the registers: wider ones would go through memory. */
#define READ(name, width, attribute)                                                               \
    attribute static uint64_t name(size_t bytes, const void *memory)                               \
    {                                                                                              \
        typedef uint64_t lanes __attribute__((vector_size(width), may_alias));                     \
        const lanes *at = memory, *end = at + bytes / TW_MEMORY_TURN * (TW_MEMORY_TURN / (width)); \
        lanes a = {0}, b = {0}, c = {0}, d = {0}, e = {0}, f = {0}, g = {0}, h = {0};              \
        uint64_t sum = 0;                                                                          \
        for (; at < end; at += 8) {                                                                \
            a += at[0];                                                                            \
            b += at[1];                                                                            \
            c += at[2];                                                                            \
            d += at[3];                                                                            \
            e += at[4];                                                                            \
            f += at[5];                                                                            \
            g += at[6];                                                                            \
            h += at[7];                                                                            \
        }                                                                                          \
        a += b + c + d + e + f + g + h;                                                            \
        for (size_t i = 0; i < (width) / sizeof sum; i++) sum += a[i];                             \
        return sum;                                                                                \
    }
READ(read_baseline, 16, )
#ifdef TW_X86
READ(read_avx2, 32, __attribute__((target("avx2"))))
READ(read_avx512, 64, __attribute__((target("avx512f"))))
#endif

int tw_memory_read_best(void)
{
#ifdef TW_X86
    if (__builtin_cpu_supports("avx512f")) return 2;
    if (__builtin_cpu_supports("avx2")) return 1;
#endif
    return 0;
}

uint64_t tw_memory_read_as(int level, size_t bytes, const void *memory)
{
#ifdef TW_X86
    if (level == 2) return read_avx512(bytes, memory);
    if (level == 1) return read_avx2(bytes, memory);
#endif
    (void)level;
    return read_baseline(bytes, memory);
}

uint64_t tw_memory_read(size_t bytes, const void *memory)
{
    return tw_memory_read_as(tw_memory_read_best(), bytes, memory);
}

typedef struct {
    int threads;
    size_t turns;
    const char *memory;
    uint64_t sum[TW_THREADS_MOST];
} task;

static tw_status read_part(int thread, void *context)
{
    task *t = context;
    const size_t first = (size_t)tw_threads_first((int64_t)t->turns, thread, t->threads),
                 end = (size_t)tw_threads_first((int64_t)t->turns, thread + 1, t->threads);
    t->sum[thread] = tw_memory_read((end - first) * TW_MEMORY_TURN, t->memory + first * TW_MEMORY_TURN);
    return TW_OK;
}

tw_status tw_memory_read_threads(int threads, size_t bytes, const void *memory, uint64_t *sum)
{
    task t = {.threads = threads, .turns = bytes / TW_MEMORY_TURN, .memory = memory};
    TW_TRY(tw_threads_run(threads, read_part, &t));
    *sum = 0;
    for (int i = 0; i < threads; i++) *sum += t.sum[i];
    return TW_OK;
}
