/* A library to be preloaded that counts the file calls of one process below one folder, and lets the k-th of
 * them fail, or ends the process there: by SIGKILL, or as a power cut would, dropping what was not synced.
 *
 *   THALWEG_TEST_FOLDER=DIR    absolute; calls on paths below it are counted from 1
 *   THALWEG_TEST_LOG=FILE      one line a call: its number, name, path
 *   THALWEG_TEST_CALL=k=17,do=WHAT[,mode=always]   (always: the later calls of the same name too)
 *       WHAT: kill (before the call), tear (after half of a write, or after the call), enospc, eio, edquot,
 *       efbig, eintr, short (half of the bytes), power0 to power7 (kill, after the loss of: 1 data, 2 renames
 *       and new files, 4 removals, of which no fsync was heard)
 *   THALWEG_TEST_SNAPSHOT=DIR  the checkpoints as they were at that call
 *   THALWEG_TEST_NOSYNC=1      fsync does nothing: the control of the power cuts
 *
 * What stdio writes does not pass here. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATH = 4096, OPS = 4096, FILES = 4096 };

typedef enum { CREATED, RENAMED, REMOVED } op_kind;

static struct {
    op_kind kind;
    bool done; /* synced, or undone */
    char path[PATH], to[PATH], backup[PATH];
} * ops;
static size_t n_ops;

static struct {
    ino_t inode;
    off_t size; /* at the last fsync */
    bool dirty;
} files[FILES];
static size_t n_files;

static char folder[PATH], snapshot[PATH], what[16], name_hit[32];
static long count, at;
static bool always, fired, nosync, ready;
static int trace = -1;
static pid_t owner; /* a child that only looks at files does not count */

/* ---- setting ---- */

__attribute__((constructor)) static void begin(void)
{
    owner = getpid();
}

static void set_up(void)
{
    if (ready) return;
    ready = true;
    const char *text = getenv("THALWEG_TEST_FOLDER"), *log = getenv("THALWEG_TEST_LOG"),
               *call = getenv("THALWEG_TEST_CALL"), *copy = getenv("THALWEG_TEST_SNAPSHOT");
    if (text) snprintf(folder, sizeof folder, "%s/", text);
    if (copy) snprintf(snapshot, sizeof snapshot, "%s", copy);
    if (log) trace = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (call && sscanf(call, "k=%ld,do=%15[a-z0-7]", &at, what) == 2)
        always = strstr(call, "mode=always") != NULL;
    nosync = getenv("THALWEG_TEST_NOSYNC") != NULL;
    ops = calloc(OPS, sizeof *ops);
}

static bool is_below(const char *path)
{
    const size_t length = strlen(folder);
    return length > 0 && (strncmp(path, folder, length) == 0 ||
                          (strlen(path) == length - 1 && strncmp(path, folder, length - 1) == 0));
}

static const char *full(int at_folder, const char *name, char path[PATH])
{
    char link[64], base[PATH / 2] = "";
    if (name && name[0] == '/') {
        snprintf(path, PATH, "%s", name);
        return path;
    }
    snprintf(link, sizeof link, at_folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", at_folder);
    const ssize_t length = readlink(link, base, sizeof base - 1);
    base[length > 0 ? length : 0] = 0;
    snprintf(path, PATH, name ? "%s/%.2000s" : "%s", base, name);
    return path;
}

/* ---- what is durable ---- */

static size_t file_of(ino_t inode)
{
    for (size_t i = n_files; i-- > 0;)
        if (files[i].inode == inode) return i;
    if (n_files == FILES) return FILES - 1;
    files[n_files].inode = inode;
    return n_files++;
}

static void note_write(int fd)
{
    struct stat info;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) files[file_of(info.st_ino)].dirty = true;
}

static void forget_parent(const char *parent)
{
    const size_t length = strlen(parent);
    for (size_t i = 0; i < n_ops; i++) {
        const char *path = ops[i].kind == RENAMED ? ops[i].to : ops[i].path, *slash = strrchr(path, '/');
        if ((size_t)(slash - path) == length && strncmp(path, parent, length) == 0) ops[i].done = true;
    }
}

static void note_sync(int fd, const char *path)
{
    struct stat info;
    if (fstat(fd, &info) != 0) return;
    if (S_ISDIR(info.st_mode)) {
        forget_parent(path);
    } else {
        const size_t i = file_of(info.st_ino);
        files[i].size = info.st_size;
        files[i].dirty = false;
    }
}

