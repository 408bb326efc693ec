/* How fast a file is read: its bytes as they lie, then its rows by the way a run takes. Without a file of the
 * user one is written into the current folder, and removed. */
#include "scale/doctor.h"
#include "thalweg/account.h"
#include "thalweg/dataset_file.h"
#include "thalweg/interrupt.h"
#include "thalweg/phase.h"
#include "thalweg/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PIECE = 4 << 20, WRITTEN_ROWS = 1024 };
#define MIB ((double)1048576)

/* ---- bytes ---- */

/* Of the first bytes of the file the share that is in memory; NaN when the system does not tell. */
static double cached_share(int file, size_t bytes)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (bytes + page - 1) / page;
    unsigned char *there = malloc(pages + 1);
    void *map = there && bytes ? mmap(NULL, bytes, PROT_READ, MAP_SHARED, file, 0) : MAP_FAILED;
    size_t count = 0;
    bool known = map != MAP_FAILED && mincore(map, bytes, there) == 0;
    for (size_t i = 0; known && i < pages; i++) count += there[i] & 1;
    if (map != MAP_FAILED) munmap(map, bytes);
    free(there);
    return known && pages ? (double)count / (double)pages : NAN;
}

/* Until the end of the part or of the time. */
static tw_status read_part(int file, const char *path, size_t first, size_t end, double until, double *bytes)
{
    char *piece = malloc(PIECE);
    size_t at = first;
    if (!piece) return tw_fail(TW_MEMORY, "out of memory for reading %s", path);
    while (at < end && (tw_seconds() < until || at == first) && !tw_interrupt_requests()) {
        const ssize_t got = pread(file, piece, end - at < PIECE ? end - at : PIECE, (off_t)at);
        if (got <= 0) {
            free(piece);
            return got == 0 ? tw_fail(TW_IO, "%s became shorter while it was read", path)
                            : tw_fail(TW_IO, "cannot read %s: %s", path, strerror(errno));
        }
        at += (size_t)got;
        tw_phase_tick();
    }
    free(piece);
    *bytes = (double)(at - first);
    return TW_OK;
}

/* Every rank its part of the first bytes. */
static tw_status read_bytes(tw_doctor *d, const char *path, double most, double seconds)
{
    const int rank = tw_comm_rank(d->comm), size = tw_comm_size(d->comm);
    struct stat info = {0};
    double own = 0, took = 0, cached = 0;
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    tw_status status = file >= 0 && fstat(file, &info) == 0
                           ? TW_OK
                           : tw_fail(TW_INPUT, "cannot open %s: %s", path, strerror(errno));
    const int64_t bytes = (int64_t)fmin((double)info.st_size, most);
    if (status == TW_OK && rank == 0) cached = cached_share(file, (size_t)bytes);
    status = tw_comm_agree(d->comm, status);
    if (status == TW_OK) {
        tw_comm_barrier(d->comm);
        const double before = tw_seconds();
        status = read_part(file, path, (size_t)tw_threads_first(bytes, rank, size),
                           (size_t)tw_threads_first(bytes, rank + 1, size), before + seconds, &own);
        took = tw_seconds() - before;
        status = tw_comm_agree(d->comm, status);
    }
    if (file >= 0) close(file);
    TW_TRY(status);
    TW_TRY(tw_comm_allreduce(d->comm, TW_MAX, 1, &took));
    TW_TRY(tw_comm_allreduce(d->comm, TW_SUM, 1, &own));
    TW_TRY(tw_comm_bcast(d->comm, 0, &cached, sizeof cached));
    d->file.bytes = own;
    d->file.cached = cached;
    d->file.raw = own / took;
    return TW_OK;
}

/* ---- rows ---- */

