/* Where a run takes up: the newest checkpoint that verifies, or the one that was named; refused when it
 * belongs to another run. */
#include "thalweg/partition.h"
#include "thalweg/version.h"
#include "train/checkpoint_file.h"
#include "train/run_impl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static tw_status fill_head(tw_run *run)
{
    size_t length;
    FILE *stream = open_memstream(&run->configuration, &length);
    if (!stream) return tw_fail(TW_MEMORY, "out of memory for the configuration");
    const tw_status status = tw_config_write(&run->config, stream);
    fclose(stream);
    TW_TRY(status);
    run->head = (tw_checkpoint_head){.contract = TW_CONTRACT_VERSION,
                                     .groups = (long)run->partition.groups,
                                     .block_rows = TW_BLOCK_ROWS,
                                     .rows = (long)run->dataset.rows,
                                     .cols = (long)run->dataset.cols,
                                     .parameters = (long)run->iterate.n,
                                     .mode = tw_run_reduction_name(run),
                                     .storage = tw_dtype_name(run->shard.type),
                                     .data = run->data_digest,
                                     .watched = run->watched_digest,
                                     .configuration = run->configuration};
    return TW_OK;
}

/* ---- does it belong to this run? ---- */

typedef struct {
    char text[8192];
    size_t used, count;
} differences;

__attribute__((format(printf, 2, 3))) static void differ(differences *d, const char *format, ...)
{
    va_list args;
    d->count++;
    if (d->used >= sizeof d->text) return;
    va_start(args, format);
    const int more = vsnprintf(d->text + d->used, sizeof d->text - d->used, format, args);
    va_end(args);
    d->used += more > 0 ? (size_t)more : 0;
}

static void compare_count(differences *d, const char *name, long stored, long now)
{
    if (stored != now) differ(d, "\n  %s: %ld in the checkpoint, %ld now", name, stored, now);
}

static void compare_text(differences *d, const char *name, const char *stored, const char *now)
{
    if (strcmp(stored, now) != 0)
        differ(d, "\n  %s: %s in the checkpoint, %s now", name, stored[0] ? stored : "none",
               now[0] ? now : "none");
}

static void compare_data(differences *d, const tw_checkpoint_head *stored, const tw_run *run)
{
    const tw_checkpoint_head *now = &run->head;
    compare_count(d, "rows", stored->rows, now->rows);
    compare_count(d, "features", stored->cols, now->cols);
    compare_text(d, "type of the features", stored->storage, now->storage);
    compare_text(d, "fingerprint of the training data", stored->data, now->data);
    compare_text(d, "fingerprint of the validation data", stored->watched, now->watched);
    if (d->count == 0) compare_count(d, "parameters", stored->parameters, now->parameters);
}

static void compare_contract(differences *d, const tw_checkpoint_head *stored, const tw_run *run)
{
    if (run->new_contract) return;
    compare_count(d, "contract of reproducible sums", stored->contract, run->head.contract);
    compare_count(d, "groups", stored->groups, run->head.groups);
    compare_count(d, "rows of a block", stored->block_rows, run->head.block_rows);
}

static tw_status compare_configuration(differences *d, const tw_checkpoint_file *f, const tw_run *run)
{
    tw_config stored;
    char text[4096];
    tw_config_init(&stored);
    tw_config_parse(&stored, f->path, f->head.configuration, strlen(f->head.configuration));
    const tw_status status = tw_config_verdict(&stored);
    if (run->new_contract) stored.reduction.groups = run->config.reduction.groups;
    if (status == TW_OK && tw_config_differences(&stored, &run->config, sizeof text, text) > 0)
        differ(d, "\n%.*s", (int)(strlen(text) - 1), text);
    tw_config_release(&stored);
    if (status != TW_CONFIG) return status;
    return tw_fail(TW_RESUME,
                   "%s was written by another thalweg (%s): its configuration means nothing to this one",
                   f->path, f->version);
}

static tw_status check_same_run(const tw_checkpoint_file *f, const tw_run *run)
{
    differences d = {.text = ""};
    TW_TRY(compare_configuration(&d, f, run));
    compare_data(&d, &f->head, run);
    compare_contract(&d, &f->head, run);
    if (d.count == 0) return TW_OK;
    return tw_fail(
        TW_RESUME,
        "%s belongs to another run:%s\nUse the same configuration and data to go on, or start anew in "
        "another folder with --out DIR",
        f->path, d.text);
}

/* ---- which one? ---- */

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Newest to oldest, the first that verifies. Nothing there: *found stays false. */
static tw_status find_in(tw_run *run, const char *folder, tw_checkpoint_file *f, bool *found)
{
    char path[TW_PATH_LEN + 512], **names;
    size_t count;
    TW_TRY(tw_checkpoint_list(folder, &count, &names));
    for (size_t i = 0; i < count && !*found; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        *found = tw_checkpoint_file_open(f, path) == TW_OK;
        if (!*found)
            tw_runlog_warn(&run->log, "%s%s", tw_status_message(),
                           i + 1 < count ? "; trying the one before" : "");
    }
    free(names);
    if (*found || count == 0) return TW_OK;
    return tw_fail(
        TW_CHECKPOINT,
        "none of the %zu checkpoints in %s is valid; start anew in another folder with --out DIR, or "
        "remove them",
        count, folder);
}

