/* import_support.h -- inputs made by hand, and data set files read back by plain HDF5 calls. */
#ifndef THALWEG_TEST_IMPORT_SUPPORT_H
#define THALWEG_TEST_IMPORT_SUPPORT_H

#include "scratch.h"
#include "thalweg/importer.h"

#include <hdf5.h>
#include <stdarg.h>
#include <zlib.h>

enum { MOST_VALUES = 4096 };

static inline void spill_gzip(const char *path, size_t size, const void *bytes, const char *mode)
{
    gzFile file = gzopen(path, mode);
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(gzwrite(file, bytes, (unsigned)size), (int)size);
    ck_assert_int_eq(gzclose(file), Z_OK);
}

/** An IDX file of one-byte codes: 00 00 type dimensions, the sizes, then size bytes as they are. Returns its
 * length. */
static inline size_t idx_bytes(unsigned char type, size_t dimensions, const uint32_t *sizes, size_t size,
                               const void *values, unsigned char *out)
{
    const unsigned char magic[4] = {0, 0, type, (unsigned char)dimensions};
    memcpy(out, magic, 4);
    for (size_t i = 0; i < dimensions; i++)
        for (int k = 0; k < 4; k++) out[4 + 4 * i + (size_t)k] = (unsigned char)(sizes[i] >> (24 - 8 * k));
    memcpy(out + 4 + 4 * dimensions, values, size);
    return 4 + 4 * dimensions + size;
}

/** Import one file of the scratch folder to out.h5 there; what it found is dropped. */
static inline tw_status import_one(const char *name, const tw_import_options *options)
{
    const char *inputs[1] = {in_scratch(name)};
    tw_import_report report;
    const tw_import_options none = {0};
    const tw_status status = tw_import(1, inputs, in_scratch("out.h5"), options ? options : &none, &report);
    tw_import_report_release(&report);
    return status;
}

static inline void import_good(const char *name, const tw_import_options *options)
{
    const tw_status status = import_one(name, options);
    ck_assert_msg(status == TW_OK, "%d: %s", (int)status, tw_status_message());
}

/** Import text, given by its bytes, as in.csv. */
static inline tw_status import_text(size_t size, const char *text, const tw_import_options *options)
{
    spill(in_scratch("in.csv"), size, text);
    return import_one("in.csv", options);
}

static inline void import_good_text(const char *text, const tw_import_options *options)
{
    spill(in_scratch("in.csv"), strlen(text), text);
    import_good("in.csv", options);
}

static inline bool in_output(const char *name)
{
    const hid_t file = H5Fopen(in_scratch("out.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    ck_assert_int_ge(file, 0);
    const bool found = H5Lexists(file, name, H5P_DEFAULT) > 0;
    H5Fclose(file);
    return found;
}

/** Read a data set of out.h5 into out with the memory type (0: the type of the file). Checks its rank and
 * sizes. */
static inline void read_output(const char *name, int rank, hsize_t rows, hsize_t cols, hid_t memory,
                               void *out)
{
    hsize_t shape[4] = {0};
    const hid_t file = H5Fopen(in_scratch("out.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset);
    const hid_t type = H5Dget_type(dataset);
    ck_assert_int_ge(dataset, 0);
    ck_assert_int_eq(H5Sget_simple_extent_ndims(space), rank);
    H5Sget_simple_extent_dims(space, shape, NULL);
    ck_assert_uint_eq(shape[0], rows);
    if (rank == 2) ck_assert_uint_eq(shape[1], cols);
    ck_assert_int_ge(H5Dread(dataset, memory ? memory : type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out), 0);
    H5Tclose(type);
    H5Sclose(space);
    H5Dclose(dataset);
    H5Fclose(file);
}

/** Is the type of a data set in out.h5 this one, to the last bit of its definition? */
static inline bool output_has_type(const char *name, hid_t expected)
{
    const hid_t file = H5Fopen(in_scratch("out.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(dataset);
    const bool same = H5Tequal(type, expected) > 0;
    H5Tclose(type);
    H5Dclose(dataset);
    H5Fclose(file);
    return same;
}

/** /X of out.h5 has these rows and columns of numbers; NaN equals NaN, and the sign of zero counts. */
static inline void check_features(hsize_t rows, hsize_t cols, const double *expected)
{
    double got[MOST_VALUES];
    ck_assert_uint_le(rows * cols, MOST_VALUES);
    read_output("/X", 2, rows, cols, H5T_NATIVE_DOUBLE, got);
    for (size_t i = 0; i < rows * cols; i++)
        ck_assert_msg((got[i] != got[i] && expected[i] != expected[i]) ||
                          memcmp(&got[i], &expected[i], 8) == 0,
                      "value %zu is %.17g, not %.17g", i, got[i], expected[i]);
}

/** A list of strings in out.h5, joined by '|'. */
static inline const char *output_strings(const char *name, hsize_t count)
{
    static char joined[4096];
    char *strings[64];
    ck_assert_uint_le(count, 64);
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    ck_assert(output_has_type(name, type));
    read_output(name, 1, count, 0, type, strings);
    joined[0] = 0;
    for (size_t i = 0, at = 0; i < count; i++) {
        at += (size_t)snprintf(joined + at, sizeof joined - at, "%s%s", i ? "|" : "", strings[i]);
        H5free_memory(strings[i]);
    }
    H5Tclose(type);
    return joined;
}

/** Storage of /X: rows of a chunk, or 0. */
static inline hsize_t output_chunk_rows(void)
{
    hsize_t chunk[2] = {0, 0};
    const hid_t file = H5Fopen(in_scratch("out.h5"), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t dataset = H5Dopen2(file, "/X", H5P_DEFAULT), creation = H5Dget_create_plist(dataset);
    if (H5Pget_layout(creation) == H5D_CHUNKED) H5Pget_chunk(creation, 2, chunk);
    H5Pclose(creation);
    H5Dclose(dataset);
    H5Fclose(file);
    return chunk[0];
}

#endif
