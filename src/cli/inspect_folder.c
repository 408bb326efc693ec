/* A run folder, whoever is writing in it: what its status, summary and last row of metrics say, and what lies
 * there. */
#include "cli/inspect.h"
#include "thalweg/file.h"
#include "thalweg/run_folder.h"
#include "thalweg/units.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAIL_BYTES = 65536, STATUS_BYTES = 4096, SUMMARY_BYTES = 1 << 24, SHOWN_FILES = 50, SHOWN_NAME = 60 };

/* ---- status and lock ---- */

static tw_status put_state(const tw_run_folder *folder)
{
    char path[TW_PATH_LEN + 64], *text = NULL, *code;
    size_t size;
    tw_inspect_label("state");
    const tw_status status =
        tw_file_read(tw_run_folder_file(folder, "status", sizeof path, path), STATUS_BYTES, &text, &size);
    if (status == TW_MEMORY) return status;
    if (status) {
        puts("not known: there is no status file");
        return TW_OK;
    }
    tw_inspect_put_line(TW_INSPECT_TEXT, text);
    code = strstr(text, "code=");
    const long value = code ? strtol(code + 5, NULL, 10) : 0;
    if (value > 0 && value < 256) printf(" (%s)", tw_status_text((tw_status)value));
    putchar('\n');
    free(text);
    return TW_OK;
}

