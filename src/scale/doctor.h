/* doctor.h -- what this machine and this launch are, how fast the four things are that a run depends on, and
 * what follows, in words.
 *
 * The four: reading memory, the gradient over rows in memory, the exchange, reading a file. All ranks measure
 * at once, as they work in a run; how long is agreed by all of them. Nothing is judged against numbers of
 * another machine: memory is the yardstick of what happens on a node. */
#ifndef THALWEG_SCALE_DOCTOR_H
#define THALWEG_SCALE_DOCTOR_H

#include "scale/fit.h"
#include "scale/measure.h"
#include "thalweg/binding.h"
#include "thalweg/objective.h"

#include <jansson.h>
#include <stdio.h>

enum { TW_DOCTOR_COLS = 256, TW_DOCTOR_TYPES = 3, TW_DOCTOR_LINES = 32, TW_DOCTOR_LINE = 512 };

/** What one rank sees around it. Plain bytes, gathered from all. 0 or "": not told, or no limit. */
typedef struct {
    char isa[16];
    char pages[16];       /* transparent huge pages: "always", "madvise", "never" */
    int threads;          /* of the rank */
    int cores, cpus;      /* that it may run on: cores, and their hardware threads */
    int best;             /* of its processor: 0 baseline, 1 AVX2, 2 AVX-512 */
    double quota;         /* processors that the control group grants */
    double memory, free;  /* bytes of the node, and of them free */
    double limit;         /* bytes that the control group grants */
    double address_space; /* bytes, ulimit -v */
    double cache;         /* last level, all of the node */
    double shared;        /* size of /dev/shm */
    double locked;        /* ulimit -l, where it matters: there are adapters of InfiniBand */
    bool plot;            /* gnuplot is there */
} tw_doctor_rank;

/** Bytes a second. */
typedef struct {
    double low, high; /* of a rank while it reads: the slowest, the fastest */
    double total;     /* of all ranks together, from their common start to the end of the last */
    double node;      /* of these on the node with most ranks */
    double alone;     /* a rank's while the others of its node wait; 0: there are no others */
    double bytes;     /* that a rank reads, about */
    bool cached;      /* part of it can stay in the cache */
    long count;
} tw_doctor_read;

/** A pass with its exchange, as the slowest rank sees it. */
typedef struct {
    char model[32];
    tw_dtype type;
    double rows, cols;     /* of all ranks */
    size_t numbers;        /* of its exchange */
    double seconds;        /* median */
    double bytes_a_second; /* of features, all ranks together */
    double rows_a_second;
    double fraction; /* bytes_a_second over what reading memory reaches */
    long count;
} tw_doctor_gradient;

typedef struct {
    tw_reduction_mode mode;
    size_t count;
    tw_measured points[TW_MEASURE_MOST];
    tw_exchange_fit fit; /* NaN on one rank */
} tw_doctor_exchange;

typedef struct {
    bool given;      /* a file of the user; else a temporary one in `folder` */
    bool done;       /* measured; else `why` not */
    tw_dataset data; /* of a given file */
    char folder[TW_PATH_LEN], why[TW_DOCTOR_LINE];
    double bytes;     /* read */
    double cached;    /* share of them that was in the page cache of rank 0 before */
    double written;   /* bytes a second, with fsync; 0 for a given file */
    double raw, rows; /* bytes a second, all ranks together: pread, as it lay; then rows by HDF5 */
    bool trained;
    tw_doctor_gradient gradient; /* a pass over the rows read */
} tw_doctor_file;

typedef struct {
    size_t count;
    char line[TW_DOCTOR_LINES][TW_DOCTOR_LINE];
} tw_doctor_words;

typedef struct {
    tw_comm *comm; /* not owned */
    double seconds;
    bool speed;
    char hdf5[32], mpi[96], launcher[32], job[32];
    double job_left;       /* seconds until a batch job ends; NaN */
    int threads;           /* of the rank, the most of all */
    tw_binding binding;    /* owned, as below */
    tw_doctor_rank *ranks; /* [size] */
    tw_doctor_read read;
    tw_doctor_gradient gradient[TW_DOCTOR_TYPES];
    tw_doctor_exchange exchange[2];
    tw_doctor_file file;
    tw_doctor_words judgement, warnings;
} tw_doctor;

/** What this process sees. Not collective; only the isa and the threads are left to the caller. */
void tw_doctor_look(tw_doctor_rank *rank);

/** mpirun, srun, ... by its variables; "none". To be asked before MPI starts, which sets some of them itself.
 */
const char *tw_doctor_launcher(void);

/** Facts of all ranks: binding, ranks, threads. Collective. TW_MEMORY. */
tw_status tw_doctor_gather(tw_doctor *doctor) TW_CHECKED;
void tw_doctor_release(tw_doctor *doctor);

/** Memory, gradient, exchange; then the file. Collective. TW_MEMORY; TW_STOPPED: asked to end. */
tw_status tw_doctor_measure(tw_doctor *doctor) TW_CHECKED;

/** Describe the file of that name, on every rank. Collective.
 * @param probed what tw_probe_dataset said on rank 0 before MPI started
 * @return that, or those of tw_dataset_open and tw_node_file_compare
 */
tw_status tw_doctor_open(tw_doctor *doctor, const char *path, tw_status probed) TW_CHECKED;

/** The file, or a temporary one. Collective; errors as the reading has them, but none for a folder that
 * refuses: then `why`. */
tw_status tw_doctor_measure_file(tw_doctor *doctor, double seconds) TW_CHECKED;

/* ---- the parts of a measurement ---- */

/** A model and its rows, ready for tw_objective_eval. */
typedef struct {
    tw_partition partition;
    tw_shard shard;
    tw_model model;
    tw_scaling scaling;
    tw_objective objective;
    double *w, *g; /* [n] */
} tw_doctor_problem;

/** Model, objective and point for rows that are there: problem's partition and shard. Collective. TW_MEMORY.
 */
tw_status tw_doctor_problem_make(tw_doctor_problem *problem, const tw_doctor *doctor, const tw_model_ops *ops,
                                 size_t classes) TW_CHECKED;
void tw_doctor_problem_release(tw_doctor_problem *problem);

/** Time passes over it. Collective. */
tw_status tw_doctor_time_passes(const tw_doctor *doctor, double seconds, tw_doctor_problem *problem,
                                tw_doctor_gradient *gradient) TW_CHECKED;

/** Bytes a rank may take for a measurement, the same on every rank, from the memory that is free. */
tw_status tw_doctor_room(const tw_doctor *doctor, double *bytes) TW_CHECKED;

/* ---- words; rank 0 alone ---- */

void tw_doctor_say(tw_doctor_words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Fill in judgement and warnings. */
void tw_doctor_judge(tw_doctor *doctor);
void tw_doctor_warn(tw_doctor *doctor);

/** Seconds of an exchange of so many numbers, between the lengths that were measured. */
double tw_doctor_exchange_seconds(const tw_doctor_exchange *exchange, double numbers);

/** "gcc 12.2.0, optimised, no contraction, OpenMP": what the arithmetic and the speed depend on. */
const char *tw_doctor_compiler(size_t length, char *text);

/** The instruction sets that were built, "avx512 avx2 baseline". */
const char *tw_doctor_built(void);

void tw_doctor_print_facts(const tw_doctor *doctor, FILE *out);
void tw_doctor_print_speeds(const tw_doctor *doctor, FILE *out);
void tw_doctor_print_words(const tw_doctor *doctor, FILE *out);

/** NULL: out of memory. */
json_t *tw_doctor_json(const tw_doctor *doctor);

#endif
