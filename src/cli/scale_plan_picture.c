/* One data set on stated machines, 1 to 4096 nodes: strong scaling on the left, weak on the right. */
#include "cli/gnuplot.h"
#include "cli/scale_canvas.h"
#include "cli/scale_plan.h"

#include <math.h>
#include <string.h>
#include <strings.h>

enum { WIDTH = 1000, HEIGHT = 800, NAME_SHOWN = 28 };

static const tw_prediction *of(const tw_plan *plan, bool weak, size_t machine)
{
    return weak ? plan->weak[machine] : plan->strong[machine];
}

static void data(const tw_plan *plan, bool weak, FILE *out)
{
    for (size_t m = 0; m < plan->n_machines; m++) {
        const tw_prediction *p = of(plan, weak, m);
        fprintf(out, "$%s%zu << END\n", weak ? "weak" : "strong", m);
        for (int i = 0; i < TW_PLAN_STEPS; i++)
            fprintf(out, "%d %.6g %.6g %.6g\n", p[i].nodes, p[i].seconds,
                    p[0].seconds / p[i].seconds / (weak ? 1 : p[i].nodes), p[i].compute);
        fputs("END\n", out);
    }
}

static void curves(const tw_plan *plan, bool weak, int column, FILE *out)
{
    const char *separator = "plot ";
    for (size_t m = 0; m < plan->n_machines; m++) {
        if (column == 2)
            fprintf(out, "%s$%s%zu using 1:4 with lines linewidth 1 linecolor rgb '%s' dashtype 3 notitle",
                    separator, weak ? "weak" : "strong", m, tw_canvas_colours[m]);
        else if (m == 0)
            fprintf(out, "%s1 with lines linewidth 1 linecolor rgb '#8C8C8C' dashtype 2 notitle", separator);
        separator = ", \\\n  ";
        fprintf(out,
                "%s$%s%zu using 1:%d with linespoints linewidth 1.8 linecolor rgb '%s' pointtype 7 pointsize "
                "0.5 ",
                separator, weak ? "weak" : "strong", m, column, tw_canvas_colours[m]);
        fputs("notitle", out);
    }
    fputc('\n', out);
}

static void time_axis(const tw_plan *plan, bool weak, const tw_canvas *c)
{
    double low = INFINITY, high = 0;
    for (size_t m = 0; m < plan->n_machines; m++)
        for (int i = 0; i < TW_PLAN_STEPS; i++) {
            const tw_prediction *p = &of(plan, weak, m)[i];
            low = fmin(low, p->seconds);
            high = fmax(high, p->seconds);
        }
    low = exp10(floor(log10(low))), high = exp10(ceil(log10(high)));
    tw_canvas_log_axis(c, 'y', low, high, 10, 8);
}

static void legend(const tw_plan *plan, const tw_canvas *c)
{
    for (size_t m = 0; m < plan->n_machines; m++) {
        const double left = 76 + 230.0 * (double)m, y = 1 - 80.0 / HEIGHT;
        fprintf(c->out,
                "set label %zu '' at screen %.6g, %.6g point pointtype 7 pointsize 0.8 linecolor rgb '%s'\n",
                10 + 2 * m, left / WIDTH, y, tw_canvas_colours[m]);
        fprintf(c->out, "set label %zu at screen %.6g, %.6g left noenhanced textcolor rgb '#202020' ",
                11 + 2 * m, (left + 10) / WIDTH, y);
        tw_gnuplot_quote(c->out, plan->machine[m].name, NAME_SHOWN);
        fputc('\n', c->out);
    }
}

static void column_of(const tw_plan *plan, bool weak, const tw_canvas *c)
{
    const double left = weak ? 570 : 76, right = weak ? 976 : 482;
    tw_canvas_panel(c, (double[]){left, right, 132, 420},
                    weak ? "weak: seconds an iteration (dotted: computing alone)"
                         : "strong: seconds an iteration (dotted: computing alone)",
                    "nodes");
    tw_canvas_log_axis(c, 'x', 0.9, 4500, 2, 7);
    time_axis(plan, weak, c);
    if (!weak) legend(plan, c);
    curves(plan, weak, 2, c->out);
    for (int i = 0; i < 10 && !weak; i++) fprintf(c->out, "unset label %d\n", i < 2 ? i + 1 : i + 8);
    tw_canvas_panel(c, (double[]){left, right, 500, 742}, weak ? "weak: efficiency" : "strong: efficiency",
                    "nodes");
    fputs("unset logscale y\nset yrange [0:1.08]\nset ytics ('0' 0, '20 %%' 0.2, '40 %%' 0.4, '60 %%' 0.6, "
          "'80 %%' "
          "0.8, '100 %%' 1)\n",
          c->out);
    curves(plan, weak, 3, c->out);
}

static void script(const void *what, FILE *out, bool png)
{
    const tw_plan *plan = what;
    const tw_canvas c = {out, WIDTH, HEIGHT};
    data(plan, false, out);
    data(plan, true, out);
    tw_canvas_begin(&c, png, "Projected scaling, from the formulas of docs/scaling.md", plan->about);
    column_of(plan, false, &c);
    column_of(plan, true, &c);
}

tw_status tw_scale_plan_picture(const tw_plan *plan, const char *path)
{
    const char *dot = strrchr(path, '.');
    const bool png = dot && strcasecmp(dot, ".png") == 0;
    if (!png && !(dot && strcasecmp(dot, ".svg") == 0))
        return tw_fail(TW_USAGE, "cannot tell the format of '%s': end it in .svg or .png", path);
    return tw_canvas_write(script, plan, png, path);
}
