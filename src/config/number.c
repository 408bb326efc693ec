/* number.c -- decimal text to numbers and back, whole tokens only, in the C locale.
 *
 * Our own grammar decides what is a number (no hexadecimal, nan, inf or blanks); strtod only rounds it. Whole
 * numbers never pass through a double, so 9007199254740993.0 stays what it says. */
#include "internal.h"

#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The longest number: a token beyond it is refused. */
enum { LONGEST = 400 };

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What stands where in a decimal number. */
typedef struct {
    bool negative;
    const char *whole, *part; /* digits before and after the point */
    size_t n_whole, n_part;
    long exponent;
} decimal;

static const char *digits(const char *s, size_t *count)
{
    const char *start = s;
    while (digit(*s)) s++;
    *count = (size_t)(s - start);
    return s;
}

static bool dissect(const char *token, decimal *d)
{
    *d = (decimal){.negative = token[0] == '-'};
    if (strlen(token) > LONGEST) return false;
    const char *s = token + (token[0] == '-' || token[0] == '+');
    d->whole = s;
    s = digits(s, &d->n_whole);
    if (*s == '.') s++;
    d->part = s;
    if (s > token && s[-1] == '.') s = digits(s, &d->n_part);
    if (d->n_whole + d->n_part == 0) return false;
    if (*s == 'e' || *s == 'E') {
        const bool negative = s[1] == '-';
        size_t count;
        const char *start = s + 1 + (s[1] == '-' || s[1] == '+');
        s = digits(start, &count);
        if (count == 0) return false;
        for (const char *p = start; p < s; p++)
            if (d->exponent < 100000) d->exponent = d->exponent * 10 + (*p - '0');
        if (negative) d->exponent = -d->exponent;
    }
    return *s == '\0';
}

tw_number tw_number_real(const char *token, double *value)
{
    decimal d;
    if (!dissect(token, &d)) return TW_NUMBER_SYNTAX;
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain == (locale_t)0) return TW_NUMBER_RANGE;
    errno = 0;
    *value = strtod_l(token, NULL, plain);
    const bool ranged = errno == ERANGE || !isfinite(*value);
    freelocale(plain);
    if (ranged || (*value != 0 && fabs(*value) < DBL_MIN)) return TW_NUMBER_RANGE;
    if (*value == 0) *value = fabs(*value); /* no negative zero: it would print as -0 */
    return TW_NUMBER_OK;
}

/* text[0..n) followed by zeros, at most limit; false when it is more. */
static bool accumulate(const char *text, size_t n, size_t zeros, uint64_t limit, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < n + zeros; i++) {
        const uint64_t next = i < n ? (uint64_t)(text[i] - '0') : 0;
        if (*value > (limit - next) / 10) return false;
        *value = *value * 10 + next;
    }
    return true;
}

tw_number tw_number_integer(const char *token, int64_t *value)
{
    decimal d;
    if (!dissect(token, &d)) return TW_NUMBER_SYNTAX;
    char text[LONGEST + 1];
    memcpy(text, d.whole, d.n_whole);
    memcpy(text + d.n_whole, d.part, d.n_part);
    size_t n = d.n_whole + d.n_part, first = 0;
    while (first < n && text[first] == '0') first++;
    *value = 0;
    if (first == n) return TW_NUMBER_OK;
    long scale = d.exponent - (long)d.n_part; /* value = text * 10^scale */
    for (; text[n - 1] == '0'; n--) scale++;
    if (scale < 0) return TW_NUMBER_FRACTION;
    const uint64_t limit = (uint64_t)INT64_MAX + d.negative;
    uint64_t magnitude;
    const bool fits = accumulate(text + first, n - first, (size_t)scale, limit, &magnitude);
    if (!fits) magnitude = limit;
    *value = d.negative ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
    return fits ? TW_NUMBER_OK : TW_NUMBER_RANGE;
}

static const char *sixty(const char *s, double *value)
{
    if (s[0] < '0' || s[0] > '5' || !digit(s[1])) return NULL;
    *value = (s[0] - '0') * 10 + (s[1] - '0');
    return s + 2;
}

static tw_number clock_time(const char *token, double *seconds)
{
    size_t count;
    const char *s = digits(token, &count);
    if (count == 0 || count > 9 || *s != ':') return TW_NUMBER_SYNTAX;
    const double lead = (double)strtol(token, NULL, 10);
    double middle, last;
    s = sixty(s + 1, &middle);
    if (s && *s == '\0') {
        *seconds = lead * 60 + middle;
        return TW_NUMBER_OK;
    }
    if (s == NULL || *s != ':') return TW_NUMBER_SYNTAX;
    s = sixty(s + 1, &last);
    if (s == NULL || *s != '\0') return TW_NUMBER_SYNTAX;
    *seconds = lead * 3600 + middle * 60 + last;
    return TW_NUMBER_OK;
}

tw_number tw_number_duration(const char *token, double *seconds)
{
    if (strchr(token, ':')) return clock_time(token, seconds);
    static const struct {
        char suffix;
        double seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
    char number[LONGEST + 1];
    const size_t length = strlen(token);
    if (length == 0 || length > LONGEST) return TW_NUMBER_SYNTAX;
    snprintf(number, sizeof number, "%s", token);
    double factor = 1;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (token[length - 1] != units[i].suffix) continue;
        number[length - 1] = '\0';
        factor = units[i].seconds;
    }
    const tw_number result = tw_number_real(number, seconds);
    if (result != TW_NUMBER_OK) return result;
    *seconds *= factor;
    return isfinite(*seconds) ? TW_NUMBER_OK : TW_NUMBER_RANGE;
}

void tw_number_print(double value, char *text)
{
    const locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const locale_t before = uselocale(plain);
    if (value == floor(value) && fabs(value) < 1e15) {
        snprintf(text, 32, "%.0f", value);
    } else {
        for (int precision = 1; precision <= 17; precision++) {
            snprintf(text, 32, "%.*g", precision, value);
            if (strtod(text, NULL) == value) break;
        }
    }
    uselocale(before);
    if (plain != (locale_t)0) freelocale(plain);
}

void tw_number_print_duration(double seconds, char *text)
{
    if (seconds != floor(seconds) || seconds < 0 || seconds >= 1e9) {
        tw_number_print(seconds, text);
        return;
    }
    const long whole = (long)seconds;
    snprintf(text, 32, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
}

void tw_number_print_interval(double interval, const char *zero, char *text)
{
    if (interval == 0)
        snprintf(text, 32, "%s", zero);
    else if (interval < 0)
        snprintf(text, 32, "%.0f", -interval);
    else
        tw_number_print_duration(interval, text);
    if (interval > 0 && !strchr(text, ':')) strncat(text, "s", 31 - strlen(text));
}
