/* test_cholesky.c -- the factor has the bits of the contract on every instruction set, solves to rounding,
 * refuses what is singular, and knows its condition number.
 *
 * The truth: a scalar second text of docs/reproducibility.md, section 1, inverses in closed form, and
 * Gaussian elimination in long double. The table of inner loops is chosen once per process: each test has its
 * own. */
#include "core/kernels_isa.h"
#include "thalweg/cholesky.h"

#include "some_matrix.h"

#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_ISAS = 3 };

static const char *const isas[N_ISAS] = {"avx512", "avx2", "baseline"};
static double *const a = matrix, u[MOST * MOST], scratch[MOST];

/* ---------------------------------------------------------------- the second text, and long double */

/* Row by row from the definition; lower triangle of a to upper triangle of u. */
static void factor_plainly(size_t n)
{
    const size_t stride = row_length(n);
    memcpy(u, a, sizeof u);
    for (size_t j = 0; j < n; j++)
        for (size_t k = j; k < n; k++) {
            double s = a[k * stride + j];
            for (size_t p = 0; p < j; p++) s = fma(-u[p * stride + j], u[p * stride + k], s);
            u[j * stride + k] = k == j ? sqrt(s) : s / u[j * stride + j];
        }
}

static double dot_plainly(size_t n, const double *x, const double *y)
{
    double acc[4][8] = {{0}}, t[8];
    for (size_t j = 0; j < n; j++) acc[j / 8 % 4][j % 8] = fma(x[j], y[j], acc[j / 8 % 4][j % 8]);
    for (size_t l = 0; l < 8; l++) t[l] = (acc[0][l] + acc[1][l]) + (acc[2][l] + acc[3][l]);
    return ((t[0] + t[4]) + (t[2] + t[6])) + ((t[1] + t[5]) + (t[3] + t[7]));
}

static void solve_plainly(size_t n, double *b)
{
    const size_t stride = row_length(n);
    for (size_t k = 0; k < n; k++) {
        for (size_t p = 0; p < k; p++) b[k] = fma(-b[p], u[p * stride + k], b[k]);
        b[k] /= u[k * stride + k];
    }
    for (size_t j = n; j-- > 0;) {
        const double *row = u + j * stride;
        b[j] = (b[j] - dot_plainly(n - j - 1, row + j + 1, b + j + 1)) / row[j];
    }
}

/* ---------------------------------------------------------------- the facts */

static bool choose(int isa)
{
    ck_assert(setenv("THALWEG_ISA", isas[isa], 1) == 0);
    const bool runs = tw_kernels_find(isas[isa]) != NULL;
    if (!runs) printf("not run: this machine or build has no %s\n", isas[isa]);
    ck_assert(!runs || strcmp(tw_kernels_get()->name, isas[isa]) == 0);
    return runs;
}

static void check_bits(size_t n)
{
    double b[3 * MOST], want[3 * MOST];
    set_random(n, n, 0.01, false);
    factor_plainly(n);
    ck_assert_msg(tw_cholesky_factor(n, row_length(n), a) == n, "%zu", n);
    ck_assert_msg(memcmp(a, u, n * row_length(n) * sizeof *a) == 0,
                  "the factor, or what is beside it, for n = %zu", n);
    for (size_t i = 0; i < 3 * n; i++) b[i] = want[i] = number();
    for (size_t k = 0; k < 3; k++) solve_plainly(n, want + k * n);
    tw_cholesky_solve_many(n, row_length(n), a, 2, b);
    tw_cholesky_solve(n, row_length(n), a, b + 2 * n);
    ck_assert_msg(memcmp(b, want, 3 * n * sizeof *b) == 0, "the solutions for n = %zu", n);
}

START_TEST(factor_and_solution_have_the_bits_of_the_contract)
{
    static const size_t more[] = {127, 128, 129, 136, 200, 257};
    if (!choose(_i)) return;
    for (size_t n = 0; n <= 75; n++) check_bits(n);
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) check_bits(more[i]);
}
END_TEST

/* |A - U^T U| <= (n + 1) eps |U^T||U|, eps = 2^-53 (Higham 2002, chapter 10); then |b - A x| <= (3 n + 1)
 * eps |U^T||U||x|, element by element, with a hundredth more for eps^2. */
static void check_residuals(size_t n, const double *x, const double *b)
{
    const size_t stride = row_length(n);
    for (size_t i = 0; i < n; i++) {
        long double residual = (long double)b[i], room = 0;
        for (size_t k = 0; k < n; k++) {
            const size_t less = i < k ? i : k, more = i < k ? k : i;
            const long double element = (long double)u[more * stride + less];
            long double difference = element, size = 0;
            for (size_t p = 0; p <= less; p++) {
                const long double product = (long double)a[p * stride + i] * (long double)a[p * stride + k];
                difference -= product;
                size += fabsl(product);
            }
            ck_assert(fabsl(difference) <= 0x1.03p-53L * (long double)(n + 1) * size);
            residual -= element * (long double)x[k];
            room += size * fabsl((long double)x[k]);
        }
        ck_assert_msg(fabsl(residual) <= 0x1.03p-53L * (long double)(3 * n + 1) * room, "row %zu of %zu: %Lg",
                      i, n, residual);
    }
}

