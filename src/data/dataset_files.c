/* Several files as one data set: names and patterns to paths, and what all must have in common. */
#include "data/dataset_files.h"

#include "data/narrow.h"
#include "thalweg/kernels.h"

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- which files ---- */

typedef struct {
    char **path; /* owned */
    size_t count, room;
} paths;

static void release(paths *p)
{
    for (size_t i = 0; i < p->count; i++) free(p->path[i]);
    free(p->path);
    *p = (paths){0};
}

static tw_status add(paths *p, size_t size, const char *path)
{
    if (p->count == p->room) {
        const size_t room = p->room ? 2 * p->room : 8;
        char **more = realloc(p->path, room * sizeof *more);
        if (!more) return tw_fail(TW_MEMORY, "out of memory for %zu paths of data files", room);
        p->path = more;
        p->room = room;
    }
    char *copy = strndup(path, size);
    if (!copy) return tw_fail(TW_MEMORY, "out of memory for the path of a data file");
    p->path[p->count++] = copy;
    return TW_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static tw_status add_matches(paths *p, const char *pattern)
{
    glob_t found = {0};
    const int result = glob(pattern, GLOB_NOSORT, NULL, &found);
    tw_status status = TW_OK;
    if (result == GLOB_NOSPACE) status = tw_fail(TW_MEMORY, "out of memory for the paths of data files");
    if (result == GLOB_NOMATCH || result == GLOB_ABORTED)
        status = tw_fail(TW_INPUT, "no file has a name like '%s'", pattern);
    if (status == TW_OK) qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, by_bytes);
    for (size_t i = 0; status == TW_OK && i < found.gl_pathc; i++)
        status = add(p, strlen(found.gl_pathv[i]), found.gl_pathv[i]);
    globfree(&found);
    return status;
}

/* A file whose own name has a star is itself. */
static tw_status take_paths(paths *p, const char *text)
{
    for (const char *at = text; *at;) {
        const size_t size = strcspn(at, "\n");
        TW_TRY(add(p, size, at));
        char *item = p->path[p->count - 1];
        if (strpbrk(item, "*?[") && access(item, F_OK) != 0) {
            p->count--;
            const tw_status status = add_matches(p, item);
            free(item);
            TW_TRY(status);
        }
        at += size + (at[size] == '\n');
    }
    return p->count > 0 ? TW_OK : tw_fail(TW_INPUT, "no data file is named");
}

static double bytes_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) ? (double)info.st_size : 0;
}

double tw_dataset_bytes(const char *path)
{
    paths p = {0};
    double bytes = 0;
    if (!strpbrk(path, "\n*?[")) return bytes_of(path);
    const tw_status status = take_paths(&p, path);
    for (size_t i = 0; status == TW_OK && i < p.count; i++) bytes += bytes_of(p.path[i]);
    release(&p);
    return bytes;
}

/* ---- what they have in common ---- */

static tw_status compare_names(const char *first, const char *other, const char *name)
{
    size_t n, m;
    char **a, **b = NULL;
    TW_TRY(tw_dataset_strings(first, name, &n, &a));
    const tw_status read = tw_dataset_strings(other, name, &m, &b);
    tw_status status = read;
    if (read == TW_OK && (!a != !b || (a && n != m)))
        status = tw_fail(TW_DATA, "%s and %s cannot be one data set: %s differs", first, other, name);
    for (size_t i = 0; status == TW_OK && a && i < n; i++)
        if (strcmp(a[i], b[i]) != 0)
            status = tw_fail(TW_DATA, "%s and %s cannot be one data set: %s differs, '%s' and '%s'", first,
                             other, name, a[i], b[i]);
    free(b);
    free(a);
    return status;
}

static tw_status compare(const tw_dataset *d, const tw_dataset *other)
{
    if (other->cols != d->cols)
        return tw_fail(TW_DATA, "%s has %lld features, %s has %lld: they cannot be one data set", d->path,
                       (long long)d->cols, other->path, (long long)other->cols);
    if (other->stored != d->stored)
        return tw_fail(TW_DATA, "the features of %s are %s, those of %s %s: they cannot be one data set",
                       d->path, tw_dtype_name(d->stored), other->path, tw_dtype_name(other->stored));
    if (strcmp(other->weights, d->weights) != 0)
        return tw_fail(TW_DATA, "%s has the weights '%s', %s has %s%s%s: they cannot be one data set",
                       d->weights[0] ? d->path : other->path, d->weights[0] ? d->weights : other->weights,
                       d->weights[0] ? other->path : d->path, other->weights[0] && d->weights[0] ? "'" : "",
                       other->weights[0] && d->weights[0] ? other->weights : "none",
                       other->weights[0] && d->weights[0] ? "'" : "");
    if (other->words != d->words)
        return tw_fail(TW_DATA, "the labels of %s are %s, those of %s %s: they cannot be one data set",
                       d->path, d->words ? "words" : "numbers", other->path,
                       other->words ? "words" : "numbers");
    if (d->rows > INT64_MAX / 16 / d->cols - other->rows)
        return tw_fail(TW_DATA, "%s and %s claim an impossible size together", d->path, other->path);
    TW_TRY(compare_names(d->path, other->path, "/feature_names"));
    return compare_names(d->path, other->path, "/classes");
}

