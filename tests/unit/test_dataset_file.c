/* The writer of data set files: what it writes, and that every failure of the system leaves nothing behind.
 * The libc calls of a commit are replaced by ones that fail on demand, so every step of it is seen to fail.
 */
#include "import_support.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum call { NO_CALL, PWRITE, FSYNC, RENAME };
enum { SHORT = -1 };

static struct {
    enum call call;
    int nth, error, seen;
} fault;

static bool strikes(enum call call)
{
    if (fault.call != call || ++fault.seen != fault.nth) return false;
    errno = fault.error;
    return true;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    if (!strikes(PWRITE)) return syscall(SYS_pwrite64, fd, bytes, size, at);
    return fault.error == SHORT ? syscall(SYS_pwrite64, fd, bytes, size / 2 + 1, at) : -1;
}

/* Nobody pulls the plug here, so nothing is flushed. */
int fsync(int fd)
{
    (void)fd;
    return strikes(FSYNC) ? -1 : 0;
}

int renameat2(int from, const char *old, int to, const char *new, unsigned flags)
{
    return strikes(RENAME) ? -1 : (int)syscall(SYS_renameat2, from, old, to, new, flags);
}

enum { ROWS = 700, COLS = 1000 };

static float x[ROWS * COLS];
static int32_t y[ROWS];

static float number(size_t i)
{
    return (float)((uint32_t)i * 2654435761u >> 8);
}

static void check_rows(void)
{
    memset(x, 0, sizeof x);
    memset(y, 0, sizeof y);
    read_output("/X", 2, ROWS, COLS, 0, x);
    for (size_t i = 0; i < ROWS * COLS; i++) ck_assert_float_eq(x[i], number(i));
    read_output("/y", 1, ROWS, 0, 0, y);
    for (int i = 0; i < ROWS; i++) ck_assert_int_eq(y[i], i % 3);
}

/* 700 rows of 1000 numbers of four bytes: gzip makes more than one chunk of them. */
static tw_status write_rows(const char *path, const tw_dataset_layout *layout)
{
    tw_dataset_writer *writer;
    for (size_t i = 0; i < ROWS * COLS; i++) x[i] = number(i);
    for (int i = 0; i < ROWS; i++) y[i] = i % 3;
    TW_TRY(tw_dataset_writer_new(path, layout, &writer));
    tw_status status = TW_OK;
    for (size_t i = 0; status == TW_OK && i < ROWS; i += 7) /* never a whole block */
        status = tw_dataset_writer_append(writer, 7, x + i * COLS, y + i);
    if (status == TW_OK) status = tw_dataset_writer_commit(writer, NULL);
    tw_dataset_writer_free(writer);
    return status;
}

static const char *const class_names[] = {"a", "b", "c"};

static tw_dataset_layout usual_layout(int gzip)
{
    return (tw_dataset_layout){.rows = ROWS,
                               .cols = COLS,
                               .x_type = TW_f32,
                               .y_type = TW_LABEL_i32,
                               .classes = class_names,
                               .n_classes = 3,
                               .gzip = gzip};
}

START_TEST(rows_come_back_whether_compressed_or_not)
{
    const tw_dataset_layout layout = usual_layout(_i);
    ck_assert_int_eq(write_rows(in_scratch("out.h5"), &layout), TW_OK);
    ck_assert_int_eq(scratch_entries(), 1);
    ck_assert_uint_eq(output_chunk_rows(), _i ? (1 << 20) / 4000 : 0);
    check_rows();
    ck_assert_str_eq(output_strings("/classes", 3), "a|b|c");
}
END_TEST

