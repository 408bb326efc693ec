/* test_search_paths.c -- searches on difficult functions and over many steps: strong Wolfe points, the price
 * of a run, the first length, the last digits of F, and the lengths of barzilai_borwein. One step in depth:
 * test_search.c. */
#include "search_support.h"

enum { MODELS = 3, RULES = 2 };

static const tw_step_ops *const rules[RULES] = {&tw_step_wolfe, &tw_step_goldstein};
static const tw_model_ops *const models[MODELS] = {&tw_model_linear, &tw_model_logistic, &tw_model_softmax};

static const tw_step_settings usual = {
    .length = 1, .c1 = 1e-4, .c2 = 0.9, .c = 0.25, .shrink = 0.5, .max_trials = 50, .natural = true};

/* ---------------------------------------------------------------- the difficult functions of More and
 * Thuente 1994 */

static double sine(double a, double *slope)
{
    const double beta = 0.01, l = 39, pi = 3.14159265358979323846;
    double f = a <= 1 - beta ? 1 - a : a >= 1 + beta ? a - 1 : (a - 1) * (a - 1) / (2 * beta) + beta / 2;
    *slope = a <= 1 - beta ? -1 : a >= 1 + beta ? 1 : (a - 1) / beta;
    *slope += (1 - beta) * cos(l * pi * a / 2);
    return f + 2 * (1 - beta) / (l * pi) * sin(l * pi * a / 2);
}

static double yanai(double a, double b1, double b2, double *slope)
{
    const double g1 = sqrt(1 + b1 * b1) - b1, g2 = sqrt(1 + b2 * b2) - b2;
    const double left = sqrt((1 - a) * (1 - a) + b2 * b2), right = sqrt(a * a + b1 * b1);
    *slope = g1 * (a - 1) / left + g2 * a / right;
    return g1 * left + g2 * right;
}

/* Functions 5.1 to 5.6. */
static double difficult(int number, double a, double *slope)
{
    const double b = a + 0.004;
    switch (number) {
    case 1: *slope = (a * a - 2) / ((a * a + 2) * (a * a + 2)); return -a / (a * a + 2);
    case 2: *slope = b * b * b * (5 * b - 8); return b * b * b * b * (b - 2);
    case 3: return sine(a, slope);
    case 4: return yanai(a, 0.001, 0.001, slope);
    case 5: return yanai(a, 0.01, 0.001, slope);
    default: return yanai(a, 0.001, 0.01, slope);
    }
}

static tw_status eval_difficult(void *context, const double *w, double *f, double *g)
{
    *f = difficult(*(int *)context, w[0], g);
    return TW_OK;
}

START_TEST(the_functions_of_more_and_thuente_reach_a_strong_wolfe_point)
{
    static const double c1[] = {1e-3, 0.1, 0.1, 1e-3, 1e-3, 1e-3}, c2[] = {0.1, 0.1, 0.1, 1e-3, 1e-3, 1e-3};
    static const double first[] = {1e-3, 1e-1, 10, 1e3};
    int number = _i / 4 + 1;
    tw_comm *comm;
    tw_objective F;
    tw_iterate it;
    tw_step step;
    tw_step_settings set = usual;
    const tw_function function = {.n = 1, .eval = eval_difficult, .context = &number};
    set.length = first[_i % 4];
    set.c1 = c1[number - 1];
    set.c2 = c2[number - 1];
    ck_assert_int_eq(tw_comm_local(&comm), TW_OK);
    ck_assert_int_eq(tw_objective_init(&F, &(tw_objective_parts){.comm = comm, .function = &function}),
                     TW_OK);
    ck_assert(tw_iterate_init(&it, 1));
    ck_assert_int_eq(tw_step_init(&step, &tw_step_wolfe, &set, 1), TW_OK);
    ck_assert_int_eq(tw_objective_eval(&F, it.w, &it.f, it.g), TW_OK);
    it.d[0] = 1;
    ck_assert_int_eq(tw_step_advance(&step, &F, &it), TW_OK);
    double slope, slope0;
    const double f0 = difficult(number, 0, &slope0), f = difficult(number, it.alpha, &slope);
    ck_assert_msg(it.why == TW_CONTINUE && it.trials <= 24, "function %d from %g: %ld trials", number,
                  set.length, it.trials);
    ck_assert(f <= f0 + set.c1 * it.alpha * slope0 && fabs(slope) <= set.c2 * fabs(slope0));
    ck_assert_double_eq(it.w[0], it.alpha);
    tw_step_release(&step);
    tw_iterate_release(&it);
    tw_objective_release(&F);
    tw_comm_release(comm);
}
END_TEST

