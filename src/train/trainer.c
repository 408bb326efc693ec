/* The training loop, to be read aloud: evaluate; then, until there is a reason to stop: direction, step, row.
 */
#include "thalweg/trainer.h"

#include "thalweg/vec.h"

/* F and ||g|| at zero parameters: the scale of the relative tests, the same for every start. */
static tw_status measure_zero(tw_trainer *t, double *f, double *g_norm)
{
    tw_iterate *it = t->iterate;
    *f = it->f;
    *g_norm = it->g_norm;
    if (it->w_norm == 0) return TW_OK;
    for (size_t j = 0; j < it->n; j++) it->d[j] = 0; /* d is free before the first direction */
    TW_TRY(tw_objective_eval(t->objective, it->d, f, t->step->g));
    *g_norm = tw_vec_norm(it->n, t->step->g);
    return TW_OK;
}

static tw_status start(tw_trainer *t)
{
    tw_iterate *it = t->iterate;
    double f_zero, g_norm_zero;
    t->monitor->started = tw_seconds();
    TW_TRY(tw_objective_eval(t->objective, it->w, &it->f, it->g));
    it->g_norm = tw_vec_norm(it->n, it->g);
    it->w_norm = tw_vec_norm(it->n, it->w);
    TW_TRY(measure_zero(t, &f_zero, &g_norm_zero));
    tw_monitor_start(t->monitor, t->stop, it, f_zero, g_norm_zero);
    tw_runlog_row(t->log, t->objective, it);
    return TW_OK;
}

tw_status tw_trainer_run(tw_trainer *t)
{
    tw_objective *F = t->objective;
    tw_iterate *it = t->iterate;
    TW_TRY(start(t));
    while ((it->why = tw_monitor_check(t->monitor, F, it)) == TW_CONTINUE) {
        F->requests[TW_FLAG_TIME] = tw_monitor_time_up(t->monitor); /* agreed in the next exchange   */
        TW_TRY(tw_optimizer_direction(t->optimizer, F, it));        /* d from w, g                   */
        TW_TRY(tw_step_advance(t->step, F, it));                    /* w <- w + alpha d; new f, g    */
        tw_runlog_row(t->log, F, it);                               /* rank 0; a failure rides along */
    }
    return tw_comm_agree(F->comm, F->pending);
}
