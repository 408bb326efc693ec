/* From a row of cells to a row of /X: runs of numbers, and a 1 among zeros for each category. */
#include "data/csv.h"
#include "data/narrow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t count_runs(const tw_csv_table *t)
{
    size_t n = 0;
    for (size_t c = 0; c < t->cols; c++)
        n += t->role[c] == TW_CSV_FEATURE && (c == 0 || t->role[c - 1] != TW_CSV_FEATURE);
    return n;
}

static void release_categories(tw_csv_table *t)
{
    for (size_t k = 0; k < t->n_hot; k++) tw_label_set_release(&t->hot[k].set);
    t->n_hot = 0;
}

static void place(tw_csv_table *t)
{
    size_t hot = 0;
    t->n_runs = t->features = 0;
    for (size_t c = 0; c < t->cols; c++) {
        if (t->role[c] == TW_CSV_ONE_HOT) {
            tw_csv_categories *const h = &t->hot[hot++];
            h->column = c;
            h->first = t->features;
            t->features += h->set.count;
        } else if (t->role[c] == TW_CSV_FEATURE) {
            if (c == 0 || t->role[c - 1] != TW_CSV_FEATURE)
                t->run[t->n_runs++] = (tw_csv_run){.column = c, .first = t->features};
            t->run[t->n_runs - 1].count++;
            t->features++;
        }
    }
}

tw_status tw_csv_lay_out(tw_csv_table *t, bool keep)
{
    if (!keep) {
        size_t n = 0;
        release_categories(t);
        free(t->hot);
        free(t->run);
        for (size_t c = 0; c < t->cols; c++) n += t->role[c] == TW_CSV_ONE_HOT;
        t->hot = calloc(n + 1, sizeof *t->hot);
        t->run = calloc(count_runs(t) + 1, sizeof *t->run);
        if (!t->hot || !t->run) return tw_fail(TW_MEMORY, "out of memory for the columns of %s", t->path);
        t->n_hot = n;
    }
    place(t);
    return TW_OK;
}

static tw_status misfit(const tw_csv_table *t, const tw_csv_row *row, size_t column, tw_dtype type)
{
    char why[128];
    tw_csv_cell cell;
    if (row->kind[column] == TW_CELL_MISSING)
        snprintf(why, sizeof why, "is missing, and %s has no NaN; use a float type", tw_dtype_name(type));
    else
        snprintf(why, sizeof why, "does not fit %s (%s)", tw_dtype_name(type), tw_narrow_range(type));
    tw_csv_cell_take(row->at[column], t->separator, &cell);
    return tw_csv_fail(t, row, column, &cell, why);
}

tw_status tw_csv_store_numbers(const tw_csv_table *t, const tw_csv_row *row, tw_dtype type, void *out)
{
    for (size_t k = 0; k < t->n_runs; k++) {
        const tw_csv_run *const r = &t->run[k];
        const size_t good =
            tw_narrow(type, r->count, row->value + r->column, (char *)out + r->first * tw_dtype_size(type));
        if (good < r->count) return misfit(t, row, r->column + good, type);
    }
    return TW_OK;
}

tw_status tw_csv_store(const tw_csv_table *t, const tw_csv_row *row, void *out)
{
    static const double one = 1;
    const size_t size = tw_dtype_size(t->x_type);
    TW_TRY(tw_csv_store_numbers(t, row, t->x_type, out));
    for (size_t k = 0; k < t->n_hot; k++) {
        const tw_csv_categories *const h = &t->hot[k];
        const tw_csv_cell *const cell = &row->cell[h->column];
        char *const to = (char *)out + h->first * size;
        memset(to, 0, h->set.count * size);
        if (row->kind[h->column] == TW_CELL_MISSING) continue;
        const size_t code = tw_label_set_find(&h->set, cell->size, cell->text);
        if (code == SIZE_MAX) return tw_csv_changed(row->path);
        if (tw_narrow(t->x_type, 1, &one, to + code * size) != 1) return tw_csv_changed(row->path);
    }
    return TW_OK;
}

/* ---- names ---- */

enum { INDEX_LEN = 24 };

static const char *name_of(const tw_csv_table *t, size_t c, char index[INDEX_LEN])
{
    snprintf(index, INDEX_LEN, "%zu", c);
    return t->names ? t->names[c] : index;
}

static size_t text_length(const tw_csv_table *t)
{
    char index[INDEX_LEN];
    size_t all = 0;
    for (size_t c = 0; c < t->cols; c++)
        if (t->role[c] == TW_CSV_FEATURE) all += strlen(name_of(t, c, index)) + 1;
    for (size_t k = 0; k < t->n_hot; k++)
        for (size_t i = 0; i < t->hot[k].set.count; i++)
            all += strlen(name_of(t, t->hot[k].column, index)) + strlen(t->hot[k].set.word[i]) + 2;
    return all;
}

const char **tw_csv_feature_names(const tw_csv_table *t)
{
    char index[INDEX_LEN];
    const size_t length = text_length(t);
    const char **const names = malloc(t->features * sizeof *names + length);
    char *text = names ? (char *)(names + t->features) : NULL, *const end = text + length;
    if (!names) return NULL;
    for (size_t k = 0; k < t->n_runs; k++)
        for (size_t i = 0; i < t->run[k].count; i++) {
            names[t->run[k].first + i] = text;
            text += snprintf(text, (size_t)(end - text), "%s", name_of(t, t->run[k].column + i, index)) + 1;
        }
    for (size_t k = 0; k < t->n_hot; k++)
        for (size_t i = 0; i < t->hot[k].set.count; i++) {
            names[t->hot[k].first + i] = text;
            text += snprintf(text, (size_t)(end - text), "%s=%s", name_of(t, t->hot[k].column, index),
                             t->hot[k].set.word[i]) +
                    1;
        }
    return names;
}
