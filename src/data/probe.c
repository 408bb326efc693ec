/* The child process: its limits, its end, and how its verdict comes back. What both sides must see lies in
 * one shared page; that the child has ended shows in a pipe of which it alone has the other end. */
#include "thalweg/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#if __has_include(<linux/landlock.h>)
#include <linux/landlock.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER 1
#endif
#endif
#ifndef ADDRESS_SANITIZER
#define ADDRESS_SANITIZER 0 /* it needs terabytes of address space */
#endif

enum { DOING_LEN = 128, MOST_FILES = 256 };

/* A child that went wild may have written anything here: read as bounded text and one number. */
typedef struct {
    volatile int done;
    int status;
    double clock, processor; /* limits as they are now */
    char path[TW_PATH_LEN], doing[DOING_LEN], sentence[TW_MESSAGE_LEN];
} report;

static report *own; /* in the child: where to report */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

tw_probe_limits tw_probe_limits_for(size_t n, const char *const *paths)
{
    const double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    double bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += paths[i] ? tw_dataset_bytes(paths[i]) : 0;
    return (tw_probe_limits){.processor = 3 + bytes / 20e6,
                             .clock = 60 + bytes / 5e6,
                             .memory = (uint64_t)fmin(0x1p30 + 4 * bytes, 0.75 * machine)};
}

/* ---- the child ---- */

void tw_probe_doing(const char *path, const char *what)
{
    if (!own) return;
    snprintf(own->path, sizeof own->path, "%s", path);
    snprintf(own->doing, sizeof own->doing, "%s", what);
}

static void set_limit(__rlimit_resource_t what, double value)
{
    struct rlimit limit;
    if (getrlimit(what, &limit) != 0) return;
    const rlim_t wanted = (rlim_t)ceil(value);
    limit.rlim_cur = limit.rlim_max != RLIM_INFINITY && wanted > limit.rlim_max ? limit.rlim_max : wanted;
    setrlimit(what, &limit);
}

/* The timer is exact, the limit is what nobody can catch. */
static void limit_processor(double seconds)
{
    const struct itimerval timer = {
        .it_value = {.tv_sec = (time_t)seconds, .tv_usec = (suseconds_t)(1e6 * (seconds - floor(seconds)))}};
    setitimer(ITIMER_PROF, &timer, NULL);
    set_limit(RLIMIT_CPU, 2 * seconds + 1);
}

void tw_probe_expect(uint64_t bytes)
{
    if (!own || own->processor <= 0) return;
    if (own->clock > 0) own->clock += (double)bytes / 5e6;
    own->processor += (double)bytes / 20e6;
    limit_processor(own->processor);
}

static double address_space(void)
{
    unsigned long pages = 0;
    FILE *const file = fopen("/proc/self/statm", "re");
    if (!file) return 0;
    if (fscanf(file, "%lu", &pages) != 1) pages = 0;
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* Without the header or the kernel's help nothing is lost but a second line of defence. */
static void forbid_writing(void)
{
#if defined(LANDLOCK_ACCESS_FS_MAKE_SYM) && defined(SYS_landlock_create_ruleset)
    const struct landlock_ruleset_attr writes = {
        .handled_access_fs =
            LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
            LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
            LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
            LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM};
    const long rules = syscall(SYS_landlock_create_ruleset, &writes, sizeof writes, 0);
    if (rules < 0) return;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0) syscall(SYS_landlock_restrict_self, (int)rules, 0);
    close((int)rules);
#endif
}

static void be_silent(void)
{
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; nothing >= 0 && fd < 3; fd++) dup2(nothing, fd);
    if (nothing > 2) close(nothing);
    set_limit(RLIMIT_FSIZE, 0);
    forbid_writing();
}

static void limit_child(const tw_probe_limits *limits, pid_t parent)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGXCPU, SIGPROF, SIGALRM};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(0);
    for (size_t i = 0; !ADDRESS_SANITIZER && i < sizeof deadly / sizeof *deadly; i++)
        signal(deadly[i], SIG_DFL);
    set_limit(RLIMIT_CORE, 0);
    if (!limits->output) be_silent();
    if (!limits->output) set_limit(RLIMIT_NOFILE, MOST_FILES);
    if (limits->processor > 0) limit_processor(limits->processor);
    if (limits->memory && !ADDRESS_SANITIZER) set_limit(RLIMIT_AS, address_space() + (double)limits->memory);
}

