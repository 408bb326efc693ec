/* The confusion matrix as a picture: true classes down, predicted across, the share of the row as shade. */
#include "cli/evaluate_picture.h"
#include "cli/evaluate_text.h"
#include "cli/gnuplot.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST = 40, WITH_COUNTS = 20, NAME_SHOWN = 22, NAME_LEVEL = 4, TITLE_LEN = 160 };

tw_status tw_picture_name(const char *option, const char *path)
{
    const char *const slash = strrchr(path, '/'), *const dot = strrchr(slash ? slash : path, '.');
    if (dot && (strcasecmp(dot, ".png") == 0 || strcasecmp(dot, ".svg") == 0)) return TW_OK;
    return tw_fail(TW_USAGE, "%s: cannot tell the format of '%s': end it in .svg or .png", option, path);
}

bool tw_picture_is_png(const char *path)
{
    return strcasecmp(path + strlen(path) - 4, ".png") == 0;
}

unsigned tw_picture_shade(double share, unsigned full)
{
    unsigned colour = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
        const double part = 255 + share * ((double)(full >> shift & 255) - 255);
        colour = colour << 8 | (unsigned)(part + 0.5);
    }
    return colour;
}

/* Characters of the longest label as shown. */
static size_t longest(size_t n, tw_picture_label *label, const void *what)
{
    char text[TW_CLASS_NAME_LEN];
    size_t most = 0;
    for (size_t i = 0; i < n; i++) {
        label(what, i, text);
        const size_t columns = tw_text_columns(text);
        if (columns > most) most = columns;
    }
    return most < NAME_SHOWN ? most : NAME_SHOWN;
}

double tw_picture_below(size_t n, tw_picture_label *label, const void *what)
{
    const size_t most = longest(n, label, what);
    return 60 + (most > NAME_LEVEL ? 5.2 * (double)most : 0);
}

void tw_picture_tics(FILE *out, char which, size_t n, tw_picture_label *label, const void *what)
{
    char text[TW_CLASS_NAME_LEN];
    fprintf(out, "set %ctics scale 0 noenhanced textcolor rgb '#202020' (", which);
    for (size_t i = 0; i < n; i++) {
        label(what, i, text);
        fputs(i ? ", " : "", out);
        tw_gnuplot_quote(out, text, NAME_SHOWN);
        fprintf(out, " %zu", i);
    }
    fputs(")\n", out);
    const size_t most = longest(n, label, what);
    if (which != 'x' || most <= NAME_LEVEL) return;
    fprintf(out, "set xtics rotate by 45 right\nset xlabel offset 0, %.3g\n", -0.36 * (double)most);
}

/* ---- the confusion matrix ---- */

typedef struct {
    const tw_evaluation *e;
    size_t n;           /* classes drawn */
    size_t order[MOST]; /* which */
} chart;

/* Weight off the diagonal in row and column k. */
static double confused(const tw_metrics *t, size_t k)
{
    double sum = 0;
    for (size_t j = 0; j < t->classes; j++)
        if (j != k) sum += t->confusion[k * t->classes + j] + t->confusion[j * t->classes + k];
    return sum;
}

static int ascending(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static void choose(chart *c)
{
    const tw_metrics *t = c->e->metrics;
    double sums[MOST];
    for (size_t k = 0; k < t->classes; k++) {
        const double sum = t->classes > MOST ? confused(t, k) : 0;
        if (c->n == MOST && !(sum > sums[MOST - 1])) continue;
        size_t at = c->n < MOST ? c->n++ : MOST - 1;
        for (; at > 0 && sums[at - 1] < sum; at--) {
            sums[at] = sums[at - 1];
            c->order[at] = c->order[at - 1];
        }
        sums[at] = sum;
        c->order[at] = k;
    }
    qsort(c->order, c->n, sizeof *c->order, ascending);
}

static void label(const void *what, size_t i, char text[TW_CLASS_NAME_LEN])
{
    const chart *const c = what;
    tw_class_name(c->e->apply, c->order[i], text);
}

/* x, y, colour, count, colour of the count. */
static void cells(const chart *c, FILE *out)
{
    const tw_metrics *t = c->e->metrics;
    char count[TW_COUNT_LEN];
    fputs("$cells << END\n", out);
    for (size_t i = 0; i < c->n; i++)
        for (size_t j = 0; j < c->n; j++) {
            const double v = t->confusion[c->order[i] * t->classes + c->order[j]],
                         row = t->each[c->order[i]].support, share = row > 0 ? v / row : 0;
            tw_text_count(v, count);
            fprintf(out, "%zu %zu %u %s %u\n", j, i, tw_picture_shade(share, i == j ? 0x0072B2 : 0xD55E00),
                    v == 0 ? "\"\"" : count, share > 0.55 ? 0xFFFFFFu : 0x202020u);
        }
    fputs("END\n", out);
}

static void script(const void *what, FILE *out, bool png)
{
    const chart *const c = what;
    const tw_metrics *t = c->e->metrics;
    const double cell = c->n <= 6 ? 72 : c->n <= WITH_COUNTS ? 48 : 22, side = cell * (double)c->n;
    const tw_canvas canvas = {out, side + 200 < 560 ? 560 : side + 200,
                              side + 76 + tw_picture_below(c->n, label, c)};
    char title[TITLE_LEN], about[TITLE_LEN];
    cells(c, out);
    snprintf(title, sizeof title, "Confusion matrix: accuracy %.4f", t->accuracy);
    if (c->n < t->classes)
        snprintf(about, sizeof about, "the %zu of %zu classes that are confused most", c->n, t->classes);
    else
        snprintf(about, sizeof about, "%.0f rows of %s; shade: share of the true class", t->rows, c->e->data);
    tw_canvas_begin(&canvas, png, title, about);
    tw_canvas_panel(&canvas, (double[]){170, 170 + side, 76, 76 + side}, "", "predicted");
    fputs("unset grid\nunset border\nset ylabel 'true' offset -1, 0 textcolor rgb '#404040'\n", out);
    fprintf(out, "set xrange [-0.5:%zu.5]\nset yrange [%zu.5:-0.5]\n", c->n - 1, c->n - 1);
    tw_picture_tics(out, 'x', c->n, label, c);
    tw_picture_tics(out, 'y', c->n, label, c);
    fputs("plot $cells using 1:2:(0.49):(0.49):3 with boxxyerror fillcolor rgb variable notitle", out);
    if (c->n <= WITH_COUNTS) fputs(", $cells using 1:2:4:5 with labels textcolor rgb variable notitle", out);
    fputc('\n', out);
}

tw_status tw_confusion_picture(const tw_evaluation *e, const char *path)
{
    chart c = {.e = e};
    choose(&c);
    return tw_canvas_write(script, &c, tw_picture_is_png(path), path);
}
