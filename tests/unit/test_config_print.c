/* test_config_print.c -- the resolved copy, the help and the reference page. */
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

static const void *field(const tw_config *c, const tw_option *row)
{
    return (const char *)c + row->offset;
}

static char *text_field(const tw_config *c, const tw_option *row)
{
    char *text;
    memcpy(&text, field(c, row), sizeof text);
    return text;
}

static bool same_value(const tw_config *a, const tw_config *b, const tw_option *row)
{
    double x, y;
    switch (row->type) {
    case TW_OPTION_INTEGER: return memcmp(field(a, row), field(b, row), sizeof(int64_t)) == 0;
    case TW_OPTION_REAL:
    case TW_OPTION_INTERVAL:
    case TW_OPTION_DURATION:
        memcpy(&x, field(a, row), sizeof x);
        memcpy(&y, field(b, row), sizeof y);
        return (isnan(x) && isnan(y)) || x == y;
    case TW_OPTION_BOOLEAN: return memcmp(field(a, row), field(b, row), sizeof(bool)) == 0;
    case TW_OPTION_CHOICE: return memcmp(field(a, row), field(b, row), sizeof(int)) == 0;
    case TW_OPTION_SECTION: return true;
    default: break;
    }
    const char *s = text_field(a, row), *t = text_field(b, row);
    return s == NULL || t == NULL ? s == t : strcmp(s, t) == 0;
}

static void assert_same(const tw_config *a, const tw_config *b)
{
    size_t count;
    const tw_option *options = tw_config_options(&count);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(same_value(a, b, &options[i]), "%s differs", options[i].key);
}

static char *written(const tw_config *c)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(tw_config_write(c, out), TW_OK);
    fclose(out);
    return text;
}

