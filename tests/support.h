/* support.h -- what the tests of the spine share: numbers, a folder, HDF5 files, problems in memory, agreed
 * verdicts.
 *
 * A problem is everything an objective needs, built from data that every rank generates alike, so that a test
 * can hold the same problem twice: spread over the ranks, and on one rank alone (tw_comm_local). */
#ifndef THALWEG_TEST_SUPPORT_H
#define THALWEG_TEST_SUPPORT_H

#include "thalweg/objective.h"

#include <check.h>
#include <hdf5.h>

/** Run a suite; the exit code of main. Serial suites fork, suites under mpirun must not. */
int test_run(Suite *suite);
int test_run_ranks(Suite *suite, tw_comm *comm);

/** Did it hold on every rank? Collective. Under mpirun assert nothing but this. */
bool all_ranks(tw_comm *comm, bool ok);

/* Random numbers (splitmix64): the same on every rank and machine. */
void test_seed(uint64_t seed);
uint64_t test_bits(void);
double test_uniform(void); /* [-1, 1) */

/** The same bits: -0 is not +0, a NaN is itself. */
bool same_bits(size_t n, const double *a, const double *b);

/** Contract sums in the words of the page, for comparison: plain recursion, no kernels. */
double test_lane_sum(size_t n, const double *a, const double *b);

/* A folder of its own for each test (checked fixture); test_path: a name in it, valid until the 8th call
 * after. */
void test_folder_enter(void);
void test_folder_leave(void);
const char *test_path(const char *name);

/* Stored features: values to the type (16-bit floats are truncated) and back, one scalar at a time. */
void test_store(tw_dtype type, size_t n, const double *values, void *out);
double test_load(tw_dtype type, const void *in, size_t i);

/** The HDF5 file type; big-endian or not. To be closed. */
hid_t test_file_type(tw_dtype type, bool big_endian);

/** A data set to be written. Zero fields: no chunks, no filters. */
typedef struct {
    hid_t file_type, memory_type; /* not owned */
    int rank;
    hsize_t shape[3], chunk[3];
    bool compressed;  /* shuffle and gzip */
    const void *data; /* NULL: never written */
} test_array;
void test_write(hid_t file, const char *name, const test_array *array);

/** A file with /X (rows, cols) of f64 and /y (rows), from doubles; y may be NULL. */
void test_write_plain(const char *path, size_t rows, size_t cols, const double *x, const double *y);

typedef struct {
    const tw_model_ops *ops;
    tw_dtype type;
    tw_scaling_kind scaling;
    tw_reduction_mode mode;
    size_t rows, cols, classes; /* classes of softmax */
    int64_t groups;             /* 0: the rule */
    double l2;
    bool intercept, weighted;
    bool margins; /* kept, and the boundaries of ranks such that matrices can be summed */
} test_case;

/** All rows, as doubles that the type of the case can hold. */
typedef struct {
    size_t rows, cols;
    double *x, *y, *weight; /* weight NULL when all are 1 */
} test_data;
void test_data_init(test_data *data, const test_case *c);
void test_data_release(test_data *data);

/** Random parameters that give margins of some units. @param w [n] out */
void test_parameters(const test_case *c, const tw_model *model, double *w);

/** Rows [first, first + rows) of the data as a shard. */
void test_shard_init(tw_shard *shard, const test_data *data, tw_dtype type, int64_t first, int64_t rows);

typedef struct {
    tw_comm *comm; /* not owned */
    tw_partition partition;
    tw_shard shard;
    tw_model model;
    tw_scaling scaling;
    tw_objective objective;
} test_problem;

/** Collective over comm. */
tw_status test_problem_init(test_problem *p, tw_comm *comm, const test_case *c,
                            const test_data *data) TW_CHECKED;
void test_problem_release(test_problem *p);

#endif
