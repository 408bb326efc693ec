/* `thalweg convert` as typed: options, what it prints, its exit codes. */
#include "cli/command.h"
#include "import_support.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_WORDS = 16 };

static char printed[8192];

/* Run the command with these words in the scratch folder; keep what it prints. */
static tw_status convert(const char *words)
{
    char line[512], name[] = "thalweg convert", *argv[MOST_WORDS + 1] = {name};
    int argc = 1;
    size_t size;
    snprintf(line, sizeof line, "%s", words);
    for (char *word = strtok(line, " "); word && argc < MOST_WORDS; word = strtok(NULL, " "))
        argv[argc++] = word;
    fflush(stdout);
    const int screen = dup(STDOUT_FILENO), file = open("printed", O_RDWR | O_CREAT | O_TRUNC, 0600);
    ck_assert(screen >= 0 && file >= 0 && dup2(file, STDOUT_FILENO) >= 0);
    const tw_status status = tw_command_convert(argc, argv);
    fflush(stdout);
    dup2(screen, STDOUT_FILENO);
    close(screen);
    close(file);
    char *bytes = slurp("printed", &size);
    snprintf(printed, sizeof printed, "%s", bytes);
    free(bytes);
    remove("printed");
    return status;
}

static void setup(void)
{
    unsetenv("OMPI_COMM_WORLD_RANK");
    unsetenv("PMIX_RANK");
    unsetenv("PMI_RANK");
    unsetenv("SLURM_PROCID");
    scratch_make();
    ck_assert_int_eq(chdir(scratch), 0);
    spill("a.csv", 24, "u,v,w\n1,,red\n300,4,blue\n");
}

static void teardown(void)
{
    ck_assert_int_eq(chdir("/"), 0);
    scratch_remove();
}

START_TEST(it_says_in_one_line_what_it_wrote)
{
    ck_assert_msg(convert("a.csv -o out.h5") == TW_OK, "%s", tw_status_message());
    const char *expected = "wrote out.h5: /X (2, 2) f64 with 1 missing, /y (2) 2 classes, ";
    ck_assert_msg(strncmp(printed, expected, strlen(expected)) == 0, "%s", printed);
    ck_assert_ptr_eq(strchr(printed, '\n'), printed + strlen(printed) - 1);
    ck_assert_ptr_nonnull(strstr(printed, " KiB in 0."));
    ck_assert_str_eq(output_strings("/feature_names", 2), "u|v");
}
END_TEST

START_TEST(options_reach_the_import)
{
    ck_assert_int_eq(convert("a.csv -o out.h5 --label u --type f32 --separator comma --header --gzip 3"),
                     TW_DATA);
    ck_assert_says("column 'w' (index 2): 'red' is not a number");
    ck_assert_int_eq(scratch_entries(), 1);
    spill("b.csv", 12, "1 2 3\n4 5 6\n");
    ck_assert_int_eq(convert("b.csv -o out.h5 -l -3 -t i16 -s space --no-header --gzip 3"), TW_OK);
    ck_assert(output_has_type("/X", H5T_STD_I16LE));
    check_features(2, 2, (double[]){2, 3, 5, 6});
    ck_assert_uint_eq(output_chunk_rows(), 2);
    ck_assert_int_eq(convert("b.csv -o out.h5 --no-label -s space"), TW_OUTPUT);
    ck_assert_int_eq(convert("b.csv -o out.h5 --no-label -s space --force"), TW_OK);
    ck_assert_ptr_nonnull(strstr(printed, "/X (2, 3) u8, "));
    ck_assert(!in_output("/y"));
}
END_TEST

