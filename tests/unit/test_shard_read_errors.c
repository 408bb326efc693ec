/* test_shard_read_errors.c -- what goes wrong while rows are read is told by the first row of the file that
 * it befalls, whatever the threads; what only looks wrong is completed. */
#include "shard_read_support.h"
#include "thalweg/interrupt.h"

#include <signal.h>

static void expect_sentence(const tw_dataset *d, int threads, tw_status status, const char *words)
{
    tw_shard s;
    ck_assert_int_eq(read_by(&s, d, threads), status);
    ck_assert_msg(strstr(tw_status_message(), words), "%d threads: %s", threads, tw_status_message());
    ck_assert(s.x == NULL && s.rows == 0);
}

START_TEST(of_several_rows_that_are_no_numbers_the_first_of_the_file_is_named_by_any_threads)
{
    static const layout layouts[] = {CONTIGUOUS, CHUNKED, BYTES_TURNED};
    float x[M * N];
    for (int l = 0; l < 3; l++) {
        draw(TW_f32, M * N, x);
        x[90 * N] = x[70 * N + 1] = x[31 * N + 6] = NAN;
        x[31 * N + 4] = -INFINITY;
        write_rows(layouts[l], TW_f32, M, N, x);
        const tw_dataset d = look();
        for (int threads = 1; threads <= 7; threads++)
            expect_sentence(&d, threads, TW_DATA, "'/X' is NaN or infinite in row 31, column 4 ");
    }
}
END_TEST

/* "rows A to B" of the sentence hold that row and are some, not all, of the file. */
static void expect_rows_with(int64_t row)
{
    long long a = 0, b = 0;
    const char *at = strstr(tw_status_message(), "cannot read rows ");
    ck_assert_msg(at && sscanf(at, "cannot read rows %lld to %lld of '/X' in ", &a, &b) == 2, "%s",
                  tw_status_message());
    ck_assert_msg(a <= row && row <= b && b - a < ROWS / 5, "row %lld: %s", (long long)row,
                  tw_status_message());
}

START_TEST(a_file_that_is_cut_while_it_is_read_is_told_with_its_rows)
{
    for (int threads = 1; threads <= 3; threads++)
        for (int64_t row = 40; row < ROWS; row += 1600) {
            free(write_large());
            const tw_dataset d = look();
            expect_weather(CUT, (off_t)(d.offset + row * COLS * 8 + 11));
            expect_sentence(&d, threads, TW_DATA, "the file is damaged or cut short");
            expect_rows_with(row);
        }
}
END_TEST

START_TEST(a_file_that_was_cut_since_rank_0_looked_is_told)
{
    free(write_large());
    const tw_dataset d = look();
    ck_assert_int_eq(truncate(path, (off_t)d.offset + 100000), 0);
    expect_sentence(&d, 2, TW_DATA, "damaged or truncated");
}
END_TEST

START_TEST(a_file_whose_rows_lie_elsewhere_is_not_the_one_that_rank_0_sees)
{
    char bytes[M * N * 8];
    draw(TW_f64, M * N, bytes);
    write_rows(CONTIGUOUS, TW_f64, M, N, bytes);
    tw_dataset d = look();
    for (layout l = USER_BLOCK; l < N_LAYOUTS; l++) {
        write_rows(l, TW_f64, M, N, bytes);
        expect_sentence(&d, 1, TW_DATA, "not the file that rank 0 sees: '/X' lies elsewhere");
    }
    write_rows(CONTIGUOUS, TW_f64, M, N, bytes);
    d.offset++;
    expect_sentence(&d, 1, TW_DATA, "lies elsewhere");
}
END_TEST

START_TEST(a_disk_that_fails_is_told_with_the_first_rows_it_fails_for)
{
    free(write_large());
    const tw_dataset d = look();
    for (int threads = 1; threads <= 3; threads++)
        for (int64_t row = 40; row < ROWS; row += 1600) {
            expect_weather(REFUSED, (off_t)(d.offset + row * COLS * 8));
            expect_sentence(&d, threads, TW_IO, "Input/output error; when the disk or file system is well");
            expect_rows_with(row);
        }
}
END_TEST

START_TEST(of_a_bad_row_and_a_bad_disk_the_first_in_the_file_is_told)
{
    double *x = write_large();
    x[(size_t)2000 * COLS + 3] = NAN;
    write_rows(CONTIGUOUS, TW_f64, ROWS, COLS, x);
    const tw_dataset d = look();
    for (int threads = 1; threads <= 3; threads++) {
        expect_weather(REFUSED, (off_t)(d.offset + 4000 * COLS * 8));
        expect_sentence(&d, threads, TW_DATA, "in row 2000, column 3 ");
        expect_weather(REFUSED, (off_t)(d.offset + 1000 * COLS * 8));
        expect_sentence(&d, threads, TW_IO, "Input/output error");
    }
    free(x);
}
END_TEST

START_TEST(reads_that_are_short_or_interrupted_are_completed)
{
    double *x = write_large();
    const tw_dataset d = look();
    for (weather kind = HALVES; kind <= INTERRUPTED; kind++)
        for (int threads = 1; threads <= 3; threads++) {
            tw_shard s;
            expect_weather(kind, 0);
            ck_assert_msg(read_by(&s, &d, threads) == TW_OK, "%s", tw_status_message());
            ck_assert(system_calls.calls > 20);
            ck_assert(memcmp(s.x, x, (size_t)ROWS * COLS * 8) == 0);
            expect_print(&s);
            tw_shard_release(&s);
        }
    free(x);
}
END_TEST

START_TEST(a_request_to_stop_ends_the_reading)
{
    free(write_large());
    const tw_dataset d = look();
    tw_interrupt_install();
    raise(SIGUSR1);
    for (int threads = 1; threads <= 3; threads++) {
        expect_weather(WELL, 0);
        expect_sentence(&d, threads, TW_STOPPED, "stopped by SIGUSR1 while reading the data");
        if (threads == 1) ck_assert(system_calls.bytes < 2 << 20);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("shard_read_errors");
    TCase *t = tcase_create("shard_read_errors");
    tcase_add_checked_fixture(t, enter, test_folder_leave);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, of_several_rows_that_are_no_numbers_the_first_of_the_file_is_named_by_any_threads);
    tcase_add_test(t, a_file_that_is_cut_while_it_is_read_is_told_with_its_rows);
    tcase_add_test(t, a_file_that_was_cut_since_rank_0_looked_is_told);
    tcase_add_test(t, a_file_whose_rows_lie_elsewhere_is_not_the_one_that_rank_0_sees);
    tcase_add_test(t, a_disk_that_fails_is_told_with_the_first_rows_it_fails_for);
    tcase_add_test(t, of_a_bad_row_and_a_bad_disk_the_first_in_the_file_is_told);
    tcase_add_test(t, reads_that_are_short_or_interrupted_are_completed);
    tcase_add_test(t, a_request_to_stop_ends_the_reading);
    suite_add_tcase(s, t);
    return test_run(s);
}
