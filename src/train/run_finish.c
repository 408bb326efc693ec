/* After the last iteration: model.h5, summary.json, status, the report. A diverged run leaves no model. */
#include "thalweg/fault.h"
#include "thalweg/hash.h"
#include "thalweg/interrupt.h"
#include "thalweg/missing.h"
#include "thalweg/model_file.h"
#include "thalweg/phase.h"
#include "thalweg/version.h"
#include "train/class_weight.h"
#include "train/run_impl.h"
#include "train/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t tw_run_hash(const tw_run *run)
{
    return tw_hash64(run->iterate.w, run->iterate.n * sizeof *run->iterate.w);
}

const char *tw_run_reduction_name(const tw_run *run)
{
    return run->config.reduction.mode == TW_CONFIG_MODE_REPRODUCIBLE ? "reproducible" : "allreduce";
}

static tw_status add_names(tw_model_file *file, const tw_run *run)
{
    char **names;
    size_t count;
    TW_TRY(tw_dataset_strings(run->dataset.path, "/feature_names", &count, &names));
    tw_status status = TW_OK;
    if (count == run->model.features) status = tw_model_file_set_feature_names(file, names);
    free(names);
    TW_TRY(status);
    if (run->n_classes == 0) return TW_OK;
    TW_TRY(tw_run_class_names(run, &names));
    status = tw_model_file_set_classes(file, run->n_classes, run->classes, names);
    free(names);
    return status;
}

static tw_status add_watched(tw_model_file *file, const tw_run *run)
{
    const tw_runlog *log = &run->log;
    if (!log->validation || log->rows == 0) return TW_OK;
    TW_TRY(tw_model_file_add_array(file, "/history/validation_loss", log->rows, 0,
                                   log->history[TW_HISTORY_VALIDATION_LOSS]));
    if (!log->accuracy) return TW_OK;
    return tw_model_file_add_array(file, "/history/validation_accuracy", log->rows, 0,
                                   log->history[TW_HISTORY_VALIDATION_ACCURACY]);
}

/* The resolved configuration as text. */
static tw_status add_configuration(tw_model_file *file, const tw_run *run)
{
    char *text = NULL;
    size_t length;
    FILE *stream = open_memstream(&text, &length);
    if (!stream) return tw_fail(TW_MEMORY, "out of memory for the configuration");
    tw_status status = tw_config_write(&run->config, stream);
    fclose(stream);
    if (status == TW_OK) status = tw_model_file_set_text(file, "configuration", text);
    free(text);
    return status;
}

static tw_status add_provenance(tw_model_file *file, const tw_summary *s, const tw_run *run)
{
    char mpi[64], hash[32];
    tw_comm_library(sizeof mpi, mpi);
    snprintf(hash, sizeof hash, "xxh3:%016llx", (unsigned long long)s->hash);
    TW_TRY(add_configuration(file, run));
    TW_TRY(tw_model_file_set_text(file, "version", TW_VERSION));
    TW_TRY(tw_model_file_set_text(file, "git_commit", TW_GIT_COMMIT));
    TW_TRY(tw_model_file_set_text(file, "mpi", mpi));
    TW_TRY(tw_model_file_set_text(file, "data", run->dataset.path));
    TW_TRY(tw_model_file_set_text(file, "parameters_hash", hash));
    if (run->config.model.start) TW_TRY(tw_model_file_set_text(file, "start", run->config.model.start));
    TW_TRY(tw_model_file_set_text(file, "reason", tw_reason_name(run->iterate.why)));
    TW_TRY(tw_model_file_set_count(file, "contract", TW_CONTRACT_VERSION));
    TW_TRY(tw_model_file_set_count(file, "groups", run->partition.groups));
    TW_TRY(tw_model_file_set_count(file, "ranks", tw_comm_size(run->comm)));
    TW_TRY(tw_model_file_set_count(file, "iterations", run->iterate.k));
    TW_TRY(tw_model_file_set_number(file, "loss", run->iterate.f));
    TW_TRY(tw_model_file_set_number(file, "gradient_norm", run->iterate.g_norm));
    TW_TRY(tw_model_file_set_number(file, "l1", run->objective.l1));
    TW_TRY(tw_model_file_set_number(file, "l2", run->objective.l2));
    return tw_model_file_set_number(file, "seconds", s->wall);
}

static tw_status add_missing(tw_model_file *file, const tw_run *run)
{
    const tw_config *c = &run->config;
    if (c->data.missing == TW_CONFIG_MISSING_ERROR) return TW_OK;
    TW_TRY(tw_model_file_set_text(file, "missing", tw_missing_name((tw_missing)c->data.missing)));
    if (!isnan(c->data.missing_value))
        TW_TRY(tw_model_file_set_number(file, "missing_value", c->data.missing_value));
    return run->fill ? tw_model_file_set_fill(file, run->fill) : TW_OK;
}

static tw_status fill(tw_model_file *file, const tw_summary *s, const tw_run *run)
{
    double *raw = calloc(tw_model_raw(&run->model) + 1, sizeof *raw);
    if (!raw) return tw_fail(TW_MEMORY, "out of memory for the model file");
    tw_scaling_fold(&run->scaling, &run->model, run->iterate.w, raw);
    file->as_trained = run->objective.l1 > 0;
    tw_status status = tw_model_file_set_parameters(file, &run->model, run->iterate.w, raw);
    free(raw);
    TW_TRY(status);
    TW_TRY(tw_model_file_set_scaling(file, tw_scaling_name(run->scaling.kind), &run->scaling));
    TW_TRY(add_missing(file, run));
    TW_TRY(add_names(file, run));
    TW_TRY(tw_model_file_set_history(file, run->log.rows, run->log.history));
    TW_TRY(add_watched(file, run));
    TW_TRY(tw_class_weights_save(run, file));
    TW_TRY(tw_path_save(&run->path, run, file));
    return add_provenance(file, s, run);
}

