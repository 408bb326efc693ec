/* test_function.c -- objectives without rows over the ranks: rank 0's alone, or the sum of everybody's; what
 * fails or asks on one rank is known to all; whole runs end at the closed form, with the same bits
 * everywhere. */
#include "support.h"

#include "thalweg/minimize.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 3 };

static tw_comm *comm, *alone;
static int rank, size;

/* (r + 1) (|w|^2 + w_0) of rank r; counts its calls, fails where it is told. */
typedef struct {
    int calls, last; /* later calls fail; 0: none does */
    bool fails;
} mine;

static tw_status paraboloid(void *context, const double *w, double *f, double *g)
{
    mine *m = context;
    const double share = rank + 1;
    m->calls++;
    if (m->fails || (m->last > 0 && m->calls > m->last)) {
        *f = g[0] = NAN; /* must not reach anybody */
        return tw_fail(TW_DATA, "the function of rank %d is not defined here", rank);
    }
    *f = share * w[0];
    for (int j = 0; j < N; j++) {
        *f = fma(share * w[j], w[j], *f);
        g[j] = share * (2 * w[j] + (j == 0));
    }
    return TW_OK;
}

static bool make(tw_objective *F, const tw_function *f, tw_reduction_mode mode, double l2, double l1)
{
    const tw_objective_parts parts = {.comm = comm, .function = f, .mode = mode, .l2 = l2, .l1 = l1};
    return tw_objective_init(F, &parts) == TW_OK;
}

/* Small whole numbers: every sum is exact. */
static const double w[N] = {1, -2, 3};

static bool is_truth(double share, double l2, double l1, double f, const double *g)
{
    bool ok = f == share * 15 + 0.5 * l2 * 14 + l1 * 6;
    for (int j = 0; j < N; j++) ok = ok && g[j] == share * (2 * w[j] + (j == 0)) + l2 * w[j];
    return ok;
}

