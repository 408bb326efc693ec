/* CSV and TSV that are wrong: a sentence with file, line, column and text for each, and no output. */
#include "data/label_set.h"
#include "import_support.h"

#define S(text) sizeof text - 1, text

static const struct {
    size_t size;
    const char *text;
    tw_import_options options;
    tw_status code;
    const char *says;
} wrong[] = {
    {S(""), {0}, TW_DATA, "in.csv is empty"},
    {S("\n\n \r\n"), {0}, TW_DATA, "in.csv is empty: it holds no line of text"},
    {S("\xef\xbb\xbf"), {0}, TW_DATA, "is empty"},
    {S("a,b,c\n"), {0}, TW_DATA, "holds a header and no rows"},
    {S("1,2,3\n"), {.header = TW_HEADER_YES}, TW_DATA, "holds a header and no rows"},
    {S("1,2,3\n4,5\n"), {0}, TW_DATA, "line 2 has 2 cells, the first line has 3 (separator ',')"},
    {S("1,2\n\n4,5,6\n"), {0}, TW_DATA, "line 3 has more cells than the 2 of the first line"},
    {S("a,b\n1,2\n3,x,5\n"), {.label = "1"}, TW_DATA, "line 3 has more cells"},
    {S("1,2,3\n4,\"5,6\n7,8,9\n"), {0}, TW_DATA, "the quote opened in line 2 is never closed"},
    {S("1,2,3\n4,5,\"6"), {0}, TW_DATA, "the quote opened in line 2 is never closed"},
    {S("1,2,3\n4,5,\"6\"\"\n"), {0}, TW_DATA, "the quote opened in line 2 is never closed"},
    {S("1,\"a\nb\"\n2,c\n3\n"), {0}, TW_DATA, "line 4 has 1 cell, the first line has 2"},
    {S("1,2,3\n4,\"5\"5,6\n"),
     {0},
     TW_DATA,
     "line 2, column index 1: '5' is followed by more text behind its closing quote"},
    {S("\"a\"b,2\n1,2\n"), {0}, TW_DATA, "line 1, column index 0: 'a' is followed by more text"},
    {S("1,2\n3,\0004\n"), {0}, TW_DATA, "line 2 holds a NUL byte (byte 3 of the line)"},
    {S("a,b\n1,2\nx,4\n"), {0}, TW_DATA, "line 3, column 'a' (index 0): 'x' is not a number"},
    {S("1,2\n0x10,4\n"), {0}, TW_DATA, "line 2, column index 0: '0x10' is not a number"},
    {S("1,2\n1 2,4\n"), {0}, TW_DATA, "'1 2' is not a number"},
    {S("1,2\n--1,4\n"), {0}, TW_DATA, "'--1' is not a number"},
    {S("1,2\ninf,4\n"), {0}, TW_DATA, "'inf' is not a number"},
    {S("1;2\n1,5;4\n"), {0}, TW_DATA, "'1,5' is not a number"},
    {S("1,2\n\x1b[31m\xff\xe2\x80\xae,4\n"), {0}, TW_DATA, "'\\x1b[31m\\xff\\xe2\\x80\\xae' is not a number"},
    {S("1,2\nzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz,4\n"),
     {0},
     TW_DATA,
     "'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz...' is not a number"},
    {S("1,2\n1e400,4\n"), {0}, TW_DATA, "line 2, column index 0: '1e400' is too large for a double"},
    {S("1,2\n1,-1e400\n"), {0}, TW_DATA, "'-1e400' is too large for a double"},
    {S("a,\xff\n1,2\n"), {0}, TW_DATA, "line 1, column '\\xff' (index 1): the name is not UTF-8"},
    {S("1,\xff\n1,b\n"), {0}, TW_DATA, "line 1, column index 1: '\\xff' is not UTF-8"},
    {S("1,a\n1,\n"), {0}, TW_DATA, "line 2, column index 1: '' names no class"},
    {S("1,\n1,NA\n"), {0}, TW_DATA, "no row has a label: column index 1 is empty"},
    {S("5\n6\n"), {0}, TW_DATA, "has one column and so no features"},
    {S("1,2\n3,256\n"),
     {.no_label = true, .typed = true, .type = TW_u8},
     TW_DATA,
     "line 2, column index 1: '256' does not fit u8 (whole numbers from 0 to 255)"},
    {S("1,2\n\"-1\",6\n"), {.typed = true, .type = TW_u8}, TW_DATA, "'-1' does not fit u8"},
    {S("1,2,3\n3,1.5,1\n"),
     {.label = "0", .typed = true, .type = TW_i16},
     TW_DATA,
     "line 2, column index 1: '1.5' does not fit i16"},
    {S("1,2\n3,4\n,6\n"),
     {.typed = true, .type = TW_i8},
     TW_DATA,
     "line 3, column index 0: '' is missing, and i8 has no NaN; use a float type"},
    {S("1,2\n65520,6\n"),
     {.typed = true, .type = TW_f16},
     TW_DATA,
     "'65520' does not fit f16 (numbers up to 65504)"},
    {S("1,2\n1e39,6\n"), {.typed = true, .type = TW_f32}, TW_DATA, "'1e39' does not fit f32"},
    {S("a,b,c\n1,2,3\n"), {.label = "d"}, TW_USAGE, "has no column 'd'\n    available: 'a', 'b', 'c'"},
    {S("first,second\n1,2\n"), {.label = "secnd"}, TW_USAGE, "did you mean 'second'?"},
    {S("1,2,3\n"), {.label = "y"}, TW_USAGE, "has no header, so --label must be an index from 0 to 2"},
    {S("1,2,3\n"), {.label = "3"}, TW_USAGE, "must be from -3 to 2; it is 3"},
    {S("1,2,3\n"), {.label = "-4"}, TW_USAGE, "it is -4"},
    {S("a,a,b\n1,2,3\n"), {.label = "a"}, TW_USAGE, "has 2 columns 'a'; give the index"},
    {S("1,2,3\n"), {.label = "1", .no_label = true}, TW_USAGE, "exclude each other"},
    {S("1,2,3\n"), {.separator = 'e'}, TW_USAGE, "'e' cannot separate cells"},
    {S("1,2,3\n"), {.gzip = 10}, TW_USAGE, "--gzip must be from 1 to 9"},
};

