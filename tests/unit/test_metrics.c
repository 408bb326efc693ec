/* Metrics against scikit-learn's on stored cases (tests/truth/metrics.json), to 1e-12. */
#include "metrics_cases.h"
#include "train/metrics_impl.h"

static json_t *cases;

static void compute(const json_t *c, const char *model, tw_metrics *metrics)
{
    tw_comm *comm;
    ck_assert_int_eq(tw_comm_local(&comm), TW_OK);
    ck_assert_int_eq(case_compute(c, model, comm, 1, metrics), TW_OK);
    tw_comm_release(comm);
}

static void equals(const char *what, const json_t *want, double got)
{
    ck_assert_msg(want != NULL, "there is no %s", what);
    if (json_is_null(want)) {
        ck_assert_msg(isnan(got), "%s is %.17g, not undefined", what, got);
        return;
    }
    const double w = json_number_value(want);
    ck_assert_msg(fabs(got - w) <= 1e-12 * fmax(1, fabs(w)), "%s is %.17g, not %.17g", what, got, w);
}

static void agrees(const json_t *c, const char *key, double got)
{
    char what[200];
    snprintf(what, sizeof what, "%s of %s", key, json_string_value(json_object_get(c, "name")));
    equals(what, json_object_get(c, key), got);
}

static void classes_agree(const json_t *c, const tw_metrics *m)
{
    size_t n;
    double *want = case_numbers(json_object_get(c, "confusion"), &n);
    const json_t *class = json_object_get(c, "class");
    ck_assert_uint_eq(n, m->classes * m->classes);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(fabs(m->confusion[i] - want[i]) <= 1e-12 * want[i], "confusion %zu of %s: %.17g, %.17g",
                      i, json_string_value(json_object_get(c, "name")), m->confusion[i], want[i]);
    free(want);
    for (size_t k = 0; k < m->classes; k++) {
        equals("precision", json_array_get(json_object_get(class, "precision"), k), m->each[k].precision);
        equals("recall", json_array_get(json_object_get(class, "recall"), k), m->each[k].recall);
        equals("f1", json_array_get(json_object_get(class, "f1"), k), m->each[k].f1);
        equals("support", json_array_get(json_object_get(class, "support"), k), m->each[k].support);
    }
}

static void class_case(const json_t *c, const char *model, bool rated)
{
    tw_metrics m;
    compute(c, model, &m);
    agrees(c, "accuracy", m.accuracy);
    agrees(c, "balanced_accuracy", m.balanced_accuracy);
    agrees(c, "f1_macro_present", m.f1_macro);
    agrees(c, "f1_weighted", m.f1_weighted);
    classes_agree(c, &m);
    if (json_object_get(c, "roc_auc")) agrees(c, "roc_auc", m.roc_auc);
    if (rated) {
        agrees(c, "log_loss", m.log_loss);
        if (json_object_get(c, "brier"))
            agrees(c, "brier", m.brier);
        else
            ck_assert(isnan(m.brier));
    } else {
        ck_assert(isnan(m.log_loss) && isnan(m.brier));
    }
    tw_metrics_release(&m);
}

START_TEST(binary_metrics_are_those_of_scikit_learn)
{
    class_case(json_array_get(json_object_get(cases, "binary"), (size_t)_i), "logistic", true);
}
END_TEST

START_TEST(multiclass_metrics_are_those_of_scikit_learn)
{
    class_case(json_array_get(json_object_get(cases, "multiclass"), (size_t)_i), "softmax", true);
}
END_TEST

START_TEST(a_classifier_without_probabilities_has_every_metric_but_log_loss_and_brier)
{
    class_case(json_array_get(json_object_get(cases, "binary"), (size_t)_i), "squared_hinge", false);
}
END_TEST

START_TEST(regression_metrics_are_those_of_scikit_learn)
{
    const json_t *c = json_array_get(json_object_get(cases, "regression"), (size_t)_i);
    tw_metrics metrics;
    compute(c, "linear", &metrics);
    agrees(c, "r2", metrics.r2);
    agrees(c, "rmse", metrics.rmse);
    agrees(c, "mae", metrics.mae);
    tw_metrics_release(&metrics);
}
END_TEST

START_TEST(poisson_metrics_are_those_of_scikit_learn_on_the_response)
{
    const json_t *c = json_array_get(json_object_get(cases, "poisson"), (size_t)_i);
    tw_metrics metrics;
    compute(c, "poisson", &metrics);
    agrees(c, "r2", metrics.r2);
    agrees(c, "rmse", metrics.rmse);
    agrees(c, "mae", metrics.mae);
    agrees(c, "deviance", metrics.deviance);
    tw_metrics_release(&metrics);
    compute(c, "huber", &metrics); /* which predicts the margin */
    ck_assert(isnan(metrics.deviance));
    ck_assert_double_gt(fabs(metrics.mae - json_number_value(json_object_get(c, "mae"))), 1e-3);
    tw_metrics_release(&metrics);
}
END_TEST

