/* What Linux tells this process about the machine: limits, caches, pages. Whatever it does not tell is left
 * at 0, which means unknown or without limit. */
#include "scale/doctor.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* The first bytes of a small file, "" when it is not there. */
static bool slurp(const char *path, size_t length, char *text)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t got = file < 0 ? 0 : read(file, text, length - 1);
    if (file >= 0) close(file);
    text[got > 0 ? got : 0] = 0;
    return got > 0;
}

/* ---- cores ---- */

static bool first_of(int cpu, const char *what, int *first)
{
    char path[128], text[32];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/%s", cpu, what);
    if (!slurp(path, sizeof text, text)) return false;
    *first = (int)strtol(text, NULL, 10);
    return true;
}

static void count_cores(tw_doctor_rank *r)
{
    cpu_set_t set, seen;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return;
    CPU_ZERO(&seen);
    for (int i = 0; i < CPU_SETSIZE; i++) {
        int first = i;
        if (!CPU_ISSET((size_t)i, &set)) continue;
        if (!first_of(i, "topology/thread_siblings_list", &first) || first < 0 || first >= CPU_SETSIZE)
            first = i;
        CPU_SET((size_t)first, &seen);
    }
    r->cpus = CPU_COUNT(&set);
    r->cores = CPU_COUNT(&seen);
}

/* "32768K", "105M" */
static double parse_size(const char *text)
{
    char *end;
    const double value = strtod(text, &end);
    return value * (*end == 'K' ? 1024 : *end == 'M' ? 1048576 : 1);
}

/* Every cache of the last level once: by the first processor that has it. */
static double last_caches(void)
{
    double sum = 0;
    const long cpus = sysconf(_SC_NPROCESSORS_CONF), one = sysconf(_SC_LEVEL3_CACHE_SIZE);
    for (int i = 0; i < (int)cpus; i++) {
        char path[96], text[32];
        int first;
        if (!first_of(i, "cache/index3/shared_cpu_list", &first) || first != i) continue;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cache/index3/size", i);
        if (slurp(path, sizeof text, text)) sum += parse_size(text);
    }
    if (sum > 0) return sum;
    return one > 0 ? (double)one : 33554432;
}

static int best_isa(void)
{
#ifdef TW_X86
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
        return 2;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 1;
#endif
    return 0;
}

/* ---- control groups ---- */

/* Two numbers of a file of a group: "max 100000" gives 0 and 100000. */
static bool group_numbers(const char *folder, const char *name, double out[2])
{
    char path[TW_PATH_LEN], text[128], *end;
    snprintf(path, sizeof path, "%.3900s/%.100s", folder, name);
    if (!slurp(path, sizeof text, text)) return false;
    out[0] = strtod(text, &end);
    out[1] = strncmp(text, "max", 3) == 0 ? strtod(text + 3, NULL) : strtod(end, NULL);
    return true;
}

static void keep_least(double *least, double value)
{
    if (value > 0 && (*least <= 0 || value < *least)) *least = value;
}

static void look_at_group(const char *folder, bool second, tw_doctor_rank *r)
{
    double v[2], period[2];
    if (group_numbers(folder, second ? "memory.max" : "memory.limit_in_bytes", v))
        keep_least(&r->limit, v[0]);
    if (second && group_numbers(folder, "cpu.max", v) && v[1] > 0) keep_least(&r->quota, v[0] / v[1]);
    if (!second && group_numbers(folder, "cpu.cfs_quota_us", v) &&
        group_numbers(folder, "cpu.cfs_period_us", period) && period[0] > 0)
        keep_least(&r->quota, v[0] / period[0]);
}

/* The group and all above it; in a container the path may not be there, but the top is. */
static void climb(const char *base, char *path, bool second, tw_doctor_rank *r)
{
    char folder[TW_PATH_LEN];
    for (;;) {
        snprintf(folder, sizeof folder, "%.100s%.3900s", base, path);
        look_at_group(folder, second, r);
        char *slash = strrchr(path, '/');
        if (!slash) return;
        *slash = 0;
    }
}

static void look_at_groups(tw_doctor_rank *r)
{
    char text[4096], *rest = text, *line;
    slurp("/proc/self/cgroup", sizeof text, text);
    while ((line = strsep(&rest, "\n")) != NULL) {
        char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;
        if (!path) continue;
        *path++ = 0;
        if (!names[1])
            climb("/sys/fs/cgroup", path, true, r);
        else if (strcmp(names + 1, "memory") == 0)
            climb("/sys/fs/cgroup/memory", path, false, r);
        else if (strstr(names, "cpuacct") || strcmp(names + 1, "cpu") == 0)
            climb("/sys/fs/cgroup/cpu", path, false, r);
    }
    if (r->memory > 0 && r->limit >= r->memory) r->limit = 0;
}

/* ---- memory ---- */

static double meminfo(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? 1024 * strtod(at + strlen(name), NULL) : 0;
}

static void look_at_memory(tw_doctor_rank *r)
{
    char text[4096];
    struct statvfs shared;
    struct rlimit limit;
    slurp("/proc/meminfo", sizeof text, text);
    r->memory = meminfo(text, "MemTotal:");
    r->free = meminfo(text, "MemAvailable:");
    slurp("/sys/kernel/mm/transparent_hugepage/enabled", sizeof text, text);
    const char *chosen = strchr(text, '[');
    if (chosen) snprintf(r->pages, sizeof r->pages, "%.*s", (int)strcspn(chosen + 1, "]"), chosen + 1);
    if (statvfs("/dev/shm", &shared) == 0) r->shared = (double)shared.f_blocks * (double)shared.f_frsize;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        r->address_space = (double)limit.rlim_cur;
    if (access("/sys/class/infiniband", F_OK) == 0 && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY)
        r->locked = (double)limit.rlim_cur + 1; /* a limit of 0 is one, too */
}

static bool in_path(const char *program)
{
    char path[TW_PATH_LEN];
    const char *at = getenv("PATH");
    while (at && *at) {
        const int length = (int)strcspn(at, ":");
        snprintf(path, sizeof path, "%.*s/%s", length < 4000 ? length : 4000, at, program);
        if (access(path, X_OK) == 0) return true;
        at += length + (at[length] == ':');
    }
    return false;
}

void tw_doctor_look(tw_doctor_rank *r)
{
    memset(r, 0, sizeof *r);
    count_cores(r);
    look_at_memory(r);
    look_at_groups(r);
    r->cache = last_caches();
    r->best = best_isa();
    r->plot = in_path("gnuplot");
}

const char *tw_doctor_launcher(void)
{
    static const char *const rows[][2] = {{"OMPI_COMM_WORLD_SIZE", "mpirun"},
                                          {"FLUX_JOB_SIZE", "flux"},
                                          {"SLURM_STEP_ID", "srun"},
                                          {"PMI_SIZE", "a launcher with PMI"},
                                          {"PMIX_RANK", "a launcher with PMIx"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *value = getenv(rows[i][0]);
        if (value && *value) return rows[i][1];
    }
    return "none";
}
