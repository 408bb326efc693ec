/* CSV and TSV: what is detected, what is stored to the last bit, and a sentence for everything that is wrong.
 */
#include "import_support.h"

#include <inttypes.h>
#include <math.h>

#define NA NAN

static const tw_import_options no_label = {.no_label = true};

/* ---- types ---- */

static const struct {
    const char *text;
    hid_t *type;
    size_t rows, cols;
    double x[8];
} typed[] = {
    {"0,255\n7,+3\n", &H5T_STD_U8LE_g, 2, 2, {0, 255, 7, 3}},
    {"-128,127\n-0,5\n", &H5T_STD_I8LE_g, 2, 2, {-128, 127, 0, 5}},
    {"-1,128\n", &H5T_STD_I16LE_g, 1, 2, {-1, 128}},
    {"256\n0\n", &H5T_STD_I16LE_g, 2, 1, {256, 0}},
    {"-32768,32767\n", &H5T_STD_I16LE_g, 1, 2, {-32768, 32767}},
    {"32768,1\n", &H5T_IEEE_F64LE_g, 1, 2, {32768, 1}},
    {"-32769,1\n", &H5T_IEEE_F64LE_g, 1, 2, {-32769, 1}},
    {"1,2.0\n", &H5T_IEEE_F64LE_g, 1, 2, {1, 2}},
    {"1,2e0\n", &H5T_IEEE_F64LE_g, 1, 2, {1, 2}},
    {"1,\n2,3\n", &H5T_IEEE_F64LE_g, 2, 2, {1, NA, 2, 3}},
    {"NA,nan\nNaN,-NAN\n1,2\n", &H5T_IEEE_F64LE_g, 3, 2, {NA, NA, NA, NA, 1, 2}},
    {"-0.0,.5\n1.,1e-400\n", &H5T_IEEE_F64LE_g, 2, 2, {-0.0, .5, 1, 0}},
    {" 1 ,\t2 \n\"3\", \"4\" \n", &H5T_STD_U8LE_g, 2, 2, {1, 2, 3, 4}},
    {"0.1,123456789.123456789\n1.7976931348623157e308,4.9e-324\n",
     &H5T_IEEE_F64LE_g,
     2,
     2,
     {0.1, 123456789.123456789, 1.7976931348623157e308, 4.9e-324}},
    {"12345678901234567890,1\n", &H5T_IEEE_F64LE_g, 1, 2, {12345678901234567890.0, 1}},
    {"1,2", &H5T_STD_U8LE_g, 1, 2, {1, 2}},
    {"1,2\r\n3,4\r\n", &H5T_STD_U8LE_g, 2, 2, {1, 2, 3, 4}},
    {"1,2\r\n3,4\r", &H5T_STD_U8LE_g, 2, 2, {1, 2, 3, 4}},
    {"\n1,2\n\n   \n3,4\n\n\r\n", &H5T_STD_U8LE_g, 2, 2, {1, 2, 3, 4}},
    {"\xef\xbb\xbf"
     "1,2\n3,4\n",
     &H5T_STD_U8LE_g,
     2,
     2,
     {1, 2, 3, 4}},
    {"5\n6\n", &H5T_STD_U8LE_g, 2, 1, {5, 6}},
    {"1\t2\n3\t4\n", &H5T_STD_U8LE_g, 2, 2, {1, 2, 3, 4}},
    {"1\t\n\t4\n", &H5T_IEEE_F64LE_g, 2, 2, {1, NA, NA, 4}},
    {"1;2\n3;4\n", &H5T_STD_U8LE_g, 2, 2, {1, 2, 3, 4}},
};

START_TEST(text_is_stored_in_the_smallest_type_that_holds_it)
{
    import_good_text(typed[_i].text, &no_label);
    ck_assert_msg(output_has_type("/X", *typed[_i].type), "row %d", _i);
    check_features(typed[_i].rows, typed[_i].cols, typed[_i].x);
    ck_assert(!in_output("/y"));
    ck_assert(!in_output("/feature_names"));
    ck_assert_int_eq(scratch_entries(), 2);
}
END_TEST

START_TEST(gzipped_text_is_stored_alike_even_in_two_members)
{
    const size_t size = strlen(typed[_i].text), half = size / 2;
    spill_gzip(in_scratch("in.gz"), half, typed[_i].text, "wb");
    spill_gzip(in_scratch("in.gz"), size - half, typed[_i].text + half, "ab");
    import_good("in.gz", &no_label);
    check_features(typed[_i].rows, typed[_i].cols, typed[_i].x);
}
END_TEST

