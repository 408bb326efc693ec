/* The files of a run and its history; the table on the screen is runlog_table.c. */
#include "thalweg/runlog.h"

#include "core/json_put.h"
#include "thalweg/fault.h"
#include "thalweg/phase.h"
#include "train/runlog_table.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

static tw_status open_file(const char *folder, const char *name, bool append, FILE **file)
{
    char path[8192];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    *file = fopen(path, append ? "a+" : "w");
    return *file ? TW_OK
                 : tw_fail(errno == ENOMEM ? TW_MEMORY : TW_OUTPUT, "cannot create %s: %s", path,
                           strerror(errno));
}

/* What was written after the checkpoint is written again. */
static tw_status cut(tw_runlog *log)
{
    FILE *const file = log->metrics;
    size_t lines = log->rows;
    rewind(file);
    for (int c = 0; lines > 0 && (c = getc(file)) != EOF;) lines -= c == '\n';
    if (lines > 0)
        tw_runlog_warn(log, "metrics.jsonl has lost %zu of the %zu rows before the checkpoint", lines,
                       log->rows);
    if (fflush(file) == 0 && ftruncate(fileno(file), ftello(file)) == 0 && fseeko(file, 0, SEEK_END) == 0)
        return TW_OK;
    return tw_fail(TW_IO, "cannot shorten metrics.jsonl in the run folder: %s", strerror(errno));
}

tw_status tw_runlog_open(tw_runlog *log, const char *folder)
{
    const bool append = log->resumed;
    log->printed = tw_seconds();
    if (!append) log->started = log->printed;
    if (log->progress == TW_PROGRESS_AUTO)
        log->progress = tw_runlog_is_terminal(stdout) ? TW_PROGRESS_BAR : TW_PROGRESS_LINES;
    TW_TRY(open_file(folder, "log.txt", append, &log->text));
    TW_TRY(open_file(folder, "metrics.jsonl", append, &log->metrics));
    return append ? cut(log) : TW_OK;
}

/* Past stdio, which forgets what it could not write. 0, or an errno. */
static int write_rows(tw_runlog *log)
{
    const int rehearsed = tw_fault_armed ? tw_fault_errno(TW_FAULT_WRITE) : 0;
    if (rehearsed) return rehearsed;
    while (log->behind > 0) {
        const ssize_t done = write(fileno(log->metrics), log->unwritten, log->behind);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return done < 0 ? errno : EIO;
        log->behind -= (size_t)done;
        memmove(log->unwritten, log->unwritten + done, log->behind);
    }
    return 0;
}

static void clear_bar(tw_runlog *log)
{
    if (!log->bar_shown) return;
    fputs("\r\033[K", stdout);
    fflush(stdout); /* before anything goes to stderr */
    log->bar_shown = false;
}

void tw_runlog_release(tw_runlog *log)
{
    clear_bar(log);
    if (log->text) fclose(log->text);
    if (log->metrics) {
        write_rows(log); /* whoever ends here has a sentence of its own */
        fclose(log->metrics);
    }
    free(log->unwritten);
    for (int c = 0; c < TW_HISTORY_COLUMNS; c++) free(log->history[c]);
    *log = (tw_runlog){0};
}

void tw_runlog_print(tw_runlog *log, const char *format, ...)
{
    va_list args, again;
    if (!log->active) return;
    va_start(args, format);
    va_copy(again, args);
    if (!log->quiet) {
        clear_bar(log);
        vfprintf(stdout, format, args);
        fflush(stdout);
    }
    if (log->text) {
        vfprintf(log->text, format, again);
        fflush(log->text);
    }
    va_end(again);
    va_end(args);
}

void tw_runlog_warn(tw_runlog *log, const char *format, ...)
{
    va_list args;
    char text[4096];
    if (!log->active) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    clear_bar(log);
    fputs("thalweg: ", stderr);
    tw_runlog_put_alarm(stderr, "warning");
    fprintf(stderr, "%s\n", text);
    if (log->text) fprintf(log->text, "  warning  %s\n", text);
}

tw_status tw_runlog_resize(tw_runlog *log, size_t rows)
{
    for (int c = 0; c < TW_HISTORY_COLUMNS && rows > log->room; c++) {
        double *more = rows < SIZE_MAX / sizeof *more ? realloc(log->history[c], rows * sizeof *more) : NULL;
        if (!more) return tw_fail(TW_MEMORY, "out of memory for the history of the run");
        log->history[c] = more;
    }
    if (rows > log->room) log->room = rows;
    return TW_OK;
}

