/* shard_read.h -- rows of a data set into memory: features by all threads of a rank, the rest by HDF5. */
#ifndef THALWEG_SHARD_READ_H
#define THALWEG_SHARD_READ_H

#include "thalweg/shard.h"

#include <hdf5.h>

/** Rows [first, first + rows) of one file for a shard; the rows of the file begin at row base of the data
 * set.
 */
typedef struct {
    const tw_dataset *dataset; /* of this file alone */
    int64_t base, first, rows;
} tw_shard_part;

/**
 * Read features into a shard that has room for them; check them and add their hashes to print, and the number
 * of those that are missing, on the way.
 * @param start [threads + 1] rows of the file: thread t has [start[t], start[t + 1])
 * @return TW_OK; TW_DATA, TW_IO, TW_MEMORY, TW_STOPPED; of several threads the sentence of the lowest rows.
 */
tw_status tw_shard_read_features(tw_shard *shard, const tw_shard_part *part, hid_t file, int threads,
                                 const int64_t *start) TW_CHECKED;

/** Labels that are strings: y [part->rows] become indices into the shard's set of words, which grows.
 * TW_DATA: an empty word, more words than classes may be; TW_MEMORY. */
tw_status tw_shard_read_words(tw_shard *shard, const tw_shard_part *part, hid_t dataset,
                              double *y) TW_CHECKED;

void tw_shard_forget_words(tw_shard *shard);

/** Memory in large pages where it is large; NULL: none. To be freed. */
void *tw_shard_allocate(size_t bytes);

/** Rows [first, first + rows) of a data set of 1 or 2 dimensions, as HDF5 reads them into `memory`. */
herr_t tw_shard_read_rows(hid_t dataset, hid_t memory, hsize_t first, hsize_t rows, void *out);

/** How many rows of `width` bytes, from row `at` on, are read at a time. Pieces end where chunks do, so that
 * no chunk is decoded twice. @param chunk_rows 0: no chunks */
size_t tw_shard_piece(int64_t chunk_rows, size_t width, int64_t at);

#endif
