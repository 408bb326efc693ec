/* test_comm.c -- what ranks say to each other, and that they agree about failure. On any number of ranks.
 *
 * Without fork and with agreed verdicts only: a rank that asserts alone would leave the others in a
 * collective. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tw_comm *comm;
static int rank, size;

/* What tw_comm_agree must make of a sentence of rank r, as far as every rank can know it. */
static bool says(int r, const char *sentence)
{
    char before[32];
    const char *text = tw_status_message(), *end = strstr(text, "): ");
    if (size == 1) return strcmp(text, sentence) == 0;
    snprintf(before, sizeof before, "rank %d (", r);
    if (strncmp(text, before, strlen(before)) != 0 || !end || strcmp(end + 3, sentence) != 0) return false;
    const char *host = text + strlen(before);
    return (size_t)(end - host) == strlen(tw_comm_host(comm)) &&
           !strncmp(host, tw_comm_host(comm), (size_t)(end - host));
}

START_TEST(ranks_are_numbered_and_on_one_node)
{
    double sum = rank;
    const bool ok = tw_comm_allreduce(comm, TW_SUM, 1, &sum) == TW_OK && sum == size * (size - 1) / 2;
    ck_assert(all_ranks(comm, ok && rank >= 0 && rank < size && tw_comm_nodes(comm) == 1));
    ck_assert(all_ranks(comm, strlen(tw_comm_host(comm)) > 0));
}
END_TEST

START_TEST(all_ranks_is_false_when_any_rank_says_so)
{
    for (int r = 0; r < size; r++) ck_assert(!all_ranks(comm, rank != r));
    ck_assert(all_ranks(comm, true));
}
END_TEST

START_TEST(agree_is_ok_when_every_rank_is)
{
    ck_assert(all_ranks(comm, tw_comm_agree(comm, TW_OK) == TW_OK));
}
END_TEST

START_TEST(agree_gives_the_code_and_sentence_of_the_lowest_failing_rank_everywhere)
{
    for (int first = 0; first < size; first++) { /* rank first and all above it fail, each in its own way */
        tw_fail(TW_INTERNAL, "an older sentence");
        tw_status local = TW_OK;
        if (rank >= first)
            local = tw_fail(rank == first ? TW_DATA : TW_IO, "row %d is bad, 100%% of it", rank);
        const tw_status status = tw_comm_agree(comm, local);
        char sentence[64];
        snprintf(sentence, sizeof sentence, "row %d is bad, 100%% of it", first);
        ck_assert(all_ranks(comm, status == TW_DATA && says(first, sentence)));
    }
}
END_TEST

START_TEST(agree_about_one_failing_rank_leaves_the_others_usable)
{
    for (int bad = 0; bad < size; bad++) {
        const tw_status local = rank == bad ? tw_fail(TW_MEMORY, "out of memory") : TW_OK;
        ck_assert(all_ranks(comm, tw_comm_agree(comm, local) == TW_MEMORY && says(bad, "out of memory")));
        ck_assert(all_ranks(comm, tw_comm_agree(comm, TW_OK) == TW_OK));
    }
}
END_TEST

START_TEST(a_sentence_of_full_length_survives_agreement_cut_at_its_end)
{
    static char text[TW_MESSAGE_LEN];
    memset(text, 'x', sizeof text - 1);
    const tw_status local = rank == size - 1 ? tw_fail(TW_DATA, "%s", text) : TW_OK;
    const bool ok =
        tw_comm_agree(comm, local) == TW_DATA && strlen(tw_status_message()) == TW_MESSAGE_LEN - 1;
    ck_assert(all_ranks(comm, ok && (size == 1 || strstr(tw_status_message(), "): xxx"))));
}
END_TEST

START_TEST(bcast_status_gives_the_roots_code_and_bare_sentence_everywhere)
{
    for (int root = 0; root < size; root++) {
        tw_fail(TW_INTERNAL, "an older sentence");
        tw_status status = rank == root ? tw_fail(TW_OUTPUT, "folder %d is taken", root) : TW_OK;
        char sentence[64];
        snprintf(sentence, sizeof sentence, "folder %d is taken", root);
        status = tw_comm_bcast_status(comm, root, status);
        ck_assert(all_ranks(comm, status == TW_OUTPUT && strcmp(tw_status_message(), sentence) == 0));
        ck_assert(all_ranks(comm, tw_comm_bcast_status(comm, root, TW_OK) == TW_OK));
    }
}
END_TEST

