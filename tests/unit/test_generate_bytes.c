/* test_generate_bytes.c -- generated rows are the same bytes for ever and however they are cut; the
 * impossible is refused. */
#include "thalweg/generate.h"

#include "thalweg/hash.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    ck_assert_ptr_nonnull(memory);
    return memory;
}

/* One data set of every kind: what the bytes are pinned for. */
enum { KINDS = 6, ROWS = 777, COLUMNS = 13 };
static tw_generate kind(int i)
{
    tw_generate set = {
        .rows = ROWS, .features = COLUMNS, .seed = 123456789012345, .noise = 0.75, .condition = 1};
    set.task = (tw_generate_task)(i % 3), set.type = i % 2 ? TW_f32 : TW_f64;
    if (set.task == TW_GENERATE_SOFTMAX) set.classes = 7;
    if (i == 1 || i == 2) set.condition = 1e3;
    if (i == 3) set.uniform = true, set.low = -3, set.high = 0.5;
    return set;
}

/* Rows cut into pieces of the given size, last piece first; returns XXH3 of /X then /y. */
static uint64_t bytes_in_pieces(tw_generate set, size_t piece)
{
    tw_generator g;
    ck_assert_int_eq(tw_generator_init(&g, &set), TW_OK);
    const size_t label = tw_generator_label_size(&g), width = COLUMNS * tw_dtype_size(set.type);
    char *all = allocate(ROWS, width + label), *x = all + ROWS * label;
    char *some_x = allocate(piece, width), *some_y = allocate(piece, label);
    for (size_t i = (ROWS + piece - 1) / piece; i-- > 0;) {
        const size_t first = i * piece, count = ROWS - first < piece ? ROWS - first : piece;
        tw_generator_rows(&g, (int64_t)first, count, some_x, some_y);
        memcpy(x + first * width, some_x, count * width);
        memcpy(all + first * label, some_y, count * label);
    }
    const uint64_t hash = tw_hash64(all, ROWS * (width + label));
    free(all);
    free(some_x);
    free(some_y);
    tw_generator_release(&g);
    return hash;
}

START_TEST(rows_do_not_depend_on_how_they_are_split_or_how_many_there_are)
{
    const uint64_t whole = bytes_in_pieces(kind(_i), ROWS);
    ck_assert_uint_eq(bytes_in_pieces(kind(_i), 1), whole);
    ck_assert_uint_eq(bytes_in_pieces(kind(_i), 100), whole);
    tw_generate set = kind(_i);
    set.rows = INT64_MAX / 16 / COLUMNS;
    ck_assert_uint_eq(bytes_in_pieces(set, ROWS), whole);
    set.seed++;
    ck_assert_uint_ne(bytes_in_pieces(set, ROWS), whole);
}
END_TEST

START_TEST(bytes_are_the_ones_of_generator_version_1)
{
    static const uint64_t pinned[KINDS] = {0x5e4e9cf87bb5008c, 0xd1caf491592a0f16, 0xa635d294c1acb6b3,
                                           0xfb4f3aa20feca098, 0xb71bef7fbdb105a1, 0x13f6f9051ebc7b96};
    ck_assert_int_eq(TW_GENERATE_VERSION, 1);
    ck_assert_msg(bytes_in_pieces(kind(_i), ROWS) == pinned[_i], "kind %d gives 0x%016llx", _i,
                  (unsigned long long)bytes_in_pieces(kind(_i), ROWS));
}
END_TEST

START_TEST(all_tasks_of_a_seed_share_their_features)
{
    double x[2][50 * COLUMNS], y[50];
    for (int i = 0; i < 2; i++) {
        tw_generate set = kind(i == 0 ? 0 : 4);
        tw_generator g;
        ck_assert_int_eq(tw_generator_init(&g, &set), TW_OK);
        tw_generator_rows(&g, 0, 50, x[i], y);
        tw_generator_release(&g);
    }
    ck_assert_mem_eq(x[0], x[1], sizeof x[0]);
}
END_TEST

/* The truth of a softmax of two classes and three features. */
static void truth(const double *w, const double *b, double w_out[6], double b_out[2])
{
    const tw_generate set = {.task = TW_GENERATE_SOFTMAX,
                             .type = TW_f64,
                             .rows = 1,
                             .features = 3,
                             .classes = 2,
                             .condition = 1,
                             .coefficients = w,
                             .n_coefficients = 6,
                             .intercept = b,
                             .n_intercept = 2};
    tw_generator g;
    ck_assert_int_eq(tw_generator_init(&g, &set), TW_OK);
    memcpy(w_out, g.coefficients, 6 * sizeof *w);
    memcpy(b_out, g.intercept, 2 * sizeof *b);
    tw_generator_release(&g);
}

