/* test_condition.c -- solutions of systems whose inverse is known in closed form, and the condition number:
 * within a factor of 3 of the truth, and huge for what is singular. */
#include "thalweg/cholesky.h"

#include "some_matrix.h"

#include <check.h>
#include <stdio.h>

static double *const a = matrix, scratch[2 * MOST];

/* 360360 = lcm(1 .. 15): 360360 times the Hilbert matrix is exact up to n = 8. */
static double hilbert(size_t n, size_t i, size_t j)
{
    (void)n;
    return 360360 / (double)(i + j + 1);
}

static double binomial(size_t n, size_t k)
{
    double b = 1;
    for (size_t i = 1; i <= k; i++) b = b * (double)(n - k + i) / (double)i;
    return b;
}

/* The formula of OEIS A189765; all integers, over 360360. */
static double hilbert_inverse(size_t n, size_t i, size_t j)
{
    const double middle = binomial(i + j, i);
    return ((i + j) % 2 == 0 ? 1 : -1) * (double)(i + j + 1) * binomial(n + i, n - j - 1) *
           binomial(n + j, n - i - 1) * middle * middle / 360360;
}

/* The second difference: 2 on the diagonal, -1 beside it. */
static double laplace(size_t n, size_t i, size_t j)
{
    (void)n;
    return i == j ? 2 : i == j + 1 || j == i + 1 ? -1 : 0;
}

static double laplace_inverse(size_t n, size_t i, size_t j)
{
    const size_t less = i < j ? i : j, more = i < j ? j : i;
    return (double)((less + 1) * (n - more)) / (double)(n + 1);
}

/* min(i, j), counted from 1; its inverse is tridiagonal. */
static double minimum(size_t n, size_t i, size_t j)
{
    (void)n;
    return (double)((i < j ? i : j) + 1);
}

static double minimum_inverse(size_t n, size_t i, size_t j)
{
    return i == j && i == n - 1 ? 1 : laplace(n, i, j);
}

/* Powers of 4, from 1 down: the worst scaled of all. */
static double powers(size_t n, size_t i, size_t j)
{
    (void)n;
    return i == j ? ldexp(1, -2 * (int)(i % 16)) : 0;
}

static double powers_inverse(size_t n, size_t i, size_t j)
{
    (void)n;
    return i == j ? ldexp(1, 2 * (int)(i % 16)) : 0;
}

/* I - c w w^T / |w|^2 with w = 0 1 -1 1 -1 ... and c = 1 - 2^-10, but 1/2 in the corner: the climb sees only
 * the corner, its last vector the rest. */
static double sign_at(size_t n, size_t i)
{
    if (i == 0 || (n % 2 == 0 && i == n - 1)) return 0;
    return i % 2 == 1 ? 1 : -1;
}

static double hidden(size_t n, size_t i, size_t j)
{
    const double c = (1 - 0x1p-10) / (double)((n - 1) / 2 * 2);
    if (i == j && i == 0) return 0.5;
    return (double)(i == j) - (sign_at(n, i) * sign_at(n, j) != 0 ? c * sign_at(n, i) * sign_at(n, j) : 0);
}

static double hidden_inverse(size_t n, size_t i, size_t j)
{
    const double c = 1023 / (double)((n - 1) / 2 * 2);
    if (i == j && i == 0) return 2;
    return (double)(i == j) + (sign_at(n, i) * sign_at(n, j) != 0 ? c * sign_at(n, i) * sign_at(n, j) : 0);
}

static const struct {
    const char *name;
    double (*of)(size_t n, size_t i, size_t j), (*inverse)(size_t n, size_t i, size_t j);
    size_t first, last;
} known[] = {
    {"hilbert", hilbert, hilbert_inverse, 1, 8},   {"laplace", laplace, laplace_inverse, 1, 130},
    {"minimum", minimum, minimum_inverse, 1, 130}, {"powers", powers, powers_inverse, 1, 130},
    {"hidden", hidden, hidden_inverse, 3, 130},
};

enum { N_KNOWN = sizeof known / sizeof known[0] };

static double set_known(int which, size_t n, double (**inverse)(size_t, size_t, size_t))
{
    double most = 0;
    set_nothing(n);
    *inverse = known[which].inverse;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (size_t j = 0; j <= i; j++) a[i * row_length(n) + j] = known[which].of(n, i, j);
        for (size_t j = 0; j < n; j++) sum += fabs(known[which].inverse(n, i, j));
        most = sum > most ? sum : most;
    }
    return most;
}

/* ---------------------------------------------------------------- the facts */

