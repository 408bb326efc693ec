#include "thalweg/units.h"

#include <stdio.h>

const char *tw_units_bytes(double bytes, char text[TW_UNIT_LEN])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    size_t i = 0;
    while (bytes >= 1024 && i + 1 < sizeof units / sizeof *units) {
        bytes /= 1024;
        i++;
    }
    snprintf(text, TW_UNIT_LEN, i == 0 ? "%.0f %s" : "%.1f %s", bytes, units[i]);
    return text;
}

const char *tw_units_clock(double seconds, char text[TW_UNIT_LEN])
{
    const long s = (long)seconds;
    if (s >= 3600)
        snprintf(text, TW_UNIT_LEN, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, TW_UNIT_LEN, "%ld:%02ld", s / 60, s % 60);
    return text;
}

const char *tw_units_seconds(double seconds, char text[TW_UNIT_LEN])
{
    if (seconds < 10)
        snprintf(text, TW_UNIT_LEN, "%.2f s", seconds);
    else if (seconds < 120)
        snprintf(text, TW_UNIT_LEN, "%.1f s", seconds);
    else
        snprintf(text, TW_UNIT_LEN, "%ld min %ld s", (long)seconds / 60, (long)seconds % 60);
    return text;
}
