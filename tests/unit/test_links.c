/* test_links.c -- loss, slope and curvature of every link as functions of one margin: against long double at
 * many margins, also huge ones; each the central difference of the one before; and which labels and settings
 * they take. */
#include "support.h"

#include "thalweg/kernels.h"
#include "thalweg/link.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define U 0x1p-53L

typedef long double exact;

/* Loss, slope, curvature. */
typedef struct {
    exact l, r, h;
} jet;

static jet of_linear(exact z, exact y, exact delta)
{
    (void)delta;
    return (jet){(z - y) * (z - y) / 2, z - y, 1};
}

static jet of_logistic(exact z, exact y, exact delta)
{
    (void)delta;
    const exact e = expl(-fabsl(z));
    return (jet){fmaxl(z, 0) - y * z + log1pl(e), (z < 0 ? e : 1) / (1 + e) - y, e / ((1 + e) * (1 + e))};
}

static jet of_huber(exact z, exact y, exact delta)
{
    const exact a = z - y, size = fabsl(a);
    if (size <= delta) return (jet){a * a / 2, a, 1};
    return (jet){delta * (size - delta / 2), a > 0 ? delta : -delta, 0};
}

static jet of_poisson(exact z, exact y, exact delta)
{
    (void)delta;
    return (jet){expl(z) - y * z, expl(z) - y, expl(z)};
}

static jet of_squared_hinge(exact z, exact y, exact delta)
{
    const exact s = y > 0 ? 1 : -1, v = fmaxl(0, 1 - s * z);
    (void)delta;
    return (jet){v * v, -2 * s * v, v > 0 ? 2 : 0};
}

/* far: margins up to this size have finite losses. A link without a truth here fails its tests. */
static const struct {
    const char *name;
    jet (*at)(exact z, exact y, exact delta);
    double far;
    exact most; /* of the curvature */
} truths[] = {{"linear", of_linear, 1e150, 1},
              {"logistic", of_logistic, 1e300, 0.25L},
              {"huber", of_huber, 1e300, 1},
              {"poisson", of_poisson, 709, INFINITY},
              {"squared_hinge", of_squared_hinge, 1e150, 2}};
enum { LINKS = sizeof truths / sizeof *truths, MARGINS = 4096 };

static double label(const tw_model_ops *ops, size_t i)
{
    static const double numbers[] = {0, 1, -2.5, 17, 0.125, 1e3}, counts[] = {0, 1, 2, 7, 100, 3.5};
    if (ops->target == TW_TARGET_BINARY) return (double)(i % 2);
    return ops->link->label_error ? counts[i % 6] : numbers[i % 6];
}

typedef struct {
    tw_model m;
    double z[MARGINS], y[MARGINS], l[MARGINS], r[MARGINS], h[MARGINS];
} table;

/* Margins of every size from 1e-8 up to far, both signs, zero, and the corners. */
static void fill(table *t, const tw_model_ops *ops, double far)
{
    ck_assert_int_eq(tw_model_init(&t->m, ops, 1, ops->target == TW_TARGET_NUMBER ? 0 : 2, true), TW_OK);
    test_seed(3);
    for (size_t i = 0; i < MARGINS; i++) {
        const double most = i % 3   ? 20
                            : i % 9 ? 1e3
                                    : far,
                     size = exp(log(most / 1e-8) * fabs(test_uniform())) * 1e-8;
        t->y[i] = label(ops, i / 2);
        t->z[i] = fmin(size, far) * (i % 2 ? -1 : 1);
        if (i % 64 < 6) t->z[i] = (double)(i % 64) - 2; /* -2 .. 3 */
    }
}

static void compute(table *t)
{
    const tw_link *k = t->m.ops->link;
    for (size_t i = 0; i < MARGINS; i += TW_MICRO)
        k->loss(&t->m, TW_MICRO, t->z + i, t->y + i, t->l + i, t->r + i);
    k->curvature(&t->m, MARGINS, t->z, t->y, t->h);
}

static size_t truth_of(const char *name)
{
    for (size_t i = 0; i < LINKS; i++)
        if (strcmp(truths[i].name, name) == 0) return i;
    ck_abort_msg("add the truth of the link %s here", name);
    return 0;
}

/* ---------------------------------------------------------------- truth */

START_TEST(every_link_has_a_curvature_and_a_truth_here)
{
    size_t count = 0;
    for (size_t i = 0; tw_models[i]; i++) {
        if (!tw_models[i]->link) continue;
        ck_assert(tw_models[i]->link->curvature != NULL);
        ck_assert(tw_models[i]->link->curvature_max == truths[truth_of(tw_models[i]->name)].most);
        count++;
    }
    ck_assert_uint_eq(count, LINKS);
}
END_TEST

/* A few roundings of each term that is added up. */
static bool near(double got, exact truth, exact terms)
{
    return fabsl(got - truth) <= 6 * U * terms + DBL_MIN;
}

