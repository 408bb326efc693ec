/* test_labels.c -- classes are the distinct labels, ascending, and labels become their indices. On several
 * ranks: mpi/test_objective.c. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static tw_comm *comm;

static void enter(void)
{
    ck_assert_int_eq(tw_comm_local(&comm), TW_OK);
}

static void leave(void)
{
    tw_comm_release(comm);
}

/* A shard that has nothing but these labels; y is not its own. */
static tw_shard shard_of(size_t rows, double *y)
{
    return (tw_shard){.rows = rows, .y = y, .first = 100};
}

START_TEST(classes_are_the_distinct_labels_in_ascending_order)
{
    double y[] = {3, -0.0, -1, 3, 7, 0, -1, 1e15, 7, -0.0}, truth[] = {-1, 0, 3, 7, 1e15}, *classes;
    tw_shard s = shard_of(10, y);
    size_t count;
    ck_assert_int_eq(tw_shard_classes(&s, comm, &count, &classes), TW_OK);
    ck_assert_uint_eq(count, 5);
    ck_assert(same_bits(5, classes, truth)); /* one zero, and it is +0 */
    free(classes);
}
END_TEST

START_TEST(encoded_labels_are_indices_that_lead_back)
{
    enum { ROWS = 1000 };
    double y[ROWS], before[ROWS], *classes;
    for (int i = 0; i < ROWS; i++) y[i] = before[i] = (double)(test_bits() % 37) * 3 - 50;
    tw_shard s = shard_of(ROWS, y);
    size_t count;
    ck_assert_int_eq(tw_shard_classes(&s, comm, &count, &classes), TW_OK);
    ck_assert_uint_eq(count, 37);
    ck_assert_int_eq(tw_shard_encode(&s, count, classes), TW_OK);
    for (int i = 0; i < ROWS; i++) {
        ck_assert(y[i] >= 0 && y[i] < 37 && y[i] == floor(y[i]));
        ck_assert_double_eq(classes[(size_t)y[i]], before[i]);
    }
    free(classes);
}
END_TEST

START_TEST(a_label_that_is_no_class_is_named_with_its_file_row)
{
    double y[] = {1, 2, 5, 1}, classes[] = {1, 2, 6};
    tw_shard s = shard_of(4, y);
    ck_assert_int_eq(tw_shard_encode(&s, 3, classes), TW_DATA);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "label 5 of row 102"));
    y[2] = 7;
    ck_assert_int_eq(tw_shard_encode(&s, 3, classes), TW_DATA);
    ck_assert_int_eq(tw_shard_encode(&s, 0, classes), TW_DATA);
}
END_TEST

START_TEST(a_label_between_whole_numbers_is_no_class)
{
    double y[] = {1, 2, 2.5}, *classes;
    tw_shard s = shard_of(3, y);
    size_t count;
    ck_assert_int_eq(tw_shard_classes(&s, comm, &count, &classes), TW_DATA);
    ck_assert_ptr_null(classes);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "label 2.5 of row 102"));
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "model.type: linear"));
}
END_TEST

START_TEST(up_to_65536_classes_are_accepted_and_one_more_is_not)
{
    enum { MOST = 65536 };
    double *y = malloc((MOST + 1) * sizeof *y), *classes;
    size_t count;
    for (int i = 0; i <= MOST; i++) y[i] = i; /* ascending: cheap to insert */
    tw_shard s = shard_of(MOST, y);
    ck_assert_int_eq(tw_shard_classes(&s, comm, &count, &classes), TW_OK);
    ck_assert_uint_eq(count, MOST);
    free(classes);
    s.rows++;
    ck_assert_int_eq(tw_shard_classes(&s, comm, &count, &classes), TW_DATA);
    ck_assert_ptr_nonnull(strstr(tw_status_message(), "more than 65536"));
    free(y);
}
END_TEST

START_TEST(no_rows_have_no_classes)
{
    tw_shard s = shard_of(0, NULL);
    double *classes;
    size_t count = 9;
    ck_assert_int_eq(tw_shard_classes(&s, comm, &count, &classes), TW_OK);
    ck_assert_uint_eq(count, 0);
    free(classes);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("labels");
    TCase *t = tcase_create("labels");
    tcase_add_checked_fixture(t, enter, leave);
    tcase_add_test(t, classes_are_the_distinct_labels_in_ascending_order);
    tcase_add_test(t, encoded_labels_are_indices_that_lead_back);
    tcase_add_test(t, a_label_that_is_no_class_is_named_with_its_file_row);
    tcase_add_test(t, a_label_between_whole_numbers_is_no_class);
    tcase_add_test(t, up_to_65536_classes_are_accepted_and_one_more_is_not);
    tcase_add_test(t, no_rows_have_no_classes);
    suite_add_tcase(s, t);
    return test_run(s);
}
