/* runs.c -- all runs of a study, one after the other: repeats interleaved, so that a machine that changes
 * while it is measured changes all numbers of ranks alike. */
#include "scale/process.h"
#include "scale/scale.h"

#include "thalweg/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TAIL_BYTES = 1500, TAIL_LINES = 8, LOG_LEN = TW_PATH_LEN + 128 };

typedef struct {
    const tw_scale *scale;
    bool given_up[TW_STUDY_MOST]; /* numbers of ranks that failed */
    bool warned;
    int todo, done, failed;
    tw_status first; /* failure */
} progress;

/* ---- what people see ---- */

const char *tw_scale_label(const tw_scale *s, int ranks, int k, size_t length, char *text)
{
    snprintf(text, length, "%-6s %4d rank%s  run %d of %d", tw_study_mode_name(s->study.mode), ranks,
             ranks == 1 ? " " : "s", k, s->study.repeat);
    return text;
}

void tw_scale_print_tail(const char *log)
{
    char text[TAIL_BYTES + 1];
    FILE *file = fopen(log, "re");
    if (!file) return;
    if (fseek(file, -TAIL_BYTES, SEEK_END) != 0) rewind(file);
    size_t size = fread(text, 1, TAIL_BYTES, file);
    fclose(file);
    while (size > 0 && text[size - 1] == '\n') size--;
    text[size] = 0;
    const char *from = text + size;
    for (int lines = 0; from > text && (from[-1] != '\n' || ++lines < TAIL_LINES);) from--;
    for (const char *line = from; *line; line += strcspn(line, "\n"), line += *line == '\n')
        fprintf(stderr, "    %.*s\n", (int)strcspn(line, "\n"), line);
}

static void print_result(const progress *p, int ranks, int k, const tw_scale_result *r, const char *how)
{
    char label[64], rate[64] = "";
    if (p->scale->quiet) return;
    if (r->count > 0) snprintf(rate, sizeof rate, "%.4g s/iteration", r->rate);
    printf("%s   %-20s   %s\n", tw_scale_label(p->scale, ranks, k, sizeof label, label), rate, how);
    fflush(stdout);
}

static void warn_about(progress *p, int ranks, int k, const tw_scale_result *r)
{
    const tw_scale *s = p->scale;
    char label[64];
    tw_scale_label(s, ranks, k, sizeof label, label);
    if (!s->batch && r->iterations < s->study.iterations)
        fprintf(stderr, "thalweg: warning: %s ended by itself after %ld of %ld iterations: %s\n", label,
                r->iterations, s->study.iterations, r->reason);
    if (r->count > 0 && r->first > r->median * (double)r->count && !p->warned) {
        p->warned = true; /* the others will be like this one */
        fprintf(stderr,
                "thalweg: warning: %s: the first iteration took %.3g s, more than all others together; it is "
                "not counted, but more --iterations would tell more\n",
                label, r->first);
    }
}

/* ---- one command ---- */

static const char *log_path(const tw_scale *s, const char *name, int ranks, int k, char log[LOG_LEN])
{
    if (k)
        snprintf(log, LOG_LEN, "%s/logs/%s-%04d-%d.log", s->dir, name, ranks, k);
    else
        snprintf(log, LOG_LEN, "%s/logs/%s-%04d.log", s->dir, name, ranks);
    return log;
}

static tw_status judge(const tw_process_end *end, const char *what, const char *log)
{
    if (end->timed_out)
        return tw_fail(TW_WATCHDOG, "%s took longer than --max-time allows; see %s", what, log);
    if (end->code == 0 || end->code == TW_DIVERGED) return TW_OK;
    const bool ours = end->code >= TW_USAGE && end->code <= TW_CHECKPOINT;
    return tw_fail(ours ? (tw_status)end->code : TW_IO, "%s ended with code %d; see %s", what, end->code,
                   log);
}

/* Open MPI crashes now and then while it connects: such a start is tried once more. */
static tw_status train(const tw_scale *s, int ranks, int k, const char *log, tw_process_end *end)
{
    tw_argv words = {0};
    tw_scale_result result;
    tw_scale_train_words(s, ranks, k, &words);
    tw_status status = tw_scale_clear(s, ranks, k);
    if (status == TW_OK) status = tw_process_run(&words, log, s->limit, end);
    if (status == TW_OK) tw_scale_result_read(s, ranks, k, &result);
    if (status == TW_OK && end->code > 128 && !end->timed_out && !result.done) {
        status = tw_scale_clear(s, ranks, k);
        if (status == TW_OK) status = tw_process_run(&words, log, s->limit, end);
    }
    tw_argv_release(&words);
    return status;
}

static tw_status run_one(progress *p, int ranks, int k)
{
    const tw_scale *s = p->scale;
    char log[LOG_LEN], label[64];
    tw_scale_result result;
    tw_process_end end;
    log_path(s, tw_study_mode_name(s->study.mode), ranks, k, log);
    TW_TRY(train(s, ranks, k, log, &end));
    tw_scale_label(s, ranks, k, sizeof label, label);
    tw_scale_result_read(s, ranks, k, &result);
    if (!result.done) {
        const tw_status status = judge(&end, label, log);
        if (status) return status;
        return result.iterations
                   ? tw_fail(TW_DIVERGED, "%s ended after %ld iterations (%s): nothing to measure", label,
                             result.iterations, result.reason)
                   : tw_fail(TW_IO, "%s left no summary; see %s", label, log);
    }
    print_result(p, ranks, k, &result, "done");
    warn_about(p, ranks, k, &result);
    return TW_OK;
}

