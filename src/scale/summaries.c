#include "scale/summaries.h"

#include "thalweg/file.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LONGEST = 1 << 28 };

/* ---- one summary.json ---- */

typedef struct {
    const char *path;
    json_t *all;
    const char *missing; /* the first key that is not there */
} source;

static void word(const source *s, const char *key, char to[TW_SCALE_WORD])
{
    const json_t *value = json_object_get(s->all, key);
    snprintf(to, TW_SCALE_WORD, "%s", json_is_string(value) ? json_string_value(value) : "");
}

static double number(source *s, const char *key)
{
    const json_t *value = json_object_get(s->all, key);
    if (!json_is_number(value) && !s->missing) s->missing = key;
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* A whole number from least on; anything else counts as missing. */
static long long whole(source *s, const char *key, long long least)
{
    const json_t *value = json_object_get(s->all, key);
    const bool good = json_is_integer(value) && json_integer_value(value) >= least;
    if (!good && !s->missing) s->missing = key;
    return good ? json_integer_value(value) : least;
}

static void read_words(const source *s, tw_study_run *run)
{
    word(s, "version", run->version);
    word(s, "git_commit", run->commit);
    word(s, "configuration", run->config);
    word(s, "data_digest", run->data_digest);
    word(s, "type", run->type);
    word(s, "reduction", run->reduction);
    word(s, "parameters_hash", run->hash);
    word(s, "cpu", run->cpu);
    word(s, "isa", run->isa);
    word(s, "model", run->model);
    word(s, "optimizer", run->optimizer);
    word(s, "step", run->step);
}

static void read_numbers(source *s, tw_study_run *run)
{
    run->ranks = (int)whole(s, "ranks", 1);
    run->nodes = (int)whole(s, "nodes", 1);
    run->threads = (int)whole(s, "threads", 1);
    run->rows = whole(s, "rows", 1);
    run->features = whole(s, "features", 1);
    run->groups = whole(s, "groups", 1);
    run->coefficients = whole(s, "coefficients", 1);
    run->iterations = whole(s, "iterations", 1);
    run->evaluations = whole(s, "evaluations", 1);
    run->loop_iterations = whole(s, "loop_iterations", 1);
    run->reductions = (double)whole(s, "reductions", 0);
    run->loss = number(s, "loss");
    run->reads = number(s, "reads");
    run->cores = (int)json_integer_value(json_object_get(s->all, "cores"));
    run->oversubscribed = json_is_true(json_object_get(s->all, "oversubscribed"));
}

/* The clocks of a rank in the loop, added to those of the run. */
static void read_account(source *s, const json_t *account, tw_study_run *run)
{
    const json_t *loop = json_object_get(account, "loop");
    double sum = 0, compute = 0;
    for (int i = 0; i < TW_N_CLOCKS; i++) {
        const json_t *value = json_object_get(loop, tw_account_name((tw_clock)i));
        if (!json_is_number(value) && !s->missing) s->missing = "accounts[].loop";
        const double seconds = json_number_value(value) / (double)run->loop_iterations;
        if (i == TW_CLOCK_READ) continue;
        run->phase[i] += seconds / run->ranks;
        sum += seconds;
        if (i == TW_CLOCK_COMPUTE) compute = seconds;
    }
    run->seconds = fmax(run->seconds, sum);
    run->busiest_compute = fmax(run->busiest_compute, compute);
}

static void read_accounts(source *s, tw_study_run *run)
{
    const json_t *accounts = json_object_get(s->all, "accounts"),
                 *slowest = json_object_get(s->all, "slowest");
    if ((int)json_array_size(accounts) != run->ranks && !s->missing) s->missing = "accounts";
    for (size_t r = 0; r < json_array_size(accounts); r++) read_account(s, json_array_get(accounts, r), run);
    if (!(run->seconds > 0) && !s->missing) s->missing = "accounts[].loop";
    const json_t *host = json_object_get(slowest, "host");
    run->slowest = (int)json_integer_value(json_object_get(slowest, "rank"));
    run->behind = json_number_value(json_object_get(slowest, "behind"));
    snprintf(run->slowest_host, TW_SCALE_WORD, "%s", json_is_string(host) ? json_string_value(host) : "");
}

static void read_text(const char *path, tw_study_run *run)
{
    char beside[TW_PATH_LEN + 64];
    size_t size;
    const char *slash = strrchr(path, '/');
    const int folder = slash ? (int)(slash - path) + 1 : 0;
    if (snprintf(beside, sizeof beside, "%.*sconfig.resolved.yaml", folder, path) >= (int)sizeof beside)
        return;
    if (tw_file_read(beside, LONGEST, &run->text, &size) != TW_OK) run->text = NULL;
}

tw_status tw_study_run_read(const char *path, tw_study_run *run)
{
    char *bytes;
    size_t size;
    json_error_t error;
    *run = (tw_study_run){0};
    TW_TRY(tw_file_read(path, LONGEST, &bytes, &size));
    source s = {.path = path, .all = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error)};
    free(bytes);
    if (!json_is_object(s.all)) {
        json_decref(s.all);
        return tw_fail(TW_DATA, "%s is no summary of a run", path);
    }
    read_words(&s, run);
    read_numbers(&s, run);
    read_accounts(&s, run);
    json_decref(s.all);
    if (s.missing)
        return tw_fail(TW_DATA, "%s does not say its %s: it is no summary of a finished run of this version",
                       path, s.missing);
    read_text(path, run);
    run->path = strdup(path);
    return run->path ? TW_OK : tw_fail(TW_MEMORY, "out of memory for %s", path);
}

