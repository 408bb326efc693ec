/* test_model_bounds.c -- loss and gradient of every model against long double, within the bound that the
 * order of operations has, and against central differences.
 *
 * The bound: gamma_(B+1) sum |r x| for the sums, and sum |x| dr for the residuals, where dr follows from the
 * rounding of the margins and of the residual function: gamma_(ceil(n/32)+6) sum |x v| for the lanes of a
 * GLM, gamma_(n+1) for the chains of softmax. */
#include "support.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define U 0x1p-53L
enum { CLASSES = 5, MOST_SUMS = 70 * CLASSES + CLASSES + 3 };

static long double bound_of(size_t operations)
{
    const long double pu = (long double)operations * U;
    return pu / (1 - pu);
}

/* ---------------------------------------------------------------- the truth */

/* One row: margins z [K] and label to residuals r [K]; the loss is returned. */
typedef long double row_function(size_t outputs, const long double *z, double y, long double *r);

static long double linear_row(size_t outputs, const long double *z, double y, long double *r)
{
    (void)outputs;
    r[0] = z[0] - y;
    return r[0] * r[0] / 2;
}

static long double logistic_row(size_t outputs, const long double *z, double y, long double *r)
{
    (void)outputs;
    r[0] = 1 / (1 + expl(-z[0])) - y;
    return fmaxl(z[0], 0) + log1pl(expl(-fabsl(z[0]))) - y * z[0];
}

static long double huber_row(size_t outputs, const long double *z, double y, long double *r)
{
    const long double a = z[0] - y, size = fabsl(a);
    (void)outputs;
    r[0] = fminl(fmaxl(a, -1), 1);
    return size <= 1 ? a * a / 2 : size - 0.5L;
}

static long double poisson_row(size_t outputs, const long double *z, double y, long double *r)
{
    (void)outputs;
    r[0] = expl(z[0]) - y;
    return expl(z[0]) - y * z[0];
}

static long double squared_hinge_row(size_t outputs, const long double *z, double y, long double *r)
{
    const long double s = y > 0 ? 1 : -1, v = fmaxl(0, 1 - s * z[0]);
    (void)outputs;
    r[0] = -2 * s * v;
    return v * v;
}

static long double softmax_row(size_t outputs, const long double *z, double y, long double *r)
{
    long double most = z[0], sum = 0;
    for (size_t k = 1; k < outputs; k++) most = fmaxl(most, z[k]);
    for (size_t k = 0; k < outputs; k++) sum += r[k] = expl(z[k] - most);
    for (size_t k = 0; k < outputs; k++) r[k] = r[k] / sum - (k == (size_t)y);
    return most + logl(sum) - z[(size_t)y];
}

static long double margin(long double z)
{
    return z;
}

/* A model without a truth here fails its tests. slope: how fast a residual follows the margins, 0: as exp(z).
 * response: the prediction, NULL when it is the residual of label 0. */
static const struct {
    const char *name;
    row_function *row;
    long double slope;
    long double (*response)(long double z);
} truths[] = {{"linear", linear_row, 1, margin},    {"logistic", logistic_row, 0.25L, NULL},
              {"softmax", softmax_row, 0.5L, NULL}, {"huber", huber_row, 1, margin},
              {"poisson", poisson_row, 0, expl},    {"squared_hinge", squared_hinge_row, 2, margin}};

static size_t truth_of(const tw_model_ops *ops)
{
    for (size_t i = 0; i < sizeof truths / sizeof *truths; i++)
        if (strcmp(truths[i].name, ops->name) == 0) return i;
    ck_abort_msg("add the truth of the model %s here", ops->name);
    return 0;
}

typedef struct {
    long double value[MOST_SUMS], bound[MOST_SUMS], size[MOST_SUMS];
} sums;

/* Margins of row i and the largest error they may have. */
static long double true_margins(const tw_model *m, const double *x, const double *v, long double *z)
{
    long double most = 0;
    for (size_t k = 0; k < m->outputs; k++) {
        long double size = fabsl(v[m->n_weights + k]);
        z[k] = v[m->n_weights + k];
        for (size_t j = 0; j < m->features; j++) {
            z[k] += (long double)x[j] * v[j * m->outputs + k];
            size += fabsl((long double)x[j] * v[j * m->outputs + k]);
        }
        most = fmaxl(most, bound_of(m->outputs == 1 ? m->features / 32 + 7 : m->features + 1) * size);
    }
    return most;
}

static void add(sums *s, size_t at, long double value, long double error)
{
    s->value[at] += value;
    s->size[at] += fabsl(value);
    s->bound[at] += error;
}

