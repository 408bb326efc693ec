/* test_config_errors.c -- every kind of wrong configuration: its exact place and sentence. */
#include "config_errors.h"
#include "thalweg/config.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char required[] = "data.train: a.h5\nmodel.type: linear\n";

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

START_TEST(each_kind_of_error_is_one_problem_at_its_exact_place)
{
    ck_assert_int_ge(_i, 0);
    char expected[2048];
    snprintf(expected, sizeof expected, "%s1 error; nothing was run (exit 78)", single[_i].expected);
    ck_assert_str_eq(judge(single[_i].text, strlen(single[_i].text)), expected);
}
END_TEST

START_TEST(broken_yaml_is_one_clear_sentence_and_says_nothing_of_its_own)
{
    char path[] = "/tmp/thalweg_test_XXXXXX";
    const int fd = mkstemp(path), screen = dup(STDERR_FILENO);
    ck_assert(fd >= 0 && screen >= 0);
    unlink(path);
    dup2(fd, STDERR_FILENO);
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        const char *message = judge(broken[i].text, strlen(broken[i].text));
        ck_assert_msg(strncmp(message, broken[i].start, strlen(broken[i].start)) == 0, "%s", message);
        ck_assert_msg(strstr(message, broken[i].part), "%s", message);
        ck_assert_msg(strstr(message, "\n1 error; nothing was run (exit 78)"), "%s", message);
        ck_assert_ptr_null(strstr(message, "memory-"));
    }
    judge("%YAML 9.9\n---\n", 14);
    struct stat status;
    ck_assert_int_eq(fstat(fd, &status), 0);
    dup2(screen, STDERR_FILENO);
    close(screen);
    close(fd);
    ck_assert_int_eq(status.st_size, 0);
}
END_TEST

START_TEST(all_errors_are_listed_at_once_and_in_order)
{
    static const char text[] =
        "data:\n  train: data/train.h5\nmodle:\n  type: linear\n  features: 'x'\n"
        "  intercept: 2\nstep:\n  rule: constant\n  lenght: 0.05\nseed: [1, &a 2]\nstop: now\n"
        "train: {length: 3, tau: {b: {c: 1}}}\nseed: 4\nstep.c1: 1\noutput: *q\n";
    static const char *const starts[] = {"c.yaml:3:1: error: unknown section 'modle'",
                                         "c.yaml:5:3: error: unknown key 'model.features'",
                                         "c.yaml:6:14: error: 'model.intercept' must be true or false",
                                         "c.yaml:9:3: error: unknown key 'step.lenght'",
                                         "c.yaml:10:7: error: 'seed' takes one value, not a list",
                                         "c.yaml:10:11: error: anchors",
                                         "c.yaml:11:7: error: section 'stop' must hold",
                                         "c.yaml:12:1: error: unknown section 'train'",
                                         "c.yaml:12:9: error: unknown key 'train.length'",
                                         "c.yaml:12:20: error: unknown key 'train.tau'",
                                         "c.yaml:12:29: error: nested deeper than 3 levels",
                                         "c.yaml:13:1: error: key 'seed' given twice",
                                         "c.yaml:14:10: error: 'step.c1' is 1, but",
                                         "c.yaml:15:9: error: aliases",
                                         "--set x=1: error: unknown key 'x'",
                                         "--set foo: error: a key and a value",
                                         "--set step=1: error: 'step' is a section",
                                         "data.weights: error: late",
                                         NULL};
    tw_config c;
    tw_config_init(&c);
    tw_config_parse(&c, "c.yaml", text, strlen(text));
    tw_config_set(&c, "x=1");
    tw_config_set(&c, "foo");
    tw_config_set(&c, "step=1");
    tw_config_problem(&c, "data.weights", "late");
    ck_assert_int_eq(tw_config_verdict(&c), TW_CONFIG);
    const char *at = tw_status_message();
    for (size_t i = 0; starts[i]; i++) {
        const char *found = strstr(at, starts[i]);
        ck_assert_msg(found, "%s not in\n%s", starts[i], at);
        ck_assert(found == tw_status_message() || found[-1] == '\n');
        at = found;
    }
    ck_assert_msg(strstr(at, "\n18 errors; nothing was run (exit 78)"), "%s", at);
    char *before = strdup(tw_status_message());
    ck_assert_int_eq(tw_config_verdict(&c), TW_CONFIG);
    ck_assert_str_eq(before, tw_status_message());
    free(before);
    tw_config_release(&c);
}
END_TEST

