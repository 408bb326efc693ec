#include "scale/argv.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Takes the word over. */
static void push(tw_argv *a, char *word)
{
    char **words = word ? realloc(a->words, (a->count + 2) * sizeof *words) : NULL;
    if (!words) {
        free(word);
        a->failed = true;
        return;
    }
    a->words = words;
    words[a->count++] = word;
    words[a->count] = NULL;
}

void tw_argv_add(tw_argv *a, const char *format, ...)
{
    char *word = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&word, format, arguments) < 0) word = NULL;
    va_end(arguments);
    push(a, word);
}

void tw_argv_append(tw_argv *a, size_t count, char *const *words)
{
    for (size_t i = 0; i < count; i++) push(a, strdup(words[i]));
}

/* One word from *from on, without its quotes, into out [as long as the text]. False: a quote stays open. */
static bool take_word(const char **from, char *out)
{
    char quote = 0;
    const char *c = *from;
    for (; *c && (quote || !strchr(" \t\n", *c)); c++) {
        if (quote ? *c == quote : *c == '\'' || *c == '"') {
            quote = quote ? 0 : *c;
        } else if (*c == '\\' && c[1] && (!quote || (quote == '"' && strchr("\"\\", c[1])))) {
            *out++ = *++c;
        } else {
            *out++ = *c;
        }
    }
    *out = 0;
    *from = c;
    return quote == 0;
}

tw_status tw_argv_split(tw_argv *a, const char *name, const char *text)
{
    char *word = malloc(strlen(text) + 1);
    if (!word) return tw_fail(TW_MEMORY, "out of memory for %s", name);
    const char *at = text + strspn(text, " \t\n");
    bool closed = true;
    for (; *at && closed; at += strspn(at, " \t\n")) {
        closed = take_word(&at, word);
        if (closed) push(a, strdup(word));
    }
    free(word);
    return closed ? TW_OK : tw_fail(TW_USAGE, "%s: a quote is not closed in: %s", name, text);
}

tw_status tw_argv_complete(const tw_argv *a)
{
    return a->failed ? tw_fail(TW_MEMORY, "out of memory for the words of a command") : TW_OK;
}

void tw_argv_quote(FILE *out, const char *word)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-=,:+@%";
    if (*word && word[strspn(word, safe)] == 0) {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word; word++) {
        if (*word == '\'')
            fputs("'\\''", out);
        else
            fputc(*word, out);
    }
    fputc('\'', out);
}

void tw_argv_print(FILE *out, const tw_argv *a)
{
    for (size_t i = 0; i < a->count; i++) {
        if (i) fputc(' ', out);
        tw_argv_quote(out, a->words[i]);
    }
    fputc('\n', out);
}

void tw_argv_release(tw_argv *a)
{
    for (size_t i = 0; i < a->count; i++) free(a->words[i]);
    free(a->words);
    *a = (tw_argv){0};
}
