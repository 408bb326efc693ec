/* thalweg convert -- other people's files become our data set file. */
#include "cli/arguments.h"
#include "cli/command.h"
#include "data/printable.h"
#include "thalweg/importer.h"
#include "thalweg/interrupt.h"
#include "thalweg/units.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    OPTION_NO_LABEL = 256,
    OPTION_HEADER,
    OPTION_NO_HEADER,
    OPTION_ONE_HOT,
    OPTION_DROP,
    OPTION_WEIGHT,
    OPTION_MISSING,
    OPTION_GZIP,
    OPTION_FORCE,
    OPTION_DRY_RUN,
    OPTION_INDEX_BASE,
    OPTION_FEATURES,
    OPTION_LARGE
};

static const struct argp_option options[] = {
    {"output", 'o', "OUT.h5", 0, "Name of the data set file", 0},
    {"force", OPTION_FORCE, NULL, 0, "Replace OUT.h5 if it exists", 0},
    {"gzip", OPTION_GZIP, "LEVEL", 0, "Compress, 1 (fast) to 9; reading is slower", 0},
    {"dry-run", OPTION_DRY_RUN, NULL, 0, "Check all input and say what would be written", 0},
    {NULL, 0, NULL, 0, "CSV, TSV and LIBSVM files:", 1},
    {"type", 't', "TYPE", 0,
     "Type of the features: u8, i8, i16, f16, bf16, f32 or f64 "
     "(default: the smallest of u8, i8, i16 that holds all values, else f64)",
     1},
    {NULL, 0, NULL, 0, "CSV and TSV files:", 2},
    {"label", 'l', "NAME|INDEX", 0,
     "Column of the labels: its name, or its index from 0, negative from the end "
     "(default: the column y, label, target or class, else the last)",
     2},
    {"no-label", OPTION_NO_LABEL, NULL, 0, "No column is a label", 2},
    {"one-hot", OPTION_ONE_HOT, "COLUMN[,COLUMN...]|all", 0,
     "Columns of categories: each becomes one feature of 0 and 1 for each of its words; all: those of text",
     2},
    {"drop", OPTION_DROP, "COLUMN[,COLUMN...]", 0, "Columns to leave out", 2},
    {"weight", OPTION_WEIGHT, "COLUMN", 0, "Column of the sample weights", 2},
    {"missing", OPTION_MISSING, "TEXT", 0,
     "A cell that is a missing value, such as ? or -999, besides empty ones, NA and NaN; may be repeated", 2},
    {"separator", 's', "CHARACTER", 0, "comma, tab, semicolon, space or a character (default: detected)", 2},
    {"header", OPTION_HEADER, NULL, 0, "The first line holds names (default: detected)", 2},
    {"no-header", OPTION_NO_HEADER, NULL, 0, "The first line holds values", 2},
    {NULL, 0, NULL, 0, "LIBSVM files:", 3},
    {"index-base", OPTION_INDEX_BASE, "0|1", 0,
     "Index of the first feature (default: 0 when the file has an index 0, else 1)", 3},
    {"features", OPTION_FEATURES, "N", 0,
     "Columns of the result, as many as those of the training file (default: up to the largest index)", 3},
    {"large", OPTION_LARGE, NULL, 0, "Write a dense result beyond 16 GiB", 3},
    {0},
};

typedef struct {
    tw_import_options import;
    const char **inputs; /* [argc] */
    size_t n_inputs;
    const char **one_hot, **drop, **missing; /* [argc] */
    const char *output;
    bool dry_run;
    tw_status status;
} arguments;

static volatile sig_atomic_t interrupted;

static void interrupt(int number)
{
    interrupted = number;
}

static tw_status parse_type(const char *text, tw_import_options *import)
{
    for (int type = 0; type < TW_N_DTYPES; type++)
        if (strcmp(text, tw_dtype_name((tw_dtype)type)) == 0) {
            import->type = (tw_dtype)type;
            import->typed = true;
            return TW_OK;
        }
    return tw_fail(TW_USAGE, "--type must be u8, i8, i16, f16, bf16, f32 or f64; it is '%s'", text);
}

static tw_status parse_separator(const char *text, char *separator)
{
    static const struct {
        const char *name;
        char value;
    } known[] = {{"comma", ','}, {"tab", '\t'}, {"\\t", '\t'}, {"semicolon", ';'}, {"space", ' '}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(text, known[i].name) == 0) {
            *separator = known[i].value;
            return TW_OK;
        }
    if (text[0] == 0 || text[1] != 0)
        return tw_fail(TW_USAGE,
                       "--separator must be comma, tab, semicolon, space or one character; it is '%s'", text);
    *separator = text[0];
    return TW_OK;
}

