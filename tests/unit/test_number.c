/* Numbers out of text and into the stored types, against the C library and against the definition of the
 * formats. */
#include "data/narrow.h"
#include "data/number.h"

#include <check.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t random_state = 1;

static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* As in a text that is followed by nothing but what must be readable; where it ends in the text given. */
static const char *scan(const char *text, double *value, unsigned char *kind)
{
    const size_t size = strlen(text);
    char *const copy = calloc(size + 1 + TW_NUMBER_PADDING, 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, size);
    const char *const end = tw_number_scan(copy, value, kind);
    const size_t length = end ? (size_t)(end - copy) : 0;
    free(copy);
    return end ? text + length : NULL;
}

static void check_same_as_strtod(const char *text)
{
    double got = 0;
    char *end;
    unsigned char kind;
    const double expected = strtod(text, &end);
    ck_assert_ptr_eq(scan(text, &got, &kind), end);
    ck_assert_msg(memcmp(&got, &expected, sizeof got) == 0, "%s: %.17g, not %.17g", text, got, expected);
    ck_assert_int_eq(kind, strpbrk(text, ".eE") ? TW_NUMBER_REAL : TW_NUMBER_WHOLE);
}

START_TEST(numbers_are_the_nearest_doubles)
{
    static const char *const formats[] = {"%.*f", "%.*e", "%.*g", "%+.*E"};
    char text[512];
    for (int i = 0; i < 300000; i++) {
        const uint64_t bits = random_bits();
        double value;
        memcpy(&value, &bits, sizeof value);
        if (i % 2) value = (double)(int64_t)bits / (double)(1 + (random_bits() >> (random_bits() % 64)));
        if (!isfinite(value)) continue;
        const int digits = (int)(random_bits() % 21);
        const char *format = formats[random_bits() % 4];
        if (strchr(format, 'f') && fabs(value) > 1e30) format = "%.*e";
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, format, digits, value);
#pragma GCC diagnostic pop
        check_same_as_strtod(text);
    }
}
END_TEST

START_TEST(edges_of_the_fast_path_are_the_nearest_doubles)
{
    static const char *const texts[] = {"9007199254740992",
                                        "9007199254740993",
                                        "9007199254740993e0",
                                        "9007199254740991e22",
                                        "9007199254740991e23",
                                        "1e22",
                                        "1e23",
                                        "123456789012345678",
                                        "9223372036854775807",
                                        "18446744073709551615",
                                        "18446744073709551616",
                                        "99999999999999999999",
                                        "0.000000000000000000001",
                                        "00000000000000000000000001.5",
                                        "1.7976931348623157e308",
                                        "4.9e-324",
                                        "2.4703282292062327e-324",
                                        "2.4703282292062328e-324",
                                        "0",
                                        "-0",
                                        "-0.0",
                                        "+7",
                                        ".5",
                                        "5.",
                                        "-.25e-1",
                                        "0e999999999999",
                                        "1e-400",
                                        "1e0000000000000000000002",
                                        "1e+22",
                                        "4503599627370496.5",
                                        "0.1",
                                        "123",
                                        "1234",
                                        "12345",
                                        "9999999999999999999e27",
                                        "9999999999999999999e-27",
                                        "9007199254740993e27",
                                        "9007199254740995e-27",
                                        "1e27",
                                        "1e28",
                                        "1e-27",
                                        "1e-28",
                                        "-0e25",
                                        "0e-25",
                                        "23526940736929780e-24",
                                        "6.88229249334e-15",
                                        "3.8522394270273e-13",
                                        "244229852336684653e-13",
                                        "45443317412866200e-18"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) check_same_as_strtod(texts[i]);
}
END_TEST

START_TEST(what_is_no_number_is_refused_or_left_over)
{
    static const struct {
        const char *text;
        int length; /* -1: no number at all */
    } texts[] = {{"", -1},     {"+", -1},       {"-", -1},    {".", -1},    {"-.", -1},   {"e5", -1},
                 {".e5", -1},  {"1e", -1},      {"1e+", -1},  {"1.e-", -1}, {"nan", -1},  {"inf", -1},
                 {"-inf", -1}, {" 1", -1},      {"--1", -1},  {"+-1", -1},  {"0x10", 1},  {"1 ", 1},
                 {"1,5", 1},   {"1_000", 1},    {"1.2.3", 3}, {"1e5.5", 3}, {"12abc", 2}, {"1d5", 1},
                 {"1\xb2", 1}, {"\xd9\xa1", -1}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double value = 42;
        unsigned char kind = 77;
        const char *end = scan(texts[i].text, &value, &kind);
        ck_assert_msg(end == (texts[i].length < 0 ? NULL : texts[i].text + texts[i].length), "'%s'",
                      texts[i].text);
        if (!end) ck_assert(value == 42 && kind == 77);
    }
}
END_TEST

