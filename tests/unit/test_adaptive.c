/* test_adaptive.c -- nesterov, adagrad, rmsprop, adam and adamw: PyTorch's paths on real data
 * (tests/truth/torch_paths.json), FISTA from two sequences in long double, and the bits that the page
 * promises. */
#include "support.h"

#include "thalweg/optimizer.h"
#include "thalweg/step.h"
#include "thalweg/vec.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- the paths of PyTorch */

static json_t *paths; /* loaded before the tests fork */

typedef struct {
    const json_t *truth;
    tw_comm *comm;
    tw_shard shard;
    size_t n_classes;
    double *classes;
    tw_partition partition;
    tw_model model;
    tw_scaling scaling;
    tw_objective objective;
} problem;

static const char *text_of(const json_t *truth, const char *key)
{
    return json_string_value(json_object_get(truth, key));
}

static void load(problem *p)
{
    char path[TW_PATH_LEN];
    tw_dataset d;
    snprintf(path, sizeof path, "%s/%s", TEST_SOURCE_DIR, text_of(p->truth, "data"));
    ck_assert_msg(tw_dataset_open(&d, path, &(tw_dataset_names){.need_labels = true}, NULL) == TW_OK, "%s",
                  tw_status_message());
    ck_assert_int_eq(tw_shard_read(&p->shard, &d, 0, d.rows), TW_OK);
    ck_assert_int_eq(tw_partition_init(&p->partition, d.rows, 0, 1), TW_OK);
}

static void make(problem *p, const json_t *truth)
{
    tw_scaling_kind kind;
    *p = (problem){.truth = truth};
    ck_assert_int_eq(tw_comm_local(&p->comm), TW_OK);
    load(p);
    const tw_model_ops *ops = tw_model_find(text_of(truth, "model"));
    ck_assert(ops && tw_scaling_find(text_of(truth, "scaling"), &kind));
    if (ops->target != TW_TARGET_NUMBER) {
        ck_assert_int_eq(tw_shard_classes(&p->shard, p->comm, &p->n_classes, &p->classes), TW_OK);
        ck_assert_int_eq(tw_shard_encode(&p->shard, p->n_classes, p->classes), TW_OK);
    }
    ck_assert_int_eq(tw_model_init(&p->model, ops, p->shard.cols, p->n_classes, true), TW_OK);
    ck_assert_int_eq(tw_scaling_fit(&p->scaling, kind, p->comm, &p->partition, &p->shard, 1), TW_OK);
    const tw_objective_parts parts = {.comm = p->comm,
                                      .partition = &p->partition,
                                      .shard = &p->shard,
                                      .model = &p->model,
                                      .scaling = &p->scaling,
                                      .mode = TW_REPRODUCIBLE,
                                      .l2 = json_number_value(json_object_get(truth, "l2"))};
    ck_assert_int_eq(tw_objective_init(&p->objective, &parts), TW_OK);
}

static void unmake(problem *p)
{
    tw_objective_release(&p->objective);
    tw_scaling_release(&p->scaling);
    tw_model_release(&p->model);
    tw_partition_release(&p->partition);
    free(p->classes);
    tw_shard_release(&p->shard);
    tw_comm_release(p->comm);
}

static double setting(const json_t *truth, const char *key)
{
    return json_number_value(json_object_get(json_object_get(truth, "settings"), key));
}

static tw_optimizer_settings settings_of(const json_t *truth, size_t n_weights)
{
    return (tw_optimizer_settings){.momentum = setting(truth, "momentum"),
                                   .beta1 = setting(truth, "beta1"),
                                   .beta2 = setting(truth, "beta2"),
                                   .smoothing = setting(truth, "smoothing"),
                                   .epsilon = setting(truth, "epsilon"),
                                   .weight_decay = setting(truth, "weight_decay"),
                                   .n_weights = n_weights};
}

/* max |w - truth| / max(1, |truth|), 0 when this step was not stored. */
static double off_path(const json_t *truth, const tw_iterate *it)
{
    char step[16];
    double most = 0;
    snprintf(step, sizeof step, "%ld", it->k);
    const json_t *w = json_object_get(json_object_get(truth, "parameters"), step);
    if (w) ck_assert_uint_eq(json_array_size(w), it->n);
    for (size_t j = 0; w && j < it->n; j++) {
        const double want = json_number_value(json_array_get(w, j));
        most = fmax(most, fabs(it->w[j] - want) / fmax(1, fabs(want)));
    }
    return most;
}

