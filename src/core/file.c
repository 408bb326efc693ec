#include "thalweg/file.h"

#include "core/output_file.h"
#include "thalweg/units.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 1 << 16, MOST_AT_ONCE = 1 << 30 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- commit ---- */

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

static tw_status verify(const tw_output_file *f, size_t n_parts, const tw_bytes *parts)
{
    char more;
    int fd, error = 0;
    TW_TRY(tw_output_file_reopen(f, &fd));
    for (size_t i = 0; i < n_parts && !error; i++) error = compare(fd, &parts[i]);
    if (!error && read_all(fd, 1, &more) != -1) error = -1;
    close(fd);
    if (error > 0) return tw_output_file_failed(f, "read back", error);
    if (!error) return TW_OK;
    return tw_fail(
        TW_IO,
        "cannot write %s: other bytes came back than were written, the disk or its network is at fault; "
        "what was there before is unchanged",
        f->path);
}

static tw_status fill(tw_output_file *f, size_t n_parts, const tw_bytes *parts)
{
    uint64_t at = 0;
    for (size_t i = 0; i < n_parts; i++) {
        tw_output_file_write(f, at, parts[i].size, parts[i].data);
        at += parts[i].size;
    }
    return tw_output_file_seal(f);
}

tw_status tw_file_commit(const char *path, size_t n_parts, const tw_bytes *parts)
{
    tw_output_file f;
    tw_status status = tw_output_file_open(&f, path, true);
    if (status == TW_OK) status = fill(&f, n_parts, parts);
    if (status == TW_OK) status = verify(&f, n_parts, parts);
    if (status == TW_OK) status = tw_output_file_commit(&f, NULL);
    tw_output_file_release(&f);
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
    const int fd = tw_output_folder_open(path);
    if (fd < 0) return errno == ENOMEM ? -1 : 0; /* a folder that we may change but not read is fine */
    const int result = tw_output_folder_sync(fd), error = errno;
    close(fd);
    errno = error;
    return result;
}

static tw_status cannot_create(const char *path, int error)
{
    return tw_fail(error == ENOMEM ? TW_MEMORY : TW_OUTPUT, "cannot create %s: %s", path, strerror(error));
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
