/* test_scale_model.c -- the bytes and the seconds of an exchange, against numbers worked out by hand. */
#include "scale/model.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>

enum { RIDING = 8 }; /* numbers that go with every contribution */

static tw_exchange_cost cost_of(tw_reduction_mode mode, size_t n, int64_t groups, int ranks, int a_node,
                                uint64_t *sent)
{
    tw_partition p;
    tw_exchange_cost cost;
    ck_assert_int_eq(tw_partition_init(&p, groups, groups, ranks), TW_OK);
    const tw_exchange_case c = {.mode = mode, .n = n, .partition = &p, .ranks_a_node = a_node};
    ck_assert_int_eq(tw_exchange_cost_of(&c, &cost, sent), TW_OK);
    tw_partition_release(&p);
    return cost;
}

static double gap(double a, double b)
{
    return fabs(a - b) / fabs(b);
}

START_TEST(one_rank_sends_nothing)
{
    const tw_exchange_cost c = cost_of(TW_REPRODUCIBLE, 1000, 64, 1, 0, NULL);
    ck_assert_int_eq(c.form, TW_FORM_ALONE);
    ck_assert_uint_eq(c.total, 0);
    ck_assert_double_eq(tw_exchange_seconds(&c, 1, 1), 0);
}
END_TEST

START_TEST(an_all_reduce_puts_in_the_vector_and_what_rides_along)
{
    uint64_t sent[4];
    const tw_exchange_cost c = cost_of(TW_ALLREDUCE, 10, 64, 4, 1, sent);
    for (int r = 0; r < 4; r++) ck_assert_uint_eq(sent[r], (10 + RIDING) * 8);
    ck_assert_uint_eq(c.total, 4 * 144);
    /* recursive doubling: 2 rounds of the whole vector; a ring: 6 messages, 3/2 of the vector */
    ck_assert_double_eq(c.way[0].messages, 2);
    ck_assert_double_eq(c.way[0].bytes, 288);
    ck_assert_double_eq(c.way[1].messages, 6);
    ck_assert_double_eq(c.way[1].bytes, 216);
    ck_assert_double_eq(tw_exchange_seconds(&c, 1, 1e9), 2 + 288e-9);  /* dear messages */
    ck_assert_double_eq(tw_exchange_seconds(&c, 1e-9, 1), 216 + 6e-9); /* dear bytes */
}
END_TEST

START_TEST(short_vectors_bring_whole_tree_nodes)
{
    uint64_t sent[3];
    /* 4 groups on 3 ranks: [0,1) [1,3) [3,4), so the second brings two nodes */
    const tw_exchange_cost c = cost_of(TW_REPRODUCIBLE, 100, 4, 3, 1, sent);
    ck_assert_int_eq(c.form, TW_FORM_SHORT);
    ck_assert_uint_eq(sent[0], (100 + RIDING) * 8);
    ck_assert_uint_eq(sent[1], (200 + RIDING) * 8);
    ck_assert_uint_eq(sent[2], (100 + RIDING) * 8);
    ck_assert_uint_eq(c.busiest, sent[1]);
    ck_assert_double_eq(c.way[0].messages, 2);
    ck_assert_double_eq(c.way[0].bytes, (300 + 2 * RIDING) * 8); /* what the first lacks */
    ck_assert_double_eq(c.between, c.way[0].bytes);
}
END_TEST

START_TEST(long_vectors_travel_once_to_slices_and_once_back)
{
    uint64_t sent[2];
    const size_t n = 100000;
    const tw_exchange_cost c = cost_of(TW_REPRODUCIBLE, n, 2, 2, 1, sent);
    ck_assert_int_eq(c.form, TW_FORM_LONG);
    for (int r = 0; r < 2; r++) ck_assert_uint_eq(sent[r], (n + RIDING) * 8);
    ck_assert_double_eq(c.way[0].messages, 2);
    ck_assert_double_eq(c.way[0].bytes, (double)(n + RIDING) * 8);
}
END_TEST