static tw_status parse_base(const char *text, tw_import_index *base)
{
    if ((text[0] != '0' && text[0] != '1') || text[1] != 0)
        return tw_fail(TW_USAGE, "--index-base must be 0 or 1; it is '%s'", text);
    *base = text[0] == '0' ? TW_INDEX_FROM_0 : TW_INDEX_FROM_1;
    return TW_OK;
}

static tw_status parse_features(const char *text, size_t *features)
{
    char *end;
    errno = 0;
    const unsigned long long n = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != 0 || errno != 0 || n == 0)
        return tw_fail(TW_USAGE, "--features must be a whole number from 1; it is '%s'", text);
    *features = (size_t)n;
    return TW_OK;
}

static tw_status parse_level(const char *text, int *level)
{
    if (text[0] < '1' || text[0] > '9' || text[1] != 0)
        return tw_fail(TW_USAGE, "--gzip must be from 1 to 9; it is '%s'", text);
    *level = text[0] - '0';
    return TW_OK;
}

static void add(tw_import_list *list, const char **texts, const char *text)
{
    texts[list->count++] = text;
    list->text = texts;
}

/* The first mistake is remembered; argp itself would only say that there is one. */
static error_t parse_option(int key, char *value, struct argp_state *state)
{
    arguments *a = state->input;
    if (a->status != TW_OK) return 0;
    switch (key) {
    case 'o': a->output = value; break;
    case 'l': a->import.label = value; break;
    case 't': a->status = parse_type(value, &a->import); break;
    case 's': a->status = parse_separator(value, &a->import.separator); break;
    case OPTION_NO_LABEL: a->import.no_label = true; break;
    case OPTION_ONE_HOT: add(&a->import.one_hot, a->one_hot, value); break;
    case OPTION_DROP: add(&a->import.drop, a->drop, value); break;
    case OPTION_MISSING: add(&a->import.missing, a->missing, value); break;
    case OPTION_WEIGHT: a->import.weight = value; break;
    case OPTION_HEADER: a->import.header = TW_HEADER_YES; break;
    case OPTION_NO_HEADER: a->import.header = TW_HEADER_NO; break;
    case OPTION_GZIP: a->status = parse_level(value, &a->import.gzip); break;
    case OPTION_INDEX_BASE: a->status = parse_base(value, &a->import.index_base); break;
    case OPTION_FEATURES: a->status = parse_features(value, &a->import.features); break;
    case OPTION_LARGE: a->import.most_bytes = UINT64_MAX; break;
    case OPTION_FORCE: a->import.replace = true; break;
    case OPTION_DRY_RUN: a->dry_run = true; break;
    case ARGP_KEY_ARG: a->inputs[a->n_inputs++] = value; break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void print_columns(const tw_import_report *report)
{
    printf("%7s  %-24s %-6s %10s %14s %14s\n", "index", "column", "type", "missing", "minimum", "maximum");
    for (size_t c = 0; c < report->n_columns; c++) {
        const tw_import_column *column = &report->columns[c];
        const tw_printable name =
            column->name ? tw_printable_quote(strlen(column->name), column->name) : (tw_printable){"-"};
        printf("%7zu  %-24s %-6s %10zu", c, name.text, column->type, column->missing);
        if (isnan(column->minimum))
            printf(" %14s %14s", "-", "-");
        else
            printf(" %14.8g %14.8g", column->minimum, column->maximum);
        if (column->one_hot)
            printf("  one-hot, %zu columns\n", column->categories);
        else
            puts(column->label     ? "  label"
                 : column->weight  ? "  weight"
                 : column->dropped ? "  dropped"
                                   : "");
    }
}

static void print_labels(const tw_import_report *r)
{
    if (r->y_type == TW_LABEL_none) return;
    const bool numbers =
        r->y_type == TW_LABEL_i64 && r->rows > 2 && 2 * r->n_classes > r->rows; /* not classes */
    if (r->n_classes > 0 && !numbers)
        printf(", /y (%zu) %zu class%s", r->rows, r->n_classes, r->n_classes == 1 ? "" : "es");
    else
        printf(", /y (%zu) %s", r->rows, tw_label_type_name(r->y_type));
    if (r->y_missing > 0) printf(" with %zu missing", r->y_missing);
}

static void print_shapes(const tw_import_report *r)
{
    printf("/X (%zu, %zu) %s", r->rows, r->cols, tw_dtype_name(r->x_type));
    if (r->x_missing > 0) printf(" with %zu missing", r->x_missing);
    print_labels(r);
    if (r->weights) printf(", /sample_weight (%zu)", r->rows);
}

static double bytes_of_values(const tw_import_report *r)
{
    const size_t row = r->cols * tw_dtype_size(r->x_type) + tw_label_type_size(r->y_type) +
                       (r->weights ? sizeof(double) : 0);
    return (double)r->rows * (double)row;
}

static void print_report(const arguments *a, const tw_import_report *report, double seconds)
{
    char size[TW_UNIT_LEN], time[TW_UNIT_LEN];
    if (a->dry_run) {
        printf("%s", a->inputs[report->x_input]);
        if (report->joined > 1) printf(" and %zu more", report->joined - 1);
        printf(": %s, %zu rows\n", report->format, report->rows);
        if (report->n_columns > 0) print_columns(report);
        printf("would write ");
        print_shapes(report);
        printf(", %s%s\n", tw_units_bytes(bytes_of_values(report), size),
               a->import.gzip ? " before compression" : "");
        return;
    }
    printf("wrote %s: ", a->output);
    print_shapes(report);
    printf(", %s in %s\n", tw_units_bytes((double)report->bytes, size), tw_units_seconds(seconds, time));
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const int signals[] = {SIGINT, SIGTERM, SIGUSR1, SIGHUP, SIGXFSZ};
enum { N_SIGNALS = sizeof signals / sizeof *signals };

/* What someone ignores stays ignored (nohup). A file that outgrows its limit becomes an error of the write.
 */
static void catch_signals(struct sigaction old[N_SIGNALS])
{
    const struct sigaction ours = {.sa_handler = interrupt}, ignore = {.sa_handler = SIG_IGN};
    for (int i = 0; i < N_SIGNALS; i++)
        if (sigaction(signals[i], NULL, &old[i]) == 0 && old[i].sa_handler != SIG_IGN)
            sigaction(signals[i], signals[i] == SIGXFSZ ? &ignore : &ours, NULL);
}

static void restore_signals(const struct sigaction old[N_SIGNALS])
{
    for (int i = 0; i < N_SIGNALS; i++) sigaction(signals[i], &old[i], NULL);
}

static tw_status import(arguments *a)
{
    struct sigaction old[N_SIGNALS];
    tw_import_report report;
    const double start = now();
    interrupted = 0;
    a->import.interrupted = &interrupted;
    catch_signals(old);
    const tw_status status =
        tw_import(a->n_inputs, a->inputs, a->dry_run ? NULL : a->output, &a->import, &report);
    restore_signals(old);
    if (status == TW_OK) print_report(a, &report, now() - start);
    tw_import_report_release(&report);
    if (status != TW_OK && interrupted)
        return tw_fail(TW_STOPPED,
                       "stopped by %s while converting %s; nothing was written, run the same command again",
                       tw_interrupt_name(interrupted), a->inputs[0]);
    return status;
}

static tw_status check(const arguments *a)
{
    if (a->status != TW_OK) return a->status;
    if (a->n_inputs == 0) return tw_fail(TW_USAGE, "nothing to convert: thalweg convert IN... -o OUT.h5");
    if (!a->output && !a->dry_run)
        return tw_fail(TW_USAGE, "the output is missing: thalweg convert IN... -o OUT.h5");
    return TW_OK;
}

tw_status tw_command_convert(int argc, char **argv)
{
    static const struct argp parser = {
        .options = options,
        .parser = parse_option,
        .args_doc = "IN... -o OUT.h5",
        .doc = "Convert CSV, TSV, LIBSVM, NPY (NumPy) or IDX files, plain or gzipped, to a data set file for "
               "training. The format is found in the content.\v"
               "CSV and TSV files with the same columns are joined. Two NPY or two IDX files give features "
               "and labels; the one with "
               "one dimension holds the labels. Types are kept: images stay bytes. LIBSVM becomes dense: a "
               "value "
               "that is not given is 0. --dry-run needs no -o.",
    };
    const size_t words = (size_t)argc + 1;
    arguments a = {.inputs = calloc(4 * words, sizeof *a.inputs)};
    if (!a.inputs) return tw_fail(TW_MEMORY, "out of memory for the command line");
    a.one_hot = a.inputs + words;
    a.drop = a.one_hot + words;
    a.missing = a.drop + words;
    tw_status status = tw_arguments_parse(&parser, argc, argv, &a);
    if (status == TW_OK) status = check(&a);
    if (status == TW_OK && tw_launch_rank() == 0)
        status = import(&a); /* under a launcher one process is enough */
    free(a.inputs);
    return status;
}
