/* Checkpoints of a run without data: what comes back, which files stay, and what a failure to write costs. */
#include "some_checkpoint.h"

#include "support.h"

#include <stddef.h>

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

/* ---- round trip ---- */

START_TEST(every_kind_of_item_comes_back_bit_for_bit)
{
    typedef struct {
        double reals[8], one[8], array[8];
        long counts[4];
        bool flags[2];
        tw_reason reasons[TW_N_REASONS];
    } places;
    places a = {.counts = {0, -1, 0x7fffffffffffffff, -0x7fffffffffffffff - 1}, .flags = {false, true}}, b;
    static char names[64][16];
    int used = 0;
    for (int i = 0; i < 8; i++) a.reals[i] = a.one[i] = a.array[i] = some_odd(i);
    for (int i = 0; i < TW_N_REASONS; i++) a.reasons[i] = (tw_reason)i;
    tw_state lists[2] = {{.count = 0}, {.count = 0}};
    memset(&b, 0x55, sizeof b);
    for (int l = 0; l < 2; l++) {
        places *const at = l ? &b : &a;
        used = 0;
#define ADD(kind, n, place)                                 \
    snprintf(names[used], sizeof names[0], "item%d", used); \
    tw_state_add(&lists[l], names[used++], kind, n, place)
        for (int i = 0; i < 8; i++) {
            ADD(TW_STATE_REAL, 1, &at->reals[i]);
        }
        for (int i = 0; i < 4; i++) {
            ADD(TW_STATE_COUNT, 1, &at->counts[i]);
        }
        for (int i = 0; i < 2; i++) {
            ADD(TW_STATE_FLAG, 1, &at->flags[i]);
        }
        for (int i = 0; i < TW_N_REASONS; i++) {
            ADD(TW_STATE_REASON, 1, &at->reasons[i]);
        }
        tw_state_add(&lists[l], "/array", TW_STATE_REAL, 8, at->array);
        tw_state_add(&lists[l], "/one", TW_STATE_REAL, 1, at->one);
        tw_state_add(&lists[l], "/none", TW_STATE_REAL, 0, at->one);
        tw_state_add(&lists[l], "iteration", TW_STATE_COUNT, 1, &at->counts[0]);
    }
    tw_checkpoint_file file;
    ck_assert_int_eq(tw_checkpoint_file_write(in_scratch("a"), &run.checkpoint, &lists[0], &run.log), TW_OK);
    ck_assert_int_eq(tw_checkpoint_file_open(&file, in_scratch("a")), TW_OK);
    ck_assert_int_eq(tw_checkpoint_file_state(&file, &lists[1]), TW_OK);
    tw_checkpoint_file_close(&file);
    ck_assert(same_bits(8, a.reals, b.reals));
    ck_assert(same_bits(8, a.array, b.array));
    ck_assert(same_bits(1, a.one, b.one));
    ck_assert_mem_eq(a.counts, b.counts, sizeof a.counts);
    ck_assert(!b.flags[0] && b.flags[1]);
    ck_assert_mem_eq(a.reasons, b.reasons, sizeof a.reasons);
}
END_TEST

/* The whole state of a trainer, by its hash; and the history, in place of the rows the reader had. */
START_TEST(a_trainer_and_its_history_come_back)
{
    static some_run other;
    unsigned char before[16], wrong[16], after[16];
    tw_state state = {0}, read = {0};
    const char *const path = some_checkpoint(&run, "a");
    some_run_init(&other);
    memset(other.w, 0, sizeof other.w);
    other.iterate.moved = false;
    other.log.rows = 1;
    tw_state_of_trainer(&state, &run.trainer);
    tw_state_of_trainer(&read, &other.trainer);
    tw_state_hash(&state, before);
    tw_state_hash(&read, wrong);
    ck_assert_mem_ne(before, wrong, sizeof before);
    for (int c = 0; c < TW_HISTORY_COLUMNS; c++) other.log.history[c][0] = -1;
    ck_assert_int_eq(some_read(path, &other), TW_OK);
    tw_state_hash(&read, after);
    ck_assert_mem_eq(before, after, sizeof before);
    ck_assert_uint_eq(other.log.rows, SOME_ROWS);
    for (int c = 0; c < TW_HISTORY_COLUMNS; c++)
        ck_assert(same_bits(SOME_ROWS, other.log.history[c], run.log.history[c]));
    some_run_release(&other);
}
END_TEST

