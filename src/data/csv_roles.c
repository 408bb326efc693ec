/* What each column is for: a feature unless an option names it; the label as the user says, by its name, or
 * the last that is left. */
#include "data/csv.h"
#include "data/printable.h"
#include "thalweg/words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LIST_LEN = 1024 };

static void list_names(const tw_csv_table *t, char list[LIST_LEN])
{
    size_t at = 0;
    list[0] = 0;
    for (size_t c = 0; c < t->cols && at < LIST_LEN; c++) {
        const tw_printable name = tw_printable_quote(strlen(t->names[c]), t->names[c]);
        if (at + strlen(name.text) + 8 > LIST_LEN) {
            snprintf(list + at, LIST_LEN - at, ", ...");
            return;
        }
        at += (size_t)snprintf(list + at, LIST_LEN - at, "%s%s", c ? ", " : "", name.text);
    }
}

static tw_status not_found(const tw_csv_table *t, const char *option, const char *wanted)
{
    char list[LIST_LEN];
    if (!t->names)
        return tw_fail(TW_USAGE,
                       "%s has no header, so %s must be an index from 0 to %zu, or negative from the end; it "
                       "is '%s'; if the first line holds names, give --header",
                       t->path, option, t->cols - 1, wanted);
    list_names(t, list);
    const char *near = tw_words_nearest(wanted, t->cols, (const char *const *)t->names);
    const tw_printable nearest = near ? tw_printable_quote(strlen(near), near) : (tw_printable){""};
    return tw_fail(TW_USAGE, "%s has no column '%s'%s%s%s\n    available: %s", t->path, wanted,
                   near ? "; did you mean " : "", nearest.text, near ? "?" : "", list);
}

static bool parse_index(const char *text, long *index)
{
    char *end;
    errno = 0;
    *index = strtol(text, &end, 10);
    return errno == 0 && end > text && *end == 0;
}

/* How many columns have that name; the first of them. */
static size_t find_name(const tw_csv_table *t, const char *name, size_t *column)
{
    size_t found = 0;
    for (size_t c = t->cols; t->names && c-- > 0;)
        if (strcmp(t->names[c], name) == 0) {
            *column = c;
            found++;
        }
    return found;
}

/* A column of that name comes before an index. */
static tw_status find(const tw_csv_table *t, const char *option, const char *wanted, size_t *column)
{
    long index;
    const size_t found = find_name(t, wanted, column);
    if (found == 1) return TW_OK;
    if (found > 1)
        return tw_fail(TW_USAGE, "%s has %zu columns '%s'; give the index to %s", t->path, found, wanted,
                       option);
    if (!parse_index(wanted, &index)) return not_found(t, option, wanted);
    const long cols = (long)t->cols;
    if (index >= cols || index < -cols)
        return tw_fail(TW_USAGE, "%s has %ld columns, so %s must be from %ld to %ld; it is %ld", t->path,
                       cols, option, -cols, cols - 1, index);
    *column = (size_t)(index < 0 ? index + cols : index);
    return TW_OK;
}

static const char *const option_of[] = {
    [TW_CSV_FEATURE] = "",          [TW_CSV_LABEL] = "--label",  [TW_CSV_WEIGHT] = "--weight",
    [TW_CSV_ONE_HOT] = "--one-hot", [TW_CSV_DROPPED] = "--drop",
};

static tw_status assign(tw_csv_table *t, const char *wanted, unsigned char role, size_t *column)
{
    size_t c = 0;
    TW_TRY(find(t, option_of[role], wanted, &c));
    if (t->role[c] != TW_CSV_FEATURE && t->role[c] != role)
        return tw_fail(TW_USAGE, "column '%s' of %s is named by %s and by %s; choose one", wanted, t->path,
                       option_of[t->role[c]], option_of[role]);
    t->role[c] = role;
    if (column) *column = c;
    return TW_OK;
}

/* Names between commas; but a name with commas in it is one name. */
static tw_status assign_list(tw_csv_table *t, const char *list, unsigned char role)
{
    size_t unused;
    if (find_name(t, list, &unused) > 0) return assign(t, list, role, NULL);
    for (const char *p = list;; p++) {
        const size_t length = strcspn(p, ",");
        if (role == TW_CSV_ONE_HOT && length == 3 && memcmp(p, "all", 3) == 0) {
            t->all = true;
        } else {
            char *const name = strndup(p, length);
            if (!name) return tw_fail(TW_MEMORY, "out of memory for the columns of %s", t->path);
            const tw_status status =
                length > 0
                    ? assign(t, name, role, NULL)
                    : tw_fail(TW_USAGE, "%s must be COLUMN[,COLUMN...]; it is '%s'", option_of[role], list);
            free(name);
            TW_TRY(status);
        }
        p += length;
        if (*p == 0) return TW_OK;
    }
}

/* Of the columns that no other option has taken. */
static void find_usual(tw_csv_table *t)
{
    static const char *const usual[] = {"y", "label", "target", "class"};
    for (size_t c = 0; c < t->cols; c++)
        if (t->role[c] == TW_CSV_FEATURE) t->label = c;
    for (size_t k = sizeof usual / sizeof *usual; t->names && k-- > 0;)
        for (size_t c = t->cols; c-- > 0;)
            if (t->role[c] == TW_CSV_FEATURE && strcasecmp(t->names[c], usual[k]) == 0) t->label = c;
}

static tw_status find_label(tw_csv_table *t)
{
    if (t->options->no_label) return TW_OK;
    if (t->options->label) return assign(t, t->options->label, TW_CSV_LABEL, &t->label);
    find_usual(t);
    if (t->label != TW_CSV_NONE) t->role[t->label] = TW_CSV_LABEL;
    return TW_OK;
}

tw_status tw_csv_find_roles(tw_csv_table *t)
{
    const tw_import_options *const o = t->options;
    t->role = calloc(t->cols, 1);
    if (!t->role) return tw_fail(TW_MEMORY, "out of memory for the columns of %s", t->path);
    for (size_t i = 0; i < o->drop.count; i++) TW_TRY(assign_list(t, o->drop.text[i], TW_CSV_DROPPED));
    for (size_t i = 0; i < o->one_hot.count; i++) TW_TRY(assign_list(t, o->one_hot.text[i], TW_CSV_ONE_HOT));
    if (o->weight) TW_TRY(assign(t, o->weight, TW_CSV_WEIGHT, &t->weight));
    TW_TRY(find_label(t));
    for (size_t c = 0; c < t->cols; c++)
        if (t->role[c] == TW_CSV_FEATURE || t->role[c] == TW_CSV_ONE_HOT) return TW_OK;
    if (t->cols == 1)
        return tw_fail(
            TW_DATA,
            "%s has one column and so no features beside the label; give --no-label, or another --separator",
            t->path);
    return tw_fail(TW_USAGE, "%s: no column is left for the features; drop fewer", t->path);
}