START_TEST(what_is_wrong_is_said_with_its_place_and_leaves_nothing)
{
    ck_assert_int_eq(import_text(wrong[_i].size, wrong[_i].text, &wrong[_i].options), wrong[_i].code);
    ck_assert_says(wrong[_i].says);
    if (wrong[_i].code == TW_DATA) ck_assert_says("in.csv");
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

static void spill_repeated(const char *name, const char *start, char c, size_t count)
{
    FILE *file = fopen(in_scratch(name), "wb");
    char *block = malloc(1 << 20);
    memset(block, c, 1 << 20);
    fputs(start, file);
    for (size_t left = count; left > 0;) {
        const size_t piece = left < 1 << 20 ? left : 1 << 20;
        ck_assert_uint_eq(fwrite(block, 1, piece, file), piece);
        left -= piece;
    }
    free(block);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(lines_beyond_64_mib_are_refused)
{
    spill_repeated("long", "1,2\n3,", '4', ((size_t)64 << 20) + 10);
    ck_assert_int_eq(import_one("long", NULL), TW_DATA);
    ck_assert_says("line 2 is longer than 64 MiB");
    spill_repeated("open", "1,2\n3,\"", '\n',
                   ((size_t)64 << 20) + 10); /* 64 million lines in one cell: no O(n^2) */
    ck_assert_int_eq(import_one("open", NULL), TW_DATA);
    ck_assert_says("line 2 is longer than 64 MiB");
    ck_assert_int_eq(scratch_entries(), 2);
}
END_TEST

START_TEST(more_than_65536_words_are_no_classes)
{
    FILE *file = fopen(in_scratch("in.csv"), "wb");
    for (int i = 0; i < 65537; i++) fprintf(file, "1,w%d\n", i);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(import_one("in.csv", NULL), TW_DATA);
    ck_assert_says("more than 65536 different labels");
}
END_TEST

START_TEST(a_signal_stops_it_and_leaves_nothing)
{
    const volatile sig_atomic_t stop = 1;
    const tw_import_options options = {.interrupted = &stop};
    ck_assert_int_eq(import_text(8, "1,2\n3,4\n", &options), TW_IO);
    ck_assert_says("interrupted");
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

START_TEST(an_existing_output_is_refused_before_the_input_is_read)
{
    size_t size;
    spill(in_scratch("out.h5"), 4, "mine");
    ck_assert_int_eq(import_text(7, "1,2\nx,y", NULL), TW_OUTPUT);
    ck_assert_says("out.h5: it exists; remove it or use --force");
    char *bytes = slurp(in_scratch("out.h5"), &size);
    ck_assert_str_eq(bytes, "mine");
    free(bytes);
    const tw_import_options replace = {.replace = true};
    ck_assert_int_eq(import_text(7, "1,2\nx,y", &replace), TW_DATA);
    bytes = slurp(in_scratch("out.h5"), &size);
    ck_assert_str_eq(bytes, "mine");
    free(bytes);
    import_good_text("1,2\n3,4\n", &replace);
    ck_assert(in_output("/X"));
}
END_TEST

START_TEST(the_input_cannot_be_the_output)
{
    const tw_import_options replace = {.replace = true};
    spill(in_scratch("out.h5"), 8, "1,2\n3,4\n");
    ck_assert_int_eq(import_one("out.h5", &replace), TW_USAGE);
    ck_assert_says("is the input itself");
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
        const char *before, *after, *says;
    } cases[] = {
        {"1,2\n3,4\n", "1,2\n3,4\n5,6\n", "changed while it was read"},
        {"1,2\n3,4\n", "1,2\n", "changed while it was read"},
        {"1,2\n3,4\n", "1,2\n3,4.5\n", "changed while it was read"},
        {"1,2\n3,4\n", "1,2\n300,4\n", "'300' does not fit u8"},
        {"1,a\n3,b\n", "1,a\n3,c\n", "changed while it was read"},
        {"1,2.5\n3,4\n", "1,2.5\n3,c\n", "changed while it was read"},
        {"1,2\n3,4\n", "1,2\n3\n", "line 2 has 1 cell, "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        changed_text = cases[i].after;
        ck_assert_int_eq(import_text(strlen(cases[i].before), cases[i].before, NULL), TW_DATA);
        ck_assert_says(cases[i].says);
        ck_assert_int_eq(scratch_entries(), 1);
        changed_text = cases[i].before;
        import_good_text(cases[i].before, NULL); /* the control */
        remove(in_scratch("out.h5"));
    }
    changed_text = NULL;
}
END_TEST

START_TEST(words_that_begin_alike_are_different_words)
{
    enum { WORDS = 3000 };
    tw_label_set set = {0};
    char word[WORDS + 1];
    memset(word, 'a', WORDS);
    for (size_t i = WORDS; i-- > 0;) {
        ck_assert_uint_eq(tw_label_set_find(&set, i, word), SIZE_MAX);
        ck_assert_int_eq(tw_label_set_add(&set, i, word), TW_OK);
    }
    for (size_t i = 0; i < WORDS; i++) ck_assert_uint_eq(tw_label_set_find(&set, i, word), WORDS - 1 - i);
    ck_assert_uint_eq(tw_label_set_find(&set, WORDS, word), SIZE_MAX);
    tw_label_set_release(&set);
}
END_TEST

#define N(table) ((int)(sizeof(table) / sizeof *(table)))

static Suite *suite(void)
{
    Suite *s = suite_create("import_csv_errors");
    TCase *t = tcase_create("csv");
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, what_is_wrong_is_said_with_its_place_and_leaves_nothing, 0, N(wrong));
    tcase_add_test(t, lines_beyond_64_mib_are_refused);
    tcase_add_test(t, more_than_65536_words_are_no_classes);
    tcase_add_test(t, a_signal_stops_it_and_leaves_nothing);
    tcase_add_test(t, an_existing_output_is_refused_before_the_input_is_read);
    tcase_add_test(t, the_input_cannot_be_the_output);
    tcase_add_test(t, a_file_that_changes_between_the_passes_is_refused);
    tcase_add_test(t, words_that_begin_alike_are_different_words);
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