START_TEST(a_given_type_is_used)
{
    static const double x[] = {1, -2, 100, 0};
    const tw_import_options options = {.no_label = true, .typed = true, .type = (tw_dtype)_i};
    if (_i == TW_u8) return; /* below */
    import_good_text("1,-2\n100.0,-0\n", &options);
    const hid_t types[TW_N_DTYPES] = {[TW_i8] = H5T_STD_I8LE,
                                      [TW_i16] = H5T_STD_I16LE,
                                      [TW_f32] = H5T_IEEE_F32LE,
                                      [TW_f64] = H5T_IEEE_F64LE};
    if (types[_i]) ck_assert(output_has_type("/X", types[_i]));
    double got[4];
    read_output("/X", 2, 2, 2, H5T_NATIVE_DOUBLE, got);
    for (int i = 0; i < 4; i++) ck_assert_double_eq(got[i], x[i]);
}
END_TEST

START_TEST(floats_of_16_bits_are_stored_as_defined)
{
    const tw_import_options f16 = {.no_label = true, .typed = true, .type = TW_f16};
    const tw_import_options bf16 = {.no_label = true, .typed = true, .type = TW_bf16, .replace = true};
    uint16_t bits[4];
    import_good_text("1,-2\n65504,\n", &f16);
    read_output("/X", 2, 2, 2, 0, bits);
    ck_assert_mem_eq(bits, ((uint16_t[]){0x3c00, 0xc000, 0x7bff, 0x7e00}), 8);
    check_features(2, 2, (double[]){1, -2, 65504, NA});
    import_good_text("1,-2\n3.140625,1e-39\n", &bf16);
    read_output("/X", 2, 2, 2, 0, bits);
    ck_assert_mem_eq(bits, ((uint16_t[]){0x3f80, 0xc000, 0x4049, 0x0007 + 4}), 6);
    check_features(2, 2, (double[]){1, -2, 3.140625, ldexp(11, -133)});
}
END_TEST

/* ---- labels, names ---- */

static const struct {
    const char *text, *label;
    hid_t *type;
    double y[4];
    const char *classes, *names; /* NULL: none */
    size_t n_classes;
    double x[4];
} labelled[] = {
    {"1,2,5\n3,4,-6\n", NULL, &H5T_STD_I64LE_g, {5, -6}, NULL, NULL, 0, {1, 2, 3, 4}},
    {"1,2,5\n3,4,-6\n", "0", &H5T_STD_I64LE_g, {1, 3}, NULL, NULL, 0, {2, 5, 4, -6}},
    {"1,2,5\n3,4,-6\n", "-2", &H5T_STD_I64LE_g, {2, 4}, NULL, NULL, 0, {1, 5, 3, -6}},
    {"1,2,0.5\n3,4,7\n", NULL, &H5T_IEEE_F64LE_g, {0.5, 7}, NULL, NULL, 0, {1, 2, 3, 4}},
    {"1,2,\n3,4,7\n", NULL, &H5T_IEEE_F64LE_g, {NA, 7}, NULL, NULL, 0, {1, 2, 3, 4}},
    {"1,2,18446744073709551616\n3,4,7\n",
     NULL,
     &H5T_IEEE_F64LE_g,
     {18446744073709551616.0, 7},
     NULL,
     NULL,
     0,
     {1, 2, 3, 4}},
    {"1,2,b\n3,4,a\n", NULL, &H5T_STD_I32LE_g, {1, 0}, "a|b", NULL, 2, {1, 2, 3, 4}},
    {"1,2,\"say \"\"hi\"\", you\"\n3,4, x y \n",
     NULL,
     &H5T_STD_I32LE_g,
     {0, 1},
     "say \"hi\", you|x y",
     NULL,
     2,
     {1, 2, 3, 4}},
    {"1,2,\"two\nlines\"\n3,4,é\n", NULL, &H5T_STD_I32LE_g, {0, 1}, "two\nlines|é", NULL, 2, {1, 2, 3, 4}},
    {"1,2,10\n3,4,9a\n", NULL, &H5T_STD_I32LE_g, {0, 1}, "10|9a", NULL, 2, {1, 2, 3, 4}},
    {"1,2,5\" pipe\n3,4,a\"b\"c\n",
     NULL,
     &H5T_STD_I32LE_g,
     {0, 1},
     "5\" pipe|a\"b\"c",
     NULL,
     2,
     {1, 2, 3, 4}},
    {"a,b,c\n1,2,5\n3,4,6\n", NULL, &H5T_STD_I64LE_g, {5, 6}, NULL, "a|b", 2, {1, 2, 3, 4}},
    {"a,TARGET,c\n1,2,5\n3,4,6\n", NULL, &H5T_STD_I64LE_g, {2, 4}, NULL, "a|c", 2, {1, 5, 3, 6}},
    {"Class,y,c\n1,2,5\n3,4,6\n", NULL, &H5T_STD_I64LE_g, {2, 4}, NULL, "Class|c", 2, {1, 5, 3, 6}},
    {"a, \"b, \"\"B\"\"\" ,c\n1,2,5\n3,4,6\n",
     "a",
     &H5T_STD_I64LE_g,
     {1, 3},
     NULL,
     "b, \"B\"|c",
     2,
     {2, 5, 4, 6}},
    {"9,1,0\n1,2,5\n3,4,6\n", "1", &H5T_STD_I64LE_g, {1, 2, 4}, NULL, NULL, 0, {9, 0}},
    {",1,x\n1,2,5\n3,4,6\n", "1", &H5T_STD_I64LE_g, {2, 4}, NULL, "|x", 2, {1, 5, 3, 6}},
    {"a,b,c\n,2,5\nNA,4,6\n", NULL, &H5T_STD_I64LE_g, {5, 6}, NULL, "a|b", 2, {NA, 2, NA, 4}},
    {"größe,b,c\n1,2,5\n3,4,6\n", NULL, &H5T_STD_I64LE_g, {5, 6}, NULL, "größe|b", 2, {1, 2, 3, 4}},
};