static tw_status write_model(const tw_summary *s, const tw_run *run)
{
    char path[TW_PATH_LEN + 64];
    tw_model_file file = {0};
    tw_status status = fill(&file, s, run);
    if (status == TW_OK)
        status = tw_model_file_write(&file, tw_run_folder_file(&run->folder, "model.h5", sizeof path, path));
    tw_model_file_release(&file);
    return status;
}

/* Rank 0 alone. The summary comes last: a folder that has one holds a finished run. */
static tw_status write_files(const tw_summary *s, const tw_run *run)
{
    const tw_reason why = run->iterate.why;
    const int code = tw_reason_exit_code(why);
    const bool nothing = run->config.model.path.count > 0 && run->path.count == 0;
    if (tw_reason_class(why) != 'f' && !nothing) TW_TRY(write_model(s, run));
    TW_TRY(tw_summary_write(s, run));
    return tw_run_folder_status(&run->folder,
                                code == TW_DIVERGED  ? "diverged"
                                : code == TW_STOPPED ? "stopped"
                                                     : "finished",
                                code, run->iterate.k, run->checkpoint.newest);
}

static tw_status stopped(const tw_run *run)
{
    const char *cause = run->iterate.why == TW_TIME_LIMIT ? "the time limit" : tw_interrupt_cause();
    return tw_fail(TW_STOPPED,
                   "stopped by %s at iteration %ld, saved in %s/checkpoints/%s; the same command "
                   "goes on from there",
                   cause[0] ? cause : "another rank's signal", run->iterate.k, run->out,
                   run->checkpoint.newest);
}

/* No model is made of parameters that the ranks do not agree on. NaN may differ in bits that mean nothing. */
static tw_status compare_replicas(tw_run *run)
{
    unsigned char digest[16];
    if (tw_fault_armed) tw_trainer_damage(&run->trainer);
    if (run->iterate.why == TW_NOT_FINITE) return TW_OK;
    tw_hash128(run->iterate.w, run->iterate.n * sizeof *run->iterate.w, digest);
    return tw_comm_compare(run->comm, digest);
}

/* NaN without its sign. */
static double plain(double v)
{
    return isnan(v) ? NAN : v;
}

/* "row 4711 of train.h5 (counted from 0, on rank 2) has the loss inf; ". Collective. */
static tw_status name_culprit(tw_run *run, size_t length, char *text)
{
    const tw_iterate *it = &run->iterate;
    tw_blame b;
    bool finite = true;
    text[0] = 0;
    for (size_t j = 0; j < it->n; j++) finite &= isfinite(it->w[j]) != 0;
    if (it->why != TW_NOT_FINITE || !finite) return TW_OK;
    TW_TRY(tw_objective_blame(&run->objective, it->w, &b));
    if (b.row < 0) return TW_OK;
    int at = snprintf(text, length, "row %lld of %s (counted from 0, on rank %d) ", (long long)b.row,
                      run->dataset.path, b.rank);
    if (!isfinite(b.loss))
        at += snprintf(text + at, length - (size_t)at, "has the loss %g", plain(b.loss));
    else
        at += snprintf(text + at, length - (size_t)at, "adds %g to the gradient", b.gradient);
    if (run->objective.bad_rows > 1)
        at +=
            snprintf(text + at, length - (size_t)at, ", the first of %g such rows", run->objective.bad_rows);
    snprintf(text + at, length - (size_t)at, "; ");
    return TW_OK;
}

static tw_status diverged(tw_run *run, const char *culprit)
{
    char advice[512];
    tw_monitor_advise(&run->monitor, &run->objective, &run->iterate, sizeof advice, advice);
    return tw_fail(TW_DIVERGED, "the run diverged at iteration %ld (loss %g): %s%s", run->iterate.k,
                   plain(run->iterate.f), culprit, advice);
}

/* The files, then the report. */
static tw_status conclude(const tw_summary *s, tw_run *run)
{
    tw_status status = TW_OK;
    if (tw_comm_rank(run->comm) == 0) status = tw_runlog_sync(&run->log);
    if (tw_comm_rank(run->comm) == 0 && status == TW_OK) status = write_files(s, run);
    TW_TRY(tw_comm_bcast_status(run->comm, 0, status));
    run->ended = true;
    tw_summary_report(s, run);
    return TW_OK;
}

tw_status tw_run_finish(tw_run *run)
{
    tw_summary s;
    char culprit[TW_PATH_LEN + 256];
    tw_status status = TW_OK;
    tw_phase_enter(TW_AT_FINISH, run->iterate.k);
    TW_TRY(compare_replicas(run));
    TW_TRY(name_culprit(run, sizeof culprit, culprit));
    status = tw_summary_gather(&s, run);
    if (status == TW_OK) status = conclude(&s, run);
    tw_summary_release(&s);
    TW_TRY(status);
    if (tw_reason_exit_code(run->iterate.why) == TW_STOPPED) return stopped(run);
    return tw_reason_class(run->iterate.why) == 'f' ? diverged(run, culprit) : TW_OK;
}
