/* test_binding.c -- what sets of cores mean, on nodes of more cores than a machine of tests has. */
#include "comm/binding.c"
#include "support.h"

enum { MOST = 8 };

static tw_comm comm;
static tw_place places[MOST];
static claim claims[MOST];
static tw_binding binding;
static tw_binding_node nodes[MOST];

/* `ranks` ranks on nodes of 8 cores, `a_node` on each, that know nothing yet. */
static void setting(int ranks, int a_node)
{
    memset(claims, 0, sizeof claims);
    comm = (tw_comm){.size = ranks, .nodes = (ranks + a_node - 1) / a_node, .places = places};
    for (int r = 0; r < ranks; r++) {
        places[r].node = r / a_node;
        claims[r].cores = 8;
        strcpy(claims[r].cpu, "A");
    }
}

/* Rank r may run on cores first..last. */
static void may(int r, int first, int last)
{
    for (int c = first; c <= last; c++) add(claims[r].mask, c);
}

static void look(void)
{
    binding = (tw_binding){.nodes = nodes};
    judge(&binding, &comm, claims);
}

#define ck_none(b) ck_assert((b).overlap[0] == -1 && (b).overlap[1] == -1 && (b).crowded == -1)

START_TEST(each_on_its_own_cores)
{
    setting(4, 2);
    for (int r = 0; r < 4; r++) may(r, r % 2 * 2, r % 2 * 2 + 1);
    look();
    ck_assert_str_eq(binding.text, "bound to 2 cores each");
    ck_none(binding);
    ck_assert(binding.n_nodes == 2 && nodes[1].ranks == 2 && nodes[1].cores == 8 && nodes[1].allowed == 4);
}
END_TEST

START_TEST(uneven_and_partly_bound_are_said)
{
    setting(2, 2);
    may(0, 0, 0);
    may(1, 1, 4);
    look();
    ck_assert_str_eq(binding.text, "bound to 1 to 4 cores");
    may(1, 0, 7);
    look();
    ck_assert_str_eq(binding.text, "1 rank bound to 1 core each, 1 not bound");
    ck_none(binding); /* who is not bound can step aside */
}
END_TEST

START_TEST(all_cores_for_all_is_not_bound)
{
    setting(3, 3);
    for (int r = 0; r < 3; r++) may(r, 0, 7);
    look();
    ck_assert_str_eq(binding.text, "not bound");
    ck_none(binding);
}
END_TEST

START_TEST(the_share_of_a_job_on_a_node_is_no_binding)
{
    setting(4, 4);
    for (int r = 0; r < 4; r++) may(r, 2, 5);
    look();
    ck_assert_str_eq(binding.text, "not bound within 4 of 8 cores");
    ck_none(binding);
}
END_TEST

START_TEST(two_ranks_on_cores_in_common_are_named_with_the_cores)
{
    setting(6, 3);
    for (int r = 0; r < 6; r++) may(r, r, r);
    may(3, 0, 1); /* 0, 1 and 3 on node 1 */
    may(5, 1, 3); /* 1, 2, 3 and 5 */
    look();
    ck_assert(binding.overlap[0] == 3 && binding.overlap[1] == 5 && binding.crowded == -1);
    ck_assert_str_eq(binding.overlap_cores, "1, 3");
}
END_TEST

START_TEST(the_most_crowded_node_is_named)
{
    setting(7, 3); /* the last node has one rank */
    for (int r = 0; r < 3; r++) may(r, 0, 1);
    for (int r = 3; r < 6; r++) may(r, 6, 6);
    may(6, 0, 0);
    look();
    ck_assert(binding.crowded == 1 && nodes[1].ranks == 3 && nodes[1].allowed == 1);
    ck_assert(binding.overlap[0] == 0 && binding.overlap[1] == 1);
    ck_assert_str_eq(binding.overlap_cores, "0-1");
}
END_TEST

START_TEST(unknown_is_said_and_accuses_nobody)
{
    setting(2, 2);
    look();
    ck_assert_str_eq(binding.text, "binding unknown");
    ck_none(binding);
}
END_TEST

START_TEST(processors_are_listed_once_each_and_fit)
{
    char text[64], cut[4];
    setting(3, 1);
    strcpy(claims[1].cpu, "B");
    look();
    ck_assert_str_eq(tw_binding_cpus(&binding, sizeof text, text), "A; B");
    ck_assert_str_eq(tw_binding_cpus(&binding, sizeof cut, cut), "A; ");
}
END_TEST

START_TEST(a_long_list_of_cores_is_cut_short)
{
    char text[TW_CORES_LEN];
    setting(1, 1);
    for (int c = 0; c < CPU_SETSIZE; c += 3) may(0, c, c);
    list(claims[0].mask, text);
    ck_assert_int_eq(strncmp(text, "0, 3, 6, 9, 12, ", 16), 0);
    ck_assert_str_eq(text + strlen(text) - 5, ", ...");
    memset(claims[0].mask, 0, sizeof claims[0].mask);
    may(0, CPU_SETSIZE - 2, CPU_SETSIZE - 1);
    list(claims[0].mask, text);
    ck_assert_str_eq(text, "1022-1023");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("binding");
    TCase *t = tcase_create("binding");
    tcase_add_test(t, each_on_its_own_cores);
    tcase_add_test(t, uneven_and_partly_bound_are_said);
    tcase_add_test(t, all_cores_for_all_is_not_bound);
    tcase_add_test(t, the_share_of_a_job_on_a_node_is_no_binding);
    tcase_add_test(t, two_ranks_on_cores_in_common_are_named_with_the_cores);
    tcase_add_test(t, the_most_crowded_node_is_named);
    tcase_add_test(t, unknown_is_said_and_accuses_nobody);
    tcase_add_test(t, processors_are_listed_once_each_and_fit);
    tcase_add_test(t, a_long_list_of_cores_is_cut_short);
    suite_add_tcase(s, t);
    return test_run(s);
}
