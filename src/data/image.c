#include "thalweg/image.h"

#include "data/hdf5_file.h"
#include "thalweg/file.h"
#include "thalweg/hash.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    MAGIC_LEN = 8,
    KIND_AT = 8,
    VERSION_AT = 16,
    LENGTH_AT = 24,
    DIGEST_AT = 32,
    DIGEST_LEN = 16,
    FIRST_BYTES = 4
};
enum { INCREMENT = 1 << 20, LARGE = 8 << 20 };
#define MOST ((size_t)8 << 30)

/* As PNG's (RFC 2083, 12.11): a byte above 127, letters, then CR LF, the end-of-file of DOS, LF. A copy in
 * text mode changes one of these. */
static const unsigned char magic[MAGIC_LEN] = {0x89, 'T', 'H', 'W', '\r', '\n', 0x1a, '\n'};

static void put_number(unsigned char *at, size_t size, uint64_t value)
{
    for (size_t i = 0; i < size; i++) at[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t get_number(const unsigned char *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;) value = value << 8 | at[i];
    return value;
}

static void seal(unsigned char header[TW_IMAGE_HEADER], const char *kind, const tw_bytes *image)
{
    memset(header, 0, TW_IMAGE_HEADER);
    memcpy(header, magic, MAGIC_LEN);
    memcpy(header + KIND_AT, kind, strnlen(kind, TW_IMAGE_KIND_LEN));
    put_number(header + VERSION_AT, 4, TW_IMAGE_VERSION);
    put_number(header + LENGTH_AT, 8, image->size);
    tw_hash128(image->data, image->size, header + DIGEST_AT);
}

/* A core file access list. HDF5 takes two core files of one name for one file, so the name comes from here
 * too: the number of the list, which no other open file has. */
static hid_t core_access(size_t length, char *name)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0) return access;
    snprintf(name, length, "image %lld", (long long)access);
    if (H5Pset_fapl_core(access, INCREMENT, false) >= 0 &&
        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0)
        return access;
    H5Pclose(access);
    return H5I_INVALID_HID;
}

/* A large image in large pages: half of the time of filling it is the first touch of small ones. */
static void *grow(void *image, size_t size, H5FD_file_image_op_t op, void *context)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *const more = realloc(image, size);
    (void)op;
    (void)context;
    if (more && size >= LARGE) {
        const size_t skip = (page - (uintptr_t)more % page) % page;
        madvise(more + skip, (size - skip) / page * page, MADV_HUGEPAGE); /* advice: it may be refused */
    }
    return more;
}

static herr_t release(void *image, H5FD_file_image_op_t op, void *context)
{
    (void)op;
    (void)context;
    free(image);
    return 0;
}

tw_status tw_image_create(hid_t *file)
{
    H5FD_file_image_callbacks_t memory = {.image_realloc = grow, .image_free = release};
    char name[64] = "";
    const hid_t creation = H5Pcreate(H5P_FILE_CREATE), access = core_access(sizeof name, name);
    *file = H5I_INVALID_HID;
    if (creation >= 0 && access >= 0 && H5Pset_obj_track_times(creation, false) >= 0 &&
        H5Pset_file_image_callbacks(access, &memory) >= 0)
        *file = H5Fcreate(name, H5F_ACC_TRUNC, creation, access);
    H5Pclose(access);
    H5Pclose(creation);
    return *file >= 0 ? TW_OK : tw_fail(TW_MEMORY, "HDF5 cannot create a file in memory");
}

/* That a program has the file open for writing, in the superblock (HDF5 file format, II.A): 4 bytes, from
 * version 2 on one. H5Fget_file_image would clear it, in a copy. */
static void clear_flags(unsigned char *image)
{
    if (image[8] < 2)
        memset(image + 20, 0, 4);
    else
        image[11] = 0;
}

tw_status tw_image_commit(hid_t file, const char *kind, const char *path)
{
    unsigned char header[TW_IMAGE_HEADER];
    void *handle = NULL; /* of the core driver: where it keeps the address of the image */
    const ssize_t size = H5Fflush(file, H5F_SCOPE_GLOBAL) >= 0 ? H5Fget_file_image(file, NULL, 0) : -1;
    if (size <= 0 || H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) < 0 || !handle)
        return tw_fail(TW_MEMORY, "out of memory for writing %s", path);
    const tw_bytes image = {*(void **)handle, (size_t)size};
    clear_flags(*(void **)handle);
    seal(header, kind, &image);
    return tw_file_commit(path, 2, (tw_bytes[]){{header, sizeof header}, image});
}

/* The bytes that nothing is in must be zero, or a flipped bit there would go unnoticed. */
static bool is_zero(const unsigned char *header, size_t from, size_t to)
{
    while (from < to && header[from] == 0) from++;
    return from == to;
}

/* For people; kinds are short. */
static const char *name_of(const char *kind)
{
    return strcmp(kind, "restart") == 0 ? "checkpoint" : kind;
}

