/* The tables of `thalweg evaluate`: metrics, then one line a class. */
#include "cli/evaluate_text.h"
#include "cli/evaluate.h"
#include "thalweg/link.h"

#include <string.h>

enum { NAME_MOST = 24 };

void tw_class_name(const tw_apply *a, size_t k, char text[TW_CLASS_NAME_LEN])
{
    if (a->file.class_names) {
        size_t length = strlen(a->file.class_names[k]);
        if (length >= TW_CLASS_NAME_LEN) {
            length = TW_CLASS_NAME_LEN - 1;
            while (length > 0 && (a->file.class_names[k][length] & 0xc0) == 0x80) length--;
        }
        memcpy(text, a->file.class_names[k], length);
        text[length] = 0;
    } else {
        snprintf(text, TW_CLASS_NAME_LEN, "%.15g", a->classes[k]);
    }
}

size_t tw_text_columns(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += (*text & 0xc0) != 0x80;
    return n;
}

void tw_text_put(const char *text, size_t columns, bool right)
{
    const size_t all = tw_text_columns(text), shown = all < columns ? all : columns;
    for (size_t i = shown; right && i < columns; i++) putchar(' ');
    for (size_t n = 0; *text; text++) {
        if ((*text & 0xc0) != 0x80 && n++ == shown) break;
        putchar((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
    }
    for (size_t i = shown; !right && i < columns; i++) putchar(' ');
}

size_t tw_text_count(double count, char text[TW_COUNT_LEN])
{
    return (size_t)snprintf(text, TW_COUNT_LEN, count == floor(count) && count < 1e15 ? "%.0f" : "%.5g",
                            count);
}

size_t tw_text_name_columns(const tw_apply *a)
{
    char name[TW_CLASS_NAME_LEN];
    size_t most = 5;
    for (size_t k = 0; k < a->model.classes; k++) {
        tw_class_name(a, k, name);
        const size_t columns = tw_text_columns(name);
        if (columns > most) most = columns;
    }
    return most < NAME_MOST ? most : NAME_MOST;
}

static void share_column(double value)
{
    if (isnan(value))
        printf("  %9s", "-");
    else
        printf("  %9.4f", value);
}

static void print_classes(const tw_evaluation *e)
{
    const tw_metrics *t = e->metrics;
    const size_t columns = tw_text_name_columns(e->apply);
    char name[TW_CLASS_NAME_LEN], count[TW_COUNT_LEN];
    fputs("\n  ", stdout);
    tw_text_put("class", columns, false);
    printf("  %9s  %9s  %9s  %9s\n", "precision", "recall", "F1", "support");
    for (size_t k = 0; k < t->classes; k++) {
        const tw_class_metrics *c = &t->each[k];
        tw_class_name(e->apply, k, name);
        fputs("  ", stdout);
        tw_text_put(name, columns, false);
        share_column(c->precision);
        share_column(c->recall);
        share_column(c->f1);
        tw_text_count(c->support, count);
        printf("  %9s\n", count);
    }
}

static void line(const char *name, int digits, double value)
{
    if (!isnan(value)) printf("  %-18s %.*f\n", name, digits, value);
}

static void print_regression(const tw_evaluation *e)
{
    const tw_metrics *t = e->metrics;
    const tw_model_ops *ops = e->apply->model.ops;
    printf("  R2         %.6f\n  RMSE       %.6g\n  MAE        %.6g\n", t->r2, t->rmse, t->mae);
    if (ops->link && ops->link->deviance)
        printf("  deviance   %.6g (mean %s deviance)\n", t->deviance, ops->name);
}

void tw_evaluate_print(const tw_evaluation *e)
{
    const tw_metrics *t = e->metrics;
    char weight[TW_COUNT_LEN];
    printf("%s (%s) on %s: %.0f rows", e->model, e->apply->model.ops->name, e->data, t->rows);
    tw_text_count(t->weight, weight);
    if (t->weight != t->rows) printf(", weight %s", weight);
    fputs("\n\n", stdout);
    if (t->classes == 0) {
        print_regression(e);
        return;
    }
    line("accuracy", 4, t->accuracy);
    line("balanced accuracy", 4, t->balanced_accuracy);
    line("log-loss", 6, t->log_loss);
    line("Brier score", 6, t->brier);
    line("ROC-AUC", 6, t->roc_auc);
    line("macro F1", 4, t->f1_macro);
    line("weighted F1", 4, t->f1_weighted);
    if (t->classes <= TW_CONFUSION_MOST) print_classes(e);
    tw_evaluate_print_confusion(e);
}