/* The largest difference from the path of `truth` in 100 steps with these settings. */
static double walk(const json_t *truth, const tw_optimizer_settings *change, double longer)
{
    problem p;
    tw_optimizer o;
    tw_step s;
    tw_iterate it;
    double most = 0;
    make(&p, truth);
    const tw_optimizer_settings set = change ? *change : settings_of(truth, p.model.n_weights);
    const tw_step_settings length = {.length = longer * setting(truth, "length")};
    const tw_optimizer_ops *const ops = tw_optimizer_find(text_of(truth, "optimizer"));
    ck_assert_ptr_nonnull(ops);
    ck_assert_int_eq(tw_optimizer_init(&o, ops, &set, p.objective.n), TW_OK);
    ck_assert_int_eq(tw_step_init(&s, &tw_step_constant, &length, p.objective.n), TW_OK);
    ck_assert(tw_iterate_init(&it, p.objective.n));
    ck_assert_int_eq(tw_objective_eval(&p.objective, it.w, &it.f, it.g), TW_OK);
    while (it.k < 100) {
        ck_assert_int_eq(tw_optimizer_direction(&o, &p.objective, &it), TW_OK);
        ck_assert_int_eq(tw_step_announce(&s, &p.objective, &it, (double)it.k), TW_OK);
        ck_assert_int_eq(tw_step_advance(&s, &p.objective, &it), TW_OK);
        most = fmax(most, off_path(truth, &it));
    }
    tw_iterate_release(&it);
    tw_step_release(&s);
    tw_optimizer_release(&o);
    unmake(&p);
    return most;
}

START_TEST(a_hundred_steps_are_those_of_pytorch)
{
    const json_t *truth = json_array_get(paths, (size_t)_i);
    ck_assert_uint_eq(json_object_size(json_object_get(truth, "parameters")), 6);
    const double off = walk(truth, NULL, 1), wrong = walk(truth, NULL, 1 + 1e-9);
    ck_assert_msg(off <= 1e-12, "%s on %s: %g", text_of(truth, "optimizer"), text_of(truth, "data"), off);
    ck_assert_msg(wrong > 1e-12, "%s on %s cannot tell a wrong length: %g", text_of(truth, "optimizer"),
                  text_of(truth, "data"), wrong);
}
END_TEST

/* Negative control: each setting that a method has moves its path. */
START_TEST(every_setting_that_pytorch_names_is_used)
{
    const json_t *truth = json_array_get(paths, (size_t)_i);
    const json_t *named = json_object_get(truth, "settings");
    const tw_optimizer_settings set =
        settings_of(truth, json_array_size(json_object_get(json_object_get(truth, "parameters"), "1")) - 1);
    tw_optimizer_settings other[7] = {set, set, set, set, set, set, set};
    other[0].momentum *= 0.999;
    other[1].beta1 *= 0.999;
    other[2].beta2 *= 0.999;
    other[3].smoothing *= 0.999;
    other[4].epsilon *= 2;
    other[5].weight_decay *= 1.001;
    other[6].n_weights++; /* the intercept would decay too */
    static const char *const keys[] = {"momentum", "beta1",        "beta2",       "smoothing",
                                       "epsilon",  "weight_decay", "weight_decay"};
    for (int k = 0; k < 7; k++) {
        const double off = walk(truth, &other[k], 1);
        if (json_object_get(named, keys[k]) && setting(truth, keys[k]) > 1e-9)
            ck_assert_msg(off > 1e-12, "%s does not move %s: %g", keys[k], text_of(truth, "optimizer"), off);
        else if (!json_object_get(named, keys[k]))
            ck_assert_msg(off <= 1e-12, "%s moves %s: %g", keys[k], text_of(truth, "optimizer"), off);
    }
}
END_TEST

START_TEST(epsilon_is_that_of_pytorch_unless_it_is_set)
{
    static const struct {
        const tw_optimizer_ops *ops;
        double own;
    } methods[] = {{&tw_optimizer_adagrad, 1e-10},
                   {&tw_optimizer_rmsprop, 1e-8},
                   {&tw_optimizer_adam, 1e-8},
                   {&tw_optimizer_adamw, 1e-8}};
    const double epsilons[] = {methods[_i].own, NAN, 0, 2e-8};
    double d[4] = {0};
    tw_iterate it;
    ck_assert(tw_iterate_init(&it, 1));
    for (int k = 0; k < 4; k++) {
        tw_optimizer o;
        const tw_optimizer_settings set = {.epsilon = epsilons[k]};
        ck_assert_int_eq(tw_optimizer_init(&o, methods[_i].ops, &set, 1), TW_OK);
        it.g[0] = 1e-8;
        ck_assert_int_eq(tw_optimizer_direction(&o, NULL, &it), TW_OK);
        d[k] = it.d[0];
        tw_optimizer_release(&o);
    }
    ck_assert_double_eq_tol(d[0], -1e-8 / (1e-8 + methods[_i].own), 1e-12);
    ck_assert_double_eq(d[0], d[1]);
    ck_assert_double_eq(d[0], d[2]);
    ck_assert_double_ne(d[0], d[3]);
    tw_iterate_release(&it);
}
END_TEST

