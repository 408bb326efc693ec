#include "data/hdf5_file.h"

#include "data/dataset_layout.h"
#include "data/hdf5_storage.h"
#include "thalweg/dataset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_EXPONENT = 32 };

void tw_dataset_start(void)
{
    H5PLset_loading_state(0); /* a data file must not be able to load code */
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

static tw_status check_regular(const char *path)
{
    struct stat info;
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return tw_fail(TW_INPUT, "cannot open %s: %s", path, strerror(errno));
    const int failed = fstat(fd, &info);
    close(fd);
    if (failed) return tw_fail(TW_INPUT, "cannot open %s: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return tw_fail(TW_INPUT, "cannot open %s: it is a directory, not a data file", path);
    if (!S_ISREG(info.st_mode)) return tw_fail(TW_INPUT, "cannot open %s: it is not a regular file", path);
    return TW_OK;
}

tw_status tw_hdf5_open(const char *path, hid_t *file)
{
    TW_TRY(check_regular(path));
    if (H5Fis_hdf5(path) <= 0)
        return tw_fail(TW_DATA,
                       "%s is not an HDF5 file; `thalweg convert` makes one from CSV, LIBSVM, NPY or IDX",
                       path);
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_sec2(access);
    H5Pset_file_locking(access, 0, 1);
    *file = H5Fopen(path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    if (*file < 0) return tw_fail(TW_DATA, "%s is damaged or truncated: HDF5 cannot open it", path);
    return TW_OK;
}

bool tw_hdf5_exists(hid_t file, const char *name)
{
    char part[TW_NAME_LEN];
    if (strlen(name) >= sizeof part || name[0] != '/' || name[1] == 0) return false;
    for (const char *end = strchr(name + 1, '/');; end = strchr(end + 1, '/')) {
        const size_t length = end ? (size_t)(end - name) : strlen(name);
        memcpy(part, name, length);
        part[length] = 0;
        H5L_info_t info;
        if (H5Lexists(file, part, H5P_DEFAULT) <= 0) return false;
        if (H5Lget_info(file, part, &info, H5P_DEFAULT) < 0 || info.type != H5L_TYPE_HARD) return false;
        if (!end) return true;
    }
}

static bool is_dataset(hid_t file, const char *name)
{
    H5O_info_t info;
    return tw_hdf5_exists(file, name) &&
           H5Oget_info_by_name2(file, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 &&
           info.type == H5O_TYPE_DATASET;
}

tw_status tw_hdf5_dataset(hid_t file, const char *path, const char *name, hid_t *dataset)
{
    *dataset = is_dataset(file, name) ? H5Dopen2(file, name, H5P_DEFAULT) : -1;
    if (*dataset < 0) return tw_fail(TW_DATA, "data set '%s' not found in %s", name, path);
    const tw_status status = tw_storage_allowed(*dataset, path, name);
    if (status == TW_OK) return TW_OK;
    H5Dclose(*dataset);
    *dataset = -1;
    return status;
}

/* HDF5 has no native type for 16-bit floats; bits in other places than ours, or another bias, it converts. */
static hid_t sixteen_bits(hid_t file_type, tw_dtype *type)
{
    size_t sign, exponent, exponent_size, mantissa, mantissa_size;
    if (H5Tget_fields(file_type, &sign, &exponent, &exponent_size, &mantissa, &mantissa_size) < 0) return -1;
    if (exponent_size == 5 && mantissa_size == 10)
        *type = TW_f16;
    else if (exponent_size == 8 && mantissa_size == 7)
        *type = TW_bf16;
    else
        return -1;
    return tw_layout_feature_type(*type, true);
}

static hid_t integer(hid_t file_type, tw_dtype *type)
{
    const bool is_signed = H5Tget_sign(file_type) == H5T_SGN_2;
    switch (H5Tget_size(file_type)) {
    case 1: *type = is_signed ? TW_i8 : TW_u8; return H5Tcopy(is_signed ? H5T_NATIVE_INT8 : H5T_NATIVE_UINT8);
    case 2:
        *type = is_signed ? TW_i16 : TW_f32;
        return H5Tcopy(is_signed ? H5T_NATIVE_INT16 : H5T_NATIVE_FLOAT);
    case 4:
    case 8: *type = TW_f64; return H5Tcopy(H5T_NATIVE_DOUBLE);
    default: return -1;
    }
}

static hid_t real(hid_t file_type, tw_dtype *type)
{
    switch (H5Tget_size(file_type)) {
    case 2: return sixteen_bits(file_type, type);
    case 4: *type = TW_f32; return H5Tcopy(H5T_NATIVE_FLOAT);
    case 8: *type = TW_f64; return H5Tcopy(H5T_NATIVE_DOUBLE);
    default: return -1;
    }
}

bool tw_hdf5_memory_type(hid_t file_type, tw_dtype *type, hid_t *memory)
{
    *memory = -1;
    switch (H5Tget_class(file_type)) {
    case H5T_INTEGER: *memory = integer(file_type, type); break;
    case H5T_FLOAT: *memory = real(file_type, type); break;
    case H5T_ENUM: /* h5py writes booleans so */
        if (H5Tget_size(file_type) == 1) {
            *type = TW_u8;
            *memory = H5Tcopy(file_type);
        }
        break;
    default: break;
    }
    return *memory >= 0;
}

bool tw_hdf5_convertible(hid_t file_type)
{
    size_t sign, exponent, exponent_size, mantissa, mantissa_size;
    switch (H5Tget_class(file_type)) {
    case H5T_INTEGER:
    case H5T_ENUM: return H5Tget_size(file_type) <= sizeof(int64_t);
    case H5T_FLOAT:
        return H5Tget_fields(file_type, &sign, &exponent, &exponent_size, &mantissa, &mantissa_size) >= 0 &&
               exponent_size <= MOST_EXPONENT;
    default: return false;
    }
}

const char *tw_hdf5_type_name(hid_t file_type)
{
    static const char *const integers[2][4] = {{"u8", "u16", "u32", "u64"}, {"i8", "i16", "i32", "i64"}};
    const size_t size = H5Tget_size(file_type);
    const int power = size == 1 ? 0 : size == 2 ? 1 : size == 4 ? 2 : 3;
    tw_dtype type;
    hid_t memory;
    switch (H5Tget_class(file_type)) {
    case H5T_INTEGER:
        if (size > sizeof(int64_t)) return "integer of another size";
        return integers[H5Tget_sign(file_type) == H5T_SGN_2][power];
    case H5T_FLOAT:
        if (!tw_hdf5_memory_type(file_type, &type, &memory)) return "float of another size";
        H5Tclose(memory);
        return tw_dtype_name(type);
    case H5T_STRING: return "string";
    case H5T_COMPOUND: return "compound";
    case H5T_ENUM: return size == 1 ? "bool" : "enum";
    case H5T_REFERENCE: return "reference";
    case H5T_OPAQUE: return "opaque";
    case H5T_VLEN: return "variable-length";
    case H5T_ARRAY: return "array";
    default: return "unknown";
    }
}

int tw_hdf5_shape(hid_t dataset, hsize_t shape[8])
{
    const hid_t space = H5Dget_space(dataset);
    int rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    if (rank > 8) rank = -1;
    if (rank >= 0) H5Sget_simple_extent_dims(space, shape, NULL);
    if (space >= 0) H5Sclose(space);
    return rank;
}