static void true_sums(const tw_model *m, const test_data *d, const double *v, sums *s)
{
    const size_t t = truth_of(m->ops), K = m->outputs;
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < d->rows; i++) {
        long double z[CLASSES], r[CLASSES], largest = 0;
        const double *x = d->x + i * m->features;
        const long double omega = d->weight ? d->weight[i] : 1, dz = true_margins(m, x, v, z);
        const long double loss = truths[t].row(K, z, d->y[i], r);
        const long double slope = truths[t].slope > 0 ? truths[t].slope : expl(z[0] + dz);
        for (size_t k = 0; k < K; k++) {
            const long double dr = slope * (dz + 2 * U) + ((long double)K + 8) * U + 2 * U * fabsl(r[k]);
            for (size_t j = 0; j < m->features; j++)
                add(s, j * K + k, omega * r[k] * x[j], omega * dr * fabs(x[j]));
            add(s, tw_sum_residual(m) + k, omega * r[k], omega * dr);
            largest = fmaxl(largest, fmaxl(fabsl(z[k]), fabsl(r[k])));
        }
        add(s, tw_sum_loss(m), omega * loss, omega * ((largest + 1 + dz) * (2 * dz + 8 * U) + 4 * U * loss));
        add(s, tw_sum_weight(m), omega, 0);
    }
    for (size_t j = 0; j < tw_model_sums(m); j++) s->bound[j] += bound_of(d->rows + 1) * s->size[j];
}

/* ---------------------------------------------------------------- the product */

static const size_t all_rows[] = {1, 7, 8, 9, 100, 256}, all_cols[] = {1, 5, 8, 33, 70};

typedef struct {
    test_case c;
    test_data data;
    tw_model model;
    tw_shard shard;
    double v[MOST_SUMS];
} example;

static void make(example *e, const tw_model_ops *ops, int i, size_t rows, size_t cols)
{
    e->c = (test_case){.ops = ops,
                       .type = (tw_dtype)(i / 2),
                       .weighted = i % 2,
                       .intercept = true,
                       .rows = rows,
                       .cols = cols,
                       .classes = CLASSES};
    test_seed((uint64_t)(i * 1000) + rows + cols);
    test_data_init(&e->data, &e->c);
    ck_assert_int_eq(tw_model_init(&e->model, ops, cols, CLASSES, true), TW_OK);
    test_shard_init(&e->shard, &e->data, e->c.type, 0, (int64_t)rows);
    test_parameters(&e->c, &e->model, e->v);
}

static void unmake(example *e)
{
    tw_shard_release(&e->shard);
    tw_model_release(&e->model);
    test_data_release(&e->data);
}

static void product_sums(const example *e, double *out)
{
    const tw_block block = tw_shard_block(&e->shard, 0, e->c.rows);
    memset(out, 0, tw_model_sums(&e->model) * sizeof *out);
    ck_assert_int_eq(e->c.ops->loss_grad(&e->model, &block, e->v, out), TW_OK);
}

/* The largest error in units of its bound; bad rows must be none. */
static long double worst(const tw_model *m, const double *got, const sums *truth)
{
    long double most = 0;
    for (size_t j = 0; j < tw_sum_bad(m); j++) {
        const long double error = fabsl(got[j] - truth->value[j]);
        if (error > 0) most = fmaxl(most, error / truth->bound[j]);
        if (isnan(got[j])) return INFINITY;
    }
    return got[tw_sum_bad(m)] == 0 ? most : INFINITY;
}

enum { N_KINDS = 2 * TW_N_DTYPES };

static int n_models(void)
{
    int n = 0;
    while (tw_models[n]) n++;
    return n;
}

START_TEST(sums_of_a_block_are_true_within_their_bound)
{
    for (size_t a = 0; a < sizeof all_rows / sizeof *all_rows; a++)
        for (size_t b = 0; b < sizeof all_cols / sizeof *all_cols; b++) {
            example e;
            sums truth;
            double got[MOST_SUMS];
            make(&e, tw_models[_i / N_KINDS], _i % N_KINDS, all_rows[a], all_cols[b]);
            product_sums(&e, got);
            true_sums(&e.model, &e.data, e.v, &truth);
            const long double w = worst(&e.model, got, &truth);
            ck_assert_msg(w <= 1, "%zu x %zu: %Lg times the bound", all_rows[a], all_cols[b], w);
            unmake(&e);
        }
}
END_TEST

START_TEST(the_bound_is_tight_enough_to_catch_single_precision_and_a_wrong_row)
{
    example e;
    sums truth;
    double got[MOST_SUMS];
    make(&e, tw_models[_i], 2 * TW_f64, 256, 33);
    product_sums(&e, got);
    true_sums(&e.model, &e.data, e.v, &truth);
    for (size_t j = 0; j < tw_sum_loss(&e.model); j++) {
        double single[MOST_SUMS];
        memcpy(single, got, sizeof single);
        single[j] = (double)(float)single[j] * (1 + 1e-9);
        ck_assert(worst(&e.model, single, &truth) > 1);
    }
    e.data.y[255] = e.c.ops->target == TW_TARGET_NUMBER ? e.data.y[255] + 1e-9 : 1 - fmin(e.data.y[255], 1);
    true_sums(&e.model, &e.data, e.v, &truth);
    ck_assert(worst(&e.model, got, &truth) > 1);
    unmake(&e);
}
END_TEST

