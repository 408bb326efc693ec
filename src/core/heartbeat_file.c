#include "core/heartbeat_file.h"

#include "thalweg/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static off_t place(int rank)
{
    return (off_t)rank * TW_HEARTBEAT_LEN;
}

int tw_heartbeat_file_open(const char *folder, int rank)
{
    char path[TW_WATCHDOG_PATH + 16];
    snprintf(path, sizeof path, "%s/heartbeat", folder);
    if (rank == 0) unlink(path); /* of another run */
    return open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (rank == 0 ? O_CREAT | O_EXCL : 0), 0644);
}

/* ---- records ---- */

/* Other nodes see only what has left the cache of this one. */
void tw_heartbeat_file_put(const tw_heartbeat_file *f, const tw_heartbeat *own)
{
    char record[TW_HEARTBEAT_LEN];
    const off_t at = place(f->rank);
    tw_heartbeat_write(own, f->rank, record);
    if (pwrite(f->fd, record, sizeof record, at) == (ssize_t)sizeof record)
        sync_file_range(f->fd, at, TW_HEARTBEAT_LEN, SYNC_FILE_RANGE_WRITE);
}

int tw_heartbeat_file_get(const tw_heartbeat_file *f, int first, int most, char (*records)[TW_HEARTBEAT_LEN])
{
    const size_t size = (size_t)most * TW_HEARTBEAT_LEN;
    posix_fadvise(f->fd, place(first), (off_t)size, POSIX_FADV_DONTNEED); /* not what was in the cache */
    const ssize_t got = pread(f->fd, records, size, place(first));
    return got > 0 ? (int)(got / TW_HEARTBEAT_LEN) : 0;
}

/* ---- claims, on bytes behind the records ---- */

static tw_claimed set_lock(const tw_heartbeat_file *f, tw_claim which, short type)
{
    struct flock lock = {
        .l_type = type, .l_whence = SEEK_SET, .l_start = place(f->size) + (off_t)which, .l_len = 1};
    if (fcntl(f->fd, F_SETLK, &lock) == 0) return TW_CLAIM_MINE;
    return errno == EACCES || errno == EAGAIN ? TW_CLAIM_TAKEN : TW_CLAIM_OPEN;
}

tw_claimed tw_heartbeat_file_claim(const tw_heartbeat_file *f, tw_claim which)
{
    const tw_claimed claimed = set_lock(f, which, F_WRLCK);
    return tw_heartbeat_file_noted(f) ? TW_CLAIM_TAKEN : claimed;
}

void tw_heartbeat_file_release(const tw_heartbeat_file *f, tw_claim which)
{
    set_lock(f, which, F_UNLCK);
}

bool tw_heartbeat_file_note(const tw_heartbeat_file *f)
{
    return pwrite(f->fd, "!", 1, place(f->size)) == 1;
}

bool tw_heartbeat_file_noted(const tw_heartbeat_file *f)
{
    char note;
    return pread(f->fd, &note, 1, place(f->size)) == 1;
}

/* ---- status ---- */

static const char *status_path(const tw_heartbeat_file *f, size_t length, char *path)
{
    snprintf(path, length, "%s/status", f->folder);
    return path;
}

bool tw_heartbeat_file_status(const tw_heartbeat_file *f, char checkpoint[TW_CHECKPOINT_NAME])
{
    static const char running[] = "state=running ", key[] = "checkpoint=";
    char path[TW_WATCHDOG_PATH + 16], *line = NULL;
    size_t size;
    checkpoint[0] = 0;
    if (tw_file_read(status_path(f, sizeof path, path), 65536, &line, &size) != TW_OK)
        return access(path, F_OK) != 0;
    const bool under_way = strncmp(line, running, sizeof running - 1) == 0;
    const char *name = strstr(line, key);
    if (name) {
        name += sizeof key - 1;
        snprintf(checkpoint, TW_CHECKPOINT_NAME, "%.*s", (int)strcspn(name, " \n"), name);
    }
    if (strcmp(checkpoint, "none") == 0) checkpoint[0] = 0;
    free(line);
    return under_way;
}

void tw_heartbeat_file_failed(const tw_heartbeat_file *f, long iteration)
{
    char path[TW_WATCHDOG_PATH + 16], checkpoint[TW_CHECKPOINT_NAME], line[TW_CHECKPOINT_NAME + 128];
    if (!tw_heartbeat_file_status(f, checkpoint)) return;
    const int length = snprintf(line, sizeof line, "state=failed code=%d iteration=%ld checkpoint=%s\n",
                                TW_WATCHDOG, iteration, checkpoint[0] ? checkpoint : "none");
    const tw_bytes part = {line, (size_t)length};
    if (tw_file_commit(status_path(f, sizeof path, path), 1, &part) != TW_OK)
        return; /* the old line is still there */
}

/* ---- errands ---- */

int tw_heartbeat_file_run(tw_errand what, const tw_heartbeat_file *f, long iteration, char *checkpoint)
{
    switch (what) {
    case TW_ERRAND_NOTHING: break;
    case TW_ERRAND_CLAIM_WARNING: return tw_heartbeat_file_claim(f, TW_CLAIM_WARNING);
    case TW_ERRAND_CLAIM_ERROR:
        tw_heartbeat_file_status(f, checkpoint);
        return tw_heartbeat_file_claim(f, TW_CLAIM_ERROR);
    case TW_ERRAND_NOTE_ERROR:
        tw_heartbeat_file_note(f);
        tw_heartbeat_file_failed(f, iteration);
        return 1;
    case TW_ERRAND_FIND_NOTE: return tw_heartbeat_file_noted(f);
    }
    return -1;
}
