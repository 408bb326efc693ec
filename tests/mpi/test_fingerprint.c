/* test_fingerprint.c -- the fingerprint of the data on any number of ranks and of groups is that of one
 * reader, also where ranks have no rows. */
#include "support.h"

#include <stdlib.h>
#include <string.h>

enum { COLS = 5, MOST = 3000 };

static tw_comm *comm, *alone;
static char path[512];
static int rank;
static double x[MOST * COLS], y[MOST];

static void write_rows(size_t rows)
{
    if (rank == 0) test_write_plain(path, rows, COLS, x, y);
    tw_comm_barrier(comm);
}

static tw_status print_part(const tw_dataset *d, tw_comm *ranks, int64_t groups, unsigned char digest[16])
{
    tw_partition p;
    tw_shard s;
    const int at = tw_comm_rank(ranks);
    TW_TRY(tw_partition_init(&p, d->rows, groups, tw_comm_size(ranks)));
    const int64_t first = tw_partition_shard(&p, at);
    tw_status status =
        tw_comm_agree(ranks, tw_shard_read(&s, d, first, tw_partition_shard(&p, at + 1) - first));
    if (status == TW_OK) {
        status = tw_shard_fingerprint(&s, d, ranks, digest);
        tw_shard_release(&s);
    }
    tw_partition_release(&p);
    return status;
}

/* Everybody for himself, and all together with different numbers of groups. */
static bool prints_agree(unsigned char own[16])
{
    static const int64_t groups[] = {0, 1, 8, 256};
    tw_dataset d;
    const tw_dataset_names names = {.need_labels = true};
    bool ok = tw_dataset_open(&d, path, &names, NULL) == TW_OK && print_part(&d, alone, 0, own) == TW_OK;
    if (!all_ranks(comm, ok)) return false;
    for (size_t k = 0; k < sizeof groups / sizeof *groups; k++) {
        unsigned char together[16] = {0};
        ok &= print_part(&d, comm, groups[k], together) == TW_OK && memcmp(own, together, 16) == 0;
    }
    tw_comm_barrier(comm); /* before the file changes */
    return ok;
}

static void enter(void)
{
    if (rank == 0) {
        test_folder_enter();
        snprintf(path, sizeof path, "%s", test_path("d.h5"));
    }
    ck_assert_int_eq(tw_comm_bcast(comm, 0, path, sizeof path), TW_OK);
}

static void leave(void)
{
    if (rank == 0) test_folder_leave();
}

START_TEST(ranks_and_groups_do_not_show)
{
    static const size_t rows[] = {1, 2, 3, 17, MOST};
    unsigned char before[16] = {0}, own[16];
    bool ok = true, differ = true;
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        write_rows(rows[k]);
        ok &= prints_agree(own);
        differ &= memcmp(before, own, 16) != 0;
        memcpy(before, own, 16);
    }
    ck_assert(all_ranks(comm, ok && differ));
}
END_TEST

START_TEST(a_change_in_the_rows_of_one_rank_shows_on_all)
{
    unsigned char first[16], own[16];
    write_rows(MOST);
    bool ok = prints_agree(first);
    for (int i = 0; i < 4; i++) {
        double *value = i == 3 ? &y[MOST - 1] : &x[i * (MOST * COLS / 2 - 1)];
        *value += 0x1p-30;
        write_rows(MOST);
        ok &= prints_agree(own) && memcmp(first, own, 16) != 0;
        *value -= 0x1p-30;
    }
    write_rows(MOST);
    ok &= prints_agree(own) && memcmp(first, own, 16) == 0;
    ck_assert(all_ranks(comm, ok));
}
END_TEST

int main(int argc, char **argv)
{
    if (tw_comm_init(&comm, &argc, &argv) || tw_comm_local(&alone)) return 2;
    rank = tw_comm_rank(comm);
    test_seed(3);
    for (int i = 0; i < MOST * COLS; i++) x[i] = (double)(test_bits() % 64);
    for (int i = 0; i < MOST; i++) y[i] = (double)(test_bits() % 3);
    Suite *s = suite_create("fingerprint");
    TCase *t = tcase_create("fingerprint");
    tcase_add_checked_fixture(t, enter, leave);
    tcase_add_test(t, ranks_and_groups_do_not_show);
    tcase_add_test(t, a_change_in_the_rows_of_one_rank_shows_on_all);
    suite_add_tcase(s, t);
    const int failed = test_run_ranks(s, comm);
    tw_comm_release(alone);
    return failed;
}