/* ---------------------------------------------------------------- the order of operations */

enum { N = 24 };

static const tw_optimizer_settings some = {.momentum = 0.9,
                                           .beta1 = 0.85,
                                           .beta2 = 0.99,
                                           .smoothing = 0.95,
                                           .epsilon = 1e-3,
                                           .weight_decay = 0.1,
                                           .n_weights = N - 3,
                                           .full_batch = false};

typedef struct {
    double u[N], v[N], p1, p2, beta, theta;
    tw_optimizer_settings set;
} page;

/* Section 6 of docs/reproducibility.md, one element. */
static double nesterov_by_the_page(page *s, const tw_iterate *it, int j)
{
    s->u[j] = fma(s->set.momentum, s->u[j], it->g[j]);
    return -fma(s->set.momentum, s->u[j], it->g[j]);
}

static double fista_by_the_page(page *s, const tw_iterate *it, int j)
{
    if (j == 0) {
        for (int i = 0; i < N; i++) s->u[i] = fma(s->beta, s->u[i], it->g[i]);
        const bool again = test_lane_sum(N, it->g, s->u) < 0;
        if (again) memcpy(s->u, it->g, sizeof s->u);
        const double theta = it->k == 0 || again ? 1 : s->theta, square = theta * theta,
                     root = sqrt(1 + 4 * square);
        s->theta = (1 + root) / 2;
        s->beta = (theta - 1) / s->theta;
    }
    return -fma(s->beta, s->u[j], it->g[j]);
}

static double adagrad_by_the_page(page *s, const tw_iterate *it, int j)
{
    s->v[j] = fma(it->g[j], it->g[j], s->v[j]);
    const double root = sqrt(s->v[j]) + s->set.epsilon;
    return -(it->g[j] / root);
}

static double rmsprop_by_the_page(page *s, const tw_iterate *it, int j)
{
    const double square = it->g[j] * it->g[j], share = 1 - s->set.smoothing, part = share * square;
    s->v[j] = fma(s->set.smoothing, s->v[j], part);
    return -(it->g[j] / (sqrt(s->v[j]) + s->set.epsilon));
}

static double adam_by_the_page(page *s, const tw_iterate *it, int j)
{
    const double square = it->g[j] * it->g[j], share1 = 1 - s->set.beta1, share2 = 1 - s->set.beta2;
    if (j == 0) {
        s->p1 = it->k == 0 ? s->set.beta1 : s->p1 * s->set.beta1;
        s->p2 = it->k == 0 ? s->set.beta2 : s->p2 * s->set.beta2;
    }
    s->u[j] = fma(s->set.beta1, s->u[j], share1 * it->g[j]);
    s->v[j] = fma(s->set.beta2, s->v[j], share2 * square);
    const double above = s->u[j] / (1 - s->p1), root = sqrt(1 - s->p2),
                 below = sqrt(s->v[j]) / root + s->set.epsilon;
    return -(above / below);
}

static double adamw_by_the_page(page *s, const tw_iterate *it, int j)
{
    const double d = adam_by_the_page(s, it, j);
    return j < N - 3 ? fma(-s->set.weight_decay, it->w[j], d) : d;
}

static const struct {
    const tw_optimizer_ops *ops;
    double (*element)(page *s, const tw_iterate *it, int j);
} pages[] = {{&tw_optimizer_nesterov, nesterov_by_the_page}, {&tw_optimizer_nesterov, fista_by_the_page},
             {&tw_optimizer_adagrad, adagrad_by_the_page},   {&tw_optimizer_rmsprop, rmsprop_by_the_page},
             {&tw_optimizer_adam, adam_by_the_page},         {&tw_optimizer_adamw, adamw_by_the_page}};
enum { PAGES = sizeof pages / sizeof *pages };

static void wander(tw_iterate *it)
{
    for (size_t j = 0; j < it->n; j++) {
        it->w[j] += test_uniform();
        it->g[j] = test_uniform();
    }
}

START_TEST(directions_have_the_bits_of_the_page)
{
    tw_optimizer o;
    tw_iterate it;
    page s = {.set = some};
    s.set.full_batch = s.set.restart = pages[_i].element == fista_by_the_page;
    ck_assert(tw_iterate_init(&it, N));
    ck_assert_int_eq(tw_optimizer_init(&o, pages[_i].ops, &s.set, N), TW_OK);
    for (it.k = 0; it.k < 300; it.k++) {
        double d[N];
        wander(&it);
        for (int j = 0; j < N; j++) d[j] = pages[_i].element(&s, &it, j);
        ck_assert_int_eq(tw_optimizer_direction(&o, NULL, &it), TW_OK);
        ck_assert_msg(same_bits(N, d, it.d), "%s, iteration %ld", pages[_i].ops->name, it.k);
    }
    tw_optimizer_release(&o);
    tw_iterate_release(&it);
}
END_TEST

