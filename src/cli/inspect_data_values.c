/* The values of a data file, for people. */
#include "cli/inspect.h"
#include "cli/inspect_data.h"
#include "cli/inspect_values.h"
#include "thalweg/comm.h"
#include "thalweg/units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_FEATURES = 10, SHOWN_NAME = 40, CLASSES_A_LINE = 8, WORDS_SHOWN = 96 };

/* Names of that data set, NULL unless there are so many of them (0: any number). */
static tw_status names_of(const char *path, const char *name, size_t wanted, size_t *count, char ***names)
{
    TW_TRY(tw_dataset_strings(path, name, count, names));
    if (wanted == 0 || *count == wanted) return TW_OK;
    free(*names);
    *names = NULL;
    *count = 0;
    return TW_OK;
}

static void put_special(const tw_inspect_special *s, bool columns)
{
    if (s->row < 0) {
        printf("no NaN, nothing infinite\n");
        return;
    }
    printf("%" PRIu64 " NaN, %" PRIu64 " infinite; the first in row %" PRId64, s->nan, s->infinite, s->row);
    if (columns) printf(", column %zu", s->col);
    printf(" (counted from 0)\n");
    tw_inspect_label("");
    printf("training refuses such values: remove or replace them\n");
}

/* ---- features ---- */

static void put_ranges(const tw_inspect_features *f, char **names)
{
    const size_t shown = f->cols < SHOWN_FEATURES ? f->cols : SHOWN_FEATURES;
    tw_inspect_label("");
    printf("%6s %13s %13s%s\n", "column", "minimum", "maximum", names ? "  name" : "");
    for (size_t j = 0; j < shown; j++) {
        tw_inspect_label("");
        if (f->low[j] <= f->high[j])
            printf("%6zu %13.6g %13.6g", j, f->low[j] + 0.0, f->high[j] + 0.0);
        else
            printf("%6zu %13s %13s", j, "-", "-");
        if (names) {
            fputs("  ", stdout);
            tw_inspect_put(SHOWN_NAME, names[j]);
        }
        putchar('\n');
    }
    if (shown == f->cols) return;
    tw_inspect_label("");
    printf("%6s and %zu more\n", "...", f->cols - shown);
}

static void put_range_of_all(const tw_inspect_features *f)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t j = 0; j < f->cols; j++) {
        low = fmin(low, f->low[j]);
        high = fmax(high, f->high[j]);
    }
    if (low <= high) printf("from %.6g to %.6g; ", low + 0.0, high + 0.0);
    put_special(&f->special, true);
    if (f->constant) {
        tw_inspect_label("");
        printf("%zu feature%s constant\n", f->constant, f->constant == 1 ? " is" : "s are");
    }
    if (f->empty) {
        tw_inspect_label("");
        printf("%zu feature%s no finite value at all\n", f->empty, f->empty == 1 ? " has" : "s have");
    }
}

/* Gradient descent on features of very different spread is slow: the condition number grows with its square.
 */
static void note_spread(const tw_inspect_features *f)
{
    double least = INFINITY, most = 0;
    for (size_t j = 0; j < f->cols; j++) {
        const double spread = f->high[j] - f->low[j];
        if (!(spread > 0)) continue;
        least = fmin(least, spread);
        most = fmax(most, spread);
    }
    if (!(most >= 100 * least)) return;
    tw_inspect_label("note");
    printf("the ranges of the features differ by a factor of %.2g: use data.scaling: standardize or minmax\n",
           most / least);
}

static tw_status put_features(const tw_dataset *d)
{
    tw_inspect_features f;
    char **names = NULL;
    size_t count;
    tw_status status = tw_inspect_features_read(&f, d);
    if (status == TW_OK) status = names_of(d->path, "/feature_names", f.cols, &count, &names);
    if (status == TW_OK) {
        tw_inspect_label("values");
        put_range_of_all(&f);
        put_ranges(&f, names);
        note_spread(&f);
        tw_inspect_label("digest");
        if (f.digested) printf("xxh3:");
        for (size_t i = 0; f.digested && i < sizeof f.digest; i++) printf("%02x", f.digest[i]);
        printf(f.digested ? " of the features as doubles, row by row\n"
                          : "none: the chunks do not hold the features row by row\n");
    }
    free(names);
    tw_inspect_features_release(&f);
    return status;
}

/* ---- labels and weights ---- */

/* Names belong to the labels 0, 1, 2, ... */
static const char *class_name(double value, size_t count, char **names)
{
    return value >= 0 && value < (double)count ? names[(size_t)value] : NULL;
}

