/* When a checkpoint is asked for and how a run tells that it lives; and what goes wrong without a checkpoint
 * being lost. The clocks are set back, nothing waits. */
#include "some_checkpoint.h"

#include "support.h"

#include "thalweg/fault.h"
#include "thalweg/interrupt.h"

#include <sys/stat.h>

static some_run run;

static void set_up(void)
{
    some_set_up();
    some_run_init(&run);
}

static void tear_down(void)
{
    some_run_release(&run);
    some_tear_down();
}

static const char *folder(void)
{
    return in_scratch("checkpoints");
}

static tw_status turn_at(long k)
{
    run.iterate.k = k;
    run.iterate.updates++;
    return tw_checkpoint_turn(&run.checkpoint, &run.trainer, false);
}

/* No file, or that one alone. */
static void check_listed(const char *wanted)
{
    char **names;
    size_t count;
    ck_assert_int_eq(tw_checkpoint_list(folder(), &count, &names), TW_OK);
    ck_assert_uint_eq(count, wanted[0] != 0);
    if (count) ck_assert_str_eq(names[0], wanted);
    free(names);
}

START_TEST(a_folder_that_cannot_be_looked_into_is_an_error_and_a_missing_one_is_empty)
{
    char **names;
    size_t count;
    ck_assert_int_eq(tw_checkpoint_list(folder(), &count, &names), TW_OK);
    ck_assert(count == 0 && !names);
    spill(folder(), 1, "x");
    ck_assert_int_eq(tw_checkpoint_list(folder(), &count, &names), TW_INPUT);
    ck_assert(count == 0 && !names);
    ck_assert_says("cannot look into ");
    ck_assert_says(folder());
}
END_TEST

/* A folder where the line of status must be: the checkpoint itself is good. */
START_TEST(a_status_that_cannot_be_written_is_a_warning_and_the_checkpoint_stays)
{
    ck_assert_int_eq(mkdir(in_scratch("status"), 0700), 0);
    ck_assert_int_eq(turn_at(4), TW_OK);
    ck_assert_int_eq(run.checkpoint.failures, 0);
    ck_assert_int_eq(run.checkpoint.written, 1);
    check_listed("iteration-000000000004.h5");
    ck_assert_int_eq(rmdir(in_scratch("status")), 0);
}
END_TEST

START_TEST(a_failure_that_is_rehearsed_counts_as_one)
{
    ck_assert_int_eq(tw_fault_set("rank=0,phase=checkpoint,iteration=2,kind=fail"), TW_OK);
    ck_assert_int_eq(turn_at(1), TW_OK);
    ck_assert_int_eq(run.checkpoint.failures, 0);
    ck_assert_int_eq(turn_at(2), TW_OK);
    ck_assert_int_eq(run.checkpoint.failures, 1);
    ck_assert_int_eq(tw_fault_set(NULL), TW_OK);
    check_listed("iteration-000000000001.h5");
}
END_TEST

/* ---- clocks ---- */

static bool has_status(void)
{
    return unlink(in_scratch("status")) == 0;
}

START_TEST(a_run_without_checkpoints_tells_once_a_minute_that_it_lives)
{
    run.checkpoint.every = 0;
    run.checkpoint.told = tw_seconds();
    ck_assert_int_eq(turn_at(1), TW_OK);
    ck_assert(!has_status());
    run.checkpoint.told = tw_seconds() - TW_TELL_EVERY - 1;
    ck_assert_int_eq(turn_at(2), TW_OK);
    ck_assert(has_status());
    ck_assert_int_eq(turn_at(3), TW_OK);
    ck_assert(!has_status());
    check_listed("");
}
END_TEST

/* Rank 0 asks; the next exchange brings it to all. */
START_TEST(one_is_asked_for_when_its_seconds_are_over)
{
    run.checkpoint.every = 1000;
    run.checkpoint.last = tw_seconds();
    ck_assert_int_eq(turn_at(1), TW_OK);
    ck_assert(!(tw_interrupt_requests() & TW_INTERRUPT_SAVE));
    run.checkpoint.last -= 1001;
    ck_assert_int_eq(turn_at(2), TW_OK);
    ck_assert(tw_interrupt_requests() & TW_INTERRUPT_SAVE);
    check_listed("");
    run.objective.agreed[TW_FLAG_SAVE] = 1;
    ck_assert_int_eq(turn_at(3), TW_OK);
    ck_assert(!(tw_interrupt_requests() & TW_INTERRUPT_SAVE));
    check_listed("iteration-000000000003.h5");
}
END_TEST

START_TEST(the_margin_is_twice_what_is_expected_and_then_what_the_last_one_took)
{
    tw_state state = {0};
    ck_assert(tw_checkpoint_margin(NULL) == 0);
    tw_checkpoint_expect(NULL, &run.trainer);
    ck_assert(tw_checkpoint_margin(&run.checkpoint) == 0);
    tw_state_of_trainer(&state, &run.trainer);
    tw_checkpoint_expect(&run.checkpoint, &run.trainer);
    ck_assert(tw_checkpoint_margin(&run.checkpoint) == 2 * (0.02 + (double)tw_state_bytes(&state) / 50e6));
    ck_assert_int_eq(turn_at(1), TW_OK);
    ck_assert(run.checkpoint.seconds > 0);
    ck_assert(tw_checkpoint_margin(&run.checkpoint) == 2 * run.checkpoint.seconds);
}
END_TEST

START_TEST(of_a_point_that_is_no_number_there_is_no_checkpoint)
{
    ck_assert_int_eq(turn_at(1), TW_OK);
    run.g[2] = NAN;
    ck_assert_int_eq(turn_at(2), TW_OK);
    run.g[2] = 0;
    run.w[SOME_N - 1] = -INFINITY;
    ck_assert_int_eq(turn_at(3), TW_OK);
    check_listed("iteration-000000000001.h5");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("checkpoint_when");
    TCase *t = tcase_create("checkpoint_when");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_folder_that_cannot_be_looked_into_is_an_error_and_a_missing_one_is_empty);
    tcase_add_test(t, a_status_that_cannot_be_written_is_a_warning_and_the_checkpoint_stays);
    tcase_add_test(t, a_failure_that_is_rehearsed_counts_as_one);
    tcase_add_test(t, a_run_without_checkpoints_tells_once_a_minute_that_it_lives);
    tcase_add_test(t, one_is_asked_for_when_its_seconds_are_over);
    tcase_add_test(t, the_margin_is_twice_what_is_expected_and_then_what_the_last_one_took);
    tcase_add_test(t, of_a_point_that_is_no_number_there_is_no_checkpoint);
    suite_add_tcase(s, t);
    return test_run(s);
}
