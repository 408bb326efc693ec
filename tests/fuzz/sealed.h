/* sealed.h -- the header of our own files (image.h), written by someone else: whoever can write a file can
 * seal it. */
#ifndef THALWEG_FUZZ_SEALED_H
#define THALWEG_FUZZ_SEALED_H

#include "thalweg/hash.h"
#include "thalweg/image.h"

#include <string.h>

enum { SEALED_KIND = 8, SEALED_VERSION = 16, SEALED_LENGTH = 24, SEALED_DIGEST = 32 };

static const unsigned char sealed_magic[8] = {0x89, 'T', 'H', 'W', '\r', '\n', 0x1a, '\n'};

/** @param header out [TW_IMAGE_HEADER]   @param body [size] what the header vouches for */
static inline void sealed_header(unsigned char *header, const char *kind, const void *body, size_t size)
{
    memset(header, 0, TW_IMAGE_HEADER);
    memcpy(header, sealed_magic, sizeof sealed_magic);
    memcpy(header + SEALED_KIND, kind, strnlen(kind, TW_IMAGE_KIND_LEN));
    header[SEALED_VERSION] = TW_IMAGE_VERSION;
    for (int i = 0; i < 8; i++) header[SEALED_LENGTH + i] = (unsigned char)((uint64_t)size >> 8 * i);
    tw_hash128(body, size, header + SEALED_DIGEST);
}

#endif