START_TEST(too_large_numbers_are_infinite)
{
    double value;
    unsigned char kind;
    ck_assert_ptr_nonnull(scan("1e400", &value, &kind));
    ck_assert_double_eq(value, INFINITY);
    ck_assert_ptr_nonnull(scan("-1e99999999999999999999", &value, &kind));
    ck_assert_double_eq(value, -INFINITY);
}
END_TEST

START_TEST(the_locale_does_not_matter)
{
    double value;
    unsigned char kind;
    const char text[] = "1.2345678901234567890";
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "fr_FR.UTF-8")) {
        puts("not run: the_locale_does_not_matter (no locale with a decimal comma here)");
        return;
    }
    ck_assert_ptr_eq(scan(text, &value, &kind), text + strlen(text));
    ck_assert_double_eq(value, 1.2345678901234567890);
}
END_TEST

START_TEST(short_whole_numbers_are_read_by_the_short_way)
{
    char text[16] = {0};
    for (int v = 0; v < 1000; v++)
        for (int width = 1; width <= 3; width++) {
            size_t length = 0;
            if (v >= 100 && width < 3) continue;
            const int n = snprintf(text, sizeof text, "%0*d,", width, v);
            ck_assert_int_eq(tw_number_short(text, &length), v);
            ck_assert_int_eq((int)length, n - 1);
        }
    for (int c = 0; c < 256; c++) { /* whatever stands behind or before */
        size_t length = 0;
        snprintf(text, sizeof text, "12%c9", c);
        const bool digit = c >= '0' && c <= '9';
        ck_assert_int_eq(tw_number_short(text, &length), digit ? -1 : 12);
        snprintf(text, sizeof text, "%c12,", c);
        ck_assert_int_eq(tw_number_short(text, &length), digit ? (c - '0') * 100 + 12 : -1);
    }
}
END_TEST

