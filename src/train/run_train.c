/* The header of the screen, and the run from the open folder to the last iteration. */
#include "thalweg/fault.h"
#include "thalweg/interrupt.h"
#include "thalweg/kernels.h"
#include "thalweg/threads.h"
#include "thalweg/units.h"
#include "thalweg/version.h"
#include "thalweg/watchdog.h"
#include "train/class_weight.h"
#include "train/run_impl.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Open MPI binds to a core each where there are two ranks or fewer. */
static void warn_threads(tw_run *run)
{
    const int cores = run->binding.nodes[0].cores, ranks = run->binding.nodes[0].ranks;
    if (run->config.parallel.threads > 1 && !tw_threads_built())
        tw_runlog_print(&run->log, "  warning  parallel.threads: this program was built without OpenMP\n");
    if (run->binding.least == 0 || run->threads <= run->binding.least) return;
    tw_runlog_print(&run->log, "  warning  %d threads share %d core%s: ", run->threads, run->binding.least,
                    run->binding.least == 1 ? "" : "s");
    if (ranks * run->threads > cores)
        tw_runlog_print(&run->log,
                        "%d rank%s with %d threads each are too many for the %d core%s of a node\n", ranks,
                        ranks == 1 ? "" : "s", run->threads, cores, cores == 1 ? "" : "s");
    else
        tw_runlog_print(&run->log, "start with mpirun --map-by slot:PE=%d, or srun --cpus-per-task=%d\n",
                        run->threads, run->threads);
}

static void print_binding(tw_run *run)
{
    const tw_binding *b = &run->binding;
    if (b->overlap[0] >= 0)
        tw_runlog_print(
            &run->log,
            "  warning  ranks %d and %d on %s are both bound to core %s: give each rank its own, by "
            "mpirun --bind-to core or srun --cpu-bind=cores\n",
            b->overlap[0], b->overlap[1], tw_comm_host_of(run->comm, b->overlap[0]), b->overlap_cores);
    warn_threads(run);
    if (b->crowded < 0) return;
    const tw_binding_node *node = &b->nodes[b->crowded];
    int rank = 0;
    while (tw_comm_node_of(run->comm, rank) != b->crowded) rank++;
    tw_runlog_print(&run->log, "  warning  oversubscribed: %d ranks on %d core%s of %s\n", node->ranks,
                    node->allowed, node->allowed == 1 ? "" : "s", tw_comm_host_of(run->comm, rank));
}

static void print_launch(tw_run *run)
{
    const int ranks = tw_comm_size(run->comm), nodes = tw_comm_nodes(run->comm);
    const char *job = getenv("SLURM_JOB_ID");
    char a_node[48] = "";
    int least, most;
    tw_comm_ranks_a_node(run->comm, &least, &most);
    if (nodes > 1)
        snprintf(a_node, sizeof a_node, least < most ? " (%d to %d a node)" : " (%d a node)", least, most);
    tw_runlog_print(&run->log, "  launch   %d rank%s on %d node%s%s, %d thread%s each, %s, %s%s%s\n", ranks,
                    ranks == 1 ? "" : "s", nodes, nodes == 1 ? "" : "s", a_node, run->threads,
                    run->threads == 1 ? "" : "s", run->binding.text, tw_kernels_get()->name,
                    job ? "; SLURM job " : "", job ? job : "");
    if (tw_comm_renumbered(run->comm))
        tw_runlog_print(&run->log, "           ranks are numbered node by node, not as they were started\n");
    if (tw_comm_pretended(run->comm))
        tw_runlog_print(&run->log, "  rehearsal the ranks lie on %d node%s (THALWEG_NODES)\n", nodes,
                        nodes == 1 ? "" : "s");
    print_binding(run);
    const long idle = ranks - (long)run->partition.groups;
    if (idle > 0)
        tw_runlog_print(&run->log, "  warning  the rows fall into %lld group%s only: %ld rank%s no rows\n",
                        (long long)run->partition.groups, run->partition.groups == 1 ? "" : "s", idle,
                        idle == 1 ? " has" : "s have");
}

