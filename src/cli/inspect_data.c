/* A data file: how each data set is stored, what a training run would take, and what the values are like. */
#include "cli/inspect_data.h"
#include "cli/inspect.h"
#include "thalweg/partition.h"
#include "thalweg/probe.h"
#include "thalweg/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Compressed values that claim to be larger than this are not real: deflate reaches 1032. */
enum { MOST_RATIO = 4096 };

/* ---- storage ---- */

static void put_sizes(int rank, const uint64_t *sizes)
{
    putchar('(');
    for (int i = 0; i < rank; i++) printf("%s%" PRIu64, i ? ", " : "", sizes[i]);
    putchar(')');
}

static void put_storage(const tw_survey_entry *e)
{
    static const char *const names[] = {"contiguous", "chunks ", "compact", "in other files, not opened"};
    char bytes[TW_UNIT_LEN];
    fputs(names[e->storage], stdout);
    if (e->storage == TW_STORAGE_ELSEWHERE) return;
    if (e->storage == TW_STORAGE_CHUNKED) {
        put_sizes(e->rank, e->chunk);
        if (e->chunk_bytes) printf(" of %s", tw_units_bytes((double)e->chunk_bytes, bytes));
    }
    if (e->filters[0]) printf(", %s", e->filters);
    printf("; %s", tw_units_bytes((double)e->stored, bytes));
    if (!e->full || e->full == e->stored || e->rank == 0) return;
    printf(" for %s", tw_units_bytes((double)e->full, bytes));
    if (e->stored) printf(" (%.1f : 1)", (double)e->full / (double)e->stored);
}

static void put_entry(const tw_survey_entry *e, int width)
{
    const int length = (int)strlen(e->name);
    fputs("  ", stdout);
    tw_inspect_put(TW_INSPECT_TEXT, e->name);
    printf("%*s ", length < width ? width - length : 0, "");
    if (e->rank >= 0)
        put_sizes(e->rank, e->shape);
    else
        fputs("(?)", stdout);
    printf(" %s; ", e->type);
    put_storage(e);
    putchar('\n');
}

static void put_survey(const tw_inspect *in, const tw_survey *s)
{
    enum { WIDEST = 24, SHOWN = 60 };
    struct stat info;
    char bytes[TW_UNIT_LEN] = "?";
    size_t width = 0;
    for (size_t i = 0; i < s->count; i++) {
        const size_t length = strlen(s->entries[i].name);
        if (length > width) width = length < WIDEST ? length : WIDEST;
    }
    if (stat(in->path, &info) == 0) tw_units_bytes((double)info.st_size, bytes);
    tw_inspect_put(TW_PATH_LEN, in->path);
    fputs(": ", stdout);
    if (s->format) {
        tw_inspect_put(TW_INSPECT_TEXT, s->format);
        fputs(", ", stdout);
    }
    printf("HDF5, %s, %s%zu data set%s\n", bytes, s->more ? "more than " : "", s->count,
           s->count == 1 ? "" : "s");
    if (s->sealed)
        printf("  digest %s\n", s->edited ? "does not match: changed since it was written" : "verified");
    if (s->count) putchar('\n');
    for (size_t i = 0; i < s->count && i < SHOWN; i++) put_entry(&s->entries[i], (int)width);
    if (s->count > SHOWN) printf("  ... and %s%zu more\n", s->more ? "at least " : "", s->count - SHOWN);
}

/* ---- what training takes ---- */

static void put_roles(const tw_dataset *d, const tw_survey_entry *x)
{
    char bytes[TW_UNIT_LEN];
    const double size = (double)d->rows * (double)d->cols * (double)tw_dtype_size(d->type);
    putchar('\n');
    tw_inspect_label("features");
    tw_inspect_put(TW_INSPECT_TEXT, d->features);
    printf(": %" PRId64 " row%s of %" PRId64 " feature%s; %s in memory as %s", d->rows,
           d->rows == 1 ? "" : "s", d->cols, d->cols == 1 ? "" : "s", tw_units_bytes(size, bytes),
           tw_dtype_name(d->type));
    if (x && strcmp(x->type, tw_dtype_name(d->type)) != 0) printf(" (%s in the file)", x->type);
    putchar('\n');
    tw_inspect_label("labels");
    tw_inspect_put(TW_INSPECT_TEXT, d->labels[0] ? d->labels : "none");
    putchar('\n');
    tw_inspect_label("weights");
    tw_inspect_put(TW_INSPECT_TEXT, d->weights[0] ? d->weights : "none: every row counts 1");
    putchar('\n');
}

