/* test_vmath.c -- exp, log and log1p: the truth in long double, the edges, and the same bits from every
 * table.
 *
 * The scalar functions below are a second text of docs/reproducibility.md, section 1, written with libm's
 * fma, frexp and ldexp instead of moves of bits. */
#include "core/kernels_isa.h"
#include "thalweg/vec.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 4096, POINTS = 10000000, N_ISAS = 3 };

static const char *const isas[N_ISAS] = {"avx512", "avx2", "baseline"};

/* ---------------------------------------------------------------- the contract, one number at a time */

static double scalar_exp(double x)
{
    if (isnan(x)) return x;
    if (x > 0x1.62e42fefa39efp+9) return INFINITY;
    if (x < -708) return 0.0;
    const double kd = fma(x, 0x1.71547652b82fep+0, 0x1.8p52) - 0x1.8p52;
    const double r = fma(-kd, 0x1.62e42fefa39efp-1, x);
    const double l = kd * 0x1.abc9e3b39803fp-56;
    const double h = r - l;
    double factorial = 6227020800.0, p = 1 / factorial;
    for (int i = 12; i >= 3; i--) {
        factorial /= i + 1;
        p = fma(p, h, 1 / factorial);
    }
    p = fma(p, h, 0.5);
    const double q = fma(p, h * h, -l);
    return ldexp(1 + (r + q), (int)kd);
}

static double scalar_core(double u, double c)
{
    static const double L[] = {0,
                               6.666666666666735130e-01,
                               3.999999999940941908e-01,
                               2.857142874366239149e-01,
                               2.222219843214978396e-01,
                               1.818357216161805012e-01,
                               1.531383769920937332e-01,
                               1.479819860510658591e-01};
    int exponent;
    double m = 2 * frexp(u, &exponent);
    double k = exponent - 1;
    if (m > 0x1.6a09e667f3bcdp+0) {
        m = m / 2;
        k = k + 1;
    }
    const double f = m - 1;
    const double s = f / (2 + f), z = s * s, v = z * z;
    const double t1 = v * fma(v, fma(v, L[6], L[4]), L[2]);
    const double t2 = z * fma(v, fma(v, fma(v, L[7], L[5]), L[3]), L[1]);
    const double R = t1 + t2, H = (0.5 * f) * f;
    return k * 0x1.62e42feep-1 - ((H - (s * (H + R) + (k * 0x1.a39ef35793c76p-33 + c))) - f);
}

static double scalar_log(double x)
{
    if (x == 0) return -INFINITY;
    if (x < 0) return NAN;
    return isfinite(x) ? scalar_core(x, 0) : x;
}

static double scalar_log1p(double t)
{
    if (!isfinite(t)) return t;
    const double u = 1 + t;
    const double c = t < 1 ? t - (u - 1) : 1 - (u - t);
    return scalar_core(u, c / u);
}

/* ---------------------------------------------------------------- points and measures */

static uint64_t state = 1;

