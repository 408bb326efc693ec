/* Who answers on the network? Asked of addresses that surely do, those of this machine, and of one that
 * surely does not, a multicast address, to which no connection can be made. */
#include "core/reach.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <string.h>

static tw_watchdog_peer peer(const char *host, const char *address)
{
    tw_watchdog_peer p = {.host = ""};
    memcpy(p.host, host, strlen(host) + 1);
    if (address[0]) ck_assert_int_eq(inet_pton(AF_INET, address, &p.address[0]), 1);
    return p;
}

static char text[256];

static tw_reach ask(int rank, int size, const tw_watchdog_peer *peers)
{
    memset(text, 'x', sizeof text);
    return tw_reach_ask(rank, size, peers, sizeof text, text);
}

START_TEST(hosts_that_refuse_a_connection_answer)
{
    const tw_watchdog_peer peers[] = {peer("a", ""), peer("b", "127.0.0.1"), peer("c", "127.0.0.2")};
    ck_assert_int_eq(ask(0, 3, peers), TW_REACH_ALL);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(a_silent_host_is_named_by_those_that_hear_another)
{
    const tw_watchdog_peer peers[] = {peer("a", ""), peer("b", "127.0.0.1"), peer("c", "224.0.0.1"),
                                      peer("c", "224.0.0.1")};
    ck_assert_int_eq(ask(0, 4, peers), TW_REACH_SOME);
    ck_assert_str_eq(text, "rank 2 (c) does not answer on the network");
    ck_assert_int_eq(ask(1, 4, peers), TW_REACH_NONE); /* a has no address, c is silent */
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(any_address_of_a_host_will_do)
{
    tw_watchdog_peer peers[] = {peer("a", ""), peer("b", "224.0.0.1")};
    ck_assert_int_eq(ask(0, 2, peers), TW_REACH_SOME);
    peers[1].address[3] = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(ask(0, 2, peers), TW_REACH_ALL);
}
END_TEST

START_TEST(of_two_hosts_the_one_with_rank_0_has_the_word)
{
    const tw_watchdog_peer peers[] = {peer("a", "224.0.0.1"), peer("a", "224.0.0.1"), peer("b", "224.0.0.2")};
    ck_assert_int_eq(ask(0, 3, peers), TW_REACH_SOME);
    ck_assert_int_eq(ask(1, 3, peers), TW_REACH_SOME);
    ck_assert_str_eq(text, "rank 2 (b) does not answer on the network");
    ck_assert_int_eq(ask(2, 3, peers), TW_REACH_NONE);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(a_host_that_hears_nobody_is_itself_cut_off)
{
    const tw_watchdog_peer peers[] = {peer("a", ""), peer("b", "224.0.0.1"), peer("c", "224.0.0.2")};
    ck_assert_int_eq(ask(0, 3, peers), TW_REACH_NONE);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(addresses_that_both_hosts_have_are_not_asked)
{
    const tw_watchdog_peer peers[] = {peer("a", "224.0.0.1"), peer("b", "224.0.0.1"), peer("c", "")};
    ck_assert_int_eq(ask(0, 3, peers), TW_REACH_ALL);
    ck_assert_int_eq(ask(0, 1, peers), TW_REACH_ALL);
    ck_assert_int_eq(ask(0, 3, NULL), TW_REACH_ALL);
}
END_TEST

START_TEST(of_many_silent_hosts_four_are_named)
{
    tw_watchdog_peer peers[400];
    char host[8];
    peers[0] = peer("a", "");
    for (int r = 1; r < 400; r++) {
        snprintf(host, sizeof host, "h%d", r);
        peers[r] = peer(host, r == 1 ? "127.0.0.1" : "224.0.0.1");
    }
    ck_assert_int_eq(ask(0, 400, peers), TW_REACH_SOME);
    ck_assert_str_eq(
        text, "rank 2 (h2), rank 3 (h3), rank 4 (h4), rank 5 (h5) and others do not answer on the network");
    ck_assert_int_eq(tw_reach_ask(0, 400, peers, 20, text), TW_REACH_SOME); /* a short place is not overrun */
    ck_assert_uint_lt(strlen(text), 20);
}
END_TEST

START_TEST(an_own_host_name_ends_at_its_first_dot)
{
    tw_watchdog_peer own;
    tw_watchdog_peer_own("node03.cluster.example", &own);
    ck_assert_str_eq(own.host, "node03");
    for (int i = 0; i < TW_PEER_ADDRESSES; i++) ck_assert_uint_ne(own.address[i], htonl(INADDR_LOOPBACK));
    tw_watchdog_peer_own("a-name-that-is-longer-than-there-is-room-for-it", &own);
    ck_assert_uint_eq(strlen(own.host), sizeof own.host - 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("reach");
    TCase *c = tcase_create("reach");
    tcase_add_test(c, hosts_that_refuse_a_connection_answer);
    tcase_add_test(c, a_silent_host_is_named_by_those_that_hear_another);
    tcase_add_test(c, any_address_of_a_host_will_do);
    tcase_add_test(c, of_two_hosts_the_one_with_rank_0_has_the_word);
    tcase_add_test(c, a_host_that_hears_nobody_is_itself_cut_off);
    tcase_add_test(c, addresses_that_both_hosts_have_are_not_asked);
    tcase_add_test(c, of_many_silent_hosts_four_are_named);
    tcase_add_test(c, an_own_host_name_ends_at_its_first_dot);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