static void print_data(tw_run *run)
{
    char about[TW_PATH_LEN + 2 * TW_NAME_LEN], bytes[TW_UNIT_LEN], took[TW_UNIT_LEN], classes[64] = "";
    const double shard =
        (double)run->shard.rows * (double)run->shard.cols * (double)tw_dtype_size(run->shard.type);
    tw_dataset_describe(&run->dataset, sizeof about, about);
    if (run->n_classes) snprintf(classes, sizeof classes, ", %zu classes", run->n_classes);
    tw_runlog_print(&run->log, "  data     %s%s; %s a rank, read in %s\n", about, classes,
                    tw_units_bytes(shard, bytes), tw_units_seconds(run->read, took));
    if (run->dropped > 0)
        tw_runlog_print(&run->log, "  missing  %.0f features; %.0f of %lld rows are left out\n", run->missing,
                        run->dropped, (long long)run->dataset.rows);
    else if (run->missing > 0)
        tw_runlog_print(&run->log, "  missing  %.0f features, filled in with %s\n", run->missing,
                        run->config.data.missing == TW_CONFIG_MISSING_MEAN ? "the mean of the column" : "0");
    if (run->scaling.offset_heavy)
        tw_runlog_print(
            &run->log,
            "  warning  %zu feature%s with |mean| > 1e6 times the spread: digits are lost; subtract "
            "the mean in the file\n",
            run->scaling.offset_heavy, run->scaling.offset_heavy == 1 ? "" : "s");
}

static void print_method(tw_run *run)
{
    const tw_config *c = &run->config;
    char method[128], rule[96], penalty[96] = "";
    if (c->model.path.count == 0)
        snprintf(penalty, sizeof penalty, c->model.l1 > 0 ? ", l2 %g, l1 %g" : ", l2 %g", c->model.l2,
                 c->model.l1);
    tw_runlog_print(&run->log, "  model    %s, %zu parameter%s%s, %s\n", run->model_ops->name,
                    run->model.n_params, run->model.n_params == 1 ? "" : "s", penalty,
                    run->scaling.kind == TW_SCALING_NONE ? "no scaling" : tw_scaling_name(run->scaling.kind));
    tw_optimizer_describe(&run->optimizer, sizeof method, method);
    tw_runlog_print(&run->log, "  method   %s, %s; reduction %s (%lld group%s)\n", method,
                    tw_step_describe(run->step_ops, &run->step_settings, sizeof rule, rule),
                    tw_run_reduction_name(run), (long long)run->partition.groups,
                    run->partition.groups == 1 ? "" : "s");
}

static void print_path(tw_run *run)
{
    const tw_config *c = &run->config;
    char folds[48] = "";
    if (c->model.folds > 0) snprintf(folds, sizeof folds, ", %lld folds", (long long)c->model.folds);
    tw_runlog_print(&run->log, "  path     %lld penalties, l1 : l2 = %g : %g, down to %g of the largest%s\n",
                    (long long)c->model.path.count, c->model.l1, c->model.l2, c->model.path.min_ratio, folds);
}

static void print_batches(tw_run *run)
{
    const tw_config *c = &run->config;
    const tw_watched *v = &run->watched;
    if (c->optimizer.batch > 0)
        tw_runlog_print(&run->log, "  batches  %lld rows each, %lld steps an epoch, at most %ld epochs\n",
                        (long long)c->optimizer.batch, (long long)run->objective.batches.steps,
                        run->stop.max_iterations);
    if (v->any && c->data.validation.file)
        tw_runlog_print(&run->log, "  watched  %s, %lld rows\n", c->data.validation.file,
                        (long long)v->dataset.rows);
    else if (v->any)
        tw_runlog_print(&run->log, "  watched  %.0f of the %lld rows are kept for validation\n", v->rows,
                        (long long)run->dataset.rows);
    if (c->model.path.count > 0) print_path(run);
}

static void print_rehearsal(tw_run *run)
{
    size_t count;
    char clause[256];
    const tw_fault *faults = tw_fault_list(&count);
    for (size_t i = 0; i < count; i++)
        tw_runlog_print(&run->log, "  rehearsal %s (THALWEG_FAULT)\n",
                        tw_fault_describe(&faults[i], sizeof clause, clause));
}

static void print_header(tw_run *run)
{
    char when[32] = "", title[TW_PATH_LEN + 64];
    const time_t now = time(NULL);
    struct tm local;
    if (localtime_r(&now, &local)) strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", &local);
    snprintf(title, sizeof title, "thalweg %s  train %s", TW_VERSION, run->config_path);
    tw_runlog_print(&run->log, "%-70s %s\n", title, when);
    print_launch(run);
    print_data(run);
    print_method(run);
    tw_run_print_classes(run);
    print_batches(run);
    if (tw_fault_armed) print_rehearsal(run);
    if (run->config.model.start)
        tw_runlog_print(&run->log, "  start    %s %s\n", run->config.model.start, run->start_hash);
    tw_runlog_print(&run->log, "  resume   %s\n", run->resumed);
    tw_runlog_print(&run->log, "  output   %s\n", run->out);
}