/* ---------------------------------------------------------------- runs of lbfgs */

START_TEST(lbfgs_with_wolfe_reads_x_hardly_more_than_once_an_iteration)
{
    start s;
    tw_optimizer o;
    tw_step step;
    make(&s, models[_i % MODELS], true, 1 + 2 * ((unsigned)_i / MODELS));
    const double reads = s.p.objective.reads, first = tw_vec_norm(s.it.n, s.it.g);
    ck_assert_int_eq(
        tw_optimizer_init(&o, &tw_optimizer_lbfgs, &(tw_optimizer_settings){.memory = 10}, s.it.n), TW_OK);
    ck_assert_int_eq(tw_step_init(&step, &tw_step_wolfe, &usual, s.it.n), TW_OK);
    while (s.it.why == TW_CONTINUE && s.it.k < 100 && tw_vec_norm(s.it.n, s.it.g) > 1e-10 * first) {
        ck_assert_int_eq(tw_optimizer_direction(&o, &s.p.objective, &s.it), TW_OK);
        ck_assert_int_eq(tw_step_advance(&step, &s.p.objective, &s.it), TW_OK);
    }
    const double each = (s.p.objective.reads - reads) / (double)s.it.k;
    ck_assert_msg(s.it.why == TW_CONTINUE && s.it.k < 100, "%ld iterations, %s", s.it.k,
                  tw_reason_name(s.it.why));
    ck_assert_msg(each <= 1.3, "%g reads in each of %ld iterations", each, s.it.k);
    tw_step_release(&step);
    tw_optimizer_release(&o);
    unmake(&s);
}
END_TEST

/* Where the decrease at stake is within rounding, slopes must say what the values cannot. */
static bool decided_by_slopes(const tw_iterate *it, const tw_step_ops *ops, const tw_step_settings *set)
{
    if (ops == &tw_step_goldstein) {
        if (-set->c * it->alpha * it->slope > TW_LOSS_ROUNDING * fabs(it->f_prev)) return false;
        ck_assert_double_le(fabs(it->slope_end), (1 - 2 * set->c) * -it->slope);
        return true;
    }
    if (it->f <= it->f_prev + set->c1 * it->alpha * it->slope) return false;
    ck_assert_double_le(it->slope_end, (2 * set->c1 - 1) * it->slope);
    return true;
}

