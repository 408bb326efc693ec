/* `thalweg report`: the end of a run as its screen had it, or how a run stands that has not come to its end.
 */
#include "cli/report.h"

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/inspect.h"
#include "core/json_put.h"
#include "thalweg/units.h"
#include "train/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { JSON = 256 };

static const struct argp_option options[] = {
    {"json", JSON, NULL, 0, "A JSON object for each run, one a line, with all of its summary", 0}, {0}};

typedef struct {
    char **folder; /* [n] not owned */
    size_t n;
    bool json;
} arguments;

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    arguments *a = state->input;
    (void)value;
    switch (key) {
    case JSON: a->json = true; break;
    case ARGP_KEY_ARGS:
        a->folder = state->argv + state->next;
        a->n = (size_t)(state->argc - state->next);
        break;
    case ARGP_KEY_NO_ARGS: argp_error(state, "which run folder?"); break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp parser = {
    .options = options,
    .parser = parse_option,
    .args_doc = "RUN_DIR...",
    .doc = "Print the end of a run again: why it stopped, its result, where the time went, what to do next."
           "\vA run that is in progress, was interrupted or failed is told with its last iteration. Several "
           "runs are "
           "compared in a table, a line each.\n"
           "thalweg report runs/digits-softmax\n"
           "thalweg report runs/*"};

/* ---- how it stands ---- */

const char *tw_report_word(const tw_run_state *s)
{
    static const char *const ends[] = {"finished", "stopped", "diverged", "failed"};
    if (s->live) return "running";
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (strcmp(s->state, ends[i]) == 0) return ends[i];
    if (strcmp(s->state, "running") == 0) return "interrupted";
    return !s->status && s->summary ? "finished" : "unknown";
}

static void put_text(const char *text)
{
    tw_inspect_put(TW_INSPECT_TEXT, text);
}

static void put_next(const tw_run_state *s)
{
    fputs("; the same command ", stdout);
    if (!s->checkpoint[0]) {
        puts("begins again, as there is no checkpoint");
        return;
    }
    fputs("goes on from ", stdout);
    put_text(s->checkpoint);
    putchar('\n');
}

static void put_state(const tw_run_state *s)
{
    const char *const word = tw_report_word(s);
    printf("  state    %s", word);
    if (strcmp(word, "running") == 0) {
        fputs(": ", stdout);
        tw_inspect_put_line(TW_INSPECT_TEXT, s->holder[0] ? s->holder : "an unknown process");
        putchar('\n');
    } else if (strcmp(word, "failed") == 0) {
        printf(" at iteration %ld with exit code %d (%s)", s->iteration, s->code,
               tw_status_text((tw_status)s->code));
        put_next(s);
    } else if (strcmp(word, "interrupted") == 0) {
        fputs(": its process is gone", stdout);
        put_next(s);
    } else if (strcmp(word, "stopped") == 0) {
        put_next(s);
    } else {
        puts(strcmp(word, "unknown") == 0 ? ": there is no status file that says" : "");
    }
}

static void put_setting(const tw_run_state *s)
{
    static const struct {
        const char *before, *key;
    } parts[] = {{": ", "model"}, {", ", "optimizer"}, {", ", "step"}, {", ", "reduction"}};
    fputs("  run      ", stdout);
    tw_inspect_put(TW_PATH_LEN, s->folder.path);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *const text = json_string_value(json_object_get(s->summary, parts[i].key));
        if (!text) continue;
        fputs(parts[i].before, stdout);
        put_text(text);
    }
    const json_int_t ranks = json_integer_value(json_object_get(s->summary, "ranks"));
    const json_int_t nodes = json_integer_value(json_object_get(s->summary, "nodes"));
    if (ranks > 0 && nodes > 0)
        printf("; %lld rank%s on %lld node%s", (long long)ranks, ranks == 1 ? "" : "s", (long long)nodes,
               nodes == 1 ? "" : "s");
    putchar('\n');
}

/* ---- where there is no summary ---- */

