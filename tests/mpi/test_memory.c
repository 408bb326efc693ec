/* test_memory.c -- memory that runs out while ranks are joined is an error of all of them, with one sentence.
 *
 * The linker puts the allocations of the library (not those of MPI) through the functions below, and the k-th
 * one of an action fails, for every k that the action has. */
#include "support.h"

#include "thalweg/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static tw_comm *comm;
static int rank, size;

/* ---------------------------------------------------------------- allocations */

static long fail_at, counted; /* fail_at 0: none is looked at */

static bool fails(void)
{
    return fail_at > 0 && ++counted == fail_at;
}

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *p, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
char *__real_strdup(const char *text);

void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *p, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t bytes)
{
    return fails() ? NULL : __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    return fails() ? NULL : __real_calloc(count, bytes);
}

void *__wrap_realloc(void *p, size_t bytes)
{
    return fails() ? NULL : __real_realloc(p, bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
    return fails() ? NULL : __real_aligned_alloc(alignment, bytes);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

typedef tw_status action(void);

/* The action with its k-th allocation failing; the number of those it came to. */
static long run(action *act, long k, tw_status *status)
{
    tw_status_message()[0] = 0;
    fail_at = k;
    counted = 0;
    *status = act();
    fail_at = 0;
    return counted;
}

/* The number of allocations of an action, each of which is missed with a sentence; 0 when one is not. */
static long allocations(action *act)
{
    for (long k = 1;; k++) {
        tw_status status;
        const long made = run(act, k, &status);
        if (made < k) return status == TW_OK ? k - 1 : 0;
        if (status != TW_MEMORY || !strstr(tw_status_message(), "out of memory")) return 0;
    }
}

/* ---------------------------------------------------------------- actions of one rank */

static tw_status join_alone(void)
{
    tw_comm *alone;
    const tw_status status = tw_comm_local(&alone);
    tw_comm_release(alone);
    return status;
}

static tw_status divide(void)
{
    tw_partition p;
    TW_TRY(tw_partition_init(&p, 100, 16, 3));
    tw_partition_release(&p);
    return TW_OK;
}

static tw_partition sixteen;
static size_t short_bytes;

static tw_status reduce(void)
{
    tw_reduction *r;
    const tw_reduction_plan plan = {
        .mode = TW_REPRODUCIBLE, .merge = &tw_merge_sum, .n = 40, .short_bytes = short_bytes};
    const tw_status status = tw_reduction_new(&r, comm, &sixteen, &plan);
    tw_reduction_free(r);
    return status;
}

static char folder[] = "/tmp/thalweg-test-XXXXXX";
enum { FILES = 20 };

static tw_status list(void)
{
    size_t count;
    char **names;
    const tw_status status = tw_checkpoint_list(folder, &count, &names);
    const bool whole = count == (status == TW_OK ? FILES : 0) && !names == (status != TW_OK);
    free(names);
    return whole ? status : TW_INTERNAL;
}

static void files(bool there)
{
    char path[128];
    for (int i = 0; i < FILES; i++) {
        snprintf(path, sizeof path, "%s/iteration-%012d.h5", folder, i);
        FILE *const file = there ? fopen(path, "w") : NULL;
        if (file) fclose(file);
        if (!there) unlink(path);
    }
    if (!there) rmdir(folder);
}

START_TEST(an_allocation_that_fails_is_told_from_one_that_does_not)
{
    tw_status status;
    bool ok = run(join_alone, 0, &status) == 0 && status == TW_OK;
    ok &= run(join_alone, 1, &status) == 1 && status == TW_MEMORY;
    ok &= run(join_alone, 2, &status) == 1 && status == TW_OK;
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(what_one_rank_makes_for_itself_is_refused_without_memory_for_any_part_of_it)
{
    bool ok = allocations(join_alone) == 1 && allocations(divide) == 1;
    ok &= tw_partition_init(&sixteen, 10000, 16, size) == TW_OK;
    for (short_bytes = 1; short_bytes < 100000; short_bytes += 99998) ok &= allocations(reduce) == 15;
    tw_partition_release(&sixteen);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

START_TEST(the_names_of_checkpoints_are_all_listed_or_none)
{
    bool ok = mkdtemp(folder) != NULL;
    files(true);
    ok &= allocations(list) == FILES + 3; /* each name, the list twice, and the copy */
    files(false);
    ck_assert(all_ranks(comm, ok));
}
END_TEST

/* ---------------------------------------------------------------- all ranks */

static tw_status compare(void)
{
    const unsigned char digest[16] = {1, 2, 3};
    return tw_comm_compare(comm, digest);
}

START_TEST(replicas_are_compared_by_a_rank_without_memory_too)
{
    tw_status status;
    const bool ok = run(compare, rank == size - 1 ? 1 : 0, &status) == 0 && status == TW_OK;
    ck_assert(all_ranks(comm, ok));
}
END_TEST

static int n_arguments;
static char **arguments;

static tw_status join(void)
{
    return tw_comm_init(&comm, &n_arguments, &arguments);
}

/* Before MPI has started, on every rank; then after it, on the last one only. Exit 0 when both are refused.
 */
static int start(void)
{
    const char *const ranks = getenv("OMPI_COMM_WORLD_SIZE"), *const own = getenv("OMPI_COMM_WORLD_RANK");
    const bool last = !ranks || strtol(own, NULL, 10) + 1 == strtol(ranks, NULL, 10);
    const bool first = !own || strtol(own, NULL, 10) == 0;
    tw_status status;
    if (run(join, 1, &status) != 1 || status != TW_MEMORY || comm) return 3;
    run(join, last ? 2 : 0, &status);
    if (status != TW_MEMORY || comm) return 4;
    return !strstr(tw_status_message(), "out of memory") == first; /* the first rank prints it */
}

int main(int argc, char **argv)
{
    n_arguments = argc;
    arguments = argv;
    if (argc > 1 && strcmp(argv[1], "start") == 0) return start();
    if (tw_comm_init(&comm, &argc, &argv)) return 2;
    rank = tw_comm_rank(comm);
    size = tw_comm_size(comm);
    Suite *s = suite_create("memory");
    TCase *t = tcase_create("memory");
    tcase_add_test(t, an_allocation_that_fails_is_told_from_one_that_does_not);
    tcase_add_test(t, what_one_rank_makes_for_itself_is_refused_without_memory_for_any_part_of_it);
    tcase_add_test(t, the_names_of_checkpoints_are_all_listed_or_none);
    tcase_add_test(t, replicas_are_compared_by_a_rank_without_memory_too);
    suite_add_tcase(s, t);
    return test_run_ranks(s, comm);
}
