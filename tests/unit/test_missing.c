/* test_missing.c -- missing features and rounded storage against scikit-learn, NumPy and exact fractions
 * (tests/truth/missing.py); several files against the one file that they were cut from. */
#include "support.h"

#include "thalweg/kernels.h"
#include "thalweg/missing.h"
#include "thalweg/scaling.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 700, COLS = 5, PART = 2 };

static json_t *truth; /* loaded before the tests fork */
static tw_comm *comm;

static tw_dataset describe(const char *path)
{
    tw_dataset d;
    ck_assert_msg(tw_dataset_open(&d, path, &(tw_dataset_names){.need_labels = true}, NULL) == TW_OK, "%s",
                  tw_status_message());
    return d;
}

static tw_shard read_rows(const tw_dataset *d, int64_t first, int64_t rows)
{
    tw_shard s;
    ck_assert_msg(tw_shard_read(&s, d, first, rows) == TW_OK, "%s", tw_status_message());
    return s;
}

static const char stored[] = TEST_SOURCE_DIR "/tests/truth/missing.h5";

static double published(const char *of, const char *what, size_t j)
{
    const json_t *number = json_array_get(json_object_get(json_object_get(truth, of), what), j);
    ck_assert(json_is_number(number));
    return json_number_value(number);
}

static void near(double a, double b, double allowed)
{
    ck_assert_msg(fabs(a - b) <= allowed * (1 + fabs(b)), "%.17g, not %.17g", a, b);
}

/* Rows with index % 5 == 0 are kept out, or none. */
static void check_means(bool part)
{
    const char *const of = part ? "part" : "all";
    double mean[COLS];
    tw_partition p;
    tw_scaling scaling;
    tw_dataset d = describe(stored);
    tw_dataset_keep(&d, NULL, TW_MISSING_MEAN, NAN);
    tw_shard s = read_rows(&d, 0, ROWS);
    ck_assert_int_eq(s.missing, json_integer_value(json_object_get(truth, "missing")));
    s.part = calloc(ROWS, sizeof *s.part);
    for (size_t i = 0; i < ROWS; i++) s.part[i] = i % 5 == 0 ? PART : 0;
    s.without = part ? PART : 0;
    ck_assert_int_eq(tw_partition_init(&p, ROWS, 8, 1), TW_OK);
    ck_assert_int_eq(tw_missing_means(comm, &p, &s, 1, mean), TW_OK);
    tw_missing_fill(&s, 1, mean);
    ck_assert_int_eq(tw_scaling_fit(&scaling, TW_SCALING_STANDARDIZE, comm, &p, &s, 1), TW_OK);
    for (size_t j = 0; j < COLS; j++) {
        near(mean[j], published(of, "fill", j), 1e-12);
        near(scaling.mean[j], published(of, "mean", j), 1e-12);
        near(scaling.scale[j], published(of, "scale", j), 1e-12);
        if (part) ck_assert(fabs(mean[j] - published("all", "fill", j)) > 1e-9); /* the control */
    }
    tw_scaling_release(&scaling);
    tw_partition_release(&p);
    tw_shard_release(&s);
}

START_TEST(the_mean_policy_is_simpleimputer_and_standardscaler)
{
    check_means(false);
}
END_TEST

START_TEST(rows_kept_for_validation_have_no_part_in_the_means)
{
    check_means(true);
}
END_TEST

START_TEST(threads_and_ranks_do_not_change_a_bit_of_the_means)
{
    double one[COLS], three[COLS];
    tw_partition p;
    tw_dataset d = describe(stored);
    tw_dataset_keep(&d, NULL, TW_MISSING_MEAN, NAN);
    tw_shard s = read_rows(&d, 0, ROWS);
    ck_assert_int_eq(tw_partition_init(&p, ROWS, 8, 1), TW_OK);
    ck_assert_int_eq(tw_missing_means(comm, &p, &s, 1, one), TW_OK);
    ck_assert_int_eq(tw_missing_means(comm, &p, &s, 3, three), TW_OK);
    ck_assert(same_bits(COLS, one, three));
    tw_partition_release(&p);
    tw_shard_release(&s);
}
END_TEST

