/* lies.c -- the edits: data sets and attributes of any type, shape and content, numbers that should not be,
 * links in place of things, things that are gone. HDF5 refuses some; that is no finding. */
#include "lies.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 16, MOST_RANK = 3, MOST_NUMBERS = 64 };

static const char *pick(const char *const *list, fuzz_bytes *b)
{
    size_t count = 0;
    while (list[count]) count++;
    return list[fuzz_take(b) % count];
}

/* ---- spaces ---- */

static hsize_t take_size(fuzz_bytes *b)
{
    static const hsize_t large[] = {
        100, 1000, 70000, 1 << 20, (hsize_t)1 << 32, (hsize_t)1 << 61, (hsize_t)1 << 62};
    const unsigned byte = fuzz_take(b);
    return byte < 224 ? byte % 8 : large[byte % 7];
}

static hid_t take_space(fuzz_bytes *b, int *rank, hsize_t dims[MOST_RANK])
{
    const unsigned kind = fuzz_take(b) % 8;
    *rank = 0;
    if (kind == 0) return H5Screate(H5S_NULL);
    if (kind == 1) return H5Screate(H5S_SCALAR);
    *rank = kind < 4 ? 1 : kind < 7 ? 2 : 3;
    for (int i = 0; i < *rank; i++) dims[i] = take_size(b);
    return H5Screate_simple(*rank, dims, NULL);
}

static hid_t take_creation(fuzz_bytes *b, int rank, const hsize_t *dims)
{
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const unsigned layout = fuzz_take(b) % 8;
    hsize_t chunk[MOST_RANK];
    for (int i = 0; i < rank; i++) chunk[i] = dims[i] == 0 ? 1 : dims[i] < 1000 ? dims[i] : 1000;
    H5Pset_obj_track_times(creation, false);
    if (layout == 1) H5Pset_layout(creation, H5D_COMPACT);
    if (layout >= 2 && layout <= 4 && rank > 0) H5Pset_chunk(creation, rank, chunk);
    if (layout == 3 && rank > 0) H5Pset_deflate(creation, 1);
    if (layout == 4 && rank > 0) H5Pset_fletcher32(creation);
    if (layout == 5) H5Pset_external(creation, "/dev/zero", 0, H5F_UNLIMITED);
    if (layout == 6) H5Pset_fill_value(creation, H5T_NATIVE_DOUBLE, &(double){NAN});
    return creation;
}

/* ---- values ---- */

static double take_double(fuzz_bytes *b)
{
    static const double odd[] = {0, -0.0, 1, -1, 2, 0.5, 1e300, -1e300, 5e-324, 0x1p53, 0x1p63, 3};
    const unsigned byte = fuzz_take(b);
    double value;
    const uint64_t bits = byte == 255 ? fuzz_take_number(b, 8) : 0;
    memcpy(&value, &bits, sizeof value);
    if (byte == 255) return value;
    if (byte >= 252) return byte == 252 ? NAN : byte == 253 ? INFINITY : -INFINITY;
    return byte < 24 ? odd[byte % 12] : (double)byte - 128;
}

static char *take_text(const recipe_format *f, fuzz_bytes *b)
{
    const unsigned byte = fuzz_take(b);
    char *text = calloc(5000, 1);
    FUZZ_REQUIRE(text, "out of memory");
    if (byte < 128)
        snprintf(text, 5000, "%s", pick(f->words, b));
    else if (byte < 250)
        for (unsigned i = 0; i < byte - 128; i++) text[i] = (char)fuzz_take(b);
    else
        memset(text, 'x', 4900);
    return text;
}

/* Strings: one pointer each, some NULL. */
static void **take_strings(const recipe_format *f, fuzz_bytes *b, size_t count)
{
    void **strings = calloc(count + 1, sizeof *strings);
    FUZZ_REQUIRE(strings, "out of memory");
    for (size_t i = 0; i < count && b->left; i++)
        if (fuzz_take(b) % 8) strings[i] = take_text(f, b);
    return strings;
}

static void free_strings(void **strings, size_t count)
{
    for (size_t i = 0; i < count; i++) free(strings[i]);
    free(strings);
}

static void *take_values(const recipe_format *f, fuzz_bytes *b, hid_t type, size_t bytes)
{
    char *const values = calloc(bytes + sizeof(double), 1);
    FUZZ_REQUIRE(values, "out of memory");
    if (H5Tget_class(type) == H5T_STRING) {
        char *const text = take_text(f, b);
        memcpy(values, text, bytes < 5000 ? bytes : 5000);
        free(text);
    } else if (H5Tequal(type, H5T_IEEE_F64LE) > 0) {
        for (size_t i = 0; i + sizeof(double) <= bytes && b->left; i += sizeof(double))
            memcpy(values + i, &(double){take_double(b)}, sizeof(double));
    } else {
        for (size_t i = 0; i < bytes && b->left; i++) values[i] = (char)fuzz_take(b);
    }
    return values;
}

