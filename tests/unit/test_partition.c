/* test_partition.c -- the documented number of groups, and every row in one group, every group on one rank.
 *
 * Who owns what is a matter of speed; that nothing is lost or taken twice, for every number of ranks, is not.
 */
#include "support.h"

#include <math.h>
#include <stdlib.h>

__extension__ typedef __int128 int128;

static tw_partition make(int64_t rows, int64_t groups, int size)
{
    tw_partition p;
    ck_assert_int_eq(tw_partition_init(&p, rows, groups, size), TW_OK);
    return p;
}

/* ---------------------------------------------------------------- groups */

START_TEST(the_number_of_groups_is_the_documented_one)
{
    static const int64_t truth[][2] = {{0, 1},
                                       {1, 1},
                                       {7, 1},
                                       {8, 1},
                                       {9, 1},
                                       {15, 1},
                                       {16, 2},
                                       {17, 2},
                                       {31, 2},
                                       {32, 4},
                                       {64, 8},
                                       {127, 8},
                                       {128, 16},
                                       {255, 16},
                                       {256, 32},
                                       {511, 32},
                                       {512, 64},
                                       {1000, 64},
                                       {1347, 64},
                                       {8191, 64},
                                       {8192, 64},
                                       {16383, 64},
                                       {16384, 128},
                                       {60000, 256},
                                       {1000000, 4096},
                                       {8388607, 32768},
                                       {8388608, 65536},
                                       {100000000, 65536},
                                       {(int64_t)1 << 60, 65536}};
    for (size_t i = 0; i < sizeof truth / sizeof *truth; i++) {
        tw_partition p = make(truth[i][0], 0, 3);
        ck_assert_msg(p.groups == truth[i][1], "%lld rows: %lld groups", (long long)p.rows,
                      (long long)p.groups);
        tw_partition_release(&p);
    }
}
END_TEST

START_TEST(an_explicit_number_of_groups_is_taken_when_it_is_a_power_of_two_up_to_65536)
{
    static const int64_t bad[] = {-1, 3, 6, 100, 65535, 65537, 131072, INT64_MIN};
    tw_partition p;
    for (int64_t g = 1; g <= TW_MAX_GROUPS; g *= 2) {
        p = make(10, g, 2);
        ck_assert_int_eq(p.groups, g);
        tw_partition_release(&p);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(tw_partition_init(&p, 10, bad[i], 2), TW_CONFIG);
}
END_TEST

START_TEST(groups_cover_every_row_once_and_differ_by_one_row_at_most)
{
    static const int64_t rows[] = {0, 1, 5, 63, 64, 65, 1000, 65537, 999983, ((int64_t)1 << 62) - 57};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int64_t g = 1; g <= TW_MAX_GROUPS; g *= 4) {
            tw_partition p = make(rows[i], g, 1);
            ck_assert_int_eq(tw_partition_row(&p, 0), 0);
            ck_assert_int_eq(tw_partition_row(&p, g), rows[i]);
            int64_t wrong = 0;
            for (int64_t k = 0; k < g; k++) {
                const int64_t own = tw_partition_row(&p, k + 1) - tw_partition_row(&p, k);
                wrong += own < rows[i] / g || own > rows[i] / g + 1;
                wrong += tw_partition_row(&p, k) != (int64_t)((int128)rows[i] * k / g);
            }
            ck_assert_int_eq(wrong, 0);
            tw_partition_release(&p);
        }
}
END_TEST

/* ---------------------------------------------------------------- ownership */

/* Largest number of groups a rank owns when G r / P is rounded to multiples of q (ties upwards). */
static int64_t most_owned(int64_t groups, int size, int64_t q, int64_t *start)
{
    int64_t most = 0;
    for (int r = 0; r <= size; r++) {
        const int64_t whole = groups * r / (q * size), rest = groups * r % (q * size);
        start[r] = (whole + (2 * rest >= q * size)) * q;
        if (r > 0 && start[r] - start[r - 1] > most) most = start[r] - start[r - 1];
    }
    return most;
}

START_TEST(ranks_1_to_40_own_every_group_once_in_order)
{
    for (int size = 1; size <= 40; size++)
        for (int64_t g = 1; g <= TW_MAX_GROUPS; g *= 2) {
            tw_partition p = make(100003, g, size);
            ck_assert_int_eq(p.start[0], 0);
            ck_assert_int_eq(p.start[size], g);
            for (int r = 0; r < size; r++) ck_assert_int_le(p.start[r], p.start[r + 1]);
            ck_assert_int_eq(tw_partition_shard(&p, 0), 0);
            ck_assert_int_eq(tw_partition_shard(&p, size), 100003);
            for (int r = 0; r < size; r++)
                ck_assert_int_eq(tw_partition_shard(&p, r), tw_partition_row(&p, p.start[r]));
            tw_partition_release(&p);
        }
}
END_TEST