START_TEST(what_is_given_is_kept_and_the_rest_is_drawn_but_for_the_intercept_of_given_coefficients)
{
    static const double w[6] = {1, -2, 0, 4, 5, 6}, b[2] = {0.5, -0.5}, none[2] = {0, 0};
    double w_out[6], b_out[2];
    truth(w, b, w_out, b_out);
    ck_assert_mem_eq(w_out, w, sizeof w);
    ck_assert_mem_eq(b_out, b, sizeof b);
    truth(w, NULL, w_out, b_out);
    ck_assert_mem_eq(w_out, w, sizeof w);
    ck_assert_mem_eq(b_out, none, sizeof b);
    truth(NULL, b, w_out, b_out);
    ck_assert_mem_ne(w_out, w, sizeof w);
    ck_assert_mem_eq(b_out, b, sizeof b);
    truth(NULL, NULL, w_out, b_out);
    for (int k = 0; k < 2; k++) ck_assert_double_ne(b_out[k], 0);
    ck_assert_double_ne(b_out[0], b_out[1]);
}
END_TEST

/* f32, one row, three features, no noise, unless said otherwise. */
#define SET(...)                                               \
    {                                                          \
        .type = TW_f32, .rows = 1, .condition = 1, __VA_ARGS__ \
    }
#define SET3(...) SET(.features = 3, __VA_ARGS__)

static const struct {
    const char *words;
    tw_generate set;
} impossible[] = {
    {"rows must", {.type = TW_f32, .features = 3, .condition = 1}},
    {"features must", SET(.features = 0)},
    {"condition must", {.type = TW_f32, .rows = 1, .features = 3, .condition = 0.5}},
    {"condition must", {.type = TW_f32, .rows = 1, .features = 3, .condition = NAN}},
    {"at least 2 features", {.type = TW_f32, .rows = 1, .features = 1, .condition = 10}},
    {"use the type f64", {.type = TW_f32, .rows = 1, .features = 3, .condition = 1e7}},
    {"rounding of f64", {.type = TW_f64, .rows = 1, .features = 3, .condition = 1e15}},
    {"needs normal features",
     {.type = TW_f64, .rows = 1, .features = 3, .condition = 2, .uniform = true, .high = 1}},
    {"not u8", {.type = TW_u8, .rows = 1, .features = 3, .condition = 1}},
    {"than a file can hold", {.type = TW_f32, .rows = INT64_MAX / 32, .features = 3, .condition = 1}},
    {"than a file can hold", SET(.features = INT64_MAX)},
    {"than a file can hold", SET(.features = INT64_MAX / 64, .task = TW_GENERATE_SOFTMAX, .classes = 5)},
    {"noise must", SET3(.noise = -1)},
    {"noise must", SET3(.noise = NAN)},
    {"noise must", SET3(.noise = INFINITY)},
    {"between 2 and", SET3(.task = TW_GENERATE_SOFTMAX)},
    {"between 2 and", SET3(.task = TW_GENERATE_SOFTMAX, .classes = 1)},
    {"between 2 and", SET3(.task = TW_GENERATE_SOFTMAX, .classes = 65537)},
    {"linear has none", SET3(.classes = 3)},
    {"no number of type f32", SET3(.uniform = true, .low = 1, .high = 1 + 1e-9)},
    {"no number of type f32", SET3(.uniform = true, .low = 2, .high = 1)},
    {"too large for f32", SET3(.uniform = true, .low = 0, .high = 1e39)},
    {"too large for f32", SET3(.uniform = true, .low = NAN, .high = 1)},
    {"coefficients needs 3 numbers", SET3(.coefficients = (double[]){1, 2}, .n_coefficients = 2)},
    {"number 2 of coefficients", SET3(.coefficients = (double[]){1, INFINITY, 2}, .n_coefficients = 3)},
    {"intercept needs 1 number", SET3(.intercept = (double[]){1, 2}, .n_intercept = 2)},
    {"labels could overflow", SET3(.coefficients = (double[]){1, 1e299, 2}, .n_coefficients = 3)},
    {"labels could overflow", SET3(.noise = 1e308)},
    {"labels could overflow",
     {.type = TW_f64, .rows = 1, .features = 3, .condition = 1, .uniform = true, .high = 0x1p-1070}},
};
enum { IMPOSSIBLE = sizeof impossible / sizeof *impossible };

START_TEST(impossible_settings_are_refused_in_words)
{
    tw_generator g;
    ck_assert_int_eq(tw_generator_init(&g, &impossible[_i].set), TW_USAGE);
    ck_assert_msg(strstr(tw_status_message(), impossible[_i].words), "%s", tw_status_message());
    ck_assert_ptr_null(g.memory);
    tw_generator_release(&g);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("generate");
    TCase *all = tcase_create("generate");
    tcase_set_timeout(all, 60);
    tcase_add_loop_test(all, rows_do_not_depend_on_how_they_are_split_or_how_many_there_are, 0, KINDS);
    tcase_add_loop_test(all, bytes_are_the_ones_of_generator_version_1, 0, KINDS);
    tcase_add_test(all, all_tasks_of_a_seed_share_their_features);
    tcase_add_test(all,
                   what_is_given_is_kept_and_the_rest_is_drawn_but_for_the_intercept_of_given_coefficients);
    tcase_add_loop_test(all, impossible_settings_are_refused_in_words, 0, IMPOSSIBLE);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