START_TEST(labels_and_names_are_found)
{
    const tw_import_options options = {.label = labelled[_i].label};
    const bool three = labelled[_i].x[2] == 0 && labelled[_i].x[3] == 0; /* the row that starts with 9,1,0 */
    const hsize_t rows = three ? 3 : 2;
    double y[4];
    import_good_text(labelled[_i].text, &options);
    ck_assert(output_has_type("/y", *labelled[_i].type));
    read_output("/y", 1, rows, 0, H5T_NATIVE_DOUBLE, y);
    for (hsize_t i = 0; i < rows; i++)
        ck_assert(y[i] == labelled[_i].y[i] || (isnan(y[i]) && isnan(labelled[_i].y[i])));
    if (!three) check_features(2, 2, labelled[_i].x);
    ck_assert_int_eq(in_output("/classes"), labelled[_i].classes != NULL);
    if (labelled[_i].classes) ck_assert_str_eq(output_strings("/classes", 2), labelled[_i].classes);
    ck_assert_int_eq(in_output("/feature_names"), labelled[_i].names != NULL);
    if (labelled[_i].names) ck_assert_str_eq(output_strings("/feature_names", 2), labelled[_i].names);
}
END_TEST

START_TEST(whole_labels_of_64_bits_are_exact)
{
    int64_t y[3];
    import_good_text("1,9223372036854775807\n1,-9223372036854775808\n1,9007199254740993\n", NULL);
    read_output("/y", 1, 3, 0, H5T_NATIVE_INT64, y);
    ck_assert_int_eq(y[0], INT64_MAX);
    ck_assert_int_eq(y[1], INT64_MIN);
    ck_assert_int_eq(y[2], 9007199254740993);
}
END_TEST

START_TEST(header_and_separator_can_be_forced)
{
    const tw_import_options yes = {.no_label = true, .header = TW_HEADER_YES};
    const tw_import_options bar = {.no_label = true, .separator = '|', .replace = true};
    const tw_import_options space = {.no_label = true, .separator = ' ', .replace = true};
    const tw_import_options names = {.header = TW_HEADER_NO, .replace = true};
    import_good_text("1,2\n3,4\n", &yes);
    check_features(1, 2, (double[]){3, 4});
    ck_assert_str_eq(output_strings("/feature_names", 2), "1|2");
    import_good_text("1|2\n3|4\n", &bar);
    check_features(2, 2, (double[]){1, 2, 3, 4});
    import_good_text("1 2\n3 \n", &space);
    check_features(2, 2, (double[]){1, 2, 3, NA});
    import_good_text("1,x\n3,4\n", &names);
    ck_assert_str_eq(output_strings("/classes", 2), "4|x");
}
END_TEST

