/* test_gram.c -- the products A^T B of every table of inner loops have the bits of the contract, in the part
 * that was asked for, and touch nothing else.
 *
 * The scalar chain is a second text of docs/reproducibility.md, section 1. Every array ends, or begins, where
 * a forbidden page does, so a kernel that reads or writes outside dies. */
#include "core/kernels_isa.h"

#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { N_ISAS = 3, CAPACITY = 1 << 21, PAGE = 1 << 16 };

static const char *const isas[N_ISAS] = {"avx512", "avx2", "baseline"};

static const tw_kernels *table_of(int i)
{
    const tw_kernels *table = tw_kernels_find(isas[i]);
    if (table == NULL) printf("not run: this machine or build has no %s\n", isas[i]);
    return table;
}

/* ---------------------------------------------------------------- memory and numbers */

/* Memory between two pages that may not be touched, at its end or at its start. */
static double *fenced(int slot, size_t count, bool at_start)
{
    static unsigned char *start[4];
    if (start[slot] == NULL) {
        unsigned char *p = mmap(NULL, CAPACITY + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert(p != MAP_FAILED);
        start[slot] = p + PAGE;
        ck_assert(mprotect(start[slot], CAPACITY, PROT_READ | PROT_WRITE) == 0);
    }
    ck_assert(count * sizeof(double) <= CAPACITY);
    return (double *)(void *)(start[slot] + (at_start ? 0 : CAPACITY - count * sizeof(double)));
}

static uint64_t state = 1;

static uint64_t next(void)
{
    uint64_t x = state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static size_t below(size_t n)
{
    return next() % n;
}

/* Ordinary numbers of many sizes; when wild, now and then zeros, subnormals, overflow, infinity and NaN. */
static double number(bool wild)
{
    static const double odd[] = {0.0,     -0.0,  0x1p-1074, -0x1p-1060, 1e-200,
                                 -1e-200, 1e200, -1e308,    INFINITY,   NAN};
    const uint64_t bits = next();
    if (wild && bits % 64 == 0) return odd[bits / 64 % (sizeof odd / sizeof odd[0])];
    return ldexp((double)(int64_t)next(), (int)(bits >> 32) % 8 - 64);
}

/* [rows][np] with numbers in the first n columns and NaN, which must not spread, in the others. */
static double *matrix(int slot, size_t rows, size_t n, size_t np, bool wild, bool at_start)
{
    double *x = fenced(slot, rows * np, at_start);
    for (size_t i = 0; i < rows * np; i++) x[i] = i % np < n ? number(wild) : NAN;
    return x;
}

static bool same(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

/* ---------------------------------------------------------------- the contract, one number at a time */

static double chain(const tw_product *p, size_t j, size_t k, double c)
{
    for (size_t i = 0; i < p->rows; i++) {
        const double a = p->a[i * p->np + j];
        c = fma(p->minus ? -a : a, p->b[i * p->np + k], c);
    }
    return c;
}

static bool belongs(const tw_product *p, size_t j, size_t k)
{
    return k < p->n && (p->part != TW_LOWER || k <= j) && (p->part != TW_UPPER || k >= j);
}

/* Fills p's arrays, multiplies, compares every element of c and of its padding. */
static void check(const tw_kernels *t, tw_product p)
{
    const bool wild = below(4) == 0, at_start = below(2) == 0;
    double *c = matrix(2, p.m, p.ldc, p.ldc, wild, at_start), *want = fenced(3, p.m * p.ldc, false);
    p.a = matrix(0, p.rows, p.m, p.np, wild, at_start);
    p.b = matrix(1, p.rows, p.n, p.np, wild, at_start);
    p.c = c;
    for (size_t i = 0; i < p.m * p.ldc; i++)
        want[i] = belongs(&p, i / p.ldc, i % p.ldc) ? chain(&p, i / p.ldc, i % p.ldc, c[i]) : c[i];
    p.ahead = p.b;
    p.ahead_bytes = below(3) * 100000;
    t->product(&p);
    for (size_t i = 0; i < p.m * p.ldc; i++)
        if (!same(c[i], want[i]))
            ck_abort_msg("%s, part %d, %zu rows, %zu x %zu, np %zu, ldc %zu: c[%zu][%zu] is %a, not %a",
                         t->name, p.part, p.rows, p.m, p.n, p.np, p.ldc, i / p.ldc, i % p.ldc, c[i], want[i]);
}

static void check_square(const tw_kernels *t, size_t rows, size_t n)
{
    const size_t np = (n + 7) / 8 * 8;
    const tw_product p = {.rows = rows, .m = n, .n = n, .np = np, .ldc = np};
    tw_product lower = p;
    lower.part = TW_LOWER;
    check(t, lower);
    check(t, p);
}

/* ---------------------------------------------------------------- the facts */

START_TEST(the_numbers_tell_orders_apart)
{
    const double *a = matrix(0, 100, 8, 8, false, true), *b = matrix(1, 100, 8, 8, false, true);
    int differ = 0;
    for (size_t k = 0; k < 8; k++) {
        double up = 0, down = 0, halves = 0, second = 0;
        for (size_t i = 0; i < 100; i++) up = fma(a[i * 8], b[i * 8 + k], up);
        for (size_t i = 100; i-- > 0;) down = fma(a[i * 8], b[i * 8 + k], down);
        for (size_t i = 0; i < 50; i++) halves = fma(a[i * 8], b[i * 8 + k], halves);
        for (size_t i = 50; i < 100; i++) second = fma(a[i * 8], b[i * 8 + k], second);
        differ += !same(up, down) && !same(up, halves + second);
    }
    ck_assert_msg(differ >= 5, "only %d of 8 sums depend on the order", differ);
    ck_assert(!same(0.0, -0.0) && !same(1.0, nextafter(1.0, 2)) && same(NAN, -NAN));
}
END_TEST

START_TEST(every_width_has_the_bits_of_the_contract)
{
    static const size_t depths[] = {0, 1, 2, 7, 8, 127, 128, 129, 255, 256, 257, 300};
    enum { N_DEPTHS = sizeof depths / sizeof depths[0] };
    const tw_kernels *t = table_of(_i);
    for (size_t n = 0; t != NULL && n <= 70; n++)
        for (size_t i = 0; i < 4; i++) check_square(t, depths[(n + 3 * i) % N_DEPTHS], n);
}
END_TEST

START_TEST(every_number_of_rows_has_the_bits_of_the_contract)
{
    static const size_t widths[] = {1, 7, 9, 25, 31};
    const tw_kernels *t = table_of(_i);
    for (size_t rows = 0; t != NULL && rows <= 300; rows++)
        check_square(t, rows, widths[rows % (sizeof widths / sizeof widths[0])]);
}
END_TEST

START_TEST(wide_matrices_have_the_bits_of_the_contract)
{
    static const size_t shapes[][2] = {{256, 101}, {130, 160}, {64, 255}, {20, 257}, {260, 200}};
    const tw_kernels *t = table_of(_i);
    for (size_t i = 0; t != NULL && i < sizeof shapes / sizeof shapes[0]; i++)
        check_square(t, shapes[i][0], shapes[i][1]);
}
END_TEST

START_TEST(every_part_of_any_shape_has_the_bits_of_the_contract)
{
    const tw_kernels *t = table_of(_i);
    for (size_t i = 0; t != NULL && i < 3000; i++) {
        const size_t m = below(60), n = below(60), most = m > n ? m : n,
                     rows = below(20) == 0 ? 140 : below(12);
        const tw_product p = {.rows = rows,
                              .m = m,
                              .n = n,
                              .np = (most + 7) / 8 * 8 + 8 * below(2),
                              .ldc = (n + 7) / 8 * 8 + 8 * below(3),
                              .part = (tw_part)(i % 3),
                              .minus = i / 3 % 2 == 1};
        check(t, p);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gram");
    TCase *tests = tcase_create("bits");
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, the_numbers_tell_orders_apart);
    tcase_add_loop_test(tests, every_width_has_the_bits_of_the_contract, 0, N_ISAS);
    tcase_add_loop_test(tests, every_number_of_rows_has_the_bits_of_the_contract, 0, N_ISAS);
    tcase_add_loop_test(tests, wide_matrices_have_the_bits_of_the_contract, 0, N_ISAS);
    tcase_add_loop_test(tests, every_part_of_any_shape_has_the_bits_of_the_contract, 0, N_ISAS);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