static tw_status make_data(const tw_scale *s, int ranks)
{
    char path[TW_PATH_LEN + 64], log[LOG_LEN], what[64];
    tw_argv words = {0};
    tw_process_end end;
    if (s->study.mode != TW_STUDY_WEAK) return TW_OK;
    if (access(tw_study_data_path(s->dir, ranks, sizeof path, path), F_OK) == 0) return TW_OK;
    log_path(s, "generate", ranks, 0, log);
    tw_scale_generate_words(s, ranks, &words);
    const tw_status status = tw_process_run(&words, log, s->limit, &end);
    tw_argv_release(&words);
    TW_TRY(status);
    snprintf(what, sizeof what, "generating the rows of %d ranks", ranks);
    TW_TRY(judge(&end, what, log));
    if (!s->quiet) printf("made %s: %lld rows\n", path, s->study.rows_per_rank * ranks);
    return TW_OK;
}

/* ---- all of them ---- */

static bool stops_all(tw_status status)
{
    return status == TW_STOPPED || status == TW_MEMORY || status == TW_OUTPUT || status == TW_INPUT;
}

static void tell_failure(progress *p, size_t i, int k, tw_status status)
{
    const tw_scale *s = p->scale;
    char log[LOG_LEN];
    p->given_up[i] = true;
    if (!p->failed++) p->first = status;
    fprintf(stderr, "thalweg: warning: %s\n", tw_status_message());
    tw_scale_print_tail(log_path(s, tw_study_mode_name(s->study.mode), s->study.ranks[i], k, log));
}

static tw_status visit(progress *p, size_t i, int k)
{
    const tw_scale *s = p->scale;
    const int ranks = s->study.ranks[i];
    tw_scale_result result;
    tw_scale_result_read(s, ranks, k, &result);
    if (result.done) {
        print_result(p, ranks, k, &result, "done before");
        return TW_OK;
    }
    tw_status status = make_data(s, ranks);
    if (status == TW_OK) status = run_one(p, ranks, k);
    if (status == TW_OK || stops_all(status)) return status;
    tell_failure(p, i, k, status);
    return TW_OK;
}

/* Numbers about the exchange are wanted, not needed. */
static tw_status measure_exchange(const progress *p, size_t i)
{
    const tw_scale *s = p->scale;
    const int ranks = s->study.ranks[i];
    char path[TW_PATH_LEN + 64], log[LOG_LEN];
    tw_argv words = {0};
    tw_process_end end;
    tw_study_exchange_path(s->dir, ranks, sizeof path, path);
    if (ranks < 2 || p->given_up[i] || access(path, F_OK) == 0) return TW_OK;
    log_path(s, "exchange", ranks, 0, log);
    tw_scale_exchange_words(s, ranks, &words);
    const tw_status status = tw_process_run(&words, log, s->limit, &end);
    tw_argv_release(&words);
    TW_TRY(status);
    if (end.code == 0 && access(path, F_OK) == 0) {
        if (!s->quiet) printf("exchange %2d ranks  measured\n", ranks);
    } else {
        fprintf(stderr, "thalweg: warning: the exchange of %d ranks was not measured (code %d); see %s\n",
                ranks, end.code, log);
    }
    return TW_OK;
}

static void warn_oversubscribed(const tw_scale *s)
{
    const int most = s->study.ranks[s->study.n_ranks - 1];
    if (tw_scale_oversubscribed(s, most))
        fprintf(stderr,
                "thalweg: warning: %d ranks on the %d cores of this machine share cores; such points show no "
                "speed-up\n",
                most, tw_scale_cores());
}

tw_status tw_scale_runs(const tw_scale *s)
{
    progress p = {.scale = s};
    warn_oversubscribed(s);
    for (int k = 1; k <= s->study.repeat; k++)
        for (size_t i = 0; i < s->study.n_ranks; i++)
            if (!p.given_up[i]) TW_TRY(visit(&p, i, k));
    for (size_t i = 0; s->exchange && i < s->study.n_ranks; i++) TW_TRY(measure_exchange(&p, i));
    if (!p.failed) return TW_OK;
    return tw_fail(p.first, "runs on %d of %zu numbers of ranks failed; the same command tries them again",
                   p.failed, s->study.n_ranks);
}

static tw_status print_words(tw_argv *words)
{
    const tw_status status = tw_argv_complete(words);
    if (status == TW_OK) tw_argv_print(stdout, words);
    tw_argv_release(words);
    return status;
}

tw_status tw_scale_dry_run(const tw_scale *s)
{
    tw_scale_result result;
    char path[TW_PATH_LEN + 64];
    for (size_t i = 0; s->study.mode == TW_STUDY_WEAK && i < s->study.n_ranks; i++) {
        tw_argv words = {0};
        if (access(tw_study_data_path(s->dir, s->study.ranks[i], sizeof path, path), F_OK) == 0) continue;
        tw_scale_generate_words(s, s->study.ranks[i], &words);
        TW_TRY(print_words(&words));
    }
    for (int k = 1; k <= s->study.repeat; k++)
        for (size_t i = 0; i < s->study.n_ranks; i++) {
            tw_argv words = {0};
            tw_scale_result_read(s, s->study.ranks[i], k, &result);
            if (result.done) continue;
            tw_scale_train_words(s, s->study.ranks[i], k, &words);
            TW_TRY(print_words(&words));
        }
    for (size_t i = 0; s->exchange && i < s->study.n_ranks; i++) {
        tw_argv words = {0};
        tw_study_exchange_path(s->dir, s->study.ranks[i], sizeof path, path);
        if (s->study.ranks[i] < 2 || access(path, F_OK) == 0) continue;
        tw_scale_exchange_words(s, s->study.ranks[i], &words);
        TW_TRY(print_words(&words));
    }
    return TW_OK;
}
