/* plot.c -- `thalweg plot`: the curves of one or several runs in one picture.
 *
 * Without a working gnuplot the numbers are not lost: they are written as a table beside the picture's place.
 */
#include "cli/plot.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/gnuplot.h"
#include "thalweg/file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { OPTION_X = 256, OPTION_QUANTITY, OPTION_TERMINAL };
enum { GNUPLOT_SECONDS = 60, TEXT_COLUMNS = 80, TEXT_LINES = 24, TEXT_MOST = 400 };

typedef struct {
    const char *output, *x, *quantity;
    bool terminal;
    char **folder;
    size_t n_folders;
} request;

static const struct argp_option options[] = {
    {"output", 'o', "FILE", 0,
     "Write to FILE.svg or FILE.png (default: plot.svg in the run's folder; here for several)", 0},
    {"x", OPTION_X, "AXIS", 0, "iterations (default), seconds, or reads: passes over the data", 0},
    {"quantity", OPTION_QUANTITY, "LIST", 0,
     "loss,gradient_norm,taylor_ratio (default), any of them, or gap: the loss above the lowest of all runs",
     0},
    {"terminal", OPTION_TERMINAL, NULL, 0, "Draw with characters on this terminal", 0},
    {0}};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    request *wanted = state->input;
    switch (key) {
    case 'o': wanted->output = value; break;
    case OPTION_X: wanted->x = value; break;
    case OPTION_QUANTITY: wanted->quantity = value; break;
    case OPTION_TERMINAL: wanted->terminal = true; break;
    case ARGP_KEY_ARGS:
        wanted->folder = state->argv + state->next;
        wanted->n_folders = (size_t)(state->argc - state->next);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* ---- what was asked for ---- */

static tw_status choose_x(const char *name, tw_plot *plot)
{
    static const char *const names[] = {"iterations", "seconds", "reads"};
    for (plot->x = TW_PLOT_ITERATIONS; plot->x <= TW_PLOT_READS; plot->x++)
        if (strcmp(name, names[plot->x]) == 0) return TW_OK;
    return tw_fail(TW_USAGE, "unknown axis '%s' for --x: choose iterations, seconds or reads", name);
}

static tw_status add_panel(const char *name, size_t length, tw_plot *plot)
{
    static const char *const names[] = {"loss", "gradient_norm", "taylor_ratio", "gap"};
    tw_plot_quantity quantity = TW_PLOT_LOSS;
    while (quantity <= TW_PLOT_GAP &&
           (strlen(names[quantity]) != length || memcmp(names[quantity], name, length) != 0))
        quantity++;
    if (quantity > TW_PLOT_GAP)
        return tw_fail(TW_USAGE, "unknown quantity '%.*s': choose loss, gradient_norm, taylor_ratio or gap",
                       (int)length, name);
    for (size_t i = 0; i < plot->n_panels; i++)
        if (plot->panel[i] == quantity)
            return tw_fail(TW_USAGE, "--quantity names '%s' twice", names[quantity]);
    plot->panel[plot->n_panels++] = quantity;
    return TW_OK;
}

static tw_status choose_panels(const char *list, tw_plot *plot)
{
    for (;;) {
        const size_t length = strcspn(list, ",");
        TW_TRY(add_panel(list, length, plot));
        if (list[length] == '\0') return TW_OK;
        list += length + 1;
    }
}

static tw_status choose_device(const request *wanted, tw_plot *plot)
{
    if (wanted->terminal && wanted->output != NULL)
        return tw_fail(TW_USAGE, "--terminal draws on the screen: leave out -o");
    plot->device = wanted->terminal ? TW_PLOT_TEXT : TW_PLOT_SVG;
    if (wanted->output == NULL) return TW_OK;
    const char *slash = strrchr(wanted->output, '/');
    const char *dot = strrchr(slash == NULL ? wanted->output : slash, '.');
    if (dot != NULL && strcasecmp(dot, ".png") == 0)
        plot->device = TW_PLOT_PNG;
    else if (dot == NULL || strcasecmp(dot, ".svg") != 0)
        return tw_fail(TW_USAGE, "cannot tell the format of '%s': end it in .svg or .png", wanted->output);
    return TW_OK;
}

static unsigned bounded(long value, unsigned least)
{
    return value < (long)least ? least : value > TEXT_MOST ? TEXT_MOST : (unsigned)value;
}

/* The window if there is one, else what the shell says, else 80 x 24; a line is left for the prompt. */
static void measure_window(tw_plot *plot)
{
    struct winsize window;
    const char *columns = getenv("COLUMNS"), *lines = getenv("LINES");
    plot->columns = bounded(columns == NULL ? TEXT_COLUMNS : strtol(columns, NULL, 10), 40);
    plot->lines = bounded(lines == NULL ? TEXT_LINES : strtol(lines, NULL, 10), 12);
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && window.ws_row > 0) {
        plot->columns = bounded(window.ws_col, 40);
        plot->lines = bounded(window.ws_row - 1, 12);
    }
}

