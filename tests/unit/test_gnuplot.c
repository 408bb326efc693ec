/* test_gnuplot.c -- the child process that draws and the texts it is given.
 *
 * Shell scripts stand in for gnuplot, so it need not be installed. */
#include "cli/gnuplot.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char folder[64];

static void enter_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/test_gnuplot-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(chdir(folder), 0);
}

static void leave_folder(void)
{
    unlink("bin/gnuplot");
    rmdir("bin");
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* ---- gnuplot ---- */

static const struct {
    const char *text;
    size_t longest;
    const char *quoted;
} quotes[] = {{"plain", 9, "'plain'"},
              {"it's", 9, "'it''s'"},
              {"a\nb\tc\x7f", 9, "'a?b?c?'"},
              {"na\xc3\xafve", 9, "'na\xc3\xafve'"},
              {"bad\xff\xc3\xaf", 9,
               "'bad??"
               "?'"},
              {"\xef\xbf\xbf!", 9, "'?!'"},
              {"123456", 6, "'123456'"},
              {"1234567", 6, "'12345…'"},
              {"\xc3\xaf\xc3\xaf\xc3\xaf", 2, "'\xc3\xaf…'"},
              {"'''''''", 3, "'''''…'"},
              {"", 9, "''"}};

START_TEST(a_quoted_text_is_one_string_of_gnuplot)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    ck_assert_ptr_nonnull(out);
    tw_gnuplot_quote(out, quotes[_i].text, quotes[_i].longest);
    fclose(out);
    ck_assert_str_eq(bytes, quotes[_i].quoted);
    free(bytes);
}
END_TEST

/* A shell script in gnuplot's place. */
static void pretend(const char *commands)
{
    mkdir("bin", 0777);
    char script[256];
    snprintf(script, sizeof script, "#!/bin/sh\nPATH=/usr/bin:/bin\n%s\n", commands);
    write_text("bin/gnuplot", script);
    ck_assert_int_eq(chmod("bin/gnuplot", 0777), 0);
    char path[80];
    snprintf(path, sizeof path, "%s/bin", folder);
    ck_assert_int_eq(setenv("PATH", path, 1), 0);
}

static tw_status run(const char *script, unsigned seconds, char **picture, size_t *size)
{
    const tw_status status = tw_gnuplot_run(script, strlen(script), seconds, picture, size);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child is left behind */
    ck_assert((status == TW_OK) == (*picture != NULL));
    return status;
}

START_TEST(the_script_goes_in_and_the_picture_comes_out)
{
    char *picture;
    size_t size;
    pretend("echo \"$@\"; cat");
    ck_assert_int_eq(run("plot x\n", 30, &picture, &size), TW_OK);
    ck_assert_str_eq(picture, "-d -\nplot x\n");
    ck_assert_uint_eq(size, strlen(picture));
    free(picture);
}
END_TEST

START_TEST(more_than_a_pipe_holds_goes_in_and_comes_out)
{
    const size_t size = (size_t)1 << 22;
    char *script = malloc(size), *picture;
    size_t got;
    ck_assert_ptr_nonnull(script);
    memset(script, 'x', size);
    pretend("cat | tee /dev/stderr");
    ck_assert_int_eq(tw_gnuplot_run(script, size, 60, &picture, &got), TW_OK);
    ck_assert_uint_eq(got, size);
    ck_assert_mem_eq(picture, script, size);
    free(picture);
    free(script);
}
END_TEST

START_TEST(a_gnuplot_that_hangs_is_killed_after_its_time)
{
    char *picture;
    size_t size;
    struct timespec begin, end;
    pretend("exec sleep 60");
    clock_gettime(CLOCK_MONOTONIC, &begin);
    ck_assert_int_eq(run("plot x\n", 1, &picture, &size), TW_OUTPUT);
    clock_gettime(CLOCK_MONOTONIC, &end);
    ck_assert_int_ge(end.tv_sec - begin.tv_sec, 1);
    ck_assert_int_le(end.tv_sec - begin.tv_sec, 20);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "after 1 seconds"));
}
END_TEST

static const struct {
    const char *commands, *says;
} failures[] = {{"echo partial; echo 'line 3: what' >&2; exit 2", "exit code 2: line 3: what"},
                {"kill -9 $$", "killed by signal 9"},
                {"true", "drew nothing"}};

START_TEST(a_gnuplot_that_fails_is_quoted)
{
    char *picture;
    size_t size;
    pretend(failures[_i].commands);
    ck_assert_int_eq(run("plot x\n", 30, &picture, &size), TW_OUTPUT);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), failures[_i].says));
}
END_TEST

START_TEST(a_missing_gnuplot_says_how_to_get_it)
{
    char *picture;
    size_t size;
    setenv("PATH", folder, 1);
    ck_assert_int_eq(run("plot x\n", 30, &picture, &size), TW_OUTPUT);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "apt-get install gnuplot-nox"));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("gnuplot");
    TCase *texts = tcase_create("texts"), *child = tcase_create("child");
    tcase_add_loop_test(texts, a_quoted_text_is_one_string_of_gnuplot, 0, sizeof quotes / sizeof *quotes);
    tcase_add_checked_fixture(child, enter_folder, leave_folder);
    tcase_set_timeout(child, 90);
    tcase_add_test(child, the_script_goes_in_and_the_picture_comes_out);
    tcase_add_test(child, more_than_a_pipe_holds_goes_in_and_comes_out);
    tcase_add_test(child, a_gnuplot_that_hangs_is_killed_after_its_time);
    tcase_add_loop_test(child, a_gnuplot_that_fails_is_quoted, 0, sizeof failures / sizeof *failures);
    tcase_add_test(child, a_missing_gnuplot_says_how_to_get_it);
    suite_add_tcase(s, texts);
    suite_add_tcase(s, child);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed != 0;
}
