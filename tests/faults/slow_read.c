/* Loaded before a program: reads of 1 MiB and more take SLOW_READ_MS milliseconds longer for
 * every 4 MiB, on the rank SLOW_READ_RANK, or on every rank when that is not set. A slow file system. */
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void slow(size_t size)
{
    const char *const ms = getenv("SLOW_READ_MS"), *const chosen = getenv("SLOW_READ_RANK"),
                      *const rank = getenv("OMPI_COMM_WORLD_RANK");
    if (!ms || size < 1 << 20 || (chosen && (!rank || strcmp(chosen, rank) != 0))) return;
    const long n = strtol(ms, NULL, 10) * (long)(size >> 10) / 4096;
    nanosleep(&(struct timespec){.tv_sec = n / 1000, .tv_nsec = n % 1000 * 1000000}, NULL);
}

ssize_t pread(int fd, void *bytes, size_t size, off_t at)
{
    slow(size);
    return syscall(SYS_pread64, fd, bytes, size, at);
}

ssize_t pread64(int fd, void *bytes, size_t size, off_t at)
{
    return pread(fd, bytes, size, at);
}

ssize_t read(int fd, void *bytes, size_t size)
{
    slow(size);
    return syscall(SYS_read, fd, bytes, size);
}
