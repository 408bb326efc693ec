/* Names of features and classes: one-dimensional string data sets, fixed or variable length. */
#include "data/hdf5_file.h"
#include "thalweg/dataset.h"

#include <stdlib.h>
#include <string.h>

/* One allocation: the pointers, then the characters. */
static char **pack(size_t count, char *const *words)
{
    size_t bytes = count * sizeof(char *);
    for (size_t i = 0; i < count; i++) bytes += (words[i] ? strlen(words[i]) : 0) + 1;
    char **out = malloc(bytes ? bytes : 1);
    if (!out) return NULL;
    char *at = (char *)(out + count);
    for (size_t i = 0; i < count; i++) {
        const char *word = words[i] ? words[i] : "";
        out[i] = at;
        at = stpcpy(at, word) + 1;
    }
    return out;
}

static char **read_variable(hid_t dataset, size_t count)
{
    char **words = calloc(count + 1, sizeof *words), **out = NULL;
    const hid_t memory = H5Tcopy(H5T_C_S1), space = H5Dget_space(dataset);
    const hid_t type = H5Dget_type(dataset);
    H5Tset_size(memory, H5T_VARIABLE);
    H5Tset_cset(memory, H5Tget_cset(type));
    if (words && H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, words) >= 0) {
        out = pack(count, words);
        H5Dvlen_reclaim(memory, space, H5P_DEFAULT, words);
    }
    H5Tclose(type);
    H5Sclose(space);
    H5Tclose(memory);
    free(words);
    return out;
}

static char **read_fixed(hid_t dataset, size_t count, size_t size)
{
    char *bytes = calloc(count + 1, size + 1), **words = calloc(count + 1, sizeof *words), **out = NULL;
    const hid_t type = H5Dget_type(dataset), memory = H5Tcopy(type);
    H5Tset_size(memory, size + 1);
    H5Tset_strpad(memory, H5T_STR_NULLTERM);
    if (bytes && words && H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes) >= 0) {
        for (size_t i = 0; i < count; i++) words[i] = bytes + i * (size + 1);
        out = pack(count, words);
    }
    H5Tclose(memory);
    H5Tclose(type);
    free(words);
    free(bytes);
    return out;
}

static tw_status read_strings(hid_t dataset, const char *path, size_t *count, char ***strings)
{
    hsize_t shape[8];
    const int rank = tw_hdf5_shape(dataset, shape);
    const hid_t type = H5Dget_type(dataset);
    const bool text = H5Tget_class(type) == H5T_STRING, variable = text && H5Tis_variable_str(type) > 0;
    const size_t size = H5Tget_size(type);
    H5Tclose(type);
    if (!text || rank != 1 || shape[0] == 0 || shape[0] > 10000000 || size > 65536) return TW_OK;
    *strings = variable ? read_variable(dataset, (size_t)shape[0]) : read_fixed(dataset, (size_t)shape[0], size);
    if (!*strings) return tw_fail(TW_DATA, "cannot read the names in %s", path);
    *count = (size_t)shape[0];
    return TW_OK;
}

tw_status tw_dataset_strings(const char *path, const char *name, size_t *count, char ***strings)
{
    hid_t file, dataset;
    *count = 0;
    *strings = NULL;
    TW_TRY(tw_hdf5_open(path, &file));
    tw_status status = TW_OK;
    if (tw_hdf5_exists(file, name)) {
        status = tw_hdf5_dataset(file, path, name, &dataset);
        if (status == TW_OK) {
            status = read_strings(dataset, path, count, strings);
            H5Dclose(dataset);
        }
    }
    H5Fclose(file);
    return status;
}
