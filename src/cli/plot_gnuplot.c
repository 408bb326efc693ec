/* plot_gnuplot.c -- the picture as a gnuplot script: stacked panels over one x axis, with the data inline.
 *
 * Curves are thinned to what a screen resolves: per bucket of x the first, lowest, highest and last point. */
#include "cli/plot.h"
#include "cli/gnuplot.h"

#include <math.h>
#include <string.h>

enum { BUCKETS = 700, FEW_POINTS = 40, TITLE_SHOWN = 60 };

/* Okabe and Ito (2008), told apart by the colour-blind; its yellow, too light for lines, is grey here. */
static const char *const colours[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                      "#E69F00", "#56B4E9", "#000000", "#8C8C8C"};
enum { N_COLOURS = sizeof colours / sizeof *colours };

static const char *const abscissae[] = {"iteration", "seconds", "reads of the data"};
static const char *const captions[] = {"loss", "gradient norm", "Taylor ratio", "loss above the lowest"};

typedef struct {
    const tw_plot *plot;
    FILE *out;
    tw_plot_canvas c;
    tw_plot_axis x, y[TW_PLOT_MAX_PANELS];
} picture;

static double across(const picture *p, double pixels)
{
    return pixels / p->c.width;
}

static double up(const picture *p, double pixels_from_top)
{
    const bool text = p->plot->device == TW_PLOT_TEXT; /* whose last row is 0 and first row is 1 */
    return 1 - pixels_from_top / (text ? p->c.height - 1 : p->c.height);
}

/* ---- curves ---- */

typedef struct {
    size_t number; /* within its bucket */
    double x, y;
} point;

/* False where the row has nothing to draw on these axes. */
static bool point_of(const picture *p, const tw_plot_run *run, size_t i, size_t panel, point *at)
{
    const double value = tw_plot_value(p->plot, run, i, p->plot->panel[panel]);
    at->number = 0;
    at->x = tw_plot_axis_at(&p->x, tw_plot_x(p->plot, &run->row[i]));
    at->y = tw_plot_axis_at(&p->y[panel], value);
    return !isnan(at->x) && !isnan(at->y);
}

typedef struct {
    double place;
    size_t n;
    point first, lowest, highest, last;
} bucket;

static void bucket_flush(const bucket *b, FILE *out)
{
    const bool falls = b->highest.number < b->lowest.number;
    const point *const order[] = {&b->first, falls ? &b->highest : &b->lowest,
                                  falls ? &b->lowest : &b->highest, &b->last};
    for (size_t i = 0; i < 4 && b->n > 0; i++)
        if (i == 0 || order[i]->number != order[i - 1]->number)
            fprintf(out, "%.10g %.10g\n", order[i]->x, order[i]->y);
}

static void bucket_add(bucket *b, point at)
{
    at.number = b->n++;
    if (at.number == 0) b->first = b->lowest = b->highest = at;
    if (at.y < b->lowest.y) b->lowest = at;
    if (at.y > b->highest.y) b->highest = at;
    b->last = at;
}

/* Returns how many points the run has in this panel, before thinning. */
static size_t curve(const picture *p, size_t run, size_t panel)
{
    const tw_plot_run *from = &p->plot->run[run];
    const double width = (p->x.high - p->x.low) / BUCKETS;
    size_t n = 0;
    bucket b = {0};
    fprintf(p->out, "$curve_%zu_%zu << END\n", panel, run);
    for (size_t i = 0; i < from->n; i++) {
        point at;
        if (!point_of(p, from, i, panel, &at)) continue;
        const double place = floor((at.x - p->x.low) / width);
        if (b.n > 0 && place != b.place) {
            bucket_flush(&b, p->out);
            b.n = 0;
        }
        b.place = place;
        bucket_add(&b, at);
        n++;
    }
    bucket_flush(&b, p->out);
    if (n == 0) fputs("NaN NaN\n", p->out); /* gnuplot refuses an empty block */
    fputs("END\n", p->out);
    return n;
}

static void mark(const picture *p, double x, size_t run)
{
    if (p->plot->device == TW_PLOT_TEXT)
        fprintf(p->out, "set label '^' at %.10g, graph 1 center front\n", x);
    else
        fprintf(p->out, "set label '' at %.10g, graph 1 front point pt 9 ps 1.1 lc rgb '%s'\n", x,
                colours[run % N_COLOURS]);
}