START_TEST(boundaries_are_as_coarse_as_six_percent_of_imbalance_allows)
{
    int64_t start[41];
    int coarse = 0;
    for (int size = 1; size <= 40; size++)
        for (int64_t g = 1; g <= TW_MAX_GROUPS; g *= 2) {
            if (g < size) continue;
            tw_partition p = make(100003, g, size);
            int64_t q = g;
            while (q > 1 && (q * size > g || 100 * most_owned(g, size, q, start) * size > 106 * g)) q /= 2;
            const int64_t most = most_owned(g, size, q, start);
            for (int r = 0; r <= size; r++) ck_assert_int_eq(p.start[r], start[r]);
            if (q > 1)
                ck_assert_double_le((double)most * size, 1.06 * (double)g);
            else
                ck_assert_int_le(most, (g + size - 1) / size);
            coarse += q > 1;
            tw_partition_release(&p);
        }
    ck_assert_int_gt(coarse, 300); /* else nothing was looked at */
    /* and the coarsest choice would not do: three ranks, boundaries at multiples of 16384 */
    ck_assert_int_eq(most_owned(TW_MAX_GROUPS, 3, 16384, start), 32768);
}
END_TEST

START_TEST(more_ranks_than_groups_leaves_the_last_ranks_idle)
{
    for (int64_t g = 1; g <= 16; g *= 2)
        for (int size = (int)g + 1; size <= 40; size++) {
            tw_partition p = make(1000, g, size);
            for (int r = 0; r < size; r++) ck_assert_int_eq(p.start[r + 1] - p.start[r], r < g);
            tw_partition_release(&p);
        }
}
END_TEST

/* ---------------------------------------------------------------- mini-batches */

static int64_t slice_rows(const tw_partition *p, int64_t k, int64_t t, int64_t steps)
{
    int64_t begin, end;
    tw_partition_slice(p, k, tw_partition_row(p, k + 1) - tw_partition_row(p, k), t, steps, &begin, &end);
    return end - begin;
}

START_TEST(slices_of_an_epoch_cover_each_group_once)
{
    static const int64_t shape[][3] = {{1000, 64, 1}, {1000, 64, 7},      {1000, 64, 1000}, {60000, 256, 469},
                                       {17, 16, 40},  {100003, 1024, 13}, {5, 8, 5},        {3, 1, 3}};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        tw_partition p = make(shape[i][0], shape[i][1], 1);
        for (int64_t k = 0; k < p.groups; k++) {
            int64_t at = 0, begin, end, gaps = 0;
            for (int64_t t = 0; t < shape[i][2]; t++) {
                tw_partition_slice(&p, k, tw_partition_row(&p, k + 1) - tw_partition_row(&p, k), t, shape[i][2], &begin, &end);
                gaps += begin != at || end < begin;
                at = end;
            }
            ck_assert_int_eq(gaps, 0);
            ck_assert_int_eq(at, tw_partition_row(&p, k + 1) - tw_partition_row(&p, k));
        }
        tw_partition_release(&p);
    }
}
END_TEST

START_TEST(equal_groups_give_every_step_its_share_down_to_one_row)
{
    static const int64_t shape[][3] = {{1024, 64, 1024}, {1024, 64, 1000},   {1024, 64, 7},
                                       {640, 64, 640},   {4096, 1, 4096},    {6400, 64, 91},
                                       {512, 512, 512},  {65536, 256, 65536}};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        const int64_t m = shape[i][0], steps = shape[i][2];
        tw_partition p = make(m, shape[i][1], 1);
        ck_assert_int_eq(m % p.groups, 0);
        for (int64_t t = 0; t<steps; t += steps> 5000 ? 97 : 1) {
            int64_t rows = 0;
            for (int64_t k = 0; k < p.groups; k++) rows += slice_rows(&p, k, t, steps);
            ck_assert_int_eq(rows, m * (t + 1) / steps - m * t / steps); /* Hermite's identity */
        }
        tw_partition_release(&p);
    }
}
END_TEST

START_TEST(without_the_offset_of_the_group_the_steps_would_be_unequal)
{
    const int64_t m = 1024, g = 64, steps = 1024, r = m / g;
    int64_t most = 0;
    for (int64_t t = 0; t < steps; t++) {
        const int64_t rows = g * (r * (t + 1) / steps - r * t / steps);
        if (rows > most) most = rows;
    }
    ck_assert_int_eq(most, 64);
}
END_TEST

