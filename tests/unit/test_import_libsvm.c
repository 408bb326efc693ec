/* LIBSVM text: what is found in it, and what is wrong with it, with file, line, column and text. That good
 * files keep every bit is in test_import_truth.c. */
#include "import_support.h"

#include <math.h>

#define S(text) sizeof text - 1, text

static const struct {
    size_t size;
    const char *text;
    tw_import_options options;
    tw_status code;
    const char *says;
} wrong[] = {
    {S("1 1:2 2:3\nspam 1:2\n"),
     {0},
     TW_DATA,
     "line 2, column 1: 'spam' is no finite number; labels are numbers"},
    {S("spam 1:2\n"), {0}, TW_DATA, "line 1, column 1: 'spam' is no finite number"},
    {S("1 1:2\n\"3 1:2\n"), {0}, TW_DATA, "line 2, column 1: '\"3' is no finite number"},
    {S("nan 1:2\n"), {0}, TW_DATA, "'nan' is no finite number"},
    {S("1e400 1:2\n"), {0}, TW_DATA, "'1e400' is no finite number"},
    {S("1 1:2\n 1:2 3:4\n"), {0}, TW_DATA, "line 2, column 2: '1:2' stands where a label belongs"},
    {S("1,3 1:2 3:4\n"), {0}, TW_DATA, "line 1, column 1: '1,3' are several labels"},
    {S("1 qid:7 1:2\n"), {0}, TW_DATA, "line 1, column 3: 'qid:7' groups rows for ranking"},
    {S("1 1:2\n1 qid:7 1:2\n"), {0}, TW_DATA, "line 2, column 3: 'qid:7' groups rows"},
    {S("1 1:2 3:4 2:5\n"), {0}, TW_DATA, "line 1, column 11: '2:5' follows index 3; indices must ascend"},
    {S("1 1:2\n1 3:4 3:5\n"), {0}, TW_DATA, "line 2, column 7: '3:5' repeats the index before it"},
    {S("1 0:2 0:5\n"), {0}, TW_DATA, "column 7: '0:5' repeats the index"},
    {S("1 1:2 -3:5\n"), {0}, TW_DATA, "column 7: '-3:5' has a negative index"},
    {S("1 -1:5\n"), {0}, TW_DATA, "column 3: '-1:5' has a negative index"},
    {S("1 1:2 99999999:5\n"),
     {0},
     TW_DATA,
     "column 7: '99999999:5' has an index beyond the 16777216 columns"},
    {S("1 1:2 18446744073709551617:5\n"), {0}, TW_DATA, "has an index beyond the 16777216 columns"},
    {S("1 1:2 3:\n"), {0}, TW_DATA, "column 7: '3:' has no value behind its colon"},
    {S("1 1:2 3: 4\n"), {0}, TW_DATA, "column 7: '3:' has no value"},
    {S("1 1:2 3:x\n"), {0}, TW_DATA, "column 7: '3:x' has a value that is not a number"},
    {S("1 1:2 3:4x\n"), {0}, TW_DATA, "'3:4x' has a value that is not a number"},
    {S("1 1:2 3:0x10\n"), {0}, TW_DATA, "'3:0x10' has a value that is not a number"},
    {S("1 1:2 3:4:5\n"), {0}, TW_DATA, "'3:4:5' has a value that is not a number"},
    {S("1 1:2 3:1,5\n"), {0}, TW_DATA, "'3:1,5' has a value that is not a number"},
    {S("1 1:nan\n"), {0}, TW_DATA, "line 1, column 3: '1:nan' is no finite number, and training needs one"},
    {S("1 1:2 3:-NaN\n"), {0}, TW_DATA, "'3:-NaN' is no finite number"},
    {S("1 1:2 3:+inf\n"), {0}, TW_DATA, "'3:+inf' is no finite number"},
    {S("1 1:2 3:Infinity\n"), {0}, TW_DATA, "'3:Infinity' is no finite number"},
    {S("1 1:2 3:1e400\n"), {0}, TW_DATA, "'3:1e400' is too large for a double"},
    {S("1 1:2 3\n"), {0}, TW_DATA, "column 7: '3' is no pair INDEX:VALUE"},
    {S("1 1:2 a:3\n"), {0}, TW_DATA, "'a:3' is no pair"},
    {S("1 1:2 1.5:3\n"), {0}, TW_DATA, "'1.5:3' is no pair"},
    {S("1 1:2 :3\n"), {0}, TW_DATA, "':3' is no pair"},
    {S("1 1:2 3 :4\n"), {0}, TW_DATA, "column 7: '3' is no pair"},
    {S("1 1:2 \x1b[31m\xff:3\n"), {0}, TW_DATA, "'\\x1b[31m\\xff:3' is no pair"},
    {S("1 1:2\n1 \0001:2\n"), {0}, TW_DATA, "line 2 holds a NUL byte (byte 3 of the line)"},
    {S("\xef\xbb\xbf"
       "1 1:2 3\n"),
     {0},
     TW_DATA,
     "line 1, column 7: '3' is no pair"},
    {S("1 1:2\r\n# c\r\n\r\n1 2:x\r\n"), {0}, TW_DATA, "line 4, column 3: '2:x' has a value"},
    {S("1 0:2 3:4\n"),
     {.index_base = TW_INDEX_FROM_1},
     TW_DATA,
     "column 3: '0:2' has index 0, but --index-base is 1"},
    {S("1 1:2\n2 1:1 5:4\n3 4:1\n"), {.features = 4}, TW_DATA, "line 2 has index 5, which is feature 5"},
    {S("1 1:2\n2 1:1 5:4\n"), {.features = 5, .index_base = TW_INDEX_FROM_0}, TW_DATA, "which is feature 6"},
    {S("1 1:2\n2 0:1 5:4\n"), {.features = 5}, TW_DATA, "which is feature 6"},
    {S("1 1:2\n2 1:256\n"),
     {.typed = true, .type = TW_u8},
     TW_DATA,
     "line 2, column 3: '1:256' does not fit u8 (whole numbers from 0 to 255)"},
    {S("1 1:2\n2 1:1e5\n"), {.typed = true, .type = TW_f16}, TW_DATA, "'1:1e5' does not fit f16"},
    {S("1 1:2 1000:0.5\n"),
     {.most_bytes = 7999},
     TW_DATA,
     "the dense result would have 1 rows of 1000 columns, 7.8 KiB of f64, of which 0.2 % are given in the "
     "file; beyond "
     "7.8 KiB say --large"},
    {S("1 1:2\n"), {.label = "y"}, TW_USAGE, "--label is for CSV and TSV"},
    {S("1 1:2\n"), {.no_label = true}, TW_USAGE, "--no-label is for CSV and TSV"},
    {S("1 1:2\n"), {.header = TW_HEADER_NO}, TW_USAGE, "--no-header is for CSV and TSV"},
    {S("1,2\n"), {.index_base = TW_INDEX_FROM_0}, TW_USAGE, "--index-base is for LIBSVM, and"},
    {S("1,2\n"), {.features = 3}, TW_USAGE, "--features is for LIBSVM"},
    {S("1,2\n"), {.most_bytes = UINT64_MAX}, TW_USAGE, "--large is for LIBSVM"},
    {S("1 1:2\n"), {.features = 16777217}, TW_USAGE, "--features must be at most 16777216"},
};

