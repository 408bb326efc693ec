/* P3: every damaged checkpoint is refused with a sentence; and one that is sealed, but not what a run writes,
 * is refused or read, without a crash and without asking for much memory. */
#include "some_checkpoint.h"

#include "support.h"

static some_run run;
static const char *path;

static void set_up(void)
{
    static char kept[1024];
    some_set_up();
    some_run_init(&run);
    snprintf(kept, sizeof kept, "%s", some_checkpoint(&run, "checkpoint.h5"));
    path = kept;
}

static void tear_down(void)
{
    some_run_release(&run);
    some_tear_down();
}

static tw_status try_open(const char *name)
{
    tw_checkpoint_file file;
    const tw_status status = tw_checkpoint_file_open(&file, name);
    ck_assert((status == TW_OK) == (file.file >= 0));
    if (status == TW_OK)
        tw_checkpoint_file_close(&file);
    else
        ck_assert_says(name);
    return status;
}

/* ---- damage ---- */

START_TEST(every_flipped_bit_is_refused)
{
    size_t size, flips = 0;
    char *const bytes = slurp(path, &size);
    for (size_t at = 0; at < size; at++) {
        for (int bit = 0; bit < 8; bit++, flips++) {
            const char flipped = (char)(bytes[at] ^ 1 << bit);
            overwrite(path, at, 1, &flipped);
            ck_assert_msg(try_open(path) == TW_DATA, "bit %d of byte %zu of %zu", bit, at, size);
        }
        overwrite(path, at, 1, &bytes[at]);
    }
    ck_assert_int_eq(try_open(path), TW_OK);
    printf("%zu flipped bits of %zu bytes are refused\n", flips, size);
    free(bytes);
}
END_TEST

START_TEST(every_truncation_and_every_appendix_is_refused)
{
    size_t size;
    char *const bytes = slurp(path, &size), *const longer = calloc(size + 4096, 1);
    for (size_t length = size; length-- > 0;) {
        ck_assert_int_eq(truncate(path, (off_t)length), 0);
        ck_assert_msg(try_open(path) == TW_DATA, "%zu bytes of %zu", length, size);
    }
    memcpy(longer, bytes, size);
    for (size_t more = 1; more <= 4096; more = more < 16 ? more + 1 : 2 * more) {
        spill(path, size + more, longer);
        ck_assert_msg(try_open(path) == TW_DATA, "%zu zeros more", more);
    }
    spill(path, size, longer);
    ck_assert_int_eq(try_open(path), TW_OK);
    printf("%zu truncations are refused\n", size);
    free(longer);
    free(bytes);
}
END_TEST

/* All pairs of different blocks: exchanged, and one in place of the other; each block lost or doubled. */
START_TEST(blocks_out_of_place_are_refused)
{
    enum { BLOCK = 512 };
    size_t size, cases = 0;
    char *const bytes = slurp(path, &size), *const other = calloc(size + BLOCK, 1);
    const size_t blocks = size / BLOCK;
    for (size_t a = 0; a < blocks; a++) {
        for (size_t b = 0; b < blocks; b++) {
            if (memcmp(bytes + a * BLOCK, bytes + b * BLOCK, BLOCK) == 0) continue;
            memcpy(other, bytes, size);
            memcpy(other + a * BLOCK, bytes + b * BLOCK, BLOCK);
            spill(path, size, other);
            ck_assert_msg(try_open(path) == TW_DATA, "block %zu in place of %zu", b, a);
            memcpy(other + b * BLOCK, bytes + a * BLOCK, BLOCK);
            spill(path, size, other);
            ck_assert_msg(try_open(path) == TW_DATA, "blocks %zu and %zu exchanged", a, b);
            cases += 2;
        }
        memcpy(other, bytes, a * BLOCK);
        memcpy(other + a * BLOCK, bytes + (a + 1) * BLOCK, size - (a + 1) * BLOCK);
        spill(path, size - BLOCK, other);
        ck_assert_msg(try_open(path) == TW_DATA, "block %zu lost", a);
        memcpy(other, bytes, (a + 1) * BLOCK);
        memcpy(other + (a + 1) * BLOCK, bytes + a * BLOCK, size - a * BLOCK);
        spill(path, size + BLOCK, other);
        ck_assert_msg(try_open(path) == TW_DATA, "block %zu doubled", a);
        cases += 2;
    }
    printf("%zu files with blocks out of place are refused\n", cases);
    free(other);
    free(bytes);
}
END_TEST

