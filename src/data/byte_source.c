#include "data/byte_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef THALWEG_FUZZ /* refills already in short inputs */
enum { RAW_BYTES = 64 };
#else
enum { RAW_BYTES = 1 << 18 };
#endif
enum { GZIP_WINDOW = 15 + 16 };
#define MOST_AT_ONCE ((size_t)1 << 30)

/* A named pipe must not block the open. */
static tw_status open_regular(tw_byte_source *s)
{
    struct stat info;
    s->fd = open(s->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &info) != 0)
        return tw_fail(TW_INPUT, "cannot open %s: %s", s->path, strerror(errno));
    if (S_ISDIR(info.st_mode)) return tw_fail(TW_INPUT, "cannot read %s: it is a directory", s->path);
    if (!S_ISREG(info.st_mode))
        return tw_fail(TW_INPUT, "cannot read %s: it is no regular file; store the data in one first",
                       s->path);
    s->size = (uint64_t)info.st_size;
    posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return TW_OK;
}

static tw_status read_stored(tw_byte_source *s, size_t size, unsigned char *bytes, size_t *got)
{
    *got = 0;
    while (*got < size) {
        const size_t left = size - *got;
        const ssize_t done = read(s->fd, bytes + *got, left < MOST_AT_ONCE ? left : MOST_AT_ONCE);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return tw_fail(TW_IO, "cannot read %s: %s", s->path, strerror(errno));
        if (done == 0) break;
        *got += (size_t)done;
    }
    return TW_OK;
}

static tw_status start_gzip(tw_byte_source *s)
{
    if (inflateInit2(&s->stream, GZIP_WINDOW) != Z_OK)
        return tw_fail(TW_MEMORY, "out of memory for %s", s->path);
    s->gzip = true;
    s->raw = malloc(RAW_BYTES);
    return s->raw ? TW_OK : tw_fail(TW_MEMORY, "out of memory for %s", s->path);
}

tw_status tw_byte_source_open(tw_byte_source *s, const char *path)
{
    unsigned char magic[2];
    *s = (tw_byte_source){.path = path, .fd = -1};
    TW_TRY(open_regular(s));
    const ssize_t n = pread(s->fd, magic, sizeof magic, 0);
    if (n < 0) return tw_fail(TW_IO, "cannot read %s: %s", path, strerror(errno));
    return n == 2 && magic[0] == 0x1f && magic[1] == 0x8b ? start_gzip(s) : TW_OK;
}

static tw_status damaged(const tw_byte_source *s, const char *why)
{
    const long long at = (long long)lseek(s->fd, 0, SEEK_CUR) - (long long)s->stream.avail_in;
    return tw_fail(TW_DATA, "%s is damaged: gzip data near byte %lld: %s", s->path, at, why);
}

static tw_status refill(tw_byte_source *s, bool *end)
{
    size_t got;
    TW_TRY(read_stored(s, RAW_BYTES, s->raw, &got));
    s->stream.next_in = s->raw;
    s->stream.avail_in = (uInt)got;
    *end = got == 0;
    if (*end && s->inside) return tw_fail(TW_DATA, "%s is truncated: the gzip data end too early", s->path);
    return TW_OK;
}

static tw_status inflate_some(tw_byte_source *s)
{
    s->inside = true;
    switch (inflate(&s->stream, Z_NO_FLUSH)) {
    case Z_OK:
    case Z_BUF_ERROR: return TW_OK;
    case Z_STREAM_END:
        s->inside = false;
        inflateReset(&s->stream);
        return TW_OK;
    case Z_MEM_ERROR: return tw_fail(TW_MEMORY, "out of memory for %s", s->path);
    default: return damaged(s, s->stream.msg ? s->stream.msg : "it needs a dictionary");
    }
}

static tw_status read_inflated(tw_byte_source *s, size_t size, unsigned char *bytes, size_t *got)
{
    bool end = false;
    *got = 0;
    while (*got < size && !end) {
        const size_t left = size - *got, piece = left < MOST_AT_ONCE ? left : MOST_AT_ONCE;
        if (s->stream.avail_in == 0) TW_TRY(refill(s, &end));
        if (end) break;
        s->stream.next_out = bytes + *got;
        s->stream.avail_out = (uInt)piece;
        TW_TRY(inflate_some(s));
        *got += piece - s->stream.avail_out;
    }
    return TW_OK;
}

tw_status tw_byte_source_read(tw_byte_source *s, size_t size, void *bytes, size_t *got)
{
    return s->gzip ? read_inflated(s, size, bytes, got) : read_stored(s, size, bytes, got);
}

void tw_byte_source_release(tw_byte_source *s)
{
    if (s->gzip) inflateEnd(&s->stream);
    if (s->fd >= 0) close(s->fd);
    free(s->raw);
    *s = (tw_byte_source){.fd = -1};
}
