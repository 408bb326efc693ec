#include "data/number.h"

#include <locale.h>
#include <stdlib.h>

enum { MOST_DIGITS = 19, EXACT_POWER = 22, MOST_EXPONENT = 1000000000 };
#define EXACT_WHOLE ((uint64_t)1 << 53)

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static const char *scan_digits(const char *p, uint64_t *whole)
{
    uint64_t m = *whole;
    for (; is_digit(*p); p++) m = m * 10 + (uint64_t)(*p - '0');
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

/* glibc keeps one "C" locale for all; it is never freed. */
static double convert(const char *text)
{
    return strtod_l(text, NULL, newlocale(LC_ALL_MASK, "C", (locale_t)0));
}

const char *tw_number_scan(const char *text, double *value, unsigned char *kind)
{
    const bool negative = *text == '-';
    const char *const begin = text + (negative || *text == '+');
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
    if (digits > MOST_DIGITS || whole > EXACT_WHOLE || exponent < -EXACT_POWER || exponent > EXACT_POWER)
        *value = convert(text);
    else
        *value = negative ? -scale(whole, exponent) : scale(whole, exponent);
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