START_TEST(a_column_without_values_has_no_mean)
{
    double x[6] = {1, NAN, 2, NAN, 3, NAN}, y[3] = {0, 1, 0}, mean[2];
    tw_partition p;
    test_write_plain(test_path("x.h5"), 3, 2, x, y);
    tw_dataset d = describe(test_path("x.h5"));
    tw_dataset_keep(&d, NULL, TW_MISSING_MEAN, NAN);
    tw_shard s = read_rows(&d, 0, 3);
    ck_assert_int_eq(tw_partition_init(&p, 3, 0, 1), TW_OK);
    ck_assert_int_eq(tw_missing_means(comm, &p, &s, 1, mean), TW_DATA);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "feature 1 "));
    tw_partition_release(&p);
    tw_shard_release(&s);
}
END_TEST

START_TEST(dropped_rows_are_those_with_gaps)
{
    int64_t dropped;
    tw_dataset d = describe(stored);
    tw_dataset_keep(&d, NULL, TW_MISSING_DROP, NAN);
    tw_shard s = read_rows(&d, 0, ROWS), raw = read_rows(&d, 0, ROWS);
    ck_assert_int_eq(tw_missing_drop(&s, &dropped), TW_OK);
    ck_assert_int_eq(ROWS - dropped, json_integer_value(json_object_get(truth, "complete_rows")));
    for (size_t i = 0; i < ROWS; i++) {
        bool gap = false;
        for (size_t j = 0; j < COLS; j++) {
            const double was = test_load(raw.type, raw.x, i * COLS + j),
                         is = test_load(s.type, s.x, i * COLS + j);
            gap |= isnan(was);
            ck_assert(isnan(was) ? is == 0 : is == was);
        }
        ck_assert(s.dropped[i] == gap && s.weight[i] == !gap && tw_shard_trains(&s, i) == !gap);
    }
    tw_shard_release(&raw);
    tw_shard_release(&s);
}
END_TEST

START_TEST(a_marker_is_a_gap_and_only_where_it_stands)
{
    double x[6] = {1, -999, 2, 3, -999.5, 999}, y[3] = {0, 1, 0};
    test_write_plain(test_path("x.h5"), 3, 2, x, y);
    tw_dataset d = describe(test_path("x.h5"));
    tw_dataset_keep(&d, NULL, TW_MISSING_ZERO, -999);
    tw_shard s = read_rows(&d, 0, 3);
    ck_assert_int_eq(s.missing, 1);
    for (size_t i = 0; i < 6; i++) ck_assert(i == 1 ? isnan(((double *)s.x)[i]) : ((double *)s.x)[i] == x[i]);
    tw_shard_release(&s);
    tw_dataset_keep(&d, NULL, TW_MISSING_ERROR, -999);
    ck_assert_int_eq(tw_shard_read(&s, &d, 0, 3), TW_DATA);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "row 0, column 1"));
}
END_TEST

