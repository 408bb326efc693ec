/* What a run that has ended has to report: taken from the run itself, before it is released. */
#include "train/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static tw_report_point point_of(const tw_path *p, long i)
{
    if (i < 0 || (size_t)i >= p->count) return (tw_report_point){.row = -1};
    const tw_path_point *at = &p->points[i];
    return (tw_report_point){i, at->nonzeros, at->l1, at->l2, at->cv_mean, at->cv_error, at->val_loss};
}

/* Of a path advice is about the fit that is kept. */
void tw_report_advice(const tw_run *run, char advice[512])
{
    tw_objective of_fit = run->objective;
    if (run->path.count > 0) of_fit.evals = run->path.points[run->path.kept].evaluations;
    tw_monitor_advise(&run->monitor, &of_fit, &run->iterate, 512, advice);
}

static void take_result(tw_report *r, const tw_run *run)
{
    const tw_iterate *it = &run->iterate;
    tw_monitor_explain(&run->monitor, it, sizeof r->verdict, r->verdict);
    tw_report_advice(run, r->advice);
    r->epochs = run->log.epochs;
    r->open = tw_reason_class(it->why) == 's';
    r->model = tw_reason_class(it->why) != 'f' && (run->config.model.path.count == 0 || run->path.count > 0);
    r->iterations = it->k;
    r->evaluations = run->objective.evals;
    r->reads = run->objective.reads;
    r->loss = it->f;
    r->condition = it->condition > 0 ? it->condition : 0;
    r->regularised = it->regularised;
    r->sparse = run->config.model.l1 > 0;
    r->nonzeros = (long)tw_objective_nonzeros(&run->objective, it->w);
    r->coefficients = (long)run->model.n_weights;
    r->watched = run->watched.any;
    r->val_loss = it->val_loss;
    r->val_accuracy = it->val_accuracy;
    r->best_loss = run->watched.validation.best_loss;
    r->best_k = run->watched.validation.best_k;
    r->best_kept = run->watched.validation.patience > 0;
}

static void take_path(tw_report *r, const tw_run *run)
{
    const tw_path *p = &run->path;
    r->path = run->config.model.path.count > 0;
    r->points = (long)p->count;
    r->planned = (long)p->planned;
    r->kept = p->kept;
    r->fits = p->fits;
    r->unfinished = p->unfinished;
    r->requested = run->iterate.why == TW_REQUEST;
    r->matrix = run->optimizer_ops->matrix;
    r->best = point_of(p, p->best);
    r->one_error = point_of(p, p->one_error);
}

static void take_times(tw_report *r, const tw_summary *s, const tw_run *run)
{
    r->wall = s->wall;
    memcpy(r->least, s->least, sizeof r->least);
    memcpy(r->mean, s->mean, sizeof r->mean);
    memcpy(r->most, s->most, sizeof r->most);
    r->ranks = s->n_ranks;
    r->slowest = s->slowest;
    snprintf(r->host, sizeof r->host, "%s", tw_comm_host_of(run->comm, s->slowest));
    r->behind = s->behind;
    r->bytes_most = s->bytes_most;
    r->reductions = (long)s->exchanges;
    r->checkpoints = run->checkpoint.written;
    r->checkpoint_seconds = run->checkpoint.total;
}

void tw_report_of_run(tw_report *r, const tw_summary *s, const tw_run *run)
{
    *r = (tw_report){0};
    snprintf(r->folder, sizeof r->folder, "%s", run->folder.path);
    snprintf(r->newest, sizeof r->newest, "%s", run->checkpoint.newest);
    snprintf(r->hash, sizeof r->hash, "xxh3:%016llx", (unsigned long long)s->hash);
    take_result(r, run);
    take_path(r, run);
    take_times(r, s, run);
}

void tw_summary_report(const tw_summary *s, tw_run *run)
{
    tw_report r;
    if (!run->log.active) return;
    tw_report_of_run(&r, s, run);
    tw_report_print(&r, &run->log);
}
