/* test_config_compare.c -- what may change when a run is resumed, over every row of the table of keys. */
#include "thalweg/run.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char minimal[] = "data: {train: a.h5}\nmodel: {type: linear}\n";

/* A configuration with the required keys and two overrides, either may be NULL. */
static tw_config made(const char *first, const char *second)
{
    tw_config c;
    tw_config_init(&c);
    tw_config_parse(&c, "c.yaml", minimal, strlen(minimal));
    if (first) tw_config_set(&c, first);
    if (second) tw_config_set(&c, second);
    ck_assert_msg(tw_config_verdict(&c) == TW_OK, "%s", tw_status_message());
    return c;
}

/* As a checkpoint gives it back: written and parsed. */
static tw_config stored_copy(const tw_config *c)
{
    char *text = NULL;
    size_t size;
    tw_config copy;
    FILE *out = open_memstream(&text, &size);
    ck_assert_ptr_nonnull(out);
    ck_assert_int_eq(tw_config_write(c, out), TW_OK);
    fclose(out);
    tw_config_init(&copy);
    tw_config_parse(&copy, "copy.yaml", text, size);
    ck_assert_msg(tw_config_verdict(&copy) == TW_OK, "%s", tw_status_message());
    free(text);
    return copy;
}

/* The page of the documentation, in words of its own. */
static bool free_by_the_page(const char *key)
{
    return strncmp(key, "stop.", 5) == 0 || strncmp(key, "output.", 7) == 0 ||
           strncmp(key, "checkpoint.", 11) == 0 || strncmp(key, "parallel.", 9) == 0 ||
           strcmp(key, "data.train") == 0 || strcmp(key, "data.validation.file") == 0;
}

/* "KEY=VALUE" with a valid value that is not the default; false: the key can have but one value. */
static bool other_value(const tw_option *row, char *out, size_t size)
{
    const double low = row->minimum, high = row->maximum;
    char value[64] = "";
    switch (row->type) {
    case TW_OPTION_INTEGER:
        if (low == high) return false;
        for (double v = low; !value[0] && v <= low + 1; v++)
            if (row->choices || !row->initial || strtod(row->initial, NULL) != v)
                snprintf(value, sizeof value, "%.0f", v);
        break;
    case TW_OPTION_INTERVAL: snprintf(value, sizeof value, "17"); break;
    case TW_OPTION_REAL:
    case TW_OPTION_DURATION:
        snprintf(value, sizeof value, "%.17g",
                 !isfinite(low)   ? 0.3125
                 : isfinite(high) ? low + (high - low) * 0.3125
                                  : low + 0.3125);
        break;
    case TW_OPTION_BOOLEAN:
        snprintf(value, sizeof value, "%s", strcmp(row->initial, "true") == 0 ? "false" : "true");
        break;
    case TW_OPTION_CHOICE: snprintf(value, sizeof value, "%s", row->choices[1]); break;
    case TW_OPTION_MAP: snprintf(value, sizeof value, "a: 2, 1: 0.5"); break;
    default: snprintf(value, sizeof value, "null_x");
    }
    snprintf(out, size, "%s=%s", row->key, value);
    return true;
}

START_TEST(each_key_alone_is_a_difference_or_a_change_as_the_table_says)
{
    size_t count, keys = 0, tried = 0, free_keys = 0;
    const tw_option *options = tw_config_options(&count);
    for (size_t i = 0; i < count; i++) {
        const tw_option *row = &options[i];
        char assignment[160], differences[512], changes[512], name[160];
        if (row->type == TW_OPTION_SECTION) continue;
        keys++;
        const bool may = free_by_the_page(row->key);
        ck_assert_msg(may == ((row->flags & TW_OPTION_FREE) != 0), "%s", row->key);
        if (!other_value(row, assignment, sizeof assignment)) continue;
        tw_config a = made(NULL, NULL), b = made(assignment, NULL), stored = stored_copy(&a);
        ck_assert_msg(tw_config_differences(&stored, &b, sizeof differences, differences) == !may, "%s",
                      assignment);
        ck_assert_uint_eq(tw_config_changes(&stored, &b, sizeof changes, changes), may);
        snprintf(name, sizeof name, may ? "%s " : "  %s: ", row->key);
        const char *told = may ? changes : differences, *silent = may ? differences : changes;
        ck_assert_msg(strncmp(told, name, strlen(name)) == 0, "'%s' for %s", told, assignment);
        ck_assert_str_eq(silent, "");
        ck_assert_ptr_null(may ? strchr(told, '\n') : strchr(strchr(told, '\n') + 1, '\n'));
        tw_config other = stored_copy(&b); /* nothing differs from its own copy */
        ck_assert_uint_eq(tw_config_differences(&other, &b, sizeof differences, differences), 0);
        ck_assert_uint_eq(tw_config_changes(&other, &b, sizeof changes, changes), 0);
        ck_assert(tw_config_differences(&b, &stored, 0, NULL) ==
                  !may); /* the other way round, only counted */
        tw_config_release(&other);
        tw_config_release(&stored);
        tw_config_release(&b);
        tw_config_release(&a);
        tried++;
        free_keys += may;
    }
    ck_assert_uint_eq(tried, keys - 1); /* all but the version, which has one value */
    ck_assert_uint_ge(free_keys, 15);
    ck_assert_uint_ge(tried - free_keys, 40);
}
END_TEST