START_TEST(separators_are_those_on_which_lines_agree)
{
    const tw_import_options replace = {.no_label = true, .replace = true};
    const tw_import_options label = {.header = TW_HEADER_NO, .replace = true};
    import_good_text("\"a,b;c\"\tx\n1\t2\n3\t4\n", &replace);
    ck_assert_str_eq(output_strings("/feature_names", 2), "a,b;c|x");
    import_good_text("1,2;x;y;z\n3,4\n5,6;q\n", &label);
    ck_assert_str_eq(output_strings("/classes", 3), "2;x;y;z|4|6;q");
}
END_TEST

/* ---- size, report ---- */

START_TEST(a_line_longer_than_the_buffer_is_read)
{
    enum { COLS = 600000 };
    char *text = malloc(2 * (4 * COLS + 1) + 1), *p = text;
    for (int row = 0; row < 2; row++)
        for (int c = 0; c < COLS; c++)
            p += sprintf(p, "%d%c", (c * 7 + row) % 256, c + 1 < COLS ? ',' : '\n');
    ck_assert_int_eq(import_text((size_t)(p - text), text, &no_label), TW_OK);
    free(text);
    unsigned char *x = malloc(2 * COLS);
    read_output("/X", 2, 2, COLS, 0, x);
    for (int row = 0; row < 2; row++)
        for (int c = 0; c < COLS; c++) ck_assert_int_eq(x[row * COLS + c], (c * 7 + row) % 256);
    free(x);
}
END_TEST

START_TEST(rows_across_buffers_and_blocks_come_back)
{
    enum { ROWS = 300000 };
    FILE *file = fopen(in_scratch("in.csv"), "wb");
    fputs("a,b,c,d,y\n", file);
    for (int i = 0; i < ROWS; i++)
        fprintf(file, "%d,%.17g,%d.5,\"-%d\",%s\n", i, i / 3.0, i, i, i % 3 ? "odd" : "third");
    ck_assert_int_eq(fclose(file), 0);
    import_good("in.csv", NULL);
    double *x = malloc(ROWS * 4 * sizeof *x);
    int32_t *y = malloc(ROWS * sizeof *y);
    read_output("/X", 2, ROWS, 4, H5T_NATIVE_DOUBLE, x);
    read_output("/y", 1, ROWS, 0, H5T_NATIVE_INT32, y);
    for (int i = 0; i < ROWS; i++) {
        const double expected[4] = {i, i / 3.0, i + 0.5, -i};
        for (int c = 0; c < 4; c++) ck_assert_msg(x[4 * i + c] == expected[c], "row %d, column %d", i, c);
        ck_assert_int_eq(y[i], i % 3 == 0);
    }
    free(x);
    free(y);
}
END_TEST