/* By their places and not by the list, which could forget one. */
START_TEST(the_place_in_an_epoch_and_what_the_parts_remember_come_back)
{
    static some_run other;
    double step[2][3] = {{0.1, -0.0, 7}}, memory[SOME_STATE] = {0};
    some_run_init(&other);
    run.step.state = step[0];
    other.step.state = step[1];
    run.step.state_len = other.step.state_len = 3;
    other.optimizer.state = memory;
    memset(other.w, 0, sizeof other.w);
    memset(other.g, 0, sizeof other.g);
    memset(other.best, 0, sizeof other.best);
    run.trainer.epoch_step = 5;
    run.iterate.updates = 41;
    run.validation.since = 3;
    run.monitor.unimproved = 2;
    run.objective.evals = 77;
    run.objective.reads = 8.25;
    run.objective.weight = 0.1;
    ck_assert_int_eq(some_read(some_checkpoint(&run, "a"), &other), TW_OK);
    ck_assert(same_bits(3, step[1], step[0]));
    ck_assert(same_bits(SOME_STATE, memory, run.memory));
    ck_assert(same_bits(SOME_N, other.w, run.w));
    ck_assert(same_bits(SOME_N, other.g, run.g));
    ck_assert(same_bits(SOME_N, other.best, run.best));
    ck_assert_int_eq(other.trainer.epoch_step, 5);
    ck_assert_int_eq(other.iterate.updates, 41);
    ck_assert_int_eq(other.validation.since, 3);
    ck_assert_int_eq(other.monitor.unimproved, 2);
    ck_assert_int_eq(other.objective.evals, 77);
    ck_assert(other.objective.reads == 8.25 && other.objective.weight == 0.1);
    some_run_release(&other);
}
END_TEST

START_TEST(a_head_and_who_wrote_it_come_back)
{
    tw_checkpoint_file f;
    run.iterate.k = 17;
    ck_assert_int_eq(tw_checkpoint_file_open(&f, some_checkpoint(&run, "a")), TW_OK);
    ck_assert_int_eq(f.head.contract, some_head.contract);
    ck_assert_int_eq(f.head.groups, some_head.groups);
    ck_assert_int_eq(f.head.block_rows, some_head.block_rows);
    ck_assert_int_eq(f.head.rows, some_head.rows);
    ck_assert_int_eq(f.head.cols, some_head.cols);
    ck_assert_int_eq(f.head.parameters, some_head.parameters);
    ck_assert_str_eq(f.head.mode, some_head.mode);
    ck_assert_str_eq(f.head.storage, some_head.storage);
    ck_assert_str_eq(f.head.data, some_head.data);
    ck_assert_str_eq(f.head.watched, some_head.watched);
    ck_assert_str_eq(f.head.configuration, some_head.configuration);
    ck_assert_str_eq(f.host, tw_comm_host(some_comm));
    ck_assert_int_eq(f.ranks, 1);
    ck_assert_int_eq(f.iteration, 17);
    ck_assert_int_eq(f.rows, SOME_ROWS);
    ck_assert_uint_eq(strlen(f.time), strlen("2026-01-01T00:00:00Z"));
    tw_checkpoint_file_close(&f);
}
END_TEST

START_TEST(a_run_without_rows_has_no_history)
{
    static some_run other;
    run.log.rows = 0;
    const char *const path = some_checkpoint(&run, "a");
    some_run_init(&other);
    ck_assert_int_eq(some_read(path, &other), TW_OK);
    ck_assert_uint_eq(other.log.rows, 0);
    some_run_release(&other);
}
END_TEST

/* ---- names ---- */

static const char *folder(void)
{
    return in_scratch("checkpoints");
}

static void save_at(long k, long step)
{
    run.iterate.k = k;
    run.iterate.updates++;
    run.trainer.epoch_step = step;
    ck_assert_int_eq(tw_checkpoint_turn(&run.checkpoint, &run.trainer, step > 0), TW_OK);
}

