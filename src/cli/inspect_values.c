#include "cli/inspect_values.h"

#include "data/survey.h"
#include "thalweg/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { BLOCK = 4096 };

typedef struct {
    tw_inspect_features *out;
    XXH3_state_t *hash;
    double values[BLOCK];
} reader;

static void note_special(tw_inspect_special *s, double value, int64_t row, size_t col)
{
    *(isnan(value) ? &s->nan : &s->infinite) += 1;
    if (s->row >= 0 && (s->row < row || (s->row == row && s->col < col))) return;
    s->row = row;
    s->col = col;
}

/* ---- features ---- */

static void take_piece(reader *r, int64_t row, size_t first_col, size_t count)
{
    tw_inspect_features *const f = r->out;
    for (size_t j = 0; j < count; j++) {
        const double value = r->values[j];
        const size_t col = first_col + j;
        if (!isfinite(value)) {
            note_special(&f->special, value, row, col);
            continue;
        }
        if (value < f->low[col]) f->low[col] = value;
        if (value > f->high[col]) f->high[col] = value;
    }
}

static void see_features(void *context, const tw_survey_tile *t)
{
    reader *const r = context;
    const size_t size = tw_dtype_size(t->type);
    if (t->cols != r->out->cols && t->rows != 1) r->out->digested = false;
    for (size_t i = 0; i < t->rows; i++)
        for (size_t j = 0; j < t->cols; j += BLOCK) {
            const size_t count = t->cols - j < BLOCK ? t->cols - j : BLOCK;
            tw_kernels_get()->widen(t->type, count, (const char *)t->x + (i * t->cols + j) * size, r->values);
            if (r->out->digested) XXH3_128bits_update(r->hash, r->values, count * sizeof *r->values);
            take_piece(r, t->first_row + (int64_t)i, t->first_col + j, count);
        }
}

static tw_status read_all(reader *r, const tw_dataset *d)
{
    tw_inspect_features *const f = r->out;
    XXH128_canonical_t canonical;
    for (size_t j = 0; j < f->cols; j++) {
        f->low[j] = INFINITY;
        f->high[j] = -INFINITY;
    }
    XXH3_128bits_reset(r->hash);
    TW_TRY(tw_survey_values(d->path, d->features, see_features, r));
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(r->hash));
    memcpy(f->digest, canonical.digest, sizeof f->digest);
    for (size_t j = 0; j < f->cols; j++) {
        f->constant += f->low[j] == f->high[j];
        f->empty += f->low[j] > f->high[j];
    }
    return TW_OK;
}

tw_status tw_inspect_features_read(tw_inspect_features *f, const tw_dataset *d)
{
    *f = (tw_inspect_features){.cols = (size_t)d->cols, .digested = true, .special.row = -1};
    reader *const r = malloc(sizeof *r);
    XXH3_state_t *const hash = XXH3_createState();
    f->low = malloc(f->cols * sizeof *f->low);
    f->high = malloc(f->cols * sizeof *f->high);
    tw_status status;
    if (r && hash && f->low && f->high) {
        r->out = f;
        r->hash = hash;
        status = read_all(r, d);
    } else {
        status = tw_fail(TW_MEMORY, "out of memory for the ranges of %zu features", f->cols);
    }
    XXH3_freeState(hash);
    free(r);
    return status;
}

void tw_inspect_features_release(tw_inspect_features *f)
{
    free(f->low);
    free(f->high);
    *f = (tw_inspect_features){0};
}

/* ---- labels and weights ---- */

static void count_class(tw_inspect_column *c, double value)
{
    size_t at = 0;
    while (at < c->n_classes && c->classes[at] < value) at++;
    if (at < c->n_classes && c->classes[at] == value) {
        c->counts[at]++;
        return;
    }
    c->many = c->n_classes == TW_INSPECT_CLASSES || value != floor(value);
    if (c->many) return;
    memmove(c->classes + at + 1, c->classes + at, (c->n_classes - at) * sizeof *c->classes);
    memmove(c->counts + at + 1, c->counts + at, (c->n_classes - at) * sizeof *c->counts);
    c->classes[at] = value;
    c->counts[at] = 1;
    c->n_classes++;
}

static void take_value(tw_inspect_column *c, double value, int64_t row)
{
    if (!isfinite(value)) {
        note_special(&c->special, value, row, 0);
        return;
    }
    value += 0.0; /* -0 is 0 */
    c->finite++;
    c->negative += value < 0;
    c->sum += value;
    c->whole = c->whole && value == floor(value);
    if (value < c->low) c->low = value;
    if (value > c->high) c->high = value;
    if (!c->many) count_class(c, value);
}

static void see_column(void *context, const tw_survey_tile *t)
{
    double values[BLOCK];
    const size_t size = tw_dtype_size(t->type);
    for (size_t i = 0; i < t->rows; i += BLOCK) {
        const size_t count = t->rows - i < BLOCK ? t->rows - i : BLOCK;
        tw_kernels_get()->widen(t->type, count, (const char *)t->x + i * size, values);
        for (size_t k = 0; k < count; k++) take_value(context, values[k], t->first_row + (int64_t)(i + k));
    }
}

tw_status tw_inspect_column_read(tw_inspect_column *c, const char *path, const char *name)
{
    *c = (tw_inspect_column){.special.row = -1, .low = INFINITY, .high = -INFINITY, .whole = true};
    TW_TRY(tw_survey_values(path, name, see_column, c));
    if (c->many) c->n_classes = 0;
    return TW_OK;
}
