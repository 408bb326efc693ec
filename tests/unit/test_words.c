/* test_words.c -- the edit distance against values worked out by hand, and which word is near. */
#include "thalweg/words.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

START_TEST(distance_counts_single_edits_and_swaps_of_neighbours)
{
    static const struct {
        const char *a, *b;
        size_t distance;
    } cases[] = {
        {"", "", 0},
        {"a", "", 1},
        {"", "abc", 3},
        {"abc", "abc", 0},
        {"abc", "abd", 1},
        {"abc", "abcd", 1},
        {"abc", "bc", 1},
        {"ab", "ba", 1},
        {"abcd", "acbd", 1},
        {"abcd", "badc", 2},
        {"ca", "abc", 3},
        {"kitten", "sitting", 3},
        {"lenght", "length", 1},
        {"Sunday", "saturday", 3},
        {"ABC", "abc", 0},
        {"abc", "cab", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_msg(tw_words_distance(cases[i].a, cases[i].b) == cases[i].distance, "%s %s: %zu",
                      cases[i].a, cases[i].b, tw_words_distance(cases[i].a, cases[i].b));
        ck_assert_uint_eq(tw_words_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
}
END_TEST

/* The definition itself, exponential time: the cheapest of the edits at the last letters. */
static size_t oracle(const char *a, size_t n, const char *b, size_t m)
{
    if (n == 0 || m == 0) return n + m;
    size_t best = oracle(a, n - 1, b, m - 1) + (a[n - 1] != b[m - 1]);
    const size_t shorter = oracle(a, n - 1, b, m) + 1, longer = oracle(a, n, b, m - 1) + 1;
    if (shorter < best) best = shorter;
    if (longer < best) best = longer;
    if (n > 1 && m > 1 && a[n - 1] == b[m - 2] && a[n - 2] == b[m - 1]) {
        const size_t swapped = oracle(a, n - 2, b, m - 2) + 1;
        if (swapped < best) best = swapped;
    }
    return best;
}

START_TEST(distance_equals_its_recursive_definition_on_random_words)
{
    unsigned state = 12345;
    for (int trial = 0; trial < 500; trial++) {
        char words[2][8];
        for (int w = 0; w < 2; w++) {
            state = state * 1664525u + 1013904223u;
            const unsigned length = state >> 16 & 7;
            for (unsigned i = 0; i < length; i++) {
                state = state * 1664525u + 1013904223u;
                words[w][i] = (char)('a' + (state >> 16) % 3);
            }
            words[w][length] = '\0';
        }
        ck_assert_uint_eq(tw_words_distance(words[0], words[1]),
                          oracle(words[0], strlen(words[0]), words[1], strlen(words[1])));
    }
}
END_TEST

START_TEST(nearest_finds_the_word_that_was_meant)
{
    static const char *const known[] = {"length",        "tau",    "shrink", "max_trials",
                                        "standardize",   "minmax", "l2",     "reproducible",
                                        "gradient_norm", "/X",     "adam",   "constant"};
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        {"lenght", "length"},
        {"LENGTH", "length"},
        {"max_trails", "max_trials"},
        {"max-trials", "max_trials"},
        {"standardise", "standardize"},
        {"l3", "l2"},
        {"x", "/X"},
        {"adm", "adam"},
        {"repro", "reproducible"},
        {"gradient", "gradient_norm"},
        {"const", "constant"},
        {"zebra", NULL},
        {"", NULL},
        {"q", NULL},
        {"tauuuu", NULL},
        {"momentum", NULL},
        {NULL, NULL},
        {"gr", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *found = tw_words_nearest(cases[i].word, sizeof known / sizeof known[0], known);
        ck_assert_pstr_eq(found, cases[i].nearest);
    }
}
END_TEST

/* The rule without its shortcuts: the distance, or 1 to what the word begins, below a third of its length. */
static const char *plain_nearest(const char *word, size_t count, const char *const *known)
{
    const char *nearest = NULL;
    const size_t length = strlen(word), third = length / 3;
    size_t best = (third > 1 ? third : 1) + 1;
    for (size_t i = 0; i < count; i++) {
        const size_t whole = strlen(known[i]);
        size_t distance = oracle(word, length, known[i], whole);
        if (length >= 3 && whole > length && strncmp(word, known[i], length) == 0) distance = 1;
        if (distance >= best || distance >= (length > whole ? length : whole)) continue;
        best = distance;
        nearest = known[i];
    }
    return nearest;
}

START_TEST(nearest_follows_its_rule_on_random_words)
{
    unsigned state = 54321, found = 0;
    for (int trial = 0; trial < 400; trial++) {
        char words[7][8];
        const char *known[6];
        for (int w = 0; w < 7; w++) {
            state = state * 1664525u + 1013904223u;
            const unsigned length = state >> 16 & 7;
            for (unsigned i = 0; i < length; i++) {
                state = state * 1664525u + 1013904223u;
                words[w][i] = (char)('a' + (state >> 16) % 5);
            }
            words[w][length] = '\0';
            if (w) known[w - 1] = words[w];
        }
        const char *const nearest = tw_words_nearest(words[0], 6, known);
        ck_assert_ptr_eq(nearest, plain_nearest(words[0], 6, known));
        found += nearest != NULL;
    }
    ck_assert_uint_gt(found, 40);
    ck_assert_uint_lt(found, 360);
}
END_TEST

START_TEST(nearest_prefers_the_smaller_distance_and_then_the_first)
{
    static const char *const known[] = {"shrunk", "shrinks", "shrink"};
    ck_assert_str_eq(tw_words_nearest("shrink", 3, known), "shrink");
    ck_assert_str_eq(tw_words_nearest("shrnk", 3, known), "shrunk");
    ck_assert_str_eq(tw_words_nearest("shrnk", 2, known + 1), "shrink");
    ck_assert_ptr_null(tw_words_nearest("shrink", 0, known));
}
END_TEST

START_TEST(words_of_any_length_are_safe)
{
    char longest[65], longer[66], huge[5000];
    memset(longest, 'a', 64);
    memset(longer, 'a', 65);
    memset(huge, 'a', sizeof huge - 1);
    longest[64] = longer[65] = huge[sizeof huge - 1] = '\0';
    const char *known[] = {longer, huge, longest};
    ck_assert_uint_eq(tw_words_distance(longest, longest), 0);
    ck_assert_uint_eq(tw_words_distance(longest, longer), 65);
    ck_assert_uint_eq(tw_words_distance(huge, ""), sizeof huge - 1);
    ck_assert_ptr_null(tw_words_nearest(huge, 3, known));
    ck_assert_ptr_eq(tw_words_nearest(longest + 1, 1, known + 2), longest);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("words");
    TCase *tcase = tcase_create("words");
    tcase_add_test(tcase, distance_counts_single_edits_and_swaps_of_neighbours);
    tcase_add_test(tcase, distance_equals_its_recursive_definition_on_random_words);
    tcase_add_test(tcase, nearest_finds_the_word_that_was_meant);
    tcase_add_test(tcase, nearest_follows_its_rule_on_random_words);
    tcase_add_test(tcase, nearest_prefers_the_smaller_distance_and_then_the_first);
    tcase_add_test(tcase, words_of_any_length_are_safe);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