START_TEST(the_screen_is_the_one_of_the_documentation)
{
    static const char text[] =
        "# comment\nmodel:\n  type: softmax\ndata:\n  features: x\n  train: data/train.h5\n"
        "step:\n  rule: constant\n  lenght: 0.05\n";
    static const char expected[] =
        "configs/bad.yaml:9:3: error: unknown key 'step.lenght'\n"
        "  9 |   lenght: 0.05\n"
        "    |   ^~~~~~ did you mean 'length'?\n"
        "configs/bad.yaml:5:13: error: data set 'x' not found in data/train.h5\n"
        "    available: /X (60000, 784) u8 | /y (60000) u8        did you mean '/X'?\n"
        "2 errors; nothing was run (exit 78)";
    tw_config c;
    tw_config_init(&c);
    tw_config_parse(&c, "configs/bad.yaml", text, strlen(text));
    tw_config_problem(&c, "data.features",
                      "data set '%s' not found in %s\navailable: %s        did you mean '/X'?\n",
                      c.data.features, c.data.train, "/X (60000, 784) u8 | /y (60000) u8");
    ck_assert_int_eq(tw_config_verdict(&c), TW_CONFIG);
    ck_assert_str_eq(tw_status_message(), expected);
    tw_config_release(&c);
}
END_TEST

START_TEST(a_later_problem_stands_where_the_value_was_set)
{
    static const char text[] =
        "data:\n  train: a.h5\n  labels:\nmodel: {type: 'logstic'}\noptimizer.type: sgd\n";
    static const char expected[] = "c.yaml:4:15: error: unknown model 'logstic'\n"
                                   "  4 | model: {type: 'logstic'}\n"
                                   "    |               ^~~~~~~~~\n"
                                   "c.yaml:3:3: error: one\n"
                                   "    two\n"
                                   "    three\n"
                                   "--set optimizer.type=adma: error: no such method\n"
                                   "step.rule: error: no such rule\n"
                                   "odd?key: error: odd\n"
                                   "5 errors; nothing was run (exit 78)";
    tw_config c;
    tw_config_init(&c);
    tw_config_parse(&c, "c.yaml", text, strlen(text));
    tw_config_set(&c, "optimizer.type=adma");
    ck_assert_int_eq(tw_config_verdict(&c), TW_OK);
    tw_config_problem(&c, "model.type", "unknown model '%s'", c.model.type);
    tw_config_problem(&c, "data.labels", "one\ntwo\nthree");
    tw_config_problem(&c, "optimizer.type", "no such method");
    tw_config_problem(&c, "step.rule", "no such rule");
    tw_config_problem(&c, "odd\033key", "odd");
    ck_assert_int_eq(tw_config_verdict(&c), TW_CONFIG);
    ck_assert_str_eq(tw_status_message(), expected);
    tw_config_release(&c);
}
END_TEST