/* A shared lock for an instant; nothing is written. */
static void put_live(const tw_run_folder *folder)
{
    char path[TW_PATH_LEN + 64], holder[256];
    const int fd =
        open(tw_run_folder_file(folder, "lock", sizeof path, path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    tw_inspect_label("live");
    if (fd < 0) {
        puts("no");
        return;
    }
    const bool live = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    const ssize_t got = pread(fd, holder, sizeof holder - 1, 0);
    holder[got > 0 ? got : 0] = 0;
    close(fd);
    fputs(live ? "yes: " : "no, it was killed: the lock is left from ", stdout);
    tw_inspect_put_line(TW_INSPECT_TEXT, holder[0] ? holder : "an unknown process");
    putchar('\n');
}

/* ---- summary and metrics ---- */

static void put_number(const json_t *object, const char *key, const char *before)
{
    const json_t *const value = json_object_get(object, key);
    if (json_is_integer(value))
        printf("%s%lld", before, (long long)json_integer_value(value));
    else if (json_is_real(value))
        printf("%s%.10g", before, json_real_value(value));
    else
        printf("%s-", before);
}

static tw_status put_summary(const tw_run_folder *folder)
{
    char path[TW_PATH_LEN + 64], *text;
    size_t size;
    const tw_status status = tw_file_read(tw_run_folder_file(folder, "summary.json", sizeof path, path),
                                          SUMMARY_BYTES, &text, &size);
    if (status) return status == TW_MEMORY ? status : TW_OK; /* there is none */
    json_t *const summary = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const char *const reason = json_string_value(json_object_get(summary, "reason"));
    const char *const verdict = json_string_value(json_object_get(summary, "verdict"));
    tw_inspect_label("stopped");
    if (summary) {
        tw_inspect_put(TW_INSPECT_TEXT, reason ? reason : "for a reason that summary.json does not tell");
        fputs(verdict ? ": " : "", stdout);
        tw_inspect_put(TW_INSPECT_SENTENCE, verdict ? verdict : "");
        putchar('\n');
        tw_inspect_label("");
        put_number(summary, "iterations", "iterations ");
        put_number(summary, "loss", ", loss ");
        put_number(summary, "gradient_norm", ", gradient norm ");
        put_number(summary, "seconds", ", seconds ");
        put_number(summary, "ranks", ", ranks ");
    } else {
        fputs("not known: summary.json is no JSON", stdout);
    }
    putchar('\n');
    json_decref(summary);
    free(text);
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

static tw_status put_last_row(const tw_run_folder *folder)
{
    char path[TW_PATH_LEN + 64];
    char *const tail = malloc(TAIL_BYTES + 1);
    if (!tail) return tw_fail(TW_MEMORY, "out of memory for the end of metrics.jsonl");
    const ssize_t got = read_tail(tw_run_folder_file(folder, "metrics.jsonl", sizeof path, path), tail);
    json_t *const row = got > 0 ? last_row(tail, (size_t)got) : NULL;
    tw_inspect_label("last row");
    if (row) {
        put_number(row, "iteration", "iteration ");
        put_number(row, "loss", ", loss ");
        put_number(row, "gradient_norm", ", gradient norm ");
        put_number(row, "step_length", ", step ");
        put_number(row, "taylor_ratio", ", taylor ");
        put_number(row, "seconds", ", seconds ");
        putchar('\n');
    } else {
        puts(got < 0 ? "none: there is no metrics.jsonl" : "none yet in metrics.jsonl");
    }
    json_decref(row);
    free(tail);
    return TW_OK;
}

/* ---- files ---- */

static int no_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static void put_file(const tw_run_folder *folder, const char *name)
{
    char path[TW_PATH_LEN + 512], bytes[TW_UNIT_LEN];
    struct stat info;
    tw_inspect_put(SHOWN_NAME, name);
    if (lstat(tw_run_folder_file(folder, name, sizeof path, path), &info) != 0)
        puts("  gone");
    else if (S_ISREG(info.st_mode))
        printf("  %s\n", tw_units_bytes((double)info.st_size, bytes));
    else
        puts(S_ISDIR(info.st_mode) ? "/" : S_ISLNK(info.st_mode) ? "  link" : "  special file");
}

static tw_status put_files(const tw_run_folder *folder)
{
    struct dirent **entries = NULL;
    const int count = scandir(folder->path, &entries, no_dots, alphasort);
    if (count < 0)
        return tw_fail(errno == ENOMEM ? TW_MEMORY : TW_INPUT, "cannot list %s: %s", folder->path,
                       strerror(errno));
    for (int i = 0; i < count; i++) {
        if (i < SHOWN_FILES) {
            tw_inspect_label(i ? "" : "files");
            put_file(folder, entries[i]->d_name);
        }
        free(entries[i]);
    }
    free(entries);
    if (count <= SHOWN_FILES) return TW_OK;
    tw_inspect_label("");
    printf("... and %d more\n", count - SHOWN_FILES);
    return TW_OK;
}

static tw_status check_is_run(const tw_run_folder *folder)
{
    static const char *const names[] = {"status", "metrics.jsonl", "summary.json", "config.resolved.yaml"};
    char path[TW_PATH_LEN + 64];
    DIR *const opened = opendir(folder->path);
    if (!opened)
        return tw_fail(errno == ENOMEM ? TW_MEMORY : TW_INPUT, "cannot open %s: %s", folder->path,
                       strerror(errno));
    closedir(opened);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (access(tw_run_folder_file(folder, names[i], sizeof path, path), F_OK) == 0) return TW_OK;
    return tw_fail(
        TW_DATA,
        "%s is a folder, but not of a run: it holds no status, metrics.jsonl or summary.json; name "
        "a file, or the output.dir of a run",
        folder->path);
}

tw_status tw_inspect_folder(const char *path)
{
    tw_run_folder folder = {.lock = -1};
    if (snprintf(folder.path, sizeof folder.path, "%s", path) >= (int)sizeof folder.path)
        return tw_fail(TW_INPUT, "the path of the folder is longer than %d bytes", TW_PATH_LEN);
    TW_TRY(check_is_run(&folder));
    tw_inspect_put(TW_PATH_LEN, path);
    fputs(": run folder\n\n", stdout);
    TW_TRY(put_state(&folder));
    put_live(&folder);
    TW_TRY(put_summary(&folder));
    TW_TRY(put_last_row(&folder));
    return put_files(&folder);
}
