/* The values of NPY files: bands of columns, what no type of ours holds, files that do not go together, gzip,
 * full disks. That good ones keep every bit is in test_import_truth.c. */
#include "npy_support.h"

#include <math.h>
#include <sys/resource.h>
#include <sys/wait.h>

static tw_status import_files(size_t n, const char *const *names, tw_import_report *report)
{
    const char *paths[3];
    const tw_import_options none = {0};
    for (size_t i = 0; i < n; i++) paths[i] = in_scratch(names[i]);
    return tw_import(n, paths, in_scratch("out.h5"), &none, report);
}

START_TEST(whole_numbers_that_no_type_holds_are_named)
{
    static const struct {
        const char *header;
        int64_t values[2][2];
        const char *says;
    } cases[] = {
        {H("'<i8'", "False", "(2, 2)"),
         {{1, 2}, {9007199254740993, 3}},
         "row 1, column 0 (from 0) is a whole number"},
        {H("'<i8'", "True", "(2, 2)"),
         {{1, 2}, {-9007199254740993, 3}},
         "row 0, column 1 (from 0) is a whole number"},
        {H("'<u8'", "False", "(2, 2)"), {{1, -1}, {0, 0}}, "row 0, column 1 (from 0) is a whole number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        spill_npy("in.npy", cases[i].header, sizeof cases[i].values, cases[i].values);
        ck_assert_int_eq(import_one("in.npy", NULL), TW_DATA);
        ck_assert_says(cases[i].says);
        ck_assert_says("a.astype(\"float64\")");
        ck_assert_int_eq(scratch_entries(), 1);
    }
    const int64_t exact[2][2] = {{9007199254740992, 9007199254740994}, {-9007199254740996, INT64_MIN}};
    spill_npy("in.npy", H("'<i8'", "False", "(2, 2)"), sizeof exact, exact);
    import_good("in.npy", NULL); /* the control */
}
END_TEST

START_TEST(labels_beyond_63_bits_are_named)
{
    const uint64_t labels[3] = {0, 7, 9223372036854775808u};
    const char *names[] = {"x.npy", "y.npy"};
    tw_import_report report;
    spill_npy("x.npy", H("'|u1'", "False", "(3, 2)"), 6, "abcdef");
    spill_npy("y.npy", H("'<u8'", "False", "(3,)"), sizeof labels, labels);
    ck_assert_int_eq(import_files(2, names, &report), TW_DATA);
    ck_assert_says("y.npy: row 2 (from 0) is a label beyond 63 bits");
    ck_assert_int_eq(scratch_entries(), 2);
}
END_TEST

START_TEST(files_that_do_not_go_together_are_refused)
{
    static const struct {
        size_t n;
        const char *names[3];
        tw_status code;
        const char *says;
    } cases[] = {
        {2, {"x", "y4"}, TW_DATA, "has 3 rows but"},
        {2, {"x", "x"}, TW_DATA, "both have more than one dimension"},
        {2, {"y", "y"}, TW_DATA, "both have one dimension"},
        {2, {"x", "idx"}, TW_USAGE, "have different formats (NPY, IDX)"},
        {2, {"csv", "y"}, TW_USAGE, "have different formats (CSV or TSV, NPY)"},
        {3, {"x", "y", "y"}, TW_USAGE, "convert takes one or two NPY files"},
    };
    tw_import_report report;
    spill_npy("x", H("'|u1'", "False", "(3, 2)"), 6, "abcdef");
    spill_npy("y", H("'|u1'", "False", "(3,)"), 3, "abc");
    spill_npy("y4", H("'|u1'", "False", "(4,)"), 4, "abcd");
    spill(in_scratch("idx"), 13, "\0\0\10\2\0\0\0\1\0\0\0\1x");
    spill(in_scratch("csv"), 8, "1,2\n3,4\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(import_files(cases[i].n, cases[i].names, &report), cases[i].code);
        ck_assert_says(cases[i].says);
    }
    const tw_import_options typed = {.typed = true}, based = {.index_base = TW_INDEX_FROM_1};
    ck_assert_int_eq(import_one("x", &typed), TW_USAGE);
    ck_assert_says("--type is for text files; NPY files say all of it themselves");
    ck_assert_int_eq(import_one("x", &based), TW_USAGE);
    ck_assert_says("--index-base is for text files");
    ck_assert_int_eq(scratch_entries(), 5);
}
END_TEST

START_TEST(missing_values_are_counted_in_any_order_of_the_files)
{
    const float x[6] = {1, NAN, 3, -NAN, 5, INFINITY}, y[3] = {NAN, 1, 0.5F};
    const char *const orders[2][2] = {{"x", "y"}, {"y", "x"}};
    tw_import_report report;
    spill_npy("x", H("'<f4'", "False", "(3, 2)"), sizeof x, x);
    spill_npy("y", H("'<f4'", "False", "(3,)"), sizeof y, y);
    ck_assert_int_eq(import_files(2, orders[_i], &report), TW_OK);
    ck_assert_uint_eq(report.x_missing, 2);
    ck_assert_uint_eq(report.y_missing, 1);
    ck_assert_uint_eq(report.x_input, (size_t)_i);
    ck_assert_uint_eq(report.n_classes, 0);
    ck_assert_str_eq(report.format, "NPY, <f4, 2 dimensions");
    tw_import_report_release(&report);
}
END_TEST

/* Halves have their own NaN: 0x7c00 is infinity. */
START_TEST(missing_halves_are_told_from_infinities)
{
    const uint16_t x[4] = {0x7c00, 0xfc00, 0x7c01, 0xfe00};
    const char *names[] = {"x"};
    tw_import_report report;
    spill_npy("x", H("'<f2'", "False", "(2, 2)"), sizeof x, x);
    ck_assert_int_eq(import_files(1, names, &report), TW_OK);
    ck_assert_uint_eq(report.x_missing, 2);
    tw_import_report_release(&report);
}
END_TEST

/* More rows than a band of 32 MiB and no multiple of anything; every value says where it belongs. */
enum { TALL = 4500007, BANDS = 4 };

static void check_tall(void)
{
    uint16_t *const x = malloc((size_t)TALL * BANDS * 2);
    size_t wrong_values = 0;
    read_output("/X", 2, TALL, BANDS, H5T_NATIVE_UINT16, x);
    for (size_t r = 0; r < TALL; r++)
        for (size_t c = 0; c < BANDS; c++)
            wrong_values += x[r * BANDS + c] != (uint16_t)((r * 7 + c * 5000) % 32003);
    ck_assert_uint_eq(wrong_values, 0);
    free(x);
}

START_TEST(columns_become_rows_across_bands)
{
    int16_t *const x = malloc((size_t)TALL * BANDS * 2);
    for (size_t r = 0; r < TALL; r++)
        for (size_t c = 0; c < BANDS; c++) x[c * TALL + r] = (int16_t)((r * 7 + c * 5000) % 32003);
    spill_npy("in.npy", H("'<i2'", "True", "(4500007, 4)"), (size_t)TALL * BANDS * 2, x);
    free(x);
    import_good("in.npy", NULL);
    check_tall();
    size_t size;
    remove(in_scratch("out.h5"));
    char *const bytes = slurp(in_scratch("in.npy"), &size);
    spill_gzip(in_scratch("in.npy"), size, bytes, "wb1");
    free(bytes);
    import_good("in.npy", NULL);
    check_tall();
    ck_assert_int_eq(scratch_entries(), 2); /* the unpacked one is gone */
}
END_TEST

/* More columns than are turned at a time. */
START_TEST(many_columns_become_rows)
{
    enum { ROWS = 70, COLS = 201 };
    static uint8_t x[COLS][ROWS], got[ROWS][COLS];
    for (size_t c = 0; c < COLS; c++)
        for (size_t r = 0; r < ROWS; r++) x[c][r] = (uint8_t)(r * 3 + c * 7);
    spill_npy("in.npy", H("'|u1'", "True", "(70, 201)"), sizeof x, x);
    import_good("in.npy", NULL);
    read_output("/X", 2, ROWS, COLS, 0, got);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLS; c++) ck_assert_uint_eq(got[r][c], x[c][r]);
}
END_TEST