START_TEST(a_marker_is_rounded_as_the_values_of_the_file_were)
{
    const double next = (double)nextafterf(-999.9f, 0);
    const double x[4] = {1, -999.9, next, 3e38}, y[2] = {0, 1};
    const hid_t file = H5Fcreate(test_path("x.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    test_write(file, "X",
               &(test_array){.file_type = H5T_IEEE_F32LE,
                             .memory_type = H5T_NATIVE_DOUBLE,
                             .rank = 2,
                             .shape = {2, 2},
                             .data = x});
    test_write(file, "y",
               &(test_array){.file_type = H5T_IEEE_F64LE,
                             .memory_type = H5T_NATIVE_DOUBLE,
                             .rank = 1,
                             .shape = {2},
                             .data = y});
    H5Fclose(file);
    tw_dataset d = describe(test_path("x.h5"));
    ck_assert_int_eq(d.stored, TW_f32);
    tw_dataset_keep(&d, NULL, TW_MISSING_ZERO, -999.9);
    tw_shard s = read_rows(&d, 0, 2);
    ck_assert_int_eq(s.missing, 1);
    ck_assert(isnan(((float *)s.x)[1]));
    ck_assert((double)((float *)s.x)[2] == next);
    tw_shard_release(&s);
    tw_dataset_keep(&d, NULL, TW_MISSING_ZERO, 1e300); /* no float */
    s = read_rows(&d, 0, 2);
    ck_assert_int_eq(s.missing, 0);
    tw_shard_release(&s);
}
END_TEST

START_TEST(infinities_are_never_missing)
{
    double x[4] = {1, 2, -INFINITY, NAN}, y[2] = {0, 1};
    tw_shard s;
    test_write_plain(test_path("x.h5"), 2, 2, x, y);
    tw_dataset d = describe(test_path("x.h5"));
    for (tw_missing policy = TW_MISSING_ERROR; policy <= TW_MISSING_DROP; policy++) {
        tw_dataset_keep(&d, NULL, policy, NAN);
        ck_assert_int_eq(tw_shard_read(&s, &d, 0, 2), TW_DATA);
        ck_assert_ptr_nonnull(strstr(tw_status_message(), "row 1, column 0"));
    }
}
END_TEST

static double widened(const tw_shard *s, size_t i)
{
    double value;
    tw_kernels_get()->widen(s->type, 1, (const char *)s->x + i * tw_dtype_size(s->type), &value);
    return value;
}

START_TEST(storage_is_rounded_once)
{
    static const struct {
        const char *name;
        tw_dtype type;
    } kinds[] = {{"f16", TW_f16}, {"bf16", TW_bf16}, {"f32", TW_f32}};
    tw_dataset d = describe(stored);
    tw_dataset_keep(&d, &kinds[_i].type, TW_MISSING_ZERO, NAN);
    tw_shard s = read_rows(&d, 0, ROWS);
    ck_assert_int_eq(s.type, kinds[_i].type);
    const json_t *bits = json_object_get(truth, kinds[_i].name);
    ck_assert_uint_eq(json_array_size(bits), 200);
    for (size_t i = 0; i < 200; i++) {
        const json_t *wanted = json_array_get(bits, i);
        const json_int_t is =
            kinds[_i].type == TW_f32 ? ((const uint32_t *)s.x)[i] : ((const uint16_t *)s.x)[i];
        if (json_is_null(wanted))
            ck_assert(isnan(widened(&s, i)));
        else
            ck_assert_msg(is == json_integer_value(wanted), "%s element %zu: %llx, not %llx", kinds[_i].name,
                          i, (unsigned long long)is, (unsigned long long)json_integer_value(wanted));
    }
    tw_shard_release(&s);
}
END_TEST

START_TEST(what_storage_cannot_hold_is_named)
{
    const tw_dtype f16 = TW_f16;
    double x[4] = {1, 2, 65519, 65520}, y[2] = {0, 1};
    tw_shard s;
    test_write_plain(test_path("x.h5"), 2, 2, x, y);
    tw_dataset d = describe(test_path("x.h5"));
    tw_dataset_keep(&d, &f16, TW_MISSING_ERROR, NAN);
    ck_assert_int_eq(tw_shard_read(&s, &d, 0, 2), TW_DATA);
    ck_assert_msg(strstr(tw_status_message(), "65520 in row 1, column 1") &&
                      strstr(tw_status_message(), "65504"),
                  "%s", tw_status_message());
}
END_TEST

/* ---- several files ---- */

static double x[ROWS * COLS], y[ROWS];

/* a.h5 has all rows; b-0.h5, b-1.h5, ... the same in pieces that end at `ends`, every second one in chunks.
 */
static void write_pieces(size_t count, const size_t *ends)
{
    char name[16];
    test_seed(3);
    for (size_t i = 0; i < ROWS * COLS; i++) x[i] = test_uniform();
    for (size_t i = 0; i < ROWS; i++) y[i] = (double)(i % 3);
    test_write_plain(test_path("a.h5"), ROWS, COLS, x, y);
    for (size_t f = 0, at = 0; f < count; at = ends[f++]) {
        snprintf(name, sizeof name, "b-%zu.h5", f);
        const hid_t file = H5Fcreate(test_path(name), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        const hsize_t rows = ends[f] - at;
        test_array features = {.file_type = H5T_IEEE_F64LE,
                               .memory_type = H5T_NATIVE_DOUBLE,
                               .rank = 2,
                               .shape = {rows, COLS},
                               .data = x + at * COLS};
        if (f % 2)
            features.chunk[0] = rows < 7 ? rows : 7, features.chunk[1] = COLS, features.compressed = true;
        test_write(file, "X", &features);
        test_write(file, "y",
                   &(test_array){.file_type = H5T_IEEE_F64LE,
                                 .memory_type = H5T_NATIVE_DOUBLE,
                                 .rank = 1,
                                 .shape = {rows},
                                 .data = y + at});
        H5Fclose(file);
    }
}

START_TEST(several_files_are_the_file_that_they_were_cut_from)
{
    static const size_t ends[] = {1, 300, 301, 555, ROWS};
    write_pieces(5, ends);
    const tw_dataset whole = describe(test_path("a.h5"));
    tw_dataset d = describe(test_path("b-*.h5"));
    ck_assert_uint_eq(d.files, 5);
    ck_assert_int_eq(d.rows, ROWS);
    for (int64_t first = 0; first < ROWS; first += 97)
        for (int threads = 1; threads <= 3; threads++) {
            const int64_t rows = first + 350 < ROWS ? 350 : ROWS - first;
            const int64_t start[] = {first, threads == 1 ? first + rows : first + rows / 3,
                                     threads == 2 ? first + rows : first + rows / 3 * 2, first + rows};
            tw_shard a, b;
            ck_assert_int_eq(tw_shard_read_threads(&a, &whole, threads, start), TW_OK);
            ck_assert_int_eq(tw_shard_read_threads(&b, &d, threads, start), TW_OK);
            ck_assert(same_bits((size_t)rows * COLS, a.x, b.x) && same_bits((size_t)rows, a.y, b.y));
            ck_assert(a.print[0] == b.print[0] && a.print[1] == b.print[1]);
            tw_shard_release(&b);
            tw_shard_release(&a);
        }
    tw_dataset_release(&d);
}
END_TEST

START_TEST(a_list_and_a_pattern_are_the_same_files)
{
    static const size_t ends[] = {200, 400, ROWS};
    char list[4096];
    write_pieces(3, ends);
    snprintf(list, sizeof list, "%s\n%s", test_path("b-0.h5"), test_path("b-[12].h5"));
    tw_dataset a = describe(list), b = describe(test_path("b-?.h5"));
    ck_assert_uint_eq(a.files, 3);
    for (size_t f = 0; f < 3; f++) {
        ck_assert_str_eq(a.file[f].path, b.file[f].path);
        ck_assert_int_eq(a.file[f].first, f ? (int64_t)ends[f - 1] : 0);
    }
    tw_dataset_release(&b);
    tw_dataset_release(&a);
    tw_dataset d;
    ck_assert_int_eq(tw_dataset_open(&d, test_path("c-*.h5"), &(tw_dataset_names){0}, NULL), TW_INPUT);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "c-*.h5"));
}
END_TEST

