/* test_probe.c -- whatever happens in the child that looks at a file, the parent lives and says what it was.
 */
#include "support.h"

#include "thalweg/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { M = 60, N = 5 };

static const tw_dataset_names detect = {.need_labels = true};
static const tw_probe_limits usual = {.processor = 10, .clock = 60};
static double x[M][N], y[M];

static void has(const char *words)
{
    ck_assert_msg(strstr(tw_status_message(), words), "no '%s' in: %s", words, tw_status_message());
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---------------------------------------------------------------- how a child can end */

static int changed;

static tw_status fail_with_a_sentence(void *context)
{
    changed = 1;
    return tw_fail(*(tw_status *)context, "100%% of row %d is %s", 7, "wrong");
}

START_TEST(the_status_and_the_sentence_of_the_child_come_back_and_nothing_else_does)
{
    tw_status codes[] = {TW_DATA, TW_INPUT, TW_IO, TW_CONFIG, TW_MEMORY};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        ck_assert_int_eq(tw_probe_run(&usual, fail_with_a_sentence, &codes[i], NULL), codes[i]);
        ck_assert_str_eq(tw_status_message(), "100% of row 7 is wrong");
    }
    ck_assert_int_eq(changed, 0);
}
END_TEST

static tw_status succeed(void *context)
{
    (void)context;
    return TW_OK;
}

START_TEST(a_child_that_is_content_leaves_no_sentence_and_no_open_file)
{
    const int before = dup(0);
    close(before);
    tw_status_message()[0] = 0;
    for (int i = 0; i < 20; i++) ck_assert_int_eq(tw_probe_run(&usual, succeed, NULL, NULL), TW_OK);
    ck_assert_str_eq(tw_status_message(), "");
    const int after = dup(0);
    close(after);
    ck_assert_int_eq(before, after);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}
END_TEST

static tw_status end_by(void *context)
{
    const int number = *(const int *)context;
    tw_probe_doing("some.h5", "reading its values");
    if (number == 0) exit(0);
    signal(number, SIG_DFL);
    raise(number);
    return TW_OK;
}

START_TEST(a_crash_is_a_data_error_that_names_the_file_and_what_was_done)
{
    int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}, got;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        ck_assert_int_eq(tw_probe_run(&usual, end_by, &numbers[i], &got), TW_DATA);
        has("some.h5 makes the HDF5 library crash (");
        has(strsignal(numbers[i]));
        has("while reading its values: the file is damaged; make it again");
        ck_assert_int_eq(got, numbers[i]);
    }
    ck_assert_int_eq(tw_probe_run(&usual, end_by, &(int){0}, &got), TW_DATA);
    has("it ended the process");
    ck_assert_int_eq(tw_probe_run(&usual, end_by, &(int){SIGKILL}, &got), TW_MEMORY);
    has("some.h5");
}
END_TEST

static tw_status wait_for_ever(void *context)
{
    tw_probe_doing("some.h5", "reading its structure");
    for (volatile int go = 1; go;)
        if (*(const bool *)context) pause();
    return TW_OK;
}

START_TEST(a_child_that_computes_or_waits_for_ever_is_a_data_error)
{
    const double start = seconds();
    const tw_probe_limits busy = {.processor = 0.3, .clock = 200}, idle = {.processor = 200, .clock = 0.3};
    ck_assert_int_eq(tw_probe_run(&busy, wait_for_ever, &(bool){false}, NULL), TW_DATA);
    has("some.h5 makes the HDF5 library hang (stopped after");
    has("while reading its structure");
    tw_status_message()[0] = 0;
    ck_assert_int_eq(tw_probe_run(&idle, wait_for_ever, &(bool){true}, NULL), TW_DATA);
    has("some.h5 makes the HDF5 library hang (stopped after");
    ck_assert(seconds() - start < 60); /* 0.6 s and much room for a busy machine */
}
END_TEST

static tw_status take_memory(void *context)
{
    void *const all = malloc(*(const size_t *)context);
    if (!all) return tw_fail(TW_MEMORY, "no memory");
    free(all);
    return TW_OK;
}

#if !defined(__SANITIZE_ADDRESS__)
START_TEST(the_memory_of_the_child_is_limited)
{
    const tw_probe_limits limits = {.processor = 10, .clock = 60, .memory = 64 << 20};
    ck_assert_int_eq(tw_probe_run(&limits, take_memory, &(size_t){32 << 20}, NULL), TW_OK);
    ck_assert_int_eq(tw_probe_run(&limits, take_memory, &(size_t){128 << 20}, NULL), TW_MEMORY);
    ck_assert_str_eq(tw_status_message(), "no memory");
}
END_TEST
#endif