static _Noreturn void be_child(const tw_probe_limits *limits, pid_t parent, tw_probe_work work, void *context)
{
    limit_child(limits, parent);
    tw_status_message()[0] = 0;
    own->status = (int)work(context);
    memcpy(own->sentence, tw_status_message(), sizeof own->sentence);
    if (limits->output) fflush(stdout);
    own->done = 1;
    _exit(0);
}

/* ---- the parent ---- */

/* False: it took too long and was killed. */
static bool wait_for(pid_t child, int end, const report *r, int *state)
{
    const double start = now();
    bool in_time = true;
    for (;;) {
        struct pollfd closed = {.fd = end, .events = POLLIN};
        const double left = r->clock > 0 ? fmin(start + r->clock - now(), 1) : 1;
        const int got = left > 0 ? poll(&closed, 1, (int)ceil(left * 1000)) : 0;
        if (got > 0) break;
        if (got < 0 && errno != EINTR) break;
        if (left > 0) continue;
        kill(child, SIGKILL);
        in_time = false;
        break;
    }
    while (waitpid(child, state, 0) < 0 && errno == EINTR) {
    }
    return in_time;
}

#define ADVICE "the file is damaged; make it again, for example with h5repack or `thalweg convert`"

static tw_status hung(const report *r, double seconds)
{
    return tw_fail(TW_DATA, "%s makes the HDF5 library hang (stopped after %.0f s) while %s: " ADVICE,
                   r->path, seconds, r->doing);
}

static tw_status crashed(const report *r, int number)
{
    const char *const how = number ? strsignal(number) : "it ended the process";
    if (!r->path[0]) return tw_fail(TW_INTERNAL, "a first look at the input files crashed (%s)", how);
    return tw_fail(TW_DATA, "%s makes the HDF5 library crash (%s) while %s: " ADVICE, r->path, how, r->doing);
}

static tw_status verdict(report *r, bool in_time, int state, double seconds)
{
    const int number = WIFSIGNALED(state) ? WTERMSIG(state) : 0;
    r->path[sizeof r->path - 1] = r->doing[sizeof r->doing - 1] = r->sentence[sizeof r->sentence - 1] = 0;
    if (r->done && !number) {
        const tw_status status = (tw_status)r->status;
        if (status == TW_OK) return TW_OK;
        return tw_fail(status, "%s", r->sentence);
    }
    if (!in_time || number == SIGXCPU || number == SIGPROF) return hung(r, seconds);
    if (number == SIGKILL)
        return tw_fail(TW_MEMORY,
                       "%s: the process that looked at it was killed, most likely for want of memory",
                       r->path[0] ? r->path : "input files");
    return crashed(r, number);
}

static tw_status run(report *r, const tw_probe_limits *limits, tw_probe_work work, void *context, int *number)
{
    int ends[2], state = 0;
    const double start = now();
    const pid_t parent = getpid();
    r->clock = limits->clock;
    r->processor = limits->processor;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return tw_fail(TW_MEMORY, "cannot start a process to look at the files: %s", strerror(errno));
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        own = r;
        close(ends[0]);
        be_child(limits, parent, work, context);
    }
    const int error = errno;
    close(ends[1]);
    const bool in_time = child < 0 || wait_for(child, ends[0], r, &state);
    close(ends[0]);
    if (child < 0)
        return tw_fail(TW_MEMORY, "cannot start a process to look at the files: %s", strerror(error));
    if (number && WIFSIGNALED(state)) *number = WTERMSIG(state);
    return verdict(r, in_time, state, now() - start);
}

tw_status tw_probe_run(const tw_probe_limits *limits, tw_probe_work work, void *context, int *number)
{
    if (number) *number = 0;
    report *const r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (r == MAP_FAILED)
        return tw_fail(TW_MEMORY, "cannot start a process to look at the files: %s", strerror(errno));
    const tw_status status = run(r, limits, work, context, number);
    munmap(r, sizeof *r);
    return status;
}
