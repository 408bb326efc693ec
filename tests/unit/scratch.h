/* scratch.h -- a folder of its own for every test, and raw bytes in and out of it without the code under
 * test. */
#ifndef THALWEG_TEST_SCRATCH_H
#define THALWEG_TEST_SCRATCH_H

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch[512];

static inline void scratch_make(void)
{
    const char *const base = getenv("TMPDIR");
    snprintf(scratch, sizeof scratch, "%s/thalweg-XXXXXX", base && base[0] ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(scratch));
}

static inline int scratch_remove_one(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info, (void)kind, (void)at;
    return remove(path);
}

static inline void scratch_remove(void)
{
    nftw(scratch, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/** Path of a name in the folder; four at a time. */
static inline const char *in_scratch(const char *name)
{
    static char path[4][1024];
    static unsigned next;
    char *const at = path[next++ % 4];
    snprintf(at, sizeof path[0], "%s/%s", scratch, name);
    return at;
}

/** Names in the folder, "." and ".." not counted. */
static inline int scratch_entries(void)
{
    int count = 0;
    DIR *const folder = opendir(scratch);
    ck_assert_ptr_nonnull(folder);
    while (readdir(folder)) count++;
    closedir(folder);
    return count - 2;
}

static inline void spill(const char *path, size_t size, const void *bytes)
{
    FILE *const file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

/** Change bytes of a file that exists. (Writing it anew would make some file systems flush it every time.) */
static inline void overwrite(const char *path, size_t offset, size_t size, const void *bytes)
{
    const int fd = open(path, O_WRONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
    ck_assert_int_eq(close(fd), 0);
}

/** All bytes of a file, to be freed; a zero follows them. */
static inline char *slurp(const char *path, size_t *size)
{
    struct stat info;
    FILE *const file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fstat(fileno(file), &info), 0);
    *size = (size_t)info.st_size;
    char *const bytes = calloc(*size + 1, 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

#define ck_assert_says(text) \
    ck_assert_msg(strstr(tw_status_message(), text) != NULL, "'%s' is not in '%s'", text, tw_status_message())

#endif