/* ---- by hand ---- */

typedef struct {
    size_t rows;
    const double *y, *z, *weight;
} rows_of_two;

static tw_status of_two(const rows_of_two *r, int threads, tw_metrics *metrics)
{
    double *x = calloc(r->rows + 1, sizeof *x), *y = malloc(r->rows * sizeof *y), *w = NULL;
    tw_comm *comm;
    tw_partition partition;
    tw_model model;
    memcpy(y, r->y, r->rows * sizeof *y);
    if (r->weight) {
        w = malloc(r->rows * sizeof *w);
        memcpy(w, r->weight, r->rows * sizeof *w);
    }
    tw_shard shard = {.type = TW_f64, .x = x, .rows = r->rows, .cols = 1, .y = y, .weight = w};
    ck_assert_int_eq(tw_comm_local(&comm), TW_OK);
    ck_assert_int_eq(tw_partition_init(&partition, (int64_t)r->rows, 0, 1), TW_OK);
    ck_assert_int_eq(tw_model_init(&model, tw_model_find("logistic"), 1, 2, true), TW_OK);
    const tw_metrics_input input = {comm, &partition, &model, &shard, NULL, r->z, threads};
    const tw_status status = tw_metrics_compute(metrics, &input);
    tw_model_release(&model);
    tw_partition_release(&partition);
    tw_comm_release(comm);
    free(x);
    free(y);
    free(w);
    return status;
}

START_TEST(auc_counts_ties_as_one_half_and_weights_as_rows)
{
    /* positives: 1 (tied with one negative), 2 three times; negatives: 1, 0 twice */
    const double y[] = {0, 1, 1, 0}, z[] = {1, 1, 2, 0}, weight[] = {1, 1, 3, 2};
    tw_metrics m;
    ck_assert_int_eq(of_two(&(rows_of_two){4, y, z, weight}, 1, &m), TW_OK);
    ck_assert_double_eq(m.roc_auc, (0.5 + 2 + 3 * 3) / (4. * 3.));
    tw_metrics_release(&m);
}
END_TEST

START_TEST(minus_zero_is_tied_with_zero_and_infinite_scores_have_their_place)
{
    const double y[] = {0, 1, 1, 0}, z[] = {0.0, -0.0, INFINITY, -INFINITY};
    tw_metrics m;
    ck_assert_int_eq(of_two(&(rows_of_two){4, y, z, NULL}, 1, &m), TW_OK);
    ck_assert_double_eq(m.roc_auc, 3.5 / 4);
    tw_metrics_release(&m);
}
END_TEST

START_TEST(a_score_that_is_not_a_number_leaves_no_auc)
{
    const double y[] = {0, 1, 1}, z[] = {0, NAN, 2}, weight[] = {1, 0, 1};
    tw_metrics m;
    ck_assert_int_eq(of_two(&(rows_of_two){3, y, z, NULL}, 1, &m), TW_OK);
    ck_assert(isnan(m.roc_auc));
    tw_metrics_release(&m);
    ck_assert_int_eq(of_two(&(rows_of_two){3, y, z, weight}, 1, &m), TW_OK); /* takes no part */
    ck_assert_double_eq(m.roc_auc, 1);
    ck_assert_double_eq(m.rows, 2);
    tw_metrics_release(&m);
}
END_TEST

START_TEST(weights_that_are_all_zero_are_refused)
{
    const double y[] = {0, 1}, z[] = {1, 2}, weight[] = {0, 0};
    tw_metrics m;
    ck_assert_int_eq(of_two(&(rows_of_two){2, y, z, weight}, 1, &m), TW_DATA);
    tw_metrics_release(&m);
}
END_TEST

/* Sums that doubles lose: 1 beside 2^60 rows' worth of weight. */
START_TEST(small_weights_beside_large_ones_are_not_lost)
{
    const double y[] = {0, 1, 1, 0}, z[] = {-1, 1, -1, 1}, weight[] = {0x1p60, 0x1p60, 1, 3};
    tw_metrics m;
    ck_assert_int_eq(of_two(&(rows_of_two){4, y, z, weight}, 1, &m), TW_OK);
    ck_assert_double_eq(m.confusion[1], 3);
    ck_assert_double_eq(m.confusion[2], 1);
    ck_assert_double_eq(m.each[0].precision, 1); /* 2^60 / (2^60 + 1), rounded once */
    tw_metrics_release(&m);
}
END_TEST

