#include "train/run_state.h"

#include "thalweg/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAIL_BYTES = 65536, STATUS_BYTES = 4096, SUMMARY_BYTES = 1 << 24 };

static const char *inside(const tw_run_state *s, const char *name, char path[TW_PATH_LEN + 64])
{
    return tw_run_folder_file(&s->folder, name, TW_PATH_LEN + 64, path);
}

static tw_status check_is_run(const tw_run_state *s)
{
    static const char *const names[] = {"status", "metrics.jsonl", "summary.json", "config.resolved.yaml"};
    char path[TW_PATH_LEN + 64];
    DIR *const opened = opendir(s->folder.path);
    if (!opened)
        return tw_fail(errno == ENOMEM ? TW_MEMORY : TW_INPUT, "cannot open %s: %s", s->folder.path,
                       strerror(errno));
    closedir(opened);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (access(inside(s, names[i], path), F_OK) == 0) return TW_OK;
    return tw_fail(
        TW_DATA,
        "%s is a folder, but not of a run: it holds no status, metrics.jsonl or summary.json; name "
        "a file, or the output.dir of a run",
        s->folder.path);
}

/* ---- status and lock ---- */

/* The value behind "key=", up to a blank. */
static void value_of(const char *line, const char *key, size_t length, char *value)
{
    const char *at = strstr(line, key);
    at = at ? at + strlen(key) : "";
    snprintf(value, length, "%.*s", (int)strcspn(at, " \r\n"), at);
}

static tw_status read_status(tw_run_state *s)
{
    char path[TW_PATH_LEN + 64], number[32], *text = NULL;
    size_t size;
    const tw_status status = tw_file_read(inside(s, "status", path), STATUS_BYTES, &text, &size);
    if (status) return status == TW_MEMORY ? status : TW_OK;
    s->status = true;
    snprintf(s->line, sizeof s->line, "%.*s", (int)strcspn(text, "\r\n"), text);
    value_of(text, "state=", sizeof s->state, s->state);
    value_of(text, "checkpoint=", sizeof s->checkpoint, s->checkpoint);
    if (strcmp(s->checkpoint, "none") == 0) s->checkpoint[0] = 0;
    value_of(text, "code=", sizeof number, number);
    s->code = (int)strtol(number, NULL, 10);
    value_of(text, "iteration=", sizeof number, number);
    s->iteration = strtol(number, NULL, 10);
    free(text);
    return TW_OK;
}

/* A shared lock for an instant; nothing is written. */
static void look_at_lock(tw_run_state *s)
{
    char path[TW_PATH_LEN + 64];
    const int fd = open(inside(s, "lock", path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return;
    s->locked = true;
    s->live = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    const ssize_t got = pread(fd, s->holder, sizeof s->holder - 1, 0);
    s->holder[got > 0 ? got : 0] = 0;
    close(fd);
}

/* ---- summary and metrics ---- */

static tw_status read_summary(tw_run_state *s)
{
    char path[TW_PATH_LEN + 64], *text;
    size_t size;
    const tw_status status = tw_file_read(inside(s, "summary.json", path), SUMMARY_BYTES, &text, &size);
    if (status) return status == TW_MEMORY ? status : TW_OK;
    s->summed = true;
    s->summary = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    if (json_is_object(s->summary)) return TW_OK;
    json_decref(s->summary);
    s->summary = NULL;
    return TW_OK;
}

/* The last bytes of a file, ended by a zero; how many, or -1. */
static ssize_t read_tail(const char *path, char tail[TAIL_BYTES + 1])
{
    struct stat info;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return -1;
    const bool regular = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    const off_t from = regular && info.st_size > TAIL_BYTES ? info.st_size - TAIL_BYTES : 0;
    const ssize_t got = regular ? pread(fd, tail, TAIL_BYTES, from) : -1;
    close(fd);
    tail[got > 0 ? got : 0] = 0;
    return got;
}

/* The last line that is an object; one that is being written is not. */
static json_t *last_row(char *tail, size_t length)
{
    while (length > 0) {
        char *const end = memrchr(tail, '\n', length);
        if (!end) return NULL;
        *end = 0;
        length = (size_t)(end - tail);
        const char *const before = memrchr(tail, '\n', length), *const line = before ? before + 1 : tail;
        json_t *const row = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        if (json_is_object(row)) return row;
        json_decref(row);
    }
    return NULL;
}

static tw_status read_row(tw_run_state *s)
{
    char path[TW_PATH_LEN + 64];
    char *const tail = malloc(TAIL_BYTES + 1);
    if (!tail) return tw_fail(TW_MEMORY, "out of memory for the end of metrics.jsonl");
    const ssize_t got = read_tail(inside(s, "metrics.jsonl", path), tail);
    s->logged = got >= 0;
    if (got > 0) s->row = last_row(tail, (size_t)got);
    free(tail);
    return TW_OK;
}

tw_status tw_run_state_read(tw_run_state *s, const char *path)
{
    *s = (tw_run_state){.folder.lock = -1};
    if (snprintf(s->folder.path, sizeof s->folder.path, "%s", path) >= (int)sizeof s->folder.path)
        return tw_fail(TW_INPUT, "the path of the folder is longer than %d bytes", TW_PATH_LEN);
    TW_TRY(check_is_run(s));
    TW_TRY(read_status(s));
    look_at_lock(s);
    TW_TRY(read_summary(s));
    return read_row(s);
}

void tw_run_state_release(tw_run_state *s)
{
    json_decref(s->summary);
    json_decref(s->row);
    s->summary = s->row = NULL;
}
