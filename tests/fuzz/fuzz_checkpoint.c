/* fuzz_checkpoint.c -- every lie that a well-sealed checkpoint can tell (recipe.h), told to the reader of
 * checkpoints. What is accepted must fill the state of the run and no more, survive being written and read
 * again, and leave an optimizer that goes on. */
#include "recipe.h"

#include "thalweg/trainer.h"
#include "train/checkpoint_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 5, MEMORY = 2, STATE = 2 * N + 3 + 2 * MEMORY + 2 * MEMORY * N, STEP = 4, ROWS = 3, VARIANTS = 4 };

static char again[128];
static tw_comm *comm;

/* ---- a run without data ---- */

typedef struct {
    tw_objective objective;
    tw_optimizer optimizer;
    tw_step step;
    tw_monitor monitor;
    tw_validation validation;
    tw_iterate iterate;
    tw_runlog log;
    tw_trainer trainer;
    tw_checkpoint checkpoint;
    double w[N], g[N], d[N], best[N], memory[STATE], work[N], steps[STEP];
} run;

static const tw_checkpoint_head head = {.contract = 3,
                                        .groups = 64,
                                        .block_rows = 256,
                                        .rows = 1L << 40,
                                        .cols = 4,
                                        .parameters = N,
                                        .mode = "reproducible",
                                        .storage = "u8",
                                        .data = "00112233445566778899aabbccddeeff",
                                        .watched = "",
                                        .configuration = "data:\n  train: a.h5\n"};

static void run_init(run *r)
{
    *r = (run){.iterate = {.n = N},
               .log = {.active = true, .progress = TW_PROGRESS_NONE},
               .optimizer = {.ops = &tw_optimizer_lbfgs,
                             .set = {.memory = MEMORY},
                             .n = N,
                             .state_len = STATE,
                             .work_len = N},
               .step = {.state_len = STEP},
               .checkpoint = {.comm = comm, .head = &head, .every = -1, .keep = 1}};
    r->iterate.w = r->w;
    r->iterate.g = r->g;
    r->iterate.d = r->d;
    r->validation.best_w = r->best;
    r->optimizer.state = r->memory;
    r->optimizer.work = r->work;
    r->step.state = r->steps;
    r->trainer = (tw_trainer){.objective = &r->objective,
                              .validation = &r->validation,
                              .optimizer = &r->optimizer,
                              .step = &r->step,
                              .monitor = &r->monitor,
                              .log = &r->log,
                              .checkpoint = &r->checkpoint,
                              .iterate = &r->iterate};
}

static tw_status run_write(run *r, const char *path)
{
    tw_state state = {0};
    tw_state_of_trainer(&state, &r->trainer);
    return tw_checkpoint_file_write(path, &r->checkpoint, &state, &r->log);
}

static void run_hash(run *r, unsigned char digest[16])
{
    tw_state state = {0};
    tw_state_of_trainer(&state, &r->trainer);
    tw_state_hash(&state, digest);
}

/* ---- good files: with a history or without, in the middle of lbfgs or at its start ---- */

static tw_status write_base(size_t index, const char *path)
{
    run r;
    run_init(&r);
    for (int i = 0; i < N; i++) r.w[i] = r.g[i] = r.best[i] = i - 1.5;
    for (int i = 0; i < STATE && (index & 2); i++) r.memory[i] = 0.5 * (i % 3) + 1;
    r.iterate.k = 7;
    r.monitor.holding = TW_LOSS_DELTA;
    TW_TRY(tw_runlog_resize(&r.log, ROWS));
    r.log.rows = index & 1 ? ROWS : 0;
    for (int c = 0; c < TW_HISTORY_COLUMNS; c++)
        for (int i = 0; i < ROWS; i++) r.log.history[c][i] = i;
    const tw_status status = run_write(&r, path);
    tw_runlog_release(&r.log);
    return status;
}

static const char *const sets[] = {"/w",
                                   "/g",
                                   "/best_w",
                                   "/loss_changes",
                                   "/optimizer",
                                   "/optimizer",
                                   "/step",
                                   "/history",
                                   "/history/iteration",
                                   "/history/seconds",
                                   "/history/loss",
                                   "/history/gradient_norm",
                                   "/history/step_length",
                                   "/history/taylor_ratio",
                                   "/history/validation_loss",
                                   "/history/validation_accuracy",
                                   "/other",
                                   NULL};