START_TEST(half_a_mebibyte_is_the_limit_of_short)
{
    /* 2 nodes of n and 2 x 8 riding: 8 (2 n + 16) <= 524288 up to n = 32760 */
    ck_assert_int_eq(cost_of(TW_REPRODUCIBLE, 32760, 2, 2, 1, NULL).form, TW_FORM_SHORT);
    ck_assert_int_eq(cost_of(TW_REPRODUCIBLE, 32761, 2, 2, 1, NULL).form, TW_FORM_LONG);
}
END_TEST

START_TEST(in_stages_the_limit_counts_what_the_first_rank_of_a_node_gathers)
{
    /* 4 ranks on 2 nodes: 2 contributions inside the node, 2 of the nodes: 8 x 4 (n + 8) <= 524288 up to
     * n = 16376, and 16 ranks on 4 nodes: 4 and 4, the half */
    ck_assert_int_eq(cost_of(TW_REPRODUCIBLE, 16376, 64, 4, 2, NULL).form, TW_FORM_SHORT_STAGES);
    ck_assert_int_eq(cost_of(TW_REPRODUCIBLE, 16377, 64, 4, 2, NULL).form, TW_FORM_LONG_STAGES);
    ck_assert_int_eq(cost_of(TW_REPRODUCIBLE, 8184, 64, 16, 4, NULL).form, TW_FORM_SHORT_STAGES);
    ck_assert_int_eq(cost_of(TW_REPRODUCIBLE, 8185, 64, 16, 4, NULL).form, TW_FORM_LONG_STAGES);
    /* 3 ranks on nodes of 2 and 1: 2 + 2, and the long form without stages */
    ck_assert_int_eq(cost_of(TW_REPRODUCIBLE, 100, 4, 3, 2, NULL).form, TW_FORM_SHORT_STAGES);
    ck_assert_int_eq(cost_of(TW_REPRODUCIBLE, 100000, 4, 3, 2, NULL).form, TW_FORM_LONG);
}
END_TEST

/* 4096 ranks: 64 a node on 64 nodes; each owns 16 groups, one tree node, as does each node of 1024 groups. */
START_TEST(tiny_vectors_are_gathered_on_thousands_of_ranks_that_share_nodes)
{
    enum { RANKS = 4096, A_NODE = 64, GROUPS = 65536 };
    static const size_t lengths[] = {1, 2, 7, 8, 33, 64};
    uint64_t *sent = malloc(RANKS * sizeof *sent);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        const size_t vector = (lengths[i] + RIDING) * 8;
        const tw_exchange_cost c = cost_of(TW_REPRODUCIBLE, lengths[i], GROUPS, RANKS, A_NODE, sent);
        ck_assert_int_eq(c.form, TW_FORM_SHORT_STAGES);
        for (int r = 0; r < RANKS; r++) ck_assert_uint_eq(sent[r], vector * (r % A_NODE == 0 ? 3 : 1));
        ck_assert_uint_eq(c.total, vector * (RANKS + 2 * (RANKS / A_NODE)));
        ck_assert_double_eq(c.way[0].messages, 6); /* among 64 nodes; the long form: 2 x 63 */
        ck_assert_double_eq(c.between, 63 * (double)vector);
    }
    free(sent);
    /* 128 contributions come to the first rank of a node: 8 x 128 (n + 8) <= 524288 up to n = 504 */
    ck_assert_int_eq(cost_of(TW_REPRODUCIBLE, 504, GROUPS, RANKS, A_NODE, NULL).form, TW_FORM_SHORT_STAGES);
    ck_assert_int_eq(cost_of(TW_REPRODUCIBLE, 505, GROUPS, RANKS, A_NODE, NULL).form, TW_FORM_LONG_STAGES);
    /* a rank a node: all 4096 come to each, up to n = 8 */
    ck_assert_int_eq(cost_of(TW_REPRODUCIBLE, 8, GROUPS, RANKS, 1, NULL).form, TW_FORM_SHORT);
    ck_assert_int_eq(cost_of(TW_REPRODUCIBLE, 9, GROUPS, RANKS, 1, NULL).form, TW_FORM_LONG);
}
END_TEST

