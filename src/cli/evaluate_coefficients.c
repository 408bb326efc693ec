/* The largest coefficients as a picture: bars of one output, or a map of features and classes. */
#include "cli/evaluate_picture.h"
#include "cli/evaluate_text.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_MOST = 30, MAP_MOST = 20, TITLE_LEN = 160, FULL = 0x0072B2, FULL_NEGATIVE = 0xD55E00 };

/* A row is a feature; of more than MAP_MOST outputs a feature and a class. */
typedef struct {
    const tw_evaluation *e;
    bool map;
    size_t n, row[ROWS_MOST]; /* by size; feature, or class * features + feature */
    double size[ROWS_MOST];
} chart;

static double coefficient(const chart *c, size_t k, size_t j)
{
    return c->e->apply->file.coef_scaled[k * c->e->apply->file.features + j];
}

static double row_size(const chart *c, size_t row)
{
    const tw_model_file *f = &c->e->apply->file;
    double most = 0;
    if (!c->map) return fabs(f->coef_scaled[row]);
    for (size_t k = 0; k < f->outputs; k++) most = fmax(most, fabs(coefficient(c, k, row)));
    return most;
}

static void choose(chart *c)
{
    const tw_model_file *f = &c->e->apply->file;
    c->map = f->outputs > 1 && f->outputs <= MAP_MOST;
    const size_t rows = c->map ? f->features : f->features * f->outputs;
    for (size_t i = 0; i < rows; i++) {
        const double size = row_size(c, i);
        if (c->n == ROWS_MOST && !(size > c->size[ROWS_MOST - 1])) continue;
        size_t at = c->n < ROWS_MOST ? c->n++ : ROWS_MOST - 1;
        for (; at > 0 && c->size[at - 1] < size; at--) {
            c->size[at] = c->size[at - 1];
            c->row[at] = c->row[at - 1];
        }
        c->size[at] = size;
        c->row[at] = i;
    }
}

static void row_label(const void *what, size_t i, char text[TW_CLASS_NAME_LEN])
{
    const chart *const c = what;
    const tw_model_file *f = &c->e->apply->file;
    const size_t j = c->row[i] % f->features;
    char class[TW_CLASS_NAME_LEN];
    if (f->feature_names)
        snprintf(text, TW_CLASS_NAME_LEN, "%s", f->feature_names[j]);
    else
        snprintf(text, TW_CLASS_NAME_LEN, "feature %zu", j);
    if (c->map || f->outputs == 1) return;
    const size_t length = strlen(text);
    tw_class_name(c->e->apply, c->row[i] / f->features, class);
    snprintf(text + length, TW_CLASS_NAME_LEN - length, ", %s", class);
}

static void class_label(const void *what, size_t k, char text[TW_CLASS_NAME_LEN])
{
    tw_class_name(((const chart *)what)->e->apply, k, text);
}

static void cells(const chart *c, FILE *out)
{
    const size_t outputs = c->map ? c->e->apply->file.outputs : 1;
    const double most = c->n && c->size[0] > 0 ? c->size[0] : 1;
    fputs("$cells << END\n", out);
    for (size_t i = 0; i < c->n; i++)
        for (size_t k = 0; k < outputs; k++) {
            const double v = c->map ? coefficient(c, k, c->row[i]) : c->e->apply->file.coef_scaled[c->row[i]];
            const double share = fabs(v) / most;
            fprintf(out, "%zu %zu %u %.2g %u %.9g\n", k, i,
                    tw_picture_shade(c->map ? share : 1, v < 0 ? FULL_NEGATIVE : FULL), v,
                    share > 0.55 ? 0xFFFFFFu : 0x202020u, v);
        }
    fputs("END\n", out);
}

static void draw_bars(const chart *c, FILE *out)
{
    fputs("unset grid\nset grid xtics linetype 1 linewidth 0.8 linecolor rgb '#E4E4E4'\nset border 1\n"
          "set arrow 1 from 0, graph 0 to 0, graph 1 nohead linecolor rgb '#9A9A9A'\n",
          out);
    fprintf(out, "set yrange [%zu.5:-0.5]\nset offsets 0, 0, 0, 0\n", c->n - 1);
    tw_picture_tics(out, 'y', c->n, row_label, c);
    fputs("plot $cells using (0):2:(0 < $6 ? 0 : $6):(0 < $6 ? $6 : 0):($2 - 0.36):($2 + 0.36):3 "
          "with boxxyerror fillcolor rgb variable notitle\n",
          out);
}

static void draw_map(const chart *c, FILE *out)
{
    const size_t outputs = c->e->apply->file.outputs;
    fputs("unset grid\nunset border\n", out);
    fprintf(out, "set xrange [-0.5:%zu.5]\nset yrange [%zu.5:-0.5]\n", outputs - 1, c->n - 1);
    tw_picture_tics(out, 'y', c->n, row_label, c);
    tw_picture_tics(out, 'x', outputs, class_label, c);
    fputs("plot $cells using 1:2:(0.49):(0.49):3 with boxxyerror fillcolor rgb variable notitle, "
          "$cells using 1:2:4:5 with labels font ',9' textcolor rgb variable notitle\n",
          out);
}

static void script(const void *what, FILE *out, bool png)
{
    const chart *const c = what;
    const tw_model_file *f = &c->e->apply->file;
    const double height = 22 * (double)c->n, width = c->map ? 52 * (double)f->outputs : 460;
    const double below = c->map ? tw_picture_below(f->outputs, class_label, c) : 60;
    const tw_canvas canvas = {out, width + 210 < 600 ? 600 : width + 210, height + 76 + below};
    const size_t all = c->map ? f->features : f->features * f->outputs;
    char title[TITLE_LEN];
    snprintf(title, sizeof title, "%s %zu coefficients%s", c->n < all ? "The largest of" : "All",
             all * (c->map ? f->outputs : 1), c->map ? " by feature and class" : "");
    cells(c, out);
    tw_canvas_begin(&canvas, png, title, c->e->model);
    tw_canvas_panel(&canvas, (double[]){180, 180 + width, 76, 76 + height}, "",
                    f->mean ? "for features scaled as in training" : "for features as they are");
    if (c->map)
        draw_map(c, out);
    else
        draw_bars(c, out);
}

tw_status tw_coefficients_picture(const tw_evaluation *e, const char *path)
{
    chart c = {.e = e};
    choose(&c);
    return tw_canvas_write(script, &c, tw_picture_is_png(path), path);
}