static tw_status dry_run(const char *name)
{
    const char *paths[] = {in_scratch(name)};
    const tw_import_options none = {0};
    tw_import_report report;
    const tw_status status = tw_import(1, paths, NULL, &none, &report);
    tw_import_report_release(&report);
    return status;
}

START_TEST(gzip_that_ends_early_or_is_damaged_is_refused)
{
    static const char *const headers[] = {H("'<f8'", "False", "(8, 4)"), H("'<f8'", "True", "(8, 4)"),
                                          H("'<i8'", "True", "(8, 4)")};
    char bytes[512], values[256];
    size_t size;
    for (size_t i = 0; i < sizeof values; i++) values[i] = (char)(i * 37 % 64);
    if (_i == 2)
        for (size_t i = 0; i < sizeof values; i++) values[i] = (char)(i % 8 < 6 ? i : 0);
    const size_t all = npy_bytes(headers[_i], sizeof values, values, bytes);
    spill_gzip(in_scratch("whole"), all, bytes, "wb");
    import_good("whole", NULL); /* the control */
    remove(in_scratch("out.h5"));
    char *const zipped = slurp(in_scratch("whole"), &size);
    for (size_t cut = 2; cut < size; cut++) {
        spill(in_scratch("in"), cut, zipped);
        ck_assert_msg(import_one("in", NULL) == TW_DATA, "cut to %zu bytes: accepted", cut);
        ck_assert_int_eq(scratch_entries(), 2);
    }
    zipped[size - 6] = (char)(zipped[size - 6] ^ 1); /* the sum */
    spill(in_scratch("in"), size, zipped);
    ck_assert_int_eq(import_one("in", NULL), TW_DATA);
    ck_assert_says("is damaged");
    free(zipped);
    spill_gzip(in_scratch("in"), all - 8, bytes, "wb");
    ck_assert_int_eq(import_one("in", NULL), TW_DATA);
    ck_assert_says("is truncated: it ends before the last value that its header claims");
    bytes[all] = 0;
    spill_gzip(in_scratch("in"), all + 1, bytes, "wb");
    ck_assert_int_eq(import_one("in", NULL), TW_DATA);
    ck_assert_says("has bytes after its last value");
    ck_assert_int_eq(dry_run("in"), TW_DATA);
    ck_assert_says("has bytes after its last value");
    ck_assert_int_eq(scratch_entries(), 2);
}
END_TEST

