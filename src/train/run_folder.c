#include "thalweg/run_folder.h"

#include "thalweg/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

const char *tw_run_folder_file(const tw_run_folder *folder, const char *name, size_t length, char *text)
{
    if (snprintf(text, length, "%s/%s", folder->path, name) >= (int)length) text[length - 1] = 0;
    return text;
}

/* The holder's own line, "pid 4711 on node02, job 48213". */
static void read_holder(int fd, size_t length, char *text)
{
    const ssize_t got = pread(fd, text, length - 1, 0);
    text[got > 0 ? got : 0] = 0;
    text[strcspn(text, "\n")] = 0;
    if (!text[0]) snprintf(text, length, "another process");
}

static tw_status in_use(const char *path, int fd)
{
    char holder[256];
    read_holder(fd, sizeof holder, holder);
    return tw_fail(TW_OUTPUT,
                   "the run folder %s is in use by %s; choose another with --out DIR or output.dir", path,
                   holder);
}

static bool lock_is_taken(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

static tw_status check_not_live(const tw_run_folder *folder)
{
    char lock[TW_PATH_LEN + 64];
    const int fd = open(tw_run_folder_file(folder, "lock", sizeof lock, lock), O_RDWR | O_CLOEXEC);
    if (fd < 0) return TW_OK;
    const tw_status status = lock_is_taken(fd) ? in_use(folder->path, fd) : TW_OK;
    close(fd);
    return status;
}

/* The nearest folder above that exists must let us write. */
static tw_status check_writable(const char *path)
{
    char part[TW_PATH_LEN];
    struct stat info;
    snprintf(part, sizeof part, "%s", path);
    while (stat(part, &info) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        char *slash = strrchr(part, '/');
        if (!slash)
            strcpy(part, ".");
        else if (slash == part)
            strcpy(part, "/");
        else
            *slash = 0;
    }
    if (stat(part, &info) == 0 && !S_ISDIR(info.st_mode))
        return tw_fail(TW_OUTPUT, "cannot create the run folder %s: %s is not a directory", path, part);
    if (access(part, W_OK | X_OK) == 0) return TW_OK;
    return tw_fail(TW_OUTPUT,
                   "cannot create the run folder %s: %s: %s; choose another with --out DIR or output.dir",
                   path, part, strerror(errno));
}

static tw_status set_path(tw_run_folder *folder, const char *path)
{
    *folder = (tw_run_folder){.lock = -1};
    if (snprintf(folder->path, sizeof folder->path, "%s", path) < (int)sizeof folder->path) return TW_OK;
    return tw_fail(TW_OUTPUT, "the path of the run folder is longer than %d bytes", TW_PATH_LEN);
}

tw_status tw_run_folder_check(const char *path)
{
    char summary[TW_PATH_LEN + 64];
    tw_run_folder folder;
    TW_TRY(set_path(&folder, path));
    TW_TRY(check_not_live(&folder));
    if (access(tw_run_folder_file(&folder, "summary.json", sizeof summary, summary), F_OK) == 0)
        return tw_fail(
            TW_OUTPUT,
            "the run folder %s holds a finished run; choose another with --out DIR or output.dir, or "
            "remove it",
            path);
    return check_writable(path);
}

static tw_status take_lock(tw_run_folder *folder)
{
    char path[TW_PATH_LEN + 64], host[256] = "", line[512];
    const char *job = getenv("SLURM_JOB_ID");
    tw_run_folder_file(folder, "lock", sizeof path, path);
    folder->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (folder->lock < 0) return tw_fail(TW_OUTPUT, "cannot create %s: %s", path, strerror(errno));
    if (lock_is_taken(folder->lock)) return in_use(folder->path, folder->lock);
    gethostname(host, sizeof host - 1);
    const int length = snprintf(line, sizeof line, "process %ld on %s%s%s\n", (long)getpid(), host,
                                job ? ", job " : "", job ? job : "");
    if (ftruncate(folder->lock, 0) == 0 && pwrite(folder->lock, line, (size_t)length, 0) == length)
        return TW_OK;
    return tw_fail(TW_IO, "cannot write %s: %s", path, strerror(errno));
}

tw_status tw_run_folder_open(tw_run_folder *folder, const char *path)
{
    TW_TRY(set_path(folder, path));
    TW_TRY(tw_run_folder_check(path));
    TW_TRY(tw_folder_make(path));
    return take_lock(folder);
}

void tw_run_folder_close(tw_run_folder *folder)
{
    char path[TW_PATH_LEN + 64];
    if (folder->path[0] && folder->lock >= 0) {
        unlink(tw_run_folder_file(folder, "lock", sizeof path, path));
        close(folder->lock);
    }
    *folder = (tw_run_folder){.lock = -1};
}

tw_status tw_run_folder_status(const tw_run_folder *folder, const char *state, int code, long iteration)
{
    char path[TW_PATH_LEN + 64], line[128];
    const int length =
        snprintf(line, sizeof line, "state=%s code=%d iteration=%ld\n", state, code, iteration);
    const tw_bytes part = {line, (size_t)length};
    return tw_file_commit(tw_run_folder_file(folder, "status", sizeof path, path), 1, &part);
}
