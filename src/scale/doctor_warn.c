/* What is wrong with this launch or this machine, a sentence each, with what to type. Comparisons are with
 * other numbers of the same machine only. */
#include "scale/doctor.h"

#include "thalweg/threads.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS_FEATURE(address_sanitizer) || \
    HAS_FEATURE(thread_sanitizer) || HAS_FEATURE(memory_sanitizer)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif
#ifdef __OPTIMIZE__
enum { OPTIMISED = 1 };
#else
enum { OPTIMISED = 0 };
#endif

static const char *s(long count)
{
    return count == 1 ? "" : "s";
}

static void warn_build(tw_doctor *d)
{
    tw_doctor_words *w = &d->warnings;
    if (SANITIZED)
        tw_doctor_say(w, "built with a sanitizer: the speeds mean nothing");
    else if (!OPTIMISED)
        tw_doctor_say(w, "built without optimisation: configure with cmake --preset release");
    const char *asked = getenv("OMP_NUM_THREADS");
    if (!tw_threads_built() && asked && strtol(asked, NULL, 10) > 1)
        tw_doctor_say(w, "OMP_NUM_THREADS=%.20s has no effect: built without OpenMP, a rank has one thread",
                      asked);
}

static bool open_mpi(const tw_doctor *d)
{
    return strncmp(d->mpi, "Open MPI", 8) == 0 && strcmp(d->launcher, "mpirun") == 0;
}

/* The first node's ranks each with so many threads, or an even share of the cores. */
static void say_how_to_bind(tw_doctor *d, const tw_doctor_rank *r, const char *what)
{
    int least, most;
    tw_comm_ranks_a_node(d->comm, &least, &most);
    const int cores = d->binding.nodes[0].cores, ranks = tw_comm_size(d->comm);
    char how[160];
    if (strcmp(d->launcher, "srun") == 0)
        snprintf(how, sizeof how, "start with srun -n %d --cpus-per-task=%d --cpu-bind=cores", ranks,
                 r->threads);
    else if (most * r->threads <= cores)
        snprintf(how, sizeof how,
                 "start with mpirun -n %d --map-by ppr:%d:node:pe=%d --bind-to core, or mpirun -n %d "
                 "--bind-to none",
                 ranks, most, r->threads, ranks);
    else
        snprintf(how, sizeof how, "set OMP_NUM_THREADS=%d, a thread a core",
                 cores / most > 1 ? cores / most : 1);
    tw_doctor_say(&d->warnings, "%s: %s", what, how);
}

/* Threads that have to take turns on the cores of their rank. */
static void warn_threads(tw_doctor *d)
{
    const int ranks = tw_comm_size(d->comm);
    char what[320];
    int least = d->threads;
    for (int r = 0; r < ranks; r++)
        if (d->ranks[r].threads < least) least = d->ranks[r].threads;
    if (least < d->threads)
        tw_doctor_say(&d->warnings,
                      "the ranks do not have equally many threads, but %d to %d: the slowest decides", least,
                      d->threads);
    for (int r = 0; r < ranks; r++) {
        const tw_doctor_rank *rank = &d->ranks[r];
        if (rank->cores == 0 || rank->threads <= rank->cores) continue;
        const bool habit = open_mpi(d) && rank->cores == 1 && ranks <= 2;
        snprintf(what, sizeof what, "the %d threads of rank %d share %d core%s%s", rank->threads, r,
                 rank->cores, s(rank->cores),
                 habit ? " (Open MPI binds each rank to one core when there are two or fewer)" : "");
        say_how_to_bind(d, rank, what);
        return;
    }
}

