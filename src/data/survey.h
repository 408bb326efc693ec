/* survey.h -- any HDF5 file as `thalweg inspect` looks at it: how each data set is stored, and its values
 * tile by tile.
 *
 * Nothing is refused for being useless to a training run; only what HDF5 cannot read is an error. Names and
 * texts come from the file and may hold any bytes. Nothing here is collective; call tw_dataset_start() once
 * before. */
#ifndef THALWEG_SURVEY_H
#define THALWEG_SURVEY_H

#include "thalweg/dtype.h"
#include "thalweg/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TW_SURVEY_MOST = 1000, TW_SURVEY_RANK = 8, TW_SURVEY_FILTERS = 160 };

typedef enum {
    TW_STORAGE_CONTIGUOUS,
    TW_STORAGE_CHUNKED,
    TW_STORAGE_COMPACT,
    TW_STORAGE_ELSEWHERE /* in other files, which are not opened */
} tw_storage;

typedef struct {
    char *name;       /* absolute; owned */
    const char *type; /* "u8", "string", ... */
    tw_storage storage;
    int rank; /* -1: not known (more than TW_SURVEY_RANK, or elsewhere) */
    uint64_t shape[TW_SURVEY_RANK], chunk[TW_SURVEY_RANK]; /* chunk: 0 when not chunked */
    uint64_t stored;                                       /* bytes in the file */
    uint64_t full;        /* bytes of all values; 0 when they differ in length, or beyond 64 bits */
    uint64_t chunk_bytes; /* of a whole chunk, decoded */
    char filters[TW_SURVEY_FILTERS]; /* "shuffle, gzip 9"; "" for none */
} tw_survey_entry;

typedef struct {
    char *format; /* text attribute "format" of the root, or NULL; owned */
    bool sealed;  /* the file has a header of ours (image.h) ... */
    bool edited;  /* ... which no longer matches */
    bool more;    /* than TW_SURVEY_MOST data sets */
    size_t count;
    tw_survey_entry *entries; /* [count] by name; owned */
} tw_survey;

/**
 * List the data sets of a file.
 * @param survey out: to be released; empty on failure
 * @param kind   of the header (image.h): its digest is checked before HDF5 sees a byte; NULL: a file without
 * header
 * @return TW_OK; TW_INPUT: missing, a folder, unreadable; TW_DATA: not HDF5, damaged; TW_IO; TW_MEMORY.
 */
tw_status tw_survey_read(tw_survey *survey, const char *path, const char *kind) TW_CHECKED;
void tw_survey_release(tw_survey *survey);

/** The data set of that absolute name, or NULL. */
const tw_survey_entry *tw_survey_find(const tw_survey *survey, const char *name);

/** Rows [first_row, + rows) and columns [first_col, + cols) of a data set. */
typedef struct {
    int64_t first_row;
    size_t rows, first_col, cols;
    tw_dtype type;
    const void *x; /* [rows][cols] */
} tw_survey_tile;

/**
 * Show all values of a data set of one or two dimensions, each once; bands of rows in order, in each band
 * columns in order. A tile is some 4 MiB; where chunks are larger, one band of chunks up to 64 MiB or else
 * one chunk.
 *
 * @param name absolute
 * @param see  called for every tile
 * @return TW_OK; TW_INPUT, TW_DATA (not readable; not numbers; other dimensions), TW_MEMORY.
 */
tw_status tw_survey_values(const char *path, const char *name,
                           void (*see)(void *context, const tw_survey_tile *tile), void *context) TW_CHECKED;

#endif