START_TEST(what_is_no_checkpoint_is_refused)
{
    enum { SIZE = 20000 };
    hid_t file;
    char *const zeros = calloc(1, SIZE);
    double x[4] = {1, 2, 3, 4};
    spill(in_scratch("zeros"), SIZE, zeros);
    ck_assert_int_eq(try_open(in_scratch("zeros")), TW_DATA);
    ck_assert_says("is no HDF5 file");
    spill(in_scratch("empty"), 0, "");
    ck_assert_int_eq(try_open(in_scratch("empty")), TW_DATA);
    spill(in_scratch("text"), 15, "state: running\n");
    ck_assert_int_eq(try_open(in_scratch("text")), TW_DATA);
    test_write_plain(in_scratch("data.h5"), 2, 2, x, x);
    ck_assert_int_eq(try_open(in_scratch("data.h5")), TW_DATA);
    ck_assert_says("without a header of thalweg");
    ck_assert_int_eq(tw_image_create(&file), TW_OK);
    ck_assert_int_eq(tw_image_commit(file, "model", in_scratch("model.h5")), TW_OK);
    ck_assert_int_eq(try_open(in_scratch("model.h5")), TW_DATA);
    ck_assert_says("is a thalweg model, not a checkpoint");
    ck_assert_int_eq(tw_image_commit(file, TW_CHECKPOINT_KIND, in_scratch("bare.h5")), TW_OK);
    ck_assert_int_eq(try_open(in_scratch("bare.h5")), TW_DATA);
    H5Fclose(file);
    ck_assert_int_eq(tw_image_open(path, "model", &file, NULL), TW_DATA);
    ck_assert_says("is a thalweg checkpoint, not a model");
    ck_assert_int_eq(mkfifo(in_scratch("pipe"), 0600), 0);
    ck_assert_int_eq(try_open(in_scratch("pipe")), TW_INPUT);
    ck_assert_int_eq(try_open(scratch), TW_INPUT);
    ck_assert_int_eq(try_open(in_scratch("missing")), TW_INPUT);
    free(zeros);
}
END_TEST

/* ---- sealed, but wrong ---- */

/* Read it all as resuming does: TW_OK, or a sentence that names the file. */
static tw_status try_read(const char *name)
{
    static some_run reader;
    some_run_init(&reader);
    const tw_status status = some_read(name, &reader);
    if (status != TW_OK) ck_assert_says(name);
    ck_assert_uint_le(reader.log.room, 1000);
    some_run_release(&reader);
    return status;
}

static hid_t edit(const char *name)
{
    size_t size;
    char *const bytes = slurp(path, &size);
    spill(name, size, bytes);
    free(bytes);
    const hid_t file = H5Fopen(name, H5F_ACC_RDWR, H5P_DEFAULT);
    ck_assert(file >= 0);
    return file;
}

static tw_status try_edited(hid_t file, const char *name)
{
    ck_assert(H5Fclose(file) >= 0);
    some_seal(name);
    return try_read(name);
}

enum { MOST_NAMES = 128, NAME = 64 };
static char names[MOST_NAMES][NAME];
static H5T_class_t classes[MOST_NAMES];

static herr_t see_attribute(hid_t object, const char *name, const H5A_info_t *info, void *count)
{
    (void)info;
    size_t *const n = count;
    const hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    ck_assert_uint_lt(*n, MOST_NAMES);
    classes[*n] = H5Tget_class(type);
    snprintf(names[(*n)++], NAME, "%s", name);
    H5Tclose(type);
    H5Aclose(attribute);
    return 0;
}

