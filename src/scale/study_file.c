/* study_file.c -- study.json: the question of a study, as JSON. */
#include "scale/study.h"

#include "core/json_put.h"
#include "thalweg/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1, LONGEST = 1 << 24 };

static const char *path_of(const char *dir, size_t length, char *text)
{
    snprintf(text, length, "%s/study.json", dir);
    return text;
}

/* ---- writing ---- */

static json_t *to_json(const tw_study *s)
{
    json_t *ranks = json_array();
    for (size_t i = 0; i < s->n_ranks; i++) tw_json_append(&ranks, json_integer(s->ranks[i]));
    return json_pack("{si ss ss ss ss so si sI sI ss ss ss}", "thalweg_study", FORMAT, "configuration",
                     s->config, "mode", tw_study_mode_name(s->mode), "launcher",
                     tw_study_launcher_name(s->launcher), "launcher_options", s->options, "ranks", ranks,
                     "repeat", s->repeat, "iterations", (json_int_t)s->iterations, "rows_per_rank",
                     (json_int_t)s->rows_per_rank, "version", s->version, "git_commit", s->commit, "resolved",
                     s->text ? s->text : "");
}

tw_status tw_study_write(const char *dir, const tw_study *study)
{
    char path[TW_PATH_LEN + 64];
    json_t *all = to_json(study);
    char *text = all ? json_dumps(all, JSON_INDENT(2)) : NULL;
    json_decref(all);
    if (!text)
        return tw_fail(TW_MEMORY, "out of memory for study.json, or the name of a file is no UTF-8 text");
    const tw_bytes parts[] = {{text, strlen(text)}, {"\n", 1}};
    const tw_status status = tw_file_commit(path_of(dir, sizeof path, path), 2, parts);
    free(text);
    return status;
}

/* ---- reading ---- */

static tw_status damaged(const char *path, const char *what)
{
    return tw_fail(TW_DATA, "%s is no study of thalweg: %s", path, what);
}

static bool copy(const char *from, size_t length, char *to)
{
    return from && snprintf(to, length, "%s", from) < (int)length;
}

static tw_status read_ranks(const char *path, json_t *list, tw_study *s)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_int_t ranks = json_integer_value(json_array_get(list, i));
        if (ranks < 1 || ranks > 1000000) return damaged(path, "a number of ranks is out of range");
        TW_TRY(tw_study_add_ranks(s, (int)ranks));
    }
    return s->n_ranks > 0 ? TW_OK : damaged(path, "it names no ranks");
}

static tw_status from_json(const char *path, json_t *all, tw_study *s)
{
    int format = 0;
    const char *config, *mode, *launcher, *options, *version, *commit, *text;
    json_t *ranks;
    json_int_t iterations, rows;
    json_error_t error;
    if (json_unpack_ex(all, &error, 0, "{si ss ss ss ss so si sI sI ss ss ss}", "thalweg_study", &format,
                       "configuration", &config, "mode", &mode, "launcher", &launcher, "launcher_options",
                       &options, "ranks", &ranks, "repeat", &s->repeat, "iterations", &iterations,
                       "rows_per_rank", &rows, "version", &version, "git_commit", &commit, "resolved",
                       &text) != 0)
        return damaged(path, error.text);
    if (format != FORMAT) return damaged(path, "its format is another one");
    if (!copy(config, sizeof s->config, s->config) || !copy(options, sizeof s->options, s->options) ||
        !copy(version, sizeof s->version, s->version) || !copy(commit, sizeof s->commit, s->commit))
        return damaged(path, "a text is too long");
    if (s->repeat < 1 || iterations < 1 || rows < 0) return damaged(path, "a number is out of range");
    s->mode = strcmp(mode, "weak") == 0 ? TW_STUDY_WEAK : TW_STUDY_STRONG;
    s->launcher = strcmp(launcher, "srun") == 0     ? TW_STUDY_SRUN
                  : strcmp(launcher, "sbatch") == 0 ? TW_STUDY_SBATCH
                                                    : TW_STUDY_MPIRUN;
    s->iterations = (long)iterations;
    s->rows_per_rank = rows;
    TW_TRY(read_ranks(path, ranks, s));
    s->text = strdup(text);
    return s->text ? TW_OK : tw_fail(TW_MEMORY, "out of memory for %s", path);
}

tw_status tw_study_read(const char *dir, tw_study *study)
{
    char path[TW_PATH_LEN + 64], *bytes;
    size_t size;
    json_error_t error;
    *study = (tw_study){0};
    TW_TRY(tw_file_read(path_of(dir, sizeof path, path), LONGEST, &bytes, &size));
    json_t *all = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &error);
    free(bytes);
    if (!all) return damaged(path, error.text);
    const tw_status status = from_json(path, all, study);
    json_decref(all);
    return status;
}
