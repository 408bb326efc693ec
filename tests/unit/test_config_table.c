/* test_config_table.c -- over every row of the table of keys, so that a new row cannot escape. */
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

static tw_status judge_number(const char *key, double value)
{
    char text[64], assignment[160];
    tw_config c;
    tw_status status;
    snprintf(text, sizeof text, "%.17g", value);
    assign(assignment, sizeof assignment, key, text);
    with_override(&c, assignment, &status);
    tw_config_release(&c);
    return status;
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

static bool inside(const tw_option *row, const char *section)
{
    const size_t length = strlen(section);
    return strncmp(row->key, section, length) == 0 && row->key[length] == '.';
}

START_TEST(every_row_has_a_help_a_place_and_a_unique_key)
{
    size_t count;
    const tw_option *options = tw_config_options(&count);
    const char *section = "", *top = "";
    ck_assert_uint_gt(count, 60);
    for (size_t i = 0; i < count; i++) {
        const tw_option *row = &options[i];
        ck_assert_msg(row->help && strlen(row->help) > 5, "%s", row->key);
        ck_assert_ptr_null(strpbrk(row->help, "|\n"));
        const char *dot = strrchr(row->key, '.');
        if (row->type == TW_OPTION_SECTION) {
            ck_assert(dot == NULL || inside(row, top)); /* a section inside a section follows its parent */
            if (dot == NULL) top = row->key;
            section = row->key;
        } else if (section[0]) {
            ck_assert_msg(dot && strlen(section) == (size_t)(dot - row->key), "%s", row->key);
            ck_assert(inside(row, section));
        }
        for (size_t j = 0; j < i; j++) {
            ck_assert_str_ne(options[j].key, row->key);
            if (row->type != TW_OPTION_SECTION && options[j].type != TW_OPTION_SECTION)
                ck_assert_uint_ne(options[j].offset, row->offset);
        }
    }
}
END_TEST

START_TEST(every_default_is_a_valid_value_of_its_own_key)
{
    size_t count;
    const tw_option *options = tw_config_options(&count);
    for (size_t i = 0; i < count; i++) {
        if (options[i].initial == NULL) continue;
        char assignment[160];
        tw_config plain, set;
        tw_status status;
        assign(assignment, sizeof assignment, options[i].key, options[i].initial);
        with_override(&plain, NULL, &status);
        ck_assert_int_eq(status, TW_OK);
        with_override(&set, assignment, &status);
        ck_assert_msg(status == TW_OK, "%s", tw_status_message());
        assert_same(&plain, &set);
        ck_assert(!tw_config_is_set(&plain, options[i].key));
        ck_assert(tw_config_is_set(&set, options[i].key));
        tw_config_release(&plain);
        tw_config_release(&set);
    }
}
END_TEST

START_TEST(every_bound_of_the_table_is_exact)
{
    size_t count, tried = 0;
    const tw_option *options = tw_config_options(&count);
    for (size_t i = 0; i < count; i++) {
        const tw_option *row = &options[i];
        const bool whole = row->type == TW_OPTION_INTEGER;
        if (!whole && row->type != TW_OPTION_REAL && row->type != TW_OPTION_DURATION) continue;
        const double low = row->minimum, high = row->maximum;
        if (isfinite(low)) {
            const double below = whole ? low - 1 : low == 0 ? -DBL_MIN : nextafter(low, -INFINITY);
            const double above = whole ? low : low == 0 ? DBL_MIN : nextafter(low, INFINITY);
            ck_assert_msg(judge_number(row->key, below) == TW_CONFIG, "%s", row->key);
            ck_assert_msg(judge_number(row->key, above) == TW_OK, "%s", row->key);
            ck_assert_int_eq(judge_number(row->key, low), row->flags & TW_OPTION_ABOVE ? TW_CONFIG : TW_OK);
            tried++;
        }
        if (isfinite(high)) {
            const double below = whole ? high : nextafter(high, -INFINITY);
            const double above = whole ? high + 1 : nextafter(high, INFINITY);
            ck_assert_msg(judge_number(row->key, below) == TW_OK, "%s", row->key);
            ck_assert_msg(judge_number(row->key, above) == TW_CONFIG, "%s", row->key);
            ck_assert_int_eq(judge_number(row->key, high), row->flags & TW_OPTION_BELOW ? TW_CONFIG : TW_OK);
            tried++;
        }
    }
    ck_assert_uint_ge(tried, 60);
}
END_TEST

START_TEST(the_bounds_are_those_of_the_documentation)
{
    static const struct {
        const char *key;
        double low, high;
        unsigned flags;
    } cases[] = {
        {"optimizer.momentum", 0, 1, TW_OPTION_BELOW},
        {"step.c1", 0, 0.5, TW_OPTION_ABOVE | TW_OPTION_BELOW},
        {"step.shrink", 0, 1, TW_OPTION_ABOVE | TW_OPTION_BELOW},
        {"step.length", 0, INFINITY, TW_OPTION_ABOVE},
        {"step.tau", 0, INFINITY, TW_OPTION_ABOVE},
        {"stop.max_iterations", 0, 1e12, 0},
        {"stop.divergence_factor", 1, INFINITY, TW_OPTION_ABOVE},
        {"reduction.groups", 1, 65536, TW_OPTION_POWER_OF_TWO},
        {"model.l2", 0, INFINITY, 0},
        {"data.validation.fraction", 0, 1, TW_OPTION_ABOVE | TW_OPTION_BELOW},
        {"data.validation.tail", 0, INFINITY, TW_OPTION_ABOVE},
        {"model.l1", 0, INFINITY, 0},
        {"model.delta", 0, INFINITY, TW_OPTION_ABOVE},
        {"model.path.count", 2, 10000, 0},
        {"model.path.min_ratio", 0, 1, TW_OPTION_ABOVE | TW_OPTION_BELOW},
        {"model.folds", 2, 1e6, 0},
        {"optimizer.batch", 1, INFINITY, 0},
        {"optimizer.beta1", 0, 1, TW_OPTION_BELOW},
        {"optimizer.beta2", 0, 1, TW_OPTION_BELOW},
        {"optimizer.epsilon", 0, INFINITY, TW_OPTION_ABOVE},
        {"optimizer.smoothing", 0, 1, TW_OPTION_BELOW},
        {"optimizer.weight_decay", 0, INFINITY, 0},
        {"optimizer.max_inner", 1, INFINITY, 0},
        {"step.decay", 0, 1, TW_OPTION_ABOVE},
        {"step.every", 1, INFINITY, 0},
        {"step.warmup", 0, INFINITY, 0},
        {"step.period", 0, INFINITY, TW_OPTION_ABOVE},
        {"step.c2", 0, 1, TW_OPTION_ABOVE | TW_OPTION_BELOW},
        {"step.c", 0, 0.5, TW_OPTION_ABOVE | TW_OPTION_BELOW},
        {"stop.max_epochs", 0, 1e12, 0},
        {"stop.validation_patience", 1, INFINITY, 0},
    };
    size_t count;
    const tw_option *options = tw_config_options(&count);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        size_t i = 0;
        while (i < count && strcmp(options[i].key, cases[k].key) != 0) i++;
        ck_assert_uint_lt(i, count);
        ck_assert(options[i].minimum == cases[k].low && options[i].maximum == cases[k].high);
        ck_assert_uint_eq(options[i].flags & ~(unsigned)TW_OPTION_FREE, cases[k].flags);
    }
}
END_TEST