static void warn_binding(tw_doctor *d)
{
    const tw_binding *b = &d->binding;
    if (b->overlap[0] >= 0)
        tw_doctor_say(&d->warnings,
                      "ranks %d and %d on %s are both bound to core %s: give each rank its own, by mpirun "
                      "--bind-to core or srun --cpu-bind=cores",
                      b->overlap[0], b->overlap[1], tw_comm_host_of(d->comm, b->overlap[0]),
                      b->overlap_cores);
    for (int i = 0, first = 0; i < b->n_nodes; first += b->nodes[i++].ranks) {
        const tw_binding_node *node = &b->nodes[i];
        const tw_doctor_rank *at = &d->ranks[first];
        const char *host = tw_comm_host_of(d->comm, first);
        int threads = 0;
        bool fit = true; /* else told of the rank */
        for (int r = first; r < first + node->ranks; r++) {
            threads += d->ranks[r].threads;
            fit = fit && d->ranks[r].threads <= d->ranks[r].cores;
        }
        if (node->allowed > 0 && node->ranks > node->allowed)
            tw_doctor_say(&d->warnings, "oversubscribed: %d ranks on %d core%s of %s", node->ranks,
                          node->allowed, s(node->allowed), host);
        else if (node->allowed > 0 && threads > node->allowed && fit)
            tw_doctor_say(&d->warnings, "oversubscribed: %d threads of %d rank%s on %d core%s of %s", threads,
                          node->ranks, s(node->ranks), node->allowed, s(node->allowed), host);
        if (at->quota > 0 && at->quota < threads)
            tw_doctor_say(&d->warnings,
                          "the control group of %s grants the time of %.3g processors to %d thread%s", host,
                          at->quota, threads, s(threads));
    }
}

static void warn_machine(tw_doctor *d)
{
    static const char *const names[] = {"baseline", "avx2", "avx512"};
    bool slow = false, small = false, locked = false;
    for (int r = 0; r < tw_comm_size(d->comm); r++) {
        const tw_doctor_rank *rank = &d->ranks[r];
        const char *host = tw_comm_host_of(d->comm, r), *forced = getenv("THALWEG_ISA");
        if (!slow && rank->best > 0 && strcmp(rank->isa, "baseline") == 0) {
            slow = true;
            tw_doctor_say(&d->warnings, "the baseline instruction set is in use, though %s has %s%s", host,
                          names[rank->best], forced && *forced ? ": unset THALWEG_ISA" : "");
        }
        if (!small && strcmp(rank->pages, "never") == 0) {
            small = true;
            tw_doctor_say(&d->warnings,
                          "no transparent huge pages on %s: ask its administrator for madvise in "
                          "/sys/kernel/mm/transparent_hugepage/enabled",
                          host);
        }
        if (!locked && rank->locked > 0) {
            locked = true;
            tw_doctor_say(&d->warnings,
                          "%s has InfiniBand, but ulimit -l is %.0f KiB: it should be unlimited", host,
                          (rank->locked - 1) / 1024);
        }
    }
}

/* ---- speeds ---- */

static void warn_ranks(tw_doctor *d)
{
    const tw_doctor_read *r = &d->read;
    const int ranks = tw_comm_size(d->comm);
    if (ranks > 1 && r->low < 0.5 * r->total / ranks)
        tw_doctor_say(
            &d->warnings,
            "one rank reads memory at %.3g GB/s, the ranks on average at %.3g: it holds up all others",
            1e-9 * r->low, 1e-9 * r->total / ranks);
}

/* On one node the longest exchange is a matter of memory. */
static void warn_exchange(tw_doctor *d)
{
    enum { FEW_TIMES = 30, ENOUGH = 4096 };
    if (tw_comm_size(d->comm) == 1 || tw_comm_nodes(d->comm) > 1) return;
    const tw_doctor_exchange *e = &d->exchange[0];
    const tw_measured *p = &e->points[e->count > 0 ? e->count - 1 : 0];
    if (p->length < ENOUGH) return; /* shorter ones are a matter of latency */
    const double ideal = p->cost.memory / d->read.node;
    if (p->seconds > FEW_TIMES * ideal)
        tw_doctor_say(
            &d->warnings,
            "an exchange of %zu numbers takes %.4g ms, %.0f times what the memory it moves takes: %s",
            p->length, 1e3 * p->seconds, p->seconds / ideal,
            d->binding.crowded >= 0 ? "the ranks wait for cores" : "the ranks wait for each other");
}

static void warn_file(tw_doctor *d)
{
    enum { MANY_TIMES = 500 };
    const tw_doctor_file *f = &d->file;
    if (!f->done || !(f->raw > 0) || !(f->raw * MANY_TIMES < d->read.total)) return;
    tw_doctor_say(&d->warnings,
                  "the file is read at %.3g GB/s, %.0f times slower than memory: loading will take its time",
                  1e-9 * f->raw, d->read.total / f->raw);
}

void tw_doctor_warn(tw_doctor *d)
{
    warn_build(d);
    warn_binding(d);
    warn_threads(d);
    warn_machine(d);
    if (!d->speed) return;
    warn_ranks(d);
    warn_exchange(d);
    warn_file(d);
}
