#include "data/output_driver.h"

#if H5_VERSION_GE(1, 13, 2)
#include <H5FDdevelop.h>
#endif
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_BYTES (((haddr_t)1 << 62) - 1)

typedef struct {
    H5FD_t shared; /* HDF5's part; must come first */
    tw_output_file *output;
    haddr_t allocated, end;
} driver_file;

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t most)
{
    (void)name, (void)flags, (void)most;
    tw_output_file *const *info = H5Pget_driver_info(access);
    driver_file *file = info ? calloc(1, sizeof *file) : NULL;
    if (!file && info && !(*info)->error) (*info)->error = ENOMEM;
    if (!file) return NULL;
    file->output = *info;
    return &file->shared;
}

static herr_t driver_close(H5FD_t *shared)
{
    free(shared);
    return 0;
}

static herr_t driver_query(const H5FD_t *shared, unsigned long *flags)
{
    (void)shared;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *shared, H5FD_mem_t type)
{
    (void)type;
    return ((const driver_file *)shared)->allocated;
}

static herr_t driver_set_eoa(H5FD_t *shared, H5FD_mem_t type, haddr_t address)
{
    (void)type;
    ((driver_file *)shared)->allocated = address;
    return 0;
}

static haddr_t driver_get_eof(const H5FD_t *shared, H5FD_mem_t type)
{
    (void)type;
    return ((const driver_file *)shared)->end;
}

/* What lies behind the end reads as zero, as HDF5 expects. */
static herr_t driver_read(H5FD_t *shared, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t size, void *out)
{
    (void)type, (void)transfer;
    const driver_file *file = (const driver_file *)shared;
    char *to = out;
    while (size > 0) {
        const ssize_t done = pread(file->output->fd, to, size, (off_t)at);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return -1;
        if (done == 0) break;
        to += done;
        at += (haddr_t)done;
        size -= (size_t)done;
    }
    memset(to, 0, size);
    return 0;
}

static herr_t driver_write(H5FD_t *shared, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t size,
                           const void *in)
{
    (void)type, (void)transfer;
    driver_file *file = (driver_file *)shared;
    tw_output_file_write(file->output, at, size, in);
    if (at + size > file->end) file->end = at + size;
    return 0;
}

static herr_t driver_truncate(H5FD_t *shared, hid_t transfer, hbool_t closing)
{
    (void)transfer, (void)closing;
    driver_file *file = (driver_file *)shared;
    if (file->allocated == file->end) return 0;
    tw_output_file_truncate(file->output, file->allocated);
    file->end = file->allocated;
    return 0;
}

hid_t tw_output_driver_register(void)
{
    static const H5FD_class_t class = {
#if H5_VERSION_GE(1, 13, 2)
        .version = H5FD_CLASS_VERSION,
        .value = (H5FD_class_value_t)500,
#endif
        .name = "thalweg_output",
        .maxaddr = MOST_BYTES,
        .fc_degree = H5F_CLOSE_STRONG,
        .fapl_size = sizeof(tw_output_file *),
        .open = driver_open,
        .close = driver_close,
        .query = driver_query,
        .get_eoa = driver_get_eoa,
        .set_eoa = driver_set_eoa,
        .get_eof = driver_get_eof,
        .read = driver_read,
        .write = driver_write,
        .truncate = driver_truncate,
        .fl_map = H5FD_FLMAP_DICHOTOMY,
    };
    return H5FDregister(&class);
}

hid_t tw_output_driver_access(hid_t driver, tw_output_file *output)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (access < 0) return access;
    if (H5Pset_driver(access, driver, &output) >= 0) return access;
    H5Pclose(access);
    return -1;
}
