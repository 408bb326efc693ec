/* source.c -- the text of a configuration file as lines, places and carets.
 *
 * Columns count characters, not bytes. What is echoed has been through one filter, so that neither a hostile
 * file nor a hostile --set can send control sequences to a terminal. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_SHOWN = 120, BEFORE_CARET = 40, LABEL_LONGEST = 1000 };

static bool allowed(uint32_t c)
{
    if (c < 0x20) return c == '\t' || c == '\n';
    if (c >= 0x7f && c < 0xa0) return false;      /* DEL and C1 controls */
    if (c == 0x2028 || c == 0x2029) return false; /* line breaks to some, not to others */
    if (c >= 0x202a && c <= 0x202e) return false; /* they reorder what is shown */
    if (c >= 0x2066 && c <= 0x2069) return false;
    if (c >= 0xd800 && c <= 0xdfff) return false;
    return c != 0xfeff && (c & 0xfffe) != 0xfffe && c <= 0x10ffff;
}

size_t tw_utf8_size(const char *text, size_t left)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = (const unsigned char *)text;
    if (left == 0) return 0;
    const size_t size = s[0] < 0x80   ? 1
                        : s[0] < 0xc0 ? 0
                        : s[0] < 0xe0 ? 2
                        : s[0] < 0xf0 ? 3
                        : s[0] < 0xf8 ? 4
                                      : 0;
    if (size == 0 || size > left) return 0;
    uint32_t c = size == 1 ? s[0] : s[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    return c >= smallest[size] && allowed(c) ? size : 0;
}

/* Bytes of one character as it is counted and shown: what is malformed goes byte by byte. */
static size_t step(const char *text, size_t left)
{
    const size_t size = tw_utf8_size(text, left);
    return size ? size : 1;
}

static size_t show(const char *text, size_t left, char out[4])
{
    const size_t size = tw_utf8_size(text, left);
    const char *shown = size == 0 ? "?" : text[0] == '\t' || text[0] == '\n' ? " " : text;
    memcpy(out, shown, size ? size : 1);
    return size ? size : 1;
}

/* Copy what is fit to be shown, at most size - 1 bytes, the last three of them dots when there is more. */
static void clean(const char *text, char *out, size_t size)
{
    const size_t length = strlen(text);
    size_t used = 0;
    for (size_t i = 0; i < length;) {
        char shown[4];
        const size_t bytes = show(text + i, length - i, shown);
        if (used + bytes > size - 4) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        memcpy(out + used, shown, bytes);
        used += bytes;
        i += bytes;
    }
    out[used] = '\0';
}

const char *tw_quoted(const char *text, char out[TW_QUOTED_LEN])
{
    clean(text, out, TW_QUOTED_LEN);
    return out;
}

char *tw_text_clean(const char *text)
{
    const size_t length = strlen(text), size = (length < LABEL_LONGEST ? length : LABEL_LONGEST) + 4;
    char *copy = malloc(size);
    if (copy) clean(text, copy, size);
    return copy;
}

bool tw_source_open(tw_source *source, const char *name, const char *text, size_t length)
{
    static const char mark[] = {'\xef', '\xbb', '\xbf'};
    size_t from = length >= sizeof mark && memcmp(text, mark, sizeof mark) == 0 ? sizeof mark : 0;
    *source = (tw_source){.name = name, .text = malloc(length + 1)};
    if (source->text == NULL) return false;
    for (; from < length; from++) {
        const bool pair = text[from] == '\r' && from + 1 < length && text[from + 1] == '\n';
        if (!pair) source->text[source->length++] = text[from] == '\r' ? '\n' : text[from];
    }
    source->text[source->length] = '\0';
    return true;
}

static size_t line_end(const tw_source *source, size_t start)
{
    const char *end = memchr(source->text + start, '\n', source->length - start);
    return end ? (size_t)(end - source->text) : source->length;
}

void tw_source_locate(const tw_source *source, size_t offset, size_t *line, size_t *column)
{
    if (offset > source->length) offset = source->length;
    size_t start = 0;
    *line = 1;
    for (size_t end = line_end(source, start); end < offset; end = line_end(source, start)) {
        start = end + 1;
        ++*line;
    }
    *column = 1;
    for (size_t i = start; i < offset; i += step(source->text + i, source->length - i)) ++*column;
}

/* Print characters [first, first + count) of a line, both counted from 0. */
static void put_window(FILE *out, const char *text, size_t length, size_t first, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < length && at < first + count; at++) {
        char shown[4];
        const size_t size = show(text + i, length - i, shown);
        if (at >= first) fwrite(shown, 1, size, out);
        i += size;
    }
}

static size_t characters(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; count++) i += step(text + i, length - i);
    return count;
}

/* The line that starts at byte start, and carets under width characters from column (from 1). */
static char *excerpt(const tw_source *source, size_t start, size_t line, size_t column, size_t width)
{
    const char *text = source->text + start;
    const size_t length = line_end(source, start) - start, count = characters(text, length);
    if (column > count + 1) column = count + 1;
    const bool whole = count <= LINE_SHOWN;
    const size_t first = whole || column <= BEFORE_CARET ? 0 : column - BEFORE_CARET;
    const char *before = first ? "..." : "", *after = count > first + LINE_SHOWN ? "..." : "";
    const size_t room = (count < first + LINE_SHOWN ? count : first + LINE_SHOWN) - (column - 1);
    if (width > room) width = room;
    if (width == 0) width = 1;
    char *memory = NULL, digits[24];
    size_t size;
    FILE *out = open_memstream(&memory, &size);
    if (out == NULL) return NULL;
    snprintf(digits, sizeof digits, "%zu", line);
    fprintf(out, "  %s | %s", digits, before);
    put_window(out, text, length, first, LINE_SHOWN);
    fprintf(out, "%s\n  %*s | %*s", after, (int)strlen(digits), "",
            (int)(strlen(before) + column - 1 - first), "");
    for (size_t i = 0; i < width; i++) fputc(i == 0 ? '^' : '~', out);
    if (fclose(out) == 0) return memory;
    free(memory);
    return NULL;
}

static tw_place make_place(const tw_source *source, size_t start, size_t line, size_t column, size_t width)
{
    const bool inside = start < source->length;
    return (tw_place){
        .label = tw_text_format("%s:%zu:%zu", source->name, line, column),
        .excerpt = inside ? excerpt(source, start, line, column, width) : NULL,
    };
}

tw_place tw_source_place(const tw_source *source, size_t start, size_t end)
{
    size_t line, column;
    if (start > source->length) start = source->length;
    if (end > source->length) end = source->length;
    tw_source_locate(source, start, &line, &column);
    const size_t first_end = line_end(source, start);
    if (end > first_end) end = first_end;
    const size_t width = end > start ? characters(source->text + start, end - start) : 1;
    while (start > 0 && source->text[start - 1] != '\n') start--;
    return make_place(source, start, line, column, width);
}

tw_place tw_source_place_at(const tw_source *source, size_t line, size_t column)
{
    size_t start = 0;
    for (size_t i = 1; i < line && start < source->length; i++) {
        start = line_end(source, start);
        if (start < source->length) start++;
    }
    return make_place(source, start, line, column, 1);
}