static tw_status take_rows(tw_doctor_problem *p, const tw_doctor *d, const tw_dataset *data, int64_t rows)
{
    const int rank = tw_comm_rank(d->comm);
    TW_TRY(tw_partition_init(&p->partition, rows, 0, tw_comm_size(d->comm)));
    const int64_t first = tw_partition_shard(&p->partition, rank);
    return tw_shard_read(&p->shard, data, first, tw_partition_shard(&p->partition, rank + 1) - first);
}

static tw_status read_rows(tw_doctor *d, tw_doctor_problem *p, const tw_dataset *data, double most)
{
    const double width = (double)data->cols * (double)tw_dtype_size(data->type);
    double room;
    TW_TRY(tw_doctor_room(d, &room));
    const double limit = fmin(most, room * tw_comm_size(d->comm)) / width;
    const int64_t rows = limit < 1 ? 1 : limit < (double)data->rows ? (int64_t)limit : data->rows;
    tw_comm_barrier(d->comm);
    const double before = tw_seconds();
    const tw_status status = take_rows(p, d, data, rows);
    double took = tw_seconds() - before;
    TW_TRY(tw_comm_agree(d->comm, status));
    TW_TRY(tw_comm_allreduce(d->comm, TW_MAX, 1, &took));
    d->file.rows = (double)rows * width / took;
    return TW_OK;
}

/* What such labels are trained with: two whole numbers, a few, others. */
static tw_status choose_model(tw_doctor *d, tw_doctor_problem *p, const tw_model_ops **ops, size_t *classes)
{
    enum { FEW = 64 };
    double *values = NULL;
    *ops = &tw_model_linear;
    *classes = 0;
    if (!d->file.data.labels[0]) {
        p->shard.y = calloc(p->shard.rows + 1, sizeof *p->shard.y);
        return tw_comm_agree(d->comm, p->shard.y ? TW_OK : tw_fail(TW_MEMORY, "out of memory for labels"));
    }
    const tw_status status = tw_shard_classes(&p->shard, d->comm, classes, &values);
    if (status == TW_DATA) *classes = 0; /* numbers */
    if (status != TW_OK && status != TW_DATA) return status;
    if (*classes < 2 || *classes > FEW) {
        *classes = 0;
        free(values);
        return TW_OK;
    }
    *ops = *classes == 2 ? &tw_model_logistic : &tw_model_softmax;
    const tw_status encoded = tw_shard_encode(&p->shard, *classes, values);
    free(values);
    return tw_comm_agree(d->comm, encoded);
}

static tw_status measure_rows(tw_doctor *d, const tw_dataset *data, double most, double seconds)
{
    tw_doctor_problem p = {0};
    const tw_model_ops *ops;
    size_t classes;
    tw_status status = read_rows(d, &p, data, most);
    if (status == TW_OK && d->file.given) {
        status = choose_model(d, &p, &ops, &classes);
        if (status == TW_OK) status = tw_doctor_problem_make(&p, d, ops, classes);
        if (status == TW_OK) status = tw_doctor_time_passes(d, seconds, &p, &d->file.gradient);
        d->file.trained = status == TW_OK;
    }
    tw_doctor_problem_release(&p);
    return status;
}

static tw_status measure(tw_doctor *d, const tw_dataset *data, double most, double seconds)
{
    TW_TRY(read_bytes(d, data->path, most, seconds / 2));
    TW_TRY(measure_rows(d, data, most, seconds / 2));
    d->file.done = true;
    return TW_OK;
}

/* ---- a file of our own ---- */

static tw_status write_rows(tw_dataset_writer *writer, size_t rows, double *x, unsigned char *y)
{
    for (size_t i = 0; i < (size_t)WRITTEN_ROWS * TW_DOCTOR_COLS; i++)
        ((float *)x)[i] = (float)(i * 2654435761u % 16777216) * 0x1p-24f;
    for (size_t i = 0; i < WRITTEN_ROWS; i++) y[i] = i % 2;
    for (size_t done = 0; done < rows; done += WRITTEN_ROWS) {
        TW_TRY(tw_dataset_writer_append(writer, WRITTEN_ROWS, x, y));
        tw_phase_tick();
        TW_TRY(tw_interrupt_check("writing a file to be measured"));
    }
    return tw_dataset_writer_commit(writer, NULL);
}