START_TEST(overrides_are_checked_like_the_file)
{
    static const struct {
        const char *assignment, *expected;
    } cases[] = {
        {"step.lenght=1",
         "--set step.lenght=1: error: unknown key 'step.lenght'\n    did you mean 'step.length'?\n"},
        {"length=1", "--set length=1: error: unknown key 'length'\n    did you mean 'step.length'?\n"},
        {"zebra=1", "--set zebra=1: error: unknown key 'zebra'\n"},
        {"step=1", "--set step=1: error: 'step' is a section; name one of its keys, as in step.KEY=VALUE\n"},
        {"seed", "--set seed: error: a key and a value are needed: --set KEY=VALUE\n"},
        {"=1", "--set =1: error: unknown key ''\n"},
        {"seed=x", "--set seed=x: error: 'seed' must be a whole number (>= 0), not 'x'\n"},
        {"step.c1=0", "--set step.c1=0: error: 'step.c1' is 0, but must be > 0 and < 0.5\n"},
        {"stop.require=al", "--set stop.require=al: error: 'stop.require' cannot be 'al'; choices: any, all\n"
                            "    did you mean 'all'?\n"},
        {"output.dir=a\033[2Jb",
         "--set output.dir=a?[2Jb: error: 'output.dir' holds a control character or is "
         "not UTF-8\n"},
        {"output.dir=\xff",
         "--set output.dir=?: error: 'output.dir' holds a control character or is not UTF-8\n"},
        {"model.path=5", "--set model.path=5: error: 'model.path' is a section; name one of its keys, as in "
                         "model.path.KEY=VALUE\n"},
        {"data.validaton=a.h5", "--set data.validaton=a.h5: error: unknown key 'data.validaton'\n"
                                "    did you mean 'data.validation'?\n"},
        {"data.validation.fractoin=1",
         "--set data.validation.fractoin=1: error: unknown key 'data.validation.fractoin'\n"
         "    did you mean 'data.validation.fraction'?\n"},
        {"data.validation.fraction=1", "--set data.validation.fraction=1: error: 'data.validation.fraction' "
                                       "is 1, but must be > 0 and < 1\n"},
        {"optimizer.batch=ful",
         "--set optimizer.batch=ful: error: 'optimizer.batch' must be full or a whole number "
         "(>= 1), not 'ful'\n    did you mean 'full'?\n"},
        {"optimizer.batch=0",
         "--set optimizer.batch=0: error: 'optimizer.batch' is 0, but must be full or >= 1\n"},
        {"data.train=",
         "--set data.train=: error: 'data.train' must be set: HDF5 file with the training data\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[1024];
        tw_config c;
        tw_config_init(&c);
        tw_config_parse(&c, "c.yaml", required, strlen(required));
        tw_config_set(&c, cases[i].assignment);
        ck_assert_int_eq(tw_config_verdict(&c), TW_CONFIG);
        snprintf(expected, sizeof expected, "%s1 error; nothing was run (exit 78)", cases[i].expected);
        ck_assert_str_eq(tw_status_message(), expected);
        tw_config_release(&c);
    }
}
END_TEST

START_TEST(missing_required_keys_are_named_once_and_only_when_nothing_else_speaks_of_them)
{
    static const struct {
        const char *text;
        int errors;
        const char *part;
    } cases[] = {
        {"seed: 1\n", 2, "c.yaml: error: 'data.train' must be set: "},
        {"data:\nmodel:\n", 2, "c.yaml: error: 'model.type' must be set: "},
        {"data:\n  train:\nmodel.type: a\n", 1, "c.yaml:2:3: error: 'data.train' must be set: "},
        {"data:\n  tarin: a\nmodel.type: a\n", 1, "did you mean 'train'?"},
        {"data: 3\nmodel.type: a\n", 1, "section 'data' must hold"},
        {"data.train: {a: b}\nmodel.type: a\n", 1, "takes one value"},
        {"data.train: \"\\n\"\nmodel.type: 3\n", 2, "must be one word"},
        {"data.train: *a\nmodel.type: a\n", 1, "aliases"},
        {"dta: {train: a}\nmodel.type: a\n", 1, "did you mean 'data'?"},
        {"foo: {train: a}\nmodel.type: a\n", 2, "did you mean 'data.train'?"},
        {"", 1, "configuration is empty"},
        {"seed: ]", 1, "broken YAML"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char end[64];
        tw_config c;
        tw_config_init(&c);
        tw_config_parse(&c, "c.yaml", cases[i].text, strlen(cases[i].text));
        ck_assert_int_eq(tw_config_verdict(&c), TW_CONFIG);
        snprintf(end, sizeof end, "%d error%s; nothing was run (exit 78)", cases[i].errors,
                 cases[i].errors == 1 ? "" : "s");
        ck_assert_msg(strstr(tw_status_message(), end), "%s%s", cases[i].text, tw_status_message());
        ck_assert_msg(strstr(tw_status_message(), cases[i].part), "%s", tw_status_message());
        tw_config_release(&c);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config errors");
    TCase *tcase = tcase_create("config errors");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, each_kind_of_error_is_one_problem_at_its_exact_place, 0,
                        (int)(sizeof single / sizeof single[0]));
    tcase_add_test(tcase, broken_yaml_is_one_clear_sentence_and_says_nothing_of_its_own);
    tcase_add_test(tcase, all_errors_are_listed_at_once_and_in_order);
    tcase_add_test(tcase, the_screen_is_the_one_of_the_documentation);
    tcase_add_test(tcase, a_later_problem_stands_where_the_value_was_set);
    tcase_add_test(tcase, overrides_are_checked_like_the_file);
    tcase_add_test(tcase, missing_required_keys_are_named_once_and_only_when_nothing_else_speaks_of_them);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
