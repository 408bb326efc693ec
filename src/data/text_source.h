/* text_source.h -- a text file record by record: lines, joined where a quoted cell spans several.
 *
 * Knows separators and quotes only so far as to find where a record ends. LF and CRLF, a UTF-8 byte order
 * mark and blank lines are passed over; a NUL byte, an open quote and a record beyond 64 MiB are errors. */
#ifndef THALWEG_TEXT_SOURCE_H
#define THALWEG_TEXT_SOURCE_H

#include "data/byte_source.h"

typedef struct {
    char *text; /* [size], then a zero; may be changed; valid until the next record */
    size_t size;
    uint64_t line; /* of its first character, from 1 */
} tw_text_record;

typedef struct {
    tw_byte_source bytes;
    char separator;              /* 0: lines without cells; a quote is a character like any other */
    char *buffer;                /* [capacity], then a few zeros; owned */
    size_t capacity, begin, end; /* unread text is buffer[begin .. end) */
    bool ended;                  /* the file has no more */
    uint64_t line;               /* of buffer[begin] */
} tw_text_source;

/** Open at the first record. separator: 0 for lines without cells and quotes. TW_INPUT, TW_MEMORY. Release in
 * any case. */
tw_status tw_text_source_open(tw_text_source *source, const char *path, char separator) TW_CHECKED;

/** The next record. more: out, false at the end. TW_DATA (names file and line), TW_IO, TW_MEMORY. */
tw_status tw_text_source_next(tw_text_source *source, tw_text_record *record, bool *more) TW_CHECKED;

void tw_text_source_release(tw_text_source *source);

/** Is c a blank that may stand around a cell? Space and tab, but not the separator. */
static inline bool tw_text_blank(char c, char separator)
{
    return (c == ' ' || c == '\t') && c != separator;
}

#endif