static size_t count_wrong(const table *t, size_t k)
{
    size_t wrong = 0;
    for (size_t i = 0; i < MARGINS; i++) {
        const jet j = truths[k].at(t->z[i], t->y[i], t->m.settings.delta);
        const exact yz = fabsl((exact)t->y[i] * t->z[i]), z = fabsl((exact)t->z[i]),
                    y = fabsl((exact)t->y[i]);
        const exact delta = t->m.settings.delta, terms = fabsl(j.l) + yz + delta * (delta + z + y);
        wrong += !near(t->l[i], j.l, strcmp(truths[k].name, "huber") ? fabsl(j.l) + 2 * yz : terms) ||
                 !near(t->r[i], j.r, fabsl(j.r) + y + 1) || !near(t->h[i], j.h, fabsl(j.h));
    }
    return wrong;
}

START_TEST(loss_slope_and_curvature_are_true_at_margins_of_every_size)
{
    static table t;
    fill(&t, tw_model_find(truths[_i].name), truths[_i].far);
    for (int round = 0; round < 3; round++) {
        t.m.settings.delta = (double[]){1, 0.3, 40}[round];
        compute(&t);
        ck_assert_uint_eq(count_wrong(&t, (size_t)_i), 0);
    }
    t.l[5] *= 1 + 1e-13; /* the comparison can fail */
    t.r[7] += 1e-9 * fmax(1, fabs(t.r[7]));
    t.h[8] += 1e-9;
    ck_assert_uint_ge(count_wrong(&t, (size_t)_i), 2);
    tw_model_release(&t.m);
}
END_TEST

START_TEST(curvatures_are_never_negative_nor_above_their_supremum_and_come_near_it)
{
    static table t;
    double most = 0;
    fill(&t, tw_model_find(truths[_i].name), truths[_i].far);
    compute(&t);
    for (size_t i = 0; i < MARGINS; i++) {
        ck_assert(t.h[i] >= 0 && t.h[i] <= t.m.ops->link->curvature_max * (1 + 0x1p-51)); /* rounding */
        most = fmax(most, t.h[i]);
    }
    ck_assert_double_gt(most, fmin(1e300, 0.999 * t.m.ops->link->curvature_max));
    tw_model_release(&t.m);
}
END_TEST

/* ---------------------------------------------------------------- differences */

static void at(const table *t, double z, double y, double *l, double *r)
{
    t->m.ops->link->loss(&t->m, 1, &z, &y, l, r);
}

/* Does a corner of the slope lie within h of z? */
static bool at_corner(const table *t, double z, double y, double h)
{
    const char *const name = t->m.ops->name;
    if (strcmp(name, "huber") == 0) return fabs(fabs(z - y) - t->m.settings.delta) <= h;
    return strcmp(name, "squared_hinge") == 0 && fabs((2 * y - 1) * z - 1) <= h;
}

START_TEST(the_slope_is_the_central_difference_of_the_loss_and_the_curvature_of_the_slope)
{
    static table t;
    const double h = 0x1p-17;
    size_t tried = 0;
    fill(&t, tw_model_find(truths[_i].name), truths[_i].far);
    compute(&t);
    for (size_t i = 0; i < MARGINS; i++) {
        double l[2], r[2];
        if (fabs(t.z[i]) > 10 || at_corner(&t, t.z[i], t.y[i], h)) continue;
        const double up = t.z[i] + h, down = t.z[i] - h;
        at(&t, up, t.y[i], l, r);
        at(&t, down, t.y[i], l + 1, r + 1);
        const double size = 1 + fabs(l[0]) + fabs(t.r[i]) + t.h[i];
        ck_assert_double_eq_tol((l[0] - l[1]) / (up - down), t.r[i], 1e-10 * size);
        ck_assert_double_eq_tol((r[0] - r[1]) / (up - down), t.h[i], 1e-10 * size);
        tried++;
    }
    ck_assert_uint_gt(tried, MARGINS / 2);
    tw_model_release(&t.m);
}
END_TEST

/* ---------------------------------------------------------------- corners, settings, labels */

START_TEST(at_a_corner_the_curvature_is_that_of_the_side_the_page_names)
{
    tw_model m;
    const double z[] = {1, -1, 0x1.0000000000001p+0, 0.5}, zero[4] = {0}, one[4] = {1, 1, 1, 1};
    double h[4];
    ck_assert_int_eq(tw_model_init(&m, &tw_model_huber, 1, 0, true), TW_OK);
    m.ops->link->curvature(&m, 4, z, zero, h);
    ck_assert(h[0] == 1 && h[1] == 1 && h[2] == 0 && h[3] == 1);
    m.settings.delta = 0.75;
    m.ops->link->curvature(&m, 4, z, zero, h);
    ck_assert(h[0] == 0 && h[1] == 0 && h[2] == 0 && h[3] == 1);
    tw_model_release(&m);
    ck_assert_int_eq(tw_model_init(&m, &tw_model_squared_hinge, 1, 2, true), TW_OK);
    m.ops->link->curvature(&m, 4, z, one, h);
    ck_assert(h[0] == 0 && h[1] == 2 && h[2] == 0 && h[3] == 2);
    m.ops->link->curvature(&m, 4, z, zero, h);
    ck_assert(h[0] == 2 && h[1] == 0 && h[2] == 2 && h[3] == 2);
    tw_model_release(&m);
}
END_TEST

