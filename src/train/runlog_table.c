/* The table of a run for people: which rows it has, how they look, and the line that is redrawn under it. */
#include "train/runlog_table.h"

#include "thalweg/units.h"

#include <math.h>
#include <string.h>
#include <sys/ioctl.h>

/* 0, 1, 2, 5, 10, 20, 50, ... */
static bool round_number(long k)
{
    while (k >= 10 && k % 10 == 0) k /= 10;
    return k <= 2 || k == 5;
}

static bool row_is_due(const tw_runlog *log, long k)
{
    if (log->progress == TW_PROGRESS_NONE) return false;
    if (log->verbose) return true;
    if (log->every > 0) return k % log->every == 0 || tw_seconds() - log->printed > 30;
    return round_number(k) || tw_seconds() - log->printed > 5;
}

/* A number, or "-" where there is none. */
#define CELL(text, format, v)                           \
    do {                                                \
        const double cell_ = (v);                       \
        if (isnan(cell_))                               \
            strcpy(text, "-");                          \
        else                                            \
            snprintf(text, sizeof text, format, cell_); \
    } while (0)

/* Time left until the iteration or time limit, whichever comes first; convergence usually comes before both.
 */
static double seconds_left(const tw_runlog *log, long k, double seconds)
{
    double left = k > 0 ? seconds / (double)k * (double)(log->max_iterations - k) : NAN;
    const double limit = log->max_seconds - seconds;
    if (!isnan(limit) && (isnan(left) || limit < left)) left = limit;
    return left;
}

static void format_row(const tw_runlog *log, size_t i, size_t length, char *line)
{
    char loss[16], norm[16], step[16], taylor[16], val[16], accuracy[16], elapsed[TW_UNIT_LEN],
        left[TW_UNIT_LEN] = "-";
    const double seconds = log->history[TW_HISTORY_SECONDS][i];
    const long k = (long)log->history[TW_HISTORY_ITERATION][i];
    const double remaining = seconds_left(log, k, seconds);
    CELL(loss, "%.7g", log->history[TW_HISTORY_LOSS][i]);
    CELL(norm, "%.2e", log->history[TW_HISTORY_GRADIENT_NORM][i]);
    CELL(step, "%.3g", log->history[TW_HISTORY_STEP_LENGTH][i]);
    CELL(taylor, "%.2f", log->history[TW_HISTORY_TAYLOR_RATIO][i]);
    CELL(val, "%.6g", log->history[TW_HISTORY_VALIDATION_LOSS][i]);
    CELL(accuracy, "%.4f", log->history[TW_HISTORY_VALIDATION_ACCURACY][i]);
    if (!isnan(remaining)) tw_units_clock(remaining, left);
    int at = snprintf(line, length, "%9ld %14s %10s %9s %8s", k, loss, norm, step, taylor);
    if (log->validation) at += snprintf(line + at, length - (size_t)at, " %10s", val);
    if (log->accuracy) at += snprintf(line + at, length - (size_t)at, " %8s", accuracy);
    snprintf(line + at, length - (size_t)at, " %9s %9s", tw_units_clock(seconds, elapsed), left);
}

/* How much of the iterations or of the time that the run may take is over, in per cent; convergence usually
 * comes before. */
static double share_done(const tw_runlog *log, long k, double seconds)
{
    double share = log->max_iterations > 0 ? (double)k / (double)log->max_iterations : 0;
    if (log->max_seconds > 0 && seconds / log->max_seconds > share) share = seconds / log->max_seconds;
    return share < 1 ? floor(100 * share) : 100;
}

/* Where the time since the last row of the table went on this rank. */
static void format_shares(const tw_runlog *log, size_t length, char *text)
{
    double now[TW_N_CLOCKS], all = 0;
    tw_account_read(now);
    for (int i = 0; i < TW_N_CLOCKS; i++) all += now[i] -= log->clocks[i];
    text[0] = 0;
    if (all > 0)
        snprintf(text, length, "  compute %.0f%% wait %.0f%% wire %.0f%%", 100 * now[TW_CLOCK_COMPUTE] / all,
                 100 * now[TW_CLOCK_WAIT] / all, 100 * now[TW_CLOCK_WIRE] / all);
}

/* In a window too narrow for a row of the table. */
static void format_short(const tw_runlog *log, long k, double seconds, size_t length, char *line)
{
    char left[TW_UNIT_LEN] = "-";
    const double remaining = seconds_left(log, k, seconds);
    if (!isnan(remaining)) tw_units_clock(remaining, left);
    snprintf(line, length, "%s %ld  loss %.7g  %.0f%% done, at most %s", log->epochs ? "epoch" : "iteration",
             k, log->history[TW_HISTORY_LOSS][log->rows - 1], share_done(log, k, seconds), left);
}

/* The current iteration under the table, never wider than the window: a line that wraps cannot be redrawn. */
static void draw(tw_runlog *log, long k, const char *row)
{
    enum { EACH_LEN = 200, LEAST = 40 };
    struct winsize window = {0};
    char line[2 * EACH_LEN], shares[EACH_LEN];
    const double now = tw_seconds(), seconds = log->history[TW_HISTORY_SECONDS][log->rows - 1];
    if (log->bar_shown && now - log->drawn < 0.1) return;
    const bool known = ioctl(fileno(stdout), TIOCGWINSZ, &window) == 0 && window.ws_col > 0;
    const size_t most = known ? (window.ws_col > LEAST ? window.ws_col : LEAST) - 1u : sizeof line - 1;
    size_t used = (size_t)snprintf(line, EACH_LEN, "%s  %3.0f%% done", row, share_done(log, k, seconds));
    if (used > most) format_short(log, k, seconds, sizeof line, line);
    format_shares(log, sizeof shares, shares);
    if (known && used + strlen(shares) <= most) snprintf(line + used, sizeof line - used, "%s", shares);
    printf("\r\033[K%.*s", (int)most, line);
    fflush(stdout);
    log->bar_shown = true;
    log->drawn = now;
}

void tw_runlog_show(tw_runlog *log, long k)
{
    char line[200];
    if (log->progress == TW_PROGRESS_NONE) return;
    format_row(log, log->rows - 1, sizeof line, line);
    if (k == 0)
        tw_runlog_print(log, "\n%9s %14s %10s %9s %8s%s%s %9s %9s\n", log->epochs ? "epoch" : "iteration",
                        "loss", "|grad|", "step", "taylor", log->validation ? "   val_loss" : "",
                        log->accuracy ? "  val_acc" : "", "elapsed", "at most");
    if (row_is_due(log, k)) {
        tw_runlog_print(log, "%s\n", line);
        log->printed = tw_seconds();
        tw_account_read(log->clocks);
    } else if (log->progress == TW_PROGRESS_BAR && !log->quiet) {
        draw(log, k, line);
    }
}

void tw_runlog_end(tw_runlog *log, const tw_iterate *it)
{
    char line[200];
    if (!log->active || log->rows == 0) return;
    format_row(log, log->rows - 1, sizeof line, line);
    if (log->progress != TW_PROGRESS_NONE && !row_is_due(log, it->k)) tw_runlog_print(log, "%s\n", line);
    tw_runlog_print(log, "\n");
}