static uint64_t draw(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static double random_double(uint64_t *state, const tw_option *row)
{
    const uint64_t bits = draw(state);
    double value;
    memcpy(&value, &bits, sizeof value);
    value = fabs(value);
    if (!isfinite(value) || value < DBL_MIN) value = 0.1;
    if (isfinite(row->maximum)) value = row->maximum * ((double)(bits >> 12) + 0.5) * 0x1p-52;
    return value <= row->minimum ? row->minimum + 0x1p-20 + (double)(bits >> 40) : value;
}

static void random_value(uint64_t *state, const tw_option *row, char *out, size_t size)
{
    static const char *const texts[] = {"null",    "~",   "true",  "1e3",  "a: b",        "a # b",
                                        "- a",     "[x]", "\"q\"", "it's", "back\\slash", "\xc3\xa9t\xc3\xa9",
                                        "/x/y.h5", "..",  "%a",    "@b",   "!c",          "&d",
                                        "*e",      "|",   ">",     "x,y",  "{}",          "x y",
                                        "0",       "-",   "---",   "=",    ".nan",        "no"};
    static const char *const maps[][2] = {{"0: 1, 1: ", ""},
                                          {"{b: ", ", -1: 2, 10: 3, 2: 0}"},
                                          {"'it''s': ", ""},
                                          {"\"a: b, \\\"\": ", ", null: 1, yes: 2, {: 1"},
                                          {"{1.0: ", ",1: 0.5 , 1e0:1}"}};
    static const char *const lists[] = {"[a.h5, b.h5]", "[a b, 'c, d']", "[x]", "[ \"[\", ']', ~, '''' ]"};
    const uint64_t n = draw(state) >> 8;
    switch (row->type) {
    case TW_OPTION_INTEGER:
        if (row->flags & TW_OPTION_POWER_OF_TWO)
            snprintf(out, size, "%d", 1 << n % 17);
        else if (row->choices && n % 2)
            snprintf(out, size, "%s", row->choices[0]);
        else if (row->maximum <= 1e12)
            snprintf(out, size, "%.0f",
                     row->minimum + (double)(n % (uint64_t)(row->maximum - row->minimum + 1)));
        else
            snprintf(out, size, "%llu", (unsigned long long)(n % INT64_MAX + 1));
        break;
    case TW_OPTION_DURATION:
        if (n % 2)
            snprintf(out, size, "%llu", (unsigned long long)(n % 10000000 + 1));
        else
            snprintf(out, size, "%.17g", random_double(state, row));
        break;
    case TW_OPTION_INTERVAL:
        if (n % 3 == 0)
            snprintf(out, size, "%llu", (unsigned long long)(n % 10000000 + 1));
        else if (n % 3 == 1)
            snprintf(out, size, "%.17gs", random_double(state, row));
        else
            snprintf(out, size, "%s", n % 2 ? "never" : "90m");
        break;
    case TW_OPTION_REAL: snprintf(out, size, "%.17g", random_double(state, row)); break;
    case TW_OPTION_BOOLEAN: snprintf(out, size, n % 2 ? "on" : "off"); break;
    case TW_OPTION_CHOICE: {
        size_t choices = 0;
        while (row->choices[choices]) choices++;
        snprintf(out, size, "%s", row->choices[n % choices]);
        break;
    }
    case TW_OPTION_WORD: snprintf(out, size, "%s", n % 3 ? "null_x" : n % 2 ? "true" : "w-1"); break;
    case TW_OPTION_MAP:
        snprintf(out, size, "%s%.17g%s", maps[n % 5][0], random_double(state, row), maps[n % 5][1]);
        if (n % 7 < 2) snprintf(out, size, n % 7 ? "balanced" : "null");
        break;
    case TW_OPTION_LIST:
        if (n % 2) {
            snprintf(out, size, "%s", lists[(n >> 1) % (sizeof lists / sizeof lists[0])]);
            break;
        } /* fall through */
    default: snprintf(out, size, "%s", texts[n % (sizeof texts / sizeof texts[0])]);
    }
}

START_TEST(the_resolved_copy_parses_back_to_the_same_values)
{
    uint64_t state = 0x9e3779b97f4a7c15;
    size_t count;
    const tw_option *options = tw_config_options(&count);
    for (int trial = 0; trial < 400; trial++) {
        tw_config a, b;
        tw_status status;
        with_override(&a, NULL, &status);
        for (size_t i = 0; i < count; i++) {
            char value[64], assignment[160];
            if (options[i].type == TW_OPTION_SECTION || draw(&state) >> 62 == 0) continue;
            random_value(&state, &options[i], value, sizeof value);
            const bool nothing = strcmp(value, "null") == 0 || strcmp(value, "~") == 0;
            if (nothing && options[i].flags & TW_OPTION_REQUIRED) continue;
            assign(assignment, sizeof assignment, options[i].key, value);
            tw_config_set(&a, assignment);
        }
        ck_assert_msg(tw_config_verdict(&a) == TW_OK, "%s", tw_status_message());
        char *text = written(&a);
        tw_config_init(&b);
        tw_config_parse(&b, "copy.yaml", text, strlen(text));
        ck_assert_msg(tw_config_verdict(&b) == TW_OK, "%s\n%s", tw_status_message(), text);
        assert_same(&a, &b);
        char *again = written(&b);
        ck_assert_str_eq(text, again);
        free(text);
        free(again);
        tw_config_release(&a);
        tw_config_release(&b);
    }
}
END_TEST

START_TEST(the_resolved_copy_lists_every_key_once_in_the_order_of_the_table)
{
    static const char expected[] = "# every key of the run, defaults included\nversion: 1\nseed: 0\ndata:\n"
                                   "  train: a.h5\n  features: null\n  labels: null\n  weights: null\n"
                                   "  scaling: none\n  storage: native\n  missing: error\n  missing_value: null\n"
                                   "  validation:\n    fraction: null\n    tail: 0.25\n"
                                   "    file: null\nmodel:\n  type: linear\n  intercept: true\n  l2: 0\n";
    static const char end[] =
        "  max_time: 1:30:00\n  divergence_factor: 10000\nreduction:\n  mode: allreduce\n"
        "  groups: null\nparallel:\n  threads: null\ncheckpoint:\n  every: 0:05:00\n  keep: 3\noutput:\n"
        "  dir: null\n  log_every: null\n"
        "  accounting: true\n";
    tw_config c;
    tw_status status;
    with_override(&c, "stop.max_time=1.5h", &status);
    tw_config_set(&c, "model.l2=-0.0");
    tw_config_set(&c, "data.validation.tail=.25");
    char *text = written(&c);
    ck_assert_ptr_nonnull(strstr(text, "\n  type: lbfgs\n  batch: full\n  momentum: 0.9\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "\n  folds: null\n  path:\n    count: null\n    min_ratio: 0.001\noptimizer:\n"));
    ck_assert_int_eq(strncmp(text, expected, strlen(expected)), 0);
    ck_assert(strlen(text) > strlen(end));
    ck_assert_str_eq(text + strlen(text) - strlen(end), end);
    size_t count, lines = 0;
    tw_config_options(&count);
    for (const char *s = text; *s; s++) lines += *s == '\n';
    ck_assert_uint_eq(lines, count + 1);
    free(text);
    tw_config_release(&c);
}
END_TEST

START_TEST(texts_that_a_yaml_reader_would_misread_are_quoted)
{
    static const struct {
        const char *value, *line;
    } cases[] = {{"true", "  labels: \"true\"\n"},         {"No", "  labels: \"No\"\n"},
                 {"1e3", "  labels: \"1e3\"\n"},           {"a b", "  labels: \"a b\"\n"},
                 {"a\"\\", "  labels: \"a\\\"\\\\\"\n"},   {"-x", "  labels: \"-x\"\n"},
                 {"/g/y_1.a-b", "  labels: /g/y_1.a-b\n"}, {"label", "  labels: label\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char assignment[160];
        tw_config c;
        tw_status status;
        assign(assignment, sizeof assignment, "data.labels", cases[i].value);
        with_override(&c, assignment, &status);
        char *text = written(&c);
        ck_assert_msg(strstr(text, cases[i].line), "%s", text);
        free(text);
        tw_config_release(&c);
    }
}
END_TEST

START_TEST(a_full_disk_is_an_error_of_writing)
{
    tw_config c;
    tw_status status;
    with_override(&c, NULL, &status);
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL) {
        printf("not run: no /dev/full\n");
    } else {
        ck_assert_int_eq(tw_config_write(&c, full), TW_IO);
        ck_assert_int_eq(tw_config_help(full, NULL), TW_IO);
        ck_assert_int_eq(tw_config_markdown(full), TW_IO);
        fclose(full);
    }
    tw_config_release(&c);
}
END_TEST

static char *helped(const char *key, tw_status expected)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(tw_config_help(out, key), expected);
    fclose(out);
    return text;
}

START_TEST(help_explains_each_key_and_lists_all)
{
    size_t count;
    const tw_option *options = tw_config_options(&count);
    char *all = helped(NULL, TW_OK);
    for (size_t i = 0; i < count; i++) {
        char *one = helped(options[i].key, TW_OK);
        ck_assert_msg(strstr(all, options[i].key) && strstr(all, options[i].help), "%s", options[i].key);
        ck_assert(strstr(one, options[i].key) && strstr(one, options[i].help));
        if (options[i].type != TW_OPTION_SECTION)
            ck_assert(strstr(one, options[i].flags & TW_OPTION_FREE ? "\n  resume   may change\n"
                                                                    : "\n  resume   must be as it was\n"));
        free(one);
    }
    free(all);
    char *step = helped("step", TW_OK), *c1 = helped("step.c1", TW_OK),
         *mode = helped("reduction.mode", TW_OK);
    ck_assert(strstr(step, "step.tau") && !strstr(step, "stop.patience"));
    ck_assert(strstr(c1, "> 0 and < 0.5") && strstr(c1, "1e-4"));
    ck_assert(strstr(mode, "allreduce, reproducible"));
    char *data = helped("data", TW_OK), *kept = helped("data.validation", TW_OK),
         *batch = helped("optimizer.batch", TW_OK);
    ck_assert(strstr(data, "data.train") && strstr(data, "\ndata.validation: ") &&
              strstr(data, "data.validation.tail"));
    ck_assert(strstr(kept, "data.validation: VALUE is short for data.validation.file") &&
              strstr(kept, "data.validation.fraction") && !strstr(kept, "data.train"));
    ck_assert(strstr(batch, "values   full or >= 1\n") && strstr(batch, "default  full\n"));
    free(data);
    free(kept);
    free(batch);
    free(step);
    free(c1);
    free(mode);
}
END_TEST

START_TEST(help_on_an_unknown_key_names_the_nearest)
{
    static const struct {
        const char *key, *part;
    } cases[] = {{"step.lenght", "did you mean 'step.length'?"},
                 {"length", "did you mean 'step.length'?"},
                 {"stpe", "did you mean 'step'?"},
                 {"modle.l2", "did you mean 'model.l2'?"},
                 {"optimizer.length", "did you mean 'step.length'?"},
                 {"data.validaton", "did you mean 'data.validation'?"},
                 {"data.validation.fractoin", "did you mean 'data.validation.fraction'?"},
                 {"data.fraction", "did you mean 'data.validation.fraction'?"},
                 {"validation", "did you mean 'data.validation'?"},
                 {"zebra", "lists all"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        free(helped(cases[i].key, TW_USAGE));
        ck_assert_msg(strstr(tw_status_message(), cases[i].part), "%s", tw_status_message());
    }
}
END_TEST

START_TEST(the_reference_page_has_one_row_for_each_key)
{
    size_t count, size, keys = 0, rows = 0;
    const tw_option *options = tw_config_options(&count);
    char *text = NULL;
    FILE *out = open_memstream(&text, &size);
    ck_assert_int_eq(tw_config_markdown(out), TW_OK);
    fclose(out);
    for (size_t i = 0; i < count; i++) {
        char start[160];
        snprintf(start, sizeof start,
                 options[i].type == TW_OPTION_SECTION ? "\n## `%s`"
                 : options[i].flags & TW_OPTION_FREE  ? "\n| `%s` * |"
                                                      : "\n| `%s` |",
                 options[i].key);
        ck_assert_msg(strstr(text, start), "%s", options[i].key);
        keys += options[i].type != TW_OPTION_SECTION;
    }
    for (const char *s = strstr(text, "\n| `"); s; s = strstr(s + 1, "\n| `")) {
        const char *end = strchr(s + 1, '\n');
        size_t bars = 0;
        for (const char *p = s; p < end; p++) bars += *p == '|';
        ck_assert_uint_eq(bars, 6);
        rows++;
    }
    ck_assert_uint_eq(rows, keys);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config print");
    TCase *tcase = tcase_create("config print");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_resolved_copy_parses_back_to_the_same_values);
    tcase_add_test(tcase, the_resolved_copy_lists_every_key_once_in_the_order_of_the_table);
    tcase_add_test(tcase, texts_that_a_yaml_reader_would_misread_are_quoted);
    tcase_add_test(tcase, a_full_disk_is_an_error_of_writing);
    tcase_add_test(tcase, help_explains_each_key_and_lists_all);
    tcase_add_test(tcase, help_on_an_unknown_key_names_the_nearest);
    tcase_add_test(tcase, the_reference_page_has_one_row_for_each_key);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
