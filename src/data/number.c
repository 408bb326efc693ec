#include "data/number.h"

#include <locale.h>
#include <stdlib.h>

enum { MOST_DIGITS = 19, EXACT_POWER = 22, LONG_POWER = 27, MOST_EXPONENT = 1000000000 };
#define EXACT_WHOLE ((uint64_t)1 << 53)

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Up to eight digits at once, without a branch that depends on how many: the number of them. Pairs, then
 * fours, then eights are added within the word. */
static unsigned take_digits(const char *p, uint64_t *value)
{
    uint64_t d;
    memcpy(&d, p, sizeof d);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    d = __builtin_bswap64(d);
#endif
    d ^= 0x3030303030303030; /* digits become 0 .. 9; the high bit of `other` marks the rest */
    const uint64_t other = (((d & 0x7f7f7f7f7f7f7f7f) + 0x7676767676767676) | d) & 0x8080808080808080;
    const unsigned n = other ? (unsigned)__builtin_ctzll(other) / 8 : 8, half = 32 - 4 * n;
    d = d << half << half; /* zeros in front, nothing behind */
    d = d * 10 + (d >> 8);
    *value = ((d & 0x000000ff000000ff) * 0x000f424000000064 +
              (d >> 16 & 0x000000ff000000ff) * 0x0000271000000001) >>
             32;
    return n;
}

static const uint64_t ten_to[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

static const char *scan_digits(const char *p, uint64_t *whole)
{
    uint64_t m = *whole, value;
    unsigned n;
    do {
        n = take_digits(p, &value);
        m = m * ten_to[n] + value;
        p += n;
    } while (n == 8);
    *whole = m;
    return p;
}

static const char *scan_exponent(const char *p, int *exponent)
{
    const bool negative = *p == '-';
    int e = 0;
    if (*p == '-' || *p == '+') p++;
    if (!is_digit(*p)) return NULL;
    for (; is_digit(*p); p++)
        if (e < MOST_EXPONENT / 10) e = e * 10 + (*p - '0');
    *exponent += negative ? -e : e;
    return p;
}

/* Both operands are exact doubles, so the one rounding of the operation is the right one (Clinger 1990). */
static double scale(uint64_t whole, int exponent)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    return exponent < 0 ? (double)whole / power[-exponent] : (double)whole * power[exponent];
}

__extension__ typedef unsigned __int128 wide;

/* 2^k within the range of normal doubles. */
static double power_of_two(int k)
{
    const uint64_t bits = (uint64_t)(k + 1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Up to 19 digits: whole times 5^exponent is exact in 128 bits, or has a quotient of at least 63 bits, whose
 * last is set when a rest remains. So the conversion rounds once, and rightly; what is left is a power of
 * two. */
static double scale_wide(uint64_t whole, int exponent)
{
    static const uint64_t five[LONG_POWER + 1] = {1u,
                                                  5u,
                                                  25u,
                                                  125u,
                                                  625u,
                                                  3125u,
                                                  15625u,
                                                  78125u,
                                                  390625u,
                                                  1953125u,
                                                  9765625u,
                                                  48828125u,
                                                  244140625u,
                                                  1220703125u,
                                                  6103515625u,
                                                  30517578125u,
                                                  152587890625u,
                                                  762939453125u,
                                                  3814697265625u,
                                                  19073486328125u,
                                                  95367431640625u,
                                                  476837158203125u,
                                                  2384185791015625u,
                                                  11920928955078125u,
                                                  59604644775390625u,
                                                  298023223876953125u,
                                                  1490116119384765625u,
                                                  7450580596923828125u};
    if (whole == 0) return 0;
    if (exponent >= 0) return (double)((wide)whole * five[exponent]) * power_of_two(exponent);
    const int up = __builtin_clzll(whole), shift = __builtin_clzll(five[-exponent]);
    const uint64_t d = five[-exponent] << shift; /* beyond the upper half of n: the quotient has 64 bits */
    const wide n = (wide)(whole << up) << 63;
    const uint64_t q = (uint64_t)(n / d);
    return (double)(q | ((wide)q * d != n)) * power_of_two(exponent + shift - 63 - up);
}

/* glibc keeps one "C" locale for all; it is never freed. */
static double convert(const char *text)
{
    return strtod_l(text, NULL, newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

/* A sign is as good as random, so it decides on no branch. */
static double with_sign(double size, bool negative)
{
    uint64_t bits;
    memcpy(&bits, &size, sizeof bits);
    bits |= (uint64_t)negative << 63;
    memcpy(&size, &bits, sizeof size);
    return size;
}

/* Numbers of whatever form, from their first digit or point. */
static const char *scan_any(const char *text, const char *begin, double *value, unsigned char *kind)
{
    uint64_t whole = 0;
    int exponent = 0;
    const char *p = scan_digits(begin, &whole);
    ptrdiff_t digits = p - begin;
    const char *const point = p;
    if (*p == '.') {
        p = scan_digits(p + 1, &whole);
        digits += p - point - 1;
        exponent = -(int)(p - point - 1);
    }
    if (digits == 0) return NULL;
    if ((*p == 'e' || *p == 'E') && !(p = scan_exponent(p + 1, &exponent))) return NULL;
    *kind = p == point ? TW_NUMBER_WHOLE : TW_NUMBER_REAL;
    if (digits > MOST_DIGITS || exponent < -LONG_POWER || exponent > LONG_POWER) {
        *value = convert(text);
        return p;
    }
    const bool small = whole <= EXACT_WHOLE && exponent >= -EXACT_POWER && exponent <= EXACT_POWER;
    *value = with_sign(small ? scale(whole, exponent) : scale_wide(whole, exponent), *text == '-');
    return p;
}

/* Most numbers have one to seven digits before the point, and no exponent. */
const char *tw_number_scan(const char *text, double *value, unsigned char *kind)
{
    const bool negative = *text == '-';
    const char *const begin = text + (negative || *text == '+');
    uint64_t whole;
    const unsigned n = take_digits(begin, &whole);
    const char *const point = begin + n, *p = point;
    if (n == 0 || n == 8) return scan_any(text, begin, value, kind);
    if (*p == '.') p = scan_digits(p + 1, &whole);
    if (*p == 'e' || *p == 'E') return scan_any(text, begin, value, kind);
    if (p == point) {
        *value = with_sign((double)whole, negative);
        *kind = TW_NUMBER_WHOLE;
        return p;
    }
    const int places = (int)(p - point - 1);
    if ((int)n + places > MOST_DIGITS) return scan_any(text, begin, value, kind);
    *value = with_sign(whole <= EXACT_WHOLE ? scale(whole, -places) : scale_wide(whole, -places), negative);
    *kind = TW_NUMBER_REAL;
    return p;
}

bool tw_number_whole(size_t size, const char *text, int64_t *value)
{
    const bool negative = size > 0 && text[0] == '-';
    size_t i = size > 0 && (negative || text[0] == '+');
    if (i == size) return false;
    int64_t v = 0; /* kept negative: its range is the larger one */
    for (; i < size; i++)
        if (!is_digit(text[i]) || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_sub_overflow(v, text[i] - '0', &v))
            return false;
    if (!negative && v == INT64_MIN) return false;
    *value = negative ? v : -v;
    return true;
}
