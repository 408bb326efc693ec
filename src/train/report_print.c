/* The last lines of the screen: why the run stopped, what came out, where the time went, what to do next. */
#include "thalweg/units.h"
#include "train/report.h"

#include <math.h>
#include <stdio.h>

static void print_validation(const tw_report *r, tw_runlog *log)
{
    char accuracy[48] = "";
    if (!isnan(r->val_accuracy)) snprintf(accuracy, sizeof accuracy, ", accuracy %.4f", r->val_accuracy);
    tw_runlog_print(log, "  watched  validation loss %.6g%s; best %.6g at %s %ld%s\n", r->val_loss, accuracy,
                    r->best_loss, r->epochs ? "epoch" : "iteration", r->best_k,
                    r->best_kept ? ", which is kept" : "");
}

static void print_point(const tw_report *r, const char *name, const tw_report_point *at, tw_runlog *log)
{
    char score[64] = "";
    if (!isnan(at->cv_mean))
        snprintf(score, sizeof score, ", cross-validated loss %.6g +- %.2g", at->cv_mean, at->cv_error);
    else if (!isnan(at->val_loss))
        snprintf(score, sizeof score, ", validation loss %.6g", at->val_loss);
    tw_runlog_print(log, "  %-8s row %ld: l1 %g, l2 %g, %ld of %ld coefficients%s\n", name, at->row, at->l1,
                    at->l2, at->nonzeros, r->coefficients, score);
}

static void print_path(const tw_report *r, tw_runlog *log)
{
    const char *why = r->one_error.row >= 0 ? "which has the least cross-validated loss"
                      : r->best.row >= 0    ? "which has the least validation loss"
                                            : "which has the smallest penalty";
    if (r->points < r->planned)
        tw_runlog_print(log, "  warning  %s after %ld of %ld penalties\n",
                        r->requested ? "stopped" : "time was over", r->points, r->planned);
    if (r->points == 0) return;
    if (r->best.row >= 0) print_point(r, "least", &r->best, log);
    if (r->one_error.row >= 0) print_point(r, "simpler", &r->one_error, log);
    if (r->one_error.row >= 0)
        tw_runlog_print(log, "           the largest penalty within one standard error of the least loss\n");
    tw_runlog_print(log, "  kept     row %ld, %s; all rows are in /path of model.h5\n", r->kept, why);
    if (r->unfinished > 0)
        tw_runlog_print(log, "  warning  %ld of the %ld fits did not converge%s\n", r->unfinished, r->fits,
                        r->points < r->planned || r->matrix
                            ? ""
                            : "; raise stop.max_iterations, or use optimizer.type: coordinate_descent");
}

static void print_verdict(const tw_report *r, tw_runlog *log)
{
    char row[32] = "";
    if (r->points > 0) snprintf(row, sizeof row, "row %ld: ", r->kept);
    tw_runlog_print(log, "  stopped  %s%s; %s %ld, %ld evaluations, %.4g reads of the data\n", row,
                    r->verdict, r->epochs ? "epoch" : "iteration", r->iterations, r->evaluations, r->reads);
    if (r->condition > 0)
        tw_runlog_print(log, "  matrix   condition number about %.1e%s\n", r->condition,
                        r->regularised > 0 ? ", after its diagonal was raised to make it regular" : "");
    if (isfinite(r->loss))
        tw_runlog_print(log, "  result   loss %.17g%s\n", r->loss, r->open ? " (not converged)" : "");
    else
        tw_runlog_print(log, "  result   loss not finite\n");
    if (r->sparse && !r->path)
        tw_runlog_print(log, "  sparsity %ld of %ld coefficients are not zero\n", r->nonzeros,
                        r->coefficients);
    if (r->watched && !r->path) print_validation(r, log);
    if (r->path) print_path(r, log);
    if (r->advice[0]) tw_runlog_print(log, "  advice   %s\n", r->advice);
}

/* Behind the row of a clock: who is to be waited for, what was sent. */
static void note_clock(const tw_report *r, int clock, size_t length, char *note)
{
    char bytes[TW_UNIT_LEN];
    note[0] = 0;
    if (clock == TW_CLOCK_WAIT && r->ranks > 1)
        snprintf(note, length, "   rank %d (%s) is slowest, %.0f%% behind the mean", r->slowest, r->host,
                 100 * r->behind);
    if (clock == TW_CLOCK_WIRE && r->bytes_most > 0)
        snprintf(note, length, "   %s sent by the busiest rank in %ld reductions",
                 tw_units_bytes(r->bytes_most, bytes), r->reductions);
}

static void print_times(const tw_report *r, tw_runlog *log)
{
    char took[TW_UNIT_LEN], note[TW_NAME_LEN + 128];
    double all = 0;
    for (int i = 0; i < TW_N_CLOCKS; i++) all += r->mean[i];
    tw_runlog_print(log, "  time     %-9s    %8s %8s %8s %7s\n", tw_units_seconds(r->wall, took), "min",
                    "avg", "max", "share");
    for (int i = 0; i < TW_N_CLOCKS; i++) {
        note_clock(r, i, sizeof note, note);
        tw_runlog_print(log, "             %-10s %8.2f %8.2f %8.2f %6.0f%%%s\n", tw_account_name((tw_clock)i),
                        r->least[i], r->mean[i], r->most[i], all > 0 ? 100 * r->mean[i] / all : 0, note);
    }
}

static void print_checkpoints(const tw_report *r, tw_runlog *log)
{
    char took[TW_UNIT_LEN];
    if (r->checkpoints > 0)
        tw_runlog_print(log, "  saved    %ld checkpoint%s in %s, %.2g%% of the time; the newest is %s\n",
                        r->checkpoints, r->checkpoints == 1 ? "" : "s",
                        tw_units_seconds(r->checkpoint_seconds, took), 100 * r->checkpoint_seconds / r->wall,
                        r->newest);
}

void tw_report_print(const tw_report *r, tw_runlog *log)
{
    print_verdict(r, log);
    print_times(r, log);
    print_checkpoints(r, log);
    tw_runlog_print(log, "  files    %s/{%smetrics.jsonl, summary.json}   parameters %s\n", r->folder,
                    r->model ? "model.h5, " : "", r->hash);
    if (r->model)
        tw_runlog_print(log, "  next     mpirun -n %d thalweg evaluate %s/model.h5 DATA.h5\n", r->ranks,
                        r->folder);
}
