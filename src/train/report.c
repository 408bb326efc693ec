/* The last lines of the screen: why the run stopped, what came out, where the time went, what to do next. */
#include "thalweg/units.h"
#include "train/summary.h"

#include <math.h>
#include <stdio.h>

static void print_validation(tw_run *run)
{
    const tw_validation *v = &run->watched.validation;
    char accuracy[48] = "";
    if (!isnan(run->iterate.val_accuracy))
        snprintf(accuracy, sizeof accuracy, ", accuracy %.4f", run->iterate.val_accuracy);
    tw_runlog_print(&run->log, "  watched  validation loss %.6g%s; best %.6g at %s %ld%s\n",
                    run->iterate.val_loss, accuracy, v->best_loss, run->log.epochs ? "epoch" : "iteration",
                    v->best_k, v->patience > 0 ? ", which is kept" : "");
}

static void print_point(tw_run *run, const char *name, long i)
{
    const tw_path_point *at = &run->path.points[i];
    char score[64] = "";
    if (!isnan(at->cv_mean))
        snprintf(score, sizeof score, ", cross-validated loss %.6g +- %.2g", at->cv_mean, at->cv_error);
    else if (!isnan(at->val_loss))
        snprintf(score, sizeof score, ", validation loss %.6g", at->val_loss);
    tw_runlog_print(&run->log, "  %-8s row %ld: l1 %g, l2 %g, %ld of %zu coefficients%s\n", name, i, at->l1,
                    at->l2, at->nonzeros, run->model.n_weights, score);
}

static void print_path(tw_run *run)
{
    const tw_path *p = &run->path;
    const char *why = p->one_error >= 0 ? "which has the least cross-validated loss"
                      : p->best >= 0    ? "which has the least validation loss"
                                        : "which has the smallest penalty";
    if (p->count < p->planned)
        tw_runlog_print(&run->log, "  warning  %s after %zu of %zu penalties\n",
                        run->iterate.why == TW_REQUEST ? "stopped" : "time was over", p->count, p->planned);
    if (p->count == 0) return;
    if (p->best >= 0) print_point(run, "least", p->best);
    if (p->one_error >= 0) print_point(run, "simpler", p->one_error);
    if (p->one_error >= 0)
        tw_runlog_print(&run->log,
                        "           the largest penalty within one standard error of the least loss\n");
    tw_runlog_print(&run->log, "  kept     row %ld, %s; all rows are in /path of model.h5\n", p->kept, why);
    if (p->unfinished > 0)
        tw_runlog_print(&run->log, "  warning  %ld of the %ld fits did not converge%s\n", p->unfinished,
                        p->fits,
                        p->count < p->planned || run->optimizer_ops->matrix
                            ? ""
                            : "; raise stop.max_iterations, or use optimizer.type: coordinate_descent");
}

static void print_verdict(tw_run *run)
{
    const bool path = run->config.model.path.count > 0;
    char text[512];
    char row[32] = "";
    tw_monitor_explain(&run->monitor, &run->iterate, sizeof text, text);
    if (run->path.count > 0) snprintf(row, sizeof row, "row %ld: ", run->path.kept);
    tw_runlog_print(&run->log, "  stopped  %s%s; %s %ld, %ld evaluations, %.4g reads of the data\n", row,
                    text, run->log.epochs ? "epoch" : "iteration", run->iterate.k, run->objective.evals,
                    run->objective.reads);
    if (run->iterate.condition > 0)
        tw_runlog_print(&run->log, "  matrix   condition number about %.1e%s\n", run->iterate.condition,
                        run->iterate.regularised > 0 ? ", after its diagonal was raised to make it regular"
                                                     : "");
    tw_runlog_print(&run->log, "  result   loss %.17g%s\n", run->iterate.f,
                    tw_reason_class(run->iterate.why) == 's' ? " (not converged)" : "");
    if (run->config.model.l1 > 0 && !path)
        tw_runlog_print(&run->log, "  sparsity %zu of %zu coefficients are not zero\n",
                        tw_objective_nonzeros(&run->objective, run->iterate.w), run->model.n_weights);
    if (run->watched.any && !path) print_validation(run);
    if (path) print_path(run);
    tw_objective of_fit = run->objective; /* of a path advice is about the fit that is kept */
    if (run->path.count > 0) of_fit.evals = run->path.points[run->path.kept].evaluations;
    tw_monitor_advise(&run->monitor, &of_fit, &run->iterate, sizeof text, text);
    if (text[0]) tw_runlog_print(&run->log, "  advice   %s\n", text);
}

/* Behind the row of a clock: who is to be waited for, what was sent. */
static void note_clock(const tw_summary *s, const tw_run *run, int clock, size_t length, char *note)
{
    char bytes[TW_UNIT_LEN];
    note[0] = 0;
    if (clock == TW_CLOCK_WAIT && s->n_ranks > 1)
        snprintf(note, length, "   rank %d (%s) is slowest, %.0f%% behind the mean", s->slowest,
                 tw_comm_host_of(run->comm, s->slowest), 100 * s->behind);
    if (clock == TW_CLOCK_WIRE && s->bytes_most > 0)
        snprintf(note, length, "   %s sent by the busiest rank in %llu reductions",
                 tw_units_bytes(s->bytes_most, bytes), (unsigned long long)s->exchanges);
}

static void print_times(const tw_summary *s, tw_run *run)
{
    char took[TW_UNIT_LEN], note[TW_NAME_LEN + 128];
    double all = 0;
    for (int i = 0; i < TW_N_CLOCKS; i++) all += s->mean[i];
    tw_runlog_print(&run->log, "  time     %-9s    %8s %8s %8s %7s\n", tw_units_seconds(s->wall, took), "min",
                    "avg", "max", "share");
    for (int i = 0; i < TW_N_CLOCKS; i++) {
        note_clock(s, run, i, sizeof note, note);
        tw_runlog_print(&run->log, "             %-10s %8.2f %8.2f %8.2f %6.0f%%%s\n",
                        tw_account_name((tw_clock)i), s->least[i], s->mean[i], s->most[i],
                        all > 0 ? 100 * s->mean[i] / all : 0, note);
    }
}

static void print_checkpoints(const tw_summary *s, tw_run *run)
{
    const tw_checkpoint *c = &run->checkpoint;
    char took[TW_UNIT_LEN];
    if (c->written > 0)
        tw_runlog_print(&run->log,
                        "  saved    %ld checkpoint%s in %s, %.2g%% of the time; the newest is %s\n",
                        c->written, c->written == 1 ? "" : "s", tw_units_seconds(c->total, took),
                        100 * c->total / s->wall, c->newest);
}

void tw_summary_report(const tw_summary *s, tw_run *run)
{
    const int ranks = tw_comm_size(run->comm);
    const bool failed = tw_reason_class(run->iterate.why) == 'f';
    const bool model = !failed && (run->config.model.path.count == 0 || run->path.count > 0);
    print_verdict(run);
    print_times(s, run);
    print_checkpoints(s, run);
    tw_runlog_print(&run->log, "  files    %s/{%smetrics.jsonl, summary.json}   parameters xxh3:%016llx\n",
                    run->folder.path, model ? "model.h5, " : "", (unsigned long long)s->hash);
    if (model)
        tw_runlog_print(&run->log, "  next     mpirun -n %d thalweg evaluate %s/model.h5 DATA.h5\n", ranks,
                        run->folder.path);
}