/* Large residuals hide the decrease of F: there the slopes decide, and the gradient falls all the same. */
START_TEST(where_f_has_no_digits_left_the_slopes_decide)
{
    start s;
    tw_optimizer o;
    tw_step step;
    tw_step_settings set = usual;
    long hidden = 0;
    set.c1 = _i / RULES / 2 ? 0.4 : 1e-4;
    if (set.c1 > 0.1) set.length = 1.7;
    make(&s, &tw_model_linear, _i / RULES % 2, 1);
    for (size_t i = 0; i < s.p.shard.rows; i++) s.p.shard.y[i] = i % 2 ? 1e6 : -1e6;
    evaluate_start(&s);
    const double first = tw_vec_norm(s.it.n, s.it.g);
    ck_assert_int_eq(
        tw_optimizer_init(&o, &tw_optimizer_lbfgs, &(tw_optimizer_settings){.memory = 9}, s.it.n), TW_OK);
    ck_assert_int_eq(tw_step_init(&step, rules[_i % RULES], &set, s.it.n), TW_OK);
    while (s.it.why == TW_CONTINUE && s.it.k < 100) {
        ck_assert_int_eq(tw_optimizer_direction(&o, &s.p.objective, &s.it), TW_OK);
        ck_assert_int_eq(tw_step_advance(&step, &s.p.objective, &s.it), TW_OK);
        if (s.it.why == TW_CONTINUE) hidden += decided_by_slopes(&s.it, rules[_i % RULES], &set);
    }
    if (set.c1 < 0.1 || !s.p.objective.margins)
        ck_assert_int_gt(hidden, 0); /* else the flattest length is too good */
    ck_assert_double_lt(tw_vec_norm(s.it.n, s.it.g), 1e-10 * first);
    tw_step_release(&step);
    tw_optimizer_release(&o);
    unmake(&s);
}
END_TEST

/* Large residuals spoil slopes from margins before they spoil those of evaluations, and c2 = 0.1 needs them
 * exact. */
START_TEST(slopes_that_margins_have_lost_are_not_believed)
{
    start s;
    tw_step step;
    tw_step_settings set = usual;
    set.c2 = 0.1;
    set.natural = false;
    make(&s, &tw_model_linear, true, 1);
    for (size_t i = 0; i < s.p.shard.rows; i++) s.p.shard.y[i] = i % 2 ? 1e9 : -1e9;
    evaluate_start(&s);
    const double first = tw_vec_norm(s.it.n, s.it.g);
    ck_assert_int_eq(tw_step_init(&step, rules[_i], &set, s.it.n), TW_OK);
    while (s.it.why == TW_CONTINUE && s.it.k < 60 && tw_vec_norm(s.it.n, s.it.g) > 1e-13 * first) {
        for (size_t j = 0; j < s.it.n; j++) s.it.d[j] = -s.it.g[j];
        ck_assert_int_eq(tw_step_advance(&step, &s.p.objective, &s.it), TW_OK);
    }
    ck_assert_msg(tw_vec_norm(s.it.n, s.it.g) <= 1e-13 * first, "%s at %g", tw_reason_name(s.it.why),
                  tw_vec_norm(s.it.n, s.it.g) / first);
    tw_step_release(&step);
    unmake(&s);
}
END_TEST

/* ---------------------------------------------------------------- over many steps along -g */

/* F and gradient of sum c_j w_j^2 / 2, condition 1000. */
static tw_status eval_bowl(void *context, const double *w, double *f, double *g)
{
    (void)context;
    *f = 0;
    for (int j = 0; j < MOST; j++) {
        const double c = pow(10, 3.0 * j / (MOST - 1));
        *f += c * w[j] * w[j] / 2;
        g[j] = c * w[j];
    }
    return TW_OK;
}

typedef struct {
    tw_comm *comm;
    tw_objective F;
    tw_iterate it;
    tw_step step;
} bowl;

static const tw_function bowl_function = {.n = MOST, .eval = eval_bowl};

static void make_bowl(bowl *b, const tw_step_ops *ops)
{
    const tw_step_settings set = {
        .length = 1, .c1 = 0.1, .c2 = 0.9, .c = 0.25, .shrink = 0.5, .max_trials = 50};
    ck_assert_int_eq(tw_comm_local(&b->comm), TW_OK);
    ck_assert_int_eq(
        tw_objective_init(&b->F, &(tw_objective_parts){.comm = b->comm, .function = &bowl_function}), TW_OK);
    ck_assert(tw_iterate_init(&b->it, MOST));
    ck_assert_int_eq(tw_step_init(&b->step, ops, &set, MOST), TW_OK);
    for (int j = 0; j < MOST; j++) b->it.w[j] = 1 + j % 3;
    ck_assert_int_eq(tw_objective_eval(&b->F, b->it.w, &b->it.f, b->it.g), TW_OK);
}