START_TEST(each_choice_of_the_table_gives_its_index)
{
    size_t count, tried = 0;
    const tw_option *options = tw_config_options(&count);
    for (size_t i = 0; i < count; i++) {
        for (int k = 0; options[i].choices && options[i].choices[k]; k++, tried++) {
            char assignment[160];
            tw_config c;
            tw_status status;
            int value;
            if (options[i].type == TW_OPTION_INTEGER || options[i].type == TW_OPTION_MAP) continue;
            assign(assignment, sizeof assignment, options[i].key, options[i].choices[k]);
            with_override(&c, assignment, &status);
            memcpy(&value, field(&c, &options[i]), sizeof value);
            ck_assert_int_eq(status, TW_OK);
            ck_assert_int_eq(value, k);
            tw_config_release(&c);
        }
    }
    ck_assert_uint_ge(tried, 12);
}
END_TEST

START_TEST(the_word_of_a_whole_number_stands_for_zero)
{
    static const struct {
        const char *assignment;
        tw_status status;
        int64_t value;
    } cases[] = {
        {"optimizer.batch=full", TW_OK, 0},     {"optimizer.batch=1", TW_OK, 1},
        {"optimizer.batch=1e3", TW_OK, 1000},   {"optimizer.batch=9223372036854775807", TW_OK, INT64_MAX},
        {"optimizer.batch=0", TW_CONFIG, 5},    {"optimizer.batch=-1", TW_CONFIG, 5},
        {"optimizer.batch=1.5", TW_CONFIG, 5},  {"optimizer.batch=Full", TW_CONFIG, 5},
        {"optimizer.batch=null", TW_CONFIG, 5}, {"step.every=full", TW_CONFIG, 5}};
    size_t count, rows = 0;
    const tw_option *options = tw_config_options(&count);
    for (size_t i = 0; i < count; i++) {
        if (options[i].type != TW_OPTION_INTEGER || options[i].choices == NULL) continue;
        ck_assert(options[i].minimum >= 1 && options[i].choices[0] && options[i].choices[1] == NULL);
        rows++;
    }
    ck_assert_uint_eq(rows, 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tw_config c;
        tw_status status;
        with_override(&c, "optimizer.batch=5", &status);
        tw_config_set(&c, cases[i].assignment);
        ck_assert_msg(tw_config_verdict(&c) == cases[i].status, "%s", cases[i].assignment);
        ck_assert_msg(c.optimizer.batch == cases[i].value, "%s", cases[i].assignment);
        tw_config_release(&c);
    }
}
END_TEST

