/* The writer of our data set file: rows are held back to blocks of about 8 MiB, or written straight from the
 * caller. */
#include "thalweg/dataset_file.h"

#include "data/dataset_layout.h"
#include "data/output_driver.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)8 << 20)

struct tw_dataset_writer {
    tw_output_file output;
    hid_t driver, file, x, y, w, x_memory, y_memory; /* negative: not open */
    size_t rows, written, held, block;               /* in rows; held ones are in the two buffers */
    size_t weights;                                  /* written; rows when there are none */
    size_t x_bytes, y_bytes;                         /* of a row */
    size_t cols;
    char *x_held, *y_held; /* [block]; allocated at the first partial block */
};

size_t tw_label_type_size(tw_label_type type)
{
    static const size_t size[] = {
#define X(name, bytes) bytes,
        TW_LABEL_TYPES(X)
#undef X
    };
    return size[type];
}

const char *tw_label_type_name(tw_label_type type)
{
    static const char *const name[] = {
#define X(name, bytes) #name,
        TW_LABEL_TYPES(X)
#undef X
    };
    return name[type];
}

/* A full disk explains whatever HDF5 says. */
static tw_status outcome(const tw_dataset_writer *w, bool good, const char *what)
{
    TW_TRY(tw_output_file_check(&w->output));
    return good ? TW_OK : tw_fail(TW_INTERNAL, "HDF5 cannot %s of %s", what, w->output.path);
}

