#include "data/printable.h"

#include <stdint.h>
#include <stdio.h>

enum { SHOWN = 40 };

/* Length of the character at s and its code point; 0: not UTF-8. The Unicode Standard, table 3-7. */
static size_t decode(size_t size, const unsigned char *s, uint32_t *point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t length = s[0] < 0x80   ? 1
                          : s[0] < 0xc0 ? 0
                          : s[0] < 0xe0 ? 2
                          : s[0] < 0xf0 ? 3
                          : s[0] < 0xf8 ? 4
                                        : 0;
    if (length == 0 || length > size) return 0;
    *point = length == 1 ? s[0] : s[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
        *point = *point << 6 | (s[i] & 0x3f);
    }
    return *point < least[length] || *point > 0x10ffff || (*point >= 0xd800 && *point < 0xe000) ? 0 : length;
}

/* Controls, and characters that reorder or hide what stands around them. */
static bool shows(uint32_t c)
{
    return c >= 0x20 && !(c >= 0x7f && c < 0xa0) && !(c >= 0x200b && c <= 0x200f) &&
           !(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff && c < 0xe0000;
}

tw_printable tw_printable_quote(size_t size, const char *bytes)
{
    const unsigned char *s = (const unsigned char *)bytes;
    tw_printable out = {"'"};
    size_t at = 1, shown = 0;
    for (size_t i = 0; i < size && shown < SHOWN; shown++) {
        uint32_t point = 0;
        const size_t length = decode(size - i, s + i, &point);
        if (length > 0 && shows(point)) {
            for (size_t k = 0; k < length; k++) out.text[at++] = bytes[i + k];
            i += length;
        } else {
            at += (size_t)snprintf(out.text + at, sizeof out.text - at, "\\x%02x", s[i]);
            i++;
        }
        if (shown + 1 == SHOWN && i < size)
            at += (size_t)snprintf(out.text + at, sizeof out.text - at, "...");
    }
    snprintf(out.text + at, sizeof out.text - at, "'");
    return out;
}

bool tw_utf8_valid(size_t size, const char *bytes)
{
    uint32_t point;
    for (size_t i = 0, length; i < size; i += length) {
        length = decode(size - i, (const unsigned char *)bytes + i, &point);
        if (length == 0) return false;
    }
    return true;
}