static void put_classes(const tw_inspect_column *c, size_t count, char **names)
{
    printf("%zu different whole number%s (rows): ", c->n_classes, c->n_classes == 1 ? "" : "s");
    for (size_t k = 0; k < c->n_classes; k++) {
        const char *const name = class_name(c->classes[k], count, names);
        printf("%.0f ", c->classes[k]);
        if (name) {
            tw_inspect_quote(SHOWN_NAME, name);
            putchar(' ');
        }
        printf("(%" PRIu64 ")%s", c->counts[k], k + 1 < c->n_classes ? "," : "\n");
        if (k + 1 == c->n_classes) break;
        if (k % CLASSES_A_LINE == CLASSES_A_LINE - 1) {
            putchar('\n');
            tw_inspect_label("");
        } else {
            putchar(' ');
        }
    }
}

static void put_numbers(const tw_inspect_column *c)
{
    if (c->finite == 0) return;
    printf("%sfrom %.6g to %.6g, mean %.6g\n", c->whole && c->many ? "whole numbers, " : "", c->low, c->high,
           c->sum / (double)c->finite);
}

static bool is_float(const tw_survey *s, const char *name)
{
    const tw_survey_entry *const e = tw_survey_find(s, name);
    return e && (e->type[0] == 'f' || strcmp(e->type, "bf16") == 0);
}

static tw_status put_number_labels(const tw_dataset *d, const tw_survey *s)
{
    tw_inspect_column c;
    char **names;
    size_t count;
    TW_TRY(tw_inspect_column_read(&c, d->path, d->labels));
    TW_TRY(names_of(d->path, "/classes", 0, &count, &names));
    if (c.n_classes > 0) {
        tw_inspect_label("labels");
        put_classes(&c, count, names);
    }
    if (c.n_classes == 0 || is_float(s, d->labels)) {
        tw_inspect_label(c.n_classes ? "" : "labels");
        put_numbers(&c);
    }
    if (c.special.row >= 0) {
        tw_inspect_label(c.finite ? "" : "labels");
        put_special(&c.special, false);
    }
    free(names);
    return TW_OK;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Labels that are strings, with the rows of each; words is sorted. */
static void put_words(size_t count, char **words)
{
    size_t classes = 0;
    qsort(words, count, sizeof *words, by_bytes);
    for (size_t i = 0; i < count; i++) classes += i == 0 || strcmp(words[i - 1], words[i]) != 0;
    tw_inspect_label("labels");
    printf("%zu different word%s (rows): ", classes, classes == 1 ? "" : "s");
    for (size_t i = 0, end, k = 0; i < count; i = end, k++) {
        for (end = i + 1; end < count && strcmp(words[end], words[i]) == 0;) end++;
        if (k > 0) fputs(",", stdout);
        if (k > 0 && k % CLASSES_A_LINE == 0) {
            putchar('\n');
            tw_inspect_label("");
        } else if (k > 0) {
            putchar(' ');
        }
        if (k == WORDS_SHOWN) {
            printf("and %zu more", classes - k);
            break;
        }
        tw_inspect_quote(SHOWN_NAME, words[i]);
        printf(" (%zu)", end - i);
    }
    putchar('\n');
}

static tw_status put_labels(const tw_dataset *d, const tw_survey *s)
{
    char **words;
    size_t n_words;
    if (!d->words) return put_number_labels(d, s);
    TW_TRY(tw_dataset_strings(d->path, d->labels, &n_words, &words));
    if (words) put_words(n_words, words);
    free(words);
    return TW_OK;
}

static tw_status put_weights(const tw_dataset *d)
{
    tw_inspect_column c;
    TW_TRY(tw_inspect_column_read(&c, d->path, d->weights));
    tw_inspect_label("weights");
    printf("from %.6g to %.6g, sum %.6g; ", c.low, c.high, c.sum);
    put_special(&c.special, false);
    if (c.negative == 0) return TW_OK;
    tw_inspect_label("note");
    printf("%" PRIu64 " weight%s negative, which training refuses\n", c.negative,
           c.negative == 1 ? " is" : "s are");
    return TW_OK;
}

tw_status tw_inspect_put_values(const tw_dataset *d, const tw_survey *s)
{
    char took[TW_UNIT_LEN], bytes[TW_UNIT_LEN];
    const double start = tw_seconds();
    putchar('\n');
    fflush(stdout); /* reading may take a while */
    TW_TRY(put_features(d));
    if (d->labels[0]) TW_TRY(put_labels(d, s));
    if (d->weights[0]) TW_TRY(put_weights(d));
    tw_inspect_label("time");
    printf("%s of features read in %s\n",
           tw_units_bytes((double)d->rows * (double)d->cols * (double)tw_dtype_size(d->type), bytes),
           tw_units_seconds(tw_seconds() - start, took));
    return TW_OK;
}
