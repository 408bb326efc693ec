/* A study in one picture: speed-up and efficiency over ranks, and where the time of an iteration goes. */
#include "cli/scale_picture.h"
#include "cli/scale_canvas.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 1000, HEIGHT = 820 };

static const struct {
    tw_clock clock;
    const char *colour;
} phases[] = {{TW_CLOCK_COMPUTE, "#0072B2"},
              {TW_CLOCK_WAIT, "#E69F00"},
              {TW_CLOCK_WIRE, "#D55E00"},
              {TW_CLOCK_CHECKPOINT, "#CC79A7"},
              {TW_CLOCK_OTHER, "#8C8C8C"}};
enum { N_PHASES = sizeof phases / sizeof *phases };

/* ranks, ideal speed-up, then speed-up and efficiency with their bands. */
static void data(const tw_report *r, FILE *out)
{
    const double first = r->point[0].ranks;
    fputs("$ahead << END\n", out);
    for (size_t i = 0; i < r->n_curve; i++) {
        const tw_report_ahead *a = &r->curve[i];
        const double more = a->ranks / first, low = fmax(a->low, 1e-6);
        fprintf(out, "%d %.6g %.6g %.6g %.6g %.6g %.6g %.6g\n", a->ranks, more, a->speedup, low * more,
                a->high * more, a->efficiency, low, a->high);
    }
    fputs("END\n", out);
    for (int fitted = 1; fitted >= 0; fitted--) {
        bool any = false;
        fprintf(out, "$points%d << END\n", fitted);
        for (size_t i = 0; i < r->n_points; i++) {
            const tw_report_point *p = &r->point[i];
            const double low = p->seconds / p->high, high = p->seconds / p->low;
            if (p->fitted != (fitted == 1)) continue;
            any = true;
            fprintf(out, "%d %.6g %.6g %.6g %.6g %.6g %.6g\n", p->ranks, p->speedup, p->speedup * low,
                    p->speedup * high, p->efficiency, p->efficiency * low, p->efficiency * high);
        }
        if (!any) fputs("NaN NaN NaN NaN NaN NaN NaN\n", out);
        fputs("END\n", out);
    }
}

/* Columns of the data: value, low and high. Points left out of the fit are hollow. */
static void curves(FILE *out, int ahead, int point, const char *ideal, bool titles)
{
    fprintf(out, "plot $ahead using 1:%d:%d with filledcurves fillcolor rgb '#D6E6F2' %s, \\\n", ahead + 1,
            ahead + 2, titles ? "title 'formula, 90 %'" : "notitle");
    fprintf(out, "  %s with lines linewidth 1.4 linecolor rgb '#8C8C8C' dashtype 2 %s, \\\n", ideal,
            titles ? "title 'ideal'" : "notitle");
    fprintf(out, "  $ahead using 1:%d with lines linewidth 1.4 linecolor rgb '#56A0D3' notitle, \\\n", ahead);
    fprintf(out,
            "  $points1 using 1:%d:%d:%d with yerrorbars linewidth 1.4 linecolor rgb '#0072B2' pointtype 7 "
            "pointsize 0.8 %s, \\\n",
            point, point + 1, point + 2, titles ? "title 'measured'" : "notitle");
    fprintf(out,
            "  $points0 using 1:%d:%d:%d with yerrorbars linewidth 1.2 linecolor rgb '#D55E00' pointtype 6 "
            "pointsize 0.9 notitle\n",
            point, point + 1, point + 2);
}

static void panel_speedup(const tw_report *r, const tw_canvas *c)
{
    const bool weak = r->runs->mode == TW_STUDY_WEAK;
    double low = 1, high = 1;
    for (size_t i = 0; i < r->n_curve; i++) {
        low = fmin(low, fmax(r->curve[i].speedup, 0.05));
        high = fmax(high, r->curve[i].speedup);
    }
    for (size_t i = 0; i < r->n_points; i++) {
        low = fmin(low, fmax(r->point[i].speedup, 0.05));
        high = fmax(high, r->point[i].speedup);
    }
    tw_canvas_panel(c, (double[]){64, 486, 100, 420}, weak ? "scaled speed-up" : "speed-up", "ranks");
    tw_canvas_log_axis(c, 'x', r->curve[0].ranks / 1.12, r->curve[r->n_curve - 1].ranks * 1.12, 2, 8);
    tw_canvas_log_axis(c, 'y', low / 1.4, high * 2, 2, 8);
    fprintf(c->out,
            "set key at screen %.6g, %.6g left top Left reverse vertical samplen 2 spacing 1.2 "
            "textcolor rgb '#404040'\n",
            820.0 / WIDTH, 1 - 12.0 / HEIGHT);
    curves(c->out, 3, 2, "$ahead using 1:2", true);
    fputs("unset key\nunset label 1\nunset label 2\n", c->out);
}

