/* scalar.c -- one token to one value of a row, into its field, and back to YAML.
 *
 * The same code reads the defaults of the table, the file and --set, so none of them can mean something else.
 */
#include "internal.h"

#include "thalweg/words.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TEXT_LONGEST = 4095, WORD_LONGEST = 63 };

_Static_assert(sizeof(tw_config_scaling) == sizeof(int) && sizeof(tw_config_start) == sizeof(int) &&
                   sizeof(tw_config_require) == sizeof(int) &&
                   sizeof(tw_config_preconditioner) == sizeof(int) && sizeof(tw_config_mode) == sizeof(int),
               "choices are stored as int");

void tw_scalar_range(const tw_option *row, char *text, size_t size)
{
    char low[32], high[32];
    tw_number_print(row->minimum, low);
    tw_number_print(row->maximum, high);
    const bool bounded = isfinite(row->maximum), above = row->flags & TW_OPTION_ABOVE,
               below = row->flags & TW_OPTION_BELOW;
    text[0] = '\0';
    if (row->flags & TW_OPTION_POWER_OF_TWO)
        snprintf(text, size, "a power of two from %s to %s", low, high);
    else if (isfinite(row->minimum) && row->minimum == row->maximum)
        snprintf(text, size, "%s", low);
    else if (isfinite(row->minimum) && bounded && !above && !below)
        snprintf(text, size, "from %s to %s", low, high);
    else if (isfinite(row->minimum) && bounded)
        snprintf(text, size, "%s %s and %s %s", above ? ">" : ">=", low, below ? "<" : "<=", high);
    else if (isfinite(row->minimum))
        snprintf(text, size, "%s %s", above ? ">" : ">=", low);
    else if (bounded)
        snprintf(text, size, "%s %s", below ? "<" : "<=", high);
}

__attribute__((format(printf, 2, 3))) static bool refuse(tw_complaint *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return false;
}

/* The word that stands for 0 in a whole number, or "". */
static const char *word_of(const tw_option *row)
{
    const bool number = row->type == TW_OPTION_INTEGER || row->type == TW_OPTION_INTERVAL;
    return number && row->choices ? row->choices[0] : "";
}

static bool refuse_kind(const tw_option *row, const char *token, tw_complaint *why)
{
    static const char *const kinds[] = {
        [TW_OPTION_INTEGER] = "a whole number",
        [TW_OPTION_REAL] = "a number",
        [TW_OPTION_DURATION] = "a duration (H:MM:SS, MM:SS, or a number alone or with s, m or h)",
        [TW_OPTION_INTERVAL] =
            "a number of iterations, or a duration (H:MM:SS, MM:SS, or a number with s, m or h)",
        [TW_OPTION_BOOLEAN] = "true or false",
        [TW_OPTION_WORD] = "one word of letters, digits, - and _",
    };
    char range[96] = "", quoted[TW_QUOTED_LEN];
    if (row->type == TW_OPTION_INTEGER || row->type == TW_OPTION_REAL)
        tw_scalar_range(row, range, sizeof range);
    const char *open = range[0] ? " (" : "", *close = range[0] ? ")" : "";
    const char *word = word_of(row), *link = word[0] ? " or " : "";
    return refuse(why, "'%s' must be %s%s%s%s%s%s, not '%s'", row->key, word, link, kinds[row->type], open,
                  range, close, tw_quoted(token, quoted));
}

static bool refuse_range(const tw_option *row, const char *token, tw_complaint *why)
{
    char range[96], quoted[TW_QUOTED_LEN];
    tw_scalar_range(row, range, sizeof range);
    const char *word = word_of(row), *link = word[0] ? " or " : "";
    return refuse(why, "'%s' is %s, but must be %s%s%s", row->key, tw_quoted(token, quoted), word, link,
                  range);
}

bool tw_scalar_in_range(const tw_option *row, double value)
{
    if (value < row->minimum || value > row->maximum) return false;
    if ((row->flags & TW_OPTION_ABOVE) && value == row->minimum) return false;
    return !((row->flags & TW_OPTION_BELOW) && value == row->maximum);
}