static int sync_stream(FILE *file)
{
    if (!file || (fflush(file) == 0 && fsync(fileno(file)) == 0)) return 0;
    return errno == EINVAL || errno == ENOTSUP ? 0 : -1;
}

tw_status tw_runlog_sync(tw_runlog *log)
{
    const int error = log->metrics ? write_rows(log) : 0;
    if (error) return tw_fail(TW_IO, "cannot write metrics.jsonl in the run folder: %s", strerror(error));
    if (sync_stream(log->metrics) == 0 && sync_stream(log->text) == 0) return TW_OK;
    return tw_fail(TW_IO, "cannot write the logs of the run: %s", strerror(errno));
}

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

/* What not every method has: only there where it has a value. */
static void set_optional(json_t **object, const char *name, double v)
{
    if (!isnan(v)) tw_json_put(object, name, number(v));
}

/* A line after those that wait. */
static tw_status append_line(tw_runlog *log, const char *line)
{
    const size_t length = line ? strlen(line) : 0;
    char *all = line ? realloc(log->unwritten, log->behind + length + 1) : NULL;
    if (!all) return tw_fail(TW_MEMORY, "out of memory for a row of metrics.jsonl");
    log->unwritten = all;
    memcpy(all + log->behind, line, length);
    all[log->behind + length] = '\n';
    log->behind += length + 1;
    return TW_OK;
}

static tw_status write_metrics(tw_runlog *log, const tw_objective *F, const tw_iterate *it, const double *row)
{
    const bool waiting = log->behind > 0;
    json_t *object = json_pack(
        "{sI so so so so so so so sI sI sI sf sI}", "iteration", (json_int_t)row[TW_HISTORY_ITERATION],
        "seconds", number(row[TW_HISTORY_SECONDS]), "loss", number(row[TW_HISTORY_LOSS]), "gradient_norm",
        number(row[TW_HISTORY_GRADIENT_NORM]), "step_length", number(row[TW_HISTORY_STEP_LENGTH]),
        "taylor_ratio", number(row[TW_HISTORY_TAYLOR_RATIO]), "slope", number(it->slope), "slope_end",
        number(it->slope_end), "trials", (json_int_t)it->trials, "updates", (json_int_t)it->updates,
        "evaluations", (json_int_t)F->evals, "reads", F->reads, "reductions", (json_int_t)F->reductions);
    set_optional(&object, "validation_loss", it->val_loss);
    set_optional(&object, "validation_accuracy", it->val_accuracy);
    set_optional(&object, "radius", it->radius);
    set_optional(&object, "predicted", it->predicted);
    set_optional(&object, "trust_ratio", it->ratio);
    if (it->inner > 0) tw_json_put(&object, "inner", json_integer(it->inner));
    if (it->rejected) tw_json_put(&object, "rejected", json_true());
    char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;
    const tw_status status = append_line(log, line);
    free(line);
    json_decref(object);
    TW_TRY(status);
    const int error = write_rows(log);
    if (error && !waiting)
        tw_runlog_warn(log, "cannot write metrics.jsonl in the run folder: %s; its rows wait in memory",
                       strerror(error));
    return TW_OK;
}

static void add_row(tw_runlog *log, tw_objective *F, const tw_iterate *it)
{
    if (log->rows == log->room) F->pending = tw_runlog_resize(log, log->room ? 2 * log->room : 256);
    if (F->pending) return;
    const double row[TW_HISTORY_COLUMNS] = {
        (double)it->k, tw_seconds() - log->started, it->f,        it->g_norm,
        it->alpha,     tw_iterate_taylor(it),       it->val_loss, it->val_accuracy};
    for (int c = 0; c < TW_HISTORY_COLUMNS; c++) log->history[c][log->rows] = row[c];
    log->rows++;
    if (log->metrics) F->pending = write_metrics(log, F, it, row);
    tw_runlog_show(log, it->k);
}

void tw_runlog_row(tw_runlog *log, tw_objective *F, const tw_iterate *it)
{
    if (!log->active || it->why != TW_CONTINUE) return;
    const tw_phase doing = tw_phase_enter(TW_AT_LOG, it->k);
    add_row(log, F, it);
    tw_phase_return(doing);
}
