/* collection.c -- values of several parts: lists, and mappings of names to numbers.
 *
 * Both are held as one canonical text, so that storing, comparing and printing need no other form: a list has
 * a line an item, a mapping is the inside of a YAML flow mapping in the order of its names, "0: 1, 1: 5". */
#include "internal.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS_MOST = 65536 };

void tw_collection_open(tw_collection *c, const tw_option *row)
{
    *c = (tw_collection){.row = row};
}

void tw_collection_release(tw_collection *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->part[i].name);
        free(c->part[i].value);
    }
    free(c->part);
    *c = (tw_collection){.row = c->row};
}

__attribute__((format(printf, 2, 3))) static bool refuse(tw_complaint *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    return false;
}

static bool keep(tw_collection *c, const char *name, const char *value)
{
    if ((c->count & (c->count - 1)) == 0) { /* full at every power of two */
        tw_part *more = realloc(c->part, 2 * (c->count + 1) * sizeof *more);
        if (more == NULL) return false;
        c->part = more;
    }
    tw_part *part = &c->part[c->count++];
    *part = (tw_part){.name = name ? strdup(name) : NULL, .value = strdup(value)};
    return part->value && (part->name || !name);
}

static bool check_value(const tw_option *row, const char *name, const char *value, double *number,
                        tw_complaint *why)
{
    char range[96], a[TW_QUOTED_LEN], b[TW_QUOTED_LEN];
    if (tw_number_real(value, number) == TW_NUMBER_OK && tw_scalar_in_range(row, *number)) return true;
    tw_scalar_range(row, range, sizeof range);
    return refuse(why, "'%s': the value of '%s' must be a number %s, not '%s'", row->key, tw_quoted(name, a),
                  range, tw_quoted(value, b));
}

bool tw_collection_add(tw_collection *c, const char *name, const char *value, tw_complaint *why)
{
    char quoted[TW_QUOTED_LEN], number[32];
    double weight;
    *why = (tw_complaint){.text = ""};
    if (c->count == PARTS_MOST) return refuse(why, "'%s' has more than %d parts", c->row->key, PARTS_MOST);
    if ((name ? name : value)[0] == '\0') return refuse(why, "'%s' has an empty part", c->row->key);
    if (!tw_scalar_check_text(c->row, name ? name : value, why)) return false;
    for (size_t i = 0; name && i < c->count; i++)
        if (strcmp(c->part[i].name, name) == 0)
            return refuse(why, "'%s' has '%s' twice", c->row->key, tw_quoted(name, quoted));
    if (name) {
        if (!check_value(c->row, name, value, &weight, why)) return false;
        tw_number_print(weight, number);
        value = number;
    }
    return keep(c, name, value) || refuse(why, "out of memory for '%s'", c->row->key);
}

/* Numbers first, by size; then by bytes. */
static int by_name(const void *a, const void *b)
{
    const char *s = ((const tw_part *)a)->name, *t = ((const tw_part *)b)->name;
    double x = 0, y = 0;
    const bool p = tw_number_real(s, &x) == TW_NUMBER_OK, q = tw_number_real(t, &y) == TW_NUMBER_OK;
    if (p != q) return p ? -1 : 1;
    return p && x != y ? (x < y ? -1 : 1) : strcmp(s, t);
}

char *tw_collection_text(tw_collection *c)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) return NULL;
    const bool map = c->row->type == TW_OPTION_MAP;
    if (map && c->count) qsort(c->part, c->count, sizeof *c->part, by_name);
    for (size_t i = 0; i < c->count; i++) {
        if (map) {
            fputs(i ? ", " : "", out);
            tw_print_name(out, c->part[i].name);
            fprintf(out, ": %s", c->part[i].value);
        } else {
            fprintf(out, "%s%s", i ? "\n" : "", c->part[i].value);
        }
    }
    if (fclose(out) == 0) return text;
    free(text);
    return NULL;
}

