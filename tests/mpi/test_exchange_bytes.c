/* test_exchange_bytes.c -- every rank sends exactly the bytes of the formula, in every form of the exchange.
 */
#include "scale/model.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

static tw_comm *comm;

typedef struct {
    tw_reduction_mode mode;
    int64_t groups;
    size_t n, short_bytes;
} setup;

static bool sends_as_predicted(const setup *s, tw_form *form)
{
    const int ranks = tw_comm_size(comm);
    tw_partition p;
    tw_reduction *r;
    tw_exchange_cost cost;
    double flags[TW_N_FLAGS] = {0}, *out = malloc(s->n * sizeof *out);
    uint64_t *sent = malloc((size_t)ranks * sizeof *sent);
    int *node = malloc((size_t)ranks * sizeof *node);
    const tw_reduction_plan plan = {.mode = s->mode,
                                    .merge = &tw_merge_sum,
                                    .n = s->n,
                                    .short_bytes = s->short_bytes,
                                    .no_barriers = true};
    for (int k = 0; k < ranks; k++) node[k] = tw_comm_node_of(comm, k);
    bool good = tw_partition_init(&p, s->groups, s->groups, ranks) == TW_OK;
    good &= tw_reduction_new(&r, comm, &p, &plan) == TW_OK;
    const tw_exchange_case c = {
        .mode = s->mode, .n = s->n, .short_bytes = s->short_bytes, .partition = &p, .node = node};
    good &= tw_exchange_cost_of(&c, &cost, sent) == TW_OK;
    const uint64_t before = tw_comm_bytes_sent(comm);
    good &= tw_reduction_finish(r, flags, out) == TW_OK;
    good &= tw_comm_bytes_sent(comm) - before == sent[tw_comm_rank(comm)];
    *form = cost.form;
    tw_reduction_free(r);
    tw_partition_release(&p);
    free(node);
    free(sent);
    free(out);
    return good;
}

START_TEST(bytes_sent_are_those_of_the_formula)
{
    static const int64_t groups[] = {1, 2, 8, 64, 512, 4096};
    static const size_t lengths[] = {1, 7, 31, 650, 7853, 70001};
    static const size_t shorts[] = {0, 1, 4096};
    for (int mode = TW_ALLREDUCE; mode <= TW_REPRODUCIBLE; mode++)
        for (size_t i = 0; i < 6 * 6 * 3; i++) {
            const setup s = {(tw_reduction_mode)mode, groups[i % 6], lengths[i / 6 % 6], shorts[i / 36]};
            tw_form form;
            ck_assert_msg(all_ranks(comm, sends_as_predicted(&s, &form)),
                          "mode %d, %d groups, %zu doubles, %zu short bytes, form %s", mode, (int)s.groups,
                          s.n, s.short_bytes, tw_form_name(form));
        }
}
END_TEST

START_TEST(vectors_longer_than_a_run_of_columns_too)
{
    const setup s = {TW_REPRODUCIBLE, 8, ((size_t)1 << 22) + 1000, 0};
    tw_form form;
    ck_assert(all_ranks(comm, sends_as_predicted(&s, &form)));
}
END_TEST

/* Else the comparison above would say little. */
START_TEST(every_form_is_met)
{
    const bool alone = tw_comm_size(comm) == 1;
    int least, most;
    tw_comm_ranks_a_node(comm, &least, &most);
    const bool stages = tw_comm_nodes(comm) > 1 && most > 1;
    const setup brief = {TW_REPRODUCIBLE, 64, 7, 0}, wide = {TW_REPRODUCIBLE, 64, 70001, 1};
    tw_form form;
    ck_assert(all_ranks(comm, sends_as_predicted(&brief, &form)));
    ck_assert_int_eq(form, alone ? TW_FORM_ALONE : stages ? TW_FORM_SHORT_STAGES : TW_FORM_SHORT);
    ck_assert(all_ranks(comm, sends_as_predicted(&wide, &form)));
    ck_assert_int_eq(form, alone                     ? TW_FORM_ALONE
                           : stages && least == most ? TW_FORM_LONG_STAGES
                                                     : TW_FORM_LONG);
}
END_TEST

int main(int argc, char **argv)
{
    if (tw_comm_init(&comm, &argc, &argv) != TW_OK) return 1;
    Suite *suite = suite_create("exchange_bytes");
    TCase *all = tcase_create("all");
    tcase_add_test(all, bytes_sent_are_those_of_the_formula);
    tcase_add_test(all, vectors_longer_than_a_run_of_columns_too);
    tcase_add_test(all, every_form_is_met);
    suite_add_tcase(suite, all);
    return test_run_ranks(suite, comm);
}