/* Scaling by a power of two is exact, so it must not change one bit. */
START_TEST(adaptive_directions_do_not_know_the_unit_of_f)
{
    static const tw_optimizer_ops *const methods[] = {&tw_optimizer_adagrad, &tw_optimizer_rmsprop,
                                                      &tw_optimizer_adam};
    tw_optimizer a, b;
    tw_iterate it, scaled;
    tw_optimizer_settings set = some;
    set.epsilon = 1e-200;
    ck_assert(tw_iterate_init(&it, N) && tw_iterate_init(&scaled, N));
    ck_assert_int_eq(tw_optimizer_init(&a, methods[_i], &set, N), TW_OK);
    ck_assert_int_eq(tw_optimizer_init(&b, methods[_i], &set, N), TW_OK);
    for (it.k = 0; it.k < 100; it.k++) {
        wander(&it);
        for (int j = 0; j < N; j++) scaled.g[j] = 0x1p60 * it.g[j];
        ck_assert_int_eq(tw_optimizer_direction(&a, NULL, &it), TW_OK);
        ck_assert_int_eq(tw_optimizer_direction(&b, NULL, &scaled), TW_OK);
        ck_assert(same_bits(N, it.d, scaled.d));
        ck_assert(tw_vec_norm(N, it.d) > 0);
    }
    tw_optimizer_release(&b);
    tw_optimizer_release(&a);
    tw_iterate_release(&scaled);
    tw_iterate_release(&it);
}
END_TEST

/* 0.3^k is zero after 617 steps: the correction is over, and must not begin again. */
START_TEST(adam_without_a_change_of_gradient_steps_by_one_for_ever)
{
    tw_optimizer o;
    tw_iterate it;
    const tw_optimizer_settings set = {.beta1 = 0.3, .beta2 = 0.4, .epsilon = 1e-30};
    ck_assert(tw_iterate_init(&it, 2));
    ck_assert_int_eq(tw_optimizer_init(&o, &tw_optimizer_adam, &set, 2), TW_OK);
    it.g[0] = 1e-3;
    it.g[1] = -1e3;
    for (it.k = 0; it.k < 3000; it.k++) {
        ck_assert_int_eq(tw_optimizer_direction(&o, NULL, &it), TW_OK);
        ck_assert_double_eq_tol(it.d[0], -1, 1e-14);
        ck_assert_double_eq_tol(it.d[1], 1, 1e-14);
    }
    tw_optimizer_release(&o);
    tw_iterate_release(&it);
}
END_TEST

START_TEST(people_read_the_settings_behind_the_name)
{
    static const char *const want[] = {"nesterov(0.9)", "nesterov(restart)", "adagrad",
                                       "rmsprop(0.95)", "adam(0.85, 0.99)",  "adamw(0.85, 0.99, decay 0.1)"};
    for (int k = 0; k < PAGES; k++) {
        char text[64];
        tw_optimizer o;
        tw_optimizer_settings set = some;
        set.full_batch = set.restart = k == 1;
        ck_assert_int_eq(tw_optimizer_init(&o, pages[k].ops, &set, N), TW_OK);
        ck_assert_str_eq(tw_optimizer_describe(&o, sizeof text, text), want[k]);
        tw_optimizer_release(&o);
    }
}
END_TEST

int main(void)
{
    paths = json_load_file(TEST_SOURCE_DIR "/tests/truth/torch_paths.json", 0, NULL);
    if (!json_is_array(paths)) return 2;
    const int n = (int)json_array_size(paths);
    Suite *s = suite_create("adaptive");
    TCase *t = tcase_create("adaptive");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_hundred_steps_are_those_of_pytorch, 0, n);
    tcase_add_loop_test(t, every_setting_that_pytorch_names_is_used, 0, n);
    tcase_add_loop_test(t, epsilon_is_that_of_pytorch_unless_it_is_set, 0, 4);
    tcase_add_loop_test(t, directions_have_the_bits_of_the_page, 0, PAGES);
    tcase_add_loop_test(t, adaptive_directions_do_not_know_the_unit_of_f, 0, 3);
    tcase_add_test(t, adam_without_a_change_of_gradient_steps_by_one_for_ever);
    tcase_add_test(t, people_read_the_settings_behind_the_name);
    suite_add_tcase(s, t);
    return test_run(s);
}
