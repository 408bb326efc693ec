/* plot_layout.c -- how large the picture is and where its panels and its legend go.
 *
 * Text is not measured but counted: 8 pixels a character are enough for the fonts we ask for. */
#include "cli/plot.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 1000, REASON_SHOWN = 28 };

static size_t characters(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* As it will look: a number with its exponent raised takes less than its markup. */
static size_t label_characters(const char *label)
{
    size_t n = 0;
    for (; *label != '\0'; label++)
        n += ((unsigned char)*label & 0xc0) != 0x80 && strchr("^{}", *label) == NULL;
    return n;
}

static size_t longest_label(size_t n_panels, const tw_plot_axis *y)
{
    size_t longest = 1;
    for (size_t i = 0; i < n_panels; i++) {
        for (size_t k = 0; k < y[i].n_tics; k++) {
            const size_t n = label_characters(y[i].tic[k].label);
            longest = n > longest ? n : longest;
        }
    }
    return longest;
}

void tw_plot_legend_text(const tw_plot_run *run, char text[TW_PLOT_LEGEND_LEN])
{
    const bool reason = run->reason != NULL && characters(run->reason) <= REASON_SHOWN;
    snprintf(text, TW_PLOT_LEGEND_LEN, "%s%s%s%s", run->name, reason ? " (" : "", reason ? run->reason : "",
             reason ? ")" : "");
}

static void lay_out_legend(const tw_plot *plot, double width, double per_character, tw_plot_canvas *c)
{
    size_t longest = 1;
    for (size_t r = 0; r < plot->n_runs; r++) {
        char text[TW_PLOT_LEGEND_LEN];
        tw_plot_legend_text(&plot->run[r], text);
        const size_t n = characters(text);
        longest = n > longest ? n : longest;
    }
    longest = (longest < TW_PLOT_LEGEND_SHOWN ? longest : TW_PLOT_LEGEND_SHOWN) + 10;
    const double fit = fmax(1, floor(width / ((double)longest * per_character)));
    c->legend_columns = (unsigned)fmin(fit, (double)plot->n_runs);
    c->legend_rows = (unsigned)ceil((double)plot->n_runs / c->legend_columns);
}

void tw_plot_lay_out(const tw_plot *plot, const tw_plot_axis *y, tw_plot_canvas *c)
{
    const double n = (double)plot->n_panels, label = (double)longest_label(plot->n_panels, y);
    if (plot->device == TW_PLOT_TEXT) {
        *c = (tw_plot_canvas){.width = plot->columns, .left = label + 2, .right = 3, .bottom = 3};
        c->gap = 3;
        c->caption = 1;
        lay_out_legend(plot, c->width, 1, c);
        c->top = 2 + c->legend_rows;
        c->height = fmax(plot->lines, c->top + c->bottom + 9 * n);
    } else {
        *c = (tw_plot_canvas){.width = WIDTH, .left = 32 + 8 * label, .right = 30, .bottom = 58, .gap = 46};
        c->caption = 18;
        lay_out_legend(plot, WIDTH - c->left - c->right, 8, c);
        c->top = 76 + 22 * (c->legend_rows - 1);
        c->height = 180 + 240 * n + 22 * (c->legend_rows - 1);
    }
}
