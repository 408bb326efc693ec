/* A path of penalties from the smallest one that makes every coefficient zero down, each run started where the one
 * before ended; and its cross-validation. Source: Friedman, Hastie and Tibshirani 2010 (glmnet). */
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

static tw_trainer make_trainer(tw_run *run)
{
    return (tw_trainer){.objective = &run->objective,
                        .optimizer = &run->optimizer,
                        .step = &run->step,
                        .monitor = &run->monitor,
                        .stop = &run->stop,
                        .log = &run->log,
                        .iterate = &run->iterate};
}

/* One run from where the iterate is, without rows on the screen. */
static tw_status fit(tw_run *run, tw_trainer *trainer)
{
    const bool active = run->log.active;
    tw_run_rewind(run);
    run->log.active = false;
    const tw_status status = tw_trainer_run(trainer);
    run->log.active = active;
    return status;
}

/* lambda at which the first coefficient leaves zero: the largest slope of the loss where only intercepts are fitted. */
static tw_status find_largest(tw_run *run, double share, double *largest)
{
    tw_trainer trainer = make_trainer(run);
    const tw_iterate *it = &run->iterate;
    const tw_monitor_settings exact = {.gradient_norm = NAN,
                                       .gradient_norm_relative = 1e-14,
                                       .loss_delta = NAN,
                                       .loss_delta_relative = NAN,
                                       .patience = 1,
                                       .max_iterations = 1000,
                                       .max_seconds = run->stop.max_seconds,
                                       .divergence_factor = run->stop.divergence_factor};
    trainer.stop = &exact;
    memset(run->iterate.w, 0, it->n * sizeof *it->w);
    set_penalty(run, 1e100, 0); /* more than any slope */
    TW_TRY(fit(run, &trainer));
    *largest = 0;
    for (size_t j = 0; j < run->model.n_weights; j++) *largest = fmax(*largest, fabs(it->g[j]));
    *largest = *largest / share;
    if (*largest > 0 && isfinite(*largest)) return TW_OK;
    return tw_fail(TW_DATA, "no feature is related to the labels: the path would begin at a penalty of %g", *largest);
}

static tw_status allocate(tw_run *run)
{
    tw_path *p = &run->path;
    const size_t folds = (size_t)run->config.model.folds;
    p->count = (size_t)run->config.model.path.count;
    p->points = calloc(p->count, sizeof *p->points);
    p->fold_loss = calloc(folds * p->count + 1, sizeof *p->fold_loss);
    p->fold_weight = calloc(folds + 1, sizeof *p->fold_weight);
    for (size_t i = 0; p->points && i < p->count; i++) p->points[i].w = calloc(run->iterate.n, sizeof(double));
    for (size_t i = 0; p->points && i < p->count; i++)
        if (!p->points[i].w) return tw_fail(TW_MEMORY, "out of memory for %zu models of a path", p->count);
    if (p->points && p->fold_loss && p->fold_weight) return TW_OK;
    return tw_fail(TW_MEMORY, "out of memory for a path of %zu penalties", p->count);
}

static void set_penalties(tw_run *run, double share)
{
    tw_path *p = &run->path;
    const double step = tw_log(run->config.model.path.min_ratio) / (double)(p->count - 1);
    for (size_t i = 0; i < p->count; i++) {
        const double lambda = i == 0 ? p->largest : p->largest * tw_exp(step * (double)i);
        p->points[i].l1 = lambda * share;
        p->points[i].l2 = lambda * (1 - share);
        p->points[i].cv_mean = p->points[i].cv_error = p->points[i].val_loss = NAN;
    }
}

/* ---- folds ---- */

static tw_status run_fold(tw_run *run, size_t fold)
{
    tw_path *p = &run->path;
    tw_trainer trainer = make_trainer(run);
    tw_score score;
    TW_TRY(tw_run_without(run, (uint32_t)fold + 1));
    memset(run->iterate.w, 0, run->iterate.n * sizeof *run->iterate.w);
    for (size_t i = 0; i < p->count; i++) {
        set_penalty(run, p->points[i].l1, p->points[i].l2);
        TW_TRY(fit(run, &trainer));
        TW_TRY(tw_objective_score(&run->objective, run->iterate.w, true, run->watched.weight, &score));
        p->fold_loss[fold * p->count + i] = score.loss;
        p->fold_weight[fold] = score.weight;
    }
    tw_runlog_print(&run->log, "  fold %zu of %lld done\n", fold + 1, (long long)run->config.model.folds);
    return TW_OK;
}

