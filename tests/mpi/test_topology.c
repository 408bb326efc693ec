/* test_topology.c -- which ranks share a node, how they are numbered, and what an exchange in two stages
 * sends. With THALWEG_NODES of one machine; the numbers of the launcher are its own (launch.h). The results
 * of such exchanges: test_reduction.c. */
#include "comm/reduction_impl.h"
#include "support.h"
#include "thalweg/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };

static tw_comm *comm;
static int rank, size, launched[MOST]; /* of each rank */
static int nodes;                      /* asked for, at most one a rank; 0: this machine as it is */
static bool in_turn;

static int expected_node(int launched_rank)
{
    if (nodes == 0) return 0;
    return in_turn ? launched_rank % nodes : (int)((long)launched_rank * nodes / size);
}

static void ask(void)
{
    double all[MOST] = {0};
    const char *text = getenv("THALWEG_NODES");
    nodes = text ? (int)strtol(text, NULL, 10) : 0;
    in_turn = text && strchr(text, 'c');
    if (nodes > size) nodes = size;
    all[rank] = (double)tw_launch_rank();
    if (tw_comm_allreduce(comm, TW_SUM, (size_t)size, all)) abort();
    for (int r = 0; r < size; r++) launched[r] = (int)all[r];
}

static int ranks_on(int node)
{
    int count = 0;
    for (int r = 0; r < size; r++) count += tw_comm_node_of(comm, r) == node;
    return count;
}

START_TEST(every_rank_is_on_the_node_where_it_was_started)
{
    bool ok = tw_comm_nodes(comm) == (nodes ? nodes : 1);
    for (int r = 0; r < size; r++) ok = ok && tw_comm_node_of(comm, r) == expected_node(launched[r]);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(the_ranks_of_a_node_are_neighbours_in_the_order_of_the_launcher)
{
    bool ok = launched[0] == 0 && tw_comm_node_of(comm, 0) == 0, moved = false;
    for (int r = 1; r < size; r++) {
        const int step = tw_comm_node_of(comm, r) - tw_comm_node_of(comm, r - 1);
        ok = ok && (step == 1 || (step == 0 && launched[r] > launched[r - 1]));
    }
    for (int r = 0; r < size; r++) moved = moved || launched[r] != r;
    ok = ok && tw_comm_renumbered(comm) == moved && moved == (in_turn && nodes > 1 && nodes < size);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(hosts_and_ranks_a_node_are_those_of_the_table)
{
    int least, most, fewest = size, largest = 0;
    char end[16];
    bool ok = strcmp(tw_comm_host_of(comm, rank), tw_comm_host(comm)) == 0;
    tw_comm_ranks_a_node(comm, &least, &most);
    for (int i = 0; i < tw_comm_nodes(comm); i++) {
        if (ranks_on(i) < fewest) fewest = ranks_on(i);
        if (ranks_on(i) > largest) largest = ranks_on(i);
    }
    for (int r = 0; r < size && nodes; r++) { /* hosts that are one are told apart */
        const char *host = tw_comm_host_of(comm, r);
        snprintf(end, sizeof end, ":%d", tw_comm_node_of(comm, r));
        ok = ok && strlen(host) > strlen(end) && strcmp(host + strlen(host) - strlen(end), end) == 0;
    }
    ck_assert(all_ranks(comm, ok && least == fewest && most == largest));
}
END_TEST

/* ---------------------------------------------------------------- bytes */

static size_t width(size_t columns, int members, int s)
{
    const size_t from = columns / 8 * (size_t)s / (size_t)members * 8;
    const size_t to = s + 1 == members ? columns : columns / 8 * (size_t)(s + 1) / (size_t)members * 8;
    return to - from;
}

/* Doubles that this rank should send, from who owns what. */
static size_t expected_doubles(const tw_partition *p, size_t n, bool is_short)
{
    const int node = tw_comm_node_of(comm, rank), here = ranks_on(node);
    int first = 0, least, most;
    while (tw_comm_node_of(comm, first) != node) first++;
    tw_comm_ranks_a_node(comm, &least, &most);
    const size_t own = tw_tree_nodes(p->start[rank], p->start[rank + 1], NULL);
    const size_t left = tw_tree_nodes(p->start[first], p->start[first + here], NULL);
    const bool staged = tw_comm_nodes(comm) > 1 && most > 1 && (is_short || least == most);
    if (is_short && !staged) return own * n + TW_N_RIDING;
    if (is_short && rank != first) return own * n + TW_N_RIDING;
    if (is_short) return own * n + left * n + n + 3 * TW_N_RIDING;
    if (!staged) return own * (n - width(n, size, rank)) + width(n, size, rank) + TW_N_RIDING;
    const size_t mine = width(n, here, rank - first), part = width(mine, tw_comm_nodes(comm), node);
    return own * (n - mine) + left * (mine - part) + part + mine + 2 * TW_N_RIDING;
}

static tw_status count_one(void *context, int thread, int64_t k, tw_branch *branch)
{
    (void)context, (void)thread, (void)k;
    tw_branch_block(branch)[0] = 1;
    tw_branch_push(branch);
    return TW_OK;
}

static bool sends(int64_t groups, size_t n, size_t short_bytes, bool is_short)
{
    tw_partition p;
    tw_reduction *r;
    double *out = malloc(n * sizeof *out), flags[TW_N_FLAGS] = {1};
    const tw_reduction_plan plan = {
        .mode = TW_REPRODUCIBLE, .merge = &tw_merge_sum, .n = n, .short_bytes = short_bytes};
    bool ok = tw_partition_init(&p, 100 * groups, groups, size) == TW_OK;
    ok = tw_reduction_new(&r, comm, &p, &plan) == TW_OK && ok;
    ok = tw_reduction_sweep(r, count_one, NULL) == TW_OK && ok;
    const uint64_t before = tw_comm_bytes_sent(comm);
    ok = tw_reduction_finish(r, flags, out) == TW_OK && ok && flags[0] == size && out[0] == (double)groups;
    const uint64_t sent = tw_comm_bytes_sent(comm) - before;
    const size_t expected = size == 1 ? 0 : expected_doubles(&p, n, is_short);
    tw_reduction_free(r);
    tw_partition_release(&p);
    free(out);
    return ok && sent == expected * sizeof(double);
}

START_TEST(an_exchange_sends_what_its_plan_says_to_the_byte)
{
    static const size_t lengths[] = {1, 9, 1000, 5003};
    static const int64_t groups[] = {2, 64, 1024};
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 3; j++)
            for (size_t form = 0; form < 2; form++)
                ck_assert_msg(all_ranks(comm, sends(groups[j], lengths[i], form ? 1 << 30 : 1, form)),
                              "n %zu, G %lld, form %zu", lengths[i], (long long)groups[j], form);
}
END_TEST

/* Doubles that reach the member that gathers most in the short form, itself included. */
static size_t gathered_doubles(const tw_partition *p, size_t n)
{
    size_t all = 0, left = 0, most = 0;
    int least, most_a_node;
    tw_comm_ranks_a_node(comm, &least, &most_a_node);
    for (int r = 0; r < size; r++) all += tw_tree_nodes(p->start[r], p->start[r + 1], NULL) * n + TW_N_RIDING;
    if (tw_comm_nodes(comm) == 1 || most_a_node == 1) return all;
    for (int node = 0, first = 0; node < tw_comm_nodes(comm); node++) {
        size_t here = 0;
        const int end = first + ranks_on(node);
        left += tw_tree_nodes(p->start[first], p->start[end], NULL) * n + TW_N_RIDING;
        for (; first < end; first++)
            here += tw_tree_nodes(p->start[first], p->start[first + 1], NULL) * n + TW_N_RIDING;
        most = here > most ? here : most;
    }
    return most + left;
}

/* Which form it is shows in what the ranks together send, where the two differ in that. */
START_TEST(whole_nodes_are_gathered_while_no_rank_gets_more_bytes_than_the_limit)
{
    static const size_t lengths[] = {9, 1000};
    static const int64_t groups[] = {2, 64, 1024};
    int differ = 0;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++) {
            tw_partition p;
            if (tw_partition_init(&p, 100 * groups[j], groups[j], size)) abort();
            const size_t limit = gathered_doubles(&p, lengths[i]) * sizeof(double);
            double both[] = {(double)expected_doubles(&p, lengths[i], true),
                             (double)expected_doubles(&p, lengths[i], false)};
            tw_partition_release(&p);
            if (tw_comm_allreduce(comm, TW_SUM, 2, both)) abort();
            differ += both[0] != both[1];
            for (size_t less = 0; less < 2; less++)
                ck_assert_msg(all_ranks(comm, sends(groups[j], lengths[i], limit - less, !less)),
                              "n %zu, G %lld, limit %zu", lengths[i], (long long)groups[j], limit - less);
        }
    ck_assert(all_ranks(comm, size < 3 || differ > 0));
}
END_TEST

