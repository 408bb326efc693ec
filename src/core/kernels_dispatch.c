/* kernels_dispatch.c -- which table of inner loops this process runs: the best of the machine, or
 * THALWEG_ISA.
 *
 * All tables give the same bits, so a bad wish is worth a line, not an error, and not a line per rank. */
#include "core/kernels_isa.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const tw_kernels *chosen;

#if defined(__x86_64__) && defined(TW_X86)
#include <cpuid.h>

static bool runs_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C) != 0;
}

static bool runs_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && runs_f16c();
}

static bool runs_avx512(void)
{
    return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512cd");
}
#endif

static bool runs_baseline(void)
{
    return true;
}

static const struct {
    const tw_kernels *table;
    bool (*runs)(void);
} built[] = {
#define X(isa) {&tw_kernels_##isa, runs_##isa},
    TW_ISAS(X)
#undef X
};

enum { N_BUILT = sizeof built / sizeof built[0] };

const tw_kernels *tw_kernels_find(const char *name)
{
    for (int i = 0; i < N_BUILT; i++)
        if (strcmp(built[i].table->name, name) == 0) return built[i].runs() ? built[i].table : NULL;
    return NULL;
}

static const tw_kernels *best(void)
{
    for (int i = 0; i < N_BUILT; i++)
        if (built[i].runs()) return built[i].table;
    return &tw_kernels_baseline;
}

/* The launcher's own number comes first: under mpirun inside a Slurm job every rank has SLURM_PROCID 0. */
static bool speaks(void)
{
    static const char *const rank[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"};
    for (size_t i = 0; i < sizeof rank / sizeof rank[0]; i++) {
        const char *value = getenv(rank[i]);
        if (value != NULL) return strcmp(value, "0") == 0;
    }
    return true;
}

static void choose(void)
{
    const char *wish = getenv("THALWEG_ISA");
    chosen = best();
    if (wish == NULL || *wish == '\0') return;
    const tw_kernels *wished = tw_kernels_find(wish);
    if (wished != NULL)
        chosen = wished;
    else if (speaks())
        fprintf(stderr,
                "thalweg: THALWEG_ISA=%.40s is not an instruction set this machine can run; using %s "
                "(the results are the same)\n",
                wish, chosen->name);
}

const tw_kernels *tw_kernels_get(void)
{
    pthread_once(&once, choose);
    return chosen;
}
