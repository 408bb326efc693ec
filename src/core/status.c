#include "thalweg/status.h"

#include <stdarg.h>
#include <stdio.h>

static _Thread_local char message[TW_MESSAGE_LEN];

tw_status tw_fail(tw_status code, const char *format, ...)
{
    char sentence[TW_MESSAGE_LEN]; /* the arguments may point into the old message */
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    snprintf(message, sizeof message, "%s", sentence);
    return code;
}

char *tw_status_message(void)
{
    return message;
}

const char *tw_status_text(tw_status code)
{
    switch (code) {
#define X(name, value, text) \
    case TW_##name: return text;
        TW_STATUSES(X)
#undef X
    }
    return "unknown status";
}
