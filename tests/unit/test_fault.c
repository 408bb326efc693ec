/* test_fault.c -- what THALWEG_FAULT may say, and that every kind does what its name says, once, on its rank.
 */
#include "scratch.h"
#include "thalweg/fault.h"
#include "thalweg/file.h"

#include <check.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- what may be said ---- */

START_TEST(a_text_becomes_faults)
{
    tw_fault f[TW_FAULT_MOST];
    size_t count;
    ck_assert_int_eq(
        tw_fault_parse("rank=1,phase=step,iteration=20,kind=kill; phase=checkpoint,kind=enospc,call=rename;"
                       "phase=load,sleep=250 ;kind=flip=3,of=optimizer,index=7,phase=search,rank=12",
                       f, &count),
        TW_OK);
    ck_assert_uint_eq(count, 4);
    ck_assert_int_eq(f[0].rank, 1);
    ck_assert_int_eq(f[0].phase, TW_AT_STEP);
    ck_assert_int_eq(f[0].iteration, 20);
    ck_assert_int_eq(f[0].kind, TW_FAULT_KILL);
    ck_assert_int_eq(f[1].rank, 0);
    ck_assert_int_eq(f[1].iteration, -1);
    ck_assert_int_eq(f[1].kind, TW_FAULT_ENOSPC);
    ck_assert_int_eq(f[1].call, TW_FAULT_RENAME);
    ck_assert_int_eq(f[2].kind, TW_FAULT_SLEEP);
    ck_assert_int_eq(f[2].number, 250);
    ck_assert_int_eq(f[3].rank, 12);
    ck_assert_int_eq(f[3].number, 3);
    ck_assert_int_eq(f[3].index, 7);
    ck_assert_int_eq(f[3].of, TW_FAULT_OPTIMIZER);
}
END_TEST

START_TEST(every_kind_in_every_phase_can_be_said_and_described)
{
    static const char *const kinds[] = {
#define X(id, name, number, text) name,
        TW_FAULTS(X)
#undef X
    };
    for (int k = 0; k < TW_N_FAULTS; k++)
        for (int p = 0; p < TW_N_AT; p++) {
            char text[128], clause[256];
            tw_fault f[TW_FAULT_MOST];
            size_t count;
            snprintf(text, sizeof text, "kind=%s,phase=%s,rank=3", kinds[k], tw_phase_name((tw_phase)p));
            ck_assert_int_eq(tw_fault_parse(text, f, &count), TW_OK);
            ck_assert_int_eq(f[0].kind, k);
            ck_assert_int_eq(f[0].phase, p);
            tw_fault_describe(f, sizeof clause, clause);
            ck_assert_ptr_nonnull(strstr(clause, "rank 3 "));
            ck_assert_ptr_nonnull(strstr(clause, tw_phase_name((tw_phase)p)));
        }
}
END_TEST

static const struct {
    const char *text, *says;
} wrong[] = {
    {"kind=kill", "names no phase"},
    {"phase=step", "names no kind"},
    {";", "names no fault"},
    {"phase=stepp,kind=kill", "'phase=stepp' is no phase"},
    {"phase=,kind=kill", "is no phase"},
    {"phase=step,kind=kil", "'kind=kil' is no kind of fault"},
    {"phase=step,kind=", "is no kind of fault"},
    {"phase=step,kind=kill,kind=nan", "second kind"},
    {"phase=step,kind=kill=9", "does not take"},
    {"phase=step,kind=kill,rank=-1", "'rank=-1' is no whole number"},
    {"phase=step,kind=kill,rank=", "no whole number"},
    {"phase=step,kind=kill,iteration=1e3", "no whole number"},
    {"phase=step,kind=kill,iteration=99999999999999999999", "no whole number"},
    {"phase=step,flip=64", "too large"},
    {"phase=step,exit=256", "too large"},
    {"phase=step,sleep=", "no number"},
    {"phase=step,fail=17", "no exit code"},
    {"phase=step,fail=0", "no failure"},
    {"phase=step,kind=kill,colour=red", "no kind of fault"},
    {"phase=step,kind=kill,of=everything", "flipped of"},
    {"phase=step,kind=kill,of=optimizer", "flips no bit"},
    {"phase=step,kind=nan,call=write", "in no call"},
    {"phase=step,kind=torn,call=sync", "only happen to a write"},
    {"phase=step,kind=kill,call=open", "no call"},
    {"phase=step,kill", "not KEY=VALUE"},
};

START_TEST(a_wrong_text_is_refused_with_what_can_be_written)
{
    tw_fault f[TW_FAULT_MOST];
    size_t count;
    ck_assert_int_eq(tw_fault_parse(wrong[_i].text, f, &count), TW_USAGE);
    ck_assert_says(wrong[_i].says);
    ck_assert_says("kill, stop, exit, fail, nan, flip, enospc, eio, short, torn, sleep (");
    ck_assert_says("start, load, prepare, step, search, exchange, log, checkpoint, evaluate, finish;");
}
END_TEST