START_TEST(solutions_have_the_residual_of_the_theorem)
{
    double b[MOST], x[MOST];
    for (size_t n = 1; n <= 130; n += n < 20 ? 1 : 11) {
        set_random(n, n, n % 2 ? 1e-6 : 1, false);
        for (size_t i = 0; i < n; i++) b[i] = x[i] = number();
        memcpy(u, a, sizeof u);
        ck_assert(tw_cholesky_factor(n, row_length(n), a) == n);
        tw_cholesky_solve(n, row_length(n), a, x);
        check_residuals(n, x, b);
    }
}
END_TEST

START_TEST(solutions_agree_with_elimination_in_long_double)
{
    double b[MOST], x[MOST];
    for (size_t n = 1; n <= 130; n += n < 20 ? 1 : 11) {
        long double error = 0, most = 0;
        set_random(n, n, 0.1, false);
        invert(n);
        const double norm = tw_cholesky_norm(n, row_length(n), a, scratch), condition = norm * exact_norm(n);
        for (size_t i = 0; i < n; i++) b[i] = x[i] = number();
        ck_assert(tw_cholesky_factor(n, row_length(n), a) == n);
        tw_cholesky_solve(n, row_length(n), a, x);
        for (size_t i = 0; i < n; i++) {
            long double truth = 0;
            for (size_t k = 0; k < n; k++) truth += exact[i * n + k] * (long double)b[k];
            error = fmaxl(error, fabsl(truth - (long double)x[i]));
            most = fmaxl(most, fabsl(truth));
        }
        ck_assert_msg(error <= 0x1p-53L * (long double)(4 * n) * (long double)condition * most,
                      "n = %zu: %Lg of %Lg, condition %g", n, error, most, condition);
    }
}
END_TEST

/* U^T U with U of small integers and powers of 2 on the diagonal: not one rounding. */
static void set_exact(size_t n, size_t zero)
{
    const size_t stride = row_length(n);
    set_nothing(n);
    for (size_t i = 0; i < n * n; i++) {
        u[i] = i % n < i / n ? 0 : i % n == i / n ? ldexp(1, (int)(i % 3)) : rint(1.4 * number());
        u[i] = i / n == zero ? 0 : u[i];
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++) {
            double sum = 0;
            for (size_t p = 0; p <= j; p++) sum += u[p * n + i] * u[p * n + j];
            a[i * stride + j] = sum;
        }
}

static void check_exact(size_t n, size_t zero)
{
    set_exact(n, zero);
    const size_t got = tw_cholesky_factor(n, row_length(n), a);
    ck_assert_msg(got == zero, "n = %zu, pivot %zu: %zu", n, zero, got);
    for (size_t i = 0; got == n && i < n * n; i++) /* nothing is refused, and nothing is rounded */
        ck_assert(i % n < i / n || a[i / n * row_length(n) + i % n] == u[i]);
}

START_TEST(a_singular_leading_block_is_named)
{
    for (size_t n = 1; n <= 140; n += n < 20 ? 1 : 13) {
        for (size_t zero = 0; zero < n; zero += 1 + n / 9) check_exact(n, zero);
        check_exact(n, n);
    }
}
END_TEST

/* The unit matrix but for element (i, j). */
static size_t factor_unit_but(size_t n, size_t i, size_t j, double value)
{
    set_nothing(n);
    for (size_t k = 0; k < n; k++)
        for (size_t l = 0; l <= k; l++) a[k * row_length(n) + l] = k == l;
    a[i * row_length(n) + j] = value;
    return tw_cholesky_factor(n, row_length(n), a);
}

START_TEST(the_first_bad_pivot_is_named)
{
    for (size_t n = 2; n <= 150; n += 37)
        for (size_t i = 1; i < n; i += 5) {
            const double bound = (double)n * 0x1p-53;
            ck_assert(factor_unit_but(n, i, i, bound) == i);
            ck_assert(factor_unit_but(n, i, i, nextafter(bound, 1)) == n);
            ck_assert(factor_unit_but(n, i, i, 0) == i && factor_unit_but(n, i, i, -1) == i);
            ck_assert(factor_unit_but(n, i, i, NAN) == i && factor_unit_but(n, i, i, -INFINITY) == i);
            ck_assert(factor_unit_but(n, i, i, INFINITY) == 0);
            ck_assert(factor_unit_but(n, i, 0, 2) == i && factor_unit_but(n, i, i - 1, 1) == i);
            ck_assert(factor_unit_but(n, i, 0, NAN) == i && factor_unit_but(n, i, i / 2, INFINITY) == i);
        }
    ck_assert(factor_unit_but(1, 0, 0, 0) == 0 && factor_unit_but(1, 0, 0, -1) == 0);
    ck_assert(factor_unit_but(1, 0, 0, 0x1p-1074) == 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cholesky");
    TCase *tests = tcase_create("facts");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, factor_and_solution_have_the_bits_of_the_contract, 0, N_ISAS);
    tcase_add_test(tests, solutions_have_the_residual_of_the_theorem);
    tcase_add_test(tests, solutions_agree_with_elimination_in_long_double);
    tcase_add_test(tests, a_singular_leading_block_is_named);
    tcase_add_test(tests, the_first_bad_pivot_is_named);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_FORK);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