START_TEST(values_are_told_as_the_resolved_copy_has_them)
{
    static const struct {
        const char *stored, *given, *text;
    } cases[] = {{"step.length=0.1", "step.length=.2", "  step.length: 0.1 in the checkpoint, 0.2 now\n"},
                 {"step.length=0.10", NULL, "  step.length: 0.1 in the checkpoint, not set now\n"},
                 {NULL, "step.rule=wolfe", "  step.rule: not set in the checkpoint, wolfe now\n"},
                 {"data.labels='null'", "data.labels=a b",
                  "  data.labels: \"'null'\" in the checkpoint, \"a b\" now\n"},
                 {NULL, "data.features=x", "  data.features: not set in the checkpoint, x now\n"},
                 {"optimizer.batch=256", NULL, "  optimizer.batch: 256 in the checkpoint, full now\n"},
                 {"model.folds=5", NULL, "  model.folds: 5 in the checkpoint, not set now\n"},
                 {NULL, "seed=1", "  seed: 0 in the checkpoint, 1 now\n"},
                 {NULL, "model.intercept=off", "  model.intercept: true in the checkpoint, false now\n"},
                 {"data.scaling=minmax", NULL, "  data.scaling: minmax in the checkpoint, none now\n"},
                 {NULL, "data.storage=f16", "  data.storage: native in the checkpoint, f16 now\n"},
                 {"data.missing=mean", NULL, "  data.missing: mean in the checkpoint, error now\n"},
                 {NULL, "data.missing_value=-9",
                  "  data.missing_value: not set in the checkpoint, -9 now\n"},
                 {"step.length=0.10", "step.length=1e-1", ""},
                 {"optimizer.batch=1e3", "optimizer.batch=1000", ""},
                 {"model.l2=-0.0", NULL, ""},
                 {"model.intercept=yes", "model.intercept=on", ""}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256] = "?";
        tw_config a = made(cases[i].stored, NULL), b = made(cases[i].given, NULL), stored = stored_copy(&a);
        const size_t n = tw_config_differences(&stored, &b, sizeof text, text);
        ck_assert_str_eq(text, cases[i].text);
        ck_assert_uint_eq(n, cases[i].text[0] != 0);
        ck_assert_uint_eq(tw_config_changes(&stored, &b, sizeof text, text), 0);
        tw_config_release(&stored);
        tw_config_release(&b);
        tw_config_release(&a);
    }
}
END_TEST

START_TEST(changes_stand_in_one_line)
{
    char text[256] = "?";
    tw_config a = made("stop.max_iterations=100", "output.dir=a"),
              b = made("stop.max_iterations=200", "stop.max_time=90");
    ck_assert_uint_eq(tw_config_changes(&a, &b, sizeof text, text), 3);
    ck_assert_str_eq(
        text, "stop.max_iterations 100 -> 200, stop.max_time not set -> 0:01:30, output.dir a -> not set");
    tw_config_release(&b);
    b = made("stop.max_time=1:30", NULL);
    tw_config c = made("stop.max_time=1.5m", NULL);
    ck_assert_uint_eq(tw_config_changes(&b, &c, sizeof text, text), 0);
    ck_assert_str_eq(text, "");
    tw_config_release(&c);
    tw_config_release(&b);
    tw_config_release(&a);
}
END_TEST

/* Each fit of a path begins where the one before stopped. */
START_TEST(with_a_path_of_penalties_only_the_time_of_stop_is_free)
{
    size_t count, tried = 0;
    const tw_option *options = tw_config_options(&count);
    for (size_t i = 0; i < count; i++) {
        char assignment[160], text[256];
        if (!free_by_the_page(options[i].key) || !other_value(&options[i], assignment, sizeof assignment))
            continue;
        tw_config a = made("model.path.count=20", NULL), b = made("model.path.count=20", assignment);
        const bool must =
            strncmp(options[i].key, "stop.", 5) == 0 && strcmp(options[i].key, "stop.max_time") != 0;
        ck_assert_msg(tw_config_differences(&a, &b, sizeof text, text) == must, "%s", assignment);
        ck_assert_uint_eq(tw_config_changes(&a, &b, sizeof text, text), !must);
        tw_config_release(&b);
        tw_config_release(&a);
        tried++;
    }
    ck_assert_uint_ge(tried, 15);
}
END_TEST