/* A triangle where a curve first leaves the top of a panel. */
static void mark_exit(const picture *p, size_t run, size_t panel)
{
    const tw_plot_run *from = &p->plot->run[run];
    const double top = p->y[panel].high;
    point before = {0}, at;
    for (size_t i = 0, n = 0; i < from->n; i++) {
        if (!point_of(p, from, i, panel, &at)) continue;
        if (n++ > 0 && at.y > top && before.y <= top) {
            mark(p, before.x + (top - before.y) / (at.y - before.y) * (at.x - before.x), run);
            return;
        }
        before = at;
    }
}

/* ---- the script ---- */

static void tics(const picture *p, const tw_plot_axis *axis, char which, bool labelled)
{
    const char *separator = "";
    if (axis->n_tics == 0) {
        fprintf(p->out, "unset %ctics\n", which);
        return;
    }
    fprintf(p->out, "set %ctics (", which);
    for (size_t i = 0; i < axis->n_tics; i++) {
        const bool minor = axis->tic[i].label[0] == '\0';
        if (minor && p->plot->device == TW_PLOT_TEXT) continue;
        fprintf(p->out, "%s'%s' %.10g%s", separator, labelled ? axis->tic[i].label : "", axis->tic[i].at,
                minor ? " 1" : "");
        separator = ", ";
    }
    fputs(")\n", p->out);
}

static void header(const picture *p)
{
    const int width = (int)p->c.width, height = (int)p->c.height;
    FILE *out = p->out;
    fputs("set encoding utf8\n", out);
    switch (p->plot->device) {
    case TW_PLOT_SVG:
        fprintf(out, "set terminal svg enhanced size %d, %d font 'sans-serif,13' background 'white'\n", width,
                height);
        break;
    case TW_PLOT_PNG:
        fprintf(out, "set terminal pngcairo enhanced size %d, %d font 'sans-serif,10'\n", width, height);
        break;
    case TW_PLOT_TEXT:
        fprintf(out, "set terminal dumb noenhanced size %d, %d\n", width, height);
        fputs("set border 3\nset tics nomirror\n", out);
        return;
    }
    fputs("set border 3 linecolor rgb '#9A9A9A' linewidth 1\n"
          "set tics nomirror scale 0.6, 0.3 textcolor rgb '#404040'\n"
          "set grid xtics ytics linetype 1 linewidth 0.8 linecolor rgb '#E4E4E4'\n"
          "set style fill solid\n",
          out);
}

static void title(const picture *p)
{
    const tw_plot_run *run = &p->plot->run[0];
    const char *name = run->configuration != NULL ? run->configuration : run->name;
    const bool text = p->plot->device == TW_PLOT_TEXT;
    const double y = up(p, text ? 0 : 22);
    fprintf(p->out, "set label 1 at screen %.6g, %.6g left noenhanced %s ", across(p, text ? 1 : p->c.left),
            y, text ? "" : "font 'sans-serif:Bold,13'");
    tw_gnuplot_quote(p->out, name, TITLE_SHOWN);
    fputc('\n', p->out);
    if (run->reason == NULL) return;
    fprintf(p->out, "set label 2 at screen %.6g, %.6g right noenhanced %s ",
            across(p, p->c.width - (text ? 1 : p->c.right)), y, text ? "" : "textcolor rgb '#606060'");
    tw_gnuplot_quote(p->out, run->reason, TITLE_SHOWN);
    fputc('\n', p->out);
}

static void legend(const picture *p)
{
    const bool text = p->plot->device == TW_PLOT_TEXT;
    fprintf(p->out,
            "set key at screen %.6g, %.6g left top Left reverse horizontal maxcols %u noenhanced "
            "samplen %s spacing %s\n",
            across(p, text ? 0 : p->c.left - 8), up(p, text ? 0 : 10), p->c.legend_columns,
            text ? "3" : "3 textcolor rgb '#202020'", text ? "1" : "1.25");
}

