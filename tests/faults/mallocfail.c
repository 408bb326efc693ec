/* Memory that runs out, for whoever preloads this (LD_PRELOAD): the k-th allocation that the code of one
 * module asks for fails, or that one and all later ones. What other libraries allocate for themselves is left
 * alone.
 *
 *   THALWEG_TEST_MALLOC="rank=1,fail=17,mode=once"   mode: once or always; from=NAME: a library, instead of
 * the program THALWEG_TEST_MALLOC_REPORT=FILE                  gets a line "failed 17 at OFFSET", and
 * "counted N" at the end */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static long fail_at, counted;
static int always, active;
static char from[64];
static uintptr_t base, low, high; /* of the module's code */

static int take_range(struct dl_phdr_info *info, size_t size, void *found)
{
    (void)size;
    const char *slash = strrchr(info->dlpi_name, '/'), *name = slash ? slash + 1 : info->dlpi_name;
    if (from[0] ? strncmp(name, from, strlen(from)) != 0 : name[0] != 0) return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_LOAD || !(info->dlpi_phdr[i].p_flags & PF_X)) continue;
        base = info->dlpi_addr;
        low = base + info->dlpi_phdr[i].p_vaddr;
        high = low + info->dlpi_phdr[i].p_memsz;
    }
    *(int *)found = 1;
    return 1; /* the program is the first one, and has no name */
}

static void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void report(const char *format, ...)
{
    const char *path = getenv("THALWEG_TEST_MALLOC_REPORT");
    char line[128];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    const int fd = path ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644) : -1;
    if (fd < 0) return;
    if (write(fd, line, (size_t)length) != length) abort();
    close(fd);
}

__attribute__((constructor)) static void start(void)
{
    const char *plan = getenv("THALWEG_TEST_MALLOC"), *mine = getenv("OMPI_COMM_WORLD_RANK"), *word;
    long rank = 0;
    int found = 0;
    if (!plan) return;
    if ((word = strstr(plan, "rank="))) rank = strtol(word + 5, NULL, 10);
    if ((word = strstr(plan, "fail="))) fail_at = strtol(word + 5, NULL, 10);
    if ((word = strstr(plan, "from=")))
        snprintf(from, sizeof from, "%.*s", (int)strcspn(word + 5, ","), word + 5);
    always = strstr(plan, "mode=always") != NULL;
    dl_iterate_phdr(take_range, &found);
    active = found && (mine ? strtol(mine, NULL, 10) : 0) == rank;
    unsetenv("THALWEG_TEST_MALLOC"); /* not for what the process starts: an MPI daemon, a child that looks at
                                        a file */
}

__attribute__((destructor)) static void finish(void)
{
    if (active) report("counted %ld\n", counted);
}

static int fails(const void *caller)
{
    const uintptr_t at = (uintptr_t)caller;
    if (!active || at < low || at >= high) return 0;
    const long k = __atomic_add_fetch(&counted, 1, __ATOMIC_RELAXED);
    if (fail_at == 0 || (always ? k < fail_at : k != fail_at)) return 0;
    if (k == fail_at) report("failed %ld at 0x%zx\n", k, (size_t)(at - base - 1));
    errno = ENOMEM;
    return 1;
}

#define FAILS() fails(__builtin_return_address(0))

void *malloc(size_t size)
{
    return FAILS() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return FAILS() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *p, size_t size)
{
    return FAILS() ? NULL : __libc_realloc(p, size);
}

void *reallocarray(void *p, size_t count, size_t size)
{
    if (FAILS() || (size && count > SIZE_MAX / size)) return NULL;
    return __libc_realloc(p, count * size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return FAILS() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    if (FAILS()) return ENOMEM;
    *out = __libc_memalign(alignment, size);
    return *out ? 0 : ENOMEM;
}

static char *copy(const char *text, size_t length)
{
    char *p = __libc_malloc(length + 1);
    if (p) memcpy(p, text, length);
    if (p) p[length] = 0;
    return p;
}

char *strdup(const char *text)
{
    return FAILS() ? NULL : copy(text, strlen(text));
}

char *strndup(const char *text, size_t length)
{
    return FAILS() ? NULL : copy(text, strnlen(text, length));
}

static int print(char **out, const char *format, va_list args) __attribute__((format(printf, 2, 0)));
static int print(char **out, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    *out = length < 0 ? NULL : __libc_malloc((size_t)length + 1);
    return *out ? vsnprintf(*out, (size_t)length + 1, format, args) : -1;
}

__attribute__((format(printf, 2, 0))) int vasprintf(char **out, const char *format, va_list args)
{
    return FAILS() ? -1 : print(out, format, args);
}

__attribute__((format(printf, 3, 0))) int __vasprintf_chk(char **out, int flag, const char *format,
                                                          va_list args)
{
    (void)flag;
    return FAILS() ? -1 : print(out, format, args);
}

#define PRINT(out, format)                       \
    va_list args;                                \
    if (FAILS()) return -1;                      \
    va_start(args, format);                      \
    const int length = print(out, format, args); \
    va_end(args);                                \
    return length

int asprintf(char **out, const char *format, ...)
{
    PRINT(out, format);
}

__attribute__((format(printf, 3, 4))) int __asprintf_chk(char **out, int flag, const char *format, ...)
{
    (void)flag;
    PRINT(out, format);
}

/* Functions of the C library that allocate: the real one, or a failure. */
#define REAL(name) ((__typeof__(&name))(uintptr_t)dlsym(RTLD_NEXT, #name))

FILE *open_memstream(char **text, size_t *length)
{
    return FAILS() ? NULL : REAL(open_memstream)(text, length);
}

FILE *fopen(const char *path, const char *mode)
{
    return FAILS() ? NULL : REAL(fopen)(path, mode);
}

FILE *fdopen(int fd, const char *mode)
{
    return FAILS() ? NULL : REAL(fdopen)(fd, mode);
}

DIR *opendir(const char *path)
{
    return FAILS() ? NULL : REAL(opendir)(path);
}

char *realpath(const char *path, char *out)
{
    return !out && FAILS() ? NULL : REAL(realpath)(path, out);
}

int scandir(const char *path, struct dirent ***names, int (*filter)(const struct dirent *),
            int (*order)(const struct dirent **, const struct dirent **))
{
    return FAILS() ? -1 : REAL(scandir)(path, names, filter, order);
}