/* The names in the folder, newest first, separated by blanks; to be freed. */
static char *listed(void)
{
    char **names, *text = calloc(1, 65536);
    size_t count;
    ck_assert_int_eq(tw_checkpoint_list(folder(), &count, &names), TW_OK);
    for (size_t i = 0; i < count; i++) {
        if (i) strcat(text, " ");
        strcat(text, names[i]);
    }
    free(names);
    return text;
}

static void check_listed(const char *wanted)
{
    char *const text = listed();
    ck_assert_str_eq(text, wanted);
    free(text);
}

START_TEST(names_sort_in_the_order_of_the_run)
{
    static const long order[] = {0, 1, 9, 10, 99, 100, 12345, 999999999999};
    check_listed("");
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        char **names;
        size_t count;
        save_at(order[i], 0);
        ck_assert_int_eq(tw_checkpoint_list(folder(), &count, &names), TW_OK);
        ck_assert_uint_eq(count, i + 1);
        ck_assert_str_eq(names[0], run.checkpoint.newest);
        free(names);
    }
}
END_TEST

START_TEST(names_of_mini_batches_and_of_paths_sort_so_too)
{
    static const long order[][3] = {{0, 0, 1}, {0, 0, 9},  {0, 0, 10}, {0, 1, 0},  {0, 1, 1},
                                    {0, 9, 5}, {0, 10, 0}, {1, 0, 3},  {9, 99, 0}, {10, 0, 0}};
    long fit;
    run.objective.batches.steps = 100;
    run.checkpoint.fit = &fit;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        char **names;
        size_t count;
        fit = order[i][0];
        save_at(order[i][1], order[i][2]);
        ck_assert_int_eq(tw_checkpoint_list(folder(), &count, &names), TW_OK);
        ck_assert_uint_eq(count, i + 1);
        ck_assert_str_eq(names[0], run.checkpoint.newest);
        free(names);
    }
}
END_TEST

/* ---- which stay ---- */

START_TEST(the_newest_stay)
{
    run.checkpoint.keep = 3;
    for (long k = 1; k <= 6; k++) save_at(k, 0);
    check_listed("iteration-000000000006.h5 iteration-000000000005.h5 iteration-000000000004.h5");
}
END_TEST

/* A run that was taken up before them will come by there: they are neither removed nor do they push it out.
 */
START_TEST(later_ones_stay_and_never_push_out_the_one_just_written)
{
    for (long k = 7; k <= 9; k++) save_at(k, 0);
    run.checkpoint.keep = 1;
    save_at(2, 0);
    save_at(3, 0);
    check_listed("iteration-000000000009.h5 iteration-000000000008.h5 iteration-000000000007.h5 "
                 "iteration-000000000003.h5");
    save_at(8, 0);
    check_listed("iteration-000000000009.h5 iteration-000000000008.h5");
}
END_TEST

START_TEST(files_of_other_names_are_neither_listed_nor_removed)
{
    static const char *const others[] = {"best.h5",
                                         "iteration-000000000001 (copy).h5",
                                         "iteration-.h5",
                                         "iteration-000000000001.h5.bak",
                                         "epoch-00000001.h5",
                                         "fit-000001.h5",
                                         "fit-x-iteration-000000000001.h5",
                                         "a.h5",
                                         ".h5"};
    char path[1024];
    run.checkpoint.keep = 1;
    save_at(1, 0);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(path, sizeof path, "%s/%s", folder(), others[i]);
        spill(path, 1, "x");
    }
    save_at(2, 0);
    check_listed("iteration-000000000002.h5");
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(path, sizeof path, "%s/%s", folder(), others[i]);
        ck_assert_msg(access(path, F_OK) == 0, "%s is gone", others[i]);
    }
}
END_TEST

/* ---- when ---- */

