#include "data/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUFFIX_LEN = 32, TRIES = 100 };
#define MOST_AT_ONCE ((size_t)1 << 30)

static char *folder_of(const char *path)
{
    const char *const slash = strrchr(path, '/');
    return !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Links are looked at themselves: a commit replaces the link, not what it leads to. */
tw_status tw_output_file_possible(const char *path, bool replace)
{
    struct stat info;
    if (path[0] == 0) return tw_fail(TW_OUTPUT, "the name of the output is empty");
    if (lstat(path, &info) == 0) {
        if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode))
            return tw_fail(TW_OUTPUT, "cannot create %s: it exists and is no regular file", path);
        if (!replace)
            return tw_fail(TW_OUTPUT, "cannot create %s: it exists; remove it or use --force", path);
    }
    char *folder = folder_of(path);
    if (!folder) return tw_fail(TW_MEMORY, "out of memory for the name of %s", path);
    const int refused = access(folder, W_OK | X_OK) == 0 ? 0 : errno;
    free(folder);
    return refused ? tw_fail(TW_OUTPUT, "cannot create %s: its folder: %s", path, strerror(refused)) : TW_OK;
}

static tw_status create(tw_output_file *f)
{
    const size_t length = strlen(f->path) + SUFFIX_LEN;
    f->temporary = malloc(length);
    if (!f->temporary) return tw_fail(TW_MEMORY, "out of memory for the name of %s", f->path);
    for (int i = 0; i < TRIES; i++) {
        uint64_t random = 0;
        if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) break;
        snprintf(f->temporary, length, "%s.%016llx.tmp", f->path, (unsigned long long)random);
        f->fd = open(f->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (f->fd >= 0) return TW_OK;
        if (errno != EEXIST) break;
    }
    const int error = errno;
    free(f->temporary);
    f->temporary = NULL;
    return tw_fail(TW_OUTPUT, "cannot create %s: %s", f->path, strerror(error));
}

tw_status tw_output_file_open(tw_output_file *f, const char *path, bool replace)
{
    *f = (tw_output_file){.fd = -1, .replace = replace};
    TW_TRY(tw_output_file_possible(path, replace));
    f->path = strdup(path);
    if (!f->path) return tw_fail(TW_MEMORY, "out of memory for the name of %s", path);
    return create(f);
}

void tw_output_file_write(tw_output_file *f, uint64_t offset, size_t size, const void *bytes)
{
    const char *at = bytes;
    while (size > 0 && !f->error) {
        const size_t piece = size < MOST_AT_ONCE ? size : MOST_AT_ONCE;
        const ssize_t done = pwrite(f->fd, at, piece, (off_t)offset);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) {
            f->error = done < 0 ? errno : EIO;
            return;
        }
        at += done;
        offset += (uint64_t)done;
        size -= (size_t)done;
    }
}

void tw_output_file_truncate(tw_output_file *f, uint64_t size)
{
    if (!f->error && ftruncate(f->fd, (off_t)size) != 0) f->error = errno;
}

static tw_status failed(const char *verb, const char *path, int error)
{
    const char *const advice = error == ENOSPC || error == EDQUOT ? "; free some space or write elsewhere"
                               : error == EFBIG                   ? "; raise the limit (ulimit -f)"
                                                                  : "";
    return tw_fail(TW_IO, "cannot %s %s: %s%s", verb, path, strerror(error), advice);
}

tw_status tw_output_file_check(const tw_output_file *f)
{
    return f->error ? failed("write", f->path, f->error) : TW_OK;
}

/* Without replace the name must still be free: two writers of one name end with one of them refused. */
static int give_name(const tw_output_file *f)
{
    if (f->replace) return rename(f->temporary, f->path);
    if (renameat2(AT_FDCWD, f->temporary, AT_FDCWD, f->path, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -1;
    if (link(f->temporary, f->path) != 0) return -1;
    return unlink(f->temporary);
}

static int sync_folder(const char *path)
{
    char *folder = folder_of(path);
    const int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(folder);
    if (fd < 0) return -1;
    const int result = fsync(fd), error = errno;
    close(fd);
    errno = error;
    return result != 0 && error != EINVAL && error != ENOTSUP ? -1 : 0; /* some systems cannot */
}

static tw_status finish(tw_output_file *f, uint64_t *bytes)
{
    struct stat info;
    if (fsync(f->fd) != 0 || fstat(f->fd, &info) != 0) return failed("write", f->path, errno);
    if (bytes) *bytes = (uint64_t)info.st_size;
    const int fd = f->fd;
    f->fd = -1;
    return close(fd) == 0 ? TW_OK : failed("write", f->path, errno);
}

tw_status tw_output_file_commit(tw_output_file *f, uint64_t *bytes)
{
    TW_TRY(tw_output_file_check(f));
    TW_TRY(finish(f, bytes));
    if (give_name(f) != 0) {
        const int error = errno;
        if (error == EEXIST)
            return tw_fail(TW_OUTPUT, "cannot create %s: another program has made it meanwhile", f->path);
        return tw_fail(TW_OUTPUT, "cannot create %s: %s", f->path, strerror(error));
    }
    free(f->temporary);
    f->temporary = NULL;
    return sync_folder(f->path) == 0 ? TW_OK : failed("make durable", f->path, errno);
}

void tw_output_file_release(tw_output_file *f)
{
    if (f->fd >= 0) close(f->fd);
    if (f->temporary) unlink(f->temporary);
    free(f->temporary);
    free(f->path);
    *f = (tw_output_file){.fd = -1};
}
