/* fuzz_idx.c -- any bytes as one or two IDX files for `thalweg convert`.
 *
 * An input is a byte of options (1 one file, 2 write, 4 compress), the length of the first file in 16 bits
 * little-endian, the first file, the second. */
#include "imports.h"

enum { ONE = 1, WRITE = 2, COMPRESS = 4 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    imports_start();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static fuzz_file file[2];
    fuzz_bytes left = {bytes, size};
    const unsigned how = fuzz_take(&left);
    const uint64_t claimed = fuzz_take_number(&left, 2);
    const size_t first = claimed < left.left ? (size_t)claimed : left.left;
    const char *const paths[2] = {fuzz_file_fill(&file[0], left.at, first),
                                  fuzz_file_fill(&file[1], left.at + first, left.left - first)};
    const tw_import_options options = {.replace = true, .gzip = how & COMPRESS ? 1 : 0};
    imports_run(how & ONE ? 1 : 2, paths, how & WRITE, &options);
    return 0;
}
