/* prediction_support.h -- what the tests of prediction files share: files in a scratch folder, drawn numbers.
 */
#ifndef THALWEG_TEST_PREDICTION_SUPPORT_H
#define THALWEG_TEST_PREDICTION_SUPPORT_H

#include "cli/prediction_format.h"
#include "scratch.h"
#include "thalweg/dataset.h"

#include <stdint.h>

static inline void set_up(void)
{
    tw_dataset_start();
    scratch_make();
}

/* Append in pieces of that many rows and commit. */
static inline tw_status write_in_pieces(const char *path, const tw_prediction_layout *layout, size_t piece,
                                        const double *data)
{
    tw_prediction_file *file;
    tw_status status = tw_prediction_file_new(&file, path, layout);
    for (size_t i = 0; status == TW_OK && i < layout->rows; i += piece) {
        const size_t rows = layout->rows - i < piece ? layout->rows - i : piece;
        status = tw_prediction_file_append(file, rows, data + i * layout->width);
    }
    if (status == TW_OK) status = tw_prediction_file_commit(file);
    tw_prediction_file_free(file);
    return status;
}

static inline const char *written(const char *name, const tw_prediction_layout *layout, const double *data)
{
    const char *const path = in_scratch(name);
    ck_assert_msg(write_in_pieces(path, layout, layout->rows, data) == TW_OK, "%s", tw_status_message());
    ck_assert_int_eq(scratch_entries(), 1);
    return path;
}

static inline void check_text(const char *path, const char *expected)
{
    size_t size;
    char *const bytes = slurp(path, &size);
    ck_assert_str_eq(bytes, expected);
    ck_assert_uint_eq(size, strlen(expected));
    free(bytes);
}

/* xorshift64*: any fixed sequence will do. */
static inline uint64_t draw(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1d;
}

/** Run the cases, each in a scratch folder; returns the exit code. */
static inline int run_cases(const char *name, size_t count, TCase *const *cases)
{
    Suite *s = suite_create(name);
    for (size_t i = 0; i < count; i++) {
        tcase_add_checked_fixture(cases[i], set_up, scratch_remove);
        tcase_set_timeout(cases[i], 60);
        suite_add_tcase(s, cases[i]);
    }
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed != 0;
}

#endif
