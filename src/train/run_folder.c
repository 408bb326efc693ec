#include "thalweg/run_folder.h"

#include "thalweg/file.h"

#include <dirent.h>
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

static void trim(char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') path[--length] = 0;
}

/* The folder above: of a/b it is a, of /a it is /, of a it is ".". False: there is none to go to. */
static bool go_up(char *path)
{
    char *slash = strrchr(path, '/');
    if (strcmp(path, ".") == 0 || strcmp(path, "/") == 0) return false;
    if (slash)
        slash[slash == path] = 0;
    else
        memcpy(path, ".", 2);
    trim(path);
    return true;
}

/* The nearest folder above that exists must let us write. */
static tw_status check_writable(const char *path)
{
    char part[TW_PATH_LEN];
    struct stat info;
    snprintf(part, sizeof part, "%s", path);
    while (stat(part, &info) != 0 && (errno == ENOENT || errno == ENOTDIR) && go_up(part)) {
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
    if (snprintf(folder->path, sizeof folder->path, "%s", path) >= (int)sizeof folder->path)
        return tw_fail(TW_OUTPUT, "the path of the run folder is longer than %d bytes", TW_PATH_LEN);
    trim(folder->path);
    return TW_OK;
}

/* A run that was stopped has a summary too, and so may one that died in its first or last moment: only what
 * says so is finished, or what has no status. */
static bool is_finished(const tw_run_folder *folder)
{
    static const char *const open[] = {"state=stopped", "state=running", "state=failed"};
    char path[TW_PATH_LEN + 64], line[16] = "";
    size_t size;
    if (access(tw_run_folder_file(folder, "summary.json", sizeof path, path), F_OK) != 0) return false;
    tw_run_folder_file(folder, "status", sizeof path, path);
    if (tw_file_peek(path, sizeof line - 1, line, &size) != TW_OK) return true;
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        if (strncmp(line, open[i], strlen(open[i])) == 0) return false;
    return true;
}

tw_status tw_run_folder_check(const char *path, bool resume)
{
    tw_run_folder folder;
    TW_TRY(set_path(&folder, path));
    TW_TRY(check_not_live(&folder));
    if (!resume && is_finished(&folder))
        return tw_fail(
            TW_OUTPUT,
            "the run folder %s holds a finished run; choose another with --out DIR or output.dir, remove it, "
            "or go on from its last checkpoint with --resume auto",
            path);
    return check_writable(path);
}

/* A killed run leaves NAME.<random>.tmp behind; nobody else writes here while the lock is held. */
static void remove_temporaries(const tw_run_folder *folder, const char *below)
{
    char path[TW_PATH_LEN + 64], file[TW_PATH_LEN + 512];
    tw_run_folder_file(folder, below, sizeof path, path);
    DIR *dir = opendir(path);
    if (!dir) return;
    for (struct dirent *e; (e = readdir(dir));) {
        const size_t length = strlen(e->d_name);
        if (length < 22 || strcmp(e->d_name + length - 4, ".tmp") != 0 || e->d_name[length - 21] != '.' ||
            strspn(e->d_name + length - 20, "0123456789abcdef") != 16)
            continue;
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        unlink(file);
    }
    closedir(dir);
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

/* How many folders at the end of a path are not there yet. */
static int count_missing(const char *path)
{
    char part[TW_PATH_LEN];
    int missing = 0;
    snprintf(part, sizeof part, "%s", path);
    while (part[0] && access(part, F_OK) != 0) {
        missing++;
        if (!go_up(part)) break;
    }
    return missing;
}

tw_status tw_run_folder_open(tw_run_folder *folder, const char *path, bool resume)
{
    char status[TW_PATH_LEN + 64];
    TW_TRY(set_path(folder, path));
    TW_TRY(tw_run_folder_check(path, resume));
    folder->made = count_missing(folder->path);
    TW_TRY(tw_folder_make(folder->path));
    TW_TRY(take_lock(folder));
    remove_temporaries(folder, ".");
    remove_temporaries(folder, "checkpoints");
    folder->fresh = folder->entered =
        access(tw_run_folder_file(folder, "status", sizeof status, status), F_OK) != 0;
    return TW_OK;
}

tw_status tw_run_folder_enter(tw_run_folder *folder, long iteration, const char *checkpoint)
{
    char path[TW_PATH_LEN + 64];
    TW_TRY(tw_run_folder_status(folder, "running", 0, iteration, checkpoint));
    folder->entered = true;
    folder->fresh = false;
    if (unlink(tw_run_folder_file(folder, "summary.json", sizeof path, path)) == 0 || errno == ENOENT)
        return TW_OK;
    return tw_fail(TW_OUTPUT, "cannot remove %s: %s", path, strerror(errno));
}

/* A refused run leaves no folder, nor those above it that were made for it; only empty ones can go. */
static void remove_made(const tw_run_folder *folder)
{
    char path[TW_PATH_LEN];
    memcpy(path, folder->path, sizeof path);
    for (int i = 0; i < folder->made && rmdir(path) == 0 && go_up(path); i++) {
    }
}

void tw_run_folder_close(tw_run_folder *folder)
{
    char path[TW_PATH_LEN + 64];
    if (folder->path[0] && folder->lock >= 0) {
        unlink(tw_run_folder_file(folder, "lock", sizeof path, path));
        close(folder->lock);
        if (folder->fresh) remove_made(folder);
    }
    *folder = (tw_run_folder){.lock = -1};
}

void tw_run_folder_stopped(const tw_run_folder *folder)
{
    char path[TW_PATH_LEN + 64];
    if (folder->lock >= 0) unlink(tw_run_folder_file(folder, "STOP", sizeof path, path));
}

tw_status tw_run_folder_status(const tw_run_folder *folder, const char *state, int code, long iteration,
                               const char *checkpoint)
{
    char path[TW_PATH_LEN + 64], line[512];
    const int length = snprintf(line, sizeof line, "state=%s code=%d iteration=%ld checkpoint=%s\n", state,
                                code, iteration, checkpoint && checkpoint[0] ? checkpoint : "none");
    const tw_bytes part = {line, (size_t)length};
    return tw_file_commit(tw_run_folder_file(folder, "status", sizeof path, path), 1, &part);
}

tw_status tw_run_folder_failed(const tw_run_folder *folder, tw_status code, long iteration,
                               const char *checkpoint)
{
    char sentence[TW_MESSAGE_LEN], path[TW_PATH_LEN + 64];
    const bool refused = code == TW_USAGE || code == TW_DATA || code == TW_INPUT || code == TW_CONFIG;
    if (folder->fresh && refused) unlink(tw_run_folder_file(folder, "status", sizeof path, path));
    if (folder->lock < 0 || !folder->entered || (folder->fresh && refused)) return TW_OK;
    memcpy(sentence, tw_status_message(), sizeof sentence);
    const tw_status status = tw_run_folder_status(folder, code == TW_STOPPED ? "stopped" : "failed",
                                                  (int)code, iteration, checkpoint);
    memcpy(tw_status_message(), sentence, sizeof sentence);
    return status;
}
