/* byte_source.h -- the bytes of a regular file, inflated when the file is gzipped, in order.
 *
 * zlib's gzread ignores what follows a gzip member when it is no gzip; a damaged second member would silently
 * cost half of a data set. Here every byte of the file must belong to a sound member. */
#ifndef THALWEG_BYTE_SOURCE_H
#define THALWEG_BYTE_SOURCE_H

#include "thalweg/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

typedef struct {
    const char *path; /* borrowed */
    int fd;
    uint64_t size; /* of the file as stored */
    bool gzip;
    bool inside;        /* a gzip member has begun and not ended */
    z_stream stream;    /* of gzip */
    unsigned char *raw; /* owned; gzip: bytes as stored */
} tw_byte_source;

/** Open. TW_INPUT: missing, unreadable, no regular file; TW_MEMORY. Release in any case. */
tw_status tw_byte_source_open(tw_byte_source *source, const char *path) TW_CHECKED;

/**
 * The next bytes.
 * @param got out: fewer than size only at the end of the content
 * @return TW_OK; TW_DATA: damaged or truncated gzip; TW_IO.
 */
tw_status tw_byte_source_read(tw_byte_source *source, size_t size, void *bytes, size_t *got) TW_CHECKED;

void tw_byte_source_release(tw_byte_source *source);

#endif
