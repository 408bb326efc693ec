/* compare.c -- which keys differ between two resolved configurations: those that must match when a run is
 * resumed, and those that may change.
 *
 * Values are told as the resolved copy prints them; that text reads back to the same value, so a stored copy
 * that was parsed again compares equal. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TAIL = 32 }; /* room for the number of keys left out */

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool same_value(const tw_config *a, const tw_config *b, const tw_option *row)
{
    const void *x = tw_scalar_field(a, row), *y = tw_scalar_field(b, row);
    double u, v;
    switch (row->type) {
    case TW_OPTION_SECTION: return true;
    case TW_OPTION_INTEGER: return memcmp(x, y, sizeof(int64_t)) == 0;
    case TW_OPTION_BOOLEAN: return *(const bool *)x == *(const bool *)y;
    case TW_OPTION_CHOICE: return memcmp(x, y, sizeof(int)) == 0;
    case TW_OPTION_REAL:
    case TW_OPTION_INTERVAL:
    case TW_OPTION_DURATION:
        memcpy(&u, x, sizeof u);
        memcpy(&v, y, sizeof v);
        return u == v || (isnan(u) && isnan(v));
    case TW_OPTION_WORD:
    case TW_OPTION_TEXT:
    case TW_OPTION_PATH:
    case TW_OPTION_LIST:
    case TW_OPTION_MAP: break;
    }
    return same_text(*(char *const *)x, *(char *const *)y);
}

/* Each fit of a path begins where the one before stopped, so there only the time is free. */
static bool may_change(const tw_config *stored, const tw_option *row)
{
    if (stored->model.path.count > 0 && tw_option_within(row, "stop") &&
        row->offset != offsetof(tw_config, stop.max_time))
        return false;
    return (row->flags & TW_OPTION_FREE) != 0;
}

static void print_side(FILE *out, const tw_config *c, const tw_option *row)
{
    const void *field = tw_scalar_field(c, row);
    int64_t integer = 1;
    double real = 0;
    const char *text = "";
    if (row->type == TW_OPTION_INTEGER && row->initial == NULL)
        memcpy(&integer, field, sizeof integer);
    else if (row->type == TW_OPTION_REAL || row->type == TW_OPTION_DURATION)
        memcpy(&real, field, sizeof real);
    else if (row->type >= TW_OPTION_WORD)
        text = *(char *const *)field;
    if (integer == 0 || isnan(real) || text == NULL)
        fputs("not set", out);
    else
        tw_config_print_value(out, c, row);
}

/* What is said of one key, in new memory; NULL when memory ran out. */
static char *describe(const tw_config *stored, const tw_config *given, const tw_option *row, bool free_keys)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) return NULL;
    fprintf(out, free_keys ? "%s " : "  %s: ", row->key);
    print_side(out, stored, row);
    fputs(free_keys ? " -> " : " in the checkpoint, ", out);
    print_side(out, given, row);
    if (!free_keys) fputs(" now\n", out);
    if (fclose(out) == 0) return text;
    free(text);
    return NULL;
}

/* Whole items only; the last bytes are kept for the number of those left out. */
static size_t append(const char *item, const char *separator, size_t length, char *text)
{
    const size_t used = length ? strlen(text) : 0;
    if (item == NULL || used + strlen(separator) + strlen(item) + TAIL >= length) return 0;
    snprintf(text + used, length - used, "%s%s", used ? separator : "", item);
    return 1;
}

static size_t compare(const tw_config *stored, const tw_config *given, size_t length, char *text,
                      bool free_keys)
{
    size_t count, found = 0, told = 0;
    const tw_option *options = tw_config_options(&count);
    const char *separator = free_keys ? ", " : "";
    if (length) text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const tw_option *row = &options[i];
        if (may_change(stored, row) != free_keys || same_value(stored, given, row)) continue;
        char *item = length ? describe(stored, given, row, free_keys) : NULL;
        if (told == found++) told += append(item, separator, length, text);
        free(item);
    }
    const size_t used = length ? strlen(text) : 0;
    if (told < found && used < length)
        snprintf(text + used, length - used, free_keys ? "%s%zu more" : "%s  and %zu more\n",
                 used ? separator : "", found - told);
    return found;
}

size_t tw_config_differences(const tw_config *stored, const tw_config *given, size_t length, char *text)
{
    return compare(stored, given, length, text, false);
}

size_t tw_config_changes(const tw_config *stored, const tw_config *given, size_t length, char *text)
{
    return compare(stored, given, length, text, true);
}
