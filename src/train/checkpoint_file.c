#include "train/checkpoint_file.h"

#include "thalweg/iterate.h"
#include "thalweg/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FORMAT "thalweg checkpoint"

static const char *const columns[TW_HISTORY_COLUMNS] = {"/history/iteration",
                                                        "/history/seconds",
                                                        "/history/loss",
                                                        "/history/gradient_norm",
                                                        "/history/step_length",
                                                        "/history/taylor_ratio",
                                                        "/history/validation_loss",
                                                        "/history/validation_accuracy"};

/* ---- write ---- */

static tw_status put_item(hid_t file, const tw_state_item *item)
{
    int64_t whole = 0;
    if (item->name[0] == '/')
        return tw_image_put(file, item->name, TW_IMAGE_F64, (size_t[2]){item->count, 0}, item->place);
    switch (item->kind) {
    case TW_STATE_REAL: return tw_image_put_number(file, "/", item->name, TW_IMAGE_F64, item->place);
    case TW_STATE_COUNT: whole = *(const long *)item->place; break;
    case TW_STATE_FLAG: whole = *(const bool *)item->place; break;
    case TW_STATE_REASON: whole = (int64_t) * (const tw_reason *)item->place; break;
    }
    return tw_image_put_number(file, "/", item->name, TW_IMAGE_I64, &whole);
}

static tw_status put_count(hid_t file, const char *name, int64_t value)
{
    return tw_image_put_number(file, "/", name, TW_IMAGE_I64, &value);
}

static tw_status put_head(hid_t file, const tw_checkpoint_head *h)
{
    TW_TRY(tw_image_put_text(file, "/", "format", FORMAT));
    TW_TRY(put_count(file, "format_version", TW_CHECKPOINT_VERSION));
    TW_TRY(put_count(file, "contract", h->contract));
    TW_TRY(put_count(file, "groups", h->groups));
    TW_TRY(put_count(file, "block_rows", h->block_rows));
    TW_TRY(put_count(file, "rows", h->rows));
    TW_TRY(put_count(file, "features", h->cols));
    TW_TRY(put_count(file, "parameters", h->parameters));
    TW_TRY(tw_image_put_text(file, "/", "reduction", h->mode));
    TW_TRY(tw_image_put_text(file, "/", "storage", h->storage));
    TW_TRY(tw_image_put_text(file, "/", "data_fingerprint", h->data));
    TW_TRY(tw_image_put_text(file, "/", "watched_fingerprint", h->watched));
    return tw_image_put_text(file, "/", "configuration", h->configuration);
}

/* Told, never compared. */
static tw_status put_provenance(hid_t file, tw_comm *comm)
{
    char mpi[64], when[32] = "";
    const time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc)) strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    tw_comm_library(sizeof mpi, mpi);
    TW_TRY(tw_image_put_text(file, "/", "version", TW_VERSION));
    TW_TRY(tw_image_put_text(file, "/", "git_commit", TW_GIT_COMMIT));
    TW_TRY(tw_image_put_text(file, "/", "compiler", __VERSION__));
    TW_TRY(tw_image_put_text(file, "/", "mpi", mpi));
    TW_TRY(tw_image_put_text(file, "/", "host", tw_comm_host(comm)));
    TW_TRY(tw_image_put_text(file, "/", "written", when));
    return put_count(file, "ranks", tw_comm_size(comm));
}

static tw_status put_history(hid_t file, const tw_runlog *log)
{
    double seconds = tw_seconds() - log->started;
    TW_TRY(put_count(file, "history_rows", (int64_t)log->rows));
    TW_TRY(tw_image_put_number(file, "/", "seconds", TW_IMAGE_F64, &seconds));
    if (log->rows == 0) return TW_OK;
    TW_TRY(tw_image_put_group(file, "/history"));
    for (int i = 0; i < TW_HISTORY_COLUMNS; i++)
        TW_TRY(tw_image_put(file, columns[i], TW_IMAGE_F64, (size_t[2]){log->rows, 0}, log->history[i]));
    return TW_OK;
}