/* Mean over the folds, each by its weight, and the standard error of that mean, as cv.glmnet has them. */
static void average_folds(tw_run *run)
{
    tw_path *p = &run->path;
    const size_t folds = (size_t)run->config.model.folds;
    for (size_t i = 0; i < p->count; i++) {
        double sum = 0, weight = 0, spread = 0;
        for (size_t f = 0; f < folds; f++) {
            if (!(p->fold_weight[f] > 0)) continue; /* no row fell into this fold */
            sum = sum + p->fold_weight[f] * p->fold_loss[f * p->count + i];
            weight = weight + p->fold_weight[f];
        }
        const double mean = sum / weight;
        for (size_t f = 0; f < folds; f++) {
            const double delta = p->fold_loss[f * p->count + i] - mean;
            if (p->fold_weight[f] > 0) spread = spread + p->fold_weight[f] * (delta * delta);
        }
        p->points[i].cv_mean = mean;
        p->points[i].cv_error = sqrt(spread / weight / (double)(folds - 1));
    }
}

/* ---- all rows ---- */

static void print_row(tw_run *run, size_t i)
{
    const tw_path_point *at = &run->path.points[i];
    char extra[64] = "";
    if (!isnan(at->cv_mean)) snprintf(extra, sizeof extra, " %12.6g %9.2g", at->cv_mean, at->cv_error);
    if (!isnan(at->val_loss)) snprintf(extra, sizeof extra, " %12.6g", at->val_loss);
    if (i == 0)
        tw_runlog_print(&run->log, "\n%5s %12s %12s %8s %14s %10s%s\n", "", "l1", "l2", "nonzero", "loss", "iterations",
                        !isnan(at->cv_mean)  ? "      cv_loss  cv_error"
                        : !isnan(at->val_loss) ? "     val_loss"
                                               : "");
    tw_runlog_print(&run->log, "%5zu %12.6g %12.6g %8ld %14.8g %10ld%s%s\n", i, at->l1, at->l2, at->nonzeros, at->loss,
                    at->iterations, extra, tw_reason_class(at->why) == 'c' ? "" : "  not converged");
}

static tw_status run_point(tw_run *run, tw_trainer *trainer, size_t i)
{
    tw_path_point *at = &run->path.points[i];
    const tw_iterate *it = &run->iterate;
    tw_score score;
    set_penalty(run, at->l1, at->l2);
    TW_TRY(fit(run, trainer));
    at->loss = it->f;
    at->iterations = it->k;
    at->nonzeros = (long)tw_objective_nonzeros(&run->objective, it->w);
    at->why = it->why;
    memcpy(at->w, it->w, it->n * sizeof *it->w);
    TW_TRY(tw_objective_score(&run->objective, it->w, true, NULL, &score));
    at->mean_loss = score.loss;
    if (run->watched.any) {
        const tw_validation *v = &run->watched.validation;
        TW_TRY(tw_objective_score(v->objective, it->w, v->same_rows, v->weight, &score));
        at->val_loss = score.loss;
    }
    print_row(run, i);
    return TW_OK;
}

/* Least score; on a tie the larger penalty. The one-standard-error rule: the largest penalty whose score is no more than
 * one standard error above the least (Breiman et al. 1984). */
static void choose(tw_path *p)
{
    p->best = p->one_error = -1;
    for (size_t i = 0; i < p->count; i++) {
        const double score = isnan(p->points[i].cv_mean) ? p->points[i].val_loss : p->points[i].cv_mean;
        const tw_path_point *best = p->best < 0 ? NULL : &p->points[p->best];
        if (!isnan(score) && (!best || score < (isnan(best->cv_mean) ? best->val_loss : best->cv_mean))) p->best = (long)i;
    }
    if (p->best < 0 || isnan(p->points[p->best].cv_mean)) return;
    const double limit = p->points[p->best].cv_mean + p->points[p->best].cv_error;
    for (size_t i = p->count; i-- > 0;)
        if ((long)i <= p->best && p->points[i].cv_mean <= limit) p->one_error = (long)i;
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
    it->val_loss = at->val_loss;
    return TW_OK;
}

tw_status tw_run_path(tw_run *run)
{
    tw_path *p = &run->path;
    const tw_config *c = &run->config;
    const double share = c->model.l1 / (c->model.l1 + c->model.l2);
    TW_TRY(tw_comm_agree(run->comm, allocate(run)));
    TW_TRY(find_largest(run, share, &p->largest));
    set_penalties(run, share);
    for (size_t f = 0; f < (size_t)c->model.folds; f++) TW_TRY(run_fold(run, f));
    if (c->model.folds > 0) average_folds(run);
    if (c->model.folds > 0) TW_TRY(tw_run_without(run, 0));
    tw_trainer trainer = make_trainer(run);
    memset(run->iterate.w, 0, run->iterate.n * sizeof *run->iterate.w);
    for (size_t i = 0; i < p->count; i++) TW_TRY(run_point(run, &trainer, i));
    choose(p);
    tw_runlog_print(&run->log, "\n");
    return take_point(run, &p->points[p->best >= 0 ? (size_t)p->best : p->count - 1]);
}