/* What no edit explains: another kind of file, a newer version. */
static tw_status check_kind(const char *path, const char *kind, const unsigned char *header)
{
    char found[TW_IMAGE_KIND_LEN + 1] = "", wanted[TW_IMAGE_KIND_LEN + 1] = "";
    memcpy(wanted, kind, strnlen(kind, TW_IMAGE_KIND_LEN));
    memcpy(found, header + KIND_AT, TW_IMAGE_KIND_LEN);
    if (memcmp(found, wanted, TW_IMAGE_KIND_LEN) != 0) {
        const size_t letters = strspn(found, "abcdefghijklmnopqrstuvwxyz");
        if (letters == 0 || found[letters])
            return tw_fail(TW_DATA, "%s is damaged: its header does not say what it is", path);
        return tw_fail(TW_DATA, "%s is a thalweg %s, not a %s", path, name_of(found), name_of(kind));
    }
    const uint64_t version = get_number(header + VERSION_AT, 4);
    if (version > TW_IMAGE_VERSION)
        return tw_fail(TW_DATA, "%s was written by a newer thalweg (file format %llu, this one reads %d)",
                       path, (unsigned long long)version, TW_IMAGE_VERSION);
    return version ? TW_OK : tw_fail(TW_DATA, "%s is damaged: its header has no version", path);
}

static tw_status check_seal(const char *path, size_t size, const unsigned char *bytes)
{
    unsigned char digest[DIGEST_LEN];
    const uint64_t length = get_number(bytes + LENGTH_AT, 8);
    if (!is_zero(bytes, VERSION_AT + 4, LENGTH_AT) ||
        !is_zero(bytes, DIGEST_AT + DIGEST_LEN, TW_IMAGE_HEADER))
        return tw_fail(TW_DATA, "%s is damaged: its header is not zero where it must be", path);
    if (length != size - TW_IMAGE_HEADER)
        return tw_fail(TW_DATA, "%s is damaged or changed: it has %zu bytes, its header says %llu", path,
                       size, (unsigned long long)length + TW_IMAGE_HEADER);
    tw_hash128(bytes + TW_IMAGE_HEADER, size - TW_IMAGE_HEADER, digest);
    if (memcmp(digest, bytes + DIGEST_AT, sizeof digest) == 0) return TW_OK;
    return tw_fail(TW_DATA, "%s is damaged or changed: its digest does not match its contents", path);
}

static tw_status check(const char *path, const char *kind, const tw_bytes *all, bool *edited)
{
    const unsigned char *const bytes = all->data;
    if (all->size < TW_IMAGE_HEADER || memcmp(bytes, magic, MAGIC_LEN) != 0)
        return tw_fail(TW_DATA, "%s is damaged: it ends in its header", path);
    TW_TRY(check_kind(path, kind, bytes));
    const tw_status status = check_seal(path, all->size, bytes);
    if (edited) *edited = status != TW_OK;
    return edited ? TW_OK : status;
}

static tw_status open_core(const char *path, const tw_bytes *all, hid_t *file)
{
    char name[64] = "";
    const hid_t access = core_access(sizeof name, name);
    void *bytes = (void *)(uintptr_t)all->data; /* HDF5 copies them */
    if (access >= 0 && H5Pset_file_image(access, bytes, all->size) >= 0)
        *file = H5Fopen(name, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    return *file >= 0 ? TW_OK : tw_fail(TW_DATA, "%s is damaged: HDF5 cannot open it", path);
}

/* Without our header: written anew by another program, or no file of ours at all. May be large, so it is not
 * read. */
static tw_status open_plain(const char *path, const char *kind, const tw_bytes *head, hid_t *file,
                            bool *edited)
{
    if (head->size >= FIRST_BYTES && memcmp(head->data, magic, FIRST_BYTES) == 0 && !edited)
        return tw_fail(TW_DATA, "%s is damaged: it was copied as text; copy it again in binary mode", path);
    if (H5Fis_hdf5(path) <= 0)
        return tw_fail(TW_DATA, "%s is not a thalweg %s: it is no HDF5 file", path, name_of(kind));
    if (!edited)
        return tw_fail(TW_DATA, "%s is not a thalweg %s: it is an HDF5 file without a header of thalweg",
                       path, name_of(kind));
    *edited = true;
    return tw_hdf5_open(path, file);
}

tw_status tw_image_open(const char *path, const char *kind, hid_t *file, bool *edited)
{
    unsigned char header[TW_IMAGE_HEADER];
    char *bytes;
    size_t size;
    *file = H5I_INVALID_HID;
    if (edited) *edited = false;
    TW_TRY(tw_file_peek(path, sizeof header, header, &size));
    if (size < MAGIC_LEN || memcmp(header, magic, MAGIC_LEN) != 0)
        return open_plain(path, kind, &(tw_bytes){header, size}, file, edited);
    TW_TRY(tw_file_read(path, MOST, &bytes, &size));
    const tw_bytes all = {bytes, size};
    tw_status status = check(path, kind, &all, edited);
    if (status == TW_OK) status = open_core(path, &all, file);
    free(bytes);
    return status;
}
