/* runlog.h -- what a run leaves behind while it runs: the table on the screen, log.txt, metrics.jsonl, the
 * history.
 *
 * Rank 0 alone prints and writes; on the others every call does nothing. Text for people goes to stdout, and
 * to log.txt in the run folder; one JSON object an iteration goes to metrics.jsonl, numbers or null, never
 * NaN. */
#ifndef THALWEG_RUNLOG_H
#define THALWEG_RUNLOG_H

#include "thalweg/iterate.h"
#include "thalweg/objective.h"

#include <stdio.h>

typedef enum { TW_PROGRESS_AUTO, TW_PROGRESS_BAR, TW_PROGRESS_LINES, TW_PROGRESS_NONE } tw_progress;

/** Columns of the history, each [rows]; NAN where there is no value. */
enum {
    TW_HISTORY_ITERATION,
    TW_HISTORY_SECONDS,
    TW_HISTORY_LOSS,
    TW_HISTORY_GRADIENT_NORM,
    TW_HISTORY_STEP_LENGTH,
    TW_HISTORY_TAYLOR_RATIO,
    TW_HISTORY_VALIDATION_LOSS, /* from here on not in the /history of older models */
    TW_HISTORY_VALIDATION_ACCURACY,
    TW_HISTORY_COLUMNS
};

typedef struct {
    bool active;  /* rank 0 */
    bool resumed; /* the logs are gone on with */
    bool quiet, verbose; /* verbose: every row on the screen */
    tw_progress progress;
    long every; /* rows on the screen; 0: iterations 0 1 2 5 10 20 50 ..., and one every 5 seconds */
    FILE *text, *metrics;
    char *unwritten; /* rows that metrics.jsonl could not take yet, of this many bytes */
    size_t behind;
    double started, printed, drawn; /* clocks: begin, last row on the screen, last redrawn line */
    double *history[TW_HISTORY_COLUMNS];
    size_t rows, room;
    bool bar_shown;
    double clocks[TW_N_CLOCKS]; /* when the last row was shown */
    bool epochs;               /* a row is an epoch of mini-batches */
    bool validation, accuracy; /* columns of the validation rows */
    double max_seconds;        /* NAN: no limit; for the time left */
    long max_iterations;
} tw_runlog;

/** A terminal that shows a redrawn line: one whose window has columns (under mpirun isatty lies). Not
 * collective. */
bool tw_runlog_is_terminal(FILE *stream);

/** One that shows colours: unless NO_COLOR is set, or TERM is dumb. Not collective. */
bool tw_runlog_has_colours(FILE *stream);

/** "warning: " or "error: ", in colour where the stream shows any. Not collective. */
void tw_runlog_put_alarm(FILE *stream, const char *word);

/** Open log.txt and metrics.jsonl in folder. A resumed run goes on with them: log.txt is appended
 * to, and metrics.jsonl is cut to the rows of the history. Not collective: rank 0 calls it. TW_OUTPUT, TW_IO.
 */
tw_status tw_runlog_open(tw_runlog *log, const char *folder) TW_CHECKED;
void tw_runlog_release(tw_runlog *log);

/** A line for people (printf form), to stdout unless quiet, and to log.txt. */
void tw_runlog_print(tw_runlog *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** A warning: to stderr as "thalweg: warning: ...", quiet or not, and to log.txt. */
void tw_runlog_warn(tw_runlog *log, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Room for the rows of a history. TW_MEMORY. */
tw_status tw_runlog_resize(tw_runlog *log, size_t rows) TW_CHECKED;

/** What is logged is on the disk, rows that could not be written before among it. TW_IO. */
tw_status tw_runlog_sync(tw_runlog *log) TW_CHECKED;

/** The row of this iteration. Not collective. One that cannot be written is kept, with a warning, and tried
 * again with the next row and by tw_runlog_sync; no memory for it becomes F->pending. */
void tw_runlog_row(tw_runlog *log, tw_objective *F, const tw_iterate *it);

/** The last row, if the screen has not shown it, and an empty line. */
void tw_runlog_end(tw_runlog *log, const tw_iterate *it);

#endif
