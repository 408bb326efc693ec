/* The training loop, to be read aloud: evaluate; then, until there is a reason to stop: direction, step, row.
 */
#include "thalweg/trainer.h"

#include "thalweg/fault.h"
#include "thalweg/phase.h"
#include "thalweg/vec.h"
#include "train/saddle.h"

#include <math.h>
#include <string.h>

/* F and ||g|| of its smooth part at zero parameters: the scale of the relative tests, the same for every
 * start and every penalty. */
static tw_status measure_zero(tw_trainer *t)
{
    tw_iterate *it = t->iterate;
    if (t->zero_known) return TW_OK;
    t->f_zero = it->f;
    t->g_norm_zero = tw_vec_norm(it->n, it->g);
    t->zero_known = true;
    if (it->w_norm == 0 || !t->objective->convex) return TW_OK;
    for (size_t j = 0; j < it->n; j++) it->d[j] = 0; /* d is free before the first direction */
    TW_TRY(tw_objective_eval(t->objective, it->d, &t->f_zero, t->step->g));
    t->g_norm_zero = tw_vec_norm(it->n, t->step->g);
    return TW_OK;
}

/* The score of the validation rows at w; the best point is remembered. */
static tw_status watch(tw_trainer *t)
{
    tw_iterate *it = t->iterate;
    tw_validation *v = t->validation;
    tw_score score;
    if (!v) return TW_OK;
    tw_phase_enter(TW_AT_EVALUATE, it->k);
    TW_TRY(tw_objective_score(v->objective, it->w, v->same_rows, v->weight, &score));
    if (!(score.weight > 0))
        return tw_fail(TW_DATA,
                       "the weights of the validation rows sum to zero: there is nothing to judge by");
    it->val_loss = score.loss;
    it->val_accuracy = score.accuracy;
    v->since++;
    if (!(score.loss < v->best_loss)) return TW_OK;
    v->best_loss = score.loss;
    v->best_accuracy = score.accuracy;
    v->best_k = it->k;
    v->since = 0;
    if (v->best_w) memcpy(v->best_w, it->w, it->n * sizeof *it->w);
    return TW_OK;
}

void tw_trainer_damage(tw_trainer *t)
{
    tw_fault_flip(TW_FAULT_PARAMETERS, t->iterate->n, t->iterate->w);
    tw_fault_flip(TW_FAULT_OPTIMIZER, t->optimizer->state_len, t->optimizer->state);
}

/* A run that must be saved asks for its end while there is time for the step it is in, the one after, what
 * follows the last step, and the checkpoint. */
static void keep_time(tw_trainer *t, double took)
{
    if (!t->checkpoint) return;
    t->longest = fmax(took, 0.75 * t->longest);
    t->monitor->margin = 2 * t->longest + t->tail + tw_checkpoint_margin(t->checkpoint);
}

static double first_clock(const tw_trainer *t)
{
    return t->began > 0 ? t->began : tw_seconds();
}

static tw_status start(tw_trainer *t)
{
    tw_iterate *it = t->iterate;
    const double began = tw_seconds();
    t->monitor->started = first_clock(t);
    tw_phase_return(TW_AT_STEP);
    TW_TRY(tw_objective_eval(t->objective, it->w, &it->f, it->g));
    tw_objective_accept(t->objective);
    it->g_norm = tw_objective_stationarity(t->objective, it->w, it->g);
    it->w_norm = tw_vec_norm(it->n, it->w);
    TW_TRY(watch(t));
    TW_TRY(measure_zero(t));
    tw_monitor_start(t->monitor, t->stop, it, t->f_zero, t->g_norm_zero);
    t->tail = t->objective->batches.steps > 0 ? tw_seconds() - began : 0;
    keep_time(t, t->tail > 0 ? 0 : tw_seconds() - began);
    tw_runlog_row(t->log, t->objective, it);
    return TW_OK;
}

/* The margins at w are no part of the state: one evaluation brings them back, and shows whether this build
 * still computes the bits that are stored. */
static tw_status check_point(tw_trainer *t)
{
    tw_objective *F = t->objective;
    const tw_iterate *it = t->iterate;
    const long evals = F->evals, reductions = F->reductions;
    const double reads = F->reads;
    double f;
    TW_TRY(tw_objective_eval(F, it->w, &f, t->step->g));
    tw_objective_accept(F);
    F->evals = evals;
    F->reductions = reductions;
    F->reads = reads;
    const bool same = f == it->f && memcmp(t->step->g, it->g, it->n * sizeof *it->g) == 0;
    if (same || t->other_bits || F->parts.mode != TW_REPRODUCIBLE) return TW_OK;
    return tw_fail(
        TW_RESUME,
        "the loss at the point of the checkpoint is %.17g here, but %.17g is stored, or the gradient "
        "differs: this build or machine does not compute the same bits. Use the build that wrote it, "
        "or reduction.mode: allreduce in a new run",
        f, it->f);
}

static tw_status resume(tw_trainer *t)
{
    const double began = tw_seconds();
    t->monitor->set = *t->stop;
    t->monitor->started = first_clock(t);
    t->iterate->why = TW_CONTINUE;
    tw_phase_return(TW_AT_STEP);
    if (t->epoch_step == 0) TW_TRY(check_point(t)); /* else the next evaluation is at another point */
    keep_time(t, tw_seconds() - began);
    return TW_OK;
}

/* A search found nothing along d: forget what the method has learned and try once straight downhill. */
static tw_status try_downhill(tw_trainer *t)
{
    tw_iterate *it = t->iterate;
    if (strcmp(t->optimizer->ops->name, "gd") == 0) return TW_OK; /* it was straight downhill */
    it->why = TW_CONTINUE;
    tw_optimizer_reset(t->optimizer);
    tw_optimizer_downhill(t->objective, it);
    return tw_step_advance(t->step, t->objective, it);
}

