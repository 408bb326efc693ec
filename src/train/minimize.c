/* One run with borrowed parts: the method is made, trained and released here. */
#include "train/method.h"

#include <string.h>

static tw_status run(tw_trainer *t, tw_method *m, tw_iterate *it)
{
    tw_objective *F = t->objective;
    tw_status status = tw_optimizer_init(t->optimizer, m->optimizer, &m->of_optimizer, F->n);
    if (status == TW_OK) status = tw_step_init(t->step, m->step, &m->of_step, F->n);
    TW_TRY(tw_comm_agree(F->comm, status));
    it->why = TW_CONTINUE;
    return tw_trainer_run(t);
}

tw_status tw_method_run(tw_method *m, tw_objective *F, double *w, tw_minimize_result *out)
{
    tw_optimizer optimizer = {0};
    tw_step step = {0};
    tw_monitor monitor = {0};
    tw_runlog log = {0}; /* not active: prints and keeps nothing */
    tw_iterate it;
    tw_trainer t = {.objective = F,
                    .optimizer = &optimizer,
                    .step = &step,
                    .monitor = &monitor,
                    .stop = &m->stop,
                    .log = &log,
                    .iterate = &it};
    m->of_optimizer.n_weights = F->n_weights;
    m->of_optimizer.outputs = F->model ? F->model->outputs : 1;
    tw_status status =
        tw_iterate_init(&it, F->n) ? TW_OK : tw_fail(TW_MEMORY, "out of memory for %zu parameters", F->n);
    status = tw_comm_agree(F->comm, status);
    if (status == TW_OK) {
        memcpy(it.w, w, F->n * sizeof *w);
        status = run(&t, m, &it);
    }
    if (status == TW_OK) memcpy(w, it.w, F->n * sizeof *w);
    if (out)
        *out = (tw_minimize_result){.why = it.why,
                                    .f = it.f,
                                    .gradient_norm = it.g_norm,
                                    .iterations = it.k,
                                    .evaluations = F->evals,
                                    .n = F->n};
    tw_step_release(&step);
    tw_optimizer_release(&optimizer);
    tw_iterate_release(&it);
    return status;
}

tw_status tw_minimize(tw_comm *comm, const tw_function *f, const tw_minimize_settings *set, double *w,
                      tw_minimize_result *out)
{
    const tw_minimize_settings defaults = {0};
    tw_method method;
    tw_objective F;
    if (!set) set = &defaults;
    if (out) *out = (tw_minimize_result){0};
    if (!f->eval || f->n == 0) return tw_fail(TW_CONFIG, "a function needs eval, and one parameter at least");
    TW_TRY(tw_method_init(&method, comm, set, NULL));
    const tw_objective_parts parts = {
        .comm = comm, .function = f, .mode = set->mode, .l2 = set->l2, .l1 = set->l1};
    tw_status status = tw_comm_agree(comm, tw_objective_init(&F, &parts));
    if (status == TW_OK) status = tw_method_run(&method, &F, w, out);
    tw_objective_release(&F);
    return status;
}
