/* fuzz_number.c -- numbers in text against the C library and a second reading of the grammar: equal bits,
 * equal ends, equal verdicts. The numbers of data files (data/number.h) and those of configurations. */
#include "fuzz.h"

#include "config/internal.h"
#include "data/number.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 2000 };

static locale_t plain;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return 0;
}

static size_t digits(const char *s)
{
    return strspn(s, "0123456789");
}

/* [+-] digits [. digits] [e [+-] digits] by the book. 0: no number; whole: neither point nor exponent. */
static size_t grammar(const char *text, bool *whole)
{
    const char *s = text + strspn(text, "+-");
    if (s - text > 1) return 0;
    const size_t before = digits(s);
    s += before;
    const bool point = *s == '.';
    const size_t after = point ? digits(s + 1) : 0;
    s += point + after;
    if (before + after == 0) return 0;
    *whole = !point && *s != 'e' && *s != 'E';
    if (*s != 'e' && *s != 'E') return (size_t)(s - text);
    s += 1 + (s[1] == '+' || s[1] == '-');
    return digits(s) ? (size_t)(s + digits(s) - text) : 0;
}

static void require_bits(double is, double wanted, const char *text)
{
    FUZZ_REQUIRE(memcmp(&is, &wanted, sizeof is) == 0, "'%s' is %a, not %a", text, is, wanted);
}

static void check_scan(const char *text)
{
    double value = 0;
    unsigned char kind = 0;
    bool whole = false;
    const size_t length = grammar(text, &whole);
    const char *const end = tw_number_scan(text, &value, &kind);
    FUZZ_REQUIRE((end != NULL) == (length > 0), "'%s' is%s a number", text, end ? " not" : "");
    if (!end) return;
    FUZZ_REQUIRE((size_t)(end - text) == length, "'%s' ends after %zu, not %zu", text, (size_t)(end - text),
                 length);
    FUZZ_REQUIRE(kind == (whole ? TW_NUMBER_WHOLE : TW_NUMBER_REAL), "'%s' is of kind %d", text, kind);
    char *const alone = strndup(text, length);
    require_bits(value, strtod_l(alone, NULL, plain), alone);
    free(alone);
}

/* The whole text, of all its bytes. */
static void check_whole(const char *text, size_t size)
{
    int64_t value = 0;
    char *end;
    const size_t sign = size > 0 && (text[0] == '-' || text[0] == '+');
    errno = 0;
    const long long wanted = strtoll(text, &end, 10);
    const bool good = size > sign && digits(text + sign) == size - sign && errno == 0;
    FUZZ_REQUIRE(tw_number_whole(size, text, &value) == good, "'%s' is%s whole", text, good ? "" : " not");
    FUZZ_REQUIRE(!good || (value == wanted && end == text + size), "'%s' is %lld, not %lld", text,
                 (long long)value, wanted);
}

static void check_short(const char *text)
{
    size_t length = 0;
    const size_t n = digits(text);
    const int value = tw_number_short(text, &length), wanted = n >= 1 && n <= 3 ? atoi(text) : -1;
    FUZZ_REQUIRE(value == wanted && (wanted < 0 || length == n), "'%s' is %d of %zu digits", text, value,
                 length);
}

/* ---- configurations ---- */

static void check_real(const char *text)
{
    double value = 0;
    bool whole;
    const size_t length = grammar(text, &whole);
    const tw_number verdict = tw_number_real(text, &value);
    const bool shape = length > 0 && text[length] == 0;
    if (verdict == TW_NUMBER_SYNTAX) {
        FUZZ_REQUIRE(!shape || length > 100, "'%s' is refused", text); /* very long ones may be */
        return;
    }
    const double wanted = strtod_l(text, NULL, plain);
    const bool normal = wanted == 0 || (isfinite(wanted) && fabs(wanted) >= DBL_MIN);
    FUZZ_REQUIRE(shape, "'%s' is taken for a number", text);
    if (verdict == TW_NUMBER_RANGE) return; /* also what underflows to zero */
    FUZZ_REQUIRE(verdict == TW_NUMBER_OK && normal, "'%s' gives %d", text, verdict);
    require_bits(value, wanted == 0 ? 0 : wanted, text);
    char printed[32];
    double back = 0;
    tw_number_print(value, printed);
    FUZZ_REQUIRE(tw_number_real(printed, &back) == TW_NUMBER_OK, "'%s' is printed as '%s'", text, printed);
    require_bits(back, value, printed);
}

static void check_integer(const char *text)
{
    int64_t value = 0;
    double real = 0;
    const tw_number verdict = tw_number_integer(text, &value), as_real = tw_number_real(text, &real);
    if (verdict == TW_NUMBER_OK && as_real == TW_NUMBER_OK)
        FUZZ_REQUIRE((double)value == real, "'%s' is %lld, not %.17g", text, (long long)value, real);
    FUZZ_REQUIRE((verdict == TW_NUMBER_SYNTAX) == (as_real == TW_NUMBER_SYNTAX), "'%s' gives %d and %d", text,
                 verdict, as_real);
    FUZZ_REQUIRE(verdict != TW_NUMBER_FRACTION || as_real != TW_NUMBER_OK || fabs(real) >= 0x1p53 ||
                     real != floor(real) || strpbrk(text, ".eE"),
                 "'%s' has no fraction", text);
}

static void check_duration(const char *text)
{
    double seconds = 0, back = 0;
    char printed[32];
    const tw_number verdict = tw_number_duration(text, &seconds);
    if (verdict != TW_NUMBER_OK) return;
    FUZZ_REQUIRE(isfinite(seconds), "'%s' is not finite", text);
    tw_number_print_duration(seconds, printed);
    FUZZ_REQUIRE(tw_number_duration(printed, &back) == TW_NUMBER_OK, "'%s' is printed as '%s'", text,
                 printed);
    require_bits(back, seconds, printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size > LONGEST) size = LONGEST;
    char *const text = calloc(size + 1 + TW_NUMBER_PADDING, 1); /* exactly what is promised to be readable */
    FUZZ_REQUIRE(text, "out of memory");
    if (size) memcpy(text, bytes, size);
    check_scan(text);
    check_short(text);
    check_whole(text, strlen(text));
    check_real(text);
    check_integer(text);
    check_duration(text);
    free(text);
    return 0;
}
