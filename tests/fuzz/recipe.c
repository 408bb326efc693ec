/* recipe.c -- from bytes to a valid HDF5 file under a good seal. The edits themselves are in lies.c. */
#include "recipe.h"
#include "lies.h"
#include "sealed.h"

#include "thalweg/file.h"

#include <stdio.h>
#include <stdlib.h>

enum { INCREMENT = 1 << 16, MOST_EDITS = 12 };

static struct {
    char *bytes; /* without the header */
    size_t size;
} bases[RECIPE_MOST_BASES];

void recipe_start(const recipe_format *f)
{
    char path[128];
    fuzz_start_hdf5();
    snprintf(path, sizeof path, "%s/base", fuzz_folder());
    for (size_t i = 0; i < f->n_bases; i++) {
        char *bytes = NULL;
        size_t size = 0;
        FUZZ_REQUIRE(f->write_base(i, path) == TW_OK, "base %zu: %s", i, tw_status_message());
        FUZZ_REQUIRE(tw_file_read(path, SIZE_MAX / 2, &bytes, &size) == TW_OK, "%s", tw_status_message());
        bases[i].size = size - TW_IMAGE_HEADER;
        memmove(bytes, bytes + TW_IMAGE_HEADER, bases[i].size);
        bases[i].bytes = bytes;
    }
}

static hid_t open_base(size_t index)
{
    char name[64];
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    snprintf(name, sizeof name, "recipe %lld", (long long)access);
    H5Pset_fapl_core(access, INCREMENT, false);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    H5Pset_file_image(access, bases[index].bytes, bases[index].size);
    const hid_t file = H5Fopen(name, H5F_ACC_RDWR, access);
    H5Pclose(access);
    FUZZ_REQUIRE(file >= 0, "HDF5 cannot open base %zu", index);
    return file;
}

const char *recipe_build(const recipe_format *f, fuzz_bytes *recipe)
{
    static fuzz_file sealed;
    const hid_t file = open_base(fuzz_take(recipe) % f->n_bases);
    for (int i = 0; i < MOST_EDITS && recipe->left > 0; i++) lie(f, file, recipe);
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    const ssize_t size = H5Fget_file_image(file, NULL, 0);
    FUZZ_REQUIRE(size > 0, "HDF5 gives no image");
    unsigned char *const bytes = malloc((size_t)size + TW_IMAGE_HEADER);
    FUZZ_REQUIRE(bytes && H5Fget_file_image(file, bytes + TW_IMAGE_HEADER, (size_t)size) == size, "no image");
    H5Fclose(file);
    sealed_header(bytes, f->kind, bytes + TW_IMAGE_HEADER, (size_t)size);
    const char *const path = fuzz_file_fill(&sealed, bytes, (size_t)size + TW_IMAGE_HEADER);
    free(bytes);
    return path;
}
