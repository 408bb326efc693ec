/* IDX files in, data set files out: every type bit for bit, every damage refused, no file left behind. */
#include "import_support.h"

#include <math.h>
#include <sys/wait.h>

static const uint32_t cube[3] = {4, 2, 3};

/* The inputs of one test: 24 values of two rows by three, and 4 labels. */
static void make_images(const char *name, unsigned char type, size_t size)
{
    unsigned char values[24 * 8], bytes[256];
    for (size_t i = 0; i < sizeof values; i++) values[i] = (unsigned char)(i * 37 + 200);
    spill(in_scratch(name), idx_bytes(type, 3, cube, 24 * size, values, bytes), bytes);
}

static void make_labels(const char *name, uint32_t count)
{
    const unsigned char values[8] = {7, 0, 9, 7, 1, 1, 1, 1};
    unsigned char bytes[64];
    spill(in_scratch(name), idx_bytes(0x08, 1, &count, count, values, bytes), bytes);
}

static tw_status import_two(const char *a, const char *b, tw_import_report *report)
{
    const char *inputs[2] = {in_scratch(a), in_scratch(b)};
    const tw_import_options options = {0};
    return tw_import(2, inputs, in_scratch("out.h5"), &options, report);
}

START_TEST(every_idx_type_is_kept_bit_for_bit)
{
    static const struct {
        unsigned char code, size, out_size;
    } types[] = {{8, 1, 1}, {9, 1, 1}, {11, 2, 2}, {13, 4, 4}, {14, 8, 8}};
    const hid_t files[] = {H5T_STD_U8LE, H5T_STD_I8LE, H5T_STD_I16LE, H5T_IEEE_F32LE, H5T_IEEE_F64LE};
    unsigned char got[24 * 8];
    make_images("in.idx", types[_i].code, types[_i].size);
    import_good("in.idx", NULL);
    ck_assert(output_has_type("/X", files[_i]));
    ck_assert(!in_output("/y"));
    read_output("/X", 2, 4, 6, 0, got);
    for (size_t i = 0; i < 24; i++)
        for (size_t k = 0; k < types[_i].size; k++) /* big-endian there, little-endian here */
            ck_assert_uint_eq(got[i * types[_i].size + types[_i].size - 1 - k],
                              (unsigned char)((i * types[_i].size + k) * 37 + 200));
}
END_TEST

START_TEST(whole_numbers_of_32_bits_become_doubles)
{
    const unsigned char values[] = {0x7f, 0xff, 0xff, 0xff, 0x80, 0,    0,    0,
                                    0,    0,    1,    2,    0xff, 0xff, 0xff, 0xfe};
    const uint32_t shape[2] = {2, 2};
    const double expected[] = {2147483647, -2147483648.0, 258, -2};
    unsigned char bytes[64];
    spill(in_scratch("in.idx"), idx_bytes(0x0c, 2, shape, sizeof values, values, bytes), bytes);
    import_good("in.idx", NULL);
    ck_assert(output_has_type("/X", H5T_IEEE_F64LE));
    check_features(2, 2, expected);
}
END_TEST

START_TEST(the_file_with_one_dimension_holds_the_labels_in_any_order)
{
    unsigned char y[4];
    tw_import_report report;
    make_images("x", 8, 1);
    make_labels("y", 4);
    ck_assert_int_eq(_i ? import_two("x", "y", &report) : import_two("y", "x", &report), TW_OK);
    ck_assert_uint_eq(report.rows, 4);
    ck_assert_uint_eq(report.cols, 6);
    ck_assert_uint_eq(report.n_classes, 3);
    ck_assert_int_eq(report.x_type, TW_u8);
    ck_assert_int_eq(report.y_type, TW_LABEL_u8);
    tw_import_report_release(&report);
    ck_assert(output_has_type("/y", H5T_STD_U8LE));
    read_output("/y", 1, 4, 0, 0, y);
    ck_assert_mem_eq(y, "\7\0\11\7", 4);
    ck_assert_uint_eq(output_chunk_rows(), 0);
}
END_TEST

START_TEST(gzipped_pairs_read_the_same_whichever_comes_first)
{
    size_t size;
    tw_import_report report;
    make_images("x", 8, 1);
    make_labels("y", 4);
    import_good("x", NULL);
    unsigned char plain[24], zipped[24];
    read_output("/X", 2, 4, 6, 0, plain);
    for (int k = 0; k < 2; k++) {
        char *bytes = slurp(in_scratch(k ? "y" : "x"), &size);
        spill_gzip(in_scratch(k ? "y.gz" : "x.gz"), size, bytes, "wb9");
        free(bytes);
    }
    remove(in_scratch("out.h5"));
    ck_assert_int_eq(_i ? import_two("x.gz", "y.gz", &report) : import_two("y.gz", "x.gz", &report), TW_OK);
    tw_import_report_release(&report);
    read_output("/X", 2, 4, 6, 0, zipped);
    ck_assert_mem_eq(plain, zipped, 24);
}
END_TEST

