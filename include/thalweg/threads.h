/* threads.h -- the threads of a rank: run one piece of work by each of them, and come back.
 *
 * A pass divides what it has into as many contiguous runs as there are threads; which thread has which run
 * can change no bit. OpenMP does the work where the program was built with it (OMP_PLACES and OMP_PROC_BIND
 * pin its threads); without it the runs are done one after another. Nothing here is collective. */
#ifndef THALWEG_THREADS_H
#define THALWEG_THREADS_H

#include "thalweg/status.h"

#include <stdbool.h>
#include <stdint.h>

enum { TW_THREADS_MOST = 1024 };

/** The work of thread `thread`: 0 is the caller itself. It may fail by tw_fail. */
typedef tw_status tw_thread_work(int thread, void *context);

/**
 * Run work(0 .. threads - 1) and wait for all. With one thread a plain call.
 * @param threads 1 .. TW_THREADS_MOST
 * @return TW_OK, or the code and sentence of the lowest thread that failed. Cost: some microseconds.
 */
tw_status tw_threads_run(int threads, tw_thread_work *work, void *context) TW_CHECKED;

/** Was the program built with threads? */
bool tw_threads_built(void);

/**
 * How many threads a rank has: wanted when it is not 0, else OMP_NUM_THREADS, else SLURM_CPUS_PER_TASK, else
 * 1. A variable that is no whole number from 1 to TW_THREADS_MOST counts as not set; of a list (8,2) the
 * first.
 */
int tw_threads_choose(int64_t wanted);

/** First of the items [0, count) of thread t of n: floor(count t / n); t = n gives count. */
static inline int64_t tw_threads_first(int64_t count, int t, int n)
{
    return count / n * t + count % n * t / n;
}

#endif
