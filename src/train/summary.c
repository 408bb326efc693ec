#include "train/report.h"

#include "core/json_put.h"
#include "thalweg/file.h"
#include "thalweg/hash.h"
#include "thalweg/kernels.h"
#include "thalweg/version.h"
#include "train/class_weight.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What follows the gathering: rank 0 tells the others that the files are written. */
#define BYTES_TO_COME(rank) ((rank) == 0 ? sizeof(int) : 0)

static tw_rank_account own_account(const tw_run *run)
{
    const tw_comm *comm = run->comm;
    const bool alone = tw_comm_size(comm) == 1;
    tw_rank_account a;
    a.wall = tw_account_read(a.clocks);
    for (int i = 0; i < TW_N_CLOCKS; i++)
        a.loop[i] = run->trainer.last.seconds[i] - run->trainer.warm.seconds[i];
    a.bytes = (double)tw_comm_bytes_sent(comm);
    if (!alone) a.bytes += (double)(sizeof a + BYTES_TO_COME(tw_comm_rank(comm)));
    return a;
}

static void add_rank(tw_summary *s, int rank)
{
    const tw_rank_account *a = &s->ranks[rank];
    for (int i = 0; i < TW_N_CLOCKS; i++) {
        s->least[i] = rank == 0 ? a->clocks[i] : fmin(s->least[i], a->clocks[i]);
        s->most[i] = fmax(s->most[i], a->clocks[i]);
        s->mean[i] += a->clocks[i] / s->n_ranks;
    }
    s->wall = fmax(s->wall, a->wall);
    s->bytes_most = fmax(s->bytes_most, a->bytes);
    s->bytes_total += a->bytes;
    if (a->clocks[TW_CLOCK_COMPUTE] > s->ranks[s->slowest].clocks[TW_CLOCK_COMPUTE]) s->slowest = rank;
}

tw_status tw_summary_gather(tw_summary *s, const tw_run *run)
{
    const int ranks = tw_comm_size(run->comm);
    *s = (tw_summary){.n_ranks = ranks, .hash = tw_run_hash(run)};
    s->exchanges = (uint64_t)(run->objective.reductions + run->watched.objective.reductions);
    s->loop_iterations = run->trainer.last.iteration - run->trainer.warm.iteration;
    s->ranks = calloc((size_t)ranks, sizeof *s->ranks);
    size_t *sizes = calloc((size_t)ranks, sizeof *sizes);
    for (int r = 0; sizes && r < ranks; r++) sizes[r] = sizeof *s->ranks;
    tw_status status =
        s->ranks && sizes ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the account of %d ranks", ranks);
    status = tw_comm_agree(run->comm, status);
    if (status == TW_OK) {
        const tw_rank_account own = own_account(run);
        status = tw_comm_allgather(run->comm, &own, sizes, s->ranks);
    }
    free(sizes);
    for (int r = 0; status == TW_OK && r < ranks; r++) add_rank(s, r);
    const double mean = s->mean[TW_CLOCK_COMPUTE];
    if (status == TW_OK && mean > 0) s->behind = s->most[TW_CLOCK_COMPUTE] / mean - 1;
    return status;
}

void tw_summary_release(tw_summary *s)
{
    free(s->ranks);
    s->ranks = NULL;
}

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *stopping(const tw_run *run)
{
    const tw_monitor *m = &run->monitor;
    const tw_iterate *it = &run->iterate;
    const struct {
        const char *name;
        double value, tolerance;
    } rows[] = {
        {"gradient_norm", it->g_norm, m->set.gradient_norm},
        {"gradient_norm_relative", tw_monitor_gradient_relative(m, it), m->set.gradient_norm_relative},
        {"loss_delta", tw_monitor_loss_delta(it), m->set.loss_delta},
        {"loss_delta_relative", tw_monitor_loss_delta_relative(it), m->set.loss_delta_relative},
        {"iterations", (double)it->k, (double)m->set.max_iterations},
        {"seconds", tw_seconds() - m->started, m->set.max_seconds},
        {"loss_growth", it->f / fmax(fabs(m->f_first), fabs(m->f_zero)), m->set.divergence_factor}};
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        tw_json_put(&object, rows[i].name,
                    json_pack("{so so}", "value", number(rows[i].value), "limit", number(rows[i].tolerance)));
    tw_json_put(&object, "require", json_string(m->set.require_all ? "all" : "any"));
    tw_json_put(&object, "patience", json_integer(m->set.patience));
    return object;
}

static json_t *phases(const tw_summary *s)
{
    json_t *object = json_object();
    for (int i = 0; i < TW_N_CLOCKS; i++)
        tw_json_put(&object, tw_account_name((tw_clock)i),
                    json_pack("{sf sf sf}", "min", s->least[i], "avg", s->mean[i], "max", s->most[i]));
    return object;
}

static json_t *clocks(const double *seconds)
{
    json_t *object = json_object();
    for (int i = 0; i < TW_N_CLOCKS; i++)
        tw_json_put(&object, tw_account_name((tw_clock)i), json_real(seconds[i]));
    return object;
}

