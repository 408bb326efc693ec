#include "scale/process.h"

#include "thalweg/interrupt.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const double patience = 10; /* seconds from a request to end to being killed */
static const double linger = 2;    /* that orphans may need to follow their launcher */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

/* ---- starting ---- */

static int add_files(posix_spawn_file_actions_t *actions, const char *log)
{
    int error = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    if (!error && log)
        error = posix_spawn_file_actions_addopen(actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (!error && log) error = posix_spawn_file_actions_adddup2(actions, 1, 2);
    if (!error && !log) error = posix_spawn_file_actions_addopen(actions, 1, "/dev/null", O_WRONLY, 0);
    return error;
}

/* Signals as in a fresh program: SIGPIPE, which is ignored here, would be ignored there too. */
static int add_group(posix_spawnattr_t *attributes)
{
    sigset_t fresh, none;
    sigemptyset(&none);
    sigemptyset(&fresh);
    sigaddset(&fresh, SIGPIPE);
    sigaddset(&fresh, SIGXFSZ);
    int error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                                         POSIX_SPAWN_SETSIGMASK);
    if (!error) error = posix_spawnattr_setpgroup(attributes, 0);
    if (!error) error = posix_spawnattr_setsigdefault(attributes, &fresh);
    if (!error) error = posix_spawnattr_setsigmask(attributes, &none);
    return error;
}

static int spawn(const tw_argv *command, const char *log, pid_t *child)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error) return error;
    error = posix_spawnattr_init(&attributes);
    if (!error) {
        error = add_files(&actions, log);
        if (!error) error = add_group(&attributes);
        if (!error)
            error = posix_spawnp(child, command->words[0], &actions, &attributes, command->words, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static tw_status check_log(const char *log)
{
    const int fd = log ? open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
    if (log && fd < 0) return tw_fail(TW_OUTPUT, "cannot create %s: %s", log, strerror(errno));
    if (fd >= 0) close(fd);
    return TW_OK;
}

/* ---- ending ---- */

/* Parent of a process, by /proc/PID/stat: "PID (name) state parent ..."; 0 when it is gone. */
static pid_t parent_of(const char *pid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    const ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    text[got > 0 ? got : 0] = 0;
    const char *end = strrchr(text, ')'); /* the name may hold anything */
    return end && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10) : 0;
}

static void kill_children(void)
{
    DIR *all = opendir("/proc");
    if (!all) return;
    for (struct dirent *e; (e = readdir(all));)
        if (isdigit((unsigned char)e->d_name[0]) && parent_of(e->d_name) == getpid())
            kill((pid_t)strtol(e->d_name, NULL, 10), SIGKILL);
    closedir(all);
}

/* The command is gone; what it left behind has become ours and follows, by itself or not. */
static void end_orphans(double wait)
{
    const double until = now() + wait, give_up = until + patience;
    for (;;) {
        const pid_t done = waitpid(-1, NULL, WNOHANG);
        if (done < 0 && errno == ECHILD) return;
        if (done != 0) continue;
        if (now() > give_up) return; /* in the kernel: nothing can be done */
        if (now() > until) kill_children();
        rest();
    }
}

typedef struct {
    pid_t child;
    double limit, asked; /* absolute; asked: when it was told to end, 0: not yet */
    bool stopped;
    tw_process_end *end;
} watch;

static void look_after(watch *w)
{
    const bool stop = tw_interrupt_requests() & TW_INTERRUPT_STOP, late = w->limit > 0 && now() > w->limit;
    if (w->asked == 0 && (stop || late)) {
        w->asked = now();
        w->stopped = stop;
        w->end->timed_out = !stop;
        kill(-w->child, SIGTERM);
    }
    if (w->asked > 0 && now() > w->asked + patience) kill(-w->child, SIGKILL);
}

static int wait_for(watch *w)
{
    int how = 0;
    for (;;) {
        const pid_t done = waitpid(w->child, &how, WNOHANG);
        if (done == w->child) return how;
        if (done < 0 && errno != EINTR) return 0;
        look_after(w);
        rest();
    }
}

tw_status tw_process_run(const tw_argv *command, const char *log, double limit, tw_process_end *end)
{
    watch w = {.limit = limit > 0 ? now() + limit : 0, .end = end};
    *end = (tw_process_end){0};
    TW_TRY(tw_argv_complete(command));
    TW_TRY(tw_interrupt_check("running the study"));
    TW_TRY(check_log(log));
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    const int error = spawn(command, log, &w.child);
    if (error == ENOENT || error == EACCES)
        return tw_fail(TW_INPUT, "cannot start %s: %s", command->words[0], strerror(error));
    if (error) return tw_fail(TW_MEMORY, "cannot start %s: %s", command->words[0], strerror(error));
    const int how = wait_for(&w);
    end->code = WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
    end_orphans(w.asked > 0 ? 0 : linger);
    if (w.stopped)
        return tw_fail(TW_STOPPED, "stopped by %s; run the same command again to go on",
                       tw_interrupt_cause());
    return TW_OK;
}

tw_status tw_process_self(size_t length, char *text)
{
    const ssize_t got = readlink("/proc/self/exe", text, length - 1);
    if (got > 0 && (size_t)got < length - 1) {
        text[got] = 0;
        return TW_OK;
    }
    return tw_fail(TW_INPUT, "the path of this program cannot be found: %s", strerror(errno));
}