static void unmake_bowl(bowl *b)
{
    tw_step_release(&b->step);
    tw_iterate_release(&b->it);
    tw_objective_release(&b->F);
    tw_comm_release(b->comm);
}

static void step_down(bowl *b, tw_step *step)
{
    for (int j = 0; j < MOST; j++) b->it.d[j] = -b->it.g[j];
    ck_assert_int_eq(tw_step_advance(step, &b->F, &b->it), TW_OK);
    ck_assert_int_eq(b->it.why, TW_CONTINUE);
}

START_TEST(the_first_length_repeats_the_change_of_the_last_step_and_lives_in_the_state)
{
    bowl b;
    tw_step resumed;
    long first = 0;
    make_bowl(&b, rules[_i]);
    ck_assert_int_eq(tw_step_init(&resumed, rules[_i], &b.step.set, MOST), TW_OK);
    for (int k = 0; k < 40; k++) {
        const double alpha = b.it.alpha, slope = b.it.slope, longest = 1 / tw_vec_norm(MOST, b.it.g);
        memcpy(resumed.state, b.step.state, b.step.state_len * sizeof *b.step.state);
        step_down(&b, k % 2 ? &resumed : &b.step);
        if (k % 2) memcpy(b.step.state, resumed.state, b.step.state_len * sizeof *b.step.state);
        if (b.it.trials > 1) continue;
        first += k > 0;
        ck_assert_double_eq(b.it.alpha, k ? alpha * (slope / b.it.slope) : longest);
    }
    ck_assert_int_gt(first, 10);
    tw_step_release(&resumed);
    unmake_bowl(&b);
}
END_TEST

START_TEST(a_first_step_along_the_gradient_is_no_longer_than_one)
{
    static const tw_step_ops *const searches[] = {&tw_step_wolfe, &tw_step_barzilai_borwein};
    for (double norm = 0.5; norm < 4; norm += 0.5) {
        bowl b;
        make_bowl(&b, searches[_i]);
        memset(b.it.w, 0, sizeof(double[MOST]));
        b.it.w[0] = norm; /* where the curvature is 1 */
        ck_assert_int_eq(tw_objective_eval(&b.F, b.it.w, &b.it.f, b.it.g), TW_OK);
        step_down(&b, &b.step);
        ck_assert_int_eq(b.it.trials, 1);
        ck_assert_double_eq(b.it.alpha, norm > 1 ? 1 / norm : 1);
        unmake_bowl(&b);
    }
}
END_TEST

/* s.s / s.y after an odd number of steps, else s.y / y.y. */
static double formula(const double *w, const double *g, const tw_iterate *it)
{
    long double ss = 0, sy = 0, yy = 0;
    for (int j = 0; j < MOST; j++) {
        const long double s = (long double)it->w[j] - w[j], y = (long double)it->g[j] - g[j];
        ss += s * s;
        sy += s * y;
        yy += y * y;
    }
    return (double)(it->k % 2 ? ss / sy : sy / yy);
}