/* Ranks and nodes that do not divide the groups bring more tree nodes, and the last node is not full. */
START_TEST(so_are_they_where_nothing_divides_evenly)
{
    static const int ranks[] = {4095, 3000, 2047}, a_node[] = {64, 48, 128};
    for (int i = 0; i < 3; i++)
        for (size_t n = 1; n <= 64; n++) {
            const tw_exchange_cost c = cost_of(TW_REPRODUCIBLE, n, 65536, ranks[i], a_node[i], NULL);
            ck_assert_msg(c.form == TW_FORM_SHORT_STAGES, "%d ranks, n %zu: %s", ranks[i], n,
                          tw_form_name(c.form));
        }
}
END_TEST

START_TEST(stages_merge_inside_the_node_first)
{
    uint64_t sent[4];
    const tw_exchange_cost c = cost_of(TW_REPRODUCIBLE, 100, 4, 4, 2, sent);
    ck_assert_int_eq(c.form, TW_FORM_SHORT_STAGES);
    ck_assert_uint_eq(sent[1], (100 + RIDING) * 8);
    ck_assert_uint_eq(sent[0], 3 * (100 + RIDING) * 8); /* its own, the node's, and the answer for the node */
    ck_assert_double_eq(c.way[0].messages, 1);
    ck_assert_double_eq(c.between, (100 + RIDING) * 8);
    const size_t n = 1000000;
    const tw_exchange_cost l = cost_of(TW_REPRODUCIBLE, n, 4, 4, 2, sent);
    ck_assert_int_eq(l.form, TW_FORM_LONG_STAGES);
    for (int r = 0; r < 4; r++) ck_assert_uint_eq(sent[r], (n + RIDING + n / 2 + RIDING) * 8);
    /* into a node: of both slices half of the other's node, and the other half of the answer */
    ck_assert_double_eq(l.between, (double)(n + 2 * RIDING) * 8);
}
END_TEST

START_TEST(computing_is_bound_by_the_memory_of_a_node)
{
    const tw_machine m = {.latency = 1e-5, .bandwidth = 1e9, .memory = 1e10, .cores = 4};
    const tw_problem p = {.rows = 1 << 20,
                          .cols = 10,
                          .type_size = 8,
                          .n = 14,
                          .mode = TW_REPRODUCIBLE,
                          .reads = 3,
                          .exchanges = 2};
    tw_prediction one, node, two;
    ck_assert_int_eq(tw_predict(&p, &m, 1, &one), TW_OK);
    ck_assert_int_eq(tw_predict(&p, &m, 4, &node), TW_OK);
    ck_assert_int_eq(tw_predict(&p, &m, 8, &two), TW_OK);
    const double whole = 3 * 80.0 * (1 << 20) / 1e10;
    ck_assert_double_lt(gap(one.seconds, whole), 1e-12);
    ck_assert_double_lt(gap(node.compute, whole), 1e-12); /* four cores share what one can use */
    ck_assert_double_lt(gap(two.compute, whole / 2), 1e-12);
    ck_assert_int_eq(two.nodes, 2);
    /* 2 exchanges of one message and 22 doubles between the nodes, and what moves in memory */
    const double wire = 2 * (1e-5 + 22 * 8 / 1e9 + two.cost.memory / 1e10);
    ck_assert_double_lt(gap(two.exchange, wire), 1e-12);
}
END_TEST