START_TEST(a_short_text_holds_whole_items_and_the_number_of_the_others)
{
    tw_config a = made("stop.patience=5", "stop.max_time=1"), b = made("stop.patience=6", "seed=3");
    tw_config_set(&b, "step.length=0.25");
    tw_config_set(&b, "model.type=softmax");
    char whole[512], text[512];
    ck_assert_uint_eq(tw_config_differences(&a, &b, sizeof whole, whole), 3);
    for (size_t length = 1; length < sizeof text; length++) {
        memset(text, '#', sizeof text);
        ck_assert_uint_eq(tw_config_differences(&a, &b, length, text), 3);
        const char *end = memchr(text, 0, length), *more = end ? strstr(text, "  and ") : NULL;
        ck_assert_msg(end != NULL && text[length] == '#', "%zu", length);
        const size_t kept = (size_t)((more ? more : end) - text);
        if (length < 32) continue; /* not even the number need fit */
        ck_assert(strncmp(text, whole, kept) == 0 && (kept == 0 || text[kept - 1] == '\n'));
        size_t lines = 0;
        for (const char *s = text; *s; s++) lines += *s == '\n';
        if (more) ck_assert_uint_eq(lines - 1 + strtoul(more + 6, NULL, 10), 3);
        if (!more) ck_assert_str_eq(text, whole);
    }
    ck_assert_uint_eq(tw_config_changes(&a, &b, 40, text), 2);
    ck_assert_str_eq(text, "2 more");
    ck_assert_uint_eq(tw_config_changes(&a, &b, 60, text), 2);
    ck_assert_str_eq(text, "stop.patience 5 -> 6, 1 more");
    tw_config_release(&b);
    tw_config_release(&a);
}
END_TEST

/* The resolver's own defaults: only a cosine changes with the limit of the run. */
START_TEST(a_raised_limit_is_a_difference_only_where_the_schedule_depends_on_it)
{
    static const struct {
        const char *yaml;
        size_t differences;
    } cases[] = {{"optimizer: {type: lbfgs}\n", 0},
                 {"optimizer: {type: gd}\nstep: {rule: exponential, length: 0.1}\n", 0},
                 {"optimizer: {type: gd}\nstep: {rule: cosine, period: 50}\n", 0},
                 {"optimizer: {type: gd}\nstep: {rule: cosine}\n", 1}};
    char path[] = "/tmp/thalweg-compare-XXXXXX", text[256];
    const int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    tw_dataset_start();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tw_comm *comm;
        tw_run runs[2];
        char limits[2][32] = {"stop.max_iterations=100", "stop.max_iterations=200"};
        FILE *file = fopen(path, "w");
        fprintf(file, "data: {train: %s/tests/truth/binary.h5}\nmodel: {type: logistic}\n%s", TEST_SOURCE_DIR,
                cases[i].yaml);
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_int_eq(tw_comm_local(&comm), TW_OK);
        for (int k = 0; k < 2; k++) {
            char *sets[] = {limits[k]}, out[64];
            snprintf(out, sizeof out, "%s.run", path);
            tw_run_init(&runs[k], comm);
            runs[k].log.quiet = true;
            ck_assert_msg(tw_run_configure(&runs[k], path, 1, sets, out) == TW_OK, "%s", tw_status_message());
        }
        tw_config stored = stored_copy(&runs[0].config);
        const tw_config *given = &runs[1].config;
        ck_assert_uint_eq(tw_config_differences(&stored, given, sizeof text, text), cases[i].differences);
        ck_assert_str_eq(text, cases[i].differences ? "  step.period: 100 in the checkpoint, 200 now\n" : "");
        ck_assert_uint_eq(tw_config_changes(&stored, given, sizeof text, text), 1);
        ck_assert_str_eq(text, "stop.max_iterations 100 -> 200");
        tw_config_release(&stored);
        for (int k = 0; k < 2; k++) tw_run_release(&runs[k]);
        tw_comm_release(comm);
    }
    remove(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config compare");
    TCase *tcase = tcase_create("config compare");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, each_key_alone_is_a_difference_or_a_change_as_the_table_says);
    tcase_add_test(tcase, values_are_told_as_the_resolved_copy_has_them);
    tcase_add_test(tcase, changes_stand_in_one_line);
    tcase_add_test(tcase, with_a_path_of_penalties_only_the_time_of_stop_is_free);
    tcase_add_test(tcase, a_short_text_holds_whole_items_and_the_number_of_the_others);
    tcase_add_test(tcase, a_raised_limit_is_a_difference_only_where_the_schedule_depends_on_it);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
