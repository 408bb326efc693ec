/* The record of 64 bytes, and the verdict: who keeps everybody waiting. */
#include "core/heartbeat.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 600, BEAT = 10 };

static char said[2048];

static tw_heartbeat rank_in(const char *host, tw_phase phase, double still)
{
    tw_heartbeat b = {.known = true, .phase = phase, .iteration = 7, .still = still, .silent = BEAT};
    strcpy(b.host, host);
    return b;
}

static bool judge(int size, const tw_heartbeat *beats, int judge)
{
    const tw_heartbeat_rule rule = {.rank = judge, .size = size, .limit = LIMIT, .beat = BEAT};
    return tw_heartbeat_judge(&rule, beats, sizeof said, said);
}

/* ---- the record ---- */

START_TEST(a_record_is_64_bytes_of_text_that_come_back)
{
    char record[TW_HEARTBEAT_LEN + 1] = {0};
    const tw_heartbeat in = {.host = "node02",
                             .phase = TW_AT_CHECKPOINT,
                             .iteration = 1234567,
                             .ticks = 765432,
                             .alive = 54321,
                             .still = 59.9};
    tw_heartbeat out = {.known = true, .silent = 3};
    record[TW_HEARTBEAT_LEN] = 'x';
    tw_heartbeat_write(&in, 17, record);
    ck_assert_int_eq(record[TW_HEARTBEAT_LEN], 'x');
    ck_assert_int_eq(record[TW_HEARTBEAT_LEN - 1], '\n');
    ck_assert_ptr_null(memchr(record, 0, TW_HEARTBEAT_LEN));
    ck_assert(tw_heartbeat_read(record, &out));
    ck_assert_str_eq(out.host, "node02");
    ck_assert_int_eq(out.phase, TW_AT_CHECKPOINT);
    ck_assert_int_eq(out.iteration, 1234567);
    ck_assert_uint_eq(out.ticks, 765432);
    ck_assert_uint_eq(out.alive, 54321);
    ck_assert_double_eq(out.still, 59.9);
    ck_assert(out.known && out.silent == 3);
}
END_TEST

START_TEST(the_largest_numbers_and_longest_names_still_fit)
{
    char record[TW_HEARTBEAT_LEN];
    tw_heartbeat in = {.phase = TW_AT_CHECKPOINT,
                       .iteration = 999999999999,
                       .ticks = -1UL,
                       .alive = -1UL,
                       .still = 1e12},
                 out = {0};
    memset(in.host, 'h', TW_HEARTBEAT_HOST);
    tw_heartbeat_write(&in, 2147483647, record);
    ck_assert_int_eq(record[TW_HEARTBEAT_LEN - 1], '\n');
    ck_assert(tw_heartbeat_read(record, &out));
    ck_assert_str_eq(out.host, in.host);
    ck_assert_double_eq(out.still, 999999);
    ck_assert_int_eq(out.iteration, 999999999);
    for (int p = 0; p < TW_N_AT; p++) {
        in.phase = (tw_phase)p;
        tw_heartbeat_write(&in, 0, record);
        ck_assert(tw_heartbeat_read(record, &out));
        ck_assert_int_eq(out.phase, p);
    }
}
END_TEST

START_TEST(what_is_no_record_is_refused_and_changes_nothing)
{
    char record[TW_HEARTBEAT_LEN] = {0};
    const tw_heartbeat in = rank_in("a", TW_AT_STEP, 3);
    tw_heartbeat out = {.alive = 99};
    ck_assert(!tw_heartbeat_read(record, &out)); /* never written */
    tw_heartbeat_write(&in, 1, record);
    memset(record + 20, 0, 44); /* torn */
    ck_assert(!tw_heartbeat_read(record, &out));
    tw_heartbeat_write(&in, 1, record);
    memcpy(strstr(record, "step"), "stop", 4);
    ck_assert(!tw_heartbeat_read(record, &out));
    ck_assert_uint_eq(out.alive, 99);
}
END_TEST

/* ---- the verdict ---- */

START_TEST(a_rank_without_sign_of_life_is_named_with_host_phase_and_iteration)
{
    tw_heartbeat beats[] = {rank_in("node01", TW_AT_EXCHANGE, 601), rank_in("node01", TW_AT_EXCHANGE, 602),
                            rank_in("node02", TW_AT_LOAD, 3)};
    beats[2].silent = 599;
    beats[2].iteration = 0;
    ck_assert(judge(3, beats, 0));
    ck_assert_str_eq(said,
                     "rank 2 (node02) has not moved for 602 s: reading the data, iteration 0; no sign of "
                     "life: its process is stopped or its node is unreachable");
}
END_TEST

START_TEST(a_stopped_process_is_named_though_another_rank_still_moves)
{
    tw_heartbeat beats[] = {rank_in("a", TW_AT_EXCHANGE, 601), rank_in("b", TW_AT_STEP, 1),
                            rank_in("c", TW_AT_EXCHANGE, 0)};
    beats[2].silent = 600;
    ck_assert(judge(3, beats, 0));
    ck_assert_ptr_nonnull(strstr(said, "rank 2 (c) has not moved for 600 s: waiting for the others"));
}
END_TEST

START_TEST(a_rank_that_works_without_a_movement_is_named_not_those_that_wait)
{
    tw_heartbeat beats[] = {rank_in("a", TW_AT_EXCHANGE, 640), rank_in("b", TW_AT_STEP, 610),
                            rank_in("c", TW_AT_EXCHANGE, 640)};
    for (int who = 0; who < 3; who++) {
        ck_assert(judge(3, beats, who));
        ck_assert_ptr_nonnull(strstr(said, "rank 1 (b) has not moved for 610 s: computing its part of the "
                                           "sum, iteration 7; its process lives"));
        ck_assert_ptr_null(strstr(said, "rank 0"));
        ck_assert_ptr_null(strstr(said, "rank 2"));
    }
}
END_TEST

