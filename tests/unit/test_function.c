/* test_function.c -- objectives without rows on one rank: F, penalties, second derivatives by differences and
 * the extreme curvatures, against closed forms. Whole runs: test_minimize.c; several ranks:
 * mpi/test_function.c. */
#include "support.h"

#include "thalweg/link.h"
#include "thalweg/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static tw_comm *comm;

static void enter(void)
{
    ck_assert_int_eq(tw_comm_local(&comm), TW_OK);
}

static void leave(void)
{
    tw_comm_release(comm);
}

static void make(tw_objective *F, const tw_function *f, double l2, double l1)
{
    const tw_objective_parts parts = {
        .comm = comm, .function = f, .mode = TW_REPRODUCIBLE, .l2 = l2, .l1 = l1};
    ck_assert_msg(tw_objective_init(F, &parts) == TW_OK, "%s", tw_status_message());
}

/* Evaluate at w and make it the point in force. */
static double put(tw_objective *F, const double *w, double *g)
{
    double f;
    ck_assert_msg(tw_objective_eval(F, w, &f, g) == TW_OK, "%s", tw_status_message());
    tw_objective_accept(F);
    return f;
}

/* Rosenbrock 1960; its Hessian at (-1.2, 1) is [1330 480; 480 200]. */
static tw_status rosenbrock(void *context, const double *w, double *f, double *g)
{
    const double a = 1 - w[0], b = w[1] - w[0] * w[0];
    (void)context;
    *f = a * a + 100 * b * b;
    g[0] = -2 * a - 400 * w[0] * b;
    g[1] = 200 * b;
    return TW_OK;
}
static const tw_function banana = {.n = 2, .eval = rosenbrock};
static const double start[2] = {-1.2, 1};

/* 1/2 w.A w with A = Q diag(eigenvalues) Q, Q = I - 2 u u^T; context: n, the eigenvalues, u. */
enum { MOST = 200 };
typedef struct {
    size_t n;
    double eigenvalue[MOST], u[MOST];
} quadratic;

static void reflect(const quadratic *q, const double *in, double *out)
{
    const double along = tw_vec_dot(q->n, q->u, in);
    for (size_t j = 0; j < q->n; j++) out[j] = in[j] - 2 * along * q->u[j];
}

static tw_status bowl(void *context, const double *w, double *f, double *g)
{
    const quadratic *q = context;
    double v[MOST];
    reflect(q, w, v);
    for (size_t j = 0; j < q->n; j++) v[j] = q->eigenvalue[j] * v[j];
    reflect(q, v, g);
    *f = 0.5 * tw_vec_dot(q->n, w, g);
    return TW_OK;
}

static void make_bowl(quadratic *q, size_t n, double least, double largest)
{
    test_seed(n);
    q->n = n;
    for (size_t j = 0; j < n; j++) {
        q->eigenvalue[j] = n > 1 ? least + (largest - least) * (double)j / (double)(n - 1) : least;
        q->u[j] = test_uniform();
    }
    const double norm = tw_vec_norm(n, q->u);
    for (size_t j = 0; j < n; j++) q->u[j] /= norm;
}

/* ---------------------------------------------------------------- F and g */

START_TEST(f_and_g_are_the_functions_own_plus_the_penalties)
{
    tw_objective F;
    double own, g_own[2], g[2], sub[2];
    ck_assert_int_eq(rosenbrock(NULL, start, &own, g_own), TW_OK);
    make(&F, &banana, 0, 0);
    ck_assert(put(&F, start, g) == own && same_bits(2, g, g_own));
    tw_objective_release(&F);
    make(&F, &banana, 0.5, 2);
    ck_assert_double_eq_tol(put(&F, start, g), own + 0.25 * (1.44 + 1) + 2 * 2.2, 1e-13);
    ck_assert_double_eq_tol(g[0], g_own[0] + 0.5 * -1.2, 1e-12); /* of the smooth part */
    ck_assert_double_eq_tol(g[1], g_own[1] + 0.5, 1e-12);
    tw_objective_subgradient(&F, start, g, sub);
    ck_assert_double_eq_tol(sub[0], g[0] - 2, 1e-12);
    ck_assert_double_eq_tol(sub[1], g[1] + 2, 1e-12);
    ck_assert_uint_eq(tw_objective_nonzeros(&F, start), 2);
    ck_assert(!tw_objective_has_margins(&F));
    tw_objective_release(&F);
}
END_TEST

/* ---------------------------------------------------------------- second derivatives */

START_TEST(the_hessian_and_its_products_are_those_of_the_closed_form)
{
    tw_objective F;
    double g[2], h[4], out[2];
    const double d[2] = {3e-5, -7e-5}, l2 = _i ? 10 : 0;
    make(&F, &banana, l2, 0);
    put(&F, start, g);
    ck_assert_int_eq(tw_objective_hessian(&F, h), TW_OK);
    const double truth[4] = {1330 + l2, 480, 480, 200 + l2};
    for (int i = 0; i < 4; i++) ck_assert_double_eq_tol(h[i], truth[i], 1e-6); /* 1e-9 of the largest */
    ck_assert(h[1] == h[2]);
    ck_assert_int_eq(tw_objective_hessian_vector(&F, d, false, out), TW_OK);
    for (int i = 0; i < 2; i++)
        ck_assert_double_eq_tol(out[i], truth[2 * i] * d[0] + truth[2 * i + 1] * d[1], 1e-10);
    ck_assert_int_eq(F.evals, 1 + 4 + 2);
    tw_objective_release(&F);
}
END_TEST

