/* generate_file.c -- a generated data set as an HDF5 file that all ranks write without parallel HDF5.
 *
 * Rank 0 lets HDF5 lay out the file with its space allocated but not written, and asks where /X and /y lie;
 * then every rank writes its rows there with pwrite. Nothing is seen under the final name before all of it is
 * on the disk. */
#include "thalweg/generate.h"

#include "core/output_file.h"
#include "data/output_driver.h"
#include "thalweg/dataset.h"
#include "thalweg/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files hold little-endian numbers");

/* Bytes at once, and multiplications: a signal is noticed within a fraction of a second. */
enum { PIECE_BYTES = 8 << 20, PIECE_WORK = 1 << 25 };

/* What rank 0 tells the others; plain bytes. */
typedef struct {
    char temporary[TW_PATH_LEN]; /* where the file grows */
    int64_t x_at, y_at;          /* bytes from the start of the file */
} layout;

/* [first, end) */
typedef struct {
    int64_t first, end;
} rows;

/* The temporary goes at the first signal, since a launcher that lost a rank may leave no time for more. */
static volatile sig_atomic_t stopped;
static const char *_Atomic pending; /* the file that a signal removes; NULL on ranks other than 0 */

static void on_signal(int number)
{
    const int kept = errno;
    const char *path = pending;
    stopped = number;
    if (path) unlink(path);
    errno = kept;
}

enum { N_SIGNALS = 3 };
static const int signals[N_SIGNALS] = {SIGINT, SIGTERM, SIGUSR1};

static void watch_signals(struct sigaction old[N_SIGNALS])
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    stopped = 0;
    for (int i = 0; i < N_SIGNALS; i++) sigaction(signals[i], &action, &old[i]);
}

static void unwatch_signals(const struct sigaction old[N_SIGNALS])
{
    for (int i = 0; i < N_SIGNALS; i++) sigaction(signals[i], &old[i], NULL);
    pending = NULL;
}

static tw_status stop_status(const char *path)
{
    return tw_fail(TW_STOPPED,
                   "stopped by %s while generating %s; nothing was kept, run the same command again",
                   tw_interrupt_name(stopped), path);
}

/* A signal has taken the temporary away: that is the cause of what failed since. */
static tw_status cause(tw_status status, const char *path)
{
    return status && stopped ? stop_status(path) : status;
}

static bool put_attribute(hid_t file, const char *name, hid_t type, hsize_t count, const void *value)
{
    const hid_t space = count == 1 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &count, NULL);
    const hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    const herr_t error = H5Awrite(attribute, type, value);
    H5Sclose(space);
    return H5Aclose(attribute) >= 0 && error >= 0;
}

static bool put_text(hid_t file, const char *name, const char *text)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    const bool sized = H5Tset_size(type, strlen(text)) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0;
    const bool written = sized && put_attribute(file, name, type, 1, text);
    H5Tclose(type);
    return written;
}

static bool put_settings(hid_t file, const tw_generate *set)
{
    const int32_t version = TW_GENERATE_VERSION;
    const double range[2] = {set->low, set->high};
    return put_text(file, "format", "thalweg data set") &&
           put_attribute(file, "version", H5T_STD_I32LE, 1, &version) &&
           put_text(file, "task", tw_generate_task_name(set->task)) &&
           put_attribute(file, "seed", H5T_STD_U64LE, 1, &set->seed) &&
           put_attribute(file, "noise", H5T_IEEE_F64LE, 1, &set->noise) &&
           put_attribute(file, "condition", H5T_IEEE_F64LE, 1, &set->condition) &&
           (!set->uniform || put_attribute(file, "uniform", H5T_IEEE_F64LE, 2, range));
}

/* Contiguous, with space in the file from the start that nothing fills. shape ends with 0 or after two. */
static hid_t create_array(hid_t file, const char *name, hid_t type, const hsize_t shape[2])
{
    const hid_t space = H5Screate_simple(shape[1] ? 2 : 1, shape, NULL);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t array = H5I_INVALID_HID;
    if (H5Pset_obj_track_times(creation, false) >= 0 && H5Pset_layout(creation, H5D_CONTIGUOUS) >= 0 &&
        H5Pset_alloc_time(creation, H5D_ALLOC_TIME_EARLY) >= 0 &&
        H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER) >= 0)
        array = H5Dcreate2(file, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Pclose(creation);
    H5Sclose(space);
    return array;
}