START_TEST(one_is_written_when_it_is_due_and_never_else)
{
    run.checkpoint.every = -3;
    for (long k = 1; k <= 7; k++) save_at(k, 0);
    check_listed("iteration-000000000006.h5 iteration-000000000003.h5");
    run.checkpoint.every = 0;
    save_at(9, 0);
    run.stop.max_iterations = 10;
    save_at(10, 0); /* the limit, but not asked for */
    run.checkpoint.on_limit = true;
    save_at(10, 0);
    check_listed("iteration-000000000010.h5 iteration-000000000006.h5 iteration-000000000003.h5");
    run.stop.max_iterations = 1000;
    run.objective.agreed[TW_FLAG_SAVE] = 1;
    save_at(11, 0);
    ck_assert(run.objective.agreed[TW_FLAG_SAVE] == 0);
    save_at(12, 0);
    run.objective.agreed[TW_FLAG_STOP] = 1;
    save_at(13, 0);
    save_at(14, 0); /* what follows the stop is no state to go on from */
    check_listed("iteration-000000000013.h5 iteration-000000000011.h5 iteration-000000000010.h5 "
                 "iteration-000000000006.h5 iteration-000000000003.h5");
}
END_TEST

/* ---- failures ---- */

/* A file where the folder must be: not even root can write there. */
static void block(bool blocked)
{
    if (blocked) {
        ck_assert_int_eq(rename(folder(), in_scratch("aside")) == 0 || access(folder(), F_OK) != 0, 1);
        spill(folder(), 1, "x");
    } else {
        ck_assert_int_eq(unlink(folder()), 0);
        ck_assert_int_eq(rename(in_scratch("aside"), folder()), 0);
    }
}

static tw_status turn_at(long k)
{
    run.iterate.k = k;
    run.iterate.updates++;
    return tw_checkpoint_turn(&run.checkpoint, &run.trainer, false);
}

START_TEST(the_third_failure_in_a_row_ends_the_run)
{
    save_at(1, 0);
    block(true);
    for (long k = 2; k <= 3; k++) {
        ck_assert_int_eq(turn_at(k), TW_OK);
        ck_assert_int_eq(run.checkpoint.failures, (int)k - 1);
    }
    block(false);
    ck_assert_int_eq(turn_at(4), TW_OK);
    ck_assert_int_eq(run.checkpoint.failures, 0);
    block(true);
    ck_assert_int_eq(turn_at(5), TW_OK);
    ck_assert_int_eq(turn_at(6), TW_OK);
    ck_assert_int_eq(turn_at(7), TW_IO);
    ck_assert_says("three checkpoints in a row could not be written");
    ck_assert_says("the last one is iteration-000000000004.h5");
    block(false);
    check_listed("iteration-000000000004.h5 iteration-000000000001.h5");
}
END_TEST

START_TEST(a_run_that_is_to_stop_fails_when_it_cannot_be_saved)
{
    spill(folder(), 1, "x");
    run.objective.agreed[TW_FLAG_TIME] = 1;
    ck_assert_int_eq(turn_at(1), TW_IO);
    ck_assert_says("the run was to stop, but its state could not be saved");
    ck_assert_says("there is no earlier one");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("checkpoint");
    TCase *t = tcase_create("checkpoint");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, every_kind_of_item_comes_back_bit_for_bit);
    tcase_add_test(t, a_trainer_and_its_history_come_back);
    tcase_add_test(t, the_place_in_an_epoch_and_what_the_parts_remember_come_back);
    tcase_add_test(t, a_head_and_who_wrote_it_come_back);
    tcase_add_test(t, a_run_without_rows_has_no_history);
    tcase_add_test(t, names_sort_in_the_order_of_the_run);
    tcase_add_test(t, names_of_mini_batches_and_of_paths_sort_so_too);
    tcase_add_test(t, the_newest_stay);
    tcase_add_test(t, later_ones_stay_and_never_push_out_the_one_just_written);
    tcase_add_test(t, files_of_other_names_are_neither_listed_nor_removed);
    tcase_add_test(t, one_is_written_when_it_is_due_and_never_else);
    tcase_add_test(t, the_third_failure_in_a_row_ends_the_run);
    tcase_add_test(t, a_run_that_is_to_stop_fails_when_it_cannot_be_saved);
    suite_add_tcase(s, t);
    return test_run(s);
}
