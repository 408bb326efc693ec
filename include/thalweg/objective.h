/* objective.h -- the global F and its derivatives over all ranks: the only collectives of a step.
 *
 *     F(w) = (1/W) sum_i omega_i l(w; x_i, y_i) + (l2/2) ||w_pen||^2 + l1 ||w_pen||_1 ,   W = sum_i omega_i
 *
 * Optimizers and step rules see nothing but this object. Its smooth part has a gradient g; where l1 > 0 the
 * gradient that vanishes at a minimum is the subgradient of least norm (tw_objective_subgradient). Agreement
 * about failed ranks and about requests (stop, time) rides in the one exchange of every call and costs
 * nothing extra. F may also be any function of its parameters, without data rows (tw_function). */
#ifndef THALWEG_OBJECTIVE_H
#define THALWEG_OBJECTIVE_H

#include "thalweg/reduction.h"
#include "thalweg/scaling.h"

/** Step lengths that one reduction of a line search tries at most. */
enum { TW_TRIALS = 8 };

/** Runs of groups that a sum of matrices keeps apart at most (their boundaries: tw_partition_align). */
enum { TW_MATRIX_GROUPS = 256 };

typedef struct tw_objective tw_objective;
typedef struct tw_matrix tw_matrix; /* what sums of second derivatives need */

/** A function of n parameters in place of a model and its data. */
typedef struct {
    size_t n;
    bool summed; /* F is the sum over the ranks of what each returns; else rank 0's alone counts, and only it
                    is asked */
    bool convex; /* a vanishing gradient is a minimum; else the end of a run looks for directions that still
                    descend */
    /* f and g [n] at w. Fails by tw_fail. */
    tw_status (*eval)(void *context, const double *w, double *f, double *g);
    void *context;
} tw_function;

/** Mini-batches: epoch e takes the rows of every group in the order of (seed, e), in T steps. */
typedef struct {
    int64_t steps; /* T, 0: full batch */
    int64_t step;  /* t of the step in progress, -1: full batch (the end of an epoch) */
    uint64_t seed, epoch;
    int64_t *order;       /* [rows] of this rank: rows of each group, those that take part first; owned */
    int64_t *taking_part; /* [own groups] how many do; owned */
} tw_batches;

/** What a thread of the objective has for itself. */
typedef struct {
    tw_model model;                                  /* shares the objective's */
    void *x;                                         /* [256][cols] a gathered block of a mini-batch */
    double *y, *weight;                              /* [256] of it */
    double *line, *line_q, *line_z, *rates, *losses; /* a block's: [256][K] three times, [256] */
} tw_worker;

typedef struct {
    tw_comm *comm; /* not owned, as all pointers of this struct */
    const tw_partition *partition;
    const tw_shard *shard;
    const tw_model *model;
    const tw_scaling *scaling;
    const tw_function *function; /* or NULL; then no other pointer but comm is needed */
    const double *row_weight;    /* [rows of the shard], 0: takes no part; NULL: the shard's own weights */
    tw_reduction_mode mode;
    bool no_barriers; /* as in tw_reduction_plan */
    int threads;      /* of this rank, 0: 1; no bit depends on it */
    double l2, l1;
    bool
        keep_margins; /* for line searches by margins, second derivatives, validation rows of the same file */
} tw_objective_parts;

struct tw_objective {
    tw_objective_parts parts;
    tw_comm *comm;
    const tw_partition *partition;
    const tw_shard *shard;
    const tw_model *model;
    const tw_scaling *scaling;
    double l2, l1;
    size_t n, n_weights; /* parameters; the first n_weights are penalised */
    bool convex;

    double requests[TW_N_FLAGS]; /* this rank's, to be agreed in the next exchange */
    tw_status pending;       /* failure of this rank's other work (a log row), raised in the next exchange */
    unsigned char point[16]; /* digest of the parameters of the pass in progress, as this rank holds them */
    bool broken; /* a sum has become NaN though every row's loss was finite: not the mathematics' fault */
    double agreed[TW_N_FLAGS]; /* sums over all ranks of the last exchange */
    double weight, bad_rows;   /* W, and rows whose loss was not finite, of the last evaluation */
    double full_weight;        /* W of all rows that take part */

