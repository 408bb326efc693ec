/* NPY, the format of NumPy: features of two dimensions and, from a second file, labels of one.
 *
 * Integers that we have no type for are read twice, first for their range. Fortran order is turned into rows
 * in bands; gzipped it is first unpacked beside the output, because its rows lie all over the file. */
#include "core/output_file.h"
#include "data/import.h"
#include "data/label_set.h"
#include "data/npy.h"
#include "data/swap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)8 << 20)

typedef struct {
    const char *path;
    tw_byte_source source; /* never copied: zlib's state points back at it */
    tw_npy_header header;
    tw_npy_range range;
} npy_file;

typedef struct {
    npy_file file[2];
    npy_file *x, *y; /* features, labels; y is NULL without labels */
    tw_dtype x_type;
    tw_label_type y_type;
    tw_output_file spool; /* a gzipped file in Fortran order, unpacked */
    tw_npy_columns columns;
    tw_dataset_writer *writer;
    size_t block;
    unsigned char *raw, *x_out, *y_raw, *y_out; /* [block]; x_out: NULL when features are kept */
    tw_label_count count;
    const tw_import_options *options;
} conversion;

static tw_status open_npy(npy_file *f, const char *path)
{
    f->path = path;
    TW_TRY(tw_byte_source_open(&f->source, path));
    return tw_npy_header_read(&f->source, &f->header);
}

static tw_status changed(const npy_file *f)
{
    return tw_fail(TW_DATA, "%s changed while it was read; convert it again when it is complete", f->path);
}

static tw_status reopen(npy_file *f)
{
    const tw_npy_header before = f->header;
    tw_byte_source_release(&f->source);
    TW_TRY(open_npy(f, f->path));
    const tw_npy_header *h = &f->header;
    const bool same = h->rows == before.rows && h->cols == before.cols && h->begin == before.begin &&
                      h->fortran == before.fortran && strcmp(h->descr, before.descr) == 0;
    return same ? TW_OK : changed(f);
}

static tw_status look_up(const conversion *c)
{
    const volatile sig_atomic_t *const stop = c->options->interrupted;
    return stop && *stop ? tw_fail(TW_IO, "interrupted; nothing was written") : TW_OK;
}

/* The next bytes, as they are. */
static tw_status read_raw(npy_file *f, size_t size, unsigned char *out)
{
    size_t got;
    TW_TRY(tw_byte_source_read(&f->source, size, out, &got));
    if (got == size) return TW_OK;
    return tw_fail(
        TW_DATA,
        "%s is truncated: it ends before the last value that its header claims; copy or save it again",
        f->path);
}

static void to_machine(const tw_npy_header *h, size_t count, unsigned char *values)
{
    if (h->swapped) tw_swap_bytes(h->size, count, values);
}

/* Reading on also lets zlib check the sum at the end of a gzip file. */
static tw_status check_end(npy_file *f)
{
    unsigned char byte;
    size_t got;
    TW_TRY(tw_byte_source_read(&f->source, 1, &byte, &got));
    return got == 0 ? TW_OK
                    : tw_fail(TW_DATA,
                              "%s has bytes after its last value; one array a file, as numpy.save writes it",
                              f->path);
}

static tw_status check_exact(const npy_file *f)
{
    const tw_npy_header *h = &f->header;
    if (!f->range.beyond_f64) return TW_OK;
    const uint64_t at = f->range.first;
    return tw_fail(
        TW_DATA,
        "%s: row %llu, column %llu (from 0) is a whole number that no double holds exactly; save the array "
        "as doubles if rounding is fine: a.astype(\"float64\")",
        f->path, (unsigned long long)(h->fortran ? at % h->rows : at / h->cols),
        (unsigned long long)(h->fortran ? at / h->rows : at % h->cols));
}

/* All values of the features in the order of the file. */
static tw_status survey(conversion *c)
{
    npy_file *f = c->x;
    const tw_npy_header *h = &f->header;
    const size_t most = h->bytes < BLOCK_BYTES ? (size_t)h->bytes : BLOCK_BYTES;
    tw_status status = TW_OK;
    c->raw = malloc(most);
    if (!c->raw) return tw_fail(TW_MEMORY, "out of memory for values of %s", f->path);
    for (uint64_t done = 0; done < h->bytes && status == TW_OK; done += most) {
        const size_t size = h->bytes - done < most ? (size_t)(h->bytes - done) : most;
        status = read_raw(f, size, c->raw);
        if (status != TW_OK) break;
        to_machine(h, size / h->size, c->raw);
        tw_npy_range_add(&f->range, h, size / h->size, c->raw);
        status = look_up(c);
    }
    free(c->raw);
    c->raw = NULL;
    if (status == TW_OK) status = check_end(f);
    return status == TW_OK ? check_exact(f) : status;
}

