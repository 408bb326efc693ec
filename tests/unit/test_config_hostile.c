/* test_config_hostile.c -- long, deep, huge and random configurations; files that cannot be read. */
#include "thalweg/config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The sentence about a text, with the required keys given by --set; "" when it is accepted. */
static const char *judge(const char *text, size_t length)
{
    tw_config c;
    tw_config_init(&c);
    tw_config_set(&c, "data.train=a.h5");
    tw_config_set(&c, "model.type=linear");
    tw_config_parse(&c, "c.yaml", text, length);
    const tw_status status = tw_config_verdict(&c);
    ck_assert(status == TW_OK || status == TW_CONFIG);
    tw_config_release(&c);
    return status == TW_OK ? "" : tw_status_message();
}

START_TEST(long_lines_and_long_values_are_shown_in_part)
{
    char text[4000] = "data: {labels: ";
    memset(text + strlen(text), 'a', 2000);
    strcat(text, ", scaling: ");
    memset(text + strlen(text), 'b', 1000);
    strcat(text, "}\n");
    const char *message = judge(text, strlen(text));
    ck_assert_msg(strncmp(message, "c.yaml:1:2027: error: 'data.scaling' cannot be 'bbb", 50) == 0, "%s",
                  message);
    ck_assert(strstr(message, "bbb...'; choices: none") && strstr(message, "\n  1 | ...aaa") &&
              strstr(message, "b...\n"));
    const char *caret = strchr(message, '^'), *line = strstr(message, "  1 | "),
               *under = strstr(message, "    | ");
    ck_assert_int_eq(line[caret - under], 'b');
    ck_assert_int_eq(line[caret - under - 1], ' ');
    ck_assert_uint_lt(strlen(message), 700);
}
END_TEST

START_TEST(more_problems_than_fit_are_counted)
{
    enum { LINES = 5000 };
    char *text = malloc(LINES * 12 + 1);
    ck_assert_ptr_nonnull(text);
    size_t used = 0;
    for (int i = 0; i < LINES; i++) used += (size_t)snprintf(text + used, 13, "zeb%04d: 1\n", i);
    const char *message = judge(text, used);
    ck_assert(strncmp(message, "c.yaml:1:1: error: unknown key 'zeb0000'", 40) == 0);
    ck_assert_msg(strstr(message, " more\n5000 errors; nothing was run (exit 78)"), "%s", message);
    ck_assert_ptr_nonnull(strstr(message, "zeb0050"));
    ck_assert_uint_lt(strlen(message), TW_MESSAGE_LEN);
    free(text);
    char *name = malloc(50001);
    memset(name, 'n', 50000);
    name[50000] = '\0';
    tw_config c;
    tw_config_init(&c);
    tw_config_set(&c, "model.type=x");
    tw_config_parse(&c, name, "model: 1", 8);
    for (int i = 0; i < 20; i++) tw_config_problem(&c, "data.train", "%s", name);
    ck_assert_int_eq(tw_config_verdict(&c), TW_CONFIG);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), " more\n21 errors; nothing was run (exit 78)"));
    tw_config_release(&c);
    free(name);
}
END_TEST

static char *repeated(const char *unit, size_t count, size_t *length)
{
    const size_t size = strlen(unit);
    char *text = malloc(size * count + 1);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < count; i++) memcpy(text + i * size, unit, size);
    text[size * count] = '\0';
    *length = size * count;
    return text;
}

START_TEST(bombs_are_refused_in_bounded_time)
{
    static const char laughs[] = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
                                 "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
                                 "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
                                 "g: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nseed: *g\n";
    static const char *const units[] = {"[",
                                        "{a: ",
                                        "- ",
                                        "? ",
                                        "seed: 1\n",
                                        "step:\n",
                                        "stpe: {tau: 1}\n",
                                        "&a ",
                                        "!t ",
                                        "'",
                                        "\"",
                                        "\n",
                                        "a",
                                        "step: {a: *b}\n",
                                        "|\n",
                                        "\xf0\x9f\x98\x80",
                                        ": ",
                                        "zebra: {tau: 1}\n",
                                        "{data: {validation: ",
                                        "{validation: ",
                                        "{path: {validaton: ",
                                        "data: {validation: {tail: {tail: 1}}}\n",
                                        "data.validation: v\n",
                                        "data: {validaton: {fraction: 1}}\n",
                                        "data.validation.",
                                        "data: {a23456789012345678901234567890123456789012345678: {}}\n",
                                        "validation: [\n"};
    const char *message = judge(laughs, strlen(laughs));
    ck_assert(strstr(message, "aliases (*) are not accepted") &&
              strstr(message, "anchors (&) are not accepted"));
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        size_t length;
        char *text = repeated(units[i], TW_CONFIG_LONGEST / strlen(units[i]), &length);
        ck_assert_msg(strstr(judge(text, length), "nothing was run (exit 78)"), "%s", units[i]);
        free(text);
    }
}
END_TEST

