/* A run folder, whoever is writing in it: what its status, summary and last row of metrics say, and what lies
 * there. */
#include "cli/inspect.h"
#include "thalweg/units.h"
#include "train/run_state.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHOWN_FILES = 50, SHOWN_NAME = 60 };

/* ---- status and lock ---- */

static void put_state(const tw_run_state *s)
{
    tw_inspect_label("state");
    if (!s->status) {
        puts("not known: there is no status file");
        return;
    }
    tw_inspect_put_line(TW_INSPECT_TEXT, s->line);
    if (s->code > 0 && s->code < 256) printf(" (%s)", tw_status_text((tw_status)s->code));
    putchar('\n');
}

static void put_stop(const tw_run_folder *folder)
{
    char path[TW_PATH_LEN + 64];
    if (access(tw_run_folder_file(folder, "STOP", sizeof path, path), F_OK) != 0) return;
    tw_inspect_label("STOP");
    puts("the file is there: a run in this folder saves its state and ends, now or at its first iteration");
}

static void put_live(const tw_run_state *s)
{
    tw_inspect_label("live");
    if (!s->locked) {
        puts("no");
        return;
    }
    fputs(s->live ? "yes: " : "no, it was killed: the lock is left from ", stdout);
    tw_inspect_put_line(TW_INSPECT_TEXT, s->holder[0] ? s->holder : "an unknown process");
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

static void put_summary(const tw_run_state *s)
{
    const char *const reason = json_string_value(json_object_get(s->summary, "reason"));
    const char *const verdict = json_string_value(json_object_get(s->summary, "verdict"));
    if (!s->summed) return;
    tw_inspect_label("stopped");
    if (s->summary) {
        tw_inspect_put(TW_INSPECT_TEXT, reason ? reason : "for a reason that summary.json does not tell");
        fputs(verdict ? ": " : "", stdout);
        tw_inspect_put(TW_INSPECT_SENTENCE, verdict ? verdict : "");
        putchar('\n');
        tw_inspect_label("");
        put_number(s->summary, "iterations", "iterations ");
        put_number(s->summary, "loss", ", loss ");
        put_number(s->summary, "gradient_norm", ", gradient norm ");
        put_number(s->summary, "seconds", ", seconds ");
        put_number(s->summary, "ranks", ", ranks ");
    } else {
        fputs("not known: summary.json is no JSON", stdout);
    }
    putchar('\n');
}

static void put_last_row(const tw_run_state *s)
{
    tw_inspect_label("last row");
    if (s->row) {
        put_number(s->row, "iteration", "iteration ");
        put_number(s->row, "loss", ", loss ");
        put_number(s->row, "gradient_norm", ", gradient norm ");
        put_number(s->row, "step_length", ", step ");
        put_number(s->row, "taylor_ratio", ", taylor ");
        put_number(s->row, "seconds", ", seconds ");
        putchar('\n');
    } else {
        puts(s->logged ? "none yet in metrics.jsonl" : "none: there is no metrics.jsonl");
    }
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

tw_status tw_inspect_folder(const char *path)
{
    tw_run_state s;
    tw_status status = tw_run_state_read(&s, path);
    if (status == TW_OK) {
        tw_inspect_put(TW_PATH_LEN, path);
        fputs(": run folder\n\n", stdout);
        put_state(&s);
        put_live(&s);
        put_stop(&s.folder);
        put_summary(&s);
        put_last_row(&s);
        tw_inspect_checkpoints(path);
        status = put_files(&s.folder);
    }
    tw_run_state_release(&s);
    return status;
}
