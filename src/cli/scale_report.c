/* `thalweg scale report`: the table, the fit, the projection and the picture of a study. */
#include "cli/arguments.h"
#include "cli/gnuplot.h"
#include "cli/scale.h"
#include "cli/scale_picture.h"
#include "scale/report.h"
#include "thalweg/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { OPTION_PROJECT = 256, OPTION_JSON, OPTION_MODE };

static const struct argp_option options[] = {
    {"output", 'o', "PREFIX", 0,
     "Write PREFIX.txt .csv .json .svg .png (default: STUDY_DIR/scaling, or ./scaling)", 0},
    {"project", OPTION_PROJECT, "RANKS", 0, "Ranks to look ahead to (64,256,1024)", 0},
    {"mode", OPTION_MODE, "MODE", 0, "strong or weak, of runs without a study.json", 0},
    {"json", OPTION_JSON, NULL, 0, "Print the JSON instead of the table", 0},
    {0}};

typedef struct {
    const char *output, *project, *mode;
    bool json;
    char **from;
    size_t n_from;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case 'o': a->output = value; break;
    case OPTION_PROJECT: a->project = value; break;
    case OPTION_MODE: a->mode = value; break;
    case OPTION_JSON: a->json = true; break;
    case ARGP_KEY_ARGS:
        a->from = state->argv + state->next;
        a->n_from = (size_t)(state->argc - state->next);
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp parser = {.options = options,
                                   .parser = parse_option,
                                   .args_doc = "STUDY_DIR|SUMMARY.json...",
                                   .doc = "Compare runs of one configuration on several numbers of ranks."};

tw_status tw_scale_parse_ranks(const char *list, size_t most, int *ranks, size_t *n)
{
    const char *at = list;
    *n = 0;
    for (;;) {
        char *end;
        errno = 0;
        const long value = strtol(at, &end, 10);
        if (end == at || errno || value < 1 || value > 10000000 || (*end && *end != ',') ||
            (*n > 0 && value <= ranks[*n - 1]) || *n == most)
            return tw_fail(TW_USAGE, "'%s' is no list of ascending numbers of ranks, as 1,2,4", list);
        ranks[(*n)++] = (int)value;
        if (!*end) return TW_OK;
        at = end + 1;
    }
}

static tw_status choose_mode(const arguments *a, tw_study_runs *runs)
{
    if (!a->mode) return TW_OK;
    runs->mode = strcmp(a->mode, "weak") == 0 ? TW_STUDY_WEAK : TW_STUDY_STRONG;
    if (runs->mode == TW_STUDY_WEAK || strcmp(a->mode, "strong") == 0) return TW_OK;
    return tw_fail(TW_USAGE, "--mode is strong or weak, not '%s'", a->mode);
}

/* ---- what is written ---- */

static tw_status write_text(const tw_report *report, const char *prefix, const char *ending,
                            void (*print)(const tw_report *, FILE *))
{
    char path[TW_PATH_LEN + 64], *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return tw_fail(TW_MEMORY, "out of memory for the report");
    print(report, out);
    tw_status status = TW_OK;
    if (fclose(out) != 0) status = tw_fail(TW_MEMORY, "out of memory for the report");
    snprintf(path, sizeof path, "%s.%s", prefix, ending);
    if (status == TW_OK) status = tw_file_commit(path, 1, &(tw_bytes){text, size});
    free(text);
    return status;
}

static tw_status write_json(const tw_report *report, const char *prefix, bool print)
{
    char path[TW_PATH_LEN + 64], *text = tw_report_json(report);
    if (!text) return tw_fail(TW_MEMORY, "out of memory for the report");
    if (print) puts(text);
    snprintf(path, sizeof path, "%s.json", prefix);
    const tw_bytes parts[] = {{text, strlen(text)}, {"\n", 1}};
    const tw_status status = tw_file_commit(path, 2, parts);
    free(text);
    return status;
}

static tw_status write_all(const tw_report *report, const arguments *a, const char *prefix)
{
    TW_TRY(write_text(report, prefix, "txt", tw_report_text));
    TW_TRY(write_text(report, prefix, "csv", tw_report_csv));
    TW_TRY(write_json(report, prefix, a->json));
    const tw_status drawn = tw_scale_picture_write(report, prefix);
    if (drawn != TW_OK && drawn != TW_OUTPUT) return drawn;
    if (drawn == TW_OUTPUT) {
        fprintf(stderr, "thalweg: warning: no picture: %s; the data is written to %s.csv\n",
                tw_status_message(), prefix);
        tw_status_message()[0] = 0;
    }
    if (!a->json) printf(" wrote     %s.{txt,csv,json%s}\n", prefix, drawn == TW_OK ? ",svg,png" : "");
    return TW_OK;
}

static void cut_slashes(char *path)
{
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--) path[n - 1] = 0;
}

static tw_status make(const arguments *a, tw_study_runs *runs, tw_report *report)
{
    int ahead[TW_REPORT_AHEAD];
    size_t n_ahead;
    struct stat st;
    char prefix[TW_PATH_LEN];
    for (size_t i = 0; i < a->n_from; i++) cut_slashes(a->from[i]);
    TW_TRY(tw_scale_parse_ranks(a->project, TW_REPORT_AHEAD, ahead, &n_ahead));
    for (size_t i = 0; i < a->n_from; i++) TW_TRY(tw_study_runs_add(runs, a->from[i]));
    TW_TRY(choose_mode(a, runs));
    tw_study_runs_sort(runs);
    TW_TRY(tw_study_runs_alike(runs));
    for (size_t i = 0; i < a->n_from; i++)
        if (stat(a->from[i], &st) == 0 && S_ISDIR(st.st_mode))
            TW_TRY(tw_report_exchanges(report, a->from[i]));
    TW_TRY(tw_report_make(report, runs, n_ahead, ahead));
    const tw_status agreed = tw_study_runs_agree(runs, sizeof report->check, report->check);
    if (agreed != TW_OK) snprintf(report->check, sizeof report->check, "FAILED: the answers differ");
    const bool folder = a->n_from == 1 && stat(a->from[0], &st) == 0 && S_ISDIR(st.st_mode);
    snprintf(prefix, sizeof prefix, "%s%s",
             a->output ? a->output
             : folder  ? a->from[0]
                       : "scaling",
             !a->output && folder ? "/scaling" : "");
    char *why = strdup(tw_status_message());
    if (!a->json) tw_report_text(report, stdout);
    const tw_status written = write_all(report, a, prefix);
    fflush(stdout);
    if (agreed != TW_OK && why) tw_fail(agreed, "%s", why);
    free(why);
    return agreed != TW_OK ? agreed : written;
}

tw_status tw_scale_report(int argc, char **argv)
{
    arguments a = {.project = "64,256,1024"};
    tw_study_runs runs = {0};
    TW_TRY(tw_arguments_parse(&parser, argc, argv, &a));
    if (a.n_from == 0)
        return tw_fail(TW_USAGE, "name a study: thalweg scale report STUDY_DIR, or several summary.json");
    tw_report *report = calloc(1, sizeof *report);
    if (!report) return tw_fail(TW_MEMORY, "out of memory for a report");
    const tw_status status = make(&a, &runs, report);
    tw_report_release(report);
    free(report);
    tw_study_runs_release(&runs);
    return status;
}
