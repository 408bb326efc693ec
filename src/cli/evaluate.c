/* `thalweg evaluate`: how good a model is on a data set it has perhaps not seen. */
#include "cli/apply.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "core/json_put.h"
#include "thalweg/interrupt.h"
#include "thalweg/link.h"
#include "thalweg/metrics.h"
#include "thalweg/phase.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JSON = 256 };

static const struct argp_option options[] = {
    {"json", JSON, NULL, 0, "Print one JSON object instead of a table", 0},
    TW_APPLY_FEATURES_OPTION,
    TW_APPLY_WATCHDOG_OPTION,
    TW_APPLY_LABELS_OPTIONS,
    {0}};

typedef struct {
    tw_apply_paths paths;
    bool json;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case JSON: a->json = true; break;
    default: return tw_apply_parse(key, value, state, &a->paths);
    }
    return 0;
}

static const struct argp parser = {.options = options,
                                   .parser = parse_option,
                                   .args_doc = "MODEL.h5 DATA.h5",
                                   .doc =
                                       "Compare the predictions of a model with the labels of a data set."};

static void class_name(const tw_apply *a, size_t k, char text[32])
{
    if (a->file.class_names)
        snprintf(text, 32, "%s", a->file.class_names[k]);
    else
        snprintf(text, 32, "%g", a->classes[k]);
}

static void print_confusion(const tw_apply *a, const tw_metrics *t)
{
    enum { MOST = 20 };
    char name[32];
    if (t->classes > MOST) {
        printf("  confusion matrix of %zu classes: see --json\n", t->classes);
        return;
    }
    printf("\n  true \\ predicted\n  %12s", "");
    for (size_t k = 0; k < t->classes; k++) {
        class_name(a, k, name);
        printf(" %8.8s", name);
    }
    printf("   recall\n");
    for (size_t k = 0; k < t->classes; k++) {
        double row = 0;
        class_name(a, k, name);
        printf("  %12.12s", name);
        for (size_t j = 0; j < t->classes; j++) {
            row += t->confusion[k * t->classes + j];
            printf(" %8g", t->confusion[k * t->classes + j]);
        }
        if (row > 0)
            printf("   %.4f\n", t->confusion[k * t->classes + k] / row);
        else
            printf("        -\n");
    }
}

static void print_table(const tw_apply *a, const arguments *args, const tw_metrics *t)
{
    printf("%s (%s) on %s: %.0f rows\n\n", args->paths.model, a->model.ops->name, args->paths.data, t->rows);
    if (t->classes == 0) {
        printf("  R2         %.6f\n  RMSE       %.6g\n  MAE        %.6g\n", t->r2, t->rmse, t->mae);
        if (a->model.ops->link && a->model.ops->link->deviance)
            printf("  deviance   %.6g (mean %s deviance)\n", t->deviance, a->model.ops->name);
        return;
    }
    printf("  accuracy   %.4f\n", t->accuracy);
    if (tw_model_has_probabilities(&a->model)) printf("  log-loss   %.6f\n", t->log_loss);
    if (!isnan(t->roc_auc)) printf("  ROC-AUC    %.6f\n", t->roc_auc);
    printf("  macro F1   %.4f\n", t->f1_macro);
    print_confusion(a, t);
}

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *confusion_json(const tw_apply *a, const tw_metrics *t, json_t **names)
{
    json_t *matrix = json_array();
    char name[32];
    for (size_t k = 0; k < t->classes; k++) {
        json_t *row = json_array();
        for (size_t j = 0; j < t->classes; j++)
            tw_json_append(&row, json_real(t->confusion[k * t->classes + j]));
        tw_json_append(&matrix, row);
        class_name(a, k, name);
        tw_json_append(names, json_string(name));
    }
    return matrix;
}

static tw_status print_json(const tw_apply *a, const arguments *args, const tw_metrics *t)
{
    errno = 0;
    json_t *o = json_pack("{ss ss ss sf sf}", "model", args->paths.model, "type", a->model.ops->name, "data",
                          args->paths.data, "rows", t->rows, "weight", t->weight);
    if (!o && errno == ENOMEM) return tw_fail(TW_MEMORY, "out of memory for the JSON object");
    if (!o) return tw_fail(TW_DATA, "the names of model and data are not UTF-8");
    if (t->classes == 0) {
        tw_json_put(&o, "r2", number(t->r2));
        tw_json_put(&o, "rmse", number(t->rmse));
        tw_json_put(&o, "mae", number(t->mae));
        if (a->model.ops->link && a->model.ops->link->deviance)
            tw_json_put(&o, "deviance", number(t->deviance));
    } else {
        json_t *names = json_array();
        tw_json_put(&o, "accuracy", number(t->accuracy));
        if (tw_model_has_probabilities(&a->model)) tw_json_put(&o, "log_loss", number(t->log_loss));
        tw_json_put(&o, "roc_auc", number(t->roc_auc));
        tw_json_put(&o, "f1_macro", number(t->f1_macro));
        tw_json_put(&o, "confusion", confusion_json(a, t, &names));
        tw_json_put(&o, "classes", names);
    }
    const bool good = o && json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17)) == 0;
    putchar('\n');
    json_decref(o);
    return good ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the JSON object");
}

static tw_status all_margins(const tw_apply *a, double **z)
{
    *z = malloc((a->shard.rows * a->model.outputs + 1) * sizeof **z);
    if (!*z) return tw_fail(TW_MEMORY, "out of memory for the scores of %zu rows", a->shard.rows);
    for (size_t i = 0; i < a->shard.rows; i += TW_BLOCK_ROWS) {
        const size_t rows = a->shard.rows - i < TW_BLOCK_ROWS ? a->shard.rows - i : TW_BLOCK_ROWS;
        TW_TRY(tw_interrupt_check("evaluating the model"));
        TW_TRY(tw_apply_margins(a, i, rows, *z + i * a->model.outputs));
    }
    return TW_OK;
}

static tw_status evaluate(tw_apply *a, tw_comm *comm, const arguments *args)
{
    double *z = NULL;
    tw_metrics metrics = {0};
    TW_TRY(tw_apply_open(a, comm, &args->paths, true));
    tw_phase_enter(TW_AT_EVALUATE, 0);
    tw_status status = tw_comm_agree(comm, all_margins(a, &z));
    if (status == TW_OK) status = tw_metrics_compute(&metrics, comm, &a->partition, &a->model, &a->shard, z);
    if (status == TW_OK && tw_comm_rank(comm) == 0) {
        if (args->json)
            status = print_json(a, args, &metrics);
        else
            print_table(a, args, &metrics);
    }
    tw_metrics_release(&metrics);
    free(z);
    return tw_comm_bcast_status(comm, 0, status);
}

tw_status tw_command_evaluate(int argc, char **argv)
{
    arguments args = {0};
    tw_comm *comm;
    tw_apply apply = {0};
    TW_TRY(tw_arguments_parse(&parser, argc, argv, &args));
    tw_interrupt_install();
    const tw_status probed = tw_apply_probe(&args.paths, true);
    TW_TRY(tw_apply_start(&comm, &argc, &argv, &args.paths));
    tw_interrupt_install(); /* MPI may have taken signals */
    tw_status status = tw_apply_probed(comm, &args.paths, probed);
    if (status == TW_OK) status = evaluate(&apply, comm, &args);
    tw_apply_release(&apply);
    return tw_command_end(comm, status);
}