void tw_study_run_release(tw_study_run *run)
{
    free(run->path);
    free(run->text);
    *run = (tw_study_run){0};
}

/* ---- many ---- */

static tw_status add_file(tw_study_runs *runs, const char *path)
{
    if (runs->n == runs->capacity) {
        const size_t capacity = runs->capacity ? 2 * runs->capacity : 16;
        tw_study_run *grown = realloc(runs->run, capacity * sizeof *grown);
        if (!grown) return tw_fail(TW_MEMORY, "out of memory for %zu runs", capacity);
        runs->run = grown;
        runs->capacity = capacity;
    }
    for (size_t i = 0; i < runs->n; i++)
        if (strcmp(runs->run[i].path, path) == 0) return TW_OK;
    const tw_status status = tw_study_run_read(path, &runs->run[runs->n]);
    if (status != TW_OK) tw_study_run_release(&runs->run[runs->n]);
    runs->n += status == TW_OK;
    return status;
}

static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

/* Of every folder in dir that has one. */
static tw_status add_folders(tw_study_runs *runs, const char *dir)
{
    char path[TW_PATH_LEN + 512];
    DIR *folder = opendir(dir);
    tw_status status = TW_OK;
    if (!folder)
        return errno == ENOENT ? TW_OK : tw_fail(TW_INPUT, "cannot list %s: %s", dir, strerror(errno));
    for (const struct dirent *entry = readdir(folder); entry && status == TW_OK; entry = readdir(folder)) {
        if (entry->d_name[0] == '.') continue;
        if (snprintf(path, sizeof path, "%s/%s/summary.json", dir, entry->d_name) >= (int)sizeof path)
            continue;
        if (exists(path)) status = add_file(runs, path);
    }
    closedir(folder);
    return status;
}

static void read_study(tw_study_runs *runs, const char *path)
{
    json_t *study = json_load_file(path, 0, NULL);
    const char *mode = json_string_value(json_object_get(study, "mode"));
    const char *config = json_string_value(json_object_get(study, "configuration"));
    if (mode) runs->mode = strcmp(mode, "weak") == 0 ? TW_STUDY_WEAK : TW_STUDY_STRONG;
    if (config) snprintf(runs->config, sizeof runs->config, "%s", config);
    json_decref(study);
}

static const char *inside(const char *dir, const char *name, char path[TW_PATH_LEN + 64])
{
    snprintf(path, TW_PATH_LEN + 64, "%s/%s", dir, name);
    return path;
}

tw_status tw_study_runs_add(tw_study_runs *runs, const char *from)
{
    char path[TW_PATH_LEN + 64];
    struct stat st;
    const size_t before = runs->n;
    if (strlen(from) >= TW_PATH_LEN) return tw_fail(TW_INPUT, "the path %.60s... is too long", from);
    if (stat(from, &st) != 0) return tw_fail(TW_INPUT, "cannot open %s: %s", from, strerror(errno));
    if (!S_ISDIR(st.st_mode)) return add_file(runs, from);
    if (exists(inside(from, "summary.json", path))) return add_file(runs, path);
    if (exists(inside(from, "study.json", path))) read_study(runs, path);
    TW_TRY(add_folders(runs, inside(from, "runs", path)));
    if (runs->n == before) TW_TRY(add_folders(runs, from));
    if (runs->n > before) return TW_OK;
    return tw_fail(TW_INPUT, "no finished run in %s: there is no summary.json in it or in its runs/", from);
}

static int by_ranks(const void *a, const void *b)
{
    const tw_study_run *x = a, *y = b;
    if (x->ranks != y->ranks) return x->ranks < y->ranks ? -1 : 1;
    if (x->nodes != y->nodes) return x->nodes < y->nodes ? -1 : 1;
    return strcmp(x->path, y->path);
}

void tw_study_runs_sort(tw_study_runs *runs)
{
    if (runs->n > 0) qsort(runs->run, runs->n, sizeof *runs->run, by_ranks);
}

void tw_study_runs_release(tw_study_runs *runs)
{
    for (size_t i = 0; i < runs->n; i++) tw_study_run_release(&runs->run[i]);
    free(runs->run);
    *runs = (tw_study_runs){0};
}
