/* Columns become rows in bands: every column's share of a band is one read, and a group of them is turned in
 * tiles that fit into the cache. */
#include "data/npy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef THALWEG_FUZZ /* several bands already in short inputs */
#define BAND_BYTES ((size_t)64)
#else
#define BAND_BYTES ((size_t)32 << 20)
#endif
enum { GROUP = 64, TILE_ROWS = 64, STRIDE_BYTES = 64 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

tw_status tw_npy_columns_open(tw_npy_columns *c, size_t block)
{
    const tw_npy_header *h = c->header;
    const size_t width = h->cols * h->size, fit = BAND_BYTES / width;
    c->most = smaller(fit > block ? fit / block * block : fit, h->rows);
    if (c->most == 0) c->most = 1;
    c->group = smaller(GROUP, h->cols);
    c->stride = c->most + STRIDE_BYTES / h->size; /* columns apart by powers of two would share cache lines */
    c->band = malloc(c->most * width);
    c->columns = malloc(c->group * c->stride * h->size);
    if (!c->band || !c->columns) return tw_fail(TW_MEMORY, "out of memory for rows of %s", c->path);
    return TW_OK;
}

void tw_npy_columns_release(tw_npy_columns *c)
{
    free(c->band);
    free(c->columns);
    c->band = c->columns = NULL;
}

static tw_status read_at(const tw_npy_columns *c, uint64_t offset, size_t size, unsigned char *out)
{
    while (size > 0) {
        const ssize_t got = pread(c->fd, out, size, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return tw_fail(TW_IO, "cannot read %s: %s", c->path, strerror(errno));
        if (got == 0)
            return tw_fail(TW_DATA,
                           "%s became shorter while it was read; convert it again when it is complete",
                           c->path);
        offset += (uint64_t)got;
        out += got;
        size -= (size_t)got;
    }
    return TW_OK;
}

#define TURN(bits)                                                                               \
    for (size_t k = 0; k < n; k++) {                                                             \
        const unsigned char *from = c->columns + (k * c->stride + row) * (bits / 8);             \
        unsigned char *to = c->band + (row * c->header->cols + first + k) * (bits / 8);          \
        for (size_t r = row; r < end; r++, from += bits / 8, to += c->header->cols * (bits / 8)) \
            memcpy(to, from, bits / 8);                                                          \
    }

static void turn(tw_npy_columns *c, size_t first, size_t n)
{
    for (size_t row = 0, end; row < c->held; row = end) {
        end = smaller(row + TILE_ROWS, c->held);
        switch (c->header->size) {
        case 1: TURN(8) break;
        case 2: TURN(16) break;
        case 4: TURN(32) break;
        default: TURN(64) break;
        }
    }
}

static tw_status read_band(tw_npy_columns *c)
{
    const tw_npy_header *h = c->header;
    c->held = smaller(c->most, h->rows - c->row);
    c->given = 0;
    for (size_t first = 0, n; first < h->cols; first += n) {
        n = smaller(c->group, h->cols - first);
        for (size_t k = 0; k < n; k++)
            TW_TRY(read_at(c, c->begin + ((uint64_t)(first + k) * h->rows + c->row) * h->size,
                           c->held * h->size, c->columns + k * c->stride * h->size));
        turn(c, first, n);
    }
    c->row += c->held;
    return TW_OK;
}

tw_status tw_npy_columns_next(tw_npy_columns *c, size_t *count, unsigned char **values)
{
    if (c->given == c->held) TW_TRY(read_band(c));
    *count = smaller(*count, c->held - c->given);
    *values = c->band + c->given * c->header->cols * c->header->size;
    c->given += *count;
    return TW_OK;
}