/* Both classes against all pairs, with many distinct scores and few. */
START_TEST(auc_is_the_share_of_ordered_pairs)
{
    enum { ROWS = 3000 };
    static double y[ROWS], z[ROWS], weight[ROWS];
    test_seed(5 + (uint64_t)_i);
    const double step = _i % 2 ? 0.25 : 1e-9, rare = _i / 2 ? 0.9 : -0.8;
    for (size_t i = 0; i < ROWS; i++) {
        y[i] = test_uniform() > rare;
        z[i] = floor((test_uniform() * 3 + y[i]) / step) * step;
        weight[i] = (double)(test_bits() % 8);
    }
    double good = 0, all = 0;
    for (size_t i = 0; i < ROWS; i++)
        for (size_t j = 0; j < ROWS; j++) {
            if (!(y[i] > 0) || y[j] > 0) continue;
            good += weight[i] * weight[j] * (z[i] > z[j] ? 2 : z[i] == z[j]);
            all += weight[i] * weight[j] * 2;
        }
    tw_metrics m;
    ck_assert_int_eq(of_two(&(rows_of_two){ROWS, y, z, weight}, 1, &m), TW_OK);
    ck_assert_double_eq(m.roc_auc, good / all);
    tw_metrics_release(&m);
}
END_TEST

/* More distinct scores than a piece holds; the threads have runs of their own. */
START_TEST(threads_change_no_bit)
{
    enum { ROWS = 100000 };
    static double y[ROWS], z[ROWS], weight[ROWS];
    double one[CASE_NUMBERS], several[CASE_NUMBERS];
    test_seed(3);
    for (size_t i = 0; i < ROWS; i++) {
        y[i] = test_uniform() > 0;
        z[i] = 4 * test_uniform() + y[i];
        weight[i] = 1 + test_uniform();
    }
    tw_metrics m;
    const rows_of_two rows = {ROWS, y, z, _i ? weight : NULL};
    ck_assert_int_eq(of_two(&rows, 1, &m), TW_OK);
    case_flatten(&m, one);
    tw_metrics_release(&m);
    ck_assert_double_gt(one[6], 0.5);
    for (int threads = 2; threads <= 5; threads++) {
        ck_assert_int_eq(of_two(&rows, threads, &m), TW_OK);
        case_flatten(&m, several);
        ck_assert_msg(same_bits(CASE_NUMBERS, one, several), "%d threads", threads);
        tw_metrics_release(&m);
    }
}
END_TEST

/* ---- the sort ---- */

enum { KEYS = 20000, PATTERNS = 8 };

static uint64_t pattern_key(int pattern, size_t i)
{
    switch (pattern) {
    case 0: return test_bits();
    case 1: return i;
    case 2: return KEYS - i;
    case 3: return 7;
    case 4: return i < KEYS / 2 ? i : KEYS - i; /* an organ pipe */
    case 5: return test_bits() % 3 ? UINT64_MAX : test_bits() % 5;
    case 6: return tw_score_key(test_uniform() * 1e-300 + (double)(test_bits() % 2));
    default: return i % 100;
    }
}

static int by_key(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* A weight tells which key it came with. */
static void sorts(void (*sort)(uint64_t *, double *, size_t, bool), int pattern, size_t n)
{
    uint64_t *first = malloc((n + 1) * sizeof *first), *keys = malloc((n + 1) * sizeof *keys),
             *alone = malloc((n + 1) * sizeof *alone);
    double *weights = malloc((n + 1) * sizeof *weights);
    char *seen = calloc(n + 1, 1);
    for (size_t i = 0; i < n; i++) {
        first[i] = keys[i] = alone[i] = pattern_key(pattern, i);
        weights[i] = (double)i;
    }
    sort(keys, weights, n, false);
    sort(alone, NULL, n, true);
    for (size_t i = 0; i < n; i++) {
        const size_t from = (size_t)weights[i];
        ck_assert(first[from] == keys[i] && !seen[from]);
        seen[from] = 1;
    }
    qsort(first, n, sizeof *first, by_key);
    ck_assert_mem_eq(first, keys, n * sizeof *keys);
    ck_assert_mem_eq(first, alone, n * sizeof *keys);
    free(first);
    free(keys);
    free(alone);
    free(weights);
    free(seen);
}

START_TEST(keys_are_sorted_and_weights_stay_with_them)
{
    test_seed(11);
    const size_t sizes[] = {0, 1, 2, 24, 25, 49, 1000, KEYS};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        sorts(tw_score_sort, _i, sizes[i]);
        sorts(tw_score_radix_sort, _i, sizes[i]);
    }
}
END_TEST

START_TEST(keys_ascend_as_scores_do)
{
    const double scores[] = {-INFINITY, -1e300, -1, -0x1p-1074, 0, 0x1p-1074, 1, 1e300, INFINITY};
    for (size_t i = 1; i < sizeof scores / sizeof *scores; i++)
        ck_assert(tw_score_key(scores[i - 1]) < tw_score_key(scores[i]));
    ck_assert(tw_score_key(-0.0) == tw_score_key(0.0));
}
END_TEST

