/* What each class weighs in the rows that train, and model.class_weight: a factor by class for these rows.
 *
 * balanced is W / (K W_k), W_k the weight of class k in the rows that train, K the classes that have any: all
 * classes then weigh the same, W in all (King and Zeng 2001). The sums go through the tree of the gradient,
 * so they are the same bits on any number of ranks and threads. */
#include "train/class_weight.h"

#include "core/json_put.h"
#include "thalweg/interrupt.h"
#include "thalweg/reduction.h"
#include "thalweg/words.h"
#include "train/run_impl.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOING "weighing the classes"

enum { NAME_LEN = 4096, SHOWN = 8 };

void tw_run_check_classes(tw_run *run)
{
    if (run->config.model.class_weight && run->model_ops && run->model_ops->target == TW_TARGET_NUMBER)
        tw_config_problem(&run->config, "model.class_weight",
                          "model.type %s has no classes; give each row its own weight by data.weights",
                          run->model_ops->name);
}

/* ---- what each class weighs ---- */

static tw_status weigh_group(void *context, int thread, int64_t k, tw_branch *branch)
{
    const tw_run *run = context;
    const tw_shard *s = &run->shard;
    const int64_t end = tw_partition_row(&run->partition, k + 1);
    for (int64_t at = tw_partition_row(&run->partition, k); at < end; at += TW_BLOCK_ROWS) {
        const size_t first = (size_t)(at - s->first);
        const size_t rows = (size_t)(end - at < TW_BLOCK_ROWS ? end - at : TW_BLOCK_ROWS);
        double *weight = tw_branch_block(branch);
        if (thread == 0) TW_TRY(tw_interrupt_check(DOING));
        for (size_t i = first; i < first + rows; i++) {
            double *own = &weight[(size_t)s->y[i]];
            if (tw_shard_trains(s, i)) *own = *own + (s->weight ? s->weight[i] : 1);
        }
        tw_branch_push(branch);
    }
    return TW_OK;
}

static tw_status weigh(tw_run *run, double *weight)
{
    const tw_reduction_plan plan = {
        .mode = TW_REPRODUCIBLE, .merge = &tw_merge_sum, .n = run->n_classes, .threads = run->threads};
    return tw_reduction_once(run->comm, &run->partition, &plan, weigh_group, run, weight);
}

/* Order: W over k ascending, then W / (K W_k). */
static void balance(tw_class_weights *c, size_t n)
{
    double all = 0, classes = 0;
    for (size_t k = 0; k < n; k++) {
        all = all + c->weight[k];
        classes += c->weight[k] > 0;
    }
    for (size_t k = 0; k < n; k++) c->factor[k] = c->weight[k] > 0 ? all / (classes * c->weight[k]) : 1;
}

/* ---- what the configuration names; rank 0 alone ---- */

static void label(const tw_run *run, size_t k, size_t length, char *text)
{
    const tw_class_weights *c = &run->class_weights;
    if (c->names)
        snprintf(text, length, "%.64s", c->names[k]);
    else
        snprintf(text, length, "%.17g", run->classes[k]);
}

/* The index of a class by its name or, failing that, its number; SIZE_MAX: none. */
static size_t find(const tw_run *run, const char *name)
{
    char *end;
    const tw_class_weights *c = &run->class_weights;
    const double number = strtod(name, &end);
    for (size_t k = 0; c->names && k < run->n_classes; k++)
        if (strcmp(c->names[k], name) == 0) return k;
    for (size_t k = 0; *end == '\0' && k < run->n_classes; k++)
        if (run->classes[k] == number) return k;
    return SIZE_MAX;
}

static void unknown(tw_run *run, const char *name)
{
    const tw_class_weights *c = &run->class_weights;
    char known[SHOWN * 72] = "", text[72];
    for (size_t k = 0; k < run->n_classes && k < SHOWN; k++) {
        label(run, k, sizeof text, text);
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", text);
    }
    const char *near =
        c->names ? tw_words_nearest(name, run->n_classes, (const char *const *)c->names) : NULL;
    tw_config_problem(&run->config, "model.class_weight",
                      "'%.64s' is no class of the data, which has %zu: %s%s%s%s%s", name, run->n_classes,
                      known, run->n_classes > SHOWN ? ", ..." : "", near ? ". Did you mean '" : "",
                      near ? near : "", near ? "'?" : "");
}

static void name_factors(tw_run *run, char *name)
{
    tw_class_weights *c = &run->class_weights;
    double factor;
    for (size_t k = 0; k < run->n_classes; k++) c->factor[k] = -1;
    for (const char *at = run->config.model.class_weight;
         tw_config_next_pair(&at, NAME_LEN, name, &factor);) {
        const size_t k = find(run, name);
        if (k == SIZE_MAX)
            unknown(run, name);
        else if (c->factor[k] >= 0)
            tw_config_problem(&run->config, "model.class_weight", "'%.64s' names a class a second time",
                              name);
        else
            c->factor[k] = factor;
    }
    for (size_t k = 0; k < run->n_classes; k++)
        if (c->factor[k] < 0) c->factor[k] = 1;
}

/* Rows may all be kept for validation, or weigh nothing. */
static tw_status check_present(const tw_run *run)
{
    const tw_class_weights *c = &run->class_weights;
    char text[72];
    size_t present = 0, last = 0;
    TW_TRY(tw_reduction_counts(run->n_classes, c->weight));
    for (size_t k = 0; k < run->n_classes; k++) {
        if (!(c->weight[k] > 0)) continue;
        present++;
        last = k;
    }
    if (present > 1) return TW_OK;
    if (present == 0)
        return tw_fail(TW_DATA, "the weights of all rows of %s to train on are zero: there is nothing to fit",
                       run->dataset.path);
    label(run, last, sizeof text, text);
    return tw_fail(TW_DATA,
                   "all rows of %s to train on are of class %s, of %zu classes in the file: with one class "
                   "there is nothing to learn; other rows are kept for validation or weigh 0",
                   run->dataset.path, text, run->n_classes);
}

