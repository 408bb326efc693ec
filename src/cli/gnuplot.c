/* gnuplot.c -- start gnuplot, feed it and wait for it.
 *
 * Everything the child sees is inherited as descriptors 0, 1 and 2; its arguments are constant. */
#include "cli/gnuplot.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { POLL_NANOSECONDS = 5000000, COMPLAINT_LEN = 1024 };

/* Opened in this order, so that each descriptor is at least the number it is moved to in the child. */
typedef struct {
    int script, picture, complaint;
} channels;

static void channels_close(channels *c)
{
    if (c->script >= 0) close(c->script);
    if (c->picture >= 0) close(c->picture);
    if (c->complaint >= 0) close(c->complaint);
}

static bool write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t done = write(fd, bytes, size);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return false;
        bytes += done;
        size -= (size_t)done;
    }
    return true;
}

static tw_status channels_open(const char *script, size_t size, channels *c)
{
    *c = (channels){.script = memfd_create("script", MFD_CLOEXEC), .picture = -1, .complaint = -1};
    if (c->script >= 0) c->picture = memfd_create("picture", MFD_CLOEXEC);
    if (c->picture >= 0) c->complaint = memfd_create("complaint", MFD_CLOEXEC);
    if (c->complaint < 0 || !write_all(c->script, script, size) || lseek(c->script, 0, SEEK_SET) != 0)
        return tw_fail(TW_MEMORY, "cannot hold the gnuplot script in memory: %s", strerror(errno));
    return TW_OK;
}

/* The bytes of a memory file, with a final zero. */
static tw_status slurp(int fd, char **bytes, size_t *size)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return tw_fail(TW_IO, "cannot read what gnuplot drew");
    const size_t length = (size_t)st.st_size;
    char *out = malloc(length + 1);
    if (out == NULL) return tw_fail(TW_MEMORY, "no memory for a picture of %zu bytes", length);
    size_t have = 0;
    while (have < length) {
        const ssize_t got = pread(fd, out + have, length - have, (off_t)have);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        have += (size_t)got;
    }
    out[have] = '\0';
    *bytes = out;
    *size = have;
    return TW_OK;
}

static int spawn(const channels *c, pid_t *child)
{
    static char program[] = "gnuplot", defaults[] = "-d", from_stdin[] = "-";
    char *const arguments[] = {program, defaults, from_stdin, NULL};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) return error;
    error = posix_spawn_file_actions_adddup2(&actions, c->script, STDIN_FILENO);
    if (error == 0) error = posix_spawn_file_actions_adddup2(&actions, c->picture, STDOUT_FILENO);
    if (error == 0) error = posix_spawn_file_actions_adddup2(&actions, c->complaint, STDERR_FILENO);
    if (error == 0) error = posix_spawnp(child, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* False when the time ran out; the child is gone in any case. */
static bool wait_for(pid_t child, unsigned seconds, int *how)
{
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += (time_t)seconds;
    *how = 0;
    for (;;) {
        const pid_t done = waitpid(child, how, WNOHANG);
        if (done == child || (done < 0 && errno != EINTR)) return true;
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec > end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec >= end.tv_nsec)) break;
        nanosleep(&(struct timespec){.tv_nsec = POLL_NANOSECONDS}, NULL);
    }
    kill(child, SIGKILL);
    while (waitpid(child, how, 0) < 0 && errno == EINTR) {
    }
    return false;
}

/* The complaint on one line: gnuplot prints the offending line, a caret, then "line N: why". */
static tw_status failed(const channels *c, int how)
{
    char text[COMPLAINT_LEN];
    const ssize_t got = pread(c->complaint, text, sizeof text - 1, 0);
    size_t length = 0;
    for (ssize_t i = 0; i < got; i++) {
        const bool blank = (unsigned char)text[i] <= ' ';
        if (blank && (length == 0 || text[length - 1] == ' ')) continue;
        text[length++] = blank ? ' ' : text[i];
    }
    text[length] = '\0';
    if (WIFSIGNALED(how))
        return tw_fail(TW_OUTPUT, "gnuplot was killed by signal %d: %s", WTERMSIG(how), text);
    if (WEXITSTATUS(how) != 0)
        return tw_fail(TW_OUTPUT, "gnuplot failed with exit code %d: %s", WEXITSTATUS(how), text);
    return tw_fail(TW_OUTPUT, "gnuplot drew nothing: %s", text);
}

static tw_status draw(const channels *c, unsigned seconds, char **picture, size_t *picture_size)
{
    pid_t child;
    int how;
    const int error = spawn(c, &child);
    if (error == ENOENT)
        return tw_fail(TW_OUTPUT, "gnuplot is not installed: apt-get install gnuplot-nox "
                                  "(or the gnuplot package of your system)");
    if (error != 0) return tw_fail(TW_OUTPUT, "cannot start gnuplot: %s", strerror(error));
    if (!wait_for(child, seconds, &how))
        return tw_fail(TW_OUTPUT, "gnuplot was stopped after %u seconds", seconds);
    if (how != 0) return failed(c, how);
    TW_TRY(slurp(c->picture, picture, picture_size));
    if (*picture_size > 0) return TW_OK;
    free(*picture);
    *picture = NULL;
    return failed(c, how);
}

tw_status tw_gnuplot_run(const char *script, size_t size, unsigned seconds, char **picture,
                         size_t *picture_size)
{
    channels c;
    *picture = NULL;
    *picture_size = 0;
    tw_status status = channels_open(script, size, &c);
    if (status == TW_OK) status = draw(&c, seconds, picture, picture_size);
    channels_close(&c);
    return status;
}

static bool is_utf8(const char *text)
{
    json_t *string = json_string(text);
    json_decref(string);
    return string != NULL;
}

/* Bytes of the character at p, and whether both gnuplot and XML can carry it. */
static size_t character(const unsigned char *p, bool utf8, bool *drawable)
{
    size_t length = 1;
    while (utf8 && *p >= 0x80 && (p[length] & 0xc0) == 0x80) length++;
    const bool noncharacter = length == 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe;
    *drawable = *p >= 0x20 && *p != 0x7f && (*p < 0x80 || utf8) && !noncharacter;
    return length;
}

void tw_gnuplot_quote(FILE *script, const char *text, size_t longest)
{
    const bool utf8 = is_utf8(text);
    const unsigned char *p = (const unsigned char *)text;
    size_t total = 0, written = 0;
    for (const unsigned char *q = p; *q != '\0'; q++) total += !utf8 || (*q & 0xc0) != 0x80;
    fputc('\'', script);
    while (*p != '\0' && (total <= longest || written + 1 < longest)) {
        bool drawable;
        const size_t length = character(p, utf8, &drawable);
        if (!drawable)
            fputc('?', script);
        else if (*p == '\'')
            fputs("''", script);
        else
            fwrite(p, 1, length, script);
        p += length;
        written++;
    }
    fputs(*p != '\0' ? "…'" : "'", script);
}