/* --- a collection on one line, as --set has it --- */

static const char *skip_blank(const char *s)
{
    return s + strspn(s, " \t");
}

/* The word at *at, up to one of the stops, without quotes and blanks around it; NULL: broken or no memory. */
static char *take_word(const char **at, const char *stops)
{
    const char *s = skip_blank(*at);
    char *out = malloc(2 * strlen(s) + 4);
    if (out == NULL) return NULL;
    if (*s != '"' && *s != '\'') {
        size_t length = strcspn(s, stops);
        *at = s + length;
        while (length > 0 && (s[length - 1] == ' ' || s[length - 1] == '\t')) length--;
        memcpy(out, s, length);
        out[length] = '\0';
        return out;
    }
    size_t end = 1, used;
    while (s[end] && s[end] != *s) end += s[end] == '\\' && *s == '"' && s[end + 1] ? 2 : 1;
    while (*s == '\'' && s[end] == '\'' && s[end + 1] == '\'') /* '' is one */
        for (end += 2; s[end] && s[end] != '\'';) end++;
    const bool good = s[end] == *s && tw_unquote(s + 1, end - 1, *s == '"', out, &used);
    *at = s[end] ? skip_blank(s + end + 1) : s + end;
    if (good && (**at == '\0' || strchr(stops, **at)) && memchr(out, '\0', used) == NULL) return out;
    free(out);
    return NULL;
}

static bool take_part(tw_collection *c, const char **at, const char *stops, tw_complaint *why)
{
    char *name = NULL, *value = NULL;
    const bool map = c->row->type == TW_OPTION_MAP;
    bool good = !map || ((name = take_word(at, ":,}")) != NULL && **at == ':');
    if (good && map) ++*at;
    good = good && (value = take_word(at, stops)) != NULL;
    if (good)
        good = tw_collection_add(c, name, value, why);
    else
        refuse(why, "'%s' must be %s", c->row->key,
               map ? "pairs like 'NAME: NUMBER, NAME: NUMBER'" : "a value, or several as in '[a, b]'");
    free(name);
    free(value);
    return good;
}

bool tw_collection_read(tw_collection *c, const char *text, tw_complaint *why)
{
    const bool map = c->row->type == TW_OPTION_MAP;
    const char open = map ? '{' : '[', close = map ? '}' : ']';
    const char *at = skip_blank(text);
    const bool closed = *at == open;
    if (!map && !closed) return tw_collection_add(c, NULL, text, why);
    const char stops[] = {',', closed ? close : ',', '\0'};
    *why = (tw_complaint){.text = ""};
    if (closed) at++;
    while (*(at = skip_blank(at)) && !(closed && *at == close)) {
        if (!take_part(c, &at, stops, why)) return false;
        if (*at == ',') at++;
    }
    if (c->count == 0) return refuse(why, "'%s' is empty", c->row->key);
    if (!closed || (*at == close && *skip_blank(at + 1) == '\0')) return true;
    return refuse(why, "'%s' must end in '%c'", c->row->key, close);
}

/* --- for those who use the value --- */

bool tw_config_next_item(const char **at, size_t size, char *item)
{
    if (*at == NULL || **at == '\0') return false;
    const size_t length = strcspn(*at, "\n");
    snprintf(item, size, "%.*s", (int)length, *at);
    *at += length + ((*at)[length] == '\n');
    return true;
}

bool tw_config_next_pair(const char **at, size_t size, char *name, double *number)
{
    if (*at == NULL || **at == '\0') return false;
    char *word = take_word(at, ":"), *value = NULL;
    if (word && **at == ':') {
        ++*at;
        value = take_word(at, ",");
    }
    const bool good = value && tw_number_real(value, number) == TW_NUMBER_OK;
    if (good) snprintf(name, size, "%s", word);
    if (**at == ',') ++*at;
    free(word);
    free(value);
    return good;
}