/* Of one class nothing can be learned. */
static void check_left(tw_run *run)
{
    const tw_class_weights *c = &run->class_weights;
    size_t before = 0, left = 0;
    for (size_t k = 0; k < run->n_classes; k++) {
        before += c->weight[k] > 0;
        left += c->weight[k] * c->factor[k] > 0;
    }
    if (before > 1 && left < 2)
        tw_config_problem(&run->config, "model.class_weight",
                          "it leaves %zu of %zu classes a weight above 0: with fewer than two there is "
                          "nothing to learn",
                          left, before);
}

static tw_status resolve(tw_run *run)
{
    tw_class_weights *c = &run->class_weights;
    char *name = malloc(NAME_LEN);
    if (!name) return tw_fail(TW_MEMORY, "out of memory for the weights of the classes");
    if (strcmp(run->config.model.class_weight, "balanced") == 0)
        balance(c, run->n_classes);
    else
        name_factors(run, name);
    free(name);
    check_left(run);
    return tw_config_verdict(&run->config);
}

static tw_status judge(tw_run *run)
{
    tw_class_weights *c = &run->class_weights;
    TW_TRY(tw_run_class_names(run, &c->names));
    TW_TRY(check_present(run));
    return run->config.model.class_weight ? resolve(run) : TW_OK;
}

/* ---- to the rows ---- */

static tw_status allocate(tw_run *run)
{
    tw_class_weights *c = &run->class_weights;
    const bool wanted = run->config.model.class_weight != NULL;
    c->weight = calloc(run->n_classes, sizeof *c->weight);
    if (wanted) c->factor = calloc(run->n_classes, sizeof *c->factor);
    if (wanted && !run->row_weight) run->row_weight = calloc(run->shard.rows + 1, sizeof *run->row_weight);
    if (c->weight && (!wanted || (c->factor && run->row_weight))) return TW_OK;
    return tw_fail(TW_MEMORY, "out of memory for the weights of %zu rows", run->shard.rows);
}

tw_status tw_run_weigh_classes(tw_run *run)
{
    tw_class_weights *c = &run->class_weights;
    if (c->weight || run->n_classes == 0) return TW_OK;
    const bool dropping = run->config.data.missing == TW_CONFIG_MISSING_DROP;
    if (!run->config.model.class_weight && !run->shard.without && !run->dataset.weights[0] && !dropping)
        return TW_OK;
    TW_TRY(tw_comm_agree(run->comm, allocate(run)));
    TW_TRY(weigh(run, c->weight));
    tw_status status = TW_OK;
    if (tw_comm_rank(run->comm) == 0) status = judge(run);
    TW_TRY(tw_comm_bcast_status(run->comm, 0, status));
    if (!c->factor) return TW_OK;
    return tw_comm_bcast(run->comm, 0, c->factor, run->n_classes * sizeof *c->factor);
}

void tw_class_weights_release(tw_class_weights *c)
{
    free(c->factor);
    free(c->weight);
    free(c->names);
    *c = (tw_class_weights){0};
}

/* ---- what is said of it ---- */

static void warn_of_absent(tw_run *run)
{
    const tw_class_weights *c = &run->class_weights;
    char list[SHOWN * 72] = "", text[72];
    size_t absent = 0;
    for (size_t k = 0; k < run->n_classes; k++) {
        if (c->weight[k] > 0 || absent++ >= SHOWN) continue;
        label(run, k, sizeof text, text);
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", text);
    }
    if (absent > 0)
        tw_runlog_print(&run->log,
                        "  warning  no row to train on is of class %s%s: the model never sees %s\n", list,
                        absent > SHOWN ? ", ..." : "", absent == 1 ? "it" : "them");
}

void tw_run_print_classes(tw_run *run)
{
    const tw_class_weights *c = &run->class_weights;
    char list[SHOWN * 96] = "", text[72];
    if (!c->weight || tw_comm_rank(run->comm) != 0) return;
    warn_of_absent(run);
    if (!c->factor) return;
    for (size_t k = 0; k < run->n_classes && k < SHOWN; k++) {
        label(run, k, sizeof text, text);
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s x %.6g", used ? ", " : "", text, c->factor[k]);
    }
    const bool balanced = strcmp(run->config.model.class_weight, "balanced") == 0;
    tw_runlog_print(&run->log, "  weights  of classes%s: %s%s\n", balanced ? ", balanced" : "", list,
                    run->n_classes > SHOWN ? ", ..." : "");
}

json_t *tw_class_weights_json(const tw_run *run)
{
    const tw_class_weights *c = &run->class_weights;
    json_t *list = json_array();
    for (size_t k = 0; k < run->n_classes; k++) {
        json_t *one = json_pack("{sf sf sf}", "class", run->classes[k], "weight", c->factor[k], "rows_weight",
                                c->weight[k]);
        if (c->names) tw_json_put(&one, "name", json_string(c->names[k]));
        tw_json_append(&list, one);
    }
    return list;
}

tw_status tw_class_weights_save(const tw_run *run, tw_model_file *file)
{
    if (!run->class_weights.factor) return TW_OK;
    return tw_model_file_add_array(file, "/training/class_weight", run->n_classes, 0,
                                   run->class_weights.factor);
}
