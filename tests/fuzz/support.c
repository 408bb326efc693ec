/* support.c -- fuzz.h for every target. */
#include "fuzz.h"

#include "thalweg/dataset.h"

#include <ftw.h>
#include <hdf5.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("fuzz: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

const char *fuzz_file_fill(fuzz_file *file, const void *bytes, size_t size)
{
    if (file->path[0] == 0) {
        file->fd = memfd_create("fuzz", MFD_CLOEXEC);
        FUZZ_REQUIRE(file->fd >= 0, "this machine has no files in memory");
        snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->fd);
    }
    FUZZ_REQUIRE(ftruncate(file->fd, (off_t)size) == 0 &&
                     (size == 0 || pwrite(file->fd, bytes, size, 0) == (ssize_t)size),
                 "cannot write a file in memory");
    return file->path;
}

uint8_t fuzz_take(fuzz_bytes *b)
{
    if (b->left == 0) return 0;
    b->left--;
    return *b->at++;
}

uint64_t fuzz_take_number(fuzz_bytes *b, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value |= (uint64_t)fuzz_take(b) << 8 * i;
    return value;
}

char *fuzz_take_until(fuzz_bytes *b, char stop, size_t *size)
{
    const uint8_t *end = b->left ? memchr(b->at, stop, b->left) : NULL;
    *size = end ? (size_t)(end - b->at) : b->left;
    char *copy = calloc(*size + 1, 1);
    FUZZ_REQUIRE(copy, "out of memory");
    if (*size) memcpy(copy, b->at, *size);
    const size_t passed = *size + (end != NULL);
    if (passed) b->at += passed;
    b->left -= passed;
    return copy;
}

static char folder[64];
static pid_t owner;

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info, (void)kind, (void)at;
    return remove(path);
}

static void remove_folder(void)
{
    if (getpid() == owner) nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fuzz_folder(void)
{
    if (folder[0]) return folder;
    const char *const base = access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/thalweg-fuzz-XXXXXX", base);
    FUZZ_REQUIRE(mkdtemp(folder), "cannot make a folder in %s", base);
    owner = getpid();
    atexit(remove_folder);
    return folder;
}

void fuzz_silence(void)
{
    FUZZ_REQUIRE(freopen("/dev/null", "w", stdout), "cannot open /dev/null");
}

void fuzz_start_hdf5(void)
{
    tw_dataset_start();
    H5set_free_list_limits(-1, -1, -1, -1, -1, -1);
}
