/* plot_read.c -- a run folder as rows of numbers.
 *
 * The files may be those of a run that is alive, was killed, or was edited by hand: every line is checked,
 * and only a last line that was not finished is forgiven. */
#include "cli/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_LEN = 65536, SUMMARY_LEN = 1 << 24 };

typedef struct {
    const char *path;
    FILE *file;
    size_t number, length;
    bool ended, too_long; /* the line has its newline; it does not fit */
    char text[LINE_LEN];
} line;

/* A regular file only: a pipe or a device could keep us waiting. */
static FILE *open_regular(const char *path, off_t *size)
{
    struct stat st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return NULL;
    FILE *file = NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        file = fdopen(fd, "r");
    else
        errno = EINVAL;
    if (file == NULL) close(fd);
    *size = st.st_size;
    return file;
}

/* False at the end of the file. */
static bool line_next(line *l)
{
    int c;
    l->length = 0;
    l->ended = l->too_long = false;
    while ((c = getc_unlocked(l->file)) != EOF && c != '\n') {
        if (l->length < LINE_LEN)
            l->text[l->length++] = (char)c;
        else
            l->too_long = true;
    }
    l->ended = c == '\n';
    l->number += l->ended || l->length > 0;
    return l->ended || l->length > 0;
}

static bool line_is_blank(const line *l)
{
    for (size_t i = 0; i < l->length; i++)
        if (strchr(" \t\r", l->text[i]) == NULL || l->text[i] == '\0') return false;
    return true;
}

/* A number, or NaN for null and for a missing key; false for anything else. */
static bool number(const json_t *object, const char *key, double *value)
{
    const json_t *item = json_object_get(object, key);
    *value = json_is_number(item) ? json_number_value(item) : NAN;
    return item == NULL || json_is_null(item) || json_is_number(item);
}

static tw_status line_row(const line *l, tw_plot_row *row)
{
    static const char *const keys[TW_PLOT_LOGGED] = {"loss", "gradient_norm", "taylor_ratio"};
    json_error_t error;
    json_t *object = json_loadb(l->text, l->length, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(object)) {
        json_decref(object);
        return tw_fail(TW_DATA, "%s:%zu: the line is not a JSON object; remove it or restore the file",
                       l->path, l->number);
    }
    const char *key = "iteration";
    bool good = number(object, key, &row->iteration) && row->iteration >= 0;
    if (good) good = number(object, key = "seconds", &row->seconds);
    if (good) good = number(object, key = "reads", &row->reads);
    for (size_t i = 0; i < TW_PLOT_LOGGED && good; i++) good = number(object, key = keys[i], &row->value[i]);
    const bool missing = json_object_get(object, key) == NULL;
    json_decref(object);
    if (good) return TW_OK;
    return tw_fail(TW_DATA, "%s:%zu: \"%s\" is %s", l->path, l->number, key,
                   missing ? "missing" : "not a number");
}

/* A resumed run starts again at its checkpoint: what it writes again replaces what was there. */
static tw_status run_append(tw_plot_run *run, const tw_plot_row *row)
{
    while (run->n > 0 && run->row[run->n - 1].iteration >= row->iteration) run->n--;
    if (run->n == run->capacity) {
        const size_t capacity = run->capacity == 0 ? 1024 : 2 * run->capacity;
        tw_plot_row *grown = reallocarray(run->row, capacity, sizeof *grown);
        if (grown == NULL) return tw_fail(TW_MEMORY, "no memory for %zu rows", capacity);
        run->row = grown;
        run->capacity = capacity;
    }
    run->row[run->n++] = *row;
    return TW_OK;
}

