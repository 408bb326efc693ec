#include "cli/scale_canvas.h"

#include "cli/gnuplot.h"
#include "thalweg/file.h"

#include <math.h>
#include <stdlib.h>

enum { GNUPLOT_SECONDS = 60, TITLE_SHOWN = 90, SUBTITLE_SHOWN = 130 };

const char *const tw_canvas_colours[TW_CANVAS_COLOURS] = {"#0072B2", "#D55E00", "#009E73",
                                                          "#CC79A7", "#E69F00", "#56B4E9"};

void tw_canvas_begin(const tw_canvas *c, bool png, const char *title, const char *subtitle)
{
    fputs("set encoding utf8\n", c->out);
    fprintf(c->out,
            png ? "set terminal pngcairo enhanced size %.0f, %.0f font 'sans-serif,10'\n"
                : "set terminal svg enhanced size %.0f, %.0f font 'sans-serif,13' background 'white'\n",
            c->width, c->height);
    fputs("set border 3 linecolor rgb '#9A9A9A' linewidth 1\n"
          "set tics nomirror scale 0.6, 0.3 textcolor rgb '#404040'\n"
          "set grid xtics ytics linetype 1 linewidth 0.8 linecolor rgb '#E4E4E4'\n"
          "set style fill solid noborder\nset multiplot\nunset key\n",
          c->out);
    fprintf(c->out, "set label 1 at screen %.6g, %.6g left noenhanced font 'sans-serif:Bold,13' ",
            24 / c->width, 1 - 24 / c->height);
    tw_gnuplot_quote(c->out, title, TITLE_SHOWN);
    fprintf(c->out, "\nset label 2 at screen %.6g, %.6g left noenhanced textcolor rgb '#606060' ",
            24 / c->width, 1 - 46 / c->height);
    tw_gnuplot_quote(c->out, subtitle, SUBTITLE_SHOWN);
    fputc('\n', c->out);
}

void tw_canvas_panel(const tw_canvas *c, const double edges[4], const char *caption, const char *x_label)
{
    fprintf(c->out,
            "set lmargin at screen %.6g\nset rmargin at screen %.6g\nset tmargin at screen %.6g\n"
            "set bmargin at screen %.6g\n",
            edges[0] / c->width, edges[1] / c->width, 1 - edges[2] / c->height, 1 - edges[3] / c->height);
    fprintf(c->out, "set label 3 at screen %.6g, %.6g left '%s' textcolor rgb '#202020'\n",
            edges[0] / c->width, 1 - (edges[2] - 16) / c->height, caption);
    fprintf(c->out, "set xlabel '%s' offset 0, 0.3 textcolor rgb '#404040'\n", x_label);
}

static void tic_label(FILE *out, double value)
{
    if (value >= 0.999e-3 && value < 1e5)
        fprintf(out, "'%.4g'", value);
    else
        fprintf(out, "'10^{%.0f}'", log10(value));
}

void tw_canvas_log_axis(const tw_canvas *c, char which, double low, double high, double base, int most)
{
    const double step = log(base), from = ceil(log(low) / step - 1e-9), to = floor(log(high) / step + 1e-9);
    const double every = fmax(1, ceil((to - from + 1) / most));
    fprintf(c->out, "set logscale %c %g\nset %crange [%.10g:%.10g]\nset %ctics (", which, base, which, low,
            high, which);
    const char *separator = "";
    for (double i = ceil(from / every) * every; i <= to; i += every) {
        fputs(separator, c->out);
        tic_label(c->out, exp(i * step));
        fprintf(c->out, " %.10g", exp(i * step));
        separator = ", ";
    }
    fputs(")\n", c->out);
}

tw_status tw_canvas_write(void (*script)(const void *, FILE *, bool), const void *what, bool png,
                          const char *path)
{
    char *text = NULL, *picture = NULL;
    size_t text_size = 0, size = 0;
    FILE *out = open_memstream(&text, &text_size);
    if (!out) return tw_fail(TW_MEMORY, "no memory for the gnuplot script");
    script(what, out, png);
    fputs("unset multiplot\n", out);
    tw_status status = TW_OK;
    if (fclose(out) != 0) status = tw_fail(TW_MEMORY, "no memory for the gnuplot script");
    if (status == TW_OK) status = tw_gnuplot_run(text, text_size, GNUPLOT_SECONDS, &picture, &size);
    if (status == TW_OK) status = tw_file_commit(path, 1, &(tw_bytes){picture, size});
    free(picture);
    free(text);
    return status;
}
