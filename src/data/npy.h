/* npy.h -- what the files of the NPY importer share: the header of a file, its values, its rows.
 *
 * Source: NumPy Enhancement Proposal 1, and numpy.lib.format. A file is "\x93NUMPY", two bytes of a version,
 * the length of the header (16 bits in 1.0, 32 later, little-endian), the header, which is a Python
 * dictionary as text, and the values. */
#ifndef THALWEG_NPY_H
#define THALWEG_NPY_H

#include "data/byte_source.h"
#include "thalweg/dataset_file.h"

enum { TW_NPY_MOST_HEADER = 1 << 16, TW_NPY_MOST_DIMENSIONS = 32, TW_NPY_DESCR_LEN = 8 };

typedef struct {
    int version;                  /* 1, 2, 3 */
    char descr[TW_NPY_DESCR_LEN]; /* "<f8" */
    char kind;                    /* b, i, u or f */
    unsigned char size;           /* bytes of a value */
    bool swapped;                 /* not in the machine's byte order */
    bool fortran;                 /* columns lie together; false when both orders are the same */
    size_t dimensions, rows, cols;
    uint64_t begin, bytes; /* of the values */
} tw_npy_header;

/** Read the header; the source then stands at the first value. TW_DATA: everything that is no array of
 * numbers, and sizes that disagree with those of the file. */
tw_status tw_npy_header_read(tw_byte_source *source, tw_npy_header *header) TW_CHECKED;

/** What the values seen so far are. */
typedef struct {
    size_t missing;  /* NaN */
    int64_t least;   /* of integers: at most 0 */
    uint64_t most;   /* of integers: at least 0 */
    bool beyond_f32; /* an integer that no float holds exactly */
    bool beyond_f64; /* nor a double; the first of them is value number `first` */
    uint64_t seen, first;
} tw_npy_range; /* all zero: none yet */

/** Look at the next values, in the machine's order. */
void tw_npy_range_add(tw_npy_range *range, const tw_npy_header *header, size_t count, const void *values);

/** Are features kept as they are? Else they are integers whose range decides on the type. */
bool tw_npy_kept(const tw_npy_header *header);

/** The narrowest type that holds every value exactly. range: of all values, unless tw_npy_kept. */
tw_dtype tw_npy_feature_type(const tw_npy_header *header, const tw_npy_range *range);
tw_label_type tw_npy_label_type(const tw_npy_header *header);

/** Values in the machine's order become features or labels of the type. Returns count, or which value does
 * not fit. */
size_t tw_npy_features(const tw_npy_header *header, tw_dtype type, size_t count, const void *values,
                       void *out);
size_t tw_npy_labels(const tw_npy_header *header, tw_label_type type, size_t count, const void *values,
                     void *out);

/** The values of a file in Fortran order, as rows. */
typedef struct {
    const char *path;            /* borrowed, for messages */
    const tw_npy_header *header; /* borrowed */
    int fd;                      /* borrowed */
    uint64_t begin;              /* where the values begin in it */
    size_t row;                  /* rows read so far; */
    size_t held, given;          /* of these in the band, and of these handed out */
    size_t most, group, stride;  /* rows of a band; columns read together; values from one to the next */
    unsigned char *band;         /* [most][cols] owned */
    unsigned char *columns;      /* [group][stride] owned */
} tw_npy_columns;

/**
 * Get ready; path, header, fd and begin are set.
 * @param block of rows that will be asked for: whole blocks fit into a band
 * @return TW_OK; TW_MEMORY. Release in any case. Memory: at most twice 32 MiB, or two rows.
 */
tw_status tw_npy_columns_open(tw_npy_columns *columns, size_t block) TW_CHECKED;

/**
 * The next rows, in the byte order of the file.
 * @param count at most; in: wanted, out: got, at least 1
 * @param values out: [count][cols], to be changed at will, until the next call
 * @return TW_OK; TW_DATA: the file has become shorter; TW_IO
 */
tw_status tw_npy_columns_next(tw_npy_columns *columns, size_t *count, unsigned char **values) TW_CHECKED;

void tw_npy_columns_release(tw_npy_columns *columns);

#endif