static tw_status read_request(const request *wanted, tw_plot *plot)
{
    if (wanted->n_folders == 0)
        return tw_fail(TW_USAGE, "name a run folder: thalweg plot RUN_DIR... [-o FILE.svg|png]");
    if (wanted->n_folders > TW_PLOT_MAX_RUNS)
        return tw_fail(TW_USAGE, "%zu runs in one picture cannot be told apart: name at most %d",
                       wanted->n_folders, TW_PLOT_MAX_RUNS);
    TW_TRY(choose_x(wanted->x, plot));
    TW_TRY(choose_panels(wanted->quantity, plot));
    TW_TRY(choose_device(wanted, plot));
    measure_window(plot);
    return TW_OK;
}

/* ---- runs ---- */

/* The last `parts` parts of a path. */
static const char *tail(const char *path, size_t parts)
{
    for (const char *p = path + strlen(path); p > path; p--)
        if (p[-1] == '/' && --parts == 0) return p;
    return path;
}

static bool clashes(const tw_plot *plot, size_t i, size_t parts)
{
    for (size_t j = 0; j < plot->n_runs; j++)
        if (j != i && strcmp(tail(plot->run[i].folder, parts), tail(plot->run[j].folder, parts)) == 0)
            return true;
    return false;
}

/* Runs of one name get as many folders in front of it as tell them apart. */
static tw_status tell_apart(tw_plot *plot)
{
    bool same[TW_PLOT_MAX_RUNS] = {false};
    for (size_t i = 0; i < plot->n_runs; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(plot->run[i].name, plot->run[j].name) == 0) same[i] = same[j] = true;
    for (size_t i = 0; i < plot->n_runs; i++) {
        if (!same[i]) continue;
        size_t parts = 2;
        while (tail(plot->run[i].folder, parts) != plot->run[i].folder && clashes(plot, i, parts)) parts++;
        char *name = strdup(tail(plot->run[i].folder, parts));
        if (name == NULL) return tw_fail(TW_MEMORY, "no memory for the name of a run");
        free(plot->run[i].name);
        plot->run[i].name = name;
    }
    return TW_OK;
}

static tw_status read_runs(const request *wanted, tw_plot *plot)
{
    plot->run = calloc(wanted->n_folders, sizeof *plot->run);
    if (plot->run == NULL) return tw_fail(TW_MEMORY, "no memory for %zu runs", wanted->n_folders);
    plot->lowest = INFINITY;
    while (plot->n_runs < wanted->n_folders) {
        tw_plot_run *run = &plot->run[plot->n_runs];
        TW_TRY(tw_plot_run_read(wanted->folder[plot->n_runs++], run));
        for (size_t i = 0; i < run->n; i++)
            plot->lowest = fmin(plot->lowest, run->row[i].value[TW_PLOT_LOSS]); /* skips NaN */
    }
    return tell_apart(plot);
}

/* ---- what is written ---- */

static char *output_path(const request *wanted, const tw_plot *plot)
{
    char *path = NULL;
    if (wanted->output != NULL) return strdup(wanted->output);
    if (plot->n_runs > 1) return strdup("plot.svg");
    if (asprintf(&path, "%s/plot.svg", plot->run[0].folder) < 0) return NULL;
    return path;
}

static void number(FILE *out, double value)
{
    if (isnan(value))
        fputc('\t', out);
    else
        fprintf(out, "\t%.17g", value);
}