START_TEST(what_is_wrong_is_said_with_its_place_and_leaves_nothing)
{
    ck_assert_int_eq(import_text(wrong[_i].size, wrong[_i].text, &wrong[_i].options), wrong[_i].code);
    ck_assert_says(wrong[_i].says);
    if (wrong[_i].code == TW_DATA) ck_assert_says("in.csv");
    ck_assert_int_eq(scratch_entries(), 1);
    if (wrong[_i].code != TW_DATA || wrong[_i].size == 0) return;
    const tw_status plain = tw_status_message()[0] ? TW_DATA : TW_OK;
    spill_gzip(in_scratch("in.csv"), wrong[_i].size, wrong[_i].text, "wb");
    ck_assert_int_eq(import_one("in.csv", &wrong[_i].options), plain);
    ck_assert_says(wrong[_i].says);
}
END_TEST

static const struct {
    const char *text;
    tw_import_options options;
    size_t rows, cols;
    const char *format; /* how it begins */
} good[] = {
    {"1 1:2 3:4\n", {0}, 1, 3, "LIBSVM, indices from 1 to 3, 66.7 % of all values given"},
    {"1 1:2 3:4\n", {.index_base = TW_INDEX_FROM_0}, 1, 4, "LIBSVM, indices from 0 to 3, 50 %"},
    {"1 1:2 3:4\n0 0:1\n", {0}, 2, 4, "LIBSVM, indices from 0 to 3"},
    {"1 1:2 3:4\n0 0:1\n", {.features = 9}, 2, 9, "LIBSVM, indices from 0 to 3"},
    {"1 1:2 3:4\n", {.features = 3}, 1, 3, "LIBSVM"},
    {"1 0:2\n", {.features = 3}, 1, 3, "LIBSVM, indices from 0 to 0"},
    {"1 0:2\n", {0}, 1, 1, "LIBSVM, indices from 0 to 0"},
    {"1 16777216:1\n", {0}, 1, 16777216, "LIBSVM"},
    {"1\n2 # no value\n+3 1:1\n", {0}, 3, 1, "LIBSVM"},
    {"# 1:2\n\n \t\n-1 1:1", {0}, 1, 1, "LIBSVM"},
    {"\xef\xbb\xbf"
     "1 1:1\n",
     {0},
     1,
     1,
     "LIBSVM"},
    {"\xef\xbb\xbf"
     "1\n0 1:1\n",
     {0},
     2,
     1,
     "LIBSVM"},
    {"1\t1:1\t2:2\n", {0}, 1, 2, "LIBSVM"},
    {"1 1:2 1000:0.5\n", {.most_bytes = 8000}, 1, 1000, "LIBSVM"},
    {"1 1:2 1000:0.5\n", {.most_bytes = UINT64_MAX}, 1, 1000, "LIBSVM"},
    /* These are no LIBSVM. */
    {"12:30:00\n11:59:00\n", {.separator = ':'}, 2, 2, "text"},
    {"1,1:2\n2,1:3\n", {0}, 2, 1, "text"},
    {"1 2\n3 4\n", {.separator = ' '}, 2, 1, "text"},
    {"1 12:30\n2 11:59\n", {.separator = ' '}, 2, 1, "text"}, /* words are labels */
    {"1\n2\n", {.no_label = true}, 2, 1, "text"},
    {"a\tb\n1\t2\n", {0}, 1, 1, "text"},
    {"1\t12:30,5\n", {.separator = '\t'}, 1, 1, "text"},
};