/* Parameters of very different size: no step may be lost in the large one, or be too long for the small one.
 */
static tw_status uneven(void *context, const double *w, double *f, double *g)
{
    (void)context;
    *f = tw_exp(w[0] / 1e8) + tw_exp(3 * w[1]);
    g[0] = tw_exp(w[0] / 1e8) / 1e8;
    g[1] = 3 * tw_exp(3 * w[1]);
    return TW_OK;
}

START_TEST(differences_suit_parameters_of_very_different_size)
{
    const tw_function f = {.n = 2, .eval = uneven};
    const double w[2] = {2e8, 1e-3};
    tw_objective F;
    double g[2], h[4];
    make(&F, &f, 0, 0);
    put(&F, w, g);
    ck_assert_int_eq(tw_objective_hessian(&F, h), TW_OK);
    ck_assert_double_eq_tol(h[0] / (exp(2) * 1e-16), 1, 1e-9);
    ck_assert_double_eq_tol(h[3] / (9 * exp(3e-3)), 1, 1e-9);
    tw_objective_release(&F);
}
END_TEST

START_TEST(products_belong_to_the_point_in_force_and_leave_it_there)
{
    tw_objective F;
    double g[2], f, before[4], after[4], zero[2] = {0, 0}, out[2] = {1, 1};
    make(&F, &banana, 0, 0);
    put(&F, start, g);
    ck_assert_int_eq(tw_objective_hessian(&F, before), TW_OK);
    ck_assert_int_eq(tw_objective_eval(&F, zero, &f, g), TW_OK); /* not accepted */
    ck_assert_int_eq(tw_objective_hessian(&F, after), TW_OK);
    ck_assert(same_bits(4, before, after));
    put(&F, zero, g);
    ck_assert_int_eq(tw_objective_hessian(&F, after), TW_OK);
    ck_assert_double_eq_tol(after[0], 2, 1e-6); /* [2 0; 0 200] */
    ck_assert_int_eq(tw_objective_hessian_vector(&F, zero, false, out), TW_OK);
    ck_assert(out[0] == 0 && out[1] == 0);
    tw_objective_release(&F);
}
END_TEST

START_TEST(a_function_has_no_gram_matrix)
{
    tw_objective F;
    double g[2], out[2];
    make(&F, &banana, 0, 0);
    put(&F, start, g);
    ck_assert_int_eq(tw_objective_hessian_vector(&F, start, true, out), TW_CONFIG);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "no Gram matrix"));
    tw_objective_release(&F);
}
END_TEST

/* ---------------------------------------------------------------- extreme curvatures */

static void curvatures(const tw_function *f, const double *w, double l1, double *least, double *largest)
{
    tw_objective F;
    double g[MOST];
    make(&F, f, 0, l1);
    put(&F, w, g);
    ck_assert_msg(tw_objective_least_curvature(&F, w, least, largest) == TW_OK, "%s", tw_status_message());
    tw_objective_release(&F);
}

static const struct {
    size_t n;
    double least, largest;
} spectra[] = {{1, -3, -3},    {1, 4, 4},      {2, -2, 2},   {7, 1, 1},
               {20, -1e-4, 1}, {30, 1e-4, 10}, {200, -5, 1}, {200, 2, 9}};

START_TEST(the_extreme_eigenvalues_are_those_of_the_spectrum)
{
    quadratic q;
    double w[MOST] = {0}, least, largest;
    const tw_function f = {.n = spectra[_i].n, .eval = bowl, .context = &q};
    make_bowl(&q, f.n, spectra[_i].least, spectra[_i].largest);
    for (size_t j = 0; j < f.n; j++) w[j] = _i % 2 ? test_uniform() : 0;
    curvatures(&f, w, 0, &least, &largest);
    const double scale = fmax(fabs(spectra[_i].least), fabs(spectra[_i].largest));
    const double room = f.n > 30 ? 0.02 * scale : 1e-8 * scale; /* beyond 30 the space is not the whole one */
    ck_assert_double_eq_tol(least, spectra[_i].least, room);
    ck_assert_double_eq_tol(largest, spectra[_i].largest, room);
    ck_assert(least >= spectra[_i].least - 1e-8 * scale && largest <= spectra[_i].largest + 1e-8 * scale);
}
END_TEST

/* A gradient that is constant but for its rounding has no curvature, although its differences are not zero.
 */
