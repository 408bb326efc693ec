/* test_isa.c -- which table of inner loops a process runs, and who says so: THALWEG_ISA and the launchers'
 * numbers.
 *
 * The choice is made once per process, so each case has a child of its own. */
#include "core/kernels_isa.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N_THREADS = 4 };

static const char *const isas[] = {"avx512", "avx2", "baseline"};

enum { N_ISAS = sizeof isas / sizeof isas[0] };

typedef struct {
    const char *wish, *ompi, *pmix, *slurm; /* NULL = not in the environment */
    int lines;                              /* on stderr */
} choice;

static void set(const char *name, const char *value)
{
    if (value != NULL)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static const char *best(void)
{
    for (int i = 0; i < N_ISAS; i++)
        if (tw_kernels_find(isas[i]) != NULL) return isas[i];
    return "none";
}

static _Noreturn void be_the_child(const choice *c, const char *expected, int out)
{
    set("THALWEG_ISA", c->wish);
    set("OMPI_COMM_WORLD_RANK", c->ompi);
    set("PMIX_RANK", c->pmix);
    set("SLURM_PROCID", c->slurm);
    dup2(out, STDERR_FILENO);
    const tw_kernels *first = tw_kernels_get(), *second = tw_kernels_get();
    _exit(first == second && strcmp(first->name, expected) == 0 ? 0 : 1);
}

/* Checks the name, returns the number of lines on stderr. */
static int lines_of(const choice *c, const char *expected)
{
    int ends[2], status, lines = 0;
    char text[4096];
    ck_assert(pipe(ends) == 0);
    const pid_t child = fork();
    ck_assert(child >= 0);
    if (child == 0) be_the_child(c, expected, ends[1]);
    close(ends[1]);
    for (ssize_t got; (got = read(ends[0], text, sizeof text)) > 0;)
        for (ssize_t i = 0; i < got; i++) lines += text[i] == '\n';
    close(ends[0]);
    ck_assert(waitpid(child, &status, 0) == child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "THALWEG_ISA=%s did not choose %s",
                  c->wish ? c->wish : "(unset)", expected);
    return lines;
}

static const choice bad_wishes[] = {
    {"mmx", NULL, NULL, NULL, 1}, {"AVX512", NULL, NULL, NULL, 1}, {"mmx", "0", "0", "0", 1},
    {"mmx", "0", NULL, "3", 1},   {"mmx", "3", NULL, "0", 0},      {"mmx", "3", "0", "0", 0},
    {"mmx", NULL, "2", NULL, 0},  {"mmx", NULL, "0", "1", 1},      {"mmx", NULL, NULL, "1", 0},
};

enum { N_BAD = sizeof bad_wishes / sizeof bad_wishes[0] };

START_TEST(an_unknown_wish_gives_the_best_and_one_line_from_the_first_rank)
{
    const int lines = lines_of(&bad_wishes[_i], best());
    ck_assert_msg(lines == bad_wishes[_i].lines, "case %d: %d lines, not %d", _i, lines,
                  bad_wishes[_i].lines);
}
END_TEST

START_TEST(without_a_wish_the_best_runs_in_silence)
{
    const choice unset = {NULL, NULL, NULL, NULL, 0}, empty = {"", NULL, NULL, NULL, 0};
    ck_assert(lines_of(&unset, best()) == 0);
    ck_assert(lines_of(&empty, best()) == 0);
}
END_TEST

START_TEST(a_wish_the_machine_can_run_is_granted_in_silence_else_it_is_named)
{
    const choice wish = {isas[_i], NULL, NULL, NULL, 0};
    const tw_kernels *table = tw_kernels_find(isas[_i]);
    ck_assert(table == NULL || strcmp(table->name, isas[_i]) == 0);
    ck_assert(lines_of(&wish, table != NULL ? isas[_i] : best()) == (table == NULL));
}
END_TEST

START_TEST(baseline_runs_everywhere_and_nonsense_nowhere)
{
    ck_assert(tw_kernels_find("baseline") != NULL);
    ck_assert(tw_kernels_find("mmx") == NULL);
    ck_assert(tw_kernels_find("") == NULL);
}
END_TEST

static void *ask(void *out)
{
    *(const tw_kernels **)out = tw_kernels_get();
    return NULL;
}

START_TEST(threads_that_ask_at_once_get_the_same_table)
{
    pthread_t threads[N_THREADS];
    const tw_kernels *got[N_THREADS] = {NULL};
    for (int i = 0; i < N_THREADS; i++) ck_assert(pthread_create(&threads[i], NULL, ask, &got[i]) == 0);
    for (int i = 0; i < N_THREADS; i++) ck_assert(pthread_join(threads[i], NULL) == 0);
    for (int i = 0; i < N_THREADS; i++) ck_assert(got[i] != NULL && got[i] == got[0]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("isa");
    TCase *tests = tcase_create("choice");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, an_unknown_wish_gives_the_best_and_one_line_from_the_first_rank, 0, N_BAD);
    tcase_add_test(tests, without_a_wish_the_best_runs_in_silence);
    tcase_add_loop_test(tests, a_wish_the_machine_can_run_is_granted_in_silence_else_it_is_named, 0, N_ISAS);
    tcase_add_test(tests, baseline_runs_everywhere_and_nonsense_nowhere);
    tcase_add_test(tests, threads_that_ask_at_once_get_the_same_table);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
