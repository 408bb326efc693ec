/* From the text of a configuration to rows of the tables: every mistake is found and told before any data is
 * read. */
#include "thalweg/node_file.h"
#include "thalweg/probe.h"
#include "train/run_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rank 0's bytes on every rank. Collective. */
static tw_status read_text(tw_run *run, const char *path, char **text, size_t *length)
{
    *text = NULL;
    *length = 0;
    tw_status status = TW_OK;
    const bool first = tw_comm_rank(run->comm) == 0;
    if (first && run->text) {
        *text = run->text;
        *length = run->length;
        run->text = NULL;
    } else if (first) {
        status = tw_config_read_file(path, text, length);
    }
    TW_TRY(tw_comm_bcast_status(run->comm, 0, status));
    TW_TRY(tw_comm_bcast(run->comm, 0, length, sizeof *length));
    if (!*text) *text = calloc(*length + 1, 1);
    TW_TRY(
        tw_comm_agree(run->comm, *text ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the configuration")));
    return tw_comm_bcast(run->comm, 0, *text, *length);
}

/* Without a named test the defaults; they are put into the configuration, so that the resolved copy replays
 * this run. */
static void default_stop(tw_config *c)
{
    if (!isnan(c->stop.gradient_norm) || !isnan(c->stop.gradient_norm_relative) ||
        !isnan(c->stop.loss_delta) || !isnan(c->stop.loss_delta_relative))
        return;
    if (c->model.path.count > 0) { /* coefficients are read off a path: they are to be good to six digits */
        c->stop.gradient_norm_relative = 1e-10;
        return;
    }
    c->stop.gradient_norm_relative = 1e-6;
    c->stop.loss_delta_relative = 1e-12;
    if (!tw_config_is_set(c, "stop.patience")) c->stop.patience = 3;
}

/* The limit that a run of this kind does not have; its default may stand, as it does in every resolved copy.
 */
static void check_limits(tw_config *c)
{
    if (c->optimizer.batch == 0 && c->stop.max_epochs != 100)
        tw_config_problem(c, "stop.max_epochs",
                          "epochs belong to mini-batches (optimizer.batch); use stop.max_iterations");
    if (c->optimizer.batch > 0 && c->stop.max_iterations != 10000)
        tw_config_problem(c, "stop.max_iterations", "with mini-batches the limit is stop.max_epochs");
    const bool validation =
        c->data.validation.file || !isnan(c->data.validation.fraction) || !isnan(c->data.validation.tail);
    if (c->stop.validation_patience > 0 && !validation)
        tw_config_problem(c, "stop.validation_patience", "there are no validation rows: set data.validation");
}

/* After the period of a cosine the length is zero: nothing could move any more. */
static long last_iteration(const tw_run *run)
{
    const tw_config *c = &run->config;
    const double limit = c->optimizer.batch > 0 ? (double)c->stop.max_epochs : (double)c->stop.max_iterations;
    const bool cosine = run->step_ops && strcmp(run->step_ops->name, "cosine") == 0;
    return (long)(cosine ? fmin(limit, ceil(c->step.period)) : limit);
}

static void resolve_stop(tw_run *run)
{
    tw_config *c = &run->config;
    default_stop(c);
    check_limits(c);
    run->stop = (tw_monitor_settings){.gradient_norm = c->stop.gradient_norm,
                                      .gradient_norm_relative = c->stop.gradient_norm_relative,
                                      .loss_delta = c->stop.loss_delta,
                                      .loss_delta_relative = c->stop.loss_delta_relative,
                                      .require_all = c->stop.require == TW_CONFIG_REQUIRE_ALL,
                                      .patience = (long)c->stop.patience,
                                      .max_iterations = last_iteration(run),
                                      .validation_patience = (long)c->stop.validation_patience,
                                      .max_seconds = c->stop.max_time,
                                      .divergence_factor = c->stop.divergence_factor};
}

/* output.dir, or runs/<name of the configuration>. */
static tw_status resolve_folder(tw_run *run, const char *path, const char *out)
{
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    const char *dot = strrchr(name, '.');
    if (!out) out = run->config.output.dir;
    if (out)
        snprintf(run->out, sizeof run->out, "%s", out);
    else
        snprintf(run->out, sizeof run->out, "runs/%.*s",
                 (int)(dot && dot > name ? dot - name : (long)strlen(name)), name);
    free(run->config.output.dir);
    run->config.output.dir = strdup(run->out); /* for the resolved copy */
    return run->config.output.dir ? TW_OK
                                  : tw_fail(TW_MEMORY, "out of memory for the name of the run folder");
}

/* Rank 0 alone: a wrong name is a problem of the configuration, anything else a failure of its own. */
static tw_status open_dataset(tw_run *run)
{
    tw_config *c = &run->config;
    const tw_dataset_names names = {.features = c->data.features,
                                    .labels = c->data.labels,
                                    .weights = c->data.weights,
                                    .need_labels = true};
    const char *wrong_key;
    tw_probe_doing(c->data.train, "reading its structure");
    const tw_status status = tw_dataset_open(&run->dataset, c->data.train, &names, &wrong_key);
    tw_run_keep(run, &run->dataset);
    if (status == TW_OK || !wrong_key) return status;
    tw_config_problem(c, wrong_key, "%s", tw_status_message());
    return TW_OK; /* told by the verdict */
}

/* Columns that have names in both files. */
static tw_status compare_columns(tw_run *run)
{
    size_t n, m = 0;
    char **names, **others = NULL;
    const char *path = run->watched.dataset.path;
    TW_TRY(tw_dataset_strings(run->dataset.path, "/feature_names", &n, &names));
    const tw_status status = tw_dataset_strings(path, "/feature_names", &m, &others);
    size_t j = 0;
    if (status == TW_OK && names && others && n == m)
        while (j < n && strcmp(names[j], others[j]) == 0) j++;
    else
        j = n;
    if (j < n)
        tw_config_problem(&run->config, "data.validation.file",
                          "column %zu (from 0) is '%.64s' in %s and '%.64s' in %s", j, names[j],
                          run->dataset.path, others[j], path);
    free(others);
    free(names);
    return status;
}

static tw_status open_validation(tw_run *run)
{
    tw_config *c = &run->config;
    const tw_dataset_names names = {.features = c->data.features, /* named as in the training data */
                                    .labels = c->data.labels,
                                    .weights = c->data.weights,
                                    .need_labels = true};
    tw_probe_doing(c->data.validation.file, "reading its structure");
    TW_TRY(tw_dataset_open(&run->watched.dataset, c->data.validation.file, &names, NULL));
    tw_run_keep(run, &run->watched.dataset);
    if (!c->data.train) return TW_OK;
    if (run->watched.dataset.cols == run->dataset.cols) return compare_columns(run);
    tw_config_problem(c, "data.validation.file", "%s has %lld features, %s has %lld", c->data.validation.file,
                      (long long)run->watched.dataset.cols, c->data.train, (long long)run->dataset.cols);
    return TW_OK; /* told by the verdict */
}

/* Also rank 0 alone. Failures of the data wait for the problems of the configuration, which are all told at
 * once. */
static tw_status examine(tw_run *run)
{
    tw_status data = TW_OK;
    char sentence[TW_MESSAGE_LEN];
    if (run->config.data.train) data = open_dataset(run);
    if (data == TW_OK && run->config.data.validation.file) data = open_validation(run);
    if (data == TW_OK) tw_run_check_sizes(run);
    if (data == TW_OK) data = tw_run_check_start(run);
    memcpy(sentence, tw_status_message(), sizeof sentence);
    TW_TRY(tw_config_verdict(&run->config));
    if (data) return tw_fail(data, "%s", sentence);
    return tw_run_folder_check(run->out, run->resume && strcmp(run->resume, "never") != 0);
}

static tw_status compare_files(tw_run *run, const tw_dataset *d)
{
    int64_t first;
    for (size_t f = 0; d->path[0] && f < d->files; f++) {
        const tw_dataset one = tw_dataset_part(d, f, &first);
        TW_TRY(tw_node_file_compare(run->comm, one.path));
    }
    return TW_OK;
}

/* A file that rank 0 cannot use may be there, and good, on other nodes. Collective. */
static tw_status compare_nodes(tw_run *run, bool described)
{
    const tw_config *c = &run->config;
    if (described) {
        TW_TRY(compare_files(run, &run->dataset));
        return compare_files(run, &run->watched.dataset);
    }
    if (c->data.train) TW_TRY(tw_node_file_compare(run->comm, c->data.train));
    return c->data.validation.file ? tw_node_file_compare(run->comm, c->data.validation.file) : TW_OK;
}

tw_status tw_run_configure(tw_run *run, const char *path, size_t n_sets, char *const *sets, const char *out)
{
    char *text;
    size_t length;
    const tw_status read = read_text(run, path, &text, &length);
    if (read == TW_OK) tw_config_parse(&run->config, path, text, length);
    free(text);
    TW_TRY(read);
    for (size_t i = 0; i < n_sets; i++) tw_config_set(&run->config, sets[i]);
    snprintf(run->config_path, sizeof run->config_path, "%s", path);
    tw_status resolved = tw_run_resolve_method(run);
    if (resolved == TW_OK) resolved = resolve_folder(run, path, out);
    resolve_stop(run);
    if (resolved == TW_OK) resolved = tw_config_complete(&run->config);
    TW_TRY(tw_comm_agree(run->comm, resolved));
    tw_status status = TW_OK;
    if (tw_comm_rank(run->comm) == 0) status = examine(run);
    status = tw_comm_bcast_status(run->comm, 0, status);
    if (status == TW_INPUT || status == TW_DATA) TW_TRY(compare_nodes(run, false));
    TW_TRY(status);
    TW_TRY(tw_dataset_share(&run->watched.dataset, run->comm));
    TW_TRY(tw_dataset_share(&run->dataset, run->comm));
    return compare_nodes(run, true);
}
