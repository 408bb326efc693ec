/* test_shard_read.c -- rows that are taken straight from the file are those that HDF5 reads: same bits, same
 * fingerprint, whatever the layout and the threads. */
#include "shard_read_support.h"

#include <fcntl.h>

/* ---- the same rows ---- */

static void expect_shard(const tw_dataset *d, int threads, const int64_t *start, const char *bytes,
                         bool direct)
{
    const size_t width = (size_t)d->cols * tw_dtype_size(d->type), rows = (size_t)(start[threads] - start[0]);
    tw_shard s;
    expect_weather(WELL, 0);
    ck_assert_msg(tw_shard_read_threads(&s, d, threads, start) == TW_OK, "%s", tw_status_message());
    ck_assert_int_eq(system_calls.bytes, direct ? (long)(rows * width) : 0); /* who has read */
    ck_assert(s.rows == rows && s.first == start[0] && s.type == d->type && (int64_t)s.cols == d->cols);
    ck_assert(rows == 0 || memcmp(s.x, bytes + (size_t)start[0] * width, rows * width) == 0);
    for (size_t i = 0; i < rows; i++) ck_assert(s.y[i] == (double)((start[0] + (int64_t)i) % 5));
    expect_print(&s);
    tw_shard_release(&s);
}

START_TEST(every_layout_gives_the_same_rows_and_hashes_for_every_type_and_number_of_threads)
{
    const tw_dtype type = (tw_dtype)_i;
    static const int64_t odd[][5] = {
        {5, 5, 40, 40, M - 1}, {0, 1, 2, 3, M}, {M, M, M, M, M}, {9, 9, 9, 9, 9}};
    char bytes[M * N * 8];
    draw(type, M * N, bytes);
    for (layout l = CONTIGUOUS; l < N_LAYOUTS; l++) {
        write_rows(l, type, M, N, bytes);
        const tw_dataset d = look();
        ck_assert_msg((d.offset != 0) == is_direct(l), "layout %d: offset %lld", (int)l, (long long)d.offset);
        for (int threads = 1; threads <= 7; threads += threads < 3 ? 1 : 4) {
            int64_t start[8];
            divide(0, M, threads, start);
            expect_shard(&d, threads, start, bytes, is_direct(l));
            divide(13, 90, threads, start);
            expect_shard(&d, threads, start, bytes, is_direct(l));
        }
        for (int k = 0; k < 4; k++) expect_shard(&d, 4, odd[k], bytes, is_direct(l));
    }
}
END_TEST

START_TEST(the_fingerprint_knows_neither_layout_nor_threads)
{
    char bytes[M * N * 8];
    unsigned char first[16], digest[16];
    tw_comm *comm;
    ck_assert_int_eq(tw_comm_local(&comm), TW_OK);
    draw(TW_f32, M * N, bytes);
    for (layout l = CONTIGUOUS; l < N_LAYOUTS; l++)
        for (int threads = 1; threads <= 3; threads++) {
            tw_shard s;
            write_rows(l, TW_f32, M, N, bytes);
            const tw_dataset d = look();
            ck_assert_int_eq(read_by(&s, &d, threads), TW_OK);
            ck_assert_int_eq(tw_shard_fingerprint(&s, &d, comm, digest), TW_OK);
            if (l == CONTIGUOUS && threads == 1) memcpy(first, digest, 16);
            ck_assert(memcmp(first, digest, 16) == 0);
            tw_shard_release(&s);
        }
    bytes[M * N / 2] ^= 1; /* and would notice a bit */
    write_rows(CONTIGUOUS, TW_f32, M, N, bytes);
    const tw_dataset d = look();
    tw_shard s;
    ck_assert_int_eq(read_by(&s, &d, 2), TW_OK);
    ck_assert_int_eq(tw_shard_fingerprint(&s, &d, comm, digest), TW_OK);
    ck_assert(memcmp(first, digest, 16) != 0);
    tw_shard_release(&s);
    tw_comm_release(comm);
}
END_TEST

START_TEST(pieces_of_several_threads_join_without_a_seam)
{
    double *x = write_large();
    const tw_dataset d = look();
    for (int threads = 1; threads <= 3; threads++) {
        int64_t start[4];
        divide(11, ROWS - 7, threads, start);
        expect_shard(&d, threads, start, (const char *)x, true);
    }
    write_rows(CHUNKED, TW_f64, ROWS, COLS, x);
    const tw_dataset chunked = look();
    int64_t start[4];
    divide(11, ROWS - 7, 3, start);
    expect_shard(&chunked, 3, start, (const char *)x, false);
    free(x);
}
END_TEST

/* ---- where they lie ---- */

START_TEST(the_offset_is_the_byte_where_the_rows_lie_behind_a_user_block_too)
{
    char bytes[M * N * 8], found[M * N * 8];
    for (layout l = CONTIGUOUS; is_direct(l); l++) {
        draw(TW_i16, M * N, bytes);
        write_rows(l, TW_i16, M, N, bytes);
        const tw_dataset d = look();
        const int fd = open(path, O_RDONLY);
        ck_assert_int_eq(__real_pread(fd, found, M * N * 2, (off_t)d.offset), M * N * 2);
        ck_assert(memcmp(found, bytes, M * N * 2) == 0);
        close(fd);
    }
}
END_TEST

