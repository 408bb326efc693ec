/* Whole files in, folders made. */
#include "thalweg/file.h"

#include "scratch.h"

#include <sys/syscall.h>

static ino_t synced[8]; /* what was synced, in order */
static size_t n_synced;

int fsync(int fd)
{
    struct stat info;
    if (n_synced < sizeof synced / sizeof *synced && fstat(fd, &info) == 0) synced[n_synced++] = info.st_ino;
    return (int)syscall(SYS_fsync, fd);
}

START_TEST(a_file_is_read_up_to_the_limit)
{
    char *bytes, head[8];
    size_t size;
    spill(in_scratch("a"), 6, "abc\0ef");
    ck_assert_int_eq(tw_file_read(in_scratch("a"), 6, &bytes, &size), TW_OK);
    ck_assert_uint_eq(size, 6);
    ck_assert_mem_eq(bytes, "abc\0ef", 7);
    free(bytes);
    ck_assert_int_eq(tw_file_read(in_scratch("a"), 5, &bytes, &size), TW_DATA);
    ck_assert_ptr_null(bytes);
    ck_assert_int_eq(tw_file_peek(in_scratch("a"), 3, head, &size), TW_OK);
    ck_assert_uint_eq(size, 3);
    ck_assert_int_eq(tw_file_peek(in_scratch("a"), sizeof head, head, &size), TW_OK);
    ck_assert_uint_eq(size, 6);
    spill(in_scratch("a"), 0, "");
    ck_assert_int_eq(tw_file_read(in_scratch("a"), 0, &bytes, &size), TW_OK);
    ck_assert_uint_eq(size, 0);
    ck_assert_str_eq(bytes, "");
    free(bytes);
}
END_TEST

START_TEST(what_is_no_regular_file_is_not_read)
{
    char *bytes, head[8];
    size_t size;
    ck_assert_int_eq(mkfifo(in_scratch("fifo"), 0600), 0);
    const char *const paths[] = {in_scratch("none"), scratch, in_scratch("fifo"), "/dev/zero", ""};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        ck_assert_int_eq(tw_file_read(paths[i], 100, &bytes, &size), TW_INPUT);
        ck_assert_says(paths[i]);
        ck_assert_int_eq(tw_file_peek(paths[i], sizeof head, head, &size), TW_INPUT);
    }
}
END_TEST

START_TEST(a_file_with_more_bytes_than_its_size_has_changed)
{
    char *bytes;
    size_t size;
    ck_assert_int_eq(tw_file_read("/proc/self/status", 1 << 20, &bytes, &size), TW_IO); /* its size is 0 */
    ck_assert_says("changed");
    ck_assert_ptr_null(bytes);
}
END_TEST

START_TEST(folders_are_made_down_to_the_last)
{
    struct stat info;
    const char *const deep = in_scratch("a//b/c/");
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(tw_folder_make(deep), TW_OK);
        ck_assert_int_eq(stat(deep, &info), 0);
        ck_assert(S_ISDIR(info.st_mode));
    }
    spill(in_scratch("file"), 1, "x");
    ck_assert_int_eq(tw_folder_make(in_scratch("file")), TW_OUTPUT);
    ck_assert_int_eq(tw_folder_make(in_scratch("file/below")), TW_OUTPUT);
    ck_assert_says("no folder");
    ck_assert_int_eq(tw_folder_make(""), TW_OUTPUT);
    ck_assert_int_eq(tw_folder_make("/"), TW_OK);
    ck_assert_int_eq(chdir(scratch), 0);
    ck_assert_int_eq(tw_folder_make("x/y"), TW_OK);
    ck_assert_int_eq(stat(in_scratch("x/y"), &info), 0);
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

/* Or a power cut takes the new folder, with all that was committed into it. */
START_TEST(the_folder_above_each_new_one_is_synced)
{
    static const char *const above[] = {"", "a", "a/b"};
    struct stat info;
    ck_assert_int_eq(tw_folder_make(in_scratch("a/b/c")), TW_OK);
    ck_assert_uint_eq(n_synced, 3);
    for (size_t i = 0; i < n_synced; i++) {
        ck_assert_int_eq(stat(in_scratch(above[i]), &info), 0);
        ck_assert(synced[i] == info.st_ino);
    }
    ck_assert_int_eq(tw_folder_make(in_scratch("a/b/c")), TW_OK);
    ck_assert_uint_eq(n_synced, 3); /* nothing is new */
}
END_TEST

int main(void)
{
    Suite *const suite = suite_create("file_read");
    TCase *const cases = tcase_create("all");
    tcase_add_checked_fixture(cases, scratch_make, scratch_remove);
    tcase_set_timeout(cases, 20);
    tcase_add_test(cases, a_file_is_read_up_to_the_limit);
    tcase_add_test(cases, what_is_no_regular_file_is_not_read);
    tcase_add_test(cases, a_file_with_more_bytes_than_its_size_has_changed);
    tcase_add_test(cases, folders_are_made_down_to_the_last);
    tcase_add_test(cases, the_folder_above_each_new_one_is_synced);
    suite_add_tcase(suite, cases);
    SRunner *const runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
