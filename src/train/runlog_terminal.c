/* What a stream can show: a line that is redrawn, colours. */
#include "thalweg/runlog.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool tw_runlog_is_terminal(FILE *stream)
{
    struct winsize window = {0};
    return isatty(fileno(stream)) && ioctl(fileno(stream), TIOCGWINSZ, &window) == 0 && window.ws_col > 0;
}

bool tw_runlog_has_colours(FILE *stream)
{
    const char *refused = getenv("NO_COLOR"), *kind = getenv("TERM");
    return !(refused && refused[0]) && kind && strcmp(kind, "dumb") != 0 && tw_runlog_is_terminal(stream);
}

void tw_runlog_put_alarm(FILE *stream, const char *word)
{
    const bool colours = tw_runlog_has_colours(stream), error = strcmp(word, "error") == 0;
    fprintf(stream, "%s%s:%s ",
            !colours ? ""
            : error  ? "\033[1;31m"
                     : "\033[1;33m",
            word, colours ? "\033[0m" : "");
}
