/* probe.h -- a first look at files in a child process, so that a damaged one cannot take a rank down.
 *
 * The HDF5 library crashes, hangs or asks for all memory on some damaged files. Whoever is going to be rank 0
 * looks at them before MPI starts (after that a process must not fork), in a child with limits: the child
 * calls the very functions that the ranks will call, and its verdict and sentence come back. Nothing in this
 * header is collective, and nothing here may be called between MPI_Init and MPI_Finalize. */
#ifndef THALWEG_PROBE_H
#define THALWEG_PROBE_H

#include "thalweg/dataset.h"

#include <stddef.h>
#include <stdint.h>

/** Data sets smaller than this are read whole by the probe, whatever their storage. */
#define TW_PROBE_SMALL ((uint64_t)64 << 20)

typedef struct {
    double processor; /* seconds of computing, then the child hangs; 0: no limit */
    double clock;     /* seconds in all; 0: no limit */
    uint64_t memory;  /* bytes of address space beyond what the process has; 0: no limit */
    bool output;      /* the child may write: it keeps stdout and stderr */
} tw_probe_limits;

/** What the child does; its status and sentence are those of tw_probe_run. */
typedef tw_status (*tw_probe_work)(void *context);

/**
 * Limits for files of these names together: 3 s of computing and 60 s in all, and 1 s and 4 s more for every
 * 20 MB; memory of 1 GiB and four times the files, at most three quarters of what the machine has.
 * @param paths [n]; NULL and names that lead nowhere count nothing
 */
tw_probe_limits tw_probe_limits_for(size_t n, const char *const *paths);

/**
 * Run work(context) in a child process.
 *
 * The child has no core dump, dies with its parent, and without `output` it can write nothing (where the
 * kernel has Landlock; else it only cannot make a file larger). What it allocates or changes is lost.
 * @param number out, may be NULL: the signal that ended the child, or 0
 * @return what work returned, with its sentence; TW_DATA for a crash or a hang, naming the file and what
 * tw_probe_doing said last; TW_MEMORY when the child was killed for want of memory, or cannot be started.
 * Cost: about a millisecond and the work.
 */
tw_status tw_probe_run(const tw_probe_limits *limits, tw_probe_work work, void *context,
                       int *number) TW_CHECKED;

/** In the child: what it does next, to which file, for the sentence of a crash: "reading its structure". */
void tw_probe_doing(const char *path, const char *what);

/** In the child: this much is going to be decoded, so it may take longer. */
void tw_probe_expect(uint64_t bytes);

/**
 * In the child: after tw_dataset_open, read what a crash could hide in. Data sets below TW_PROBE_SMALL are
 * read as a rank reads them; larger ones only if their chunks are indexed by the old format of HDF5, which
 * has no checksums; contiguous values cannot crash anything.
 * @param names also /feature_names and /classes
 * @return TW_OK, and what tw_shard_read and tw_dataset_strings return.
 */
tw_status tw_probe_read(const tw_dataset *dataset, bool names) TW_CHECKED;

/** A probe of one data file on its own: tw_dataset_open and tw_probe_read in a child. */
tw_status tw_probe_dataset(const char *path, const tw_dataset_names *names,
                           const tw_probe_limits *limits) TW_CHECKED;

#endif