static void print_table(const tw_plot *plot, FILE *out)
{
    fputs("run\titeration\tseconds\treads\tloss\tgradient_norm\ttaylor_ratio\n", out);
    for (size_t r = 0; r < plot->n_runs; r++) {
        for (size_t i = 0; i < plot->run[r].n; i++) {
            const tw_plot_row *row = &plot->run[r].row[i];
            for (const char *c = plot->run[r].name; *c != '\0'; c++)
                fputc((unsigned char)*c < ' ' ? '?' : *c, out);
            number(out, row->iteration);
            number(out, row->seconds);
            number(out, row->reads);
            for (size_t k = 0; k < TW_PLOT_LOGGED; k++) number(out, row->value[k]);
            fputc('\n', out);
        }
    }
}

/* After gnuplot failed: keeps its sentence and adds where the numbers are. */
static tw_status write_table(const tw_plot *plot, const char *picture)
{
    char *why = strdup(tw_status_message()), *path = NULL, *bytes = NULL;
    size_t size = 0;
    const int stem = (int)(strrchr(picture, '.') - picture);
    tw_status status = tw_fail(TW_MEMORY, "no memory for a table of the runs");
    FILE *out = open_memstream(&bytes, &size);
    if (out != NULL) {
        print_table(plot, out);
        if (fclose(out) == 0 && why != NULL && asprintf(&path, "%.*s.tsv", stem, picture) >= 0)
            status = tw_file_commit(path, 1, &(tw_bytes){bytes, size});
        if (status == TW_OK) status = tw_fail(TW_OUTPUT, "%s; the data is written to %s", why, path);
    }
    free(bytes);
    free(path);
    free(why);
    return status;
}

/* gnuplot begins a text picture with a form feed. */
static tw_status show(const char *picture, size_t size)
{
    const size_t skip = strspn(picture, "\f");
    fwrite(picture + skip, 1, size - skip, stdout);
    if (fflush(stdout) == 0) return TW_OK;
    return tw_fail(TW_IO, "cannot write to the terminal: %s", strerror(errno));
}

static tw_status draw(const tw_plot *plot, const char *path)
{
    char *script = NULL, *picture = NULL;
    size_t script_size = 0, size = 0;
    FILE *out = open_memstream(&script, &script_size);
    if (out == NULL) return tw_fail(TW_MEMORY, "no memory for the gnuplot script");
    tw_status status = tw_plot_script(plot, out);
    if (fclose(out) != 0 && status == TW_OK) status = tw_fail(TW_MEMORY, "no memory for the gnuplot script");
    if (status == TW_OK) {
        status = tw_gnuplot_run(script, script_size, GNUPLOT_SECONDS, &picture, &size);
        if (status == TW_OUTPUT) status = write_table(plot, path);
    }
    if (status == TW_OK && plot->device == TW_PLOT_TEXT) {
        status = show(picture, size);
    } else if (status == TW_OK) {
        status = tw_file_commit(path, 1, &(tw_bytes){picture, size});
        if (status == TW_OK) printf("wrote %s\n", path);
    }
    free(picture);
    free(script);
    return status;
}

tw_status tw_command_plot(int argc, char **argv)
{
    static char name[] = "thalweg plot";
    static const struct argp parser = {
        options,      parse_option,
        "RUN_DIR...", "Draw the loss, the gradient norm and the Taylor ratio of one or several runs.",
        NULL,         NULL,
        NULL};
    request wanted = {.x = "iterations", .quantity = "loss,gradient_norm,taylor_ratio"};
    tw_plot plot = {0};
    argv[0] = name;
    TW_TRY(tw_arguments_parse(&parser, argc, argv, &wanted));
    tw_status status = read_request(&wanted, &plot);
    if (status == TW_OK) status = read_runs(&wanted, &plot);
    if (status == TW_OK) {
        char *path = output_path(&wanted, &plot);
        status = path == NULL ? tw_fail(TW_MEMORY, "no memory for a file name") : draw(&plot, path);
        free(path);
    }
    for (size_t r = 0; r < plot.n_runs; r++) tw_plot_run_release(&plot.run[r]);
    free(plot.run);
    return status;
}