static uint64_t next(void)
{
    uint64_t x = state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static double between(double a, double b)
{
    return a + (b - a) * ((double)(next() >> 11) * 0x1p-53);
}

static double for_exp(void)
{
    const uint64_t kind = next() % 4;
    if (kind == 0) return between(-708, 0x1.62e42fefa39efp+9);
    if (kind == 1) return between(-1, 1);
    if (kind == 2) return exp2(between(-60, 9.4));
    return -exp2(between(-60, 9.4));
}

static double for_log(void)
{
    const uint64_t kind = next() % 3;
    if (kind == 0) return between(0.5, 2);
    if (kind == 1) return 1 + between(-1, 1) * exp2(between(-52, -2));
    return ldexp(between(0.5, 1), (int)(next() % 2046) - 1021);
}

static double for_log1p(void)
{
    const uint64_t kind = next() % 3;
    if (kind == 0) return between(0, 1);
    if (kind == 1) return exp2(between(-1070, 0));
    return exp2(between(-4, 1023));
}

typedef void vector_function(size_t n, const double *x, double *out);

typedef struct {
    const char *name;
    double (*point)(void);
    double (*scalar)(double);
    long double (*truth)(long double);
    size_t offset; /* of the row in tw_kernels */
} function;

static const function functions[] = {
    {"exp", for_exp, scalar_exp, expl, offsetof(tw_kernels, exp)},
    {"log", for_log, scalar_log, logl, offsetof(tw_kernels, log)},
    {"log1p", for_log1p, scalar_log1p, log1pl, offsetof(tw_kernels, log1p)},
};

enum { N_FUNCTIONS = sizeof functions / sizeof functions[0] };

static vector_function *row(const tw_kernels *table, const function *f)
{
    vector_function *call;
    memcpy(&call, (const char *)table + f->offset, sizeof call);
    return call;
}

static long double ulps(double got, long double truth)
{
    int exponent;
    frexpl(truth, &exponent);
    if (exponent < DBL_MIN_EXP) exponent = DBL_MIN_EXP;
    return fabsl((long double)got - truth) / ldexpl(1, exponent - DBL_MANT_DIG);
}

static bool same(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static const tw_kernels *table_of(int i)
{
    const tw_kernels *table = tw_kernels_find(isas[i]);
    if (table == NULL) printf("not run: this machine or build has no %s\n", isas[i]);
    return table;
}

/* ---------------------------------------------------------------- the facts */

START_TEST(one_ulp_is_seen_as_one)
{
    ck_assert(ulps(1.0, 1.0L) == 0);
    ck_assert(ulps(nextafter(1.0, 2), 1.0L) == 1);
    ck_assert(ulps(nextafter(1.0, 0), 1.0L) == 0.5L);
    ck_assert(!same(0.0, -0.0) && !same(1.0, nextafter(1.0, 2)) && same(NAN, -NAN));
}
END_TEST

START_TEST(the_error_stays_below_one_ulp_over_ten_million_points)
{
    const function *f = &functions[_i];
    static double x[BATCH], y[BATCH];
    long double worst = 0, at = 0;
#if LDBL_MANT_DIG < 64
    printf("not run: long double is too short to judge %s\n", f->name);
    return;
#endif
    for (long done = 0; done < POINTS; done += BATCH) {
        for (int j = 0; j < BATCH; j++) x[j] = f->point();
        row(tw_kernels_get(), f)(BATCH, x, y);
        for (int j = 0; j < BATCH; j++) {
            const long double error = ulps(y[j], f->truth(x[j]));
            if (!(error <= worst)) worst = error, at = x[j];
        }
    }
    printf("%s: at most %.4Lf ulp (at %.17Lg), %s\n", f->name, worst, at, tw_kernels_get()->name);
    ck_assert_msg(worst < 1, "%s is off by %Lf ulp at %.17Lg", f->name, worst, at);
    ck_assert_msg(worst > 0.5L, "%s cannot be correctly rounded: is the test asleep?", f->name);
}
END_TEST

static const struct {
    int function; /* index in functions */
    double x, y;
} edges[] = {
    {0, NAN, NAN},
    {0, __builtin_nan("0x400"), NAN}, /* whose low bits k would carry into the exponent */
    {0, INFINITY, INFINITY},
    {0, -INFINITY, 0.0},
    {0, 0.0, 1.0},
    {0, -0.0, 1.0},
    {0, DBL_TRUE_MIN, 1.0},
    {0, -DBL_MIN, 1.0},
    {0, -0x1.6200000000001p+9, 0.0}, /* the next below -708 */
    {0, -708.0, 0x1.7c8ab2288c9abp-1022},
    {0, -1e300, 0.0},
    {0, 0x1.62e42fefa39efp+9, 0x1.fffffffffff2ap+1023},
    {0, 0x1.62e42fefa39f0p+9, INFINITY},
    {0, DBL_MAX, INFINITY},
    {1, NAN, NAN},
    {1, INFINITY, INFINITY},
    {1, -INFINITY, NAN},
    {1, 0.0, -INFINITY},
    {1, -0.0, -INFINITY},
    {1, -1.0, NAN},
    {1, -DBL_TRUE_MIN, NAN},
    {1, 1.0, 0.0},
    {1, 2.0, 0x1.62e42fefa39efp-1},
    {1, DBL_MIN, -0x1.6232bdd7abcd2p+9},
    {1, DBL_TRUE_MIN, -0x1.74385446d71c3p+9},
    {1, DBL_MAX, 0x1.62e42fefa39efp+9},
    {2, NAN, NAN},
    {2, INFINITY, INFINITY},
    {2, 0.0, 0.0},
    {2, DBL_TRUE_MIN, DBL_TRUE_MIN},
    {2, 0x1p-60, 0x1p-60},
    {2, 1.0, 0x1.62e42fefa39efp-1},
    {2, DBL_MAX, 0x1.62e42fefa39efp+9},
};

START_TEST(edges_have_their_values_in_every_lane)
{
    const tw_kernels *table = table_of(_i);
    if (table == NULL) return;
    for (size_t e = 0; e < sizeof edges / sizeof edges[0]; e++) {
        const function *f = &functions[edges[e].function];
        for (size_t lane = 0; lane < 11; lane++) {
            double x[11], y[11];
            for (size_t j = 0; j < 11; j++) x[j] = 1.0;
            x[lane] = edges[e].x;
            row(table, f)(11, x, y);
            ck_assert_msg(same(y[lane], edges[e].y), "%s(%a) = %a, not %a, in lane %zu of %s", f->name,
                          edges[e].x, y[lane], edges[e].y, lane, isas[_i]);
            ck_assert(same(y[(lane + 1) % 11], f->scalar(1.0)));
        }
    }
}
END_TEST

START_TEST(every_table_has_the_bits_of_the_scalar_text)
{
    const tw_kernels *table = table_of(_i);
    static double x[BATCH], y[BATCH];
    if (table == NULL) return;
    for (int done = 0; done < 50 * N_FUNCTIONS; done++) {
        const function *f = &functions[done % N_FUNCTIONS];
        for (int j = 0; j < BATCH; j++) x[j] = f->point();
        row(table, f)(BATCH, x, y);
        for (int j = 0; j < BATCH; j++)
            ck_assert_msg(same(y[j], f->scalar(x[j])), "%s(%a): %a here, %a in the text", f->name, x[j], y[j],
                          f->scalar(x[j]));
    }
}
END_TEST

/* Exact-size arrays from malloc: an address sanitizer sees a step too far. Then in place. */
START_TEST(every_length_is_computed_to_its_end_and_no_further)
{
    const tw_kernels *table = table_of(_i);
    if (table == NULL) return;
    for (size_t n = 0; n <= 70 * N_FUNCTIONS; n++) {
        const function *f = &functions[n % N_FUNCTIONS];
        const size_t length = n / N_FUNCTIONS;
        double *x = malloc(length * sizeof *x + 1), *y = malloc((length + 1) * sizeof *y);
        for (size_t j = 0; j < length; j++) x[j] = f->point();
        y[length] = 4711;
        row(table, f)(length, x, y);
        for (size_t j = 0; j < length; j++) ck_assert(same(y[j], f->scalar(x[j])));
        ck_assert(y[length] == 4711);
        row(table, f)(length, x, x);
        ck_assert(length == 0 || memcmp(x, y, length * sizeof *x) == 0);
        free(x);
        free(y);
    }
}
END_TEST

START_TEST(the_public_functions_are_those_of_the_table)
{
    for (int j = 0; j < 1000; j++) {
        const double a = for_exp(), b = for_log(), c = for_log1p();
        double y[3];
        tw_vec_exp(1, &a, &y[0]);
        tw_vec_log(1, &b, &y[1]);
        tw_vec_log1p(1, &c, &y[2]);
        ck_assert(same(tw_exp(a), scalar_exp(a)) && same(y[0], scalar_exp(a)));
        ck_assert(same(tw_log(b), scalar_log(b)) && same(y[1], scalar_log(b)));
        ck_assert(same(tw_log1p(c), scalar_log1p(c)) && same(y[2], scalar_log1p(c)));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vmath");
    TCase *quick = tcase_create("quick"), *accuracy = tcase_create("accuracy");
    tcase_set_timeout(quick, 120);
    tcase_set_timeout(accuracy, 600);
    tcase_add_test(quick, one_ulp_is_seen_as_one);
    tcase_add_loop_test(quick, edges_have_their_values_in_every_lane, 0, N_ISAS);
    tcase_add_loop_test(quick, every_table_has_the_bits_of_the_scalar_text, 0, N_ISAS);
    tcase_add_loop_test(quick, every_length_is_computed_to_its_end_and_no_further, 0, N_ISAS);
    tcase_add_test(quick, the_public_functions_are_those_of_the_table);
    tcase_add_loop_test(accuracy, the_error_stays_below_one_ulp_over_ten_million_points, 0, N_FUNCTIONS);
    suite_add_tcase(suite, quick);
    suite_add_tcase(suite, accuracy);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
