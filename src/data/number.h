/* number.h -- decimal numbers in text, correctly rounded, in the same way under every locale. */
#ifndef THALWEG_NUMBER_H
#define THALWEG_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** How much behind the final zero of a text must be readable. */
enum { TW_NUMBER_PADDING = 7 };

/** Only digits and a sign; with a point or an exponent. */
typedef enum { TW_NUMBER_WHOLE, TW_NUMBER_REAL } tw_number_kind;

/**
 * The whole number of one to three digits that text begins with, or -1: most cells of images, without a
 * branch that depends on their lengths.
 * @param text   ends with a zero and TW_NUMBER_PADDING readable bytes
 * @param length out: its digits
 */
static inline int tw_number_short(const char *text, size_t *length)
{
    uint32_t d;
    memcpy(&d, text, sizeof d);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    d = __builtin_bswap32(d);
#endif
    d ^= 0x30303030; /* digits become 0 .. 9; the high bit of `other` marks the rest */
    const uint32_t other = (((d & 0x7f7f7f7f) + 0x76767676) | d) & 0x80808080;
    if (other == 0 || (other & 0x80)) return -1;
    *length = (size_t)__builtin_ctz(other) / 8;
    d <<= 8 * (4 - *length);
    return (int)((d >> 24) + 10 * (d >> 16 & 0xff) + 100 * (d >> 8 & 0xff));
}

/**
 * The number that text begins with: [+-] digits [. digits] [e [+-] digits], at least one digit before the
 * exponent.
 *
 * No hexadecimal, no inf, no nan, no blanks.
 * @param text  ends with a zero and TW_NUMBER_PADDING readable bytes
 * @param value out: nearest double; infinite when too large
 * @return where it ends, or NULL (outputs untouched) when there is no number
 * Cost: some 5 to 10 ns up to 15 digits and exponents up to 22, some more up to 19 digits and
 * exponents up to 27; else strtod.
 */
const char *tw_number_scan(const char *text, double *value, unsigned char *kind);

/** [+-] digits, all of size, within 64 bits? */
bool tw_number_whole(size_t size, const char *text, int64_t *value);

#endif
