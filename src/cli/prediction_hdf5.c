/* prediction_hdf5.c -- predictions as an HDF5 file. HDF5 never learns of a failed write
 * (data/output_driver.h). */
#include "cli/prediction_format.h"
#include "data/dataset_layout.h"
#include "data/output_driver.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)1 << 20)

typedef struct {
    hid_t driver, file, prediction, index, probability, text; /* negative: not open */
    bool whole;                                               /* class values */
    size_t block;                                             /* rows of one write */
    void *buffer;                                             /* [block][widest of a data set], [classes] */
} writer;

/* A full disk explains whatever HDF5 says. */
static tw_status outcome(const tw_prediction_file *f, bool good, const char *what)
{
    TW_TRY(tw_output_file_check(&f->output));
    return good ? TW_OK : tw_fail(TW_INTERNAL, "HDF5 cannot %s of %s", what, f->output.path);
}

/* ---- the structure ---- */

static hid_t create_file(hid_t driver, tw_output_file *output)
{
    hid_t file = -1;
    const hid_t creation = H5Pcreate(H5P_FILE_CREATE), access = tw_output_driver_access(driver, output);
    if (creation >= 0 && access >= 0 && H5Pset_obj_track_times(creation, false) >= 0)
        file = H5Fcreate(output->temporary, H5F_ACC_TRUNC, creation, access);
    H5Pclose(access);
    H5Pclose(creation);
    return file;
}

static hid_t text_type(size_t size)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    if (type >= 0 && H5Tset_size(type, size) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0) return type;
    H5Tclose(type);
    return -1;
}

/* No times in the file; columns 0: one dimension. */
static hid_t create(hid_t file, const char *name, hid_t type, size_t rows, size_t columns)
{
    const hsize_t shape[2] = {rows, columns};
    const hid_t space = H5Screate_simple(columns ? 2 : 1, shape, NULL),
                creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = -1;
    if (space >= 0 && creation >= 0 && H5Pset_obj_track_times(creation, false) >= 0)
        dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Pclose(creation);
    H5Sclose(space);
    return dataset;
}

static bool attribute(hid_t file, const char *name, hid_t type, hid_t memory, const void *value)
{
    const hid_t space = H5Screate(H5S_SCALAR),
                id = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    const bool good = id >= 0 && H5Awrite(id, memory, value) >= 0;
    if (id >= 0) H5Aclose(id);
    H5Sclose(space);
    return good;
}

static bool mark(hid_t file)
{
    static const char format[] = "thalweg predictions";
    const int version = TW_PREDICTION_FILE_VERSION;
    const hid_t text = text_type(sizeof format - 1);
    const bool good = text >= 0 && H5Tset_strpad(text, H5T_STR_NULLPAD) >= 0 &&
                      attribute(file, "format", text, text, format) &&
                      attribute(file, "version", H5T_STD_I32LE, H5T_NATIVE_INT, &version);
    H5Tclose(text);
    return good;
}

static int64_t class_value(const tw_prediction_file *f, double k)
{
    return (int64_t)f->layout.classes[(size_t)k];
}

static bool write_classes(const tw_prediction_file *f)
{
    const writer *const w = f->state;
    const tw_prediction_layout *const l = &f->layout;
    if (l->class_names)
        return tw_layout_strings(w->file, "classes", l->n_classes, (const char *const *)l->class_names);
    const hid_t dataset =
        create(w->file, "classes", w->whole ? H5T_STD_I64LE : H5T_IEEE_F64LE, l->n_classes, 0);
    int64_t *const values = w->buffer;
    for (size_t k = 0; k < l->n_classes; k++) values[k] = w->whole ? class_value(f, (double)k) : 0;
    const void *const from = w->whole ? (const void *)values : (const void *)l->classes;
    const hid_t memory = w->whole ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE;
    const bool good = dataset >= 0 && H5Dwrite(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, from) >= 0;
    if (dataset >= 0) H5Dclose(dataset);
    return good;
}

static bool create_columns(const tw_prediction_file *f)
{
    writer *const w = f->state;
    const tw_prediction_layout *const l = &f->layout;
    const hid_t type = l->class_names ? w->text : w->whole ? H5T_STD_I64LE : H5T_IEEE_F64LE;
    w->prediction = create(w->file, "prediction", type, l->rows, 0);
    if (l->class_names) w->index = create(w->file, "prediction_index", H5T_STD_I32LE, l->rows, 0);
    if (l->width > 1) w->probability = create(w->file, "probability", H5T_IEEE_F64LE, l->rows, l->n_classes);
    return w->prediction >= 0 && (!l->class_names || w->index >= 0) && (l->width == 1 || w->probability >= 0);
}

static tw_status lay_out(tw_prediction_file *f)
{
    writer *const w = f->state;
    w->driver = tw_output_driver_register();
    w->text = text_type(H5T_VARIABLE);
    TW_TRY(outcome(f, w->driver >= 0 && w->text >= 0, "register the output"));
    w->file = create_file(w->driver, &f->output);
    TW_TRY(outcome(f, w->file >= 0 && mark(w->file), "create the root"));
    TW_TRY(outcome(f, create_columns(f), "create the data sets"));
    return f->layout.n_classes ? outcome(f, write_classes(f), "write /classes") : TW_OK;
}