START_TEST(a_margin_that_is_no_number_or_infinite_never_has_a_finite_loss)
{
    static table t;
    double l, r;
    fill(&t, tw_model_find(truths[_i].name), 1);
    at(&t, NAN, 1, &l, &r);
    ck_assert(isnan(l) && isnan(r));
    for (double y = 0; y < 2; y++)
        for (double sign = -1; sign <= 1; sign += 2) {
            at(&t, copysign(INFINITY, sign), y, &l, &r);
            ck_assert(!isfinite(l));
        }
    tw_model_release(&t.m);
}
END_TEST

START_TEST(huber_with_a_delta_beyond_all_residuals_is_least_squares_to_the_bit)
{
    static table t, square;
    fill(&t, &tw_model_huber, 1e6);
    fill(&square, &tw_model_linear, 1e6);
    ck_assert_double_eq(t.m.settings.delta, 1);
    compute(&t);
    compute(&square);
    ck_assert(!same_bits(MARGINS, t.l, square.l));
    t.m.settings.delta = 1e9;
    compute(&t);
    ck_assert(same_bits(MARGINS, t.l, square.l) && same_bits(MARGINS, t.r, square.r) &&
              same_bits(MARGINS, t.h, square.h));
    tw_model_release(&t.m);
    tw_model_release(&square.m);
}
END_TEST

START_TEST(poisson_takes_no_negative_label_and_names_its_row_while_others_take_any)
{
    double y[] = {0, 3, 0.5, -0.0, 1e9, -1, -2};
    tw_shard s = {.rows = 5, .y = y, .first = 100};
    ck_assert_int_eq(tw_model_check_labels(&tw_model_poisson, &s), TW_OK);
    s.rows = 7;
    ck_assert_int_eq(tw_model_check_labels(&tw_model_poisson, &s), TW_DATA);
    ck_assert_str_eq(tw_status_message(),
                     "label -1 of row 105 (counted from 0): labels of model.type poisson must be >= 0");
    ck_assert_int_eq(tw_model_check_labels(&tw_model_linear, &s), TW_OK);
    ck_assert_int_eq(tw_model_check_labels(&tw_model_huber, &s), TW_OK);
}
END_TEST

START_TEST(only_classifiers_with_probabilities_have_them)
{
    for (size_t i = 0; tw_models[i]; i++) {
        tw_model m;
        const char *const name = tw_models[i]->name;
        const bool class = tw_models[i]->target != TW_TARGET_NUMBER;
        ck_assert_int_eq(tw_model_init(&m, tw_models[i], 2, class ? 2 : 0, true), TW_OK);
        ck_assert_int_eq(tw_model_has_probabilities(&m),
                         strcmp(name, "logistic") == 0 || strcmp(name, "softmax") == 0);
        tw_model_release(&m);
    }
}
END_TEST

/* Deviances by hand: 2 (y log(y / mu) - y + mu). */
START_TEST(the_deviance_of_poisson_is_zero_at_the_label_and_true_elsewhere)
{
    const tw_link *k = tw_model_poisson.link;
    for (double y = 0; y < 50; y += 0.5)
        for (double z = -5; z < 5; z += 0.25) {
            const exact mu = expl(z), truth = 2 * ((y > 0 ? y * logl(y / mu) : 0) - y + mu);
            ck_assert(fabsl(k->deviance(z, y) - truth) <= 1e-14L * (1 + y * (5 + fabs(z)) + mu));
            ck_assert_double_ge(k->deviance(z, y), -1e-12);
        }
    ck_assert_double_eq_tol(k->deviance(log(7), 7), 0, 1e-14);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("links");
    TCase *t = tcase_create("links");
    tcase_add_test(t, every_link_has_a_curvature_and_a_truth_here);
    tcase_add_loop_test(t, loss_slope_and_curvature_are_true_at_margins_of_every_size, 0, LINKS);
    tcase_add_loop_test(t, curvatures_are_never_negative_nor_above_their_supremum_and_come_near_it, 0, LINKS);
    tcase_add_loop_test(t, the_slope_is_the_central_difference_of_the_loss_and_the_curvature_of_the_slope, 0,
                        LINKS);
    tcase_add_test(t, at_a_corner_the_curvature_is_that_of_the_side_the_page_names);
    tcase_add_loop_test(t, a_margin_that_is_no_number_or_infinite_never_has_a_finite_loss, 0, LINKS);
    tcase_add_test(t, huber_with_a_delta_beyond_all_residuals_is_least_squares_to_the_bit);
    tcase_add_test(t, poisson_takes_no_negative_label_and_names_its_row_while_others_take_any);
    tcase_add_test(t, only_classifiers_with_probabilities_have_them);
    tcase_add_test(t, the_deviance_of_poisson_is_zero_at_the_label_and_true_elsewhere);
    suite_add_tcase(s, t);
    return test_run(s);
}
