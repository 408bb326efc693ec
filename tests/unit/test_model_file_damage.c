/* model.h5 with bytes turned: refused, and where edits are allowed given a verdict. */
#include "thalweg/dataset.h"
#include "thalweg/model_file.h"

#include "scratch.h"
#include "some_model.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const char *path;

/* A softmax of 3 classes and 5 features, scaled, with names; its path stays the same throughout a test. */
static void set_up(void)
{
    static char kept[1024];
    tw_model model;
    tw_model_file good;
    tw_dataset_start();
    scratch_make();
    snprintf(kept, sizeof kept, "%s", in_scratch("model.h5"));
    path = kept;
    ck_assert_int_eq(tw_model_init(&model, tw_model_find("softmax"), SOME_FEATURES, 3, true), TW_OK);
    some_file(&good, &model, true, true);
    ck_assert_int_eq(tw_model_file_write(&good, path), TW_OK);
    tw_model_file_release(&good);
    tw_model_release(&model);
}

START_TEST(every_flipped_byte_of_a_model_is_refused)
{
    size_t size;
    tw_model_file found;
    char *const bytes = slurp(path, &size);
    for (size_t at = 0; at < size; at++) {
        const char flipped = (char)~bytes[at];
        overwrite(path, at, 1, &flipped);
        ck_assert_msg(tw_model_file_read(&found, path, NULL) == TW_DATA, "byte %zu of %zu", at, size);
        overwrite(path, at, 1, &bytes[at]);
    }
    ck_assert_int_eq(tw_model_file_read(&found, path, NULL), TW_OK);
    tw_model_file_release(&found);
    free(bytes);
}
END_TEST

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum { MUTATIONS = 2000, MOST_CRASHES = MUTATIONS / 10, MOST_MEMORY = 2000000000 };

typedef struct {
    int next, same, read, refused, wrong;
} progress;

/* A few bytes of the good file changed; false: to what they were. */
static bool mutate(int i, const char *bytes, size_t size)
{
    bool changed = false;
    srandom((unsigned)i);
    overwrite(path, 0, size, bytes);
    for (int n = 0; n < 1 + i % 8; n++) {
        const char byte = (char)random();
        const size_t at = (size_t)random() % size;
        changed = changed || byte != bytes[at];
        overwrite(path, at, 1, &byte);
    }
    return changed;
}

/* Mutants from *next on, until they are through or HDF5 takes the process down. */
static void read_mutants(progress *at, const char *bytes, size_t size)
{
    for (; at->next < MUTATIONS; at->next++) {
        tw_model_file found;
        bool edited;
        if (!mutate(at->next, bytes, size)) {
            at->same++;
            continue;
        }
        at->wrong += tw_model_file_read(&found, path, NULL) != TW_DATA;
        alarm(2);
        const tw_status status = SANITIZED ? TW_DATA : tw_model_file_read(&found, path, &edited);
        if (status == TW_OK) tw_model_file_release(&found);
        at->read += status == TW_OK;
        at->refused += status == TW_DATA || status == TW_MEMORY;
    }
}

static void read_in_child(progress *at, const char *bytes, size_t size)
{
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = {MOST_MEMORY, MOST_MEMORY};
        if (!freopen("/dev/null", "w", stderr)) _exit(1);
        if (!SANITIZED) setrlimit(RLIMIT_AS, &limit);
        signal(SIGALRM, SIG_DFL); /* Check's handler would kill the test */
        read_mutants(at, bytes, size);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

/* Sealed files only: every mutant is refused. With edits allowed HDF5 gets to see damaged bytes, on which its
 * library is known to crash, to hang and to ask for all memory; all others must get a verdict. */
START_TEST(random_damage_is_read_or_refused)
{
    int crashes = 0;
    size_t size;
    char *const bytes = slurp(path, &size);
    progress *const at = mmap(NULL, sizeof *at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(at != MAP_FAILED);
    for (read_in_child(at, bytes, size); at->next < MUTATIONS; read_in_child(at, bytes, size)) {
        crashes++;
        at->next++;
    }
    if (SANITIZED)
        printf("not run: damaged models with edits allowed, under a sanitizer\n");
    else
        printf("HDF5 crashed or hung on %d of %d damaged models with edits allowed\n", crashes, MUTATIONS);
    ck_assert_int_eq(at->wrong, 0);
    ck_assert_int_eq(at->same + at->read + at->refused + crashes, MUTATIONS);
    ck_assert_int_le(crashes, MOST_CRASHES);
    ck_assert(SANITIZED || at->read > 0);
    ck_assert_int_gt(at->refused, 0);
    munmap(at, sizeof *at);
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("model_file_damage");
    TCase *const cases = tcase_create("all");
    tcase_add_checked_fixture(cases, set_up, scratch_remove);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, every_flipped_byte_of_a_model_is_refused);
    tcase_add_test(cases, random_damage_is_read_or_refused);
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