tw_status tw_trainer_step(tw_trainer *t)
{
    tw_objective *F = t->objective;
    tw_iterate *it = t->iterate;
    tw_phase_enter(TW_AT_STEP, it->k);
    if (tw_fault_armed) tw_trainer_damage(t);
    TW_TRY(tw_step_announce(t->step, F, it, (double)it->k)); /* the length, where a schedule says  */
    TW_TRY(tw_optimizer_direction(t->optimizer, F, it));     /* d from w, g                        */
    TW_TRY(tw_step_advance(t->step, F, it));                 /* w <- w + alpha d; new f, g         */
    return it->why == TW_SEARCH_FAILED ? try_downhill(t) : TW_OK;
}

static bool must_end(const tw_objective *F)
{
    return F->agreed[TW_FLAG_TIME] > 0 || F->agreed[TW_FLAG_STOP] > 0;
}

static bool all_finite(size_t n, const double *v)
{
    bool all = true;
    for (size_t j = 0; j < n; j++) all &= isfinite(v[j]) != 0;
    return all;
}

/* Step s of the epoch; moved tells whether it changed w. */
static tw_status take_batch(tw_trainer *t, int64_t s)
{
    tw_objective *F = t->objective;
    tw_iterate *it = t->iterate;
    const double began = tw_seconds();
    double f;
    it->moved = false;
    tw_phase_enter(TW_AT_STEP, it->k);
    if (tw_fault_armed) tw_trainer_damage(t);
    tw_objective_batch(F, s);
    F->requests[TW_FLAG_TIME] = tw_monitor_time_up(t->monitor); /* agreed in this step's exchange */
    TW_TRY(tw_objective_eval(F, it->w, &f, it->g));             /* of the rows of this step */
    if (!(F->weight > 0)) return TW_OK;                         /* which may be none */
    if (!isfinite(f) || !all_finite(it->n, it->g)) {            /* the point before is where to look */
        it->why = TW_NOT_FINITE;
        return TW_OK;
    }
    TW_TRY(tw_step_announce(t->step, F, it, (double)it->k + (double)s / (double)F->batches.steps));
    TW_TRY(tw_optimizer_direction(t->optimizer, F, it));
    tw_step_update(t->step, it);
    it->updates++;
    keep_time(t, tw_seconds() - began);
    return TW_OK;
}

tw_status tw_trainer_epoch(tw_trainer *t)
{
    tw_objective *F = t->objective;
    tw_iterate *it = t->iterate;
    const int64_t steps = F->batches.steps;
    bool moved = t->epoch_step > 0 && it->moved;
    it->f_prev = it->f;
    tw_objective_epoch(F, (uint64_t)it->k);
    for (int64_t s = t->epoch_step; s < steps && !must_end(F); s++) {
        TW_TRY(take_batch(t, s));
        if (it->why != TW_CONTINUE) break;
        it->moved = moved = moved || it->moved;
        t->epoch_step = s + 1;
        if (s + 1 < steps) TW_TRY(tw_checkpoint_turn(t->checkpoint, t, true));
    }
    tw_objective_batch(F, -1);
    TW_TRY(tw_objective_eval(F, it->w, &it->f, it->g)); /* of all rows */
    tw_objective_accept(F);
    t->epoch_step = 0;
    it->moved = moved;
    it->g_norm = tw_objective_stationarity(F, it->w, it->g);
    it->w_norm = tw_vec_norm(it->n, it->w);
    it->k++;
    return TW_OK;
}

/* One line, not more often than every so many iterations. */
static void tell_of_spike(tw_trainer *t)
{
    const tw_iterate *it = t->iterate;
    tw_monitor *m = t->monitor;
    if (m->spikes == 0 || m->last_spike != it->k || (m->told > 0 && it->k - m->told < TW_SPIKE_REST)) return;
    m->told = it->k;
    tw_runlog_warn(
        t->log,
        "%s %ld: the loss jumped from %.6g to %.6g, far more than it has moved lately; the step is "
        "too long here, or a memory or processor is at fault",
        t->objective->batches.steps > 0 ? "epoch" : "iteration", it->k, it->f_prev, it->f);
}

tw_status tw_trainer_run(tw_trainer *t)
{
    tw_objective *F = t->objective;
    tw_iterate *it = t->iterate;
    bool warm = false; /* the first iteration pays for pages and connections */
    tw_checkpoint_expect(t->checkpoint, t);
    TW_TRY(t->resumed ? resume(t) : start(t));
    t->resumed = false;
    tw_account_note(&t->warm, it->k);
    t->last = t->warm;
    while ((it->why = tw_monitor_check(t->monitor, F, it)) == TW_CONTINUE) {
        const double began = tw_seconds();
        tell_of_spike(t);
        F->requests[TW_FLAG_TIME] = tw_monitor_time_up(t->monitor); /* agreed in the next exchange   */
        TW_TRY(F->batches.steps > 0 ? tw_trainer_epoch(t) : tw_trainer_step(t));
        if (it->why == TW_NOT_FINITE) continue;
        TW_TRY(watch(t));
        if (t->validation) t->monitor->unimproved = t->validation->since;
        tw_runlog_row(t->log, F, it); /* rank 0; a failure rides along */
        keep_time(t, F->batches.steps > 0 ? 0 : tw_seconds() - began);
        if (!warm) tw_account_note(&t->warm, it->k);
        warm = true;
        tw_account_note(&t->last, it->k); /* before the state at the end of the run is saved */
        TW_TRY(tw_checkpoint_turn(t->checkpoint, t, false));
    }
    TW_TRY(tw_saddle_check(F, it));
    return tw_comm_agree(F->comm, F->pending);
}
