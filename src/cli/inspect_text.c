#include "cli/inspect.h"
#include "data/printable.h"

#include <stdio.h>
#include <string.h>

void tw_inspect_label(const char *label)
{
    printf("  %-12s ", label);
}

/* Bytes of the character that its first byte announces, within the string. */
static size_t character(const char *at)
{
    const unsigned char first = (unsigned char)*at;
    const size_t length = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    return strnlen(at, length);
}

static void put(const char *text, size_t most, const char *end)
{
    for (size_t shown = 0; text < end; shown++) {
        if (shown == most) {
            fputs("...", stdout);
            return;
        }
        const size_t length = character(text);
        const tw_printable one = tw_printable_quote(length, text);
        fwrite(one.text + 1, 1, strlen(one.text) - 2, stdout); /* without the quotes */
        text += length;
    }
}

void tw_inspect_put(size_t most, const char *text)
{
    put(text, most, text + strlen(text));
}

void tw_inspect_quote(size_t most, const char *text)
{
    putchar('\'');
    tw_inspect_put(most, text);
    putchar('\'');
}

void tw_inspect_put_line(size_t most, const char *text)
{
    put(text, most, text + strcspn(text, "\r\n"));
}