static void put_share(const tw_partition *p, double row)
{
    char bytes[TW_UNIT_LEN];
    int64_t least = INT64_MAX, most = 0;
    int idle = 0;
    for (int r = 0; r < p->size; r++) {
        const int64_t rows = tw_partition_shard(p, r + 1) - tw_partition_shard(p, r);
        idle += rows == 0;
        if (rows && rows < least) least = rows;
        if (rows > most) most = rows;
    }
    printf("%2d: %" PRId64, p->size, least);
    if (least != most) printf(" to %" PRId64, most);
    printf(" row%s%s, %s", most == 1 ? "" : "s", p->size > 1 ? " each" : "",
           tw_units_bytes((double)most * row, bytes));
    if (idle) printf("; %d rank%s no rows", idle, idle == 1 ? " has" : "s have");
    putchar('\n');
}

/* What ranks hold by the rule for groups, reduction.groups: 0. */
static tw_status put_ranks(const tw_dataset *d)
{
    static const int sizes[] = {1, 4, 16};
    const double row =
        (double)d->cols * (double)tw_dtype_size(d->type) + (d->labels[0] ? 8 : 0) + (d->weights[0] ? 8 : 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        tw_partition p;
        TW_TRY(tw_partition_init(&p, d->rows, 0, sizes[i]));
        if (i == 0) {
            tw_inspect_label("groups");
            printf("%" PRId64 " group%s of rows, so at most %" PRId64 " rank%s can work\n", p.groups,
                   p.groups == 1 ? "" : "s", p.groups, p.groups == 1 ? "" : "s");
        }
        tw_inspect_label(i ? "" : "ranks");
        put_share(&p, row);
        tw_partition_release(&p);
    }
    return TW_OK;
}

/* ---- notes ---- */

static void note_chunks(const tw_dataset *d, const tw_survey_entry *x)
{
    enum { HUGE = 64 << 20, TINY = 4 << 10 };
    char bytes[TW_UNIT_LEN];
    const char *const advice = "; h5repack -l FEATURES:CHUNK=ROWSxCOLUMNS changes that";
    if (x->chunk[1] < (uint64_t)d->cols) {
        tw_inspect_label("note");
        printf("the chunks of the features are not whole rows, so reading them takes longer%s\n", advice);
    }
    if (x->chunk_bytes > HUGE && x->chunk[0] > 1) {
        tw_inspect_label("note");
        printf("a chunk of the features is %s, and every rank decodes whole chunks, even for one row%s\n",
               tw_units_bytes((double)x->chunk_bytes, bytes), advice);
    }
    if (x->chunk_bytes < TINY && x->full > 1000 * x->chunk_bytes) {
        tw_inspect_label("note");
        printf("the chunks of the features are tiny (%s), so reading them takes longer%s\n",
               tw_units_bytes((double)x->chunk_bytes, bytes), advice);
    }
}

static tw_status put_training(const tw_inspect *in, const tw_survey *s)
{
    tw_dataset *const d = malloc(sizeof *d);
    if (!d) return tw_fail(TW_MEMORY, "out of memory for the description of %s", in->path);
    tw_status status = tw_dataset_open(d, in->path, &in->names, NULL);
    const bool named = in->names.features || in->names.labels || in->names.weights;
    if (status == TW_DATA && !named) {
        putchar('\n');
        tw_inspect_label("training");
        fputs("would refuse it: ", stdout);
        tw_inspect_put_line(TW_INSPECT_SENTENCE, tw_status_message());
        putchar('\n');
        status = TW_OK;
    } else if (status == TW_OK) {
        const tw_survey_entry *const x = tw_survey_find(s, d->features);
        const bool real = !x || x->full / MOST_RATIO <= x->stored;
        put_roles(d, x);
        status = put_ranks(d);
        if (x && x->storage == TW_STORAGE_CHUNKED) note_chunks(d, x);
        if (!real) {
            tw_inspect_label("note");
            printf("most values of the features were never written; none were read\n");
        }
        if (status == TW_OK && real && !in->structure) {
            tw_probe_expect(4 * ((x ? x->full : 0) + 16 * (uint64_t)d->rows));
            status = tw_inspect_put_values(d, s);
        }
    }
    free(d);
    return status;
}

/* Predictions, checkpoints and the like say so, and nobody trains on them by chance. */
static bool may_train(const tw_inspect *in, const tw_survey *s)
{
    return in->names.features || (!s->sealed && (!s->format || strcmp(s->format, "thalweg data set") == 0));
}

tw_status tw_inspect_data(const tw_inspect *in, const char *kind)
{
    tw_survey survey;
    TW_TRY(tw_survey_read(&survey, in->path, kind));
    tw_status status = TW_OK;
    if (survey.format && strcmp(survey.format, "thalweg model") == 0) {
        status = tw_inspect_model(in->path);
    } else {
        put_survey(in, &survey);
        if (may_train(in, &survey)) status = put_training(in, &survey);
    }
    tw_survey_release(&survey);
    return status;
}
