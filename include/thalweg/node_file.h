/* node_file.h -- do all nodes see the same file under a name?
 *
 * A run on several nodes reads its data by name on each of them. A copy that was forgotten on one node, or is
 * older there, would be trained on as if it were the same file. */
#ifndef THALWEG_NODE_FILE_H
#define THALWEG_NODE_FILE_H

#include "thalweg/comm.h"

/* Files up to this size are compared whole. */
#define TW_NODE_FILE_WHOLE ((int64_t)64 << 20)

/** Larger ones: their size, the description of what HDF5 finds in them, and so many pieces of 64 KiB, spread
 * evenly from the first byte to the last. */
enum { TW_NODE_FILE_PIECES = 64 };

/**
 * Compare what the nodes see; the first rank of each reads. Nothing is done on one node. Neither the kind of
 * path that leads to the bytes nor their times count.
 *
 * Collective. path is the same on every rank. A file that no node can open is left to whoever needs it:
 * TW_OK.
 * @return TW_OK; TW_INPUT: some nodes can open it and others not; TW_DATA: not the same bytes; both name the
 * hosts and say what to do; TW_MEMORY. Cost: at most 64 MiB read on each node, a gather of 32 bytes a rank.
 */
tw_status tw_node_file_compare(tw_comm *comm, const char *path) TW_CHECKED;

#endif
