#include "core/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUFFIX_LEN = sizeof ".0123456789abcdef.tmp", TRIES = 100, MOST_AT_ONCE = 1 << 30 };

static tw_status cannot_create(const tw_output_file *f, int error)
{
    return tw_fail(TW_OUTPUT, "cannot create %s: %s", f->path, strerror(error));
}

tw_status tw_output_file_failed(const tw_output_file *f, const char *verb, int error)
{
    const char *const advice = error == ENOSPC || error == EDQUOT ? "; free some space or write elsewhere"
                               : error == EFBIG                   ? "; raise the limit (ulimit -f)"
                                                                  : "";
    return tw_fail(error == ENOMEM ? TW_MEMORY : TW_IO, "cannot %s %s: %s%s%s", verb, f->path,
                   strerror(error), advice, f->replace ? "; what was there before is unchanged" : "");
}

/* ---- folders ---- */

int tw_output_folder_open(const char *path)
{
    const char *const slash = strrchr(path, '/');
    char *folder = !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (!folder) return -1;
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = errno;
    free(folder);
    errno = error;
    return fd;
}

static int sync_fd(int fd)
{
    int result;
    do result = fsync(fd);
    while (result != 0 && errno == EINTR);
    return result;
}

int tw_output_folder_sync(int folder)
{
    return sync_fd(folder) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : -1;
}

static tw_status open_folder(tw_output_file *f)
{
    f->folder = tw_output_folder_open(f->path);
    const int error = f->folder >= 0 && faccessat(f->folder, ".", W_OK | X_OK, 0) == 0 ? 0 : errno;
    if (!error) return TW_OK;
    if (error == ENOMEM) return tw_fail(TW_MEMORY, "out of memory for the folder of %s", f->path);
    return tw_fail(TW_OUTPUT, "cannot create %s: its folder: %s", f->path, strerror(error));
}

/* ---- open ---- */

/* Links are looked at themselves: a commit replaces the link, not what it leads to. */
static tw_status check_name(const tw_output_file *f)
{
    struct stat info;
    const char *const name = f->path + f->name;
    if (strlen(name) + SUFFIX_LEN > NAME_MAX + 1) return cannot_create(f, ENAMETOOLONG);
    if (fstatat(f->folder, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? TW_OK : cannot_create(f, errno);
    if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode))
        return tw_fail(TW_OUTPUT, "cannot create %s: it exists and is no regular file", f->path);
    if (f->replace) return TW_OK;
    return tw_fail(TW_OUTPUT, "cannot create %s: it exists; remove it or use --force", f->path);
}

static tw_status begin(tw_output_file *f, const char *path, bool replace)
{
    const char *const slash = strrchr(path, '/');
    *f = (tw_output_file){.folder = -1, .fd = -1, .replace = replace};
    f->name = slash ? (size_t)(slash + 1 - path) : 0;
    if (path[f->name] == 0) return tw_fail(TW_OUTPUT, "cannot create '%s': this is no name of a file", path);
    f->path = strdup(path);
    if (!f->path) return tw_fail(TW_MEMORY, "out of memory for the name of %s", path);
    TW_TRY(open_folder(f));
    return check_name(f);
}

tw_status tw_output_file_possible(const char *path, bool replace)
{
    tw_output_file f;
    const tw_status status = begin(&f, path, replace);
    tw_output_file_release(&f);
    return status;
}

/* 0, or an errno. */
static int create(tw_output_file *f, size_t length)
{
    for (int i = 0; i < TRIES; i++) {
        uint64_t random = 0;
        if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) return errno;
        snprintf(f->temporary, length, "%s.%016llx.tmp", f->path, (unsigned long long)random);
        f->fd = openat(f->folder, f->temporary + f->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                       0644);
        if (f->fd >= 0) return 0;
        if (errno != EEXIST) return errno;
    }
    return EEXIST;
}

static void forget_temporary(tw_output_file *f)
{
    free(f->temporary);
    f->temporary = NULL;
}

tw_status tw_output_file_open(tw_output_file *f, const char *path, bool replace)
{
    TW_TRY(begin(f, path, replace));
    const size_t length = strlen(path) + SUFFIX_LEN;
    f->temporary = malloc(length);
    if (!f->temporary) return tw_fail(TW_MEMORY, "out of memory for the name of %s", path);
    const int error = create(f, length);
    if (!error) return TW_OK;
    forget_temporary(f); /* not ours */
    return cannot_create(f, error);
}

/* ---- write ---- */

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

void tw_output_file_sync(tw_output_file *f)
{
    if (!f->error && sync_fd(f->fd) != 0) f->error = errno;
}

tw_status tw_output_file_check(const tw_output_file *f)
{
    return f->error ? tw_output_file_failed(f, "write", f->error) : TW_OK;
}

/* ---- commit ---- */

tw_status tw_output_file_seal(tw_output_file *f)
{
    struct stat info;
    tw_output_file_sync(f);
    if (!f->error && fstat(f->fd, &info) != 0) f->error = errno;
    TW_TRY(tw_output_file_check(f));
    f->size = (uint64_t)info.st_size;
    const int fd = f->fd;
    f->fd = -1;
    if (close(fd) != 0 && errno != EINTR) f->error = errno;
    return tw_output_file_check(f);
}

tw_status tw_output_file_reopen(const tw_output_file *f, int *fd)
{
    *fd = openat(f->folder, f->temporary + f->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    return *fd >= 0 ? TW_OK : tw_output_file_failed(f, "read back", errno);
}

/* The name must still be free: two writers of one name end with one of them refused. */
static int take_name(const tw_output_file *f)
{
    const char *const from = f->temporary + f->name, *const to = f->path + f->name;
    if (renameat2(f->folder, from, f->folder, to, RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return -1;
    if (linkat(f->folder, from, f->folder, to, 0) != 0) return -1;
    return unlinkat(f->folder, from, 0);
}

static tw_status give_name(const tw_output_file *f)
{
    if (f->replace) {
        if (renameat(f->folder, f->temporary + f->name, f->folder, f->path + f->name) == 0) return TW_OK;
        return tw_output_file_failed(f, "rename", errno);
    }
    if (take_name(f) == 0) return TW_OK;
    if (errno != EEXIST) return cannot_create(f, errno);
    return tw_fail(TW_OUTPUT, "cannot create %s: another program has made it meanwhile", f->path);
}

tw_status tw_output_file_commit(tw_output_file *f, uint64_t *bytes)
{
    TW_TRY(f->fd >= 0 ? tw_output_file_seal(f) : tw_output_file_check(f));
    TW_TRY(give_name(f));
    forget_temporary(f);
    if (bytes) *bytes = f->size;
    if (tw_output_folder_sync(f->folder) == 0) return TW_OK;
    return tw_fail(TW_IO, "%s is written, but may not survive a power cut: %s", f->path, strerror(errno));
}

void tw_output_file_release(tw_output_file *f)
{
    if (!f->path) return; /* never opened */
    if (f->fd >= 0) close(f->fd);
    if (f->temporary) unlinkat(f->folder, f->temporary + f->name, 0);
    if (f->folder >= 0) close(f->folder);
    free(f->temporary);
    free(f->path);
    *f = (tw_output_file){.folder = -1, .fd = -1};
}
