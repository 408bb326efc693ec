/* dtype.h -- the seven types in which features are stored, in memory as in the file.
 *
 * Every kernel converts exactly to double and accumulates in double, so the type is a matter of memory, never
 * of the arithmetic. bf16 is the 16-bit float with 8 exponent and 7 mantissa bits; f16 is IEEE binary16. */
#ifndef THALWEG_DTYPE_H
#define THALWEG_DTYPE_H

#include <stddef.h>

#define TW_DTYPES(X) X(u8, 1) X(i8, 1) X(i16, 2) X(f16, 2) X(bf16, 2) X(f32, 4) X(f64, 8)

typedef enum {
#define X(name, size) TW_##name,
    TW_DTYPES(X)
#undef X
        TW_N_DTYPES
} tw_dtype;

/** Bytes of one element. Not collective. */
size_t tw_dtype_size(tw_dtype type);

/** "u8", "f32", ... Not collective. */
const char *tw_dtype_name(tw_dtype type);

#endif
