/* test_generate.c -- generated data have the statistics that generate.h promises, and the same bytes for
 * ever.
 *
 * Bounds are five standard errors of what is measured: with fixed seeds a test passes always or never. */
#include "thalweg/generate.h"

#include "thalweg/vec.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const tw_generate linear = {
    .type = TW_f64, .rows = 1, .features = 1, .noise = 0.1, .condition = 1, .seed = 7};

/* All rows of a data set, widened to double. */
typedef struct {
    tw_generator g;
    size_t m, n;
    double *x, *y; /* [m][n], [m] */
} sample;

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    ck_assert_ptr_nonnull(memory);
    return memory;
}

static sample make(tw_generate set)
{
    sample s = {.m = (size_t)set.rows, .n = (size_t)set.features};
    ck_assert_msg(tw_generator_init(&s.g, &set) == TW_OK, "%s", tw_status_message());
    const size_t label = tw_generator_label_size(&s.g), width = tw_dtype_size(set.type);
    void *x = allocate(s.m * s.n, width), *y = allocate(s.m, label);
    tw_generator_rows(&s.g, 0, s.m, x, y);
    s.x = allocate(s.m * s.n, sizeof *s.x);
    s.y = allocate(s.m, sizeof *s.y);
    for (size_t i = 0; i < s.m * s.n; i++)
        s.x[i] = set.type == TW_f32 ? (double)((float *)x)[i] : ((double *)x)[i];
    for (size_t i = 0; i < s.m; i++) s.y[i] = label == 4 ? (double)((int32_t *)y)[i] : ((double *)y)[i];
    free(x);
    free(y);
    return s;
}

static void drop(sample *s)
{
    tw_generator_release(&s->g);
    free(s->x);
    free(s->y);
}

static double score(const sample *s, size_t i, size_t k)
{
    return tw_vec_dot(s->n, s->x + i * s->n, s->g.coefficients + k * s->n) + s->g.intercept[k];
}

/* Mean and variance of count numbers, stride apart. */
static void moments(const double *a, size_t count, size_t stride, double *mean, double *variance)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) sum += a[i * stride];
    *mean = sum / (double)count;
    for (size_t i = 0; i < count; i++) squares += (a[i * stride] - *mean) * (a[i * stride] - *mean);
    *variance = squares / (double)count;
}

static double standard_error(size_t count)
{
    return 1 / sqrt((double)count);
}

#define NEAR(value, wanted, bound) ck_assert_double_le(fabs((value) - (wanted)), (bound))

START_TEST(normal_features_are_independent_with_mean_0_and_variance_1)
{
    tw_generate set = linear;
    set.rows = 40000, set.features = 4, set.type = _i ? TW_f32 : TW_f64;
    sample s = make(set);
    const double se = standard_error(s.m);
    double mean, variance, fourth = 0;
    for (size_t j = 0; j < s.n; j++) {
        moments(s.x + j, s.m, s.n, &mean, &variance);
        NEAR(mean, 0, 5 * se);
        NEAR(variance, 1, 5 * sqrt(2) * se);
        for (size_t lag = 1; lag < 2 * s.n;
             lag++) { /* with the numbers that follow, in this row and the next */
            double product = 0;
            for (size_t i = j; i + lag < s.m * s.n; i += s.n) product += s.x[i] * s.x[i + lag];
            NEAR(product / (double)s.m, 0, 5 * se);
        }
    }
    for (size_t i = 0; i < s.m; i++) fourth += pow(s.x[i * s.n], 4) / (double)s.m;
    NEAR(fourth, 3, 5 * sqrt(96) * se); /* a uniform law of variance 1 has 1.8 */
    drop(&s);
}
END_TEST