START_TEST(sections_inside_sections_end_at_three_levels)
{
    static const char *const openings[] = {
        "data: {validation: ", "validation: ", "model: {path: ", "path: {validation: "};
    static const char start[] = "nested deeper than 3 levels";
    for (size_t k = 0; k < sizeof openings / sizeof openings[0]; k++) {
        for (int levels = 1; levels < 60; levels++) {
            char text[2000];
            size_t used = (size_t)snprintf(text, sizeof text, "%s", openings[k]), open = 0;
            for (int i = 0; i < levels; i++)
                used += (size_t)snprintf(text + used, sizeof text - used, "{validation: ");
            for (size_t i = 0; i < used; i++) open += text[i] == '{';
            used += (size_t)snprintf(text + used, sizeof text - used, "1");
            for (; open > 0; open--) text[used++] = '}';
            text[used] = '\0';
            const char *message = judge(text, used), *deep = strstr(message, start);
            ck_assert_msg(strstr(message, "nothing was run (exit 78)"), "%s", text);
            ck_assert_ptr_eq(deep ? strstr(deep + 1, start) : NULL, NULL);
            ck_assert_msg(levels < 3 || deep, "%s\n%s", text, message);
            size_t problems = 0;
            for (const char *s = message; (s = strstr(s, ": error: ")); s++) problems++;
            ck_assert_msg(problems >= 1 && problems <= 4, "%s\n%s", text, message);
        }
    }
}
END_TEST

START_TEST(a_text_of_one_mebibyte_is_accepted_and_one_byte_more_is_not)
{
    size_t length;
    char *text = repeated("#", TW_CONFIG_LONGEST + 1, &length);
    memcpy(text, "seed: 1\n", 8);
    ck_assert_str_eq(judge(text, TW_CONFIG_LONGEST), "");
    ck_assert_str_eq(judge(text, TW_CONFIG_LONGEST + 1),
                     "c.yaml: error: a configuration of 1048577 bytes is too long; "
                     "the limit is 1048576\n1 error; nothing was run (exit 78)");
    free(text);
}
END_TEST

START_TEST(files_are_read_whole_or_refused_with_a_reason)
{
    char folder[] = "/tmp/thalweg_test_XXXXXX", path[64], missing[96], *text = NULL;
    size_t length = 1;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/c.yaml", folder);
    snprintf(missing, sizeof missing, "%s/none", path);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite("a\0b\r\n", 1, 5, file), 5);
    fclose(file);
    ck_assert_int_eq(tw_config_read_file(path, &text, &length), TW_OK);
    ck_assert_uint_eq(length, 5);
    ck_assert_int_eq(memcmp(text, "a\0b\r\n", 6), 0);
    free(text);
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert_int_eq(tw_config_read_file(path, &text, &length), TW_OK);
    ck_assert(text && length == 0 && text[0] == '\0');
    free(text);
    ck_assert_int_eq(truncate(path, TW_CONFIG_LONGEST), 0);
    ck_assert_int_eq(tw_config_read_file(path, &text, &length), TW_OK);
    ck_assert_uint_eq(length, TW_CONFIG_LONGEST);
    free(text);
    ck_assert_int_eq(truncate(path, TW_CONFIG_LONGEST + 1), 0);
    ck_assert_int_eq(tw_config_read_file(path, &text, &length), TW_CONFIG);
    ck_assert(text == NULL && length == 0);
    ck_assert_int_eq(tw_config_read_file("/dev/zero", &text, &length), TW_CONFIG);
    ck_assert_int_eq(tw_config_read_file(folder, &text, &length), TW_INPUT);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "directory"));
    ck_assert_int_eq(tw_config_read_file(missing, &text, &length), TW_INPUT);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "Not a directory"));
    unlink(path);
    ck_assert_int_eq(tw_config_read_file(path, &text, &length), TW_INPUT);
    ck_assert(strstr(tw_status_message(), path) && strstr(tw_status_message(), "No such file or directory"));
    ck_assert(text == NULL && length == 0);
    rmdir(folder);
}
END_TEST

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 11;
}