/* Sum of the losses at v with v[j] moved by h. */
static long double moved_loss(const example *e, size_t j, double h)
{
    double v[MOST_SUMS];
    sums s;
    memcpy(v, e->v, sizeof v);
    v[j] += h;
    true_sums(&e->model, &e->data, v, &s);
    return s.value[tw_sum_loss(&e->model)];
}

START_TEST(the_gradient_is_the_central_difference_of_the_loss)
{
    const double h = 0x1p-20;
    example e;
    double got[MOST_SUMS];
    make(&e, tw_models[_i / 2], 2 * TW_f64 + _i % 2, 50, 8);
    product_sums(&e, got);
    for (size_t j = 0; j < tw_model_raw(&e.model); j++) {
        const long double difference = (moved_loss(&e, j, h) - moved_loss(&e, j, -h)) / (2 * (long double)h);
        ck_assert_msg(fabsl(difference - got[j]) < 1e-9L * 50, "parameter %zu: %a, not %La", j, got[j],
                      difference);
        ck_assert(fabsl(difference - got[j] * 1.00001L) > 1e-9L * 50 || fabs(got[j]) < 1e-2);
    }
    unmake(&e);
}
END_TEST

/* ---------------------------------------------------------------- margins and predictions */

START_TEST(margins_are_true_within_their_bound)
{
    for (size_t a = 0; a < sizeof all_rows / sizeof *all_rows; a++)
        for (size_t b = 0; b < sizeof all_cols / sizeof *all_cols; b++) {
            example e;
            make(&e, tw_models[_i / N_KINDS], _i % N_KINDS, all_rows[a], all_cols[b]);
            const size_t K = e.model.outputs;
            double *z = malloc(all_rows[a] * K * sizeof *z);
            const tw_block block = tw_shard_block(&e.shard, 0, all_rows[a]);
            ck_assert_int_eq(e.c.ops->margins(&e.model, &block, e.v, z), TW_OK);
            for (size_t i = 0; i < all_rows[a]; i++) {
                long double truth[CLASSES];
                const long double dz = true_margins(&e.model, e.data.x + i * all_cols[b], e.v, truth);
                for (size_t k = 0; k < K; k++) ck_assert(fabsl(z[i * K + k] - truth[k]) <= dz);
            }
            free(z);
            unmake(&e);
        }
}
END_TEST

START_TEST(predictions_are_the_mean_response_to_the_margins)
{
    static const double scales[] = {0, 1e-3, 1, 30, 700, 1e4};
    tw_model m;
    const size_t t = truth_of(tw_models[_i]);
    ck_assert_int_eq(tw_model_init(&m, tw_models[_i], 3, CLASSES, true), TW_OK);
    for (int round = 0; round < 300; round++) {
        double z[CLASSES], p[CLASSES], sum = 0;
        long double exact[CLASSES], r[CLASSES];
        for (size_t k = 0; k < m.outputs; k++) exact[k] = z[k] = test_uniform() * scales[round % 6];
        truths[t].row(m.outputs, exact, 0, r);
        if (truths[t].response) r[0] = truths[t].response(exact[0]);
        if (m.ops->target == TW_TARGET_CLASS) r[0] += 1;
        m.ops->predict(&m, z, p);
        for (size_t k = 0; k < m.outputs; k++) {
            if (r[k] > DBL_MAX)
                ck_assert(isinf(p[k]) && p[k] > 0);
            else
                ck_assert_msg(fabsl(p[k] - r[k]) <= 12 * U * fmaxl(1, fabsl(r[k])), "%a, not %La", p[k],
                              r[k]);
            sum += p[k];
        }
        if (m.ops->target == TW_TARGET_CLASS) ck_assert_double_eq_tol(sum, 1, 1e-15);
    }
    tw_model_release(&m);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("model bounds");
    TCase *t = tcase_create("model bounds");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, sums_of_a_block_are_true_within_their_bound, 0, n_models() * N_KINDS);
    tcase_add_loop_test(t, the_bound_is_tight_enough_to_catch_single_precision_and_a_wrong_row, 0,
                        n_models());
    tcase_add_loop_test(t, the_gradient_is_the_central_difference_of_the_loss, 0, 2 * n_models());
    tcase_add_loop_test(t, margins_are_true_within_their_bound, 0, n_models() * N_KINDS);
    tcase_add_loop_test(t, predictions_are_the_mean_response_to_the_margins, 0, n_models());
    suite_add_tcase(s, t);
    return test_run(s);
}