static bool parse_integer(const tw_option *row, const char *token, tw_scalar *out, tw_complaint *why)
{
    char quoted[TW_QUOTED_LEN];
    if (row->choices && strcmp(token, row->choices[0]) == 0) return true; /* as 0 */
    const tw_number result = tw_number_integer(token, &out->integer);
    if (result == TW_NUMBER_SYNTAX || result == TW_NUMBER_FRACTION) {
        const char *word = word_of(row), *near = tw_words_nearest(token, word[0] ? 1 : 0, &word);
        if (near) snprintf(why->hint, sizeof why->hint, "did you mean '%s'?", near);
        return refuse_kind(row, token, why);
    }
    if (!tw_scalar_in_range(row, (double)out->integer)) return refuse_range(row, token, why);
    if (result == TW_NUMBER_RANGE)
        return refuse(why, "'%s' is %s, but whole numbers end at 9223372036854775807", row->key,
                      tw_quoted(token, quoted));
    const bool power = out->integer > 0 && (out->integer & (out->integer - 1)) == 0;
    if ((row->flags & TW_OPTION_POWER_OF_TWO) && !power) return refuse_range(row, token, why);
    return true;
}

static bool infinite_word(const char *token)
{
    static const char *const words[] = {"nan", "inf", "infinity"};
    const char *s = token + (token[0] == '-' || token[0] == '+');
    s += *s == '.';
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(s, words[i]) == 0) return true;
    return false;
}

static bool parse_real(const tw_option *row, const char *token, tw_scalar *out, tw_complaint *why)
{
    char quoted[TW_QUOTED_LEN];
    const tw_number result = row->type == TW_OPTION_REAL ? tw_number_real(token, &out->real)
                                                         : tw_number_duration(token, &out->real);
    if (result == TW_NUMBER_SYNTAX && infinite_word(token))
        return refuse(why, "'%s' must be finite, not '%s'", row->key, tw_quoted(token, quoted));
    if (result == TW_NUMBER_SYNTAX) return refuse_kind(row, token, why);
    if (result == TW_NUMBER_RANGE)
        return refuse(why, "'%s' is %s, beyond what a double can hold", row->key, tw_quoted(token, quoted));
    return tw_scalar_in_range(row, out->real) || refuse_range(row, token, why);
}

/* Without a unit it counts iterations. */
static bool parse_interval(const tw_option *row, const char *token, tw_scalar *out, tw_complaint *why)
{
    int64_t iterations;
    if (strcmp(token, row->choices[0]) == 0) return true; /* as 0 */
    const tw_number result = tw_number_integer(token, &iterations);
    if (result == TW_NUMBER_SYNTAX) return parse_real(row, token, out, why);
    if (result == TW_NUMBER_FRACTION) return refuse_kind(row, token, why);
    if (result != TW_NUMBER_OK || !tw_scalar_in_range(row, (double)iterations))
        return refuse_range(row, token, why);
    out->real = -(double)iterations;
    return true;
}

static bool parse_boolean(const tw_option *row, const char *token, tw_scalar *out, tw_complaint *why)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (int64_t i = 0; i < 6; i++) {
        if (strcasecmp(token, words[i]) != 0) continue;
        out->integer = i % 2;
        return true;
    }
    return refuse_kind(row, token, why);
}

static bool parse_choice(const tw_option *row, const char *token, tw_scalar *out, tw_complaint *why)
{
    char list[512] = "", quoted[TW_QUOTED_LEN];
    size_t count = 0;
    for (; row->choices[count]; count++) {
        out->integer = (int64_t)count;
        if (strcmp(token, row->choices[count]) == 0) return true;
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", row->choices[count]);
    }
    const char *nearest = tw_words_nearest(token, count, row->choices);
    if (nearest) snprintf(why->hint, sizeof why->hint, "did you mean '%s'?", nearest);
    return refuse(why, "'%s' cannot be '%s'; choices: %s", row->key, tw_quoted(token, quoted), list);
}

static bool check_line(const tw_option *row, const char *token, size_t length, tw_complaint *why)
{
    if (length > TEXT_LONGEST) return refuse(why, "'%s' is longer than %d bytes", row->key, TEXT_LONGEST);
    for (size_t i = 0, size; i < length; i += size) {
        size = tw_utf8_size(token + i, length - i);
        if (size == 0 || token[i] == '\t' || token[i] == '\n')
            return refuse(why, "'%s' holds a control character or is not UTF-8", row->key);
    }
    return true;
}

bool tw_scalar_check_text(const tw_option *row, const char *token, tw_complaint *why)
{
    return check_line(row, token, strlen(token), why);
}