START_TEST(inverses_in_closed_form_come_back)
{
    double (*inverse)(size_t, size_t, size_t), x[MOST];
    for (size_t n = known[_i].first; n <= known[_i].last; n += n < 9 ? 1 : 11) {
        const double norm = set_known(_i, n, &inverse);
        const double condition = norm * tw_cholesky_norm(n, row_length(n), a, scratch);
        ck_assert(tw_cholesky_factor(n, row_length(n), a) == n);
        for (size_t j = 0; j < n; j++) {
            for (size_t i = 0; i < n; i++) x[i] = i == j;
            tw_cholesky_solve(n, row_length(n), a, x);
            for (size_t i = 0; i < n; i++)
                ck_assert_msg(fabs(x[i] - inverse(n, i, j)) <= 0x1p-53 * (double)(4 * n) * condition * norm,
                              "%s of %zu, inverse %zu %zu: %a, not %a", known[_i].name, n, i, j, x[i],
                              inverse(n, i, j));
        }
    }
}
END_TEST

/* For n = 5, 6, 7, 8, by elimination in rational arithmetic: a second way, beside the closed form of the
 * inverse. */
START_TEST(the_condition_of_hilbert_matrices_is_that_of_rational_arithmetic)
{
    static const double condition[] = {943656, 29070279, 985194886.5, 33872791095};
    double (*inverse)(size_t, size_t, size_t);
    for (size_t n = 5; n <= 8; n++) {
        const double norm = set_known(0, n, &inverse), of = tw_cholesky_norm(n, row_length(n), a, scratch);
        ck_assert_msg(fabs(norm * of / condition[n - 5] - 1) < 1e-14, "%zu: %.10g", n, norm * of);
        ck_assert(tw_cholesky_factor(n, row_length(n), a) == n);
        const double got = tw_cholesky_condition(n, row_length(n), a, of, scratch);
        ck_assert_msg(fabs(got / condition[n - 5] - 1) < 4 * (double)n * condition[n - 5] * 0x1p-53,
                      "%zu: %.10g", n, got);
    }
}
END_TEST

static void check_condition(size_t n, double truth, double got)
{
    ck_assert_msg(got >= truth / 3 && got <= truth * (1 + 0x1p-50 * (double)n * truth),
                  "n = %zu: %.6g, not %.6g", n, got, truth);
}

START_TEST(the_condition_is_within_a_factor_of_3)
{
    double (*inverse)(size_t, size_t, size_t);
    for (int which = 0; which < N_KNOWN; which++)
        for (size_t n = known[which].first; n <= known[which].last; n += n < 9 ? 1 : 11) {
            const double of = set_known(which, n, &inverse),
                         norm = tw_cholesky_norm(n, row_length(n), a, scratch);
            ck_assert(tw_cholesky_factor(n, row_length(n), a) == n);
            check_condition(n, norm * of, tw_cholesky_condition(n, row_length(n), a, norm, scratch));
        }
    for (size_t i = 0; i < 200; i++) {
        const size_t n = 1 + i % 40;
        set_random(n, n, ldexp(1, -(int)(i % 30)), false);
        invert(n);
        const double norm = tw_cholesky_norm(n, row_length(n), a, scratch);
        ck_assert(tw_cholesky_factor(n, row_length(n), a) == n);
        check_condition(n, norm * exact_norm(n), tw_cholesky_condition(n, row_length(n), a, norm, scratch));
    }
}
END_TEST

START_TEST(the_norm_reads_the_lower_triangle_only)
{
    set_random(3, 3, 0, false);
    const double rows[3][3] = {{1, -7, 2}, {-7, 3, 5}, {2, 5, -40}};
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j <= i; j++) a[i * 8 + j] = rows[i][j];
    ck_assert(tw_cholesky_norm(3, 8, a, scratch) == 47);
    ck_assert(scratch[0] == 10 && scratch[1] == 15 && scratch[2] == 47);
    ck_assert(tw_cholesky_norm(0, 0, a, scratch) == 0 && tw_cholesky_condition(0, 0, a, 0, scratch) == 0);
}
END_TEST

START_TEST(what_rounding_made_regular_has_a_huge_condition)
{
    int refused = 0, count = 0;
    for (size_t n = 2; n <= 140; n += n < 20 ? 1 : 13)
        for (size_t rank = 0; rank < n; rank += 1 + n / 7) {
            set_random(n, rank, 0, true);
            const double norm = tw_cholesky_norm(n, row_length(n), a, scratch);
            const size_t got = tw_cholesky_factor(n, row_length(n), a);
            count++;
            refused += got < n;
            if (got < n) continue;
            const double condition = tw_cholesky_condition(n, row_length(n), a, norm, scratch);
            ck_assert_msg(condition > 1e13, "n = %zu of rank %zu: %g", n, rank, condition);
        }
    printf("%d of %d singular matrices were refused\n", refused, count);
    ck_assert_msg(refused > count * 3 / 4, "only %d of %d were refused", refused, count);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("condition");
    TCase *tests = tcase_create("facts");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, inverses_in_closed_form_come_back, 0, N_KNOWN);
    tcase_add_test(tests, the_condition_of_hilbert_matrices_is_that_of_rational_arithmetic);
    tcase_add_test(tests, the_condition_is_within_a_factor_of_3);
    tcase_add_test(tests, the_norm_reads_the_lower_triangle_only);
    tcase_add_test(tests, what_rounding_made_regular_has_a_huge_condition);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_FORK);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