typedef struct {
    hid_t object, type;
    herr_t (*write)(hid_t object, hid_t type, const void *values);
} target;

static herr_t write_set(hid_t set, hid_t type, const void *values)
{
    return H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
}

static void fill(const recipe_format *f, fuzz_bytes *b, const target *t, hid_t space)
{
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    const size_t size = H5Tget_size(t->type);
    if (count <= 0 || count > MOST_BYTES || (size_t)count * size > MOST_BYTES) return; /* never written */
    if (H5Tis_variable_str(t->type) > 0) {
        void **const strings = take_strings(f, b, (size_t)count);
        t->write(t->object, t->type, strings);
        free_strings(strings, (size_t)count);
    } else if (H5Tdetect_class(t->type, H5T_VLEN) <= 0) {
        void *const values = take_values(f, b, t->type, (size_t)count * size);
        t->write(t->object, t->type, values);
        free(values);
    }
}

/* ---- edits ---- */

static void put_set(const recipe_format *f, hid_t file, const char *name, fuzz_bytes *b)
{
    int rank;
    hsize_t dims[MOST_RANK];
    const hid_t type = lie_type(b), space = take_space(b, &rank, dims),
                creation = take_creation(b, rank, dims);
    H5Ldelete(file, name, H5P_DEFAULT);
    const hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (set >= 0 && H5Pget_external_count(creation) == 0) fill(f, b, &(target){set, type, write_set}, space);
    if (set >= 0) H5Dclose(set);
    H5Pclose(creation);
    H5Sclose(space);
    H5Tclose(type);
}

static void put_attribute(const recipe_format *f, hid_t file, const char *name, fuzz_bytes *b)
{
    int rank;
    hsize_t dims[MOST_RANK];
    const hid_t type = lie_type(b),
                space = fuzz_take(b) % 2 ? H5Screate(H5S_SCALAR) : take_space(b, &rank, dims);
    H5Adelete(file, name);
    const hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute >= 0) fill(f, b, &(target){attribute, type, H5Awrite}, space);
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

static void put_text(const recipe_format *f, hid_t file, const char *name, fuzz_bytes *b)
{
    char *const text = take_text(f, b);
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, H5T_VARIABLE);
    H5Adelete(file, name);
    const hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (attribute >= 0) H5Awrite(attribute, type, &text);
    if (attribute >= 0) H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    free(text);
}

/* HDF5 smashes its stack when it converts wider integers. */
static bool is_convertible(hid_t set)
{
    const hid_t type = H5Dget_type(set);
    const size_t size = H5Tget_size(type);
    H5Tclose(type);
    return size >= 1 && size <= 8;
}

/* Some numbers of a data set that stays what it is. */
static void change_numbers(hid_t file, const char *name, fuzz_bytes *b)
{
    double values[MOST_NUMBERS] = {0};
    const hid_t set = H5Lexists(file, name, H5P_DEFAULT) > 0 ? H5Dopen2(file, name, H5P_DEFAULT) : -1;
    if (set < 0) return;
    const hid_t space = H5Dget_space(set);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    if (count > 0 && count <= MOST_NUMBERS && is_convertible(set) &&
        H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0) {
        for (unsigned left = 1 + fuzz_take(b) % 3; left > 0; left--)
            values[fuzz_take(b) % (size_t)count] = take_double(b);
        H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    }
    H5Dclose(set);
}

static void put_link(hid_t file, const char *name, const char *other, fuzz_bytes *b)
{
    const unsigned kind = fuzz_take(b) % 5;
    H5Ldelete(file, name, H5P_DEFAULT);
    if (kind == 0) H5Lcreate_soft(other, file, name, H5P_DEFAULT, H5P_DEFAULT);
    if (kind == 1) H5Lcreate_external("other.h5", other, file, name, H5P_DEFAULT, H5P_DEFAULT);
    if (kind == 2) H5Lcreate_hard(file, other, file, name, H5P_DEFAULT, H5P_DEFAULT);
    if (kind == 3) H5Lcreate_hard(file, "/", file, name, H5P_DEFAULT, H5P_DEFAULT);
    if (kind == 4) H5Gclose(H5Gcreate2(file, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
}

void lie(const recipe_format *f, hid_t file, fuzz_bytes *b)
{
    const unsigned kind = fuzz_take(b) % 8;
    const char *const set = pick(f->sets, b), *const attribute = pick(f->attributes, b);
    switch (kind) {
    case 0: H5Ldelete(file, set, H5P_DEFAULT); break;
    case 1: H5Adelete(file, attribute); break;
    case 2: put_link(file, set, pick(f->sets, b), b); break;
    case 3: put_attribute(f, file, attribute, b); break;
    case 4: put_text(f, file, attribute, b); break;
    case 5: change_numbers(file, set, b); break;
    default: put_set(f, file, set, b); break;
    }
}
