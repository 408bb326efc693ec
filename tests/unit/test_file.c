/* Commits under injected failures, crashes and rivals. The libc calls of a commit are replaced by ones that
 * fail on demand, so every step of it is seen to fail. */
#include "thalweg/file.h"

#include "scratch.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum call { NO_CALL, PWRITE, FSYNC, CLOSE, RENAME, ANY };
enum { SHORT = -1, ROT = -2, GROWTH = -3, DIE = -4, DEAD = 9 };

static struct {
    enum call call;
    int nth, error, seen;
} fault;

static int zero_randoms; /* so many calls of getrandom give 0 */

/* Is it this call's turn to fail? */
static bool strikes(enum call call)
{
    if (fault.call != call && fault.call != ANY) return false;
    if (++fault.seen != fault.nth) return false;
    if (fault.error == DIE) _exit(DEAD);
    errno = fault.error;
    return true;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    if (!strikes(PWRITE)) return syscall(SYS_pwrite64, fd, bytes, size, at);
    return fault.error == SHORT ? syscall(SYS_pwrite64, fd, bytes, size / 2, at) : -1;
}

int fsync(int fd)
{
    if (!strikes(FSYNC)) return (int)syscall(SYS_fsync, fd);
    if (fault.error != ROT && fault.error != GROWTH) return -1;
    ck_assert_int_eq(pwrite(fd, "?", 1, fault.error == ROT ? 3 : 9),
                     1); /* the disk turns a byte, or adds one */
    return 0;
}

int close(int fd)
{
    const int result = (int)syscall(SYS_close, fd), error = errno;
    if (strikes(CLOSE)) return -1;
    errno = error;
    return result;
}

int renameat(int from, const char *old, int to, const char *new)
{
    return strikes(RENAME) ? -1 : (int)syscall(SYS_renameat2, from, old, to, new, 0);
}

ssize_t getrandom(void *bytes, size_t size, unsigned flags)
{
    if (zero_randoms-- <= 0) return syscall(SYS_getrandom, bytes, size, flags);
    memset(bytes, 0, size);
    return (ssize_t)size;
}

static tw_status commit_text(const char *path, const char *first, const char *second)
{
    return tw_file_commit(path, 2, (tw_bytes[]){{first, strlen(first)}, {second, strlen(second)}});
}

static void assert_holds(const char *path, const char *text)
{
    size_t size;
    char *const bytes = slurp(path, &size);
    ck_assert_uint_eq(size, strlen(text));
    ck_assert_str_eq(bytes, text);
    free(bytes);
}

/* ---- commit ---- */