START_TEST(steps_of_unequal_groups_add_up_to_an_epoch)
{
    tw_partition p = make(100003, 1024, 1);
    int64_t all = 0;
    for (int64_t t = 0; t < 777; t++)
        for (int64_t k = 0; k < p.groups; k++) all += slice_rows(&p, k, t, 777);
    ck_assert_int_eq(all, 100003);
    tw_partition_release(&p);
}
END_TEST

/* ---------------------------------------------------------------- order */

enum { ROWS = 500 };

static bool is_permutation(const int64_t *order, int64_t rows)
{
    char seen[ROWS] = {0};
    for (int64_t i = 0; i < rows; i++) {
        if (order[i] < 0 || order[i] >= rows || seen[order[i]]) return false;
        seen[order[i]] = 1;
    }
    return true;
}

static bool same_order(const int64_t *a, const int64_t *b)
{
    for (int i = 0; i < ROWS; i++)
        if (a[i] != b[i]) return false;
    return true;
}

START_TEST(an_order_is_a_permutation_of_its_seed_epoch_and_group_whatever_the_ranks)
{
    int64_t order[6][ROWS];
    tw_partition p = make(4 * ROWS, 4, 1), other = make(4 * ROWS, 4, 7);
    tw_partition_order(&p, 1, 5, 9, order[0]);
    tw_partition_order(&p, 1, 6, 9, order[1]);
    tw_partition_order(&p, 1, 5, 10, order[2]);
    tw_partition_order(&p, 2, 5, 9, order[3]);
    tw_partition_order(&p, 1, (uint64_t)5 << 32 | 5, 9, order[4]);
    tw_partition_order(&other, 1, 5, 9, order[5]);
    for (int a = 0; a < 6; a++) {
        ck_assert(is_permutation(order[a], ROWS));
        for (int b = 0; b < a; b++) ck_assert_int_eq(same_order(order[a], order[b]), a == 5 && b == 0);
    }
    order[0][3] = order[0][4];
    ck_assert(!is_permutation(order[0], ROWS));
    tw_partition_release(&other);
    tw_partition_release(&p);
}
END_TEST

START_TEST(every_row_is_equally_often_at_every_place)
{
    enum { N = 8, EPOCHS = 8000 };
    int count[N][N] = {{0}};
    int64_t order[N];
    double chi2 = 0;
    tw_partition p = make(N, 1, 1);
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        tw_partition_order(&p, 0, 1, epoch, order);
        for (int i = 0; i < N; i++) count[i][order[i]]++;
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) chi2 += pow(count[i][j] - EPOCHS / N, 2) / (EPOCHS / N);
    ck_assert_double_lt(chi2, 49 + 5 * sqrt(2 * 49)); /* 49 degrees of freedom, five standard deviations */
    ck_assert_double_gt(chi2, 49 - 4 * sqrt(2 * 49));
    tw_partition_release(&p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("partition");
    TCase *groups = tcase_create("groups"), *ranks = tcase_create("ranks"),
          *batches = tcase_create("mini-batches");
    tcase_add_test(groups, the_number_of_groups_is_the_documented_one);
    tcase_add_test(groups, an_explicit_number_of_groups_is_taken_when_it_is_a_power_of_two_up_to_65536);
    tcase_add_test(groups, groups_cover_every_row_once_and_differ_by_one_row_at_most);
    tcase_add_test(ranks, ranks_1_to_40_own_every_group_once_in_order);
    tcase_add_test(ranks, boundaries_are_as_coarse_as_six_percent_of_imbalance_allows);
    tcase_add_test(ranks, more_ranks_than_groups_leaves_the_last_ranks_idle);
    tcase_add_test(batches, slices_of_an_epoch_cover_each_group_once);
    tcase_add_test(batches, equal_groups_give_every_step_its_share_down_to_one_row);
    tcase_add_test(batches, without_the_offset_of_the_group_the_steps_would_be_unequal);
    tcase_add_test(batches, steps_of_unequal_groups_add_up_to_an_epoch);
    tcase_add_test(batches, an_order_is_a_permutation_of_its_seed_epoch_and_group_whatever_the_ranks);
    tcase_add_test(batches, every_row_is_equally_often_at_every_place);
    tcase_set_timeout(groups, 60);
    tcase_set_timeout(ranks, 60);
    tcase_set_timeout(batches, 60);
    suite_add_tcase(s, groups);
    suite_add_tcase(s, ranks);
    suite_add_tcase(s, batches);
    return test_run(s);
}
