/* image.h -- our own HDF5 files (models, checkpoints): built in memory, sealed with a digest, committed
 * whole.
 *
 * A file is a user block of 512 bytes with magic, kind, version, length and XXH3-128 digest of the rest, and
 * then an ordinary HDF5 file, which h5dump and h5py open as it is. The digest is checked before HDF5 sees a
 * byte, and HDF5 parses the very bytes that were checked: its library is known to crash on damaged files. A
 * digest is no signature: whoever can write the file can seal it again. Nothing here is collective; call
 * tw_dataset_start() once before. */
#ifndef THALWEG_IMAGE_H
#define THALWEG_IMAGE_H

#include "thalweg/status.h"

#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

/* The user block, numbers little-endian: 0 magic [8], 8 kind [8], 16 version u32, 24 length of the rest u64,
 * 32 digest [16]; every other byte is zero and checked to be. */
enum { TW_IMAGE_HEADER = 512, TW_IMAGE_KIND_LEN = 8, TW_IMAGE_VERSION = 1 };

/** An empty HDF5 file in memory, without any time stamps; to be closed by H5Fclose. TW_MEMORY. */
tw_status tw_image_create(hid_t *file) TW_CHECKED;

/**
 * Seal the file in memory and commit it under path (file.h). The same contents give the same bytes.
 * @param kind at most 8 bytes, "model"
 * @return TW_OK, TW_MEMORY, and those of tw_file_commit. Memory: the file once more.
 */
tw_status tw_image_commit(hid_t file, const char *kind, const char *path) TW_CHECKED;

/**
 * Open a file of that kind, read-only, as an image in memory.
 *
 * @param file   out: to be closed by H5Fclose
 * @param edited NULL: only a file with a good seal is opened. Otherwise out: true when HDF5 can read the file
 * but the seal does not match or is gone, because another program changed or rewrote it. Such a file is from
 * a stranger: check every value; and HDF5 parses bytes that nobody vouches for, which may crash or hang it,
 *               so that who must survive this reads the file in a process of its own first. Another kind or a
 * newer version is refused all the same.
 * @return TW_OK; TW_INPUT: missing, a folder, unreadable; TW_DATA: not such a file, damaged, newer, above 8
 * GiB; TW_IO; TW_MEMORY. Memory: twice the file for a moment, then once.
 */
tw_status tw_image_open(const char *path, const char *kind, hid_t *file, bool *edited) TW_CHECKED;

/* What lies in a file. Names of data sets are absolute ("/coef_", "/history/loss"). The sentences of the get
 * functions name the data set, not the file: the caller puts its path in front. */

typedef enum { TW_IMAGE_F64, TW_IMAGE_I64, TW_IMAGE_U64 } tw_image_type;

/** A data set of shape [shape[0]][shape[1]], or of one dimension when shape[1] is 0. TW_MEMORY. */
tw_status tw_image_put(hid_t file, const char *name, tw_image_type type, const size_t shape[2],
                       const void *values) TW_CHECKED;

/** A data set [count] of variable-length UTF-8 strings. TW_MEMORY. */
tw_status tw_image_put_strings(hid_t file, const char *name, size_t count, char *const *strings) TW_CHECKED;

/** A group. TW_MEMORY. */
tw_status tw_image_put_group(hid_t file, const char *name) TW_CHECKED;

/** An attribute of an object ("/" for the file): UTF-8 text of any length. TW_MEMORY. */
tw_status tw_image_put_text(hid_t file, const char *object, const char *name, const char *text) TW_CHECKED;

/** An attribute: one number. TW_MEMORY. */
tw_status tw_image_put_number(hid_t file, const char *object, const char *name, tw_image_type type,
                              const void *value) TW_CHECKED;

/** Is there such a data set, through hard links only? */
bool tw_image_has(hid_t file, const char *name);

/** Does it hold strings? */
bool tw_image_has_strings(hid_t file, const char *name);

/**
 * A data set of numbers with one or two dimensions, converted to the type (F64: from integers and floats of
 * any size; the others: from integers).
 * @param shape  out: shape[1] is 0 for one dimension
 * @param values out: to be freed; NULL on failure
 * @return TW_OK; TW_DATA: missing, wrong type or dimensions, more values than a file of this size can hold;
 * TW_MEMORY.
 */
tw_status tw_image_get(hid_t file, const char *name, tw_image_type type, size_t shape[2],
                       void **values) TW_CHECKED;

/** A data set of strings with one dimension. @param strings out: one allocation to be freed. TW_DATA,
 * TW_MEMORY. */
tw_status tw_image_get_strings(hid_t file, const char *name, size_t *count, char ***strings) TW_CHECKED;

typedef enum {
    TW_IMAGE_ABSENT,
    TW_IMAGE_TEXT,
    TW_IMAGE_WHOLE,
    TW_IMAGE_REAL,
    TW_IMAGE_OTHER
} tw_image_attribute;

/** What the attribute of the root is: one text, one integer, one float, or something else. */
tw_image_attribute tw_image_attribute_kind(hid_t file, const char *name);

/** A text attribute of the root. @param text out: to be freed. TW_DATA: missing or no text; TW_MEMORY. */
tw_status tw_image_get_text(hid_t file, const char *name, char **text) TW_CHECKED;

/** A number attribute of the root. @param value out: double, int64_t or uint64_t by type. TW_DATA. */
tw_status tw_image_get_number(hid_t file, const char *name, tw_image_type type, void *value) TW_CHECKED;

/** Copy strings into one allocation, to be freed: the pointers, then the characters. NULL: out of memory. */
char **tw_image_strings_copy(size_t count, char *const *strings);

#endif