static tw_status overwrite(void *context)
{
    const int fd = open(context, O_WRONLY | O_CREAT, 0600);
    const bool wrote = fd >= 0 && pwrite(fd, "longer", 6, 4096) == 6;
    struct rlimit core;
    getrlimit(RLIMIT_CORE, &core);
    printf("nobody reads this\n");
    if (core.rlim_cur != 0) return tw_fail(TW_INTERNAL, "it would dump core");
    return wrote ? tw_fail(TW_INTERNAL, "it could write") : TW_OK;
}

START_TEST(the_child_cannot_write_a_file)
{
    const char *path = test_path("kept.txt");
    struct stat info;
    FILE *out = fopen(path, "w");
    fputs("kept", out);
    fclose(out);
    char copy[512];
    snprintf(copy, sizeof copy, "%s", path);
    ck_assert_msg(tw_probe_run(&usual, overwrite, copy, NULL) == TW_OK, "%s", tw_status_message());
    ck_assert_int_eq(stat(copy, &info), 0);
    ck_assert_int_eq(info.st_size, 4);
}
END_TEST

static int ends[2];

static tw_status tell_and_wait(void *context)
{
    (void)context;
    if (write(ends[1], "x", 1) != 1) return TW_IO;
    for (;;) pause();
}

START_TEST(the_child_does_not_outlive_its_parent)
{
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    const pid_t parent = fork();
    if (parent == 0) _exit((int)tw_probe_run(&(tw_probe_limits){.clock = 100}, tell_and_wait, NULL, NULL));
    close(ends[1]);
    ck_assert_int_eq(read(ends[0], &byte, 1), 1);
    kill(parent, SIGKILL);
    ck_assert_int_eq(waitpid(parent, NULL, 0), parent);
    ck_assert_int_eq(read(ends[0], &byte, 1), 0); /* the end of the pipe: nobody is left to write */
    close(ends[0]);
}
END_TEST

/* ---------------------------------------------------------------- files */

START_TEST(what_is_no_regular_file_is_refused_at_once)
{
    const double start = seconds();
    mkfifo(test_path("pipe.h5"), 0600);
    mkdir(test_path("folder.h5"), 0700);
    ck_assert_int_eq(tw_probe_dataset(test_path("pipe.h5"), &detect, NULL), TW_INPUT);
    has("not a regular file");
    ck_assert_int_eq(tw_probe_dataset(test_path("folder.h5"), &detect, NULL), TW_INPUT);
    has("directory");
    ck_assert_int_eq(tw_probe_dataset("/dev/zero", &detect, NULL), TW_INPUT);
    has("not a regular file");
    ck_assert_int_eq(tw_probe_dataset(test_path("none.h5"), &detect, NULL), TW_INPUT);
    has("No such file");
    ck_assert(seconds() - start < 30);
}
END_TEST

static const char *file_of(bool latest, hsize_t rows, hsize_t cols, const hsize_t chunk[2],
                           const void *values)
{
    const char *path = test_path("probed.h5");
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (latest) H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    test_array a = {.file_type = H5T_IEEE_F64LE,
                    .memory_type = H5T_NATIVE_DOUBLE,
                    .rank = 2,
                    .shape = {rows, cols},
                    .chunk = {chunk[0], chunk[1]},
                    .compressed = chunk[0] > 0,
                    .data = values};
    test_array b = {.file_type = H5T_IEEE_F64LE,
                    .memory_type = H5T_NATIVE_DOUBLE,
                    .rank = 1,
                    .shape = {rows},
                    .data = values};
    test_write(file, "X", &a);
    test_write(file, "y", &b);
    H5Fclose(file);
    H5Pclose(access);
    return path;
}

static void spoil_chunk(const char *path, hsize_t row)
{
    const char garbage[] = "this is no deflated data";
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), set = H5Dopen2(file, "X", H5P_DEFAULT);
    ck_assert(H5Dwrite_chunk(set, H5P_DEFAULT, 0, (const hsize_t[]){row, 0}, sizeof garbage, garbage) >= 0);
    H5Dclose(set);
    H5Fclose(file);
}

START_TEST(good_files_of_every_layout_pass)
{
    for (int latest = 0; latest < 2; latest++)
        for (hsize_t chunk = 0; chunk < 30; chunk += 13) {
            const char *path = file_of(latest, M, N, (const hsize_t[2]){chunk, N}, x);
            ck_assert_msg(tw_probe_dataset(path, &detect, NULL) == TW_OK, "%s", tw_status_message());
        }
}
END_TEST

