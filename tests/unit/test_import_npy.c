/* Headers of NPY files: strict, and a sentence with the file and what to do for each that is wrong. */
#include "npy_support.h"

#define S(text) sizeof text - 1, text

/* Headers with 16 bytes of values behind them. */
static const struct {
    const char *header, *says;
} wrong[] = {
    {"", "byte 0 of its NumPy header should be the dictionary that describes the array, but there stands "
         "nothing"},
    {"[1]", "should be the dictionary"},
    {"{}", "its NumPy header has no descr; save the array again with numpy.save"},
    {"{'descr': '<f8', 'shape': (1, 2)}", "has no fortran_order"},
    {"{'descr': '<f8', 'fortran_order': False}", "has no shape"},
    {"{'descr': '<f8', 'descr': '<f8'}", "byte 17 of its NumPy header should be one of the keys descr"},
    {"{'descr': '<f8', 'more': 1}", "should be one of the keys descr, fortran_order and shape, each once"},
    {"{descr: '<f8'}", "should be a string, but there stands 'descr"},
    {"{'descr", "should be a string that ends"},
    {"{'descr' '<f8'}", "should be a colon"},
    {"{'descr': '<f8' 'shape': (1, 2)}", "should be a comma or the end of the dictionary"},
    {H("'<f8'", "false", "(1, 2)"), "should be True or False, but there stands 'false"},
    {H("'<f8'", "0", "(1, 2)"), "should be True or False"},
    {H("'<f8'", "False", "[1, 2]"), "should be the tuple of dimensions"},
    {H("'<f8'", "False", "(1, 2"), "should be a dimension, but there stands '}"},
    {H("'<f8'", "False", "(2)"), "should be a comma behind the only dimension"},
    {H("'<f8'", "False", "((1, 2))"), "should be a dimension, but there stands '(1, 2))"},
    {H("'<f8'", "False", "(,)"), "should be a dimension"},
    {H("'<f8'", "False", "(1.0, 2)"), "should be a comma or the end of the dimensions"},
    {H("'<f8'", "False", "(-1, 2)"), "has a negative dimension"},
    {H("'<f8'", "False", "(1, 2)") "x", "should be its end, but there stands 'x'"},
    {H("'<f8'", "False", "(99999999999999999999, 2)"), "claims an impossible size: its dimensions overflow"},
    {H("'<f8'", "False", "(4294967296, 4294967296)"), "its dimensions overflow"},
    {H("'<f8'", "False", "(4294967296, 4294967296, 1)"), "its dimensions overflow"},
    {H("'<f8'", "False", "(1, 6148914691236517206, 3)"),
     "its dimensions overflow"}, /* would seem to be (1, 2) */
    {H("'<f8'", "False", "(1152921504606846976, 1)"), "its dimensions overflow"},
    {H("'<f8'", "False", "(1000000, 1000000)"),
     "is truncated: its header claims 1000000 rows of 1000000 values"},
    {H("'<f8'", "False", "(1, 3)"), "is truncated: its header claims 1 rows of 3 values"},
    {H("'<f8'", "False", "(1, 1)"), "has 8 bytes after its last value; one array a file"},
    {H("'<f8'", "False", "(0, 2)"), "is empty: it holds 0 rows of 2 values"},
    {H("'<f8'", "False", "(2, 0)"), "is empty: it holds 2 rows of 0 values"},
    {H("'<f8'", "False", "()"), "holds a single value"},
    {H("'<f8'", "False", "(2,)"), "has one dimension, so it holds labels; give the features too"},
    {H("'<f8'", "True", "(1, 2, 1)"), "has 3 dimensions in Fortran order; save it in C order"},
    {H("'|O'", "False", "(1, 2)"), "its values are Python objects ('|O'); save numbers"},
    {H("'<U2'", "False", "(1, 2)"), "are strings ('<U2')"},
    {H("'|S8'", "False", "(1, 2)"), "are strings"},
    {H("'<c8'", "False", "(1, 2)"), "are complex numbers"},
    {H("'<M8[ns]'", "False", "(1, 2)"), "are times ('<M8[ns]')"},
    {H("'|V8'", "False", "(1, 2)"), "are raw bytes or records"},
    {H("'<f16'", "False", "(1, 1)"), "are floats of a width or byte order that is unknown here ('<f16')"},
    {H("'=f8'", "False", "(1, 2)"), "unknown here ('=f8')"},
    {H("'|f8'", "False", "(1, 2)"), "unknown here"},
    {H("'f8'", "False", "(1, 2)"), "unknown here"},
    {H("'<i3'", "False", "(1, 2)"), "unknown here ('<i3')"},
    {H("''", "False", "(1, 2)"), "unknown here ('')"},
    {H("'<'", "False", "(1, 2)"), "unknown here"},
    {H("[('a', '<f8'), ('b', '<f8')]", "False", "(1,)"), "its values are records of several fields"},
    {H("'<\\x66' '8'", "False", "(1, 2)"), "should be a string that ends"},
    {H("'<f8'", "False", "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2)"),
     "has more than 32 dimensions"},
};