/* Before the call: what is about to vanish is linked elsewhere. */
static void note_op(op_kind kind, const char *path, const char *to)
{
    if (n_ops == OPS || strncmp(what, "power", 5) != 0) return;
    const char *const victim = kind == RENAMED ? to : kind == REMOVED ? path : NULL;
    snprintf(ops[n_ops].backup, PATH, "%.2000s/backup-%zu", snapshot, n_ops);
    if (!victim || link(victim, ops[n_ops].backup) != 0) ops[n_ops].backup[0] = 0;
    snprintf(ops[n_ops].path, PATH, "%s", path);
    snprintf(ops[n_ops].to, PATH, "%s", to ? to : "");
    ops[n_ops++].kind = kind;
}

static void each_file(const char *inside, void (*visit)(const char *path, const char *name))
{
    char dir_path[PATH / 2], path[PATH];
    snprintf(dir_path, sizeof dir_path, "%.1900s%s", folder, inside);
    DIR *dir = opendir(dir_path);
    if (!dir) return;
    for (struct dirent *e; (e = readdir(dir));) {
        snprintf(path, sizeof path, "%s/%s", dir_path, e->d_name);
        if (e->d_type == DT_REG) visit(path, e->d_name);
    }
    closedir(dir);
}

static void drop_data(const char *path, const char *name)
{
    struct stat info;
    (void)name;
    if (stat(path, &info) != 0) return;
    const size_t i = file_of(info.st_ino);
    if ((files[i].dirty || info.st_size > files[i].size) &&
        truncate(path, files[i].dirty ? 0 : files[i].size))
        _exit(99);
}

static void undo(size_t i)
{
    if (ops[i].done) return;
    switch (ops[i].kind) {
    case CREATED: syscall(SYS_unlink, ops[i].path); break;
    case RENAMED:
        syscall(SYS_rename, ops[i].to, ops[i].path);
        if (ops[i].backup[0]) link(ops[i].backup, ops[i].to);
        break;
    case REMOVED:
        if (ops[i].backup[0]) link(ops[i].backup, ops[i].path);
        break;
    }
}

static void cut_power(int lost)
{
    if (lost & 1) {
        each_file("", drop_data);
        each_file("checkpoints", drop_data);
    }
    for (size_t i = n_ops; i-- > 0;)
        if (lost & (ops[i].kind == REMOVED ? 4 : 2)) undo(i);
}

static void copy_one(const char *path, const char *name)
{
    static char bytes[1 << 16];
    char to[PATH];
    const size_t length = strlen(name);
    if (length < 3 || strcmp(name + length - 3, ".h5") != 0) return;
    snprintf(to, sizeof to, "%.2000s/%.1000s", snapshot, name);
    const int in = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0),
              out = (int)syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    for (long got; (got = syscall(SYS_read, in, bytes, sizeof bytes)) > 0;)
        if (syscall(SYS_write, out, bytes, (size_t)got) != got) _exit(99);
    syscall(SYS_close, in);
    syscall(SYS_close, out);
}

/* ---- the k-th call ---- */

static void die(void)
{
    kill(getpid(), SIGKILL);
    pause();
}

static void first_hit(const char *name)
{
    fired = true;
    snprintf(name_hit, sizeof name_hit, "%s", name);
    if (snapshot[0]) each_file("checkpoints", copy_one);
    if (strcmp(what, "kill") == 0) die();
    if (strncmp(what, "power", 5) == 0) {
        cut_power(what[5] - '0');
        die();
    }
}

/* Is it this call's turn? */
static bool turn(const char *name, const char *path)
{
    char line[PATH + 64];
    if (getpid() != owner || !is_below(path)) return false;
    const long k = ++count;
    if (trace >= 0) {
        const int length = snprintf(line, sizeof line, "%ld %s %s\n", k, name, path);
        syscall(SYS_write, trace, line, (size_t)length);
    }
    if (k == at && !fired)
        first_hit(name);
    else if (!fired || !always || strcmp(name, name_hit) != 0)
        return false;
    return true;
}

static bool is_error(void)
{
    static const struct {
        const char *name;
        int number;
    } errors[] = {{"enospc", ENOSPC}, {"eio", EIO}, {"edquot", EDQUOT}, {"efbig", EFBIG}, {"eintr", EINTR}};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (strcmp(what, errors[i].name) == 0) {
            errno = errors[i].number;
            return true;
        }
    return false;
}

