/* `thalweg predict`: a prediction for every row, in file order, as CSV or HDF5. */
#include "cli/apply.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/prediction_file.h"
#include "thalweg/interrupt.h"
#include "thalweg/threads.h"
#include "thalweg/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROBA = 256, FORCE };

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0, "Write to FILE.h5 or FILE.csv", 0},
    {"proba", PROBA, NULL, 0, "Also the probability of every class", 0},
    {"force", FORCE, NULL, 0, "Replace FILE", 0},
    TW_APPLY_FEATURES_OPTION,
    TW_APPLY_WATCHDOG_OPTION,
    {0}};

typedef struct {
    tw_apply_paths paths;
    const char *output;
    bool proba, force;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case 'o': a->output = value; break;
    case PROBA: a->proba = true; break;
    case FORCE: a->force = true; break;
    case ARGP_KEY_END:
        if (!a->output) argp_error(state, "where to? (-o FILE.h5 or FILE.csv)");
        return tw_apply_parse(key, value, state, &a->paths);
    default: return tw_apply_parse(key, value, state, &a->paths);
    }
    return 0;
}

static const struct argp parser = {.options = options,
                                   .parser = parse_option,
                                   .args_doc = "MODEL.h5 DATA.h5 -o OUT.{h5,csv}",
                                   .doc = "Predict every row of a data set, in file order."};

/* One row of output: the prediction (a number, or the index of the class), then the probabilities. */
static void fill_row(const tw_apply *a, const double *z, size_t width, double *p, double *row)
{
    if (a->model.classes == 0 || width > 1) a->model.ops->predict(&a->model, z, p);
    if (a->model.classes == 0) {
        row[0] = p[0];
        return;
    }
    if (a->model.outputs == 1) {
        row[0] = z[0] > 0;
        if (width > 1) {
            row[1] = 1 - p[0];
            row[2] = p[0];
        }
        return;
    }
    size_t best = 0;
    for (size_t k = 1; k < a->model.outputs; k++)
        if (z[k] > z[best]) best = k;
    row[0] = (double)best;
    if (width > 1) memcpy(row + 1, p, a->model.outputs * sizeof *p);
}

typedef struct {
    const tw_apply *apply;
    size_t width;
    double *rows; /* [rows of the shard][width] */
} work;

/* The rows of one thread. */
static tw_status compute_share(int thread, void *context)
{
    const work *w = context;
    const tw_apply *a = w->apply;
    const size_t outputs = a->model.outputs, rows = a->shard.rows;
    const size_t end = (size_t)tw_threads_first((int64_t)rows, thread + 1, a->threads);
    size_t i = (size_t)tw_threads_first((int64_t)rows, thread, a->threads);
    double *z = malloc((TW_BLOCK_ROWS + 1) * outputs * sizeof *z);
    tw_status status = z ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the predictions of %zu rows", rows);
    for (size_t count; status == TW_OK && i < end; i += count) {
        count = end - i < TW_BLOCK_ROWS ? end - i : TW_BLOCK_ROWS;
        if (thread == 0) status = tw_interrupt_check("predicting");
        if (status == TW_OK) status = tw_apply_margins(a, thread, i, count, z);
        for (size_t j = 0; status == TW_OK && j < count; j++)
            fill_row(a, z + j * outputs, w->width, z + (size_t)TW_BLOCK_ROWS * outputs,
                     w->rows + (i + j) * w->width);
    }
    free(z);
    return status;
}

static tw_status compute(const tw_apply *a, size_t width, double **rows)
{
    *rows = malloc((a->shard.rows * width + 1) * sizeof **rows);
    if (!*rows) return tw_fail(TW_MEMORY, "out of memory for the predictions of %zu rows", a->shard.rows);
    work w = {a, width, *rows};
    return tw_threads_run(a->threads, compute_share, &w);
}

static int64_t rows_of(const tw_apply *a, int rank)
{
    return tw_partition_shard(&a->partition, rank + 1) - tw_partition_shard(&a->partition, rank);
}

/* In portions: a file of text takes its time. */
static tw_status append(tw_prediction_file *file, size_t rows, size_t width, const double *values)
{
    enum { PORTION = 16384 };
    for (size_t i = 0; i < rows; i += PORTION) {
        TW_TRY(tw_interrupt_check("writing the predictions"));
        TW_TRY(tw_prediction_file_append(file, rows - i < PORTION ? rows - i : PORTION, values + i * width));
    }
    return TW_OK;
}

