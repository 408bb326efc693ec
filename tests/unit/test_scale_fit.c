/* test_scale_fit.c -- what was put into made-up measurements comes out of the fits. */
#include "scale/fit.h"
#include "support.h"

#include <math.h>

static double gap(double a, double b)
{
    return fabs(a - b) / fabs(b);
}

START_TEST(serial_fractions_are_those_of_the_law)
{
    for (double s = 0.01; s < 1; s *= 3)
        for (double p = 2; p < 5000; p *= 3) {
            ck_assert_double_lt(gap(tw_fit_karp_flatt(1 / (s + (1 - s) / p), p), s), 1e-10);
            ck_assert_double_lt(gap(tw_fit_gustafson(p - s * (p - 1), p), s), 1e-10);
        }
    ck_assert_double_lt(fabs(tw_fit_karp_flatt(8, 8)), 1e-15);
}
END_TEST

START_TEST(amdahl_is_found_again)
{
    const double p[] = {1, 2, 3, 4, 8};
    double seconds[5];
    for (double s = 0; s <= 1; s += 0.125) {
        for (int i = 0; i < 5; i++) seconds[i] = 7 * (s + (1 - s) / p[i]);
        ck_assert_double_lt(fabs(tw_fit_amdahl(5, p, seconds) - s), 1e-10);
    }
    for (int i = 0; i < 5; i++) seconds[i] = 1 / (p[i] * p[i]); /* better than ideal: none is serial */
    ck_assert_double_eq(tw_fit_amdahl(5, p, seconds), 0);
    ck_assert(isnan(tw_fit_amdahl(1, p, seconds)));
    const double same[] = {4, 4};
    ck_assert(isnan(tw_fit_amdahl(2, same, seconds)));
}
END_TEST

START_TEST(the_median_of_an_even_number_is_between)
{
    double odd[] = {5, 1, 3}, even[] = {4, 1, 3, 2};
    ck_assert_double_eq(tw_fit_median(3, odd), 3);
    ck_assert_double_eq(tw_fit_median(4, even), 2.5);
}
END_TEST

enum { LENGTHS = 21 };

typedef struct {
    tw_exchange_cost cost[LENGTHS];
    tw_fit_exchange_point point[LENGTHS];
} measured;

/* As a network of that latency and bandwidth would have answered, times 1 + noise, -noise ... in turn. */
static void measure(measured *m, tw_reduction_mode mode, int ranks, double latency, double bandwidth,
                    double noise)
{
    tw_partition p;
    ck_assert_int_eq(tw_partition_init(&p, 4096, 4096, ranks), TW_OK);
    for (int i = 0; i < LENGTHS; i++) {
        const tw_exchange_case c = {.mode = mode, .n = (size_t)1 << i, .partition = &p, .ranks_a_node = 1};
        ck_assert_int_eq(tw_exchange_cost_of(&c, &m->cost[i], NULL), TW_OK);
        m->point[i].cost = &m->cost[i];
        m->point[i].seconds =
            tw_exchange_seconds(&m->cost[i], latency, bandwidth) * (1 + (i % 2 ? -noise : noise));
    }
    tw_partition_release(&p);
}

START_TEST(latency_and_bandwidth_are_found_again)
{
    static measured m;
    const double latencies[] = {1e-6, 5e-5, 1e-3}, bandwidths[] = {1.25e8, 2.5e10};
    for (int mode = TW_ALLREDUCE; mode <= TW_REPRODUCIBLE; mode++)
        for (int ranks = 2; ranks <= 64; ranks = 2 * ranks + 1)
            for (int i = 0; i < 6; i++) {
                tw_exchange_fit fit;
                measure(&m, (tw_reduction_mode)mode, ranks, latencies[i % 3], bandwidths[i % 2], 0);
                ck_assert(tw_fit_exchange(LENGTHS, m.point, &fit));
                ck_assert_double_lt(gap(fit.latency, latencies[i % 3]), 1e-7);
                ck_assert_double_lt(gap(fit.bandwidth, bandwidths[i % 2]), 1e-7);
                ck_assert_double_lt(fit.residual, 1e-6);
                ck_assert_uint_eq(fit.points, LENGTHS);
            }
}
END_TEST

START_TEST(the_errors_cover_noise)
{
    static measured m;
    tw_exchange_fit fit;
    measure(&m, TW_REPRODUCIBLE, 2, 5e-5, 1.25e8, 0.1);
    ck_assert(tw_fit_exchange(LENGTHS, m.point, &fit));
    ck_assert_double_gt(fit.residual, 0.05);
    ck_assert_double_lt(fit.residual, 0.11);
    ck_assert_double_lt(fabs(fit.latency - 5e-5), 3 * fit.latency_error);
    ck_assert_double_lt(fabs(fit.bandwidth - 1.25e8), 3 * fit.bandwidth_error);
    ck_assert_double_lt(fit.bandwidth_error, 0.2 * fit.bandwidth);
}
END_TEST

START_TEST(too_little_gives_no_fit)
{
    static measured m;
    tw_exchange_fit fit;
    measure(&m, TW_REPRODUCIBLE, 2, 5e-5, 1.25e8, 0);
    ck_assert(!tw_fit_exchange(1, m.point, &fit));
    ck_assert(isnan(fit.latency));
    ck_assert(!tw_fit_exchange(0, m.point, &fit));
    measure(&m, TW_REPRODUCIBLE, 1, 5e-5, 1.25e8, 0);
    ck_assert(!tw_fit_exchange(LENGTHS, m.point, &fit));
    const tw_fit_exchange_point twice[] = {m.point[3], m.point[3]};
    ck_assert(!tw_fit_exchange(2, twice, &fit));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scale_fit");
    TCase *all = tcase_create("all");
    tcase_add_test(all, serial_fractions_are_those_of_the_law);
    tcase_add_test(all, amdahl_is_found_again);
    tcase_add_test(all, the_median_of_an_even_number_is_between);
    tcase_add_test(all, latency_and_bandwidth_are_found_again);
    tcase_add_test(all, the_errors_cover_noise);
    tcase_add_test(all, too_little_gives_no_fit);
    suite_add_tcase(suite, all);
    return test_run(suite);
}
