/* image_value.c -- arrays, strings and attributes of our own files. On the way in every size is checked
 * against the size of the file before memory is asked for; soft and external links and external storage are
 * refused. */
#include "data/hdf5_file.h"
#include "data/hdf5_strings.h"
#include "thalweg/image.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DEFLATE_MOST = 1100 }; /* deflate shrinks at most 1032 to 1 */

static hid_t file_type(tw_image_type type)
{
    return type == TW_IMAGE_F64 ? H5T_IEEE_F64LE : type == TW_IMAGE_I64 ? H5T_STD_I64LE : H5T_STD_U64LE;
}

static hid_t memory_type(tw_image_type type)
{
    return type == TW_IMAGE_F64   ? H5T_NATIVE_DOUBLE
           : type == TW_IMAGE_I64 ? H5T_NATIVE_INT64
                                  : H5T_NATIVE_UINT64;
}

static hid_t string_type(void)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

static tw_status verdict(bool done, const char *name)
{
    return done ? TW_OK : tw_fail(TW_MEMORY, "HDF5 cannot hold '%s' in memory", name);
}

/* ---- put ---- */

static hid_t create_set(hid_t file, const char *name, hid_t type, const size_t shape[2])
{
    const hsize_t dims[2] = {shape[0], shape[1]};
    const hid_t space = H5Screate_simple(shape[1] ? 2 : 1, dims, NULL),
                creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t set = H5I_INVALID_HID;
    if (H5Pset_obj_track_times(creation, false) >= 0)
        set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Pclose(creation);
    H5Sclose(space);
    return set;
}

static bool fill_set(hid_t set, hid_t type, const void *values)
{
    if (set < 0) return false;
    const herr_t error = H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    return H5Dclose(set) >= 0 && error >= 0;
}

tw_status tw_image_put(hid_t file, const char *name, tw_image_type type, const size_t shape[2],
                       const void *values)
{
    return verdict(fill_set(create_set(file, name, file_type(type), shape), memory_type(type), values), name);
}

tw_status tw_image_put_strings(hid_t file, const char *name, size_t count, char *const *strings)
{
    const hid_t type = string_type();
    const bool done = fill_set(create_set(file, name, type, (size_t[2]){count, 0}), type, strings);
    H5Tclose(type);
    return verdict(done, name);
}