START_TEST(ranks_beyond_the_groups_are_idle)
{
    const tw_machine m = {.latency = 1e-5, .bandwidth = 1e9, .memory = 1e10, .cores = 2};
    const tw_problem p = {.rows = 1000,
                          .groups = 4,
                          .cols = 1,
                          .type_size = 8,
                          .n = 5,
                          .mode = TW_REPRODUCIBLE,
                          .reads = 1,
                          .exchanges = 1};
    tw_prediction out;
    ck_assert_int_eq(tw_predict(&p, &m, 7, &out), TW_OK);
    ck_assert_int_eq(out.idle, 3);
    ck_assert_int_eq(out.busiest_rows, 250);
}
END_TEST

START_TEST(weak_scaling_keeps_the_rows_of_a_rank)
{
    const tw_machine m = {.latency = 1e-6, .bandwidth = 1e10, .memory = 1e10, .cores = 2};
    const tw_problem p = {.rows = 1 << 16,
                          .cols = 4,
                          .type_size = 8,
                          .n = 8,
                          .mode = TW_ALLREDUCE,
                          .reads = 1,
                          .exchanges = 1,
                          .weak = true};
    for (int ranks = 2; ranks <= 4096; ranks *= 2) {
        tw_prediction out;
        ck_assert_int_eq(tw_predict(&p, &m, ranks, &out), TW_OK);
        ck_assert_int_eq(out.busiest_rows, 1 << 16);
        ck_assert_double_lt(gap(out.compute, 32.0 * (1 << 16) / 5e9), 1e-12);
    }
}
END_TEST

START_TEST(a_machine_is_read_with_its_units)
{
    tw_machine m;
    ck_assert_int_eq(
        tw_machine_parse("name=my net,latency=1.5us,bandwidth=200Gbit/s,memory=300GB/s,cores=64,ram=256GB",
                         &m),
        TW_OK);
    ck_assert_str_eq(m.name, "my net");
    ck_assert_double_lt(gap(m.latency, 1.5e-6), 1e-12);
    ck_assert_double_lt(gap(m.bandwidth, 25e9), 1e-12);
    ck_assert_double_lt(gap(m.memory, 300e9), 1e-12);
    ck_assert_double_lt(gap(m.ram, 256e9), 1e-12);
    ck_assert_int_eq(m.cores, 64);
    const char *wrong[] = {"",
                           "latency=1us",
                           "latency=1us,bandwidth=1GB/s,memory=1GB/s",
                           "cores=0",
                           "speed=3",
                           "latency=-1us,bandwidth=1GB/s,memory=1GB/s,cores=1",
                           "latency=1us,bandwidth=1furlong,memory=1GB/s,cores=1",
                           "latency"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_int_eq(tw_machine_parse(wrong[i], &m), TW_USAGE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("scale_model");
    TCase *all = tcase_create("all");
    tcase_add_test(all, one_rank_sends_nothing);
    tcase_add_test(all, an_all_reduce_puts_in_the_vector_and_what_rides_along);
    tcase_add_test(all, short_vectors_bring_whole_tree_nodes);
    tcase_add_test(all, long_vectors_travel_once_to_slices_and_once_back);
    tcase_add_test(all, half_a_mebibyte_is_the_limit_of_short);
    tcase_add_test(all, in_stages_the_limit_counts_what_the_first_rank_of_a_node_gathers);
    tcase_add_test(all, tiny_vectors_are_gathered_on_thousands_of_ranks_that_share_nodes);
    tcase_add_test(all, so_are_they_where_nothing_divides_evenly);
    tcase_add_test(all, stages_merge_inside_the_node_first);
    tcase_add_test(all, computing_is_bound_by_the_memory_of_a_node);
    tcase_add_test(all, ranks_beyond_the_groups_are_idle);
    tcase_add_test(all, weak_scaling_keeps_the_rows_of_a_rank);
    tcase_add_test(all, a_machine_is_read_with_its_units);
    suite_add_tcase(suite, all);
    return test_run(suite);
}