/* An item a line. */
static bool parse_list(const tw_option *row, const char *token, tw_scalar *out, tw_complaint *why)
{
    out->text = token;
    for (const char *at = token;; at++) {
        const size_t length = strcspn(at, "\n");
        if (!check_line(row, at, length, why)) return false;
        at += length;
        if (*at == '\0') return true;
    }
}

static bool parse_text(const tw_option *row, const char *token, tw_scalar *out, tw_complaint *why)
{
    out->text = token;
    return tw_scalar_check_text(row, token, why);
}

static bool parse_map(const tw_option *row, const char *token, tw_scalar *out, tw_complaint *why)
{
    char quoted[TW_QUOTED_LEN];
    tw_collection map;
    out->text = token;
    if (strcmp(token, row->choices[0]) == 0) return true;
    if (strchr(token, ':') == NULL && token[0] != '{') {
        if (tw_words_nearest(token, 1, row->choices))
            snprintf(why->hint, sizeof why->hint, "did you mean '%s'?", row->choices[0]);
        return refuse(why, "'%s' must be %s or pairs like 'NAME: NUMBER, NAME: NUMBER', not '%s'", row->key,
                      row->choices[0], tw_quoted(token, quoted));
    }
    tw_collection_open(&map, row);
    const bool good = tw_collection_read(&map, token, why);
    if (good) out->text = out->owned = tw_collection_text(&map);
    tw_collection_release(&map);
    return good && (out->owned || refuse(why, "out of memory for '%s'", row->key));
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool parse_word(const tw_option *row, const char *token, tw_scalar *out, tw_complaint *why)
{
    const size_t length = strlen(token);
    bool good = letter(token[0]) && length <= WORD_LONGEST;
    for (size_t i = 0; i < length && good; i++)
        good = letter(token[i]) || (token[i] >= '0' && token[i] <= '9') || token[i] == '_' || token[i] == '-';
    out->text = token;
    return good || refuse_kind(row, token, why);
}

bool tw_scalar_parse(const tw_option *row, const char *token, tw_scalar *out, tw_complaint *why)
{
    *out = (tw_scalar){.null = false};
    *why = (tw_complaint){.text = ""};
    switch (row->type) {
    case TW_OPTION_INTEGER: return parse_integer(row, token, out, why);
    case TW_OPTION_REAL:
    case TW_OPTION_DURATION: return parse_real(row, token, out, why);
    case TW_OPTION_INTERVAL: return parse_interval(row, token, out, why);
    case TW_OPTION_BOOLEAN: return parse_boolean(row, token, out, why);
    case TW_OPTION_CHOICE: return parse_choice(row, token, out, why);
    case TW_OPTION_WORD: return parse_word(row, token, out, why);
    case TW_OPTION_TEXT:
    case TW_OPTION_PATH: return parse_text(row, token, out, why);
    case TW_OPTION_LIST: return parse_list(row, token, out, why);
    case TW_OPTION_MAP: return parse_map(row, token, out, why);
    case TW_OPTION_SECTION: break;
    }
    return refuse(why, "'%s' is a section, not a key", row->key);
}

const void *tw_scalar_field(const tw_config *c, const tw_option *row)
{
    return (const char *)c + row->offset;
}

bool tw_scalar_store(tw_config *c, const tw_option *row, const tw_scalar *value)
{
    void *field = (char *)c + row->offset;
    const int choice = (int)value->integer;
    const bool flag = value->integer != 0;
    const int64_t integer = value->null ? 0 : value->integer;
    const double real = value->null ? NAN : value->real;
    char *copy = NULL;
    switch (row->type) {
    case TW_OPTION_INTEGER: memcpy(field, &integer, sizeof integer); break;
    case TW_OPTION_REAL:
    case TW_OPTION_INTERVAL:
    case TW_OPTION_DURATION: memcpy(field, &real, sizeof real); break;
    case TW_OPTION_BOOLEAN: memcpy(field, &flag, sizeof flag); break;
    case TW_OPTION_CHOICE: memcpy(field, &choice, sizeof choice); break;
    case TW_OPTION_WORD:
    case TW_OPTION_TEXT:
    case TW_OPTION_PATH:
    case TW_OPTION_LIST:
    case TW_OPTION_MAP:
        if (!value->null && (copy = strdup(value->text)) == NULL) return false;
        free(*(char **)field);
        *(char **)field = copy;
        break;
    case TW_OPTION_SECTION: break;
    }
    return true;
}