static tw_status fill(hid_t file, const tw_checkpoint *c, const tw_state *state, const tw_runlog *log)
{
    TW_TRY(put_head(file, c->head));
    TW_TRY(put_provenance(file, c->comm));
    for (size_t i = 0; i < state->count; i++) TW_TRY(put_item(file, &state->items[i]));
    return put_history(file, log);
}

tw_status tw_checkpoint_file_write(const char *path, const tw_checkpoint *c, const tw_state *state,
                                   const tw_runlog *log)
{
    hid_t file;
    TW_TRY(tw_image_create(&file));
    tw_status status = fill(file, c, state, log);
    if (status == TW_OK) status = tw_image_commit(file, TW_CHECKPOINT_KIND, path);
    H5Fclose(file);
    return status;
}

/* ---- read ---- */

static tw_status get_count(hid_t file, const char *name, long *value)
{
    int64_t whole;
    TW_TRY(tw_image_get_number(file, name, TW_IMAGE_I64, &whole));
    *value = (long)whole;
    return TW_OK;
}

static tw_status get_head(tw_checkpoint_file *f)
{
    tw_checkpoint_head *h = &f->head;
    TW_TRY(get_count(f->file, "contract", &h->contract));
    TW_TRY(get_count(f->file, "groups", &h->groups));
    TW_TRY(get_count(f->file, "block_rows", &h->block_rows));
    TW_TRY(get_count(f->file, "rows", &h->rows));
    TW_TRY(get_count(f->file, "features", &h->cols));
    TW_TRY(get_count(f->file, "parameters", &h->parameters));
    const struct {
        const char *name, **text;
    } texts[] = {{"reduction", &h->mode},
                 {"storage", &h->storage},
                 {"data_fingerprint", &h->data},
                 {"watched_fingerprint", &h->watched},
                 {"configuration", &h->configuration}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        TW_TRY(tw_image_get_text(f->file, texts[i].name, &f->texts[i]));
        *texts[i].text = f->texts[i];
    }
    return TW_OK;
}

static tw_status get_provenance(tw_checkpoint_file *f)
{
    TW_TRY(tw_image_get_text(f->file, "host", &f->host));
    TW_TRY(tw_image_get_text(f->file, "written", &f->time));
    TW_TRY(tw_image_get_text(f->file, "version", &f->version));
    TW_TRY(tw_image_get_number(f->file, "ranks", TW_IMAGE_I64, &f->ranks));
    TW_TRY(tw_image_get_number(f->file, "iteration", TW_IMAGE_I64, &f->iteration));
    return tw_image_get_number(f->file, "history_rows", TW_IMAGE_I64, &f->rows);
}

static tw_status check_format(tw_checkpoint_file *f)
{
    char *format = NULL;
    int64_t version = 0;
    TW_TRY(tw_image_get_text(f->file, "format", &format));
    const bool ours = strcmp(format, FORMAT) == 0;
    free(format);
    if (!ours) return tw_fail(TW_DATA, "this is not a checkpoint: attribute 'format' is not '%s'", FORMAT);
    TW_TRY(tw_image_get_number(f->file, "format_version", TW_IMAGE_I64, &version));
    if (version >= 1 && version <= TW_CHECKPOINT_VERSION) return TW_OK;
    return tw_fail(TW_DATA, "it was written by another thalweg (checkpoint format %lld, this one reads %d)",
                   (long long)version, TW_CHECKPOINT_VERSION);
}

/* The sentences from below name what is wrong, not where. */
static tw_status with_path(tw_status status, const char *path)
{
    char sentence[TW_MESSAGE_LEN];
    if (status == TW_OK || strstr(tw_status_message(), path)) return status;
    memcpy(sentence, tw_status_message(), sizeof sentence);
    return tw_fail(status, "%s: %s", path, sentence);
}