static void put_last(const tw_run_state *s)
{
    char took[TW_UNIT_LEN];
    if (s->summed) puts("  warning  summary.json is damaged: it is no JSON object");
    if (!s->row) {
        puts(s->logged ? "  last     no iteration is in metrics.jsonl yet"
                       : "  last     there is no metrics.jsonl");
        return;
    }
    fputs("  last     ", stdout);
    const json_t *const seconds = json_object_get(s->row, "seconds");
    printf("iteration %lld", (long long)json_integer_value(json_object_get(s->row, "iteration")));
    const json_t *const loss = json_object_get(s->row, "loss");
    if (json_is_number(loss)) printf(", loss %.17g", json_number_value(loss));
    const json_t *const norm = json_object_get(s->row, "gradient_norm");
    if (json_is_number(norm)) printf(", gradient norm %.2e", json_number_value(norm));
    if (json_is_number(seconds)) printf(", after %s", tw_units_seconds(json_number_value(seconds), took));
    putchar('\n');
}

/* ---- one run, several runs ---- */

static tw_status put_run(const tw_run_state *s)
{
    tw_runlog log = {.active = true};
    put_setting(s);
    put_state(s);
    if (!s->summary) {
        put_last(s);
        return TW_OK;
    }
    tw_report *const r = malloc(sizeof *r);
    if (!r) return tw_fail(TW_MEMORY, "out of memory for the report");
    tw_report_of_json(r, s->summary, s->folder.path, s->checkpoint);
    tw_report_print(r, &log);
    free(r);
    return TW_OK;
}

static json_t *text_or_null(const char *text)
{
    return text[0] ? json_string(text) : json_null();
}

static json_t *or_null(json_t *value)
{
    return value ? json_incref(value) : json_null();
}

static tw_status put_json(const tw_run_state *s)
{
    json_t *object = json_object();
    tw_json_put(&object, "folder", json_string(s->folder.path));
    tw_json_put(&object, "state", json_string(tw_report_word(s)));
    tw_json_put(&object, "exit_code", s->status && !s->live ? json_integer(s->code) : json_null());
    tw_json_put(&object, "iteration", s->status ? json_integer(s->iteration) : json_null());
    tw_json_put(&object, "checkpoint", text_or_null(s->checkpoint));
    tw_json_put(&object, "last", or_null(s->row));
    tw_json_put(&object, "summary", or_null(s->summary));
    char *const text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(object);
    if (!text)
        return tw_fail(TW_DATA, "%s: its name or status is not UTF-8, which JSON has to be", s->folder.path);
    puts(text);
    free(text);
    return TW_OK;
}

static tw_status put_all(const arguments *a, const tw_run_state *states)
{
    if (a->json) {
        for (size_t i = 0; i < a->n; i++) TW_TRY(put_json(&states[i]));
    } else if (a->n == 1) {
        TW_TRY(put_run(&states[0]));
    } else {
        tw_report_table(a->n, states);
    }
    if (fflush(stdout) == 0 && !ferror(stdout)) return TW_OK;
    return tw_fail(TW_IO, "cannot write to stdout: %s", strerror(errno));
}

static void drop_slashes(char *path)
{
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--) path[n - 1] = 0;
}

tw_status tw_command_report(int argc, char **argv)
{
    arguments a = {0};
    tw_status status = tw_arguments_parse(&parser, argc, argv, &a);
    if (status != TW_OK || tw_launch_rank() != 0) return status;
    tw_run_state *const states = calloc(a.n, sizeof *states);
    if (!states) return tw_fail(TW_MEMORY, "out of memory for %zu runs", a.n);
    for (size_t i = 0; i < a.n && status == TW_OK; i++) {
        drop_slashes(a.folder[i]);
        status = tw_run_state_read(&states[i], a.folder[i]);
    }
    if (status == TW_OK) status = put_all(&a, states);
    for (size_t i = 0; i < a.n; i++) tw_run_state_release(&states[i]);
    free(states);
    return status;
}