/* One edit of text[*length], which has room for 64 bytes more. */
static void mutate(uint64_t *state, char *text, size_t *length)
{
    static const char special[] = ":-?,[]{}#&*!|>'\"%@`\n\t \r~=<.0e\\\xef\xbb\xbf\xc3\x85";
    const size_t at = *length ? draw(state) % *length : 0, kind = draw(state) % 6;
    size_t span = 1 + draw(state) % 16;
    if (span > *length - at) span = *length - at;
    if (kind == 0 && *length) {
        text[at] = (char)draw(state);
    } else if (kind == 1 && *length) {
        text[at] = special[draw(state) % (sizeof special - 1)];
    } else if (kind == 2) {
        memmove(text + at + 1, text + at, *length - at);
        text[at] = special[draw(state) % (sizeof special - 1)];
        ++*length;
    } else if (kind == 3) {
        memmove(text + at, text + at + span, *length - at - span);
        *length -= span;
    } else if (kind == 4) {
        memmove(text + at + span, text + at, *length - at);
        *length += span;
    } else if (draw(state) % 8 == 0) {
        *length = at;
    }
}

START_TEST(no_mutation_of_a_configuration_crashes_or_is_lost)
{
    static const char valid[] =
        "# a comment\nversion: 1\nseed: 42\ndata:\n  train: 'data/train.h5'\n  labels: \"y\"\n"
        "  scaling: minmax\n  validation: {tail: 5, fraction: .1}\nmodel: {type: softmax, l2: 1e-4, path: "
        "{count: 9}}\nstep:\n  rule: wolfe\n"
        "  c1: 1e-3\nstop.max_time: 1:30:00\nstop:\n  gradient_norm: null\n  patience: 3\noutput:\n";
    uint64_t state = 20261122;
    int accepted = 0, refused = 0;
    for (int trial = 0; trial < 20000; trial++) {
        char text[sizeof valid + 64 * 16];
        size_t length = sizeof valid - 1;
        memcpy(text, valid, sizeof valid);
        for (uint64_t edits = draw(&state) % 12; edits > 0; edits--) mutate(&state, text, &length);
        char *exact = malloc(length ? length : 1); /* so that a read beyond the end is seen */
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, text, length);
        tw_config c;
        tw_config_init(&c);
        tw_config_parse(&c, "m.yaml", exact, length);
        free(exact);
        const tw_status status = tw_config_verdict(&c);
        const char *end = "nothing was run (exit 78)", *message = tw_status_message();
        ck_assert(status == TW_OK || status == TW_CONFIG);
        if (status == TW_OK) ck_assert(c.data.train && c.model.type && c.step.c1 > 0 && c.step.c1 < 0.5);
        if (status == TW_CONFIG) ck_assert_str_eq(message + strlen(message) - strlen(end), end);
        *(status == TW_OK ? &accepted : &refused) += 1;
        tw_config_release(&c);
    }
    ck_assert_int_gt(accepted, 1000);
    ck_assert_int_gt(refused, 10000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config hostile");
    TCase *tcase = tcase_create("config hostile");
    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, long_lines_and_long_values_are_shown_in_part);
    tcase_add_test(tcase, more_problems_than_fit_are_counted);
    tcase_add_test(tcase, bombs_are_refused_in_bounded_time);
    tcase_add_test(tcase, sections_inside_sections_end_at_three_levels);
    tcase_add_test(tcase, a_text_of_one_mebibyte_is_accepted_and_one_byte_more_is_not);
    tcase_add_test(tcase, files_are_read_whole_or_refused_with_a_reason);
    tcase_add_test(tcase, no_mutation_of_a_configuration_crashes_or_is_lost);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
