/* From the confusion: rows and columns add up in whole units, and each quotient is of two rounded sums. */
#include "train/metrics_impl.h"

typedef struct {
    double recall, f1, f1_weight; /* sums over the classes that have one */
    size_t true_classes, classes;
} sums;

static void add_class(tw_metrics *t, const tw_u128 *cells, size_t k, int shift, sums *s)
{
    tw_u128 truth = 0, predicted = 0;
    for (size_t j = 0; j < t->classes; j++) {
        truth += cells[k * t->classes + j];
        predicted += cells[j * t->classes + k];
    }
    const double hit = (double)cells[k * t->classes + k];
    tw_class_metrics *const c = &t->each[k];
    *c = (tw_class_metrics){NAN, NAN, NAN, tw_exact_weight(truth, shift)};
    if (predicted > 0) c->precision = hit / (double)predicted;
    if (truth > 0) {
        c->recall = hit / (double)truth;
        s->recall += c->recall;
        s->true_classes++;
    }
    if (truth + predicted == 0) return; /* this class does not occur */
    c->f1 = 2 * hit / (double)(truth + predicted);
    s->f1 += c->f1;
    s->f1_weight += c->f1 * c->support;
    s->classes++;
}

void tw_metrics_summarise(tw_metrics *t, const tw_u128 *cells, int shift)
{
    sums s = {0};
    tw_u128 all = 0, right = 0;
    for (size_t i = 0; i < t->classes * t->classes; i++) {
        t->confusion[i] = tw_exact_weight(cells[i], shift);
        all += cells[i];
        if (i % (t->classes + 1) == 0) right += cells[i];
    }
    for (size_t k = 0; k < t->classes; k++) add_class(t, cells, k, shift, &s);
    t->weight = tw_exact_weight(all, shift);
    t->accuracy = (double)right / (double)all;
    t->balanced_accuracy = s.recall / (double)s.true_classes;
    t->f1_macro = s.f1 / (double)s.classes;
    t->f1_weighted = s.f1_weight / t->weight;
}
