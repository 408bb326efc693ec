/* The values of a data set in tiles that never cut a chunk, so that each is decoded once. */
#include "data/hdf5_file.h"
#include "data/survey.h"

#include <stdlib.h>

#define TILE_BYTES ((uint64_t)4 << 20)
#define BAND_BYTES ((uint64_t)64 << 20)

typedef struct {
    const char *path, *name;
    hid_t dataset, memory;
    tw_dtype type;
    int rank;
    uint64_t rows, cols, tile_rows, tile_cols;
} source;

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t at_least_one(uint64_t a)
{
    return a ? a : 1;
}

/* Whole chunks, as many as fit; a chunk is never larger than the data set here. */
static void choose_tiles(source *s)
{
    hsize_t chunk[TW_SURVEY_RANK] = {1, 1};
    const hid_t creation = H5Dget_create_plist(s->dataset);
    const bool chunked =
        H5Pget_layout(creation) == H5D_CHUNKED && H5Pget_chunk(creation, s->rank, chunk) == s->rank;
    H5Pclose(creation);
    const uint64_t size = tw_dtype_size(s->type), chunk_rows = smaller(at_least_one(chunk[0]), s->rows);
    const uint64_t chunk_cols = s->rank == 2 ? smaller(at_least_one(chunk[1]), s->cols) : 1;
    const uint64_t most = (chunked ? BAND_BYTES : TILE_BYTES) / size / chunk_rows; /* columns of a band */
    s->tile_cols = s->cols <= most ? s->cols : at_least_one(most / chunk_cols) * chunk_cols;
    s->tile_rows = at_least_one(TILE_BYTES / size / s->tile_cols / chunk_rows) * chunk_rows;
}

static bool read_tile(const source *s, const hsize_t first[2], const hsize_t count[2], void *x)
{
    const hid_t space = H5Dget_space(s->dataset), held = H5Screate_simple(s->rank, count, NULL);
    const bool good = space >= 0 && held >= 0 &&
                      H5Sselect_hyperslab(space, H5S_SELECT_SET, first, NULL, count, NULL) >= 0 &&
                      H5Dread(s->dataset, s->memory, held, space, H5P_DEFAULT, x) >= 0;
    H5Sclose(held);
    H5Sclose(space);
    return good;
}

static tw_status show_band(const source *s, uint64_t row, void *x,
                           void (*see)(void *, const tw_survey_tile *), void *context)
{
    const uint64_t rows = smaller(s->tile_rows, s->rows - row);
    for (uint64_t col = 0; col < s->cols; col += s->tile_cols) {
        const uint64_t cols = smaller(s->tile_cols, s->cols - col);
        if (!read_tile(s, (hsize_t[2]){row, col}, (hsize_t[2]){rows, cols}, x))
            return tw_fail(TW_DATA,
                           "cannot read rows %llu to %llu of '%s' in %s: the file is damaged or cut short",
                           (unsigned long long)row, (unsigned long long)(row + rows - 1), s->name, s->path);
        see(context, &(tw_survey_tile){(int64_t)row, (size_t)rows, (size_t)col, (size_t)cols, s->type, x});
    }
    return TW_OK;
}

static tw_status show_all(source *s, void (*see)(void *, const tw_survey_tile *), void *context)
{
    hsize_t shape[TW_SURVEY_RANK] = {0};
    s->rank = tw_hdf5_shape(s->dataset, shape);
    if (s->rank != 1 && s->rank != 2)
        return tw_fail(TW_DATA, "'%s' in %s has neither one nor two dimensions", s->name, s->path);
    s->rows = shape[0];
    s->cols = s->rank == 2 ? shape[1] : 1;
    if (s->rows == 0 || s->cols == 0) return TW_OK;
    choose_tiles(s);
    uint64_t bytes;
    void *x = NULL;
    if (!__builtin_mul_overflow(smaller(s->tile_rows, s->rows) * tw_dtype_size(s->type), s->tile_cols,
                                &bytes))
        x = malloc((size_t)bytes);
    if (!x) return tw_fail(TW_MEMORY, "out of memory for a chunk of '%s' in %s", s->name, s->path);
    tw_status status = TW_OK;
    for (uint64_t row = 0; row < s->rows && status == TW_OK; row += s->tile_rows)
        status = show_band(s, row, x, see, context);
    free(x);
    return status;
}

static tw_status open_source(source *s, hid_t file)
{
    TW_TRY(tw_hdf5_dataset(file, s->path, s->name, &s->dataset));
    const hid_t type = H5Dget_type(s->dataset);
    const char *const kind = tw_hdf5_type_name(type);
    const bool numbers = tw_hdf5_memory_type(type, &s->type, &s->memory);
    H5Tclose(type);
    if (numbers) return TW_OK;
    H5Dclose(s->dataset);
    return tw_fail(TW_DATA, "'%s' in %s is of type %s, not numbers", s->name, s->path, kind);
}

tw_status tw_survey_values(const char *path, const char *name, void (*see)(void *, const tw_survey_tile *),
                           void *context)
{
    source s = {.path = path, .name = name};
    hid_t file;
    TW_TRY(tw_hdf5_open(path, &file));
    tw_status status = open_source(&s, file);
    if (status == TW_OK) {
        status = show_all(&s, see, context);
        H5Tclose(s.memory);
        H5Dclose(s.dataset);
    }
    H5Fclose(file);
    return status;
}
