/* Mini-batches. The rows of a step are read from a gradient that shows them: row i has a 1 in column i and
 * the label -1, so that at w = 0 the gradient of linear regression times the weight of the batch is the
 * weight of every row that was taken. */
#include "support.h"

#include "thalweg/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 320 };

static tw_comm *comm;
static test_problem p;
static test_data data;
static double mask[MOST], seen[MOST], g[MOST], zero[MOST];

/* rows, groups, batch, and which rows take part: all, or those with weights 0, or those of a mask. */
typedef struct {
    size_t rows;
    int64_t groups, batch;
    enum { ALL, WEIGHTED, MASKED } kind;
} shape;

static const shape shapes[] = {{301, 16, 32, ALL},      {301, 16, 1, ALL},      {301, 64, 7, WEIGHTED},
                               {40, 64, 3, ALL},        {40, 64, 1, WEIGHTED},  {301, 1, 5, MASKED},
                               {301, 64, 1, MASKED},    {301, 128, 13, MASKED}, {300, 0, 300, ALL},
                               {2, 1, 1, ALL},          {1, 1, 1, ALL},         {7, 8, 2, MASKED},
                               {256, 256, 100, MASKED}, {301, 256, 3, WEIGHTED}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static double weight_of(size_t i)
{
    return p.objective.parts.row_weight ? mask[i] : data.weight ? data.weight[i] : 1;
}

static void open_rows(const shape *s, uint64_t seed)
{
    const test_case c = {.ops = &tw_model_linear,
                         .type = TW_f32,
                         .mode = TW_REPRODUCIBLE,
                         .rows = s->rows,
                         .cols = s->rows,
                         .groups = s->groups,
                         .weighted = s->kind == WEIGHTED};
    ck_assert_int_eq(tw_comm_local(&comm), TW_OK);
    test_seed(11);
    test_data_init(&data, &c);
    memset(data.x, 0, s->rows * s->rows * sizeof *data.x);
    for (size_t i = 0; i < s->rows; i++) {
        data.x[i * s->rows + i] = 1;
        data.y[i] = -1;
        mask[i] = i == 0 || test_bits() % 3 ? 0.25 + (double)(i % 5) : 0;
    }
    ck_assert_int_eq(test_problem_init(&p, comm, &c, &data), TW_OK);
    if (s->kind == MASKED) p.objective.parts.row_weight = mask;
    ck_assert_msg(tw_objective_batches(&p.objective, s->batch, seed) == TW_OK, "%s", tw_status_message());
}

static void close_rows(void)
{
    test_problem_release(&p);
    test_data_release(&data);
    tw_comm_release(comm);
}

static size_t rows_taking_part(size_t rows)
{
    size_t n = 0;
    for (size_t i = 0; i < rows; i++) n += weight_of(i) != 0;
    return n;
}

/* Rows of step t into seen; returns how many. */
static size_t look(int64_t t, size_t rows)
{
    size_t n = 0;
    double f;
    tw_objective_batch(&p.objective, t);
    ck_assert_int_eq(tw_objective_eval(&p.objective, zero, &f, g), TW_OK);
    const double weight = p.objective.weight;
    if (weight == 0) {
        ck_assert(isnan(f));
        for (size_t i = 0; i < rows; i++) ck_assert(g[i] == 0);
        return 0;
    }
    for (size_t i = 0; i < rows; i++) {
        if (g[i] == 0) continue;
        ck_assert_double_eq_tol(g[i] * weight, weight_of(i), 1e-12);
        seen[i] += 1;
        n++;
    }
    return n;
}

/* The rows that g shows, group by group: each gives its share of the step in progress, rounded down or up. */
static void check_shares(void)
{
    const int64_t steps = p.objective.batches.steps;
    for (int64_t k = 0; k < p.partition.groups; k++) {
        int64_t taken = 0, part = 0;
        for (int64_t i = tw_partition_row(&p.partition, k); i < tw_partition_row(&p.partition, k + 1); i++) {
            taken += g[i] != 0;
            part += weight_of((size_t)i) != 0;
        }
        ck_assert_msg(taken == part / steps || taken == (part + steps - 1) / steps,
                      "group %d gives %d of %d rows in one of %d steps", (int)k, (int)taken, (int)part,
                      (int)steps);
    }
}

START_TEST(every_epoch_takes_every_row_that_takes_part_once_and_no_other)
{
    for (int c = 0; c < SHAPES; c++) {
        open_rows(&shapes[c], 5);
        const size_t rows = shapes[c].rows, part = rows_taking_part(rows);
        const double steps = fmax(1, floor((double)part / (double)shapes[c].batch + 0.5));
        ck_assert_int_eq(p.objective.batches.steps, (int64_t)steps);
        for (uint64_t epoch = 0; epoch < 3; epoch++) {
            memset(seen, 0, sizeof seen);
            tw_objective_epoch(&p.objective, epoch);
            for (int64_t t = 0; t < p.objective.batches.steps; t++) {
                look(t, rows);
                check_shares();
            }
            for (size_t i = 0; i < rows; i++)
                ck_assert_msg(seen[i] == (weight_of(i) != 0), "case %d, epoch %d: row %zu was taken %g times",
                              c, (int)epoch, i, seen[i]);
        }
        close_rows();
    }
}
END_TEST

/* Not exactly the batch: groups are rounded one by one. With equal groups and all rows, batch or one more or
 * less. */
START_TEST(equal_groups_give_steps_of_the_batch_that_was_asked_for)
{
    const shape even = {320, 16, 32, ALL}, single = {256, 64, 1, ALL};
    open_rows(&even, 5);
    tw_objective_epoch(&p.objective, 0);
    for (int64_t t = 0; t < 10; t++) ck_assert_uint_eq(look(t, 320), 32);
    close_rows();
    open_rows(&single, 5);
    tw_objective_epoch(&p.objective, 0);
    for (int64_t t = 0; t < 256; t++) ck_assert_uint_eq(look(t, 256), 1);
    close_rows();
}
END_TEST

/* Which rows the first step of an epoch takes. */
static void first_step(uint64_t epoch, double *out)
{
    memset(seen, 0, sizeof seen);
    tw_objective_epoch(&p.objective, epoch);
    look(0, 301);
    memcpy(out, seen, sizeof seen);
}

START_TEST(another_epoch_or_seed_takes_other_rows_and_the_same_ones_take_the_same)
{
    static double a[MOST], b[MOST], again[MOST], other[MOST];
    const shape s = {301, 16, 100, ALL};
    open_rows(&s, 5);
    first_step(0, a);
    first_step(1, b);
    first_step(0, again);
    close_rows();
    open_rows(&s, 6);
    first_step(0, other);
    close_rows();
    ck_assert(memcmp(a, b, sizeof a) != 0);
    ck_assert(memcmp(a, other, sizeof a) != 0);
    ck_assert(memcmp(a, again, sizeof a) == 0);
}
END_TEST

START_TEST(empty_steps_occur_and_leave_point_time_and_momentum_alone)
{
    const shape s = {301, 128, 1, MASKED};
    static double u[MOST], w[MOST];
    tw_optimizer o;
    tw_step step;
    tw_iterate it;
    tw_monitor monitor = {.set = {.max_seconds = NAN}};
    const tw_optimizer_settings set = {.momentum = 0.75};
    const tw_step_settings rule = {.length = 0.5, .tau = 2};
    tw_trainer trainer = {
        .objective = &p.objective, .optimizer = &o, .step = &step, .iterate = &it, .monitor = &monitor};
    long empty = 0, full = 0;
    double f;
    open_rows(&s, 5);
    ck_assert_int_eq(tw_optimizer_init(&o, &tw_optimizer_momentum, &set, 301), TW_OK);
    ck_assert_int_eq(tw_step_init(&step, &tw_step_inverse, &rule, 301), TW_OK);
    ck_assert(tw_iterate_init(&it, 301));
    memset(u, 0, sizeof u);
    memset(w, 0, sizeof w);
    const double steps = (double)p.objective.batches.steps;
    for (uint64_t epoch = 0; epoch < 2; epoch++) {
        tw_objective_epoch(&p.objective, epoch);
        for (int64_t t = 0; t < p.objective.batches.steps; t++) {
            tw_objective_batch(&p.objective, t);
            ck_assert_int_eq(tw_objective_eval(&p.objective, w, &f, g), TW_OK);
            if (p.objective.weight == 0 && ++empty) continue;
            full++;
            for (size_t j = 0; j < 301; j++) u[j] = fma(0.75, u[j], g[j]);
            for (size_t j = 0; j < 301; j++)
                w[j] = fma(0.5 * 2 / ((double)epoch + (double)t / steps + 2), -u[j], w[j]);
        }
    }
    ck_assert_int_gt(empty, 10);
    for (int e = 0; e < 2; e++) ck_assert_int_eq(tw_trainer_epoch(&trainer), TW_OK);
    ck_assert_int_eq(it.k, 2);
    ck_assert_int_eq(it.updates, full);
    ck_assert(same_bits(301, it.w, w));
    ck_assert(isfinite(it.f) && it.g_norm > 0); /* of all rows */
    tw_iterate_release(&it);
    tw_step_release(&step);
    tw_optimizer_release(&o);
    close_rows();
}
END_TEST

/* ---------------------------------------------------------------- sums, for real models */

static void open_model(const tw_model_ops *ops, bool weighted)
{
    const test_case c = {.ops = ops,
                         .type = TW_i8,
                         .scaling = TW_SCALING_STANDARDIZE,
                         .mode = TW_REPRODUCIBLE,
                         .rows = 1003,
                         .cols = 9,
                         .classes = 4,
                         .intercept = true,
                         .weighted = weighted};
    ck_assert_int_eq(tw_comm_local(&comm), TW_OK);
    test_seed(3);
    test_data_init(&data, &c);
    ck_assert_int_eq(test_problem_init(&p, comm, &c, &data), TW_OK);
}

START_TEST(batch_gradients_times_their_weights_add_up_to_the_full_gradient)
{
    static const int64_t batches[] = {1, 10, 300, 700};
    double w[MOST], whole[MOST], sum[MOST], f, loss, parts;
    for (int m = 0; m < 3; m++) {
        open_model((const tw_model_ops *[]){&tw_model_linear, &tw_model_logistic, &tw_model_softmax}[m],
                   m != 0);
        const size_t n = p.model.n_params;
        for (size_t j = 0; j < n; j++) w[j] = test_uniform();
        ck_assert_int_eq(tw_objective_eval(&p.objective, w, &loss, whole), TW_OK);
        const double all = p.objective.weight;
        for (int b = 0; b < 4; b++) {
            memset(sum, 0, sizeof sum);
            parts = 0;
            double weight = 0;
            ck_assert_msg(tw_objective_batches(&p.objective, batches[b], 1) == TW_OK, "%s",
                          tw_status_message());
            tw_objective_epoch(&p.objective, 7);
            for (int64_t t = 0; t < p.objective.batches.steps; t++) {
                tw_objective_batch(&p.objective, t);
                ck_assert_int_eq(tw_objective_eval(&p.objective, w, &f, g), TW_OK);
                if (p.objective.weight == 0) continue;
                for (size_t j = 0; j < n; j++) sum[j] += g[j] * p.objective.weight;
                parts += f * p.objective.weight;
                weight += p.objective.weight;
            }
            ck_assert_double_eq_tol(weight, all, 1e-11 * all);
            ck_assert_double_eq_tol(parts, loss * all, 1e-11 * all);
            for (size_t j = 0; j < n; j++) ck_assert_double_eq_tol(sum[j], whole[j] * all, 1e-10 * all);
        }
        close_rows();
    }
}
END_TEST

START_TEST(a_batch_of_all_rows_is_the_full_gradient_up_to_the_order_of_rows)
{
    double w[MOST], whole[MOST], f, loss;
    open_model(&tw_model_softmax, false);
    const size_t n = p.model.n_params;
    for (size_t j = 0; j < n; j++) w[j] = test_uniform();
    ck_assert_int_eq(tw_objective_eval(&p.objective, w, &loss, whole), TW_OK);
    ck_assert_int_eq(tw_objective_batches(&p.objective, 1003, 1), TW_OK);
    ck_assert_int_eq(p.objective.batches.steps, 1);
    tw_objective_epoch(&p.objective, 0);
    tw_objective_batch(&p.objective, 0);
    ck_assert_int_eq(tw_objective_eval(&p.objective, w, &f, g), TW_OK);
    ck_assert_double_eq_tol(f, loss, 1e-13 * loss);
    for (size_t j = 0; j < n; j++) ck_assert_double_eq_tol(g[j], whole[j], 1e-13);
    ck_assert(!same_bits(n, g, whole)); /* they were in another order */
    tw_objective_batch(&p.objective, -1);
    ck_assert_int_eq(tw_objective_eval(&p.objective, w, &f, g), TW_OK);
    ck_assert(same_bits(n, g, whole));
    close_rows();
}
END_TEST

START_TEST(a_batch_larger_than_the_rows_that_take_part_is_refused_with_their_number)
{
    open_model(&tw_model_logistic, false);
    for (size_t i = 0; i < 1003; i++) p.shard.y[i] = (double)(i % 2);
    double *part = calloc(1003, sizeof *part);
    for (size_t i = 0; i < 100; i++) part[i] = 1;
    p.objective.parts.row_weight = part;
    ck_assert_int_eq(tw_objective_batches(&p.objective, 101, 1), TW_CONFIG);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "optimizer.batch is 101, but only 100 rows take part"));
    free(part);
    close_rows();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("batches");
    TCase *rows = tcase_create("rows"), *sums = tcase_create("sums");
    tcase_add_test(rows, every_epoch_takes_every_row_that_takes_part_once_and_no_other);
    tcase_add_test(rows, equal_groups_give_steps_of_the_batch_that_was_asked_for);
    tcase_add_test(rows, another_epoch_or_seed_takes_other_rows_and_the_same_ones_take_the_same);
    tcase_add_test(rows, empty_steps_occur_and_leave_point_time_and_momentum_alone);
    tcase_add_test(sums, batch_gradients_times_their_weights_add_up_to_the_full_gradient);
    tcase_add_test(sums, a_batch_of_all_rows_is_the_full_gradient_up_to_the_order_of_rows);
    tcase_add_test(sums, a_batch_larger_than_the_rows_that_take_part_is_refused_with_their_number);
    tcase_set_timeout(rows, 120);
    tcase_set_timeout(sums, 60);
    suite_add_tcase(s, rows);
    suite_add_tcase(s, sums);
    return test_run(s);
}