static bool put_array(hid_t file, const char *name, const hsize_t shape[2], const double *values)
{
    const hid_t array = create_array(file, name, H5T_IEEE_F64LE, shape);
    const herr_t error = H5Dwrite(array, H5T_IEEE_F64LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    return H5Dclose(array) >= 0 && error >= 0;
}

static bool place_array(hid_t file, const char *name, hid_t type, const hsize_t shape[2], int64_t *at)
{
    const hid_t array = create_array(file, name, type, shape);
    const haddr_t address = array < 0 ? HADDR_UNDEF : H5Dget_offset(array);
    *at = (int64_t)address;
    return H5Dclose(array) >= 0 && address != HADDR_UNDEF;
}

static bool put_all(hid_t file, const tw_generator *g, layout *l)
{
    const tw_generate *set = &g->set;
    const hsize_t m = (hsize_t)set->rows, n = (hsize_t)set->features, k = (hsize_t)tw_generate_outputs(set);
    const hid_t x_type = set->type == TW_f32 ? H5T_IEEE_F32LE : H5T_IEEE_F64LE;
    const hid_t y_type = set->task == TW_GENERATE_LINEAR ? H5T_IEEE_F64LE : H5T_STD_I32LE;
    return put_settings(file, set) &&
           put_array(file, "true_coefficients", (hsize_t[2]){k, n}, g->coefficients) &&
           put_array(file, "true_intercept", (hsize_t[2]){k, 0}, g->intercept) &&
           place_array(file, "X", x_type, (hsize_t[2]){m, n}, &l->x_at) &&
           place_array(file, "y", y_type, (hsize_t[2]){m, 0}, &l->y_at);
}

/* One format and no times, so that the bytes are a function of the settings. */
static bool create_file(hid_t access, const tw_generator *g, const char *path, layout *l)
{
    const hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    hid_t file = H5I_INVALID_HID;
    if (H5Pset_obj_track_times(creation, false) >= 0 &&
        H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) >= 0)
        file = H5Fcreate(path, H5F_ACC_TRUNC, creation, access);
    H5Pclose(creation);
    const bool good = file >= 0 && put_all(file, g, l);
    return H5Fclose(file) >= 0 && good;
}

static tw_status lay_out(tw_output_file *out, const tw_generator *g, layout *l)
{
    tw_dataset_start();
    const hid_t driver = tw_output_driver_register(), access = tw_output_driver_access(driver, out);
    const bool good = create_file(access, g, out->path, l);
    H5Pclose(access);
    H5FDunregister(driver);
    TW_TRY(tw_output_file_check(out));
    return good ? TW_OK : tw_fail(TW_INTERNAL, "HDF5 could not lay out %s", out->path);
}

/* A disk that is too small says so now, where the file system can tell. */
static tw_status reserve(tw_output_file *out)
{
    struct stat info;
    if (fstat(out->fd, &info) || fallocate(out->fd, 0, 0, info.st_size)) out->error = errno;
    if (out->error == EOPNOTSUPP || out->error == ENOSYS || out->error == EINTR) out->error = 0;
    return tw_output_file_check(out);
}

static tw_status prepare(tw_output_file *out, const tw_generator *g, const char *path, bool force, layout *l)
{
    TW_TRY(tw_output_file_open(out, path, force));
    snprintf(l->temporary, sizeof l->temporary, "%s", out->temporary);
    pending = l->temporary;
    TW_TRY(lay_out(out, g, l));
    return reserve(out);
}