START_TEST(formats_index_bases_and_sizes_are_found)
{
    const char *inputs[] = {in_scratch("in")};
    tw_import_report report;
    spill(inputs[0], strlen(good[_i].text), good[_i].text);
    const tw_status status = tw_import(1, inputs, NULL, &good[_i].options, &report);
    ck_assert_msg(status == TW_OK, "%s: %s", good[_i].text, tw_status_message());
    ck_assert_msg(strncmp(report.format, good[_i].format, strlen(good[_i].format)) == 0, "%s", report.format);
    ck_assert_uint_eq(report.rows, good[_i].rows);
    ck_assert_uint_eq(report.cols, good[_i].cols);
    ck_assert_uint_eq(report.x_missing, 0);
    tw_import_report_release(&report);
}
END_TEST

START_TEST(values_that_are_not_given_are_zero_in_every_type)
{
    const tw_import_options typed = {.typed = true, .type = (tw_dtype)_i, .features = 5, .replace = true};
    const double expected[] = {0, 2, 0, 0, 0, 1, 0, 0, 3, 0, 0, 0, 0, 0, 0};
    spill(in_scratch("in.csv"), 23, "1 2:2\n-1 1:1 4:3\n0 # e\n");
    import_good("in.csv", &typed);
    if (typed.type != TW_bf16) check_features(3, 5, expected); /* HDF5 has no such type of its own */
    int64_t y[3];
    read_output("/y", 1, 3, 0, H5T_NATIVE_INT64, y);
    ck_assert(y[0] == 1 && y[1] == -1 && y[2] == 0);
}
END_TEST

/* More rows than a block of 8 MiB holds: each says where its values belong. */
START_TEST(many_blocks_are_written_in_order)
{
    enum { ROWS = 30011, COLS = 100 };
    FILE *const file = fopen(in_scratch("in"), "wb");
    for (int i = 0; i < ROWS; i++) fprintf(file, "%d %d:%d.5 %d:0.25\n", i, i % 99 + 1, i, COLS);
    ck_assert_int_eq(fclose(file), 0);
    import_good("in", NULL);
    double *const x = malloc(sizeof(double) * ROWS * COLS);
    size_t bad = 0;
    read_output("/X", 2, ROWS, COLS, H5T_NATIVE_DOUBLE, x);
    for (int i = 0; i < ROWS; i++)
        for (int c = 0; c < COLS; c++)
            bad += x[i * COLS + c] != (c == COLS - 1 ? 0.25 : c == i % 99 ? i + 0.5 : 0);
    ck_assert_uint_eq(bad, 0);
    free(x);
}
END_TEST

