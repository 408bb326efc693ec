/* Lines of LIBSVM text. Source: the README of LIBSVM (Chang and Lin), section `svm-train'; comments and qid
 * as in SVMlight (Joachims). */
#include "data/libsvm.h"

#include "data/number.h"
#include "data/printable.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static bool ends_word(char c)
{
    return c == ' ' || c == '\t' || c == 0;
}

static const char *skip_blanks(const char *p)
{
    while (*p == ' ' || *p == '\t') p++;
    return p;
}

/* ---- does it look like LIBSVM? ---- */

static const char *const blanks = " \t", *const ends = " \t\r\n#";

/* INDEX: and something behind it that has no part of another format. */
static bool is_pair(size_t size, const char *word)
{
    size_t i = size > 0 && (word[0] == '-' || word[0] == '+');
    if (size >= 4 && memcmp(word, "qid:", 4) == 0) return true;
    const size_t begin = i;
    while (i < size && is_digit(word[i])) i++;
    if (i == begin || i == size || word[i] != ':') return false;
    for (i++; i < size; i++)
        if (strchr(",;:\"|", word[i])) return false;
    return true;
}

/* Numbers, one or several. */
static bool is_label(size_t size, const char *word)
{
    for (size_t i = 0; i < size; i++)
        if (!strchr("+-.,eE0123456789", word[i])) return false;
    return size > 0;
}

static size_t word_length(size_t size, const char *text)
{
    size_t i = 0;
    while (i < size && text[i] && !strchr(ends, text[i])) i++;
    return i;
}

static size_t blank_length(size_t size, const char *text)
{
    size_t i = 0;
    while (i < size && text[i] && strchr(blanks, text[i])) i++;
    return i;
}

bool tw_libsvm_looks_like(size_t size, const char *text)
{
    size_t at = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (at < size) {
        at += blank_length(size - at, text + at);
        const size_t label = at, label_size = word_length(size - at, text + at);
        at += label_size;
        at += blank_length(size - at, text + at);
        const size_t second = word_length(size - at, text + at);
        if (second > 0) return is_pair(second, text + at);
        if (label_size > 0 && !is_label(label_size, text + label)) return false;
        const char *end = at < size ? memchr(text + at, '\n', size - at) : NULL;
        if (!end) return false;
        at = (size_t)(end - text) + 1;
    }
    return false;
}

/* ---- lines ---- */

tw_status tw_libsvm_fail(const tw_libsvm_row *row, const char *at, const char *why)
{
    return tw_fail(TW_DATA, "%s: line %llu, column %zu: %s %s", row->path, (unsigned long long)row->line,
                   (size_t)(at - row->begin) + 1, tw_printable_quote(strcspn(at, blanks), at).text, why);
}

static tw_status wrong_label(const tw_libsvm_row *row, const char *p)
{
    const size_t size = strcspn(p, blanks);
    if (memchr(p, ':', size))
        return tw_libsvm_fail(row, p,
                              "stands where a label belongs; write 0 before the pairs of rows without one");
    if (memchr(p, ',', size))
        return tw_libsvm_fail(row, p, "are several labels; thalweg trains on one label a row");
    return tw_libsvm_fail(row, p, "is no finite number; labels are numbers, such as 0, 1, -1, +1 or 2.5");
}

tw_status tw_libsvm_begin(tw_libsvm_row *row, const char *path, const tw_text_record *record, bool *more)
{
    char *const comment = memchr(record->text, '#', record->size);
    if (comment) *comment = 0;
    *row = (tw_libsvm_row){.path = path, .line = record->line, .begin = record->text, .index = -1};
    const char *const p = skip_blanks(record->text);
    *more = *p != 0;
    if (!*more) return TW_OK;
    row->at = tw_number_scan(p, &row->y, &row->y_kind);
    if (!row->at || !ends_word(*row->at) || isinf(row->y)) return wrong_label(row, p);
    row->label = p;
    row->label_size = (size_t)(row->at - p);
    return TW_OK;
}

static tw_status wrong_value(const tw_libsvm_row *row, const char *p, const char *value)
{
    const size_t size = strcspn(value, blanks);
    const size_t sign = size > 0 && (*value == '-' || *value == '+');
    double number;
    unsigned char kind;
    if (size == 0) return tw_libsvm_fail(row, p, "has no value behind its colon");
    if (strncasecmp(value + sign, "nan", 3) == 0 || strncasecmp(value + sign, "inf", 3) == 0)
        return tw_libsvm_fail(row, p,
                              "is no finite number, and training needs one; leave the pair out to mean 0");
    const char *end = tw_number_scan(value, &number, &kind);
    if (end && ends_word(*end)) return tw_libsvm_fail(row, p, "is too large for a double (1.8e308)");
    return tw_libsvm_fail(row, p, "has a value that is not a number");
}

static tw_status wrong_pair(const tw_libsvm_row *row, const char *p)
{
    if (strncmp(p, "qid:", 4) == 0)
        return tw_libsvm_fail(
            row, p,
            "groups rows for ranking, which thalweg does not train; remove it from every line "
            "(sed -E 's/ qid:[0-9]+//')");
    if (*p == '-' && is_digit(p[1])) return tw_libsvm_fail(row, p, "has a negative index");
    return tw_libsvm_fail(row, p, "is no pair INDEX:VALUE");
}

static tw_status wrong_index(const tw_libsvm_row *row, const char *p, uint64_t index)
{
    char why[160];
    if (index > TW_LIBSVM_MOST_COLUMNS)
        snprintf(why, sizeof why, "has an index beyond the %d columns that a dense result may have",
                 TW_LIBSVM_MOST_COLUMNS);
    else if ((int64_t)index == row->index)
        snprintf(why, sizeof why, "repeats the index before it; each may stand once in a line");
    else
        snprintf(why, sizeof why, "follows index %lld; indices must ascend in a line", (long long)row->index);
    return tw_libsvm_fail(row, p, why);
}

tw_status tw_libsvm_next(tw_libsvm_row *row, tw_libsvm_pair *pair, bool *more)
{
    const char *const begin = skip_blanks(row->at), *p = begin;
    uint64_t index = 0;
    *more = *p != 0;
    if (!*more) return TW_OK;
    for (; is_digit(*p); p++)
        if (index <= TW_LIBSVM_MOST_COLUMNS) index = index * 10 + (uint64_t)(*p - '0');
    if (p == begin || *p != ':') return wrong_pair(row, begin);
    if (index > TW_LIBSVM_MOST_COLUMNS || (int64_t)index <= row->index) return wrong_index(row, begin, index);
    const char *const value = p + 1;
    size_t length;
    const int whole = tw_number_short(value, &length);
    if (whole >= 0 && ends_word(value[length])) {
        pair->value = whole;
        pair->kind = TW_NUMBER_WHOLE;
        row->at = value + length;
    } else {
        row->at = tw_number_scan(value, &pair->value, &pair->kind);
        if (!row->at || !ends_word(*row->at) || isinf(pair->value)) return wrong_value(row, begin, value);
    }
    pair->index = (size_t)index;
    pair->text = begin;
    row->index = (int64_t)index;
    return TW_OK;
}