static size_t list_attributes(void)
{
    size_t count = 0;
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    ck_assert(H5Aiterate2(file, H5_INDEX_NAME, H5_ITER_INC, NULL, see_attribute, &count) >= 0);
    H5Fclose(file);
    return count;
}

/* Written for people, and read by nobody. */
static bool is_told_only(const char *name)
{
    return strcmp(name, "git_commit") == 0 || strcmp(name, "compiler") == 0 || strcmp(name, "mpi") == 0;
}

START_TEST(a_sealed_file_as_it_was_is_read)
{
    const char *const name = in_scratch("sealed");
    ck_assert_int_eq(try_edited(edit(name), name), TW_OK); /* or the refusals below would show nothing */
}
END_TEST

START_TEST(a_missing_attribute_is_refused)
{
    const size_t count = list_attributes();
    ck_assert_uint_gt(count, 50);
    for (size_t i = 0; i < count; i++) {
        const char *const name = in_scratch("sealed");
        const hid_t file = edit(name);
        ck_assert(H5Adelete(file, names[i]) >= 0);
        const tw_status status = try_edited(file, name);
        ck_assert_msg(status == (is_told_only(names[i]) ? TW_OK : TW_DATA), "%s is gone: %d", names[i],
                      status);
    }
}
END_TEST

/* What an attribute can be in place of what it was. */
typedef struct {
    const char *what;
    hid_t (*type)(void); /* to be closed */
    hsize_t count;       /* 0: scalar */
    const void *value;
    char kind; /* 't' text, 'i' one integer, 'r' one real number, 'x' nothing that is ever good */
} replacement;

static hid_t fixed_text(void)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 4);
    return type;
}
static hid_t variable_text(void)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    return type;
}
static hid_t real(void)
{
    return H5Tcopy(H5T_NATIVE_DOUBLE);
}
static hid_t integer(void)
{
    return H5Tcopy(H5T_NATIVE_INT64);
}
static hid_t wide(void)
{
    const hid_t type = H5Tcopy(H5T_NATIVE_UINT64);
    return type;
}
static hid_t compound(void)
{
    const hid_t type = H5Tcreate(H5T_COMPOUND, 8);
    H5Tinsert(type, "a", 0, H5T_NATIVE_INT64);
    return type;
}
static hid_t list(void)
{
    return H5Tvlen_create(H5T_NATIVE_DOUBLE);
}
static hid_t opaque(void)
{
    return H5Tcreate(H5T_OPAQUE, 8);
}

static const char *const text_value = "x";
static const char *const no_text = NULL;
static const double nan_value = NAN, infinite = INFINITY, half = 0.5;
static const int64_t minus_one = -1, least = INT64_MIN, most = INT64_MAX, much = 1LL << 40, two[2] = {1, 2};
static const uint64_t beyond = UINT64_MAX;
static const hvl_t no_list = {0, NULL};

static const replacement replacements[] = {
    {"text", fixed_text, 0, "abc", 't'},
    {"text of any length", variable_text, 0, &text_value, 't'},
    {"no text", variable_text, 0, &no_text, 't'},
    {"NaN", real, 0, &nan_value, 'r'},
    {"infinity", real, 0, &infinite, 'r'},
    {"a half", real, 0, &half, 'r'},
    {"-1", integer, 0, &minus_one, 'i'},
    {"the least integer", integer, 0, &least, 'i'},
    {"the largest integer", integer, 0, &most, 'i'},
    {"2^40", integer, 0, &much, 'i'},
    {"2^64 - 1", wide, 0, &beyond, 'i'},
    {"two integers", integer, 2, two, 'x'},
    {"a compound", compound, 0, &most, 'x'},
    {"a list", list, 0, &no_list, 'x'},
    {"opaque bytes", opaque, 0, &most, 'x'},
};
enum { N_REPLACEMENTS = sizeof replacements / sizeof *replacements };