START_TEST(barzilai_borwein_takes_its_two_lengths_in_turn_below_the_largest_of_ten_values)
{
    bowl b;
    double w[MOST], g[MOST], recent[10], alpha = 0;
    long rises = 0, first = 0;
    make_bowl(&b, &tw_step_barzilai_borwein);
    while (tw_vec_norm(MOST, b.it.g) > 1e-10 && b.it.k < 1000) {
        if (b.it.k > 0) alpha = formula(w, g, &b.it);
        memcpy(w, b.it.w, sizeof w);
        memcpy(g, b.it.g, sizeof g);
        recent[b.it.k % 10] = b.it.f;
        double most = b.it.f;
        for (long i = 0; i < 10 && i <= b.it.k; i++) most = fmax(most, recent[i]);
        step_down(&b, &b.step);
        for (long t = 1; t < b.it.trials; t++) alpha *= 0.5;
        if (b.it.k > 1) ck_assert_double_eq_tol(b.it.alpha, alpha, 1e-12 * alpha);
        ck_assert_double_le(b.it.f, most + 0.1 * b.it.alpha * b.it.slope);
        rises += b.it.f > b.it.f_prev;
        first += b.it.trials == 1;
    }
    ck_assert_msg(b.it.k < 900, "%ld iterations", b.it.k);
    ck_assert(rises > 5 && first > 8 * b.it.k / 10);
    const long k = b.it.k;
    unmake_bowl(&b);
    make_bowl(&b, &tw_step_backtracking); /* the negative control: a monotone search is many times slower */
    while (tw_vec_norm(MOST, b.it.g) > 1e-10 && b.it.k < 5 * k) step_down(&b, &b.step);
    ck_assert_int_eq(b.it.k, 5 * k);
    unmake_bowl(&b);
}
END_TEST

START_TEST(the_state_of_barzilai_borwein_is_all_that_a_resumed_run_needs)
{
    for (long cut = 0; cut < 25; cut += 4) {
        bowl whole, cut_short;
        make_bowl(&whole, &tw_step_barzilai_borwein);
        make_bowl(&cut_short, &tw_step_barzilai_borwein);
        while (whole.it.k < cut) step_down(&whole, &whole.step);
        memcpy(cut_short.step.state, whole.step.state, whole.step.state_len * sizeof *whole.step.state);
        memcpy(cut_short.it.w, whole.it.w, sizeof(double[MOST]));
        memcpy(cut_short.it.g, whole.it.g, sizeof(double[MOST]));
        cut_short.it.f = whole.it.f;
        for (int k = 0; k < 15; k++) {
            step_down(&whole, &whole.step);
            step_down(&cut_short, &cut_short.step);
            ck_assert(same_bits(MOST, whole.it.w, cut_short.it.w));
        }
        unmake_bowl(&whole);
        unmake_bowl(&cut_short);
    }
}
END_TEST

START_TEST(a_count_that_somebody_wrote_into_the_state_of_barzilai_borwein_is_no_place_in_memory)
{
    static const double absurd[] = {-3, -1e300, NAN, INFINITY, 1e300};
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        bowl b;
        make_bowl(&b, &tw_step_barzilai_borwein);
        while (b.it.k < 3) step_down(&b, &b.step);
        b.step.state[2 * MOST + 10] = absurd[i];
        step_down(&b, &b.step);
        ck_assert_double_eq(b.step.state[2 * MOST + 10], 1); /* as after a first step */
        unmake_bowl(&b);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("search_paths");
    TCase *t = tcase_create("search_paths");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, the_functions_of_more_and_thuente_reach_a_strong_wolfe_point, 0, 24);
    tcase_add_loop_test(t, lbfgs_with_wolfe_reads_x_hardly_more_than_once_an_iteration, 0, 4 * MODELS);
    tcase_add_loop_test(t, the_first_length_repeats_the_change_of_the_last_step_and_lives_in_the_state, 0,
                        RULES);
    tcase_add_loop_test(t, a_first_step_along_the_gradient_is_no_longer_than_one, 0, 2);
    tcase_add_loop_test(t, slopes_that_margins_have_lost_are_not_believed, 0, RULES);
    tcase_add_loop_test(t, where_f_has_no_digits_left_the_slopes_decide, 0, 4 * RULES);
    tcase_add_test(t, barzilai_borwein_takes_its_two_lengths_in_turn_below_the_largest_of_ten_values);
    tcase_add_test(t, the_state_of_barzilai_borwein_is_all_that_a_resumed_run_needs);
    tcase_add_test(t, a_count_that_somebody_wrote_into_the_state_of_barzilai_borwein_is_no_place_in_memory);
    suite_add_tcase(s, t);
    return test_run(s);
}
