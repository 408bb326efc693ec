/* swap.h -- values of the other byte order. */
#ifndef THALWEG_SWAP_H
#define THALWEG_SWAP_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define TW_SWAP_EACH(bits)                           \
    for (size_t i = 0; i < count; i++) {             \
        uint##bits##_t v;                            \
        memcpy(&v, values + bits / 8 * i, sizeof v); \
        v = __builtin_bswap##bits(v);                \
        memcpy(values + bits / 8 * i, &v, sizeof v); \
    }

/** Turn the bytes of each of count values around in place. size: 1, 2, 4 or 8. */
static inline void tw_swap_bytes(size_t size, size_t count, unsigned char *values)
{
    switch (size) {
    case 2: TW_SWAP_EACH(16) break;
    case 4: TW_SWAP_EACH(32) break;
    case 8: TW_SWAP_EACH(64) break;
    default: break;
    }
}

#undef TW_SWAP_EACH
#endif