START_TEST(what_was_found_is_reported)
{
    static const char text[] = "a,b,y\n1,2.5,u\n-3,,v\n,,u\n";
    const char *inputs[] = {in_scratch("in.csv")};
    const tw_import_options none = {0};
    tw_import_report report;
    spill(inputs[0], sizeof text - 1, text);
    ck_assert_int_eq(tw_import(1, inputs, NULL, &none, &report), TW_OK);
    ck_assert_str_eq(report.format, "text, separator ',', header");
    ck_assert_uint_eq(report.rows, 3);
    ck_assert_uint_eq(report.cols, 2);
    ck_assert_uint_eq(report.n_columns, 3);
    ck_assert_uint_eq(report.y_missing, 0);
    ck_assert_uint_eq(report.n_classes, 2);
    ck_assert_str_eq(report.columns[0].name, "a");
    ck_assert_str_eq(report.columns[0].type, "f64");
    ck_assert_uint_eq(report.columns[0].missing, 1);
    ck_assert_double_eq(report.columns[0].minimum, -3);
    ck_assert_double_eq(report.columns[0].maximum, 1);
    ck_assert_str_eq(report.columns[2].type, "string");
    ck_assert(report.columns[2].label && !report.columns[1].label);
    ck_assert(isnan(report.columns[2].minimum));
    tw_import_report_release(&report);
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

START_TEST(a_header_stands_over_numbers_not_over_words)
{
    const tw_import_options replace = {.replace = true};
    import_good_text("1,b\n2,a\n3,7\n", NULL);
    ck_assert_str_eq(output_strings("/classes", 3), "7|a|b");
    ck_assert(!in_output("/feature_names"));
    import_good_text("1,b\n2,\n3,7\n", &replace); /* the cell below is missing, the next one counts */
    check_features(2, 1, (double[]){2, 3});
    ck_assert(in_output("/feature_names"));
}
END_TEST

START_TEST(columns_of_categories_are_encoded_at_their_place)
{
    static const char *const one_hot[] = {"cut", "1"}, *const drop[] = {"id"}, *const missing[] = {"?", "-9"};
    const tw_import_options options = {
        .one_hot = {2, one_hot}, .drop = {1, drop}, .missing = {2, missing}, .weight = "w"};
    import_good_text("id,n,cut,x,ok,w,y\nu,10,b,1.5,true,1,0\nv,9,\"a,z\",-9.0,FALSE,0,1\nv,10,,?,,2.5,1\n",
                     &options);
    check_features(3, 6, (double[]){1, 0, 0, 1, 1.5, 1, 0, 1, 1, 0, NAN, 0, 1, 0, 0, 0, NAN, NAN});
    ck_assert_str_eq(output_strings("/feature_names", 6), "n=10|n=9|cut=a,z|cut=b|x|ok");
    double w[3];
    read_output("/sample_weight", 1, 3, 0, H5T_NATIVE_DOUBLE, w);
    ck_assert(w[0] == 1 && w[1] == 0 && w[2] == 2.5);
    ck_assert(output_has_type("/sample_weight", H5T_IEEE_F64LE));
}
END_TEST

START_TEST(all_encodes_columns_that_turn_out_to_hold_text)
{
    static const char *const all[] = {"all"};
    const tw_import_options options = {.one_hot = {1, all}};
    import_good_text("1,7,0\n2,8,1\nx,9,1\n", &options);
    check_features(3, 4, (double[]){1, 0, 0, 7, 0, 1, 0, 8, 0, 0, 1, 9});
    ck_assert(output_has_type("/X", H5T_STD_U8LE));
    ck_assert_str_eq(output_strings("/feature_names", 4), "0=1|0=2|0=x|1");
}
END_TEST

START_TEST(files_with_the_same_columns_are_joined)
{
    spill(in_scratch("a.csv"), 12, "u,y\n1,p\n2,q\n");
    spill(in_scratch("b.csv"), 13, "\xef\xbb\xbfu,y\n300,o\n"); /* changes type and classes */
    spill(in_scratch("c.csv"), 4, "u,y\n");
    char a[1024], b[1024], c[1024];
    snprintf(a, sizeof a, "%s", in_scratch("a.csv"));
    snprintf(b, sizeof b, "%s", in_scratch("b.csv"));
    snprintf(c, sizeof c, "%s", in_scratch("c.csv"));
    const char *const paths[] = {a, b, c, a};
    const tw_import_options options = {0};
    tw_import_report joined;
    ck_assert_msg(tw_import(4, paths, in_scratch("out.h5"), &options, &joined) == TW_OK, "%s",
                  tw_status_message());
    tw_import_report_release(&joined);
    check_features(5, 1, (double[]){1, 2, 300, 1, 2});
    int32_t y[5];
    read_output("/y", 1, 5, 0, H5T_NATIVE_INT32, y);
    ck_assert(y[0] == 1 && y[1] == 2 && y[2] == 0 && y[3] == 1 && y[4] == 2);
    ck_assert_str_eq(output_strings("/classes", 3), "o|p|q");
}
END_TEST

#define N(table) ((int)(sizeof(table) / sizeof *(table)))

static Suite *suite(void)
{
    Suite *s = suite_create("import_csv");
    TCase *t = tcase_create("csv");
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, text_is_stored_in_the_smallest_type_that_holds_it, 0, N(typed));
    tcase_add_loop_test(t, gzipped_text_is_stored_alike_even_in_two_members, 0, N(typed));
    tcase_add_loop_test(t, a_given_type_is_used, 0, TW_N_DTYPES);
    tcase_add_test(t, floats_of_16_bits_are_stored_as_defined);
    tcase_add_loop_test(t, labels_and_names_are_found, 0, N(labelled));
    tcase_add_test(t, whole_labels_of_64_bits_are_exact);
    tcase_add_test(t, header_and_separator_can_be_forced);
    tcase_add_test(t, separators_are_those_on_which_lines_agree);
    tcase_add_test(t, a_line_longer_than_the_buffer_is_read);
    tcase_add_test(t, rows_across_buffers_and_blocks_come_back);
    tcase_add_test(t, what_was_found_is_reported);
    tcase_add_test(t, a_header_stands_over_numbers_not_over_words);
    tcase_add_test(t, columns_of_categories_are_encoded_at_their_place);
    tcase_add_test(t, all_encodes_columns_that_turn_out_to_hold_text);
    tcase_add_test(t, files_with_the_same_columns_are_joined);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    H5open();
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