START_TEST(uniform_features_fill_their_range_and_no_more)
{
    tw_generate set = linear;
    set.rows = 40000, set.features = 2, set.uniform = true, set.low = -1, set.high = 5,
    set.type = _i ? TW_f32 : TW_f64;
    sample s = make(set);
    double mean, variance, least = 9, most = -9;
    for (size_t i = 0; i < s.m * s.n; i++) {
        least = fmin(least, s.x[i]);
        most = fmax(most, s.x[i]);
    }
    ck_assert_double_ge(least, -1);
    ck_assert_double_lt(most, 5);
    NEAR(least, -1, 0.001);
    NEAR(most, 5, 0.001);
    for (size_t j = 0; j < s.n; j++) {
        moments(s.x + j, s.m, s.n, &mean, &variance);
        NEAR(mean, 2, 5 * sqrt(3) * standard_error(s.m));
        NEAR(variance, 3, 5 * sqrt(16.2 - 9) * standard_error(s.m));
    }
    drop(&s);
}
END_TEST

START_TEST(uniform_features_never_round_up_to_the_upper_bound)
{
    tw_generate set = linear;
    set.rows = 1000, set.type = TW_f32, set.uniform = true, set.low = 1 + 1e-9, set.high = 1 + 0x1p-22;
    set.noise = 0, set.coefficients = &(double){1}, set.n_coefficients = 1;
    sample s = make(set);
    double between = 0; /* of 1, 1 + 2^-23 and the bound; a quarter of the draws is nearest to the bound */
    for (size_t i = 0; i < s.m; i++) {
        ck_assert_double_lt(s.x[i], set.high);
        ck_assert_double_ge(s.x[i], 1);
        ck_assert_double_eq(s.y[i], s.x[i]); /* the bounds are rounded before anything is drawn */
        between += s.x[i] == 1 + 0x1p-23;
    }
    NEAR(between, 500, 5 * sqrt(250));
    drop(&s);
}
END_TEST

/* Cyclic Jacobi rotations: the diagonal of a becomes its eigenvalues. */
static void eigenvalues(size_t n, double *a)
{
    for (int sweep = 0; sweep < 30; sweep++)
        for (size_t p = 0; p < n; p++)
            for (size_t q = p + 1; q < n; q++) {
                if (a[p * n + q] == 0) continue;
                const double theta = 0.5 * atan2(2 * a[p * n + q], a[p * n + p] - a[q * n + q]);
                const double c = cos(theta), d = sin(theta);
                for (size_t k = 0; k < n; k++) {
                    const double u = a[k * n + p], v = a[k * n + q];
                    a[k * n + p] = c * u + d * v;
                    a[k * n + q] = c * v - d * u;
                }
                for (size_t k = 0; k < n; k++) {
                    const double u = a[p * n + k], v = a[q * n + k];
                    a[p * n + k] = c * u + d * v;
                    a[q * n + k] = c * v - d * u;
                }
            }
}

static int descending(const void *a, const void *b)
{
    const double u = *(const double *)a, v = *(const double *)b;
    return (u < v) - (u > v);
}

/* Singular values of X / sqrt(m), largest first, and the largest correlation of two columns. */
static void spectrum(const sample *s, double *values, double *correlation)
{
    const size_t n = s->n;
    double *a = allocate(n * n, sizeof *a);
    for (size_t i = 0; i < s->m; i++)
        for (size_t j = 0; j < n; j++)
            for (size_t l = 0; l < n; l++) a[j * n + l] += s->x[i * n + j] * s->x[i * n + l] / (double)s->m;
    *correlation = 0;
    for (size_t j = 0; j < n; j++)
        for (size_t l = 0; l < j; l++)
            *correlation = fmax(*correlation, fabs(a[j * n + l]) / sqrt(a[j * n + j] * a[l * n + l]));
    eigenvalues(n, a);
    for (size_t j = 0; j < n; j++) values[j] = sqrt(a[j * n + j]);
    qsort(values, n, sizeof *values, descending);
    free(a);
}