START_TEST(choices_are_in_the_order_of_their_enumerators)
{
    static const char text[] = "data.train: a\nmodel.type: b\ndata.scaling: minmax\nmodel.init: uniform\n"
                               "stop.require: all\nreduction.mode: reproducible\noptimizer.batch: full\n";
    tw_config c;
    tw_config_init(&c);
    ck_assert_int_eq(c.data.scaling, TW_CONFIG_SCALING_NONE);
    tw_config_parse(&c, "c.yaml", text, strlen(text));
    ck_assert_int_eq(tw_config_verdict(&c), TW_OK);
    ck_assert_int_eq(c.data.scaling, TW_CONFIG_SCALING_MINMAX);
    ck_assert_int_eq(c.model.init, TW_CONFIG_START_UNIFORM);
    ck_assert_int_eq(c.stop.require, TW_CONFIG_REQUIRE_ALL);
    ck_assert_int_eq(c.reduction.mode, TW_CONFIG_MODE_REPRODUCIBLE);
    ck_assert_int_eq(c.optimizer.batch, 0);
    tw_config_set(&c, "data.scaling=standardize");
    tw_config_set(&c, "model.init=constant");
    ck_assert_int_eq(c.data.scaling, TW_CONFIG_SCALING_STANDARDIZE);
    ck_assert_int_eq(c.model.init, TW_CONFIG_START_CONSTANT);
    tw_config_set(&c, "model.init=normal");
    ck_assert_int_eq(c.model.init, TW_CONFIG_START_NORMAL);
    tw_config_release(&c);
}
END_TEST

START_TEST(the_defaults_are_those_of_the_documentation)
{
    tw_config c;
    tw_config_init(&c);
    ck_assert_int_eq(c.version, 1);
    ck_assert_int_eq(c.seed, 0);
    ck_assert_ptr_null(c.data.train);
    ck_assert_ptr_null(c.model.type);
    ck_assert(c.model.intercept && c.model.l2 == 0 && c.model.init_scale == 1);
    ck_assert_str_eq(c.optimizer.type, "lbfgs");
    ck_assert(c.optimizer.momentum == 0.9 && c.optimizer.memory == 10);
    ck_assert_int_eq(c.optimizer.batch, 0);
    ck_assert(c.optimizer.beta1 == 0.9 && c.optimizer.beta2 == 0.999 && c.optimizer.smoothing == 0.99);
    ck_assert(isnan(c.optimizer.epsilon) && c.optimizer.weight_decay == 0.01 && c.optimizer.max_inner == 0);
    ck_assert(c.optimizer.acceleration && c.optimizer.restart);
    ck_assert(isnan(c.data.validation.fraction) && isnan(c.data.validation.tail));
    ck_assert_ptr_null(c.data.validation.file);
    ck_assert_ptr_null(c.model.class_weight);
    ck_assert_ptr_null(c.model.start);
    ck_assert(c.model.l1 == 0 && c.model.delta == 1 && c.model.folds == 0);
    ck_assert(c.model.path.count == 0 && c.model.path.min_ratio == 1e-3);
    ck_assert_ptr_null(c.step.rule);
    ck_assert(isnan(c.step.decay) && c.step.every == 10 && c.step.warmup == 0 && isnan(c.step.period));
    ck_assert(isnan(c.step.c2) && c.step.c == 0.25);
    ck_assert(c.stop.max_epochs == 100 && c.stop.validation_patience == 0);
    ck_assert(isnan(c.step.length) && c.step.tau == 1 && c.step.c1 == 1e-4 && c.step.shrink == 0.5);
    ck_assert_int_eq(c.step.max_trials, 50);
    ck_assert(isnan(c.stop.gradient_norm) && isnan(c.stop.gradient_norm_relative));
    ck_assert(isnan(c.stop.loss_delta) && isnan(c.stop.loss_delta_relative) && isnan(c.stop.max_time));
    ck_assert(c.stop.patience == 1 && c.stop.max_iterations == 10000 && c.stop.divergence_factor == 1e4);
    ck_assert_int_eq(c.reduction.mode, TW_CONFIG_MODE_ALLREDUCE);
    ck_assert(c.reduction.groups == 0 && c.output.log_every == 0);
    ck_assert_ptr_null(c.output.dir);
    tw_config_release(&c);
    ck_assert_ptr_null(c.record);
    tw_config_release(&c);
    tw_config_release(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config table");
    TCase *tcase = tcase_create("config table");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, every_row_has_a_help_a_place_and_a_unique_key);
    tcase_add_test(tcase, every_default_is_a_valid_value_of_its_own_key);
    tcase_add_test(tcase, every_bound_of_the_table_is_exact);
    tcase_add_test(tcase, the_bounds_are_those_of_the_documentation);
    tcase_add_test(tcase, each_choice_of_the_table_gives_its_index);
    tcase_add_test(tcase, the_word_of_a_whole_number_stands_for_zero);
    tcase_add_test(tcase, choices_are_in_the_order_of_their_enumerators);
    tcase_add_test(tcase, the_defaults_are_those_of_the_documentation);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
