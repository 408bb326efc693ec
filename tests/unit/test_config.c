/* test_config.c -- what a value may look like, and which of several wins; wrong input: test_config_errors.c.
 */
#include "thalweg/config.h"

#include <check.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char minimal[] = "data: {train: a.h5}\nmodel: {type: linear}\n";

/* A configuration with the required keys and one override; the verdict goes to *status. */
static void with_override(tw_config *c, const char *assignment, tw_status *status)
{
    tw_config_init(c);
    tw_config_parse(c, "c.yaml", minimal, strlen(minimal));
    if (assignment) tw_config_set(c, assignment);
    *status = tw_config_verdict(c);
}

static void assign(char *out, size_t size, const char *key, const char *value)
{
    snprintf(out, size, "%s=%s", key, value);
}

START_TEST(numbers_are_read_whole_and_in_one_way)
{
    static const struct {
        const char *assignment;
        tw_status status;
        double value;
    } cases[] = {
        {"step.length=1e-3", TW_OK, 1e-3},
        {"step.length=.5", TW_OK, 0.5},
        {"step.length=5.", TW_OK, 5},
        {"step.length=1e3", TW_OK, 1000},
        {"step.length=+2.5E+1", TW_OK, 25},
        {"step.length= 0.1 ", TW_OK, 0.1},
        {"step.length=007", TW_OK, 7},
        {"step.length=1.7976931348623157e308", TW_OK, DBL_MAX},
        {"step.length=2.2250738585072014e-308", TW_OK, DBL_MIN},
        {"step.length=1e309", TW_CONFIG, 0},
        {"step.length=1e-309", TW_CONFIG, 0},
        {"step.length=1e-999", TW_CONFIG, 0},
        {"step.length=1e999999999999", TW_CONFIG, 0},
        {"step.length=0x1p3", TW_CONFIG, 0},
        {"step.length=1,5", TW_CONFIG, 0},
        {"step.length=1_000", TW_CONFIG, 0},
        {"step.length=1 2", TW_CONFIG, 0},
        {"step.length=0.1x", TW_CONFIG, 0},
        {"step.length=1e", TW_CONFIG, 0},
        {"step.length=.", TW_CONFIG, 0},
        {"step.length=-", TW_CONFIG, 0},
        {"step.length=nan", TW_CONFIG, 0},
        {"step.length=inf", TW_CONFIG, 0},
        {"step.length=.inf", TW_CONFIG, 0},
        {"step.length=-Infinity", TW_CONFIG, 0},
        {"step.length=NAN(1)", TW_CONFIG, 0},
        {"step.length=--1", TW_CONFIG, 0},
        {"step.length=true", TW_CONFIG, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tw_config c;
        tw_status status;
        with_override(&c, cases[i].assignment, &status);
        ck_assert_msg(status == cases[i].status, "%s", cases[i].assignment);
        if (status == TW_OK) ck_assert_msg(c.step.length == cases[i].value, "%s", cases[i].assignment);
        if (status != TW_OK) ck_assert(isnan(c.step.length));
        tw_config_release(&c);
    }
}
END_TEST

START_TEST(whole_numbers_are_exact)
{
    static const struct {
        const char *assignment;
        tw_status status;
        int64_t value;
    } cases[] = {
        {"seed=0", TW_OK, 0},
        {"seed=42", TW_OK, 42},
        {"seed=1e4", TW_OK, 10000},
        {"seed=12.50e1", TW_OK, 125},
        {"seed=5.000", TW_OK, 5},
        {"seed=500e-2", TW_OK, 5},
        {"seed=0e99999", TW_OK, 0},
        {"seed=010", TW_OK, 10},
        {"seed=9007199254740993", TW_OK, 9007199254740993},
        {"seed=9007199254740993.0", TW_OK, 9007199254740993},
        {"seed=9223372036854775807", TW_OK, INT64_MAX},
        {"seed=9223372036854775808", TW_CONFIG, 0},
        {"seed=1e19", TW_CONFIG, 0},
        {"seed=1e99999999", TW_CONFIG, 0},
        {"seed=-9223372036854775809", TW_CONFIG, 0},
        {"seed=1.5", TW_CONFIG, 0},
        {"seed=1.00000000000000000000000001", TW_CONFIG, 0},
        {"seed=1e-1", TW_CONFIG, 0},
        {"seed=0o17", TW_CONFIG, 0},
        {"seed=0x10", TW_CONFIG, 0},
        {"seed=", TW_CONFIG, 0},
        {"seed=null", TW_CONFIG, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tw_config c;
        tw_status status;
        with_override(&c, cases[i].assignment, &status);
        ck_assert_msg(status == cases[i].status, "%s", cases[i].assignment);
        ck_assert_int_eq(c.seed, cases[i].value);
        tw_config_release(&c);
    }
}
END_TEST

START_TEST(groups_are_powers_of_two)
{
    tw_config c;
    tw_status status;
    for (int64_t n = 1; n <= 131072; n = n < 40 ? n + 1 : n * 2) {
        char assignment[64];
        snprintf(assignment, sizeof assignment, "reduction.groups=%lld", (long long)n);
        with_override(&c, assignment, &status);
        const bool good = n <= 65536 && (n & (n - 1)) == 0;
        ck_assert_int_eq(status, good ? TW_OK : TW_CONFIG);
        ck_assert_int_eq(c.reduction.groups, good ? n : 0);
        tw_config_release(&c);
    }
}
END_TEST

START_TEST(intervals_are_minus_iterations_or_seconds)
{
    static const struct {
        const char *assignment;
        double every; /* NAN: refused */
    } cases[] = {
        {"checkpoint.every=100", -100}, {"checkpoint.every=1", -1},    {"checkpoint.every=1e3", -1000},
        {"checkpoint.every=30s", 30},   {"checkpoint.every=5m", 300},  {"checkpoint.every=1:30", 90},
        {"checkpoint.every=2h", 7200},  {"checkpoint.every=never", 0}, {"checkpoint.every=0.5s", 0.5},
        {"checkpoint.every=0", NAN},    {"checkpoint.every=-3", NAN},  {"checkpoint.every=2.5", NAN},
        {"checkpoint.every=0s", NAN},   {"checkpoint.every=3x", NAN},  {"checkpoint.every=sometimes", NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tw_config c;
        tw_status status;
        with_override(&c, cases[i].assignment, &status);
        const bool good = !isnan(cases[i].every);
        ck_assert_msg(status == (good ? TW_OK : TW_CONFIG), "%s", cases[i].assignment);
        ck_assert_msg(c.checkpoint.every == (good ? cases[i].every : 300), "%s: %g", cases[i].assignment,
                      c.checkpoint.every);
        tw_config_release(&c);
    }
}
END_TEST

START_TEST(durations_are_seconds)
{
    static const struct {
        const char *assignment;
        double seconds; /* 0: refused */
    } cases[] = {
        {"stop.max_time=90", 90},        {"stop.max_time=90s", 90},     {"stop.max_time=1.5m", 90},
        {"stop.max_time=2h", 7200},      {"stop.max_time=1e3", 1000},   {"stop.max_time=.5", 0.5},
        {"stop.max_time=1:30", 90},      {"stop.max_time=0:01:30", 90}, {"stop.max_time=100:00:01", 360001},
        {"stop.max_time=90:00", 5400},   {"stop.max_time=0", 0},        {"stop.max_time=0:00:00", 0},
        {"stop.max_time=-5", 0},         {"stop.max_time=1:60", 0},     {"stop.max_time=1:5", 0},
        {"stop.max_time=1:00:60", 0},    {"stop.max_time=1:60:00", 0},  {"stop.max_time=1:2:3", 0},
        {"stop.max_time=1:00:00:00", 0}, {"stop.max_time=:30", 0},      {"stop.max_time=1:30s", 0},
        {"stop.max_time=5d", 0},         {"stop.max_time=s", 0},        {"stop.max_time=5 m", 0},
        {"stop.max_time=1e308h", 0},     {"stop.max_time=inf", 0},      {"stop.max_time=12345678901:00", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tw_config c;
        tw_status status;
        with_override(&c, cases[i].assignment, &status);
        const bool good = cases[i].seconds > 0;
        ck_assert_msg(status == (good ? TW_OK : TW_CONFIG), "%s", cases[i].assignment);
        ck_assert_msg(good ? c.stop.max_time == cases[i].seconds : isnan(c.stop.max_time), "%s",
                      cases[i].assignment);
        tw_config_release(&c);
    }
}
END_TEST

START_TEST(booleans_have_six_words)
{
    static const struct {
        const char *word;
        int value; /* -1: refused */
    } cases[] = {{"true", 1}, {"yes", 1},   {"on", 1}, {"True", 1}, {"ON", 1}, {"false", 0},  {"no", 0},
                 {"off", 0},  {"FALSE", 0}, {"y", -1}, {"1", -1},   {"0", -1}, {"maybe", -1}, {"", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char assignment[64];
        tw_config c;
        tw_status status;
        assign(assignment, sizeof assignment, "model.intercept", cases[i].word);
        with_override(&c, assignment, &status);
        ck_assert_msg(status == (cases[i].value < 0 ? TW_CONFIG : TW_OK), "%s", cases[i].word);
        if (cases[i].value >= 0) ck_assert_int_eq(c.model.intercept, cases[i].value);
        tw_config_release(&c);
    }
}
END_TEST

START_TEST(set_wins_over_the_file_in_any_order_and_the_last_set_wins)
{
    static const char text[] = "seed: 1\nstep: {tau: 5, length: 2}\noutput.dir: from_file\n";
    tw_config c;
    tw_config_init(&c);
    tw_config_set(&c, "seed=2");
    tw_config_set(&c, "output.dir=null");
    tw_config_parse(&c, "c.yaml", minimal, strlen(minimal));
    tw_config_parse(&c, "c.yaml", text, strlen(text));
    ck_assert_int_eq(c.seed, 2);
    ck_assert_ptr_null(c.output.dir);
    ck_assert(!tw_config_is_set(&c, "output.dir"));
    ck_assert(c.step.tau == 5 && c.step.length == 2);
    tw_config_set(&c, "seed=3");
    tw_config_set(&c, " step.tau = 7 ");
    tw_config_set(&c, "step.length=");
    ck_assert_int_eq(c.seed, 3);
    ck_assert(c.step.tau == 7 && isnan(c.step.length));
    ck_assert(tw_config_is_set(&c, "step.tau") && !tw_config_is_set(&c, "step.length"));
    ck_assert(!tw_config_is_set(&c, "step.c1") && !tw_config_is_set(&c, "step") &&
              !tw_config_is_set(&c, "nonsense"));
    ck_assert_int_eq(tw_config_verdict(&c), TW_OK);
    tw_config_release(&c);
}
END_TEST

START_TEST(a_file_may_be_written_in_many_ways)
{
    static const char *const texts[] = {
        "data:\n  train: a b.h5\nmodel:\n  type: linear\nstep:\n  length: 0.5\n  tau: 3\nseed: 7\n",
        "\xef\xbb\xbf"
        "data:\r\n  train: a b.h5\r\nmodel:\r\n  type: linear\r\nstep:\r\n  length: 0.5\r\n  tau: 3\r\nseed: "
        "7\r\n",
        "data:\r  train: a b.h5\rmodel:\r  type: linear\rstep:\r  length: 0.5\r  tau: 3\rseed: 7",
        "{data: {train: a b.h5}, model: {type: linear}, step: {length: .5, tau: 3}, seed: 7}",
        "---\nseed: 7\ndata.train: 'a b.h5'\nmodel.type: \"linear\"\nstep.length: \"5e-1\"\nstep: {tau: "
        "3}\n...\n",
        "# first\ndata:   # second\n    train:\ta b.h5\n    labels: ~\nmodel:\n        type: linear\nstep:\n "
        "length: 5e-1\n"
        " tau: 3.0\n\t\n\t# tabs before a comment\noutput:\nstop:\n  # nothing\nseed: 7",
        "? seed\n: 7\n\"data\": {\"train\": \"a\\x20b.h5\"}\nmodel:\n  'type': linear\nstep: {length: 0.5, "
        "tau: 3}\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        tw_config c;
        tw_config_init(&c);
        tw_config_parse(&c, "c.yaml", texts[i], strlen(texts[i]));
        ck_assert_msg(tw_config_verdict(&c) == TW_OK, "%zu: %s", i, tw_status_message());
        ck_assert_str_eq(c.data.train, "a b.h5");
        ck_assert_ptr_null(c.data.labels);
        ck_assert_str_eq(c.model.type, "linear");
        ck_assert(c.step.length == 0.5 && c.step.tau == 3 && c.seed == 7);
        tw_config_release(&c);
    }
}
END_TEST

START_TEST(a_key_inside_two_sections_may_be_written_in_many_ways)
{
    static const char *const texts[] = {
        "data: {train: a.h5, validation: {fraction: 0.2, file: v.h5}}\nmodel: {type: t, path: {count: 7}}\n",
        "data:\n  train: a.h5\n  validation:\n    fraction: 0.2\n    file: v.h5\n  scaling: none\n"
        "model:\n  path:\n    count: 7\n  type: t\n",
        "data.train: a.h5\ndata.validation.fraction: 0.2\ndata.validation.file: v.h5\nmodel.type: t\n"
        "model.path.count: 7\n",
        "data.train: a.h5\ndata.validation: {fraction: .2, file: v.h5}\nmodel.type: t\nmodel.path: {count: "
        "7}\n",
        "data: {train: a.h5, validation.fraction: 2e-1, validation.file: v.h5}\n"
        "model:\n  type: t\n  path.count: 7\n",
        "data: {train: a.h5, validation: v.h5, validation.fraction: 0.2}\nmodel: {type: t, path.count: 7}\n",
        "data.train: a.h5\ndata.validation.fraction: 0.2\ndata.validation: 'v.h5'\nmodel.type: t\n"
        "model:\n  path:\n    # nothing but this\nmodel.path.count: 7\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        tw_config c;
        tw_config_init(&c);
        tw_config_parse(&c, "c.yaml", texts[i], strlen(texts[i]));
        ck_assert_msg(tw_config_verdict(&c) == TW_OK, "%zu: %s", i, tw_status_message());
        ck_assert(c.data.validation.fraction == 0.2 && isnan(c.data.validation.tail));
        ck_assert_str_eq(c.data.validation.file, "v.h5");
        ck_assert(c.model.path.count == 7 && c.model.path.min_ratio == 1e-3);
        ck_assert(tw_config_is_set(&c, "data.validation.file") && tw_config_is_set(&c, "model.path.count"));
        ck_assert(!tw_config_is_set(&c, "data.validation.tail") && !tw_config_is_set(&c, "data.validation"));
        tw_config_release(&c);
    }
}
END_TEST

START_TEST(a_value_in_place_of_a_section_is_its_shorthand_in_the_file_and_in_set)
{
    static const char text[] = "data:\n  train: a.h5\n  validation: \"v w.h5\"\nmodel.type: linear\n";
    static const struct {
        const char *assignment, *file;
    } cases[] = {{"data.validation=x.h5", "x.h5"},    {"data.validation = C:x ", "C:x"},
                 {"data.validation.file=y", "y"},     {"data.validation=null", NULL},
                 {"data.validation=", NULL},          {"data.validation.file=~", NULL},
                 {"data.validation.tail=9", "v w.h5"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tw_config c;
        tw_config_init(&c);
        tw_config_set(&c, cases[i].assignment); /* before the file: it wins all the same */
        tw_config_parse(&c, "c.yaml", text, strlen(text));
        ck_assert_msg(tw_config_verdict(&c) == TW_OK, "%s", tw_status_message());
        ck_assert_pstr_eq(c.data.validation.file, cases[i].file);
        ck_assert_int_eq(tw_config_is_set(&c, "data.validation.file"), cases[i].file != NULL);
        ck_assert(i != 6 || c.data.validation.tail == 9);
        tw_config_problem(&c, "data.validation.file", "no such file");
        ck_assert_int_eq(tw_config_verdict(&c), TW_CONFIG);
        ck_assert_msg(
            strstr(tw_status_message(), i == 6 ? "c.yaml:3:15: error: no such" : "--set data.valid"), "%s",
            tw_status_message());
        tw_config_release(&c);
    }
}
END_TEST

START_TEST(nothing_in_place_of_a_section_sets_nothing)
{
    static const char *const texts[] = {"data.validation:\n",
                                        "data.validation: null\n",
                                        "data: {validation: ~}\n",
                                        "data.validation: ''\n",
                                        "data.validation: {}\n",
                                        "model.path: null\n",
                                        "data:\n  validation:\n    # tail: 5\n",
                                        "data.validation: {file: null}\n",
                                        "data.validation.fraction:\nmodel.path.count: ~\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        tw_config c;
        tw_status status;
        with_override(&c, NULL, &status);
        tw_config_parse(&c, "c.yaml", texts[i], strlen(texts[i]));
        ck_assert_msg(tw_config_verdict(&c) == TW_OK, "%s%s", texts[i], tw_status_message());
        ck_assert(c.data.validation.file == NULL && isnan(c.data.validation.tail));
        ck_assert(isnan(c.data.validation.fraction) && c.model.path.count == 0);
        tw_config_release(&c);
    }
}
END_TEST

START_TEST(quotes_are_undone)
{
    static const struct {
        const char *text, *value;
    } cases[] = {
        {"data.labels: 'it''s ''y'''", "it's 'y'"},
        {"data.labels: '\\n'", "\\n"},
        {"data.labels: \"a\\\"b\\\\c\\/\\x41\\u00e9\\U0001F600\\ \\_\"",
         "a\"b\\c/A\xc3\xa9\xf0\x9f\x98\x80 \xc2\xa0"},
        {"data.labels: \" x: # y \"", " x: # y "},
        {"data.labels: 'null'", "null"},
        {"data.labels: ''", NULL},
        {"data.labels: null", NULL},
        {"data.labels: x # y", "x"},
        {"data.labels: x#y  ", "x#y"},
        {"data.labels: \xc3\xa9 \xe2\x82\xac", "\xc3\xa9 \xe2\x82\xac"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tw_config c;
        tw_status status;
        with_override(&c, NULL, &status);
        tw_config_parse(&c, "c.yaml", cases[i].text, strlen(cases[i].text));
        ck_assert_msg(tw_config_verdict(&c) == TW_OK, "%s", tw_status_message());
        ck_assert_pstr_eq(c.data.labels, cases[i].value);
        tw_config_release(&c);
    }
}
END_TEST

START_TEST(a_list_is_one_value_or_several_in_file_and_set_alike)
{
    static const struct {
        const char *file, *set, *value, *written;
    } cases[] = {
        {"", NULL, "a.h5", "a.h5"}, /* of minimal */
        {"data.train: [b.h5]", NULL, "b.h5", "b.h5"},
        {"data.train: [b.h5, 'c, d', \"]\"]", NULL, "b.h5\nc, d\n]", "[b.h5, \"c, d\", \"]\"]"},
        {"data:\n  train:\n  - x # y\n  - ~/z\n", NULL, "x\n~/z", "[x, \"~/z\"]"},
        {"data.train: '[b.h5, c.h5]'", NULL, "[b.h5, c.h5]", "\"[b.h5, c.h5]\""},
        {"", "data.train=b, c.h5", "b, c.h5", "\"b, c.h5\""},
        {"", "data.train = [ b.h5 ]", "b.h5", "b.h5"},
        {"data.train: [1, 2]", "data.train=[b.h5 ,'it''s, c', \"\\x41]\",]", "b.h5\nit's, c\nA]",
         "[b.h5, \"it's, c\", \"A]\"]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = NULL, line[128];
        size_t size;
        tw_config c;
        tw_status status;
        with_override(&c, cases[i].set, &status);
        if (cases[i].file[0]) tw_config_parse(&c, "c.yaml", cases[i].file, strlen(cases[i].file));
        ck_assert_msg(tw_config_verdict(&c) == TW_OK, "%zu: %s", i, tw_status_message());
        ck_assert_str_eq(c.data.train, cases[i].value);
        FILE *out = open_memstream(&text, &size);
        ck_assert_int_eq(tw_config_write(&c, out), TW_OK);
        fclose(out);
        snprintf(line, sizeof line, "\n  train: %s\n", cases[i].written);
        ck_assert_msg(strstr(text, line), "%s not in\n%s", line, text);
        free(text);
        char item[64], joined[256] = "";
        for (const char *at = c.data.train; tw_config_next_item(&at, sizeof item, item);)
            snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", joined[0] ? "\n" : "",
                     item);
        ck_assert_str_eq(joined, cases[i].value);
        tw_config_release(&c);
    }
}
END_TEST

START_TEST(a_mapping_is_the_same_in_every_order_and_form)
{
    static const char *const files[] = {
        "model.class_weight: {1: 5, 'a: b': 0.5, 0: 1e0, -3: 0, 10: 2, A: 7}",
        "model:\n  type: linear\n  class_weight:\n    A: 7\n    \"a: b\": .5\n    10: 2.0\n    -3: 0\n    0: "
        "1\n"
        "    1: 5\n",
        "model.class_weight: \"0: 1, 1:5, A: 7, -3: 0, 'a: b': 5e-1, 10: 2\""};
    static const char *const sets[] = {"model.class_weight=0: 1, 1: 5, -3: 0, 10: 2, 'a: b': 0.5, A: 7",
                                       "model.class_weight={A:7,0:1,1:5,-3:0,10:2,\"a: b\":0.5,}"};
    static const char *const names[] = {"-3", "0", "1", "10", "A", "a: b"};
    static const double numbers[] = {0, 1, 5, 2, 7, 0.5};
    for (size_t i = 0; i < 5; i++) {
        char name[64];
        double number;
        size_t count = 0;
        tw_config c;
        tw_status status;
        with_override(&c, i < 3 ? NULL : sets[i - 3], &status);
        if (i < 3) tw_config_parse(&c, "c.yaml", files[i], strlen(files[i]));
        ck_assert_msg(tw_config_verdict(&c) == TW_OK, "%zu: %s", i, tw_status_message());
        ck_assert_str_eq(c.model.class_weight, "-3: 0, 0: 1, 1: 5, 10: 2, A: 7, \"a: b\": 0.5");
        for (const char *at = c.model.class_weight; tw_config_next_pair(&at, sizeof name, name, &number);) {
            ck_assert_str_eq(name, names[count]);
            ck_assert(number == numbers[count++]);
        }
        ck_assert_uint_eq(count, 6);
        tw_config_release(&c);
    }
}
END_TEST

START_TEST(a_list_or_mapping_of_set_that_is_broken_is_refused)
{
    static const struct {
        const char *set, *part;
    } cases[] = {
        {"data.train=[a", "must end in ']'"},
        {"data.train=[a]b", "must end in ']'"},
        {"data.train=[]", "'data.train' is empty"},
        {"data.train=[a,,b]", "has an empty part"},
        {"data.train=[a, 'b]", "must be a value, or several"},
        {"data.train=['a'b]", "must be a value, or several"},
        {"data.train=[\"\\n\"]", "holds a control character"},
        {"data.train=a\nb", "holds a control character"},
        {"model.class_weight=5", "must be balanced or pairs like"},
        {"model.class_weight={}", "'model.class_weight' is empty"},
        {"model.class_weight={a: 1", "must end in '}'"},
        {"model.class_weight=a: 1 b: 2", "the value of 'a' must be a number >= 0, not '1 b: 2'"},
        {"model.class_weight=a: nan", "the value of 'a' must be a number >= 0, not 'nan'"},
        {"model.class_weight=a: -1e-9", "the value of 'a' must be a number >= 0, not '-1e-9'"},
        {"model.class_weight=a: 1e999", "the value of 'a' must be a number >= 0, not '1e999'"},
        {"model.class_weight=a: 1, : 2", "has an empty part"},
        {"model.class_weight=a: 1, b", "must be pairs like"},
        {"model.class_weight=a: 1, a: 1", "has 'a' twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tw_config c;
        tw_status status;
        with_override(&c, cases[i].set, &status);
        ck_assert_msg(status == TW_CONFIG, "%s", cases[i].set);
        ck_assert_msg(strstr(tw_status_message(), cases[i].part), "%s", tw_status_message());
        ck_assert_msg(strstr(tw_status_message(), "\n1 error; "), "%s", tw_status_message());
        tw_config_release(&c);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *tcase = tcase_create("config");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_list_is_one_value_or_several_in_file_and_set_alike);
    tcase_add_test(tcase, a_mapping_is_the_same_in_every_order_and_form);
    tcase_add_test(tcase, a_list_or_mapping_of_set_that_is_broken_is_refused);
    tcase_add_test(tcase, numbers_are_read_whole_and_in_one_way);
    tcase_add_test(tcase, whole_numbers_are_exact);
    tcase_add_test(tcase, groups_are_powers_of_two);
    tcase_add_test(tcase, durations_are_seconds);
    tcase_add_test(tcase, intervals_are_minus_iterations_or_seconds);
    tcase_add_test(tcase, booleans_have_six_words);
    tcase_add_test(tcase, set_wins_over_the_file_in_any_order_and_the_last_set_wins);
    tcase_add_test(tcase, a_file_may_be_written_in_many_ways);
    tcase_add_test(tcase, a_key_inside_two_sections_may_be_written_in_many_ways);
    tcase_add_test(tcase, a_value_in_place_of_a_section_is_its_shorthand_in_the_file_and_in_set);
    tcase_add_test(tcase, nothing_in_place_of_a_section_sets_nothing);
    tcase_add_test(tcase, quotes_are_undone);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
