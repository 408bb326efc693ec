/* result.c -- what a run left in its folder, and the removal of one that did not come to its end. */
#include "scale/scale.h"

#include "thalweg/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST = 1 << 26 };

static bool ended(const char *folder)
{
    static const char *const ends[] = {"state=finished", "state=diverged"};
    char path[TW_PATH_LEN + 128], line[64] = "";
    size_t size;
    snprintf(path, sizeof path, "%s/status", folder);
    if (tw_file_peek(path, sizeof line - 1, line, &size) != TW_OK) return false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (strncmp(line, ends[i], strlen(ends[i])) == 0) return true;
    return false;
}

static bool is_text(const json_t *all, const char *key, const char *text)
{
    const char *value = json_string_value(json_object_get(all, key));
    return value && strcmp(value, text) == 0;
}

/* Seconds an iteration of the slowest rank, as the report has them: the loop without reading. */
static double rate_of(const json_t *all)
{
    const json_t *accounts = json_object_get(all, "accounts"), *value;
    const double count = (double)json_integer_value(json_object_get(all, "loop_iterations"));
    double most = 0;
    for (size_t r = 0; count > 0 && r < json_array_size(accounts); r++) {
        const char *name;
        double sum = 0;
        json_object_foreach(json_object_get(json_array_get(accounts, r), "loop"), name, value)
            sum += strcmp(name, "read") == 0 ? 0 : json_number_value(value);
        if (sum / count > most) most = sum / count;
    }
    return most;
}

static void take(const tw_study *study, int ranks, const json_t *all, tw_scale_result *r)
{
    const json_t *took = json_object_get(all, "iteration_seconds");
    const char *reason = json_string_value(json_object_get(all, "reason"));
    r->done = json_integer_value(json_object_get(all, "ranks")) == ranks &&
              is_text(all, "version", study->version) && is_text(all, "git_commit", study->commit);
    r->iterations = (long)json_integer_value(json_object_get(all, "iterations"));
    r->groups = (long)json_integer_value(json_object_get(all, "groups"));
    r->rate = rate_of(all);
    r->first = json_number_value(json_object_get(took, "first"));
    r->median = json_number_value(json_object_get(took, "median"));
    r->count = (long)json_integer_value(json_object_get(took, "count"));
    snprintf(r->reason, sizeof r->reason, "%s", reason ? reason : "");
}

void tw_scale_result_read(const tw_scale *s, int ranks, int k, tw_scale_result *result)
{
    char folder[TW_PATH_LEN + 64], path[TW_PATH_LEN + 128], *bytes;
    size_t size;
    *result = (tw_scale_result){0};
    tw_study_run_path(s->dir, &s->study, ranks, k, sizeof folder, folder);
    snprintf(path, sizeof path, "%s/summary.json", folder);
    if (!ended(folder) || tw_file_read(path, LONGEST, &bytes, &size) != TW_OK) return;
    json_t *all = json_loadb(bytes, size, 0, NULL);
    free(bytes);
    if (json_is_object(all)) take(&s->study, ranks, all, result);
    json_decref(all);
    result->done = result->done && result->count > 0;
}

/* ---- removing ---- */

static bool is_live(const char *folder)
{
    char path[TW_PATH_LEN + 128];
    snprintf(path, sizeof path, "%s/lock", folder);
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) return false;
    const bool taken = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(fd);
    return taken;
}

static bool is_ours(const char *folder)
{
    char path[TW_PATH_LEN + 128];
    snprintf(path, sizeof path, "%s/status", folder);
    if (access(path, F_OK) == 0) return true;
    snprintf(path, sizeof path, "%s/lock", folder);
    return access(path, F_OK) == 0 || rmdir(folder) == 0; /* an empty one is nobody's */
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    (void)where;
    return remove(path);
}

tw_status tw_scale_clear(const tw_scale *s, int ranks, int k)
{
    char folder[TW_PATH_LEN + 64];
    struct stat info;
    tw_study_run_path(s->dir, &s->study, ranks, k, sizeof folder, folder);
    if (lstat(folder, &info) != 0) return TW_OK;
    if (!S_ISDIR(info.st_mode) || !is_ours(folder))
        return tw_fail(TW_OUTPUT, "%s is in the way and no run folder; move it", folder);
    if (is_live(folder))
        return tw_fail(TW_OUTPUT, "the run in %s is still going on; wait for it or end it", folder);
    if (nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 || access(folder, F_OK) != 0) return TW_OK;
    return tw_fail(TW_OUTPUT, "cannot remove the unfinished run %s: %s", folder, strerror(errno));
}
