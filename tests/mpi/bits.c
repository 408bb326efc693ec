/* bits.c -- train every configuration named on the command line and print the hash of its parameters, so that one mpirun
 * tells the bits of many runs.
 *
 *   mpirun -n P bits FOLDER [KEY=VALUE ...] CONFIG.yaml ...      prints "CONFIG xxh3:..." a line, rank 0
 *
 *   bits fma          prints where the C library's fma of this process lies, counted from another function
 *
 * BITS_SHORT_BYTES=N: vectors of more than N bytes are exchanged in the long form.
 * BITS_THREADS=1: each rank tells on stderr how many threads worked at most. */
#include "thalweg/run.h"
#include "thalweg/threads.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The linker puts this between the library and its own function. */
tw_status __real_tw_reduction_new(tw_reduction **, tw_comm *, const tw_partition *, const tw_reduction_plan *);
tw_status __wrap_tw_reduction_new(tw_reduction **, tw_comm *, const tw_partition *, const tw_reduction_plan *);

tw_status __wrap_tw_reduction_new(tw_reduction **out, tw_comm *comm, const tw_partition *partition,
                                  const tw_reduction_plan *plan)
{
    const char *text = getenv("BITS_SHORT_BYTES");
    tw_reduction_plan changed = *plan;
    if (text) changed.short_bytes = strtoul(text, NULL, 10);
    return __real_tw_reduction_new(out, comm, partition, &changed);
}

/* ---- threads: by their own ids, not by what was asked for ---- */

tw_status __real_tw_threads_run(int, tw_thread_work *, void *);
tw_status __wrap_tw_threads_run(int, tw_thread_work *, void *);

typedef struct {
    tw_thread_work *work;
    void *context;
    pthread_t id[TW_THREADS_MOST];
} watched;

static int most_threads = 1;

static tw_status watch(int thread, void *context)
{
    watched *w = context;
    w->id[thread] = pthread_self();
    return w->work(thread, w->context);
}

tw_status __wrap_tw_threads_run(int threads, tw_thread_work *work, void *context)
{
    watched w = {.work = work, .context = context};
    const tw_status status = __real_tw_threads_run(threads, watch, &w);
    int different = 0;
    for (int t = 0; t < threads; t++) {
        int earlier = 0;
        while (earlier < t && !pthread_equal(w.id[earlier], w.id[t])) earlier++;
        different += earlier == t;
    }
    if (different > most_threads) most_threads = different;
    return status;
}

/* ---- runs ---- */

static tw_status train(tw_comm *comm, const char *config, const char *folder, size_t n_sets, char *const *sets)
{
    tw_run run;
    char out[TW_PATH_LEN];
    const char *name = strrchr(config, '/') ? strrchr(config, '/') + 1 : config;
    snprintf(out, sizeof out, "%s/%s", folder, name);
    tw_run_init(&run, comm);
    run.log.quiet = true;
    tw_status status = tw_run_configure(&run, config, n_sets, sets, out);
    if (status == TW_OK) status = tw_run_load(&run);
    if (status == TW_OK) status = tw_run_train(&run);
    if (status == TW_OK && tw_comm_rank(comm) == 0)
        printf("%s xxh3:%016llx\n", name, (unsigned long long)tw_run_hash(&run));
    tw_run_release(&run);
    return status;
}

int main(int argc, char **argv)
{
    tw_comm *comm;
    if (argc == 2 && strcmp(argv[1], "fma") == 0) {
        double (*volatile f)(double, double, double) = fma, (*volatile other)(double, double) = nextafter;
        return printf("%td\n", (char *)(uintptr_t)f - (char *)(uintptr_t)other) < 0;
    }
    tw_dataset_start();
    tw_status status = tw_comm_init(&comm, &argc, &argv);
    size_t n_sets = 0;
    if (status) return (int)status;
    while (2 + (int)n_sets < argc && strchr(argv[2 + n_sets], '=')) n_sets++;
    for (int i = 2 + (int)n_sets; i < argc && status == TW_OK; i++)
        status = train(comm, argv[i], argv[1], n_sets, argv + 2);
    if (status && tw_comm_rank(comm) == 0) fprintf(stderr, "bits: %s\n", tw_status_message());
    if (getenv("BITS_THREADS")) fprintf(stderr, "rank %d: %d threads\n", tw_comm_rank(comm), most_threads);
    tw_comm_release(comm);
    return (int)status;
}