START_TEST(a_long_line_takes_a_larger_buffer)
{
    enum { COLS = 400000 };
    FILE *const file = fopen(in_scratch("in"), "wb");
    fputs("1 1:1\n2", file);
    for (int c = 1; c <= COLS; c++) fprintf(file, " %d:%d", c, c % 200);
    fputs("\n3 2:7\n", file);
    ck_assert_int_eq(fclose(file), 0);
    import_good("in", NULL);
    unsigned char *const x = malloc((size_t)3 * COLS);
    size_t bad = 0;
    read_output("/X", 2, 3, COLS, 0, x);
    for (int c = 0; c < COLS; c++)
        bad += x[c] != (c == 0) || x[COLS + c] != (c + 1) % 200 || x[2 * COLS + c] != (c == 1 ? 7 : 0);
    ck_assert_uint_eq(bad, 0);
    free(x);
}
END_TEST

START_TEST(only_text_without_a_row_is_empty)
{
    static const char *const empty[] = {"", "\n", "\xef\xbb\xbf"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        ck_assert_int_eq(import_text(strlen(empty[i]), empty[i], NULL), TW_DATA);
        ck_assert_says("is empty");
    }
}
END_TEST

START_TEST(truncated_gzip_is_refused_wherever_it_is_cut)
{
    size_t size;
    spill_gzip(in_scratch("whole"), 30, "+1 1:0.5 3:7\n-1 2:8 4:1e3\n+1 1:", "wb");
    char text[2000] = "";
    for (int i = 0; i < 100; i++) snprintf(text + strlen(text), 20, "%d %d:%d\n", i % 2, i % 7 + 1, i * i);
    spill_gzip(in_scratch("whole"), strlen(text), text, "wb");
    import_good("whole", NULL); /* the control */
    remove(in_scratch("out.h5"));
    char *const bytes = slurp(in_scratch("whole"), &size);
    for (size_t cut = 2; cut < size; cut++) {
        spill(in_scratch("in"), cut, bytes);
        ck_assert_msg(import_one("in", NULL) == TW_DATA, "cut to %zu bytes: accepted", cut);
        ck_assert_int_eq(scratch_entries(), 2);
    }
    free(bytes);
}
END_TEST

/* Called when the output is made, between the two passes. */
static const char *changed_text;

ssize_t getrandom(void *bytes, size_t size, unsigned flags)
{
    (void)flags;
    memset(bytes, 7, size);
    if (changed_text) spill(in_scratch("in.csv"), strlen(changed_text), changed_text);
    return (ssize_t)size;
}

START_TEST(a_file_that_changes_between_the_passes_is_refused)
{
    static const struct {
        const char *before, *after;
    } cases[] = {
        {"1 1:2\n3 1:4\n", "1 1:2\n3 1:4\n5 1:6\n"}, {"1 1:2\n3 1:4\n", "1 1:2\n"},
        {"1 1:2\n3 1:4\n", "1 1:2\n3 2:4\n"},        {"1 1:2\n3 1:4\n", "1 1:2\n3 1:400\n"},
        {"1 1:2\n3 1:4\n", "1 1:2\n3 1:4.5\n"},      {"1 1:2\n3 1:4\n", "1 1:2\n3.5 1:4\n"},
        {"1 1:2\n3 1:4\n", "1 0:2\n3 1:4\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        changed_text = cases[i].after;
        ck_assert_int_eq(import_text(strlen(cases[i].before), cases[i].before, NULL), TW_DATA);
        ck_assert_says("changed while it was read");
        ck_assert_int_eq(scratch_entries(), 1);
        changed_text = cases[i].before;
        import_good_text(cases[i].before, NULL); /* the control */
        remove(in_scratch("out.h5"));
    }
    changed_text = NULL;
}
END_TEST

START_TEST(a_signal_stops_it_and_leaves_nothing)
{
    const volatile sig_atomic_t stop = 1;
    const tw_import_options options = {.interrupted = &stop};
    ck_assert_int_eq(import_text(6, "1 1:2\n", &options), TW_IO);
    ck_assert_says("interrupted");
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

#define N(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
    Suite *s = suite_create("import_libsvm");
    TCase *t = tcase_create("libsvm");
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, what_is_wrong_is_said_with_its_place_and_leaves_nothing, 0, N(wrong));
    tcase_add_loop_test(t, formats_index_bases_and_sizes_are_found, 0, N(good));
    tcase_add_loop_test(t, values_that_are_not_given_are_zero_in_every_type, 0, TW_N_DTYPES);
    tcase_add_test(t, many_blocks_are_written_in_order);
    tcase_add_test(t, a_long_line_takes_a_larger_buffer);
    tcase_add_test(t, only_text_without_a_row_is_empty);
    tcase_add_test(t, truncated_gzip_is_refused_wherever_it_is_cut);
    tcase_add_test(t, a_file_that_changes_between_the_passes_is_refused);
    tcase_add_test(t, a_signal_stops_it_and_leaves_nothing);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
