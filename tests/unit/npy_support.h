/* npy_support.h -- NPY files made by hand. */
#ifndef THALWEG_TEST_NPY_SUPPORT_H
#define THALWEG_TEST_NPY_SUPPORT_H

#include "import_support.h"

/** A header as NumPy writes it. */
#define H(descr, order, shape) "{'descr': " descr ", 'fortran_order': " order ", 'shape': " shape ", }\n"

/** A file of version 1.0 with this header and these values; returns its length. */
static inline size_t npy_bytes(const char *header, size_t size, const void *values, char *out)
{
    const size_t length = strlen(header);
    memcpy(out, "\x93NUMPY\1", 8);
    out[8] = (char)(length & 0xff);
    out[9] = (char)(length >> 8);
    memcpy(out + 10, header, length);
    if (size) memcpy(out + 10 + length, values, size);
    return 10 + length + size;
}

static inline void spill_npy(const char *name, const char *header, size_t size, const void *values)
{
    char *const bytes = malloc(10 + strlen(header) + size);
    const size_t all = npy_bytes(header, size, values, bytes);
    spill(in_scratch(name), all, bytes);
    free(bytes);
}

#endif