START_TEST(the_root_says_what_the_file_is)
{
    const tw_dataset_layout layout = usual_layout(0);
    char format[32] = {0};
    int version = 0;
    ck_assert_int_eq(write_rows(in_scratch("out.h5"), &layout), TW_OK);
    const hid_t file = H5Fopen(in_scratch("out.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t attribute = H5Aopen(file, "format", H5P_DEFAULT);
    const hid_t type = H5Aget_type(attribute);
    ck_assert_uint_eq(H5Tget_size(type), strlen("thalweg data set"));
    ck_assert_int_ge(H5Aread(attribute, type, format), 0);
    ck_assert_str_eq(format, "thalweg data set");
    H5Tclose(type);
    H5Aclose(attribute);
    attribute = H5Aopen(file, "version", H5P_DEFAULT);
    ck_assert_int_ge(H5Aread(attribute, H5T_NATIVE_INT, &version), 0);
    ck_assert_int_eq(version, TW_DATASET_FILE_VERSION);
    H5Aclose(attribute);
    H5Fclose(file);
}
END_TEST

START_TEST(the_same_rows_give_the_same_bytes)
{
    const tw_dataset_layout layout = usual_layout(_i);
    size_t sizes[2];
    ck_assert_int_eq(write_rows(in_scratch("out.h5"), &layout), TW_OK);
    char *first = slurp(in_scratch("out.h5"), &sizes[0]);
    remove(in_scratch("out.h5"));
    sleep(1);
    ck_assert_int_eq(write_rows(in_scratch("out.h5"), &layout), TW_OK);
    char *second = slurp(in_scratch("out.h5"), &sizes[1]);
    ck_assert_uint_eq(sizes[0], sizes[1]);
    ck_assert_mem_eq(first, second, sizes[0]);
    free(first);
    free(second);
}
END_TEST

static const struct {
    enum call call;
    int error;
    tw_status code;
    const char *says;
} faults[] = {
    {PWRITE, ENOSPC, TW_IO, "No space left on device; free some space"},
    {PWRITE, EIO, TW_IO, "Input/output error"},
    {PWRITE, EDQUOT, TW_IO, "quota exceeded; free some space"},
    {FSYNC, EIO, TW_IO, "Input/output error"},
    {RENAME, EACCES, TW_OUTPUT, "Permission denied"},
    {RENAME, EEXIST, TW_OUTPUT, "another program has made it meanwhile"},
};

/* Fail the first such call, the second, ... until none is left to fail. Row _i of the table, without and with
 * gzip. */
START_TEST(whatever_call_fails_nothing_stays_and_the_program_lives)
{
    const tw_dataset_layout layout = usual_layout(_i % 2);
    const char *says = faults[_i / 2].says;
    int failed = 0;
    for (int nth = 1;; nth++) {
        fault.call = faults[_i / 2].call;
        fault.error = faults[_i / 2].error;
        fault.nth = nth;
        fault.seen = 0;
        const tw_status status = write_rows(in_scratch("out.h5"), &layout);
        const bool struck = fault.seen >= nth;
        fault.call = NO_CALL;
        if (!struck) break;
        failed++;
        ck_assert_msg(status == faults[_i / 2].code, "call %d: %d, %s", nth, (int)status,
                      tw_status_message());
        ck_assert_says(says);
        ck_assert_says("out.h5");
        const int expected = faults[_i / 2].call == FSYNC && nth == 2; /* of the folder, after the rename */
        ck_assert_int_eq(scratch_entries(), expected);
        remove(in_scratch("out.h5"));
    }
    ck_assert_int_ge(failed, faults[_i / 2].call == PWRITE ? 3 : 1);
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

START_TEST(short_writes_are_continued)
{
    const tw_dataset_layout layout = usual_layout(0);
    for (int nth = 1; nth < 4; nth++) {
        fault.call = PWRITE;
        fault.error = SHORT;
        fault.nth = nth;
        fault.seen = 0;
        remove(in_scratch("out.h5"));
        ck_assert_int_eq(write_rows(in_scratch("out.h5"), &layout), TW_OK);
        ck_assert_int_ge(fault.seen, nth);
        fault.call = NO_CALL;
    }
    check_rows();
}
END_TEST

/* The real thing, by the kernel: HDF5 alone would crash at exit after this. */
START_TEST(a_limit_on_file_size_is_an_error_at_any_size)
{
    struct rlimit old, limit;
    const tw_dataset_layout layout = usual_layout(_i);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    tw_status status = TW_IO;
    int failed = 0;
    for (rlim_t most = 0; status == TW_IO; most = most * 3 + 50, failed++) {
        limit = (struct rlimit){most, old.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        status = write_rows(in_scratch("out.h5"), &layout);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
        if (status == TW_IO) ck_assert_says("File too large");
        ck_assert_int_eq(scratch_entries(), status == TW_OK);
    }
    ck_assert_int_eq(status, TW_OK);
    ck_assert_int_ge(failed, 8);
}
END_TEST

START_TEST(an_existing_file_is_refused_or_replaced_as_a_whole)
{
    size_t size;
    tw_dataset_layout layout = usual_layout(0);
    spill(in_scratch("out.h5"), 4, "mine");
    ck_assert_int_eq(write_rows(in_scratch("out.h5"), &layout), TW_OUTPUT);
    ck_assert_says("it exists");
    char *bytes = slurp(in_scratch("out.h5"), &size);
    ck_assert_str_eq(bytes, "mine");
    free(bytes);
    layout.replace = true;
    fault.call = FSYNC;
    fault.nth = 1;
    fault.seen = 0;
    fault.error = EIO;
    ck_assert_int_eq(write_rows(in_scratch("out.h5"), &layout), TW_IO);
    fault.call = NO_CALL;
    bytes = slurp(in_scratch("out.h5"), &size);
    ck_assert_str_eq(bytes, "mine");
    free(bytes);
    ck_assert_int_eq(write_rows(in_scratch("out.h5"), &layout), TW_OK);
    ck_assert_str_eq(output_strings("/classes", 3), "a|b|c");
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

START_TEST(a_relative_name_means_the_folder_where_the_program_was)
{
    const unsigned char row[2] = {1, 2};
    const tw_dataset_layout layout = {.rows = 1, .cols = 2, .x_type = TW_u8};
    for (int done = 0; done < 2; done++) { /* given up, then committed */
        tw_dataset_writer *writer;
        ck_assert_int_eq(chdir(scratch), 0);
        ck_assert_int_eq(tw_dataset_writer_new("out.h5", &layout, &writer), TW_OK);
        ck_assert_int_eq(scratch_entries(), 1);
        ck_assert_int_eq(chdir("/"), 0);
        ck_assert_int_eq(tw_dataset_writer_append(writer, 1, row, NULL), TW_OK);
        if (done) ck_assert_int_eq(tw_dataset_writer_commit(writer, NULL), TW_OK);
        tw_dataset_writer_free(writer);
        ck_assert_int_eq(scratch_entries(), done);
    }
    ck_assert(in_output("/X"));
}
END_TEST

START_TEST(of_two_writers_the_second_to_finish_is_refused)
{
    const unsigned char row[2] = {1, 2};
    const tw_dataset_layout layout = {.rows = 1, .cols = 2, .x_type = TW_u8};
    tw_dataset_writer *first, *second;
    ck_assert_int_eq(tw_dataset_writer_new(in_scratch("out.h5"), &layout, &first), TW_OK);
    ck_assert_int_eq(tw_dataset_writer_new(in_scratch("out.h5"), &layout, &second), TW_OK);
    ck_assert_int_eq(tw_dataset_writer_append(first, 1, row, NULL), TW_OK);
    ck_assert_int_eq(tw_dataset_writer_append(second, 1, row, NULL), TW_OK);
    ck_assert_int_eq(tw_dataset_writer_commit(second, NULL), TW_OK);
    ck_assert_int_eq(tw_dataset_writer_commit(first, NULL), TW_OUTPUT);
    tw_dataset_writer_free(first);
    tw_dataset_writer_free(second);
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

START_TEST(too_few_and_too_many_rows_are_internal_errors)
{
    const unsigned char row[3] = {1, 2, 3};
    const tw_dataset_layout layout = {.rows = 2, .cols = 1, .x_type = TW_u8};
    tw_dataset_writer *writer;
    ck_assert_int_eq(tw_dataset_writer_new(in_scratch("out.h5"), &layout, &writer), TW_OK);
    ck_assert_int_eq(tw_dataset_writer_append(writer, 3, row, NULL), TW_INTERNAL);
    ck_assert_int_eq(tw_dataset_writer_append(writer, 1, row, NULL), TW_OK);
    ck_assert_int_eq(tw_dataset_writer_commit(writer, NULL), TW_INTERNAL);
    tw_dataset_writer_free(writer);
    ck_assert_int_eq(scratch_entries(), 0);
}
END_TEST

START_TEST(places_that_take_no_file_are_code_73)
{
    const tw_dataset_layout layout = {.rows = 1, .cols = 1, .x_type = TW_u8, .replace = true};
    const tw_dataset_layout huge = {.rows = SIZE_MAX / 4, .cols = 8, .x_type = TW_f64};
    tw_dataset_writer *writer;
    ck_assert_int_eq(mkdir(in_scratch("folder"), 0700), 0);
    ck_assert_int_eq(tw_dataset_writer_new(in_scratch("folder"), &layout, &writer), TW_OUTPUT);
    ck_assert_says("no regular file");
    ck_assert_ptr_null(writer);
    ck_assert_int_eq(tw_dataset_writer_new(in_scratch("nowhere/out.h5"), &layout, &writer), TW_OUTPUT);
    ck_assert_says("No such file or directory");
    ck_assert_int_eq(tw_dataset_writer_new("", &layout, &writer), TW_OUTPUT);
    ck_assert_int_eq(tw_dataset_writer_new(in_scratch("out.h5"), &huge, &writer), TW_DATA);
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("dataset_file");
    TCase *t = tcase_create("writer");
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, rows_come_back_whether_compressed_or_not, 0, 2);
    tcase_add_test(t, the_root_says_what_the_file_is);
    tcase_add_loop_test(t, the_same_rows_give_the_same_bytes, 0, 2);
    tcase_add_loop_test(t, whatever_call_fails_nothing_stays_and_the_program_lives, 0,
                        2 * (int)(sizeof faults / sizeof *faults));
    tcase_add_test(t, short_writes_are_continued);
    tcase_add_loop_test(t, a_limit_on_file_size_is_an_error_at_any_size, 0, 2);
    tcase_add_test(t, an_existing_file_is_refused_or_replaced_as_a_whole);
    tcase_add_test(t, a_relative_name_means_the_folder_where_the_program_was);
    tcase_add_test(t, of_two_writers_the_second_to_finish_is_refused);
    tcase_add_test(t, too_few_and_too_many_rows_are_internal_errors);
    tcase_add_test(t, places_that_take_no_file_are_code_73);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