START_TEST(hostile_headers_are_refused_and_leave_nothing)
{
    static const char values[16];
    spill_npy("in.npy", wrong[_i].header, sizeof values, values);
    ck_assert_int_eq(import_one("in.npy", NULL), TW_DATA);
    ck_assert_says(wrong[_i].says);
    ck_assert_says("in.npy");
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

/* What stands before the header. */
static const struct {
    size_t size;
    const char *bytes, *says;
} beginnings[] = {
    {S("\x93NUMP"), "is truncated: it ends in the first eight bytes of a NumPy file"},
    {S("\x93NUMBER12345"), "begins like a NumPy file and is none"},
    {S("\x93NUMPY\4\0\0\0\0\0"), "is of version 4.0 of the NumPy format, and 1.0, 2.0 and 3.0 are known"},
    {S("\x93NUMPY\0\0\0\0\0\0"), "is of version 0.0"},
    {S("\x93NUMPY\1\1\0\0\0\0"), "is of version 1.1"},
    {S("\x93NUMPY\1\0\5"), "ends in the length of its NumPy header"},
    {S("\x93NUMPY\1\0\xff\xff{'descr'"), "ends in its NumPy header"},
    {S("\x93NUMPY\2\0\xff\xff\xff\xff{'descr'"), "claims a NumPy header of 4294967295 bytes"},
    {S("\x93NUMPY\3\0\1\0\1\0{'descr'"), "claims a NumPy header of 65537 bytes"},
    {S("\x93NUMPY\1\0\2\0\0\0"),
     "should be the dictionary that describes the array, but there stands '\\x00\\x00'"},
};

START_TEST(broken_beginnings_are_refused)
{
    spill(in_scratch("in.npy"), beginnings[_i].size, beginnings[_i].bytes);
    ck_assert_int_eq(import_one("in.npy", NULL), TW_DATA);
    ck_assert_says(beginnings[_i].says);
    ck_assert_says("in.npy");
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

START_TEST(blanks_quotes_and_order_of_the_header_are_free)
{
    static const char *const headers[] = {
        "{\"shape\": (1, 2), \"descr\":\"<f8\", \"fortran_order\":False}",
        " { 'fortran_order' : False , 'shape' : ( 1 , 2 , ) , 'descr' : '<f8' , } \n",
        "{'descr':'<f8','fortran_order':True,'shape':(1L,2L)}",
    };
    const double values[2] = {1.5, -2};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        spill_npy("in.npy", headers[i], sizeof values, values);
        import_good("in.npy", NULL);
        check_features(1, 2, values);
        remove(in_scratch("out.h5"));
    }
}
END_TEST

#define N(table) ((int)(sizeof(table) / sizeof *(table)))

int main(void)
{
    Suite *s = suite_create("import_npy");
    TCase *t = tcase_create("npy");
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, hostile_headers_are_refused_and_leave_nothing, 0, N(wrong));
    tcase_add_loop_test(t, broken_beginnings_are_refused, 0, N(beginnings));
    tcase_add_test(t, blanks_quotes_and_order_of_the_header_are_free);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
