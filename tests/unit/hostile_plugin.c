/* hostile_plugin.c -- a library that leaves a file behind as soon as it is loaded, as an HDF5 filter plugin
 * could. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor)) static void run(void)
{
    const char *const mark = getenv("THALWEG_TEST_MARK");
    const int fd = mark ? open(mark, O_CREAT | O_WRONLY, 0600) : -1;
    if (fd >= 0) close(fd);
}
