#include "thalweg/file.h"

#include "thalweg/units.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 100, PIECE = 1 << 16, MOST_AT_ONCE = 1 << 30 };

typedef struct {
    const char *path, *name; /* name: last part of path */
    int folder, fd;
    char temporary[NAME_MAX + 1]; /* "": none to remove */
} commit;

static tw_status cannot_create(const char *path, int error)
{
    return tw_fail(TW_OUTPUT, "cannot create %s: %s", path, strerror(error));
}

static tw_status cannot_write(const commit *c, const char *verb, int error)
{
    const char *const advice = error == ENOSPC || error == EDQUOT ? "; free some space or write elsewhere"
                               : error == EFBIG                   ? "; raise the limit (ulimit -f)"
                                                                  : "";
    return tw_fail(TW_IO, "cannot %s %s: %s%s; what was there before is unchanged", verb, c->path,
                   strerror(error), advice);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- folders ---- */

static char *folder_of(const char *path)
{
    const char *const slash = strrchr(path, '/');
    return !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* The folder is opened before anything is made: one that cannot be synced later is refused now. */
static tw_status open_folder(commit *c)
{
    const char *const slash = strrchr(c->path, '/');
    c->name = slash ? slash + 1 : c->path;
    if (c->name[0] == 0) return tw_fail(TW_OUTPUT, "cannot create '%s': this is no name of a file", c->path);
    char *folder = folder_of(c->path);
    if (!folder) return tw_fail(TW_MEMORY, "out of memory for the name of %s", c->path);
    c->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int error = errno;
    free(folder);
    return c->folder < 0 ? cannot_create(c->path, error) : TW_OK;
}

static int sync_fd(int fd)
{
    int result;
    do result = fsync(fd);
    while (result != 0 && errno == EINTR);
    return result;
}

/* Some file systems cannot sync a folder and need not. */
static int sync_folder(int fd)
{
    return sync_fd(fd) == 0 || errno == EINVAL || errno == ENOTSUP ? 0 : -1;
}

/* ---- commit ---- */

static tw_status check_name(const commit *c)
{
    struct stat info;
    if (fstatat(c->folder, c->name, &info, AT_SYMLINK_NOFOLLOW) != 0 || S_ISREG(info.st_mode) ||
        S_ISLNK(info.st_mode))
        return TW_OK;
    return tw_fail(TW_OUTPUT, "cannot create %s: it exists and is no regular file", c->path);
}

static int create_exclusively(commit *c)
{
    for (int i = 0; i < TRIES; i++) {
        uint64_t random = 0;
        if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) return errno;
        const int length = snprintf(c->temporary, sizeof c->temporary, "%s.%016llx.tmp", c->name,
                                    (unsigned long long)random);
        if (length < 0 || (size_t)length >= sizeof c->temporary) return ENAMETOOLONG;
        c->fd = openat(c->folder, c->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (c->fd >= 0) return 0;
        if (errno != EEXIST) return errno;
    }
    return EEXIST;
}

static tw_status create(commit *c)
{
    TW_TRY(check_name(c));
    const int error = create_exclusively(c);
    if (!error) return TW_OK;
    c->temporary[0] = 0; /* not ours */
    return cannot_create(c->path, error);
}

static int write_all(int fd, const tw_bytes *part)
{
    const char *at = part->data;
    for (size_t left = part->size; left > 0;) {
        const ssize_t done = write(fd, at, smaller(left, MOST_AT_ONCE));
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return done < 0 ? errno : EIO;
        at += done;
        left -= (size_t)done;
    }
    return 0;
}

static tw_status fill(commit *c, size_t n_parts, const tw_bytes *parts)
{
    int error = 0;
    for (size_t i = 0; i < n_parts && !error; i++) error = write_all(c->fd, &parts[i]);
    if (error) return cannot_write(c, "write", error);
    if (sync_fd(c->fd) != 0) return cannot_write(c, "write", errno);
    const int fd = c->fd;
    c->fd = -1;
    return close(fd) == 0 || errno == EINTR ? TW_OK : cannot_write(c, "write", errno);
}

/* Read exactly size bytes; 0, an errno, or -1 when the file ends before. */
static int read_all(int fd, size_t size, char *bytes)
{
    while (size > 0) {
        const ssize_t done = read(fd, bytes, smaller(size, MOST_AT_ONCE));
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return done < 0 ? errno : -1;
        bytes += done;
        size -= (size_t)done;
    }
    return 0;
}

static int compare(int fd, const tw_bytes *part)
{
    char piece[PIECE];
    const char *const bytes = part->data;
    for (size_t at = 0; at < part->size; at += sizeof piece) {
        const size_t size = smaller(part->size - at, sizeof piece);
        const int error = read_all(fd, size, piece);
        if (error) return error;
        if (memcmp(piece, bytes + at, size) != 0) return -1;
    }
    return 0;
}

static tw_status verify(const commit *c, size_t n_parts, const tw_bytes *parts)
{
    char more;
    const int fd = openat(c->folder, c->temporary, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return cannot_write(c, "read back", errno);
    int error = 0;
    for (size_t i = 0; i < n_parts && !error; i++) error = compare(fd, &parts[i]);
    if (!error && read_all(fd, 1, &more) != -1) error = -1;
    close(fd);
    if (error > 0) return cannot_write(c, "read back", error);
    if (!error) return TW_OK;
    return tw_fail(
        TW_IO,
        "cannot write %s: other bytes came back than were written, the disk or its network is at fault; "
        "what was there before is unchanged",
        c->path);
}

static tw_status publish(commit *c)
{
    if (renameat(c->folder, c->temporary, c->folder, c->name) != 0) return cannot_write(c, "rename", errno);
    c->temporary[0] = 0;
    if (sync_folder(c->folder) == 0) return TW_OK;
    return tw_fail(TW_IO, "%s is written, but may not survive a power cut: %s", c->path, strerror(errno));
}

tw_status tw_file_commit(const char *path, size_t n_parts, const tw_bytes *parts)
{
    commit c = {.path = path, .folder = -1, .fd = -1};
    tw_status status = open_folder(&c);
    if (status == TW_OK) status = create(&c);
    if (status == TW_OK) status = fill(&c, n_parts, parts);
    if (status == TW_OK) status = verify(&c, n_parts, parts);
    if (status == TW_OK) status = publish(&c);
    if (c.fd >= 0) close(c.fd);
    if (c.temporary[0]) unlinkat(c.folder, c.temporary, 0);
    if (c.folder >= 0) close(c.folder);
    return status;
}

/* ---- reading ---- */

static tw_status open_regular(const char *path, int *fd, size_t *size)
{
    struct stat info;
    *fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* a FIFO must not hold us up */
    if (*fd < 0) return tw_fail(TW_INPUT, "cannot open %s: %s", path, strerror(errno));
    const int error = fstat(*fd, &info) == 0 ? 0 : errno;
    *size = error ? 0 : (size_t)info.st_size;
    if (!error && S_ISREG(info.st_mode)) return TW_OK;
    close(*fd);
    if (error) return tw_fail(TW_INPUT, "cannot open %s: %s", path, strerror(error));
    return tw_fail(TW_INPUT, "cannot read %s: it is %s", path,
                   S_ISDIR(info.st_mode) ? "a directory" : "not a regular file");
}

static tw_status cannot_read(const char *path, int error)
{
    if (error < 0) return tw_fail(TW_IO, "%s changed while it was read; try again", path);
    return tw_fail(TW_IO, "cannot read %s: %s", path, strerror(error));
}

static tw_status read_whole(const char *path, int fd, size_t size, char **bytes)
{
    char *all = malloc(size + 1);
    if (!all) return tw_fail(TW_MEMORY, "out of memory for the %zu bytes of %s", size, path);
    int error = read_all(fd, size, all);
    if (!error && read_all(fd, 1, all + size) != -1) error = -1;
    if (error) {
        free(all);
        return cannot_read(path, error);
    }
    all[size] = 0;
    *bytes = all;
    return TW_OK;
}

tw_status tw_file_read(const char *path, size_t most, char **bytes, size_t *size)
{
    char is[TW_UNIT_LEN], limit[TW_UNIT_LEN];
    size_t length = 0;
    int fd;
    *bytes = NULL;
    *size = 0;
    TW_TRY(open_regular(path, &fd, &length));
    const tw_status status =
        length > most ? tw_fail(TW_DATA, "%s is too large: it has %s, at most %s are read", path,
                                tw_units_bytes((double)length, is), tw_units_bytes((double)most, limit))
                      : read_whole(path, fd, length, bytes);
    close(fd);
    if (status == TW_OK) *size = length;
    return status;
}

tw_status tw_file_peek(const char *path, size_t most, void *bytes, size_t *size)
{
    size_t length = 0;
    int fd;
    *size = 0;
    TW_TRY(open_regular(path, &fd, &length));
    const size_t wanted = smaller(length, most);
    const int error = read_all(fd, wanted, bytes);
    close(fd);
    if (error) return cannot_read(path, error);
    *size = wanted;
    return TW_OK;
}

/* ---- tw_folder_make ---- */

/* The new entry must survive a power cut, or all that is later committed below it is lost. */
static int sync_entry(const char *path)
{
    char *folder = folder_of(path);
    const int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    free(folder);
    if (fd < 0) return 0; /* a folder that we may change but not read */
    const int result = sync_folder(fd), error = errno;
    close(fd);
    errno = error;
    return result;
}

static tw_status make_one(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        if (mkdir(path, 0777) == 0) return sync_entry(path) == 0 ? TW_OK : cannot_create(path, errno);
        if (errno != EEXIST || stat(path, &info) != 0) return cannot_create(path, errno);
    }
    return S_ISDIR(info.st_mode) ? TW_OK
                                 : tw_fail(TW_OUTPUT, "cannot create %s: it exists and is no folder", path);
}

tw_status tw_folder_make(const char *path)
{
    if (path[0] == 0) return tw_fail(TW_OUTPUT, "the name of the folder is empty");
    char *part = strdup(path);
    if (!part) return tw_fail(TW_MEMORY, "out of memory for the name of %s", path);
    tw_status status = TW_OK;
    for (char *end = part; *end && status == TW_OK;) {
        end += strspn(end, "/");
        end += strcspn(end, "/");
        const char kept = *end;
        *end = 0;
        status = make_one(part);
        *end = kept;
    }
    free(part);
    return status;
}
