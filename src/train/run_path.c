/* A path of penalties from the smallest one that makes every coefficient zero down, each run started where
 * the one before ended; and its cross-validation. Source: Friedman, Hastie and Tibshirani 2010 (glmnet). */
#include "thalweg/units.h"
#include "thalweg/vec.h"
#include "train/run_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tw_run_rewind(tw_run *run)
{
    tw_iterate *it = &run->iterate;
    tw_optimizer_reset(&run->optimizer);
    memset(run->step.state, 0, run->step.state_len * sizeof *run->step.state);
    it->alpha = it->slope = it->slope_end = it->f_prev = it->val_loss = it->val_accuracy = NAN;
    it->radius = it->predicted = it->ratio = NAN;
    it->k = it->updates = it->trials = it->inner = 0;
    it->rejected = false;
    it->moved = true;
    it->why = TW_CONTINUE;
}

static void set_penalty(tw_run *run, double l1, double l2)
{
    run->objective.l1 = l1;
    run->objective.l2 = l2;
}

/* One run from where the iterate is, without rows on the screen. */
static tw_status fit(tw_run *run)
{
    tw_trainer *trainer = &run->trainer;
    const bool active = run->log.active;
    if (!trainer->resumed) tw_run_rewind(run);
    run->log.active = false;
    const tw_status status = tw_trainer_run(trainer);
    run->log.active = active;
    run->path.fits++;
    run->path.position++;
    run->path.unfinished += tw_reason_class(run->iterate.why) != 'c';
    return status;
}

/* No further fit makes sense. */
static bool halted(const tw_run *run)
{
    const tw_reason why = run->iterate.why;
    return why == TW_TIME_LIMIT || why == TW_REQUEST || tw_reason_class(why) == 'f';
}

/* Coefficients below rounding are none: at the first penalty every slope is this much smaller than l1. */
#define ABOVE (1 + 0x1p-40)

/* Slopes this small, of the gradient at zero parameters, are rounding. */
#define UNRELATED 1e-13

/* lambda at which the first coefficient leaves zero: the largest slope of the loss where only intercepts are
 * fitted. They are where the path begins. */
static tw_status find_largest(tw_run *run, double share)
{
    tw_path *p = &run->path;
    const tw_iterate *it = &run->iterate;
    const tw_monitor_settings exact = {.gradient_norm = NAN,
                                       .gradient_norm_relative = 1e-14,
                                       .loss_delta = NAN,
                                       .loss_delta_relative = NAN,
                                       .patience = 1,
                                       .max_iterations = 10000,
                                       .max_seconds = run->stop.max_seconds,
                                       .divergence_factor = run->stop.divergence_factor};
    if (!run->trainer.resumed) memset(it->w, 0, it->n * sizeof *it->w); /* whatever model.init says */
    set_penalty(run, 1e100, 0);                                         /* more than any slope */
    run->trainer.stop = &exact;
    const tw_status status = fit(run);
    run->trainer.stop = &run->stop;
    TW_TRY(status);
    p->fits = p->unfinished = 0; /* it ends at rounding level */
    if (halted(run)) return TW_OK;
    for (size_t j = 0; j < run->model.n_weights; j++) p->largest = fmax(p->largest, fabs(it->g[j]));
    if (!(p->largest > UNRELATED * run->monitor.g_norm_zero))
        return tw_fail(TW_DATA,
                       "no feature is related to the labels: the path would begin at a penalty of %g",
                       p->largest);
    p->largest = p->largest / share * ABOVE;
    memcpy(p->points[0].w, it->w, it->n * sizeof *it->w);
    return TW_OK;
}

tw_status tw_path_allocate(tw_run *run)
{
    tw_path *p = &run->path;
    const size_t folds = (size_t)run->config.model.folds, count = (size_t)run->config.model.path.count;
    p->points = calloc(count, sizeof *p->points);
    p->fold_loss = calloc(folds * count + 1, sizeof *p->fold_loss);
    p->fold_weight = calloc(folds + 1, sizeof *p->fold_weight);
    p->parameters = calloc(count * run->iterate.n + 1, sizeof *p->parameters);
    p->table = calloc(count * TW_PATH_COLUMNS, sizeof *p->table);
    if (!p->points || !p->fold_loss || !p->fold_weight || !p->parameters || !p->table)
        return tw_fail(TW_MEMORY, "out of memory for a path of %zu penalties", count);
    p->planned = count;
    p->folds = folds;
    p->n = run->iterate.n;
    p->best = p->one_error = -1;
    for (size_t i = 0; i < count; i++) p->points[i].w = p->parameters + i * run->iterate.n;
    return TW_OK;
}

static void set_penalties(tw_run *run, double share)
{
    tw_path *p = &run->path;
    const double step = tw_log(run->config.model.path.min_ratio) / (double)(p->planned - 1);
    for (size_t i = 0; i < p->planned; i++) {
        const double lambda = i == 0 ? p->largest : p->largest * tw_exp(step * (double)i);
        p->points[i].l1 = lambda * share;
        p->points[i].l2 = lambda * (1 - share);
        p->points[i].cv_mean = p->points[i].cv_error = p->points[i].val_loss = NAN;
    }
    for (size_t i = 0; i < p->planned * (size_t)run->config.model.folds; i++) p->fold_loss[i] = NAN;
}