/* Where every rank but the first of a node sends all it owns there, the nodes exchange less than the ranks
 * would. */
START_TEST(between_nodes_travels_less_than_between_ranks)
{
    tw_partition p;
    size_t between_ranks = 0, between_nodes = 0;
    if (tw_partition_init(&p, 6400, 64, size)) abort();
    for (int r = 0; r < size; r++) between_ranks += tw_tree_nodes(p.start[r], p.start[r + 1], NULL);
    for (int r = 0, first = 0; r < size; r++)
        if (r + 1 == size || tw_comm_node_of(comm, r + 1) != tw_comm_node_of(comm, r)) {
            between_nodes += tw_tree_nodes(p.start[first], p.start[r + 1], NULL);
            first = r + 1;
        }
    tw_partition_release(&p);
    ck_assert(all_ranks(comm, between_nodes <= between_ranks));
}
END_TEST

int main(int argc, char **argv)
{
    if (tw_comm_init(&comm, &argc, &argv)) return 2;
    rank = tw_comm_rank(comm);
    size = tw_comm_size(comm);
    if (size > MOST) return 2;
    ask();
    Suite *s = suite_create("topology");
    TCase *t = tcase_create("topology");
    tcase_add_test(t, every_rank_is_on_the_node_where_it_was_started);
    tcase_add_test(t, the_ranks_of_a_node_are_neighbours_in_the_order_of_the_launcher);
    tcase_add_test(t, hosts_and_ranks_a_node_are_those_of_the_table);
    tcase_add_test(t, an_exchange_sends_what_its_plan_says_to_the_byte);
    tcase_add_test(t, whole_nodes_are_gathered_while_no_rank_gets_more_bytes_than_the_limit);
    tcase_add_test(t, between_nodes_travels_less_than_between_ranks);
    suite_add_tcase(s, t);
    return test_run_ranks(s, comm);
}
