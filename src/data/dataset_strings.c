/* Names of features and classes: one-dimensional string data sets, fixed or variable length. */
#include "data/hdf5_file.h"
#include "data/hdf5_storage.h"
#include "data/hdf5_strings.h"
#include "thalweg/dataset.h"
#include "thalweg/image.h"

enum { MOST = 10000000 };

static tw_status read_strings(hid_t dataset, const char *path, const char *name, size_t *count,
                              char ***strings)
{
    hsize_t shape[8];
    if (!tw_hdf5_holds_strings(dataset) || tw_hdf5_shape(dataset, shape) != 1) return TW_OK;
    if (shape[0] == 0 || shape[0] > MOST) return TW_OK;
    TW_TRY(tw_storage_real(dataset, path, name));
    *strings = tw_hdf5_strings(dataset, (size_t)shape[0]);
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
            status = read_strings(dataset, path, name, count, strings);
            H5Dclose(dataset);
        }
    }
    H5Fclose(file);
    return status;
}

char **tw_dataset_strings_copy(size_t count, char *const *strings)
{
    return tw_image_strings_copy(count, strings);
}
