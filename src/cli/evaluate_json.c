#include "cli/evaluate.h"
#include "core/json_put.h"
#include "thalweg/link.h"

#include <errno.h>
#include <math.h>

static json_t *number(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *confusion(const tw_metrics *t)
{
    json_t *matrix = json_array();
    for (size_t k = 0; k < t->classes; k++) {
        json_t *row = json_array();
        for (size_t j = 0; j < t->classes; j++)
            tw_json_append(&row, json_real(t->confusion[k * t->classes + j]));
        tw_json_append(&matrix, row);
    }
    return matrix;
}

static void put_classes(const tw_evaluation *e, json_t **o)
{
    const tw_metrics *t = e->metrics;
    json_t *precision = json_array(), *recall = json_array(), *f1 = json_array(), *support = json_array(),
           *names = json_array();
    char name[TW_CLASS_NAME_LEN];
    for (size_t k = 0; k < t->classes; k++) {
        tw_class_name(e->apply, k, name);
        tw_json_append(&names, json_string(name));
        tw_json_append(&precision, number(t->each[k].precision));
        tw_json_append(&recall, number(t->each[k].recall));
        tw_json_append(&f1, number(t->each[k].f1));
        tw_json_append(&support, json_real(t->each[k].support));
    }
    tw_json_put(o, "classes", names);
    tw_json_put(o, "precision", precision);
    tw_json_put(o, "recall", recall);
    tw_json_put(o, "f1", f1);
    tw_json_put(o, "support", support);
}

static void put_classification(const tw_evaluation *e, json_t **o)
{
    const tw_metrics *t = e->metrics;
    const bool rated = tw_model_has_probabilities(&e->apply->model);
    tw_json_put(o, "accuracy", number(t->accuracy));
    tw_json_put(o, "balanced_accuracy", number(t->balanced_accuracy));
    if (rated) tw_json_put(o, "log_loss", number(t->log_loss));
    if (rated && t->classes == 2) tw_json_put(o, "brier", number(t->brier));
    tw_json_put(o, "roc_auc", number(t->roc_auc));
    tw_json_put(o, "f1_macro", number(t->f1_macro));
    tw_json_put(o, "f1_weighted", number(t->f1_weighted));
    tw_json_put(o, "confusion", confusion(t));
    put_classes(e, o);
}

static void put_regression(const tw_evaluation *e, json_t **o)
{
    const tw_metrics *t = e->metrics;
    const tw_link *const link = e->apply->model.ops->link;
    tw_json_put(o, "r2", number(t->r2));
    tw_json_put(o, "rmse", number(t->rmse));
    tw_json_put(o, "mae", number(t->mae));
    if (link && link->deviance) tw_json_put(o, "deviance", number(t->deviance));
}

tw_status tw_evaluate_json(const tw_evaluation *e)
{
    errno = 0;
    json_t *o = json_pack("{ss ss ss sf sf}", "model", e->model, "type", e->apply->model.ops->name, "data",
                          e->data, "rows", e->metrics->rows, "weight", e->metrics->weight);
    if (!o && errno == ENOMEM) return tw_fail(TW_MEMORY, "out of memory for the JSON object");
    if (!o) return tw_fail(TW_DATA, "the names of model and data are not UTF-8");
    if (e->metrics->classes == 0)
        put_regression(e, &o);
    else
        put_classification(e, &o);
    const bool good = o && json_dumpf(o, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17)) == 0;
    putchar('\n');
    json_decref(o);
    return good ? TW_OK : tw_fail(TW_MEMORY, "out of memory for the JSON object");
}
