/* generate.h -- data sets with a known truth, the same bytes from any number of ranks.
 *
 * Every number is a pure function of (settings, seed, global row): a Philox stream for each purpose, the row
 * as its index, and the arithmetic of the contract (docs/reproducibility.md, section 1), so that neither the
 * ranks nor the instruction set can change a bit. With n features and K outputs (K classes for softmax, else
 * 1), row i is as follows.
 *
 * Features: t_j = s_j * normal(features, i*n + j), where s_j = exp(-(j/(n-1)) * log C), 1 without condition;
 * x = H t with H = I - 2 u u^T, u = v/|v|, v_j = normal(reflection, j), as x = fma(-2 dot(u,t), u, t).
 * The covariance is H D^2 H, D = diag(s), so the condition number of X tends to C as rows grow.
 *
 * Uniform features: x_j = fma(high - low, uniform(features, i*n + j), low), with the bounds rounded to the
 * stored type before; an x_j that rounds up to high becomes low.
 *
 * Scores: x is rounded to the stored type, so what follows is exact for the numbers in the file;
 * z_k = dot(x, w_k) + b_k.
 *
 * Linear: y = fma(S, normal(noise, i), z).
 *
 * Logistic: y = 1 when uniform(labels, i) < 1/(1 + exp(-z/S)), else 0. S = 0: y = 1 when z > 0.
 *
 * Softmax: y = the class where the running sum of p_k = exp((z_k - max z)/S) passes uniform(labels, i) times
 * the sum of p. S = 0: the first largest score.
 *
 * For classes the noise S thus is a temperature: the labels come from the model itself with parameters w/S,
 * b/S (S = 1: w, b), and a fit without penalty approaches those as rows grow.
 *
 * Coefficients that are not given are drawn so that each score has variance 1: w_k = g_k / (q |D H g_k|),
 * g_kj = normal(coefficients, k*n + j), q = 1 (normal) or (high - low)/sqrt(12) (uniform).
 * An intercept that is not given is 0 beside given coefficients; else b_k = normal(coefficients, K*n + k),
 * and minus dot(w_k, c), c_j = 0.5*low + 0.5*high, for uniform features: the mean of the score is that
 * normal. */
#ifndef THALWEG_GENERATE_H
#define THALWEG_GENERATE_H

#include "thalweg/comm.h"
#include "thalweg/dtype.h"
#include "thalweg/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Changes when other bytes come out of the same settings; stored in the file. */
enum { TW_GENERATE_VERSION = 1 };

#define TW_GENERATE_TASKS(X) X(LINEAR, "linear") X(LOGISTIC, "logistic") X(SOFTMAX, "softmax")

typedef enum {
#define X(name, text) TW_GENERATE_##name,
    TW_GENERATE_TASKS(X)
#undef X
        TW_GENERATE_N_TASKS
} tw_generate_task;

/** What to make. Plain values; the two arrays are borrowed. */
typedef struct {
    tw_generate_task task;
    tw_dtype type;          /* of the features: TW_f32 or TW_f64 */
    int64_t rows, features; /* m >= 1, n >= 1 */
    int64_t classes;        /* softmax: K = 2 .. 65536; otherwise 0 */
    uint64_t seed;
    double noise;               /* S >= 0 */
    double condition;           /* C >= 1; 1: independent columns. Above 1: n >= 2, normal features, and
                                   C <= 1e6 in f32, 1e14 in f64, where rounding would hide it */
    bool uniform;               /* features on [low, high) instead of standard normal */
    double low, high;           /* low < high once rounded to the type */
    const double *coefficients; /* [outputs][features], or NULL: drawn */
    size_t n_coefficients;      /* how many were given: outputs * features */
    const double *intercept;    /* [outputs], or NULL: see above */
    size_t n_intercept;
} tw_generate;

/** "linear", ... Not collective. */
const char *tw_generate_task_name(tw_generate_task task);

/** K for softmax, else 1. Not collective. */
int64_t tw_generate_outputs(const tw_generate *settings);

/**
 * Are the settings possible?
 * Not collective. @return TW_OK, or TW_USAGE with a sentence about the first that is not. Cost: O(n K) at
 * most.
 */
tw_status tw_generate_check(const tw_generate *settings) TW_CHECKED;

/** Settings with everything that is drawn once, and scratch for one row: one thread at a time. */
typedef struct {
    tw_generate set;      /* coefficients and intercept point into memory */
    double *coefficients; /* [outputs][features] w */
    double *intercept;    /* [outputs] b */
    double *scale;        /* [features] s */
    double *axis;         /* [features] u; not set without condition */
    double *row;          /* [features] scratch */
    double *scores;       /* [outputs] scratch */
    double *memory;       /* owned: all of the above */
} tw_generator;

/**
 * Check the settings and draw the truth.
 *
 * Not collective; same result on every rank. The settings' arrays may be freed afterwards.
 * @return TW_OK; TW_USAGE as tw_generate_check, or when labels could overflow; TW_MEMORY. On failure
 * *generator is zero and needs no release.  Cost: O(n K) time, (n + 2) K + 3 n doubles.
 */
tw_status tw_generator_init(tw_generator *generator, const tw_generate *settings) TW_CHECKED;

/** Free. Zeroed and NULL are fine. Not collective. */
void tw_generator_release(tw_generator *generator);

/** Bytes of one label: 8 (double) for linear, 4 (int32_t) for classes. Not collective. */
size_t tw_generator_label_size(const tw_generator *generator);

/**
 * Make rows [first, first + count), 0 <= first, first + count <= rows.
 *
 * Not collective, never fails. The bytes of a row do not depend on first, count or rows.
 * @param x out: [count][features] of the settings' type
 * @param y out: [count] doubles (linear) or int32_t (classes)
 * Cost: a random block for each feature and O(n K) a row.
 */
void tw_generator_rows(tw_generator *generator, int64_t first, size_t count, void *x, void *y);

/**
 * Write a data set: /X, /y, /true_coefficients (outputs, features), /true_intercept (outputs), and the
 * settings as attributes of the root. The bytes depend on the settings alone (and on the HDF5 library's file
 * format).
 *
 * Collective; the same arguments on every rank, and a folder that every rank's host sees. Rank 0 lays the
 * file out under a temporary name beside path, every rank writes its rows in pieces of at most 8 MiB (or one
 * row), and rank 0 gives the file its name once all of it is on the disk. SIGINT, SIGTERM and SIGUSR1 stop
 * all ranks. Whatever fails, path is as it was before and no temporary stays (but for SIGKILL of rank 0 and a
 * power cut).
 * @param force replace an existing regular file
 * @return the same on every rank: TW_OK; TW_USAGE as tw_generator_init; TW_OUTPUT when path exists, is no
 * regular file or cannot be created; TW_IO when the disk is full or fails; TW_STOPPED by a signal; TW_MEMORY.
 * Cost: 8 MiB and the generator on each rank.
 */
tw_status tw_generate_file(tw_comm *comm, const tw_generate *settings, const char *path,
                           bool force) TW_CHECKED;

#endif
