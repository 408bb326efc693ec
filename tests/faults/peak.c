/* peak FILE COMMAND ... -- run a command and write the largest resident size it had, in KiB, to FILE.RANK.
 * Ends with the code of the command. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    struct rusage used;
    char path[4096];
    int status;
    if (argc < 3) return 64;
    const pid_t child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    while (child > 0 && wait4(child, &status, 0, &used) < 0)
        if (errno != EINTR) return 71;
    snprintf(path, sizeof path, "%s.%s", argv[1], rank ? rank : "0");
    FILE *file = child > 0 ? fopen(path, "w") : NULL;
    if (!file || fprintf(file, "%ld\n", used.ru_maxrss) < 0 || fclose(file)) return 74;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