START_TEST(a_dry_run_shows_the_columns_and_writes_nothing)
{
    ck_assert_int_eq(convert("a.csv --dry-run"), TW_OK);
    ck_assert_ptr_nonnull(strstr(printed, "a.csv: text, separator ',', header, 2 rows\n"));
    ck_assert_ptr_nonnull(strstr(
        printed, "      0  'u'                      i16             0              1            300\n"));
    ck_assert_ptr_nonnull(strstr(
        printed, "      1  'v'                      f64             1              4              4\n"));
    ck_assert_ptr_nonnull(
        strstr(printed,
               "      2  'w'                      string          0              -              -  label\n"));
    ck_assert_ptr_nonnull(
        strstr(printed, "would write /X (2, 2) f64 with 1 missing, /y (2) 2 classes, 40 B\n"));
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

START_TEST(libsvm_files_are_described_and_written)
{
    const char text[] = "+1 1:0.708333 2:1 3:1\n-1 1:0.5 4:-0.6 # a\n+1 2:1\n-1 1:0.25\n";
    spill("heart.txt", sizeof text - 1, text);
    ck_assert_int_eq(convert("heart.txt --dry-run"), TW_OK);
    ck_assert_str_eq(printed, "heart.txt: LIBSVM, indices from 1 to 4, 43.8 % of all values given, 4 rows\n"
                              "would write /X (4, 4) f64, /y (4) 2 classes, 160 B\n");
    ck_assert_int_eq(convert("heart.txt --dry-run --gzip 3 --index-base 0 --features 7 --type f32 --large"),
                     TW_OK);
    ck_assert_ptr_nonnull(
        strstr(printed, "would write /X (4, 7) f32, /y (4) 2 classes, 144 B before compression\n"));
    ck_assert_int_eq(scratch_entries(), 2);
    ck_assert_int_eq(convert("heart.txt -o out.h5 --index-base 0 --features 7"), TW_OK);
    ck_assert(output_has_type("/X", H5T_IEEE_F64LE));
    check_features(4, 7, (double[]){0, 0.708333, 1, 1, 0, 0, 0, 0, 0.5,  0, 0, -0.6, 0, 0,
                                    0, 0,        1, 0, 0, 0, 0, 0, 0.25, 0, 0, 0,    0, 0});
}
END_TEST

START_TEST(numpy_files_are_described_and_written)
{
    const char x[] = "\x93NUMPY\1\0\75\0{'descr': '>i2', 'fortran_order': True, 'shape': (2, 2), }  "
                     "\n\1\0\2\0\0\3\377\374";
    const char y[] = "\x93NUMPY\1\0\74\0{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }  \n\1\0";
    spill("x.npy", sizeof x - 1, x);
    spill("y.npy", sizeof y - 1, y);
    ck_assert_msg(convert("y.npy x.npy --dry-run") == TW_OK, "%s", tw_status_message());
    ck_assert_str_eq(printed, "x.npy: NPY, >i2, 2 dimensions, Fortran order, 2 rows\n"
                              "would write /X (2, 2) i16, /y (2) 2 classes, 10 B\n");
    ck_assert_int_eq(scratch_entries(), 3);
    ck_assert_int_eq(convert("y.npy x.npy -o out.h5"), TW_OK);
    check_features(2, 2, (double[]){256, 3, 512, -4});
    ck_assert_int_eq(convert("x.npy -o x.npy --force"), TW_USAGE);
    ck_assert_says("is the input itself");
}
END_TEST

START_TEST(names_in_a_file_cannot_drive_the_terminal)
{
    spill("a.csv", 13, "\x1b[31mx,y\n1,2\n");
    ck_assert_int_eq(convert("a.csv --dry-run"), TW_OK);
    ck_assert_ptr_null(strchr(printed, '\x1b'));
    ck_assert_ptr_nonnull(strstr(printed, "'\\x1b[31mx'"));
}
END_TEST

START_TEST(mistakes_on_the_command_line_are_code_64)
{
    static const struct {
        const char *words, *says;
    } wrong[] = {
        {"", "nothing to convert"},
        {"-o out.h5", "nothing to convert"},
        {"a.csv", "the output is missing"},
        {"a.csv -o out.h5 --lable u", "Did you mean '--label'?"},
        {"a.csv -o out.h5 --type u9", "--type must be u8, i8"},
        {"a.csv -o out.h5 --separator xy", "--separator must be"},
        {"a.csv -o out.h5 --separator x", "cannot separate cells"},
        {"a.csv -o out.h5 --gzip 0", "--gzip must be from 1 to 9"},
        {"a.csv -o out.h5 --index-base 2", "--index-base must be 0 or 1; it is '2'"},
        {"a.csv -o out.h5 --index-base 01", "--index-base must be 0 or 1"},
        {"a.csv -o out.h5 --features 0", "--features must be a whole number from 1; it is '0'"},
        {"a.csv -o out.h5 --features -3", "--features must be a whole number from 1"},
        {"a.csv -o out.h5 --features 99999999999999999999", "--features must be a whole number"},
        {"a.csv -o out.h5 --features 2", "--features is for LIBSVM, and a.csv looks like CSV"},
        {"a.csv -o out.h5 --gzip 11", "--gzip must be from 1 to 9"},
        {"a.csv -o out.h5 --label u --no-label", "exclude each other"},
        {"a.csv -o out.h5 --label q", "available: 'u', 'v', 'w'"},
        {"a.csv -o out.h5 --one-hot w --drop w", "'w' of a.csv is named by --drop and by --one-hot"},
        {"a.csv -o out.h5 --one-hot u,,v", "--one-hot must be COLUMN[,COLUMN...]; it is 'u,,v'"},
        {"a.csv -o out.h5 --weight q", "has no column 'q'"},
        {"a.csv -o out.h5 --drop u,v", "no column is left for the features"},
        {"a.csv -o out.h5 --drop 7", "--drop must be from -3 to 2; it is 7"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(convert(wrong[i].words) == TW_USAGE, "%s", wrong[i].words);
        ck_assert_says(wrong[i].says);
        ck_assert_str_eq(printed, "");
        ck_assert_int_eq(scratch_entries(), 1);
    }
}
END_TEST

START_TEST(other_failures_have_their_codes)
{
    ck_assert_int_eq(convert("b.csv -o out.h5"), TW_INPUT);
    ck_assert_int_eq(convert("a.csv -o nowhere/out.h5"), TW_OUTPUT);
    ck_assert_int_eq(convert("a.csv -o a.csv --force"), TW_USAGE);
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

/* In a child of its own: Check, too, writes to files. */
START_TEST(a_file_beyond_the_limit_is_code_74_and_no_death_by_signal)
{
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const struct rlimit limit = {1000, 1000};
        char *argv[] = {"thalweg convert", "a.csv", "-o", "out.h5", NULL};
        signal(SIGXFSZ, SIG_DFL);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(1);
        _exit((int)tw_command_convert(4, argv));
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == TW_IO);
    ck_assert_int_eq(scratch_entries(), 1);
}
END_TEST

START_TEST(under_a_launcher_only_rank_0_works)
{
    setenv("OMPI_COMM_WORLD_RANK", "1", 1);
    ck_assert_int_eq(convert("a.csv -o out.h5"), TW_OK);
    ck_assert_int_eq(scratch_entries(), 1);
    setenv("OMPI_COMM_WORLD_RANK", "0", 1);
    ck_assert_int_eq(convert("a.csv -o out.h5"), TW_OK);
    ck_assert_int_eq(scratch_entries(), 2);
}
END_TEST

/* A child converts much; a signal ends it with 75, and its temporary is gone. */
START_TEST(a_signal_ends_it_and_removes_the_temporary)
{
    FILE *file = fopen("big.csv", "wb");
    for (int i = 0; i < 2000000; i++) fputs("0.12345678901234567,0.12345678901234567\n", file);
    ck_assert_int_eq(fclose(file), 0);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        signal(SIGTERM, SIG_DFL);
        _exit((int)convert("big.csv -o out.h5"));
    }
    int status, waited = 0;
    while (scratch_entries() < 4 && waited++ < 20000)
        usleep(1000); /* a.csv, big.csv, printed, the temporary */
    ck_assert_int_eq(scratch_entries(), 4);
    ck_assert_int_eq(kill(child, SIGTERM), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == TW_STOPPED);
    ck_assert_int_eq(access("out.h5", F_OK), -1);
    ck_assert_int_eq(scratch_entries(), 2); /* a.csv, big.csv */
}
END_TEST

int main(void)
{
    Suite *s = suite_create("convert");
    TCase *t = tcase_create("convert");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, it_says_in_one_line_what_it_wrote);
    tcase_add_test(t, options_reach_the_import);
    tcase_add_test(t, a_dry_run_shows_the_columns_and_writes_nothing);
    tcase_add_test(t, libsvm_files_are_described_and_written);
    tcase_add_test(t, numpy_files_are_described_and_written);
    tcase_add_test(t, names_in_a_file_cannot_drive_the_terminal);
    tcase_add_test(t, mistakes_on_the_command_line_are_code_64);
    tcase_add_test(t, other_failures_have_their_codes);
    tcase_add_test(t, a_file_beyond_the_limit_is_code_74_and_no_death_by_signal);
    tcase_add_test(t, under_a_launcher_only_rank_0_works);
    tcase_add_test(t, a_signal_ends_it_and_removes_the_temporary);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