static void note_file(tw_dataset *d, size_t f, const tw_dataset *one)
{
    tw_dataset_file *file = &d->file[f];
    memcpy(file->path, one->path, sizeof file->path);
    file->first = f ? d->file[f - 1].first + d->file[f - 1].rows : 0;
    file->rows = one->rows;
    file->chunk_rows = one->chunk_rows;
    file->offset = one->offset;
    file->compressed = one->compressed;
}

static tw_status open_all(tw_dataset *d, const paths *p, const tw_dataset_names *names, const char **wrong)
{
    TW_TRY(tw_dataset_open_one(d, p->path[0], names, wrong));
    if (p->count == 1) return TW_OK;
    d->file = calloc(p->count, sizeof *d->file);
    if (!d->file) return tw_fail(TW_MEMORY, "out of memory for %zu data files", p->count);
    d->files = p->count;
    note_file(d, 0, d);
    const tw_dataset_names same = {.features = d->features,
                                   .labels = d->labels[0] ? d->labels : NULL,
                                   .weights = d->weights[0] ? d->weights : NULL,
                                   .need_labels = names->need_labels};
    for (size_t f = 1; f < p->count; f++) {
        tw_dataset one;
        TW_TRY(tw_dataset_open_one(&one, p->path[f], &same, wrong));
        *wrong = NULL;
        TW_TRY(compare(d, &one));
        note_file(d, f, &one);
        d->rows += one.rows;
        d->compressed |= one.compressed;
    }
    return TW_OK;
}

tw_status tw_dataset_open(tw_dataset *d, const char *path, const tw_dataset_names *names,
                          const char **wrong_key)
{
    const char *unused, **wrong = wrong_key ? wrong_key : &unused;
    paths p = {0};
    *d = (tw_dataset){.files = 1};
    *wrong = NULL;
    tw_status status = take_paths(&p, path);
    if (status == TW_OK) status = open_all(d, &p, names, wrong);
    if (status) tw_dataset_release(d);
    release(&p);
    return status;
}

void tw_dataset_release(tw_dataset *d)
{
    free(d->file);
    d->file = NULL;
    d->files = 1;
}

tw_status tw_dataset_share(tw_dataset *d, tw_comm *comm)
{
    tw_dataset_file *const own = d->file;
    TW_TRY(tw_comm_bcast(comm, 0, d, sizeof *d));
    if (!d->file) return TW_OK;
    d->file = own ? own : calloc(d->files, sizeof *d->file);
    TW_TRY(tw_comm_agree(comm,
                         d->file ? TW_OK : tw_fail(TW_MEMORY, "out of memory for %zu data files", d->files)));
    return tw_comm_bcast(comm, 0, d->file, d->files * sizeof *d->file);
}

/* -999.9 of a file of f32 is the nearest float. What the type cannot hold equals nothing in the file. */
static double as_stored(tw_dtype type, double marker)
{
    double narrow, value = marker;
    if (tw_narrow(type, 1, &marker, &narrow) == 1) tw_kernels_get()->widen(type, 1, &narrow, &value);
    return value;
}

void tw_dataset_keep(tw_dataset *d, const tw_dtype *type, tw_missing missing, double marker)
{
    d->missing = missing;
    d->marked = !isnan(marker);
    const bool whole = d->stored == TW_u8 || d->stored == TW_i8 || d->stored == TW_i16;
    d->marker = whole ? marker : as_stored(d->stored, marker);
    d->type = type ? *type : d->stored;
    if (!type && d->marked && whole) d->type = TW_f32;
}

tw_dataset tw_dataset_part(const tw_dataset *d, size_t f, int64_t *first)
{
    tw_dataset one = *d;
    one.files = 1;
    one.file = NULL;
    *first = 0;
    if (!d->file) return one;
    const tw_dataset_file *file = &d->file[f];
    memcpy(one.path, file->path, sizeof one.path);
    one.rows = file->rows;
    one.chunk_rows = file->chunk_rows;
    one.offset = file->offset;
    one.compressed = file->compressed;
    *first = file->first;
    return one;
}
