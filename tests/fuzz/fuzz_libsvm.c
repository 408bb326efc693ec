/* fuzz_libsvm.c -- any bytes as LIBSVM text for `thalweg convert`, plain or gzipped.
 *
 * The first line of an input is options: g compress, w write a file, tD type D, bD index base D, fD D
 * features. */
#include "imports.h"

#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    imports_start();
    return 0;
}

/* Returns whether to write. */
static bool parse_options(const char *line, tw_import_options *o)
{
    bool write = false;
    for (const char *c = line; *c; c++) {
        switch (*c) {
        case 'g': o->gzip = 1; break;
        case 'w': write = true; break;
        case 't':
            if (!c[1]) break;
            o->typed = true;
            o->type = (tw_dtype)((unsigned char)*++c % TW_N_DTYPES);
            break;
        case 'b':
            if (c[1]) o->index_base = (tw_import_index)((unsigned char)*++c % 3);
            break;
        case 'f':
            if (c[1]) o->features = (unsigned char)*++c;
            break;
        default: break;
        }
    }
    return write;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static fuzz_file file;
    fuzz_bytes left = {bytes, size};
    size_t length;
    tw_import_options options = {.replace = true};
    char *const line = fuzz_take_until(&left, '\n', &length);
    const bool write = parse_options(line, &options);
    const char *const path = fuzz_file_fill(&file, left.at, left.left);
    imports_run(1, &path, write, &options);
    free(line);
    return 0;
}
