/* test_newton_cg.c -- the step of conjugate gradients in a trust region against the Hessian itself, and the
 * rule of the radius. What comes of it: test_trust_region.c. */
#include "second_order.h"

static const tw_model_ops *const models[] = {&tw_model_linear, &tw_model_logistic, &tw_model_softmax};

static void begin_cg(method *m, const problem *q)
{
    begin(m, q, &tw_optimizer_newton_cg, &tw_step_trust_region);
}

static void direction(method *m, problem *q)
{
    ck_assert_int_eq(tw_optimizer_direction(&m->o, q->F, &q->it), TW_OK);
}

/* ---------------------------------------------------------------- the direction */

static void scale_gradient(problem *q, double factor)
{
    for (size_t j = 0; j < q->n; j++) q->it.g[j] *= factor;
}

/* g + H d. */
static void residual(problem *q, double *r)
{
    ck_assert_int_eq(tw_objective_hessian_vector(q->F, q->it.d, false, r), TW_OK);
    for (size_t j = 0; j < q->n; j++) r[j] += q->it.g[j];
}

START_TEST(inside_the_region_the_residual_is_a_tenth_and_the_prediction_is_the_models)
{
    problem q;
    method m;
    double r[MOST];
    test_case c = usual_case(models[_i]);
    c.l2 = 4; /* curvatures above 1: the newton step is shorter than g */
    make(&q, &c);
    go_somewhere(&q);
    begin_cg(&m, &q);
    direction(&m, &q);
    ck_assert_double_eq(q.it.radius, q.it.g_norm);
    ck_assert_double_lt(tw_vec_norm(q.n, q.it.d), q.it.radius);
    ck_assert_int_ge(q.it.inner, 1);
    residual(&q, r);
    ck_assert_double_le(tw_vec_norm(q.n, r), 0.1 * q.it.g_norm);
    const double gd = tw_vec_dot(q.n, q.it.g, q.it.d), model = 0.5 * (gd + tw_vec_dot(q.n, r, q.it.d));
    ck_assert_double_eq_tol(q.it.predicted, -model, 1e-14 * -gd);
    ck_assert_double_gt(q.it.predicted, 0);
    end(&m);
    unmake(&q);
}
END_TEST

START_TEST(a_step_that_would_leave_ends_on_the_boundary_below_the_cauchy_point)
{
    for (double radius = 1e-6; radius < 2; radius *= 10) {
        problem q;
        method m;
        double r[MOST], p[MOST];
        test_case c = usual_case(models[_i]);
        c.l2 = 0;
        make(&q, &c);
        go_somewhere(&q);
        scale_gradient(&q, radius / q.it.g_norm); /* the radius of the first step is ||g|| */
        begin_cg(&m, &q);
        direction(&m, &q);
        ck_assert_int_ge(q.it.inner, 1);
        ck_assert_double_le(tw_vec_norm(q.n, q.it.d), radius * (1 + 1e-15));
        residual(&q, r);
        if (tw_vec_norm(q.n, r) > 0.1 * radius)
            ck_assert_double_ge(tw_vec_norm(q.n, q.it.d), radius * (1 - 1e-14));
        const double gd = tw_vec_dot(q.n, q.it.g, q.it.d), model = 0.5 * (gd + tw_vec_dot(q.n, r, q.it.d));
        ck_assert_double_eq_tol(q.it.predicted, -model, 1e-14 * -gd);
        ck_assert_int_eq(tw_objective_hessian_vector(q.F, q.it.g, false, p), TW_OK);
        const double gg = radius * radius, bend = tw_vec_dot(q.n, p, q.it.g), t = fmin(1, gg / bend);
        ck_assert_double_ge(q.it.predicted, (t * gg - 0.5 * t * t * bend) * (1 - 1e-12));
        end(&m);
        unmake(&q);
    }
}
END_TEST

START_TEST(a_later_step_that_would_leave_ends_on_the_boundary_too)
{
    int later = 0;
    for (double part = 0.75; part < 1; part += 0.03) {
        problem q;
        method m;
        const test_case c = usual_case(models[_i]);
        make(&q, &c);
        go_somewhere(&q);
        begin_cg(&m, &q);
        m.o.state[0] = 2; /* with a ratio that is no number the radius stays */
        m.o.state[1] = 1e6;
        m.o.state[2] = 1e6 * q.it.g_norm;
        direction(&m, &q);
        const double whole = tw_vec_norm(q.n, q.it.d), fall = q.it.predicted;
        const long inner = q.it.inner;
        m.o.state[1] = part * whole;
        direction(&m, &q);
        ck_assert(m.o.state[6] == 1 && q.it.inner <= inner);
        later += q.it.inner > 1;
        ck_assert_double_eq_tol(tw_vec_norm(q.n, q.it.d), part * whole, 1e-14 * whole);
        ck_assert(q.it.predicted < fall && q.it.predicted > 0.5 * fall);
        end(&m);
        unmake(&q);
    }
    ck_assert_int_ge(later, 2);
}
END_TEST

START_TEST(n_products_solve_a_quadratic)
{
    problem q;
    method m;
    double r[MOST];
    test_case c = usual_case(&tw_model_linear);
    c.l2 = 1.5; /* the step is shorter than g */
    make(&q, &c);
    begin_cg(&m, &q);
    direction(&m, &q);
    m.o.state[2] = 1e10 * q.it.g_norm; /* as if ||g|| had fallen so far: the residual must be 1e-5 of it */
    m.o.state[1] = 1e6;
    direction(&m, &q);
    ck_assert_int_le(q.it.inner, (long)q.n);
    ck_assert_int_gt(q.it.inner, 3);
    residual(&q, r);
    ck_assert_double_le(tw_vec_norm(q.n, r), 1e-5 * q.it.g_norm);
    end(&m);
    unmake(&q);
}
END_TEST