START_TEST(too_many_and_too_long_are_refused)
{
    char text[8192] = "";
    tw_fault f[TW_FAULT_MOST];
    size_t count;
    for (int i = 0; i < TW_FAULT_MOST; i++) strcat(text, "phase=step,kind=nan;");
    ck_assert_int_eq(tw_fault_parse(text, f, &count), TW_OK);
    ck_assert_uint_eq(count, TW_FAULT_MOST);
    strcat(text, "phase=step,kind=nan");
    ck_assert_int_eq(tw_fault_parse(text, f, &count), TW_USAGE);
    ck_assert_says("one fault too many");
    memset(text, ' ', sizeof text - 1);
    text[sizeof text - 1] = 0;
    ck_assert_int_eq(tw_fault_parse(text, f, &count), TW_USAGE);
    ck_assert_says("too long");
}
END_TEST

/* ---- what happens ---- */

static void arm(const char *text, int rank)
{
    ck_assert_int_eq(tw_fault_set(text), TW_OK);
    tw_fault_rank(rank);
}

START_TEST(unset_is_disarmed_and_nothing_happens)
{
    double sums[2] = {1, 2};
    arm("phase=step,kind=nan", 0);
    ck_assert(tw_fault_armed);
    arm(NULL, 0);
    ck_assert(!tw_fault_armed);
    tw_phase_enter(TW_AT_STEP, 0);
    tw_fault_sums(2, sums);
    ck_assert_double_eq(sums[0], 1);
    ck_assert_int_eq(tw_fault_set("nonsense"), TW_USAGE);
    ck_assert(!tw_fault_armed);
}
END_TEST

START_TEST(a_fault_waits_for_its_rank_its_phase_and_its_iteration_and_comes_once)
{
    double sums[2] = {1, 2};
    arm("rank=1,phase=step,iteration=3,kind=nan,index=1", 0);
    tw_phase_enter(TW_AT_STEP, 3); /* another rank */
    tw_fault_sums(2, sums);
    tw_fault_rank(1);
    tw_phase_enter(TW_AT_STEP, 2);
    tw_phase_enter(TW_AT_EXCHANGE, 3);
    tw_fault_sums(2, sums);
    ck_assert_double_eq(sums[1], 2);
    tw_phase_enter(TW_AT_STEP, 3);
    tw_fault_sums(2, sums);
    ck_assert(isnan(sums[1]) && sums[0] == 1);
    sums[1] = 2;
    tw_phase_enter(TW_AT_STEP, 3);
    tw_fault_sums(2, sums);
    ck_assert_double_eq(sums[1], 2);
}
END_TEST

START_TEST(fail_is_a_verdict_that_is_given_once)
{
    arm("phase=load,fail=65", 0);
    ck_assert_int_eq(tw_fault_failure(), TW_OK);
    tw_phase_enter(TW_AT_LOAD, 0);
    ck_assert_int_eq(tw_fault_failure(), TW_DATA);
    ck_assert_says("THALWEG_FAULT, while reading the data");
    ck_assert_int_eq(tw_fault_failure(), TW_OK);
}
END_TEST

START_TEST(flip_changes_one_bit_of_what_it_names)
{
    double w[3] = {1, 1, 1}, state[2] = {1, 1};
    arm("phase=step,flip=52,index=4; phase=step,flip=63,of=optimizer", 0);
    tw_phase_enter(TW_AT_STEP, 0);
    tw_fault_flip(TW_FAULT_PARAMETERS, 0, NULL);
    tw_fault_flip(TW_FAULT_PARAMETERS, 3, w);
    tw_fault_flip(TW_FAULT_OPTIMIZER, 2, state);
    ck_assert(w[0] == 1 && w[1] == 0.5 && w[2] == 1);
    ck_assert(state[0] == -1 && state[1] == 1);
}
END_TEST

/* How a child ends that begins the phase. */
static int end_of_child(const char *text)
{
    int end;
    const pid_t child = fork();
    if (child == 0) {
        if (tw_fault_set(text) != TW_OK) _exit(99);
        tw_fault_rank(0);
        tw_phase_enter(TW_AT_STEP, 0);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &end, WUNTRACED), child);
    if (WIFSTOPPED(end)) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    return end;
}

START_TEST(kill_stop_and_exit_end_the_process)
{
    const int killed = end_of_child("phase=step,kind=kill"), stopped = end_of_child("phase=step,kind=stop"),
              left = end_of_child("phase=step,kind=exit"), with = end_of_child("phase=step,exit=3"),
              not = end_of_child("rank=1,phase=step,kind=kill");
    ck_assert(WIFSIGNALED(killed) && WTERMSIG(killed) == SIGKILL);
    ck_assert(WIFSTOPPED(stopped) && WSTOPSIG(stopped) == SIGSTOP);
    ck_assert(WIFEXITED(left) && WEXITSTATUS(left) == 17);
    ck_assert(WIFEXITED(with) && WEXITSTATUS(with) == 3);
    ck_assert(WIFEXITED(not ) && WEXITSTATUS(not ) == 0);
}
END_TEST