static void write_piece(tw_output_file *out, tw_generator *g, const layout *l, rows piece, char *buffer)
{
    const size_t count = (size_t)(piece.end - piece.first), y_row = tw_generator_label_size(g);
    const size_t x_row = (size_t)g->set.features * tw_dtype_size(g->set.type);
    char *y = buffer, *x = y + (count * y_row + 7) / 8 * 8;
    tw_generator_rows(g, piece.first, count, x, y);
    tw_output_file_write(out, (uint64_t)l->x_at + (uint64_t)piece.first * x_row, count * x_row, x);
    tw_output_file_write(out, (uint64_t)l->y_at + (uint64_t)piece.first * y_row, count * y_row, y);
}

/* At least one row. */
static int64_t piece_rows(const tw_generator *g)
{
    const int64_t n = g->set.features, width = n * (int64_t)tw_dtype_size(g->set.type);
    const int64_t fit = PIECE_BYTES / (width + (int64_t)tw_generator_label_size(g));
    const int64_t work = PIECE_WORK / (n * tw_generate_outputs(&g->set)), least = fit < work ? fit : work;
    return least < 1 ? 1 : least;
}

static tw_status write_rows(tw_output_file *out, tw_generator *g, const layout *l, rows all)
{
    const int64_t most = piece_rows(g);
    const size_t row_size = (size_t)g->set.features * tw_dtype_size(g->set.type) + tw_generator_label_size(g);
    char *buffer = malloc((size_t)most * row_size + 8);
    if (!buffer) return tw_fail(TW_MEMORY, "no memory for %lld generated rows", (long long)most);
    while (all.first < all.end && !out->error && !stopped) {
        const int64_t end = all.end - all.first < most ? all.end : all.first + most;
        write_piece(out, g, l, (rows){all.first, end}, buffer);
        all.first = end;
    }
    free(buffer);
    if (stopped) return stop_status(out->path);
    tw_output_file_sync(out);
    return tw_output_file_check(out);
}

static rows share(int64_t m, int rank, int size)
{
    const int64_t each = m / size, rest = m % size;
    const int64_t first = rank * each + (rank < rest ? rank : rest);
    return (rows){first, first + each + (rank < rest)};
}

/* A rank that did not make the file opens it for itself, and neither names nor releases it. */
static tw_status write_remote(tw_generator *g, const layout *l, rows mine, const char *path)
{
    if (mine.first == mine.end) return TW_OK;
    tw_output_file part = {
        .path = (char *)path, .folder = -1, .fd = open(l->temporary, O_WRONLY | O_CLOEXEC)};
    if (part.fd < 0)
        return tw_fail(TW_OUTPUT, "cannot write %s: %s; every host must see the folder of the output",
                       l->temporary, strerror(errno));
    tw_status status = write_rows(&part, g, l, mine);
    if (close(part.fd) && !status) status = tw_fail(TW_IO, "cannot write %s: %s", path, strerror(errno));
    return status;
}

static tw_status write_file(tw_comm *comm, tw_generator *g, const char *path, bool force)
{
    layout l = {0};
    tw_output_file out = {0};
    struct sigaction old[N_SIGNALS];
    const int rank = tw_comm_rank(comm);
    const rows mine = share(g->set.rows, rank, tw_comm_size(comm));
    watch_signals(old);
    tw_status status = rank ? TW_OK : cause(prepare(&out, g, path, force, &l), path);
    status = tw_comm_bcast_status(comm, 0, status);
    if (!status) status = tw_comm_bcast(comm, 0, &l, sizeof l);
    if (!status) {
        status = rank ? write_remote(g, &l, mine, path) : write_rows(&out, g, &l, mine);
        status = tw_comm_agree(comm, cause(status, path));
    }
    if (!status) {
        status = rank ? TW_OK : cause(tw_output_file_commit(&out, NULL), path);
        status = tw_comm_bcast_status(comm, 0, status);
    }
    tw_output_file_release(&out);
    unwatch_signals(old);
    return status;
}

tw_status tw_generate_file(tw_comm *comm, const tw_generate *settings, const char *path, bool force)
{
    tw_generator generator;
    tw_status status = tw_comm_agree(comm, tw_generator_init(&generator, settings));
    if (!status) status = write_file(comm, &generator, path, force);
    tw_generator_release(&generator);
    return status;
}
