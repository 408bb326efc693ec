#include "data/text_source.h"

#include "data/number.h"

#include <stdlib.h>
#include <string.h>

/* The zero that ends a record, and what a number scan may read behind it. */
enum { PADDING = 1 + TW_NUMBER_PADDING };
#ifdef THALWEG_FUZZ /* refills already in short inputs */
#define FIRST_CAPACITY ((size_t)128)
#else
#define FIRST_CAPACITY ((size_t)1 << 20)
#endif
#define MOST_RECORD ((size_t)64 << 20)

/* How a piece of a record leaves a scan for quotes. */
typedef enum { QUOTE_CELL_START, QUOTE_NONE, QUOTE_OPEN, QUOTE_CLOSED } quote_state;

tw_status tw_text_source_open(tw_text_source *s, const char *path, char separator)
{
    *s = (tw_text_source){.separator = separator, .capacity = FIRST_CAPACITY, .line = 1};
    TW_TRY(tw_byte_source_open(&s->bytes, path));
    s->buffer = malloc(s->capacity + PADDING);
    return s->buffer ? TW_OK : tw_fail(TW_MEMORY, "out of memory for %s", path);
}

void tw_text_source_release(tw_text_source *s)
{
    tw_byte_source_release(&s->bytes);
    free(s->buffer);
    s->buffer = NULL;
}

static tw_status grow(tw_text_source *s)
{
    const size_t capacity = 2 * s->capacity;
    char *larger = realloc(s->buffer, capacity + PADDING);
    if (!larger)
        return tw_fail(TW_MEMORY, "out of memory for line %llu of %s", (unsigned long long)s->line,
                       s->bytes.path);
    s->buffer = larger;
    s->capacity = capacity;
    return TW_OK;
}

static tw_status too_long(const tw_text_source *s)
{
    return tw_fail(TW_DATA,
                   "%s: line %llu is longer than 64 MiB; is this a text file, and is every quote closed?",
                   s->bytes.path, (unsigned long long)s->line);
}

static tw_status read_more(tw_text_source *s)
{
    size_t got;
    if (s->begin > 0) memmove(s->buffer, s->buffer + s->begin, s->end - s->begin);
    s->end -= s->begin;
    s->begin = 0;
    if (s->end > MOST_RECORD) return too_long(s);
    if (s->end == s->capacity) TW_TRY(grow(s));
    TW_TRY(tw_byte_source_read(&s->bytes, s->capacity - s->end, s->buffer + s->end, &got));
    s->ended = got < s->capacity - s->end;
    s->end += got;
    memset(s->buffer + s->end, 0, PADDING);
    return TW_OK;
}

/* Extend *size, the part of the record already seen, to just behind the next line feed, or to the end of the
 * file. */
static tw_status find_line_end(tw_text_source *s, size_t *size)
{
    for (;;) {
        const char *from = s->buffer + s->begin + *size;
        const char *found = memchr(from, '\n', s->end - s->begin - *size);
        if (found) {
            *size = (size_t)(found + 1 - (s->buffer + s->begin));
            return TW_OK;
        }
        *size = s->end - s->begin;
        if (s->ended) return TW_OK;
        TW_TRY(read_more(s));
    }
}

/* A quote opens a cell only where the cell begins; elsewhere it is a character like any other. */
static quote_state scan_quotes(quote_state state, char separator, size_t size, const char *text)
{
    for (size_t i = 0; i < size; i++) {
        const char c = text[i];
        if (state == QUOTE_OPEN)
            state = c == '"' ? QUOTE_CLOSED : QUOTE_OPEN;
        else if (state == QUOTE_CLOSED && c == '"')
            state = QUOTE_OPEN; /* doubled */
        else if (c == separator)
            state = QUOTE_CELL_START;
        else if (state == QUOTE_CLOSED)
            state = QUOTE_NONE;
        else if (state == QUOTE_CELL_START && c == '"')
            state = QUOTE_OPEN;
        else if (state == QUOTE_CELL_START && !tw_text_blank(c, separator))
            state = QUOTE_NONE;
    }
    return state;
}

/* Lines up to one at whose end no quote is open; *lines counts them. */
static tw_status find_record_end(tw_text_source *s, size_t *size, uint64_t *lines)
{
    quote_state state = QUOTE_CELL_START;
    uint64_t opened = 0;
    *size = 0;
    for (*lines = 0;; ++*lines) {
        const size_t seen = *size;
        TW_TRY(find_line_end(s, size));
        if (*size > MOST_RECORD) return too_long(s);
        const char *piece = s->buffer + s->begin + seen;
        const bool was_open = state == QUOTE_OPEN;
        if (s->separator == 0 || (!was_open && !memchr(piece, '"', *size - seen))) break;
        state = scan_quotes(was_open ? state : QUOTE_CELL_START, s->separator, *size - seen, piece);
        if (state != QUOTE_OPEN) break;
        if (!was_open) opened = s->line + *lines;
        if (*size == seen || (s->ended && *size == s->end - s->begin))
            return tw_fail(TW_DATA, "%s: the quote opened in line %llu is never closed", s->bytes.path,
                           (unsigned long long)opened);
    }
    ++*lines;
    return TW_OK;
}

static tw_status check_bytes(const tw_text_source *s, const tw_text_record *r)
{
    const char *nul = memchr(r->text, 0, r->size);
    if (!nul) return TW_OK;
    return tw_fail(TW_DATA,
                   "%s: line %llu holds a NUL byte (byte %zu of the line); text must be UTF-8 without any",
                   s->bytes.path, (unsigned long long)r->line, (size_t)(nul - r->text) + 1);
}

static bool is_blank(const tw_text_record *r, char separator)
{
    size_t i = 0;
    while (i < r->size && tw_text_blank(r->text[i], separator)) i++;
    return i == r->size;
}

static size_t byte_order_mark(const tw_text_source *s, size_t size)
{
    return s->line == 1 && size >= 3 && memcmp(s->buffer + s->begin, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

tw_status tw_text_source_next(tw_text_source *s, tw_text_record *r, bool *more)
{
    do {
        size_t size;
        uint64_t lines;
        TW_TRY(find_record_end(s, &size, &lines));
        *more = size > 0;
        if (!*more) return TW_OK;
        const size_t mark = byte_order_mark(s, size);
        *r = (tw_text_record){s->buffer + s->begin + mark, size - mark, s->line};
        s->begin += size;
        s->line += lines;
        if (r->size > 0 && r->text[r->size - 1] == '\n') r->size--;
        if (r->size > 0 && r->text[r->size - 1] == '\r') r->size--;
        TW_TRY(check_bytes(s, r));
        r->text[r->size] = 0;
    } while (is_blank(r, s->separator));
    return TW_OK;
}
