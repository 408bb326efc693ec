/* test_allocations.c -- no iteration of the training loop allocates, whatever the optimizer and the step
 * rule.
 *
 * The linker puts the allocations of the program (not those of MPI and other libraries) through the functions
 * below, and those between iterations FROM and LAST of the loop are counted on each rank. Rows of the log are
 * not: metrics.jsonl is text of any length. What is needed now and then, and why it is not seen here: the
 * Gram matrix that lbfgs can begin with is made before the first direction and again only when a search has
 * failed (n^2 doubles that would lie idle all the run); checkpoints; and the look for a saddle point, after
 * the loop.
 */
#include "support.h"

#include "thalweg/link.h"
#include "thalweg/run.h"
#include "train/method.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FROM = 3, LAST = 20, ROWS = 1500, COLS = 5, BATCH = 400 };

static tw_comm *comm;
static int rank;

/* ---------------------------------------------------------------- allocations */

static _Atomic long allocations;
static _Atomic bool paused; /* a row of the log is written */

static void count(void)
{
    if (!paused) allocations++;
}

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *p, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t most);
FILE *__real_fopen(const char *path, const char *mode);
void __real_tw_runlog_row(tw_runlog *log, tw_objective *F, const tw_iterate *it);
tw_reason __real_tw_monitor_check(tw_monitor *m, const tw_objective *F, const tw_iterate *it);

void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t items, size_t bytes);
void *__wrap_realloc(void *p, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t most);
FILE *__wrap_fopen(const char *path, const char *mode);
void __wrap_tw_runlog_row(tw_runlog *log, tw_objective *F, const tw_iterate *it);
tw_reason __wrap_tw_monitor_check(tw_monitor *m, const tw_objective *F, const tw_iterate *it);

void *__wrap_malloc(size_t bytes)
{
    count();
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t items, size_t bytes)
{
    count();
    return __real_calloc(items, bytes);
}