START_TEST(sleep_takes_its_time)
{
    struct timespec before, after;
    arm("phase=step,sleep=120", 0);
    clock_gettime(CLOCK_MONOTONIC, &before);
    tw_phase_enter(TW_AT_STEP, 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    const double passed =
        (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
    ck_assert_double_ge(passed, 0.12);
}
END_TEST

/* ---- files ---- */

static tw_status commit_under(const char *fault)
{
    const tw_bytes text = {"new and complete", 16};
    arm(fault, 0);
    tw_phase_enter(TW_AT_CHECKPOINT, 0);
    const tw_status status = tw_file_commit(in_scratch("a"), 1, &text);
    ck_assert_int_eq(tw_fault_set(NULL), TW_OK);
    return status;
}

static void assert_holds(const char *text)
{
    size_t size;
    char *const bytes = slurp(in_scratch("a"), &size);
    ck_assert_str_eq(bytes, text);
    free(bytes);
    ck_assert_int_eq(scratch_entries(), 1);
}

START_TEST(a_failed_call_of_a_commit_leaves_the_old_file_and_says_why)
{
    static const char *const calls[] = {"write", "sync", "rename"};
    for (int c = 0; c < 3; c++)
        for (int e = 0; e < 2; e++) {
            char fault[128];
            snprintf(fault, sizeof fault, "phase=checkpoint,kind=%s,call=%s", e ? "eio" : "enospc", calls[c]);
            spill(in_scratch("a"), 3, "old");
            ck_assert_int_eq(commit_under(fault), TW_IO);
            ck_assert_says(e ? "Input/output error" : "No space left");
            ck_assert_says("what was there before is unchanged");
            assert_holds("old");
        }
}
END_TEST

START_TEST(a_short_write_is_completed_and_a_torn_one_is_found)
{
    spill(in_scratch("a"), 3, "old");
    ck_assert_int_eq(commit_under("phase=checkpoint,kind=torn"), TW_IO);
    assert_holds("old");
    ck_assert_int_eq(commit_under("phase=checkpoint,kind=short"), TW_OK);
    assert_holds("new and complete");
}
END_TEST

START_TEST(a_fault_of_files_comes_to_one_write_only)
{
    ck_assert_int_eq(commit_under("phase=step,kind=eio"), TW_OK); /* another phase */
    arm("phase=checkpoint,kind=eio", 0);
    tw_phase_enter(TW_AT_CHECKPOINT, 0);
    ck_assert_int_eq(tw_fault_errno(TW_FAULT_SYNC), 0);
    ck_assert_int_eq(tw_fault_errno(TW_FAULT_WRITE), EIO);
    ck_assert_int_eq(tw_fault_errno(TW_FAULT_WRITE), 0);
}
END_TEST

START_TEST(a_call_that_works_or_not_leaves_half_writes_to_others)
{
    arm("phase=checkpoint,kind=short", 0);
    tw_phase_enter(TW_AT_CHECKPOINT, 0);
    ck_assert_int_eq(tw_fault_errno(TW_FAULT_WRITE), 0);
    ck_assert_int_eq(tw_fault_write(TW_FAULT_WRITE), TW_FAULT_SHORT);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("fault");
    TCase *const text = tcase_create("text"), *const act = tcase_create("act");
    tcase_add_test(text, a_text_becomes_faults);
    tcase_add_test(text, every_kind_in_every_phase_can_be_said_and_described);
    tcase_add_loop_test(text, a_wrong_text_is_refused_with_what_can_be_written, 0,
                        (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(text, too_many_and_too_long_are_refused);
    tcase_add_checked_fixture(act, scratch_make, scratch_remove);
    tcase_add_test(act, unset_is_disarmed_and_nothing_happens);
    tcase_add_test(act, a_fault_waits_for_its_rank_its_phase_and_its_iteration_and_comes_once);
    tcase_add_test(act, fail_is_a_verdict_that_is_given_once);
    tcase_add_test(act, flip_changes_one_bit_of_what_it_names);
    tcase_add_test(act, kill_stop_and_exit_end_the_process);
    tcase_add_test(act, sleep_takes_its_time);
    tcase_add_test(act, a_failed_call_of_a_commit_leaves_the_old_file_and_says_why);
    tcase_add_test(act, a_short_write_is_completed_and_a_torn_one_is_found);
    tcase_add_test(act, a_fault_of_files_comes_to_one_write_only);
    tcase_add_test(act, a_call_that_works_or_not_leaves_half_writes_to_others);
    suite_add_tcase(suite, text);
    suite_add_tcase(suite, act);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
