/* units.h -- quantities as people read them. Nothing here is collective or fails. */
#ifndef THALWEG_UNITS_H
#define THALWEG_UNITS_H

#include <stddef.h>

enum { TW_UNIT_LEN = 32 };

/** "512 B", "5.6 MiB". Returns text. */
const char *tw_units_bytes(double bytes, char text[TW_UNIT_LEN]);

/** "0:07", "12:30", "3:00:05" (hours, minutes, seconds). Returns text. */
const char *tw_units_clock(double seconds, char text[TW_UNIT_LEN]);

/** "0.12 s", "14.8 s", "3 min 20 s". Returns text. */
const char *tw_units_seconds(double seconds, char text[TW_UNIT_LEN]);

#endif