static void replace(hid_t file, const char *name, const replacement *r)
{
    const hid_t type = r->type(),
                space = r->count ? H5Screate_simple(1, &r->count, NULL) : H5Screate(H5S_SCALAR);
    ck_assert(H5Adelete(file, name) >= 0);
    const hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    ck_assert(attribute >= 0 && H5Awrite(attribute, type, r->value) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

/* Could an attribute of this class hold that? Values that must be certain ones are in the test below. */
static bool may_hold(H5T_class_t class, const char *name, char kind)
{
    if (is_told_only(name)) return true;
    if (class == H5T_STRING) return kind == 't' && strcmp(name, "format") != 0;
    if (class == H5T_FLOAT) return kind == 'i' || kind == 'r';
    return kind == 'i' && strcmp(name, "format_version") != 0 && strcmp(name, "history_rows") != 0 &&
           strcmp(name, "tests_holding") != 0;
}

START_TEST(every_attribute_of_another_type_or_value_is_refused_or_read)
{
    const size_t count = list_attributes();
    for (size_t i = 0; i < count; i++)
        for (int r = 0; r < N_REPLACEMENTS; r++) {
            const char *const name = in_scratch("sealed");
            const hid_t file = edit(name);
            replace(file, names[i], &replacements[r]);
            const tw_status status = try_edited(file, name);
            ck_assert_msg(status == (may_hold(classes[i], names[i], replacements[r].kind) ? TW_OK : TW_DATA),
                          "%s is %s: %d, %s", names[i], replacements[r].what, status, tw_status_message());
        }
    printf("%zu attributes replaced in %d ways each\n", count, N_REPLACEMENTS);
}
END_TEST

static void set_count(hid_t file, const char *name, int64_t value)
{
    const replacement r = {"", integer, 0, &value, 'i'};
    replace(file, name, &r);
}

static void refuse_count(const char *attribute, int64_t value, const char *words)
{
    const char *const name = in_scratch("sealed");
    const hid_t file = edit(name);
    set_count(file, attribute, value);
    ck_assert_msg(try_edited(file, name) == TW_DATA, "%s = %lld", attribute, (long long)value);
    ck_assert_says(words);
}

START_TEST(numbers_that_mean_nothing_are_refused)
{
    for (int64_t v = -2; v < 4; v++)
        if (v != TW_CHECKPOINT_VERSION) refuse_count("format_version", v, "written by another thalweg");
    refuse_count("tests_holding", -1, "means nothing");
    refuse_count("tests_holding", TW_N_REASONS, "means nothing");
    refuse_count("tests_holding", 1LL << 32, "means nothing");
    refuse_count("history_rows", -1, "negative");
    refuse_count("history_rows", 1, "'history_rows' says 1");
    refuse_count("history_rows", SOME_ROWS + 1, "'history_rows' says 4");
    refuse_count("history_rows", 1LL << 40, "'history_rows' says");
}
END_TEST

/* ---- data sets ---- */

static const char *const sets[] = {"/w",
                                   "/g",
                                   "/best_w",
                                   "/optimizer",
                                   "/history/iteration",
                                   "/history/loss",
                                   "/history/validation_accuracy"};
enum { N_SETS = sizeof sets / sizeof *sets };

static void put_set(hid_t file, const char *name, hid_t type, int rank, const hsize_t *shape, hid_t creation)
{
    const hid_t space = H5Screate_simple(rank, shape, NULL);
    const hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    ck_assert_msg(set >= 0, "%s", name);
    H5Dclose(set);
    H5Sclose(space);
}

static hid_t chunked(int rank)
{
    const hsize_t chunk[2] = {1024, 1024};
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(creation, rank, chunk);
    return creation;
}

static hid_t elsewhere(void)
{
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(creation, "elsewhere", 0, H5F_UNLIMITED);
    return creation;
}

/* One way in which a data set is not what it was; true: it can be read all the same. */
static bool change_set(hid_t file, const char *name, int way, hsize_t n)
{
    static const hsize_t huge[2] = {1ULL << 40, 1ULL << 40};
    hsize_t ones[32];
    const hsize_t longer = n + 1, shorter = n - 1, table[2] = {n, 1};
    hid_t creation = H5P_DEFAULT, type = H5T_IEEE_F64LE;
    for (int i = 0; i < 32; i++) ones[i] = 1;
    ck_assert(H5Ldelete(file, name, H5P_DEFAULT) >= 0);
    switch (way) {
    case 0: return false;
    case 1: put_set(file, name, type, 1, &longer, creation); return false;
    case 2: put_set(file, name, type, 1, &shorter, creation); return false;
    case 3: put_set(file, name, type, 2, table, creation); return false;
    case 4: put_set(file, name, type, 32, ones, creation); return false;
    case 5: put_set(file, name, H5T_STD_I16BE, 1, &n, creation); return true;
    case 6: put_set(file, name, H5T_C_S1, 1, &n, creation); return false;
    case 7: put_set(file, name, H5T_STD_REF_OBJ, 1, &n, creation); return false;
    case 8: H5Gclose(H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT)); return false;
    case 9: H5Lcreate_soft("/g", file, name, H5P_DEFAULT, H5P_DEFAULT); return false;
    case 10: H5Lcreate_external(path, "/g", file, name, H5P_DEFAULT, H5P_DEFAULT); return false;
    case 11: H5Lcreate_soft("/nowhere", file, name, H5P_DEFAULT, H5P_DEFAULT); return false;
    case 12: put_set(file, name, type, 1, huge, creation = chunked(1)); break;
    case 13: put_set(file, name, type, 2, huge, creation = chunked(2)); break;
    case 14: put_set(file, name, type, 1, &n, creation = elsewhere()); break;
    case 15: {
        const hid_t space = H5Screate(H5S_NULL);
        H5Dclose(H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
        H5Sclose(space);
        return false;
    }
    default: put_set(file, name, type, 1, &(hsize_t){0}, creation); return false;
    }
    H5Pclose(creation);
    return false;
}

START_TEST(data_sets_of_another_shape_type_or_place_are_refused)
{
    enum { WAYS = 17 };
    for (int s = 0; s < N_SETS; s++)
        for (int way = 0; way < WAYS; way++) {
            const char *const name = in_scratch("sealed");
            const hid_t file = edit(name);
            const bool good = change_set(file, sets[s], way,
                                         s < 3    ? SOME_N
                                         : s == 3 ? SOME_STATE
                                                  : SOME_ROWS);
            const tw_status status = try_edited(file, name);
            ck_assert_msg(status == (good ? TW_OK : TW_DATA), "%s, way %d: %d, %s", sets[s], way, status,
                          tw_status_message());
        }
    printf("%d data sets changed in %d ways each\n", (int)N_SETS, WAYS);
}
END_TEST

/* The history claims to be as long as the file says, but is not there. */
START_TEST(a_history_of_many_rows_that_are_not_there_is_refused)
{
    const char *const name = in_scratch("sealed");
    const hid_t file = edit(name), creation = chunked(1);
    const hsize_t rows = 1ULL << 40;
    set_count(file, "history_rows", 1LL << 40);
    H5Ldelete(file, "/history/iteration", H5P_DEFAULT);
    put_set(file, "/history/iteration", H5T_IEEE_F64LE, 1, &rows, creation);
    H5Pclose(creation);
    ck_assert_int_eq(try_edited(file, name), TW_DATA);
    ck_assert_says("claims more values than the file can hold");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("checkpoint_damage");
    TCase *t = tcase_create("checkpoint_damage");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 200);
    tcase_add_test(t, every_flipped_bit_is_refused);
    tcase_add_test(t, every_truncation_and_every_appendix_is_refused);
    tcase_add_test(t, blocks_out_of_place_are_refused);
    tcase_add_test(t, what_is_no_checkpoint_is_refused);
    tcase_add_test(t, a_sealed_file_as_it_was_is_read);
    tcase_add_test(t, a_missing_attribute_is_refused);
    tcase_add_test(t, every_attribute_of_another_type_or_value_is_refused_or_read);
    tcase_add_test(t, numbers_that_mean_nothing_are_refused);
    tcase_add_test(t, data_sets_of_another_shape_type_or_place_are_refused);
    tcase_add_test(t, a_history_of_many_rows_that_are_not_there_is_refused);
    suite_add_tcase(s, t);
    return test_run(s);
}
