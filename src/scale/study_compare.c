/* study_compare.c -- is it the same question? Two resolved configurations have the same keys in the same
 * order, so that line faces line. */
#include "scale/study.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { KEY = 256, DEPTH = 4 };

typedef struct {
    size_t count, used, length;
    char *text;
} list;

__attribute__((format(printf, 2, 3))) static void add(list *l, const char *format, ...)
{
    va_list arguments;
    l->count++;
    if (l->used >= l->length) return;
    va_start(arguments, format);
    const int n = vsnprintf(l->text + l->used, l->length - l->used, format, arguments);
    va_end(arguments);
    if (n >= 0 && (size_t)n < l->length - l->used) {
        l->used += (size_t)n;
    } else { /* whole lines only, and none after one that did not fit */
        l->text[l->used] = 0;
        l->length = l->used;
    }
}

static void compare_words(list *l, const char *what, const char *a, const char *b)
{
    if (strcmp(a, b) != 0) add(l, "  %s: %s in the study, %s now\n", what, *a ? a : "none", *b ? b : "none");
}

static void compare_numbers(list *l, const char *what, long long a, long long b)
{
    if (a != b) add(l, "  %s: %lld in the study, %lld now\n", what, a, b);
}

/* The name at the start of the line "  l2: 1e-3" takes its place below "model"; returns its depth.
 * @param value out: what follows the colon */
static size_t name_line(const char *line, size_t length, char names[DEPTH][KEY], const char **value)
{
    const size_t indent = strspn(line, " "), depth = indent / 2 < DEPTH ? indent / 2 : DEPTH - 1;
    size_t end = indent;
    while (end < length && line[end] != ':') end++;
    snprintf(names[depth], KEY, "%.*s", (int)(end - indent), line + indent);
    *value = line + (end + 2 <= length ? end + 2 : length);
    return depth;
}

static void join(size_t depth, char names[DEPTH][KEY], size_t length, char *text)
{
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i <= depth && used < length; i++)
        used += (size_t)snprintf(text + used, length - used, "%s%s", i ? "." : "", names[i]);
}

/* The number of iterations is told by itself. */
static bool is_told(const char *key)
{
    return strcmp(key, "stop.max_iterations") == 0 || strcmp(key, "stop.max_epochs") == 0;
}

static void compare_texts(list *l, const char *a, const char *b)
{
    char names[DEPTH][KEY] = {{0}}, other_names[DEPTH][KEY] = {{0}}, key[DEPTH * KEY];
    while (*a && *b) {
        const size_t m = strcspn(a, "\n"), n = strcspn(b, "\n");
        const char *value, *other;
        const size_t depth = name_line(a, m, names, &value);
        name_line(b, n, other_names, &other);
        join(depth, names, sizeof key, key);
        if ((m != n || strncmp(a, b, n) != 0) && !is_told(key))
            add(l, "  %s: %.*s in the study, %.*s now\n", key, (int)(a + m - value), value,
                (int)(b + n - other), other);
        a += m + (a[m] == '\n');
        b += n + (b[n] == '\n');
    }
    if (*a || *b) add(l, "  configuration: the keys are not the same\n");
}

size_t tw_study_differences(const tw_study *stored, const tw_study *now, size_t length, char *text)
{
    list l = {.length = length, .text = text};
    if (length) text[0] = 0;
    compare_words(&l, "version of the program", stored->version, now->version);
    compare_words(&l, "its git commit", stored->commit, now->commit);
    compare_words(&l, "mode", tw_study_mode_name(stored->mode), tw_study_mode_name(now->mode));
    compare_numbers(&l, "iterations", stored->iterations, now->iterations);
    compare_numbers(&l, "rows per rank", stored->rows_per_rank, now->rows_per_rank);
    compare_words(&l, "launcher", tw_study_launcher_name(stored->launcher),
                  tw_study_launcher_name(now->launcher));
    compare_words(&l, "launcher options", stored->options, now->options);
    compare_texts(&l, stored->text, now->text);
    return l.count;
}