/* Larger than what is looked at to find the format. */
START_TEST(the_sum_of_a_long_gzip_file_is_looked_at)
{
    static const char *const headers[] = {H("'<f8'", "False", "(200, 100)"), H("'<f8'", "True", "(200, 100)"),
                                          H("'<i8'", "True", "(200, 100)")};
    size_t size;
    char *const values = calloc(200 * 100 + 100, 8);
    const size_t all = npy_bytes(headers[_i], 0, NULL, values) + 200 * 100 * 8;
    spill_gzip(in_scratch("in"), all, values, "wb1");
    free(values);
    ck_assert_int_eq(dry_run("in"), TW_OK);
    char *const zipped = slurp(in_scratch("in"), &size);
    zipped[size - 6] = (char)(zipped[size - 6] ^ 1);
    spill(in_scratch("in"), size, zipped);
    free(zipped);
    ck_assert_int_eq(dry_run("in"), TW_DATA);
    ck_assert_says("is damaged");
    ck_assert_int_eq(import_one("in", NULL), TW_DATA);
    ck_assert_says("is damaged");
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

START_TEST(claims_that_no_gzip_could_hold_are_refused_before_memory_is_asked_for)
{
    char bytes[256];
    const size_t size = npy_bytes(H("'<f8'", "True", "(1000000, 1000000)"), 8, "abcdefgh", bytes);
    spill_gzip(in_scratch("in"), size, bytes, "wb");
    ck_assert_int_eq(import_one("in", NULL), TW_DATA);
    ck_assert_says("8000000000");
    ck_assert_says("compressed");
}
END_TEST

/* The limit on the size of files stands in for a full disk: while unpacking, and while writing. */
START_TEST(a_disk_that_fills_up_is_code_74_and_leaves_nothing)
{
    const char *const header = _i ? H("'<f8'", "True", "(4000, 64)") : H("'<f8'", "False", "(4000, 64)");
    const size_t size = 4000 * 64 * 8;
    char *const bytes = calloc(size + 256, 1);
    const size_t all = npy_bytes(header, 0, NULL, bytes) + size;
    spill_gzip(in_scratch("in"), all, bytes, "wb1");
    free(bytes);
    import_good("in", NULL); /* the control */
    remove(in_scratch("out.h5"));
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = {100000, 100000};
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(1);
        _exit((int)import_one("in", NULL));
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == TW_IO);
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

START_TEST(a_signal_stops_it_and_leaves_nothing)
{
    const volatile sig_atomic_t stop = 1;
    const tw_import_options options = {.interrupted = &stop};
    static const char *const headers[] = {H("'<f8'", "False", "(2, 2)"), H("'<f8'", "True", "(2, 2)"),
                                          H("'<u8'", "True", "(2, 2)")};
    const char values[32] = {0};
    spill_npy("in", headers[_i], sizeof values, values);
    ck_assert_int_eq(import_one("in", &options), TW_IO);
    ck_assert_says("interrupted");
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("import_npy_rows");
    TCase *t = tcase_create("npy");
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, whole_numbers_that_no_type_holds_are_named);
    tcase_add_test(t, labels_beyond_63_bits_are_named);
    tcase_add_test(t, files_that_do_not_go_together_are_refused);
    tcase_add_loop_test(t, missing_values_are_counted_in_any_order_of_the_files, 0, 2);
    tcase_add_test(t, missing_halves_are_told_from_infinities);
    tcase_add_test(t, columns_become_rows_across_bands);
    tcase_add_test(t, many_columns_become_rows);
    tcase_add_loop_test(t, gzip_that_ends_early_or_is_damaged_is_refused, 0, 3);
    tcase_add_loop_test(t, the_sum_of_a_long_gzip_file_is_looked_at, 0, 3);
    tcase_add_test(t, claims_that_no_gzip_could_hold_are_refused_before_memory_is_asked_for);
    tcase_add_loop_test(t, a_disk_that_fills_up_is_code_74_and_leaves_nothing, 0, 2);
    tcase_add_loop_test(t, a_signal_stops_it_and_leaves_nothing, 0, 3);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