static tw_status noisy(void *context, const double *w, double *f, double *g)
{
    (void)context;
    *f = 0;
    for (size_t j = 0; j < 5; j++) {
        double mixed = w[j] * 1e9;
        for (size_t k = 0; k < 5; k++) mixed = fma(1e7 + 13 * (double)k, w[k], mixed);
        const double wave = mixed - 16 * floor(mixed / 16); /* 0 .. 16, as good as random */
        g[j] = 1 + 0x1p-52 * floor(wave);
    }
    return TW_OK;
}

START_TEST(rounding_of_the_gradient_is_not_taken_for_a_negative_curvature)
{
    const tw_function f = {.n = 5, .eval = noisy};
    double w[5], least, largest;
    test_seed(3);
    for (int repeat = 0; repeat < 20; repeat++) {
        for (int j = 0; j < 5; j++) w[j] = test_uniform();
        curvatures(&f, w, 0, &least, &largest);
        ck_assert_msg(!(least < 0), "repeat %d: %g", repeat, least);
    }
}
END_TEST

/* (x - 3)^2 - y^2/20 */
static tw_status valley(void *context, const double *w, double *f, double *g)
{
    (void)context;
    *f = (w[0] - 3) * (w[0] - 3) - 0.05 * w[1] * w[1];
    g[0] = 2 * (w[0] - 3);
    g[1] = -0.1 * w[1];
    return TW_OK;
}

START_TEST(parameters_that_l1_holds_at_zero_do_not_count)
{
    const tw_function f = {.n = 2, .eval = valley};
    const double w[2] = {2.5, 0}, zero[2] = {0, 0};
    double least, largest;
    curvatures(&f, w, 1, &least, &largest);
    ck_assert_double_eq_tol(least, 2, 1e-8);
    ck_assert_double_eq_tol(largest, 2, 1e-8);
    curvatures(&f, w, 0, &least, &largest);
    ck_assert_double_eq_tol(least, -0.1, 1e-8);
    curvatures(&f, zero, 1, &least, &largest);
    ck_assert(least == 0 && largest == 0);
}
END_TEST

/* One feature and an intercept: the eigenvalues of a 2 x 2 matrix, from exact products and from differences.
 */
START_TEST(a_model_on_rows_gives_the_same_from_its_products_and_from_differences)
{
    test_case c = {.ops = &tw_model_logistic,
                   .type = TW_f64,
                   .rows = 300,
                   .cols = 1,
                   .mode = TW_REPRODUCIBLE,
                   .l2 = 0.01,
                   .intercept = true};
    test_data d;
    test_problem p;
    double w[2] = {0.7, -0.3}, g[2], f, h[4], least, largest;
    test_seed(11);
    test_data_init(&d, &c);
    ck_assert_int_eq(test_problem_init(&p, comm, &c, &d), TW_OK);
    tw_objective_parts parts = p.objective.parts;
    parts.keep_margins = true;
    tw_objective_release(&p.objective);
    ck_assert_int_eq(tw_objective_init(&p.objective, &parts), TW_OK);
    put(&p.objective, w, g);
    ck_assert_int_eq(tw_objective_hessian(&p.objective, h), TW_OK);
    const double mean = 0.5 * (h[0] + h[3]), spread = hypot(0.5 * (h[0] - h[3]), h[1]);
    for (int by_differences = 0; by_differences < 2; by_differences++) {
        const long evals = p.objective.evals;
        ck_assert_int_eq(tw_objective_least_curvature(&p.objective, w, &least, &largest), TW_OK);
        ck_assert((p.objective.evals == evals) == !by_differences);
        ck_assert_double_eq_tol(least, mean - spread, by_differences ? 1e-9 : 1e-14);
        ck_assert_double_eq_tol(largest, mean + spread, by_differences ? 1e-9 : 1e-14);
        tw_objective_release(&p.objective);
        parts.keep_margins = false;
        ck_assert_int_eq(tw_objective_init(&p.objective, &parts), TW_OK);
        ck_assert_int_eq(tw_objective_eval(&p.objective, w, &f, g), TW_OK);
    }
    test_problem_release(&p);
    test_data_release(&d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("function");
    TCase *t = tcase_create("function");
    tcase_add_checked_fixture(t, enter, leave);
    tcase_add_test(t, f_and_g_are_the_functions_own_plus_the_penalties);
    tcase_add_loop_test(t, the_hessian_and_its_products_are_those_of_the_closed_form, 0, 2);
    tcase_add_test(t, differences_suit_parameters_of_very_different_size);
    tcase_add_test(t, products_belong_to_the_point_in_force_and_leave_it_there);
    tcase_add_test(t, a_function_has_no_gram_matrix);
    tcase_add_loop_test(t, the_extreme_eigenvalues_are_those_of_the_spectrum, 0,
                        sizeof spectra / sizeof *spectra);
    tcase_add_test(t, rounding_of_the_gradient_is_not_taken_for_a_negative_curvature);
    tcase_add_test(t, parameters_that_l1_holds_at_zero_do_not_count);
    tcase_add_test(t, a_model_on_rows_gives_the_same_from_its_products_and_from_differences);
    suite_add_tcase(s, t);
    return test_run(s);
}