    tw_reduction *reduction, *rounds, *scores; /* owned, as below; rounds: with margins */
    tw_matrix *matrix;                         /* when first used, as scores */
    tw_partition *leaves;                      /* one a rank, of a function without rows; owned, as below */
    double *raw, *sums, *scratch;              /* scratch [n]: free between calls */
    double *margins, *margins_next; /* [rows][K] at the point in force, and at the last one evaluated; of a
                                       function without rows [n], these points themselves */
    double *trial;                  /* [2 n] of differences of gradients; owned, when first used */
    tw_worker *workers;             /* [threads] of passes over rows; owned */
    int threads;
    tw_batches batches;
    long evals;   /* evaluations of F and g */
    double reads; /* reads of X, in passes over all of this rank's rows */
    long reductions;
};

/** Borrows all parts. Not collective; same arguments on every rank. TW_MEMORY. */
tw_status tw_objective_init(tw_objective *objective, const tw_objective_parts *parts) TW_CHECKED;
void tw_objective_release(tw_objective *objective);

/**
 * Value and gradient at w, of the rows of the step in progress (all of them without mini-batches).
 *
 * Collective over the objective's ranks, as all that follows unless it says otherwise; vectors must hold the
 * same values on every rank.
 *
 * @param w [n] point   @param f out: F(w)   @param g [n] out: gradient of the smooth part of F at w
 * @return TW_OK, or on every rank alike the code and sentence of the lowest rank that failed (f, g then
 * untouched). TW_DATA when the weights of all rows sum to zero; of a mini-batch step: TW_OK with f = NAN and
 * g = 0.
 *
 * Cost: one pass over the shard, one exchange of n_weights + K + 3 numbers.
 */
tw_status tw_objective_eval(tw_objective *objective, const double *w, double *f, double *g) TW_CHECKED;

/** The last point evaluated is now the one in force: its margins serve what follows. Not collective. */
void tw_objective_accept(tw_objective *objective);

/* ---- penalties; not collective ---- */

/** Subgradient of least norm from w and the smooth gradient g: g itself where l1 = 0. Zero at a minimum. out
 * may be g. */
void tw_objective_subgradient(const tw_objective *objective, const double *w, const double *g, double *out);

/** Its norm: what the gradient tests look at. Uses scratch. */
double tw_objective_stationarity(tw_objective *objective, const double *w, const double *g);

/** g.d + l1 (||w + d||_1 - ||w||_1): the slope along d for l1 = 0; else the decrease that a unit step
 * promises. */
double tw_objective_slope(const tw_objective *objective, const double *w, const double *g, const double *d);

/** Parameters that are not zero among the penalised ones. */
size_t tw_objective_nonzeros(const tw_objective *objective, const double *w);

/* ---- along a line ---- */

/** Can trial lengths be judged from margins, without a read of X? Not collective. */
bool tw_objective_has_margins(const tw_objective *objective);

/**
 * F and its slope at w + alpha_t d for several lengths, from the margins at w (in force) and at w + last d
 * (evaluated last): one sweep over K numbers a row, one reduction. Source: Fan et al. 2008 (LIBLINEAR) cache
 * margins likewise.
 *
 * @param last  the length whose evaluation came last, > 0      @param count of the lengths, <= TW_TRIALS
 * @param trial [n] scratch of the caller      @param f, slope [count] out
 */
tw_status tw_objective_along(tw_objective *objective, const double *w, const double *d, double last,
                             size_t count, const double *alpha, double *trial, double *f,
                             double *slope) TW_CHECKED;

/* ---- second derivatives, at the point in force ---- */

/** out = H d, H the Hessian of the smooth part (of rows: needs keep_margins); identity: with all second
 * derivatives of the loss 1 (Gram matrix). One read of X, one exchange as in tw_objective_eval. A function
 * without rows: two evaluations, central differences of its gradient; TW_CONFIG for identity. */
tw_status tw_objective_hessian_vector(tw_objective *objective, const double *d, bool identity,
                                      double *out) TW_CHECKED;

/**
 * Extreme eigenvalues of the Hessian of the smooth part at w, the point in force: Lanczos (1950) with full
 * reorthogonalisation from a fixed start, at most 30 steps, so least is an upper and largest a lower bound,
 * as good as exact for n <= 30. Where l1 > 0, of the parameters that are not held at zero.
 *
 * Products are exact where the model has them and margins are kept, else central differences of the gradient;
 * a negative least that differences of another length do not confirm is given as 0.
 *
 * @return TW_OK; TW_MEMORY, or a failed evaluation, on all ranks alike.
 * Cost: a product a step, one or two evaluations each, and 32 n doubles.
 */