START_TEST(files_that_do_not_fit_together_are_both_named)
{
    static const size_t ends[] = {ROWS};
    char list[4096];
    tw_dataset d;
    write_pieces(1, ends);
    test_write_plain(test_path("c.h5"), 10, COLS + 1, x, y);
    snprintf(list, sizeof list, "%s\n%s", test_path("a.h5"), test_path("c.h5"));
    ck_assert_int_eq(tw_dataset_open(&d, list, &(tw_dataset_names){0}, NULL), TW_DATA);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "a.h5 has 5 features"));
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "c.h5 has 6"));
}
END_TEST

int main(void)
{
    truth = json_load_file(TEST_SOURCE_DIR "/tests/truth/missing.json", 0, NULL);
    if (!truth || tw_comm_local(&comm)) return 1;
    tw_dataset_start();
    Suite *suite = suite_create("missing features, storage, several files");
    TCase *tc = tcase_create("all");
    tcase_add_checked_fixture(tc, test_folder_enter, test_folder_leave);
    tcase_add_test(tc, the_mean_policy_is_simpleimputer_and_standardscaler);
    tcase_add_test(tc, rows_kept_for_validation_have_no_part_in_the_means);
    tcase_add_test(tc, threads_and_ranks_do_not_change_a_bit_of_the_means);
    tcase_add_test(tc, a_column_without_values_has_no_mean);
    tcase_add_test(tc, dropped_rows_are_those_with_gaps);
    tcase_add_test(tc, a_marker_is_a_gap_and_only_where_it_stands);
    tcase_add_test(tc, a_marker_is_rounded_as_the_values_of_the_file_were);
    tcase_add_test(tc, infinities_are_never_missing);
    tcase_add_loop_test(tc, storage_is_rounded_once, 0, 3);
    tcase_add_test(tc, what_storage_cannot_hold_is_named);
    tcase_add_test(tc, several_files_are_the_file_that_they_were_cut_from);
    tcase_add_test(tc, a_list_and_a_pattern_are_the_same_files);
    tcase_add_test(tc, files_that_do_not_fit_together_are_both_named);
    suite_add_tcase(suite, tc);
    const int failures = test_run(suite);
    json_decref(truth);
    return failures;
}