START_TEST(labels_of_floats_are_doubles_and_no_classes)
{
    const unsigned char values[] = {0x3f, 0x80, 0, 0, 0xc0, 0x20, 0, 0, 0, 0, 0, 0, 0x42, 0xc8, 0, 0};
    const uint32_t count = 4;
    const double expected[] = {1, -2.5, 0, 100};
    unsigned char bytes[64];
    double y[4];
    tw_import_report report;
    make_images("x", 8, 1);
    spill(in_scratch("y"), idx_bytes(0x0d, 1, &count, sizeof values, values, bytes), bytes);
    ck_assert_int_eq(import_two("x", "y", &report), TW_OK);
    ck_assert_uint_eq(report.n_classes, 0);
    tw_import_report_release(&report);
    ck_assert(output_has_type("/y", H5T_IEEE_F64LE));
    read_output("/y", 1, 4, 0, H5T_NATIVE_DOUBLE, y);
    for (int i = 0; i < 4; i++) ck_assert_double_eq(y[i], expected[i]);
}
END_TEST

static const struct {
    const char *says;
    size_t size;
    const char *bytes;
    tw_status code;
} broken[] = {
    {"is empty", 0, "", TW_DATA},
    {"truncated: it ends in its first four bytes", 3, "\0\0\10", TW_DATA},
    {"no IDX file of a known type: it begins with 00 00 0a 01", 12, "\0\0\12\1\0\0\0\1xxxx", TW_DATA},
    {"without dimensions", 4, "\0\0\10\0", TW_DATA},
    {"ends in its list of sizes", 10, "\0\0\10\2\0\0\0\1\0\0", TW_DATA},
    {"is empty: it holds 0 rows", 12, "\0\0\10\2\0\0\0\0\0\0\0\5", TW_DATA},
    {"is empty: it holds 3 rows of 0 values", 12, "\0\0\10\2\0\0\0\3\0\0\0\0", TW_DATA},
    {"claims 4294967295 rows of 65535 values", 12, "\0\0\10\2\377\377\377\377\0\0\377\377", TW_DATA},
    {"dimensions overflow", 16, "\0\0\10\3\377\377\377\377\377\377\377\377\377\377\377\377", TW_DATA},
    {"claims 2 rows of 3 values, 18 bytes, but the file has 17", 17, "\0\0\10\2\0\0\0\2\0\0\0\3abcde",
     TW_DATA},
    {"has 1 bytes after its last value", 19, "\0\0\10\2\0\0\0\2\0\0\0\3abcdefg", TW_DATA},
};