static void panel_frame(const picture *p, size_t panel)
{
    const tw_plot_canvas *c = &p->c;
    const size_t n = p->plot->n_panels;
    const double each = floor((c->height - c->top - c->bottom - c->gap * (double)(n - 1)) / (double)n);
    const double top = c->top + (each + c->gap) * (double)panel;
    const tw_plot_axis *y = &p->y[panel];
    fprintf(p->out, "set tmargin at screen %.6g\nset bmargin at screen %.6g\n", up(p, top),
            up(p, top + each));
    fprintf(p->out, "set xrange [%.10g:%.10g]\nset yrange [%.10g:%.10g]\n", p->x.low, p->x.high, y->low,
            y->high);
    tics(p, &p->x, 'x', panel == n - 1);
    tics(p, y, 'y', true);
    fprintf(p->out, "set label at screen %.6g, %.6g left '%s'%s\n",
            across(p, p->plot->device == TW_PLOT_TEXT ? 1 : c->left), up(p, top - c->caption),
            captions[p->plot->panel[panel]],
            p->plot->device == TW_PLOT_TEXT ? "" : " textcolor rgb '#202020'");
    if (y->empty) fputs("set label at graph 0.5, graph 0.5 center 'no values'\n", p->out);
    if (panel < n - 1) return;
    fprintf(p->out, "set xlabel '%s%s' offset 0, 0.2\n", abscissae[p->plot->x],
            p->x.scale == TW_AXIS_LOG1P ? " (log scale)" : "");
}

static void panel_curves(const picture *p, size_t panel, const size_t *points)
{
    const char *separator = "plot ";
    for (size_t r = 0; r < p->plot->n_runs; r++) {
        char text[TW_PLOT_LEGEND_LEN];
        const bool few = points[r] <= FEW_POINTS;
        fprintf(p->out, "%s$curve_%zu_%zu using 1:2 with %s ", separator, panel, r,
                few ? "linespoints" : "lines");
        if (p->plot->device == TW_PLOT_TEXT)
            fprintf(p->out, "linetype %zu ", r + 1);
        else
            fprintf(p->out, "linewidth 1.8 linecolor rgb '%s' dashtype %zu %s", colours[r % N_COLOURS],
                    r / N_COLOURS + 1, few ? "pointtype 7 pointsize 0.5 " : "");
        tw_plot_legend_text(&p->plot->run[r], text);
        fputs(panel == 0 && p->plot->n_runs > 1 ? "title " : "notitle", p->out);
        if (panel == 0 && p->plot->n_runs > 1) tw_gnuplot_quote(p->out, text, TW_PLOT_LEGEND_SHOWN);
        separator = ", \\\n     ";
    }
    fputc('\n', p->out);
}

static void panel(const picture *p, size_t i)
{
    size_t points[TW_PLOT_MAX_RUNS];
    fputs("unset label\n", p->out);
    for (size_t r = 0; r < p->plot->n_runs; r++) {
        points[r] = curve(p, r, i);
        if (p->y[i].clipped) mark_exit(p, r, i);
    }
    if (i == 0 && p->plot->n_runs == 1) title(p);
    panel_frame(p, i);
    panel_curves(p, i, points);
}

tw_status tw_plot_script(const tw_plot *plot, FILE *script)
{
    picture p = {.plot = plot, .out = script};
    bool anything = false;
    tw_plot_axis_x(plot, &p.x);
    for (size_t i = 0; i < plot->n_panels; i++) {
        tw_plot_axis_y(plot, plot->panel[i], &p.y[i]);
        anything = anything || !p.y[i].empty;
    }
    if (p.x.empty) return tw_fail(TW_DATA, "nothing to plot: no row says its %s", abscissae[plot->x]);
    if (!anything) return tw_fail(TW_DATA, "nothing to plot: the chosen quantities are null in every row");
    tw_plot_lay_out(plot, p.y, &p.c);
    header(&p);
    fprintf(script, "set multiplot\nset lmargin at screen %.6g\nset rmargin at screen %.6g\n",
            across(&p, p.c.left), across(&p, p.c.width - p.c.right));
    legend(&p);
    for (size_t i = 0; i < plot->n_panels; i++) panel(&p, i);
    fputs("unset multiplot\n", script);
    return TW_OK;
}
