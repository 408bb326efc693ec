/* test_state.c -- replicas that differ are found, and the ranks that do not hold what most of them hold are
 * named; the root's state comes to all. */
#include "support.h"

#include "thalweg/state.h"
#include "thalweg/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static tw_comm *comm;
static int rank, size;

typedef struct {
    double reals[5], one;
    long count;
    bool flag;
    tw_reason reason;
} places;

static void fill(places *p)
{
    memset(p, 0, sizeof *p); /* padding too */
    for (int i = 0; i < 5; i++) p->reals[i] = i == 2 ? NAN : 0.1 * i;
    p->one = -0.0;
    p->count = 12;
    p->flag = true;
    p->reason = TW_LOSS_DELTA;
}

static void list(places *p, tw_state *s)
{
    s->count = 0;
    tw_state_add(s, "/reals", TW_STATE_REAL, 5, p->reals);
    tw_state_add(s, "one", TW_STATE_REAL, 1, &p->one);
    tw_state_add(s, "count", TW_STATE_COUNT, 1, &p->count);
    tw_state_add(s, "flag", TW_STATE_FLAG, 1, &p->flag);
    tw_state_add(s, "reason", TW_STATE_REASON, 1, &p->reason);
}

/* What the ranks say when those of the bit mask hold another lowest bit in `one`. */
static tw_status compare_with(unsigned odd, tw_state *s, places *p)
{
    fill(p);
    list(p, s);
    if (odd >> rank & 1) p->one = 0.0; /* -0 and 0 compare equal, but are not the same bits */
    return tw_state_compare(s, comm);
}

/* The sentence, by counting on the fingers. */
static void expect(unsigned odd, size_t length, char *text)
{
    char minority[64] = "", who[128];
    int others = 0, used = 0;
    for (int r = 0; r < size; r++) others += (int)(odd >> r & 1);
    const bool tie = 2 * others == size, odd_wins = tie ? odd & 1 : 2 * others > size;
    for (int r = 0; r < size; r++)
        if ((odd >> r & 1) != odd_wins)
            used += snprintf(minority + used, sizeof minority - (size_t)used, "%s%d", used ? ", " : "", r);
    snprintf(who, sizeof who, strchr(minority, ',') ? "ranks %s differ" : "rank %s differs", minority);
    if (tie)
        snprintf(text, length, "no majority to tell which of them is right (%s from rank 0)", who);
    else
        snprintf(text, length, "%s from the %d others", who, odd_wins ? others : size - others);
}

START_TEST(every_set_of_ranks_that_differ_is_found_and_named)
{
    tw_state s;
    places p;
    char wanted[256];
    bool ok = compare_with(0, &s, &p) == TW_OK;
    for (unsigned odd = 1; odd + 1 < 1U << size; odd++) {
        expect(odd, sizeof wanted, wanted);
        const bool found = compare_with(odd, &s, &p) == TW_REPLICA && strstr(tw_status_message(), wanted);
        if (!found && rank == 0) printf("mask %u: '%s' is not in '%s'\n", odd, wanted, tw_status_message());
        ok &= found;
    }
    ok &= compare_with((1U << size) - 1, &s, &p) == TW_OK; /* all of them alike */
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(three_different_states_have_no_majority)
{
    tw_state s;
    places p;
    fill(&p);
    list(&p, &s);
    p.count = rank;
    const tw_status status = tw_state_compare(&s, comm);
    const bool ok = size == 1 ? status == TW_OK
                              : status == TW_REPLICA && strstr(tw_status_message(), "there is no majority");
    ck_assert(all_ranks(comm, ok));
}
END_TEST

/* Each bit of each item, on one rank only. */
START_TEST(each_bit_of_each_item_counts)
{
    tw_state s;
    places p;
    bool ok = true;
    static const size_t bytes[] = {sizeof(double), sizeof(long), sizeof(bool), sizeof(tw_reason)};
    fill(&p);
    list(&p, &s);
    for (size_t i = 0; i < s.count; i++)
        for (size_t b = 0; b < 8 * s.items[i].count * bytes[s.items[i].kind]; b++) {
            unsigned char *const at = (unsigned char *)s.items[i].place + b / 8;
            if (rank == size - 1) *at ^= (unsigned char)(1 << b % 8);
            ok &= tw_state_compare(&s, comm) == (size == 1 ? TW_OK : TW_REPLICA);
            if (rank == size - 1) *at ^= (unsigned char)(1 << b % 8);
        }
    ok &= tw_state_compare(&s, comm) == TW_OK;
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(the_state_of_the_root_comes_to_all)
{
    tw_state s;
    places p, wanted;
    bool ok = true;
    for (int root = 0; root < size; root++) {
        fill(&wanted);
        wanted.count = root;
        wanted.reals[4] = -root;
        memset(&p, 0, sizeof p);
        if (rank == root) p = wanted;
        list(&p, &s);
        ok &= tw_state_share(&s, comm, root) == TW_OK && tw_state_compare(&s, comm) == TW_OK;
        ok &= same_bits(5, p.reals, wanted.reals) && signbit(p.one) && p.count == root && p.flag &&
              p.reason == TW_LOSS_DELTA;
    }
    ck_assert(all_ranks(comm, ok));
}
END_TEST

int main(int argc, char **argv)
{
    if (tw_comm_init(&comm, &argc, &argv)) return 2;
    rank = tw_comm_rank(comm);
    size = tw_comm_size(comm);
    Suite *s = suite_create("state");
    TCase *t = tcase_create("state");
    tcase_add_test(t, every_set_of_ranks_that_differ_is_found_and_named);
    tcase_add_test(t, three_different_states_have_no_majority);
    tcase_add_test(t, each_bit_of_each_item_counts);
    tcase_add_test(t, the_state_of_the_root_comes_to_all);
    suite_add_tcase(s, t);
    return test_run_ranks(s, comm);
}
