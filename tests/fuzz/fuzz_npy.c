/* fuzz_npy.c -- any bytes as one or two NPY files for `thalweg convert`.
 *
 * An input is a byte of options (1 one file, 2 write, 4 compress, 8 dress, 16 zip), the length of the first
 * file in 16 bits little-endian, the first file, the second. To dress: a file is a header up to a zero byte,
 * and values; what stands before the header of an NPY file is put before it, so that mutations of any length
 * reach the rest. To zip: the files are gzipped first. */
#include "imports.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { ONE = 1, WRITE = 2, COMPRESS = 4, DRESS = 8, ZIP = 16, BEFORE = 10 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    imports_start();
    return 0;
}

/* Returns its size; out has space for BEFORE bytes more. */
static size_t dress(const uint8_t *bytes, size_t size, uint8_t *out)
{
    const uint8_t *const end = size ? memchr(bytes, 0, size) : NULL;
    const size_t header = end ? (size_t)(end - bytes) : size;
    memcpy(out, "\x93NUMPY\1", 8);
    out[8] = (uint8_t)(header & 0xff);
    out[9] = (uint8_t)(header >> 8);
    if (header) memcpy(out + BEFORE, bytes, header);
    if (!end) return BEFORE + header;
    memcpy(out + BEFORE + header, end + 1, size - header - 1);
    return BEFORE + size - 1;
}

static size_t zip(const uint8_t *bytes, size_t size, uint8_t *out, size_t space)
{
    z_stream z = {
        .next_in = (z_const Bytef *)bytes, .avail_in = (uInt)size, .next_out = out, .avail_out = (uInt)space};
    FUZZ_REQUIRE(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK, "out of memory");
    FUZZ_REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END, "no space to zip %zu bytes", size);
    const size_t zipped = space - z.avail_out;
    deflateEnd(&z);
    return zipped;
}

static const char *make_file(fuzz_file *file, unsigned how, const uint8_t *bytes, size_t size)
{
    const size_t space = 2 * size + 256;
    uint8_t *const dressed = malloc(space), *const zipped = malloc(space);
    FUZZ_REQUIRE(dressed && zipped, "out of memory");
    if (size > UINT16_MAX) size = UINT16_MAX;
    if (how & DRESS)
        size = dress(bytes, size, dressed);
    else if (size)
        memcpy(dressed, bytes, size);
    const size_t all = how & ZIP ? zip(dressed, size, zipped, space) : size;
    const char *const path = fuzz_file_fill(file, how & ZIP ? zipped : dressed, all);
    free(dressed);
    free(zipped);
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static fuzz_file file[2];
    fuzz_bytes left = {bytes, size};
    const unsigned how = fuzz_take(&left);
    const uint64_t claimed = fuzz_take_number(&left, 2);
    const size_t first = claimed < left.left ? (size_t)claimed : left.left;
    const char *const paths[2] = {make_file(&file[0], how, left.at, first),
                                  make_file(&file[1], how, left.at + first, left.left - first)};
    const tw_import_options options = {.replace = true, .gzip = how & COMPRESS ? 1 : 0};
    imports_run(how & ONE ? 1 : 2, paths, how & WRITE, &options);
    return 0;
}