tw_status tw_objective_least_curvature(tw_objective *objective, const double *w, double *least,
                                       double *largest) TW_CHECKED;

/** Bytes that tw_objective_hessian and its solver need on a rank at most. Not collective. */
double tw_objective_matrix_bytes(size_t features, size_t outputs, bool intercept, int threads);

/** h [n][n], symmetric: the Hessian of the smooth part (of rows: needs keep_margins). One read of X, one
 * exchange of about n^2 numbers. A function without rows: 2 n evaluations. */
tw_status tw_objective_hessian(tw_objective *objective, double *h) TW_CHECKED;

/** Rows a parameter, and blocks of 256 rows, that a sample for the Gram matrix has at least; more do not make
 * a better first matrix, fewer blocks are not spread over the file. */
enum { TW_GRAM_ROWS = 32, TW_GRAM_BLOCKS = 64 };

/** Of so many blocks of the file tw_objective_gram needs but one; 1: there are too few to leave any out. Not
 * collective. */
int64_t tw_objective_gram_every(const tw_objective *objective);

/**
 * The Gram matrix of the features in the trained space, with the constant last, over the weight of its rows
 * (not a number when that is 0). A block belongs to it when its first row r of the file has floor(r / 256)
 * mod every = 0.
 *
 * @param every >= 1; 1: all rows
 * @param h [p][stride] out: lower triangle, p features and the constant, stride p rounded up to TW_LANES
 * Cost: that share of a read of X, p^2 operations a row, one exchange of p stride + 1 numbers. TW_INTERNAL
 * for functions.
 */
tw_status tw_objective_gram(tw_objective *objective, int64_t every, double *h) TW_CHECKED;

/* ---- mini-batches ---- */

/** Steps of about `batch` rows that take part; counts the rows and allocates. */
tw_status tw_objective_batches(tw_objective *objective, int64_t batch, uint64_t seed) TW_CHECKED;

/** Draw the orders of an epoch. Not collective. */
void tw_objective_epoch(tw_objective *objective, uint64_t epoch);

/** Evaluations see the rows of step t of the epoch; t = -1: all rows. Not collective. */
void tw_objective_batch(tw_objective *objective, int64_t t);

/* ---- rows that are watched ---- */

/** Mean loss (without penalties) and, for classes, accuracy on a weighting of rows. */
typedef struct {
    double loss, accuracy, weight; /* NAN where there is none */
} tw_score;

/**
 * @param w  the point; when it is the one in force and weight belongs to the same rows, its margins are used
 * @param weight [rows] of this objective's shard, NULL: row_weight's or the shard's own
 * Cost: no read of X from margins in force (in_force), else one; one exchange of three numbers.
 */
tw_status tw_objective_score(tw_objective *objective, const double *w, bool in_force, const double *weight,
                             tw_score *score) TW_CHECKED;

/** A row that spoils the sum. */
typedef struct {
    int64_t row;           /* of the file, from 0; -1: no row stands out */
    int rank;              /* that holds it */
    double loss, gradient; /* its own, and the largest entry of its part of the gradient */
} tw_blame;

/**
 * The row whose part of the loss or of the gradient at w is not finite, the first in the file; else the one
 * with the largest part. Asked when F or its gradient is not finite.
 * @param blame out: the same on every rank. TW_OK with row -1 for a function without rows.
 * Cost: about one read of X, four small exchanges. Overwrites the sums of the last evaluation.
 */
tw_status tw_objective_blame(tw_objective *objective, const double *w, tw_blame *blame) TW_CHECKED;

/* ---- for the files of src/objective and custom work on blocks ---- */

/** What is added to sums for one block, by one of the threads.
 * @param worker its buffers, and the model for it   @param first the block's first row in the shard, SIZE_MAX
 * for a gathered one */
typedef tw_status tw_block_work(tw_objective *objective, tw_worker *worker, const tw_block *block,
                                size_t first, void *context, double *sums);

/**
 * One pass over the own blocks, one exchange.
 * @param reduction whose tree and length of sums are used    @param sums out
 */
tw_status tw_objective_pass(tw_objective *objective, tw_reduction *reduction, tw_block_work *work,
                            void *context, double *sums) TW_CHECKED;

#endif