static hid_t create_hdf5(hid_t driver, tw_output_file *output)
{
    const hid_t access = tw_output_driver_access(driver, output);
    if (access < 0) return access;
    hid_t file = -1;
    if (H5Pset_alignment(access, 65536, 4096) >= 0)
        file = H5Fcreate(output->temporary, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    return file;
}

static tw_status lay_out(tw_dataset_writer *w, const tw_dataset_layout *layout)
{
    w->driver = tw_output_driver_register();
    TW_TRY(outcome(w, w->driver >= 0, "register the output"));
    w->file = create_hdf5(w->driver, &w->output);
    TW_TRY(outcome(w, w->file >= 0 && tw_layout_mark(w->file), "create the root"));
    w->x_memory = tw_layout_feature_type(layout->x_type, true);
    w->x = tw_layout_features(w->file, layout);
    TW_TRY(outcome(w, w->x_memory >= 0 && w->x >= 0, "create /X"));
    if (layout->y_type != TW_LABEL_none) {
        w->y_memory = tw_layout_label_type(layout->y_type, true);
        w->y = tw_layout_labels(w->file, layout);
        TW_TRY(outcome(w, w->y_memory >= 0 && w->y >= 0, "create /y"));
    }
    if (layout->weights) {
        w->w = tw_layout_weights(w->file, layout);
        TW_TRY(outcome(w, w->w >= 0, "create /sample_weight"));
    }
    if (layout->classes)
        TW_TRY(outcome(w, tw_layout_strings(w->file, "classes", layout->n_classes, layout->classes),
                       "write /classes"));
    if (layout->feature_names)
        TW_TRY(outcome(w, tw_layout_strings(w->file, "feature_names", layout->cols, layout->feature_names),
                       "write /feature_names"));
    return TW_OK;
}

static tw_status check_size(const char *path, const tw_dataset_layout *l)
{
    size_t row, all;
    if (l->rows == 0 || l->cols == 0)
        return tw_fail(TW_DATA, "cannot write %s: it would hold no numbers", path);
    if (__builtin_mul_overflow(l->cols, tw_dtype_size(l->x_type), &row) ||
        __builtin_mul_overflow(l->rows, row + 8, &all) || all > (size_t)INT64_MAX / 2)
        return tw_fail(TW_DATA, "cannot write %s: %zu rows of %zu columns are beyond any file", path, l->rows,
                       l->cols);
    if (l->gzip && row >= (size_t)1 << 32)
        return tw_fail(TW_DATA, "cannot compress %s: a row has 4 GiB or more; leave out --gzip", path);
    return TW_OK;
}

static void set_sizes(tw_dataset_writer *w, const tw_dataset_layout *layout)
{
    w->rows = layout->rows;
    w->weights = layout->weights ? 0 : layout->rows;
    w->cols = layout->cols;
    w->x_bytes = layout->cols * tw_dtype_size(layout->x_type);
    w->y_bytes = tw_label_type_size(layout->y_type);
    const size_t chunk = layout->gzip ? tw_layout_chunk_rows(layout) : 1;
    w->block = BLOCK_BYTES / (w->x_bytes + w->y_bytes) / chunk * chunk;
    if (w->block < chunk) w->block = chunk;
}

tw_status tw_dataset_writer_new(const char *path, const tw_dataset_layout *layout, tw_dataset_writer **writer)
{
    *writer = NULL;
    TW_TRY(check_size(path, layout));
    tw_dataset_writer *w = calloc(1, sizeof *w);
    if (!w) return tw_fail(TW_MEMORY, "out of memory for writing %s", path);
    w->driver = w->file = w->x = w->y = w->w = w->x_memory = w->y_memory = -1;
    set_sizes(w, layout);
    tw_status status = tw_output_file_open(&w->output, path, layout->replace);
    if (status == TW_OK) {
        H5E_BEGIN_TRY
        {
            status = lay_out(w, layout);
        }
        H5E_END_TRY
    }
    if (status == TW_OK)
        *writer = w;
    else
        tw_dataset_writer_free(w);
    return status;
}

size_t tw_dataset_writer_block(const tw_dataset_writer *w)
{
    return w->block;
}

/* first, count: [rank of the data set] */
static bool write_rows(hid_t dataset, hid_t memory, const hsize_t *first, const hsize_t *count,
                       const void *from)
{
    const hid_t space = H5Dget_space(dataset);
    const int rank = H5Sget_simple_extent_ndims(space);
    const hid_t held = H5Screate_simple(rank, count, NULL);
    const bool good = held >= 0 &&
                      H5Sselect_hyperslab(space, H5S_SELECT_SET, first, NULL, count, NULL) >= 0 &&
                      H5Dwrite(dataset, memory, held, space, H5P_DEFAULT, from) >= 0;
    H5Sclose(held);
    H5Sclose(space);
    return good;
}

static tw_status write_block(tw_dataset_writer *w, size_t rows, const void *x, const void *y)
{
    const hsize_t first[2] = {w->written, 0}, count[2] = {rows, w->cols};
    bool good;
    H5E_BEGIN_TRY
    {
        good = write_rows(w->x, w->x_memory, first, count, x) &&
               (w->y < 0 || write_rows(w->y, w->y_memory, first, count, y));
    }
    H5E_END_TRY
    w->written += rows;
    return outcome(w, good, "write the rows");
}

static tw_status hold(tw_dataset_writer *w, size_t rows, const char *x, const char *y)
{
    if (!w->x_held) {
        w->x_held = malloc(w->block * w->x_bytes);
        w->y_held = malloc(w->block * w->y_bytes + 1);
        if (!w->x_held || !w->y_held)
            return tw_fail(TW_MEMORY, "out of memory for writing %s", w->output.path);
    }
    memcpy(w->x_held + w->held * w->x_bytes, x, rows * w->x_bytes);
    if (w->y_bytes) memcpy(w->y_held + w->held * w->y_bytes, y, rows * w->y_bytes);
    w->held += rows;
    return TW_OK;
}

static tw_status flush_held(tw_dataset_writer *w)
{
    const size_t rows = w->held;
    w->held = 0;
    return rows ? write_block(w, rows, w->x_held, w->y_held) : TW_OK;
}

tw_status tw_dataset_writer_append(tw_dataset_writer *w, size_t rows, const void *x, const void *y)
{
    const char *from_x = x, *from_y = y;
    if (rows > w->rows - w->written - w->held)
        return tw_fail(TW_INTERNAL, "%s was announced with %zu rows, and more came", w->output.path, w->rows);
    while (rows > 0) {
        const size_t space = w->block - w->held, piece = rows < space ? rows : space;
        const bool direct = piece == w->block || (w->held == 0 && w->written + piece == w->rows);
        TW_TRY(direct ? write_block(w, piece, from_x, from_y) : hold(w, piece, from_x, from_y));
        if (w->held == w->block) TW_TRY(flush_held(w));
        from_x += piece * w->x_bytes;
        if (from_y) from_y += piece * w->y_bytes;
        rows -= piece;
    }
    return TW_OK;
}

tw_status tw_dataset_writer_append_weights(tw_dataset_writer *w, size_t rows, const double *weights)
{
    const hsize_t first[1] = {w->weights}, count[1] = {rows};
    bool good;
    if (rows > w->rows - w->weights)
        return tw_fail(TW_INTERNAL, "%s was announced with %zu weights, and more came", w->output.path,
                       w->rows);
    H5E_BEGIN_TRY
    {
        good = write_rows(w->w, H5T_NATIVE_DOUBLE, first, count, weights);
    }
    H5E_END_TRY
    w->weights += rows;
    return outcome(w, good, "write the weights");
}

static bool close_dataset(hid_t *id)
{
    const hid_t old = *id;
    *id = -1;
    return old < 0 || H5Dclose(old) >= 0;
}

static bool close_all(tw_dataset_writer *w)
{
    bool good = close_dataset(&w->x);
    good = close_dataset(&w->y) && good;
    good = close_dataset(&w->w) && good;
    if (w->x_memory >= 0) good = H5Tclose(w->x_memory) >= 0 && good;
    if (w->y_memory >= 0) good = H5Tclose(w->y_memory) >= 0 && good;
    if (w->file >= 0) good = H5Fclose(w->file) >= 0 && good;
    if (w->driver >= 0) good = H5FDunregister(w->driver) >= 0 && good;
    w->x_memory = w->y_memory = w->file = w->driver = -1;
    return good;
}

static bool close_quietly(tw_dataset_writer *w)
{
    bool good;
    H5E_BEGIN_TRY
    {
        good = close_all(w);
    }
    H5E_END_TRY
    return good;
}

tw_status tw_dataset_writer_commit(tw_dataset_writer *w, uint64_t *bytes)
{
    TW_TRY(flush_held(w));
    if (w->written != w->rows)
        return tw_fail(TW_INTERNAL, "%s was announced with %zu rows, but %zu came", w->output.path, w->rows,
                       w->written);
    if (w->weights != w->rows)
        return tw_fail(TW_INTERNAL, "%s was announced with %zu weights, but %zu came", w->output.path,
                       w->rows, w->weights);
    TW_TRY(outcome(w, close_quietly(w), "complete the structure"));
    return tw_output_file_commit(&w->output, bytes);
}

void tw_dataset_writer_free(tw_dataset_writer *w)
{
    if (!w) return;
    close_quietly(w);
    tw_output_file_release(&w->output);
    free(w->x_held);
    free(w->y_held);
    free(w);
}