static json_t *accounts(const tw_summary *s, const tw_run *run)
{
    json_t *list = json_array();
    for (int r = 0; r < s->n_ranks; r++) {
        const tw_rank_account *a = &s->ranks[r];
        tw_json_append(&list,
                       json_pack("{si ss sf so so sI}", "rank", r, "host", tw_comm_host_of(run->comm, r),
                                 "seconds", a->wall, "clocks", clocks(a->clocks), "loop", clocks(a->loop),
                                 "bytes_sent", (json_int_t)a->bytes));
    }
    return list;
}

static int compare_numbers(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Seconds of each iteration but the first, as the log of rank 0 has them. */
static json_t *iteration_seconds(const tw_run *run)
{
    const double *at = run->log.history[TW_HISTORY_SECONDS];
    const size_t count = run->log.rows > 2 ? run->log.rows - 2 : 0;
    double *took = count > 0 ? malloc(count * sizeof *took) : NULL;
    if (!took) return json_null();
    for (size_t i = 0; i < count; i++) took[i] = at[i + 2] - at[i + 1];
    qsort(took, count, sizeof *took, compare_numbers);
    json_t *object = json_pack("{sf sf sf sf sI}", "first", at[1] - at[0], "median",
                               (took[(count - 1) / 2] + took[count / 2]) / 2, "low", took[count / 4], "high",
                               took[count - 1 - count / 4], "count", (json_int_t)count);
    free(took);
    return object;
}

static json_t *result(const tw_summary *s, const tw_run *run)
{
    const tw_iterate *it = &run->iterate;
    char hash[32], verdict[512];
    snprintf(hash, sizeof hash, "xxh3:%016llx", (unsigned long long)s->hash);
    tw_monitor_explain(&run->monitor, it, sizeof verdict, verdict);
    return json_pack("{ss ss sb si sI sI sI sI so so so so so ss so}", "reason", tw_reason_name(it->why),
                     "verdict", verdict, "converged", tw_reason_class(it->why) == 'c', "exit_code",
                     tw_reason_exit_code(it->why), "iterations", (json_int_t)it->k, "evaluations",
                     (json_int_t)run->objective.evals, "loss_increases", (json_int_t)run->monitor.rises,
                     "loss_spikes", (json_int_t)run->monitor.spikes, "loss", number(it->f), "loss_start",
                     number(run->monitor.f_first), "gradient_norm", number(it->g_norm), "gradient_norm_start",
                     number(run->monitor.g_norm_zero), "step_length", number(it->alpha), "parameters_hash",
                     hash, "replicas_equal",
                     it->why == TW_NOT_FINITE ? json_null() : json_true()); /* NaN is not compared */
}

static json_t *setting(const tw_run *run)
{
    char mpi[64];
    tw_comm_library(sizeof mpi, mpi);
    return json_pack("{ss ss ss si si si ss si sI ss ss ss sI ss ss sI sI sI sI sI sf ss}", "version",
                     TW_VERSION, "git_commit", TW_GIT_COMMIT, "configuration", run->config_path, "ranks",
                     tw_comm_size(run->comm), "nodes", tw_comm_nodes(run->comm), "threads", run->threads,
                     "isa", tw_kernels_get()->name, "contract", TW_CONTRACT_VERSION, "groups",
                     (json_int_t)run->partition.groups, "reduction", tw_run_reduction_name(run), "mpi", mpi,
                     "data", run->dataset.path, "files", (json_int_t)run->dataset.files, "data_digest",
                     run->data_digest, "type", tw_dtype_name(run->dataset.type), "rows",
                     (json_int_t)run->dataset.rows, "missing", (json_int_t)run->missing, "rows_dropped",
                     (json_int_t)run->dropped, "features", (json_int_t)run->dataset.cols, "parameters",
                     (json_int_t)run->model.n_params, "weight", run->objective.weight, "model",
                     run->model_ops->name);
}

/* Where the run was: what must be equal of runs whose times are compared. */
static void put_place(json_t **all, const tw_run *run)
{
    const tw_binding *b = &run->binding;
    json_t *hosts = json_array();
    char cpus[8 * TW_CPU_LEN];
    int least, most, cores = 0;
    tw_comm_ranks_a_node(run->comm, &least, &most);
    for (int i = 0, rank = 0; i < b->n_nodes; rank += b->nodes[i++].ranks) {
        const tw_binding_node *node = &b->nodes[i];
        tw_json_append(&hosts, json_pack("{ss si si ss}", "name", tw_comm_host_of(run->comm, rank), "ranks",
                                         node->ranks, "cores", node->cores, "cpu", node->cpu));
        if (i == 0 || node->cores < cores) cores = node->cores;
    }
    tw_json_put(all, "ranks_per_node", json_pack("[i, i]", least, most));
    tw_json_put(all, "hosts", hosts);
    tw_json_put(all, "cpu", json_string(tw_binding_cpus(b, sizeof cpus, cpus)));
    tw_json_put(all, "cores", json_integer(cores));
    tw_json_put(all, "binding", json_string(b->text));
    tw_json_put(all, "oversubscribed", json_boolean(b->crowded >= 0));
}

static json_t *penalties(const tw_run *run)
{
    const tw_path *p = &run->path;
    json_t *points = json_array();
    for (size_t i = 0; i < p->count; i++) {
        const tw_path_point *at = &p->points[i];
        tw_json_append(&points, json_pack("{so so so so sI sI ss so so so}", "l1", number(at->l1), "l2",
                                          number(at->l2), "loss", number(at->loss), "mean_loss",
                                          number(at->mean_loss), "nonzeros", (json_int_t)at->nonzeros,
                                          "iterations", (json_int_t)at->iterations, "reason",
                                          tw_reason_name(at->why), "cv_mean", number(at->cv_mean), "cv_error",
                                          number(at->cv_error), "validation_loss", number(at->val_loss)));
    }
    return json_pack("{so so sI sI sI sI so so so}", "largest", number(p->largest), "points", points,
                     "planned", (json_int_t)p->planned, "kept", (json_int_t)p->kept, "fits",
                     (json_int_t)p->fits, "fits_not_converged", (json_int_t)p->unfinished, "folds",
                     json_integer((json_int_t)run->config.model.folds), "best",
                     p->best >= 0 ? json_integer(p->best) : json_null(), "one_standard_error",
                     p->one_error >= 0 ? json_integer(p->one_error) : json_null());
}

static json_t *validation(const tw_run *run)
{
    const tw_validation *v = &run->watched.validation;
    return json_pack("{so so sI so sb}", "loss", number(run->iterate.val_loss), "accuracy",
                     number(run->iterate.val_accuracy), "best_iteration", (json_int_t)v->best_k, "best_loss",
                     number(v->best_loss), "best_kept", (int)(v->patience > 0));
}

tw_status tw_summary_write(const tw_summary *s, const tw_run *run)
{
    char path[TW_PATH_LEN + 64], advice[512];
    json_t *all = result(s, run), *set = setting(run);
    const bool both = all && set && json_object_update(all, set) == 0;
    json_decref(set);
    tw_json_put(&all, "optimizer", both ? json_string(run->optimizer_ops->name) : NULL);
    tw_json_put(&all, "step", json_string(run->step_ops->name));
    put_place(&all, run);
    tw_json_put(&all, "stopping", stopping(run));
    tw_report_advice(run, advice);
    tw_json_put(&all, "advice", advice[0] ? json_string(advice) : json_null());
    tw_json_put(&all, "epochs", json_boolean(run->log.epochs));
    tw_json_put(&all, "l1", number(run->objective.l1));
    tw_json_put(&all, "l2", number(run->objective.l2));
    tw_json_put(&all, "updates", json_integer((json_int_t)run->iterate.updates));
    tw_json_put(&all, "reads", json_real(run->objective.reads));
    tw_json_put(&all, "nonzeros",
                json_integer((json_int_t)tw_objective_nonzeros(&run->objective, run->iterate.w)));
    tw_json_put(&all, "coefficients", json_integer((json_int_t)run->model.n_weights));
    if (run->iterate.condition > 0) {
        tw_json_put(&all, "condition", number(run->iterate.condition));
        tw_json_put(&all, "regularised", json_integer((json_int_t)run->iterate.regularised));
    }
    if (run->config.model.start)
        tw_json_put(
            &all, "start",
            json_pack("{ss ss}", "model", run->config.model.start, "parameters_hash", run->start_hash));
    if (run->class_weights.factor) tw_json_put(&all, "class_weight", tw_class_weights_json(run));
    if (run->watched.any) tw_json_put(&all, "validation", validation(run));
    if (run->config.model.path.count > 0) tw_json_put(&all, "path", penalties(run));
    tw_json_put(&all, "seconds", json_real(s->wall));
    tw_json_put(&all, "phases", phases(s));
    tw_json_put(&all, "iteration_seconds", iteration_seconds(run));
    tw_json_put(&all, "loop_iterations", json_integer(s->loop_iterations));
    tw_json_put(&all, "slowest",
                json_pack("{si ss sf}", "rank", s->slowest, "host", tw_comm_host_of(run->comm, s->slowest),
                          "behind", s->behind));
    tw_json_put(&all, "accounts", accounts(s, run));
    tw_json_put(&all, "checkpoints",
                json_pack("{sI sf}", "written", (json_int_t)run->checkpoint.written, "seconds",
                          run->checkpoint.total));
    tw_json_put(
        &all, "bytes_sent",
        json_pack("{sI sI}", "busiest_rank", (json_int_t)s->bytes_most, "total", (json_int_t)s->bytes_total));
    tw_json_put(&all, "reductions", json_integer((json_int_t)s->exchanges));
    char *text = all ? json_dumps(all, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(all);
    if (!text) return tw_fail(TW_MEMORY, "out of memory for summary.json");
    const tw_bytes parts[] = {{text, strlen(text)}, {"\n", 1}};
    const tw_status status =
        tw_file_commit(tw_run_folder_file(&run->folder, "summary.json", sizeof path, path), 2, parts);
    free(text);
    return status;
}