START_TEST(several_are_named_and_the_rest_counted)
{
    tw_heartbeat beats[9];
    for (int r = 0; r < 9; r++) {
        beats[r] = rank_in("far", r == 4 ? TW_AT_EXCHANGE : TW_AT_LOAD, 650);
        beats[r].iteration = 0;
    }
    ck_assert(judge(9, beats, 4));
    ck_assert_ptr_nonnull(
        strstr(said, "8 ranks have not moved for 650 s: rank 0 (far) reading the data, iteration 0, "
                     "rank 1 (far)"));
    ck_assert_ptr_nonnull(
        strstr(said, "rank 3 (far) reading the data, iteration 0, and 4 more; their processes live"));
    ck_assert_ptr_null(strstr(said, "rank 5"));
}
END_TEST

START_TEST(when_all_wait_the_network_is_at_fault)
{
    tw_heartbeat beats[] = {rank_in("a", TW_AT_EXCHANGE, 600), rank_in("b", TW_AT_EXCHANGE, 605)};
    ck_assert(judge(2, beats, 0));
    ck_assert_str_eq(said, "nothing has moved for 600 s: all 2 ranks wait for each other, iteration 7; the "
                           "network or MPI is at fault");
}
END_TEST

START_TEST(a_rank_alone_is_judged_too)
{
    tw_heartbeat beats[] = {rank_in("a", TW_AT_CHECKPOINT, 600)};
    ck_assert(judge(1, beats, 0));
    ck_assert_ptr_nonnull(strstr(said, "rank 0 (a) has not moved for 600 s: writing a checkpoint"));
}
END_TEST

START_TEST(as_long_as_one_rank_moves_nobody_is_at_fault)
{
    tw_heartbeat beats[] = {rank_in("a", TW_AT_EXCHANGE, 5000), rank_in("b", TW_AT_STEP, 500),
                            rank_in("c", TW_AT_CHECKPOINT, 5000)};
    ck_assert(!judge(3, beats, 0));
    ck_assert_str_eq(said, "");
    beats[1].still = 600; /* the control */
    ck_assert(judge(3, beats, 0));
    ck_assert_ptr_nonnull(strstr(said, "2 ranks"));
    beats[1] = rank_in("b", TW_AT_EXCHANGE, 100); /* it has just come */
    ck_assert(!judge(3, beats, 0));
}
END_TEST

START_TEST(a_rank_that_is_silent_for_less_than_the_limit_is_given_time)
{
    tw_heartbeat beats[] = {rank_in("a", TW_AT_EXCHANGE, 5000), rank_in("b", TW_AT_STEP, 610)};
    beats[1].silent = 0.8 * LIMIT;
    ck_assert(!judge(2, beats, 0));
    beats[1].silent = 0.96 * LIMIT;
    ck_assert(judge(2, beats, 0));
}
END_TEST

START_TEST(who_knows_nothing_of_the_others_waits_twice_as_long)
{
    tw_heartbeat beats[] = {{0}, rank_in("b", TW_AT_EXCHANGE, 1190), {0}};
    ck_assert(!judge(3, beats, 1));
    beats[1].still = 1200;
    ck_assert(judge(3, beats, 1));
    ck_assert_ptr_nonnull(
        strstr(said, "rank 1 (b) has waited for the others for 1200 s, iteration 7; nothing is known of "
                     "rank 0, rank 2: a process"));
    beats[1] = rank_in("b", TW_AT_LOAD, 600); /* but not when it is at fault itself */
    ck_assert(judge(3, beats, 1));
    ck_assert_ptr_nonnull(strstr(said, "rank 1 (b) has not moved for 600 s: reading the data"));
}
END_TEST

START_TEST(a_sentence_that_is_too_long_is_cut)
{
    char small[20];
    const tw_heartbeat beats[] = {rank_in("a", TW_AT_STEP, 700)};
    const tw_heartbeat_rule rule = {.size = 1, .limit = LIMIT, .beat = BEAT};
    memset(small, 'x', sizeof small);
    ck_assert(tw_heartbeat_judge(&rule, beats, 10, small));
    ck_assert_str_eq(small, "rank 0 (a");
    ck_assert_int_eq(small[10], 'x');
}
END_TEST

int main(void)
{
    Suite *s = suite_create("heartbeat");
    TCase *t = tcase_create("record");
    tcase_add_test(t, a_record_is_64_bytes_of_text_that_come_back);
    tcase_add_test(t, the_largest_numbers_and_longest_names_still_fit);
    tcase_add_test(t, what_is_no_record_is_refused_and_changes_nothing);
    suite_add_tcase(s, t);
    t = tcase_create("verdict");
    tcase_add_test(t, a_rank_without_sign_of_life_is_named_with_host_phase_and_iteration);
    tcase_add_test(t, a_stopped_process_is_named_though_another_rank_still_moves);
    tcase_add_test(t, a_rank_that_works_without_a_movement_is_named_not_those_that_wait);
    tcase_add_test(t, several_are_named_and_the_rest_counted);
    tcase_add_test(t, when_all_wait_the_network_is_at_fault);
    tcase_add_test(t, a_rank_alone_is_judged_too);
    tcase_add_test(t, as_long_as_one_rank_moves_nobody_is_at_fault);
    tcase_add_test(t, a_rank_that_is_silent_for_less_than_the_limit_is_given_time);
    tcase_add_test(t, who_knows_nothing_of_the_others_waits_twice_as_long);
    tcase_add_test(t, a_sentence_that_is_too_long_is_cut);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
