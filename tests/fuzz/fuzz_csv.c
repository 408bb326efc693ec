/* fuzz_csv.c -- any bytes as text files for `thalweg convert`, plain or gzipped.
 *
 * The first line of an input is options: H header, N no header, L no label, g compress, w write a file, f a
 * form feed begins another file, sC separator C, tD type D; to the next blank o... columns to encode, d...
 * columns to drop, W... column of the weights, m... text of a missing cell; l... label column to the end of
 * the line. What a written file holds must be what the report says. */
#include "imports.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    imports_start();
    return 0;
}

enum { MOST = 3 };

/* What the options point to. */
typedef struct {
    tw_import_options o;
    const char *one_hot[MOST], *drop[MOST], *missing[MOST];
    bool write, several;
} choices;

static void add(tw_import_list *list, const char **texts, const char *text)
{
    list->text = texts;
    if (list->count < MOST) texts[list->count++] = text;
}

/* The text of an option: up to a blank, which becomes its end. Returns its last byte. */
static char *take_text(char *at, char **text)
{
    *text = at + 1;
    char *const end = *text + strcspn(*text, " ");
    if (*end == 0) return end - 1;
    *end = 0;
    return end;
}

static char *parse_columns(choices *k, char *c)
{
    const char option = *c;
    char *text;
    c = take_text(c, &text);
    switch (option) {
    case 'o': add(&k->o.one_hot, k->one_hot, text); break;
    case 'd': add(&k->o.drop, k->drop, text); break;
    case 'm': add(&k->o.missing, k->missing, text); break;
    default: k->o.weight = text; break;
    }
    return c;
}

static void parse_options(char *line, choices *k)
{
    tw_import_options *const o = &k->o;
    for (char *c = line; *c; c++) {
        switch (*c) {
        case 'H': o->header = TW_HEADER_YES; break;
        case 'N': o->header = TW_HEADER_NO; break;
        case 'L': o->no_label = true; break;
        case 'g': o->gzip = 1; break;
        case 'w': k->write = true; break;
        case 'f': k->several = true; break;
        case 's':
            if (c[1]) o->separator = *++c;
            break;
        case 't':
            if (!c[1]) break;
            o->typed = true;
            o->type = (tw_dtype)((unsigned char)*++c % TW_N_DTYPES);
            break;
        case 'o':
        case 'd':
        case 'm':
        case 'W': c = parse_columns(k, c); break;
        case 'l': o->label = c + 1; return;
        default: break;
        }
    }
}

/* The files of an input. */
static size_t split(fuzz_bytes left, bool several, const char *paths[MOST])
{
    static fuzz_file file[MOST];
    size_t n = 0;
    do {
        const uint8_t *const stop =
            several && left.left > 0 && n + 1 < MOST ? memchr(left.at, '\f', left.left) : NULL;
        const size_t size = stop ? (size_t)(stop - left.at) : left.left;
        paths[n] = fuzz_file_fill(&file[n], left.at, size);
        n++;
        left = (fuzz_bytes){stop ? stop + 1 : NULL, stop ? left.left - size - 1 : 0};
    } while (left.at);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *paths[MOST];
    fuzz_bytes left = {bytes, size};
    size_t length;
    choices k = {.o.replace = true};
    char *const line = fuzz_take_until(&left, '\n', &length);
    parse_options(line, &k);
    const size_t n = split(left, k.several, paths);
    imports_run(n, paths, k.write, &k.o);
    free(line);
    return 0;
}
