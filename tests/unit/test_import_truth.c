/* NPY, LIBSVM, CSV and IDX files against what NumPy and scikit-learn read from them (tests/truth/imports.py):
 * types and every bit, plain and gzipped, and the same said by a dry run. */
#include "import_support.h"

enum { MOST_BYTES = 1024, TEXT_LEN = 2 * MOST_BYTES + 1 };

typedef struct {
    char files[128], x_type[8], x[TEXT_LEN], y_type[8], y[TEXT_LEN];
    size_t rows, cols;
} expected;

static const struct {
    const char *name;
    size_t size;
} known[] = {{"u8", 1}, {"i8", 1}, {"i16", 2}, {"f16", 2}, {"f32", 4}, {"f64", 8}, {"i32", 4}, {"i64", 8}};

static size_t size_of(const char *name)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(name, known[i].name) == 0) return known[i].size;
    ck_abort_msg("unknown type %s", name);
}

/* The type in the file: to be closed. */
static hid_t file_type(const char *name)
{
    const hid_t types[] = {H5T_STD_U8LE,   H5T_STD_I8LE,   H5T_STD_I16LE, H5T_IEEE_F32LE,
                           H5T_IEEE_F32LE, H5T_IEEE_F64LE, H5T_STD_I32LE, H5T_STD_I64LE};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(name, known[i].name) != 0) continue;
        const hid_t type = H5Tcopy(types[i]);
        if (strcmp(name, "f16") == 0) {
            H5Tset_fields(type, 15, 10, 5, 0, 10);
            H5Tset_size(type, 2);
            H5Tset_ebias(type, 15);
        }
        return type;
    }
    return -1;
}

static void check_values(const char *dataset, const char *type_name, int rank, const expected *e,
                         const char *hex)
{
    static unsigned char got[MOST_BYTES];
    static char text[TEXT_LEN];
    const size_t bytes = e->rows * (rank == 2 ? e->cols : 1) * size_of(type_name);
    const hid_t type = file_type(type_name);
    ck_assert_msg(output_has_type(dataset, type), "%s of %s is no %s", dataset, e->files, type_name);
    H5Tclose(type);
    ck_assert_uint_le(bytes, MOST_BYTES);
    read_output(dataset, rank, e->rows, e->cols, 0, got);
    for (size_t i = 0; i < bytes; i++) snprintf(text + 2 * i, 3, "%02x", got[i]);
    ck_assert_msg(strcmp(text, hex) == 0, "%s of %s is %s, not %s", dataset, e->files, text, hex);
}

static void check_report(const tw_import_report *r, const expected *e)
{
    ck_assert_uint_eq(r->rows, e->rows);
    ck_assert_uint_eq(r->cols, e->cols);
    ck_assert_str_eq(tw_dtype_name(r->x_type), e->x_type);
    ck_assert_str_eq(tw_label_type_name(r->y_type), e->y_type);
}

/* Split the names; copy the files into the scratch folder, gzipped or not. */
static size_t place(const expected *e, bool gzip, char names[2][128], const char *paths[2])
{
    char list[128], from[1024], *rest = NULL;
    size_t n = 0, size;
    snprintf(list, sizeof list, "%s", e->files);
    for (char *name = strtok_r(list, ",", &rest); name && n < 2; name = strtok_r(NULL, ",", &rest), n++) {
        snprintf(from, sizeof from, TEST_SOURCE_DIR "/tests/truth/imports/%s", name);
        char *const bytes = slurp(from, &size);
        snprintf(names[n], 128, "%s", name); /* the name says nothing about gzip */
        if (gzip)
            spill_gzip(in_scratch(name), size, bytes, "wb");
        else
            spill(in_scratch(name), size, bytes);
        free(bytes);
    }
    for (size_t i = 0; i < n; i++) paths[i] = in_scratch(names[i]);
    return n;
}

static void check_case(const expected *e, bool gzip)
{
    char names[2][128];
    const char *paths[2];
    tw_import_report report;
    const tw_import_options options = {.replace = true};
    const size_t n = place(e, gzip, names, paths);
    ck_assert_msg(tw_import(n, paths, NULL, &options, &report) == TW_OK, "%s: %s", e->files,
                  tw_status_message());
    check_report(&report, e);
    const size_t missing = report.x_missing;
    tw_import_report_release(&report);
    ck_assert_int_eq(scratch_entries(), (int)n); /* a dry run writes nothing */
    ck_assert_msg(tw_import(n, paths, in_scratch("out.h5"), &options, &report) == TW_OK, "%s: %s", e->files,
                  tw_status_message());
    check_report(&report, e);
    ck_assert_uint_eq(report.x_missing, missing);
    tw_import_report_release(&report);
    check_values("/X", e->x_type, 2, e, e->x);
    if (strcmp(e->y_type, "none") == 0)
        ck_assert(!in_output("/y"));
    else
        check_values("/y", e->y_type, 1, e, e->y);
    ck_assert_int_eq(scratch_entries(), (int)n + 1);
    remove(in_scratch("out.h5"));
    for (size_t i = 0; i < n; i++) remove(in_scratch(names[i]));
}

START_TEST(files_read_as_numpy_and_scikit_learn_read_them)
{
    static expected e;
    int cases = 0, float_cases = 0;
    FILE *const file = fopen(TEST_SOURCE_DIR "/tests/truth/imports/imports.txt", "r");
    ck_assert_ptr_nonnull(file);
    while (fscanf(file, "%127s %7s %zu %zu %2048s %7s %2048s", e.files, e.x_type, &e.rows, &e.cols, e.x,
                  e.y_type, e.y) == 7) {
        check_case(&e, _i == 1);
        cases++;
        float_cases += e.x_type[0] == 'f';
    }
    ck_assert(feof(file) && cases >= 70 && float_cases >= 25);
    fclose(file);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("import_truth");
    TCase *t = tcase_create("truth");
    tcase_add_checked_fixture(t, scratch_make, scratch_remove);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, files_read_as_numpy_and_scikit_learn_read_them, 0, 2);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
