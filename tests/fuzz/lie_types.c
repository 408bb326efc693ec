/* lie_types.c -- the types of HDF5 that a file can name. */
#include "lies.h"

#include <stddef.h>

static hid_t string_of(size_t size, fuzz_bytes *b)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size);
    const unsigned how = fuzz_take(b);
    H5Tset_strpad(type, how % 3 == 0 ? H5T_STR_NULLTERM : how % 3 == 1 ? H5T_STR_NULLPAD : H5T_STR_SPACEPAD);
    H5Tset_cset(type, how & 4 ? H5T_CSET_UTF8 : H5T_CSET_ASCII);
    return type;
}

/* As h5py writes booleans. */
static hid_t boolean(void)
{
    const hid_t type = H5Tenum_create(H5T_STD_I8LE);
    H5Tenum_insert(type, "FALSE", &(int8_t){0});
    H5Tenum_insert(type, "TRUE", &(int8_t){1});
    return type;
}

static hid_t compound(void)
{
    const hid_t type = H5Tcreate(H5T_COMPOUND, 16);
    H5Tinsert(type, "r", 0, H5T_IEEE_F64LE);
    H5Tinsert(type, "i", 8, H5T_IEEE_F64LE);
    return type;
}

static hid_t half(void)
{
    const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, 15);
    return type;
}

/* Seven bits in the middle of a word. */
static hid_t odd_integer(void)
{
    const hid_t type = H5Tcopy(H5T_STD_I32LE);
    H5Tset_precision(type, 7);
    H5Tset_offset(type, 5);
    return type;
}

static hid_t wide_integer(void)
{
    const hid_t type = H5Tcopy(H5T_STD_I64LE);
    H5Tset_size(type, 16);
    H5Tset_precision(type, 128);
    return type;
}

static hid_t wide_exponent(size_t bits)
{
    const hid_t type = H5Tcopy(H5T_IEEE_F64LE);
    H5Tset_size(type, 32);
    H5Tset_precision(type, 256);
    H5Tset_fields(type, 255, 55, bits, 0, 55);
    return type;
}

hid_t lie_type(fuzz_bytes *b)
{
    switch (fuzz_take(b) % 27) {
    case 0: return H5Tcopy(H5T_IEEE_F64LE);
    case 1: return H5Tcopy(H5T_IEEE_F64BE);
    case 2: return H5Tcopy(H5T_IEEE_F32LE);
    case 3: return H5Tcopy(H5T_STD_I64LE);
    case 4: return H5Tcopy(H5T_STD_U64LE);
    case 5: return H5Tcopy(H5T_STD_I32BE);
    case 6: return H5Tcopy(H5T_STD_I8LE);
    case 7: return H5Tcopy(H5T_STD_U8LE);
    case 8: return H5Tcopy(H5T_STD_U16BE);
    case 9: return half();
    case 10:
    case 11: return string_of(H5T_VARIABLE, b);
    case 12: return string_of(1 + (size_t)fuzz_take(b), b);
    case 13: return string_of(100000, b);
    case 14: return boolean();
    case 15: return compound();
    case 16: return H5Tcreate(H5T_OPAQUE, 1 + (size_t)fuzz_take(b) % 16);
    case 17: return H5Tarray_create2(H5T_IEEE_F64LE, 1, (hsize_t[1]){3});
    case 18: return H5Tcopy(H5T_STD_REF_OBJ);
    case 19: return H5Tvlen_create(H5T_IEEE_F64LE);
    case 20: return H5Tcopy(H5T_STD_B32LE);
    case 21: return H5Tcopy(H5T_NATIVE_LDOUBLE);
    case 22: return odd_integer();
    case 23: return wide_integer();
    case 24: return H5Tcopy(H5T_UNIX_D32LE);
    case 25: return wide_exponent(1 + fuzz_take(b) % 200);
    default: return H5Tcopy(H5T_STD_REF_DSETREG);
    }
}
