/* fuzz_header.c -- any bytes as a model file, as far as its header goes.
 *
 * An input is a byte of options (1 seal it, 2 let an edited file pass) and the file. Only a file whose header
 * is right in every byte may be opened. HDF5 itself, which damaged bytes are known to crash, never gets any:
 * a file with a signature of HDF5 in it is not sealed here and not let pass (fuzz_model.c builds valid ones).
 */
#include "fuzz.h"
#include "sealed.h"

#include <stdlib.h>

enum { SEAL = 1, LET_PASS = 2 };

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    fuzz_start_hdf5();
    return 0;
}

static bool sealed(const uint8_t *file, size_t size)
{
    unsigned char header[TW_IMAGE_HEADER];
    if (size < TW_IMAGE_HEADER) return false;
    sealed_header(header, "model", file + TW_IMAGE_HEADER, size - TW_IMAGE_HEADER);
    return memcmp(header, file, sizeof header) == 0;
}

static void open_file(const char *path, const uint8_t *bytes, size_t size, bool *edited)
{
    hid_t file;
    const tw_status status = tw_image_open(path, "model", &file, edited);
    FUZZ_REQUIRE(status == TW_OK || status == TW_DATA, "status %d: %s", status, tw_status_message());
    FUZZ_REQUIRE((status == TW_OK) == (file >= 0), "a handle without success, or the reverse");
    if (status != TW_OK) return;
    FUZZ_REQUIRE(edited || sealed(bytes, size), "a file with a wrong header was opened");
    H5Fclose(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static fuzz_file file;
    fuzz_bytes left = {bytes, size};
    const unsigned how = fuzz_take(&left);
    const bool hdf5 = left.left && memmem(left.at, left.left, "\x89HDF\r\n\x1a\n", 8) != NULL;
    uint8_t *const copy = malloc(left.left + 1);
    bool edited;
    FUZZ_REQUIRE(copy, "out of memory");
    if (left.left) memcpy(copy, left.at, left.left);
    if (how & SEAL && !hdf5 && left.left >= TW_IMAGE_HEADER)
        sealed_header(copy, "model", copy + TW_IMAGE_HEADER, left.left - TW_IMAGE_HEADER);
    open_file(fuzz_file_fill(&file, copy, left.left), copy, left.left,
              how & LET_PASS && !hdf5 ? &edited : NULL);
    free(copy);
    return 0;
}
