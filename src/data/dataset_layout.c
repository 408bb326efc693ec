#include "data/dataset_layout.h"

#include <string.h>

#define CHUNK_BYTES ((size_t)1 << 20)

static hid_t finished(hid_t type, bool in_memory)
{
    if (type >= 0 && in_memory) H5Tset_order(type, H5Tget_order(H5T_NATIVE_INT));
    return type;
}

/* Sign in bit 15, exponent next, the rest mantissa with its leading 1 implied, as in IEEE 754. */
static hid_t sixteen_bits(size_t exponent, size_t mantissa)
{
    const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
    if (type < 0) return type;
    if (H5Tset_fields(type, 15, mantissa, exponent, 0, mantissa) >= 0 && H5Tset_size(type, 2) >= 0 &&
        H5Tset_ebias(type, ((size_t)1 << (exponent - 1)) - 1) >= 0)
        return type;
    H5Tclose(type);
    return -1;
}

hid_t tw_layout_feature_type(tw_dtype type, bool in_memory)
{
    switch (type) {
    case TW_u8: return finished(H5Tcopy(H5T_STD_U8LE), in_memory);
    case TW_i8: return finished(H5Tcopy(H5T_STD_I8LE), in_memory);
    case TW_i16: return finished(H5Tcopy(H5T_STD_I16LE), in_memory);
    case TW_f16: return finished(sixteen_bits(5, 10), in_memory);
    case TW_bf16: return finished(sixteen_bits(8, 7), in_memory);
    case TW_f32: return finished(H5Tcopy(H5T_IEEE_F32LE), in_memory);
    case TW_f64: return finished(H5Tcopy(H5T_IEEE_F64LE), in_memory);
    default: return -1;
    }
}

hid_t tw_layout_label_type(tw_label_type type, bool in_memory)
{
    switch (type) {
    case TW_LABEL_u8: return finished(H5Tcopy(H5T_STD_U8LE), in_memory);
    case TW_LABEL_i8: return finished(H5Tcopy(H5T_STD_I8LE), in_memory);
    case TW_LABEL_i16: return finished(H5Tcopy(H5T_STD_I16LE), in_memory);
    case TW_LABEL_i32: return finished(H5Tcopy(H5T_STD_I32LE), in_memory);
    case TW_LABEL_i64: return finished(H5Tcopy(H5T_STD_I64LE), in_memory);
    case TW_LABEL_f64: return finished(H5Tcopy(H5T_IEEE_F64LE), in_memory);
    default: return -1;
    }
}

size_t tw_layout_chunk_rows(const tw_dataset_layout *l)
{
    const size_t rows = CHUNK_BYTES / (l->cols * tw_dtype_size(l->x_type));
    if (rows == 0) return 1;
    return rows < l->rows ? rows : l->rows;
}

/* No times in the file: the same rows give the same bytes. Every row is written, so numbers need no filling;
 * HDF5 insists on it for strings. */
static hid_t storage(H5D_fill_time_t fill)
{
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    if (creation < 0) return creation;
    if (H5Pset_obj_track_times(creation, false) >= 0 && H5Pset_fill_time(creation, fill) >= 0)
        return creation;
    H5Pclose(creation);
    return -1;
}

static bool compress(hid_t creation, const tw_dataset_layout *l)
{
    const hsize_t chunk[2] = {tw_layout_chunk_rows(l), l->cols};
    return H5Pset_chunk(creation, 2, chunk) >= 0 &&
           (tw_dtype_size(l->x_type) == 1 || H5Pset_shuffle(creation) >= 0) &&
           H5Pset_deflate(creation, (unsigned)l->gzip) >= 0;
}

/* Closes type, creation and space. */
static hid_t create(hid_t file, const char *name, hid_t type, hid_t creation, hid_t space)
{
    hid_t dataset = -1;
    if (type >= 0 && creation >= 0 && space >= 0)
        dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Tclose(type);
    H5Pclose(creation);
    H5Sclose(space);
    return dataset;
}

hid_t tw_layout_features(hid_t file, const tw_dataset_layout *l)
{
    const hsize_t shape[2] = {l->rows, l->cols};
    hid_t creation = storage(H5D_FILL_TIME_NEVER);
    if (creation >= 0 && l->gzip && !compress(creation, l)) {
        H5Pclose(creation);
        creation = -1;
    }
    return create(file, "X", tw_layout_feature_type(l->x_type, false), creation,
                  H5Screate_simple(2, shape, NULL));
}

hid_t tw_layout_labels(hid_t file, const tw_dataset_layout *l)
{
    const hsize_t shape[1] = {l->rows};
    return create(file, "y", tw_layout_label_type(l->y_type, false), storage(H5D_FILL_TIME_NEVER),
                  H5Screate_simple(1, shape, NULL));
}

hid_t tw_layout_weights(hid_t file, const tw_dataset_layout *l)
{
    const hsize_t shape[1] = {l->rows};
    return create(file, "sample_weight", tw_layout_label_type(TW_LABEL_f64, false),
                  storage(H5D_FILL_TIME_NEVER), H5Screate_simple(1, shape, NULL));
}

static hid_t text_type(size_t size)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    if (type < 0) return type;
    if (H5Tset_size(type, size) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0) return type;
    H5Tclose(type);
    return -1;
}

bool tw_layout_strings(hid_t file, const char *name, size_t count, const char *const *strings)
{
    const hsize_t shape[1] = {count};
    const hid_t type = text_type(H5T_VARIABLE);
    const hid_t dataset = create(file, name, text_type(H5T_VARIABLE), storage(H5D_FILL_TIME_IFSET),
                                 H5Screate_simple(1, shape, NULL));
    bool good =
        type >= 0 && dataset >= 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, strings) >= 0;
    if (dataset >= 0) good = H5Dclose(dataset) >= 0 && good;
    H5Tclose(type);
    return good;
}

/* value has the layout of memory. */
static bool attribute(hid_t file, const char *name, hid_t type, hid_t memory, const void *value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t id = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool good = id >= 0 && H5Awrite(id, memory, value) >= 0;
    if (id >= 0) good = H5Aclose(id) >= 0 && good;
    H5Sclose(space);
    return good;
}

bool tw_layout_mark(hid_t file)
{
    static const char format[] = "thalweg data set";
    const int version = TW_DATASET_FILE_VERSION;
    const hid_t text = text_type(sizeof format - 1);
    const bool padded = text >= 0 && H5Tset_strpad(text, H5T_STR_NULLPAD) >= 0;
    const bool good = padded && attribute(file, "format", text, text, format) &&
                      attribute(file, "version", H5T_STD_I32LE, H5T_NATIVE_INT, &version);
    H5Tclose(text);
    return good;
}