START_TEST(a_damaged_chunk_of_a_small_file_is_found)
{
    for (int latest = 0; latest < 2; latest++) {
        const char *path = file_of(latest, M, N, (const hsize_t[2]){13, N}, x);
        spoil_chunk(path, 26);
        ck_assert_int_eq(tw_probe_dataset(path, &detect, NULL), TW_DATA);
        has("cannot read rows");
    }
}
END_TEST

START_TEST(large_files_are_read_whole_only_where_the_index_has_no_checksums)
{
    enum { ROWS = 9000, COLS = 1000 }; /* 72 MB, of zeros */
    double *const zeros = calloc((size_t)ROWS * COLS, sizeof *zeros);
    for (int latest = 0; latest < 2; latest++) {
        const char *path = file_of(latest, ROWS, COLS, (const hsize_t[2]){1000, COLS}, zeros);
        ck_assert_msg(tw_probe_dataset(path, &detect, NULL) == TW_OK, "%s", tw_status_message());
        spoil_chunk(path, 8000);
        ck_assert_int_eq(tw_probe_dataset(path, &detect, NULL), latest ? TW_OK : TW_DATA);
        remove(path);
    }
    free(zeros);
}
END_TEST

/* ---------------------------------------------------------------- code in data files */

static void read_features(const char *path)
{
    double values[M][N];
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), set = H5Dopen2(file, "X", H5P_DEFAULT);
    H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
}

/* Reads the file by HDF5 alone in a child: did the plugin run? */
static bool plugin_runs(const char *path, const char *mark, bool allowed)
{
    remove(mark);
    setenv("THALWEG_TEST_MARK", mark, 1);
    const pid_t child = fork();
    if (child == 0) {
        H5PLprepend(TEST_PLUGINS);
        if (allowed) H5PLset_loading_state(H5PL_ALL_PLUGIN);
        read_features(path);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    return access(mark, F_OK) == 0;
}

START_TEST(a_file_cannot_load_code)
{
    char path[512], mark[512];
    snprintf(path, sizeof path, "%s", test_path("filter.h5"));
    snprintf(mark, sizeof mark, "%s", test_path("mark"));
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(2, (const hsize_t[]){M, N}, NULL),
                creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, 2, (const hsize_t[]){M, N});
    H5Pset_filter(creation, 32099, H5Z_FLAG_OPTIONAL, 0, NULL);
    const hid_t set = H5Dcreate2(file, "X", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Dwrite_chunk(set, H5P_DEFAULT, 0, (const hsize_t[]){0, 0}, sizeof x, x);
    H5Dclose(set);
    H5Pclose(creation);
    H5Sclose(space);
    H5Fclose(file);
    ck_assert_msg(plugin_runs(path, mark, true), "the plugin of this test does not work");
    ck_assert(!plugin_runs(path, mark, false));
    H5PLprepend(TEST_PLUGINS);
    tw_dataset d;
    ck_assert_int_eq(tw_dataset_open(&d, path, &detect, NULL), TW_DATA);
    has("filter 32099");
    ck_assert_int_ne(access(mark, F_OK), 0);
}
END_TEST

int main(void)
{
    for (size_t i = 0; i < M; i++) y[i] = (double)(i % 2);
    Suite *s = suite_create("probe");
    TCase *t = tcase_create("probe");
    tcase_add_checked_fixture(t, test_folder_enter, test_folder_leave);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, the_status_and_the_sentence_of_the_child_come_back_and_nothing_else_does);
    tcase_add_test(t, a_child_that_is_content_leaves_no_sentence_and_no_open_file);
    tcase_add_test(t, a_crash_is_a_data_error_that_names_the_file_and_what_was_done);
    tcase_add_test(t, a_child_that_computes_or_waits_for_ever_is_a_data_error);
#if !defined(__SANITIZE_ADDRESS__)
    tcase_add_test(t, the_memory_of_the_child_is_limited);
#endif
    tcase_add_test(t, the_child_cannot_write_a_file);
    tcase_add_test(t, the_child_does_not_outlive_its_parent);
    tcase_add_test(t, what_is_no_regular_file_is_refused_at_once);
    tcase_add_test(t, good_files_of_every_layout_pass);
    tcase_add_test(t, a_damaged_chunk_of_a_small_file_is_found);
    tcase_add_test(t, large_files_are_read_whole_only_where_the_index_has_no_checksums);
    tcase_add_test(t, a_file_cannot_load_code);
    suite_add_tcase(s, t);
    return test_run(s);
}