/* ---- whole numbers ---- */

START_TEST(wide_products_and_their_doubles_are_exact)
{
    const tw_u128 a = ((tw_u128)0x123456789abcdef0 << 64) | 0xfedcba9876543210,
                  b = ((tw_u128)0x0fffffffffffffff << 64) | 0xffffffffffffffff;
    tw_u256 p = tw_u256_product(a, b); /* a 2^124 - a */
    tw_u256 high = {{0, (uint64_t)(a << 60), (uint64_t)(a >> 4), (uint64_t)(a >> 68)}};
    const tw_u256 low = {{(uint64_t)a, (uint64_t)(a >> 64), 0, 0}};
    tw_u256_subtract(&high, &low);
    ck_assert_mem_eq(&p, &high, sizeof p);
    tw_u256_add(&p, &low);
    ck_assert_double_eq(tw_u256_double(&p), ldexp((double)a, 124));
    /* a half that is broken by the last bit of all */
    const tw_u256 even = {{0, 0, 0, (uint64_t)1 << 63 | 1 << 10}},
                  odd = {{1, 0, 0, (uint64_t)1 << 63 | 1 << 10}};
    ck_assert_double_eq(tw_u256_double(&even), 0x1p255);
    ck_assert_double_eq(tw_u256_double(&odd), 0x1.0000000000001p255);
    const tw_u256 small = {{3, 0, 0, 0}}, zero = {{0}};
    ck_assert_double_eq(tw_u256_double(&small), 3);
    ck_assert_double_eq(tw_u256_double(&zero), 0);
}
END_TEST

START_TEST(weights_are_whole_numbers_of_units)
{
    const double weights[] = {1, 0.1, 1e-9, 3.5, 0x1p-1074, 0};
    const int shift = tw_exact_shift(3.5, 1000);
    ck_assert_int_eq(shift, 126 - 10 - 2);
    for (size_t i = 0; i < 4; i++)
        ck_assert_double_eq(tw_exact_weight(tw_exact_units(weights[i], shift), shift), weights[i]);
    ck_assert(tw_exact_units(weights[4], shift) == 0 && tw_exact_units(0, shift) == 0);
    ck_assert(tw_exact_units(0x1p-1074, tw_exact_shift(0x1p-1074, 1)) == (tw_u128)1 << 124);
}
END_TEST

static int count(const char *kind)
{
    return (int)json_array_size(json_object_get(cases, kind));
}

int main(void)
{
    cases = json_load_file(TEST_SOURCE_DIR "/tests/truth/metrics.json", 0, NULL);
    if (!cases) return 1;
    Suite *suite = suite_create("metrics");
    TCase *tc = tcase_create("truth");
    tcase_add_loop_test(tc, binary_metrics_are_those_of_scikit_learn, 0, count("binary"));
    tcase_add_loop_test(tc, multiclass_metrics_are_those_of_scikit_learn, 0, count("multiclass"));
    tcase_add_loop_test(tc, a_classifier_without_probabilities_has_every_metric_but_log_loss_and_brier, 0,
                        count("binary"));
    tcase_add_loop_test(tc, regression_metrics_are_those_of_scikit_learn, 0, count("regression"));
    tcase_add_loop_test(tc, poisson_metrics_are_those_of_scikit_learn_on_the_response, 0, count("poisson"));
    suite_add_tcase(suite, tc);
    tc = tcase_create("by hand");
    tcase_add_test(tc, auc_counts_ties_as_one_half_and_weights_as_rows);
    tcase_add_test(tc, minus_zero_is_tied_with_zero_and_infinite_scores_have_their_place);
    tcase_add_test(tc, a_score_that_is_not_a_number_leaves_no_auc);
    tcase_add_test(tc, weights_that_are_all_zero_are_refused);
    tcase_add_test(tc, small_weights_beside_large_ones_are_not_lost);
    tcase_add_loop_test(tc, auc_is_the_share_of_ordered_pairs, 0, 4);
    tcase_add_loop_test(tc, threads_change_no_bit, 0, 2);
    suite_add_tcase(suite, tc);
    tc = tcase_create("parts");
    tcase_add_loop_test(tc, keys_are_sorted_and_weights_stay_with_them, 0, PATTERNS);
    tcase_add_test(tc, keys_ascend_as_scores_do);
    tcase_add_test(tc, wide_products_and_their_doubles_are_exact);
    tcase_add_test(tc, weights_are_whole_numbers_of_units);
    suite_add_tcase(suite, tc);
    const int failed = test_run(suite);
    json_decref(cases);
    return failed;
}