START_TEST(max_inner_ends_the_conjugate_gradients)
{
    problem q;
    method m;
    const test_case c = usual_case(&tw_model_softmax);
    make(&q, &c);
    go_somewhere(&q);
    begin_cg(&m, &q);
    m.o.set.max_inner = 1;
    m.o.state[0] = 1;
    m.o.state[1] = 1e6;
    m.o.state[2] = 1e10 * q.it.g_norm;
    direction(&m, &q);
    ck_assert_int_eq(q.it.inner, 1);
    for (size_t j = 1; j < q.n; j++) /* one step is along g */
        ck_assert_double_eq_tol(q.it.d[j] * q.it.g[0], q.it.d[0] * q.it.g[j], 1e-15);
    m.o.set.max_inner = 0;
    direction(&m, &q);
    ck_assert_int_gt(q.it.inner, 1);
    ck_assert_int_le(q.it.inner, (long)q.n);
    end(&m);
    unmake(&q);
}
END_TEST

/* ---------------------------------------------------------------- the radius */

/* tron.cpp of LIBLINEAR 1.93, in its own words. */
static double tron(double delta, double f, double fnew, double gs, double prered, double snorm, bool first)
{
    const double eta0 = 1e-4, eta1 = 0.25, eta2 = 0.75, sigma1 = 0.25, sigma2 = 0.5, sigma3 = 4;
    const double actred = f - fnew;
    double alpha;
    if (first) delta = fmin(delta, snorm);
    if (fnew - f - gs <= 0)
        alpha = sigma3;
    else
        alpha = fmax(sigma1, -0.5 * (gs / (fnew - f - gs)));
    if (actred < eta0 * prered) return fmin(fmax(alpha, sigma1) * snorm, sigma2 * delta);
    if (actred < eta1 * prered) return fmax(sigma1 * delta, fmin(alpha * snorm, sigma2 * delta));
    if (actred < eta2 * prered) return fmax(sigma1 * delta, fmin(alpha * snorm, sigma3 * delta));
    return fmax(delta, fmin(alpha * snorm, sigma3 * delta));
}

START_TEST(the_radius_follows_tron)
{
    static const double ratios[] = {-50, -1, 0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 1, 1.3, 5};
    int larger = 0, smaller = 0, edges = 0;
    for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++) {
        problem q;
        method m;
        double r[MOST];
        test_case c = usual_case(models[_i]);
        c.l2 = i % 2 ? 1 : 0;
        make(&q, &c);
        go_somewhere(&q);
        begin_cg(&m, &q);
        direction(&m, &q);
        ck_assert_double_eq(q.it.radius, q.it.g_norm);
        for (int k = 0; k < 4; k++) {
            const double radius = q.it.radius, length = tw_vec_norm(q.n, q.it.d);
            const double fnew = -(ratios[i] * q.it.predicted), gs = tw_vec_dot(q.n, q.it.g, q.it.d);
            const bool edge = m.o.state[6] > 0;
            residual(&q, r); /* a tenth, unless the radius was in the way */
            ck_assert(edge ? length > radius * (1 - 1e-14) : tw_vec_norm(q.n, r) <= 0.1 * q.it.g_norm);
            const double expected = edge && ratios[i] > 0.75
                                        ? 4 * (k ? radius : fmin(radius, length))
                                        : tron(radius, 0, fnew, gs, q.it.predicted, length, k == 0);
            q.it.ratio = ratios[i];
            direction(&m, &q);
            ck_assert_double_eq_tol(q.it.radius, expected, 1e-14 * expected);
            larger += q.it.radius > radius;
            smaller += q.it.radius < radius;
            edges += edge;
        }
        end(&m);
        unmake(&q);
    }
    ck_assert(larger > 2 && smaller > 9 && edges > 9);
}
END_TEST

START_TEST(a_ratio_that_is_no_number_shrinks_the_radius)
{
    static const double ratios[] = {INFINITY, -INFINITY};
    for (size_t i = 0; i < 2; i++) {
        problem q;
        method m;
        const test_case c = usual_case(&tw_model_logistic);
        make(&q, &c);
        go_somewhere(&q);
        begin_cg(&m, &q);
        direction(&m, &q);
        const double radius = q.it.radius, length = tw_vec_norm(q.n, q.it.d);
        q.it.ratio = ratios[i];
        direction(&m, &q);
        ck_assert_double_eq(q.it.radius, 0.25 * fmin(radius, length));
        end(&m);
        unmake(&q);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("newton_cg");
    TCase *t = tcase_create("newton_cg");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, inside_the_region_the_residual_is_a_tenth_and_the_prediction_is_the_models, 0, 3);
    tcase_add_loop_test(t, a_step_that_would_leave_ends_on_the_boundary_below_the_cauchy_point, 0, 3);
    tcase_add_loop_test(t, a_later_step_that_would_leave_ends_on_the_boundary_too, 0, 3);
    tcase_add_test(t, n_products_solve_a_quadratic);
    tcase_add_test(t, max_inner_ends_the_conjugate_gradients);
    tcase_add_loop_test(t, the_radius_follows_tron, 0, 3);
    tcase_add_test(t, a_ratio_that_is_no_number_shrinks_the_radius);
    suite_add_tcase(s, t);
    return test_run(s);
}