tw_status tw_checkpoint_file_open(tw_checkpoint_file *f, const char *path)
{
    *f = (tw_checkpoint_file){.file = -1};
    snprintf(f->path, sizeof f->path, "%s", path);
    TW_TRY(tw_image_open(path, TW_CHECKPOINT_KIND, &f->file, NULL));
    tw_status status = check_format(f);
    if (status == TW_OK) status = get_head(f);
    if (status == TW_OK) status = get_provenance(f);
    if (status == TW_OK) return TW_OK;
    status = with_path(status, path);
    tw_checkpoint_file_close(f);
    return status;
}

void tw_checkpoint_file_close(tw_checkpoint_file *f)
{
    for (size_t i = 0; i < sizeof f->texts / sizeof *f->texts; i++) free(f->texts[i]);
    free(f->host);
    free(f->time);
    free(f->version);
    if (f->file >= 0) H5Fclose(f->file);
    *f = (tw_checkpoint_file){.file = -1};
}

static tw_status get_array(hid_t file, const char *name, size_t count, double *out)
{
    size_t shape[2];
    void *values;
    TW_TRY(tw_image_get(file, name, TW_IMAGE_F64, shape, &values));
    const bool fits = shape[0] == count && shape[1] == 0;
    if (fits) memcpy(out, values, count * sizeof *out);
    free(values);
    if (fits) return TW_OK;
    return tw_fail(TW_DATA, "data set '%s' has %zu numbers where this run has %zu", name, shape[0], count);
}

static tw_status get_item(hid_t file, const tw_state_item *item)
{
    int64_t whole;
    if (item->name[0] == '/') return get_array(file, item->name, item->count, item->place);
    if (item->kind == TW_STATE_REAL) return tw_image_get_number(file, item->name, TW_IMAGE_F64, item->place);
    TW_TRY(tw_image_get_number(file, item->name, TW_IMAGE_I64, &whole));
    switch (item->kind) {
    case TW_STATE_REAL: break;
    case TW_STATE_COUNT: *(long *)item->place = (long)whole; break;
    case TW_STATE_FLAG: *(bool *)item->place = whole != 0; break;
    case TW_STATE_REASON:
        if (whole < 0 || whole >= TW_N_REASONS)
            return tw_fail(TW_DATA, "attribute '%s' is %lld, which means nothing", item->name,
                           (long long)whole);
        *(tw_reason *)item->place = (tw_reason)whole;
        break;
    }
    return TW_OK;
}

tw_status tw_checkpoint_file_state(const tw_checkpoint_file *f, const tw_state *state)
{
    for (size_t i = 0; i < state->count; i++) TW_TRY(with_path(get_item(f->file, &state->items[i]), f->path));
    return TW_OK;
}

/* Before memory is asked for: do the columns hold as many rows as the file says? */
static tw_status check_rows(const tw_checkpoint_file *f)
{
    size_t shape[2] = {0, 0};
    void *values = NULL;
    if (f->rows < 0) return tw_fail(TW_DATA, "attribute 'history_rows' is negative");
    if (f->rows > 0) TW_TRY(tw_image_get(f->file, columns[0], TW_IMAGE_F64, shape, &values));
    free(values);
    if (shape[0] == (size_t)f->rows && shape[1] == 0) return TW_OK;
    return tw_fail(TW_DATA, "data set '%s' has %zu numbers where attribute 'history_rows' says %lld",
                   columns[0], shape[0], (long long)f->rows);
}

static tw_status get_history(const tw_checkpoint_file *f, tw_runlog *log)
{
    double seconds;
    TW_TRY(tw_image_get_number(f->file, "seconds", TW_IMAGE_F64, &seconds));
    TW_TRY(check_rows(f));
    const size_t rows = (size_t)f->rows;
    TW_TRY(tw_runlog_resize(log, rows));
    for (int i = 0; i < TW_HISTORY_COLUMNS && rows > 0; i++)
        TW_TRY(get_array(f->file, columns[i], rows, log->history[i]));
    log->rows = rows;
    log->started = tw_seconds() - seconds;
    return TW_OK;
}

tw_status tw_checkpoint_file_history(const tw_checkpoint_file *f, tw_runlog *log)
{
    return with_path(get_history(f, log), f->path);
}