void *__wrap_realloc(void *p, size_t bytes)
{
    count();
    return __real_realloc(p, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    count();
    return __real_aligned_alloc(alignment, bytes);
}

char *__wrap_strdup(const char *text)
{
    count();
    return __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t most)
{
    count();
    return __real_strndup(text, most);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    count();
    return __real_fopen(path, mode);
}

void __wrap_tw_runlog_row(tw_runlog *log, tw_objective *F, const tw_iterate *it)
{
    paused = true;
    __real_tw_runlog_row(log, F, it);
    paused = false;
}

/* The loop asks here before every iteration, and after the last. */
static long at[LAST + 1], reached; /* allocations before iteration k; the last k asked about */

tw_reason __wrap_tw_monitor_check(tw_monitor *m, const tw_objective *F, const tw_iterate *it)
{
    if (it->k >= 0 && it->k <= LAST) {
        at[it->k] = allocations;
        reached = it->k;
    }
    return __real_tw_monitor_check(m, F, it);
}

/* ---------------------------------------------------------------- runs */

typedef struct {
    const tw_optimizer_ops *optimizer;
    const tw_step_ops *step;
    const tw_model_ops *model; /* NULL: a function */
    tw_reduction_mode mode;
    int threads;
    double l1;
    bool batches, gram;
} setup;

/* Rows that a plane separates: without penalty the minimum is at infinity, so that no method is done early.
 */
static void make_rows(test_data *d, const test_case *c)
{
    test_seed(11);
    test_data_init(d, c);
    for (size_t i = 0; i < d->rows; i++) {
        const double *x = d->x + i * d->cols, a = x[0] - x[1] + 0.5 * x[2], b = x[3] + x[1];
        d->y[i] = c->classes > 2 ? (a > 0 ? 2 : b > 0) : a > 0;
    }
}

/* Its minimum is so flat that every method comes near it slowly. */
static tw_status flat(void *context, const double *w, double *f, double *g)
{
    (void)context;
    *f = 0;
    for (int j = 0; j < 2; j++) {
        const double a = w[j] - 1 - j;
        g[j] = 0.01 * (a * a * a);
        *f += 0.25 * a * g[j];
    }
    return TW_OK;
}
static const tw_function bowl = {.n = 2, .convex = true, .eval = flat};

static const tw_optimizer_ops *instead; /* takes the place of the optimizer of the setup */

static tw_status run(const setup *s, tw_objective *F, tw_method *m)
{
    double w[64] = {0};
    if (s->batches) TW_TRY(tw_comm_agree(comm, tw_objective_batches(F, BATCH, 5)));
    if (s->batches) m->of_optimizer.full_batch = false;
    if (instead) m->optimizer = instead;
    if (F->n > sizeof w / sizeof *w) return tw_fail(TW_INTERNAL, "more parameters than expected");
    return tw_method_run(m, F, w, NULL);
}

/* What was allocated in the iterations that count, on this rank; -1: the run failed, or was over too soon. */
static long allocated(const setup *s)
{
    const tw_optimizer_settings gram = {.memory = 10, .gram = true};
    const tw_minimize_settings set = {.optimizer = s->optimizer->name,
                                      .step = s->step->name,
                                      .of_optimizer = s->gram ? &gram : NULL,
                                      .l1 = s->l1,
                                      .gradient_norm = 1e-300,
                                      .max_iterations = LAST,
                                      .mode = s->mode};
    const test_case c = {.ops = s->model,
                         .type = TW_f32,
                         .scaling = TW_SCALING_STANDARDIZE,
                         .mode = s->mode,
                         .rows = ROWS,
                         .cols = COLS,
                         .classes = s->model == &tw_model_softmax ? 3 : 2,
                         .intercept = true,
                         .margins = true};
    test_data data = {0};
    test_problem p = {0};
    tw_method m;
    tw_objective_parts parts = {.comm = comm, .function = &bowl, .mode = s->mode};
    tw_status status = tw_method_init(&m, comm, &set, s->model);
    reached = 0;
    if (s->model) {
        make_rows(&data, &c);
        if (status == TW_OK) status = tw_comm_agree(comm, test_problem_init(&p, comm, &c, &data));
        parts = p.objective.parts;
        tw_objective_release(&p.objective);
        parts.l1 = s->l1;
        parts.threads = s->threads;
        parts.keep_margins = status == TW_OK && tw_method_margins(&m, s->model);
    }
    if (status == TW_OK) status = tw_comm_agree(comm, tw_objective_init(&p.objective, &parts));
    if (status == TW_OK) status = run(s, &p.objective, &m);
    if (status && rank == 0) fprintf(stderr, "%s\n", tw_status_message());
    if (s->model)
        test_problem_release(&p);
    else
        tw_objective_release(&p.objective);
    test_data_release(&data);
    const long least = s->l1 > 0 ? FROM + 2 : LAST; /* with l1 the minimum is near */
    return status == TW_OK && reached >= least ? at[reached] - at[FROM] : -1;
}

static bool fits(const setup *s)
{
    if (tw_method_obstacle(s->optimizer, s->step, s->l1, s->batches)) return false;
    if (s->l1 > 0 && !s->optimizer->l1) return false;
    if (s->batches && !s->optimizer->mini_batch) return false;
    if (s->gram && s->optimizer != &tw_optimizer_lbfgs) return false;
    return s->model || !(s->step->products || s->gram);
}

static int tried;

static void check(const setup *s)
{
    if (!fits(s)) return;
    tried++;
    const long made = allocated(s);
    ck_assert_msg(all_ranks(comm, made == 0),
                  "%s, %s, %s, mode %d, %d threads, l1 %g%s%s: %ld (to iteration %ld)", s->optimizer->name,
                  s->step->name, s->model ? s->model->name : "function", s->mode, s->threads, s->l1,
                  s->batches ? ", batches" : "", s->gram ? ", gram" : "", made, reached);
}

/* Every optimizer with every step rule that goes with it. */
static void check_all(setup s)
{
    for (size_t i = 0; tw_optimizers[i]; i++)
        for (size_t j = 0; tw_steps[j]; j++) {
            s.optimizer = tw_optimizers[i];
            s.step = tw_steps[j];
            check(&s);
        }
}

/* ---------------------------------------------------------------- tests */

START_TEST(an_iteration_allocates_nothing_whatever_the_method)
{
    const tw_reduction_mode mode = _i % 2 ? TW_ALLREDUCE : TW_REPRODUCIBLE;
    const int threads = 1 + _i / 2;
    tried = 0;
    check_all((setup){.model = &tw_model_logistic, .mode = mode, .threads = threads});
    ck_assert(all_ranks(comm, tried > 50));
    check_all((setup){.model = &tw_model_logistic, .mode = mode, .threads = threads, .gram = true});
    check_all((setup){.model = &tw_model_logistic, .mode = mode, .threads = threads, .l1 = 1e-4});
}
END_TEST

START_TEST(nor_does_an_epoch_of_mini_batches)
{
    const tw_reduction_mode mode = _i % 2 ? TW_ALLREDUCE : TW_REPRODUCIBLE;
    tried = 0;
    check_all((setup){.model = &tw_model_logistic, .mode = mode, .threads = 1 + _i / 2, .batches = true});
    ck_assert(all_ranks(comm, tried > 20));
}
END_TEST

START_TEST(nor_with_several_outputs_or_without_rows)
{
    check_all((setup){.model = &tw_model_softmax, .mode = TW_REPRODUCIBLE, .threads = 2});
    check_all((setup){.mode = TW_REPRODUCIBLE, .threads = 1});
}
END_TEST

/* ---- negative controls */

static tw_status eat(tw_optimizer *o, tw_objective *F, tw_iterate *it)
{
    static void *volatile crumb;
    if (it->k == LAST - 1) crumb = malloc(16);
    if (it->k == LAST - 1) free(crumb);
    return tw_optimizer_gd.direction(o, F, it);
}

START_TEST(an_optimizer_that_allocates_once_is_noticed)
{
    tw_optimizer_ops hungry = tw_optimizer_gd;
    const setup s = {
        &tw_optimizer_gd, &tw_step_constant, &tw_model_logistic, TW_REPRODUCIBLE, 1, 0, false, false};
    hungry.direction = eat;
    instead = &hungry;
    const long made = allocated(&s);
    instead = NULL;
    ck_assert(all_ranks(comm, made == 1));
}
END_TEST

/* So the library's own are seen: the first Hessian makes what the later ones use. */
START_TEST(what_newton_makes_in_its_first_iteration_is_noticed)
{
    const setup s = {
        &tw_optimizer_newton, &tw_step_constant, &tw_model_logistic, TW_REPRODUCIBLE, 1, 0, false, false};
    const long made = allocated(&s);
    ck_assert(all_ranks(comm, made == 0 && at[1] > at[0] && at[2] == at[1]));
}
END_TEST

/* ---- whole runs, as of a configuration: log, validation, checkpoints that are never due */

static char path[512], yaml[512], out[512];

static void enter(void)
{
    if (rank == 0) {
        const test_case c = {
            .ops = &tw_model_logistic, .type = TW_f64, .rows = ROWS, .cols = COLS, .classes = 2};
        test_data d;
        test_folder_enter();
        snprintf(path, sizeof path, "%s", test_path("d.h5"));
        snprintf(yaml, sizeof yaml, "%s", test_path("c.yaml"));
        snprintf(out, sizeof out, "%s", test_path("run"));
        make_rows(&d, &c);
        test_write_plain(path, ROWS, COLS, d.x, d.y);
        test_data_release(&d);
    }
    ck_assert_int_eq(tw_comm_bcast(comm, 0, path, sizeof path), TW_OK);
    ck_assert_int_eq(tw_comm_bcast(comm, 0, yaml, sizeof yaml), TW_OK);
    ck_assert_int_eq(tw_comm_bcast(comm, 0, out, sizeof out), TW_OK);
}

static void leave(void)
{
    tw_comm_barrier(comm);
    if (rank == 0) test_folder_leave();
}

static const char *const whole_runs[] = {
    "optimizer: {type: lbfgs}", "optimizer: {type: newton}\nstep: {rule: constant, length: 0.5}",
    "optimizer: {type: newton_cg}", "optimizer: {type: adam, batch: 100}"};

START_TEST(whole_runs_with_log_and_validation_allocate_nothing_in_an_iteration_either)
{
    tw_run r;
    reached = 0;
    if (rank == 0) {
        FILE *f = fopen(yaml, "w");
        fprintf(f,
                "data: {train: %s, validation: {fraction: 0.2}, scaling: standardize}\nmodel: {type: "
                "logistic, l2: 0}\n"
                "%s\nstop: {gradient_norm: 0, %s: %d}\ncheckpoint: {every: never}\n"
                "output: {log_every: 1000}\nparallel: {threads: 2}\n",
                path, whole_runs[_i], strstr(whole_runs[_i], "batch") ? "max_epochs" : "max_iterations",
                LAST + 1); /* at the limit the state is saved */
        fclose(f);
    }
    tw_comm_barrier(comm);
    tw_run_init(&r, comm);
    r.log.quiet = true;
    r.resume = "never";
    tw_status status = tw_run_configure(&r, yaml, 0, NULL, out);
    if (status == TW_OK) status = tw_run_load(&r);
    if (status == TW_OK) status = tw_run_train(&r);
    tw_run_release(&r);
    const bool ok = status == TW_OK && reached == LAST && at[LAST] == at[FROM];
    ck_assert_msg(all_ranks(comm, ok), "%s: %s; %ld to iteration %ld", whole_runs[_i], tw_status_message(),
                  at[LAST] - at[FROM], reached);
}
END_TEST

int main(int argc, char **argv)
{
    if (tw_comm_init(&comm, &argc, &argv)) return 2;
    rank = tw_comm_rank(comm);
    tw_dataset_start();
    Suite *suite = suite_create("allocations");
    TCase *t = tcase_create("loop"), *whole = tcase_create("whole runs");
    tcase_set_timeout(t, 0);
    tcase_add_loop_test(t, an_iteration_allocates_nothing_whatever_the_method, 0, 4);
    tcase_add_loop_test(t, nor_does_an_epoch_of_mini_batches, 0, 4);
    tcase_add_test(t, nor_with_several_outputs_or_without_rows);
    tcase_add_test(t, an_optimizer_that_allocates_once_is_noticed);
    tcase_add_test(t, what_newton_makes_in_its_first_iteration_is_noticed);
    suite_add_tcase(suite, t);
    tcase_add_checked_fixture(whole, enter, leave);
    tcase_add_loop_test(whole, whole_runs_with_log_and_validation_allocate_nothing_in_an_iteration_either, 0,
                        sizeof whole_runs / sizeof *whole_runs);
    suite_add_tcase(suite, whole);
    return test_run_ranks(suite, comm);
}
