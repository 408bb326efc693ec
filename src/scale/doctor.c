/* The facts of all ranks, gathered; and what the program itself was built with. */
#include "scale/doctor.h"

#include "thalweg/kernels.h"
#include "thalweg/node_file.h"
#include "thalweg/threads.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

static void note_job(tw_doctor *d)
{
    const char *job = getenv("SLURM_JOB_ID"), *end = getenv("SLURM_JOB_END_TIME");
    d->job_left = NAN;
    snprintf(d->job, sizeof d->job, "%s", job ? job : "");
    if (job && end && strtod(end, NULL) > 0) d->job_left = fmax(0, strtod(end, NULL) - (double)time(NULL));
}

tw_status tw_doctor_gather(tw_doctor *d)
{
    const size_t size = (size_t)tw_comm_size(d->comm);
    size_t *sizes = malloc(size * sizeof *sizes);
    tw_doctor_rank own;
    d->ranks = malloc(size * sizeof *d->ranks);
    tw_status status =
        d->ranks && sizes ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the facts of %zu ranks", size);
    status = tw_comm_agree(d->comm, status);
    if (status == TW_OK) {
        tw_doctor_look(&own);
        own.threads = tw_threads_choose(0);
        snprintf(own.isa, sizeof own.isa, "%s", tw_kernels_get()->name);
        for (size_t r = 0; r < size; r++) sizes[r] = sizeof own;
        status = tw_comm_allgather(d->comm, &own, sizes, d->ranks);
    }
    free(sizes);
    TW_TRY(status);
    for (size_t r = 0; r < size; r++)
        if (d->ranks[r].threads > d->threads) d->threads = d->ranks[r].threads;
    note_job(d);
    tw_comm_library(sizeof d->mpi, d->mpi);
    return tw_binding_gather(&d->binding, d->comm);
}

void tw_doctor_release(tw_doctor *d)
{
    tw_dataset_release(&d->file.data);
    tw_binding_release(&d->binding);
    free(d->ranks);
    d->ranks = NULL;
}

tw_status tw_doctor_open(tw_doctor *d, const char *path, tw_status probed)
{
    const tw_dataset_names names = {0};
    tw_status status = probed;
    if (tw_comm_rank(d->comm) == 0 && status == TW_OK)
        status = tw_dataset_open(&d->file.data, path, &names, NULL);
    status = tw_comm_bcast_status(d->comm, 0, status);
    TW_TRY(tw_node_file_compare(d->comm, path)); /* it may be there on other nodes */
    TW_TRY(status);
    d->file.given = true;
    return tw_dataset_share(&d->file.data, d->comm);
}

void tw_doctor_say(tw_doctor_words *w, const char *format, ...)
{
    va_list arguments;
    if (w->count == TW_DOCTOR_LINES) return;
    va_start(arguments, format);
    vsnprintf(w->line[w->count++], TW_DOCTOR_LINE, format, arguments);
    va_end(arguments);
}

#ifdef __clang__
#define COMPILER ""
#else
#define COMPILER "gcc "
#endif
#ifdef __OPTIMIZE__
#define OPTIMISED "optimised"
#else
#define OPTIMISED "not optimised"
#endif

const char *tw_doctor_compiler(size_t length, char *text)
{
    snprintf(text, length, "%s%s, %s, no contraction, %s", COMPILER, __VERSION__, OPTIMISED,
             tw_threads_built() ? "OpenMP" : "no OpenMP");
    return text;
}

const char *tw_doctor_built(void)
{
#ifdef TW_X86
    return "avx512 avx2 baseline";
#else
    return "baseline";
#endif
}
