/* check.c -- what is looked at before YAML: is this text, and are its lines plain ones?
 *
 * libfyaml never sees bytes that are not UTF-8 or control characters, and tabs and directives get sentences
 * of ours. */
#include "internal.h"

#include <string.h>

static void report(tw_config *c, const tw_source *source, size_t start, size_t end, const char *message)
{
    tw_place place = {.label = NULL};
    if (!tw_problems_full(c)) {
        place = tw_source_place(source, start, end);
        if (place.label == NULL) c->record->out_of_memory = true;
    }
    tw_problem_add(c, &place, NULL, "%s", message);
    tw_place_release(&place);
    c->record->broken = true;
}

static bool check_characters(tw_config *c, const tw_source *source)
{
    for (size_t i = 0, size; i < source->length; i += size) {
        size = tw_utf8_size(source->text + i, source->length - i);
        if (size != 0) continue;
        const unsigned char byte = (unsigned char)source->text[i];
        const char *message = byte == 0     ? "a zero byte: this is not a text file"
                              : byte < 0x80 ? "a control character: this is not plain text"
                                            : "a byte that is not UTF-8, or a character that cannot be seen";
        report(c, source, i, i + 1, message);
        return false;
    }
    return true;
}

static void check_line(tw_config *c, const tw_source *source, size_t start, size_t end)
{
    char *line = source->text + start;
    const size_t blank = strspn(line, " \t");
    if (start + blank >= end || line[blank] == '#') {
        memset(line, ' ', blank); /* libfyaml stumbles over tabs in blank lines, which mean nothing */
        return;
    }
    const char *tab = memchr(line, '\t', blank);
    if (tab) {
        const size_t at = (size_t)(tab - source->text);
        report(c, source, at, at + 1, "a tab in the indentation; use spaces");
    }
    if (line[0] == '%') report(c, source, start, end, "directives (%...) are not accepted");
}

bool tw_source_check(tw_config *c, const tw_source *source)
{
    if (!check_characters(c, source)) return false;
    for (size_t start = 0; start < source->length;) {
        const char *newline = memchr(source->text + start, '\n', source->length - start);
        const size_t end = newline ? (size_t)(newline - source->text) : source->length;
        check_line(c, source, start, end);
        start = end + 1;
    }
    return true;
}
