/* Which column is the label: as the user says, by its name, or the last. */
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

static tw_status not_found(const tw_csv_table *t, const char *wanted)
{
    char list[LIST_LEN];
    if (!t->names)
        return tw_fail(TW_USAGE,
                       "%s has no header, so --label must be an index from 0 to %zu, or negative from the "
                       "end; it is '%s'",
                       t->path, t->cols - 1, wanted);
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

/* A column of that name comes before an index. */
static tw_status find_wanted(tw_csv_table *t, const char *wanted)
{
    size_t found = 0;
    long index;
    for (size_t c = t->cols; t->names && c-- > 0;)
        if (strcmp(t->names[c], wanted) == 0) {
            t->label = c;
            found++;
        }
    if (found == 1) return TW_OK;
    if (found > 1)
        return tw_fail(TW_USAGE, "%s has %zu columns '%s'; give the index to --label", t->path, found,
                       wanted);
    if (!parse_index(wanted, &index)) return not_found(t, wanted);
    const long cols = (long)t->cols;
    if (index >= cols || index < -cols)
        return tw_fail(TW_USAGE, "%s has %ld columns, so --label must be from %ld to %ld; it is %ld", t->path,
                       cols, -cols, cols - 1, index);
    t->label = (size_t)(index < 0 ? index + cols : index);
    return TW_OK;
}

static void find_usual(tw_csv_table *t)
{
    static const char *const usual[] = {"y", "label", "target", "class"};
    t->label = t->cols - 1;
    for (size_t k = 0; t->names && k < sizeof usual / sizeof *usual; k++)
        for (size_t c = 0; c < t->cols; c++)
            if (strcasecmp(t->names[c], usual[k]) == 0) {
                t->label = c;
                return;
            }
}

tw_status tw_csv_find_label(tw_csv_table *t)
{
    if (t->options->no_label) return TW_OK;
    if (t->options->label)
        TW_TRY(find_wanted(t, t->options->label));
    else
        find_usual(t);
    if (t->cols > 1) return TW_OK;
    return tw_fail(
        TW_DATA,
        "%s has one column and so no features beside the label; give --no-label, or another --separator",
        t->path);
}
