/* test_checkpoint.c -- rank 0 writes, and what comes of it is the same on every rank; replicas that differ
 * leave no checkpoint. */
#include "support.h"

#include "unit/some_checkpoint.h"

static tw_comm *comm;
static int rank, size;
static some_run run;

static void set_up(void)
{
    scratch_make();
    some_comm = comm;
    some_run_init(&run);
    run.log.active = rank == 0;
}

static void tear_down(void)
{
    some_run_release(&run);
    scratch_remove();
}

static tw_status turn(void)
{
    run.iterate.k++;
    run.iterate.updates++;
    return tw_checkpoint_turn(&run.checkpoint, &run.trainer, false);
}

/* Each rank looks into its own folder. */
static size_t written(void)
{
    char **names;
    size_t count = 99;
    if (tw_checkpoint_list(in_scratch("checkpoints"), &count, &names)) return 99;
    free(names);
    return count;
}

START_TEST(a_checkpoint_is_written_by_rank_0_alone)
{
    bool ok = turn() == TW_OK && turn() == TW_OK;
    ok = written() == (rank == 0 ? 2 : 0) && ok;
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(a_failure_of_rank_0_is_known_to_all_and_counts_on_all)
{
    spill(in_scratch("checkpoints"), 1, "x"); /* where the folder must be */
    bool ok = turn() == TW_OK && run.checkpoint.failures == 1;
    run.objective.agreed[TW_FLAG_STOP] = 1;
    ok = turn() == TW_IO && ok;
    ok = ok && strstr(tw_status_message(), "its state could not be saved: ") != NULL;
    ok = ok && strstr(tw_status_message(), "it exists and is no folder") != NULL;
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(replicas_that_differ_leave_no_checkpoint)
{
    bool ok = turn() == TW_OK;
    if (rank == size - 1) run.w[1] = -run.w[1];
    ok = turn() == (size == 1 ? TW_OK : TW_REPLICA) && ok;
    ok = written() == (rank > 0 ? 0 : size == 1 ? 2 : 1) && ok;
    ck_assert(all_ranks(comm, ok));
}
END_TEST

int main(int argc, char **argv)
{
    if (tw_comm_init(&comm, &argc, &argv)) return 2;
    rank = tw_comm_rank(comm);
    size = tw_comm_size(comm);
    Suite *s = suite_create("checkpoint");
    TCase *t = tcase_create("checkpoint");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_checkpoint_is_written_by_rank_0_alone);
    tcase_add_test(t, a_failure_of_rank_0_is_known_to_all_and_counts_on_all);
    tcase_add_test(t, replicas_that_differ_leave_no_checkpoint);
    suite_add_tcase(s, t);
    return test_run_ranks(s, comm);
}