tw_status tw_image_put_group(hid_t file, const char *name)
{
    const hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(creation, false);
    const hid_t group = H5Gcreate2(file, name, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Pclose(creation);
    return verdict(group >= 0 && H5Gclose(group) >= 0, name);
}

static bool put_attribute(hid_t file, const char *object, const char *name, const hid_t types[2],
                          const void *value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute =
        H5Acreate_by_name(file, object, name, types[0], space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Sclose(space);
    if (attribute < 0) return false;
    const herr_t error = H5Awrite(attribute, types[1], value);
    return H5Aclose(attribute) >= 0 && error >= 0;
}

tw_status tw_image_put_text(hid_t file, const char *object, const char *name, const char *text)
{
    const hid_t type = string_type();
    const bool done = put_attribute(file, object, name, (hid_t[2]){type, type}, &text);
    H5Tclose(type);
    return verdict(done, name);
}

tw_status tw_image_put_number(hid_t file, const char *object, const char *name, tw_image_type type,
                              const void *value)
{
    return verdict(put_attribute(file, object, name, (hid_t[2]){file_type(type), memory_type(type)}, value),
                   name);
}

/* ---- get: data sets ---- */

static bool is_dataset(hid_t file, const char *name, H5T_class_t *class)
{
    hid_t set = H5I_INVALID_HID;
    if (!tw_hdf5_exists(file, name) || tw_hdf5_dataset(file, "the file", name, &set) != TW_OK) return false;
    const hid_t type = H5Dget_type(set);
    *class = H5Tget_class(type);
    H5Tclose(type);
    H5Dclose(set);
    return true;
}

bool tw_image_has(hid_t file, const char *name)
{
    H5T_class_t class;
    return is_dataset(file, name, &class);
}

bool tw_image_has_strings(hid_t file, const char *name)
{
    H5T_class_t class;
    return is_dataset(file, name, &class) && class == H5T_STRING;
}

/* One or two dimensions, and not more values than the file can hold. */
static tw_status get_shape(hid_t set, const char *name, size_t shape[2], size_t *count)
{
    hsize_t dims[8], bytes = 0;
    const int rank = tw_hdf5_shape(set, dims);
    const hid_t type = H5Dget_type(set), file = H5Iget_file_id(set);
    const hsize_t size = H5Tget_size(type);
    H5Fget_filesize(file, &bytes);
    H5Fclose(file);
    H5Tclose(type);
    if (rank != 1 && rank != 2)
        return tw_fail(TW_DATA, "data set '%s' has %d dimensions, 1 or 2 are needed", name, rank);
    shape[0] = (size_t)dims[0];
    shape[1] = rank == 2 ? (size_t)dims[1] : 0;
    if (rank == 2 && dims[1] == 0) return tw_fail(TW_DATA, "data set '%s' is empty", name);
    if (__builtin_mul_overflow(shape[0], rank == 2 ? shape[1] : 1, count) || size == 0 ||
        *count > bytes / size * DEFLATE_MOST + DEFLATE_MOST)
        return tw_fail(TW_DATA, "data set '%s' claims more values than the file can hold", name);
    return TW_OK;
}

static tw_status check_numbers(hid_t set, const char *name, tw_image_type type)
{
    const hid_t found = H5Dget_type(set);
    const H5T_class_t class = H5Tget_class(found);
    const char *const words = tw_hdf5_type_name(found);
    const bool convertible = tw_hdf5_convertible(found);
    H5Tclose(found);
    if (convertible && (class == H5T_INTEGER || (class == H5T_FLOAT && type == TW_IMAGE_F64))) return TW_OK;
    return tw_fail(TW_DATA, "data set '%s' has type %s, %s are needed", name, words,
                   type == TW_IMAGE_F64 ? "numbers" : "whole numbers");
}

static tw_status read_numbers(hid_t set, const char *name, tw_image_type type, size_t shape[2], void **values)
{
    size_t count;
    TW_TRY(check_numbers(set, name, type));
    TW_TRY(get_shape(set, name, shape, &count));
    void *all = calloc(count + 1, sizeof(double));
    if (!all) return tw_fail(TW_MEMORY, "out of memory for the %zu values of '%s'", count, name);
    if (H5Dread(set, memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, all) < 0) {
        free(all);
        return tw_fail(TW_DATA, "data set '%s' is damaged: HDF5 cannot read it", name);
    }
    *values = all;
    return TW_OK;
}

tw_status tw_image_get(hid_t file, const char *name, tw_image_type type, size_t shape[2], void **values)
{
    hid_t set;
    *values = NULL;
    TW_TRY(tw_hdf5_dataset(file, "the file", name, &set));
    const tw_status status = read_numbers(set, name, type, shape, values);
    H5Dclose(set);
    return status;
}

char **tw_image_strings_copy(size_t count, char *const *strings)
{
    size_t bytes = count * sizeof(char *) + 1;
    for (size_t i = 0; i < count; i++) bytes += (strings[i] ? strlen(strings[i]) : 0) + 1;
    char **copy = malloc(bytes);
    if (!copy) return NULL;
    char *at = (char *)(copy + count);
    for (size_t i = 0; i < count; i++) {
        copy[i] = at;
        at = stpcpy(at, strings[i] ? strings[i] : "") + 1;
    }
    return copy;
}

static tw_status read_strings(hid_t set, const char *name, size_t *count, char ***strings)
{
    size_t shape[2];
    if (!tw_hdf5_holds_strings(set)) return tw_fail(TW_DATA, "data set '%s' holds no strings", name);
    TW_TRY(get_shape(set, name, shape, count));
    if (shape[1]) return tw_fail(TW_DATA, "data set '%s' has 2 dimensions, 1 is needed", name);
    *strings = tw_hdf5_strings(set, *count);
    return *strings ? TW_OK : tw_fail(TW_DATA, "data set '%s' is damaged: HDF5 cannot read it", name);
}

tw_status tw_image_get_strings(hid_t file, const char *name, size_t *count, char ***strings)
{
    hid_t set;
    *strings = NULL;
    *count = 0;
    TW_TRY(tw_hdf5_dataset(file, "the file", name, &set));
    const tw_status status = read_strings(set, name, count, strings);
    H5Dclose(set);
    return status;
}