START_TEST(the_function_of_rank_0_alone_is_asked_and_counts)
{
    mine m = {0};
    const tw_function f = {.n = N, .eval = paraboloid, .context = &m};
    tw_objective F;
    double value = 0, g[N] = {0}, h[N * N];
    bool ok = make(&F, &f, (tw_reduction_mode)_i, 0.5, 2);
    ok = tw_objective_eval(&F, w, &value, g) == TW_OK && ok && is_truth(1, 0.5, 2, value, g);
    ok = ok && m.calls == (rank == 0) && F.evals == 1 && !tw_objective_has_margins(&F);
    tw_objective_accept(&F);
    ok = tw_objective_hessian(&F, h) == TW_OK && ok;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) ok = ok && fabs(h[i * N + j] - (i == j ? 2.5 : 0)) < 1e-9;
    tw_objective_release(&F);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(summed_functions_are_all_asked_and_added)
{
    mine m = {0};
    const tw_function f = {.n = N, .eval = paraboloid, .context = &m, .summed = true};
    tw_objective F;
    const double share = 0.5 * size * (size + 1);
    double value = 0, g[N] = {0}, out[N];
    bool ok = make(&F, &f, (tw_reduction_mode)_i, 4, 1);
    for (int repeat = 1; repeat <= 3; repeat++) {
        ok = tw_objective_eval(&F, w, &value, g) == TW_OK && ok && is_truth(share, 4, 1, value, g);
        ok = ok && m.calls == repeat;
    }
    tw_objective_accept(&F);
    ok = tw_objective_hessian_vector(&F, w, false, out) == TW_OK && ok;
    for (int j = 0; j < N; j++) ok = ok && fabs(out[j] - (2 * share + 4) * w[j]) < 1e-8 * share;
    tw_objective_release(&F);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

/* Everywhere the sentence of rank `bad`, and f and g untouched. */
static bool fails_everywhere(tw_objective *F, int bad)
{
    double value = 7, g[N] = {7};
    char sentence[64];
    tw_fail(TW_INTERNAL, "an older sentence");
    const tw_status status = tw_objective_eval(F, w, &value, g);
    snprintf(sentence, sizeof sentence, "the function of rank %d is not defined here", bad);
    return status == TW_DATA && strstr(tw_status_message(), sentence) && value == 7 && g[0] == 7;
}

START_TEST(a_function_that_fails_on_one_rank_fails_everywhere_and_works_again)
{
    mine m = {0};
    const tw_function f = {.n = N, .eval = paraboloid, .context = &m, .summed = true};
    tw_objective F;
    double value = 0, g[N], h[N * N], least, largest;
    ck_assert(all_ranks(comm, make(&F, &f, (tw_reduction_mode)_i, 0, 0)));
    for (int bad = 0; bad < size; bad++) {
        m.fails = rank == bad;
        ck_assert(all_ranks(comm, fails_everywhere(&F, bad)));
        ck_assert(all_ranks(comm, tw_objective_hessian(&F, h) == TW_DATA));
        ck_assert(all_ranks(comm, tw_objective_least_curvature(&F, w, &least, &largest) == TW_DATA));
        m.fails = false;
        const bool ok = tw_objective_eval(&F, w, &value, g) == TW_OK;
        ck_assert(all_ranks(comm, ok && is_truth(0.5 * size * (size + 1), 0, 0, value, g)));
    }
    m.fails = rank > 0; /* is not asked */
    F.parts.function = &(tw_function){.n = N, .eval = paraboloid, .context = &m};
    ck_assert(all_ranks(comm, tw_objective_eval(&F, w, &value, g) == TW_OK && is_truth(1, 0, 0, value, g)));
    tw_objective_release(&F);
}
END_TEST

START_TEST(requests_and_other_failures_of_any_rank_travel_along)
{
    mine m = {0};
    const tw_function f = {.n = N, .eval = paraboloid, .context = &m};
    tw_objective F;
    double value = 0, g[N];
    bool ok = make(&F, &f, TW_REPRODUCIBLE, 0, 0);
    F.requests[TW_FLAG_STOP] = rank == size - 1;
    F.requests[TW_FLAG_TIME] = 1;
    ok = tw_objective_eval(&F, w, &value, g) == TW_OK && ok;
    ok = ok && F.agreed[TW_FLAG_STOP] == 1 && F.agreed[TW_FLAG_TIME] == size && F.agreed[TW_FLAG_FAILED] == 0;
    F.requests[TW_FLAG_STOP] = F.requests[TW_FLAG_TIME] = 0;
    if (rank == size - 1) F.pending = tw_fail(TW_OUTPUT, "cannot write the log");
    ok = tw_objective_eval(&F, w, &value, g) == TW_OUTPUT && ok &&
         strstr(tw_status_message(), "cannot write the log");
    F.pending = TW_OK;
    ok = tw_objective_eval(&F, w, &value, g) == TW_OK && ok && F.agreed[TW_FLAG_STOP] == 0;
    tw_objective_release(&F);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

/* ---------------------------------------------------------------- whole runs */

static bool same_everywhere(size_t n, const double *v)
{
    double most[16], least[16];
    memcpy(most, v, n * sizeof *v);
    memcpy(least, v, n * sizeof *v);
    const bool ok = tw_comm_allreduce(comm, TW_MAX, n, most) == TW_OK &&
                    tw_comm_allreduce(comm, TW_MIN, n, least) == TW_OK;
    return ok && same_bits(n, most, least);
}

START_TEST(a_sum_of_functions_is_minimised_at_the_closed_form)
{
    mine m = {0};
    const tw_function f = {.n = N, .eval = paraboloid, .context = &m, .summed = true, .convex = true};
    const double share = 0.5 * size * (size + 1);
    const tw_minimize_settings set = {.l2 = 1, .gradient_norm_relative = 1e-7, .optimizer = _i ? "gd" : NULL};
    tw_minimize_result out;
    double at[N] = {3, 2, 1};
    bool ok = tw_minimize(comm, &f, &set, at, &out) == TW_OK && tw_reason_class(out.why) == 'c';
    ok = ok && fabs(at[0] - -share / (2 * share + 1)) < 1e-6 && fabs(at[1]) < 1e-6 && fabs(at[2]) < 1e-6;
    ck_assert(all_ranks(comm, ok && m.calls == out.evaluations));
    ck_assert(same_everywhere(N, at));
}
END_TEST

START_TEST(a_run_whose_function_fails_on_one_rank_fails_everywhere_and_leaves_the_start)
{
    mine m = {.last = rank == size - 1 ? 3 : 0}; /* w has moved by then */
    const tw_function f = {.n = N, .eval = paraboloid, .context = &m, .summed = true};
    double at[N] = {3, 2, 1};
    const bool ok =
        tw_minimize(comm, &f, NULL, at, NULL) == TW_DATA && at[0] == 3 && at[1] == 2 && at[2] == 1;
    ck_assert(all_ranks(comm, ok));
}
END_TEST

/* ---------------------------------------------------------------- rows in memory */

enum { ROWS = 501, COLS = 4 };

static void take_rows(tw_shard *s, tw_comm *of)
{
    tw_partition p;
    double *const x = malloc(ROWS * COLS * sizeof *x), *const y = malloc(ROWS * sizeof *y);
    test_seed(5);
    for (int i = 0; i < ROWS; i++) {
        y[i] = 0.3 * test_uniform();
        for (int j = 0; j < COLS; j++) {
            x[i * COLS + j] = 2 + test_uniform();
            y[i] += (j - 1) * x[i * COLS + j];
        }
    }
    if (tw_partition_init(&p, ROWS, 0, tw_comm_size(of))) abort();
    const int64_t first = tw_partition_shard(&p, tw_comm_rank(of)),
                  end = tw_partition_shard(&p, tw_comm_rank(of) + 1);
    tw_partition_release(&p);
    memmove(x, x + first * COLS, (size_t)(end - first) * COLS * sizeof *x);
    memmove(y, y + first, (size_t)(end - first) * sizeof *y);
    *s = (tw_shard){
        .type = TW_f64, .x = x, .y = y, .rows = (size_t)(end - first), .cols = COLS, .first = first};
}

START_TEST(a_fit_of_rows_in_memory_has_the_bits_of_one_rank)
{
    tw_shard spread, whole;
    const tw_minimize_settings set = {.mode = TW_REPRODUCIBLE, .scaling = TW_SCALING_STANDARDIZE, .l2 = 1e-3};
    tw_minimize_result a, b;
    take_rows(&spread, comm);
    take_rows(&whole, alone);
    bool ok = tw_fit_rows(comm, &tw_model_linear, &spread, &set, &a) == TW_OK;
    ok = tw_fit_rows(alone, &tw_model_linear, &whole, &set, &b) == TW_OK && ok;
    ok = ok && a.n == COLS + 1 && same_bits(a.n, a.w, b.w) && a.f == b.f && a.iterations == b.iterations;
    for (int j = 0; ok && j < COLS; j++) ok = fabs(a.w[j] - (j - 1)) < 0.1;
    free(a.w);
    free(b.w);
    if (rank == size - 1) spread.first++; /* not the rows that this rank should hold */
    ok = tw_fit_rows(comm, &tw_model_linear, &spread, &set, &a) == TW_USAGE && ok && !a.w;
    tw_shard_release(&spread);
    tw_shard_release(&whole);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

int main(int argc, char **argv)
{
    if (tw_comm_init(&comm, &argc, &argv) || tw_comm_local(&alone)) return 2;
    rank = tw_comm_rank(comm);
    size = tw_comm_size(comm);
    Suite *s = suite_create("function");
    TCase *t = tcase_create("function");
    tcase_add_loop_test(t, the_function_of_rank_0_alone_is_asked_and_counts, 0, 2);
    tcase_add_loop_test(t, summed_functions_are_all_asked_and_added, 0, 2);
    tcase_add_loop_test(t, a_function_that_fails_on_one_rank_fails_everywhere_and_works_again, 0, 2);
    tcase_add_test(t, requests_and_other_failures_of_any_rank_travel_along);
    tcase_add_loop_test(t, a_sum_of_functions_is_minimised_at_the_closed_form, 0, 2);
    tcase_add_test(t, a_run_whose_function_fails_on_one_rank_fails_everywhere_and_leaves_the_start);
    tcase_add_test(t, a_fit_of_rows_in_memory_has_the_bits_of_one_rank);
    suite_add_tcase(s, t);
    const int failed = test_run_ranks(s, comm);
    tw_comm_release(alone);
    return failed;
}