/* X of a type that is another in memory, or of bits in other places. */
static void write_typed(hid_t type)
{
    const char zeros[4 * 2 * 8] = {0};
    const hid_t file = create(CONTIGUOUS);
    test_write(
        file, "X",
        &(test_array){.file_type = type, .memory_type = type, .rank = 2, .shape = {4, 2}, .data = zeros});
    H5Fclose(file);
}

START_TEST(types_that_are_others_in_memory_are_left_to_hdf5)
{
    const hid_t narrow = H5Tcopy(H5T_STD_U8LE), shifted = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_precision(narrow, 5);
    H5Tset_ebias(shifted, 100);
    const hid_t types[] = {H5T_STD_U16LE, H5T_STD_I32LE,  H5T_STD_U32LE, H5T_STD_I64LE,
                           H5T_STD_U64LE, H5T_IEEE_F64BE, narrow,        shifted};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        tw_shard s;
        write_typed(types[i]);
        const tw_dataset d = look();
        expect_weather(WELL, 0);
        ck_assert_msg(d.offset == 0, "type %zu", i);
        ck_assert_int_eq(read_by(&s, &d, 2), TW_OK);
        ck_assert_int_eq(system_calls.calls, 0);
        tw_shard_release(&s);
    }
    write_typed(H5T_STD_I8LE); /* control */
    ck_assert(look().offset != 0);
    H5Tclose(narrow);
    H5Tclose(shifted);
}
END_TEST

START_TEST(sixteen_bit_floats_of_another_bias_or_order_of_fields_keep_their_values)
{
    const double values[8] = {0, 1, -2, 0.5, 3, -0.25, 100, 1.5};
    for (int k = 0; k < 4; k++) {
        tw_shard s;
        const hid_t type = test_file_type(k < 2 ? TW_f16 : TW_bf16, false), file = create(CONTIGUOUS);
        if (k % 2 == 0)
            ck_assert(H5Tset_ebias(type, k ? 120 : 17) >= 0);
        else
            ck_assert(H5Tset_fields(type, 0, 1, k < 2 ? 5 : 8, k < 2 ? 6 : 9, k < 2 ? 10 : 7) >= 0);
        const test_array x = {
            .file_type = type, .memory_type = H5T_NATIVE_DOUBLE, .rank = 2, .shape = {4, 2}, .data = values};
        test_write(file, "X", &x);
        H5Fclose(file);
        H5Tclose(type);
        const tw_dataset d = look();
        ck_assert(d.type == (k < 2 ? TW_f16 : TW_bf16) && d.offset == 0);
        ck_assert_int_eq(read_by(&s, &d, 1), TW_OK);
        for (size_t i = 0; i < 8; i++) ck_assert_double_eq(test_load(d.type, s.x, i), values[i]);
        tw_shard_release(&s);
    }
}
END_TEST

static void write_elsewhere(bool external)
{
    const hid_t file = create(CONTIGUOUS), creation = H5Pcreate(H5P_DATASET_CREATE),
                space = H5Screate_simple(2, (const hsize_t[]){M, N}, NULL);
    if (external)
        H5Pset_external(creation, test_path("other.bin"), 0, M * N * 4);
    else
        H5Pset_virtual(creation, space, test_path("other.h5"), "X", space);
    const hid_t set = H5Dcreate2(file, "X", H5T_IEEE_F32LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    ck_assert(set >= 0);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(creation);
    H5Fclose(file);
}

START_TEST(values_in_other_files_are_refused)
{
    const tw_dataset_names names = {.need_labels = false};
    for (int external = 0; external < 2; external++) {
        tw_dataset d;
        write_elsewhere(external);
        ck_assert_int_eq(tw_dataset_open(&d, path, &names, NULL), TW_DATA);
        ck_assert_msg(strstr(tw_status_message(), "in other files"), "%s", tw_status_message());
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("shard_read");
    TCase *t = tcase_create("shard_read");
    tcase_add_checked_fixture(t, enter, test_folder_leave);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, every_layout_gives_the_same_rows_and_hashes_for_every_type_and_number_of_threads,
                        0, TW_N_DTYPES);
    tcase_add_test(t, the_fingerprint_knows_neither_layout_nor_threads);
    tcase_add_test(t, pieces_of_several_threads_join_without_a_seam);
    tcase_add_test(t, the_offset_is_the_byte_where_the_rows_lie_behind_a_user_block_too);
    tcase_add_test(t, types_that_are_others_in_memory_are_left_to_hdf5);
    tcase_add_test(t, sixteen_bit_floats_of_another_bias_or_order_of_fields_keep_their_values);
    tcase_add_test(t, values_in_other_files_are_refused);
    suite_add_tcase(s, t);
    return test_run(s);
}
