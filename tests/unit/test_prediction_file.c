/* test_prediction_file.c -- the files of `thalweg predict`: numbers, CSV, and what is refused.
 *
 * test_prediction_hdf5.c reads the HDF5 files back. */
#include "prediction_support.h"

#include <float.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

static double from_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* ---- numbers ---- */

START_TEST(every_double_reads_back_to_the_same_bits)
{
    uint64_t state = 1;
    char text[TW_PREDICTION_NUMBER_LEN];
    for (int i = 0; i < 200000; i++) {
        const uint64_t mask = i % 4 ? UINT64_MAX : 0x800fffffffffffff; /* one in four below DBL_MIN */
        const double value = from_bits(draw(&state) & mask);
        if (!isfinite(value)) continue;
        const size_t length = tw_prediction_number(value, text);
        const double back = strtod(text, NULL);
        ck_assert_uint_eq(length, strlen(text));
        ck_assert_msg(memcmp(&back, &value, sizeof value) == 0, "%a became %s", value, text);
    }
}
END_TEST

START_TEST(a_number_has_no_more_digits_than_it_needs)
{
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0.1, "0.1"},
                {0.0, "0"},
                {-0.0, "-0"},
                {3, "3"},
                {0.1 + 0.2, "0.30000000000000004"},
                {1.0 / 3, "0.3333333333333333"},
                {1e22, "1e+22"},
                {123456.789, "123456.789"},
                {0x1p-1074, "5e-324"},
                {DBL_MAX, "1.7976931348623157e+308"},
                {(double)NAN, "nan"},
                {-INFINITY, "-inf"}};
    char text[TW_PREDICTION_NUMBER_LEN];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tw_prediction_number(rows[i].value, text);
        ck_assert_str_eq(text, rows[i].text);
    }
}
END_TEST

/* ---- CSV ---- */

START_TEST(numbers_become_a_csv_of_one_column)
{
    const tw_prediction_layout layout = {.rows = 3, .width = 1};
    check_text(written("out.csv", &layout, (double[]){0.5, -2, 1e-7}), "prediction\n0.5\n-2\n1e-07\n");
}
END_TEST

START_TEST(class_values_are_integers_only_when_they_are_whole)
{
    const tw_prediction_layout whole = {
        .rows = 3, .width = 1, .n_classes = 3, .classes = (double[]){-1, -0.0, 1e15}};
    const tw_prediction_layout real = {.rows = 2, .width = 1, .n_classes = 2, .classes = (double[]){0.25, 3}};
    check_text(written("out.csv", &whole, (double[]){2, 0, 1}), "prediction\n1000000000000000\n-1\n0\n");
    ck_assert_int_eq(unlink(in_scratch("out.csv")), 0);
    check_text(written("out.CSV", &real, (double[]){1, 0}), "prediction\n3\n0.25\n");
}
END_TEST

START_TEST(probabilities_stand_behind_the_prediction_under_the_class)
{
    const tw_prediction_layout layout = {.rows = 2, .width = 3, .n_classes = 2, .classes = (double[]){3, 7}};
    const double data[] = {1, 0.25, 0.75, 0, 1, 0};
    check_text(written("out.csv", &layout, data),
               "prediction,probability_3,probability_7\n7,0.25,0.75\n3,1,0\n");
}
END_TEST