/* The rest of a gzipped file, into a temporary beside the output. */
static tw_status unpack(conversion *c, const char *output)
{
    npy_file *f = c->x;
    TW_TRY(tw_output_file_open(&c->spool, output, c->options->replace));
    for (uint64_t done = 0; done < f->header.bytes; done += BLOCK_BYTES) {
        const uint64_t left = f->header.bytes - done;
        const size_t size = left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES;
        TW_TRY(read_raw(f, size, c->columns.band));
        tw_output_file_write(&c->spool, done, size, c->columns.band);
        TW_TRY(tw_output_file_check(&c->spool));
        TW_TRY(look_up(c));
    }
    return check_end(f);
}

static tw_status start_columns(conversion *c, const char *output)
{
    const npy_file *f = c->x;
    c->columns = (tw_npy_columns){.path = f->path, .header = &f->header};
    if (f->source.gzip) {
        c->columns.band = malloc(BLOCK_BYTES);
        if (!c->columns.band) return tw_fail(TW_MEMORY, "out of memory for values of %s", f->path);
        TW_TRY(unpack(c, output));
        tw_npy_columns_release(&c->columns);
        c->columns.fd = c->spool.fd;
    } else {
        posix_fadvise(f->source.fd, 0, 0, POSIX_FADV_NORMAL);
        c->columns.fd = f->source.fd;
        c->columns.begin = f->header.begin;
    }
    return tw_npy_columns_open(&c->columns, c->block);
}

static tw_status make_buffers(conversion *c)
{
    const tw_npy_header *h = &c->x->header;
    const bool kept = tw_npy_kept(h);
    if (!h->fortran) c->raw = malloc(c->block * h->cols * h->size);
    if (!kept) c->x_out = malloc(c->block * h->cols * tw_dtype_size(c->x_type));
    if ((!h->fortran && !c->raw) || (!kept && !c->x_out))
        return tw_fail(TW_MEMORY, "out of memory for rows of %s", c->x->path);
    return TW_OK;
}

/* Up to *rows rows of the features as stored in the output. */
static tw_status next_features(conversion *c, size_t *rows, const void **x)
{
    npy_file *f = c->x;
    const tw_npy_header *h = &f->header;
    unsigned char *values = c->raw;
    if (h->fortran)
        TW_TRY(tw_npy_columns_next(&c->columns, rows, &values));
    else
        TW_TRY(read_raw(f, *rows * h->cols * h->size, values));
    const size_t count = *rows * h->cols;
    to_machine(h, count, values);
    *x = values;
    if (tw_npy_kept(h)) {
        tw_npy_range_add(&f->range, h, count, values);
        return TW_OK;
    }
    *x = c->x_out;
    return tw_npy_features(h, c->x_type, count, values, c->x_out) == count ? TW_OK : changed(f);
}

static void count_labels(conversion *c, size_t rows)
{
    const void *const y = c->y_out;
    for (size_t i = 0; i < rows && c->y_type != TW_LABEL_f64; i++)
        tw_label_count_add(&c->count, c->y_type == TW_LABEL_u8    ? ((const uint8_t *)y)[i]
                                      : c->y_type == TW_LABEL_i8  ? ((const int8_t *)y)[i]
                                      : c->y_type == TW_LABEL_i16 ? ((const int16_t *)y)[i]
                                      : c->y_type == TW_LABEL_i32 ? ((const int32_t *)y)[i]
                                                                  : ((const int64_t *)y)[i]);
}

static tw_status next_labels(conversion *c, size_t rows)
{
    npy_file *f = c->y;
    TW_TRY(read_raw(f, rows * f->header.size, c->y_raw));
    to_machine(&f->header, rows, c->y_raw);
    const size_t good = tw_npy_labels(&f->header, c->y_type, rows, c->y_raw, c->y_out);
    if (good < rows)
        return tw_fail(TW_DATA, "%s: row %llu (from 0) is a label beyond 63 bits; number the classes from 0",
                       f->path, (unsigned long long)(f->range.seen + good));
    tw_npy_range_add(&f->range, &f->header, rows, c->y_raw);
    count_labels(c, rows);
    return TW_OK;
}

static tw_status start_labels(conversion *c)
{
    if (!c->y) return TW_OK;
    c->y_raw = malloc(c->block * 8);
    c->y_out = malloc(c->block * 8);
    return c->y_raw && c->y_out ? TW_OK : tw_fail(TW_MEMORY, "out of memory for labels of %s", c->y->path);
}

static tw_status copy_rows(conversion *c)
{
    const size_t all = c->x->header.rows;
    for (size_t done = 0, rows; done < all; done += rows) {
        const void *x;
        rows = c->block < all - done ? c->block : all - done;
        TW_TRY(next_features(c, &rows, &x));
        if (c->y) TW_TRY(next_labels(c, rows));
        TW_TRY(tw_dataset_writer_append(c->writer, rows, x, c->y_out));
        TW_TRY(look_up(c));
    }
    if (!c->x->header.fortran) TW_TRY(check_end(c->x));
    return c->y ? check_end(c->y) : TW_OK;
}