START_TEST(broken_idx_files_are_refused_and_leave_nothing)
{
    spill(in_scratch("in.idx"), broken[_i].size, broken[_i].bytes);
    ck_assert_int_eq(import_one("in.idx", NULL), broken[_i].code);
    ck_assert_says(broken[_i].says);
    ck_assert_says("in.idx");
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

START_TEST(broken_idx_files_are_refused_when_gzipped_too)
{
    if (broken[_i].size == 0) return;
    spill_gzip(in_scratch("in.gz"), broken[_i].size, broken[_i].bytes, "wb");
    ck_assert_int_eq(import_one("in.gz", NULL), broken[_i].code);
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

/* All cuts, and every byte damaged once: the sum at the end of a gzip file must be looked at. */
START_TEST(damaged_gzip_is_refused_wherever_it_is_damaged)
{
    size_t size;
    make_images("plain", 8, 1);
    char *bytes = slurp(in_scratch("plain"), &size);
    spill_gzip(in_scratch("whole.gz"), size, bytes, "wb");
    free(bytes);
    import_good("whole.gz", NULL); /* the control */
    bytes = slurp(in_scratch("whole.gz"), &size);
    remove(in_scratch("out.h5"));
    for (size_t cut = 2; cut < size; cut++) {
        spill(in_scratch("in.gz"), cut, bytes);
        ck_assert_msg(import_one("in.gz", NULL) == TW_DATA, "cut to %zu bytes: accepted", cut);
        ck_assert_int_eq(scratch_entries(), 3);
    }
    for (size_t i = 10; i < size; i++) { /* what stands before is name, time and system */
        bytes[i] = (char)(bytes[i] ^ 0x10);
        spill(in_scratch("in.gz"), size, bytes);
        ck_assert_msg(import_one("in.gz", NULL) == TW_DATA, "byte %zu damaged: accepted", i);
        bytes[i] = (char)(bytes[i] ^ 0x10);
    }
    ck_assert_int_eq(scratch_entries(), 3);
    free(bytes);
}
END_TEST

START_TEST(bytes_behind_gzip_are_an_error_and_further_members_are_not)
{
    size_t size;
    make_images("plain", 8, 1);
    char *bytes = slurp(in_scratch("plain"), &size);
    spill_gzip(in_scratch("in.gz"), 20, bytes, "wb");
    spill_gzip(in_scratch("in.gz"), size - 20, bytes + 20, "ab");
    import_good("in.gz", NULL);
    unsigned char got[24];
    read_output("/X", 2, 4, 6, 0, got);
    ck_assert_mem_eq(got, bytes + 16, 24);
    remove(in_scratch("out.h5"));
    FILE *file = fopen(in_scratch("in.gz"), "ab");
    ck_assert_int_eq(fputs("garbage, no gzip", file) >= 0 && fclose(file) == 0, 1);
    ck_assert_int_eq(import_one("in.gz", NULL), TW_DATA);
    ck_assert_says("is damaged: gzip data near byte");
    free(bytes);
}
END_TEST

START_TEST(inputs_that_do_not_go_together_are_refused)
{
    tw_import_report report;
    const tw_import_options none = {0}, typed = {.typed = true, .type = TW_f32};
    make_images("x", 8, 1);
    make_labels("y", 4);
    make_labels("y5", 5);
    spill(in_scratch("a.csv"), 8, "1,2\n3,4\n");
    ck_assert_int_eq(import_two("x", "y5", &report), TW_DATA);
    ck_assert_says("has 4 rows but");
    ck_assert_says("has 5 labels");
    ck_assert_int_eq(import_two("x", "x", &report), TW_DATA);
    ck_assert_says("both have more than one dimension");
    ck_assert_int_eq(import_two("y", "y", &report), TW_DATA);
    ck_assert_says("both have one dimension");
    ck_assert_int_eq(import_two("x", "a.csv", &report), TW_USAGE);
    ck_assert_says("have different formats");
    const char *three[] = {in_scratch("x"), in_scratch("y"), in_scratch("y")};
    ck_assert_int_eq(tw_import(3, three, in_scratch("out.h5"), &none, &report), TW_USAGE);
    three[0] = in_scratch("x");
    ck_assert_int_eq(tw_import(1, three, in_scratch("out.h5"), &typed, &report), TW_USAGE);
    ck_assert_says("--type is for text files");
    ck_assert_int_eq(tw_import(0, three, in_scratch("out.h5"), &none, &report), TW_USAGE);
    ck_assert_int_eq(scratch_entries(), 4);
}
END_TEST

START_TEST(inputs_that_cannot_be_read_are_code_66)
{
    ck_assert_int_eq(import_one("nowhere.csv", NULL), TW_INPUT);
    ck_assert_says("nowhere.csv: No such file");
    ck_assert_int_eq(mkdir(in_scratch("folder"), 0700), 0);
    ck_assert_int_eq(import_one("folder", NULL), TW_INPUT);
    ck_assert_says("it is a directory");
    ck_assert_int_eq(mkfifo(in_scratch("pipe"), 0600), 0);
    ck_assert_int_eq(import_one("pipe", NULL), TW_INPUT);
    ck_assert_says("no regular file");
    ck_assert_int_eq(scratch_entries(), 2);
}
END_TEST

START_TEST(files_of_other_programs_are_named)
{
    static const struct {
        const char *bytes, *says;
    } foreign[] = {{"\x89HDF\r\n\x1a\nxx", "HDF5 file already"},
                   {"\x93NUMPY", "NumPy"},
                   {"PK\3\4xxxx", "zip archive"},
                   {"BZh91AY", "bunzip2"},
                   {"\xfd\x37zXZ", "unxz"},
                   {"PAR1xxxx", "Parquet"},
                   {"\x28\xb5\x2f\xfdxx", "unzstd"},
                   {"\xff\xfe"
                    "1,2",
                    "UTF-16"}};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        ck_assert_int_eq(import_text(strlen(foreign[i].bytes), foreign[i].bytes, NULL), TW_DATA);
        ck_assert_says(foreign[i].says);
    }
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

START_TEST(nothing_is_written_without_an_output)
{
    const char *inputs[] = {in_scratch("x")};
    const tw_import_options none = {0};
    tw_import_report report;
    make_images("x", 8, 1);
    ck_assert_int_eq(tw_import(1, inputs, NULL, &none, &report), TW_OK);
    ck_assert_uint_eq(report.rows, 4);
    ck_assert_str_eq(report.format, "IDX, 3 dimensions");
    tw_import_report_release(&report);
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("import");
    TCase *t = tcase_create("idx");
    const int n_broken = (int)(sizeof broken / sizeof *broken);
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, every_idx_type_is_kept_bit_for_bit, 0, 5);
    tcase_add_test(t, whole_numbers_of_32_bits_become_doubles);
    tcase_add_loop_test(t, the_file_with_one_dimension_holds_the_labels_in_any_order, 0, 2);
    tcase_add_loop_test(t, gzipped_pairs_read_the_same_whichever_comes_first, 0, 2);
    tcase_add_test(t, labels_of_floats_are_doubles_and_no_classes);
    tcase_add_loop_test(t, broken_idx_files_are_refused_and_leave_nothing, 0, n_broken);
    tcase_add_loop_test(t, broken_idx_files_are_refused_when_gzipped_too, 0, n_broken);
    tcase_add_test(t, damaged_gzip_is_refused_wherever_it_is_damaged);
    tcase_add_test(t, bytes_behind_gzip_are_an_error_and_further_members_are_not);
    tcase_add_test(t, inputs_that_do_not_go_together_are_refused);
    tcase_add_test(t, inputs_that_cannot_be_read_are_code_66);
    tcase_add_test(t, files_of_other_programs_are_named);
    tcase_add_test(t, nothing_is_written_without_an_output);
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