/* ---- folds ---- */

static void print_fold(tw_run *run, size_t fold, long iterations, double seconds)
{
    const long long folds = (long long)run->config.model.folds;
    const double weight = run->path.fold_weight[fold];
    char took[TW_UNIT_LEN];
    if (weight > 0)
        tw_runlog_print(&run->log, "  fold     %*zu of %lld: %g of %g left out, %ld iterations, %s\n",
                        snprintf(NULL, 0, "%lld", folds), fold + 1, folds, weight,
                        weight + run->objective.weight, iterations, tw_units_seconds(seconds, took));
    else
        tw_runlog_print(&run->log, "  fold     %*zu of %lld: no row fell into it\n",
                        snprintf(NULL, 0, "%lld", folds), fold + 1, folds);
}

static void begin_fits(tw_run *run)
{
    run->path.row = run->path.iterations = 0;
    run->trainer.zero_known = false; /* other rows, another scale of the tests */
    memset(run->iterate.w, 0, run->iterate.n * sizeof *run->iterate.w);
}

static tw_status run_fold(tw_run *run, size_t fold)
{
    tw_path *p = &run->path;
    const double began = tw_seconds();
    tw_score score;
    TW_TRY(tw_run_without(run, (uint32_t)fold + 1));
    if (!run->trainer.resumed) begin_fits(run);
    for (; p->row < (long)p->planned && (p->row == 0 || p->fold_weight[fold] > 0); p->row++) {
        const size_t i = (size_t)p->row;
        set_penalty(run, p->points[i].l1, p->points[i].l2);
        TW_TRY(fit(run));
        if (halted(run)) return TW_OK;
        TW_TRY(tw_objective_score(&run->objective, run->iterate.w, true, run->watched.weight, &score));
        p->fold_loss[fold * p->planned + i] = score.loss;
        p->fold_weight[fold] = score.weight;
        p->iterations += run->iterate.k;
    }
    print_fold(run, fold, p->iterations, tw_seconds() - began);
    return TW_OK;
}

/* Mean over the folds that have rows, each by its weight, and the standard error of that mean, as cv.glmnet
 * has them. */
static void average_folds(tw_run *run)
{
    tw_path *p = &run->path;
    const size_t folds = (size_t)run->config.model.folds;
    for (size_t i = 0; i < p->planned; i++) {
        double sum = 0, weight = 0, spread = 0, used = 0;
        for (size_t f = 0; f < folds; f++) {
            if (!(p->fold_weight[f] > 0)) continue;
            sum = sum + p->fold_weight[f] * p->fold_loss[f * p->planned + i];
            weight = weight + p->fold_weight[f];
            used = used + 1;
        }
        const double mean = sum / weight;
        for (size_t f = 0; f < folds; f++) {
            const double delta = p->fold_loss[f * p->planned + i] - mean;
            if (p->fold_weight[f] > 0) spread = spread + p->fold_weight[f] * (delta * delta);
        }
        p->points[i].cv_mean = mean;
        p->points[i].cv_error = sqrt(spread / weight / (used - 1));
    }
}

/* Least score; on a tie the larger penalty. The one-standard-error rule: the largest penalty whose score is
 * no more than one standard error above the least (Breiman et al. 1984). */
static void choose(tw_path *p, size_t count)
{
    p->best = p->one_error = -1;
    for (size_t i = 0; i < count; i++) {
        const double score = isnan(p->points[i].cv_mean) ? p->points[i].val_loss : p->points[i].cv_mean;
        const tw_path_point *best = p->best < 0 ? NULL : &p->points[p->best];
        if (!isnan(score) && (!best || score < (isnan(best->cv_mean) ? best->val_loss : best->cv_mean)))
            p->best = (long)i;
    }
    if (p->best < 0 || isnan(p->points[p->best].cv_mean)) return;
    const double limit = p->points[p->best].cv_mean + p->points[p->best].cv_error;
    for (size_t i = count; i-- > 0;)
        if ((long)i <= p->best && p->points[i].cv_mean <= limit) p->one_error = (long)i;
}

static tw_status run_folds(tw_run *run)
{
    const size_t folds = (size_t)run->config.model.folds;
    if (folds == 0) return TW_OK;
    for (long *f = &run->path.fold; *f < (long)folds; ++*f) {
        TW_TRY(run_fold(run, (size_t)*f));
        if (halted(run)) return TW_OK;
    }
    average_folds(run);
    choose(&run->path, run->path.planned);
    return tw_run_without(run, 0);
}

/* ---- all rows ---- */