START_TEST(class_names_are_quoted_where_csv_asks_for_it)
{
    static char *names[] = {"plain",  "a,b",         "say \"hi\"", "two\nlines", "",
                            " blank", "caf\xc3\xa9", "x\r",        "it's"};
    enum { N = sizeof names / sizeof *names };
    double classes[N], data[N * (N + 1)] = {0};
    for (size_t k = 0; k < N; k++) data[k * (N + 1)] = classes[k] = (double)k;
    const tw_prediction_layout layout = {
        .rows = N, .width = N + 1, .n_classes = N, .classes = classes, .class_names = names};
    size_t size;
    char *const bytes = slurp(written("out.csv", &layout, data), &size);
    static const char *const lines[] = {
        "prediction,probability_plain,\"probability_a,b\",\"probability_say \"\"hi\"\"\","
        "\"probability_two\nlines\",\"probability_\",\"probability_ blank\",probability_caf\xc3\xa9,"
        "\"probability_x\r\",probability_it's\n",
        "\nplain,0",
        "\n\"a,b\",0",
        "\n\"say \"\"hi\"\"\",0",
        "\n\"two\nlines\",0",
        "\n\"\",0",
        "\n\" blank\",0",
        "\ncaf\xc3\xa9,0",
        "\n\"x\r\",0",
        "\nit's,0"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(strstr(bytes, lines[i]), "'%s' is not in '%s'", lines[i], bytes);
    ck_assert_int_eq(strncmp(bytes, lines[0], strlen(lines[0])), 0);
    free(bytes);
}
END_TEST

/* Several MiB: the lines must join across the ends of any buffer. */
START_TEST(a_csv_of_many_rows_holds_every_number_whatever_the_pieces)
{
    enum { ROWS = 200000 };
    uint64_t state = 7;
    double *const data = malloc(ROWS * sizeof *data);
    ck_assert_ptr_nonnull(data);
    for (int i = 0; i < ROWS; i++) data[i] = (double)(int64_t)draw(&state) * 0x1p-63;
    const tw_prediction_layout layout = {.rows = ROWS, .width = 1};
    ck_assert_int_eq(write_in_pieces(in_scratch("whole.csv"), &layout, ROWS, data), TW_OK);
    ck_assert_int_eq(write_in_pieces(in_scratch("pieces.csv"), &layout, 777, data), TW_OK);
    size_t size, other;
    char *const bytes = slurp(in_scratch("whole.csv"), &size), *const again =
                                                                   slurp(in_scratch("pieces.csv"), &other);
    ck_assert(size > (size_t)3 << 20);
    ck_assert_uint_eq(size, other);
    ck_assert_int_eq(memcmp(bytes, again, size), 0);
    char *at = strchr(bytes, '\n') + 1;
    for (int i = 0; i < ROWS; i++) {
        ck_assert_double_eq(strtod(at, &at), data[i]);
        ck_assert_int_eq(*at++, '\n');
    }
    ck_assert_ptr_eq(at, bytes + size);
    free(again);
    free(bytes);
    free(data);
}
END_TEST

/* ---- refusals: none leaves a file behind ---- */

static const char *const outputs[] = {"out.csv", "out.h5"};
enum { N_OUTPUTS = 2 };

START_TEST(a_name_of_another_kind_is_a_usage_error)
{
    static const char *const names[] = {"out", "out.txt", "out.csv.gz", "h5", ".", "out.h5/x", "csv"};
    const tw_prediction_layout layout = {.rows = 1, .width = 1};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        tw_prediction_file *file = (tw_prediction_file *)&layout;
        ck_assert_msg(tw_prediction_file_new(&file, in_scratch(names[i]), &layout) == TW_USAGE, "%s",
                      names[i]);
        ck_assert_ptr_null(file);
        ck_assert_says(".csv, .h5 or .hdf5");
    }
    ck_assert_int_eq(scratch_entries(), 0);
}
END_TEST

START_TEST(an_existing_file_stays_unless_it_is_to_be_replaced)
{
    const char *const path = in_scratch(outputs[_i]);
    tw_prediction_layout layout = {.rows = 1, .width = 1};
    spill(path, 3, "old");
    ck_assert_int_eq(write_in_pieces(path, &layout, 1, (double[]){1}), TW_OUTPUT);
    ck_assert_says("it exists");
    check_text(path, "old");
    layout.replace = true;
    ck_assert_int_eq(write_in_pieces(path, &layout, 1, (double[]){1}), TW_OK);
    size_t size;
    char *const bytes = slurp(path, &size);
    ck_assert_int_ne(memcmp(bytes, "old", 3), 0);
    ck_assert_int_eq(scratch_entries(), 1);
    free(bytes);
}
END_TEST

START_TEST(a_folder_that_is_missing_is_an_output_error)
{
    const tw_prediction_layout layout = {.rows = 1, .width = 1};
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", in_scratch("missing"), outputs[_i]);
    ck_assert_int_eq(write_in_pieces(path, &layout, 1, (double[]){1}), TW_OUTPUT);
    ck_assert_says("No such file or directory");
}
END_TEST

START_TEST(a_file_that_is_not_committed_leaves_nothing)
{
    const tw_prediction_layout layout = {.rows = 2, .width = 1};
    tw_prediction_file *file;
    ck_assert_int_eq(tw_prediction_file_new(&file, in_scratch(outputs[_i]), &layout), TW_OK);
    ck_assert_int_eq(tw_prediction_file_append(file, 2, (double[]){1, 2}), TW_OK);
    ck_assert_int_eq(scratch_entries(), 1); /* the temporary */
    tw_prediction_file_free(file);
    tw_prediction_file_free(NULL);
    ck_assert_int_eq(scratch_entries(), 0);
}
END_TEST

START_TEST(a_row_too_few_or_too_many_is_refused)
{
    const tw_prediction_layout layout = {.rows = 2, .width = 1};
    tw_prediction_file *file;
    ck_assert_int_eq(tw_prediction_file_new(&file, in_scratch(outputs[_i]), &layout), TW_OK);
    ck_assert_int_eq(tw_prediction_file_append(file, 1, (double[]){1}), TW_OK);
    ck_assert_int_eq(tw_prediction_file_commit(file), TW_INTERNAL);
    ck_assert_int_eq(tw_prediction_file_append(file, 2, (double[]){1, 2}), TW_INTERNAL);
    tw_prediction_file_free(file);
    ck_assert_int_eq(scratch_entries(), 0);
}
END_TEST

