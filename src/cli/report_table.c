/* Several runs, a line each. */
#include "cli/inspect.h"
#include "cli/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { REASON_LEN = 64 };

/* Without a summary the last row of metrics.jsonl, and how the run stands. */
static const char *reason_of(const tw_run_state *s, char text[REASON_LEN])
{
    const char *word = tw_report_word(s), *reason = json_string_value(json_object_get(s->summary, "reason"));
    if (s->summary && reason)
        snprintf(text, REASON_LEN, "%s", reason);
    else if (strcmp(word, "failed") == 0)
        snprintf(text, REASON_LEN, "failed (%d)", s->code);
    else
        snprintf(text, REASON_LEN, "%s", word);
    for (char *c = text; *c; c++) *c = *c == '_' ? ' ' : *c >= 0x20 && *c < 0x7f ? *c : '?';
    return text;
}

static void put_number(const json_t *object, const char *key, int width, const char *format)
{
    const json_t *const value = json_object_get(object, key);
    char text[64] = "-";
    if (json_is_integer(value))
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        snprintf(text, sizeof text,
                 strcmp(format, "e") == 0   ? "%.2e"
                 : strcmp(format, "g") == 0 ? "%.8g"
                                            : "%.2f",
                 json_real_value(value));
    printf("  %*s", width, text);
}

/* Characters, not bytes. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++) width += (*text & 0xc0) != 0x80;
    return width;
}

static void put_padded(const char *text, int width)
{
    tw_inspect_put(TW_PATH_LEN, text);
    for (int i = width_of(text); i < width; i++) putchar(' ');
}

void tw_report_table(size_t n, const tw_run_state *states)
{
    char reason[REASON_LEN];
    int name = 3, why = 6;
    for (size_t i = 0; i < n; i++) {
        const int length = width_of(states[i].folder.path),
                  words = (int)strlen(reason_of(&states[i], reason));
        name = length > name ? length : name;
        why = words > why ? words : why;
    }
    printf("%-*s  %-*s  %10s  %14s  %9s  %9s\n", name, "run", why, "reason", "iterations", "loss", "|grad|",
           "seconds");
    for (size_t i = 0; i < n; i++) {
        const tw_run_state *const s = &states[i];
        const json_t *const from = s->summary ? s->summary : s->row;
        put_padded(s->folder.path, name);
        printf("  %-*s", why, reason_of(s, reason));
        put_number(from, s->summary ? "iterations" : "iteration", 10, "g");
        put_number(from, "loss", 14, "g");
        put_number(from, "gradient_norm", 9, "e");
        put_number(from, "seconds", 9, "f");
        putchar('\n');
    }
}