START_TEST(condition_number_is_the_one_asked_for)
{
    static const struct {
        double condition;
        tw_dtype type;
        int64_t features;
    } cases[] = {{1, TW_f64, 5},   {3, TW_f32, 2},   {100, TW_f64, 8},
                 {1e4, TW_f32, 6}, {1e6, TW_f32, 4}, {1e6, TW_f64, 5}};
    tw_generate set = linear;
    set.rows = 40000, set.condition = cases[_i].condition, set.type = cases[_i].type;
    set.features = cases[_i].features;
    sample s = make(set);
    double values[8], correlation;
    spectrum(&s, values, &correlation);
    NEAR(values[0] / values[s.n - 1] / set.condition, 1, 0.04);
    for (size_t j = 0; j < s.n;
         j++) /* geometric; a singular value errs by about sqrt(n / m) at most: 1.4 % */
        NEAR(values[j] * pow(set.condition, (double)j / (double)(s.n - 1)), 1, 0.03);
    if (set.condition == 1)
        ck_assert_double_lt(correlation, 5 * standard_error(s.m));
    else
        ck_assert_double_gt(correlation, 0.1); /* the columns are mixed, not only scaled */
    drop(&s);
}
END_TEST

START_TEST(drawn_coefficients_give_every_score_variance_1)
{
    tw_generate set = linear;
    set.task = TW_GENERATE_SOFTMAX, set.classes = 3, set.rows = 40000, set.features = 6;
    if (_i == 1) set.condition = 1000;
    if (_i == 2) set.uniform = true, set.low = 50, set.high = 51;
    sample s = make(set);
    double *z = allocate(s.m, sizeof *z), mean, variance;
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < s.m; i++) z[i] = score(&s, i, k);
        moments(z, s.m, 1, &mean, &variance);
        NEAR(variance, 1, 5 * sqrt(2) * standard_error(s.m));
        NEAR(mean, 0, 4); /* the intercept as drawn, though features lie at 50.5 */
        for (size_t l = 0; l < k; l++)
            ck_assert_mem_ne(s.g.coefficients + k * s.n, s.g.coefficients + l * s.n, s.n * sizeof(double));
    }
    free(z);
    drop(&s);
}
END_TEST

START_TEST(linear_labels_are_the_signal_plus_noise_of_its_own)
{
    tw_generate set = linear;
    set.rows = 40000, set.features = _i ? 3 : 1, set.noise = 0.5, set.type = TW_f32;
    sample s = make(set);
    double *e = allocate(s.m, sizeof *e), mean, variance, product = 0;
    for (size_t i = 0; i < s.m; i++) {
        e[i] = (s.y[i] - score(&s, i, 0)) / 0.5;
        product += e[i] * s.x[i * s.n];
    }
    moments(e, s.m, 1, &mean, &variance);
    NEAR(mean, 0, 5 * standard_error(s.m));
    NEAR(variance, 1, 5 * sqrt(2) * standard_error(s.m));
    NEAR(product / (double)s.m, 0, 5 * standard_error(s.m)); /* one stream for both would give 1 */
    free(e);
    drop(&s);
}
END_TEST

START_TEST(without_noise_labels_follow_the_stored_features_exactly)
{
    tw_generate set = linear;
    set.task = (tw_generate_task)_i, set.rows = 500, set.features = 9, set.noise = 0, set.type = TW_f32;
    if (set.task == TW_GENERATE_SOFTMAX) set.classes = 4;
    sample s = make(set);
    for (size_t i = 0; i < s.m; i++) {
        const double z = score(&s, i, 0);
        if (set.task == TW_GENERATE_LINEAR) ck_assert_double_eq(s.y[i], z);
        if (set.task == TW_GENERATE_LOGISTIC) ck_assert(s.y[i] == (z > 0));
        for (size_t k = 0; set.task == TW_GENERATE_SOFTMAX && k < 4; k++)
            ck_assert_double_le(score(&s, i, k), score(&s, i, (size_t)s.y[i]));
    }
    drop(&s);
}
END_TEST