static const char *const attributes[] = {"format",
                                         "format_version",
                                         "contract",
                                         "groups",
                                         "block_rows",
                                         "rows",
                                         "features",
                                         "parameters",
                                         "reduction",
                                         "storage",
                                         "configuration",
                                         "history_rows",
                                         "version",
                                         "data_fingerprint",
                                         "watched_fingerprint",
                                         "host",
                                         "written",
                                         "ranks",
                                         "iteration",
                                         "seconds",
                                         "tests_holding",
                                         "tests_held",
                                         "loss",
                                         "moved",
                                         "updates",
                                         "loss_changes_seen",
                                         "epoch_step",
                                         "best_iteration",
                                         NULL};
static const char *const words[] = {
    "thalweg checkpoint", "thalweg model", "reproducible", "u8", "", "1", NULL};

static const recipe_format checkpoints = {TW_CHECKPOINT_KIND, sets, attributes, words, VARIANTS, write_base};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    FUZZ_REQUIRE(tw_comm_local(&comm) == TW_OK, "%s", tw_status_message());
    FUZZ_REQUIRE(tw_optimizer_lbfgs.state_len(&(tw_optimizer_settings){.memory = MEMORY}, N) == STATE,
                 "the state of lbfgs has another size");
    recipe_start(&checkpoints);
    snprintf(again, sizeof again, "%s/again", fuzz_folder());
    return 0;
}

/* ---- what the reader promises ---- */

static void require_promises(const tw_checkpoint_file *f)
{
    const tw_checkpoint_head *const h = &f->head;
    FUZZ_REQUIRE(f->file >= 0 && f->host && f->time && f->version, "who wrote it is missing");
    FUZZ_REQUIRE(h->mode && h->storage && h->data && h->watched && h->configuration, "a text is missing");
}

/* As resuming does it. */
static tw_status read_all(const char *path, run *r)
{
    tw_checkpoint_file file;
    tw_state state = {0};
    const tw_status opened = tw_checkpoint_file_open(&file, path);
    FUZZ_REQUIRE(opened == TW_OK || file.file < 0, "a refused file stays open");
    TW_TRY(opened);
    require_promises(&file);
    tw_state_of_trainer(&state, &r->trainer);
    tw_status status = tw_checkpoint_file_state(&file, &state);
    if (status == TW_OK) status = tw_checkpoint_file_history(&file, &r->log);
    FUZZ_REQUIRE(status != TW_OK || r->log.rows == (size_t)file.rows, "another number of rows");
    tw_checkpoint_file_close(&file);
    return status;
}

static void require_rows(const run *r, const run *copy)
{
    FUZZ_REQUIRE(copy->log.rows == r->log.rows, "%zu rows, not %zu", copy->log.rows, r->log.rows);
    for (int c = 0; c < TW_HISTORY_COLUMNS && r->log.rows; c++)
        FUZZ_REQUIRE(memcmp(copy->log.history[c], r->log.history[c], r->log.rows * sizeof(double)) == 0,
                     "column %d is another after writing it again", c);
}

static void write_again(run *r)
{
    run copy;
    unsigned char was[16], is[16];
    run_init(&copy);
    FUZZ_REQUIRE(run_write(r, again) == TW_OK, "not written again: %s", tw_status_message());
    FUZZ_REQUIRE(read_all(again, &copy) == TW_OK, "not read again: %s", tw_status_message());
    run_hash(r, was);
    run_hash(&copy, is);
    FUZZ_REQUIRE(memcmp(was, is, sizeof was) == 0, "another state after writing it again");
    require_rows(r, &copy);
    tw_runlog_release(&copy.log);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    run r;
    fuzz_bytes recipe = {bytes, size};
    const unsigned how = fuzz_take(&recipe);
    const char *const path = recipe_build(&checkpoints, &recipe);
    run_init(&r);
    const tw_status status = read_all(path, &r);
    FUZZ_REQUIRE(status == TW_OK || status == TW_DATA, "status %d: %s", status, tw_status_message());
    FUZZ_REQUIRE(r.monitor.holding < TW_N_REASONS, "reason %d", (int)r.monitor.holding);
    if (status == TW_OK) {
        if (how & 1) write_again(&r);
        FUZZ_REQUIRE(tw_optimizer_direction(&r.optimizer, NULL, &r.iterate) == TW_OK, "%s",
                     tw_status_message());
    }
    tw_runlog_release(&r.log);
    return 0;
}
