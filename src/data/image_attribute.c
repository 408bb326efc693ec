/* image_attribute.c -- attributes of the root of our own files, on the way in: one text or one number each.
 */
#include "data/hdf5_file.h"
#include "thalweg/image.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST_FIXED = 65536 };

static bool is_single(hid_t attribute)
{
    const hid_t space = H5Aget_space(attribute);
    const bool single = H5Sget_simple_extent_npoints(space) == 1;
    H5Sclose(space);
    return single;
}

static tw_image_attribute kind_of(hid_t attribute)
{
    const hid_t type = H5Aget_type(attribute);
    const H5T_class_t class = H5Tget_class(type);
    const size_t size = H5Tget_size(type);
    const bool readable = class == H5T_STRING ? size <= LONGEST_FIXED : tw_hdf5_convertible(type);
    H5Tclose(type);
    if (!is_single(attribute) || !readable) return TW_IMAGE_OTHER;
    switch (class) {
    case H5T_STRING: return TW_IMAGE_TEXT;
    case H5T_ENUM: /* h5py writes booleans so */
    case H5T_INTEGER: return TW_IMAGE_WHOLE;
    case H5T_FLOAT: return TW_IMAGE_REAL;
    default: return TW_IMAGE_OTHER;
    }
}

tw_image_attribute tw_image_attribute_kind(hid_t file, const char *name)
{
    if (H5Aexists_by_name(file, "/", name, H5P_DEFAULT) <= 0) return TW_IMAGE_ABSENT;
    const hid_t attribute = H5Aopen_by_name(file, "/", name, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute < 0) return TW_IMAGE_OTHER;
    const tw_image_attribute kind = kind_of(attribute);
    H5Aclose(attribute);
    return kind;
}

/* What cannot be read is NULL, and no_memory tells whether that is why. */
static char *read_variable(hid_t attribute, hid_t memory, bool *no_memory)
{
    char *found = NULL, *text = NULL;
    const hid_t space = H5Aget_space(attribute);
    H5Tset_size(memory, H5T_VARIABLE);
    if (H5Aread(attribute, memory, &found) >= 0) {
        text = strdup(found ? found : "");
        *no_memory = !text;
        H5Dvlen_reclaim(memory, space, H5P_DEFAULT, &found);
    }
    H5Sclose(space);
    return text;
}

static char *read_fixed(hid_t attribute, hid_t memory, size_t size, bool *no_memory)
{
    char *text = calloc(size + 1, 1);
    *no_memory = !text;
    H5Tset_size(memory, size + 1);
    if (text && H5Aread(attribute, memory, text) >= 0) return text;
    free(text);
    return NULL;
}

static char *read_text(hid_t attribute, bool *no_memory)
{
    const hid_t type = H5Aget_type(attribute), memory = H5Tcopy(H5T_C_S1);
    H5Tset_cset(memory, H5Tget_cset(type));
    char *text = H5Tis_variable_str(type) > 0 ? read_variable(attribute, memory, no_memory)
                                              : read_fixed(attribute, memory, H5Tget_size(type), no_memory);
    H5Tclose(memory);
    H5Tclose(type);
    return text;
}

tw_status tw_image_get_text(hid_t file, const char *name, char **text)
{
    *text = NULL;
    const tw_image_attribute kind = tw_image_attribute_kind(file, name);
    if (kind == TW_IMAGE_ABSENT) return tw_fail(TW_DATA, "attribute '%s' is missing", name);
    if (kind != TW_IMAGE_TEXT) return tw_fail(TW_DATA, "attribute '%s' is no text", name);
    const hid_t attribute = H5Aopen_by_name(file, "/", name, H5P_DEFAULT, H5P_DEFAULT);
    bool no_memory = false;
    *text = read_text(attribute, &no_memory);
    H5Aclose(attribute);
    if (no_memory) return tw_fail(TW_MEMORY, "out of memory for attribute '%s'", name);
    return *text ? TW_OK : tw_fail(TW_DATA, "attribute '%s' is damaged: HDF5 cannot read it", name);
}

tw_status tw_image_get_number(hid_t file, const char *name, tw_image_type type, void *value)
{
    const tw_image_attribute kind = tw_image_attribute_kind(file, name);
    if (kind == TW_IMAGE_ABSENT) return tw_fail(TW_DATA, "attribute '%s' is missing", name);
    if (kind != TW_IMAGE_WHOLE && (kind != TW_IMAGE_REAL || type != TW_IMAGE_F64))
        return tw_fail(TW_DATA, "attribute '%s' is no %snumber", name, type == TW_IMAGE_F64 ? "" : "whole ");
    const hid_t memory = type == TW_IMAGE_F64   ? H5T_NATIVE_DOUBLE
                         : type == TW_IMAGE_I64 ? H5T_NATIVE_INT64
                                                : H5T_NATIVE_UINT64;
    const hid_t attribute = H5Aopen_by_name(file, "/", name, H5P_DEFAULT, H5P_DEFAULT);
    const herr_t error = H5Aread(attribute, memory, value);
    H5Aclose(attribute);
    return error >= 0 ? TW_OK : tw_fail(TW_DATA, "attribute '%s' is damaged: HDF5 cannot read it", name);
}