/* Rank 0: room for the rows of any other rank, before anybody sends. */
static tw_status reserve(const tw_apply *a, size_t width, double **piece)
{
    int64_t most = 0;
    for (int r = 1; r < tw_comm_size(a->comm); r++)
        if (rows_of(a, r) > most) most = rows_of(a, r);
    *piece = malloc(((size_t)most * width + 1) * sizeof **piece);
    return *piece ? TW_OK
                  : tw_fail(TW_MEMORY, "out of memory for the predictions of %lld rows", (long long)most);
}

/* Rank 0: the pieces of all ranks in order. A failed write is remembered by the file; every piece is still
 * received. */
static tw_status collect(const tw_apply *a, size_t width, double *own, double *piece,
                         tw_prediction_file *file)
{
    tw_status status = append(file, a->shard.rows, width, own);
    for (int r = 1; r < tw_comm_size(a->comm); r++) {
        const size_t rows = (size_t)rows_of(a, r);
        const tw_status got = tw_comm_receive(a->comm, r, piece, rows * width * sizeof *piece);
        if (status == TW_OK) status = got ? got : append(file, rows, width, piece);
    }
    return status;
}

static tw_status open_output(const tw_apply *a, const arguments *args, size_t width,
                             tw_prediction_file **file)
{
    const tw_prediction_layout layout = {.rows = (size_t)a->dataset.rows,
                                         .width = width,
                                         .n_classes = a->model.classes,
                                         .classes = a->classes,
                                         .class_names = a->file.class_names,
                                         .replace = args->force};
    return tw_prediction_file_new(file, args->output, &layout);
}

static tw_status deliver(const tw_apply *a, size_t width, double *rows, double *piece,
                         tw_prediction_file *file)
{
    if (tw_comm_rank(a->comm) > 0)
        return tw_comm_send(a->comm, 0, rows, a->shard.rows * width * sizeof *rows);
    TW_TRY(collect(a, width, rows, piece, file));
    return tw_prediction_file_commit(file);
}

static tw_status predict(tw_apply *a, tw_comm *comm, const arguments *args)
{
    double *rows = NULL, *piece = NULL;
    tw_prediction_file *file = NULL;
    TW_TRY(tw_apply_open(a, comm, &args->paths, false));
    if (args->proba && a->model.classes > 0 && !tw_model_has_probabilities(&a->model))
        return tw_fail(TW_USAGE,
                       "--proba: a %s model has margins, but no probabilities; leave --proba out, or train "
                       "model.type: logistic",
                       a->model.ops->name);
    const size_t width = 1 + (args->proba ? a->model.classes : 0);
    tw_status status = TW_OK;
    if (tw_comm_rank(comm) == 0) status = open_output(a, args, width, &file);
    status = tw_comm_bcast_status(comm, 0, status);
    if (status == TW_OK) {
        status = compute(a, width, &rows);
        if (status == TW_OK && tw_comm_rank(comm) == 0) status = reserve(a, width, &piece);
        status = tw_comm_agree(comm, status);
    }
    if (status == TW_OK) status = tw_comm_bcast_status(comm, 0, deliver(a, width, rows, piece, file));
    if (status == TW_OK && tw_comm_rank(comm) == 0)
        printf("wrote %s: %lld predictions%s\n", args->output, (long long)a->dataset.rows,
               width > 1 ? " with probabilities" : "");
    tw_prediction_file_free(file);
    free(piece);
    free(rows);
    return status;
}

tw_status tw_command_predict(int argc, char **argv)
{
    arguments args = {0};
    tw_comm *comm;
    tw_apply apply = {0};
    TW_TRY(tw_arguments_parse(&parser, argc, argv, &args));
    tw_interrupt_install();
    const tw_status probed = tw_apply_probe(&args.paths, false);
    TW_TRY(tw_apply_start(&comm, &argc, &argv, &args.paths));
    tw_interrupt_install(); /* MPI may have taken signals */
    tw_status status = tw_apply_probed(comm, &args.paths, probed);
    if (status == TW_OK) status = predict(&apply, comm, &args);
    tw_apply_release(&apply);
    return tw_command_end(comm, status);
}