static tw_status write_file(const char *path, size_t rows)
{
    const tw_dataset_layout layout = {
        .rows = rows, .cols = TW_DOCTOR_COLS, .x_type = TW_f32, .y_type = TW_LABEL_u8};
    tw_dataset_writer *writer = NULL;
    double *x = malloc(WRITTEN_ROWS * TW_DOCTOR_COLS * sizeof(float));
    unsigned char *y = malloc(WRITTEN_ROWS);
    tw_status status = x && y ? TW_OK : tw_fail(TW_MEMORY, "out of memory for rows of a file");
    if (status == TW_OK) status = tw_dataset_writer_new(path, &layout, &writer);
    if (status == TW_OK) status = write_rows(writer, rows, x, y);
    tw_dataset_writer_free(writer);
    free(y);
    free(x);
    return status;
}

/* Out of the page cache, where the system follows. */
static void forget(const char *path)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    close(file);
}

/* Rank 0 alone. */
static tw_status prepare(tw_doctor *d, char *path, tw_dataset *data)
{
    const tw_dataset_names names = {0};
    const size_t rows =
        (size_t)fmax(1, d->seconds * 16 / (WRITTEN_ROWS * TW_DOCTOR_COLS * 4 / MIB)) * WRITTEN_ROWS;
    const double bytes = (double)rows * TW_DOCTOR_COLS * 4;
    struct statvfs room;
    if (statvfs(d->file.folder, &room) == 0 && (double)room.f_bavail * (double)room.f_frsize < 4 * bytes)
        return tw_fail(TW_OUTPUT,
                       "%s has less than four times the %.0f MiB free that a file to be measured needs",
                       d->file.folder, bytes / MIB);
    const double before = tw_seconds();
    TW_TRY(write_file(path, rows));
    d->file.written = bytes / (tw_seconds() - before);
    forget(path);
    return tw_dataset_open(data, path, &names, NULL);
}

/* A folder or a disk that refuses ends no examination. */
static tw_status excuse(tw_doctor *d, tw_status status)
{
    if (status != TW_OUTPUT && status != TW_IO && status != TW_INPUT) return status;
    snprintf(d->file.why, sizeof d->file.why, "%.*s", TW_DOCTOR_LINE - 1, tw_status_message());
    tw_status_message()[0] = 0;
    return TW_OK;
}

static tw_status measure_own(tw_doctor *d, double seconds)
{
    char path[TW_PATH_LEN + 64];
    tw_dataset *data = calloc(1, sizeof *data);
    const bool first = tw_comm_rank(d->comm) == 0;
    tw_status status = tw_comm_agree(d->comm, data ? TW_OK : tw_fail(TW_MEMORY, "out of memory for a file"));
    if (first && !getcwd(d->file.folder, sizeof d->file.folder - 64)) strcpy(d->file.folder, ".");
    snprintf(path, sizeof path, "%s/thalweg-doctor-%ld.h5", d->file.folder, (long)getpid());
    if (status == TW_OK) {
        if (first) status = prepare(d, path, data);
        status = tw_comm_bcast_status(d->comm, 0, status);
        if (status == TW_OK) status = tw_comm_bcast(d->comm, 0, data, sizeof *data);
        if (status == TW_OK) status = measure(d, data, 1024 * MIB, seconds);
        if (first) unlink(path);
    }
    free(data);
    return excuse(d, status);
}

tw_status tw_doctor_measure_file(tw_doctor *d, double seconds)
{
    if (!d->file.given) return measure_own(d, seconds);
    return measure(d, &d->file.data, fmin(1024, d->seconds * 64) * MIB, seconds);
}