START_TEST(what_is_no_index_of_a_class_is_refused)
{
    static const double wrong[] = {-1, 2, 0.5, (double)NAN, INFINITY};
    const tw_prediction_layout layout = {.rows = 2, .width = 1, .n_classes = 2, .classes = (double[]){3, 4}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_int_eq(write_in_pieces(in_scratch(outputs[_i]), &layout, 2, (double[]){1, wrong[i]}),
                         TW_INTERNAL);
        ck_assert_says("prediction 1 is");
    }
    ck_assert_int_eq(scratch_entries(), 0);
}
END_TEST

START_TEST(widths_that_do_not_fit_the_classes_are_refused)
{
    static const size_t widths[][2] = {{0, 0}, {2, 0}, {2, 2}, {4, 2}};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        const tw_prediction_layout layout = {
            .rows = 1, .width = widths[i][0], .n_classes = widths[i][1], .classes = (double[]){0, 1}};
        tw_prediction_file *file;
        ck_assert_int_eq(tw_prediction_file_new(&file, in_scratch(outputs[_i]), &layout), TW_INTERNAL);
        ck_assert_ptr_null(file);
    }
    ck_assert_int_eq(scratch_entries(), 0);
}
END_TEST

/* A limit on the size of files stands for a full disk. Every limit, so that each write is the failing one
 * once. */
START_TEST(a_full_disk_is_an_io_error_and_leaves_nothing)
{
    enum { ROWS = 3000, K = 2, WIDTH = K + 1 };
    static char *names[K] = {"a name long enough to fill a heap with", "another name"};
    static double data[ROWS * WIDTH];
    for (size_t i = 0; i < ROWS; i++) data[i * WIDTH] = (double)(i % K);
    const tw_prediction_layout layout = {.rows = ROWS,
                                         .width = WIDTH,
                                         .n_classes = K,
                                         .classes = (double[]){0, 1},
                                         .class_names = names,
                                         .replace = true};
    const char *const path = in_scratch(outputs[_i]);
    struct rlimit before, limit;
    struct stat info;
    ck_assert_int_eq(write_in_pieces(path, &layout, 500, data), TW_OK);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(unlink(path), 0);
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (off_t most = 0; most < info.st_size; most += info.st_size / 37 + 1) {
        limit = (struct rlimit){(rlim_t)most, before.rlim_max};
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        const tw_status status = write_in_pieces(path, &layout, 500, data);
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
        ck_assert_msg(status == TW_IO, "%d with %lld of %lld bytes", (int)status, (long long)most,
                      (long long)info.st_size);
        ck_assert_says("cannot write");
        ck_assert_int_eq(scratch_entries(), 0);
    }
    ck_assert_int_eq(write_in_pieces(path, &layout, 500, data), TW_OK);
}
END_TEST

int main(void)
{
    TCase *csv = tcase_create("csv"), *refusals = tcase_create("refusals");
    tcase_add_test(csv, every_double_reads_back_to_the_same_bits);
    tcase_add_test(csv, a_number_has_no_more_digits_than_it_needs);
    tcase_add_test(csv, numbers_become_a_csv_of_one_column);
    tcase_add_test(csv, class_values_are_integers_only_when_they_are_whole);
    tcase_add_test(csv, probabilities_stand_behind_the_prediction_under_the_class);
    tcase_add_test(csv, class_names_are_quoted_where_csv_asks_for_it);
    tcase_add_test(csv, a_csv_of_many_rows_holds_every_number_whatever_the_pieces);
    tcase_add_test(refusals, a_name_of_another_kind_is_a_usage_error);
    tcase_add_loop_test(refusals, an_existing_file_stays_unless_it_is_to_be_replaced, 0, N_OUTPUTS);
    tcase_add_loop_test(refusals, a_folder_that_is_missing_is_an_output_error, 0, N_OUTPUTS);
    tcase_add_loop_test(refusals, a_file_that_is_not_committed_leaves_nothing, 0, N_OUTPUTS);
    tcase_add_loop_test(refusals, a_row_too_few_or_too_many_is_refused, 0, N_OUTPUTS);
    tcase_add_loop_test(refusals, what_is_no_index_of_a_class_is_refused, 0, N_OUTPUTS);
    tcase_add_loop_test(refusals, widths_that_do_not_fit_the_classes_are_refused, 0, N_OUTPUTS);
    tcase_add_loop_test(refusals, a_full_disk_is_an_io_error_and_leaves_nothing, 0, N_OUTPUTS);
    return run_cases("prediction_file", 2, (TCase *[]){csv, refusals});
}