static void print_row(tw_run *run, size_t i)
{
    const tw_path_point *at = &run->path.points[i];
    const bool folds = !isnan(at->cv_mean), watched = !isnan(at->val_loss);
    const char *mark = (long)i == run->path.best        ? "  least"
                       : (long)i == run->path.one_error ? "  one error"
                                                        : "";
    char extra[64] = "";
    if (folds) snprintf(extra, sizeof extra, " %12.6g %10.3g", at->cv_mean, at->cv_error);
    if (watched) snprintf(extra, sizeof extra, " %12.6g", at->val_loss);
    if (i == 0)
        tw_runlog_print(&run->log, "\n%6s %12s %12s %8s %14s %10s%s\n", "row", "l1", "l2", "nonzero", "loss",
                        "iterations",
                        folds     ? "      cv_mean   cv_error"
                        : watched ? "     val_loss"
                                  : "");
    tw_runlog_print(&run->log, "%6zu %12.6g %12.6g %8ld %14.8g %10ld%s%s%s\n", i, at->l1, at->l2,
                    at->nonzeros, at->loss, at->iterations, extra, folds ? mark : "",
                    tw_reason_class(at->why) == 'c' ? "" : "  not converged");
}

/* A row of metrics.jsonl and of the history is a penalty. */
static void log_point(tw_run *run, size_t i)
{
    const tw_progress progress = run->log.progress;
    tw_iterate row = run->iterate;
    row.k = (long)i;
    row.why = TW_CONTINUE;
    row.val_loss = run->path.points[i].val_loss;
    run->log.progress = TW_PROGRESS_NONE; /* the screen has a table of its own */
    tw_runlog_row(&run->log, &run->objective, &row);
    run->log.progress = progress;
}

static tw_status run_point(tw_run *run, size_t i)
{
    tw_path_point *at = &run->path.points[i];
    const tw_iterate *it = &run->iterate;
    tw_score score;
    if (!run->trainer.resumed) run->path.evals = run->objective.evals;
    set_penalty(run, at->l1, at->l2);
    TW_TRY(fit(run));
    if (it->why == TW_REQUEST || tw_reason_class(it->why) == 'f') return TW_OK;
    at->loss = it->f;
    at->iterations = it->k;
    at->evaluations = run->objective.evals - run->path.evals;
    at->nonzeros = (long)tw_objective_nonzeros(&run->objective, it->w);
    at->why = it->why;
    at->f_prev = it->f_prev;
    at->step = it->alpha;
    at->monitor = run->monitor;
    memcpy(at->w, it->w, it->n * sizeof *it->w);
    TW_TRY(tw_objective_score(&run->objective, it->w, true, NULL, &score));
    at->mean_loss = score.loss;
    if (run->watched.any) {
        const tw_validation *v = &run->watched.validation;
        TW_TRY(tw_objective_score(v->objective, it->w, v->same_rows, v->weight, &score));
        at->val_loss = score.loss;
    }
    run->path.count = i + 1;
    log_point(run, i);
    print_row(run, i);
    return TW_OK;
}

/* The run's result is the chosen point of the path. */
static tw_status take_point(tw_run *run, const tw_path_point *at)
{
    tw_iterate *it = &run->iterate;
    set_penalty(run, at->l1, at->l2);
    memcpy(it->w, at->w, it->n * sizeof *it->w);
    TW_TRY(tw_objective_eval(&run->objective, it->w, &it->f, it->g));
    tw_objective_accept(&run->objective);
    it->g_norm = tw_objective_stationarity(&run->objective, it->w, it->g);
    it->w_norm = tw_vec_norm(it->n, it->w);
    it->k = it->updates = at->iterations;
    it->why = at->why;
    it->f_prev = at->f_prev;
    it->alpha = at->step;
    it->val_loss = at->val_loss;
    run->monitor = at->monitor;
    run->monitor.set = run->stop; /* no part of a checkpoint, as the clock */
    run->monitor.started = run->began;
    return TW_OK;
}

tw_status tw_run_path(tw_run *run)
{
    tw_path *p = &run->path;
    const tw_config *c = &run->config;
    const double share = c->model.l1 / (c->model.l1 + c->model.l2);
    if (run->trainer.resumed) tw_path_unpack(p);
    if (p->stage == TW_PATH_LARGEST) {
        TW_TRY(find_largest(run, share));
        if (halted(run)) return TW_OK;
        set_penalties(run, share);
        p->stage = TW_PATH_FOLDS;
    }
    if (p->stage == TW_PATH_FOLDS) {
        TW_TRY(run_folds(run));
        if (halted(run)) return TW_OK;
        p->stage = TW_PATH_ROWS;
        begin_fits(run);
        memcpy(run->iterate.w, p->points[0].w, run->iterate.n * sizeof *run->iterate.w);
    }
    for (; p->row == 0 || (p->row < (long)p->planned && !halted(run)); p->row++)
        TW_TRY(run_point(run, (size_t)p->row));
    tw_runlog_print(&run->log, "\n");
    if (run->iterate.why == TW_REQUEST) return TW_OK; /* it goes on, so there is nothing to choose yet */
    if (tw_reason_class(run->iterate.why) == 'f' || p->count == 0) return TW_OK;
    choose(p, p->count);
    p->kept = p->best >= 0 ? p->best : (long)p->count - 1;
    const tw_reason why = run->iterate.why;
    const bool early = halted(run);
    TW_TRY(take_point(run, &p->points[p->kept]));
    if (early) run->iterate.why = why; /* the fits that are left are still to do */
    return TW_OK;
}