START_TEST(whole_numbers_of_64_bits_are_exact)
{
    static const struct {
        const char *text;
        bool good;
        int64_t value;
    } cases[] = {{"9223372036854775807", true, INT64_MAX},
                 {"-9223372036854775808", true, INT64_MIN},
                 {"9223372036854775808", false, 0},
                 {"-9223372036854775809", false, 0},
                 {"+007", true, 7},
                 {"-0", true, 0},
                 {"", false, 0},
                 {"-", false, 0},
                 {"1.0", false, 0},
                 {"99999999999999999999999", false, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 0;
        ck_assert_msg(tw_number_whole(strlen(cases[i].text), cases[i].text, &value) == cases[i].good, "%s",
                      cases[i].text);
        if (cases[i].good) ck_assert_int_eq(value, cases[i].value);
    }
}
END_TEST

/* ---- narrow ---- */

/* The value of a 16-bit float by its definition. */
static double decode(uint16_t bits, int exponent_bits, int mantissa_bits)
{
    const int bias = (1 << (exponent_bits - 1)) - 1,
              exponent = bits >> mantissa_bits & ((1 << exponent_bits) - 1);
    const int mantissa = bits & ((1 << mantissa_bits) - 1);
    const double size = exponent == 0
                            ? ldexp(mantissa, 1 - bias - mantissa_bits)
                            : ldexp(mantissa + (1 << mantissa_bits), exponent - bias - mantissa_bits);
    return bits & 0x8000 ? -size : size;
}

static const struct {
    tw_dtype type;
    int exponent, mantissa;
} halves[] = {{TW_f16, 5, 10}, {TW_bf16, 8, 7}};

START_TEST(every_16_bit_float_survives_and_all_between_round_to_nearest_even)
{
    const int e = halves[_i].exponent, m = halves[_i].mantissa;
    const uint16_t infinity = (uint16_t)(((1 << e) - 1) << m);
    for (unsigned bits = 0; bits < infinity; bits++) {
        const double low = decode((uint16_t)bits, e, m);
        const double high = bits + 1u < infinity ? decode((uint16_t)(bits + 1), e, m)
                                                 : 2 * low - decode((uint16_t)(bits - 1), e, m);
        const double middle = (low + high) / 2;
        const double in[] = {low, -low, nextafter(middle, low), middle, nextafter(middle, high)};
        uint16_t out[5];
        const size_t fits = tw_narrow(halves[_i].type, 5, in, out);
        ck_assert_uint_eq(out[0], bits);
        ck_assert_uint_eq(out[1], bits | 0x8000);
        ck_assert_uint_eq(out[2], bits);
        if (bits + 1u == infinity)
            ck_assert_uint_eq(fits, 3); /* from half a step beyond the largest: too large */
        else {
            ck_assert_uint_eq(fits, 5);
            ck_assert_uint_eq(out[3], bits + (bits & 1));
            ck_assert_uint_eq(out[4], bits + 1);
        }
    }
}
END_TEST

START_TEST(special_values_of_16_bits)
{
    const double in[] = {NAN, INFINITY, -INFINITY, 1e-300, -1e-300, DBL_MIN / 4};
    const uint16_t infinity = (uint16_t)(((1 << halves[_i].exponent) - 1) << halves[_i].mantissa);
    uint16_t out[6];
    ck_assert_uint_eq(tw_narrow(halves[_i].type, 6, in, out), 6);
    ck_assert_uint_eq(out[0] & 0x7fff, infinity | 1u << (halves[_i].mantissa - 1));
    ck_assert_uint_eq(out[1], infinity);
    ck_assert_uint_eq(out[2], infinity | 0x8000);
    ck_assert_uint_eq(out[3], 0);
    ck_assert_uint_eq(out[4], 0x8000);
    ck_assert_uint_eq(out[5], 0);
}
END_TEST

START_TEST(integers_take_whole_numbers_of_their_range_only)
{
    static const struct {
        tw_dtype type;
        double low, high;
    } types[] = {{TW_u8, 0, 255}, {TW_i8, -128, 127}, {TW_i16, -32768, 32767}};
    for (size_t i = 0; i < 3; i++) {
        const double bad[] = {types[i].low - 1,    types[i].high + 1, 0.5, NAN, INFINITY, 1e300,
                              types[i].high + 0.25};
        const double good[] = {types[i].low, types[i].high, -0.0, 1};
        int16_t out[4];
        ck_assert_uint_eq(tw_narrow(types[i].type, 4, good, out), 4);
        for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
            const double pair[2] = {1, bad[k]};
            ck_assert_uint_eq(tw_narrow(types[i].type, 2, pair, out), 1);
        }
    }
}
END_TEST

START_TEST(f32_rounds_once_and_refuses_what_is_too_large)
{
    const double in[] = {0.1, -1e-50, FLT_MAX, NAN, 16777217, 3.5e38};
    float out[6];
    ck_assert_uint_eq(tw_narrow(TW_f32, 6, in, out), 5);
    ck_assert_float_eq(out[0], 0.1f);
    ck_assert(out[1] == 0 && signbit(out[1]));
    ck_assert_float_eq(out[2], FLT_MAX);
    ck_assert(isnan(out[3]));
    ck_assert_float_eq(out[4], 16777216.0f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("number");
    TCase *t = tcase_create("number");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, numbers_are_the_nearest_doubles);
    tcase_add_test(t, edges_of_the_fast_path_are_the_nearest_doubles);
    tcase_add_test(t, what_is_no_number_is_refused_or_left_over);
    tcase_add_test(t, too_large_numbers_are_infinite);
    tcase_add_test(t, the_locale_does_not_matter);
    tcase_add_test(t, short_whole_numbers_are_read_by_the_short_way);
    tcase_add_test(t, whole_numbers_of_64_bits_are_exact);
    tcase_add_loop_test(t, every_16_bit_float_survives_and_all_between_round_to_nearest_even, 0, 2);
    tcase_add_loop_test(t, special_values_of_16_bits, 0, 2);
    tcase_add_test(t, integers_take_whole_numbers_of_their_range_only);
    tcase_add_test(t, f32_rounds_once_and_refuses_what_is_too_large);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
