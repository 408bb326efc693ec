#include "data/hdf5_strings.h"

#include "thalweg/image.h"

#include <stdlib.h>

enum { LONGEST_FIXED = 65536 };

bool tw_hdf5_holds_strings(hid_t dataset)
{
    const hid_t type = H5Dget_type(dataset);
    const bool good = H5Tget_class(type) == H5T_STRING && H5Tget_size(type) <= LONGEST_FIXED;
    H5Tclose(type);
    return good;
}

static char **read_variable(hid_t dataset, hid_t type, size_t count)
{
    char **words = calloc(count + 1, sizeof *words), **copy = NULL;
    const hid_t memory = H5Tcopy(H5T_C_S1), space = H5Dget_space(dataset);
    H5Tset_size(memory, H5T_VARIABLE);
    H5Tset_cset(memory, H5Tget_cset(type));
    if (words && H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, words) >= 0) {
        copy = tw_image_strings_copy(count, words);
        H5Dvlen_reclaim(memory, space, H5P_DEFAULT, words);
    }
    H5Sclose(space);
    H5Tclose(memory);
    free(words);
    return copy;
}

static char **read_fixed(hid_t dataset, hid_t type, size_t count)
{
    const size_t size = H5Tget_size(type) + 1;
    char *bytes = calloc(count + 1, size), **words = calloc(count + 1, sizeof *words), **copy = NULL;
    const hid_t memory = H5Tcopy(type);
    H5Tset_size(memory, size);
    H5Tset_strpad(memory, H5T_STR_NULLTERM);
    if (bytes && words && H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0) {
        for (size_t i = 0; i < count; i++) words[i] = bytes + i * size;
        copy = tw_image_strings_copy(count, words);
    }
    H5Tclose(memory);
    free(words);
    free(bytes);
    return copy;
}

char **tw_hdf5_strings(hid_t dataset, size_t count)
{
    const hid_t type = H5Dget_type(dataset);
    char **strings =
        H5Tis_variable_str(type) > 0 ? read_variable(dataset, type, count) : read_fixed(dataset, type, count);
    H5Tclose(type);
    return strings;
}