static void panel_efficiency(const tw_report *r, const tw_canvas *c)
{
    double high = 1.1;
    for (size_t i = 0; i < r->n_points; i++) high = fmax(high, fmin(2, 1.1 * r->point[i].efficiency));
    tw_canvas_panel(c, (double[]){554, 976, 100, 420}, "efficiency", "ranks");
    fprintf(c->out,
            "unset logscale y\nset yrange [0:%.3g]\nset ytics ('0' 0, '20 %%%%' 0.2, '40 %%%%' 0.4, "
            "'60 %%%%' 0.6, '80 %%%%' 0.8, '100 %%%%' 1, '150 %%%%' 1.5, '200 %%%%' 2)\n",
            high);
    curves(c->out, 6, 5, "1", false);
}

/* ---- phases ---- */

static double scale_of(double seconds, const char **unit)
{
    *unit = seconds >= 1 ? "s" : seconds >= 1e-3 ? "ms" : "us";
    return seconds >= 1 ? 1 : seconds >= 1e-3 ? 1e3 : 1e6;
}

static void phase_data(const tw_report *r, double scale, FILE *out)
{
    fputs("$phases << END\n", out);
    for (size_t i = 0; i < r->n_points; i++) {
        double sum = 0;
        fprintf(out, "%zu", i + 1);
        for (size_t k = 0; k < N_PHASES; k++)
            fprintf(out, " %.6g", scale * (sum += r->point[i].phase[phases[k].clock]));
        fputc('\n', out);
    }
    fputs("END\n", out);
}

static void phase_axis(const tw_report *r, double scale, double most, FILE *out)
{
    fprintf(out,
            "unset logscale x\nset xrange [0.4:%.3g]\nset yrange [0:%.6g]\nset ytics autofreq\n"
            "set format y '%%g'\nset grid noxtics\nset xtics scale 0 (",
            (double)r->n_points + 0.6, 1.18 * scale * most);
    for (size_t i = 0; i < r->n_points; i++) {
        const tw_report_point *p = &r->point[i];
        fprintf(out, "%s'%d%s%s' %zu", i ? ", " : "", p->ranks, p->oversubscribed ? "*" : "", "", i + 1);
    }
    fputs(")\n", out);
    for (size_t i = 0; i < r->n_points; i++) {
        double sum = 0;
        for (size_t k = 0; k < N_PHASES; k++) sum += r->point[i].phase[phases[k].clock];
        fprintf(out, "set label %zu at %zu, %.6g center offset 0, 0.6 '%.3g' textcolor rgb '#404040'\n",
                10 + i, i + 1, scale * sum, scale * sum);
    }
}

static void panel_phases(const tw_report *r, const tw_canvas *c)
{
    char caption[96];
    const char *unit;
    double most = 0;
    bool crowded = false;
    for (size_t i = 0; i < r->n_points; i++) {
        double sum = 0;
        for (size_t k = 0; k < N_PHASES; k++) sum += r->point[i].phase[phases[k].clock];
        most = fmax(most, sum);
        crowded |= r->point[i].oversubscribed;
    }
    const double scale = scale_of(most, &unit);
    snprintf(caption, sizeof caption, "time of %s, %s (mean over the ranks)",
             r->per_read ? "a pass over the data" : "an iteration", unit);
    phase_data(r, scale, c->out);
    tw_canvas_panel(c, (double[]){64, 850, 510, 762}, caption,
                    crowded ? "ranks (*: more than cores, left out of the formula)" : "ranks");
    phase_axis(r, scale, most, c->out);
    fprintf(c->out,
            "set boxwidth 0.55\nset key at screen %.6g, %.6g left top Left reverse vertical samplen 1 "
            "spacing 1.3 textcolor rgb '#404040'\nplot ",
            870.0 / WIDTH, 1 - 510.0 / HEIGHT);
    for (int k = N_PHASES - 1; k >= 0; k--)
        fprintf(c->out, "%s$phases using 1:%d with boxes fillcolor rgb '%s' title '%s'",
                k < N_PHASES - 1 ? ", " : "", k + 2, phases[k].colour, tw_account_name(phases[k].clock));
    fputc('\n', c->out);
}

static void script(const void *what, FILE *out, bool png)
{
    const tw_report *r = what;
    const tw_study_run *run = r->point[0].run;
    const tw_canvas c = {out, WIDTH, HEIGHT};
    char title[TW_PATH_LEN + 32], about[8 * TW_SCALE_WORD];
    snprintf(title, sizeof title, "%s scaling: %s", r->runs->mode == TW_STUDY_WEAK ? "Weak" : "Strong",
             r->runs->config[0] ? r->runs->config : run->config);
    snprintf(about, sizeof about, "%lld x %lld %s%s, %s, %s, %s%s%s", run->rows, run->features, run->type,
             r->runs->mode == TW_STUDY_WEAK ? " on the fewest ranks" : "", run->model, run->optimizer,
             run->reduction, run->cpu[0] ? "; " : "", run->cpu);
    data(r, out);
    tw_canvas_begin(&c, png, title, about);
    panel_speedup(r, &c);
    panel_efficiency(r, &c);
    panel_phases(r, &c);
}

tw_status tw_scale_picture_write(const tw_report *report, const char *prefix)
{
    char path[TW_PATH_LEN + 64];
    snprintf(path, sizeof path, "%s.svg", prefix);
    TW_TRY(tw_canvas_write(script, report, false, path));
    snprintf(path, sizeof path, "%s.png", prefix);
    return tw_canvas_write(script, report, true, path);
}