START_TEST(bcast_moves_bytes_of_any_length_from_any_root)
{
    static const size_t lengths[] = {0, 1, 7, 4097, ((size_t)3 << 20) + 5};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (int root = 0; root<size; root += size> 1 ? size - 1 : 1) {
            unsigned char *bytes = calloc(lengths[i] + 1, 1);
            bool ok = bytes;
            for (size_t j = 0; ok && rank == root && j < lengths[i]; j++)
                bytes[j] = (unsigned char)(j * 31 + i);
            ok = tw_comm_bcast(comm, root, bytes, lengths[i]) == TW_OK && ok;
            for (size_t j = 0; ok && j < lengths[i]; j++) ok = bytes[j] == (unsigned char)(j * 31 + i);
            ok = ok && bytes[lengths[i]] == 0;
            free(bytes);
            ck_assert(all_ranks(comm, ok));
        }
}
END_TEST

START_TEST(allreduce_adds_and_finds_the_least_and_the_most)
{
    enum { N = 3000 };
    double sum[N], least[N], most[N];
    bool ok = true;
    for (int j = 0; j < N; j++) {
        sum[j] = (rank + 1) * (j + 1);
        least[j] = j - rank;
        most[j] = j - rank;
    }
    ok = tw_comm_allreduce(comm, TW_SUM, N, sum) == TW_OK && ok;
    ok = tw_comm_allreduce(comm, TW_MIN, N, least) == TW_OK && ok;
    ok = tw_comm_allreduce(comm, TW_MAX, N, most) == TW_OK && ok;
    for (int j = 0; j < N; j++)
        ok = ok && sum[j] == size * (size + 1) / 2 * (j + 1) && least[j] == j - (size - 1) && most[j] == j;
    ok = tw_comm_allreduce(comm, TW_SUM, 0, NULL) == TW_OK && ok;
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(allgather_gives_every_ranks_bytes_in_order_zero_lengths_included)
{
    for (int empty = 0; empty < 3; empty++) { /* rank r has 3 r bytes, odd ranks none, all none */
        size_t sizes[64], total = 0;
        char own[256], all[64 * 256];
        for (int r = 0; r < size; r++)
            total += sizes[r] = empty == 2 || (empty == 1 && r % 2) ? 0 : 3 * (size_t)r;
        memset(own, 'a' + rank, sizeof own);
        memset(all, '-', sizeof all);
        bool ok = tw_comm_allgather(comm, own, sizes, all) == TW_OK && all[total] == '-';
        size_t at = 0;
        for (int r = 0; r < size; r++)
            for (size_t i = 0; i < sizes[r]; i++) ok = ok && all[at++] == 'a' + r;
        ck_assert(all_ranks(comm, ok));
    }
}
END_TEST

START_TEST(messages_arrive_whole_and_in_order)
{
    enum { N = 1 << 18 };
    double *x = malloc(N * sizeof *x), last = -1;
    bool ok = x;
    for (int from = 1; ok && from < size; from++) {
        if (rank == from) {
            for (int i = 0; i < N; i++) x[i] = from * 1e6 + i;
            ok = tw_comm_send(comm, 0, x, N * sizeof *x) == TW_OK && tw_comm_send(comm, 0, NULL, 0) == TW_OK;
            ok = ok && tw_comm_send(comm, 0, &x[N - 1], sizeof last) == TW_OK;
        } else if (rank == 0) {
            ok = tw_comm_receive(comm, from, x, N * sizeof *x) == TW_OK &&
                 tw_comm_receive(comm, from, NULL, 0) == TW_OK;
            ok = ok && tw_comm_receive(comm, from, &last, sizeof last) == TW_OK && last == from * 1e6 + N - 1;
            for (int i = 0; i < N; i++) ok = ok && x[i] == from * 1e6 + i;
        }
    }
    free(x);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(bytes_sent_are_counted_where_they_are_sent)
{
    double x[10] = {0};
    const uint64_t before = tw_comm_bytes_sent(comm);
    bool ok = tw_comm_allreduce(comm, TW_SUM, 10, x) == TW_OK;
    ok = ok && tw_comm_bytes_sent(comm) - before == (size > 1 ? sizeof x : 0);
    const uint64_t then = tw_comm_bytes_sent(comm);
    ok = ok && tw_comm_bcast(comm, 0, x, sizeof x) == TW_OK;
    ok = ok && tw_comm_bytes_sent(comm) - then == (size > 1 && rank == 0 ? sizeof x : 0);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(a_local_communicator_is_one_rank_that_agrees_with_itself)
{
    tw_comm *local;
    char out[4] = "";
    double x = 3;
    bool ok = tw_comm_local(&local) == TW_OK && tw_comm_size(local) == 1 && tw_comm_rank(local) == 0;
    ok = ok && tw_comm_agree(local, TW_OK) == TW_OK;
    ok = ok && tw_comm_agree(local, tw_fail(TW_DATA, "only I")) == TW_DATA &&
         !strcmp(tw_status_message(), "only I");
    ok = ok && tw_comm_bcast_status(local, 0, TW_IO) == TW_IO &&
         tw_comm_bcast(local, 0, &x, sizeof x) == TW_OK;
    ok = ok && tw_comm_allreduce(local, TW_MAX, 1, &x) == TW_OK && x == 3;
    ok = ok && tw_comm_allgather(local, "abc", (const size_t[]){4}, out) == TW_OK && !strcmp(out, "abc");
    tw_comm_barrier(local);
    tw_comm_release(local);
    ck_assert(all_ranks(comm, ok && tw_comm_size(comm) == size)); /* and MPI is still there */
}
END_TEST

START_TEST(clocks_run_forward_and_the_library_has_a_name)
{
    char text[128], cut[5];
    const double start = tw_seconds();
    tw_comm_barrier(comm);
    tw_comm_library(sizeof text, text);
    tw_comm_library(sizeof cut, cut);
    const bool ok = tw_seconds() >= start && strlen(text) > 4 && strlen(cut) == 4 && !strncmp(text, cut, 4);
    ck_assert(all_ranks(comm, ok && !strpbrk(text, ",\n")));
}
END_TEST

START_TEST(compare_names_the_rank_that_differs_or_says_that_nobody_can_tell)
{
    unsigned char digest[16] = {1, 2, 3};
    char who[64];
    ck_assert(all_ranks(comm, tw_comm_compare(comm, digest) == TW_OK));
    digest[15] = rank == size - 1;
    const tw_status status = tw_comm_compare(comm, digest);
    ck_assert(all_ranks(comm, status == (size == 1 ? TW_OK : TW_REPLICA)));
    snprintf(who, sizeof who, "rank %d differs from the %d others", size - 1, size - 1);
    ck_assert(all_ranks(comm, size < 3 || strstr(tw_status_message(), who)));
    ck_assert(all_ranks(comm, size != 2 || strstr(tw_status_message(), "no majority")));
}
END_TEST

/* Started alone by something that claims several tasks: exit 0 when that is refused. */
static int claim(int argc, char **argv)
{
    const tw_status status = tw_comm_init(&comm, &argc, &argv);
    const char *text = tw_status_message();
    return !(status == TW_USAGE && comm == NULL && strstr(text, "started 4 tasks") &&
             strstr(text, "mpirun -n 4"));
}

/* Ranks that call with different sizes, as after a bug or on a broken network: the job must end. */
static int mismatch(int argc, char **argv)
{
    double numbers[64] = {0};
    if (tw_comm_init(&comm, &argc, &argv)) return 2;
    const tw_status status = tw_comm_bcast(comm, 0, numbers, tw_comm_rank(comm) == 0 ? sizeof numbers : 8);
    tw_comm_barrier(comm);
    return status == TW_OK ? 0 : 3; /* both are wrong */
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "claim") == 0) return claim(argc, argv);
    if (argc > 1 && strcmp(argv[1], "mismatch") == 0) return mismatch(argc, argv);
    if (tw_comm_init(&comm, &argc, &argv)) return 2;
    rank = tw_comm_rank(comm);
    size = tw_comm_size(comm);
    Suite *s = suite_create("comm");
    TCase *t = tcase_create("comm");
    tcase_add_test(t, ranks_are_numbered_and_on_one_node);
    tcase_add_test(t, all_ranks_is_false_when_any_rank_says_so);
    tcase_add_test(t, agree_is_ok_when_every_rank_is);
    tcase_add_test(t, agree_gives_the_code_and_sentence_of_the_lowest_failing_rank_everywhere);
    tcase_add_test(t, agree_about_one_failing_rank_leaves_the_others_usable);
    tcase_add_test(t, a_sentence_of_full_length_survives_agreement_cut_at_its_end);
    tcase_add_test(t, bcast_status_gives_the_roots_code_and_bare_sentence_everywhere);
    tcase_add_test(t, bcast_moves_bytes_of_any_length_from_any_root);
    tcase_add_test(t, allreduce_adds_and_finds_the_least_and_the_most);
    tcase_add_test(t, allgather_gives_every_ranks_bytes_in_order_zero_lengths_included);
    tcase_add_test(t, compare_names_the_rank_that_differs_or_says_that_nobody_can_tell);
    tcase_add_test(t, messages_arrive_whole_and_in_order);
    tcase_add_test(t, bytes_sent_are_counted_where_they_are_sent);
    tcase_add_test(t, a_local_communicator_is_one_rank_that_agrees_with_itself);
    tcase_add_test(t, clocks_run_forward_and_the_library_has_a_name);
    suite_add_tcase(s, t);
    return test_run_ranks(s, comm);
}