static tw_status find_named(tw_run *run, const char *path, tw_checkpoint_file *f, bool *found)
{
    char inside[TW_PATH_LEN + 64];
    if (is_folder(path)) {
        snprintf(inside, sizeof inside, "%s/checkpoints", path);
        TW_TRY(find_in(run, is_folder(inside) ? inside : path, f, found));
        if (*found) return TW_OK;
        return tw_fail(TW_CHECKPOINT, "--resume %s: there is no checkpoint", path);
    }
    const tw_status status = tw_checkpoint_file_open(f, path);
    *found = status == TW_OK;
    if (status == TW_OK || status == TW_INPUT) return status;
    char sentence[TW_MESSAGE_LEN];
    memcpy(sentence, tw_status_message(), sizeof sentence);
    return tw_fail(TW_CHECKPOINT, "%s", sentence);
}

static tw_status refuse_to_ignore(const char *folder)
{
    char **names;
    size_t count;
    TW_TRY(tw_checkpoint_list(folder, &count, &names));
    tw_status status = TW_OK;
    if (count > 0)
        status = tw_fail(TW_OUTPUT,
                         "--resume never: %s holds %zu checkpoint%s, the newest is %s; choose another folder "
                         "with --out DIR, or remove them",
                         folder, count, count == 1 ? "" : "s", names[0]);
    free(names);
    return status;
}

static tw_status find(tw_run *run, tw_checkpoint_file *f, bool *found)
{
    char folder[TW_PATH_LEN + 64];
    tw_run_folder_file(&run->folder, "checkpoints", sizeof folder, folder);
    if (!run->resume || strcmp(run->resume, "auto") == 0) return find_in(run, folder, f, found);
    if (strcmp(run->resume, "never") == 0) return refuse_to_ignore(folder);
    return find_named(run, run->resume, f, found);
}

/* ---- take it ---- */

static void describe(tw_run *run, const tw_checkpoint_file *f)
{
    const char *name = strrchr(f->path, '/');
    tw_checkpoint *c = &run->checkpoint;
    snprintf(run->resumed, sizeof run->resumed, "%s, iteration %lld, written %s on %lld rank%s of %s",
             f->path, (long long)f->iteration, f->time, (long long)f->ranks, f->ranks == 1 ? "" : "s",
             f->host);
    snprintf(c->newest, sizeof c->newest, "%.255s", name ? name + 1 : f->path);
    c->newest_k = (long)f->iteration;
}

/* Counts decide what is read and written next, so those of a file that somebody sealed again are not taken on
 * trust. */
static tw_status check_place(const tw_run *run, const tw_checkpoint_file *f)
{
    const tw_iterate *it = &run->iterate;
    const tw_monitor *m = &run->monitor;
    const int64_t steps = run->objective.batches.steps;
    const long step = run->trainer.epoch_step;
    const bool good = it->k >= 0 && it->updates >= 0 && m->held >= 0 && m->unimproved >= 0 && m->seen >= 0 &&
                      step >= 0 && step < (steps > 0 ? steps : 1);
    if (good && (run->config.model.path.count == 0 || tw_path_check(&run->path))) return TW_OK;
    return tw_fail(TW_DATA, "%s is not what a run leaves: it says to go on where no run can be", f->path);
}

/* Rank 0 alone. */
static tw_status take(tw_run *run, bool *found)
{
    tw_checkpoint_file f = {.file = -1};
    tw_state state;
    *found = false;
    TW_TRY(find(run, &f, found));
    if (!*found) return TW_OK;
    tw_checkpoint_state(&run->checkpoint, &run->trainer, &state);
    tw_status status = check_same_run(&f, run);
    if (status == TW_OK) status = tw_checkpoint_file_state(&f, &state);
    if (status == TW_OK) status = check_place(run, &f);
    if (status == TW_OK) tw_path_unpack(&run->path);
    if (status == TW_OK) status = tw_checkpoint_file_history(&f, &run->log);
    if (status == TW_OK) describe(run, &f);
    tw_checkpoint_file_close(&f);
    return status == TW_DATA ? TW_CHECKPOINT : status; /* sealed, but not what we write */
}

static tw_status enter(tw_run *run)
{
    const tw_checkpoint *c = &run->checkpoint;
    return tw_run_folder_enter(&run->folder, run->iterate.k, c->newest);
}

tw_status tw_run_resume(tw_run *run)
{
    tw_status status;
    tw_state state;
    bool found = false;
    TW_TRY(tw_comm_agree(run->comm, fill_head(run)));
    status = tw_comm_rank(run->comm) == 0 ? take(run, &found) : TW_OK;
    TW_TRY(tw_comm_bcast_status(run->comm, 0, status));
    TW_TRY(tw_comm_bcast(run->comm, 0, &found, sizeof found));
    if (found) {
        tw_checkpoint_state(&run->checkpoint, &run->trainer, &state);
        TW_TRY(tw_state_share(&state, run->comm, 0));
        run->trainer.resumed = true;
        run->trainer.other_bits = run->new_contract;
        run->log.resumed = true;
    } else {
        snprintf(run->resumed, sizeof run->resumed, "no checkpoint in %s, starting fresh", run->out);
    }
    status = tw_comm_rank(run->comm) == 0 ? enter(run) : TW_OK;
    return tw_comm_bcast_status(run->comm, 0, status);
}
