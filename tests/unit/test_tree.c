/* test_tree.c -- the tree over groups, with strings instead of numbers: leaf k is its number, a merge is
 * "(a+b)".
 *
 * The merged string is the whole expression, so equal strings mean that no rank count and no boundary can
 * change a single operation. Nothing is rounded here and nothing can cancel. */
#include "comm/tree.h"

#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 256 };

/* The contract: the perfect binary tree over [first, first + size). */
static char *expression(int64_t first, int64_t size)
{
    char *text = NULL;
    if (size == 1) {
        if (asprintf(&text, "%lld", (long long)first) < 0) ck_abort();
        return text;
    }
    char *left = expression(first, size / 2), *right = expression(first + size / 2, size / 2);
    if (asprintf(&text, "(%s+%s)", left, right) < 0) ck_abort();
    free(left);
    free(right);
    return text;
}

static void join(char **left, char **right)
{
    char *text;
    if (asprintf(&text, "(%s+%s)", *left, *right) < 0) ck_abort();
    free(*left);
    free(*right);
    *left = text;
    *right = NULL;
}

/* Nodes of all ranks, in order; each rank's are checked on the way. */
static size_t all_nodes(int size, const int64_t *start, tw_node *nodes)
{
    size_t count = 0;
    for (int r = 0; r < size; r++) {
        const size_t own = tw_tree_nodes(start[r], start[r + 1], nodes + count);
        int64_t at = start[r];
        ck_assert_uint_eq(own, tw_tree_nodes(start[r], start[r + 1], NULL));
        if (start[r + 1] > start[r])
            ck_assert_double_le((double)own, 2 * log2((double)(start[r + 1] - start[r])) + 2);
        for (size_t i = count; i < count + own; at += nodes[i++].size) {
            const bool aligned =
                (nodes[i].size & (nodes[i].size - 1)) == 0 && nodes[i].first % nodes[i].size == 0;
            const bool maximal = i == count || !tw_node_siblings(nodes[i - 1], nodes[i]);
            if (nodes[i].first != at || !aligned || !maximal)
                ck_abort_msg("node %zu of rank %d is wrong", i, r);
        }
        ck_assert_int_eq(at, start[r + 1]);
        count += own;
    }
    return count;
}

/* The product's plan, carried out on strings. */
static char *replay(size_t count, tw_node *nodes, tw_merge *merges)
{
    char *text[2 * MOST] = {NULL};
    size_t stack[2 * MOST];
    for (size_t i = 0; i < count; i++) text[i] = expression(nodes[i].first, nodes[i].size);
    tw_tree_merges(count, nodes, stack, merges);
    for (size_t i = 0; i + 1 < count; i++) {
        if (merges[i].left >= merges[i].right || !text[merges[i].left] || !text[merges[i].right])
            ck_abort_msg("merge %zu uses a node twice", i);
        join(&text[merges[i].left], &text[merges[i].right]);
    }
    for (size_t i = 1; i < count; i++) ck_assert_ptr_null(text[i]);
    return text[0];
}

static void check_boundaries(int64_t groups, int size, const int64_t *start)
{
    tw_node nodes[2 * MOST];
    tw_merge merges[2 * MOST];
    const size_t count = all_nodes(size, start, nodes);
    char *got = replay(count, nodes, merges), *truth = expression(0, groups);
    ck_assert_str_eq(got, truth);
    free(got);
    free(truth);
}

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

START_TEST(random_boundaries_of_any_number_of_ranks_give_the_same_expression)
{
    int64_t start[42];
    for (int round = 0; round < 3000; round++) {
        const int64_t groups = (int64_t)1 << test_bits() % 9;
        const int size = 1 + (int)(test_bits() % 40);
        start[0] = 0;
        start[size] = groups;
        for (int r = 1; r < size; r++) start[r] = (int64_t)(test_bits() % (uint64_t)(groups + 1));
        qsort(start, (size_t)size + 1, sizeof *start, ascending);
        check_boundaries(groups, size, start);
    }
}
END_TEST

START_TEST(the_partitions_of_1_to_40_ranks_give_the_same_expression)
{
    for (int size = 1; size <= 40; size++)
        for (int64_t groups = 1; groups <= MOST; groups *= 2) {
            tw_partition p;
            ck_assert_int_eq(tw_partition_init(&p, 1000, groups, size), TW_OK);
            check_boundaries(groups, size, p.start);
            tw_partition_release(&p);
        }
}
END_TEST

START_TEST(every_run_of_groups_has_few_nodes)
{
    tw_node nodes[2 * MOST];
    for (int64_t a = 0; a <= 130; a++)
        for (int64_t b = a; b <= 130; b++) all_nodes(1, (int64_t[]){a, b}, nodes);
    const size_t worst = tw_tree_nodes(1, TW_MAX_GROUPS - 1, NULL);
    ck_assert_uint_eq(worst, 30);
    ck_assert_uint_eq(tw_tree_nodes(0, TW_MAX_GROUPS, NULL), 1);
    ck_assert_uint_eq(tw_tree_nodes(7, 7, NULL), 0);
}
END_TEST

START_TEST(siblings_are_the_two_halves_of_one_node)
{
    static const struct {
        tw_node left, right;
        bool siblings;
    } truth[] = {
        {{0, 1}, {1, 1}, true},  {{2, 1}, {3, 1}, true},  {{1, 1}, {2, 1}, false}, {{1, 1}, {0, 1}, false},
        {{0, 2}, {2, 2}, true},  {{0, 2}, {2, 1}, false}, {{2, 2}, {4, 2}, false}, {{0, 1}, {2, 1}, false},
        {{4, 4}, {8, 4}, false}, {{8, 4}, {12, 4}, true}, {{0, 1}, {0, 1}, false},
    };
    for (size_t i = 0; i < sizeof truth / sizeof *truth; i++)
        ck_assert_int_eq(tw_node_siblings(truth[i].left, truth[i].right), truth[i].siblings);
}
END_TEST

/* Negative controls: expressions that a wrong plan would make are told apart. */
START_TEST(a_wrong_order_of_merges_is_caught)
{
    tw_node nodes[2 * MOST];
    const int64_t start[] = {0, 3, 5, 8};
    char *text[8] = {NULL}, *truth = expression(0, 8);
    const size_t count = all_nodes(3, start, nodes); /* 01 2 | 3 4 | 5 67 */
    ck_assert_uint_eq(count, 6);
    for (size_t i = 0; i < count; i++) text[i] = expression(nodes[i].first, nodes[i].size);
    for (size_t i = 1; i < count; i++) join(&text[0], &text[i]); /* as they come, left to right */
    ck_assert_str_ne(text[0], truth);
    free(text[0]);
    for (size_t i = 0; i < 2; i++) text[i] = expression(4 * (int64_t)i, 4);
    join(&text[1], &text[0]); /* right + left */
    ck_assert_str_ne(text[1], truth);
    free(text[1]);
    free(truth);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tree");
    TCase *tree = tcase_create("tree");
    tcase_set_timeout(tree, 60);
    tcase_add_test(tree, random_boundaries_of_any_number_of_ranks_give_the_same_expression);
    tcase_add_test(tree, the_partitions_of_1_to_40_ranks_give_the_same_expression);
    tcase_add_test(tree, every_run_of_groups_has_few_nodes);
    tcase_add_test(tree, siblings_are_the_two_halves_of_one_node);
    tcase_add_test(tree, a_wrong_order_of_merges_is_caught);
    suite_add_tcase(s, tree);
    return test_run(s);
}
