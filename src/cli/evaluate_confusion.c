/* The confusion matrix on a screen. Columns carry the names where these fit, else the numbers of the rows. */
#include "cli/evaluate_text.h"

enum { SCREEN = 80, HEADING_MOST = 8, WORST = 12 };

typedef struct {
    const tw_evaluation *e;
    size_t names, cells; /* columns of the screen */
    bool numbered;
} layout;

static layout lay_out(const tw_evaluation *e)
{
    const tw_metrics *t = e->metrics;
    char text[TW_COUNT_LEN];
    layout l = {.e = e, .names = tw_text_name_columns(e->apply), .cells = 1};
    for (size_t i = 0; i < t->classes * t->classes; i++) {
        const size_t columns = tw_text_count(t->confusion[i], text);
        if (columns > l.cells) l.cells = columns;
    }
    const size_t heading = l.names < HEADING_MOST ? l.names : HEADING_MOST;
    const size_t wide = heading > l.cells ? heading : l.cells;
    l.numbered = l.names > HEADING_MOST || 4 + l.names + t->classes * (wide + 2) > SCREEN;
    if (!l.numbered)
        l.cells = wide;
    else if (l.cells < 2)
        l.cells = 2;
    return l;
}

static void heading(const layout *l)
{
    char text[TW_CLASS_NAME_LEN];
    printf("\n  confusion: true class down, predicted across%s\n  ",
           l->numbered ? " by the number of the row" : "");
    tw_text_put("", l->names + (l->numbered ? 4 : 0), false);
    for (size_t k = 0; k < l->e->metrics->classes; k++) {
        if (l->numbered)
            snprintf(text, sizeof text, "%zu", k + 1);
        else
            tw_class_name(l->e->apply, k, text);
        fputs("  ", stdout);
        tw_text_put(text, l->cells, true);
    }
    putchar('\n');
}

static void print_matrix(const tw_evaluation *e)
{
    const tw_metrics *t = e->metrics;
    const layout l = lay_out(e);
    char name[TW_CLASS_NAME_LEN], count[TW_COUNT_LEN];
    heading(&l);
    for (size_t k = 0; k < t->classes; k++) {
        fputs("  ", stdout);
        if (l.numbered) printf("%2zu  ", k + 1);
        tw_class_name(e->apply, k, name);
        tw_text_put(name, l.names, false);
        for (size_t j = 0; j < t->classes; j++) {
            const double v = t->confusion[k * t->classes + j];
            tw_text_count(v, count);
            fputs("  ", stdout);
            tw_text_put(v == 0 ? "." : count, l.cells, true);
        }
        putchar('\n');
    }
}

/* ---- more classes than fit ---- */

/* The largest entries off the diagonal, first ones first. Returns how many. */
static size_t find_worst(const tw_metrics *t, size_t *worst)
{
    size_t n = 0;
    for (size_t i = 0; i < t->classes * t->classes; i++) {
        if (i % (t->classes + 1) == 0 || t->confusion[i] == 0) continue;
        if (n == WORST && !(t->confusion[i] > t->confusion[worst[n - 1]])) continue;
        size_t at = n < WORST ? n++ : n - 1;
        for (; at > 0 && t->confusion[worst[at - 1]] < t->confusion[i]; at--) worst[at] = worst[at - 1];
        worst[at] = i;
    }
    return n;
}

static void print_worst(const tw_evaluation *e)
{
    const tw_metrics *t = e->metrics;
    const size_t names = tw_text_name_columns(e->apply);
    size_t worst[WORST];
    char name[TW_CLASS_NAME_LEN], count[TW_COUNT_LEN];
    const size_t n = find_worst(t, worst);
    printf("\n  the largest confusions of %zu classes%s\n", t->classes, n ? "" : ": none");
    if (n == 0) return;
    fputs("  ", stdout);
    tw_text_put("true", names + 2, false);
    tw_text_put("predicted", names > 9 ? names : 9, false);
    printf("  %9s  %s\n", "rows", "of the true class");
    for (size_t i = 0; i < n; i++) {
        const size_t k = worst[i] / t->classes, j = worst[i] % t->classes;
        fputs("  ", stdout);
        tw_class_name(e->apply, k, name);
        tw_text_put(name, names + 2, false);
        tw_class_name(e->apply, j, name);
        tw_text_put(name, names > 9 ? names : 9, false);
        tw_text_count(t->confusion[worst[i]], count);
        printf("  %9s  %5.1f %%\n", count, 100 * t->confusion[worst[i]] / t->each[k].support);
    }
    fputs("  all of them, and every class: --json\n", stdout);
}

void tw_evaluate_print_confusion(const tw_evaluation *e)
{
    if (e->metrics->classes > TW_CONFUSION_MOST)
        print_worst(e);
    else
        print_matrix(e);
}
