/* quote.c -- the text between the quotes of a YAML scalar on one line.
 *
 * libfyaml has already accepted the scalar; its own conversion (0.7.12) loses memory on doubled quotes. */
#include "internal.h"

static const struct {
    char letter;
    uint32_t character;
} escapes[] = {{'0', 0},   {'a', 7},     {'b', 8},    {'t', 9},    {'\t', 9},     {'n', 10},
               {'v', 11},  {'f', 12},    {'r', 13},   {'e', 27},   {' ', ' '},    {'"', '"'},
               {'/', '/'}, {'\\', '\\'}, {'N', 0x85}, {'_', 0xa0}, {'L', 0x2028}, {'P', 0x2029}};

static size_t encode(uint32_t c, char out[4])
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    const size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf00u >> size & 0xff) | c);
    return size;
}

static int hexadecimal(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The character of the escape after a backslash, and the bytes that it takes; 0 bytes: no such escape. */
static size_t unescape(const char *s, size_t left, uint32_t *c)
{
    if (left == 0) return 0;
    const size_t digits = s[0] == 'x' ? 2 : s[0] == 'u' ? 4 : s[0] == 'U' ? 8 : 0;
    *c = 0;
    for (size_t i = 1; i <= digits; i++) {
        const int value = i < left ? hexadecimal(s[i]) : -1;
        if (value < 0) return 0;
        *c = *c << 4 | (uint32_t)value;
    }
    if (digits) return *c <= 0x10ffff ? digits + 1 : 0;
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
        if (escapes[i].letter != s[0]) continue;
        *c = escapes[i].character;
        return 1;
    }
    return 0;
}

bool tw_unquote(const char *raw, size_t length, bool doubled, char *out, size_t *used)
{
    *used = 0;
    for (size_t i = 0; i < length;) {
        const char quote = raw[i++];
        uint32_t c;
        if (doubled && quote == '\\') {
            const size_t bytes = unescape(raw + i, length - i, &c);
            if (bytes == 0) return false;
            *used += encode(c, out + *used);
            i += bytes;
        } else {
            out[(*used)++] = quote;
            i += !doubled && quote == '\'' && i < length; /* '' is one */
        }
    }
    out[*used] = '\0';
    return true;
}
