#include "data/hdf5_storage.h"

#include "thalweg/units.h"

#include <stdbool.h>
#include <stdint.h>

enum { RANK = 32, DEFLATE_MOST = 1032, SZIP_MOST = 65536 };
#define MOST_CHUNK ((uint64_t)1 << 30)

static bool is_taken(H5Z_filter_t id)
{
    return id == H5Z_FILTER_DEFLATE || id == H5Z_FILTER_SHUFFLE || id == H5Z_FILTER_FLETCHER32 ||
           id == H5Z_FILTER_SZIP;
}

/* Others expand without bounds (scaleoffset, nbit) or run code that is not ours. */
static tw_status check_filters(hid_t creation, const char *path, const char *name)
{
    const int n = H5Pget_nfilters(creation);
    unsigned seen = 0;
    for (int i = 0; i < n; i++) {
        unsigned flags, config;
        size_t values = 0;
        char label[64] = "";
        const H5Z_filter_t id =
            H5Pget_filter2(creation, (unsigned)i, &flags, &values, NULL, sizeof label, label, &config);
        if (id < 0) return tw_fail(TW_DATA, "the filters of data set '%s' of %s are damaged", name, path);
        if (!is_taken(id) || H5Zfilter_avail(id) <= 0)
            return tw_fail(TW_DATA,
                           "data set '%s' of %s is compressed by filter %d (%s), which %s; "
                           "write it again with gzip or without compression, by the program that made it",
                           name, path, (int)id, label[0] ? label : "no name",
                           is_taken(id) ? "this HDF5 does not have"
                                        : "is none of gzip, shuffle, fletcher32, szip");
        if (seen & 1u << id)
            return tw_fail(TW_DATA, "data set '%s' of %s is compressed twice by filter %d; write it again",
                           name, path, (int)id);
        seen |= 1u << id;
    }
    return TW_OK;
}

/* Bytes of a chunk, 0 when there are none, UINT64_MAX beyond 64 bits. */
static uint64_t chunk_bytes(hid_t dataset, hid_t creation)
{
    hsize_t chunk[RANK];
    if (H5Pget_layout(creation) != H5D_CHUNKED) return 0;
    const int rank = H5Pget_chunk(creation, RANK, chunk);
    const hid_t type = H5Dget_type(dataset);
    uint64_t bytes = H5Tget_size(type);
    H5Tclose(type);
    for (int i = 0; i < rank; i++)
        if (__builtin_mul_overflow(bytes, chunk[i], &bytes)) return UINT64_MAX;
    return rank < 0 ? UINT64_MAX : bytes;
}

static tw_status check_creation(hid_t dataset, hid_t creation, const char *path, const char *name)
{
    char is[TW_UNIT_LEN], most[TW_UNIT_LEN];
    if (H5Pget_layout(creation) == H5D_VIRTUAL || H5Pget_external_count(creation) != 0)
        return tw_fail(
            TW_DATA,
            "data set '%s' of %s keeps its values in other files; copy them into one file (h5repack)", name,
            path);
    TW_TRY(check_filters(creation, path, name));
    const uint64_t bytes = chunk_bytes(dataset, creation);
    if (bytes <= MOST_CHUNK) return TW_OK;
    return tw_fail(
        TW_DATA,
        "data set '%s' of %s has chunks of %s, and whole chunks must be decoded even for one row; at "
        "most %s is read: h5repack -l CHUNK=ROWSxCOLUMNS changes that",
        name, path, tw_units_bytes((double)bytes, is), tw_units_bytes((double)MOST_CHUNK, most));
}

tw_status tw_storage_allowed(hid_t dataset, const char *path, const char *name)
{
    const hid_t creation = H5Dget_create_plist(dataset);
    if (creation < 0) return tw_fail(TW_DATA, "the storage of data set '%s' of %s is damaged", name, path);
    const tw_status status = check_creation(dataset, creation, path, name);
    H5Pclose(creation);
    return status;
}

/* By how much decoding can multiply what is stored. */
static uint64_t expansion(hid_t creation)
{
    unsigned flags, config;
    size_t values = 0;
    if (H5Pget_layout(creation) != H5D_CHUNKED) return 1;
    if (H5Pget_filter_by_id2(creation, H5Z_FILTER_SZIP, &flags, &values, NULL, 0, NULL, &config) >= 0)
        return SZIP_MOST;
    return DEFLATE_MOST; /* without a filter too: rows that were never written are zeros */
}

static uint64_t file_bytes(hid_t dataset)
{
    hsize_t bytes = 0;
    const hid_t file = H5Iget_file_id(dataset);
    if (file < 0) return 0;
    if (H5Fget_filesize(file, &bytes) < 0) bytes = 0;
    H5Fclose(file);
    return bytes;
}

static uint64_t claimed_bytes(hid_t dataset)
{
    const hid_t type = H5Dget_type(dataset), space = H5Dget_space(dataset);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    uint64_t bytes = UINT64_MAX;
    if (count < 0 || __builtin_mul_overflow((uint64_t)count, (uint64_t)H5Tget_size(type), &bytes))
        bytes = UINT64_MAX;
    H5Sclose(space);
    H5Tclose(type);
    return bytes;
}

tw_status tw_storage_real(hid_t dataset, const char *path, const char *name)
{
    char claim[TW_UNIT_LEN], has[TW_UNIT_LEN];
    const hid_t creation = H5Dget_create_plist(dataset);
    const uint64_t stored = H5Dget_storage_size(dataset), file = file_bytes(dataset),
                   claimed = claimed_bytes(dataset), times = expansion(creation),
                   chunk = chunk_bytes(dataset, creation);
    H5Pclose(creation);
    if (stored > file)
        return tw_fail(TW_DATA, "data set '%s' of %s claims %s of a file of %s: it is damaged or cut short",
                       name, path, tw_units_bytes((double)stored, claim), tw_units_bytes((double)file, has));
    if (claimed / times <= stored + chunk) return TW_OK;
    return tw_fail(
        TW_DATA,
        "data set '%s' of %s claims %s, but the %s stored cannot hold that: it is damaged, or most of "
        "it was never written",
        name, path, tw_units_bytes((double)claimed, claim), tw_units_bytes((double)stored, has));
}

/* Nothing is converted, unpacked, or taken from other files. */
static bool is_plain(hid_t dataset, hid_t memory)
{
    const hid_t type = H5Dget_type(dataset), creation = H5Dget_create_plist(dataset);
    const bool plain = H5Tequal(type, memory) > 0 && H5Pget_layout(creation) == H5D_CONTIGUOUS &&
                       H5Pget_nfilters(creation) == 0 && H5Pget_external_count(creation) == 0;
    H5Pclose(creation);
    H5Tclose(type);
    return plain;
}

int64_t tw_storage_offset(hid_t dataset, hid_t memory)
{
    if (!is_plain(dataset, memory)) return 0;
    const haddr_t at = H5Dget_offset(dataset); /* from the first byte of the file, a user block included */
    const uint64_t claimed = claimed_bytes(dataset), file = file_bytes(dataset);
    if (at == HADDR_UNDEF || file > INT64_MAX || at > file || claimed > file - at) return 0;
    return H5Dget_storage_size(dataset) >= claimed ? (int64_t)at : 0;
}
