/* file.c -- the bytes of a configuration file, with a limit on how many. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static tw_status fail_reading(const char *path)
{
    return tw_fail(TW_INPUT, "cannot read configuration '%s': %s", path, strerror(errno));
}

static tw_status read_all(int fd, const char *path, char *text, size_t *length)
{
    struct stat status;
    if (fstat(fd, &status) != 0) return fail_reading(path);
    if (S_ISDIR(status.st_mode))
        return tw_fail(TW_INPUT, "cannot read configuration '%s': it is a directory; name the file in it",
                       path);
    while (*length <= TW_CONFIG_LONGEST) {
        const ssize_t got = read(fd, text + *length, TW_CONFIG_LONGEST + 1 - *length);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_reading(path);
        if (got == 0) return TW_OK;
        *length += (size_t)got;
    }
    return tw_fail(TW_CONFIG, "configuration '%s' is longer than %d bytes; is it the right file?", path,
                   TW_CONFIG_LONGEST);
}

tw_status tw_config_read_file(const char *path, char **text, size_t *length)
{
    *text = NULL;
    *length = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail_reading(path);
    char *bytes = malloc(TW_CONFIG_LONGEST + 2);
    if (bytes == NULL) {
        close(fd);
        return tw_fail(TW_MEMORY, "no memory to read configuration '%s'", path);
    }
    size_t count = 0;
    const tw_status status = read_all(fd, path, bytes, &count);
    close(fd);
    if (status != TW_OK) {
        free(bytes);
        return status;
    }
    bytes[count] = '\0';
    *text = bytes;
    *length = count;
    return TW_OK;
}