static tw_status check_labels(conversion *c)
{
    const size_t all = c->x->header.rows;
    c->block = BLOCK_BYTES / 8 < all ? BLOCK_BYTES / 8 : all;
    TW_TRY(start_labels(c));
    for (size_t done = 0, rows; c->y && done < all; done += rows) {
        rows = c->block < all - done ? c->block : all - done;
        TW_TRY(next_labels(c, rows));
    }
    return c->y ? check_end(c->y) : TW_OK;
}

static tw_status write_file(conversion *c, const char *output, uint64_t *bytes)
{
    const tw_dataset_layout layout = {
        .rows = c->x->header.rows,
        .cols = c->x->header.cols,
        .x_type = c->x_type,
        .y_type = c->y_type,
        .gzip = c->options->gzip,
        .replace = c->options->replace,
    };
    TW_TRY(tw_dataset_writer_new(output, &layout, &c->writer));
    c->block = tw_dataset_writer_block(c->writer);
    if (c->block > layout.rows) c->block = layout.rows;
    TW_TRY(make_buffers(c));
    TW_TRY(start_labels(c));
    if (c->x->header.fortran) TW_TRY(start_columns(c, output));
    TW_TRY(copy_rows(c));
    return tw_dataset_writer_commit(c->writer, bytes);
}

/* Labels have one dimension, or one column beside features that have more. */
static tw_status tell_apart(conversion *c)
{
    const tw_npy_header *a = &c->file[0].header, *b = &c->file[1].header;
    const bool flat_a = a->dimensions == 1, flat_b = b->dimensions == 1;
    bool first = flat_a, second = flat_b;
    if (!first && !second) {
        first = a->cols == 1 && b->cols > 1;
        second = b->cols == 1 && a->cols > 1;
    }
    if (first == second)
        return tw_fail(
            TW_DATA,
            "%s and %s %s one dimension; one of two NPY files must hold the labels, with one dimension",
            c->file[0].path, c->file[1].path, flat_a ? "both have" : "both have more than");
    c->x = &c->file[first];
    c->y = &c->file[second];
    if (c->x->header.rows == c->y->header.rows) return TW_OK;
    return tw_fail(TW_DATA, "%s has %zu rows but %s has %zu labels; they must be equal", c->x->path,
                   c->x->header.rows, c->y->path, c->y->header.rows);
}

static tw_status open_inputs(conversion *c, size_t n, const char *const *inputs)
{
    c->x = &c->file[0];
    for (size_t i = 0; i < n; i++) TW_TRY(open_npy(&c->file[i], inputs[i]));
    if (n == 2) return tell_apart(c);
    if (c->x->header.dimensions > 1) return TW_OK;
    return tw_fail(
        TW_DATA,
        "%s has one dimension, so it holds labels; give the features too: thalweg convert X.npy y.npy -o "
        "OUT.h5 (a single feature is saved as a.reshape(-1, 1))",
        c->x->path);
}

static tw_status convert(conversion *c, const char *output, uint64_t *bytes)
{
    const bool kept = tw_npy_kept(&c->x->header);
    if (!kept || !output) TW_TRY(survey(c));
    c->x_type = tw_npy_feature_type(&c->x->header, &c->x->range);
    c->y_type = c->y ? tw_npy_label_type(&c->y->header) : TW_LABEL_none;
    if (!output) return check_labels(c);
    if (!kept) TW_TRY(reopen(c->x));
    return write_file(c, output, bytes);
}

static void fill_report(const conversion *c, tw_import_report *report)
{
    const tw_npy_header *h = &c->x->header;
    snprintf(report->format, sizeof report->format, "NPY, %s, %zu dimensions%s", h->descr, h->dimensions,
             h->fortran ? ", Fortran order" : "");
    report->x_input = (size_t)(c->x - c->file);
    report->rows = h->rows;
    report->cols = h->cols;
    report->x_type = c->x_type;
    report->y_type = c->y_type;
    report->n_classes = c->count.many ? 0 : c->count.count;
    report->x_missing = c->x->range.missing;
    report->y_missing = c->y ? c->y->range.missing : 0;
}

static void release(conversion *c)
{
    tw_dataset_writer_free(c->writer);
    tw_npy_columns_release(&c->columns);
    tw_output_file_release(&c->spool);
    tw_byte_source_release(&c->file[0].source);
    tw_byte_source_release(&c->file[1].source);
    free(c->raw);
    free(c->x_out);
    free(c->y_raw);
    free(c->y_out);
    free(c);
}

tw_status tw_import_npy(size_t n, const char *const *inputs, const char *output,
                        const tw_import_options *options, tw_import_report *report)
{
    conversion *c = calloc(1, sizeof *c);
    if (!c) return tw_fail(TW_MEMORY, "out of memory for %s", inputs[0]);
    c->file[0].source.fd = c->file[1].source.fd = -1;
    c->options = options;
    tw_status status = open_inputs(c, n, inputs);
    if (status == TW_OK) status = convert(c, output, &report->bytes);
    if (status == TW_OK) fill_report(c, report);
    release(c);
    return status;
}
