/* test_kernels.c -- every table of inner loops has the bits of the contract, for every length, within its
 * arrays.
 *
 * The scalar functions are a second text of docs/reproducibility.md, sections 1 and 4. Inputs and outputs end
 * where a forbidden page begins, so a kernel that reads or writes one element too far dies. */
#include "core/kernels_isa.h"
#include "thalweg/vec.h"

#include <check.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { N_ISAS = 3, CAPACITY = 1 << 20 };

static const char *const isas[N_ISAS] = {"avx512", "avx2", "baseline"};
static const size_t lengths[] = {101, 255, 256, 257, 1003};

enum { N_LENGTHS = 71 + sizeof lengths / sizeof lengths[0] };

static size_t length(size_t i)
{
    return i <= 70 ? i : lengths[i - 71];
}

static const tw_kernels *table_of(int i)
{
    const tw_kernels *table = tw_kernels_find(isas[i]);
    if (table == NULL) printf("not run: this machine or build has no %s\n", isas[i]);
    return table;
}

/* ---------------------------------------------------------------- memory and numbers */

/* The last bytes before a page that may not be touched; the same memory at each call with the same slot. */
static void *fenced(int slot, size_t bytes)
{
    static unsigned char *end[8];
    if (end[slot] == NULL) {
        unsigned char *p =
            mmap(NULL, 2 * CAPACITY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert(p != MAP_FAILED);
        end[slot] = p + CAPACITY;
        ck_assert(mprotect(end[slot], CAPACITY, PROT_NONE) == 0);
    }
    ck_assert(bytes <= CAPACITY);
    return end[slot] - bytes;
}

static uint64_t state = 1;

static uint64_t next(void)
{
    uint64_t x = state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Ordinary numbers of many sizes; when wild, now and then zeros, subnormals, overflow, infinity and NaN. */
static double number(bool wild)
{
    static const double odd[] = {0.0,     -0.0,  0x1p-1074, -0x1p-1060, 1e-200,
                                 -1e-200, 1e200, -1e308,    INFINITY,   NAN};
    const uint64_t bits = next();
    if (wild && bits % 16 == 0) return odd[bits / 16 % (sizeof odd / sizeof odd[0])];
    return ldexp((double)(int64_t)next(), (int)(bits >> 32) % 30 - 80);
}

static double *numbers(int slot, size_t count, bool wild)
{
    double *x = fenced(slot, count * sizeof *x);
    for (size_t i = 0; i < count; i++) x[i] = number(wild);
    return x;
}

static double *copy(int slot, size_t count, const double *from)
{
    double *x = fenced(slot, count * sizeof *x);
    if (count > 0) memcpy(x, from, count * sizeof *x);
    return x;
}

static bool same(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static void check_same(const char *what, size_t count, const double *got, const double *want)
{
    for (size_t i = 0; i < count; i++)
        if (!same(got[i], want[i]))
            ck_abort_msg("%s: element %zu of %zu is %a, not %a", what, i, count, got[i], want[i]);
}

/* ---------------------------------------------------------------- the contract, one number at a time */

static double lane_sum(size_t n, const double *a, const double *b)
{
    double acc[4][8] = {{0}}, t[8];
    for (size_t j = 0; j < n; j++) {
        double *lane = &acc[j / 8 % 4][j % 8];
        *lane = fma(a[j], b[j], *lane);
    }
    for (size_t l = 0; l < 8; l++) t[l] = (acc[0][l] + acc[1][l]) + (acc[2][l] + acc[3][l]);
    return ((t[0] + t[4]) + (t[2] + t[6])) + ((t[1] + t[5]) + (t[3] + t[7]));
}

/* ---------------------------------------------------------------- the facts */

START_TEST(the_numbers_tell_orders_apart)
{
    int differ = 0;
    for (size_t n = 3; n <= 70; n++) {
        const double *a = numbers(0, n, false), *b = numbers(1, n, false);
        double running = 0;
        for (size_t j = 0; j < n; j++) running = fma(a[j], b[j], running);
        differ += !same(running, lane_sum(n, a, b));
    }
    ck_assert_msg(differ > 30, "only %d of 68 sums depend on the order", differ);
    ck_assert(!same(0.0, -0.0) && !same(1.0, nextafter(1.0, 2)) && same(NAN, -NAN));
}
END_TEST

START_TEST(dot_and_axpy_have_the_bits_of_the_contract)
{
    const tw_kernels *k = table_of(_i);
    for (size_t i = 0; k != NULL && i < 2 * N_LENGTHS; i++) {
        const size_t n = length(i / 2);
        const double *a = numbers(0, n, i % 2), *b = numbers(1, n, i % 2);
        double *y = copy(2, n, b), *want = copy(3, n, b);
        const double s = lane_sum(n, a, b), got = k->dot(n, a, b), alpha = number(false);
        check_same("dot", 1, &got, &s);
        k->axpy(n, alpha, a, y);
        for (size_t j = 0; j < n; j++) want[j] = fma(alpha, a[j], want[j]);
        check_same("axpy", n, y, want);
        k->scale(n, alpha, a, y);
        for (size_t j = 0; j < n; j++) want[j] = alpha * a[j];
        check_same("scale", n, y, want);
    }
}
END_TEST

/* Products that underflow to -0 keep every lane at -0; adding +0 * +0 to a missing lane would make it +0. */
START_TEST(missing_lanes_are_not_added)
{
    const tw_kernels *k = table_of(_i);
    for (size_t n = 32; k != NULL && n <= 64; n++) {
        double *x = fenced(0, 2 * n * sizeof *x), *v = fenced(1, n * sizeof *v), z[2];
        for (size_t j = 0; j < 2 * n; j++) x[j] = -1e-200;
        for (size_t j = 0; j < n; j++) v[j] = 1e-200;
        ck_assert(same(lane_sum(n, x, v), -0.0));
        ck_assert_msg(same(k->dot(n, x, v), -0.0), "dot of %zu", n);
        const tw_rows rows = {.type = TW_f64, .rows = 2, .n = n, .x = x, .ahead = x};
        k->margins(&rows, v, -0.0, z);
        ck_assert_msg(same(z[0], -0.0) && same(z[1], -0.0), "margins of %zu", n);
    }
}
END_TEST

/* Row widths about the edges of vectors, strides and strips; counts about those of tiles. */
static const size_t widths_of_rows[] = {1,   2,   7,   8,    9,    15,   16,   17,   23,   24,  25,
                                        31,  32,  33,  39,   48,   63,   64,   65,   96,   100, 127,
                                        255, 256, 784, 1003, 2047, 2048, 2049, 2079, 2080, 4099};
static const size_t counts_of_rows[] = {1, 2, 3, 4, 5, 7, 8, 9, 11, 16, 17, 29};

enum {
    N_WIDTHS = sizeof widths_of_rows / sizeof widths_of_rows[0],
    N_COUNTS = sizeof counts_of_rows / sizeof counts_of_rows[0]
};

/* Rows of the type, any bits but infinities and NaN of the narrow types, whose signs the tables may differ
 * in. */
static void *stored(int slot, tw_dtype type, size_t count, bool wild)
{
    if (type == TW_f64) return numbers(slot, count, wild);
    const size_t one = tw_dtype_size(type);
    unsigned char *x = fenced(slot, count * one);
    for (size_t i = 0; i < count * one; i++) x[i] = (unsigned char)next();
    for (size_t i = 0; i < count; i++) {
        if (type == TW_f16 || type == TW_bf16) x[2 * i + 1] &= 0xbb;
        if (type == TW_f32) x[4 * i + 3] &= 0xbf;
    }
    return x;
}

static void check_rows(const tw_kernels *k, tw_dtype type, size_t rows, size_t n, bool wild)
{
    void *const raw = stored(0, type, rows * n, wild);
    double *x = fenced(5, rows * n * sizeof *x), z[32];
    const double *v = numbers(1, n, wild), *r = numbers(2, rows, false), offset = number(false);
    double *got = fenced(3, rows * sizeof *got), *g = numbers(4, n, wild), *want = copy(6, n, g);
    k->widen(type, rows * n, raw, x);
    for (size_t i = 0; i < rows; i++) {
        z[i] = lane_sum(n, x + i * n, v) + offset;
        for (size_t j = 0; j < n; j++) want[j] = fma(r[i], x[i * n + j], want[j]);
    }
    const tw_rows b = {.type = type, .rows = rows, .n = n, .x = raw, .ahead = (char *)raw + 16384};
    k->margins(&b, v, offset, got);
    check_same("margins", rows, got, z);
    k->update(&b, r, g);
    check_same("update", n, g, want);
}

START_TEST(margins_and_update_have_the_bits_of_the_contract)
{
    const tw_kernels *k = table_of(_i);
    for (size_t i = 0; k != NULL && i < N_WIDTHS * N_COUNTS; i++)
        for (int type = 0; type < TW_N_DTYPES; type++) {
            const size_t rows = counts_of_rows[i % N_COUNTS], n = widths_of_rows[i / N_COUNTS];
            if (rows * n * sizeof(double) <= CAPACITY) check_rows(k, (tw_dtype)type, rows, n, i % 5 == 0);
        }
}
END_TEST

/* exp and log1p are checked by themselves; here the order of what is around them. */
START_TEST(the_logistic_loss_has_the_bits_of_the_contract)
{
    static const double edges[] = {0.0,   -0.0,  1e-300, -36.0,    36.0,      -745.0,
                                   745.0, 1e308, -1e308, INFINITY, -INFINITY, NAN};
    const tw_kernels *k = table_of(_i);
    for (size_t n = 0; k != NULL && n <= 70; n++) {
        double *z = fenced(0, n * sizeof *z), *y = fenced(1, n * sizeof *y);
        double *loss = fenced(2, n * sizeof *loss), *slope = fenced(3, n * sizeof *slope);
        for (size_t i = 0; i < n; i++) {
            z[i] = i % 3 == 0 ? edges[(i / 3 + n) % (sizeof edges / sizeof edges[0])]
                              : 40 * (double)(int64_t)next() * 0x1p-63;
            y[i] = (double)(next() % 2);
        }
        k->logistic(n, z, y, loss, slope);
        for (size_t i = 0; i < n; i++) {
            const double e = tw_exp(-fabs(z[i]));
            const double want[2] = {((z[i] > 0 ? z[i] : 0.0) - y[i] * z[i]) + tw_log1p(e),
                                    (z[i] < 0 ? e : 1.0) / (1.0 + e) - y[i]};
            check_same("loss", 1, loss + i, want);
            check_same("slope", 1, slope + i, want + 1);
        }
    }
}
END_TEST

/* Rows of some type, and what they are as doubles. */
typedef struct {
    const void *stored;
    const double *x;
    double *room;
} some_rows;

static some_rows rows_of(const tw_kernels *k, tw_dtype type, size_t rows, size_t n, bool wild)
{
    some_rows r = {.room = fenced(5, TW_ROOM * sizeof *r.room)};
    const size_t bytes = rows * n * tw_dtype_size(type);
    if (type == TW_f64) {
        r.stored = r.x = numbers(0, rows * n, wild);
        return r;
    }
    unsigned char *stored = fenced(4, bytes);
    for (size_t i = 0; i < bytes; i++) stored[i] = (unsigned char)next();
    if (type == TW_f32 || type == TW_bf16) /* no exponent so large that all sums overflow */
        for (size_t i = tw_dtype_size(type) - 1; i < bytes; i += tw_dtype_size(type)) stored[i] = 0x3f;
    double *x = fenced(0, rows * n * sizeof *x);
    k->widen(type, rows * n, stored, x); /* has its own test */
    r.stored = stored;
    r.x = x;
    return r;
}

static void check_products_and_outer(const tw_kernels *k, tw_dtype type, size_t rows, size_t n,
                                     size_t outputs, bool wild)
{
    const size_t row = tw_whole(n);
    const some_rows in = rows_of(k, type, rows, n, wild);
    const double *v = numbers(1, n * outputs, wild);
    double *z = fenced(2, outputs * TW_TOGETHER * sizeof *z), *want = fenced(3, outputs * sizeof *want);
    const tw_outputs p = {.type = type,
                          .rows = rows,
                          .n = n,
                          .outputs = outputs,
                          .stored = in.stored,
                          .room = in.room,
                          .ahead = in.stored,
                          .ahead_bytes = 5000};
    k->products(&p, v, z);
    for (size_t i = 0; i < rows; i++)
        for (size_t o = 0; o < outputs; o++) {
            want[o] = 0;
            for (size_t j = 0; j < n; j++) want[o] = fma(in.x[i * n + j], v[j * outputs + o], want[o]);
            check_same("products", 1, z + o * TW_TOGETHER + i, want + o);
        }

    const double *r = numbers(1, outputs * TW_TOGETHER, wild);
    double *g = numbers(2, outputs * row, wild);
    want = copy(3, outputs * row, g);
    for (size_t i = 0; i < outputs * n; i++)
        for (size_t s = 0; s < rows; s++) {
            double *const at = want + i / n * row + i % n;
            *at = fma(r[i / n * TW_TOGETHER + s], in.x[s * n + i % n], *at);
        }
    k->outer(&p, r, g);
    for (size_t o = 0; o < outputs; o++) check_same("outer", n, g + o * row, want + o * row);
}

START_TEST(products_and_outer_have_the_bits_of_the_contract)
{
    static const tw_dtype types[] = {TW_f64, TW_f32, TW_bf16, TW_f16, TW_i16, TW_i8, TW_u8};
    const tw_kernels *k = table_of(_i);
    for (size_t i = 0; k != NULL && i < N_LENGTHS * 12; i++)
        for (size_t t = 0; t < 7; t++)
            check_products_and_outer(k, types[t], (i * 5 + t) % (TW_TOGETHER + 1), length(i / 12),
                                     1 + (i + 11 * t) % (t == 0 ? 72 : 26), (i + t) % 5 == 0);
}
END_TEST

/* The loss and the slopes of one row; what has no order leaves the largest as it is. */
static double softmax_row(size_t outputs, size_t label, double *z)
{
    double most = z[0], sum = 0, loss;
    for (size_t k = 1; k < outputs; k++) most = z[k] > most ? z[k] : most;
    loss = most - z[label];
    for (size_t k = 0; k < outputs; k++) z[k] = tw_exp(z[k] - most);
    for (size_t k = 0; k < outputs; k++) sum = sum + z[k];
    for (size_t k = 0; k < outputs; k++) z[k] = z[k] / sum - (k == label ? 1.0 : 0.0);
    return loss + tw_log(sum);
}

START_TEST(softmax_has_the_bits_of_the_contract)
{
    const tw_kernels *k = table_of(_i);
    for (size_t i = 0; k != NULL && i < 4000; i++) {
        const size_t outputs = 1 + i % 40, rows = i / 40 % (TW_TOGETHER + 1);
        double *z = fenced(0, outputs * TW_TOGETHER * sizeof *z), *y = fenced(1, rows * sizeof *y);
        double *want = fenced(2, outputs * TW_TOGETHER * sizeof *z), *loss = fenced(3, rows * sizeof *loss);
        for (size_t j = 0; j < outputs * TW_TOGETHER; j++) {
            z[j] = i % 5 ? ldexp((double)(int64_t)next(), -60) : number(true);
            want[j % TW_TOGETHER * outputs + j / TW_TOGETHER] = z[j];
        }
        for (size_t r = 0; r < rows; r++) y[r] = (double)(next() % outputs);
        k->softmax(rows, outputs, y, z, loss);
        for (size_t r = 0; r < rows; r++) {
            const double wanted = softmax_row(outputs, (size_t)y[r], want + r * outputs);
            for (size_t o = 0; o < outputs; o++)
                check_same("slope of a row", 1, z + o * TW_TOGETHER + r, want + r * outputs + o);
            check_same("loss of softmax", 1, loss + r, &wanted);
        }
    }
}
END_TEST

START_TEST(turning_moves_every_number_to_its_place)
{
    const tw_kernels *k = table_of(_i);
    for (size_t i = 0; k != NULL && i < 30 * 40; i++) {
        const size_t rows = i % 30, columns = i / 30, row = tw_whole(columns) + (i % 3 ? 0 : 5);
        const double *in = numbers(0, rows * row, true);
        double *out = fenced(1, rows * columns * sizeof *out);
        k->turn(rows, columns, row, in, out);
        for (size_t j = 0; j < rows * columns; j++)
            check_same("turned", 1, out + j, in + j % rows * row + j / rows);
    }
}
END_TEST

/* ---------------------------------------------------------------- widening */

/* Binary floats from their definition: significand bits, and the bias of the exponent. */
static double decode(uint32_t bits, int total, int significand, int bias)
{
    const uint32_t fraction = bits & ((1u << significand) - 1), sign = bits >> (total - 1);
    const int all = (1 << (total - 1 - significand)) - 1;
    const int exponent = (int)(bits >> significand) & all;
    double value = exponent == 0 ? ldexp(fraction, 1 - bias - significand)
                                 : ldexp(fraction + (1u << significand), exponent - bias - significand);
    if (exponent == all) value = fraction ? NAN : INFINITY;
    return sign ? -value : value;
}

static double truth(tw_dtype type, uint32_t bits)
{
    switch (type) {
    case TW_u8: return bits & 0xff;
    case TW_i8: return (bits & 0xff) < 128 ? bits & 0xff : (double)(bits & 0xff) - 256;
    case TW_i16: return (bits & 0xffff) < 32768 ? bits & 0xffff : (double)(bits & 0xffff) - 65536;
    case TW_f16: return decode(bits & 0xffff, 16, 10, 15);
    case TW_bf16: return decode(bits & 0xffff, 16, 7, 127);
    default: return decode(bits, 32, 23, 127);
    }
}

static void check_widen(const tw_kernels *k, tw_dtype type, size_t count, bool in_order)
{
    const size_t size = tw_dtype_size(type);
    unsigned char *in = fenced(0, count * size);
    double *out = fenced(1, count * sizeof *out), *want = fenced(2, count * sizeof *want);
    for (size_t i = 0; i < count; i++) {
        const uint32_t bits = in_order ? (uint32_t)i : (uint32_t)next();
        const uint16_t half = (uint16_t)bits;
        const double twice = number(true);
        memcpy(in + i * size,
               size == 8   ? (const void *)&twice
               : size == 2 ? (const void *)&half
                           : (const void *)&bits,
               size); /* u8 and i8: the low byte, first on the little-endian machines that we run on */
        want[i] = type == TW_f64 ? twice : truth(type, bits);
    }
    k->widen(type, count, in, out);
    check_same(tw_dtype_name(type), count, out, want);
}

START_TEST(widening_is_exact_for_every_value_and_every_length)
{
    const tw_kernels *k = table_of(_i);
    if (k == NULL) return;
    for (tw_dtype type = 0; type < TW_N_DTYPES; type++) {
        const size_t size = tw_dtype_size(type);
        for (size_t n = 0; n <= 70; n++) check_widen(k, type, n, false);
        if (size <= 2) check_widen(k, type, size == 1 ? 256 : 65536, true);
        for (int repeat = 0; repeat < 10; repeat++) check_widen(k, type, 100001, false);
    }
}
END_TEST

START_TEST(vectors_use_the_table_and_add_plainly)
{
    for (size_t i = 0; i < N_LENGTHS; i++) {
        const size_t n = length(i);
        const double *b = numbers(0, n, false);
        double *a = numbers(1, n, false), *want = copy(2, n, a);
        const double dot = tw_vec_dot(n, a, b), norm = tw_vec_norm(n, b);
        ck_assert(same(dot, lane_sum(n, a, b)) && same(norm, sqrt(lane_sum(n, b, b))));
        for (size_t j = 0; j < n; j++) want[j] = fma(0.5, b[j], want[j] + b[j]);
        tw_vec_add(n, b, a);
        tw_vec_axpy(n, 0.5, b, a);
        check_same("add, axpy", n, a, want);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("kernels");
    TCase *tests = tcase_create("bits");
    tcase_set_timeout(tests, 300);
    tcase_add_test(tests, the_numbers_tell_orders_apart);
    tcase_add_loop_test(tests, dot_and_axpy_have_the_bits_of_the_contract, 0, N_ISAS);
    tcase_add_loop_test(tests, missing_lanes_are_not_added, 0, N_ISAS);
    tcase_add_loop_test(tests, margins_and_update_have_the_bits_of_the_contract, 0, N_ISAS);
    tcase_add_loop_test(tests, the_logistic_loss_has_the_bits_of_the_contract, 0, N_ISAS);
    tcase_add_loop_test(tests, products_and_outer_have_the_bits_of_the_contract, 0, N_ISAS);
    tcase_add_loop_test(tests, softmax_has_the_bits_of_the_contract, 0, N_ISAS);
    tcase_add_loop_test(tests, turning_moves_every_number_to_its_place, 0, N_ISAS);
    tcase_add_loop_test(tests, widening_is_exact_for_every_value_and_every_length, 0, N_ISAS);
    tcase_add_test(tests, vectors_use_the_table_and_add_plainly);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