START_TEST(parts_are_written_one_after_the_other)
{
    ck_assert_int_eq(tw_file_commit(in_scratch("a"), 3, (tw_bytes[]){{"one ", 4}, {NULL, 0}, {"two", 3}}),
                     TW_OK);
    assert_holds(in_scratch("a"), "one two");
    ck_assert_int_eq(tw_file_commit(in_scratch("a"), 0, NULL), TW_OK);
    assert_holds(in_scratch("a"), "");
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

START_TEST(a_name_without_a_folder_is_in_the_current_one)
{
    ck_assert_int_eq(chdir(scratch), 0);
    ck_assert_int_eq(commit_text("plain", "here", ""), TW_OK);
    assert_holds(in_scratch("plain"), "here");
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(the_mode_is_0644_less_the_umask)
{
    struct stat info;
    for (int i = 0; i < 2; i++) {
        umask(i ? 027 : 0);
        ck_assert_int_eq(commit_text(in_scratch("a"), "x", "y"), TW_OK);
        ck_assert_int_eq(stat(in_scratch("a"), &info), 0);
        ck_assert_int_eq(info.st_mode & 07777, i ? 0640 : 0644);
    }
}
END_TEST

static const struct {
    enum call call;
    int nth, error;
    tw_status status;
    const char *text; /* what the file holds afterwards */
} faults[] = {
    {PWRITE, 1, ENOSPC, TW_IO, "old"},      {PWRITE, 2, EIO, TW_IO, "old"},
    {PWRITE, 1, SHORT, TW_OK, "brand new"}, {PWRITE, 2, EINTR, TW_OK, "brand new"},
    {FSYNC, 1, EIO, TW_IO, "old"},          {FSYNC, 1, EINTR, TW_OK, "brand new"},
    {FSYNC, 1, ROT, TW_IO, "old"},          {FSYNC, 1, GROWTH, TW_IO, "old"},
    {CLOSE, 1, EDQUOT, TW_IO, "old"},       {RENAME, 1, EACCES, TW_IO, "old"},
    {FSYNC, 2, EIO, TW_IO, "brand new"},    {FSYNC, 2, EINVAL, TW_OK, "brand new"},
};

START_TEST(a_failure_at_any_step_keeps_the_old_file_or_has_the_new_one)
{
    const char *const path = in_scratch("a");
    ck_assert_int_eq(commit_text(path, "old", ""), TW_OK);
    fault.call = faults[_i].call;
    fault.nth = faults[_i].nth;
    fault.error = faults[_i].error;
    const tw_status status = commit_text(path, "brand", " new");
    fault.call = NO_CALL;
    ck_assert_int_ge(fault.seen, fault.nth);
    ck_assert_int_eq(status, faults[_i].status);
    assert_holds(path, faults[_i].text);
    ck_assert_int_eq(scratch_entries(), 1);
    if (status != TW_OK) ck_assert_says(path);
    if (status != TW_OK && fault.error > 0) ck_assert_says(strerror(fault.error));
    if (status != TW_OK && strcmp(faults[_i].text, "old") == 0)
        ck_assert_says("what was there before is unchanged");
    if (faults[_i].call == FSYNC && fault.error == EIO)
        ck_assert_int_eq(fault.seen, fault.nth); /* never again */
    ck_assert_int_eq(commit_text(path, "next", ""), TW_OK);
    assert_holds(path, "next");
}
END_TEST

START_TEST(a_crash_before_any_call_leaves_the_old_file_or_the_new_one)
{
    const char *const path = in_scratch("a");
    int died = 0, old = 0;
    ck_assert_int_eq(commit_text(path, "old", ""), TW_OK);
    for (int nth = 1, code = DEAD; code == DEAD; nth++) {
        int how;
        size_t size;
        fflush(NULL);
        const pid_t child = fork();
        if (child == 0) {
            fault.call = ANY;
            fault.nth = nth;
            fault.error = DIE;
            _exit((int)commit_text(path, "brand", " new"));
        }
        ck_assert_int_eq(waitpid(child, &how, 0), child);
        ck_assert(WIFEXITED(how));
        code = WEXITSTATUS(how);
        ck_assert(code == DEAD || code == TW_OK);
        died += code == DEAD;
        char *const text = slurp(path, &size);
        ck_assert(strcmp(text, "old") == 0 || strcmp(text, "brand new") == 0);
        old += strcmp(text, "old") == 0;
        free(text);
    }
    ck_assert_int_ge(died, 7); /* two writes, fsync, close, close, rename, fsync */
    ck_assert_int_eq(old, 6);
    assert_holds(path, "brand new");
}
END_TEST

/* RLIMIT_FSIZE stands for a full disk: write(2) fails after some bytes. */
START_TEST(a_file_that_does_not_fit_leaves_the_old_one)
{
    static char large[100000];
    struct rlimit limit;
    ck_assert_int_eq(commit_text(in_scratch("a"), "old", ""), TW_OK);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    const rlim_t before = limit.rlim_cur;
    signal(SIGXFSZ, SIG_IGN);
    limit.rlim_cur = 65536;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    const tw_status status = tw_file_commit(in_scratch("a"), 1, &(tw_bytes){large, sizeof large});
    limit.rlim_cur = before;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_eq(status, TW_IO);
    ck_assert_says("File too large");
    assert_holds(in_scratch("a"), "old");
    ck_assert_int_eq(scratch_entries(), 1);
    ck_assert_int_eq(tw_file_commit(in_scratch("a"), 1, &(tw_bytes){large, sizeof large}), TW_OK);
}
END_TEST

START_TEST(a_folder_that_refuses_is_an_output_error)
{
    const uid_t user = geteuid();
    ck_assert_int_eq(commit_text(in_scratch("a"), "old", ""), TW_OK);
    ck_assert_int_eq(chmod(scratch, 0555), 0);
    if (user == 0 && seteuid(65534) != 0) {
        printf("not run: root may write everywhere here\n");
        ck_assert_int_eq(chmod(scratch, 0755), 0);
        return;
    }
    const tw_status status = commit_text(in_scratch("a"), "new", ""),
                    made = tw_folder_make(in_scratch("sub"));
    ck_assert_int_eq(seteuid(user), 0);
    ck_assert_int_eq(chmod(scratch, 0755), 0);
    ck_assert_int_eq(status, TW_OUTPUT);
    ck_assert_int_eq(made, TW_OUTPUT);
    ck_assert_says("Permission denied");
    assert_holds(in_scratch("a"), "old");
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

START_TEST(names_that_cannot_be_files_are_output_errors)
{
    char longest[300];
    memset(longest, 'n', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    ck_assert_int_eq(mkdir(in_scratch("folder"), 0700), 0);
    const char *const names[] = {"", in_scratch("folder"), in_scratch("none/a"), in_scratch("folder/"),
                                 longest};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_int_eq(commit_text(names[i], "x", ""), TW_OUTPUT);
    ck_assert_int_eq(commit_text(in_scratch("none/a"), "x", ""), TW_OUTPUT);
    ck_assert_says("No such file or directory");
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

START_TEST(a_planted_temporary_is_not_followed)
{
    spill(in_scratch("victim"), 6, "victim");
    ck_assert_int_eq(symlink(in_scratch("victim"), in_scratch("a.0000000000000000.tmp")), 0);
    zero_randoms = 1;
    ck_assert_int_eq(commit_text(in_scratch("a"), "new", ""), TW_OK);
    assert_holds(in_scratch("a"), "new");
    assert_holds(in_scratch("victim"), "victim");
    zero_randoms = 1000;
    ck_assert_int_eq(commit_text(in_scratch("a"), "more", ""), TW_OUTPUT);
    zero_randoms = 0;
    assert_holds(in_scratch("a"), "new");
    assert_holds(in_scratch("victim"), "victim");
    ck_assert_int_eq(scratch_entries(), 3); /* what is not ours is not removed */
}
END_TEST

START_TEST(a_link_is_replaced_and_not_what_it_leads_to)
{
    struct stat info;
    spill(in_scratch("victim"), 6, "victim");
    ck_assert_int_eq(symlink("victim", in_scratch("a")), 0);
    ck_assert_int_eq(commit_text(in_scratch("a"), "new", ""), TW_OK);
    ck_assert_int_eq(lstat(in_scratch("a"), &info), 0);
    ck_assert(S_ISREG(info.st_mode));
    assert_holds(in_scratch("victim"), "victim");
}
END_TEST

enum { RIVAL_SIZE = 100000, RIVAL_ROUNDS = 50 };

static pid_t start_rival(const char *path, char letter)
{
    static char bytes[RIVAL_SIZE];
    const pid_t child = fork();
    if (child != 0) return child;
    memset(bytes, letter, sizeof bytes);
    for (int i = 0; i < RIVAL_ROUNDS; i++)
        if (tw_file_commit(path, 1, &(tw_bytes){bytes, sizeof bytes}) != TW_OK) _exit(1);
    _exit(0);
}

START_TEST(readers_see_whole_files_while_two_writers_replace_them)
{
    const char *const path = in_scratch("a");
    ck_assert_int_eq(commit_text(path, "", ""), TW_OK);
    const pid_t rivals[2] = {start_rival(path, 'x'), start_rival(path, 'y')};
    for (int i = 0; i < 200; i++) {
        char *bytes;
        size_t size;
        ck_assert_int_eq(tw_file_read(path, RIVAL_SIZE, &bytes, &size), TW_OK);
        ck_assert(size == 0 || size == RIVAL_SIZE);
        ck_assert(size == 0 || memcmp(bytes, bytes + 1, size - 1) == 0); /* all of one writer */
        free(bytes);
    }
    for (int i = 0; i < 2; i++) {
        int how;
        ck_assert_int_eq(waitpid(rivals[i], &how, 0), rivals[i]);
        ck_assert(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    }
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("file");
    TCase *const cases = tcase_create("all");
    tcase_add_checked_fixture(cases, scratch_make, scratch_remove);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, parts_are_written_one_after_the_other);
    tcase_add_test(cases, a_name_without_a_folder_is_in_the_current_one);
    tcase_add_test(cases, the_mode_is_0644_less_the_umask);
    tcase_add_loop_test(cases, a_failure_at_any_step_keeps_the_old_file_or_has_the_new_one, 0,
                        sizeof faults / sizeof *faults);
    tcase_add_test(cases, a_crash_before_any_call_leaves_the_old_file_or_the_new_one);
    tcase_add_test(cases, a_file_that_does_not_fit_leaves_the_old_one);
    tcase_add_test(cases, a_folder_that_refuses_is_an_output_error);
    tcase_add_test(cases, names_that_cannot_be_files_are_output_errors);
    tcase_add_test(cases, a_planted_temporary_is_not_followed);
    tcase_add_test(cases, a_link_is_replaced_and_not_what_it_leads_to);
    tcase_add_test(cases, readers_see_whole_files_while_two_writers_replace_them);
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
