/* fuzz.h -- what the fuzz targets share: an oracle that aborts, files in memory, bytes taken one by one.
 *
 * A target is one file with the two functions below. It is linked twice: by clang with libFuzzer (preset
 * fuzz), and by any compiler with driver.c, which replays the corpus and then mutates it blindly. A finding
 * is an abort, a signal, a sanitizer's report, or an input that takes too long. */
#ifndef THALWEG_FUZZ_H
#define THALWEG_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/** Once, before the first input. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/** One input. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/** Say what is wrong and abort: a finding. */
_Noreturn void fuzz_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define FUZZ_REQUIRE(condition, ...)              \
    do {                                          \
        if (!(condition)) fuzz_fail(__VA_ARGS__); \
    } while (0)

/** A regular file that lives in memory and has a path. All zero: not made yet. Never closed. */
typedef struct {
    int fd;
    char path[32];
} fuzz_file;

/** Make these bytes the content. Returns the path. */
const char *fuzz_file_fill(fuzz_file *file, const void *bytes, size_t size);

/** What is left of an input; behind its end there are zeros. */
typedef struct {
    const uint8_t *at;
    size_t left;
} fuzz_bytes;

uint8_t fuzz_take(fuzz_bytes *bytes);
uint64_t fuzz_take_number(fuzz_bytes *bytes, size_t size); /* little-endian */

/** The bytes before the next stop, which is passed over; all that is left when there is none. To be freed. */
char *fuzz_take_until(fuzz_bytes *bytes, char stop, size_t *size);

/** A folder for the files of this process, in memory where the machine allows; removed at exit. */
const char *fuzz_folder(void);

/** Nothing that is printed to standard output is worth seeing. */
void fuzz_silence(void);

/** Start HDF5 so that it keeps the memory of its caches: most of the time would be spent on fresh pages. */
void fuzz_start_hdf5(void);

#endif