static bool is_tear(void)
{
    return strcmp(what, "tear") == 0;
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

/* After the call, when it is to die there. */
static long after(bool mine, long result)
{
    const int error = errno;
    if (mine && is_tear()) die();
    errno = error;
    return result;
}

static int do_open(int at_folder, const char *name, int flags, mode_t mode)
{
    char path[PATH];
    set_up();
    const bool mine = turn((flags & O_CREAT) ? "create" : "open", full(at_folder, name, path));
    if (mine && is_error()) return -1;
    const int fd = (int)syscall(SYS_openat, at_folder, name, flags, mode);
    if (fd >= 0 && (flags & O_EXCL) && is_below(path)) note_op(CREATED, path, NULL);
    return (int)after(mine, fd);
}

#define MODE(flags)                          \
    mode_t mode = 0;                         \
    if ((flags) & (O_CREAT | __O_TMPFILE)) { \
        va_list args;                        \
        va_start(args, flags);               \
        mode = va_arg(args, mode_t);         \
        va_end(args);                        \
    }

int open(const char *name, int flags, ...)
{
    MODE(flags)
    return do_open(AT_FDCWD, name, flags, mode);
}

int open64(const char *name, int flags, ...)
{
    MODE(flags)
    return do_open(AT_FDCWD, name, flags, mode);
}

int openat(int at_folder, const char *name, int flags, ...)
{
    MODE(flags)
    return do_open(at_folder, name, flags, mode);
}

int openat64(int at_folder, const char *name, int flags, ...)
{
    MODE(flags)
    return do_open(at_folder, name, flags, mode);
}

/* Half of the bytes, or all of them. */
static size_t share(bool mine, size_t size)
{
    return mine && (is_tear() || strcmp(what, "short") == 0) && size > 1 ? size / 2 : size;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    char path[PATH];
    set_up();
    if (!is_below(full(fd, NULL, path))) return syscall(SYS_pwrite64, fd, bytes, size, offset);
    const bool mine = turn("pwrite", path);
    if (mine && is_error()) return -1;
    const long done = syscall(SYS_pwrite64, fd, bytes, share(mine, size), offset);
    note_write(fd);
    return after(mine, done);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset)
{
    return pwrite(fd, bytes, size, offset);
}

ssize_t read(int fd, void *bytes, size_t size)
{
    char path[PATH];
    set_up();
    if (!folder[0] || !is_below(full(fd, NULL, path))) return syscall(SYS_read, fd, bytes, size);
    const bool mine = turn("read", path);
    if (mine && is_error()) return -1;
    return after(mine, syscall(SYS_read, fd, bytes, share(mine, size)));
}

ssize_t __read_chk(int fd, void *bytes, size_t size, size_t room);
ssize_t __read_chk(int fd, void *bytes, size_t size, size_t room)
{
    return size <= room ? read(fd, bytes, size) : -1;
}

int fsync(int fd)
{
    char path[PATH];
    set_up();
    const bool mine = turn("fsync", full(fd, NULL, path));
    if (mine && is_error()) return -1;
    if (nosync) return (int)after(mine, 0);
    const int result = (int)syscall(SYS_fsync, fd);
    if (result == 0 && is_below(path)) note_sync(fd, path);
    return (int)after(mine, result);
}

int close(int fd)
{
    char path[PATH];
    set_up();
    const bool mine = folder[0] && turn("close", full(fd, NULL, path));
    const int result = (int)syscall(SYS_close, fd);
    if (mine && is_error()) return -1; /* as on Linux it is closed nevertheless */
    return (int)after(mine, result);
}

static int do_rename(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    char path[PATH], new_path[PATH];
    set_up();
    full(to_folder, to, new_path);
    const bool mine = turn("rename", full(from_folder, from, path));
    if (mine && is_error()) return -1;
    if (is_below(path)) note_op(RENAMED, path, new_path);
    return (int)after(mine, syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}

int rename(const char *from, const char *to)
{
    return do_rename(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    return do_rename(from_folder, from, to_folder, to, 0);
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    return do_rename(from_folder, from, to_folder, to, flags);
}

static int do_unlink(int at_folder, const char *name, int flags)
{
    char path[PATH];
    set_up();
    const bool mine = turn("unlink", full(at_folder, name, path));
    if (mine && is_error()) return -1;
    if (is_below(path)) note_op(REMOVED, path, NULL);
    return (int)after(mine, syscall(SYS_unlinkat, at_folder, name, flags));
}

int unlink(const char *name)
{
    return do_unlink(AT_FDCWD, name, 0);
}

int unlinkat(int at_folder, const char *name, int flags)
{
    return do_unlink(at_folder, name, flags);
}

int mkdir(const char *name, mode_t mode)
{
    char path[PATH];
    set_up();
    const bool mine = turn("mkdir", full(AT_FDCWD, name, path));
    if (mine && is_error()) return -1;
    return (int)after(mine, syscall(SYS_mkdir, name, mode));
}