static tw_status write_resolved(const tw_run *run)
{
    char path[TW_PATH_LEN + 64];
    tw_run_folder_file(&run->folder, "config.resolved.yaml", sizeof path, path);
    FILE *file = fopen(path, "w");
    if (!file)
        return tw_fail(errno == ENOMEM ? TW_MEMORY : TW_OUTPUT, "cannot create %s: %s", path,
                       strerror(errno));
    const tw_status status = tw_config_write(&run->config, file);
    if (fclose(file) && status == TW_OK) return tw_fail(TW_IO, "cannot write %s: %s", path, strerror(errno));
    return status;
}

tw_status tw_run_open(tw_run *run)
{
    char stop[TW_PATH_LEN + 64];
    tw_status status = TW_OK;
    const bool finished_too = run->resume && strcmp(run->resume, "never") != 0;
    const bool first = tw_comm_rank(run->comm) == 0;
    if (first) status = tw_run_folder_open(&run->folder, run->out, finished_too);
    if (first && status == TW_OK) tw_watchdog_share(run->out);
    TW_TRY(tw_comm_bcast_status(run->comm, 0, status));
    run->opened = true;
    if (!first) tw_watchdog_share(run->out);
    if (tw_comm_rank(run->comm) == 0)
        tw_interrupt_watch(tw_run_folder_file(&run->folder, "STOP", sizeof stop, stop));
    if (tw_comm_rank(run->comm) == 0 && run->folder.entered)
        status = tw_run_folder_status(&run->folder, "running", 0, 0, "");
    return tw_comm_bcast_status(run->comm, 0, status);
}

/* Rank 0 alone. */
static tw_status open_logs(tw_run *run)
{
    TW_TRY(write_resolved(run));
    return tw_runlog_open(&run->log, run->folder.path);
}

static void set_trainer(tw_run *run)
{
    const tw_config *c = &run->config;
    run->trainer = (tw_trainer){.objective = &run->objective,
                                .validation = run->watched.any ? &run->watched.validation : NULL,
                                .optimizer = &run->optimizer,
                                .step = &run->step,
                                .monitor = &run->monitor,
                                .stop = &run->stop,
                                .log = &run->log,
                                .checkpoint = &run->checkpoint,
                                .began = run->began,
                                .iterate = &run->iterate};
    run->checkpoint = (tw_checkpoint){.comm = run->comm,
                                      .folder = &run->folder,
                                      .head = &run->head,
                                      .every = c->checkpoint.every,
                                      .keep = (long)c->checkpoint.keep,
                                      .on_limit = true,
                                      .last = tw_seconds()};
    if (c->model.path.count == 0) return;
    run->trainer.validation = NULL; /* judged between the fits */
    run->checkpoint.on_limit = false;
    run->checkpoint.extra = tw_path_state;
    run->checkpoint.context = &run->path;
    run->checkpoint.fit = &run->path.position;
}

/* With early stopping the point to keep is the one with the best score. */
static tw_status keep_best(tw_run *run, tw_trainer *trainer)
{
    tw_iterate *it = &run->iterate;
    const tw_validation *v = trainer->validation;
    if (!v || v->patience == 0 || v->best_k == it->k || !isfinite(v->best_loss) ||
        tw_reason_class(it->why) == 'f')
        return TW_OK;
    memcpy(it->w, v->best_w, it->n * sizeof *it->w);
    TW_TRY(tw_objective_eval(&run->objective, it->w, &it->f, it->g));
    tw_objective_accept(&run->objective);
    it->g_norm = tw_objective_stationarity(&run->objective, it->w, it->g);
    it->f_prev = NAN; /* no step led here */
    it->val_loss = v->best_loss;
    it->val_accuracy = v->best_accuracy;
    return TW_OK;
}

tw_status tw_run_train(tw_run *run)
{
    const bool path = run->config.model.path.count > 0;
    if (!run->opened) TW_TRY(tw_run_open(run));
    set_trainer(run);
    if (path) TW_TRY(tw_comm_agree(run->comm, tw_path_allocate(run)));
    TW_TRY(tw_run_resume(run));
    TW_TRY(tw_binding_gather(&run->binding, run->comm));
    const tw_status status = tw_comm_rank(run->comm) == 0 ? open_logs(run) : TW_OK;
    TW_TRY(tw_comm_bcast_status(run->comm, 0, status));
    print_header(run);
    run->log.every = (long)run->config.output.log_every;
    run->log.epochs = run->config.optimizer.batch > 0;
    run->log.validation = run->watched.any;
    run->log.accuracy = run->watched.any && run->n_classes > 0;
    run->log.max_iterations = run->stop.max_iterations;
    run->log.max_seconds = run->stop.max_seconds - (run->log.started - run->began);
    if (path) return tw_run_path(run);
    TW_TRY(tw_trainer_run(&run->trainer));
    TW_TRY(keep_best(run, &run->trainer));
    tw_runlog_end(&run->log, &run->iterate);
    return TW_OK;
}
