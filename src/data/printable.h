/* printable.h -- text from files as it may be shown: quoted, cut, nothing that could drive a terminal. */
#ifndef THALWEG_PRINTABLE_H
#define THALWEG_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

enum { TW_PRINTABLE_LEN = 224 };

typedef struct {
    char text[TW_PRINTABLE_LEN]; /* 'abc', with \xNN for what is not printable, and ... when cut to 40
                                    characters */
} tw_printable;

tw_printable tw_printable_quote(size_t size, const char *bytes);

/** Is it UTF-8 (no surrogates, no overlong forms, at most U+10FFFF)? */
bool tw_utf8_valid(size_t size, const char *bytes);

#endif
