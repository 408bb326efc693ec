#include "thalweg/threads.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef _OPENMP
#include <omp.h>
#endif

bool tw_threads_built(void)
{
#ifdef _OPENMP
    return true;
#else
    return false;
#endif
}

/* What the threads of one call tell the caller. */
typedef struct {
    int lowest; /* thread that failed */
    tw_status status;
    char message[TW_MESSAGE_LEN]; /* sentences belong to their threads */
} verdict;

static void note(int t, tw_status status, verdict *v)
{
    if (t >= v->lowest) return;
    v->lowest = t;
    v->status = status;
    snprintf(v->message, sizeof v->message, "%s", tw_status_message());
}

static void do_share(int first, int stride, int threads, tw_thread_work *work, void *context, verdict *v)
{
    for (int t = first; t < threads; t += stride) {
        const tw_status status = work(t, context);
        if (status == TW_OK) continue;
#ifdef _OPENMP
#pragma omp critical(tw_threads_verdict)
#endif
        note(t, status, v);
    }
}

/* A function of its own: clang's OpenMP starts where a function with a parallel region is entered, and one
 * thread is also what a process has that may not make the files it starts with. */
__attribute__((noinline)) static void do_all(int threads, tw_thread_work *work, void *context, verdict *v)
{
#ifdef _OPENMP
#pragma omp parallel num_threads(threads)
    do_share(omp_get_thread_num(), omp_get_num_threads(), threads, work, context, v);
#else
    do_share(0, 1, threads, work, context, v);
#endif
}

tw_status tw_threads_run(int threads, tw_thread_work *work, void *context)
{
    verdict v = {.lowest = threads, .status = TW_OK};
    if (threads == 1) return work(0, context);
    do_all(threads, work, context, &v);
    return v.status == TW_OK ? TW_OK : tw_fail(v.status, "%s", v.message);
}

static int from_environment(const char *name)
{
    const char *text = getenv(name);
    char *end;
    if (!text) return 0;
    const long n = strtol(text, &end, 10);
    return end != text && (*end == '\0' || *end == ',') && n >= 1 && n <= TW_THREADS_MOST ? (int)n : 0;
}

int tw_threads_choose(int64_t wanted)
{
    if (!tw_threads_built()) return 1;
    if (wanted > 0) return (int)wanted;
    const int openmp = from_environment("OMP_NUM_THREADS"), slurm = from_environment("SLURM_CPUS_PER_TASK");
    return openmp ? openmp : slurm ? slurm : 1;
}