static tw_status begin(tw_prediction_file *f)
{
    const size_t widest = (f->layout.width > 1 ? f->layout.width - 1 : 1) * sizeof(double);
    writer *const w = malloc(sizeof *w);
    if (!w) return tw_fail(TW_MEMORY, "out of memory for writing %s", f->output.path);
    f->state = w;
    *w = (writer){.driver = -1, .file = -1, .prediction = -1, .index = -1, .probability = -1, .text = -1};
    w->whole = !f->layout.class_names && tw_prediction_classes_whole(&f->layout);
    w->block = BLOCK_BYTES / widest + 1;
    const size_t rows = w->block * widest, classes = f->layout.n_classes * sizeof(int64_t);
    w->buffer = malloc(rows > classes ? rows : classes);
    if (!w->buffer) return tw_fail(TW_MEMORY, "out of memory for writing %s", f->output.path);
    tw_status status;
    H5E_BEGIN_TRY
    {
        status = lay_out(f);
    }
    H5E_END_TRY
    return status;
}

/* ---- the rows ---- */

static bool write_rows(hid_t dataset, hid_t memory, const hsize_t first[2], const hsize_t count[2],
                       const void *from)
{
    const hid_t space = H5Dget_space(dataset), held = H5Screate_simple(count[1] ? 2 : 1, count, NULL);
    const bool good = space >= 0 && held >= 0 &&
                      H5Sselect_hyperslab(space, H5S_SELECT_SET, first, NULL, count, NULL) >= 0 &&
                      H5Dwrite(dataset, memory, held, space, H5P_DEFAULT, from) >= 0;
    H5Sclose(held);
    H5Sclose(space);
    return good;
}

static bool write_numbers(const writer *w, const hsize_t first[2], size_t rows, size_t width,
                          const double *data)
{
    double *const values = w->buffer;
    for (size_t i = 0; i < rows; i++) values[i] = data[i * width];
    return write_rows(w->prediction, H5T_NATIVE_DOUBLE, first, (hsize_t[2]){rows, 0}, values);
}

static bool write_names(const tw_prediction_file *f, const hsize_t first[2], size_t rows, const double *data)
{
    const writer *const w = f->state;
    const hsize_t count[2] = {rows, 0};
    int32_t *const indices = w->buffer;
    for (size_t i = 0; i < rows; i++) indices[i] = (int32_t)data[i * f->layout.width];
    if (!write_rows(w->index, H5T_NATIVE_INT32, first, count, indices)) return false;
    const char **const names = w->buffer;
    for (size_t i = 0; i < rows; i++) names[i] = f->layout.class_names[(size_t)data[i * f->layout.width]];
    return write_rows(w->prediction, w->text, first, count, names);
}

static bool write_values(const tw_prediction_file *f, const hsize_t first[2], size_t rows, const double *data)
{
    const writer *const w = f->state;
    const hsize_t count[2] = {rows, 0};
    if (!w->whole) {
        double *const values = w->buffer;
        for (size_t i = 0; i < rows; i++) values[i] = f->layout.classes[(size_t)data[i * f->layout.width]];
        return write_rows(w->prediction, H5T_NATIVE_DOUBLE, first, count, values);
    }
    int64_t *const values = w->buffer;
    for (size_t i = 0; i < rows; i++) values[i] = class_value(f, data[i * f->layout.width]);
    return write_rows(w->prediction, H5T_NATIVE_INT64, first, count, values);
}

static bool write_probabilities(const tw_prediction_file *f, const hsize_t first[2], size_t rows,
                                const double *data)
{
    const writer *const w = f->state;
    const size_t classes = f->layout.n_classes, width = f->layout.width;
    double *const values = w->buffer;
    for (size_t i = 0; i < rows; i++)
        memcpy(values + i * classes, data + i * width + 1, classes * sizeof *values);
    return write_rows(w->probability, H5T_NATIVE_DOUBLE, first, (hsize_t[2]){rows, classes}, values);
}

static bool write_block(const tw_prediction_file *f, size_t at, size_t rows, const double *data)
{
    const tw_prediction_layout *const l = &f->layout;
    const hsize_t first[2] = {at, 0};
    bool good;
    if (l->class_names)
        good = write_names(f, first, rows, data);
    else if (l->n_classes)
        good = write_values(f, first, rows, data);
    else
        good = write_numbers(f->state, first, rows, l->width, data);
    return good && (l->width == 1 || write_probabilities(f, first, rows, data));
}

static tw_status append(tw_prediction_file *f, size_t rows, const double *data)
{
    const writer *const w = f->state;
    for (size_t i = 0; i < rows; i += w->block) {
        const size_t piece = rows - i < w->block ? rows - i : w->block;
        bool good;
        H5E_BEGIN_TRY
        {
            good = write_block(f, f->written + i, piece, data + i * f->layout.width);
        }
        H5E_END_TRY
        TW_TRY(outcome(f, good, "write the rows"));
    }
    return TW_OK;
}

static bool close_all(writer *w)
{
    bool good = true;
    const hid_t datasets[] = {w->prediction, w->index, w->probability};
    for (size_t i = 0; i < sizeof datasets / sizeof *datasets; i++)
        if (datasets[i] >= 0) good = H5Dclose(datasets[i]) >= 0 && good;
    if (w->text >= 0) good = H5Tclose(w->text) >= 0 && good;
    if (w->file >= 0) good = H5Fclose(w->file) >= 0 && good;
    if (w->driver >= 0) good = H5FDunregister(w->driver) >= 0 && good;
    w->prediction = w->index = w->probability = w->text = w->file = w->driver = -1;
    return good;
}

static bool close_quietly(writer *w)
{
    bool good;
    H5E_BEGIN_TRY
    {
        good = close_all(w);
    }
    H5E_END_TRY
    return good;
}

static tw_status finish(tw_prediction_file *f)
{
    return outcome(f, close_quietly(f->state), "complete the structure");
}

static void release(tw_prediction_file *f)
{
    writer *const w = f->state;
    if (!w) return;
    close_quietly(w);
    free(w->buffer);
    free(w);
}

const tw_prediction_format tw_prediction_hdf5 = {begin, append, finish, release};