/* Sum over rows of (label is k) - p, and the same times z: in units of their standard deviation. */
static void deviation(const sample *s, size_t k, double noise, double out[2])
{
    const size_t outputs = (size_t)tw_generate_outputs(&s->g.set);
    double sum[2] = {0}, squares[2] = {0};
    for (size_t i = 0; i < s->m; i++) {
        double total = outputs == 1 ? 1 : 0;
        for (size_t l = 0; l < outputs; l++) total += exp(score(s, i, l) / noise);
        const double z = score(s, i, k), p = exp(z / noise) / total;
        const double label = outputs == 1 ? s->y[i] : s->y[i] == (double)k;
        sum[0] += label - p, squares[0] += p * (1 - p);
        sum[1] += z * (label - p), squares[1] += z * z * p * (1 - p);
    }
    for (int i = 0; i < 2; i++) out[i] = fabs(sum[i]) / sqrt(squares[i]);
}

START_TEST(class_labels_are_as_frequent_as_their_probabilities)
{
    static const double noises[] = {1, 0.25, 3};
    const bool softmax = _i >= 3;
    tw_generate set = linear;
    set.task = softmax ? TW_GENERATE_SOFTMAX : TW_GENERATE_LOGISTIC;
    set.classes = softmax ? 5 : 0, set.rows = 40000, set.features = _i % 3 ? 3 : 1,
    set.noise = noises[_i % 3];
    sample s = make(set);
    double right[2], wrong[2], worst = 0;
    for (size_t k = 0; k < (softmax ? 5 : 1); k++) {
        deviation(&s, k, set.noise, right);
        deviation(&s, k, 1.3 * set.noise, wrong);
        ck_assert_double_lt(fmax(right[0], right[1]), 4);
        worst = fmax(worst, wrong[1]);
    }
    ck_assert_double_gt(worst, 4); /* the test can tell a temperature that is 30 % off */
    drop(&s);
}
END_TEST

START_TEST(the_line_of_the_worked_example_is_4_plus_3_x)
{
    tw_generate set = linear;
    set.rows = 100, set.seed = 1, set.noise = 1, set.uniform = true, set.low = 0, set.high = 2;
    set.coefficients = &(double){3}, set.n_coefficients = 1, set.intercept = &(double){4},
    set.n_intercept = 1;
    sample s = make(set);
    double mean_x, mean_y, variance, covariance = 0;
    moments(s.y, s.m, 1, &mean_y, &variance);
    moments(s.x, s.m, 1, &mean_x, &variance);
    for (size_t i = 0; i < s.m; i++) covariance += (s.x[i] - mean_x) * (s.y[i] - mean_y) / 100;
    const double slope = covariance / variance;
    NEAR(slope, 3, 5 * 0.1 / sqrt(variance));
    NEAR(mean_y - slope * mean_x, 4, 5 * 0.1 * sqrt(1 + mean_x * mean_x / variance));
    ck_assert_double_gt(fabs(slope - 3), 1e-6); /* noise is there */
    drop(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("generate");
    TCase *all = tcase_create("generate");
    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, normal_features_are_independent_with_mean_0_and_variance_1, 0, 2);
    tcase_add_loop_test(all, uniform_features_fill_their_range_and_no_more, 0, 2);
    tcase_add_test(all, uniform_features_never_round_up_to_the_upper_bound);
    tcase_add_loop_test(all, condition_number_is_the_one_asked_for, 0, 6);
    tcase_add_loop_test(all, drawn_coefficients_give_every_score_variance_1, 0, 3);
    tcase_add_loop_test(all, linear_labels_are_the_signal_plus_noise_of_its_own, 0, 2);
    tcase_add_loop_test(all, without_noise_labels_follow_the_stored_features_exactly, 0, TW_GENERATE_N_TASKS);
    tcase_add_loop_test(all, class_labels_are_as_frequent_as_their_probabilities, 0, 6);
    tcase_add_test(all, the_line_of_the_worked_example_is_4_plus_3_x);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
