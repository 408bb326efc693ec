/* shard.h -- the contiguous rows a rank owns, in the type they are stored in.
 *
 * Features are never padded, scaled or converted in memory; kernels see blocks of the shard. Memory:
 * rows * (cols * size of the type + 8) bytes, + 8 a row with weights. */
#ifndef THALWEG_SHARD_H
#define THALWEG_SHARD_H

#include "thalweg/comm.h"
#include "thalweg/dataset.h"
#include "thalweg/partition.h"

/* Keeps the seeds of labels and weights apart from those of features. */
#define TW_SHARD_PRINT_COLUMNS 0x9e3779b97f4a7c15u

typedef struct {
    tw_dtype type;
    void *x;            /* [rows][cols] row-major; owned */
    double *y, *weight; /* [rows]; y NULL without labels, weight NULL when all are 1; owned */
    struct tw_label_set
        *words; /* labels are indices into these, until they are classes; NULL: numbers; owned */
    size_t rows, cols;
    int64_t first;  /* row of the data set that row 0 is */
    uint32_t *part; /* [rows] 0, or the part (validation, fold) that a row is kept for; NULL: all 0; owned */
    uint32_t without;       /* rows of this part do not take part in training and its statistics; 0: none */
    int64_t missing;        /* features that are NaN, when the data set allows them */
    unsigned char *dropped; /* [rows] 1: takes no part anywhere; NULL: none; owned */
    uint64_t print[2];      /* sums of the hashes of the rows as they were read, modulo 2^64 */
} tw_shard;

/** A view of up to TW_BLOCK_ROWS consecutive rows of one group: what a model sees. The shard owns the memory.
 */
typedef struct {
    tw_dtype type;
    const void *x;            /* [rows][cols] */
    const double *y, *weight; /* [rows]; weight may be NULL: all 1; a row of weight 0 takes no part */
    double
        *z; /* [rows][outputs] margins: left here by loss_grad, read by hessian_vector; NULL: nobody asks */
    size_t rows, cols;
} tw_block;

/**
 * Read rows [first, first + rows) of the data set and check that every number is finite and every weight >=
 * 0.
 *
 * Where the data set says that features may be missing, such features become NaN in x; tw_shard_fill
 * (missing.h) has to follow. Features are rounded once, to nearest and ties to even, where the type in memory
 * is another one than in the file.
 *
 * Features whose place the dataset knows (its offset) are read at the speed of the file system, in pieces of
 * about 1 MiB that are checked and hashed while they are in cache; others go through HDF5, in pieces that end
 * with its chunks. Not collective: the caller must agree before the next collective.
 * @return TW_OK; TW_INPUT, TW_DATA (names file row and column), TW_IO, TW_MEMORY, TW_STOPPED (asked for by
 * interrupt.h). On failure the shard is empty.
 */
tw_status tw_shard_read(tw_shard *shard, const tw_dataset *dataset, int64_t first, int64_t rows) TW_CHECKED;

/**
 * The same by the threads of a rank, each into memory that it has touched first. What HDF5 must read is read
 * by the caller alone, after that touch. Of several rows of features that are wrong the first of the file is
 * named, whatever the number of threads.
 *
 * @param threads as in threads.h
 * @param start   [threads + 1] rows, ascending: thread t has [start[t], start[t + 1]), perhaps none
 */
tw_status tw_shard_read_threads(tw_shard *shard, const tw_dataset *dataset, int threads,
                                const int64_t *start) TW_CHECKED;

/** The same for a rank of a partition: each thread has the rows of the groups that it is going to sum. */
tw_status tw_shard_read_groups(tw_shard *shard, const tw_dataset *dataset, const tw_partition *partition,
                               int rank, int threads) TW_CHECKED;

/**
 * How many threads that rank should have: wanted when it is not 0, else what the environment says
 * (threads.h), as far as there is work for them. Not collective.
 */
int tw_shard_threads(const tw_dataset *dataset, const tw_partition *partition, int rank, int64_t wanted);

void tw_shard_release(tw_shard *shard);

/**
 * What the data are: 128 bits over the values of all rows in their order.
 *
 * Row r of the file adds XXH3-128 with seed r over its features in memory and, with seed r ^
 * TW_SHARD_PRINT_COLUMNS, over its label and weight as two doubles, -0.0 for a column that is not there; both
 * halves of the hashes are added modulo 2^64, so neither ranks nor groups show. The digest is XXH3-128 of
 * seven 64-bit words: the two sums, rows, columns, type, 1 with labels, 1 with weights. Labels count as the
 * file has them, before tw_shard_encode; names, layout, filters and byte order of the file do not count. -0
 * and 0 differ. Integrity, not authenticity: nothing holds against an adversary.
 *
 * Collective. Every row must be in one shard of one rank, as tw_shard_read left it (rows may be encoded or
 * assigned to parts since); a rank may have none.
 * @param digest out: [16], the same on every rank
 * @return TW_OK; TW_MEMORY. Cost: one gather of 16 bytes a rank.
 */
tw_status tw_shard_fingerprint(const tw_shard *shard, const tw_dataset *dataset, tw_comm *comm,
                               unsigned char digest[16]) TW_CHECKED;

/** Does row i take part in training? Not collective. */
static inline bool tw_shard_trains(const tw_shard *shard, size_t i)
{
    if (shard->dropped && shard->dropped[i]) return false;
    return !shard->without || !shard->part || shard->part[i] != shard->without;
}

/** Rows [begin, begin + rows) of the shard. Not collective, cannot fail. */
tw_block tw_shard_block(const tw_shard *shard, size_t begin, size_t rows);

/**
 * The distinct labels of all ranks, ascending.
 * Collective. @param classes out: [*count], to be freed
 * @return TW_OK, or TW_DATA when there are more than 65536 or a label is no whole number.
 */
tw_status tw_shard_classes(const tw_shard *shard, tw_comm *comm, size_t *count, double **classes) TW_CHECKED;

/**
 * Labels that are words become indices into the distinct words of all ranks, which are in the order of their
 * bytes. Words of dropped rows do not count. Collective.
 * @param names out: [*count], one allocation to be freed
 * @return TW_OK, TW_DATA when there are more than 65536, TW_MEMORY; the same on every rank.
 */
tw_status tw_shard_name_classes(tw_shard *shard, tw_comm *comm, size_t *count, char ***names) TW_CHECKED;

/** Labels that are words become indices into names. Not collective. TW_DATA for a word that is not among
 * them. */
tw_status tw_shard_find_words(tw_shard *shard, size_t count, char *const *names) TW_CHECKED;

/**
 * Labels that number the names of one file become numbers of another's: v is to[v]. Not collective.
 * @param to   [count] -1: the other file has no such name
 * @param path of the file that has the labels, for the sentence
 * @return TW_OK; TW_DATA for a label without a number in the other file
 */
tw_status tw_shard_rename(tw_shard *shard, size_t count, const double *to, const char *path) TW_CHECKED;

/** Replace labels by their index in classes. Not collective. TW_DATA for a label that is not among them. */
tw_status tw_shard_encode(tw_shard *shard, size_t count, const double *classes) TW_CHECKED;

#endif
