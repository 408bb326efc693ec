/* some_checkpoint.h -- a run without data: a trainer whose parts are zeros and a few odd numbers, the folder
 * it writes checkpoints into, and all that a checkpoint of it holds. */
#ifndef THALWEG_TEST_SOME_CHECKPOINT_H
#define THALWEG_TEST_SOME_CHECKPOINT_H

#include "thalweg/dataset.h"
#include "thalweg/hash.h"
#include "thalweg/trainer.h"
#include "train/checkpoint_file.h"

#include "scratch.h"

#include <math.h>

enum { SOME_N = 5, SOME_STATE = 7, SOME_ROWS = 3 };

typedef struct {
    tw_objective objective;
    tw_optimizer optimizer;
    tw_step step;
    tw_monitor monitor;
    tw_monitor_settings stop;
    tw_validation validation;
    tw_iterate iterate;
    tw_runlog log;
    tw_trainer trainer;
    tw_run_folder folder;
    tw_checkpoint checkpoint;
    double w[SOME_N], g[SOME_N], best[SOME_N], memory[SOME_STATE];
} some_run;

static tw_comm *some_comm;

static const tw_checkpoint_head some_head = {.contract = 3,
                                             .groups = 64,
                                             .block_rows = 256,
                                             .rows = 1L << 40,
                                             .cols = 4,
                                             .parameters = SOME_N,
                                             .mode = "reproducible",
                                             .storage = "u8",
                                             .data = "00112233445566778899aabbccddeeff",
                                             .watched = "",
                                             .configuration = "data:\n  train: größer.h5\n"};

static inline void some_connect(some_run *r)
{
    r->iterate.n = SOME_N;
    r->iterate.w = r->w;
    r->iterate.g = r->g;
    r->validation.best_w = r->best;
    r->optimizer.state = r->memory;
    r->optimizer.state_len = SOME_STATE;
    r->log.active = true;
    r->log.progress = TW_PROGRESS_NONE;
    r->trainer = (tw_trainer){.objective = &r->objective,
                              .validation = &r->validation,
                              .optimizer = &r->optimizer,
                              .step = &r->step,
                              .monitor = &r->monitor,
                              .stop = &r->stop,
                              .log = &r->log,
                              .checkpoint = &r->checkpoint,
                              .iterate = &r->iterate};
    snprintf(r->folder.path, sizeof r->folder.path, "%s", scratch);
    r->checkpoint = (tw_checkpoint){
        .comm = some_comm, .folder = &r->folder, .head = &some_head, .every = -1, .keep = 1000};
}

/* Bits that a careless copy would lose: a NaN with a payload, -0, infinities, the least and largest numbers.
 */
static inline double some_odd(int i)
{
    static const uint64_t bits[] = {
        0x7ff8dead0000beef, 0x8000000000000000, 0x7ff0000000000000, 0xfff0000000000000, 1,
        0x7fefffffffffffff, 0xfff80000000000ff, 0x3ff123456789abcd};
    double v;
    memcpy(&v, &bits[i % 8], sizeof v);
    return v;
}

/* Of a point with a NaN in it no checkpoint is made. */
static inline double some_finite(int i)
{
    const double v = some_odd(i);
    return isfinite(v) ? v : -(double)i;
}

/** A run with numbers in it. Its history has SOME_ROWS rows. */
static inline void some_run_init(some_run *r)
{
    *r = (some_run){.stop.max_iterations = 1000000};
    some_connect(r);
    for (int i = 0; i < SOME_N; i++) {
        r->w[i] = some_finite(i);
        r->g[i] = some_finite(i + 1);
        r->best[i] = some_odd(i + 2);
    }
    for (int i = 0; i < SOME_STATE; i++) r->memory[i] = some_odd(i + 3);
    r->iterate.f = some_odd(7);
    r->iterate.f_prev = some_odd(0);
    r->iterate.alpha = some_odd(1);
    r->iterate.alpha_max = INFINITY;
    r->iterate.moved = true;
    r->monitor.holding = TW_LOSS_DELTA;
    r->monitor.held = 2;
    ck_assert_int_eq(tw_runlog_resize(&r->log, SOME_ROWS), TW_OK);
    r->log.rows = SOME_ROWS;
    for (int c = 0; c < TW_HISTORY_COLUMNS; c++)
        for (int i = 0; i < SOME_ROWS; i++) r->log.history[c][i] = c == 0 ? i : some_odd(c + i);
}

static inline void some_run_release(some_run *r)
{
    tw_runlog_release(&r->log);
}

/** Write one, with the run's own state, under the name; where it lies. */
static inline const char *some_checkpoint(some_run *r, const char *name)
{
    tw_state state = {0};
    const char *const path = in_scratch(name);
    tw_state_of_trainer(&state, &r->trainer);
    ck_assert_int_eq(tw_checkpoint_file_write(path, &r->checkpoint, &state, &r->log), TW_OK);
    return path;
}

/** Everything that resuming reads, into r; the file is closed again. */
static inline tw_status some_read(const char *path, some_run *r)
{
    tw_checkpoint_file file;
    tw_state state = {0};
    TW_TRY(tw_checkpoint_file_open(&file, path));
    tw_state_of_trainer(&state, &r->trainer);
    tw_status status = tw_checkpoint_file_state(&file, &state);
    if (status == TW_OK) status = tw_checkpoint_file_history(&file, &r->log);
    tw_checkpoint_file_close(&file);
    return status;
}

/** Make the header fit what is in the file now, as only somebody who wants to would. */
static inline void some_seal(const char *path)
{
    size_t size;
    char *const bytes = slurp(path, &size);
    ck_assert_uint_gt(size, TW_IMAGE_HEADER);
    for (size_t i = 0; i < 8; i++) bytes[24 + i] = (char)((size - TW_IMAGE_HEADER) >> 8 * i);
    tw_hash128(bytes + TW_IMAGE_HEADER, size - TW_IMAGE_HEADER, (unsigned char *)bytes + 32);
    spill(path, size, bytes);
    free(bytes);
}

static inline void some_set_up(void)
{
    tw_dataset_start();
    scratch_make();
    ck_assert_int_eq(tw_comm_local(&some_comm), TW_OK);
}

static inline void some_tear_down(void)
{
    tw_comm_release(some_comm);
    scratch_remove();
}

#endif