static tw_status read_lines(line *l, tw_plot_run *run)
{
    while (line_next(l)) {
        tw_plot_row row;
        if (l->too_long)
            return tw_fail(TW_DATA, "%s:%zu: the line is longer than %d bytes", l->path, l->number, LINE_LEN);
        if (line_is_blank(l)) continue;
        const tw_status status = line_row(l, &row);
        if (status == TW_DATA && !l->ended) break;
        TW_TRY(status);
        TW_TRY(run_append(run, &row));
    }
    if (ferror(l->file)) return tw_fail(TW_IO, "cannot read '%s': %s", l->path, strerror(errno));
    if (run->n == 0) return tw_fail(TW_DATA, "'%s' has no rows: nothing to plot yet", l->path);
    return TW_OK;
}

static tw_status read_metrics(tw_plot_run *run)
{
    struct stat st;
    off_t size;
    char *path = NULL;
    line *l = calloc(1, sizeof *l);
    tw_status status = TW_OK;
    if (l == NULL || asprintf(&path, "%s/metrics.jsonl", run->folder) < 0) {
        free(l);
        return tw_fail(TW_MEMORY, "no memory to read '%s'", run->folder);
    }
    l->path = path;
    if (stat(run->folder, &st) != 0)
        status = tw_fail(TW_INPUT, "run folder '%s': %s", run->folder, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        status = tw_fail(TW_INPUT, "'%s' is not a folder; name the run folder", run->folder);
    else if ((l->file = open_regular(path, &size)) == NULL)
        status = tw_fail(TW_INPUT, "cannot open '%s': %s; is '%s' the folder of a run?", path,
                         strerror(errno), run->folder);
    if (status == TW_OK) status = read_lines(l, run);
    if (l->file != NULL) fclose(l->file);
    free(path);
    free(l);
    return status;
}

static char *copy_of(const json_t *summary, const char *key)
{
    const char *text = json_string_value(json_object_get(summary, key));
    return text == NULL || *text == '\0' ? NULL : strdup(text);
}

/* Only a title depends on it, so a summary that is missing or broken is no error. */
static void read_summary(tw_plot_run *run)
{
    off_t size = 0;
    char *path;
    if (asprintf(&path, "%s/summary.json", run->folder) < 0) return;
    FILE *file = open_regular(path, &size);
    json_t *summary = file != NULL && size <= SUMMARY_LEN ? json_loadf(file, 0, NULL) : NULL;
    run->reason = copy_of(summary, "reason");
    for (char *c = run->reason; c != NULL && *c != '\0'; c++) *c = *c == '_' ? ' ' : *c;
    run->configuration = copy_of(summary, "configuration");
    json_decref(summary);
    if (file != NULL) fclose(file);
    free(path);
}

/* The last part of the path, also of "." and "..". */
static char *name_of(const char *folder)
{
    const char *slash = strrchr(folder, '/');
    const char *last = slash == NULL ? folder : slash + 1;
    if (*last != '\0' && strcmp(last, ".") != 0 && strcmp(last, "..") != 0) return strdup(last);
    char *real = realpath(folder, NULL);
    slash = real == NULL ? NULL : strrchr(real, '/');
    char *name = strdup(slash == NULL || slash[1] == '\0' ? folder : slash + 1);
    free(real);
    return name;
}

tw_status tw_plot_run_read(const char *folder, tw_plot_run *run)
{
    *run = (tw_plot_run){.folder = strdup(folder)};
    if (run->folder == NULL) return tw_fail(TW_MEMORY, "no memory to read '%s'", folder);
    size_t length = strlen(run->folder);
    while (length > 1 && run->folder[length - 1] == '/') run->folder[--length] = '\0';
    run->name = name_of(run->folder);
    if (run->name == NULL) return tw_fail(TW_MEMORY, "no memory to read '%s'", folder);
    TW_TRY(read_metrics(run));
    read_summary(run);
    return TW_OK;
}

void tw_plot_run_release(tw_plot_run *run)
{
    if (run == NULL) return;
    free(run->folder);
    free(run->name);
    free(run->configuration);
    free(run->reason);
    free(run->row);
    *run = (tw_plot_run){0};
}
